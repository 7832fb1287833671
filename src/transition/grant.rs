//! The yeses, and all that loosens: each must earn it, and several apply all or none.
//!
//! Where several reasons reject, the first counts: erased, erasure pending, policy, the narrowest
//! no that stands in the way, block.

mod owner;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::draft::{Draft, Yes};
use super::record::is_on_record;
use super::{Context, Outcome, Unread};
use crate::catalog::{StaffConsent, StaffResubscribe};
use crate::decide::decide;
use crate::model::campaign::{Campaign, Channel, Purpose};
use crate::model::day::{Day, Timestamp};
use crate::model::event::{Effect, EventKind, Statement};
use crate::model::evidence::{Evidence, LegalBasis, Method};
use crate::model::fact::{Basis, Block, Cause, Declaration, Erasure, Origin};
use crate::model::scope::{BrandId, ControllerId, Scope};
use crate::model::verdict::{Verdict, WriteOutcome};
use crate::profile::Profile;

pub(super) use owner::{begin_opt_in, owner_choice};

/// The outcome of a write that a no of this origin stands against.
const fn against(origin: Origin) -> WriteOutcome {
    match origin {
        Origin::OptOut | Origin::OwnerRequest => WriteOutcome::OptedOut,
        Origin::Refusal => WriteOutcome::Refused,
        Origin::Complaint => WriteOutcome::Complaint,
    }
}

/// An erasure stands against every yes but those that start afresh.
const fn against_erasure(profile: &Profile) -> Option<WriteOutcome> {
    match profile.erasure {
        Erasure::None => None,
        Erasure::Pending => Some(WriteOutcome::ErasurePending),
        Erasure::Erased => Some(WriteOutcome::Erased),
    }
}

/// The narrowest no at or above one of the scopes.
fn no_at_or_above(profile: &Profile, scopes: &[Scope]) -> Option<Origin> {
    narrowest_no(profile, |no| scopes.iter().any(|scope| no.covers(*scope)))
}

/// The narrowest no among those that `concerns` picks.
fn narrowest_no(profile: &Profile, concerns: impl Fn(Scope) -> bool) -> Option<Origin> {
    // Scopes are ordered from broad to narrow.
    profile.declarations.iter().rev().find_map(|(scope, declaration)| match declaration {
        Declaration::No { origin } => concerns(*scope).then_some(*origin),
        Declaration::Yes { .. } => None,
    })
}

fn is_blocked(profile: &Profile, brand: BrandId, channel: Channel) -> bool {
    profile.blocks.iter().any(|block| block.brand == brand && block.channel == channel)
}

/// Records a statement, unless it neither changes anything nor proves anything new.
fn record(
    context: &Context<'_>,
    mut draft: Draft,
    mut statement: Statement,
) -> Result<Outcome, Unread> {
    if !draft.has_effects() && is_on_record(context.past()?, context.actor.class, &statement) {
        return Ok(Outcome::unchanged());
    }
    statement.effects = draft.take_effects();
    Ok(Outcome::applied(statement))
}

/// "Afresh" after an erasure: out of everything, in for what was chosen, on file with those
/// controllers alone.
fn start_afresh(draft: &mut Draft, scopes: &[Scope], controllers: &[ControllerId], day: Day) {
    draft.erasure(Erasure::None);
    draft.put(Effect::No { scope: Scope::Everything, origin: Origin::OptOut });
    for &scope in scopes {
        draft.put(Effect::Yes { scope, basis: Basis::Consent, day });
    }
    for &controller in controllers {
        draft.register(controller);
    }
}

/// The controllers behind brand and topic scopes, each once.
fn controllers_of(scopes: &[Scope]) -> Vec<ControllerId> {
    let brands = scopes.iter().filter_map(|scope| scope.brand());
    let mut controllers: Vec<ControllerId> = brands.map(BrandId::controller).collect();
    controllers.sort_unstable();
    controllers.dedup();
    controllers
}

pub(super) fn register(
    context: &Context<'_>,
    controllers: &[ControllerId],
    source: &Arc<str>,
    owner_session: bool,
) -> Result<Outcome, Unread> {
    let method = if owner_session { Method::Portal } else { Method::Unspecified };
    let evidence = Evidence { method, source: source.clone(), ..Evidence::default() };
    register_with_proof(context, controllers, &"".into(), Arc::new(evidence), owner_session)
}

pub(super) fn register_with_proof(
    context: &Context<'_>,
    controllers: &[ControllerId],
    reason: &Arc<str>,
    evidence: Arc<Evidence>,
    owner_session: bool,
) -> Result<Outcome, Unread> {
    let profile = context.subject.profile;
    let statement = Statement {
        controllers: controllers.to_vec(),
        reason: reason.clone(),
        evidence: Some(evidence),
        ..Statement::new(EventKind::Registered)
    };
    let mut draft = Draft::of(profile);
    match (profile.erasure, owner_session) {
        (Erasure::Erased, false) => return Ok(Outcome::without_event(WriteOutcome::Erased)),
        (Erasure::Erased, true) => {
            start_afresh(&mut draft, &[], controllers, context.now.today.day());
        }
        (Erasure::None | Erasure::Pending, _) => {
            for &controller in controllers {
                draft.register(controller);
            }
        }
    }
    record(context, draft, statement)
}

pub(super) fn lift_blocks(
    context: &Context<'_>,
    brands: &[BrandId],
    channels: &[Channel],
    reason: &Arc<str>,
) -> Outcome {
    let profile = context.subject.profile;
    // Over all brands a no comes before a block.
    let stands = |channel| {
        let mut named = brands.iter().filter(|_| channels.contains(&channel));
        named.find_map(|brand| owner_no_at(profile, *brand, channel))
    };
    let rejected = against_erasure(profile)
        .or_else(|| stands(Channel::Email))
        .or_else(|| stands(Channel::Post));
    if let Some(outcome) = rejected {
        return Outcome::without_event(outcome);
    }
    let mut draft = Draft::of(profile);
    draft.unblock(|block| brands.contains(&block.brand) && channels.contains(&block.channel));
    if !draft.has_effects() {
        return Outcome::unchanged();
    }
    Outcome::applied(Statement {
        brands: brands.to_vec(),
        channels: channels.to_vec(),
        reason: reason.clone(),
        effects: draft.take_effects(),
        ..Statement::new(EventKind::BlockLifted)
    })
}

/// What of the owner's own stands at a brand: a no that staff recorded for them, or a stop of
/// letters that they asked for.
fn owner_no_at(profile: &Profile, brand: BrandId, channel: Channel) -> Option<WriteOutcome> {
    let stopped = |cause| profile.blocks.contains(&Block { brand, channel: Channel::Post, cause });
    match channel {
        Channel::Email => match profile.declarations.get(&Scope::Brand(brand)) {
            Some(Declaration::No { origin: Origin::OwnerRequest }) => Some(WriteOutcome::OptedOut),
            Some(Declaration::No { origin: Origin::Complaint }) => Some(WriteOutcome::Complaint),
            Some(_) | None => None,
        },
        Channel::Post if stopped(Cause::Complaint) => Some(WriteOutcome::Complaint),
        Channel::Post if stopped(Cause::OwnerRequest) => Some(WriteOutcome::OptedOut),
        Channel::Post => None,
    }
}

pub(super) fn record_consent(
    context: &Context<'_>,
    scopes: &[Scope],
    legal_basis: LegalBasis,
    reason: &Arc<str>,
    evidence: &Arc<Evidence>,
) -> Result<Outcome, Unread> {
    let profile = context.subject.profile;
    let brands: Vec<BrandId> = scopes.iter().filter_map(|scope| scope.brand()).collect();
    let forbids =
        |brand: &BrandId| context.catalog.policy(*brand).staff_consent == StaffConsent::Forbidden;
    let rejected = against_erasure(profile)
        .or_else(|| brands.iter().any(forbids).then_some(WriteOutcome::Policy))
        .or_else(|| no_at_or_above(profile, scopes).map(against))
        .or_else(|| {
            let blocked = |brand: &BrandId| is_blocked(profile, *brand, Channel::Email);
            brands.iter().any(blocked).then_some(WriteOutcome::Blocked)
        });
    if let Some(outcome) = rejected {
        return Ok(Outcome::without_event(outcome));
    }
    let mut draft = Draft::of(profile);
    let (basis, day) = (basis_of(legal_basis), context.day_of(evidence.occurred_at));
    for &scope in scopes {
        if let Some(brand) = scope.brand() {
            let policy = context.catalog.policy(brand);
            draft.say_yes(Yes { scope, basis, day }, policy, context.now.today);
        }
    }
    let statement = Statement {
        reason: reason.clone(),
        legal_basis: Some(legal_basis),
        evidence: Some(evidence.clone()),
        ..yes_statement(&mut draft, scopes)
    };
    record(context, draft, statement)
}

/// The statement of a yes, with its registrations.
fn yes_statement(draft: &mut Draft, scopes: &[Scope]) -> Statement {
    let controllers = controllers_of(scopes);
    for &controller in &controllers {
        draft.register(controller);
    }
    Statement { scopes: scopes.to_vec(), controllers, ..Statement::new(EventKind::ConsentGranted) }
}

/// Only advertising to customers is not consent; every other basis that staff may name stands for
/// a wish of the owner.
const fn basis_of(legal_basis: LegalBasis) -> Basis {
    match legal_basis {
        LegalBasis::ExistingCustomer => Basis::ExistingCustomer,
        LegalBasis::Consent
        | LegalBasis::Contract
        | LegalBasis::LegitimateInterest
        | LegalBasis::LegalObligation => Basis::Consent,
    }
}

pub(super) fn mark_requested(
    context: &Context<'_>,
    campaign: &Campaign,
    evidence: Option<&Arc<Evidence>>,
) -> Outcome {
    let profile = context.subject.profile;
    let policy = context.catalog.policy(campaign.brand);
    let ruling = decide(profile, context.subject.base, campaign, policy, context.now.today);
    let rejected = match ruling.verdict {
        Verdict::AllowedConsentRequest => None,
        // A request by letter is judged as a letter.
        Verdict::AllowedPost if campaign.purpose == Purpose::ConsentRequest => None,
        Verdict::InvalidAddress => Some(WriteOutcome::InvalidAddress),
        Verdict::UnknownAddress | Verdict::NotRequested | Verdict::Pending | Verdict::Expired => {
            Some(WriteOutcome::UnknownAddress)
        }
        Verdict::Refused => Some(WriteOutcome::Refused),
        Verdict::OptedOutEverything
        | Verdict::OptedOutController
        | Verdict::OptedOutBrand
        | Verdict::OptedOutTopic => Some(WriteOutcome::OptedOut),
        Verdict::Blocked if ruling.scope.is_some() => Some(WriteOutcome::OptedOut),
        Verdict::Blocked | Verdict::HardBounce => Some(WriteOutcome::Blocked),
        Verdict::Complaint => Some(WriteOutcome::Complaint),
        Verdict::ErasurePending => Some(WriteOutcome::ErasurePending),
        Verdict::Erased => Some(WriteOutcome::Erased),
        Verdict::RecentlyAsked => Some(WriteOutcome::RecentlyAsked),
        Verdict::AlreadyGranted => Some(WriteOutcome::AlreadyGranted),
        Verdict::RequestForbidden => Some(WriteOutcome::Policy),
        // What allows another purpose is no permission to ask.
        Verdict::AllowedConsent
        | Verdict::AllowedExistingCustomer
        | Verdict::AllowedNoObjection
        | Verdict::AllowedTransactional
        | Verdict::AllowedOneToOne
        | Verdict::AllowedPost => Some(WriteOutcome::Policy),
    };
    if let Some(outcome) = rejected {
        return Outcome::without_event(outcome);
    }
    Outcome::applied(Statement {
        brands: vec![campaign.brand],
        scopes: vec![campaign.scope()],
        evidence: evidence.cloned(),
        effects: vec![Effect::Asked(campaign.brand, context.now.today.day())],
        ..Statement::new(EventKind::ConsentRequested)
    })
}

pub(super) fn resubscribe_by_staff(
    context: &Context<'_>,
    scopes: &[Scope],
    legal_basis: LegalBasis,
    explanation: &Arc<str>,
) -> Result<Outcome, Unread> {
    let profile = context.subject.profile;
    let forbids = |brand: BrandId| {
        context.catalog.policy(brand).staff_resubscribe == StaffResubscribe::Forbidden
    };
    let is_complaint = |declaration: &Declaration<Day>| {
        matches!(declaration, Declaration::No { origin: Origin::Complaint })
    };
    let complained = profile.declarations.iter().any(|(at, declaration)| {
        is_complaint(declaration) && scopes.iter().any(|scope| scope.touches(*at))
    });
    let rejected = against_erasure(profile)
        .or_else(|| {
            let forbidden = scopes.iter().filter_map(|scope| scope.brand()).any(forbids);
            forbidden.then_some(WriteOutcome::Policy)
        })
        .or_else(|| complained.then_some(WriteOutcome::Complaint));
    if let Some(outcome) = rejected {
        return Ok(Outcome::without_event(outcome));
    }
    let mut draft = Draft::of(profile);
    let day = context.now.today.day();
    let (basis, kept) = (basis_of(legal_basis), BTreeSet::new());
    let kind = owner::say_yes(context, &mut draft, scopes, basis, day, &kept, |_| true);
    let statement = Statement {
        kind,
        reason: explanation.clone(),
        legal_basis: Some(legal_basis),
        ..yes_statement(&mut draft, scopes)
    };
    record(context, draft, statement)
}

/// Whether a timestamp lies before another event of the ledger.
const fn is_before(said: Timestamp, recorded: Timestamp) -> bool {
    said.nanos() < recorded.nanos()
}
