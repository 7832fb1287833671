//! What happened to an address: its events, walked back from the last.

use std::sync::Arc;

use super::error::{EngineError, InvalidRequest};
use super::{Engine, Shared};
use crate::authorize::{Operation, permit};
use crate::ledger::{Record, RecordKind};
use crate::model::actor::Caller;
use crate::model::address::Address;
use crate::model::event::Event;
use crate::model::evidence::{Evidence, Notice};
use crate::model::revision::Revision;
use crate::record::{decode_event, decode_notice, decode_tombstone};

/// Events of a page where the caller names no size.
const DEFAULT_PAGE: usize = 100;
/// Most events of a page.
const MAX_PAGE: usize = 1_000;

/// The records that are events of an address.
const EVENTS: [RecordKind; 2] = [RecordKind::Event, RecordKind::Tombstone];

/// A page of an address's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPage {
    /// Newest first.
    pub events: Vec<Event>,
    /// Names the next page; empty after the last.
    pub next_page_token: String,
}

/// The events of one address, newest first. Ends where an erasure that came meanwhile has begun.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    shared: &'a Shared,
    next: Revision,
}

impl Iterator for Walk<'_> {
    type Item = Result<Event, EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == Revision::ZERO {
            return None;
        }
        // What precedes an erased event is erased with it, or lies before a tombstone that the new
        // one leads to.
        let event = self.shared.event_if_kept(self.next).transpose();
        self.next = match &event {
            Some(Ok(event)) => event.previous,
            Some(Err(_)) | None => Revision::ZERO,
        };
        event
    }
}

impl Shared {
    /// The events of an address whose last one is `last`.
    pub(super) const fn walk(&self, last: Revision) -> Walk<'_> {
        Walk { shared: self, next: last }
    }

    /// The event at a revision, with its notice; none where it is erased.
    pub(super) fn event_if_kept(&self, revision: Revision) -> Result<Option<Event>, EngineError> {
        let record = self.record(revision, &EVENTS)?;
        if record.erased {
            return Ok(None);
        }
        self.decoded(&record).map(Some)
    }

    /// The events at revisions that rise, each with its notice; none where one is erased.
    pub(super) fn events_if_kept(
        &self,
        revisions: &[Revision],
    ) -> Result<Vec<Option<Event>>, EngineError> {
        let records = self.reader.read_each(revisions).map_err(|error| super::damaged(&error))?;
        let event = |(at, record): (&Revision, Option<Record<'_>>)| match record {
            Some(record) if record.erased => Ok(None),
            Some(record) if EVENTS.contains(&record.kind) => self.decoded(&record).map(Some),
            Some(_) | None => Err(super::damaged(&format!("revision {at} holds no such record"))),
        };
        revisions.iter().zip(records).map(event).collect()
    }

    /// The event that a record holds, with its notice.
    pub(super) fn decoded(&self, record: &Record<'_>) -> Result<Event, EngineError> {
        let (revision, names) = (record.revision, self.catalog().names.clone());
        let decoded = if record.kind == RecordKind::Tombstone {
            decode_tombstone(revision, &record.payload, &names).map(|(event, _)| (event, None))
        } else {
            decode_event(revision, &record.payload, &names)
        };
        let (mut event, notice) = decoded.map_err(|error| super::damaged(&error))?;
        if let (Some(evidence), Some(at)) = (&mut event.statement.evidence, notice) {
            let notice = self.notice(at)?;
            *evidence = Arc::new(Evidence { notice, ..Evidence::clone(evidence) });
        }
        Ok(event)
    }

    /// Whether a revision that somebody else named is that of an event.
    pub(super) fn holds_event(&self, at: Revision) -> Result<bool, EngineError> {
        let found = self.reader.read(at).map_err(|error| super::damaged(&error))?;
        Ok(found.is_some_and(|record| EVENTS.contains(&record.kind)))
    }

    fn notice(&self, at: Revision) -> Result<Notice, EngineError> {
        if let Some(notice) = self.notices.get(&at) {
            return Ok(notice);
        }
        let record = self.record(at, &[RecordKind::Notice])?;
        let notice = decode_notice(&record.payload).map_err(|error| super::damaged(&error))?;
        self.notices.insert(at, notice.clone());
        Ok(notice)
    }

    /// The record at a revision, which is one of these kinds.
    pub(super) fn record(
        &self,
        at: Revision,
        kinds: &[RecordKind],
    ) -> Result<Record<'static>, EngineError> {
        match self.reader.read(at) {
            Ok(Some(record)) if kinds.contains(&record.kind) => Ok(record),
            Ok(_) => Err(super::damaged(&format!("revision {at} holds no such record"))),
            Err(error) => Err(super::damaged(&error)),
        }
    }
}

impl Engine {
    /// The history of an address, newest event first.
    ///
    /// # Errors
    /// No address; a foreign page token; damaged data.
    pub async fn history(
        &self,
        caller: &Caller,
        address: &[u8],
        page_size: u32,
        page_token: &str,
    ) -> Result<HistoryPage, EngineError> {
        permit(caller, Operation::ReadAddress)?;
        let address = parse_address(address)?;
        let fingerprint = self.fingerprint(&address);
        let start = match page_token {
            "" => self.shared.known(fingerprint).map_or(Revision::ZERO, |known| known.last),
            token => revision_of(token)?,
        };
        let size = match usize::try_from(page_size) {
            Ok(0) => DEFAULT_PAGE,
            Ok(size) => size.min(MAX_PAGE),
            Err(_) => MAX_PAGE,
        };
        let is_first = page_token.is_empty();
        self.blocking(move |shared| {
            if !is_first && !shared.holds_event(start)? {
                return Err(foreign_page_token().into());
            }
            let mut walk = shared.walk(start);
            let events: Vec<Event> = walk.by_ref().take(size).collect::<Result<_, _>>()?;
            if events.iter().any(|event| event.fingerprint != fingerprint) {
                return Err(foreign_page_token().into());
            }
            let next_page_token = match walk.next {
                Revision::ZERO => String::new(),
                next => format!("{:x}", next.number()),
            };
            Ok(HistoryPage { events, next_page_token })
        })
        .await
    }
}

/// The address that a request is about.
pub(super) fn parse_address(raw: &[u8]) -> Result<Address, InvalidRequest> {
    Address::parse(raw).map_err(|_| InvalidRequest::one("address", "is no e-mail address"))
}

fn revision_of(page_token: &str) -> Result<Revision, InvalidRequest> {
    u64::from_str_radix(page_token, 16).map(Revision::new).map_err(|_| foreign_page_token())
}

/// A page token that no page gave.
pub(super) fn foreign_page_token() -> InvalidRequest {
    InvalidRequest::one("page_token", "is not one that the last page gave; start without")
}
