//! Commands as a test says them.

use std::sync::Arc;

use maysend::model::campaign::{Campaign, Channel};
use maysend::model::command::{Choice, Command, ImportedFact, Proof, Wish};
use maysend::model::day::Timestamp;
use maysend::model::evidence::{Evidence, LegalBasis, Method};
use maysend::model::fact::Cause;
use maysend::model::revision::Revision;
use maysend::model::scope::Scope;

use crate::world::{brand, controller, day, evidence, instant};

pub(super) fn proof_of(method: Method, said: Option<Timestamp>) -> Arc<Evidence> {
    Arc::new(evidence(method, "shop.example/form", said))
}

pub(super) fn register(index: u16) -> Command {
    let controllers = vec![controller(index)];
    Command::RegisterAddresses { controllers, source: "import".into(), owner_session: false }
}

pub(super) fn register_from_session(index: u16) -> Command {
    let controllers = vec![controller(index)];
    Command::RegisterAddresses { controllers, source: "shop".into(), owner_session: true }
}

pub(super) fn block(index: u16, channels: &[Channel], cause: Cause) -> Command {
    block_and_opt_out(index, channels, cause, &[])
}

pub(super) fn block_and_opt_out(
    index: u16,
    channels: &[Channel],
    cause: Cause,
    opt_out: &[Scope],
) -> Command {
    Command::BlockAddresses {
        brands: vec![brand(index)],
        channels: channels.to_vec(),
        cause,
        reason: "a call".into(),
        opt_out: opt_out.to_vec(),
    }
}

pub(super) fn lift(brands: &[u16], channels: &[Channel]) -> Command {
    Command::LiftBlocks {
        brands: brands.iter().map(|index| brand(*index)).collect(),
        channels: channels.to_vec(),
        reason: "a mistake".into(),
    }
}

pub(super) fn opt_out(scopes: &[Scope]) -> Command {
    opt_out_for(scopes, "a letter")
}

pub(super) fn opt_out_for(scopes: &[Scope], reason: &str) -> Command {
    Command::OptOut { scopes: scopes.to_vec(), reason: reason.into(), evidence: None }
}

pub(super) fn withdraw(scopes: &[Scope]) -> Command {
    Command::WithdrawConsent { scopes: scopes.to_vec(), reason: "a call".into() }
}

pub(super) fn consent(scopes: &[Scope]) -> Command {
    consent_with(scopes, LegalBasis::Consent, Method::Paper, None)
}

pub(super) fn customer(scopes: &[Scope]) -> Command {
    consent_with(scopes, LegalBasis::ExistingCustomer, Method::Paper, None)
}

pub(super) fn consent_with(
    scopes: &[Scope],
    legal_basis: LegalBasis,
    method: Method,
    said: Option<Timestamp>,
) -> Command {
    let evidence = proof_of(method, said);
    Command::RecordConsent { scopes: scopes.to_vec(), legal_basis, evidence }
}

/// The row of a file that its source names.
pub(super) fn row(fact: ImportedFact, source: &str) -> Command {
    let said = Some(instant(day(0), 0));
    let evidence = Arc::new(evidence(Method::Import, source, said));
    Command::Import { fact, reason: "a row".into(), evidence }
}

pub(super) fn granted(scope: Scope) -> ImportedFact {
    ImportedFact::Granted { scope, legal_basis: LegalBasis::Consent }
}

pub(super) fn mark(campaign: Campaign) -> Command {
    Command::MarkConsentRequested { campaign, evidence: None }
}

pub(super) fn resubscribe(scopes: &[Scope]) -> Command {
    Command::ResubscribeByStaff {
        scopes: scopes.to_vec(),
        legal_basis: LegalBasis::Consent,
        explanation: "the owner wrote to us".into(),
    }
}

pub(super) fn yes(scope: Scope) -> Choice {
    Choice { scope, wish: Wish::Subscribe }
}

pub(super) fn no(scope: Scope) -> Choice {
    Choice { scope, wish: Wish::Unsubscribe }
}

pub(super) fn choose(proof: Proof, choices: &[Choice]) -> Command {
    Command::OwnerChoice { choices: choices.to_vec(), proof, evidence: None }
}

/// From a logged-in customer area, which says when.
pub(super) fn session(said: Timestamp, choices: &[Choice]) -> Command {
    Command::OwnerChoice {
        choices: choices.to_vec(),
        proof: Proof::PortalSession,
        evidence: Some(proof_of(Method::Portal, Some(said))),
    }
}

pub(super) fn guest(choices: &[Choice]) -> Command {
    Command::OwnerChoice {
        choices: choices.to_vec(),
        proof: Proof::PortalGuest,
        evidence: Some(proof_of(Method::Portal, None)),
    }
}

/// Through a preferences link that was made at this revision.
pub(super) fn link(minted: Revision, choices: &[Choice]) -> Command {
    choose(Proof::PreferencesToken { minted, may_grant: true, asked: None }, choices)
}

pub(super) fn begin(scopes: &[Scope]) -> Command {
    let evidence = proof_of(Method::Form, None);
    Command::BeginOptIn { scopes: scopes.to_vec(), evidence }
}

/// Redeems the link of a double opt-in that was recorded at this revision.
pub(super) fn confirm(minted: Revision, scopes: &[Scope]) -> Command {
    let choices: Vec<Choice> = scopes.iter().copied().map(yes).collect();
    choose(Proof::ConfirmToken { minted, may_grant: true }, &choices)
}

/// Redeems it when it is too late.
pub(super) fn confirm_late(minted: Revision, scopes: &[Scope]) -> Command {
    let choices: Vec<Choice> = scopes.iter().copied().map(yes).collect();
    choose(Proof::ConfirmToken { minted, may_grant: false }, &choices)
}

pub(super) fn request_erasure() -> Command {
    let (id, reason) = ("case 1".into(), "a letter".into());
    Command::RequestErasure { id, reason, evidence: None, owner_link: false }
}

pub(super) fn approve() -> Command {
    Command::ApproveErasure { id: "case 1".into(), note: "".into() }
}

pub(super) fn reject() -> Command {
    Command::RejectErasure { id: "case 1".into(), reason: "a mistake".into() }
}
