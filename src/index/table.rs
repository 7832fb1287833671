//! A table: the entries of one partition, in buckets of a cache line.
//!
//! CUCKOO: an address has two buckets and stands in the first that had room; where neither has, an
//! entry of theirs moves to its other one, and so on. So a look-up visits one line, seldom two, and
//! never more, at nine tenths full. Where no chain of moves ends, the table grows by an eighth:
//! that takes as long as a partition has entries, some 0.1 ms at 10 million addresses.
//!
//! LANES: a table is eight lanes of equal length, chosen by bits of the fingerprint. Both buckets of
//! an address lie in its lane, so these bits need not be stored. Nothing is ever removed: an erased
//! address stays as such.

use super::Facts;
use super::bucket::{Bucket, Lasts, SLOTS, Tag};
use super::pages::{PAGE, PER_BUCKET, Pages};
use super::prefetch::prefetch;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;

/// Bits of a fingerprint that choose the table.
pub(super) const TABLE_BITS: u32 = 12;

/// Bits below them that choose the lane.
const LANE_BITS: u32 = 3;

const LANES: usize = 1 << LANE_BITS;

/// Moves after which a table is taken for full.
const MOST_MOVES: u32 = 64;

/// The entries of one partition.
#[derive(Debug, Default)]
pub(super) struct Table {
    pages: Pages,
    /// Buckets of a lane.
    lane_buckets: u32,
    len: u32,
}

/// Where an address may stand.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Home {
    tag: Tag,
    /// The positions of its buckets.
    first: u32,
    second: u32,
}

/// What a first bucket says.
#[derive(Debug, Clone, Copy)]
pub(super) enum Look {
    Known(Facts),
    Unknown,
    /// The second bucket has to be asked.
    Elsewhere,
}

/// An entry on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) fingerprint: Fingerprint,
    pub(super) last: Revision,
    pub(super) facts: Facts,
}

impl Table {
    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        position(self.len)
    }

    /// Octets of memory.
    pub(super) fn memory(&self) -> usize {
        self.pages.memory()
    }

    /// Where an address of this table may stand.
    #[inline]
    pub(super) fn home(&self, fingerprint: Fingerprint) -> Home {
        Home::of(tag(fingerprint), lane(fingerprint), self.lane_buckets)
    }

    /// The bucket where an address stands first; none in an empty table.
    #[inline]
    pub(super) fn first(&self, home: Home) -> Option<&Bucket> {
        self.pages.buckets().get(position(home.first))
    }

    /// The bucket where it stands otherwise.
    #[inline]
    pub(super) fn second(&self, home: Home) -> Option<&Bucket> {
        self.pages.buckets().get(position(home.second))
    }

    /// Asks for what `put` will read of an address, unless it stands elsewhere.
    pub(super) fn prefetch(&self, home: Home) {
        if let Some(first) = self.first(home) {
            prefetch(first);
        }
        if let Some(lasts) = self.pages.lasts().get(position(home.first)) {
            prefetch(lasts);
        }
    }

    /// What is known of an address.
    pub(super) fn facts(&self, home: Home) -> Option<Facts> {
        let (bucket, slot) = self.find(home)?;
        Some(self.pages.buckets()[bucket].facts(slot))
    }

    /// What its first bucket says of an address.
    #[inline]
    pub(super) fn look(&self, home: Home) -> Look {
        match self.first(home) {
            Some(first) => match first.find(home.tag) {
                Some(slot) => Look::Known(first.facts(slot)),
                None if first.is_overflown() => Look::Elsewhere,
                None => Look::Unknown,
            },
            None => Look::Unknown,
        }
    }

    /// The revision of its last event.
    pub(super) fn last(&self, home: Home) -> Option<Revision> {
        let (bucket, slot) = self.find(home)?;
        Some(self.pages.lasts()[bucket].get(slot))
    }

    fn find(&self, home: Home) -> Option<(usize, usize)> {
        let first = self.first(home)?;
        if let Some(slot) = first.find(home.tag) {
            return Some((position(home.first), slot));
        }
        if !first.is_overflown() {
            return None;
        }
        let slot = self.second(home)?.find(home.tag)?;
        Some((position(home.second), slot))
    }

    /// Puts an entry in place of that of the same address.
    pub(super) fn put(&mut self, entry: &Entry) {
        let home = self.home(entry.fingerprint);
        if let Some((bucket, slot)) = self.find(home) {
            let (buckets, lasts) = self.pages.parts();
            buckets[bucket].put(slot, home.tag, entry.facts);
            lasts[bucket].put(slot, entry.last);
            return;
        }
        self.len = self.len.saturating_add(1);
        let lane = lane(entry.fingerprint);
        let mut coming = Coming { tag: home.tag, facts: entry.facts, last: entry.last };
        while let Err(left) = self.room().insert(lane, coming) {
            // Whoever is left without a place belongs to the same lane.
            coming = left;
            self.resize(self.lane_buckets + (self.lane_buckets / 8).max(1));
        }
    }

    /// Makes room for so many entries, if the table is empty.
    pub(super) fn reserve(&mut self, entries: usize) {
        if self.len == 0 {
            let buckets = entries.div_ceil(SLOTS * LANES);
            // Lanes differ in length by chance.
            let spare = buckets / 8 + 1;
            self.resize(u32::try_from(buckets + spare).unwrap_or(0));
        }
    }

    /// Every entry, bucket by bucket.
    pub(super) fn iter(&self, table: usize) -> impl Iterator<Item = Entry> {
        let all = self.pages.buckets().iter().zip(self.pages.lasts()).enumerate();
        let length = position(self.lane_buckets).max(1);
        all.flat_map(move |(at, (bucket, lasts))| {
            (0..SLOTS).filter_map(move |slot| {
                let fingerprint = fingerprint(table, at / length, bucket.tag(slot)?);
                Some(Entry { fingerprint, last: lasts.get(slot), facts: bucket.facts(slot) })
            })
        })
    }

    fn room(&mut self) -> Room<'_> {
        let (buckets, lasts) = self.pages.parts();
        Room { buckets, lasts, lane_buckets: self.lane_buckets }
    }

    /// Gives each lane at least so many buckets: as many as the last page has room for.
    fn resize(&mut self, lane_buckets: u32) {
        let mut wanted = lane_buckets;
        loop {
            let octets = (position(wanted) * LANES * PER_BUCKET).next_multiple_of(PAGE);
            let lane_buckets = u32::try_from(octets / (LANES * PER_BUCKET)).unwrap_or(wanted);
            let pages = Pages::new(position(lane_buckets) * LANES);
            let mut next = Self { pages, lane_buckets, len: self.len };
            if next.room().insert_all(self) {
                *self = next;
                return;
            }
            wanted = lane_buckets + (lane_buckets / 8).max(1);
        }
    }
}

/// An entry without a place.
#[derive(Debug, Clone, Copy)]
struct Coming {
    tag: Tag,
    facts: Facts,
    last: Revision,
}

/// The slots of a table.
struct Room<'a> {
    buckets: &'a mut [Bucket],
    lasts: &'a mut [Lasts],
    lane_buckets: u32,
}

impl Room<'_> {
    /// Finds a place for an entry that is not there; gives back one that has none.
    fn insert(&mut self, lane: u32, mut coming: Coming) -> Result<(), Coming> {
        if self.lane_buckets == 0 {
            return Err(coming);
        }
        let mut home = Home::of(coming.tag, lane, self.lane_buckets);
        if self.settle(home.first, &coming) {
            return Ok(());
        }
        let mut at = home.second;
        for moves in 0..MOST_MOVES {
            if at == home.second {
                self.buckets[position(home.first)].set_overflown();
            }
            if self.settle(at, &coming) {
                return Ok(());
            }
            // Takes the place of another, which goes to its other bucket.
            let slot = position((moves ^ coming.tag.middle) % 3);
            let Some(moved) = self.entry(position(at), slot) else { break };
            self.put(position(at), slot, &coming);
            coming = moved;
            home = Home::of(coming.tag, lane, self.lane_buckets);
            at = if at == home.first { home.second } else { home.first };
        }
        Err(coming)
    }

    /// Whether every entry of another table found a place.
    fn insert_all(&mut self, from: &Table) -> bool {
        let lane_length = position(from.lane_buckets).max(1);
        let all = from.pages.buckets().iter().zip(from.pages.lasts()).enumerate();
        for (at, (bucket, lasts)) in all {
            let lane = u32::try_from(at / lane_length).unwrap_or(0);
            for slot in 0..SLOTS {
                let Some(tag) = bucket.tag(slot) else { continue };
                let coming = Coming { tag, facts: bucket.facts(slot), last: lasts.get(slot) };
                if self.insert(lane, coming).is_err() {
                    return false;
                }
            }
        }
        true
    }

    /// Puts an entry into a bucket, if it has room.
    #[inline]
    fn settle(&mut self, bucket: u32, coming: &Coming) -> bool {
        let bucket = position(bucket);
        let empty = self.buckets[bucket].empty();
        if let Some(slot) = empty {
            self.put(bucket, slot, coming);
        }
        empty.is_some()
    }

    #[inline]
    fn put(&mut self, bucket: usize, slot: usize, coming: &Coming) {
        self.buckets[bucket].put(slot, coming.tag, coming.facts);
        self.lasts[bucket].put(slot, coming.last);
    }

    #[inline]
    fn entry(&self, bucket: usize, slot: usize) -> Option<Coming> {
        let (held, lasts) = (&self.buckets[bucket], &self.lasts[bucket]);
        let tag = held.tag(slot)?;
        Some(Coming { tag, facts: held.facts(slot), last: lasts.get(slot) })
    }
}

impl Home {
    /// The buckets of an address in tables whose lanes have so many.
    #[inline]
    fn of(tag: Tag, lane: u32, lane_buckets: u32) -> Self {
        let begin = lane * lane_buckets;
        // The product of 32 bits and a length, less 32 bits, is evenly below the length.
        let within = |bits: u64| {
            let [.., a, b, c, d] = (bits * u64::from(lane_buckets)).to_le_bytes();
            begin + u32::from_le_bytes([a, b, c, d])
        };
        // A fingerprint is a keyed hash; the products let its every bit count all the same.
        let high = u64::from(tag.high) << 32 | u64::from(tag.middle);
        let spread = |bits: u64| bits.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        Self { tag, first: within(spread(high)), second: within(spread(tag.low)) }
    }
}

/// The number of the table that a fingerprint belongs to: its highest bits.
#[inline]
pub(super) fn table(fingerprint: Fingerprint) -> usize {
    usize::try_from(fingerprint.bits() >> (128 - TABLE_BITS)).unwrap_or(0)
}

#[inline]
fn lane(fingerprint: Fingerprint) -> u32 {
    let bits = fingerprint.bits() << TABLE_BITS >> (128 - LANE_BITS);
    u32::try_from(bits).unwrap_or(0)
}

/// What neither table nor lane tells.
#[inline]
fn tag(fingerprint: Fingerprint) -> Tag {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, _] = fingerprint.bits().to_le_bytes();
    Tag {
        low: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        middle: u32::from_le_bytes([i, j, k, l]),
        high: u32::from_le_bytes([m, n, o & 1, 0]),
    }
}

fn fingerprint(table: usize, lane: usize, tag: Tag) -> Fingerprint {
    let wide = |number: usize| u128::try_from(number).unwrap_or(0);
    let above = wide(table) << (128 - TABLE_BITS) | wide(lane) << (128 - TABLE_BITS - LANE_BITS);
    let tag = u128::from(tag.high) << 96 | u128::from(tag.middle) << 64 | u128::from(tag.low);
    Fingerprint::new(above | tag)
}

#[inline]
fn position(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
