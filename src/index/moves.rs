//! Moves: what effects make of a shape, remembered, so that the next address that goes the same way
//! need not have its profile built. Few ways are many: a campaign's yeses go from few shapes to few.
//!
//! A move knows of each day where it comes from and never which day it is. The effects that it is
//! found by are held without their days.
//!
//! BOUND: at `CAPACITY` moves, or `PARTS` effects and days in all of them, all are forgotten; those
//! that are still gone are learned again at once.

use std::hash::{BuildHasher, Hasher};

use hashbrown::HashTable;

use super::shapes::{Shape, ShapeId, Shapes, Slot};
use crate::model::day::Day;
use crate::model::event::Effect;

/// Moves that are remembered: some 15 MB. Few under test, so that tests forget.
const CAPACITY: usize = if cfg!(test) { 8 } else { 1 << 16 };

/// Effects and days that are remembered: some 15 MB, where moves are few and long.
const PARTS: usize = 1 << 20;

/// Where a day of the new shape comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The entry held it.
    Held(Slot),
    /// The effect at this place says it.
    Said(usize),
}

/// What effects make of a shape.
#[derive(Debug)]
pub(super) struct Move {
    from: ShapeId,
    /// Their days are of no account.
    effects: Box<[Effect]>,
    /// How many days an entry holds before.
    pub(super) held: usize,
    /// The shape that follows.
    pub(super) to: ShapeId,
    /// By slot of that shape.
    pub(super) days: Box<[Source]>,
}

/// The moves of late.
#[derive(Debug, Default)]
pub(super) struct Moves {
    all: Vec<Move>,
    /// Hash and place of each.
    places: HashTable<(u64, usize)>,
    /// Effects and days of all.
    parts: usize,
    hasher: Folding,
}

impl Moves {
    /// The move, learned if it is not remembered; and whether it was learned now.
    pub(super) fn of(
        &mut self,
        from: ShapeId,
        effects: &[Effect],
        shapes: &mut Shapes,
    ) -> (&Move, bool) {
        let hash = self.hash(from, effects);
        let same = |&(_, at): &(u64, usize)| self.all[at].is(from, effects);
        let found = self.places.find(hash, same).map(|&(_, at)| at);
        if found.is_none() && (self.all.len() >= CAPACITY || self.parts >= PARTS) {
            self.all.clear();
            self.places.clear();
            self.parts = 0;
        }
        let at = found.unwrap_or(self.all.len());
        if found.is_none() {
            let learned = Move::learned(from, effects, shapes);
            self.parts += learned.effects.len() + learned.days.len();
            self.all.push(learned);
            self.places.insert_unique(hash, (hash, at), |&(hash, _)| hash);
        }
        (&self.all[at], found.is_none())
    }

    fn hash(&self, from: ShapeId, effects: &[Effect]) -> u64 {
        use std::hash::Hash as _;
        let mut hasher = self.hasher.build_hasher();
        from.hash(&mut hasher);
        for effect in effects {
            undated(*effect).hash(&mut hasher);
        }
        hasher.finish()
    }
}

impl Move {
    fn learned(from: ShapeId, effects: &[Effect], shapes: &mut Shapes) -> Self {
        let Shape { facts, days: held } = shapes.shape(from);
        let (mut profile, held) = (facts.map_days(Source::Held), *held);
        for (at, effect) in effects.iter().enumerate() {
            profile.apply_holding(*effect, |_| Source::Said(at));
        }
        let to = shapes.number(&profile);
        let mut days = Vec::with_capacity(shapes.shape(to).days);
        profile.map_days(|source| days.push(source));
        let effects = effects.iter().copied().map(undated).collect();
        Self { from, effects, held, to, days: days.into() }
    }

    fn is(&self, from: ShapeId, effects: &[Effect]) -> bool {
        self.from == from
            && self.effects.len() == effects.len()
            && self.effects.iter().zip(effects).all(|(held, effect)| *held == undated(*effect))
    }
}

/// The day that an effect says.
pub(super) fn said(effect: &Effect) -> Option<Day> {
    match *effect {
        Effect::Yes { scope: _, basis: _, day } | Effect::Asked(_, day) => Some(day),
        Effect::Register(_)
        | Effect::No { .. }
        | Effect::Undeclare(_)
        | Effect::Block(_)
        | Effect::Unblock(_)
        | Effect::Erasure(_) => None,
    }
}

/// The effect with no day in particular.
fn undated(effect: Effect) -> Effect {
    let day = Day::new(0);
    match effect {
        Effect::Yes { scope, basis, day: _ } => Effect::Yes { scope, basis, day },
        Effect::Asked(brand, _) => Effect::Asked(brand, day),
        Effect::Register(_)
        | Effect::No { .. }
        | Effect::Undeclare(_)
        | Effect::Block(_)
        | Effect::Unblock(_)
        | Effect::Erasure(_) => effect,
    }
}

/// Makes hashers that multiply: what is hashed here are a few small numbers of whoever may write,
/// the standard hasher takes longer than all else about a move, and the worst that many alike can
/// do is to be `CAPACITY` of them.
#[derive(Debug, Clone, Copy, Default)]
struct Folding;

#[derive(Debug)]
struct Folded(u64);

impl BuildHasher for Folding {
    type Hasher = Folded;

    fn build_hasher(&self) -> Folded {
        Folded(0)
    }
}

impl Folded {
    fn fold(&mut self, number: u64) {
        // The factor of splitmix64.
        self.0 = (self.0.rotate_left(23) ^ number).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
}

impl Hasher for Folded {
    fn write(&mut self, octets: &[u8]) {
        octets.iter().for_each(|octet| self.fold(u64::from(*octet)));
    }

    fn write_u8(&mut self, number: u8) {
        self.fold(u64::from(number));
    }

    fn write_u16(&mut self, number: u16) {
        self.fold(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.fold(u64::from(number));
    }

    fn write_isize(&mut self, number: isize) {
        self.fold(u64::from_ne_bytes(i64::try_from(number).unwrap_or(0).to_ne_bytes()));
    }

    fn finish(&self) -> u64 {
        // A product is strong in its high bits, and a table looks at the low ones as well.
        self.0 ^ (self.0 >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fact::{Basis, Erasure};
    use crate::model::scope::{BrandId, ControllerId, Scope};
    use crate::profile::Profile;

    /// The same ones four times, each time of other days.
    fn effects(step: u16) -> Vec<Effect> {
        let turn = step / 4;
        let controller = ControllerId::new(0);
        let brand = BrandId::new(controller, turn % 3);
        let (scope, basis, day) = (Scope::Brand(brand), Basis::Consent, Day::new(step * 7));
        match turn % 7 {
            0 => vec![Effect::Register(controller), Effect::Yes { scope, basis, day }],
            1 => vec![Effect::Asked(brand, day), Effect::Asked(brand, Day::new(step))],
            2 => Vec::new(),
            3 => vec![Effect::Erasure(Erasure::Erased)],
            4 => vec![Effect::Yes { scope, basis, day }, Effect::Undeclare(scope)],
            _ => vec![Effect::Yes { scope, basis, day }],
        }
    }

    #[test]
    fn a_move_leads_where_the_profile_leads_learned_or_remembered() {
        let (mut moves, mut shapes) = (Moves::default(), Shapes::default());
        let (mut learned, mut remembered) = (0, 0);
        let (mut profile, mut shape, mut days) = (Profile::default(), ShapeId::UNNAMED, vec![]);
        for step in 0..2_000 {
            let effects = effects(step);
            let (step, is_new) = moves.of(shape, &effects, &mut shapes);
            assert_eq!(step.held, days.len());
            let day = |source: &Source| match *source {
                Source::Held(slot) => days[slot.position()],
                Source::Said(at) => said(&effects[at]).unwrap(),
            };
            (shape, days) = (step.to, step.days.iter().map(day).collect());
            effects.iter().for_each(|effect| profile.apply(*effect));
            assert_eq!(shapes.shape(shape).facts.map_days(|slot| days[slot.position()]), profile);
            *(if is_new { &mut learned } else { &mut remembered }) += 1;
            assert!(moves.all.len() <= CAPACITY && moves.places.len() == moves.all.len());
        }
        assert!(learned > CAPACITY && remembered > 0, "{learned} {remembered}");
    }
}
