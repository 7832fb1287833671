//! What became of the rows, counted: by what they say and which way that moves the answer, and the
//! refused ones by reason, with the first lines of each.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::flaw::Flaw;
use super::row::State;
use crate::cli::output::{Align, counted, grouped, table};
use crate::cli::words;
use crate::grpc::api;

/// Lines that are named for each reason.
const LINES: usize = 5;

/// Why a row is refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reason {
    /// For programs.
    pub(super) name: String,
    /// For people.
    pub(super) explanation: String,
}

impl Reason {
    pub(super) fn of_flaw(flaw: Flaw) -> Self {
        Self { name: flaw.name().to_owned(), explanation: flaw.explanation() }
    }

    pub(super) fn of_server(problem: &str) -> Self {
        let explanation = format!("the server refuses it: {problem}");
        Self { name: "REFUSED_BY_SERVER".to_owned(), explanation }
    }

    fn of_outcome(outcome: i32) -> Self {
        let (name, explanation) = words::outcome(outcome);
        let explanation = explanation.strip_prefix("rejected: ").unwrap_or(explanation);
        Self { name, explanation: explanation.to_owned() }
    }
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    Stays { is_recorded: bool },
    Tightens,
    Loosens,
    Refused(Reason),
}

impl Fate {
    /// What the server's answer means. One of a newer server is on the side of the refusal.
    pub(super) fn of(outcome: i32, effect: i32) -> Self {
        if !words::stands(outcome) {
            return Self::Refused(Reason::of_outcome(outcome));
        }
        let is_recorded = outcome == i32::from(api::WriteOutcome::Applied);
        match api::ImportEffect::try_from(effect) {
            Ok(api::ImportEffect::Tightens) => Self::Tightens,
            Ok(api::ImportEffect::Loosens) => Self::Loosens,
            Ok(api::ImportEffect::Stays | api::ImportEffect::Unspecified) | Err(_) => {
                Self::Stays { is_recorded }
            }
        }
    }
}

/// The rows of one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Row {
    tightens: u64,
    loosens: u64,
    stays: u64,
    refused: u64,
}

impl Row {
    const fn rows(self) -> u64 {
        self.tightens + self.loosens + self.stays + self.refused
    }

    fn cells(self, name: &str) -> [String; 5] {
        let Self { tightens, loosens, stays, refused } = self;
        let [tightens, loosens, stays, refused] = [tightens, loosens, stays, refused].map(grouped);
        [name.to_owned(), tightens, loosens, stays, refused]
    }
}

/// The refused rows of one reason.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Refused {
    rows: u64,
    /// The first of them.
    lines: Vec<u64>,
}

/// The rows whose fate is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Tally {
    /// None: it cannot be told what the row says.
    states: BTreeMap<Option<State>, Row>,
    refused: BTreeMap<Reason, Refused>,
    /// Rows that brought an event, or would.
    recorded: u64,
    /// Rows that a dry run looked at without an earlier row for the same address.
    apart: u64,
    /// The last line whose fate is known.
    line: u64,
    revision: u64,
}

impl Tally {
    pub(super) fn count(&mut self, line: u64, state: Option<State>, fate: Fate) {
        let row = self.states.entry(state).or_default();
        self.recorded +=
            u64::from(!matches!(fate, Fate::Refused(_) | Fate::Stays { is_recorded: false }));
        match fate {
            Fate::Tightens => row.tightens += 1,
            Fate::Loosens => row.loosens += 1,
            Fate::Stays { .. } => row.stays += 1,
            Fate::Refused(reason) => {
                row.refused += 1;
                let refused = self.refused.entry(reason).or_default();
                refused.rows += 1;
                if refused.lines.len() < LINES {
                    refused.lines.push(line);
                }
            }
        }
    }

    pub(super) fn reached(&mut self, line: u64, apart: u64, revision: u64) {
        self.apart += apart;
        self.line = self.line.max(line);
        self.revision = self.revision.max(revision);
    }

    /// Rows in all.
    pub(super) fn rows(&self) -> u64 {
        self.states.values().map(|row| row.rows()).sum()
    }

    /// The last line whose fate is known; 0 where there is none.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// The states that rows have, in their order, and at last those whose state cannot be told.
    fn states(&self) -> impl Iterator<Item = (Option<State>, Row)> {
        let known = State::ALL.into_iter().map(Some).chain([None]);
        known.filter_map(|state| Some((state, *self.states.get(&state)?)))
    }

    fn all(&self) -> Row {
        self.states.values().fold(Row::default(), |sum, row| Row {
            tightens: sum.tightens + row.tightens,
            loosens: sum.loosens + row.loosens,
            stays: sum.stays + row.stays,
            refused: sum.refused + row.refused,
        })
    }

    /// The reasons, the most frequent first.
    fn reasons(&self) -> Vec<(&Reason, &Refused)> {
        let mut reasons: Vec<_> = self.refused.iter().collect();
        reasons.sort_by_key(|(_, refused)| (Reverse(refused.rows), refused.lines.first()));
        reasons
    }

    /// The report for people.
    pub(super) fn table(&self, file: &str, committed: bool) -> String {
        let (rows, recorded) = (counted(self.rows(), "row", "rows"), grouped(self.recorded));
        let head = if committed {
            format!("{file}: {rows}, {recorded} recorded")
        } else {
            format!("{file}: {rows}, {recorded} to be recorded; a dry run: --commit does it")
        };
        let mut lines = vec![["", "tightens", "loosens", "stays", "refused"].map(str::to_owned)];
        let name = |state: Option<State>| state.map_or("(not told)", State::name);
        lines.extend(self.states().map(|(state, row)| row.cells(name(state))));
        lines.push(self.all().cells("all"));
        let align = [Align::Left, Align::Right, Align::Right, Align::Right, Align::Right];
        let mut text = format!("{head}\n{}", table(align, &lines));
        if self.apart > 0 {
            text += &format!(
                "{} an address that stands further up in the file too; what becomes of them may \
                 differ\n",
                counted(self.apart, "row has", "rows have")
            );
        }
        if !self.refused.is_empty() {
            let reasons = self.reasons().into_iter().map(|(reason, refused)| {
                [grouped(refused.rows), reason.explanation.clone(), refused.places()]
            });
            let reasons: Vec<_> = reasons.collect();
            text += "refused:\n";
            text += &table([Align::Right, Align::Left, Align::Left], &reasons);
        }
        text
    }

    /// The report for programs.
    pub(super) fn document(&self) -> Value {
        let states = self.states().map(|(state, row)| {
            let Row { tightens, loosens, stays, refused } = row;
            json!({
                "state": state.map(State::name),
                "tightens": tightens,
                "loosens": loosens,
                "stays": stays,
                "refused": refused,
            })
        });
        let reasons = self.reasons().into_iter().map(|(reason, refused)| {
            json!({
                "reason": reason.name,
                "explanation": reason.explanation,
                "rows": refused.rows,
                "first_lines": refused.lines,
            })
        });
        json!({
            "rows": self.rows(),
            "recorded": self.recorded,
            "looked_at_apart": self.apart,
            "states": states.collect::<Vec<_>>(),
            "refused": reasons.collect::<Vec<_>>(),
            "last_line": self.line,
            "revision": self.revision,
        })
    }
}

impl Refused {
    /// `lines 3, 9, ...`.
    fn places(&self) -> String {
        let lines: Vec<String> = self.lines.iter().map(ToString::to_string).collect();
        let named = u64::try_from(self.lines.len()).unwrap_or(u64::MAX);
        let more = if self.rows > named { ", ..." } else { "" };
        let noun = if self.rows == 1 { "line" } else { "lines" };
        format!("{noun} {}{more}", lines.join(", "))
    }
}
