//! Acts: what people and operators do to a running engine.

use maysend::catalog::Policy;
use maysend::model::command::Choice;
use maysend::model::scope::Scope;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::arbitrary;
use super::deeds::{Deed, Shown, choices, dated, narrows, shown, written};
use super::pair::Who;
use crate::world;

/// One thing that is done.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// Staff, a system or a file records something.
    Write(Deed),
    /// A mail with links goes out.
    Mint { topic: u16, asks: bool },
    /// The owner clicks what an old mail has to unsubscribe with.
    Unsubscribe { which: Which, by_preferences: bool, scope: Broad },
    /// The owner chooses behind the preferences link of an old mail.
    Update { which: Which, choices: Vec<Choice>, proof: Shown },
    /// A portal says what its customer or its guest chose.
    Portal { session: bool, choices: Vec<Choice>, proof: Shown },
    /// Somebody types the address into a form.
    Begin { scopes: Vec<Scope>, proof: Shown },
    /// The owner clicks a double opt-in mail.
    Confirm { which: Which },
    /// A clerk asks for erasure, or the owner behind the preferences link of an old mail.
    RequestErasure { why: u8, link: Option<Which> },
    /// A reviewer decides.
    Decide { approve: bool },
    /// A clerk records that the owner asks what is held, or the owner asks behind a link.
    RequestAccess { why: u8, proof: Shown, link: Option<Which> },
    /// A reviewer answers the last request, or a clerk one before it.
    AnswerAccess { late: bool },
    /// The process ends and begins again.
    Restart { checkpoint: bool },
    /// A brand has another policy.
    Reload { brand: u16, policy: Policy },
}

/// One of what there is by then.
#[derive(Debug, Clone)]
pub(super) struct Which(Index);

impl Which {
    pub(super) fn map_in<T: Clone>(&self, all: &[T]) -> Option<T> {
        if all.is_empty() { None } else { Some(self.0.get(all).clone()) }
    }
}

/// How far an unsubscribe goes beyond the topic of its token.
#[derive(Debug, Clone, Copy)]
pub(super) enum Broad {
    Topic,
    Brand,
    Controller,
    Everything,
}

impl Broad {
    pub(super) fn of(self, own: Scope) -> Scope {
        let brand = own.brand().expect("a topic");
        match self {
            Self::Topic => own,
            Self::Brand => Scope::Brand(brand),
            Self::Controller => Scope::Controller(brand.controller()),
            Self::Everything => Scope::Everything,
        }
    }
}

/// An act, and when and to whom.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) who: Who,
    pub(super) days: u16,
    pub(super) act: Act,
}

fn which() -> impl Strategy<Value = Which> {
    any::<Index>().prop_map(Which)
}

fn link() -> impl Strategy<Value = Option<Which>> {
    prop::option::of(which())
}

fn act() -> impl Strategy<Value = Act> {
    let broad = select(vec![
        Broad::Topic,
        Broad::Topic,
        Broad::Brand,
        Broad::Controller,
        Broad::Everything,
    ]);
    prop_oneof![
        24 => written().prop_map(Act::Write),
        6 => (0_u16..3, any::<bool>()).prop_map(|(topic, asks)| Act::Mint { topic, asks }),
        3 => (which(), any::<bool>(), broad).prop_map(|(which, by_preferences, scope)| {
            Act::Unsubscribe { which, by_preferences, scope }
        }),
        6 => (which(), choices(), shown())
            .prop_map(|(which, choices, proof)| Act::Update { which, choices, proof }),
        6 => (any::<bool>(), choices(), dated())
            .prop_map(|(session, choices, proof)| Act::Portal { session, choices, proof }),
        5 => (narrows(), shown()).prop_map(|(scopes, proof)| Act::Begin { scopes, proof }),
        6 => which().prop_map(|which| Act::Confirm { which }),
        2 => (0_u8..2, link()).prop_map(|(why, link)| Act::RequestErasure { why, link }),
        3 => any::<bool>().prop_map(|approve| Act::Decide { approve }),
        3 => (0_u8..2, shown(), link())
            .prop_map(|(why, proof, link)| Act::RequestAccess { why, proof, link }),
        2 => any::<bool>().prop_map(|late| Act::AnswerAccess { late }),
        2 => any::<bool>().prop_map(|checkpoint| Act::Restart { checkpoint }),
        1 => (0..world::BRANDS, arbitrary::policy())
            .prop_map(|(brand, policy)| Act::Reload { brand, policy }),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let who = select(vec![Who::Mia, Who::MiaTagged, Who::MiaTagged, Who::Noa]);
    let days = prop_oneof![5 => Just(0), 2 => Just(1_u16), 2 => 0..=40_u16, 1 => 0..=200_u16];
    (who, days, act()).prop_map(|(who, days, act)| Step { who, days, act })
}
