//! Access requests (GDPR Art. 15): the owner asks what is held, somebody makes the data sheet,
//! sends it, and says so.
//!
//! Nothing is answered by itself: whoever types an address must not learn what is held of it, and a
//! link that was forwarded is no identity. A request has the name of its place in the ledger, where
//! its words stand; so an erasure takes all of it, and the queue holds no more than that place.

mod queue;

use std::sync::Arc;

use jiff::ToSpan as _;
use jiff::tz::TimeZone;

pub(super) use self::queue::Queue;
use super::erasure::{Said, page_size};
use super::error::EngineError;
use super::history::parse_address;
use super::validate;
use super::write::{Write, Written};
use super::writer::Target;
use super::{Engine, Shared, locked};
use crate::authorize::{Operation, authorize, permit};
use crate::model::actor::Caller;
use crate::model::address::Address;
use crate::model::command::Command;
use crate::model::day::Timestamp;
use crate::model::event::{Event, EventKind};
use crate::model::evidence::Evidence;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::model::verdict::WriteOutcome;

/// A request as it came in, by whoever speaks for the owner.
#[derive(Debug, Clone)]
pub struct AccessAsk {
    /// Whom it is about, as its octets came.
    pub address: Box<[u8]>,
    /// The owner's words; may be empty.
    pub words: Arc<str>,
    /// What proves it.
    pub evidence: Option<Arc<Evidence>>,
    /// The caller's own name for the call; empty: none.
    pub request_id: Arc<str>,
    /// The request as it came.
    pub body: Vec<u8>,
}

/// A request as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRequest {
    /// Its name: the place of its event.
    pub id: Revision,
    /// Whom it is about.
    pub address: Option<Address>,
    /// The request, in the owner's words.
    pub requested: Said,
    /// By when it is to be answered.
    pub due: Timestamp,
    /// The answer, with its note; none while the request is open.
    pub answered: Option<Said>,
    /// The place of its last event.
    pub revision: Revision,
}

/// What became of a request or of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessTaken {
    /// Unchanged where one is open, or was answered, already; else applied, or why not.
    pub outcome: WriteOutcome,
    /// None where the address is erased: nothing is held of it.
    pub request: Option<AccessRequest>,
}

/// A page of open requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessPage {
    /// Oldest first.
    pub requests: Vec<AccessRequest>,
    /// Names the next page; empty after the last.
    pub next_page_token: String,
}

impl Engine {
    /// Records that the owner of an address asks what is held. While a request is open it is that.
    ///
    /// # Errors
    /// No address; as `Engine::write`.
    pub async fn request_access(
        &self,
        caller: &Caller,
        ask: AccessAsk,
    ) -> Result<AccessTaken, EngineError> {
        permit(caller, Operation::RequestAccess)?;
        let AccessAsk { address, words, evidence, request_id, body } = ask;
        let of = self.fingerprint(&parse_address(&address)?);
        let command = Command::RequestAccess { words, evidence, owner_link: false };
        let write = Write { command, addresses: vec![address], request_id, body };
        let written = self.write(caller, write).await?;
        self.access_taken(of, written).await
    }

    /// The requests that are open, oldest first.
    ///
    /// # Errors
    /// A foreign page token; damaged data.
    pub async fn access_requests(
        &self,
        caller: &Caller,
        size: u32,
        page_token: &str,
    ) -> Result<AccessPage, EngineError> {
        permit(caller, Operation::AnswerAccess)?;
        let after = self.page_start(page_token)?;
        let size = page_size(size);
        self.blocking(move |shared| {
            let (found, is_last) = {
                let queue = locked(&shared.access);
                let mut open = queue.behind(after).map(|(at, _)| at);
                let found: Vec<Revision> = open.by_ref().take(size).collect();
                (found, open.next().is_none())
            };
            let next_page_token = match found.last() {
                Some(last) if !is_last => format!("{:x}", last.number()),
                Some(_) | None => String::new(),
            };
            let mut requests = Vec::with_capacity(found.len());
            for at in found {
                // One that is gone was erased since the look at the queue.
                if let Some(request) = shared.event_if_kept(at)? {
                    requests.push(AccessRequest::of(&request, None));
                }
            }
            Ok(AccessPage { requests, next_page_token })
        })
        .await
    }

    /// Closes a request. One that is answered already stays as it is.
    ///
    /// # Errors
    /// `UnknownAccessRequest`; no note.
    pub async fn answer_access(
        &self,
        caller: &Caller,
        id: &str,
        note: Arc<str>,
    ) -> Result<AccessTaken, EngineError> {
        permit(caller, Operation::AnswerAccess)?;
        let name: Arc<str> = id.into();
        let asked = {
            let name = name.clone();
            self.blocking(move |shared| shared.access_request(&name)).await?
        };
        let command = Command::AnswerAccess { request: asked.revision, note };
        validate::command(&command, self.shared.clock.now())?;
        let command = authorize(caller, command)?;
        let target = Target {
            fingerprint: asked.fingerprint,
            address: None,
            tagged: asked.tagged,
            base: None,
        };
        let written = self.submit(command, vec![Some(target)], &"".into(), &[]).await?;
        let outcome = written.outcomes.first().copied().unwrap_or(WriteOutcome::Unchanged);
        let request = self.blocking(move |shared| {
            // It may have been erased meanwhile.
            let asked = shared.access_request(&name)?;
            let answer = shared.answer_to(&asked)?;
            Ok(AccessRequest::of(&asked, answer.as_ref()))
        });
        Ok(AccessTaken { outcome, request: Some(request.await?) })
    }

    /// What a call came to, told from what the ledger holds now.
    pub(super) async fn access_taken(
        &self,
        of: Fingerprint,
        written: Written,
    ) -> Result<AccessTaken, EngineError> {
        let outcome = written.outcomes.first().copied().unwrap_or(WriteOutcome::Unchanged);
        let request = self.blocking(move |shared| {
            let Some(asked) = shared.access_asked(of, written.revision)? else { return Ok(None) };
            let answer = shared.answer_to(&asked)?;
            Ok(Some(AccessRequest::of(&asked, answer.as_ref())))
        });
        Ok(AccessTaken { outcome, request: request.await? })
    }
}

impl Shared {
    /// The event of a request that somebody names.
    fn access_request(&self, id: &str) -> Result<Event, EngineError> {
        let unknown = || EngineError::UnknownAccessRequest { id: id.to_owned() };
        let number: u64 = id.parse().map_err(|_| unknown())?;
        let at = Revision::new(number);
        if at.to_string() != id || !self.holds_event(at)? {
            return Err(unknown());
        }
        let is_request = |event: &Event| event.statement.kind == EventKind::AccessRequested;
        self.event_if_kept(at)?.filter(is_request).ok_or_else(unknown)
    }

    /// The last request of an address up to a revision; none where it was erased.
    fn access_asked(&self, of: Fingerprint, until: Revision) -> Result<Option<Event>, EngineError> {
        let last = self.known(of).map_or(Revision::ZERO, |known| known.last);
        let is_it = |event: &Event| {
            event.revision <= until && event.statement.kind == EventKind::AccessRequested
        };
        self.walk(last).find(|event| event.as_ref().map_or(true, is_it)).transpose()
    }

    /// The answer to a request: the first one behind it.
    fn answer_to(&self, asked: &Event) -> Result<Option<Event>, EngineError> {
        let last = self.known(asked.fingerprint).map_or(Revision::ZERO, |known| known.last);
        let mut answer = None;
        for event in self.walk(last) {
            let event = event?;
            if event.revision <= asked.revision {
                break;
            }
            if event.statement.kind == EventKind::AccessAnswered {
                answer = Some(event);
            }
        }
        Ok(answer)
    }
}

impl AccessRequest {
    fn of(asked: &Event, answer: Option<&Event>) -> Self {
        Self {
            id: asked.revision,
            address: asked.address.clone(),
            requested: Said::of(asked),
            due: due(asked),
            answered: answer.map(Said::of),
            revision: answer.map_or(asked.revision, |answer| answer.revision),
        }
    }
}

/// A month after the owner asked (GDPR Art. 12(3)): the same day of the next month, or its last.
/// A letter counts from the day that its evidence gives, which is no later than it came in.
fn due(asked: &Event) -> Timestamp {
    let said = asked.statement.evidence.as_ref().and_then(|evidence| evidence.occurred_at);
    let from = said.map_or(asked.recorded_at, |said| said.min(asked.recorded_at));
    let (seconds, nanos) = from.parts();
    let month_after = || {
        let from = jiff::Timestamp::new(seconds, nanos).ok()?.to_zoned(TimeZone::UTC);
        let due = from.checked_add(1.month()).ok()?.timestamp();
        Timestamp::from_parts(due.as_second(), due.subsec_nanosecond())
    };
    month_after().unwrap_or(from)
}
