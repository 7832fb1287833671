//! How far a watch has come: records in, changes out.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::error::EngineError;
use super::super::{Shared, damaged};
use super::addresses::Addresses;
use super::lapses::{Scan, Told};
use super::{Change, Changes, Lapse};
use crate::ledger::{Forward, Record, RecordKind};
use crate::model::event::Event;
use crate::model::revision::Revision;

/// Most changes told at once.
const MAX_CHANGES: usize = 500;

/// Octets of text told at once, give or take a change: well below what clients read.
const MAX_OCTETS: usize = 256 << 10;

/// Octets of a change besides its texts, roughly.
const CHANGE_OCTETS: usize = 200;

/// One reader's way along the ledger. Reads files: not for threads that answer checks.
#[derive(Debug)]
pub(super) struct Course {
    shared: Arc<Shared>,
    forward: Forward,
    /// Read and not yet told: at most a slice.
    records: VecDeque<Record<'static>>,
    /// How many payloads were erased when they were read.
    erasures: u64,
    /// Lapses to be told next: at most those of a partition.
    lapses: VecDeque<Lapse>,
    addresses: Addresses,
    told: Told,
    scan: Option<Scan>,
    /// All records up to here are told.
    position: Revision,
}

/// Changes that go out together.
#[derive(Debug, Default)]
struct Batch {
    changes: Vec<Change>,
    octets: usize,
}

impl Batch {
    fn put(&mut self, change: Change) {
        let texts = match &change {
            Change::Recorded(event) => octets_of(event),
            Change::Lapsed(_) => 0,
        };
        self.octets = self.octets.saturating_add(CHANGE_OCTETS).saturating_add(texts);
        self.changes.push(change);
    }

    fn is_full(&self) -> bool {
        self.changes.len() >= MAX_CHANGES || self.octets >= MAX_OCTETS
    }
}

impl Course {
    /// Whoever begins was told everything up to `after`.
    pub(super) fn begin(shared: Arc<Shared>, after: Revision) -> Result<Self, EngineError> {
        Ok(Self {
            told: Told::up_to(&shared, after)?,
            forward: shared.reader.forward(after),
            shared,
            records: VecDeque::new(),
            erasures: 0,
            lapses: VecDeque::new(),
            addresses: Addresses::default(),
            scan: None,
            position: after,
        })
    }

    pub(super) const fn position(&self) -> Revision {
        self.position
    }

    /// What is to be told next; none at the head.
    pub(super) fn advance(&mut self) -> Result<Option<Changes>, EngineError> {
        loop {
            if !self.lapses.is_empty() {
                return Ok(Some(self.tell_lapses()));
            }
            if let Some(scan) = &mut self.scan {
                match scan.next(&self.shared) {
                    Some(found) => self.lapses = self.addressed(found)?.into(),
                    None => {
                        self.told = self.scan.take().map_or_else(|| self.told.clone(), Scan::done)
                    }
                }
                continue;
            }
            if self.erasures != self.shared.reader.erasures() {
                self.forget();
            }
            if self.records.is_empty() {
                let slice = self.forward.slice(self.shared.head());
                self.records = slice.map_err(|error| damaged(&error))?.into();
            }
            // Asked after the slice is read: nothing in it is of a later day.
            let today = self.shared.moment().today.day();
            self.scan = self.told.at_midnight(self.position, today);
            if self.scan.is_some() {
                continue;
            }
            if self.records.is_empty() {
                return Ok(None);
            }
            let batch = self.tell_records()?;
            if self.scan.is_none() || !batch.changes.is_empty() {
                return Ok(Some(self.up_to_here(batch)));
            }
        }
    }

    /// Drops all that was read and may be erased by now: who follows slowly would have us keep it.
    fn forget(&mut self) {
        self.erasures = self.shared.reader.erasures();
        self.records.clear();
        self.forward = self.shared.reader.forward(self.position);
        self.addresses = Addresses::default();
    }

    fn up_to_here(&self, batch: Batch) -> Changes {
        Changes { changes: batch.changes, revision: self.position }
    }

    fn tell_lapses(&mut self) -> Changes {
        let mut batch = Batch::default();
        while !batch.is_full()
            && let Some(lapse) = self.lapses.pop_front()
        {
            batch.put(Change::Lapsed(lapse));
        }
        self.up_to_here(batch)
    }

    /// Turns records into changes, until a batch is full, none is left, or one has to wait for a
    /// scan. A record and what follows from it go out together.
    fn tell_records(&mut self) -> Result<Batch, EngineError> {
        let mut batch = Batch::default();
        while !batch.is_full()
            && let Some(record) = self.records.pop_front()
        {
            match record.kind {
                RecordKind::Catalog => {
                    self.scan = self.told.at_catalog(&self.shared, self.position, record.revision);
                    if self.scan.is_some() {
                        self.records.push_front(record);
                        break;
                    }
                }
                RecordKind::Event | RecordKind::Tombstone if !record.erased => {
                    self.tell_event(&record, &mut batch)?;
                }
                RecordKind::Event
                | RecordKind::Tombstone
                | RecordKind::Erased
                | RecordKind::Campaign
                | RecordKind::Notice
                | RecordKind::Request
                | RecordKind::Clock => {}
            }
            self.position = record.revision;
        }
        Ok(batch)
    }

    fn tell_event(&mut self, record: &Record<'_>, batch: &mut Batch) -> Result<(), EngineError> {
        let mut event = self.shared.decoded(record)?;
        if record.kind == RecordKind::Tombstone {
            self.addresses.forget(event.fingerprint);
        } else if let Some(address) = &event.address {
            self.addresses.note(event.fingerprint, address);
        } else {
            event.address = self.addresses.of(&self.shared, event.fingerprint, event.previous)?;
        }
        let (fingerprint, revision) = (event.fingerprint, event.revision);
        batch.put(Change::Recorded(Box::new(event)));
        let lapsed = self.told.lapsed_of(&self.shared, fingerprint, revision);
        for lapse in self.addressed(lapsed)? {
            batch.put(Change::Lapsed(lapse));
        }
        Ok(())
    }

    /// Lapses with the addresses whose they are.
    fn addressed(&mut self, lapses: Vec<(Lapse, Revision)>) -> Result<Vec<Lapse>, EngineError> {
        let of_lapse = |(lapse, last): (Lapse, Revision)| {
            let address = self.addresses.of(&self.shared, lapse.fingerprint, last)?;
            Ok(Lapse { address, ..lapse })
        };
        lapses.into_iter().map(of_lapse).collect()
    }
}

/// Octets of all that an event holds of texts and lists.
fn octets_of(event: &Event) -> usize {
    let statement = &event.statement;
    let evidence = statement.evidence.as_deref().map_or(0, |evidence| {
        let notice = &evidence.notice;
        [
            &evidence.source,
            &evidence.document_ref,
            &evidence.ip,
            &evidence.user_agent,
            &notice.wording,
            &notice.version,
            &notice.language,
        ]
        .map(|text| text.len())
        .iter()
        .sum()
    });
    // A scope is written with the names of its brand and topic.
    let places = statement.scopes.len() + statement.brands.len() + statement.controllers.len();
    statement.reason.len() + evidence + 40 * places
}
