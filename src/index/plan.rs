//! What a shape amounts to under one campaign, in 64 bits.

use crate::decide::{Horizon, Row, Ruling};
use crate::model::verdict::Verdict;

/// Every row, in the order of the decision table.
const ROWS: [Row; 13] = [
    Row::Address,
    Row::Erasure,
    Row::PostTransactional,
    Row::PostBlock,
    Row::PostDeclaration,
    Row::Post,
    Row::HardBounce,
    Row::Purpose,
    Row::Block,
    Row::Declaration,
    Row::ConsentRequest,
    Row::Yes,
    Row::Regime,
];

/// Verdict in 7 bits, row in 4 above them; zero where nothing was ruled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome(u16);

const CODE: u16 = 0x7f;
const ROW_SHIFT: u32 = 7;
const OUTCOME: u16 = 0x7ff;

impl Outcome {
    pub(super) fn of(ruling: Option<Ruling>) -> Self {
        ruling.map_or(Self(0), |ruling| {
            let rank = ROWS.iter().position(|row| *row == ruling.row).unwrap_or(0);
            let rank = u16::try_from(rank).unwrap_or(0);
            Self(u16::from(ruling.verdict.code()) | rank << ROW_SHIFT)
        })
    }

    /// The verdict's code.
    #[inline]
    pub(super) fn code(self) -> u8 {
        let [low, _] = (self.0 & CODE).to_le_bytes();
        low
    }

    /// The ruling, without its scope; none where nothing was ruled.
    pub(super) fn ruling(self) -> Option<Ruling> {
        let verdict = Verdict::from_code(self.code())?;
        let row = *ROWS.get(usize::from(self.0 >> ROW_SHIFT))?;
        Some(Ruling { row, verdict, scope: None })
    }
}

/// Where an entry holds the day that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Inside the entry.
    Inside(u16),
    /// In the arena.
    Outside(u16),
}

/// How to come from an entry of one shape to an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// The shape alone decides.
    Fixed(Outcome),
    /// One day decides.
    OneDay {
        /// Which, and what is asked of it.
        question: Horizon<Place>,
        /// While the horizon lies ahead.
        ahead: Outcome,
        /// From then on.
        past: Outcome,
    },
    /// Several days decide, or numbers too large to pack: ask the rules.
    Rules,
}

/// A packed plan. Zero is none.
///
/// Four lanes of 16 bits, low to high: outcome ahead with the kind in its top two bits; outcome
/// past with the answer in doubt in bit 14 and the sign of the days in bit 15; the slot, with the
/// arena in bit 15; the days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packed(pub(super) u64);

const FIXED: u16 = 1 << 14;
const ONE_DAY: u16 = 2 << 14;
const RULES: u16 = 3 << 14;
const KIND: u16 = 3 << 14;
const IN_DOUBT: u16 = 1 << 14;
const NEGATIVE: u16 = 1 << 15;
const OUTSIDE: u16 = 1 << 15;

impl Packed {
    pub(super) fn of(plan: Plan) -> Self {
        match plan {
            Plan::Fixed(outcome) => Self::join([FIXED | outcome.0, 0, 0, 0]),
            Plan::Rules => Self::RULES,
            Plan::OneDay { question, ahead, past } => {
                Self::one_day(question, ahead, past).unwrap_or(Self::RULES)
            }
        }
    }

    /// The plan; none where it was not made yet.
    #[inline]
    pub(super) fn plan(self) -> Option<Plan> {
        let [a, b, c, d, e, f, g, h] = self.0.to_le_bytes();
        let first = u16::from_le_bytes([a, b]);
        let ahead = Outcome(first & OUTCOME);
        match first & KIND {
            FIXED => Some(Plan::Fixed(ahead)),
            ONE_DAY => {
                let second = u16::from_le_bytes([c, d]);
                let slot = u16::from_le_bytes([e, f]);
                let place = match slot & OUTSIDE {
                    0 => Place::Inside(slot),
                    _ => Place::Outside(slot & !OUTSIDE),
                };
                let sign = if second & NEGATIVE == 0 { 0 } else { 1 << 16 };
                let question = Horizon {
                    day: place,
                    days: i32::from(u16::from_le_bytes([g, h])) - sign,
                    in_doubt: second & IN_DOUBT != 0,
                };
                Some(Plan::OneDay { question, ahead, past: Outcome(second & OUTCOME) })
            }
            RULES => Some(Plan::Rules),
            _ => None,
        }
    }

    const RULES: Self = Self::join([RULES, 0, 0, 0]);

    /// None where the numbers are too large.
    fn one_day(question: Horizon<Place>, ahead: Outcome, past: Outcome) -> Option<Self> {
        let slot = match question.day {
            Place::Inside(slot) => (slot < OUTSIDE).then_some(slot)?,
            Place::Outside(slot) => (slot < OUTSIDE).then_some(slot | OUTSIDE)?,
        };
        let (sign, days) = if question.days < 0 {
            (NEGATIVE, u16::try_from(question.days.checked_add(1 << 16)?).ok()?)
        } else {
            (0, u16::try_from(question.days).ok()?)
        };
        let doubt = if question.in_doubt { IN_DOUBT } else { 0 };
        Some(Self::join([ONE_DAY | ahead.0, sign | doubt | past.0, slot, days]))
    }

    const fn join(lanes: [u16; 4]) -> Self {
        let [[a, b], [c, d], [e, f], [g, h]] = [
            lanes[0].to_le_bytes(),
            lanes[1].to_le_bytes(),
            lanes[2].to_le_bytes(),
            lanes[3].to_le_bytes(),
        ];
        Self(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes() -> impl Iterator<Item = Outcome> {
        let ruling = |(row, verdict)| Ruling { row, verdict, scope: None };
        let pairs = ROWS.into_iter().flat_map(|r| Verdict::ALL.into_iter().map(move |v| (r, v)));
        pairs.map(move |pair| Outcome::of(Some(ruling(pair)))).chain([Outcome::of(None)])
    }

    #[test]
    fn an_outcome_keeps_row_and_verdict() {
        for row in ROWS {
            for verdict in Verdict::ALL {
                let ruling = Ruling { row, verdict, scope: None };
                assert_eq!(Outcome::of(Some(ruling)).ruling(), Some(ruling));
                assert_eq!(Outcome::of(Some(ruling)).code(), verdict.code());
            }
        }
        assert_eq!(Outcome::of(None).ruling(), None);
    }

    #[test]
    fn rows_stand_in_the_order_of_the_table() {
        assert!(ROWS.is_sorted());
    }

    #[test]
    fn a_packed_plan_is_never_none_and_reads_as_it_was_made() {
        let all: Vec<Outcome> = outcomes().collect();
        for (ahead, past) in all.iter().zip(all.iter().rev()) {
            let fixed = Plan::Fixed(*ahead);
            assert_eq!(Packed::of(fixed).plan(), Some(fixed));
            for days in [i32::from(u16::MAX), 1, 0, -1, -65_535] {
                for day in [Place::Inside(0), Place::Inside(1), Place::Outside(0x7fff)] {
                    for in_doubt in [false, true] {
                        let question = Horizon { day, days, in_doubt };
                        let plan = Plan::OneDay { question, ahead: *ahead, past: *past };
                        assert_eq!(Packed::of(plan).plan(), Some(plan));
                    }
                }
            }
        }
        assert_eq!(Packed::of(Plan::Rules).plan(), Some(Plan::Rules));
        assert_eq!(Packed(0).plan(), None);
    }

    #[test]
    fn numbers_too_large_to_pack_are_left_to_the_rules() {
        let nothing = Outcome::of(None);
        for (day, days) in [
            (Place::Outside(0x8000), 1),
            (Place::Inside(0), 1 << 16),
            (Place::Inside(0), -(1 << 16) - 1),
            (Place::Inside(0), i32::MIN),
        ] {
            let question = Horizon { day, days, in_doubt: true };
            let plan = Plan::OneDay { question, ahead: nothing, past: nothing };
            assert_eq!(Packed::of(plan).plan(), Some(Plan::Rules));
        }
    }
}
