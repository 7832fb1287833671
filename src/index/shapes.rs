//! Shapes: profiles without their days. Raw days would make nearly every profile unique; without
//! them millions of addresses share a few thousand shapes.
//!
//! INVARIANT(shapes): a shape keeps its number as long as the process lives; new ones are added at
//! the end. So compiled plans stay right, and a checkpoint that copies the dictionary after the
//! partitions holds every shape that they name.
//! INVARIANT(shapes25): no number has more than 25 bits, since a bucket has no room for more.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::bucket::MAX_SHAPES;
use super::pages::without_memory;
use crate::profile::Profile;

/// The place of a day among the days of an entry, in the order of `Profile::map_days`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Slot(u32);

impl Slot {
    /// The place as a position in a slice.
    #[must_use]
    pub fn position(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// The number of a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ShapeId(u32);

impl ShapeId {
    /// The shape of an address that nobody ever named.
    pub(super) const UNNAMED: Self = Self(0);

    pub(super) const fn number(self) -> u32 {
        self.0
    }

    /// The shape of this number, which was handed out.
    #[inline]
    pub(super) const fn of_number(number: u32) -> Self {
        Self(number)
    }

    #[inline]
    pub(super) fn position(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// A profile without its days.
#[derive(Debug)]
pub(super) struct Shape {
    /// The facts; each day is the place where an entry holds it.
    pub(super) facts: Profile<Slot>,
    /// How many days an entry of this shape holds.
    pub(super) days: usize,
}

/// The dictionary of shapes.
#[derive(Debug)]
pub(super) struct Shapes {
    all: Vec<Shape>,
    /// Hash of the facts and number of the shape. The hash is kept so that growing need not visit
    /// every shape.
    numbers: HashTable<(u64, ShapeId)>,
    hasher: RandomState,
}

impl Default for Shapes {
    fn default() -> Self {
        let mut shapes =
            Self { all: Vec::new(), numbers: HashTable::new(), hasher: RandomState::new() };
        shapes.number(&Profile::<Slot>::default());
        shapes
    }
}

impl Shapes {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// A shape that this dictionary handed out.
    pub(super) fn shape(&self, id: ShapeId) -> &Shape {
        &self.all[id.position()]
    }

    /// The shape of this number, if it was ever handed out.
    pub(super) fn known(&self, number: u32) -> Option<ShapeId> {
        let id = ShapeId(number);
        (id.position() < self.all.len()).then_some(id)
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Shape> {
        self.all.iter()
    }

    /// The shape of a profile, added if it is new.
    pub(super) fn number<D: Copy>(&mut self, profile: &Profile<D>) -> ShapeId {
        let mut next = 0;
        let facts = profile.map_days(|_| {
            let slot = Slot(next);
            next += 1;
            slot
        });
        let hash = self.hasher.hash_one(&facts);
        let same = |&(_, id): &(u64, ShapeId)| self.all[id.position()].facts == facts;
        if let Some(&(_, id)) = self.numbers.find(hash, same) {
            return id;
        }
        let id = self.next_id();
        self.all.push(Shape { facts, days: Slot(next).position() });
        self.numbers.insert_unique(hash, (hash, id), |&(hash, _)| hash);
        id
    }

    fn next_id(&self) -> ShapeId {
        let number = u32::try_from(self.all.len()).ok().filter(|number| *number < MAX_SHAPES);
        // So many shapes are sixteen gigabytes and more: this is the end of memory, too.
        ShapeId(number.unwrap_or_else(|| without_memory(usize::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::day::Day;
    use crate::model::fact::{Basis, Declaration};
    use crate::model::scope::{BrandId, ControllerId, Scope};

    fn asked(day: u16, since: u16) -> Profile {
        let brand = BrandId::new(ControllerId::new(0), 0);
        let yes = Declaration::Yes { basis: Basis::Consent, day: Day::new(day) };
        let mut profile = Profile::default();
        profile.declarations.insert(Scope::Brand(brand), yes);
        profile.asked.insert(brand, Day::new(since));
        profile
    }

    #[test]
    fn profiles_that_differ_in_days_alone_share_a_shape() {
        let mut shapes = Shapes::default();
        let id = shapes.number(&asked(1, 2));
        assert_eq!(shapes.number(&asked(3, 3)), id);
        assert_eq!(shapes.shape(id).days, 2);
        assert_eq!(shapes.len(), 2);
    }

    #[test]
    fn the_first_shape_is_that_of_an_unnamed_address() {
        let mut shapes = Shapes::default();
        assert_eq!(shapes.number(&Profile::<Day>::default()), ShapeId::UNNAMED);
        assert_eq!(shapes.shape(ShapeId::UNNAMED).days, 0);
    }
}
