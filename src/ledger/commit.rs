//! Group commit: space, one write, one fdatasync, a mark.
//!
//! A full disk is found before a group is written where the file system can allocate ahead, and
//! after where it cannot; either way the file ends where it did. Everything else that fails latches.

use std::io;

use super::disk::DiskFile;
use super::format::{FORMAT, HEADER, Header, MARK, Mark, wide};
use super::reader::Shared;
use super::{Active, CommitError, Committed, Group, Ledger, Urgency};
use crate::measure::Stopwatch;
use crate::model::revision::Revision;

/// Space is taken in steps, so that few groups pay for it.
const ALLOCATION_STEP: u64 = 1 << 20;

impl Ledger {
    /// Makes a group durable, whole or not at all. An empty group writes nothing.
    ///
    /// # Errors
    /// `CommitError`; of all variants but `Unknown` nothing was written.
    pub fn commit<T>(
        &mut self,
        mut group: Group<T>,
        urgency: Urgency,
    ) -> Result<Committed<T>, CommitError> {
        self.prepare(&group, group.octets() + wide(MARK), urgency)?;
        if !group.is_empty() {
            self.append(&mut group)?;
        }
        Ok(Committed(group.into_value()))
    }

    /// All that comes before the first octet of a group: is it allowed, where does it go, is there
    /// room for `need` octets?
    pub(super) fn prepare<T>(
        &mut self,
        group: &Group<T>,
        need: u64,
        urgency: Urgency,
    ) -> Result<(), CommitError> {
        if self.is_latched() {
            return Err(CommitError::Latched);
        }
        group.admit(self.head())?;
        let prepared = self.roll_if_full(need).and_then(|()| self.take_room(need, urgency));
        match prepared {
            Ok(true) => Ok(()),
            Ok(false) => Err(CommitError::Full),
            Err(error) => {
                self.latch();
                Err(CommitError::Failed(error))
            }
        }
    }

    /// Writes a group for which there is room.
    pub(super) fn append<T>(&mut self, group: &mut Group<T>) -> Result<(), CommitError> {
        let start = self.active.end;
        let (last, chain) = group.end();
        let octets = group.seal();
        let end = start + wide(octets.len());
        // A large group is mostly followed by one alike; small ones soon ask for little again.
        self.room = octets.len().max(self.room / 2);
        if let Err(error) = self.active.file.write_at(octets, start) {
            return Err(self.cut(start, error));
        }
        if let Err(error) = self.sync() {
            self.latch();
            return Err(CommitError::Unknown(error));
        }
        let mark = Mark { last, chain }.encode(self.seed());
        if self.active.file.write_at(&mark, end).is_err() {
            // The group is durable without it, and boot writes it.
            self.latch();
        }
        self.active.end = end + wide(MARK);
        for (revision, offset) in group.index() {
            self.active.segment.note(*revision, start + offset);
        }
        self.chain = chain;
        self.shared.measures.groups.add(wide(group.index().len()));
        self.shared.commit(last);
        Ok(())
    }

    /// The fdatasync that makes a group durable, timed.
    fn sync(&self) -> io::Result<()> {
        let measures = &self.shared.measures;
        let watch = Stopwatch::start();
        let synced = self.active.file.sync_data();
        measures.syncs.add(watch.nanos());
        measures.failed_syncs.add(synced.is_err().into());
        synced
    }

    /// Takes back a write that failed.
    fn cut(&mut self, start: u64, error: io::Error) -> CommitError {
        let file = &self.active.file;
        if file.set_len(start).and_then(|()| file.sync_data()).is_err() {
            self.latch();
            return CommitError::Unknown(error);
        }
        if !is_full(&error) {
            self.latch();
            return CommitError::Failed(error);
        }
        // The cut gave the space ahead back; what can be had of it again is the reserve.
        self.active.allocated = start;
        if self.allocates && file.allocate(start + self.options.reserve_octets).is_ok() {
            self.active.allocated = start + self.options.reserve_octets;
        }
        CommitError::Full
    }

    /// Whether there is room for `need` octets, and for yeses the reserve behind them.
    fn take_room(&mut self, need: u64, urgency: Urgency) -> io::Result<bool> {
        let least = self.active.end + need;
        let with_reserve = least + self.options.reserve_octets;
        for end in [with_reserve + ALLOCATION_STEP, with_reserve] {
            if self.active.allocated >= with_reserve || self.allocate(end)? {
                return Ok(true);
            }
        }
        match urgency {
            Urgency::Yes => Ok(false),
            Urgency::No => Ok(self.active.allocated >= least || self.allocate(least)?),
        }
    }

    /// Takes space in the active segment; false where the disk is full.
    pub(super) fn allocate(&mut self, end: u64) -> io::Result<bool> {
        if !self.allocates {
            return Ok(true);
        }
        match self.active.file.allocate(end) {
            Ok(()) => {
                self.active.allocated = end;
                Ok(true)
            }
            Err(error) if is_full(&error) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                self.allocates = false;
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    /// Begins the next segment where the active one is full. Where the disk has no space for a
    /// segment and its reserve, the active one grows on.
    fn roll_if_full(&mut self, need: u64) -> io::Result<()> {
        let empty = self.active.end == wide(HEADER);
        if empty || self.active.end + need <= self.options.segment_octets {
            return Ok(());
        }
        // The mark of its last group: from now on the next segment vouches for it.
        self.active.file.sync_data()?;
        let first = self.head().next();
        let header = self.header(first);
        let end = wide(HEADER) + need + self.options.reserve_octets;
        match create(&self.shared, &header, self.allocates.then_some(end)) {
            Ok(file) => {
                // To keep the space ahead of the old segment does no harm.
                self.active.file.set_len(self.active.end).ok();
                let segment = self.shared.add_segment(first);
                let allocated = if self.allocates { end } else { 0 };
                self.active = Active { segment, file, end: wide(HEADER), allocated };
                Ok(())
            }
            Err(error) if is_full(&error) => abandon(&self.shared, first),
            Err(error) => Err(error),
        }
    }

    fn header(&self, first: Revision) -> Header {
        let (address_rule, key_check) = (self.options.address_rule, self.key_check);
        Header { format: FORMAT, address_rule, key_check, first, chain: self.chain }
    }
}

impl Shared {
    /// Shows a group to the readers.
    pub(super) fn commit(&self, last: Revision) {
        self.head.store(last.number(), std::sync::atomic::Ordering::Release);
    }
}

/// Creates a segment, durably.
pub(super) fn create(
    shared: &Shared,
    header: &Header,
    allocate: Option<u64>,
) -> io::Result<Box<dyn DiskFile>> {
    let file = shared.disk.create(&shared.path(header.first))?;
    if let Some(end) = allocate {
        match file.allocate(end) {
            Err(error) if error.kind() != io::ErrorKind::Unsupported => return Err(error),
            _ => {}
        }
    }
    file.write_at(&header.encode(), 0)?;
    file.sync_data()?;
    shared.disk.sync_dir(&shared.dir)?;
    Ok(file)
}

/// Removes a segment that holds nothing, durably: what its name says would soon be wrong.
pub(super) fn abandon(shared: &Shared, first: Revision) -> io::Result<()> {
    match shared.disk.remove(&shared.path(first)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    shared.disk.sync_dir(&shared.dir)
}

/// Whether there is no space left for us.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
