//! The noes: always taken, also while an erasure is pending. On an erased address they change
//! nothing and record nothing, since the tombstone denies already.

use std::sync::Arc;

use super::draft::Draft;
use super::record::{Fact, is_on_record, noes};
use super::{Context, Outcome, Unread};
use crate::model::actor::ActorClass;
use crate::model::campaign::Channel;
use crate::model::event::{Event, EventKind, Statement};
use crate::model::evidence::Evidence;
use crate::model::fact::{Block, Cause, Erasure, Origin};
use crate::model::scope::{BrandId, Scope};
use crate::model::verdict::WriteOutcome;

/// Within a minute the same no is one no that was delivered twice: a double click, a retry without
/// a request id, a loop of complaints that reports a mail by two ways. Past it somebody said it
/// again.
const SAID_ONCE_NANOS: i64 = 60 * 1_000_000_000;

/// Records a statement of noes, unless it neither changes anything nor proves anything new. A no
/// that is said again is recorded without changing the outcome: INVARIANT(said again).
fn record(
    context: &Context<'_>,
    mut draft: Draft,
    mut statement: Statement,
) -> Result<Outcome, Unread> {
    if context.subject.profile.erasure == Erasure::Erased {
        return Ok(Outcome::unchanged());
    }
    if !draft.has_effects() && is_on_record(context.past()?, context.actor.class, &statement) {
        let is_said_again = match context.actor.class {
            ActorClass::Owner => statement.kind == EventKind::OptedOut,
            ActorClass::Staff | ActorClass::System | ActorClass::Import => {
                let past = context.past()?;
                noes(&statement).into_iter().any(|no| is_said_again(context, past, no, &statement))
            }
        };
        let statements = if is_said_again { vec![statement] } else { Vec::new() };
        return Ok(Outcome { statements, ..Outcome::unchanged() });
    }
    statement.effects = draft.take_effects();
    Ok(Outcome::applied(statement))
}

/// Whether a no that stands and is on record was said once more since, rather than delivered twice.
fn is_said_again(context: &Context<'_>, past: &[Event], no: Fact, statement: &Statement) -> bool {
    let says_it = |event: &&Event| noes(&event.statement).contains(&no);
    let Some(recorded_at) = past.iter().find(says_it).map(|event| event.recorded_at) else {
        return true;
    };
    // A confirm token that is on its way was made after the no that is on record.
    let mut since = past.iter().take_while(|event| !says_it(event));
    let answers_opt_in = since.any(|event| event.statement.kind == EventKind::OptInBegun);
    let occurred_at = statement.evidence.as_ref().and_then(|evidence| evidence.occurred_at);
    // Lists of the suppressed are synchronized every night: the same no delivered again is no new
    // no, and millions of events a night would drown the ledger.
    let is_listed = statement.kind == EventKind::OptedOut
        && matches!(context.actor.class, ActorClass::System | ActorClass::Import);
    let age = context.now.at.nanos().saturating_sub(recorded_at.nanos());
    answers_opt_in
        || occurred_at.is_some_and(|said| said > recorded_at)
        || (!is_listed && age > SAID_ONCE_NANOS)
}

pub(super) fn block(
    context: &Context<'_>,
    brands: &[BrandId],
    channels: &[Channel],
    cause: Cause,
    reason: &Arc<str>,
    opt_out: &[Scope],
    evidence: Option<&Arc<Evidence>>,
) -> Result<Outcome, Unread> {
    let mut draft = Draft::of(context.subject.profile);
    for &brand in brands {
        for &channel in channels {
            match (channel, cause) {
                (Channel::Email, Cause::OwnerRequest) => {
                    draft.say_no(Scope::Brand(brand), Origin::OwnerRequest);
                }
                (Channel::Email, Cause::Complaint) => {
                    draft.say_no(Scope::Brand(brand), Origin::Complaint);
                }
                (Channel::Email, Cause::StaffDecision | Cause::HardBounce) | (Channel::Post, _) => {
                    draft.block(Block { brand, channel, cause });
                }
            }
        }
    }
    for &scope in opt_out {
        draft.say_no(scope, Origin::OptOut);
    }
    let statement = Statement {
        brands: brands.to_vec(),
        channels: channels.to_vec(),
        cause: Some(cause),
        scopes: opt_out.to_vec(),
        reason: reason.clone(),
        evidence: evidence.cloned(),
        ..Statement::new(EventKind::Blocked)
    };
    record(context, draft, statement)
}

pub(super) fn opt_out(
    context: &Context<'_>,
    scopes: &[Scope],
    reason: &Arc<str>,
    evidence: Option<&Arc<Evidence>>,
) -> Result<Outcome, Unread> {
    let statement = Statement {
        scopes: scopes.to_vec(),
        reason: reason.clone(),
        evidence: evidence.cloned(),
        ..Statement::new(EventKind::OptedOut)
    };
    say_no_at_each(context, Origin::OptOut, statement)
}

pub(super) fn withdraw(
    context: &Context<'_>,
    scopes: &[Scope],
    reason: &Arc<str>,
    evidence: Option<&Arc<Evidence>>,
) -> Result<Outcome, Unread> {
    let statement = Statement {
        scopes: scopes.to_vec(),
        reason: reason.clone(),
        evidence: evidence.cloned(),
        ..Statement::new(EventKind::ConsentRefused)
    };
    say_no_at_each(context, Origin::Refusal, statement)
}

fn say_no_at_each(
    context: &Context<'_>,
    origin: Origin,
    statement: Statement,
) -> Result<Outcome, Unread> {
    let mut draft = Draft::of(context.subject.profile);
    for scope in &statement.scopes {
        draft.say_no(*scope, origin);
    }
    record(context, draft, statement)
}

pub(super) fn request_erasure(
    context: &Context<'_>,
    id: &Arc<str>,
    reason: &Arc<str>,
    evidence: Option<&Arc<Evidence>>,
) -> Result<Outcome, Unread> {
    let mut draft = Draft::of(context.subject.profile);
    draft.erasure(Erasure::Pending);
    // While a case is pending whoever asks joins it.
    let pending = match context.subject.profile.erasure {
        Erasure::Pending => pending_case(context.past()?),
        Erasure::None | Erasure::Erased => None,
    };
    let id = pending.unwrap_or(id);
    let statement = Statement {
        erasure_id: id.clone(),
        reason: reason.clone(),
        evidence: evidence.cloned(),
        ..Statement::new(EventKind::ErasureRequested)
    };
    record(context, draft, statement)
}

/// The case of an erasure that is pending.
fn pending_case(past: &[Event]) -> Option<&Arc<str>> {
    let requested = |event: &&Event| event.statement.kind == EventKind::ErasureRequested;
    past.iter().find(requested).map(|event| &event.statement.erasure_id)
}

pub(super) fn approve_erasure(context: &Context<'_>, id: &Arc<str>, note: &Arc<str>) -> Outcome {
    decide_erasure(
        context,
        Erasure::Erased,
        Statement {
            erasure_id: id.clone(),
            reason: note.clone(),
            ..Statement::new(EventKind::Erased)
        },
    )
}

/// A rejection clears the flag and nothing else: what was recorded meanwhile stands.
pub(super) fn reject_erasure(context: &Context<'_>, id: &Arc<str>, reason: &Arc<str>) -> Outcome {
    decide_erasure(
        context,
        Erasure::None,
        Statement {
            erasure_id: id.clone(),
            reason: reason.clone(),
            ..Statement::new(EventKind::ErasureRejected)
        },
    )
}

/// Only a pending erasure is there to be decided; who may decide is `authorize::four_eyes`.
fn decide_erasure(context: &Context<'_>, erasure: Erasure, mut statement: Statement) -> Outcome {
    match context.subject.profile.erasure {
        Erasure::None => Outcome::unchanged(),
        Erasure::Erased if erasure == Erasure::Erased => Outcome::unchanged(),
        Erasure::Erased => Outcome::without_event(WriteOutcome::Erased),
        Erasure::Pending => {
            let mut draft = Draft::of(context.subject.profile);
            draft.erasure(erasure);
            statement.effects = draft.take_effects();
            Outcome::applied(statement)
        }
    }
}
