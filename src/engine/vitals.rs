//! How the engine does: what it has counted, and what it holds at this moment.

use std::io;
use std::time::UNIX_EPOCH;

use super::Engine;
use crate::index::Index;
use crate::ledger::{Extent, Measures};
use crate::measure::Counter;
use crate::model::revision::Revision;
use crate::model::verdict::WriteOutcome;

/// Codes of outcomes are below this.
const OUTCOMES: usize = 32;

/// How often writes came to each outcome, by address or, where the owner chose, by choice.
#[derive(Debug)]
pub struct Outcomes([Counter; OUTCOMES]);

impl Outcomes {
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| Counter::default()))
    }

    pub(super) fn add(&self, outcomes: &[WriteOutcome]) {
        let mut times = [0; OUTCOMES];
        for outcome in outcomes {
            if let Some(times) = times.get_mut(usize::from(outcome.code())) {
                *times += 1;
            }
        }
        let counted = self.0.iter().zip(times).filter(|(_, times)| *times > 0);
        counted.for_each(|(counter, times)| counter.add(times));
    }

    /// How often there was this one.
    #[must_use]
    pub fn get(&self, outcome: WriteOutcome) -> u64 {
        self.0.get(usize::from(outcome.code())).map_or(0, Counter::get)
    }
}

/// What an engine holds.
#[derive(Debug)]
pub struct Vitals {
    /// The head.
    pub head: Revision,
    /// No writes until a restart.
    pub latched: bool,
    /// The wall clock lies days before the last event.
    pub clock_in_doubt: bool,
    /// Addresses of the index.
    pub addresses: usize,
    /// Its shapes.
    pub shapes: usize,
    /// Octets of its memory, shapes not counted.
    pub index_octets: usize,
    /// Writes that wait for the writer.
    pub waiting: usize,
    /// Watches that are open.
    pub watches: usize,
    /// Revisions between the head and what the slowest of them was told; 0 where there is none.
    pub lag: u64,
    /// Files of the ledger; an error where they cannot be looked at.
    pub ledger: io::Result<Extent>,
}

impl Engine {
    /// What it holds now. Takes about a millisecond, some of it a lock that checks share, and looks
    /// at files: not for threads that answer checks.
    #[must_use]
    pub fn vitals(&self) -> Vitals {
        let shared = &self.shared;
        let (addresses, shapes, index_octets) = {
            let index = shared.index();
            (index.len(), Index::shapes(&index), index.memory())
        };
        let (watches, slowest) = self.watches.open();
        let head = self.head();
        Vitals {
            head,
            latched: self.is_latched(),
            clock_in_doubt: self.is_clock_in_doubt(),
            addresses,
            shapes,
            index_octets,
            waiting: self.jobs.max_capacity().saturating_sub(self.jobs.capacity()),
            watches,
            lag: slowest.map_or(0, |told| head.number().saturating_sub(told)),
            ledger: shared.reader.extent(),
        }
    }

    /// The revision of the newest checkpoint, and when it was written, in seconds since 1970.
    #[must_use]
    pub fn newest_checkpoint(&self) -> Option<(Revision, f64)> {
        let (revision, written) = self.checkpoints.newest()?;
        let since = written.duration_since(UNIX_EPOCH).ok()?;
        Some((revision, since.as_secs_f64()))
    }

    /// What writes came to, since the start.
    #[must_use]
    pub fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    /// How the ledger is written, since the start.
    #[must_use]
    pub fn ledger_measures(&self) -> &Measures {
        self.shared.reader.measures()
    }
}
