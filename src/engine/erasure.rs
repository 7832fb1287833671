//! Erasure under four eyes: one person asks, another decides.
//!
//! ```text
//! request: authorise -> validate -> the write path -> the case
//! approve: authorise -> the writer: past, four eyes, transition -> ledger.redact -> index -> cases
//! reject:  authorise -> the writer: past, four eyes, transition -> ledger.commit -> index -> cases
//! ```
//!
//! A decision runs whole on the writer's thread: nothing is recorded for the address between the
//! reading of its past and its erasing. What a case is about is read from the ledger whenever it is
//! shown, so nothing of an erased person is left here; what a certificate says stands in the
//! tombstone, so it can be given again for ever.

mod cases;

use std::sync::Arc;

use tokio::sync::oneshot;

pub use self::cases::CaseState;
pub(super) use self::cases::{Case, CaseChange, Cases};
use super::error::{EngineError, InvalidRequest};
use super::history::{foreign_page_token, parse_address};
use super::validate;
use super::write::Write;
use super::writer::{DecideJob, Job};
use super::{Engine, Shared, damaged, locked};
use crate::authorize::{Operation, authorize, permit};
use crate::ledger::RecordKind;
use crate::model::actor::{Actor, Caller};
use crate::model::address::Address;
use crate::model::command::Command;
use crate::model::day::Timestamp;
use crate::model::event::Event;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::record::{Requested, decode_tombstone};

/// Cases of a page where the caller names no size.
const DEFAULT_PAGE: usize = 100;
/// Most cases of a page.
const MAX_PAGE: usize = 1_000;

/// A request for erasure as it came in.
#[derive(Debug, Clone)]
pub struct ErasureRequest {
    /// Whom it is about, as its octets came.
    pub address: Box<[u8]>,
    /// Why, in words.
    pub reason: Arc<str>,
    /// The caller's own name for the call; empty: none.
    pub request_id: Arc<str>,
    /// The request as it came.
    pub body: Vec<u8>,
}

/// Who asked or decided, when, and in which words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Who.
    pub by: Actor,
    /// When the ledger took it.
    pub at: Timestamp,
    /// The reason or the note; that of a request is empty once erased.
    pub words: Arc<str>,
}

/// A case as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasureCase {
    /// Its name.
    pub id: Arc<str>,
    /// How far it has come.
    pub state: CaseState,
    /// Whom it is about; none once erased.
    pub address: Option<Address>,
    /// The first request. None in the moment in which the address is being erased.
    pub requested: Option<Said>,
    /// The decision; none while pending.
    pub decided: Option<Said>,
    /// The place of its last event.
    pub revision: Revision,
    /// The access request of the same address that is open and would end with the erasure; only of
    /// a pending case.
    pub access_request: Option<Revision>,
}

/// A page of cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CasePage {
    /// Oldest first.
    pub cases: Vec<ErasureCase>,
    /// Names the next page; empty after the last.
    pub next_page_token: String,
}

/// The proof of an erasure. Nothing in it is of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The case.
    pub id: Arc<str>,
    /// How many events were destroyed.
    pub events_erased: usize,
    /// Who asked.
    pub requested_by: Actor,
    /// Who approved.
    pub approved_by: Actor,
    /// When the tombstone was recorded.
    pub erased_at: Timestamp,
    /// The chain of the ledger at the tombstone.
    pub ledger_head: [u8; 32],
    /// The tombstone's place.
    pub revision: Revision,
}

impl Case {
    /// Whether there is nothing left to do where this decision is wanted.
    ///
    /// # Errors
    /// `CaseDecided`: it was decided otherwise.
    pub(super) fn is_decided(&self, wanted: CaseState) -> Result<bool, EngineError> {
        match self.state {
            CaseState::Pending => Ok(false),
            state if state == wanted => Ok(true),
            state => Err(EngineError::CaseDecided { id: self.id.to_string(), state }),
        }
    }
}

impl Engine {
    /// Asks for the erasure of an address, which is denied everything from now on. While a case is
    /// pending, and once it is erased, the answer is that case.
    ///
    /// # Errors
    /// No address, no reason, nobody named; as `Engine::write`.
    pub async fn request_erasure(
        &self,
        caller: &Caller,
        request: ErasureRequest,
    ) -> Result<ErasureCase, EngineError> {
        permit(caller, Operation::RequestErasure)?;
        check_named(caller)?;
        let ErasureRequest { address, reason, request_id, body } = request;
        let fingerprint = self.fingerprint(&parse_address(&address)?);
        let id = self.shared.new_case_id();
        let command = Command::RequestErasure { id, reason, evidence: None, owner_link: false };
        let write = Write { command, addresses: vec![address], request_id, body };
        let written = self.write(caller, write).await?;
        self.case_of(fingerprint, written.revision).await
    }

    /// The case of an address that a request made or met.
    pub(super) async fn case_of(
        &self,
        of: Fingerprint,
        at: Revision,
    ) -> Result<ErasureCase, EngineError> {
        self.blocking(move |shared| {
            let case = locked(&shared.cases).of_address(of, at).cloned();
            shared.show(&case.ok_or_else(|| damaged(&"a request for erasure made no case"))?)
        })
        .await
    }

    /// The cases, oldest first; without a state all of them.
    ///
    /// # Errors
    /// A foreign page token; damaged data.
    pub async fn erasure_cases(
        &self,
        caller: &Caller,
        state: Option<CaseState>,
        size: u32,
        page_token: &str,
    ) -> Result<CasePage, EngineError> {
        permit(caller, Operation::ListErasureCases)?;
        let after = self.page_start(page_token)?;
        let size = page_size(size);
        self.blocking(move |shared| {
            let (found, is_last) = {
                let cases = locked(&shared.cases);
                let wanted = |case: &&Case| state.is_none_or(|state| case.state == state);
                let mut wanted = cases.behind(after).filter(wanted);
                let found: Vec<Case> = wanted.by_ref().take(size).cloned().collect();
                (found, wanted.next().is_none())
            };
            let next_page_token = match found.last() {
                Some(last) if !is_last => format!("{:x}", last.requested.number()),
                Some(_) | None => String::new(),
            };
            let cases = found.iter().map(|case| shared.show(case)).collect::<Result<_, _>>()?;
            Ok(CasePage { cases, next_page_token })
        })
        .await
    }

    /// Erases the address of a case, beyond recovery. Again it gives the same certificate.
    ///
    /// # Errors
    /// `SamePerson`, `UnknownCase`, `CaseDecided`; nobody named; a note that names the person.
    pub async fn approve_erasure(
        &self,
        caller: &Caller,
        id: &str,
        note: Arc<str>,
    ) -> Result<Certificate, EngineError> {
        let command = Command::ApproveErasure { id: id.into(), note };
        let case = self.decide(caller, id, command, CaseState::Erased).await?;
        self.blocking(move |shared| shared.certificate(&case)).await
    }

    /// Declines a case: the address is denied no longer for its sake.
    ///
    /// # Errors
    /// `SamePerson`, `UnknownCase`, `CaseDecided`; nobody named; no reason.
    pub async fn reject_erasure(
        &self,
        caller: &Caller,
        id: &str,
        reason: Arc<str>,
    ) -> Result<ErasureCase, EngineError> {
        let command = Command::RejectErasure { id: id.into(), reason };
        let case = self.decide(caller, id, command, CaseState::Rejected).await?;
        self.blocking(move |shared| shared.show(&case)).await
    }

    async fn decide(
        &self,
        caller: &Caller,
        id: &str,
        command: Command,
        wanted: CaseState,
    ) -> Result<Case, EngineError> {
        permit(caller, Operation::DecideErasure)?;
        check_named(caller)?;
        validate::command(&command, self.shared.clock.now())?;
        // A ledger that takes nothing has its certificates still.
        let case = self.shared.case_named(id)?;
        if case.is_decided(wanted)? {
            return Ok(case);
        }
        let command = authorize(caller, command)?;
        let (reply, answer) = oneshot::channel();
        let (id, caller) = (case.id, caller.clone());
        self.hand_over(Job::Decide(DecideJob { id, caller, command, wanted, reply })).await?;
        self.answered(answer).await
    }

    /// Behind which revision a page of a queue begins.
    pub(super) fn page_start(&self, page_token: &str) -> Result<Revision, InvalidRequest> {
        if page_token.is_empty() {
            return Ok(Revision::ZERO);
        }
        let number = u64::from_str_radix(page_token, 16).map_err(|_| foreign_page_token())?;
        let is_ours = format!("{number:x}") == page_token && Revision::new(number) <= self.head();
        if is_ours { Ok(Revision::new(number)) } else { Err(foreign_page_token()) }
    }
}

/// How many entries of a queue a page holds.
pub(super) fn page_size(asked: u32) -> usize {
    match usize::try_from(asked) {
        Ok(0) => DEFAULT_PAGE,
        Ok(size) => size.min(MAX_PAGE),
        Err(_) => MAX_PAGE,
    }
}

/// Whoever asks or decides is a person, and names herself.
fn check_named(caller: &Caller) -> Result<(), InvalidRequest> {
    if caller.actor.is_empty() {
        let problem = "is mandatory; name the person who asks or decides";
        return Err(InvalidRequest::one("maysend-actor", problem));
    }
    Ok(())
}

impl Shared {
    /// A name that no case has.
    pub(super) fn new_case_id(&self) -> Arc<str> {
        loop {
            let id: Arc<str> = format!("{:016x}", rand::random::<u64>()).into();
            if locked(&self.cases).get(&id).is_none() {
                return id;
            }
        }
    }

    pub(super) fn case_named(&self, id: &str) -> Result<Case, EngineError> {
        let found = locked(&self.cases).get(id).cloned();
        found.ok_or_else(|| EngineError::UnknownCase { id: id.to_owned() })
    }

    /// A case with what the ledger tells of it.
    fn show(&self, case: &Case) -> Result<ErasureCase, EngineError> {
        let Case { id, fingerprint, requested, last, state } = case.clone();
        let asked = locked(&self.access).of_address(fingerprint);
        let shown = |address, requested, decided| ErasureCase {
            id,
            state,
            address,
            requested,
            decided,
            revision: last,
            access_request: asked.filter(|_| state == CaseState::Pending),
        };
        if state == CaseState::Erased {
            let (event, Requested { revision: _, at, by }) = self.tombstone(last)?.0;
            let requested = Said { by, at, words: "".into() };
            return Ok(shown(None, Some(requested), Some(Said::of(&event))));
        }
        let request = self.event_if_kept(requested)?;
        let decision = match state {
            CaseState::Rejected => self.event_if_kept(last)?,
            CaseState::Pending | CaseState::Erased => None,
        };
        // Between the look at the register and this one the address may have been erased.
        let now = if request.is_none() { self.case_named(&case.id).ok() } else { None };
        if let Some(now) = now.filter(|now| now.state == CaseState::Erased) {
            return self.show(&now);
        }
        let address = request.as_ref().and_then(|event| event.address.clone());
        Ok(shown(address, request.as_ref().map(Said::of), decision.as_ref().map(Said::of)))
    }

    fn certificate(&self, case: &Case) -> Result<Certificate, EngineError> {
        let done = self.reader.read(case.last.next()).map_err(|error| damaged(&error))?;
        if done.is_none_or(|done| done.kind != RecordKind::Erased) {
            // The disk was too full to finish at the last start; the next one tries again.
            return Err(EngineError::Latched);
        }
        let ((event, requested), events_erased) = self.tombstone(case.last)?;
        let chain = self.reader.chain(case.last).map_err(|error| damaged(&error))?;
        Ok(Certificate {
            id: case.id.clone(),
            events_erased,
            requested_by: requested.by,
            approved_by: event.actor,
            erased_at: event.recorded_at,
            ledger_head: chain.ok_or_else(|| damaged(&"the ledger ends before a tombstone"))?,
            revision: case.last,
        })
    }

    /// A tombstone, and how many events it erases.
    fn tombstone(&self, at: Revision) -> Result<((Event, Requested), usize), EngineError> {
        let record = self.record(at, &[RecordKind::Tombstone])?;
        let names = self.catalog().names.clone();
        let decoded = decode_tombstone(at, &record.payload, &names);
        Ok((decoded.map_err(|error| damaged(&error))?, record.erases.len()))
    }
}

impl Said {
    pub(super) fn of(event: &Event) -> Self {
        Self {
            by: event.actor.clone(),
            at: event.recorded_at,
            words: event.statement.reason.clone(),
        }
    }
}
