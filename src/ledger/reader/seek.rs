//! Reading records here and there, from front to back: one file and one buffer for as long as they
//! stand in one segment. Whoever reads the last events of ten thousand addresses that one import
//! recorded finds them side by side.

use super::super::Record;
use super::super::error::{Damage, Damaged, ReadError};
use super::super::format::{FRAME, narrow, wide};
use super::super::walk::Window;
use super::{STRIDE, Shared, Stride};
use crate::model::revision::Revision;

/// Where the last record was found. The caller holds the guard of erasures as long as this lives:
/// the buffer must not outlast it.
pub(super) struct Seeker<'a> {
    shared: &'a Shared,
    at: Option<At>,
}

struct At {
    segment: Revision,
    window: Window,
    walk: Stride,
}

impl<'a> Seeker<'a> {
    pub(super) const fn new(shared: &'a Shared) -> Self {
        Self { shared, at: None }
    }

    /// The record of a revision behind the last one; none where nothing is committed under it.
    pub(super) fn read(
        &mut self,
        revision: Revision,
    ) -> Result<Option<Record<'static>>, ReadError> {
        let shared = self.shared;
        if revision == Revision::ZERO || revision > shared.head() {
            return Ok(None);
        }
        let missing = Damage { segment: revision, offset: 0, revision, what: Damaged::Segment };
        let segment = shared.segment_of(revision).ok_or(missing)?;
        let start = shared.start(&segment, revision)?;
        let at = match &mut self.at {
            Some(at) if at.segment == segment.first => at,
            at => {
                let file = shared.disk.open(&shared.path(segment.first))?;
                let window = Window::with_chunk(file, narrow(STRIDE))?;
                let walk = Stride { offset: start.offset, next: start.revision };
                at.insert(At { segment: segment.first, window, walk })
            }
        };
        // On from the last record, unless the index knows a place that is nearer.
        if at.walk.next > revision || at.walk.offset < start.offset {
            at.walk = Stride { offset: start.offset, next: start.revision };
        }
        loop {
            let before = at.walk.offset;
            let damage = |offset, what| Damage { segment: segment.first, offset, revision, what };
            let Some((outside, eraser)) = at.walk.frame(&mut at.window, shared.seed)? else {
                return Err(damage(before, Damaged::Frame).into());
            };
            if outside.revision == revision {
                let offset = at.walk.offset - outside.frame_octets();
                let payload = at.window.at(offset + wide(FRAME), u64::from(outside.length))?;
                let damage = damage(offset, Damaged::Payload);
                return shared.whole(&outside, eraser, payload, damage).map(Some);
            }
        }
    }
}
