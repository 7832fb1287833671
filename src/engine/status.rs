//! What stands for an address, and what staff could do now: the clerk's view.

use std::sync::Arc;

use super::error::EngineError;
use super::history::parse_address;
use super::{Engine, Shared};
use crate::authorize::{Authorized, Operation, authorize, permit};
use crate::catalog::{Brand, Catalog, Topic};
use crate::decide::Horizon;
use crate::model::actor::{Caller, Role};
use crate::model::address::Address;
use crate::model::campaign::{Campaign, CampaignId, Channel, Purpose};
use crate::model::command::Command;
use crate::model::day::Day;
use crate::model::event::{Effect, Event, EventKind};
use crate::model::evidence::{Evidence, LegalBasis, Method};
use crate::model::fact::{Basis, Block, Cause, Declaration, Erasure, Origin};
use crate::model::revision::Revision;
use crate::model::scope::{BrandId, ControllerId, Scope};
use crate::model::verdict::WriteOutcome;
use crate::profile::Profile;
use crate::transition::{Moment, Outcome, Past, Subject, Transition, transition};

/// What the declarations at a scope amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConsentState {
    /// Nothing was said.
    NotRequested,
    /// Asked, not answered.
    Pending,
    /// A yes that is live.
    Granted,
    /// A no to a request, or a withdrawal.
    Refused,
    /// A yes that has lapsed.
    Expired,
}

/// A consent at a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopedConsent {
    /// Where.
    pub scope: Scope,
    /// What it amounts to.
    pub state: ConsentState,
    /// What a yes rests on.
    pub legal_basis: Option<LegalBasis>,
    /// The latest event about it.
    pub event: Option<Event>,
}

/// An opt-out at a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopedOptOut {
    /// Where.
    pub scope: Scope,
    /// The latest event about it.
    pub event: Option<Event>,
}

/// A stop of a brand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopedBlock {
    /// Which brand.
    pub brand: BrandId,
    /// By which channel.
    pub channel: Channel,
    /// Why.
    pub cause: Cause,
    /// Why, in words.
    pub reason: Arc<str>,
    /// The latest event about it.
    pub event: Option<Event>,
}

/// The outcome that each command of staff would have for a brand now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrandActions {
    /// Which brand.
    pub brand: BrandId,
    /// Of asking for consent.
    pub mark_consent_requested: WriteOutcome,
    /// Of recording one.
    pub record_consent: WriteOutcome,
    /// Of recording a withdrawal.
    pub withdraw_consent: WriteOutcome,
    /// Of lifting the stops of mail.
    pub lift_blocks: WriteOutcome,
}

/// What stands for an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// In canonical form.
    pub address: Address,
    /// Controllers that have it on file.
    pub registered_with: Vec<ControllerId>,
    /// Yeses, refusals, pending requests.
    pub consents: Vec<ScopedConsent>,
    /// The owner's own noes.
    pub opt_outs: Vec<ScopedOptOut>,
    /// Stops, and the noes that staff recorded for the owner.
    pub blocks: Vec<ScopedBlock>,
    /// How far an erasure has come.
    pub erasure: Erasure,
    /// All of it is of this revision or a later one.
    pub revision: Revision,
    /// For each brand of the catalog.
    pub actions: Vec<BrandActions>,
}

impl Engine {
    /// What stands for an address. One that nobody named has an empty status.
    ///
    /// # Errors
    /// No address; a revision that is not reached; damaged data.
    pub async fn status(
        &self,
        caller: &Caller,
        address: &[u8],
        at_least: Revision,
    ) -> Result<Status, EngineError> {
        permit(caller, Operation::ReadAddress)?;
        let address = parse_address(address)?;
        self.reach(at_least).await?;
        self.blocking(move |shared| shared.status(address)).await
    }
}

impl Shared {
    fn status(&self, address: Address) -> Result<Status, EngineError> {
        let revision = self.head();
        let fingerprint = self.fingerprinter.fingerprint(address.as_str().as_bytes());
        let last = self.known(fingerprint).map_or(Revision::ZERO, |known| known.last);
        let events: Vec<Event> = self.walk(last).collect::<Result<_, _>>()?;
        let (profile, base) = self.profiles(&address);
        let (catalog, now) = (self.catalog(), self.moment());
        let view = View {
            catalog: &catalog,
            profile: &profile,
            base: base.as_ref(),
            events: &events,
            now,
        };
        Ok(Status {
            address,
            registered_with: profile.registered.iter().copied().collect(),
            consents: view.consents(),
            opt_outs: view.opt_outs(),
            blocks: view.blocks(),
            erasure: profile.erasure,
            revision,
            actions: view.actions(),
        })
    }
}

/// What a yes rests on, in the words of who recorded it: staff may bring an owner back on other bases
/// than consent, and the rules take each of them for the owner's yes.
fn named_basis(basis: LegalBasis, event: Option<&Event>) -> LegalBasis {
    let named = event.and_then(|event| event.statement.legal_basis);
    match (basis, named) {
        (LegalBasis::Consent, Some(named)) if named != LegalBasis::ExistingCustomer => named,
        (basis, _) => basis,
    }
}

/// What a status is computed from.
pub(super) struct View<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) profile: &'a Profile,
    pub(super) base: Option<&'a Profile>,
    pub(super) events: &'a [Event],
    pub(super) now: Moment,
}

impl View<'_> {
    pub(super) fn consents(&self) -> Vec<ScopedConsent> {
        let declared = self.profile.declarations.iter().filter_map(|(scope, declaration)| {
            let (state, legal_basis) = match *declaration {
                Declaration::Yes { basis, day } => {
                    let state = if self.is_live(*scope, day) {
                        ConsentState::Granted
                    } else {
                        ConsentState::Expired
                    };
                    let basis = match basis {
                        Basis::Consent => LegalBasis::Consent,
                        Basis::ExistingCustomer => LegalBasis::ExistingCustomer,
                    };
                    (state, Some(basis))
                }
                Declaration::No { origin: Origin::Refusal } => (ConsentState::Refused, None),
                Declaration::No {
                    origin: Origin::OptOut | Origin::OwnerRequest | Origin::Complaint,
                } => return None,
            };
            let event = self.last_at(*scope);
            let legal_basis = legal_basis.map(|basis| named_basis(basis, event.as_ref()));
            Some(ScopedConsent { scope: *scope, state, legal_basis, event })
        });
        let pending = self.profile.asked.keys().filter_map(|brand| {
            let scope = Scope::Brand(*brand);
            let said = self.profile.declarations.keys().any(|at| at.touches(scope));
            (!said).then(|| ScopedConsent {
                scope,
                state: ConsentState::Pending,
                legal_basis: None,
                event: self.last_asked(*brand),
            })
        });
        declared.chain(pending).collect()
    }

    fn is_live(&self, scope: Scope, day: Day) -> bool {
        let lifetime = scope.brand().and_then(|b| self.catalog.policy(b).consent_lifetime_days);
        lifetime.is_none_or(|lifetime| {
            let days = i32::from(lifetime.get());
            Horizon { day, days, in_doubt: false }.lies_ahead(self.now.today)
        })
    }

    pub(super) fn opt_outs(&self) -> Vec<ScopedOptOut> {
        let is_opt_out = |declaration: &Declaration<Day>| {
            matches!(declaration, Declaration::No { origin: Origin::OptOut })
        };
        let declarations = self.profile.declarations.iter().filter(|(_, d)| is_opt_out(d));
        declarations
            .map(|(scope, _)| ScopedOptOut { scope: *scope, event: self.last_at(*scope) })
            .collect()
    }

    pub(super) fn blocks(&self) -> Vec<ScopedBlock> {
        let of_owner = self.profile.declarations.iter().filter_map(|(scope, declaration)| {
            let cause = match declaration {
                Declaration::No { origin: Origin::OwnerRequest } => Cause::OwnerRequest,
                Declaration::No { origin: Origin::Complaint } => Cause::Complaint,
                Declaration::No { origin: Origin::OptOut | Origin::Refusal }
                | Declaration::Yes { .. } => return None,
            };
            let brand = scope.brand()?;
            let event = self.last_said(brand, cause).or_else(|| self.last_at(*scope));
            Some(self.block(brand, Channel::Email, cause, event))
        });
        let set = self.profile.blocks.iter().map(|block| {
            let event = self.last_block(*block);
            self.block(block.brand, block.channel, block.cause, event)
        });
        of_owner.chain(set).collect()
    }

    fn block(
        &self,
        brand: BrandId,
        channel: Channel,
        cause: Cause,
        event: Option<Event>,
    ) -> ScopedBlock {
        let reason = event.as_ref().map_or("".into(), |event| event.statement.reason.clone());
        ScopedBlock { brand, channel, cause, reason, event }
    }

    /// The latest event that spoke about a scope, be it only to prove anew what stands there.
    fn last_at(&self, scope: Scope) -> Option<Event> {
        self.find(|event| {
            let speaks = !matches!(
                event.statement.kind,
                EventKind::ConsentRequested | EventKind::OptInBegun
            );
            let names = speaks && event.statement.scopes.contains(&scope);
            names
                || event.statement.effects.iter().any(|effect| match effect {
                    Effect::Yes { scope: at, .. } | Effect::No { scope: at, .. } => *at == scope,
                    Effect::Register(_)
                    | Effect::Undeclare(_)
                    | Effect::Block(_)
                    | Effect::Unblock(_)
                    | Effect::Asked(..)
                    | Effect::Erasure(_) => false,
                })
        })
    }

    /// The latest event by which the owner's word against mail of a brand was recorded as a block.
    fn last_said(&self, brand: BrandId, cause: Cause) -> Option<Event> {
        self.find(|event| {
            let statement = &event.statement;
            statement.kind == EventKind::Blocked
                && statement.cause == Some(cause)
                && statement.channels.contains(&Channel::Email)
                && statement.brands.contains(&brand)
        })
    }

    fn last_block(&self, block: Block) -> Option<Event> {
        self.find(|event| event.statement.effects.contains(&Effect::Block(block)))
    }

    fn last_asked(&self, brand: BrandId) -> Option<Event> {
        self.find(|event| {
            event.statement.kind == EventKind::ConsentRequested
                && event.statement.brands.contains(&brand)
        })
    }

    fn find(&self, which: impl Fn(&&Event) -> bool) -> Option<Event> {
        self.events.iter().find(which).cloned()
    }

    fn actions(&self) -> Vec<BrandActions> {
        self.catalog.brands.iter().filter_map(|brand| self.brand_actions(brand)).collect()
    }

    /// The commands of staff, run dry.
    fn brand_actions(&self, brand: &Brand) -> Option<BrandActions> {
        let scope = Scope::Brand(brand.id);
        let evidence =
            Evidence { method: Method::InPerson, source: "status".into(), ..Evidence::default() };
        let id = CampaignId::parse("status")?;
        let request = |topic: &Topic| Campaign {
            brand: brand.id,
            id: id.clone(),
            topic: Some(topic.id),
            purpose: Purpose::ConsentRequest,
            channel: Channel::Email,
            retired: false,
        };
        let staff = Caller { credential: "".into(), roles: vec![Role::Staff], actor: "".into() };
        let dry = |command: Command| Some(self.dry(&authorize(&staff, command).ok()?));
        // A request is about a topic: what may be asked for any of them may be asked.
        let asked =
            brand.topics.iter().map(request).filter_map(|campaign| {
                dry(Command::MarkConsentRequested { campaign, evidence: None })
            });
        let asked: Vec<WriteOutcome> = asked.collect();
        let applied = asked.iter().find(|outcome| **outcome == WriteOutcome::Applied);
        let mark_consent_requested = *applied.or(asked.first()).unwrap_or(&WriteOutcome::Policy);
        Some(BrandActions {
            brand: brand.id,
            mark_consent_requested,
            record_consent: dry(Command::RecordConsent {
                scopes: vec![scope],
                legal_basis: LegalBasis::Consent,
                evidence: Arc::new(evidence),
            })?,
            withdraw_consent: dry(Command::WithdrawConsent {
                scopes: vec![scope],
                reason: "".into(),
            })?,
            lift_blocks: dry(Command::LiftBlocks {
                brands: vec![brand.id],
                channels: vec![Channel::Email],
                reason: "status".into(),
            })?,
        })
    }

    fn dry(&self, command: &Authorized<Command>) -> WriteOutcome {
        let subject = Subject { profile: self.profile, base: self.base };
        let past = Past::Read { events: self.events, base_spoke: None };
        match transition(subject, past, command, self.catalog, self.now) {
            Transition::Done(Outcome { outcome, .. }) => outcome,
            // The past is read: it cannot be asked for.
            Transition::NeedsPast => WriteOutcome::Unchanged,
        }
    }
}
