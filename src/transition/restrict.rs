//! The noes: always taken, also while an erasure is pending. On an erased address they change
//! nothing and record nothing, since the tombstone denies already.

use std::sync::Arc;

use super::draft::Draft;
use super::record::is_on_record;
use super::{Context, Outcome, Unread};
use crate::model::actor::ActorClass;
use crate::model::campaign::Channel;
use crate::model::event::{Event, EventKind, Statement};
use crate::model::evidence::Evidence;
use crate::model::fact::{Block, Cause, Erasure, Origin};
use crate::model::scope::{BrandId, Scope};
use crate::model::verdict::WriteOutcome;

/// Records a statement of noes, unless it neither changes anything nor proves anything new. A no
/// that the owner says again is recorded without changing the outcome: INVARIANT(said again).
fn record(
    context: &Context<'_>,
    mut draft: Draft,
    mut statement: Statement,
) -> Result<Outcome, Unread> {
    if context.subject.profile.erasure == Erasure::Erased {
        return Ok(Outcome::unchanged());
    }
    if !draft.has_effects() && is_on_record(context.past()?, context.actor.class, &statement) {
        let is_owners =
            statement.kind == EventKind::OptedOut && context.actor.class == ActorClass::Owner;
        let statements = if is_owners { vec![statement] } else { Vec::new() };
        return Ok(Outcome { statements, ..Outcome::unchanged() });
    }
    statement.effects = draft.take_effects();
    Ok(Outcome::applied(statement))
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
