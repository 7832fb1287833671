//! What a credential may ask, so that a leaked key, or a curious program, cannot read the list of
//! addresses out of the answers.
//!
//! Two budgets, each of them optional: a rate (a token bucket that holds a minute's worth), and
//! different addresses in a UTC day. A call is within both or is refused whole and counts for
//! nothing. They live in memory: a restart fills them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::Limits;
use super::asked::Asked;
use crate::model::day::{Day, Timestamp};
use crate::model::fingerprint::Fingerprint;

/// The bucket is counted in shares of an address, so that no rate is rounded: as many as a minute
/// has nanoseconds.
const SHARES: u128 = 60_000_000_000;

/// A budget is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Exhausted {
    /// That of a minute.
    #[error("the credential may ask about {limit} addresses a minute and has asked about as many")]
    Rate {
        /// Addresses in a minute.
        limit: u64,
        /// When there is enough again.
        retry: Duration,
    },
    /// The call alone is more than that of a minute.
    #[error("the credential may ask about {limit} addresses a minute; split the list")]
    LargerThanRate {
        /// Addresses in a minute.
        limit: u64,
    },
    /// That of a day.
    #[error("the credential may ask about {limit} different addresses a day, and this is more")]
    Distinct {
        /// Different addresses in a day.
        limit: u64,
        /// Until the next day, where the same call would be within the budget then.
        retry: Option<Duration>,
    },
}

/// The budgets of one credential.
#[derive(Debug, Default)]
pub struct Budget {
    /// Whether there is any limit: looked at without the lock.
    is_limited: AtomicBool,
    counts_addresses: AtomicBool,
    /// Guards what is spent; held for one call, never across an await.
    spent: Mutex<Spent>,
}

#[derive(Debug, Default)]
struct Spent {
    rate: Option<Bucket>,
    today: Option<Today>,
}

#[derive(Debug)]
struct Bucket {
    limit: u64,
    /// In shares of an address.
    left: u128,
    at: Timestamp,
}

#[derive(Debug)]
struct Today {
    day: Day,
    asked: Asked,
}

impl Budget {
    /// Budgets of which nothing is spent.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let budget = Self::default();
        budget.set(limits);
        budget
    }

    /// Sets the limits. What is spent stays so under the same limit, and is forgotten under another.
    pub fn set(&self, limits: Limits) {
        let Limits { addresses_per_minute, distinct_addresses_per_day } = limits;
        let mut spent = self.spent.lock();
        if spent.rate.as_ref().map(|bucket| bucket.limit) != addresses_per_minute {
            spent.rate = addresses_per_minute.map(Bucket::full);
        }
        if spent.today.as_ref().map(|today| today.asked.budget()) != distinct_addresses_per_day {
            let none = |limit| Today { day: Day::new(0), asked: Asked::new(limit) };
            spent.today = distinct_addresses_per_day.map(none);
        }
        self.is_limited.store(limits != Limits::default(), Ordering::Release);
        self.counts_addresses.store(distinct_addresses_per_day.is_some(), Ordering::Release);
    }

    /// Whether there is any limit.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.is_limited.load(Ordering::Acquire)
    }

    /// Whether `spend` wants to know the addresses and not only how many there are.
    #[must_use]
    pub fn counts_addresses(&self) -> bool {
        self.counts_addresses.load(Ordering::Acquire)
    }

    /// Takes a call about `count` addresses of these names. An address that is none has no name and
    /// counts for the rate alone.
    ///
    /// # Errors
    /// `Exhausted`; nothing is taken then.
    pub fn spend(
        &self,
        now: Timestamp,
        count: usize,
        names: &[Fingerprint],
    ) -> Result<(), Exhausted> {
        let mut spent = self.spent.lock();
        let Spent { rate, today } = &mut *spent;
        let cost = u128::try_from(count).unwrap_or(u128::MAX).saturating_mul(SHARES);
        if let Some(bucket) = rate {
            bucket.covers(cost, now)?;
        }
        if let Some(today) = today {
            today.add(names, now)?;
        }
        if let Some(bucket) = rate {
            bucket.left -= cost;
        }
        Ok(())
    }
}

impl Bucket {
    fn full(limit: u64) -> Self {
        Self { limit, left: u128::from(limit) * SHARES, at: Timestamp::default() }
    }

    /// Whether there is so much left. A clock that goes back fills nothing.
    fn covers(&mut self, cost: u128, now: Timestamp) -> Result<(), Exhausted> {
        let limit = u128::from(self.limit);
        let full = limit * SHARES;
        if cost > full {
            return Err(Exhausted::LargerThanRate { limit: self.limit });
        }
        let passed = now.nanos().saturating_sub(self.at.nanos());
        let passed = u128::try_from(passed).unwrap_or(0);
        self.left = self.left.saturating_add(passed.saturating_mul(limit)).min(full);
        self.at = self.at.max(now);
        match cost.checked_sub(self.left) {
            None | Some(0) => Ok(()),
            Some(short) => {
                let nanos = u64::try_from(short.div_ceil(limit)).unwrap_or(u64::MAX);
                Err(Exhausted::Rate { limit: self.limit, retry: Duration::from_nanos(nanos) })
            }
        }
    }
}

impl Today {
    fn add(&mut self, names: &[Fingerprint], now: Timestamp) -> Result<(), Exhausted> {
        // Before 1970 and after 2149 it is always the same day.
        let day = now.day().unwrap_or(self.day);
        let limit = self.asked.budget();
        if day > self.day {
            *self = Self { day, asked: Asked::new(limit) };
        }
        if self.asked.add(names) {
            return Ok(());
        }
        // On a day of which nothing is spent the same call is refused too.
        let is_spent = self.asked.count() > 0;
        let next = Day::new(self.day.index().saturating_add(1)).start();
        let left = u64::try_from(next.nanos().saturating_sub(now.nanos())).unwrap_or(0);
        let retry = is_spent.then(|| Duration::from_nanos(left));
        Err(Exhausted::Distinct { limit, retry })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::Fingerprinter;

    const SECOND: i64 = 1_000_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_nanos(Day::new(20_000).start().nanos() + seconds * SECOND)
    }

    fn rate(limit: u64) -> Budget {
        Budget::new(Limits { addresses_per_minute: Some(limit), ..Limits::default() })
    }

    fn daily(limit: u64) -> Budget {
        Budget::new(Limits { distinct_addresses_per_day: Some(limit), ..Limits::default() })
    }

    fn names(range: std::ops::Range<u32>) -> Vec<Fingerprint> {
        let fingerprinter = Fingerprinter::new([7; 16]);
        range.map(|n| fingerprinter.fingerprint(format!("{n}@example.com").as_bytes())).collect()
    }

    #[test]
    fn without_a_limit_nothing_is_counted() {
        let budget = Budget::new(Limits::default());
        assert!(!budget.is_limited() && !budget.counts_addresses());
        assert_eq!(budget.spend(at(0), usize::MAX, &names(0..10)), Ok(()));
    }

    #[test]
    fn a_minute_s_worth_may_come_at_once_and_flows_back() {
        let budget = rate(60);
        assert_eq!(budget.spend(at(0), 60, &[]), Ok(()));
        let retry = Duration::from_secs(1);
        assert_eq!(budget.spend(at(0), 1, &[]), Err(Exhausted::Rate { limit: 60, retry }));
        assert_eq!(budget.spend(at(1), 1, &[]), Ok(()));
        let retry = Duration::from_secs(30);
        assert_eq!(budget.spend(at(1), 30, &[]), Err(Exhausted::Rate { limit: 60, retry }));
        assert_eq!(budget.spend(at(31), 30, &[]), Ok(()));
        assert!(budget.spend(at(31), 1, &[]).is_err());
    }

    #[test]
    fn the_bucket_holds_no_more_than_a_minute() {
        let budget = rate(60);
        assert_eq!(budget.spend(at(0), 60, &[]), Ok(()));
        assert_eq!(budget.spend(at(86_400), 60, &[]), Ok(()));
        assert!(budget.spend(at(86_400), 1, &[]).is_err());
    }

    #[test]
    fn a_call_larger_than_a_minute_is_told_to_split() {
        let budget = rate(60);
        assert_eq!(budget.spend(at(0), 61, &[]), Err(Exhausted::LargerThanRate { limit: 60 }));
        assert_eq!(budget.spend(at(0), 60, &[]), Ok(()));
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing() {
        let budget = rate(60);
        assert_eq!(budget.spend(at(1_000), 60, &[]), Ok(()));
        assert!(budget.spend(at(0), 1, &[]).is_err());
        assert!(budget.spend(at(1_000), 1, &[]).is_err());
        assert_eq!(budget.spend(at(1_001), 1, &[]), Ok(()));
    }

    #[test]
    fn different_addresses_are_counted_until_midnight() {
        let budget = daily(10);
        assert_eq!(budget.spend(at(0), 10, &names(0..10)), Ok(()));
        assert_eq!(budget.spend(at(60), 10, &names(0..10)), Ok(()), "the same again");
        let retry = Some(Duration::from_secs(86_400 - 60));
        let spent = Err(Exhausted::Distinct { limit: 10, retry });
        assert_eq!(budget.spend(at(60), 1, &names(10..11)), spent);
        assert_eq!(budget.spend(at(-60), 1, &names(10..11)).ok(), None, "the clock went back");
        assert_eq!(budget.spend(at(86_400), 1, &names(10..11)), Ok(()));
    }

    #[test]
    fn a_call_beyond_a_whole_day_is_not_told_to_wait() {
        let spent = Err(Exhausted::Distinct { limit: 10, retry: None });
        assert_eq!(daily(10).spend(at(0), 11, &names(0..11)), spent);
    }

    #[test]
    fn a_refused_call_takes_nothing_of_either() {
        let limits =
            Limits { addresses_per_minute: Some(60), distinct_addresses_per_day: Some(10) };
        let budget = Budget::new(limits);
        assert!(budget.spend(at(0), 20, &names(0..20)).is_err());
        assert_eq!(budget.spend(at(0), 50, &names(0..10)), Ok(()));
        assert!(budget.spend(at(0), 11, &names(0..1)).is_err());
        assert_eq!(budget.spend(at(0), 10, &names(0..10)), Ok(()));
    }

    #[test]
    fn what_is_spent_stays_so_under_the_same_limits_alone() {
        let budget = rate(60);
        let limits = Limits { addresses_per_minute: Some(60), ..Limits::default() };
        assert_eq!(budget.spend(at(0), 60, &[]), Ok(()));
        budget.set(limits);
        assert!(budget.spend(at(0), 1, &[]).is_err());
        budget.set(Limits { addresses_per_minute: Some(61), ..limits });
        assert_eq!(budget.spend(at(0), 61, &[]), Ok(()));
        budget.set(Limits::default());
        assert!(!budget.is_limited());
        assert_eq!(budget.spend(at(0), 1_000, &[]), Ok(()));
    }
}
