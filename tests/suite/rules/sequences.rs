//! Long sequences of any commands: real rules and naive model agree after each one.
//!
//! `MAYSEND_SEQUENCES` sets how many are run.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use maysend::catalog::{PlusTags, Policy};
use maysend::model::day::Today;
use maysend::model::event::EventKind;
use maysend::model::verdict::WriteOutcome;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use super::arbitrary;
use super::deeds::{Step, may_be_doubtful, step};
use super::pair::{Pair, anna, portal};
use crate::world::catalog;

pub(super) const SEQUENCES: u32 = 3_000;
/// On average; shorter ones too, so that a failing one can be shortened.
const COMMANDS: usize = 40;

/// What sequences came to, so that none passes by doing nothing.
#[derive(Debug, Default)]
struct Seen {
    sequences: Cell<u32>,
    commands: Cell<u32>,
    outcomes: RefCell<BTreeSet<WriteOutcome>>,
    kinds: RefCell<BTreeSet<EventKind>>,
}

/// Runs one sequence; what was said goes to `said`, for who wants to read it.
fn run(
    plus_tags: PlusTags,
    policies: &[Policy; 4],
    steps: &[Step],
    seen: &Seen,
    said: &mut Vec<String>,
) -> Result<(), String> {
    let mut policies = policies.clone();
    let mut pair = Pair::new(catalog(plus_tags, &policies));
    for step in steps {
        pair.advance(step.days);
        if let Some((brand, policy)) = &step.reload {
            policies[usize::from(*brand)] = policy.clone();
            pair.reload(catalog(plus_tags, &policies));
            said.push(format!("brand {brand} has {policy:?}"));
        }
        let Some(command) = step.deed.command(&pair, step.who) else { continue };
        let today = if step.doubt && may_be_doubtful(&command) {
            Today::InDoubt(pair.today())
        } else {
            Today::Known(pair.today())
        };
        let caller = if step.by_portal { portal() } else { anna() };
        said.push(format!("{:?} {today:?} {command:?}", step.who));
        let outcome = pair.try_take(step.who, &caller, command, today)?;
        seen.commands.set(seen.commands.get() + 1);
        let kinds = outcome.statements.iter().map(|statement| statement.kind);
        seen.kinds.borrow_mut().extend(kinds);
        seen.outcomes.borrow_mut().extend(outcome.choices.into_iter().chain([outcome.outcome]));
    }
    seen.sequences.set(seen.sequences.get() + 1);
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a test has no flags of its own")]
pub(super) fn wanted() -> u32 {
    std::env::var("MAYSEND_SEQUENCES").map_or(SEQUENCES, |text| text.parse().expect("a number"))
}

fn check(plus_tags: PlusTags, cases: u32) {
    let policies = prop::array::uniform4(arbitrary::policy());
    let sequences = (policies, vec(step(), 1..2 * COMMANDS));
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    let seen = Seen::default();
    let result = TestRunner::new(config).run(&sequences, |(policies, steps)| {
        let said = &mut Vec::new();
        run(plus_tags, &policies, &steps, &seen, said).map_err(TestCaseError::fail)
    });
    match result {
        Ok(()) => {}
        Err(TestError::Abort(why)) => panic!("{why}"),
        Err(TestError::Fail(difference, (policies, steps))) => {
            let mut said = Vec::new();
            let again = run(plus_tags, &policies, &steps, &Seen::default(), &mut said);
            assert!(again.is_err(), "a sequence that fails fails again");
            let said = said.join("\n");
            panic!("{difference}\nafter\n{said}\nunder {policies:?}");
        }
    }
    println!("{} sequences, {} commands", seen.sequences.get(), seen.commands.get());
    if cases >= SEQUENCES / 4 {
        let (outcomes, kinds) = (seen.outcomes.borrow(), seen.kinds.borrow());
        // All but that of no address.
        assert_eq!(outcomes.len(), WriteOutcome::ALL.len() - 1, "outcomes seen: {outcomes:?}");
        assert_eq!(kinds.len(), 14, "kinds of events seen: {kinds:?}");
    }
}

#[test]
fn any_sequence_is_taken_as_the_model_takes_it_where_tags_widen() {
    check(PlusTags::WidenRestrictions, wanted() / 4 * 3);
}

#[test]
fn any_sequence_is_taken_as_the_model_takes_it_where_tags_are_exact() {
    check(PlusTags::Exact, wanted().div_ceil(4));
}
