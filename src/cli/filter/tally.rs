//! What became of the rows, counted: the answer to "why is my list smaller than expected?".

use std::cmp::Reverse;

use serde_json::{Value, json};

use crate::cli::output::{Align, counted, grouped, table};
use crate::cli::words::{self, Words};
use crate::model::verdict::Verdict;

use super::chunk::State;

/// Why a row is written where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Reason {
    /// The server's verdict.
    Verdict(u8),
    NoAddress,
    Malformed,
    Duplicate,
}

impl Reason {
    /// The reason that is known before the server is asked; none where it is asked.
    pub(super) const fn of(state: State) -> Option<Self> {
        match state {
            State::Asked => None,
            State::NoAddress => Some(Self::NoAddress),
            State::Malformed => Some(Self::Malformed),
            State::Duplicate => Some(Self::Duplicate),
        }
    }

    /// Only a verdict of the server allows.
    pub(super) const fn allows(self) -> bool {
        matches!(self, Self::Verdict(code) if code >= Verdict::FIRST_ALLOWED)
    }

    pub(super) fn words(self) -> Words {
        let own =
            |name: &str, explanation| Words { name: name.to_owned(), explanation, allowed: false };
        match self {
            Self::Verdict(code) => words::verdict(code),
            Self::NoAddress => own("NO_ADDRESS", "the row has no address"),
            Self::Malformed => own("MALFORMED_ROW", "the row cannot be read; look at its quotes"),
            Self::Duplicate => own("DUPLICATE", "the address of an earlier row once more"),
        }
    }
}

/// The rows that are decided and written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Tally {
    verdicts: [u64; 256],
    no_address: u64,
    malformed: u64,
    dropped: u64,
    /// Rows that repeat an address, dropped or not.
    pub(super) duplicates: u64,
    /// The revision of the last answer.
    pub(super) revision: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            verdicts: [0; 256],
            no_address: 0,
            malformed: 0,
            dropped: 0,
            duplicates: 0,
            revision: 0,
        }
    }
}

impl Tally {
    pub(super) fn count(&mut self, reason: Reason) {
        let counter = match reason {
            Reason::Verdict(code) => self.verdicts.get_mut(usize::from(code)),
            Reason::NoAddress => Some(&mut self.no_address),
            Reason::Malformed => Some(&mut self.malformed),
            Reason::Duplicate => Some(&mut self.dropped),
        };
        if let Some(counter) = counter {
            *counter += 1;
        }
    }

    /// Every reason that was given, the most frequent first.
    pub(in crate::cli) fn reasons(&self) -> Vec<(Reason, u64)> {
        let verdicts = (0..=u8::MAX).map(Reason::Verdict).zip(self.verdicts);
        let own = [
            (Reason::NoAddress, self.no_address),
            (Reason::Malformed, self.malformed),
            (Reason::Duplicate, self.dropped),
        ];
        let mut reasons: Vec<_> = verdicts.chain(own).filter(|&(_, rows)| rows > 0).collect();
        reasons.sort_by_key(|&(_, rows)| Reverse(rows));
        reasons
    }

    /// Rows in all.
    pub(in crate::cli) fn rows(&self) -> u64 {
        self.verdicts.iter().sum::<u64>() + self.no_address + self.malformed + self.dropped
    }

    /// Rows that may be sent to.
    pub(in crate::cli) fn allowed(&self) -> u64 {
        self.verdicts.iter().skip(usize::from(Verdict::FIRST_ALLOWED)).sum()
    }

    /// Rows without a valid address.
    pub(in crate::cli) fn invalid(&self) -> u64 {
        let invalid = usize::from(Verdict::InvalidAddress.code());
        let refused = self.verdicts.get(invalid).copied().unwrap_or_default();
        refused + self.no_address + self.malformed
    }

    /// The summary for people.
    pub(in crate::cli) fn table(&self, brand: &str, campaign: &str) -> String {
        let mut rows: Vec<[String; 3]> = self
            .reasons()
            .into_iter()
            .map(|(reason, rows)| {
                let words = reason.words();
                let side = if words.allowed { "allowed" } else { "denied" };
                [grouped(rows), side.to_owned(), words.explanation.to_owned()]
            })
            .collect();
        let (total, allowed) = (self.rows(), self.allowed());
        let mut notes = Vec::new();
        if self.invalid() > 0 {
            notes.push(format!("{} no valid address", verb(self.invalid(), "has", "have")));
        }
        if self.duplicates > 0 {
            let repeat = verb(self.duplicates, "repeats", "repeat");
            let dropped = if self.dropped > 0 { ", dropped" } else { "" };
            notes.push(format!("{repeat} an earlier address{dropped}"));
        }
        rows.push([grouped(total), "rows".to_owned(), notes.join("; ")]);
        format!(
            "{brand}/{campaign}: {} of {} may be sent to, {} not\n{}",
            grouped(allowed),
            counted(total, "row", "rows"),
            grouped(total - allowed),
            table([Align::Right, Align::Left, Align::Left], &rows)
        )
    }

    /// The summary for programs.
    pub(in crate::cli) fn document(&self, brand: &str, campaign: &str) -> Value {
        let reasons = self.reasons().into_iter().map(|(reason, rows)| {
            let Words { name, explanation, allowed } = reason.words();
            json!({ "verdict": name, "explanation": explanation, "allowed": allowed, "rows": rows })
        });
        let verdicts = self.reasons().into_iter().filter_map(|(reason, rows)| match reason {
            Reason::Verdict(_) => Some((reason.words().name, json!(rows))),
            Reason::NoAddress | Reason::Malformed | Reason::Duplicate => None,
        });
        json!({
            "brand": brand,
            "campaign": campaign,
            "rows": self.rows(),
            "allowed": self.allowed(),
            "denied": self.rows() - self.allowed(),
            "invalid": self.invalid(),
            "duplicates": self.duplicates,
            "duplicates_dropped": self.dropped,
            "verdicts": verdicts.collect::<serde_json::Map<_, _>>(),
            "reasons": reasons.collect::<Vec<_>>(),
            "revision": self.revision,
        })
    }
}

fn verb(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}
