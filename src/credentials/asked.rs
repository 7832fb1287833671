//! Which addresses a credential asked about today: a Bloom filter (B. H. Bloom, "Space/time
//! trade-offs in hash coding with allowable errors", CACM 13(7), 1970), its probes made of two
//! hashes (A. Kirsch and M. Mitzenmacher, "Less hashing, same performance", ESA 2006).
//!
//! WHY not HyperLogLog, which takes 16 KiB for any number: it counts and remembers nobody. When the
//! budget is spent it either refuses the sender who asks again about the same list, as a sender
//! should, or lets strangers through: of a million counted, 99 of 100 new addresses change nothing
//! in it. This takes two octets for each address of the budget, knows those that were asked before,
//! and mistakes a new one for one of them in fewer than 1 of 1,000 cases when the budget is full.
//!
//! The hash is the keyed fingerprint: nobody without the key can find addresses that pass for each
//! other.

use crate::model::fingerprint::Fingerprint;

/// Bits for each address of the budget, and bits set for each: (1 - e^(-8/16))^8 = 0.0006.
const BITS: u64 = 16;
const PROBES: u64 = 8;

/// Bits of a word.
const WORD: u64 = 64;

/// A set of addresses, up to a budget.
#[derive(Debug)]
pub(super) struct Asked {
    words: Vec<u64>,
    budget: u64,
    count: u64,
}

impl Asked {
    pub(super) fn new(budget: u64) -> Self {
        Self { words: Vec::new(), budget, count: 0 }
    }

    pub(super) const fn budget(&self) -> u64 {
        self.budget
    }

    /// How many were added.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// Adds all of these, or none where there would be more than the budget. Says which.
    pub(super) fn add(&mut self, fingerprints: &[Fingerprint]) -> bool {
        if self.words.is_empty() {
            let words = (self.budget * BITS).div_ceil(WORD);
            self.words = vec![0; usize::try_from(words).unwrap_or(usize::MAX)];
        }
        let before = self.count;
        let mut set = Vec::new();
        for fingerprint in fingerprints {
            let known = set.len();
            for at in probes(*fingerprint, self.budget * BITS) {
                self.set(at, &mut set);
            }
            if set.len() > known {
                self.count += 1;
            }
            if self.count > self.budget {
                set.iter().for_each(|at| self.clear(*at));
                self.count = before;
                return false;
            }
        }
        true
    }

    /// Sets a bit, and notes one that was not set.
    fn set(&mut self, at: u64, set: &mut Vec<u64>) {
        if let Some((word, bit)) = self.place(at)
            && *word & bit == 0
        {
            *word |= bit;
            set.push(at);
        }
    }

    fn clear(&mut self, at: u64) {
        if let Some((word, bit)) = self.place(at) {
            *word &= !bit;
        }
    }

    fn place(&mut self, at: u64) -> Option<(&mut u64, u64)> {
        let word = self.words.get_mut(usize::try_from(at / WORD).ok()?)?;
        Some((word, 1 << (at % WORD)))
    }
}

/// The bits of an address among so many.
fn probes(fingerprint: Fingerprint, bits: u64) -> impl Iterator<Item = u64> {
    let octets = fingerprint.bits().to_le_bytes();
    let (low, high) = octets.split_at(8);
    let half = |octets: &[u8]| octets.try_into().map_or(0, u64::from_le_bytes);
    // Odd, so that no two probes of one address fall together before they are scaled.
    let (first, step) = (half(low), half(high) | 1);
    (0..PROBES).map(move |probe| {
        let spread = first.wrapping_add(probe.wrapping_mul(step));
        let scaled = (u128::from(spread) * u128::from(bits)) >> 64;
        u64::try_from(scaled).unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::Fingerprinter;

    fn names(range: std::ops::Range<u32>) -> Vec<Fingerprint> {
        let fingerprinter = Fingerprinter::new([7; 16]);
        range.map(|n| fingerprinter.fingerprint(format!("{n}@example.com").as_bytes())).collect()
    }

    #[test]
    fn an_address_counts_once() {
        let mut asked = Asked::new(3);
        assert!(asked.add(&names(0..2)));
        assert!(asked.add(&names(0..2)));
        assert!(asked.add(&[names(2..3), names(2..3)].concat()));
        assert_eq!(asked.count(), 3);
        assert!(!asked.add(&names(3..4)), "one too many");
        assert!(asked.add(&names(0..3)), "those asked before are free");
    }

    #[test]
    fn a_list_that_is_too_long_leaves_nothing_behind() {
        let mut asked = Asked::new(1_000);
        assert!(asked.add(&names(0..500)));
        let words = asked.words.clone();
        assert!(!asked.add(&names(400..1_400)));
        assert_eq!((asked.count(), &asked.words), (500, &words));
        assert!(asked.add(&names(500..900)));
    }

    #[test]
    fn the_count_is_right_to_the_budget_and_strangers_stay_out_behind_it() {
        let mut asked = Asked::new(20_000);
        let mut taken = 0;
        for name in names(0..20_000) {
            taken += u32::from(asked.add(&[name]));
        }
        assert_eq!(taken, 20_000);
        assert!(asked.count() >= 19_980, "{}", asked.count());
        // What was mistaken for asked before leaves room for as many.
        let (mut let_in, room) = (0, 20_000 - asked.count());
        for name in names(20_000..120_000) {
            let_in += u64::from(asked.add(&[name]));
        }
        assert!(let_in <= room + 100, "{let_in}, room for {room}");
    }
}
