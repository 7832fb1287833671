//! The connections, each in its seat: how many there are, and which of them has to leave.
//!
//! A sweep each second looks at every seat: who did not begin, who is idle, who is old, who takes
//! nothing. When the house is full the one that was idle for longest makes room, so that strangers
//! who only sit there keep nobody out.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::limits::Limits;
use crate::grpc::passage::{Share, Whole};

/// What a connection is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Go on.
    Stay,
    /// Take no new calls, and end with the last one.
    Leave,
    /// End now.
    Go,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Seat {
    /// What it may take.
    pub(super) share: Arc<Share>,
    /// Set once the handshake is done.
    pub(super) is_shaken: AtomicBool,
    /// Octets it has sent, once beyond the handshake.
    pub(super) received: AtomicU64,
    /// Since when it takes nothing, in seconds of the house; 0: it takes what comes.
    pub(super) blocked: AtomicU64,
    since: u64,
    told: watch::Sender<Told>,
    life: Mutex<Life>,
}

/// What the sweep remembers of a connection.
#[derive(Debug, Default)]
struct Life {
    /// The calls it had begun when it was looked at last.
    begun: u64,
    /// When it had a call last.
    used: u64,
    /// By when it has to be gone, once it was told to leave.
    leaves_by: Option<u64>,
}

/// All seats.
#[derive(Debug)]
pub(super) struct House {
    whole: Arc<Whole>,
    limits: Limits,
    /// Guards who is here; held for one look at each at most.
    seats: Mutex<HashMap<u64, Arc<Seat>>>,
    next: AtomicU64,
    /// Seconds since the house was opened, from 1 on.
    now: AtomicU64,
}

/// A seat that is taken; given back when dropped.
#[derive(Debug)]
pub(super) struct Taken {
    house: Arc<House>,
    number: u64,
    pub(super) seat: Arc<Seat>,
}

/// How long one that was idle may take to say goodbye.
const GOODBYE: u64 = 5;

/// An HTTP/2 client begins with 24 fixed octets and a frame of 9 at least.
const PREFACE: u64 = 33;

impl Seat {
    /// What it is told, from now on.
    pub(super) fn told(&self) -> watch::Receiver<Told> {
        self.told.subscribe()
    }

    fn tell(&self, told: Told) {
        self.told.send_if_modified(|before| {
            let goes_on = told == Told::Go && *before != Told::Go
                || told == Told::Leave && *before == Told::Stay;
            if goes_on {
                *before = told;
            }
            goes_on
        });
    }

    fn has_begun(&self) -> bool {
        self.received.load(Ordering::Relaxed) >= PREFACE
    }

    /// When it had a call last, or that it has one.
    fn idle_since(&self, now: u64) -> Option<u64> {
        let mut life = self.life.lock();
        let begun = self.share.begun();
        if self.share.calls() > 0 || begun != life.begun {
            life.begun = begun;
            life.used = now;
        }
        (self.share.calls() == 0).then_some(life.used)
    }

    /// Tells it to leave where it is time.
    fn sweep(&self, limits: &Limits, now: u64) {
        let idle = self.idle_since(now);
        let past = |since: u64, limit: std::time::Duration| now > since + limit.as_secs();
        let blocked = self.blocked.load(Ordering::Relaxed);
        let mut life = self.life.lock();
        if !self.has_begun() && past(self.since, limits.handshake_timeout)
            || blocked > 0 && past(blocked, limits.stall_timeout)
            || life.leaves_by.is_some_and(|by| now > by)
        {
            return self.tell(Told::Go);
        }
        if life.leaves_by.is_some() {
            return;
        }
        if idle.is_some_and(|since| past(since, limits.max_idle)) {
            life.leaves_by = Some(now + GOODBYE);
        } else if past(self.since, limits.max_age) {
            life.leaves_by = Some(now + limits.age_grace.as_secs());
        } else {
            return;
        }
        self.tell(Told::Leave);
    }
}

impl House {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            whole: Arc::new(Whole::new(limits.max_calls, limits.max_held)),
            limits,
            seats: Mutex::default(),
            next: AtomicU64::new(0),
            now: AtomicU64::new(1),
        }
    }

    /// The seconds of the house.
    pub(super) fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    /// A seat for a connection that has come; none: all are taken by connections that work.
    pub(super) fn enter(self: &Arc<Self>) -> Option<Taken> {
        let now = self.now();
        let mut seats = self.seats.lock();
        if seats.len() >= self.limits.max_connections {
            let idle = seats.iter().filter_map(|(number, seat)| {
                // One that has not said a word yet goes before one that had calls.
                seat.idle_since(now).map(|since| (seat.share.begun() > 0, since, *number))
            });
            let (_, _, number) = idle.min()?;
            seats.remove(&number)?.tell(Told::Go);
        }
        let shaking = |seat: &&Arc<Seat>| !seat.is_shaken.load(Ordering::Relaxed);
        if seats.values().filter(shaking).count() >= self.limits.max_handshakes {
            let oldest = seats.iter().filter(|(_, seat)| shaking(seat)).map(|(number, _)| *number);
            if let Some(oldest) = oldest.min().and_then(|number| seats.remove(&number)) {
                oldest.tell(Told::Go);
            }
        }
        let seat = Arc::new(Seat {
            share: Arc::new(Share::new(self.whole.clone())),
            is_shaken: AtomicBool::new(false),
            received: AtomicU64::new(0),
            blocked: AtomicU64::new(0),
            since: now,
            told: watch::Sender::new(Told::Stay),
            life: Mutex::new(Life { used: now, ..Life::default() }),
        });
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        seats.insert(number, seat.clone());
        Some(Taken { house: self.clone(), number, seat })
    }

    /// A second has passed.
    pub(super) fn sweep(&self) {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        for seat in self.seats.lock().values() {
            seat.sweep(&self.limits, now);
        }
    }

    /// Everybody is told to leave.
    pub(super) fn close(&self) {
        self.seats.lock().values().for_each(|seat| seat.tell(Told::Leave));
    }

    /// Those without a call go: a client that does not read does not hear that it is to leave.
    pub(super) fn clear(&self) {
        let seats = self.seats.lock();
        seats.values().filter(|seat| seat.share.calls() == 0).for_each(|seat| seat.tell(Told::Go));
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.house.seats.lock().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house(change: impl FnOnce(&mut Limits)) -> Arc<House> {
        let mut limits = Limits::default();
        change(&mut limits);
        Arc::new(House::new(limits))
    }

    fn told(taken: &Taken) -> Told {
        *taken.seat.told.borrow()
    }

    /// A connection whose handshake is done and that has sent the preface.
    fn enter(house: &Arc<House>) -> Taken {
        let taken = house.enter().unwrap();
        taken.seat.is_shaken.store(true, Ordering::Relaxed);
        taken.seat.received.store(PREFACE, Ordering::Relaxed);
        taken
    }

    fn pass(house: &House, seconds: u64) {
        (0..seconds).for_each(|_| house.sweep());
    }

    #[test]
    fn who_does_not_begin_goes_and_who_does_may_idle() {
        let house = house(|_| {});
        let (mute, idle) = (house.enter().unwrap(), enter(&house));
        pass(&house, 10);
        assert_eq!((told(&mute), told(&idle)), (Told::Stay, Told::Stay));
        pass(&house, 1);
        assert_eq!((told(&mute), told(&idle)), (Told::Go, Told::Stay));
        pass(&house, 890);
        assert_eq!(told(&idle), Told::Leave);
        pass(&house, GOODBYE + 1);
        assert_eq!(told(&idle), Told::Go);
    }

    #[test]
    fn calls_keep_a_connection_until_its_age() {
        let house = house(|limits| {
            limits.max_age = std::time::Duration::from_secs(2000);
        });
        let (busy, following) = (enter(&house), enter(&house));
        let _call = following.seat.share.call();
        for _ in 0..20 {
            pass(&house, 100);
            assert_eq!((told(&busy), told(&following)), (Told::Stay, Told::Stay));
            drop(busy.seat.share.call());
        }
        pass(&house, 1);
        assert_eq!((told(&busy), told(&following)), (Told::Leave, Told::Leave));
        pass(&house, 600);
        assert_eq!(told(&following), Told::Leave, "the grace of calls under way");
        pass(&house, 1);
        assert_eq!(told(&following), Told::Go);
    }

    #[test]
    fn who_takes_nothing_goes() {
        let house = house(|_| {});
        let taken = enter(&house);
        let _call = taken.seat.share.call();
        taken.seat.blocked.store(house.now(), Ordering::Relaxed);
        pass(&house, 120);
        assert_eq!(told(&taken), Told::Stay);
        pass(&house, 1);
        assert_eq!(told(&taken), Told::Go);
    }

    #[test]
    fn in_a_full_house_the_idlest_makes_room() {
        let house = house(|limits| limits.max_connections = 3);
        let (used, mute, works) = (enter(&house), enter(&house), enter(&house));
        drop(used.seat.share.call());
        let _call = works.seat.share.call();
        pass(&house, 5);
        let fourth = enter(&house);
        assert_eq!((told(&used), told(&mute)), (Told::Stay, Told::Go), "the one without a call");
        let _busy = fourth.seat.share.call();
        let fifth = enter(&house);
        assert_eq!(told(&used), Told::Go);
        let _busy_too = fifth.seat.share.call();
        assert!(house.enter().is_none(), "all of them work");
        assert_eq!((told(&works), told(&fourth)), (Told::Stay, Told::Stay));
        drop(works);
        assert!(house.enter().is_some());
    }

    #[test]
    fn at_the_end_calls_may_finish_and_others_go() {
        let house = house(|_| {});
        let (idle, works) = (enter(&house), enter(&house));
        let call = works.seat.share.call();
        house.close();
        assert_eq!((told(&idle), told(&works)), (Told::Leave, Told::Leave));
        house.clear();
        assert_eq!((told(&idle), told(&works)), (Told::Go, Told::Leave));
        drop(call);
        house.clear();
        assert_eq!(told(&works), Told::Go);
    }

    #[test]
    fn the_oldest_handshake_makes_room() {
        let house = house(|limits| limits.max_handshakes = 2);
        let (done, first, second) = (enter(&house), house.enter().unwrap(), house.enter().unwrap());
        let third = house.enter().unwrap();
        let all = [&done, &first, &second, &third].map(told);
        assert_eq!(all, [Told::Stay, Told::Go, Told::Stay, Told::Stay]);
    }
}
