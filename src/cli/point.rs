//! What was looked at, point by point, and what to do about it: how `doctor` and `lint-message`
//! report.

use serde_json::{Value, json};

use super::output::counted;
use super::{Exit, Format};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Ok,
    /// It goes, and something may go wrong one day.
    Warning,
    /// It does not go, or loses what must not be lost.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) name: &'static str,
    pub(super) state: State,
    pub(super) found: String,
    /// What to do about it; empty where there is nothing to do.
    pub(super) mend: String,
}

/// What a command calls its problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Called {
    Problems,
    Faults,
}

impl Called {
    /// One of them and several.
    const fn words(self) -> [&'static str; 2] {
        match self {
            Self::Problems => ["problem", "problems"],
            Self::Faults => ["fault", "faults"],
        }
    }
}

impl Point {
    pub(super) fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Ok, found: found.into(), mend: String::new() }
    }

    pub(super) fn warning(
        name: &'static str,
        found: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self { name, state: State::Warning, found: found.into(), mend: mend.into() }
    }

    pub(super) fn problem(
        name: &'static str,
        found: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self { name, state: State::Problem, found: found.into(), mend: mend.into() }
    }
}

/// Warnings are no failure.
pub(super) fn exit(points: &[Point]) -> Exit {
    if count(points, State::Problem) == 0 { Exit::Done } else { Exit::Failed }
}

/// All points, for people or for programs.
pub(super) fn report(points: &[Point], called: Called, format: Format) -> String {
    match format {
        Format::Human => human(points, called),
        Format::Json => format!("{}\n", document(points, called)),
    }
}

fn count(points: &[Point], state: State) -> u64 {
    let number = points.iter().filter(|point| point.state == state).count();
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn human(points: &[Point], called: Called) -> String {
    let [one, many] = called.words();
    let width = points.iter().map(|point| point.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for Point { name, state, found, mend } in points {
        let state = match state {
            State::Ok => "ok".to_owned(),
            State::Warning => "WARNING".to_owned(),
            State::Problem => one.to_uppercase(),
        };
        text.push_str(&format!("{state:<7}  {name:<width$}  {found}\n"));
        if !mend.is_empty() {
            text.push_str(&format!("{:<7}  {:<width$}  mend: {mend}\n", "", ""));
        }
    }
    text.push_str(&format!(
        "{}, {}\n",
        counted(count(points, State::Problem), one, many),
        counted(count(points, State::Warning), "warning", "warnings")
    ));
    text
}

fn document(points: &[Point], called: Called) -> Value {
    let [one, many] = called.words();
    let of = |point: &Point| {
        let Point { name, state, found, mend } = point;
        let state = match state {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Problem => one,
        };
        let mend = if mend.is_empty() { Value::Null } else { json!(mend) };
        json!({ "point": name, "state": state, "found": found, "mend": mend })
    };
    json!({
        many: count(points, State::Problem),
        "warnings": count(points, State::Warning),
        "points": points.iter().map(of).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_printed_for_people_and_programs() {
        let points = [
            Point::ok("clock", "right"),
            Point::warning("memory", "1.0 GiB free", "buy some more"),
            Point::problem("disk", "none", "buy one"),
        ];
        let [sound, bad] = [&points[..2], &points[2..]];
        let text = "ok       clock   right\nWARNING  memory  1.0 GiB free\n                 mend: \
                    buy some more\n0 problems, 1 warning\n";
        assert_eq!(report(sound, Called::Problems, Format::Human), text);
        let text = "FAULT    disk  none\n               mend: buy one\n1 fault, 0 warnings\n";
        assert_eq!(report(bad, Called::Faults, Format::Human), text);
        let document = document(&points, Called::Faults);
        assert_eq!((&document["faults"], &document["warnings"]), (&json!(1), &json!(1)));
        assert_eq!(document["points"][0]["mend"], Value::Null);
        assert_eq!(document["points"][1]["state"], "warning");
        assert_eq!(document["points"][2]["state"], "fault");
        assert_eq!((exit(sound), exit(bad)), (Exit::Done, Exit::Failed));
    }
}
