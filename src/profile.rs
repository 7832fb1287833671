//! The profile: the facts of an address, as they stand, and how an effect changes them.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::day::Day;
use crate::model::event::Effect;
use crate::model::fact::{Block, Declaration, Erasure};
use crate::model::scope::{BrandId, ControllerId, Scope};

/// The facts of an address. An address that nobody ever named has the default one.
///
/// `D` is how days are held. Rules read a `Profile<Day>`; the index keeps one `Profile<Slot>` for
/// all addresses that differ in their days alone.
///
/// INVARIANT(erased): where `erasure` is `Erased` every other field is empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Profile<D = Day> {
    /// Controllers that have the address on file.
    pub registered: BTreeSet<ControllerId>,
    /// What was said, by scope.
    pub declarations: BTreeMap<Scope, Declaration<D>>,
    /// Stops.
    pub blocks: BTreeSet<Block>,
    /// The day of each brand's last consent request.
    pub asked: BTreeMap<BrandId, D>,
    /// How far an erasure has come.
    pub erasure: Erasure,
}

impl<D> Default for Profile<D> {
    fn default() -> Self {
        Self {
            registered: BTreeSet::new(),
            declarations: BTreeMap::new(),
            blocks: BTreeSet::new(),
            asked: BTreeMap::new(),
            erasure: Erasure::None,
        }
    }
}

impl Profile {
    /// Applies one effect. Cannot fail: effects are what a transition found to be right.
    pub fn apply(&mut self, effect: Effect) {
        self.apply_holding(effect, |day| day);
    }
}

impl<D> Profile<D> {
    /// Applies one effect, its day held otherwise.
    pub fn apply_holding(&mut self, effect: Effect, hold: impl FnOnce(Day) -> D) {
        match effect {
            Effect::Register(controller) => {
                self.registered.insert(controller);
            }
            Effect::Yes { scope, basis, day } => {
                self.declarations.insert(scope, Declaration::Yes { basis, day: hold(day) });
            }
            Effect::No { scope, origin } => {
                self.declarations.insert(scope, Declaration::No { origin });
            }
            Effect::Undeclare(scope) => {
                self.declarations.remove(&scope);
            }
            Effect::Block(block) => {
                self.blocks.insert(block);
            }
            Effect::Unblock(block) => {
                self.blocks.remove(&block);
            }
            Effect::Asked(brand, day) => {
                self.asked.insert(brand, hold(day));
            }
            Effect::Erasure(Erasure::Erased) => {
                *self = Self { erasure: Erasure::Erased, ..Self::default() };
            }
            Effect::Erasure(erasure) => self.erasure = erasure,
        }
    }
}

impl<D: Copy> Profile<D> {
    /// The same facts with each day held otherwise. Days are visited in a fixed order:
    /// declarations by scope, then consent requests by brand.
    pub fn map_days<E>(&self, mut hold: impl FnMut(D) -> E) -> Profile<E> {
        let declarations = self.declarations.iter().map(|(scope, declaration)| {
            let held = match *declaration {
                Declaration::Yes { basis, day } => Declaration::Yes { basis, day: hold(day) },
                Declaration::No { origin } => Declaration::No { origin },
            };
            (*scope, held)
        });
        let declarations = declarations.collect();
        Profile {
            registered: self.registered.clone(),
            declarations,
            blocks: self.blocks.clone(),
            asked: self.asked.iter().map(|(brand, day)| (*brand, hold(*day))).collect(),
            erasure: self.erasure,
        }
    }
}
