//! How much of the server a connection may take: a quarter of what is free, and a little always.
//!
//! WHY: a fixed limit for a connection is either too small for the one client of a quiet server or
//! too large for a thousand hostile ones. With this rule a single connection gets far, and those
//! that take all they can leave room for one that comes anew. Nobody waits for a place: who gets
//! none is told so and asks again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// A connection may hold so much for each that is free.
const PART: usize = 4;

/// What a connection may hold in any case, beyond all limits: some calls, and a message of 10,000
/// addresses.
const FEW_CALLS: usize = 4;
const FEW_OCTETS: usize = 256 << 10;

/// What all connections hold together.
#[derive(Debug)]
pub struct Whole {
    calls: Gauge,
    octets: Gauge,
}

/// A bounded count.
#[derive(Debug)]
struct Gauge {
    held: AtomicUsize,
    limit: usize,
    few: usize,
}

/// What one connection holds.
#[derive(Debug)]
pub struct Share {
    whole: Arc<Whole>,
    calls: AtomicUsize,
    octets: AtomicUsize,
    begun: AtomicU64,
}

/// The place of a call, and of the message that it brings. Given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    share: Arc<Share>,
    octets: AtomicUsize,
}

impl Whole {
    /// At most so many calls under way, and so many octets of large messages.
    #[must_use]
    pub const fn new(calls: usize, octets: usize) -> Self {
        Self { calls: Gauge::new(calls, FEW_CALLS), octets: Gauge::new(octets, FEW_OCTETS) }
    }
}

impl Gauge {
    const fn new(limit: usize, few: usize) -> Self {
        Self { held: AtomicUsize::new(0), limit, few }
    }

    /// Takes `amount` for one that holds `own`, where that is no more than its part.
    fn take(&self, own: &AtomicUsize, amount: usize) -> bool {
        let held = self.held.fetch_add(amount, Ordering::Relaxed);
        let mine = own.fetch_add(amount, Ordering::Relaxed).saturating_add(amount);
        let fits = mine <= self.few.max(self.limit.saturating_sub(held) / PART);
        if !fits {
            self.give_back(own, amount);
        }
        fits
    }

    fn give_back(&self, own: &AtomicUsize, amount: usize) {
        own.fetch_sub(amount, Ordering::Relaxed);
        self.held.fetch_sub(amount, Ordering::Relaxed);
    }
}

impl Share {
    /// For a new connection.
    #[must_use]
    pub const fn new(whole: Arc<Whole>) -> Self {
        let (calls, octets, begun) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicU64::new(0));
        Self { whole, calls, octets, begun }
    }

    /// Calls under way.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// Calls since the connection began.
    #[must_use]
    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// A place for a call; none: the connection has its part of them.
    pub(crate) fn call(self: &Arc<Self>) -> Option<Place> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        let fits = self.whole.calls.take(&self.calls, 1);
        fits.then(|| Place { share: self.clone(), octets: AtomicUsize::new(0) })
    }
}

impl Place {
    /// Room for the next message of the call, which takes the place of the one before. False: there
    /// is none.
    pub(super) fn bring(&self, octets: usize) -> bool {
        let Share { whole, octets: own, .. } = &*self.share;
        whole.octets.give_back(own, self.octets.swap(0, Ordering::Relaxed));
        let fits = octets == 0 || whole.octets.take(own, octets);
        if fits {
            self.octets.store(octets, Ordering::Relaxed);
        }
        fits
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Share { whole, calls, octets, .. } = &*self.share;
        whole.octets.give_back(octets, *self.octets.get_mut());
        whole.calls.give_back(calls, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(calls: usize, octets: usize, count: usize) -> Vec<Arc<Share>> {
        let whole = Arc::new(Whole::new(calls, octets));
        (0..count).map(|_| Arc::new(Share::new(whole.clone()))).collect()
    }

    /// All that a connection gets.
    fn fill(share: &Arc<Share>) -> Vec<Place> {
        std::iter::from_fn(|| share.call()).collect()
    }

    #[test]
    fn one_connection_gets_a_fifth_of_all() {
        let share = &shares(100, 0, 1)[0];
        let places = fill(share);
        assert_eq!((places.len(), share.calls(), share.begun()), (20, 20, 21));
        drop(places);
        assert_eq!(share.calls(), 0);
        assert_eq!(fill(share).len(), 20, "places are given back");
    }

    #[test]
    fn however_many_take_all_they_can_there_is_room_for_one_more() {
        let shares = shares(4096, 0, 257);
        let (newcomer, greedy) = shares.split_last().unwrap();
        let mut held = Vec::new();
        // Again and again, each as much as it gets.
        for _ in 0..50 {
            for share in greedy {
                held.append(&mut fill(share));
            }
        }
        assert!((4000..=4096 + 256 * FEW_CALLS).contains(&held.len()), "{}", held.len());
        assert_eq!(fill(newcomer).len(), FEW_CALLS);
    }

    #[test]
    fn a_message_takes_the_place_of_the_one_before() {
        let share = &shares(100, 4 << 20, 1)[0];
        let most = 1 << 20;
        let place = share.call().unwrap();
        assert!(place.bring(most) && place.bring(most - 9) && place.bring(0));
        assert!(!place.bring(most + 1), "more than a quarter of what is free");
        assert!(place.bring(most), "what was refused is not held");
        let other = share.call().unwrap();
        assert!(!other.bring(1));
        drop(place);
        assert!(other.bring(most));
        drop(other);
        assert_eq!(share.whole.octets.held.load(Ordering::Relaxed), 0);
    }
}
