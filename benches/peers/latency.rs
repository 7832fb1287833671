//! How long small calls take: alone, beside large ones, and while the index grows.
//!
//! Small calls are paced by an open loop: they leave at a rate whatever becomes of them, over
//! connections of their own, and count from when each was to leave. Load comes from another
//! process.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use maysend::cli::bench::Server;
use maysend::cli::bench::drive::{self, Sample};
use maysend::cli::bench::questions::{Questions, draw};

use super::process::Role;
use super::report::{Report, micros, short, took};
use super::role::connect;
use super::say;
use super::sidecar::Sidecar;
use super::sides::Sides;

/// Small calls a second beside large ones.
const RATE: f64 = 500.0;
/// And while the index grows: enough for a thousandth of them to be some.
const RATE_OF_GROWTH: f64 = 1_000.0;

/// Addresses of a small call.
const SMALL: usize = 100;

/// Addresses of a large call, and how many are under way: two fill this machine, which the aim is
/// about, and four wait for each other.
const LARGE: &str = "100000";
const LARGE_IN_FLIGHT: [&str; 2] = ["2", "4"];

/// Connections of the small calls.
const LINES: usize = 2;

const ROUNDS: u32 = 3;

/// Different addresses in the small calls.
const POOL: usize = 1_000_000;

fn questions(known: u64, per_call: usize) -> Arc<Questions> {
    Arc::new(Questions::about(&draw(known, POOL), per_call))
}

/// One address a call, against the echo.
pub(crate) async fn single(
    sides: &Sides,
    known: u64,
    seconds: Duration,
    report: &mut Report,
) -> anyhow::Result<()> {
    say("latency: one address a call");
    let questions = questions(known, 1);
    let lines =
        [connect(&sides.maysend.server, 1).await?, connect(&sides.mirror.server()?, 1).await?];
    let mut samples = [Sample::empty()?, Sample::empty()?];
    for lines in &lines {
        drive::closed(lines, &questions, seconds / 5).await?;
    }
    for _ in 0..4 * ROUNDS {
        for (lines, sample) in lines.iter().zip(&mut samples) {
            sample.add(&drive::closed(lines, &questions, seconds / ROUNDS).await?)?;
        }
    }
    let [ours, echo] = samples.map(|sample| micros(&sample, 50.0));
    let shown = format!("{} ({} / {})", short(ours / echo), took(ours), took(echo));
    report.at_most("one address a call: p50, x the echo's", (shown, ours / echo), (1.2, 1.1));
    Ok(())
}

/// Small calls on an idle server, and beside large ones.
pub(crate) async fn mixed(
    sides: &Sides,
    known: u64,
    seconds: Duration,
    report: &mut Report,
) -> anyhow::Result<()> {
    let questions = questions(known, SMALL);
    let mut servers = vec![("maysend", sides.maysend.server.clone())];
    if let Some(ordinary) = &sides.ordinary {
        servers.push(("ordinary", ordinary.server()?));
    }
    servers.push(("echo", sides.mirror.server()?));
    for in_flight in LARGE_IN_FLIGHT {
        say(format_args!("latency: {SMALL} addresses a call beside {in_flight} calls of {LARGE}"));
        let mut samples = Vec::new();
        for (_, server) in &servers {
            let lines = connect(server, LINES).await?;
            drive::open(&lines, &questions, seconds / 5, RATE).await?;
            samples.push((lines, [Sample::empty()?, Sample::empty()?]));
        }
        for _ in 0..ROUNDS {
            for ((_, server), (lines, [idle, busy])) in servers.iter().zip(&mut samples) {
                idle.add(&drive::open(lines, &questions, seconds, RATE).await?)?;
                let words = ["bulk", &server.to_string(), &known.to_string(), LARGE, in_flight];
                let load = Role::start_aside(&words)?;
                drive::open(lines, &questions, seconds / 5, RATE).await?;
                busy.add(&drive::open(lines, &questions, seconds, RATE).await?)?;
                drop(load);
            }
        }
        for ((name, _), (_, [idle, busy])) in servers.iter().zip(&samples) {
            let [idle, busy] = [idle, busy].map(|sample| micros(sample, 99.0));
            let ratio = busy / idle;
            let shown = format!("{} ({} / {})", short(ratio), took(busy), took(idle));
            if *name == "maysend" && in_flight == LARGE_IN_FLIGHT[0] {
                let what = format!("100 a call beside {in_flight} x 100,000: p99, x the idle one");
                report.at_most(what, (shown, ratio), (4.0, 2.0));
            } else {
                report
                    .note(format!("{name}, 100 a call beside {in_flight} x 100,000: p99 {shown}"));
            }
        }
    }
    Ok(())
}

/// Small calls before and while recipients come in, up to `known`, with checkpoints: first the small
/// calls alone, then beside large ones, which is what the aim is about.
pub(crate) async fn growth(
    maysend: &Sidecar,
    loaded: u64,
    known: u64,
    seconds: Duration,
    report: &mut Report,
) -> anyhow::Result<()> {
    let half = loaded + (known - loaded) / 2;
    say("growth: 100 addresses a call while the index grows");
    let (shown, _) = grow(maysend, loaded..half, seconds, report).await?;
    report.note(format!("100 a call while it grows, nothing beside it: p99.9, x without: {shown}"));
    say("growth: the same beside large calls");
    let words =
        ["bulk", &maysend.server.to_string(), &loaded.to_string(), LARGE, LARGE_IN_FLIGHT[0]];
    let load = Role::start_aside(&words)?;
    let (shown, ratio) = grow(maysend, half..known, seconds, report).await?;
    drop(load);
    let what = "beside 2 x 100,000 while it grows: p99.9, x without growth";
    report.at_most(what, (shown, ratio), (3.0, 1.5));
    Ok(())
}

async fn grow(
    maysend: &Sidecar,
    people: Range<u64>,
    seconds: Duration,
    report: &mut Report,
) -> anyhow::Result<(String, f64)> {
    let questions = questions(people.start, SMALL);
    let lines = connect(&maysend.server, LINES).await?;
    drive::open(&lines, &questions, seconds, RATE_OF_GROWTH).await?;
    let before = drive::open(&lines, &questions, 10 * seconds, RATE_OF_GROWTH).await?;
    let checkpoints = maysend.checkpoints()?;
    let mut load = tell(&maysend.server, people.start, people.end)?;
    let mut during = Sample::empty()?;
    while load.process.runs()? {
        during.add(&drive::open(&lines, &questions, seconds / 2, RATE_OF_GROWTH).await?)?;
    }
    let calls = (before.latency.len(), during.latency.len());
    for percentile in [50.0, 99.0] {
        let [a, b] = [&during, &before].map(|sample| took(micros(sample, percentile)));
        report.note(format!("while the index grows: p{percentile} {a}, without {b}"));
    }
    report.note(format!(
        "growth: {} calls before, {} while it grew and wrote {} checkpoints",
        calls.0,
        calls.1,
        maysend.checkpoints()? - checkpoints
    ));
    let [during, before] = [during, before].map(|sample| micros(&sample, 99.9));
    let ratio = during / before;
    Ok((format!("{} ({} / {})", short(ratio), took(during), took(before)), ratio))
}

/// Another process tells a server of these recipients, as a system would that brings its customers
/// in: a thousand a call.
pub(crate) fn tell(server: &Server, from: u64, to: u64) -> anyhow::Result<Role> {
    Role::start_aside(&["tell", &server.to_string(), &from.to_string(), &to.to_string(), "1000"])
}
