//! What a command does to the list: the writes of the design, one after the other.

use std::sync::Arc;

use maysend::catalog::{Catalog, StaffConsent, StaffResubscribe};
use maysend::model::actor::ActorClass;
use maysend::model::campaign::Channel;
use maysend::model::command::{Command, ImportedFact};
use maysend::model::day::{Timestamp, Today};
use maysend::model::event::EventKind;
use maysend::model::evidence::{Evidence, LegalBasis};
use maysend::model::fact::{Basis, Block, Cause, Declaration, Erasure, Origin};
use maysend::model::scope::{BrandId, ControllerId, Scope};
use maysend::model::verdict::{Verdict, WriteOutcome};
use maysend::profile::Profile;

use super::{Book, Record, Said, Voice, Yes, inside, lifetime, related, verdict};

/// A command and the circumstances that it meets.
#[derive(Debug)]
pub(crate) struct Asking<'a> {
    pub(crate) command: &'a Command,
    pub(crate) class: ActorClass,
    pub(crate) catalog: &'a Catalog,
    pub(crate) today: Today,
    pub(crate) at: Timestamp,
    /// The facts of the base, where they are to be asked.
    pub(crate) base: Option<&'a Profile>,
    /// When anything was last recorded of the base, asked or not.
    pub(crate) base_spoke: Option<Timestamp>,
    /// The revision that the next record gets.
    pub(crate) next: u64,
}

/// What becomes of a command.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) outcome: WriteOutcome,
    pub(crate) choices: Vec<WriteOutcome>,
    pub(crate) kinds: Vec<EventKind>,
}

impl Answer {
    pub(super) fn plain(outcome: WriteOutcome) -> Self {
        Self { outcome, choices: Vec::new(), kinds: Vec::new() }
    }
}

/// Why a standing no rejects.
fn by_origin(origin: Origin) -> WriteOutcome {
    match origin {
        Origin::OptOut | Origin::OwnerRequest => WriteOutcome::OptedOut,
        Origin::Refusal => WriteOutcome::Refused,
        Origin::Complaint => WriteOutcome::Complaint,
    }
}

pub(super) fn brands(scopes: &[Scope]) -> Vec<BrandId> {
    let brand = |scope: &Scope| match scope {
        Scope::Brand(brand) => *brand,
        Scope::Topic(topic) => topic.brand(),
        Scope::Everything | Scope::Controller(_) => panic!("a yes is for a brand or a topic"),
    };
    scopes.iter().map(brand).collect()
}

pub(super) fn registrations(scopes: &[Scope]) -> Vec<Said> {
    let controllers = brands(scopes).into_iter().map(BrandId::controller);
    controllers.map(Said::Registered).collect()
}

impl Book {
    /// Takes a command: changes the list, and says what became of it.
    pub(crate) fn take(&mut self, asking: &Asking<'_>) -> Answer {
        match asking.command {
            Command::RegisterAddresses { controllers, source, owner_session } => {
                self.register(asking, controllers, source, *owner_session)
            }
            Command::BlockAddresses { brands, channels, cause, reason, opt_out } => {
                let mut said = Vec::new();
                for brand in brands {
                    for channel in channels {
                        let scope = Scope::Brand(*brand);
                        said.push(match (channel, cause) {
                            (Channel::Email, Cause::OwnerRequest) => {
                                Said::No { scope, origin: Origin::OwnerRequest }
                            }
                            (Channel::Email, Cause::Complaint) => {
                                Said::No { scope, origin: Origin::Complaint }
                            }
                            (Channel::Email, Cause::StaffDecision | Cause::HardBounce)
                            | (Channel::Post, _) => Said::Blocked(Block {
                                brand: *brand,
                                channel: *channel,
                                cause: *cause,
                            }),
                        });
                    }
                }
                for scope in opt_out {
                    said.push(Said::No { scope: *scope, origin: Origin::OptOut });
                }
                self.restrict(asking, EventKind::Blocked, reason, None, said)
            }
            Command::LiftBlocks { brands, channels, reason } => {
                self.lift(asking, brands, channels, reason)
            }
            Command::OptOut { scopes, reason, evidence } => {
                let no = |scope: &Scope| Said::No { scope: *scope, origin: Origin::OptOut };
                let said = scopes.iter().map(no).collect();
                self.restrict(asking, EventKind::OptedOut, reason, evidence.clone(), said)
            }
            Command::WithdrawConsent { scopes, reason } => {
                let no = |scope: &Scope| Said::No { scope: *scope, origin: Origin::Refusal };
                let said = scopes.iter().map(no).collect();
                self.restrict(asking, EventKind::ConsentRefused, reason, None, said)
            }
            Command::RecordConsent { scopes, legal_basis, evidence } => {
                self.record_consent(asking, scopes, *legal_basis, "", evidence)
            }
            Command::Import { fact, reason, evidence } => {
                if self.has_row(asking, *fact, evidence) {
                    return Answer::plain(WriteOutcome::Unchanged);
                }
                let proof = Some(evidence.clone());
                match *fact {
                    ImportedFact::Granted { scope, legal_basis } => {
                        self.record_consent(asking, &[scope], legal_basis, reason, evidence)
                    }
                    ImportedFact::Refused(scope) => {
                        let no = Said::No { scope, origin: Origin::Refusal };
                        self.restrict(asking, EventKind::ConsentRefused, reason, proof, vec![no])
                    }
                    ImportedFact::OptedOut(scope) => {
                        let no = Said::No { scope, origin: Origin::OptOut };
                        self.restrict(asking, EventKind::OptedOut, reason, proof, vec![no])
                    }
                    ImportedFact::Blocked(brand) => {
                        let (channel, cause) = (Channel::Email, Cause::StaffDecision);
                        let stop = Said::Blocked(Block { brand, channel, cause });
                        self.restrict(asking, EventKind::Blocked, reason, proof, vec![stop])
                    }
                    ImportedFact::Registered(controller) => {
                        if self.erased {
                            return Answer::plain(WriteOutcome::Erased);
                        }
                        let said = vec![Said::Registered(controller)];
                        let kind = EventKind::Registered;
                        self.propose(asking, record(asking, kind, reason, proof, said))
                    }
                }
            }
            Command::MarkConsentRequested { campaign, evidence } => {
                let policy = asking.catalog.policy(campaign.brand);
                let own = self.facts();
                let said = verdict(&own, asking.base, campaign, policy, asking.today);
                if !said.allows() {
                    let stopped = [Some(&own), asking.base].into_iter().flatten().any(|facts| {
                        let mut blocks = facts.blocks.iter();
                        blocks.any(|b| b.brand == campaign.brand && b.channel == campaign.channel)
                    });
                    return Answer::plain(denied(said, stopped));
                }
                // Each is the permission for one more request, so each is recorded.
                let asked = Said::Asked { brand: campaign.brand, day: asking.today.day() };
                let kind = EventKind::ConsentRequested;
                self.records.push(record(asking, kind, "", evidence.clone(), vec![asked]));
                Answer { kinds: vec![kind], ..Answer::plain(WriteOutcome::Applied) }
            }
            Command::ResubscribeByStaff { scopes, legal_basis, explanation } => {
                self.resubscribe(asking, scopes, *legal_basis, explanation)
            }
            Command::OwnerChoice { choices, proof, evidence } => {
                self.owner_choice(asking, choices, proof, evidence.as_ref())
            }
            Command::BeginOptIn { scopes, evidence } => self.begin_opt_in(asking, scopes, evidence),
            Command::RequestErasure { id: _, reason, evidence, owner_link: _ } => {
                let (kind, proof) = (EventKind::ErasureRequested, evidence.clone());
                self.restrict(asking, kind, reason, proof, vec![Said::ErasureRequested])
            }
            Command::RequestAccess { words, evidence, owner_link: _ } => {
                if self.erased {
                    return Answer::plain(WriteOutcome::Erased);
                }
                if self.unanswered().is_some() {
                    return Answer::plain(WriteOutcome::Unchanged);
                }
                let (kind, proof) = (EventKind::AccessRequested, evidence.clone());
                let said = vec![Said::AccessRequested];
                self.records.push(record(asking, kind, words, proof, said));
                Answer { kinds: vec![kind], ..Answer::plain(WriteOutcome::Applied) }
            }
            Command::AnswerAccess { request, note } => {
                if self.unanswered() != Some(request.number()) {
                    return Answer::plain(WriteOutcome::Unchanged);
                }
                let kind = EventKind::AccessAnswered;
                self.records.push(record(asking, kind, note, None, vec![Said::AccessAnswered]));
                Answer { kinds: vec![kind], ..Answer::plain(WriteOutcome::Applied) }
            }
            Command::RejectErasure { id: _, reason } => {
                let kind = EventKind::ErasureRejected;
                self.propose(
                    asking,
                    record(asking, kind, reason, None, vec![Said::ErasureRejected]),
                )
            }
            Command::ApproveErasure { .. } => {
                if self.erased {
                    return Answer::plain(WriteOutcome::Unchanged);
                }
                self.records.clear();
                self.erased = true;
                self.erased_at = asking.next;
                self.erased_on = Some(asking.at);
                Answer { kinds: vec![EventKind::Erased], ..Answer::plain(WriteOutcome::Applied) }
            }
        }
    }

    fn register(
        &mut self,
        asking: &Asking<'_>,
        controllers: &[ControllerId],
        source: &str,
        owner_session: bool,
    ) -> Answer {
        let mut said: Vec<Said> = controllers.iter().copied().map(Said::Registered).collect();
        // Kept as the reason, and like none that somebody else gives.
        let source = &*format!("from {source}");
        if self.erased {
            if !owner_session {
                return Answer::plain(WriteOutcome::Erased);
            }
            self.erased = false;
            said.insert(0, Said::No { scope: Scope::Everything, origin: Origin::OptOut });
            let mut record = record(asking, EventKind::Registered, source, None, said);
            record.afresh = true;
            return self.propose(asking, record);
        }
        self.propose(asking, record(asking, EventKind::Registered, source, None, said))
    }

    fn lift(
        &mut self,
        asking: &Asking<'_>,
        brands: &[BrandId],
        channels: &[Channel],
        reason: &str,
    ) -> Answer {
        if let Some(no) = self.erasure_in_the_way() {
            return Answer::plain(no);
        }
        if channels.contains(&Channel::Email) {
            for brand in brands {
                if let Some(Declaration::No { origin }) = self.standing(Scope::Brand(*brand))
                    && (origin == Origin::OwnerRequest || origin == Origin::Complaint)
                {
                    return Answer::plain(by_origin(origin));
                }
            }
        }
        if channels.contains(&Channel::Post) {
            for brand in brands {
                for (cause, outcome) in [
                    (Cause::Complaint, WriteOutcome::Complaint),
                    (Cause::OwnerRequest, WriteOutcome::OptedOut),
                ] {
                    if self.blocked(Block { brand: *brand, channel: Channel::Post, cause }) {
                        return Answer::plain(outcome);
                    }
                }
            }
        }
        let mut said = Vec::new();
        for brand in brands {
            for channel in channels {
                said.push(Said::Lifted { brand: *brand, channel: *channel });
            }
        }
        self.propose(asking, record(asking, EventKind::BlockLifted, reason, None, said))
    }

    fn record_consent(
        &mut self,
        asking: &Asking<'_>,
        scopes: &[Scope],
        legal_basis: LegalBasis,
        reason: &str,
        evidence: &Arc<Evidence>,
    ) -> Answer {
        if let Some(no) = self.erasure_in_the_way() {
            return Answer::plain(no);
        }
        for brand in brands(scopes) {
            if asking.catalog.policy(brand).staff_consent == StaffConsent::Forbidden {
                return Answer::plain(WriteOutcome::Policy);
            }
        }
        // Of two that are as narrow, the one with the greater number.
        let mut worst: Option<(Scope, Origin)> = None;
        for scope in scopes {
            for (at, declaration) in self.facts().declarations {
                if let Declaration::No { origin } = declaration
                    && (at == *scope || inside(*scope, at))
                    && worst.is_none_or(|(found, _)| at > found)
                {
                    worst = Some((at, origin));
                }
            }
        }
        if let Some((_, origin)) = worst {
            return Answer::plain(by_origin(origin));
        }
        for brand in brands(scopes) {
            for cause in [Cause::StaffDecision, Cause::HardBounce] {
                if self.blocked(Block { brand, channel: Channel::Email, cause }) {
                    return Answer::plain(WriteOutcome::Blocked);
                }
            }
        }
        let basis = basis_of(legal_basis);
        let mut said = yeses(asking, scopes, basis, Voice::Clerk, &[], Some(evidence));
        said.extend(registrations(scopes));
        let kind = EventKind::ConsentGranted;
        let mut record = record(asking, kind, reason, Some(evidence.clone()), said);
        record.legal_basis = Some(legal_basis);
        self.propose(asking, record)
    }

    /// Whether this row of a file was taken before, whatever came after it.
    fn has_row(&self, asking: &Asking<'_>, fact: ImportedFact, evidence: &Evidence) -> bool {
        self.records.iter().any(|record| {
            let is_of_file = record.class == ActorClass::Import;
            let source = record.evidence.as_ref().map(|evidence| &evidence.source);
            is_of_file && source == Some(&evidence.source) && says(record, fact, asking.class)
        })
    }

    fn resubscribe(
        &mut self,
        asking: &Asking<'_>,
        scopes: &[Scope],
        legal_basis: LegalBasis,
        explanation: &str,
    ) -> Answer {
        if let Some(no) = self.erasure_in_the_way() {
            return Answer::plain(no);
        }
        for brand in brands(scopes) {
            if asking.catalog.policy(brand).staff_resubscribe == StaffResubscribe::Forbidden {
                return Answer::plain(WriteOutcome::Policy);
            }
        }
        let complaint = Declaration::No { origin: Origin::Complaint };
        for scope in scopes {
            for (at, declaration) in self.facts().declarations {
                if declaration == complaint && related(at, *scope) {
                    return Answer::plain(WriteOutcome::Complaint);
                }
            }
        }
        // What is recorded is the basis that staff named, not a consent that nobody gave.
        let basis = basis_of(legal_basis);
        let mut said = yeses(asking, scopes, basis, Voice::ClerkForOwner, &[], None);
        said.extend(registrations(scopes));
        let mut record = record(asking, EventKind::ConsentGranted, explanation, None, said);
        record.legal_basis = Some(legal_basis);
        record.kind = self.kind_of_yes(&record);
        self.propose(asking, record)
    }

    fn begin_opt_in(
        &mut self,
        asking: &Asking<'_>,
        scopes: &[Scope],
        evidence: &Arc<Evidence>,
    ) -> Answer {
        if self.erasure() == Erasure::Pending {
            return Answer::plain(WriteOutcome::ErasurePending);
        }
        let today = Some(asking.today.day());
        let begun = self
            .records
            .iter()
            .filter(|record| record.kind == EventKind::OptInBegun && record.at.day() == today);
        let begun = begun.count();
        for brand in brands(scopes) {
            if begun >= usize::from(asking.catalog.policy(brand).opt_in_mails_per_day) {
                return Answer::plain(WriteOutcome::RecentlyAsked);
            }
        }
        // Each is the permission for one more mail, so each is recorded.
        let kind = EventKind::OptInBegun;
        let evidence = Some(evidence.clone());
        self.records.push(record(asking, kind, "", evidence, vec![Said::OptInBegun]));
        Answer { kinds: vec![kind], ..Answer::plain(WriteOutcome::Applied) }
    }

    fn erasure_in_the_way(&self) -> Option<WriteOutcome> {
        match self.erasure() {
            Erasure::Erased => Some(WriteOutcome::Erased),
            Erasure::Pending => Some(WriteOutcome::ErasurePending),
            Erasure::None => None,
        }
    }

    /// A command that is always taken; on an erased address it changes nothing.
    fn restrict(
        &mut self,
        asking: &Asking<'_>,
        kind: EventKind,
        reason: &str,
        evidence: Option<Arc<Evidence>>,
        said: Vec<Said>,
    ) -> Answer {
        if self.erased {
            return Answer::plain(WriteOutcome::Unchanged);
        }
        let record = record(asking, kind, reason, evidence, said);
        // What the owner says again is written down again.
        if record.class == ActorClass::Owner && kind == EventKind::OptedOut {
            let outcome = self.outcome_of(&record);
            self.records.push(record);
            return Answer { kinds: vec![kind], ..Answer::plain(outcome) };
        }
        let repeats = record.class != ActorClass::Owner && self.repeats_a_no(&record);
        let mut answer = self.propose(asking, record.clone());
        if answer.outcome == WriteOutcome::Unchanged && repeats {
            self.records.push(record);
            answer.kinds.push(kind);
        }
        answer
    }
}

/// Whether the record came of this fact, and of nothing besides it.
fn says(record: &Record, fact: ImportedFact, class: ActorClass) -> bool {
    assert_eq!(class, ActorClass::Import, "rows of a file speak for nobody else");
    match (fact, record.kind, &record.said[..]) {
        (
            ImportedFact::Granted { scope, legal_basis },
            EventKind::ConsentGranted,
            [Said::Yes(yes), Said::Registered(_)],
        ) => yes.scope == scope && record.legal_basis == Some(legal_basis),
        (ImportedFact::Refused(scope), EventKind::ConsentRefused, [Said::No { scope: at, .. }])
        | (ImportedFact::OptedOut(scope), EventKind::OptedOut, [Said::No { scope: at, .. }]) => {
            *at == scope
        }
        (ImportedFact::Blocked(brand), EventKind::Blocked, [Said::Blocked(block)]) => {
            block.brand == brand
        }
        (ImportedFact::Registered(controller), EventKind::Registered, [Said::Registered(with)]) => {
            *with == controller
        }
        _ => false,
    }
}

fn basis_of(legal_basis: LegalBasis) -> Basis {
    match legal_basis {
        LegalBasis::ExistingCustomer => Basis::ExistingCustomer,
        _ => Basis::Consent,
    }
}

pub(super) fn record(
    asking: &Asking<'_>,
    kind: EventKind,
    reason: &str,
    evidence: Option<Arc<Evidence>>,
    said: Vec<Said>,
) -> Record {
    Record {
        revision: asking.next,
        at: asking.at,
        kind,
        class: asking.class,
        reason: reason.into(),
        legal_basis: None,
        evidence,
        owner_proved: false,
        minted: None,
        afresh: false,
        said,
    }
}

pub(super) fn yeses(
    asking: &Asking<'_>,
    scopes: &[Scope],
    basis: Basis,
    voice: Voice,
    spares: &[Scope],
    evidence: Option<&Arc<Evidence>>,
) -> Vec<Said> {
    let recorded = asking.today.day();
    let occurred = evidence.and_then(|evidence| evidence.occurred_at);
    let day = occurred.map_or(recorded, |at| at.day().expect("a day after 1970"));
    // As a set: what is broad leaves what the set says of what is narrow.
    let spares = [spares, scopes].concat();
    let said = scopes.iter().zip(brands(scopes)).map(|(scope, brand)| {
        Said::Yes(Yes {
            scope: *scope,
            basis,
            day,
            recorded,
            lifetime: lifetime(asking.catalog.policy(brand)),
            voice,
            spares: spares.clone(),
        })
    });
    said.collect()
}

/// What a denied consent request says to who wanted to send it.
fn denied(verdict: Verdict, stopped: bool) -> WriteOutcome {
    match verdict {
        // The owner's request, where there is no block.
        Verdict::Blocked if !stopped => WriteOutcome::OptedOut,
        Verdict::Erased => WriteOutcome::Erased,
        Verdict::ErasurePending => WriteOutcome::ErasurePending,
        Verdict::HardBounce | Verdict::Blocked => WriteOutcome::Blocked,
        Verdict::OptedOutEverything
        | Verdict::OptedOutController
        | Verdict::OptedOutBrand
        | Verdict::OptedOutTopic => WriteOutcome::OptedOut,
        Verdict::Refused => WriteOutcome::Refused,
        Verdict::Complaint => WriteOutcome::Complaint,
        Verdict::RequestForbidden => WriteOutcome::Policy,
        Verdict::AlreadyGranted => WriteOutcome::AlreadyGranted,
        Verdict::UnknownAddress => WriteOutcome::UnknownAddress,
        Verdict::RecentlyAsked => WriteOutcome::RecentlyAsked,
        other => unreachable!("{other:?} does not deny a consent request"),
    }
}
