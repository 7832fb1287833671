//! Where decided rows go: the allowed ones to the output as they came, the others to a file with
//! two more columns.

use std::io::{self, Write};

use super::chunk::Chunk;
use super::tally::{Reason, Tally};
use crate::cli::list::added::{Added, put_fields};
use crate::cli::list::layout::Layout;

/// What a rejected row gets besides its own columns.
const ADDED: Added = Added(["maysend_verdict", "maysend_explanation"]);

/// The output of a run.
pub(super) struct Sink<W, J> {
    output: W,
    rejected: Option<J>,
    layout: Layout,
    begun: bool,
    /// Rows gathered for one write, so that a row costs no call.
    allowed: Vec<u8>,
    denied: Vec<u8>,
    /// What rows get that are rejected for this reason; few reasons are given.
    fields: Vec<(Reason, Vec<u8>)>,
    tally: Tally,
}

/// What stops the writing.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum WriteError {
    #[error("cannot write the allowed rows")]
    Output(#[source] io::Error),
    #[error("cannot write the rejected rows")]
    Rejected(#[source] io::Error),
    #[error("the server answered {found} of {expected} addresses")]
    Count { expected: usize, found: usize },
}

impl<W: Write, J: Write> Sink<W, J> {
    pub(super) fn new(output: W, rejected: Option<J>, layout: Layout) -> Self {
        Self {
            output,
            rejected,
            layout,
            begun: false,
            allowed: Vec::new(),
            denied: Vec::new(),
            fields: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// The rows written so far.
    pub(super) const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Writes a chunk with the verdicts on the rows that were asked about.
    ///
    /// # Errors
    /// `WriteError`; then the chunk counts as not written.
    pub(super) fn put(
        &mut self,
        chunk: &Chunk,
        verdicts: &[u8],
        revision: u64,
    ) -> Result<(), WriteError> {
        if verdicts.len() != chunk.asked {
            let (expected, found) = (chunk.asked, verdicts.len());
            return Err(WriteError::Count { expected, found });
        }
        self.begin();
        let mut tally = self.tally.clone();
        let mut verdicts = verdicts.iter();
        for (row, state) in chunk.rows() {
            // INVARIANT: as many verdicts as `Asked` rows; a zero denies.
            let verdict = || Reason::Verdict(verdicts.next().copied().unwrap_or_default());
            let reason = Reason::of(state).unwrap_or_else(verdict);
            tally.count(reason);
            if reason.allows() {
                self.allowed.extend_from_slice(row);
            } else if self.rejected.is_some() {
                self.reject(row, reason);
            }
        }
        self.write()?;
        tally.duplicates += chunk.duplicates;
        tally.revision = tally.revision.max(revision);
        self.tally = tally;
        Ok(())
    }

    /// Writes what is left: the header of an empty list.
    ///
    /// # Errors
    /// `WriteError`.
    pub(super) fn finish(&mut self) -> Result<(), WriteError> {
        self.begin();
        self.write()?;
        self.flush()
    }

    /// Has everything written that was taken.
    ///
    /// # Errors
    /// `WriteError`.
    pub(super) fn flush(&mut self) -> Result<(), WriteError> {
        self.output.flush().map_err(WriteError::Output)?;
        self.rejected.as_mut().map_or(Ok(()), Write::flush).map_err(WriteError::Rejected)
    }

    fn reject(&mut self, row: &[u8], reason: Reason) {
        if let Some((_, fields)) = self.fields.iter().find(|(of, _)| *of == reason) {
            return put_fields(&mut self.denied, row, fields);
        }
        let words = reason.words();
        let (said, place) = ([words.name.as_str(), words.explanation], &self.layout.place);
        ADDED.put_row(&mut self.denied, row, place, said);
        self.fields.extend(ADDED.fields(place, said).map(|fields| (reason, fields)));
    }

    fn begin(&mut self) {
        if self.begun {
            return;
        }
        self.begun = true;
        let Layout { place, mark, header } = &self.layout;
        self.allowed.extend([mark.as_slice(), header].concat());
        self.denied.extend_from_slice(mark);
        if !header.is_empty() {
            ADDED.put_header(&mut self.denied, header, place);
        }
    }

    fn write(&mut self) -> Result<(), WriteError> {
        if let Some(rejected) = &mut self.rejected {
            rejected.write_all(&self.denied).map_err(WriteError::Rejected)?;
        }
        self.output.write_all(&self.allowed).map_err(WriteError::Output)?;
        self.allowed.clear();
        self.denied.clear();
        Ok(())
    }
}
