//! Decisions on erasures, each in a group of its own.
//!
//! WRITE ORDER of an approval: past, four eyes, transition; `ledger.redact`, which returns once the
//! payloads are destroyed and the ledger says so; index, cases, head, answer. CRASH WINDOW: before
//! the tombstone is durable the case is pending; from then on the ledger's next opening finishes
//! it, and replay takes the tombstone. Both deny.

use std::sync::Arc;

use super::stage::{Kept, Stage};
use super::{Reply, Target, Writer};
use crate::authorize::{Authorized, four_eyes};
use crate::engine::erasure::{Case, CaseChange, CaseState};
use crate::engine::error::EngineError;
use crate::engine::{damaged, validate};
use crate::ledger::Urgency;
use crate::model::actor::{Actor, ActorClass, Caller};
use crate::model::address::Address;
use crate::model::command::Command;
use crate::model::event::{Event, EventKind, Statement};
use crate::model::revision::Revision;
use crate::record::{Requested, encode_tombstone};
use crate::transition::{Past, Subject, Transition, transition};

/// A decision that somebody wants recorded.
#[derive(Debug)]
pub(in crate::engine) struct DecideJob {
    pub(in crate::engine) id: Arc<str>,
    pub(in crate::engine) caller: Caller,
    pub(in crate::engine) command: Authorized<Command>,
    /// What the command makes of the case.
    pub(in crate::engine) wanted: CaseState,
    pub(in crate::engine) reply: Reply<Case>,
}

/// What is held of the address of a case, newest first, and what came before.
struct Held {
    /// Its events since the last tombstone.
    events: Vec<Event>,
    /// The last tombstone; zero where there is none.
    tombstone: Revision,
}

impl Held {
    fn address(&self) -> Option<&Address> {
        self.events.iter().find_map(|event| event.address.as_ref())
    }

    /// The requests of a case, newest first.
    fn requests(&self, id: &str) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(move |event| {
            let statement = &event.statement;
            statement.kind == EventKind::ErasureRequested && &*statement.erasure_id == id
        })
    }
}

impl Writer {
    /// Decides a case, unless that is done already.
    pub(super) fn decide(&mut self, job: &DecideJob) -> Result<Case, EngineError> {
        let case = self.shared.case_named(&job.id)?;
        if case.is_decided(job.wanted)? {
            return Ok(case);
        }
        if self.ledger.is_latched() {
            return Err(EngineError::Latched);
        }
        let held = self.held(&case)?;
        for request in held.requests(&case.id) {
            let same = |why| EngineError::SamePerson { id: case.id.to_string(), why };
            four_eyes(&request.actor, &job.caller).map_err(same)?;
        }
        let stage = Stage::new(self.shared.clone(), self.ledger.begin(Vec::new()));
        let statement = self.statement(&case, job, &held, &stage)?;
        match job.wanted {
            CaseState::Erased => self.erase(&case, job, &held, statement, &stage)?,
            CaseState::Pending | CaseState::Rejected => {
                self.reject(&case, job, &held, statement, stage)?;
            }
        }
        self.shared.case_named(&case.id)
    }

    fn held(&self, case: &Case) -> Result<Held, EngineError> {
        let last = self.shared.known(case.fingerprint).map_or(Revision::ZERO, |known| known.last);
        let mut held = Held { events: Vec::new(), tombstone: Revision::ZERO };
        for event in self.shared.walk(last) {
            let event = event?;
            if event.statement.kind == EventKind::Erased {
                held.tombstone = event.revision;
                break;
            }
            held.events.push(event);
        }
        Ok(held)
    }

    /// What the rules make of the decision. Of a pending case they always make something.
    fn statement(
        &self,
        case: &Case,
        job: &DecideJob,
        held: &Held,
        stage: &Stage,
    ) -> Result<Statement, EngineError> {
        let profile = self.shared.known(case.fingerprint).unwrap_or_default().profile;
        let subject = Subject { profile: &profile, base: None };
        let past = Past::Read { events: &held.events, base_spoke: None };
        let (catalog, now) = (self.shared.catalog(), stage.now());
        match transition(subject, past, &job.command, &catalog, now) {
            Transition::Done(outcome) => outcome.statements.into_iter().next(),
            Transition::NeedsPast => None,
        }
        .ok_or_else(|| damaged(&"a case is pending whose address is not"))
    }

    fn reject(
        &mut self,
        case: &Case,
        job: &DecideJob,
        held: &Held,
        statement: Statement,
        mut stage: Stage,
    ) -> Result<(), EngineError> {
        let target = Target {
            fingerprint: case.fingerprint,
            address: None,
            tagged: held.events.first().is_some_and(|event| event.tagged),
            base: None,
        };
        stage.event(&target, &job.command, &"".into(), statement);
        self.commit(stage, Urgency::No)
    }

    fn erase(
        &mut self,
        case: &Case,
        job: &DecideJob,
        held: &Held,
        statement: Statement,
        stage: &Stage,
    ) -> Result<(), EngineError> {
        validate::outlives_erasure(&statement.reason, &job.caller.actor, held.address())?;
        let at = stage.now().at;
        let mut group = self.ledger.begin(Vec::new());
        let event = Event {
            revision: group.next_revision(),
            // No walk comes upon what is erased.
            previous: held.tombstone,
            recorded_at: at,
            fingerprint: case.fingerprint,
            address: None,
            tagged: held.events.first().is_some_and(|event| event.tagged),
            actor: job.command.actor().clone(),
            request_id: "".into(),
            statement,
        };
        let requested = requested(case, held)?;
        let mut payload = Vec::new();
        encode_tombstone(&event, &requested, rand::random(), &mut payload);
        let erases: Vec<Revision> = held.events.iter().map(|event| event.revision).collect();
        let change = CaseChange::of_tombstone(&event, &requested, erases.clone());
        group.value_mut().push(event);
        let erased = self.ledger.redact(group, &erases, &payload);
        let erased = self.told(erased)?;
        self.apply(&erased);
        self.shared.keep(Kept::of_case(change, at));
        self.publish();
        Ok(())
    }
}

/// What outlives the first request of a case.
fn requested(case: &Case, held: &Held) -> Result<Requested, EngineError> {
    let first = held.requests(&case.id).last();
    let first = first.ok_or_else(|| damaged(&"a pending case has no request"))?;
    let names = |address| validate::names(&first.actor.id, address);
    // Where the owner asked, the name is the person's own.
    let is_person = first.actor.class == ActorClass::Owner || held.address().is_some_and(names);
    let id = if is_person { "".into() } else { first.actor.id.clone() };
    let by = Actor { id, ..first.actor.clone() };
    Ok(Requested { revision: first.revision, at: first.recorded_at, by })
}
