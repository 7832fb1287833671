//! A group in the making: transitions run against the index and what the group has changed so
//! far; nothing outside it changes before it is committed.

mod import;

use std::collections::HashMap;
use std::sync::Arc;

use super::super::Shared;
use super::super::erasure::CaseChange;
use super::super::error::EngineError;
use super::super::request::{Answered, holds};
use super::super::write::Written;
use super::{NoticeAt, Target, WriteJob, notice_digest};
use crate::authorize::Authorized;
use crate::catalog::Catalog;
use crate::ledger::{Group, RecordKind};
use crate::model::command::{Command, Wish};
use crate::model::day::{Timestamp, Today};
use crate::model::event::{Effect, Event, EventKind, OwnerProof, Statement};
use crate::model::evidence::Notice;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::model::verdict::WriteOutcome;
use crate::profile::Profile;
use crate::record::{RequestRecord, encode_event, encode_notice, encode_request};
use crate::transition::{Moment, Outcome, Past, Subject, Transition, transition};

/// A change that the index takes once the group is durable.
#[derive(Debug)]
pub(super) struct Applied {
    pub(super) fingerprint: Fingerprint,
    pub(super) revision: Revision,
    pub(super) tagged: bool,
    pub(super) owner_proof: Option<OwnerProof>,
    pub(super) effects: Vec<Effect>,
}

impl Applied {
    pub(super) fn of(event: &Event) -> Self {
        Self {
            fingerprint: event.fingerprint,
            revision: event.revision,
            tagged: event.tagged,
            owner_proof: event.statement.owner_proof,
            effects: event.statement.effects.clone(),
        }
    }
}

/// What else is true once the group is durable.
#[derive(Debug, Default)]
pub(in crate::engine) struct Kept {
    notices: NoticeAt,
    requests: Vec<Answered>,
    cases: Vec<CaseChange>,
    at: Option<Timestamp>,
}

impl Kept {
    /// Of a group that decides a case.
    pub(super) fn of_case(change: CaseChange, at: Timestamp) -> Self {
        Self { cases: vec![change], at: Some(at), ..Self::default() }
    }
}

/// An address as this group leaves it so far.
#[derive(Debug, Clone)]
struct Pending {
    profile: Profile,
    /// Its last event before this group.
    before: Revision,
    last: Revision,
    owner_yes: Revision,
    /// Its events of this group, oldest first.
    events: Vec<Event>,
}

/// What a transition asked for, as it was before its call.
#[derive(Debug)]
struct ReadPast {
    /// Newest first.
    events: Vec<Event>,
    base_spoke: Option<Timestamp>,
}

/// The same, lent.
#[derive(Debug, Clone, Copy, Default)]
struct PastBefore<'a> {
    events: &'a [Event],
    base_spoke: Option<Timestamp>,
}

impl ReadPast {
    fn before(&self) -> PastBefore<'_> {
        PastBefore { events: &self.events, base_spoke: self.base_spoke }
    }
}

pub(super) struct Stage {
    shared: Arc<Shared>,
    catalog: Arc<Catalog>,
    now: Moment,
    group: Group<Vec<Applied>>,
    overlay: HashMap<Fingerprint, Pending>,
    kept: Kept,
    payload: Vec<u8>,
}

impl Stage {
    pub(super) fn new(shared: Arc<Shared>, group: Group<Vec<Applied>>) -> Self {
        Self {
            catalog: shared.catalog(),
            now: shared.moment(),
            shared,
            group,
            overlay: HashMap::new(),
            kept: Kept::default(),
            payload: Vec::new(),
        }
    }

    /// When its events happen.
    pub(super) const fn now(&self) -> Moment {
        self.now
    }

    pub(super) fn finish(mut self) -> (Group<Vec<Applied>>, Kept) {
        self.kept.at = Some(self.now.at);
        (self.group, self.kept)
    }

    /// Stages one call. While yeses are refused for a reason its noes alone are staged, and the
    /// reason is the answer if anything was left out.
    pub(super) fn write(
        &mut self,
        job: &WriteJob,
        refused: Option<EngineError>,
    ) -> Result<Written, EngineError> {
        let in_doubt = matches!(self.now.today, Today::InDoubt(_));
        let refused = refused.or(in_doubt.then_some(EngineError::ClockInDoubt));
        if let Some(answered) = self.answered(job) {
            return answered;
        }
        let Some(refused) = refused else { return self.call(job, &job.command, true) };
        match job.command.without_yeses() {
            Some(noes) if noes == job.command => self.call(job, &job.command, true),
            Some(noes) => self.call(job, &noes, false).and(Err(refused)),
            None => Err(refused),
        }
    }

    /// The first response to a call that was answered before.
    fn answered(&self, job: &WriteJob) -> Option<Result<Written, EngineError>> {
        let key = job.request.as_ref()?;
        let is_same =
            |a: &&Answered| a.record.credential == key.credential && a.record.id == key.id;
        if let Some(answered) = self.kept.requests.iter().find(is_same) {
            return Some(answered.repeat(key));
        }
        self.shared.requests.get(key, self.now.at).map(|answered| answered.repeat(key))
    }

    fn call(
        &mut self,
        job: &WriteJob,
        command: &Authorized<Command>,
        is_whole: bool,
    ) -> Result<Written, EngineError> {
        // What the call needs to know is read before anything of it is staged: a call that
        // meets damage leaves nothing in the group but its noes. A no is always taken: where the
        // past cannot be read it is recorded as if it were new.
        let pasts = match self.read_pasts(job, command) {
            Ok(pasts) => pasts,
            Err(_) if needs_no_past(command.value()) => HashMap::new(),
            Err(error) => {
                let noes = command.without_yeses().filter(|noes| needs_no_past(noes.value()));
                return noes
                    .map_or(Ok(()), |noes| self.call(job, &noes, false).map(drop))
                    .and(Err(error));
            }
        };
        let request_id: Arc<str> = job.request.as_ref().map_or("".into(), |key| key.id.clone());
        let mut outcomes = Vec::with_capacity(job.targets.len());
        for (i, target) in job.targets.iter().enumerate() {
            let Some(target) = target else {
                outcomes.push(WriteOutcome::InvalidAddress);
                continue;
            };
            let past = pasts.get(&i).map_or(PastBefore::default(), ReadPast::before);
            let outcome = self.target(target, command, &request_id, past)?;
            if outcome.choices.is_empty() {
                outcomes.push(outcome.outcome);
            } else {
                outcomes.extend(outcome.choices);
            }
        }
        if let Some(key) = job.request.as_ref().filter(|_| is_whole) {
            let record = RequestRecord {
                credential: key.credential.clone(),
                id: key.id.clone(),
                digest: key.digest,
                recorded_at: self.now.at,
                outcomes: outcomes.clone(),
            };
            self.payload.clear();
            encode_request(&record, rand::random(), &mut self.payload);
            let revision = self.group.push(RecordKind::Request, &self.payload);
            self.kept.requests.push(Answered { revision, record });
        }
        Ok(Written { revision: self.reached(), outcomes })
    }

    /// The last revision that the group has given out so far, or the head it begins at.
    fn reached(&self) -> Revision {
        Revision::new(self.group.next_revision().number().saturating_sub(1))
    }

    /// The events, newest first, of those targets whose transition asks for them. A target that
    /// the same call names twice is asked again when its turn comes.
    fn read_pasts(
        &mut self,
        job: &WriteJob,
        command: &Authorized<Command>,
    ) -> Result<HashMap<usize, ReadPast>, EngineError> {
        let mut pasts = HashMap::new();
        let mut seen = std::collections::HashSet::new();
        for (i, target) in job.targets.iter().enumerate() {
            let Some(target) = target else { continue };
            let is_repeated = !seen.insert(target.fingerprint);
            let asks = is_repeated
                || matches!(self.run(target, command, Past::Unread), Transition::NeedsPast);
            if asks {
                let last = self.pending(target.fingerprint).before;
                let looks_back = match command.value() {
                    // It joins the case that is pending, however long ago that began.
                    Command::RequestErasure { .. } => usize::MAX,
                    no if needs_no_past(no) => NO_LOOKS_BACK,
                    _ => usize::MAX,
                };
                let walk = self.shared.walk(last).take(looks_back);
                let events: Vec<Event> = walk.collect::<Result<_, _>>()?;
                let is_owners = matches!(command.value(), Command::OwnerChoice { .. });
                let base_spoke = if is_owners { self.base_spoke(target)? } else { None };
                pasts.insert(i, ReadPast { events, base_spoke });
            }
        }
        Ok(pasts)
    }

    /// When anything was last recorded of what precedes the plus tag. One that cannot be told may
    /// have spoken just now.
    fn base_spoke(&mut self, target: &Target) -> Result<Option<Timestamp>, EngineError> {
        if !target.tagged {
            return Ok(None);
        }
        let base = target.base.or_else(|| {
            let base = target.address.as_ref()?.base()?;
            Some(self.shared.fingerprinter.fingerprint(base.as_str().as_bytes()))
        });
        let Some(base) = base else { return Ok(Some(self.now.at)) };
        let pending = self.pending(base);
        match pending.before {
            _ if !pending.events.is_empty() => Ok(Some(self.now.at)),
            Revision::ZERO => Ok(None),
            before => {
                let last = self.shared.event_if_kept(before)?;
                Ok(Some(last.map_or(self.now.at, |event| event.recorded_at)))
            }
        }
    }

    fn target(
        &mut self,
        target: &Target,
        command: &Authorized<Command>,
        request_id: &Arc<str>,
        past: PastBefore<'_>,
    ) -> Result<Outcome, EngineError> {
        let mut transition = self.run(target, command, Past::Unread);
        let mut said = Vec::new();
        if transition == Transition::NeedsPast {
            let staged = self.pending(target.fingerprint).events.iter().rev().cloned();
            let events: Vec<Event> = staged.chain(past.events.iter().cloned()).collect();
            let base_spoke = past.base_spoke;
            transition = self.run(target, command, Past::Read { events: &events, base_spoke });
            said = events;
        }
        let Transition::Done(mut outcome) = transition else {
            return Err(super::super::damaged(&"a transition asked twice for the past"));
        };
        for statement in std::mem::take(&mut outcome.statements) {
            let sent_again = |event| self.is_attempt(event, command, request_id, &statement);
            if !said.iter().any(sent_again) {
                self.event(target, command, request_id, statement);
            }
        }
        Ok(outcome)
    }

    /// Whether an event is what an earlier attempt at the same call recorded of its noes before its
    /// yeses were refused. Then a no that changes nothing is not said again, only sent again.
    fn is_attempt(
        &self,
        event: &Event,
        command: &Authorized<Command>,
        request_id: &Arc<str>,
        statement: &Statement,
    ) -> bool {
        let is_no = matches!(statement.kind, EventKind::OptedOut | EventKind::ConsentRefused);
        let recorded = || Statement { effects: Vec::new(), ..event.statement.clone() };
        is_no
            && !request_id.is_empty()
            && event.request_id == *request_id
            && event.actor.credential == command.actor().credential
            && holds(event.recorded_at, self.now.at)
            && recorded() == *statement
    }

    fn run(
        &mut self,
        target: &Target,
        command: &Authorized<Command>,
        past: Past<'_>,
    ) -> Transition {
        let own = self.pending(target.fingerprint);
        let (profile, owner_yes) = (own.profile.clone(), own.owner_yes);
        // The base is not asked while its own last revision is older than the owner's last yes.
        let base = target.base.map(|base| self.pending(base));
        let base = base.filter(|base| base.last >= owner_yes).map(|base| base.profile.clone());
        let subject = Subject { profile: &profile, base: base.as_ref() };
        transition(subject, past, command, &self.catalog, self.now)
    }

    /// The address as this group leaves it so far.
    fn pending(&mut self, fingerprint: Fingerprint) -> &mut Pending {
        self.overlay.entry(fingerprint).or_insert_with(|| {
            let index = self.shared.index();
            let known = index.get(fingerprint);
            let last = known.as_ref().map_or(Revision::ZERO, |known| known.last);
            Pending {
                profile: known.map(|known| known.profile).unwrap_or_default(),
                before: last,
                last,
                owner_yes: index.owner_yes(fingerprint),
                events: Vec::new(),
            }
        })
    }

    pub(super) fn event(
        &mut self,
        target: &Target,
        command: &Authorized<Command>,
        request_id: &Arc<str>,
        statement: Statement,
    ) {
        let notice = statement.evidence.as_ref().map(|evidence| evidence.notice.clone());
        let notice = notice.filter(|notice| !notice.is_empty()).map(|notice| self.notice(&notice));
        let previous = self.pending(target.fingerprint).last;
        let event = Event {
            revision: self.group.next_revision(),
            previous,
            recorded_at: self.now.at,
            fingerprint: target.fingerprint,
            address: target.address.clone(),
            tagged: target.tagged,
            actor: command.actor().clone(),
            request_id: request_id.clone(),
            statement,
        };
        self.payload.clear();
        encode_event(&event, notice, rand::random(), &mut self.payload);
        let revision = self.group.push(RecordKind::Event, &self.payload);
        self.group.value_mut().push(Applied::of(&event));
        self.kept.cases.extend(CaseChange::of_event(&event));
        let pending = self.pending(target.fingerprint);
        for effect in &event.statement.effects {
            pending.profile.apply(*effect);
        }
        if event.tagged && event.statement.owner_proof.is_some() {
            pending.owner_yes = revision;
        }
        pending.last = revision;
        pending.events.push(event);
    }

    /// Where a notice lies; it is stored once and shared by all who saw it.
    fn notice(&mut self, notice: &Notice) -> Revision {
        let digest = notice_digest(&self.shared.keys, notice);
        let stored = super::super::locked(&self.shared.notice_at).get(&digest).copied();
        if let Some(at) = stored.or_else(|| self.kept.notices.get(&digest).copied()) {
            return at;
        }
        self.payload.clear();
        encode_notice(notice, rand::random(), &mut self.payload);
        let at = self.group.push(RecordKind::Notice, &self.payload);
        self.kept.notices.insert(digest, at);
        at
    }
}

/// Events that a no looks back over to find itself said before. Beyond them it counts as new: who
/// clicks one link for ever must not make all writes wait for a walk through all those clicks.
const NO_LOOKS_BACK: usize = 256;

/// Whether a command is a no that only asks of the past whether it was said before.
fn needs_no_past(command: &Command) -> bool {
    match command {
        Command::BlockAddresses { .. }
        | Command::OptOut { .. }
        | Command::WithdrawConsent { .. }
        | Command::RequestErasure { .. } => true,
        Command::OwnerChoice { choices, .. } => {
            choices.iter().all(|choice| choice.wish == Wish::Unsubscribe)
        }
        Command::Import { fact, .. } => fact.is_no(),
        Command::RegisterAddresses { .. }
        | Command::LiftBlocks { .. }
        | Command::RecordConsent { .. }
        | Command::MarkConsentRequested { .. }
        | Command::ResubscribeByStaff { .. }
        | Command::BeginOptIn { .. }
        | Command::ApproveErasure { .. }
        | Command::RejectErasure { .. } => false,
    }
}

impl Shared {
    /// Takes over what a committed group brought besides its changes.
    pub(super) fn keep(&self, kept: Kept) {
        let Kept { notices, requests, cases, at } = kept;
        super::super::locked(&self.notice_at).extend(notices);
        for answered in requests {
            self.requests.put(answered);
        }
        for change in cases {
            super::super::locked(&self.cases).apply(change);
        }
        if let Some(at) = at {
            self.floor.set(at);
        }
    }
}
