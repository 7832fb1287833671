//! Any octets as a list to be filtered: its rows together are the list, whatever pieces it comes in,
//! each row is either asked about or refused, and a refused row can be read again.

use std::io::Read;

use super::chunk::{Chunk, Chunks, State};
use super::*;
use crate::cli::list::added::Added;
use crate::cli::list::fields::{self, Fields, content};
use crate::cli::list::layout::{LayoutError, Place};
use crate::cli::list::rows::{Grammar, Row, Shape};

const ADDED: Added = Added(["maysend_verdict", "maysend_explanation"]);
const SAID: [&str; 2] = ["DENIED", "a; \"b\", c"];

/// Whether the octets behind the first are a list; the first says what the command was told of it.
#[track_caller]
pub(crate) fn target(octets: &[u8]) -> bool {
    let Some((how, list)) = octets.split_first() else { return false };
    let told = Told {
        input: [None, Some(Input::Csv), Some(Input::Lines), Some(Input::Ndjson)]
            [usize::from(how & 3)],
        column: [None, Some("2"), Some("mail"), None][usize::from(how >> 2 & 3)].map(str::to_owned),
        no_header: how & 0x10 != 0,
    };
    let (dedupe, piece) = (how & 0x20 != 0, usize::from(how >> 6) * 7 + 1);
    let whole = cut(list, list.len().max(1), &told, dedupe);
    let pieces = cut(list, piece, &told, dedupe);
    match (whole, pieces) {
        (Ok(whole), Ok(pieces)) => {
            assert_eq!(whole, pieces, "in pieces it is another list");
            if whole.failure.is_none() {
                let rows = whole.rows.iter().flat_map(|(row, _)| row);
                let layout = &whole.layout;
                let all: Vec<u8> =
                    layout.mark.iter().chain(&layout.header).chain(rows).copied().collect();
                assert_eq!(all, list, "octets are lost");
            }
            for (row, state) in &whole.rows {
                refused_row_is_readable(&whole.layout, row, *state);
            }
            true
        }
        (Err(whole), Err(pieces)) => {
            assert_eq!(whole.to_string(), pieces.to_string());
            false
        }
        (whole, pieces) => unreachable!("{whole:?}, but in pieces {pieces:?}"),
    }
}

/// What became of a list.
#[derive(Debug, PartialEq)]
struct Cut {
    layout: Layout,
    rows: Vec<(Vec<u8>, State)>,
    addresses: Vec<Vec<u8>>,
    failure: Option<String>,
}

fn cut(list: &[u8], piece: usize, told: &Told, dedupe: bool) -> Result<Cut, LayoutError> {
    let mut rows = Rows::new(Pieces { list, piece });
    let layout = Layout::find(&mut rows, told)?;
    let mut cut =
        Cut { layout: layout.clone(), rows: Vec::new(), addresses: Vec::new(), failure: None };
    for chunk in Chunks::new(rows, layout, dedupe, AskBuffer::new("b", "c", 0)) {
        match chunk {
            Ok(chunk) => cut.take(&chunk),
            Err(error) => {
                cut.failure = Some(error.to_string());
                break;
            }
        }
    }
    Ok(cut)
}

impl Cut {
    fn take(&mut self, chunk: &Chunk) {
        let asked = chunk.rows().filter(|(_, state)| *state == State::Asked).count();
        let addresses = chunk.question.iter().flat_map(|question| question.addresses());
        let before = self.addresses.len();
        self.addresses.extend(addresses.map(<[u8]>::to_vec));
        assert_eq!((asked, asked), (chunk.asked, self.addresses.len() - before));
        self.rows.extend(chunk.rows().map(|(row, state)| (row.to_vec(), state)));
    }
}

/// The fields of the row and two more, or the object and two keys more.
#[track_caller]
fn refused_row_is_readable(layout: &Layout, row: &[u8], state: State) {
    let mut written = Vec::new();
    ADDED.put_row(&mut written, row, &layout.place, SAID);
    match &layout.place {
        Place::Line => assert!(written.starts_with(row.trim_ascii_end())),
        Place::Field { .. } if state == State::Malformed => {}
        Place::Field { delimiter, index } => {
            let of = |row| -> Vec<Vec<u8>> {
                Fields::new(row, *delimiter).map(|field| content(field).into_owned()).collect()
            };
            let (before, after) = (of(row), of(&written));
            let (kept, added) = after.split_at(before.len());
            assert_eq!((kept, added), (&before[..], &SAID.map(|s| s.as_bytes().to_vec())[..]));
            let mut rows = Rows::new(written.as_slice());
            let one = rows.next(Grammar::Csv { delimiter: *delimiter });
            let one = one.ok().flatten();
            assert!(one.is_some_and(|row| row.octets == written), "another row");
            plain_field_agrees(one, *delimiter, *index);
        }
        Place::Key(_) => {
            let object: Result<serde_json::Map<String, Value>, _> =
                serde_json::from_slice(written.trim_ascii());
            let object = object.unwrap_or_else(|error| unreachable!("{error}: {written:?}"));
            assert_eq!(object.get("maysend_verdict"), Some(&Value::from("DENIED")));
        }
    }
}

fn plain_field_agrees(row: Option<Row<'_>>, delimiter: u8, index: usize) {
    let Some(row) = row.filter(|row| row.shape == Shape::Plain) else { return };
    let field = fields::plain(row.octets, delimiter, index);
    assert_eq!(field, Fields::new(row.octets, delimiter).nth(index));
}

/// A source that gives so many octets at once.
struct Pieces<'a> {
    list: &'a [u8],
    piece: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let give = self.piece.min(self.list.len()).min(room.len());
        let (now, later) = self.list.split_at(give);
        room[..give].copy_from_slice(now);
        self.list = later;
        Ok(give)
    }
}
