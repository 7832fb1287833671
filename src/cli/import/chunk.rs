//! Rows on their way: read, sent in one call, reported.

use std::io::Read;

use super::column::Plan;
use super::earlier::Earlier;
use super::facts::Facts;
use super::flaw::Flaw;
use super::row::{Reading, State};
use crate::cli::list::rows::{RowError, Rows};

/// Most rows of a chunk: what a server takes in one call.
pub(super) const ROWS: usize = 10_000;

/// Most octets of a chunk, the row that exceeds them aside. A fact is larger on the wire than its
/// row; the server reads 64 MiB, and records as much at once.
const OCTETS: usize = 8 << 20;

/// A row, and what is known of it before the server is asked.
#[derive(Debug)]
pub(super) struct Line {
    /// Where it begins, from 1.
    pub(super) number: u64,
    /// What it says, where that can be told.
    pub(super) state: Option<State>,
    /// None where the server is asked.
    pub(super) flaw: Option<Flaw>,
    /// Where the row ends in the octets of its chunk, if they are kept.
    end: usize,
}

/// Rows that travel together, in their order.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) lines: Vec<Line>,
    /// One for each line without a flaw.
    pub(super) facts: Facts,
    /// How many of these name an address that an earlier call named.
    pub(super) repeats: u64,
    /// Octets that the rows have in the file.
    pub(super) read: usize,
    kept: Vec<u8>,
}

impl Chunk {
    /// The lines, each with its row where rows are kept.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&Line, &[u8])> {
        let mut from = 0;
        self.lines.iter().map(move |line| {
            let row = self.kept.get(from..line.end).unwrap_or_default();
            from = line.end;
            (line, row)
        })
    }

    /// The last line that a row of the chunk begins in.
    pub(super) fn last_line(&self) -> u64 {
        self.lines.last().map_or(0, |line| line.number)
    }
}

/// Makes chunks of rows.
pub(super) struct Chunks<R> {
    pub(super) rows: Rows<R>,
    pub(super) plan: Plan,
    pub(super) reading: Reading,
    /// Whether refused rows are written somewhere, so that rows have to be kept.
    pub(super) keep: bool,
    /// For a dry run, which looks at each call by itself.
    pub(super) earlier: Option<Earlier>,
    pub(super) failure: Option<RowError>,
}

impl<R: Read> Chunks<R> {
    fn fill(&mut self, chunk: &mut Chunk) -> Result<(), RowError> {
        let grammar = self.plan.layout.grammar();
        while chunk.lines.len() < ROWS && chunk.read < OCTETS {
            let number = self.rows.line();
            let Some(row) = self.rows.next(grammar)? else { break };
            // What a spreadsheet leaves of a row that was emptied says nothing.
            if row.octets.iter().all(|octet| b",;\t \r\n".contains(octet)) {
                continue;
            }
            let (state, fact) = self.reading.fact(&self.plan.cells(row), number);
            chunk.read += row.octets.len();
            if self.keep {
                chunk.kept.extend_from_slice(row.octets);
            }
            let flaw = match fact {
                Ok(fact) => {
                    let earlier = self.earlier.as_mut();
                    let repeats = earlier.is_some_and(|seen| seen.has(fact.address.as_bytes()));
                    chunk.repeats += u64::from(repeats);
                    chunk.facts.push(fact);
                    None
                }
                Err(flaw) => Some(flaw),
            };
            chunk.lines.push(Line { number, state, flaw, end: chunk.kept.len() });
        }
        Ok(())
    }
}

impl<R: Read> Iterator for Chunks<R> {
    type Item = Result<Chunk, RowError>;

    /// The next chunk. A failure comes after all rows that precede it.
    fn next(&mut self) -> Option<Self::Item> {
        if let Some(failure) = self.failure.take() {
            return Some(Err(failure));
        }
        let mut chunk = Chunk::default();
        if let Err(failure) = self.fill(&mut chunk) {
            if chunk.lines.is_empty() {
                return Some(Err(failure));
            }
            self.failure = Some(failure);
        }
        self.earlier.iter_mut().for_each(Earlier::next_call);
        (!chunk.lines.is_empty()).then_some(Ok(chunk))
    }
}
