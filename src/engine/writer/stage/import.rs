//! Rows of a file in a group: each meets what the rows before it have changed.

use std::sync::Arc;

use super::super::RowJob;
use super::Stage;
use super::look::{PastBefore, needs_no_past};
use crate::engine::error::EngineError;
use crate::engine::import::Imported;
use crate::model::day::Today;
use crate::model::event::Event;
use crate::model::verdict::WriteOutcome;
use crate::transition::{ImportEffect, import_effect};

impl Stage {
    /// Stages the rows of a call. While yeses are refused for a reason its noes alone are staged,
    /// and the reason is the answer if anything was left out.
    pub(in crate::engine::writer) fn import(
        &mut self,
        rows: &[RowJob],
        refused: Option<EngineError>,
    ) -> Result<Imported, EngineError> {
        let in_doubt = matches!(self.now.today, Today::InDoubt(_));
        let mut refused = refused.or(in_doubt.then_some(EngineError::ClockInDoubt));
        // As in a write: what the rows need to know is read before any of them is staged. Damage
        // refuses the yeses; a no is recorded as if it were new.
        self.reserve(rows.len());
        let mut pasts = Vec::with_capacity(rows.len());
        for row in rows {
            let past = self.past_of(row).or_else(|damage| {
                if needs_no_past(row.command.value()) {
                    return Ok(Past::Read(Vec::new()));
                }
                refused.get_or_insert(damage.clone());
                Err(damage)
            });
            pasts.push(past.unwrap_or(Past::Read(Vec::new())));
        }
        let mut imported =
            Imported { revision: self.reached(), outcomes: Vec::new(), effects: Vec::new() };
        let mut left_out = None;
        let request_id = Arc::default();
        for (row, past) in rows.iter().zip(&pasts) {
            let Some(target) = &row.target else {
                imported.push(WriteOutcome::InvalidAddress, ImportEffect::Stays);
                continue;
            };
            if let Some(refused) = refused.as_ref().filter(|_| !row.is_no()) {
                left_out.get_or_insert_with(|| refused.clone());
                continue;
            }
            let before = self.group.value().len();
            // A row is never the owner's: no base is asked when it spoke.
            let past = PastBefore { events: past.events(row), base_spoke: None };
            let outcome = self.target(target, &row.command, &request_id, past)?;
            let effects = self.group.value().iter().skip(before).map(|event| {
                import_effect(&event.statement.effects, &self.catalog, self.now.today)
            });
            let effect = effects.max().unwrap_or(ImportEffect::Stays);
            imported.push(outcome.outcome, effect);
        }
        imported.revision = self.reached();
        left_out.map_or(Ok(imported), Err)
    }

    /// The events of the row's address before this group.
    fn past_of(&mut self, row: &RowJob) -> Result<Past, EngineError> {
        let Some(target) = &row.target else { return Ok(Past::Prefetched) };
        let last = self.pending(target).before;
        if row.past.as_ref().is_some_and(|past| past.last == last) {
            return Ok(Past::Prefetched);
        }
        self.shared.walk(last).collect::<Result<_, _>>().map(Past::Read)
    }
}

/// Where the events of a row's address before this group are.
enum Past {
    /// With the row.
    Prefetched,
    Read(Vec<Event>),
}

impl Past {
    fn events<'a>(&'a self, row: &'a RowJob) -> &'a [Event] {
        match self {
            Self::Prefetched => row.past.as_ref().map_or(&[], |past| &past.events),
            Self::Read(events) => events,
        }
    }
}

impl Imported {
    fn push(&mut self, outcome: WriteOutcome, effect: ImportEffect) {
        self.outcomes.push(outcome);
        self.effects.push(effect);
    }
}
