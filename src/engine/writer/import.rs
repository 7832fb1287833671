//! The writer's part in an import: one call is one group, staged as any other write; a dry run is
//! staged alike and dropped.

use super::stage::Stage;
use super::{Reply, Target, Writer, answer};
use crate::authorize::Authorized;
use crate::engine::error::EngineError;
use crate::engine::import::Imported;
use crate::ledger::Urgency;
use crate::model::command::Command;
use crate::model::event::Event;
use crate::model::revision::Revision;

/// Rows of a file, each with its own command.
#[derive(Debug)]
pub(in crate::engine) struct ImportJob {
    pub(in crate::engine) rows: Vec<RowJob>,
    pub(in crate::engine) dry_run: bool,
    pub(in crate::engine) reply: Reply<Imported>,
}

/// A row of a file. A target that is no address is none.
#[derive(Debug)]
pub(in crate::engine) struct RowJob {
    pub(in crate::engine) target: Option<Target>,
    pub(in crate::engine) command: Authorized<Command>,
    pub(in crate::engine) past: Option<Prefetched>,
}

/// The events of an address, newest first, as they were when its last was this one.
#[derive(Debug)]
pub(in crate::engine) struct Prefetched {
    pub(in crate::engine) last: Revision,
    pub(in crate::engine) events: Vec<Event>,
}

impl RowJob {
    /// Whether it is taken also while yeses are refused.
    pub(super) fn is_no(&self) -> bool {
        self.command.without_yeses().is_some()
    }
}

impl Writer {
    pub(super) fn import(&mut self, job: ImportJob) {
        let ImportJob { rows, dry_run, reply } = job;
        let imported = if dry_run {
            let (imported, _) = self.staged(&rows, None);
            let head = self.ledger.head();
            imported.map(|imported| Imported { revision: head, ..imported })
        } else {
            self.record_rows(&rows)
        };
        answer(reply, imported);
    }

    fn record_rows(&mut self, rows: &[RowJob]) -> Result<Imported, EngineError> {
        let (mut imported, stage) = self.staged(rows, None);
        let urgency = if rows.iter().all(RowJob::is_no) { Urgency::No } else { Urgency::Yes };
        let mut outcome = self.commit(stage, urgency);
        if matches!(outcome, Err(EngineError::DiskFull)) {
            let (noes, stage) = self.staged(rows, Some(EngineError::DiskFull));
            imported = noes;
            outcome = self.commit(stage, Urgency::No);
        }
        outcome.and(imported)
    }

    fn staged(
        &self,
        rows: &[RowJob],
        refused: Option<EngineError>,
    ) -> (Result<Imported, EngineError>, Stage) {
        let mut stage = Stage::new(self.shared.clone(), self.ledger.begin(Vec::new()));
        (stage.import(rows, refused), stage)
    }
}
