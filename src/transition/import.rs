//! The rows of files. Each does what the command of its kind does, with one rule more: a row that
//! was applied once is never applied again. So the same file may be imported as often as anybody
//! likes, and brings nothing back that was changed since: not the opt-out that its owner has taken
//! back, not the block that staff have lifted.

use std::sync::Arc;

use super::draft::is_live;
use super::{Context, Outcome, Unread, grant, restrict};
use crate::catalog::Catalog;
use crate::model::actor::ActorClass;
use crate::model::campaign::Channel;
use crate::model::command::ImportedFact;
use crate::model::day::Today;
use crate::model::event::{Effect, Event, EventKind};
use crate::model::evidence::{Evidence, LegalBasis};
use crate::model::fact::Cause;
use crate::model::scope::{BrandId, ControllerId, Scope};

/// Which way a row moves the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ImportEffect {
    /// Nothing changes.
    Stays,
    /// A no or a block comes, or becomes stronger.
    Tightens,
    /// A live yes or a registration comes.
    Loosens,
}

/// Which way these effects move the answer.
#[must_use]
pub fn import_effect(effects: &[Effect], catalog: &Catalog, today: Today) -> ImportEffect {
    let of = |effect: &Effect| match effect {
        Effect::No { .. } | Effect::Undeclare(_) | Effect::Block(_) | Effect::Erasure(_) => {
            ImportEffect::Tightens
        }
        Effect::Register(_) | Effect::Unblock(_) => ImportEffect::Loosens,
        Effect::Yes { scope, day, basis: _ } => {
            let policy = scope.brand().map(|brand| catalog.policy(brand));
            match policy {
                Some(policy) if is_live(*day, policy, today) => ImportEffect::Loosens,
                Some(_) | None => ImportEffect::Stays,
            }
        }
        Effect::Asked(..) => ImportEffect::Stays,
    };
    effects.iter().map(of).max().unwrap_or(ImportEffect::Stays)
}

pub(super) fn import(
    context: &Context<'_>,
    fact: ImportedFact,
    reason: &Arc<str>,
    evidence: &Arc<Evidence>,
) -> Result<Outcome, Unread> {
    let said = Said::of(fact);
    if context.past()?.iter().any(|event| said.by(event, &evidence.source)) {
        return Ok(Outcome::unchanged());
    }
    let proof = Some(evidence);
    match fact {
        ImportedFact::Granted { scope, legal_basis } => {
            grant::record_consent(context, &[scope], legal_basis, reason, evidence)
        }
        ImportedFact::Refused(scope) => restrict::withdraw(context, &[scope], reason, proof),
        ImportedFact::OptedOut(scope) => restrict::opt_out(context, &[scope], reason, proof),
        ImportedFact::Blocked(brand) => {
            let (channels, cause) = ([Channel::Email], Cause::StaffDecision);
            restrict::block(context, &[brand], &channels, cause, reason, &[], proof)
        }
        ImportedFact::Registered(controller) => {
            let evidence = evidence.clone();
            grant::register_with_proof(context, &[controller], reason, evidence, false)
        }
    }
}

/// What tells the event of a row from the others that the same row could have brought, had it been
/// imported as something else.
struct Said {
    kind: EventKind,
    scope: Option<Scope>,
    brand: Option<BrandId>,
    controller: Option<ControllerId>,
    legal_basis: Option<LegalBasis>,
}

impl Said {
    fn of(fact: ImportedFact) -> Self {
        let (mut scope, mut brand, mut controller, mut legal_basis) = (None, None, None, None);
        let kind = match fact {
            ImportedFact::Granted { scope: at, legal_basis: basis } => {
                (scope, legal_basis) = (Some(at), Some(basis));
                EventKind::ConsentGranted
            }
            ImportedFact::Refused(at) => {
                scope = Some(at);
                EventKind::ConsentRefused
            }
            ImportedFact::OptedOut(at) => {
                scope = Some(at);
                EventKind::OptedOut
            }
            ImportedFact::Blocked(of) => {
                brand = Some(of);
                EventKind::Blocked
            }
            ImportedFact::Registered(with) => {
                controller = Some(with);
                EventKind::Registered
            }
        };
        Self { kind, scope, brand, controller, legal_basis }
    }

    /// Whether this event is that of the row which this source names.
    fn by(&self, event: &Event, source: &str) -> bool {
        let Self { kind, scope, brand, controller, legal_basis } = self;
        let statement = &event.statement;
        let is_alike = event.actor.class == ActorClass::Import
            && statement.evidence.as_ref().is_some_and(|evidence| &*evidence.source == source)
            && statement.kind == *kind
            && statement.legal_basis == *legal_basis
            && statement.scopes == scope.as_slice()
            && statement.brands == brand.as_slice();
        // A consent registers in passing.
        is_alike && controller.is_none_or(|controller| statement.controllers == [controller])
    }
}
