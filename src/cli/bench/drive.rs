//! The drivers: closed loop, where the next question leaves when an answer has come, and open loop,
//! where questions leave at a rate whatever becomes of them.
//!
//! An open loop measures from the instant at which a question was to leave. A server that stalls
//! delays the questions behind the stall too, and whoever measured from when they really left
//! would not see it (coordinated omission).

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hdrhistogram::Histogram;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::line::Line;
use super::questions::Questions;

/// The longest latency that is told apart, in nanoseconds; what takes longer counts as this.
const LONGEST: u64 = 60_000_000_000;

/// Decimal digits of a latency that are kept.
const DIGITS: u8 = 3;

/// Questions of an open loop that may be due and not yet sent. Beyond it the driver waits, and
/// what it owes counts from when it was due.
const DUE: usize = 1 << 16;

/// Questions of an open loop that may be under way.
const UNDER_WAY: usize = 1 << 10;

/// What was measured.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Of each call, in nanoseconds.
    pub latency: Histogram<u64>,
    /// Addresses that were answered.
    pub addresses: u64,
    /// From the first question to the last answer.
    pub elapsed: Duration,
}

impl Sample {
    /// Nothing yet.
    /// # Errors
    /// None: the bounds are fixed and right.
    pub fn empty() -> anyhow::Result<Self> {
        let latency = Histogram::new_with_bounds(1, LONGEST, DIGITS).context("no histogram")?;
        Ok(Self { latency, addresses: 0, elapsed: Duration::ZERO })
    }

    /// Adds another one of the same kind.
    ///
    /// # Errors
    /// It is none of the same kind.
    pub fn add(&mut self, other: &Self) -> anyhow::Result<()> {
        let Self { latency, addresses, elapsed } = other;
        self.latency.add(latency).context("the histograms differ")?;
        self.addresses += addresses;
        self.elapsed += *elapsed;
        Ok(())
    }

    /// Notes one call.
    pub fn note(&mut self, latency: Duration, addresses: usize) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.latency.saturating_record(nanos);
        self.addresses += u64::try_from(addresses).unwrap_or(u64::MAX);
    }

    /// So many of anything in the time that passed, by the second.
    #[must_use]
    pub fn per_second(&self, count: u64) -> f64 {
        let nanos = u64::try_from(self.elapsed.as_nanos()).unwrap_or(u64::MAX);
        ratio(count, nanos) * 1e9
    }
}

/// One number by another; nothing where there is no other.
#[must_use]
pub fn ratio(a: u64, b: u64) -> f64 {
    if b == 0 { 0.0 } else { float(a) / float(b) }
}

/// Exact up to 2^53; beyond it nobody counts.
fn float(number: u64) -> f64 {
    let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
    let (high, low) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
    f64::from(high).mul_add(4_294_967_296.0, f64::from(low))
}

/// The stop watch.
#[expect(clippy::disallowed_methods, reason = "this is the stop watch")]
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// Keeps one call under way on each line for so long.
///
/// # Errors
/// A call failed, or its answer is too short to be one.
pub async fn closed(
    lines: &[Line],
    questions: &Arc<Questions>,
    time: Duration,
) -> anyhow::Result<Sample> {
    let start = now();
    let mut flights = JoinSet::new();
    for line in lines {
        let (mut line, questions) = (line.clone(), questions.clone());
        flights.spawn(async move {
            let mut sample = Sample::empty()?;
            while start.elapsed() < time {
                let sent = now();
                ask(&mut line, &questions).await?;
                sample.note(sent.elapsed(), questions.per_call());
            }
            anyhow::Ok(sample)
        });
    }
    together(start, flights).await
}

/// What all drivers of one run came to, that began at `start`.
///
/// # Errors
/// One of them failed.
pub async fn together(
    start: Instant,
    mut drivers: JoinSet<anyhow::Result<Sample>>,
) -> anyhow::Result<Sample> {
    let mut total = Sample::empty()?;
    while let Some(sample) = drivers.join_next().await {
        total.add(&sample.context("a driver ended")??)?;
    }
    total.elapsed = start.elapsed();
    Ok(total)
}

/// Sends `rate` questions a second for so long, over the lines in turn.
///
/// # Errors
/// A call failed, or its answer is too short to be one.
pub async fn open(
    lines: &[Line],
    questions: &Arc<Questions>,
    time: Duration,
    rate: f64,
) -> anyhow::Result<Sample> {
    let start = now();
    let (due, mut to_send) = mpsc::channel(DUE);
    let mut driver = JoinSet::new();
    driver.spawn_blocking(move || keep_time(start, time, rate, &due));
    let mut total = Sample::empty()?;
    let mut calls = JoinSet::new();
    let mut turns = lines.iter().cycle();
    loop {
        tokio::select! {
            Some(answered) = calls.join_next() => {
                total.note(finished(answered)?, questions.per_call());
            }
            intended = to_send.recv(), if calls.len() < UNDER_WAY => {
                let Some(intended) = intended else { break };
                let mut line = turns.next().context("there is no line")?.clone();
                let questions = questions.clone();
                calls.spawn(async move {
                    ask(&mut line, &questions).await?;
                    anyhow::Ok(Instant::elapsed(&intended))
                });
            }
        }
    }
    while let Some(answered) = calls.join_next().await {
        total.note(finished(answered)?, questions.per_call());
    }
    total.elapsed = start.elapsed();
    Ok(total)
}

type Answered = Result<anyhow::Result<Duration>, tokio::task::JoinError>;

fn finished(answered: Answered) -> anyhow::Result<Duration> {
    answered.context("a call ended")?
}

/// Says when each question is to leave, at that instant. A thread of its own, since the timer of
/// the runtime has ticks of a millisecond.
fn keep_time(start: Instant, time: Duration, rate: f64, due: &mpsc::Sender<Instant>) {
    let gap = Duration::from_secs_f64(rate.recip());
    let mut intended = start;
    while intended - start < time {
        std::thread::sleep(intended.saturating_duration_since(now()));
        if due.blocking_send(intended).is_err() {
            break;
        }
        intended += gap;
    }
}

async fn ask(line: &mut Line, questions: &Questions) -> anyhow::Result<()> {
    let answer = line.ask(questions.next()).await?;
    let enough = answer.len() >= questions.per_call();
    anyhow::ensure!(enough, "the server left addresses unanswered");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_add_up() {
        let mut total = Sample::empty().unwrap();
        for millis in [1, 3] {
            let mut sample = Sample::empty().unwrap();
            sample.note(Duration::from_millis(millis), 500);
            sample.elapsed = Duration::from_millis(millis);
            total.add(&sample).unwrap();
        }
        assert_eq!((total.addresses, total.latency.len()), (1_000, 2));
        assert!((total.per_second(total.addresses) - 250_000.0).abs() < 1e-6);
        assert_eq!(total.latency.max() / 1_000_000, 3);
    }

    #[test]
    fn a_question_that_leaves_late_counts_from_when_it_was_due() {
        let (due, mut to_send) = mpsc::channel(16);
        let start = now() - Duration::from_millis(40);
        keep_time(start, Duration::from_millis(40), 100.0, &due);
        drop(due);
        let mut intended = Vec::new();
        while let Ok(instant) = to_send.try_recv() {
            intended.push((instant - start).as_millis());
        }
        assert_eq!(intended, [0, 10, 20, 30]);
    }

    #[test]
    fn numbers_become_floats_as_they_are() {
        for (number, float_of) in [(0, 0.0), (7, 7.0), (1 << 40, 1_099_511_627_776.0)] {
            assert!((float(number) - float_of).abs() < f64::EPSILON);
        }
        assert!((ratio(1, 0) - 0.0).abs() < f64::EPSILON);
    }
}
