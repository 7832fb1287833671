//! Where decided rows go: the allowed ones to the output as they came, the others to a file with
//! two more columns.

use std::io::{self, Write};

use serde_json::json;

use super::chunk::Chunk;
use super::fields;
use super::layout::{Layout, Place};
use super::rows::split_line_end;
use super::tally::{Reason, Tally};

/// Names of the two columns, or keys.
const VERDICT: &str = "maysend_verdict";
const EXPLANATION: &str = "maysend_explanation";

/// The output of a run.
pub(super) struct Sink<W, J> {
    output: W,
    rejected: Option<J>,
    layout: Layout,
    begun: bool,
    /// Rows gathered for one write, so that a row costs no call.
    allowed: Vec<u8>,
    denied: Vec<u8>,
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
        let (allowed, denied) = (Vec::new(), Vec::new());
        Self { output, rejected, layout, begun: false, allowed, denied, tally: Tally::default() }
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
                let words = reason.words();
                extend(&mut self.denied, row, &self.layout.place, &words.name, words.explanation);
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

    fn begin(&mut self) {
        if self.begun {
            return;
        }
        self.begun = true;
        let Layout { place, mark, header } = &self.layout;
        self.allowed.extend([mark.as_slice(), header].concat());
        self.denied.extend_from_slice(mark);
        if !header.is_empty() {
            extend(&mut self.denied, header, place, VERDICT, EXPLANATION);
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

/// Appends `row` with two columns more, before its line end.
fn extend(to: &mut Vec<u8>, row: &[u8], place: &Place, verdict: &str, explanation: &str) {
    let (text, line_end) = split_line_end(row);
    match place {
        Place::Line => {
            to.extend_from_slice(text);
            fields::push(to, b'\t', verdict);
            fields::push(to, b'\t', explanation);
        }
        Place::Field { delimiter, .. } => {
            to.extend_from_slice(text);
            fields::push(to, *delimiter, verdict);
            fields::push(to, *delimiter, explanation);
        }
        Place::Key(_) => extend_object(to, text, verdict, explanation),
    }
    to.extend_from_slice(line_end);
}

/// Two keys more before the closing brace. What is no object becomes the text of one.
fn extend_object(to: &mut Vec<u8>, text: &[u8], verdict: &str, explanation: &str) {
    let is_object = serde_json::from_slice::<serde_json::Map<_, serde_json::Value>>(text);
    let close = text.iter().rposition(|&octet| octet == b'}');
    let keys = json!({ VERDICT: verdict, EXPLANATION: explanation }).to_string();
    let keys = keys.trim_start_matches('{').as_bytes();
    match (is_object, close.and_then(|at| text.split_at_checked(at))) {
        (Ok(object), Some((inside, behind))) => {
            to.extend_from_slice(inside);
            if !object.is_empty() {
                to.push(b',');
            }
            to.extend_from_slice(keys);
            to.extend_from_slice(behind.get(1..).unwrap_or_default());
        }
        _ => {
            let row = String::from_utf8_lossy(text);
            let wrapped = json!({ "row": row, VERDICT: verdict, EXPLANATION: explanation });
            to.extend_from_slice(wrapped.to_string().as_bytes());
        }
    }
}
