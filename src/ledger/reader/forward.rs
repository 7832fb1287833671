//! Reading records in their order, a slice at a time: for who follows the ledger.
//!
//! Between slices nothing is held, neither file nor buffer nor guard: only where the next record
//! stands. So what was erased meanwhile is never shown out of a buffer, and who rests for days
//! costs nothing.

use std::fmt;
use std::sync::{Arc, PoisonError};

use super::super::error::{Damage, Damaged, ReadError};
use super::super::format::{FRAME, HEADER, narrow, wide};
use super::super::walk::Window;
use super::super::{Reader, Record};
use super::{Shared, Stride};
use crate::model::revision::Revision;

/// Octets of the ledger that make a slice, give or take a record.
const SLICE: u64 = 256 << 10;

/// Reads committed records one after another.
pub struct Forward {
    shared: Arc<Shared>,
    next: Revision,
    /// The segment that was read last, and where the record after its last one stands or would.
    at: Option<(Revision, u64)>,
}

impl Reader {
    /// Reads on behind a revision, which need not be there yet.
    #[must_use]
    pub fn forward(&self, after: Revision) -> Forward {
        Forward { shared: Arc::clone(&self.0), next: after.next(), at: None }
    }
}

impl Forward {
    /// The next records up to and with `until`: about 256 KiB of the ledger, one record at least
    /// where there is one.
    ///
    /// # Errors
    /// `ReadError`: damage is told, never passed over.
    pub fn slice(&mut self, until: Revision) -> Result<Vec<Record<'static>>, ReadError> {
        let until = until.min(self.shared.head());
        let shared = Arc::clone(&self.shared);
        let guard = shared.erasing.read().unwrap_or_else(PoisonError::into_inner);
        let mut records = Vec::new();
        let mut octets = 0;
        while self.next <= until && octets < SLICE {
            octets += self.read_segment(until, SLICE - octets, &mut records)?;
        }
        drop(guard);
        Ok(records)
    }

    /// Reads on within one segment; gives back how many octets.
    fn read_segment(
        &mut self,
        until: Revision,
        most: u64,
        records: &mut Vec<Record<'static>>,
    ) -> Result<u64, ReadError> {
        let shared = Arc::clone(&self.shared);
        let damage = |segment, offset, revision, what| Damage { segment, offset, revision, what };
        let missing = damage(self.next, 0, self.next, Damaged::Segment);
        let segment = shared.segment_of(self.next).ok_or(missing)?.first;
        let offset = match self.at {
            Some((at, offset)) if at == segment => offset,
            _ if segment == self.next => wide(HEADER),
            _ => shared.locate(self.next)?.ok_or(missing)?.offset,
        };
        let file = shared.disk.open(&shared.path(segment))?;
        let mut window = Window::with_chunk(file, narrow(SLICE))?;
        let mut stride = Stride { offset, next: self.next };
        let last = shared.last_of(segment).min(until);
        while stride.next <= last && stride.offset - offset < most {
            let (revision, before) = (stride.next, stride.offset);
            let Some((outside, eraser)) = stride.frame(&mut window, shared.seed)? else {
                return Err(damage(segment, before, revision, Damaged::Frame).into());
            };
            let frame = stride.offset - outside.frame_octets();
            let payload = window.at(frame + wide(FRAME), u64::from(outside.length))?;
            let damage = damage(segment, frame, revision, Damaged::Payload);
            records.push(shared.whole(&outside, eraser, payload, damage)?);
            (self.next, self.at) = (stride.next, Some((segment, stride.offset)));
        }
        Ok(stride.offset - offset)
    }
}

impl fmt::Debug for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forward").field("next", &self.next).finish_non_exhaustive()
    }
}
