//! Measures: plain counters by which a part of the program says how it does. Whoever publishes them
//! reads them here; nothing below the assembly knows how or where.
//!
//! Adding is a few relaxed atomic additions and never waits. A reading taken meanwhile may have the
//! one addition and not yet the other, which the next one has.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Upper bounds for durations, in nanoseconds: 50 us to 10 s.
pub const DURATIONS: &[u64] = &[
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// Upper bounds for numbers of addresses or records: 1 to the most of a call.
pub const SIZES: &[u64] =
    &[1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 100_000];

/// A counter that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds to it.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// What it stands at.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often values fell between bounds.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One for each bound, and one for what lies beyond the last.
    counts: Box<[Counter]>,
    sum: Counter,
}

/// What a histogram held at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Each bound and how many values lie at or below it.
    pub up_to: Vec<(u64, u64)>,
    /// How many values there are.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
}

impl Histogram {
    /// An empty one over bounds in ascending order.
    #[must_use]
    pub fn new(bounds: &'static [u64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| Counter::default()).collect();
        Self { bounds, counts, sum: Counter::default() }
    }

    /// Counts a value in.
    pub fn add(&self, value: u64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(at) {
            count.add(1);
        }
        self.sum.add(value);
    }

    /// What it holds.
    #[must_use]
    pub fn read(&self) -> Reading {
        let mut count = 0;
        let below = self.counts.iter().map(|more| {
            count += more.get();
            count
        });
        let below: Vec<u64> = below.collect();
        let up_to = self.bounds.iter().copied().zip(below).collect();
        Reading { up_to, count, sum: self.sum.get() }
    }
}

/// A time that runs. It tells no date, so the rules learn nothing by it.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts one.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "measures how long a thing takes")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// How long it has run.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// The same in nanoseconds.
    #[must_use]
    pub fn nanos(self) -> u64 {
        u64::try_from(self.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lies_at_or_below_its_bound() {
        let histogram = Histogram::new(&[10, 20]);
        for value in [0, 10, 11, 20, 21, 1_000] {
            histogram.add(value);
        }
        let expected = Reading { up_to: vec![(10, 2), (20, 4)], count: 6, sum: 1_062 };
        assert_eq!(histogram.read(), expected);
    }

    #[test]
    fn bounds_ascend() {
        assert!(DURATIONS.is_sorted() && SIZES.is_sorted());
        assert_eq!(DURATIONS.first(), Some(&50_000), "a check takes less than a millisecond");
    }
}
