//! What is on record: whether a write that leaves the profile as it is brings new proof.

use std::sync::Arc;

use crate::model::actor::ActorClass;
use crate::model::campaign::Channel;
use crate::model::event::{Effect, Event, EventKind, OwnerProof, Statement};
use crate::model::evidence::Evidence;
use crate::model::fact::{Block, Cause, Erasure};
use crate::model::scope::{BrandId, ControllerId, Scope};

/// A standing fact that a statement asserts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fact {
    /// What stands at a scope.
    At(Scope),
    /// A block.
    Blocked(BrandId, Channel, Cause),
    /// A registration.
    Registered(ControllerId),
    /// An erasure is pending.
    ErasurePending,
}

/// Whether every fact of the statement is already on record with the same class of actor, reason
/// and evidence. Network address, program and instant do not count as new proof.
pub(super) fn is_on_record(past: &[Event], class: ActorClass, statement: &Statement) -> bool {
    let facts = facts(statement);
    facts.into_iter().all(|fact| fact_is_on_record(past, fact, class, statement))
}

/// As `is_on_record`, for one of the facts.
pub(super) fn fact_is_on_record(
    past: &[Event],
    fact: Fact,
    class: ActorClass,
    statement: &Statement,
) -> bool {
    for event in past {
        if facts(&event.statement).contains(&fact)
            && event.actor.class == class
            && says_the_same(&event.statement, statement)
        {
            return true;
        }
        // What was said before the fact came to stand as it does is about another fact.
        if event.statement.effects.iter().any(|effect| settles(effect, fact)) {
            return false;
        }
    }
    false
}

fn says_the_same(recorded: &Statement, said: &Statement) -> bool {
    recorded.reason == said.reason
        && recorded.legal_basis == said.legal_basis
        && strength(recorded.owner_proof) >= strength(said.owner_proof)
        && proves_the_same(recorded.evidence.as_ref(), said.evidence.as_ref())
}

/// A yes that came through the mailbox proves more than one from a session, and that more than one
/// that anybody may have typed.
const fn strength(proof: Option<OwnerProof>) -> u8 {
    match proof {
        None => 0,
        Some(OwnerProof::Session) => 1,
        Some(OwnerProof::Mailbox) => 2,
    }
}

fn proves_the_same(recorded: Option<&Arc<Evidence>>, said: Option<&Arc<Evidence>>) -> bool {
    match (recorded, said) {
        (Some(recorded), Some(said)) => recorded.proves_the_same(said),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Whether this effect brought the fact to stand as it does, or took it away.
fn settles(effect: &Effect, fact: Fact) -> bool {
    match (effect, fact) {
        (
            Effect::Yes { scope, .. } | Effect::No { scope, .. } | Effect::Undeclare(scope),
            Fact::At(at),
        ) => *scope == at,
        (Effect::Block(block) | Effect::Unblock(block), Fact::Blocked(brand, channel, cause)) => {
            *block == Block { brand, channel, cause }
        }
        (Effect::Register(controller), Fact::Registered(registered)) => *controller == registered,
        // A request for erasure, and its rejection, leave all other facts as they stand.
        (Effect::Erasure(_), Fact::ErasurePending) | (Effect::Erasure(Erasure::Erased), _) => true,
        (
            Effect::Register(_)
            | Effect::Yes { .. }
            | Effect::No { .. }
            | Effect::Undeclare(_)
            | Effect::Block(_)
            | Effect::Unblock(_)
            | Effect::Asked(..)
            | Effect::Erasure(_),
            Fact::At(_) | Fact::Blocked(..) | Fact::Registered(_) | Fact::ErasurePending,
        ) => false,
    }
}

/// The facts that a statement asserts.
fn facts(statement: &Statement) -> Vec<Fact> {
    let scopes = statement.scopes.iter().copied().map(Fact::At);
    match statement.kind {
        EventKind::Registered => {
            statement.controllers.iter().copied().map(Fact::Registered).collect()
        }
        EventKind::Blocked => {
            let blocks = statement.brands.iter().flat_map(|brand| {
                statement.channels.iter().map(|channel| block_fact(*brand, *channel, statement))
            });
            blocks.chain(scopes).collect()
        }
        EventKind::ErasureRequested => vec![Fact::ErasurePending],
        EventKind::OptedOut
        | EventKind::ConsentRefused
        | EventKind::ConsentGranted
        | EventKind::Resubscribed => scopes.collect(),
        EventKind::BlockLifted
        | EventKind::ConsentRequested
        | EventKind::ErasureRejected
        | EventKind::Erased
        | EventKind::OptInBegun
        | EventKind::AccessRequested
        | EventKind::AccessAnswered => Vec::new(),
    }
}

/// The noes of the owner that a statement says, stops of letters among them.
pub(super) fn noes(statement: &Statement) -> Vec<Fact> {
    let says_no = matches!(
        statement.kind,
        EventKind::Blocked | EventKind::OptedOut | EventKind::ConsentRefused
    );
    let mut facts = if says_no { facts(statement) } else { Vec::new() };
    facts.retain(|fact| match fact {
        Fact::At(_) => true,
        Fact::Blocked(_, _, cause) => matches!(cause, Cause::OwnerRequest | Cause::Complaint),
        Fact::Registered(_) | Fact::ErasurePending => false,
    });
    facts
}

/// The latest event that said so of a block.
pub(super) fn last_block(past: &[Event], block: Block) -> Option<&Event> {
    let fact = Fact::Blocked(block.brand, block.channel, block.cause);
    past.iter().find(|event| facts(&event.statement).contains(&fact))
}

fn block_fact(brand: BrandId, channel: Channel, statement: &Statement) -> Fact {
    let cause = statement.cause.unwrap_or(Cause::StaffDecision);
    match (channel, cause) {
        (Channel::Email, Cause::OwnerRequest | Cause::Complaint) => Fact::At(Scope::Brand(brand)),
        (Channel::Email, Cause::StaffDecision | Cause::HardBounce) | (Channel::Post, _) => {
            Fact::Blocked(brand, channel, cause)
        }
    }
}
