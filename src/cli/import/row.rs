//! What a row says, as the server is told it. What the server would refuse as malformed is found
//! here, row by row: one bad row must not fail the thousands around it.

use clap::ValueEnum;
use jiff::Timestamp;

use super::column::{Cells, Column, Said};
use super::flaw::Flaw;
use super::known::Known;
use crate::cli::scope;
use crate::engine::validate::{MAX_REASON, MAX_TEXT, MAX_WORDING, holds_control, names};
use crate::grpc::api;
use crate::grpc::api::scope::Level;
use crate::model::address::Address;

/// What a row says of its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(in crate::cli) enum State {
    /// A yes: it needs basis, source and `occurred_at`.
    Granted,
    /// The owner declined, or withdrew.
    Refused,
    /// The owner opted out.
    OptedOut,
    /// Staff stopped the brand; it needs a reason.
    Blocked,
    /// The controller has the address on file.
    Registered,
}

/// What a yes rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Basis {
    Consent,
    ExistingCustomer,
}

impl State {
    pub(super) const ALL: [Self; 5] =
        [Self::Granted, Self::Refused, Self::OptedOut, Self::Blocked, Self::Registered];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Refused => "refused",
            Self::OptedOut => "opted-out",
            Self::Blocked => "blocked",
            Self::Registered => "registered",
        }
    }
}

impl From<State> for api::ImportedState {
    fn from(state: State) -> Self {
        match state {
            State::Granted => Self::Granted,
            State::Refused => Self::Refused,
            State::OptedOut => Self::OptedOut,
            State::Blocked => Self::Blocked,
            State::Registered => Self::Registered,
        }
    }
}

impl From<Basis> for api::LegalBasis {
    fn from(basis: Basis) -> Self {
        match basis {
            Basis::Consent => Self::Consent,
            Basis::ExistingCustomer => Self::ExistingCustomer,
        }
    }
}

/// What holds for every row of a file that has no column for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Defaults {
    pub(super) scope: Option<api::Scope>,
    pub(super) state: Option<State>,
    pub(super) basis: Option<Basis>,
    pub(super) source: String,
}

/// Makes facts of rows.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) defaults: Defaults,
    pub(super) known: Known,
    /// The file as the evidence names it: `contacts.csv`, `sha256:...`.
    pub(super) file: String,
    pub(super) digest: String,
    /// No row was said later than this.
    pub(super) latest: Timestamp,
}

impl Reading {
    /// The state that the row names, where it names one; and the fact, where nothing is wrong.
    pub(super) fn fact(
        &self,
        cells: &Cells<'_>,
        line: u64,
    ) -> (Option<State>, Result<api::ImportedFact, Flaw>) {
        if cells.is_malformed {
            return (None, Err(Flaw::Malformed));
        }
        let state = self.state(cells);
        (state.ok(), self.fact_of(cells, state, line))
    }

    fn fact_of(
        &self,
        cells: &Cells<'_>,
        state: Result<State, Flaw>,
        line: u64,
    ) -> Result<api::ImportedFact, Flaw> {
        let text = |column| cells.text(column).map(Option::unwrap_or_default);
        let address = text(Column::Address)?;
        if address.is_empty() {
            return Err(Flaw::NoAddress);
        }
        let state = state?;
        let scope = self.scope(cells, state)?;
        let legal_basis = match state {
            State::Granted => self.basis(cells)?,
            State::Refused | State::OptedOut | State::Blocked | State::Registered => {
                api::LegalBasis::Unspecified
            }
        };
        let own = cells.text(Column::Source)?.unwrap_or(&self.defaults.source);
        if state == State::Granted && own.is_empty() {
            return Err(Flaw::NoSource);
        }
        let occurred_at = self.occurred_at(text(Column::OccurredAt)?)?;
        if state == State::Granted && occurred_at.is_none() {
            return Err(Flaw::NoDate);
        }
        let reason = prose(text(Column::Reason)?)?;
        if state == State::Blocked && reason.is_empty() {
            return Err(Flaw::NoReason);
        }
        if reason.len() > MAX_REASON && reason.chars().count() > MAX_REASON {
            return Err(Flaw::TooLong);
        }
        let source = self.source(line, own);
        line_of_text(&source)?;
        let evidence = api::Evidence {
            method: api::Method::Import.into(),
            source,
            wording: wording(text(Column::Wording)?, address)?.to_owned(),
            wording_version: impersonal(line_of_text(text(Column::WordingVersion)?)?, address)?
                .to_owned(),
            language: impersonal(line_of_text(text(Column::Language)?)?, address)?.to_owned(),
            document_ref: line_of_text(text(Column::DocumentRef)?)?.to_owned(),
            occurred_at,
            ..api::Evidence::default()
        };
        Ok(api::ImportedFact {
            address: address.to_owned(),
            scope: Some(scope),
            state: api::ImportedState::from(state).into(),
            legal_basis: legal_basis.into(),
            evidence: Some(evidence),
            reason: reason.to_owned(),
        })
    }

    /// Names the row, for good: by it the server knows the row again.
    fn source(&self, line: u64, own: &str) -> String {
        let Self { file, digest, .. } = self;
        let (line, gap) = (line.to_string(), if own.is_empty() { "" } else { " " });
        [file, ":", &line, " sha256:", digest, gap, own].concat()
    }

    fn state(&self, cells: &Cells<'_>) -> Result<State, Flaw> {
        match cells.text(Column::State)? {
            None => self.defaults.state.ok_or(Flaw::NoState),
            Some("") => Err(Flaw::NoState),
            Some(word) => {
                let known = State::ALL.into_iter().find(|state| is_word(word, state.name()));
                known.ok_or(Flaw::UnknownState)
            }
        }
    }

    fn basis(&self, cells: &Cells<'_>) -> Result<api::LegalBasis, Flaw> {
        match cells.text(Column::Basis)? {
            None => self.defaults.basis.map(api::LegalBasis::from).ok_or(Flaw::NoBasis),
            Some("") => Err(Flaw::NoBasis),
            Some(word) if is_word(word, "consent") => Ok(api::LegalBasis::Consent),
            Some(word) if is_word(word, "existing-customer") => {
                Ok(api::LegalBasis::ExistingCustomer)
            }
            Some(_) => Err(Flaw::UnknownBasis),
        }
    }

    fn scope(&self, cells: &Cells<'_>, state: State) -> Result<api::Scope, Flaw> {
        let scope = match cells.text(Column::Scope)? {
            None => self.defaults.scope.clone().ok_or(Flaw::NoScope)?,
            Some("") => return Err(Flaw::NoScope),
            Some(text) => scope::parse(text).map_err(|_| Flaw::BadScope)?,
        };
        if !self.known.has(&scope) {
            return Err(Flaw::UnknownScope);
        }
        match (state, &scope.level) {
            (State::Granted, Some(Level::Everything(_) | Level::Controller(_))) => {
                Err(Flaw::YesTooBroad)
            }
            (State::Blocked, Some(Level::Brand(_))) => Ok(scope),
            (State::Blocked, _) => Err(Flaw::BlockOfNoBrand),
            (State::Registered, Some(Level::Controller(_))) => Ok(scope),
            (State::Registered, _) => Err(Flaw::RegistrationOfNoController),
            (State::Granted | State::Refused | State::OptedOut, _) => Ok(scope),
        }
    }

    fn occurred_at(&self, text: &str) -> Result<Option<prost_types::Timestamp>, Flaw> {
        if text.is_empty() {
            return Ok(None);
        }
        let is_day = text.len() == "2024-05-31".len();
        let instant = if is_day { format!("{text}T00:00:00Z").parse() } else { text.parse() };
        let instant: Timestamp = instant.map_err(|_| Flaw::BadDate)?;
        if instant > self.latest {
            return Err(Flaw::FutureDate);
        }
        if instant < Timestamp::UNIX_EPOCH {
            return Err(Flaw::EarlyDate);
        }
        let (seconds, nanos) = (instant.as_second(), instant.subsec_nanosecond());
        Ok(Some(prost_types::Timestamp { seconds, nanos }))
    }
}

impl Cells<'_> {
    /// What stands in a column; none where the file has no such column.
    fn text(&self, column: Column) -> Result<Option<&str>, Flaw> {
        match self.get(column) {
            Said::NoColumn => Ok(None),
            Said::Text(text) => Ok(Some(text)),
            Said::NotUtf8 => Err(Flaw::NotUtf8),
            Said::NoText => Err(Flaw::NoText),
        }
    }
}

/// Whether somebody who wrote this meant the word, in whatever capitals.
fn is_word(text: &str, word: &str) -> bool {
    let meant = |octet: u8| match octet {
        b'_' | b' ' => b'-',
        other => other.to_ascii_lowercase(),
    };
    text.len() == word.len() && text.bytes().map(meant).eq(word.bytes())
}

/// A text of one line.
fn line_of_text(text: &str) -> Result<&str, Flaw> {
    if holds_control(text, |_| false) {
        return Err(Flaw::ControlCharacters);
    }
    if text.len() > MAX_TEXT { Err(Flaw::TooLong) } else { Ok(text) }
}

/// A text of several lines.
fn prose(text: &str) -> Result<&str, Flaw> {
    if holds_control(text, |c| matches!(c, '\n' | '\r' | '\t')) {
        return Err(Flaw::ControlCharacters);
    }
    Ok(text)
}

fn wording<'a>(text: &'a str, address: &str) -> Result<&'a str, Flaw> {
    if text.len() > MAX_WORDING {
        return Err(Flaw::TooLong);
    }
    impersonal(prose(text)?, address)
}

/// A text of the notice, which is shared by all who saw it.
fn impersonal<'a>(text: &'a str, address: &str) -> Result<&'a str, Flaw> {
    let is_named = |address| names(text, &address);
    if text.contains('@') && Address::parse(address.as_bytes()).is_ok_and(is_named) {
        return Err(Flaw::WordingNamesAddress);
    }
    Ok(text)
}
