//! Where in a row each of the facts stands: by the header, or by what `--map` says of it.

use std::borrow::Cow;
use std::io::Read;

use clap::ValueEnum;

use crate::cli::list::fields::{Fields, content};
use crate::cli::list::layout::{self, Input, Layout, LayoutError, Place, Told};
use crate::cli::list::object::{self, Cell};
use crate::cli::list::rows::{Row, Rows, Shape};

/// What a column may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum Column {
    Address,
    Scope,
    State,
    Basis,
    Source,
    OccurredAt,
    Reason,
    Wording,
    WordingVersion,
    Language,
    DocumentRef,
}

/// How many there are.
const COLUMNS: usize = 11;

impl Column {
    const ALL: [Self; COLUMNS] = [
        Self::Address,
        Self::Scope,
        Self::State,
        Self::Basis,
        Self::Source,
        Self::OccurredAt,
        Self::Reason,
        Self::Wording,
        Self::WordingVersion,
        Self::Language,
        Self::DocumentRef,
    ];

    /// Its place among all.
    const fn place(self) -> usize {
        match self {
            Self::Address => 0,
            Self::Scope => 1,
            Self::State => 2,
            Self::Basis => 3,
            Self::Source => 4,
            Self::OccurredAt => 5,
            Self::Reason => 6,
            Self::Wording => 7,
            Self::WordingVersion => 8,
            Self::Language => 9,
            Self::DocumentRef => 10,
        }
    }

    /// The name that it has where nobody gave it another.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Scope => "scope",
            Self::State => "state",
            Self::Basis => "basis",
            Self::Source => "source",
            Self::OccurredAt => "occurred_at",
            Self::Reason => "reason",
            Self::Wording => "wording",
            Self::WordingVersion => "wording_version",
            Self::Language => "language",
            Self::DocumentRef => "document_ref",
        }
    }
}

/// A column and the name that the file has for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mapped {
    column: Column,
    name: String,
}

/// Reads `address=EMAIL`.
pub(super) fn parse(text: &str) -> Result<Mapped, String> {
    let names = Column::ALL.map(Column::name).join(", ");
    let (column, name) = text.split_once('=').ok_or("is written as address=NAME")?;
    let column = Column::ALL.into_iter().find(|known| known.name() == column.trim());
    let column = column.ok_or_else(|| format!("the columns are {names}"))?;
    match name.trim() {
        "" => Err(format!("{} needs the name of a column", column.name())),
        name => Ok(Mapped { column, name: name.to_owned() }),
    }
}

/// The file cannot be understood.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlanError {
    #[error("--map names `{0}` twice")]
    Twice(&'static str),
    #[error(
        "the file is an address a line, so it has no column for `{0}`; put a row above it that \
         names the columns"
    )]
    NoColumns(&'static str),
    #[error(
        "no column is named like an e-mail address; name one with --map address=NAME, or say \
         `--input lines` for a file of addresses. The columns are: {}", .0.join(", ")
    )]
    NoAddress(Vec<String>),
    #[error(
        "several columns may hold `{column}`; choose with --map {column}=NAME among: {}",
        .columns.join(", ")
    )]
    Several { column: &'static str, columns: Vec<String> },
    #[error(
        "the first row holds an address, so it is no header; put a row above it that names the \
         columns"
    )]
    NoHeader,
    #[error(transparent)]
    Layout(LayoutError),
}

impl PlanError {
    fn of(column: Column, error: LayoutError) -> Self {
        match error {
            LayoutError::NoColumn(columns) => Self::NoAddress(columns),
            LayoutError::SeveralColumns(columns) => {
                Self::Several { column: column.name(), columns }
            }
            LayoutError::NoHeader { .. } => Self::NoHeader,
            error @ (LayoutError::Utf16
            | LayoutError::CarriageReturns
            | LayoutError::NoSuchColumn { .. }
            | LayoutError::NotANumber { .. }
            | LayoutError::NoObject
            | LayoutError::Row(_)) => Self::Layout(error),
        }
    }
}

/// How to read the file.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) layout: Layout,
    places: Places,
}

#[derive(Debug, Clone)]
enum Places {
    /// The row is the address.
    Line,
    /// The field of each column, where there is one.
    Fields { delimiter: u8, indices: [Option<usize>; COLUMNS] },
    /// The key of each column.
    Keys([String; COLUMNS]),
}

impl Plan {
    /// Looks at the beginning, and takes byte order mark and header.
    ///
    /// # Errors
    /// `PlanError`.
    pub(super) fn find<R: Read>(
        rows: &mut Rows<R>,
        input: Option<Input>,
        map: &[Mapped],
    ) -> Result<Self, PlanError> {
        let named = |column: Column| {
            let mut names = map.iter().filter(|mapped| mapped.column == column);
            let name = names.next().map(|mapped| mapped.name.as_str());
            names.next().map_or(Ok(name), |_| Err(PlanError::Twice(column.name())))
        };
        let column = named(Column::Address)?.map(str::to_owned);
        let told = Told { input, column, no_header: false };
        let layout =
            Layout::find(rows, &told).map_err(|error| PlanError::of(Column::Address, error))?;
        let places = match &layout.place {
            Place::Line => match map.first() {
                Some(mapped) => return Err(PlanError::NoColumns(mapped.column.name())),
                None => Places::Line,
            },
            Place::Field { delimiter, index } => {
                let columns = layout.columns();
                let mut indices = [None; COLUMNS];
                for (at, column) in indices.iter_mut().zip(Column::ALL) {
                    *at = match (column, named(column)?) {
                        (Column::Address, _) => Some(*index),
                        (_, Some(name)) => {
                            let found = layout::column(&columns, Some(name));
                            Some(found.map_err(|error| PlanError::of(column, error))?)
                        }
                        (_, None) => of_its_own_name(&columns, column)?,
                    };
                }
                Places::Fields { delimiter: *delimiter, indices }
            }
            Place::Key(address) => {
                // Objects need not have all keys, so the first may lack some.
                let first = rows.pending().split(|&octet| octet == b'\n').next();
                let first = first.and_then(object::keys).unwrap_or_default();
                let mut keys = Column::ALL.map(|column| column.name().to_owned());
                for (key, column) in keys.iter_mut().zip(Column::ALL) {
                    match (column, named(column)?) {
                        (Column::Address, _) => key.clone_from(address),
                        (_, Some(name)) => name.clone_into(key),
                        (_, None) => {
                            if let Some(index) = of_its_own_name(&first, column)? {
                                first.get(index).into_iter().for_each(|own| key.clone_from(own));
                            }
                        }
                    }
                }
                Places::Keys(keys)
            }
        };
        Ok(Self { layout, places })
    }

    /// What the row says.
    pub(super) fn cells<'a>(&self, row: Row<'a>) -> Cells<'a> {
        let mut cells = Cells::default();
        match &self.places {
            Places::Line => {
                cells.set(Column::Address, Said::of_octets(row.octets.trim_ascii().into()));
            }
            Places::Fields { .. } if row.shape == Shape::Malformed => cells.is_malformed = true,
            Places::Fields { delimiter, indices } => {
                let mut fields = Vec::with_capacity(2 * COLUMNS);
                fields.extend(Fields::new(row.octets, *delimiter));
                for (cell, at) in cells.said.iter_mut().zip(indices) {
                    let Some(at) = at else { continue };
                    // A row that ends early has nothing in the columns that it lacks.
                    let field = fields.get(*at).copied().unwrap_or_default();
                    *cell = Said::of_octets(content(field));
                }
            }
            Places::Keys(keys) => {
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                match object::cells(row.octets, &keys) {
                    None => cells.is_malformed = !row.octets.trim_ascii().is_empty(),
                    Some(found) => {
                        for (column, cell) in Column::ALL.into_iter().zip(found) {
                            cells.set(column, Said::of_cell(cell));
                        }
                    }
                }
            }
        }
        cells
    }
}

/// The column that has the name of the fact itself, however it is written.
fn of_its_own_name(columns: &[String], column: Column) -> Result<Option<usize>, PlanError> {
    let same = |name: &String| layout::letters(name) == layout::letters(column.name());
    let mut found = (0..).zip(columns).filter(|(_, name)| same(name));
    match (found.next(), found.next()) {
        (Some((index, _)), None) => Ok(Some(index)),
        (None, _) => Ok(None),
        (Some((_, first)), Some((_, second))) => Err(PlanError::Several {
            column: column.name(),
            columns: vec![format!("`{first}`"), format!("`{second}`")],
        }),
    }
}

/// What a row says in one column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Said<'a> {
    /// The file has no such column.
    #[default]
    NoColumn,
    /// Trimmed.
    Text(Cow<'a, str>),
    NotUtf8,
    /// A number, a list, ...
    NoText,
}

impl<'a> Said<'a> {
    fn of_octets(octets: Cow<'a, [u8]>) -> Self {
        let text = match octets {
            Cow::Borrowed(octets) => std::str::from_utf8(octets).ok().map(Cow::Borrowed),
            Cow::Owned(octets) => String::from_utf8(octets).ok().map(Cow::Owned),
        };
        text.map_or(Self::NotUtf8, Self::trimmed)
    }

    fn of_cell(cell: Cell<'a>) -> Self {
        match cell {
            Cell::Missing => Self::NoColumn,
            Cell::Null => Self::Text("".into()),
            Cell::NoText => Self::NoText,
            Cell::Text(text) => Self::trimmed(text),
        }
    }

    fn trimmed(text: Cow<'a, str>) -> Self {
        Self::Text(match text {
            Cow::Borrowed(text) => text.trim().into(),
            Cow::Owned(text) if text.trim().len() == text.len() => text.into(),
            Cow::Owned(text) => text.trim().to_owned().into(),
        })
    }
}

/// What a row says in each column.
#[derive(Debug, Default)]
pub(super) struct Cells<'a> {
    pub(super) is_malformed: bool,
    said: [Said<'a>; COLUMNS],
}

impl<'a> Cells<'a> {
    fn set(&mut self, column: Column, said: Said<'a>) {
        self.said[column.place()] = said;
    }

    pub(super) fn get(&self, column: Column) -> &Said<'a> {
        &self.said[column.place()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_has_the_place_that_it_has_among_all() {
        assert_eq!(Column::ALL.map(Column::place), std::array::from_fn(|place| place));
    }
}
