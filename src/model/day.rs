//! Instants and UTC days. The rules know days alone: a consent lapses at 00:00 UTC.

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const NANOS_PER_DAY: i64 = 86_400 * NANOS_PER_SECOND;

/// An instant in nanoseconds since 1970-01-01T00:00:00Z, from 1677 to 2262.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant so many nanoseconds after the Unix epoch.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The instant of a protobuf `Timestamp`; none outside the range of this type.
    #[must_use]
    pub fn from_parts(seconds: i64, nanos: i32) -> Option<Self> {
        let whole = seconds.checked_mul(NANOS_PER_SECOND)?;
        whole.checked_add(i64::from(nanos)).map(Self)
    }

    /// Nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, and the nanoseconds within the second.
    #[must_use]
    pub fn parts(self) -> (i64, i32) {
        let nanos = self.0.rem_euclid(NANOS_PER_SECOND);
        (self.0.div_euclid(NANOS_PER_SECOND), i32::try_from(nanos).unwrap_or(0))
    }

    /// The UTC day of this instant; none before 1970-01-01 and after 2149-06-06.
    #[must_use]
    pub fn day(self) -> Option<Day> {
        u16::try_from(self.0.div_euclid(NANOS_PER_DAY)).ok().map(Day)
    }
}

/// A UTC day, counted from 1970-01-01 (day 0) to 2149-06-06.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Day(u16);

impl Day {
    /// The day so many days after 1970-01-01.
    #[must_use]
    pub const fn new(index: u16) -> Self {
        Self(index)
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn index(self) -> u16 {
        self.0
    }

    /// The first instant of this day.
    #[must_use]
    pub fn start(self) -> Timestamp {
        Timestamp(i64::from(self.0).saturating_mul(NANOS_PER_DAY))
    }

    /// Whether this day lies before `other` plus `days`. Days may be negative.
    #[must_use]
    pub fn is_before(self, other: Self, days: i32) -> bool {
        i32::from(self.0) < i32::from(other.0).saturating_add(days)
    }
}

/// What the rules may assume of today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Today {
    /// The clock is trusted.
    Known(Day),
    /// The wall clock lies days before the ledger's last event: every answer that hangs on the
    /// date falls on the side of the deny. The day is that of the last event.
    InDoubt(Day),
}

impl Today {
    /// The latest day that is certain to have begun; writes are dated by it.
    #[must_use]
    pub const fn day(self) -> Day {
        match self {
            Self::Known(day) | Self::InDoubt(day) => day,
        }
    }
}
