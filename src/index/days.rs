//! The days of an entry: up to two inside the entry, more in a run of the partition's arena.
//!
//! Runs come in sizes of four days times a power of two. A freed run is kept for the next of its
//! size, so an arena never outgrows twice the most that its entries held at one time of each size.

use crate::model::day::Day;

/// So many days lie inside an entry.
const INSIDE: usize = 2;

/// Days of the smallest run; runs begin at multiples of it.
const UNIT: usize = 4;

/// What an entry keeps of its days: the days themselves, or where their run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held(u32);

/// The runs of one partition.
#[derive(Debug, Default)]
pub(super) struct Arena {
    days: Vec<u16>,
    /// Beginnings of free runs, in units, by size class.
    free: Vec<Vec<u32>>,
}

impl Held {
    /// No days.
    pub(super) const NONE: Self = Self(0);

    /// As an entry stores it.
    #[inline]
    pub(super) const fn bits(self) -> u32 {
        self.0
    }

    /// What an entry stored.
    #[inline]
    pub(super) const fn of_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Whether so many days lie inside the entry.
    pub(super) const fn is_inside(count: usize) -> bool {
        count <= INSIDE
    }

    /// A day inside the entry.
    #[inline]
    pub(super) fn inside(self, slot: usize) -> Day {
        let [a, b, c, d] = self.0.to_le_bytes();
        Day::new(if slot == 0 { u16::from_le_bytes([a, b]) } else { u16::from_le_bytes([c, d]) })
    }

    fn of(days: &[u16]) -> Self {
        let lane = |slot: usize| u32::from(days.get(slot).copied().unwrap_or(0));
        Self(lane(0) | lane(1) << 16)
    }
}

impl Arena {
    /// A day of a run; none where there is no such day, which the caller takes for doubt.
    #[inline]
    pub(super) fn outside(&self, held: Held, slot: usize) -> Option<Day> {
        self.days.get(begin(held.0).saturating_add(slot)).copied().map(Day::new)
    }

    /// A day of an entry that holds `count` days.
    pub(super) fn day(&self, held: Held, count: usize, slot: usize) -> Option<Day> {
        if slot >= count {
            None
        } else if Held::is_inside(count) {
            Some(held.inside(slot))
        } else {
            self.outside(held, slot)
        }
    }

    /// Holds `days` in place of the `count` days of `held`.
    pub(super) fn replace(&mut self, held: Held, count: usize, days: &[u16]) -> Held {
        match (class(count), class(days.len())) {
            (Some(old), Some(new)) if old == new => {
                self.write(held.0, days);
                held
            }
            (old, new) => {
                if let Some(old) = old {
                    self.release(held.0, old);
                }
                new.map_or_else(|| Held::of(days), |class| self.take(class, days))
            }
        }
    }

    /// Octets of memory.
    pub(super) fn memory(&self) -> usize {
        let free: usize = self.free.iter().map(Vec::capacity).sum();
        self.days.capacity() * size_of::<u16>()
            + free * size_of::<u32>()
            + self.free.capacity() * size_of::<Vec<u32>>()
    }

    /// Days that all runs together have room for, free ones included.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.days.len()
    }

    fn take(&mut self, class: usize, days: &[u16]) -> Held {
        let free = self.free.get_mut(class).and_then(Vec::pop);
        let unit = free.unwrap_or_else(|| {
            let (begin, run) = (self.days.len(), UNIT << class);
            if self.days.capacity() - begin < run {
                // Not by half, as a vector would: there are thousands of arenas.
                self.days.reserve_exact(run.max(begin / 8));
            }
            self.days.resize(begin + run, 0);
            // 2^32 units of one partition fit into no memory; if they did, their days are doubt.
            u32::try_from(begin / UNIT).unwrap_or(u32::MAX)
        });
        self.write(unit, days);
        Held(unit)
    }

    fn write(&mut self, unit: u32, days: &[u16]) {
        let begin = begin(unit);
        if let Some(run) = self.days.get_mut(begin..begin.saturating_add(days.len())) {
            run.copy_from_slice(days);
        }
    }

    fn release(&mut self, unit: u32, class: usize) {
        if self.free.len() <= class {
            self.free.resize_with(class + 1, Vec::new);
        }
        self.free[class].push(unit);
    }
}

/// The size class of a run for so many days; none where they lie inside.
fn class(count: usize) -> Option<usize> {
    let units = count.div_ceil(UNIT).next_power_of_two();
    (!Held::is_inside(count)).then(|| usize::try_from(units.trailing_zeros()).unwrap_or(0))
}

#[inline]
fn begin(unit: u32) -> usize {
    usize::try_from(unit).unwrap_or(usize::MAX).saturating_mul(UNIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(days: &[u16]) {
        let mut arena = Arena::default();
        let held = arena.replace(Held::NONE, 0, days);
        let read: Vec<u16> =
            (0..days.len()).map(|s| arena.day(held, days.len(), s).unwrap().index()).collect();
        assert_eq!(read, days);
        assert_eq!(arena.day(held, days.len(), days.len()), None);
    }

    #[test]
    fn days_are_read_as_they_were_held() {
        for count in 0..40_u16 {
            check(&(0..count).map(|day| u16::MAX - day).collect::<Vec<_>>());
        }
    }

    #[test]
    fn two_days_need_no_arena_and_a_third_does() {
        let mut arena = Arena::default();
        let held = arena.replace(Held::NONE, 0, &[1, 2]);
        assert_eq!(arena.room(), 0);
        arena.replace(held, 2, &[1, 2, 3]);
        assert_eq!(arena.room(), 4);
    }

    #[test]
    fn freed_runs_are_taken_again() {
        let mut arena = Arena::default();
        let (mut held, mut count) = (Held::NONE, 0);
        for round in 0..10_000_usize {
            let days = vec![7; round % 33];
            held = arena.replace(held, count, &days);
            count = days.len();
        }
        // One run of each size: 4, 8, 16, 32.
        assert_eq!(arena.room(), 60);
    }

    #[test]
    fn one_entry_does_not_write_into_another() {
        let mut arena = Arena::default();
        let first = arena.replace(Held::NONE, 0, &[1; 5]);
        let second = arena.replace(Held::NONE, 0, &[2; 5]);
        let first = arena.replace(first, 5, &[3; 8]);
        let third = arena.replace(Held::NONE, 0, &[4; 3]);
        assert!((0..8).all(|s| arena.day(first, 8, s) == Some(Day::new(3))));
        assert!((0..5).all(|s| arena.day(second, 5, s) == Some(Day::new(2))));
        assert!((0..3).all(|s| arena.day(third, 3, s) == Some(Day::new(4))));
    }
}
