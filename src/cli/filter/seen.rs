//! Which addresses came before.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use crate::model::address::Canonicaliser;

/// The addresses so far, each as a 64-bit hash: 10 to 21 octets an address, half as much again
/// while the table grows. The hash is keyed anew in each run, so nobody can make two addresses pass
/// for one; by chance one pair does among a million addresses in one of 37 million runs.
#[derive(Debug, Default)]
pub(super) struct Seen {
    canonicaliser: Canonicaliser,
    hashing: RandomState,
    hashes: HashTable<u64>,
}

impl Seen {
    /// Whether the address came before, in any spelling. An invalid address never did.
    pub(super) fn is_repeated(&mut self, raw: &[u8]) -> bool {
        let Ok(canonical) = self.canonicaliser.canonical(raw) else { return false };
        let hash = self.hashing.hash_one(canonical);
        let entry = self.hashes.entry(hash, |seen| *seen == hash, |seen| *seen);
        match entry {
            hashbrown::hash_table::Entry::Occupied(_) => true,
            hashbrown::hash_table::Entry::Vacant(place) => {
                place.insert(hash);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_known_again_in_another_spelling() {
        let mut seen = Seen::default();
        assert!(!seen.is_repeated(b"Eve@Example.com"));
        assert!(seen.is_repeated(b" eve@example.COM. "));
        assert!(!seen.is_repeated(b"eve+tag@example.com"));
    }

    #[test]
    fn what_is_no_address_is_no_duplicate() {
        let mut seen = Seen::default();
        assert!(!seen.is_repeated(b"nobody"));
        assert!(!seen.is_repeated(b"nobody"));
    }
}
