//! A bucket: three entries in one cache line, so that a look-up costs one miss.
//!
//! LAYOUT: each field lies by slot, so that all three tags are compared at once. A slot is 21 octets
//! and two bits: 113 bits of the fingerprint, two days or the place of a run, and a shape. The other
//! 15 bits of the fingerprint are the number of its lane (`table`), so that none of the 128 is lost.
//! The revision of the last event is not asked by checks; it stands beside the buckets.

use bytemuck::{Pod, Zeroable};

use super::Facts;
use super::days::Held;
use super::shapes::ShapeId;
use crate::model::revision::Revision;

/// Entries of a bucket.
pub(super) const SLOTS: usize = 3;

/// Shapes that a slot can tell apart.
pub(super) const MAX_SHAPES: u32 = (1 << 25) - 1;

/// What a slot keeps of a fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tag {
    pub(super) low: u64,
    pub(super) middle: u32,
    /// 17 bits.
    pub(super) high: u32,
}

/// One cache line. All zero is empty.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
pub(super) struct Bucket {
    low: [u64; SLOTS],
    middle: [u32; SLOTS],
    days: [u32; SLOTS],
    high: [u16; SLOTS],
    /// The number of the shape and one, so that zero is an empty slot.
    shape: [u16; SLOTS],
    shape_middle: [u8; SLOTS],
    /// Of slot n: bit 2n is the highest of the tag, bit 2n + 1 that of the shape. Above them
    /// `OVERFLOWN`.
    rest: u8,
}

/// Some entry that belongs here first stands in its second bucket.
const OVERFLOWN: u8 = 1 << 7;

/// The lowest of three bits that is set; `SLOTS` where none is.
const FIRST: [usize; 1 << SLOTS] = [SLOTS, 0, 1, 0, 2, 0, 1, 0];

const _: () = assert!(size_of::<Bucket>() == 64);

impl Bucket {
    /// The slot of a tag.
    #[inline]
    pub(super) fn find(&self, tag: Tag) -> Option<usize> {
        // No branch for each slot: which of them it is nobody can foretell.
        let same = |slot: usize| usize::from(self.low[slot] == tag.low);
        let slot = FIRST[same(0) | same(1) << 1 | same(2) << 2];
        if slot == SLOTS {
            return None;
        }
        if self.tag(slot) == Some(tag) { Some(slot) } else { self.find_among(tag) }
    }

    /// The same where two entries share 64 bits, or a tag those of an empty slot.
    #[cold]
    fn find_among(&self, tag: Tag) -> Option<usize> {
        (0..SLOTS).find(|&slot| self.tag(slot) == Some(tag))
    }

    /// The tag of a slot, if there is an entry.
    #[inline]
    pub(super) fn tag(&self, slot: usize) -> Option<Tag> {
        let high = u32::from(self.high[slot]) | (u32::from(self.rest >> (2 * slot)) & 1) << 16;
        let tag = Tag { low: self.low[slot], middle: self.middle[slot], high };
        (self.stored_shape(slot) != 0).then_some(tag)
    }

    /// What is known of the address of a slot that holds one.
    #[inline]
    pub(super) fn facts(&self, slot: usize) -> Facts {
        let shape = ShapeId::of_number(self.stored_shape(slot).saturating_sub(1));
        Facts { shape, days: Held::of_bits(self.days[slot]) }
    }

    /// A slot that holds nothing.
    pub(super) fn empty(&self) -> Option<usize> {
        (0..SLOTS).find(|&slot| self.stored_shape(slot) == 0)
    }

    /// Puts an entry into a slot.
    pub(super) fn put(&mut self, slot: usize, tag: Tag, facts: Facts) {
        let [high_low, high_middle, high_top, _] = tag.high.to_le_bytes();
        // INVARIANT(shapes25): `Shapes` hands out no number that does not fit.
        let [low, middle, high, top] = (facts.shape.number() + 1).to_le_bytes();
        self.low[slot] = tag.low;
        self.middle[slot] = tag.middle;
        self.days[slot] = facts.days.bits();
        self.high[slot] = u16::from_le_bytes([high_low, high_middle]);
        self.shape[slot] = u16::from_le_bytes([low, middle]);
        self.shape_middle[slot] = high;
        let bits = (high_top & 1) | (top & 1) << 1;
        self.rest = self.rest & !(3 << (2 * slot)) | bits << (2 * slot);
    }

    /// Whether an entry that belongs here first may stand in its second bucket.
    #[inline]
    pub(super) fn is_overflown(&self) -> bool {
        self.rest & OVERFLOWN != 0
    }

    pub(super) fn set_overflown(&mut self) {
        self.rest |= OVERFLOWN;
    }

    #[inline]
    fn stored_shape(&self, slot: usize) -> u32 {
        let top = (self.rest >> (2 * slot + 1)) & 1;
        let [low, middle] = self.shape[slot].to_le_bytes();
        u32::from_le_bytes([low, middle, self.shape_middle[slot], top])
    }
}

/// The revisions of the last events of a bucket's entries, by slot: 40 bits each. So many records
/// are a ledger of a hundred terabytes.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Lasts([[u8; 5]; SLOTS]);

impl Lasts {
    pub(super) fn get(&self, slot: usize) -> Revision {
        let [a, b, c, d, e] = self.0[slot];
        Revision::new(u64::from_le_bytes([a, b, c, d, e, 0, 0, 0]))
    }

    pub(super) fn put(&mut self, slot: usize, last: Revision) {
        let [a, b, c, d, e, ..] = last.number().min((1 << 40) - 1).to_le_bytes();
        self.0[slot] = [a, b, c, d, e];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_keeps_every_bit_of_its_entry_and_leaves_the_others_alone() {
        let entry = |n: u32| {
            let ones = u32::MAX >> (n % 20);
            let tag = Tag {
                low: u64::from(ones) << 32 | u64::from(n),
                middle: ones ^ n,
                high: (ones ^ n) & 0x1_FFFF,
            };
            let shape = ShapeId::of_number((ones ^ n) & (MAX_SHAPES - 1));
            (tag, Facts { shape, days: Held::of_bits(!n) })
        };
        let mut bucket = Bucket::zeroed();
        let mut held = [None; SLOTS];
        for n in 0..10_000 {
            let slot = usize::try_from(n * 7 % 3).unwrap();
            let (tag, facts) = entry(n);
            bucket.put(slot, tag, facts);
            held[slot] = Some((tag, facts));
            if n == 5_000 {
                bucket.set_overflown();
            }
            assert_eq!(bucket.is_overflown(), n >= 5_000);
            for (slot, held) in held.iter().enumerate() {
                assert_eq!(bucket.tag(slot), held.map(|(tag, _)| tag));
                if let Some((tag, facts)) = held {
                    assert_eq!(bucket.find(*tag), Some(slot));
                    assert_eq!(bucket.facts(slot).shape, facts.shape);
                    assert_eq!(bucket.facts(slot).days, facts.days);
                }
            }
        }
    }

    #[test]
    fn one_bit_makes_another_tag() {
        let tag = Tag { low: 5, middle: 6, high: 0x1_0007 };
        let mut bucket = Bucket::zeroed();
        let facts = Facts { shape: ShapeId::of_number(0), days: Held::of_bits(0) };
        bucket.put(1, tag, facts);
        assert_eq!(bucket.find(tag), Some(1));
        for bit in 0..64 {
            assert_eq!(bucket.find(Tag { low: tag.low ^ 1 << bit, ..tag }), None);
        }
        for bit in 0..32 {
            assert_eq!(bucket.find(Tag { middle: tag.middle ^ 1 << bit, ..tag }), None);
        }
        for bit in 0..17 {
            assert_eq!(bucket.find(Tag { high: tag.high ^ 1 << bit, ..tag }), None);
        }
        assert_eq!(bucket.find(Tag { low: 0, middle: 0, high: 0 }), None);
    }

    #[test]
    fn revisions_keep_forty_bits() {
        let mut lasts = Lasts::zeroed();
        for number in [0, 1, 0xFF_FFFF_FFFF, 0x12_3456_789A] {
            lasts.put(2, Revision::new(number));
            assert_eq!(lasts.get(2), Revision::new(number));
        }
        lasts.put(1, Revision::new(u64::MAX));
        assert_eq!(lasts.get(1), Revision::new(0xFF_FFFF_FFFF));
    }
}
