//! What the owner asks to know (GDPR Art. 15). None of it changes a fact of the address, so no
//! verdict: the events alone tell whether a request is open. An address has one at most.

use std::sync::Arc;

use super::{Context, Outcome, Unread};
use crate::model::event::{Event, EventKind, Statement};
use crate::model::evidence::Evidence;
use crate::model::fact::Erasure;
use crate::model::revision::Revision;
use crate::model::verdict::WriteOutcome;

/// Of an erased address nothing is held but its tombstone: a request recorded there would be held
/// for ever.
pub(super) fn request(
    context: &Context<'_>,
    words: &Arc<str>,
    evidence: Option<&Arc<Evidence>>,
) -> Result<Outcome, Unread> {
    if context.subject.profile.erasure == Erasure::Erased {
        return Ok(Outcome::without_event(WriteOutcome::Erased));
    }
    if open(context.past()?).is_some() {
        return Ok(Outcome::unchanged());
    }
    Ok(Outcome::applied(Statement {
        reason: words.clone(),
        evidence: evidence.cloned(),
        ..Statement::new(EventKind::AccessRequested)
    }))
}

/// An answer that comes late closes no later request.
pub(super) fn answer(
    context: &Context<'_>,
    request: Revision,
    note: &Arc<str>,
) -> Result<Outcome, Unread> {
    if open(context.past()?) != Some(request) {
        return Ok(Outcome::unchanged());
    }
    let reason = note.clone();
    Ok(Outcome::applied(Statement { reason, ..Statement::new(EventKind::AccessAnswered) }))
}

/// The request that is open.
fn open(past: &[Event]) -> Option<Revision> {
    let is_of_access = |event: &&Event| {
        matches!(event.statement.kind, EventKind::AccessRequested | EventKind::AccessAnswered)
    };
    let last = past.iter().find(is_of_access)?;
    (last.statement.kind == EventKind::AccessRequested).then_some(last.revision)
}
