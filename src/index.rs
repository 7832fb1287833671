//! The index: the profile of every address, in memory, by fingerprint.
//!
//! LAYOUT: as many tables as partitions, chosen by the top bits of the fingerprint, so that each
//! grows on its own and a resize is short. An entry is 32 octets: fingerprint, last revision, the
//! number of its shape (`shapes`), its days (`days`). All 128 bits are compared. What few
//! addresses need, the runs of days and the owner's yeses, stands beside the tables, so that a
//! probe does not drag it through the cache.
//!
//! REPLAY: an entry keeps the revision of the last change and skips what is not above it. So
//! partitions may be copied one after another while writes go on, and replay over such a fuzzy
//! copy ends where it should.
//!
//! The index is the answer, not the truth: everything here can be made again from the ledger.

mod days;
mod image;
mod lookup;
mod moves;
mod plan;
mod shapes;
mod yeses;

pub mod compiled;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;

use hashbrown::HashTable;

use crate::catalog::reload::Used;
use crate::model::day::Day;
use crate::model::event::{Effect, Event, OwnerProof};
use crate::model::fact::Erasure;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::profile::Profile;

pub use compiled::Compiled;
pub use image::{ImageError, Loader, MAX_CHUNK};
pub use lookup::{Base, Batch};
pub use shapes::Slot;
pub use yeses::Yes;

use days::{Arena, Held};
use moves::{Moves, Source, said};
use shapes::{ShapeId, Shapes};

/// Most partitions of one index.
pub const MAX_PARTITIONS: usize = 1 << 20;

/// Addresses per partition that keep its image well below 64 KiB: 28 octets each and their days.
const ENTRIES_PER_PARTITION: usize = 1 << 11;

/// The profiles of all addresses that anybody ever named.
pub struct Index {
    /// By partition.
    tables: Box<[HashTable<Entry>]>,
    /// By partition.
    sides: Box<[Side]>,
    /// Binary logarithm of the number of partitions.
    partition_bits: u32,
    shapes: Shapes,
    moves: Moves,
    used: Used,
    head: Revision,
    /// Room for the days of the profile at hand.
    scratch: Vec<u16>,
}

/// What is known of one address. Aligned to its size, so that none lies in two cache lines.
#[derive(Debug, Clone, Copy)]
#[repr(align(32))]
struct Entry {
    fingerprint: Fingerprint,
    last: Revision,
    facts: Facts,
}

/// A profile as an entry holds it.
#[derive(Debug, Clone, Copy)]
struct Facts {
    shape: ShapeId,
    days: Held,
}

impl Facts {
    /// Of an address that nobody ever named.
    const NONE: Self = Self { shape: ShapeId::UNNAMED, days: Held::NONE };
}

const _: () = assert!(size_of::<Entry>() == 32);

/// What a partition holds of few addresses.
#[derive(Debug, Default)]
struct Side {
    arena: Arena,
    /// Of tagged addresses: the owner's last yes proved by mailbox or session.
    owner_yes: HashMap<Fingerprint, Revision>,
}

/// The facts of one address, and the revision of the last event that named it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// The facts.
    pub profile: Profile,
    /// Where its history begins, backwards.
    pub last: Revision,
}

/// What one event changes in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<'a> {
    /// Whose profile.
    pub fingerprint: Fingerprint,
    /// The place of the event.
    pub revision: Revision,
    /// Whether the address has a plus tag.
    pub tagged: bool,
    /// Of an owner's yes: what proved it.
    pub owner_proof: Option<OwnerProof>,
    /// What it changes; may be nothing.
    pub effects: &'a [Effect],
}

impl<'a> From<&'a Event> for Change<'a> {
    fn from(event: &'a Event) -> Self {
        Self {
            fingerprint: event.fingerprint,
            revision: event.revision,
            tagged: event.tagged,
            owner_proof: event.statement.owner_proof,
            effects: &event.statement.effects,
        }
    }
}

impl Index {
    /// An empty index. The number of partitions is raised to a power of two and cut to
    /// `MAX_PARTITIONS`.
    #[must_use]
    pub fn new(partitions: usize) -> Self {
        let partitions = partitions.clamp(1, MAX_PARTITIONS).next_power_of_two();
        Self {
            tables: (0..partitions).map(|_| HashTable::new()).collect(),
            sides: (0..partitions).map(|_| Side::default()).collect(),
            partition_bits: partitions.trailing_zeros(),
            shapes: Shapes::default(),
            moves: Moves::default(),
            used: Used::default(),
            head: Revision::ZERO,
            scratch: Vec::new(),
        }
    }

    /// The number of partitions that keeps the images of so many addresses below 64 KiB.
    #[must_use]
    pub fn partitions_for(addresses: usize) -> usize {
        let partitions = addresses.div_ceil(ENTRIES_PER_PARTITION);
        partitions.clamp(1, MAX_PARTITIONS).next_power_of_two()
    }

    /// The revision up to which the ledger was applied, as the caller set it.
    #[must_use]
    pub fn head(&self) -> Revision {
        self.head
    }

    /// Notes that the ledger was applied up to here. Not every revision is a change: some name no
    /// address.
    pub fn set_head(&mut self, head: Revision) {
        self.head = head;
    }

    /// How many addresses are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tables.iter().map(HashTable::len).sum()
    }

    /// Whether no address is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tables.iter().all(HashTable::is_empty)
    }

    /// How many partitions there are.
    #[must_use]
    pub fn partitions(&self) -> usize {
        self.tables.len()
    }

    /// How many shapes there are.
    #[must_use]
    pub fn shapes(&self) -> usize {
        self.shapes.len()
    }

    /// Octets of memory of tables, days and owner's yeses; shapes not counted.
    #[must_use]
    pub fn memory(&self) -> usize {
        let tables: usize = self.tables.iter().map(|t| t.allocation_size() + size_of_val(t)).sum();
        let sides = self.sides.iter().map(|side| {
            let yes = size_of::<(Fingerprint, Revision)>() + 1;
            size_of_val(side) + side.arena.memory() + side.owner_yes.capacity() * yes
        });
        tables + sides.sum::<usize>()
    }

    /// What is known of an address; none where nobody ever named it. Not for the hot path.
    #[must_use]
    pub fn get(&self, fingerprint: Fingerprint) -> Option<Known> {
        let entry = self.entry(fingerprint)?;
        Some(Known { profile: self.profile(fingerprint, entry.facts), last: entry.last })
    }

    /// Of a tagged address: the revision of the owner's last yes that mailbox or session proved;
    /// zero where there is none.
    #[must_use]
    pub fn owner_yes(&self, fingerprint: Fingerprint) -> Revision {
        let side = &self.sides[self.partition_of(fingerprint)];
        side.owner_yes.get(&fingerprint).copied().unwrap_or_default()
    }

    /// Every controller, brand and topic that has or had facts.
    #[must_use]
    pub fn used(&self) -> &Used {
        &self.used
    }

    /// Applies what one event changes; skips what is not above the address's last revision.
    pub fn apply(&mut self, change: &Change<'_>) {
        let Change { fingerprint, revision, tagged, owner_proof, effects } = *change;
        let old = self.entry(fingerprint).copied();
        if old.is_some_and(|old| revision <= old.last) {
            return;
        }
        let old = old.map_or(Facts::NONE, |old| old.facts);
        let partition = self.partition_of(fingerprint);
        let side = &mut self.sides[partition];
        let (step, is_new) = self.moves.of(old.shape, effects, &mut self.shapes);
        if is_new {
            // What was learned before has been noted before.
            effects.iter().for_each(|effect| self.used.note(effect));
        }
        self.scratch.clear();
        self.scratch.extend(step.days.iter().map(|source| {
            let day = match *source {
                Source::Held(slot) => side.arena.day(old.days, step.held, slot.position()),
                Source::Said(at) => effects.get(at).and_then(said),
            };
            day.unwrap_or_default().index()
        }));
        let days = side.arena.replace(old.days, step.held, &self.scratch);
        let facts = Facts { shape: step.to, days };
        let new = Entry { fingerprint, last: revision, facts };
        put(&mut self.tables[partition], new);
        // After an erasure nothing outweighs the base: replay without the erased events, which
        // no longer tell of a yes, must end here too.
        if effects.contains(&Effect::Erasure(Erasure::Erased)) {
            side.owner_yes.remove(&fingerprint);
        } else if tagged && owner_proof.is_some() {
            side.owner_yes.insert(fingerprint, revision);
        }
    }

    #[inline]
    fn entry(&self, fingerprint: Fingerprint) -> Option<&Entry> {
        let same = |entry: &Entry| entry.fingerprint == fingerprint;
        self.tables[self.partition_of(fingerprint)].find(hash(fingerprint), same)
    }

    fn profile(&self, fingerprint: Fingerprint, facts: Facts) -> Profile {
        let shape = self.shapes.shape(facts.shape);
        shape.facts.map_days(|slot| self.day(fingerprint, facts, slot).unwrap_or_default())
    }

    fn day(&self, fingerprint: Fingerprint, facts: Facts, slot: Slot) -> Option<Day> {
        let arena = &self.sides[self.partition_of(fingerprint)].arena;
        arena.day(facts.days, self.shapes.shape(facts.shape).days, slot.position())
    }

    /// The top bits choose; `hash` takes others.
    #[inline]
    fn partition_of(&self, fingerprint: Fingerprint) -> usize {
        let top = u64::try_from(fingerprint.bits() >> 64).unwrap_or(0);
        let mask = self.tables.len() - 1;
        usize::try_from(top.rotate_left(self.partition_bits)).unwrap_or(0) & mask
    }
}

/// The low half of a fingerprint: it is a keyed hash already.
#[inline]
fn hash(fingerprint: Fingerprint) -> u64 {
    u64::try_from(fingerprint.bits() & u128::from(u64::MAX)).unwrap_or(0)
}

/// Puts an entry in place of that of the same address.
fn put(table: &mut HashTable<Entry>, new: Entry) {
    let same = |entry: &Entry| entry.fingerprint == new.fingerprint;
    let rehash = |entry: &Entry| hash(entry.fingerprint);
    table.entry(hash(new.fingerprint), same, rehash).insert(new);
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Index");
        debug.field("head", &self.head).field("len", &self.len()).field("shapes", &self.shapes());
        debug.finish_non_exhaustive()
    }
}
