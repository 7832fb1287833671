//! Erasing payloads, so that a crash at any point leaves it undone or to be finished.
//!
//! INVARIANT(redaction): nothing but its done mark follows a tombstone. So an unfinished redaction
//! is the ledger's end, and boot sees it without reading what a checkpoint covers.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::sync::PoisonError;

use super::error::{Damage, Damaged};
use super::format::{FRAME, HEAD, MARK, SLOT, narrow, wide};
use super::{CommitError, Committed, Group, Ledger, Record, RecordKind};
use crate::model::revision::Revision;

/// Zeros written at once over a payload.
const ZEROS: usize = 64 << 10;

impl Ledger {
    /// Commits a group, a tombstone as its last record, and destroys the payloads that `erases`
    /// lists: at revision `group.next_revision()` the tombstone, and behind the group a done mark.
    /// May use the space held in reserve.
    ///
    /// # Errors
    /// `CommitError`. After `Unknown` the tombstone may be durable; then the next opening finishes.
    pub fn redact<T>(
        &mut self,
        mut group: Group<T>,
        erases: &[Revision],
        tombstone: &[u8],
    ) -> Result<Committed<T>, CommitError> {
        let mut erases = erases.to_vec();
        erases.sort_unstable();
        erases.dedup();
        let spans = self.spans(&erases)?;
        let by = group.push_tombstone(&erases, tombstone);
        let done = wide(HEAD + FRAME + DONE + MARK);
        let need = group.octets() + wide(MARK) + done;
        self.prepare(&group, need, super::Urgency::No)?;
        match self.append(&mut group) {
            // A file system that does not keep what it allocated. The cut has taken the reserve.
            Err(CommitError::Full) => {
                self.prepare(&group, need, super::Urgency::No)?;
                self.append(&mut group)?;
            }
            appended => appended?,
        }
        if self.is_latched() {
            return Err(CommitError::Unknown(io::Error::other("the tombstone has no mark")));
        }
        self.erase(by, &spans)?;
        Ok(Committed(group.into_value()))
    }

    /// Finishes the redaction of a tombstone that is the ledger's last record.
    pub(super) fn finish(
        &mut self,
        tombstone: Revision,
        erases: &[Revision],
    ) -> Result<(), CommitError> {
        let spans = self.spans(erases)?;
        self.erase(tombstone, &spans)
    }

    /// Where the payloads are, by segment: offset of the frame and length of the payload.
    fn spans(&self, erases: &[Revision]) -> Result<Spans, CommitError> {
        let mut spans = Spans::new();
        for &revision in erases {
            let located = self.shared.locate(revision).map_err(CommitError::Unreadable)?;
            let found = located.filter(|located| located.outside.kind.is_erasable());
            let found = found.ok_or(CommitError::NotErasable(revision))?;
            let span = (found.offset, u64::from(found.outside.length));
            spans.entry(found.segment).or_default().push(span);
        }
        Ok(spans)
    }

    /// Overwrites, waits, and says so in the ledger. What fails here latches: the next opening
    /// begins again.
    fn erase(&mut self, tombstone: Revision, spans: &Spans) -> Result<(), CommitError> {
        if let Err(error) = self.overwrite(tombstone, spans) {
            self.latch();
            return Err(CommitError::Unknown(error));
        }
        let mut done = self.begin(());
        done.push_any(RecordKind::Erased, &tombstone.number().to_le_bytes());
        self.append(&mut done).map_err(|error| {
            self.latch();
            match error {
                CommitError::Full => CommitError::Unknown(io::ErrorKind::StorageFull.into()),
                CommitError::Failed(error) => CommitError::Unknown(error),
                error => error,
            }
        })
    }

    fn overwrite(&self, tombstone: Revision, spans: &Spans) -> io::Result<()> {
        let zeros = [0; ZEROS];
        for (&segment, spans) in spans {
            let file = self.shared.disk.open(&self.shared.path(segment))?;
            for &(frame, length) in spans {
                // Readers see the payload, or the slot and no payload.
                let mut guard = self.shared.erasing.write().unwrap_or_else(PoisonError::into_inner);
                *guard = guard.saturating_add(1);
                file.write_at(&tombstone.number().to_le_bytes(), frame + wide(SLOT))?;
                let mut at = 0;
                while at < length {
                    let octets = narrow(length - at).min(ZEROS);
                    file.write_at(&zeros[..octets], frame + wide(FRAME) + at)?;
                    at += wide(octets);
                }
                drop(guard);
            }
            file.sync_data()?;
        }
        Ok(())
    }
}

/// By segment, the offset of each frame and the length of its payload.
type Spans = BTreeMap<Revision, Vec<(u64, u64)>>;

/// Octets of a done mark's payload.
const DONE: usize = 8;

/// What a walk must remember of erasures: payloads that no tombstone has explained yet, or that
/// another one has than their slot says, and the tombstone that waits for its done mark.
#[derive(Debug, Clone, Default)]
pub(super) struct Erasures {
    gone: BTreeMap<Revision, Gone>,
    unfinished: Option<(Revision, Vec<Revision>)>,
}

/// A payload that is gone.
#[derive(Debug, Clone, Copy)]
struct Gone {
    /// What it is until a tombstone lists it.
    damage: Damage,
    /// What its slot says.
    eraser: Revision,
    /// The last tombstone that lists it.
    listed: Option<Revision>,
}

impl Erasures {
    /// Takes the next record of a walk; `eraser` is what its slot says, `damage` what an erased
    /// payload is until a tombstone lists it.
    pub(super) fn follow(
        &mut self,
        record: &Record<'_>,
        eraser: Revision,
        damage: Damage,
    ) -> Result<(), Damaged> {
        let waiting = self.unfinished.take();
        match (record.kind, waiting) {
            (RecordKind::Erased, Some((tombstone, _))) => {
                if *record.payload != tombstone.number().to_le_bytes() {
                    return Err(Damaged::Tombstone);
                }
            }
            (RecordKind::Erased, None) | (_, Some(_)) => return Err(Damaged::Tombstone),
            (RecordKind::Tombstone, None) => self.begin(record)?,
            (_, None) => {}
        }
        if record.erased {
            self.gone.insert(record.revision, Gone { damage, eraser, listed: None });
        }
        Ok(())
    }

    /// Takes a tombstone.
    pub(super) fn begin(&mut self, tombstone: &Record<'_>) -> Result<(), Damaged> {
        if tombstone.erases.last().is_some_and(|&last| last >= tombstone.revision) {
            return Err(Damaged::Tombstone);
        }
        for erased in &tombstone.erases {
            if let Entry::Occupied(mut gone) = self.gone.entry(*erased) {
                if gone.get().eraser == tombstone.revision {
                    gone.remove();
                } else {
                    gone.get_mut().listed = Some(tombstone.revision);
                }
            }
        }
        self.unfinished = Some((tombstone.revision, tombstone.erases.clone()));
        Ok(())
    }

    /// The payloads that no tombstone lists.
    pub(super) fn unexplained(&self) -> impl Iterator<Item = Damage> {
        let gone = self.gone.values().filter(|gone| gone.listed.is_none());
        gone.map(|gone| gone.damage)
    }

    /// The payloads whose slot names no tombstone that lists them, and one that does. The slots of
    /// an unfinished redaction are none of them: whoever finishes it writes them.
    pub(super) fn misnamed(&self) -> impl Iterator<Item = (Damage, Revision)> {
        let unfinished = self.unfinished().map(|(tombstone, _)| *tombstone);
        self.gone.values().filter_map(move |gone| {
            let tombstone = gone.listed.filter(|listed| Some(*listed) != unfinished)?;
            Some((Damage { what: Damaged::Slot, ..gone.damage }, tombstone))
        })
    }

    /// The tombstone without its done mark.
    pub(super) fn unfinished(&self) -> Option<&(Revision, Vec<Revision>)> {
        self.unfinished.as_ref()
    }
}
