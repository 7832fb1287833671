//! Rows on their way: read, asked about, written.

use std::io::Read;

use super::seen::{Hash, Seen};
use crate::cli::list::fields::{self, Fields, content};
use crate::cli::list::layout::{Layout, Place};
use crate::cli::list::object::{self, Found};
use crate::cli::list::rows::{Row, RowError, Rows, Shape};
use crate::grpc::codec::{AskBuffer, CheckAsk};

/// Most rows of a chunk.
pub(super) const ROWS: usize = 5_000;

/// Most octets of a chunk, the row that exceeds them aside.
const OCTETS: usize = 1 << 20;

/// What is known of a row before the server is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The server is asked for it.
    Asked,
    /// There is no address in it.
    NoAddress,
    /// It cannot be taken apart.
    Malformed,
    /// Its address came before, and duplicates are dropped.
    Duplicate,
}

/// Rows that travel together, in their order.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    octets: Vec<u8>,
    rows: Vec<(usize, State)>,
    /// How many rows repeat an address, dropped or not.
    pub(super) duplicates: u64,
    /// The addresses of those `Asked`, until they are sent.
    pub(super) question: Option<CheckAsk>,
    /// How many those are.
    pub(super) asked: usize,
}

impl Chunk {
    /// The rows with what is known of them.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&[u8], State)> {
        let mut from = 0;
        self.rows.iter().map(move |&(to, state)| {
            let row = self.octets.get(from..to).unwrap_or_default();
            from = to;
            (row, state)
        })
    }

    pub(super) fn count(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn octets(&self) -> u64 {
        u64::try_from(self.octets.len()).unwrap_or(u64::MAX)
    }
}

/// Makes chunks of rows.
pub(super) struct Chunks<R> {
    rows: Rows<R>,
    layout: Layout,
    seen: Seen,
    /// Of the addresses in the question, in their order.
    hashes: Vec<Hash>,
    dedupe: bool,
    question: AskBuffer,
    failure: Option<RowError>,
}

impl<R: Read> Chunks<R> {
    pub(super) fn new(rows: Rows<R>, layout: Layout, dedupe: bool, question: AskBuffer) -> Self {
        let (seen, hashes) = (Seen::default(), Vec::with_capacity(ROWS));
        Self { rows, layout, seen, hashes, dedupe, question, failure: None }
    }

    fn fill(&mut self, chunk: &mut Chunk) -> Result<(), RowError> {
        let grammar = self.layout.grammar();
        while chunk.rows.len() < ROWS && chunk.octets.len() + self.question.size() < OCTETS {
            let Some(row) = self.rows.next(grammar)? else { break };
            let state = match address(row, &self.layout.place) {
                Address::Malformed => State::Malformed,
                Address::None => State::NoAddress,
                Address::Raw(raw) => {
                    self.hashes.push(self.seen.hash(&raw));
                    self.question.push(&raw);
                    State::Asked
                }
            };
            chunk.octets.extend_from_slice(row.octets);
            chunk.rows.push((chunk.octets.len(), state));
        }
        Ok(())
    }

    /// Finds duplicates among the rows of a chunk, and takes the question about the others.
    fn ask(&mut self, chunk: &mut Chunk) {
        let asked = chunk.rows.iter_mut().filter(|(_, state)| *state == State::Asked);
        for ((_, state), hash) in asked.zip(self.hashes.drain(..)) {
            if self.seen.is_repeated(hash) {
                chunk.duplicates += 1;
                if self.dedupe {
                    *state = State::Duplicate;
                }
            }
        }
        if self.dedupe && chunk.duplicates > 0 {
            let all = self.question.take();
            let states = chunk.rows.iter().map(|&(_, state)| state);
            let asked = states.filter(|state| matches!(state, State::Asked | State::Duplicate));
            let kept = all.addresses().zip(asked).filter(|(_, state)| *state == State::Asked);
            kept.for_each(|(address, _)| self.question.push(address));
        }
        chunk.asked = self.question.count();
        chunk.question = (chunk.asked > 0).then(|| self.question.take());
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
        chunk.rows.reserve(ROWS);
        if let Err(failure) = self.fill(&mut chunk) {
            if chunk.rows.is_empty() {
                return Some(Err(failure));
            }
            self.failure = Some(failure);
        }
        self.ask(&mut chunk);
        (!chunk.rows.is_empty()).then_some(Ok(chunk))
    }
}

enum Address<'a> {
    Raw(std::borrow::Cow<'a, [u8]>),
    None,
    Malformed,
}

fn address<'a>(row: Row<'a>, place: &Place) -> Address<'a> {
    let raw = match place {
        Place::Line => row.octets.into(),
        Place::Field { .. } if row.shape == Shape::Malformed => return Address::Malformed,
        Place::Field { delimiter, index } if row.shape == Shape::Plain => {
            match fields::plain(row.octets, *delimiter, *index) {
                Some(field) => field.into(),
                None => return Address::None,
            }
        }
        Place::Field { delimiter, index } => {
            match Fields::new(row.octets, *delimiter).nth(*index) {
                Some(field) => content(field),
                None => return Address::None,
            }
        }
        Place::Key(key) => match object::text(row.octets, key) {
            Found::Text(text) => match text {
                std::borrow::Cow::Borrowed(text) => text.as_bytes().into(),
                std::borrow::Cow::Owned(text) => text.into_bytes().into(),
            },
            Found::Nothing => return Address::None,
            Found::Malformed if row.octets.trim_ascii().is_empty() => return Address::None,
            Found::Malformed => return Address::Malformed,
        },
    };
    if raw.trim_ascii().is_empty() { Address::None } else { Address::Raw(raw) }
}
