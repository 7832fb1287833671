//! What time it is, and whether to believe it.

use std::fmt::Debug;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::model::day::{Day, Timestamp, Today};

/// The wall clock. A seam: tests set it, the server asks the system.
pub trait Clock: Debug + Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// How many days the wall clock may lie behind the last event before it counts as wrong. Time zones
/// and a reboot account for less.
const TOLERATED_DAYS: i32 = 2;

/// The instant of the ledger's last event. Recorded time never runs backwards, whatever the wall
/// clock does.
#[derive(Debug)]
pub(super) struct Floor(AtomicI64);

impl Floor {
    pub(super) const fn new(at: Timestamp) -> Self {
        Self(AtomicI64::new(at.nanos()))
    }

    pub(super) fn get(&self) -> Timestamp {
        Timestamp::from_nanos(self.0.load(Ordering::Acquire))
    }

    /// Sets it; only `serve --accept-clock` sets it back.
    pub(super) fn set(&self, at: Timestamp) {
        self.0.store(at.nanos(), Ordering::Release);
    }
}

/// What the rules may assume of today, and the instant that an event would bear now.
pub(super) fn moment(clock: &dyn Clock, floor: &Floor) -> crate::transition::Moment {
    let (now, floor) = (clock.now(), floor.get());
    crate::transition::Moment { today: today(now, floor), at: now.max(floor) }
}

fn today(now: Timestamp, floor: Timestamp) -> Today {
    let floor = floor.day().unwrap_or(Day::new(0));
    match now.day() {
        Some(day) if day >= floor => Today::Known(day),
        Some(day) if !day.is_before(floor, -TOLERATED_DAYS) => Today::Known(floor),
        Some(_) | None => Today::InDoubt(floor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(now: i64, floor: i64, expected: Today) {
        let day = |index: i64| Timestamp::from_nanos(index * 86_400_000_000_000 + 5);
        assert_eq!(today(day(now), day(floor)), expected, "now {now}, floor {floor}");
    }

    #[test]
    fn a_clock_that_lies_far_behind_is_in_doubt() {
        check(100, 100, Today::Known(Day::new(100)));
        check(101, 100, Today::Known(Day::new(101)));
        check(99, 100, Today::Known(Day::new(100)));
        check(98, 100, Today::Known(Day::new(100)));
        check(97, 100, Today::InDoubt(Day::new(100)));
        check(-1, 0, Today::Known(Day::new(0)).max_doubt());
    }

    impl Today {
        fn max_doubt(self) -> Self {
            Self::InDoubt(self.day())
        }
    }
}
