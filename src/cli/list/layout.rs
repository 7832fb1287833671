//! What kind of list this is, told from its beginning: the format, the delimiter, and where in a
//! row the address stands.
//!
//! A doubt is an error that says what to add to the command. A first row that holds an address is
//! never taken for a header, for a header passes unasked.

use std::io::Read;

use clap::ValueEnum;

use super::fields::{Fields, content};
use super::object;
use super::rows::{End, Grammar, RowError, Rows};
use crate::model::address::Address;

/// The formats of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Input {
    /// Rows of fields (RFC 4180), parted by comma, semicolon or tab.
    Csv,
    /// An address a line.
    Lines,
    /// A JSON object a line.
    Ndjson,
}

/// What the command says of the list.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct Told {
    pub(in crate::cli) input: Option<Input>,
    /// A name or a number.
    pub(in crate::cli) column: Option<String>,
    pub(in crate::cli) no_header: bool,
}

/// Where in a row the address stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Place {
    Line,
    Field { delimiter: u8, index: usize },
    Key(String),
}

/// How to read the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Layout {
    pub(in crate::cli) place: Place,
    /// A byte order mark, as it came.
    pub(in crate::cli) mark: Vec<u8>,
    /// The header with its line end, as it came; empty where there is none.
    pub(in crate::cli) header: Vec<u8>,
}

/// The list cannot be understood.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum LayoutError {
    #[error("the list is UTF-16; save it as UTF-8")]
    Utf16,
    #[error("the lines end with CR alone; save the list with LF or CR LF")]
    CarriageReturns,
    #[error(
        "no column is named like an e-mail address; name one with --column, or say \
         `--input lines` for a list of addresses. The columns are: {}", .0.join(", ")
    )]
    NoColumn(Vec<String>),
    #[error("several columns may hold the address; choose with --column among: {}", .0.join(", "))]
    SeveralColumns(Vec<String>),
    #[error("there is no column `{wanted}`; the columns are: {}", .columns.join(", "))]
    NoSuchColumn { wanted: String, columns: Vec<String> },
    #[error(
        "the first row holds an address, so it is no header; say `--no-header --column NUMBER`, \
         and for NUMBER which column of {columns} holds the address"
    )]
    NoHeader { columns: usize },
    #[error("without a header --column is a number from 1 to {columns}")]
    NotANumber { columns: usize },
    #[error("the first line is no JSON object")]
    NoObject,
    #[error(transparent)]
    Row(#[from] RowError),
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// In the order of preference where nothing else decides.
const DELIMITERS: [u8; 3] = [b';', b',', b'\t'];

/// Names of a column of e-mail addresses, letters and digits alone.
const NAMES: [&str; 10] = [
    "email",
    "mail",
    "emailaddress",
    "emailaddr",
    "mailaddress",
    "emailadresse",
    "mailadresse",
    "emailadr",
    "emailadress",
    "elektronischepost",
];

/// The same where no column has one of those: they may mean a street.
const VAGUE_NAMES: [&str; 4] = ["address", "adresse", "recipient", "empfaenger"];

impl Layout {
    /// How the rows end.
    pub(in crate::cli) const fn grammar(&self) -> Grammar {
        match self.place {
            Place::Field { delimiter, .. } => Grammar::Csv { delimiter },
            Place::Line | Place::Key(_) => Grammar::Lines,
        }
    }

    /// The names of the columns; none where rows are lines or objects.
    pub(in crate::cli) fn columns(&self) -> Vec<String> {
        let Place::Field { delimiter, .. } = self.place else { return Vec::new() };
        let fields = Fields::new(&self.header, delimiter).map(content);
        fields.map(|field| String::from_utf8_lossy(&field).into_owned()).collect()
    }

    /// Looks at the beginning, and takes byte order mark and header.
    ///
    /// # Errors
    /// `LayoutError`.
    pub(in crate::cli) fn find<R: Read>(
        rows: &mut Rows<R>,
        told: &Told,
    ) -> Result<Self, LayoutError> {
        while rows.pending().len() < BYTE_ORDER_MARK.len() && !rows.is_ended() {
            rows.read_on()?;
        }
        if rows.pending().starts_with(b"\xFF\xFE") || rows.pending().starts_with(b"\xFE\xFF") {
            return Err(LayoutError::Utf16);
        }
        let marked = rows.pending().starts_with(BYTE_ORDER_MARK);
        let mark = if marked { rows.take(BYTE_ORDER_MARK.len()).to_vec() } else { Vec::new() };
        let (place, header) = loop {
            // A row that is open for one delimiter may be whole for another.
            let open = |grammar: Grammar| grammar.end(rows.pending(), rows.is_ended()) == End::Open;
            if DELIMITERS.into_iter().any(|delimiter| open(Grammar::Csv { delimiter })) {
                rows.read_on()?;
            } else {
                break examine(rows.pending(), rows.is_ended(), rows.line(), told)?;
            }
        };
        let header = rows.take(header).to_vec();
        Ok(Self { place, mark, header })
    }
}

/// Where the address stands, and how long the header is.
fn examine(
    pending: &[u8],
    ended: bool,
    line: u64,
    told: &Told,
) -> Result<(Place, usize), LayoutError> {
    let first = first_line(pending);
    let json = first.trim_ascii_start().starts_with(b"{");
    match told.input {
        Some(Input::Lines) => Ok((Place::Line, 0)),
        Some(Input::Ndjson) => Ok((key(first, told)?, 0)),
        Some(Input::Csv) => csv(pending, ended, line, told),
        None if json => Ok((key(first, told)?, 0)),
        None if told.column.is_some() => csv(pending, ended, line, told),
        None if pending.is_empty() || Address::parse(first).is_ok() => Ok((Place::Line, 0)),
        None => csv(pending, ended, line, told),
    }
}

fn first_line(pending: &[u8]) -> &[u8] {
    pending.split(|&octet| octet == b'\n').next().unwrap_or_default()
}

fn key(first: &[u8], told: &Told) -> Result<Place, LayoutError> {
    let keys = object::keys(first);
    match (keys, &told.column) {
        // Objects need not have all keys, so the first may lack this one.
        (Some(keys), Some(wanted)) if !keys.iter().any(|key| same(key, wanted)) => {
            Ok(Place::Key(wanted.clone()))
        }
        (Some(keys), wanted) => {
            let index = column(&keys, wanted.as_deref())?;
            Ok(Place::Key(keys.into_iter().nth(index).unwrap_or_default()))
        }
        (None, Some(wanted)) => Ok(Place::Key(wanted.clone())),
        (None, None) if first.is_empty() => Ok(Place::Key(String::new())),
        (None, None) => Err(LayoutError::NoObject),
    }
}

/// The first row as one delimiter parts it.
struct First {
    delimiter: u8,
    len: usize,
    columns: Vec<String>,
    /// Some column holds an address.
    is_data: bool,
}

fn csv(pending: &[u8], ended: bool, line: u64, told: &Told) -> Result<(Place, usize), LayoutError> {
    let mut firsts = Vec::new();
    for delimiter in DELIMITERS {
        let End::At { len, .. } = (Grammar::Csv { delimiter }).end(pending, ended) else {
            continue;
        };
        let row = pending.get(..len).unwrap_or_default();
        let fields = || Fields::new(row, delimiter).map(content);
        firsts.push(First {
            delimiter,
            len,
            columns: fields().map(|field| String::from_utf8_lossy(&field).into_owned()).collect(),
            is_data: fields().any(|field| Address::parse(&field).is_ok()),
        });
    }
    // Stable: the earlier delimiter stays ahead of one that parts no better.
    firsts.sort_by_key(|first| std::cmp::Reverse(first.columns.len()));
    let Some(most) = firsts.first() else { return Err(RowError::Unclosed { line }.into()) };
    let index_in = |first: &First| {
        if told.no_header {
            let columns = first.columns.len();
            let number = told.column.as_deref().and_then(|column| number(column, columns));
            return number.ok_or(LayoutError::NotANumber { columns });
        }
        if first.is_data {
            return Err(LayoutError::NoHeader { columns: first.columns.len() });
        }
        if pending.get(..first.len).is_some_and(|row| row.trim_ascii_end().contains(&b'\r')) {
            return Err(LayoutError::CarriageReturns);
        }
        column(&first.columns, told.column.as_deref())
    };
    let fit = firsts.iter().find_map(|first| Some((first, index_in(first).ok()?)));
    let (first, index) = match fit {
        Some(fit) => fit,
        None => (most, index_in(most)?),
    };
    let header = if told.no_header { 0 } else { first.len };
    Ok((Place::Field { delimiter: first.delimiter, index }, header))
}

/// Which column holds the address.
pub(in crate::cli) fn column(
    columns: &[String],
    wanted: Option<&str>,
) -> Result<usize, LayoutError> {
    let indices = |fits: &dyn Fn(&str) -> bool| -> Vec<usize> {
        columns.iter().enumerate().filter(|(_, name)| fits(name)).map(|(index, _)| index).collect()
    };
    let named = |names: &[&str], name: &str| names.contains(&letters(name).as_str());
    let found = match wanted {
        Some(wanted) => {
            let exact = indices(&|name| name == wanted);
            let alike = indices(&|name| same(name, wanted));
            let numbered = || number(wanted, columns.len()).into_iter().collect();
            [exact, alike].into_iter().find(|found| !found.is_empty()).unwrap_or_else(numbered)
        }
        None => {
            let clear = indices(&|name| named(&NAMES, name));
            if clear.is_empty() { indices(&|name| named(&VAGUE_NAMES, name)) } else { clear }
        }
    };
    match (found.as_slice(), wanted) {
        ([index], _) => Ok(*index),
        ([], Some(wanted)) => {
            let (wanted, columns) = (wanted.to_owned(), shown(columns, None));
            Err(LayoutError::NoSuchColumn { wanted, columns })
        }
        ([], None) => Err(LayoutError::NoColumn(shown(columns, None))),
        (several, _) => Err(LayoutError::SeveralColumns(shown(columns, Some(several)))),
    }
}

fn number(text: &str, columns: usize) -> Option<usize> {
    let number: usize = text.parse().ok()?;
    number.checked_sub(1).filter(|&index| index < columns)
}

fn same(name: &str, wanted: &str) -> bool {
    name.trim().to_lowercase() == wanted.trim().to_lowercase()
}

/// What is left of a name when everything goes that people write differently.
pub(in crate::cli) fn letters(name: &str) -> String {
    name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The columns as an error lists them: number and name, and not too many.
fn shown(columns: &[String], only: Option<&[usize]>) -> Vec<String> {
    const MOST: usize = 40;
    const LONGEST: usize = 40;
    let name = |(index, name): (usize, &String)| {
        let name: String = name.chars().take(LONGEST).collect();
        format!("{} `{}`", index + 1, name.escape_debug())
    };
    let listed = columns.iter().enumerate();
    let listed = listed.filter(|(index, _)| only.is_none_or(|only| only.contains(index)));
    listed.take(MOST).map(name).collect()
}
