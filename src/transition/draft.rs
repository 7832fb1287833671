//! A profile in the making: the two rules about scopes, and the effects they come to.

use std::collections::BTreeSet;

use crate::catalog::Policy;
use crate::decide::Horizon;
use crate::model::day::{Day, Today};
use crate::model::event::Effect;
use crate::model::fact::{Basis, Block, Declaration, Erasure, Origin};
use crate::model::scope::{ControllerId, Scope};
use crate::profile::Profile;

/// A copy of a profile and the effects that brought it from there to here.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    profile: Profile,
    effects: Vec<Effect>,
}

/// A yes to be set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Yes {
    pub(super) scope: Scope,
    pub(super) basis: Basis,
    pub(super) day: Day,
}

impl Draft {
    pub(super) fn of(profile: &Profile) -> Self {
        Self { profile: profile.clone(), effects: Vec::new() }
    }

    pub(super) const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The effects since the last time they were taken.
    pub(super) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    pub(super) fn has_effects(&self) -> bool {
        !self.effects.is_empty()
    }

    pub(super) fn register(&mut self, controller: ControllerId) {
        if !self.profile.registered.contains(&controller) {
            self.put(Effect::Register(controller));
        }
    }

    pub(super) fn block(&mut self, block: Block) {
        if !self.profile.blocks.contains(&block) {
            self.put(Effect::Block(block));
        }
    }

    pub(super) fn unblock(&mut self, which: impl Fn(&Block) -> bool) {
        let gone: Vec<Block> = self.profile.blocks.iter().copied().filter(which).collect();
        for block in gone {
            self.put(Effect::Unblock(block));
        }
    }

    pub(super) fn erasure(&mut self, erasure: Erasure) {
        if self.profile.erasure != erasure {
            self.put(Effect::Erasure(erasure));
        }
    }

    /// A no at a scope: every yes inside goes; at the scope the stronger origin stays.
    pub(super) fn say_no(&mut self, scope: Scope, origin: Origin) {
        let is_yes =
            |declaration: &Declaration<Day>| matches!(declaration, Declaration::Yes { .. });
        self.undeclare_inside(scope, |_, declaration| is_yes(declaration));
        let stands = self.profile.declarations.get(&scope);
        let stronger = matches!(stands, Some(Declaration::No { origin: o }) if *o >= origin);
        if !stronger {
            self.put(Effect::No { scope, origin });
        }
    }

    /// The owner's yes at a scope: everything at and inside it goes, but for what the same set of
    /// choices says.
    pub(super) fn say_yes_as_owner(
        &mut self,
        yes: Yes,
        kept: &BTreeSet<Scope>,
        policy: &Policy,
        today: Today,
    ) {
        self.undeclare_inside(yes.scope, |scope, _| !kept.contains(scope));
        self.say_yes(yes, policy, today);
    }

    /// A yes at a scope where it is allowed to stand. Where a live yes stands the stronger basis
    /// stays, then the later day.
    pub(super) fn say_yes(&mut self, yes: Yes, policy: &Policy, today: Today) {
        let Yes { scope, basis, day } = yes;
        let stays = match self.profile.declarations.get(&scope) {
            Some(Declaration::Yes { basis: b, day: d }) if is_live(*d, policy, today) => {
                (*b, *d) >= (basis, day)
            }
            // Both have lapsed if the new one is no younger: then the later day stays too.
            Some(Declaration::Yes { basis: _, day: d }) => {
                !is_live(day, policy, today) && *d >= day
            }
            Some(Declaration::No { .. }) | None => false,
        };
        if !stays {
            self.put(Effect::Yes { scope, basis, day });
        }
    }

    fn undeclare_inside(
        &mut self,
        outer: Scope,
        which: impl Fn(&Scope, &Declaration<Day>) -> bool,
    ) {
        let inside = |scope: &Scope| *scope != outer && outer.covers(*scope);
        let declarations = self.profile.declarations.iter();
        let gone = declarations.filter(|(scope, d)| inside(scope) && which(scope, d));
        let gone: Vec<Scope> = gone.map(|(scope, _)| *scope).collect();
        for scope in gone {
            self.put(Effect::Undeclare(scope));
        }
    }

    pub(super) fn put(&mut self, effect: Effect) {
        self.profile.apply(effect);
        self.effects.push(effect);
    }
}

/// Whether a yes of this day is live today.
pub(super) fn is_live(day: Day, policy: &Policy, today: Today) -> bool {
    policy.consent_lifetime_days.is_none_or(|lifetime| {
        let days = i32::from(lifetime.get());
        Horizon { day, days, in_doubt: false }.lies_ahead(today)
    })
}
