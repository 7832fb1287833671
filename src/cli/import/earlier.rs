//! Which addresses an earlier call named: a dry run looks at each call without what the calls
//! before it would have changed, and has to say for how many rows that matters.

use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::model::address::Canonicaliser;

/// The addresses so far, each as a 64-bit hash, keyed anew in each run, with the call that named it
/// first: 18 to 37 octets for each different address, half as much again while the table grows.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    canonicaliser: Canonicaliser,
    hashing: RandomState,
    calls: HashTable<(u64, u32)>,
    call: u32,
}

impl Earlier {
    /// The next call begins.
    pub(super) const fn next_call(&mut self) {
        self.call = self.call.saturating_add(1);
    }

    /// Whether an earlier call named the address. Two rows of one call meet each other.
    pub(super) fn has(&mut self, raw: &[u8]) -> bool {
        let Ok(canonical) = self.canonicaliser.canonical(raw) else { return false };
        let hash = self.hashing.hash_one(canonical);
        match self.calls.entry(hash, |(seen, _)| *seen == hash, |(seen, _)| *seen) {
            Entry::Occupied(seen) => seen.get().1 < self.call,
            Entry::Vacant(place) => {
                place.insert((hash, self.call));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_call_are_no_earlier_ones() {
        let mut earlier = Earlier::default();
        assert!(!earlier.has(b"a@x.test"));
        assert!(!earlier.has(b"A@x.test"));
        earlier.next_call();
        assert!(earlier.has(b"a@X.test"));
        assert!(!earlier.has(b"b@x.test"));
        assert!(!earlier.has(b"nobody"));
        assert!(!earlier.has(b"nobody"));
    }
}
