//! A group in the making: transitions run against the index and what the group has changed so
//! far; nothing outside it changes before it is committed.

mod import;
mod look;
mod overlay;

use std::sync::Arc;

use self::look::{Look, PastBefore, needs_no_past};
use self::overlay::{Overlay, Pending, Place};
use super::super::Shared;
use super::super::erasure::CaseChange;
use super::super::error::EngineError;
use super::super::request::{Answered, holds};
use super::super::write::Written;
use super::{NoticeAt, Target, WriteJob, give_way, notice_digest};
use crate::authorize::Authorized;
use crate::catalog::Catalog;
use crate::ledger::{Group, RecordKind};
use crate::model::command::Command;
use crate::model::day::{Timestamp, Today};
use crate::model::event::{Effect, Event, EventKind, Statement};
use crate::model::evidence::Notice;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::model::verdict::WriteOutcome;
use crate::record::{RequestRecord, encode_event, encode_notice, encode_request};
use crate::transition::{Moment, Outcome, Past, Subject, Transition, transition};

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

pub(super) struct Stage {
    shared: Arc<Shared>,
    catalog: Arc<Catalog>,
    now: Moment,
    group: Group<Vec<Event>>,
    overlay: Overlay,
    /// Calls so far.
    calls: usize,
    /// The notice of the event before, and where it lies: most have the same.
    last_notice: Option<(Notice, Revision)>,
    kept: Kept,
    payload: Vec<u8>,
}

impl Stage {
    pub(super) fn new(shared: Arc<Shared>, group: Group<Vec<Event>>) -> Self {
        Self {
            catalog: shared.catalog(),
            now: shared.moment(),
            shared,
            group,
            overlay: Overlay::default(),
            calls: 0,
            last_notice: None,
            kept: Kept::default(),
            payload: Vec::new(),
        }
    }

    /// Makes room, so that nothing is moved while a call of so many addresses is staged.
    fn reserve(&mut self, addresses: usize) {
        self.overlay.reserve(addresses);
        self.group.value_mut().reserve(addresses);
    }

    /// When its events happen.
    pub(super) const fn now(&self) -> Moment {
        self.now
    }

    pub(super) fn finish(mut self) -> (Group<Vec<Event>>, Kept) {
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
        let mut looks = match self.look(job, command) {
            Ok(looks) => looks.into_iter(),
            Err(_) if needs_no_past(command.value()) => Vec::new().into_iter(),
            Err(error) => {
                let noes = command.without_yeses().filter(|noes| needs_no_past(noes.value()));
                return noes
                    .map_or(Ok(()), |noes| self.call(job, &noes, false).map(drop))
                    .and(Err(error));
            }
        };
        let request_id = job.request.as_ref().map_or_else(Arc::default, |key| key.id.clone());
        let mut outcomes = Vec::with_capacity(job.targets.len());
        for (at, target) in job.targets.iter().enumerate() {
            give_way(at);
            let look = looks.next().unwrap_or(Look::Open);
            let Some(target) = target else {
                outcomes.push(WriteOutcome::InvalidAddress);
                continue;
            };
            let outcome = match look {
                Look::Done(outcome) => self.statements(target, command, &request_id, outcome, &[]),
                Look::Open => self.target(target, command, &request_id, PastBefore::default())?,
                Look::Past(past) => self.target(target, command, &request_id, past.before())?,
            };
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
            said = self.staged(target);
            said.extend(past.events.iter().cloned());
            let base_spoke = past.base_spoke;
            transition = self.run(target, command, Past::Read { events: &said, base_spoke });
        }
        let Transition::Done(outcome) = transition else {
            return Err(super::super::damaged(&"a transition asked twice for the past"));
        };
        Ok(self.statements(target, command, request_id, outcome, &said))
    }

    /// Stages what a transition came to. `said` is the past that it asked for.
    fn statements(
        &mut self,
        target: &Target,
        command: &Authorized<Command>,
        request_id: &Arc<str>,
        mut outcome: Outcome,
        said: &[Event],
    ) -> Outcome {
        for statement in std::mem::take(&mut outcome.statements) {
            let sent_again = |event| self.is_attempt(event, command, request_id, &statement);
            if !said.iter().any(sent_again) {
                self.event(target, command, request_id, statement);
            }
        }
        outcome
    }

    /// The events of the address in this group, newest first.
    fn staged(&mut self, target: &Target) -> Vec<Event> {
        let Pending { before, last, .. } = *self.pending(target);
        self.staged_between(before, last).cloned().collect()
    }

    /// The events of an address in this group beyond `after`, from `last` back.
    fn staged_between(&self, after: Revision, last: Revision) -> impl Iterator<Item = &Event> {
        let events = self.group.value();
        let at = move |revision: Revision| {
            let place = events.binary_search_by_key(&revision, |event| event.revision).ok()?;
            events.get(place).filter(|_| revision > after)
        };
        std::iter::successors(at(last), move |event| at(event.previous))
    }

    /// Where an address lies in the overlay, with its profile as this group leaves it so far.
    fn settled(&mut self, fingerprint: Fingerprint) -> Place {
        let place = self.overlay.place(&self.shared, fingerprint);
        let Pending { settled, last, .. } = self.overlay[place];
        if settled < last {
            let events: Vec<&Event> = self.staged_between(settled, last).collect();
            let effects = events.iter().rev().flat_map(|event| &event.statement.effects);
            let effects: Vec<Effect> = effects.copied().collect();
            let pending = &mut self.overlay[place];
            effects.into_iter().for_each(|effect| pending.profile.apply(effect));
            pending.settled = last;
        }
        place
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
        let own = self.settled(target.fingerprint);
        let base = target.base.map(|base| self.settled(base));
        let Pending { profile, owner_yes, .. } = &self.overlay[own];
        // The base is not asked while its own last revision is older than the owner's last yes.
        let base = base.map(|base| &self.overlay[base]).filter(|base| base.last >= *owner_yes);
        let subject = Subject { profile, base: base.map(|base| &base.profile) };
        transition(subject, past, command, &self.catalog, self.now)
    }

    /// What this group knows of the address so far, but its profile: that is `settled`.
    fn pending(&mut self, target: &Target) -> &mut Pending {
        let place = self.overlay.place(&self.shared, target.fingerprint);
        &mut self.overlay[place]
    }

    pub(super) fn event(
        &mut self,
        target: &Target,
        command: &Authorized<Command>,
        request_id: &Arc<str>,
        statement: Statement,
    ) {
        let notice = statement.evidence.as_ref().map(|evidence| &evidence.notice);
        let notice = notice.filter(|notice| !notice.is_empty()).map(|notice| self.notice(notice));
        let event = Event {
            revision: self.group.next_revision(),
            previous: self.pending(target).last,
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
        self.kept.cases.extend(CaseChange::of_event(&event));
        let pending = self.pending(target);
        if event.tagged && event.statement.owner_proof.is_some() {
            pending.owner_yes = revision;
        }
        pending.last = revision;
        self.group.value_mut().push(event);
    }

    /// Where a notice lies; it is stored once and shared by all who saw it.
    fn notice(&mut self, notice: &Notice) -> Revision {
        if let Some((last, at)) = &self.last_notice
            && last == notice
        {
            return *at;
        }
        let digest = notice_digest(&self.shared.keys, notice);
        let stored = super::super::locked(&self.shared.notice_at).get(&digest).copied();
        let at = stored.or_else(|| self.kept.notices.get(&digest).copied());
        let at = at.unwrap_or_else(|| {
            self.payload.clear();
            encode_notice(notice, rand::random(), &mut self.payload);
            let at = self.group.push(RecordKind::Notice, &self.payload);
            self.kept.notices.insert(digest, at);
            at
        });
        self.last_notice = Some((notice.clone(), at));
        at
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
