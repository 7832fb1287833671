//! Erasing again what was erased after the backup: each case is lived through once more at the
//! restored ledger's head, by the same `Ledger::redact` as ever.
//!
//! A tombstone cannot be copied: it names revisions, and what followed the backup's head is lost,
//! so the same revisions mean something else now. A case has a name of its own, by which it is
//! known whether the backup knows it. Whatever the backup holds of the address goes, not what the
//! list says; so a list of another branch of this ledger's past does no harm. Where the request is
//! lost too, one with its person, day and case, and nothing else, takes its place and is erased at
//! once. The tombstone keeps its case, its day and who decided; its revision is new, and so is the
//! chain of its certificate.
//!
//! CRASH WINDOW: none that counts. The directory is noted as half-done until all are erased.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::BackupError;
use crate::catalog::Names;
use crate::ledger::{
    Committed, Ledger, Options, Reader, RealDisk, Record, RecordKind, TombstoneRecord, Urgency,
};
use crate::model::event::{Effect, Event, EventKind, Statement};
use crate::model::fact::Erasure;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::record::{
    DecodeError, Requested, decode_mention, decode_tombstone, encode_event, encode_tombstone,
};

/// What the ledger holds of an address.
#[derive(Debug, Default)]
struct Held {
    /// Its events since the last tombstone.
    events: Vec<Revision>,
    /// Its last tombstone; zero where there is none.
    tombstone: Revision,
}

/// What the ledger holds of the addresses that matter.
#[derive(Debug, Default)]
struct Found {
    held: HashMap<Fingerprint, Held>,
    cases: HashSet<(Fingerprint, Arc<str>)>,
}

impl Found {
    fn take(&mut self, record: &Record<'_>) -> Result<(), DecodeError> {
        if record.erased {
            return Ok(());
        }
        match record.kind {
            RecordKind::Event => {
                if let Some(held) = self.held.get_mut(&decode_mention(&record.payload)?.fingerprint)
                {
                    held.events.push(record.revision);
                }
            }
            RecordKind::Tombstone => {
                let event = decode(record.revision, &record.payload)?.0;
                if let Some(held) = self.held.get_mut(&event.fingerprint) {
                    *held = Held { events: Vec::new(), tombstone: record.revision };
                }
                self.cases.insert((event.fingerprint, event.statement.erasure_id));
            }
            RecordKind::Erased
            | RecordKind::Catalog
            | RecordKind::Campaign
            | RecordKind::Notice
            | RecordKind::Request
            | RecordKind::Clock => {}
        }
        Ok(())
    }
}

/// Nothing in a tombstone hangs on the words of a catalog.
fn decode(at: Revision, payload: &[u8]) -> Result<(Event, Requested), DecodeError> {
    decode_tombstone(at, payload, &Names::default())
}

/// Opens a ledger, so that what a crash left half-done is finished, and erases what is on the list
/// and not yet erased. Gives back how many cases that were.
///
/// `gone` are payloads of this very ledger that only tombstones of the list explain: `repair` has
/// them, where it gives those tombstones up. Else it is empty.
///
/// # Errors
/// `BackupError`.
pub fn erase_again(
    data_dir: &Path,
    key_check: [u8; 16],
    address_rule: u16,
    list: &[TombstoneRecord],
    gone: &BTreeSet<Revision>,
) -> Result<usize, BackupError> {
    let options = Options { address_rule, ..Options::default() };
    let mut found = Found::default();
    let mut wanted = Vec::new();
    for tombstone in list {
        let (event, requested) = decode(tombstone.revision, &tombstone.payload)?;
        found.held.entry(event.fingerprint).or_default();
        let gone: Vec<Revision> =
            tombstone.erases.iter().copied().filter(|erased| gone.contains(erased)).collect();
        wanted.push((event, requested, gone));
    }
    let disk = Arc::new(RealDisk);
    let mut visit = |record: Committed<Record<'_>>| Ok(found.take(&record)?);
    let mut ledger = Ledger::open_explained(disk, data_dir, key_check, options, gone, &mut visit)?;
    let mut erased = 0;
    for (event, requested, gone) in wanted {
        let case = (event.fingerprint, event.statement.erasure_id.clone());
        if found.cases.contains(&case) {
            continue;
        }
        let mut held = found.held.remove(&event.fingerprint).unwrap_or_default();
        held.events.extend(gone);
        held.events.sort_unstable();
        held.events.dedup();
        let tombstone = erase(&mut ledger, event, requested, held)?;
        found.held.insert(case.0, Held { events: Vec::new(), tombstone });
        found.cases.insert(case);
        erased += 1;
    }
    Ok(erased)
}

fn erase(
    ledger: &mut Ledger,
    event: Event,
    requested: Requested,
    mut held: Held,
) -> Result<Revision, BackupError> {
    let asked = if held.events.contains(&requested.revision) {
        requested.revision
    } else {
        let last = held.events.last().copied().unwrap_or(held.tombstone);
        let asked = ask(ledger, &event, &requested, last)?;
        held.events.push(asked);
        asked
    };
    let group = ledger.begin(());
    let revision = group.next_revision();
    let event = Event { revision, previous: held.tombstone, ..event };
    let mut payload = Vec::new();
    let requested = Requested { revision: asked, ..requested };
    encode_tombstone(&event, &requested, rand::random(), &mut payload);
    ledger.redact(group, &held.events, &payload)?;
    Ok(revision)
}

/// Records the request of a case whose own is lost.
fn ask(
    ledger: &mut Ledger,
    event: &Event,
    requested: &Requested,
    previous: Revision,
) -> Result<Revision, BackupError> {
    let mut group = ledger.begin(());
    let request = Event {
        revision: group.next_revision(),
        previous,
        recorded_at: requested.at,
        fingerprint: event.fingerprint,
        address: None,
        tagged: event.tagged,
        actor: requested.by.clone(),
        request_id: "".into(),
        statement: Statement {
            erasure_id: event.statement.erasure_id.clone(),
            effects: vec![Effect::Erasure(Erasure::Pending)],
            ..Statement::new(EventKind::ErasureRequested)
        },
    };
    let mut payload = Vec::new();
    encode_event(&request, None, rand::random(), &mut payload);
    let revision = group.push(RecordKind::Event, &payload);
    ledger.commit(group, Urgency::No)?;
    Ok(revision)
}

/// The chain of a ledger that nobody opened, at a revision.
pub(super) fn chain_at(
    data_dir: &Path,
    key_check: &[u8; 16],
    at: Revision,
) -> Result<Option<[u8; 32]>, BackupError> {
    let reader = Reader::unopened(Arc::new(RealDisk), data_dir, key_check, at);
    Ok(reader.map_err(crate::ledger::at(data_dir))?.chain(at)?)
}
