//! How the ledger does, in numbers.

use std::io;

use super::Reader;
use super::reader::segments;
use crate::measure::{Counter, DURATIONS, Histogram, SIZES};

/// What is counted while the ledger is written.
#[derive(Debug)]
pub struct Measures {
    /// How long the fdatasync of each group took, in nanoseconds; those that failed too.
    pub syncs: Histogram,
    /// Those that failed. The first one latches.
    pub failed_syncs: Counter,
    /// How many records each group held.
    pub groups: Histogram,
}

impl Measures {
    pub(super) fn new() -> Self {
        Self {
            syncs: Histogram::new(DURATIONS),
            failed_syncs: Counter::default(),
            groups: Histogram::new(SIZES),
        }
    }
}

/// What the ledger takes on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// Files.
    pub segments: u64,
    /// Their octets; space allocated ahead does not count.
    pub octets: u64,
}

impl Reader {
    /// What was counted since the ledger was opened.
    #[must_use]
    pub fn measures(&self) -> &Measures {
        &self.0.measures
    }

    /// Looks at every segment: not for threads that answer checks.
    ///
    /// # Errors
    /// Of the file system.
    pub fn extent(&self) -> io::Result<Extent> {
        let mut extent = Extent::default();
        for first in segments(&*self.0.disk, &self.0.dir)? {
            extent.segments += 1;
            extent.octets += self.0.disk.open(&self.0.path(first))?.len()?;
        }
        Ok(extent)
    }
}
