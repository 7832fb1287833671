//! Files of existing facts: each address its own fact, all in one group, or none of it in a dry
//! run.
//!
//! Whether a row was applied before stands in the events of its address. They are read here, before
//! the writer's turn; the writer reads again where an event came in between.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::error::{EngineError, InvalidRequest, Violation};
use super::validate;
use super::write::MAX_WRITE;
use super::writer::{ImportJob, Job, Prefetched, RowJob};
use super::{Engine, Shared};
use crate::authorize::{Operation, authorize, permit};
use crate::model::actor::Caller;
use crate::model::address::Address;
use crate::model::command::{Command, ImportedFact};
use crate::model::evidence::Evidence;
use crate::model::revision::Revision;
use crate::model::verdict::WriteOutcome;
use crate::transition::ImportEffect;

/// Most violations that are looked for: nobody reads more of them.
const ENOUGH_VIOLATIONS: usize = 100;

/// Rows of a file.
#[derive(Debug, Clone)]
pub struct Import {
    /// In their order.
    pub rows: Vec<Row>,
    /// Whether to say what would become of them, and record nothing.
    pub dry_run: bool,
}

/// A row of a file.
#[derive(Debug, Clone)]
pub struct Row {
    /// Whom it is about, as its octets came.
    pub address: Box<[u8]>,
    /// What it says.
    pub fact: ImportedFact,
    /// Why, in words.
    pub reason: Arc<str>,
    /// Where it comes from.
    pub evidence: Arc<Evidence>,
}

/// What became of the rows, or would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The revision that holds it; of a dry run the one it was computed on.
    pub revision: Revision,
    /// For each row.
    pub outcomes: Vec<WriteOutcome>,
    /// For each row.
    pub effects: Vec<ImportEffect>,
}

impl Engine {
    /// Records the rows of a file, or says what they would come to.
    ///
    /// # Errors
    /// `EngineError`; but for `OutcomeUnknown` no yes was written.
    pub async fn import(&self, caller: &Caller, import: Import) -> Result<Imported, EngineError> {
        permit(caller, Operation::StaffWrite)?;
        let Import { rows, dry_run } = import;
        match rows.len() {
            0 => return Err(InvalidRequest::one("facts", "is empty; name at least one").into()),
            got if got > MAX_WRITE => {
                return Err(EngineError::TooManyAddresses { limit: MAX_WRITE, got });
            }
            _ => {}
        }
        let caller = caller.clone();
        let read = self.blocking(move |shared| {
            let mut rows = shared.authorized(&caller, rows)?;
            shared.prefetch(&mut rows);
            Ok(rows)
        });
        let rows = read.await?;
        let (reply, answer) = oneshot::channel();
        self.hand_over(Job::Import(ImportJob { rows, dry_run, reply })).await?;
        let imported: Imported = self.answered(answer).await?;
        if !dry_run {
            self.outcomes.add(&imported.outcomes);
        }
        Ok(imported)
    }
}

impl Shared {
    /// The rows as authorised commands, if all are well-formed.
    fn authorized(&self, caller: &Caller, rows: Vec<Row>) -> Result<Vec<RowJob>, EngineError> {
        let now = self.clock.now();
        let mut authorized = Vec::with_capacity(rows.len());
        let mut violations = Vec::new();
        for (i, row) in rows.into_iter().enumerate() {
            let Row { address, fact, reason, evidence } = row;
            let address = Address::parse(&address).ok();
            let command = Command::Import { fact, reason, evidence };
            let valid = address.as_ref();
            let found = validate::command(&command, now)
                .and_then(|()| validate::notice_is_impersonal(&command, valid.as_slice()));
            if let Err(invalid) = found {
                violations.extend(invalid.violations.into_iter().map(|violation| Violation {
                    field: format!("facts[{i}].{}", violation.field),
                    problem: violation.problem,
                }));
                if violations.len() >= ENOUGH_VIOLATIONS {
                    break;
                }
            }
            let target = address.map(|address| self.target(address));
            let command = authorize(caller, command)?;
            authorized.push(RowJob { target, command, past: None });
        }
        if violations.is_empty() {
            Ok(authorized)
        } else {
            Err(InvalidRequest { violations }.into())
        }
    }

    /// Reads the events of the rows' addresses, the last of all first, then those before them: so
    /// the ledger is read from front to back as often as the longest history is long. Where that
    /// fails the writer finds out again, and says so.
    fn prefetch(&self, rows: &mut [RowJob]) {
        let mut wanted: Vec<(Revision, usize)> = Vec::new();
        for (i, row) in rows.iter_mut().enumerate() {
            let known = row.target.as_ref().and_then(|target| self.known(target.fingerprint));
            let Some(last) = known.map(|known| known.last) else { continue };
            row.past = Some(Prefetched { last, events: Vec::new() });
            wanted.push((last, i));
        }
        while !wanted.is_empty() {
            wanted.sort_unstable();
            let revisions: Vec<Revision> = wanted.iter().map(|(revision, _)| *revision).collect();
            let Ok(events) = self.events_if_kept(&revisions) else {
                return rows.iter_mut().for_each(|row| row.past = None);
            };
            let mut before = Vec::new();
            for ((_, i), event) in wanted.into_iter().zip(events) {
                let past = rows.get_mut(i).and_then(|row| row.past.as_mut());
                if let (Some(past), Some(event)) = (past, event) {
                    before
                        .extend((event.previous != Revision::ZERO).then_some((event.previous, i)));
                    past.events.push(event);
                }
            }
            wanted = before;
        }
    }
}
