//! Which addresses came before.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use siphasher::sip::SipHasher13;

use crate::model::address::Canonicaliser;

/// The addresses so far, each as a 64-bit hash: 10 to 21 octets an address, half as much again
/// while the table grows. The hash is keyed anew in each run, so nobody can make two addresses pass
/// for one; by chance one pair does among a million addresses in one of 37 million runs.
///
/// To hash an address and to look for it are two steps: the table of a long list lies in memory far
/// away, and look-ups that follow close upon each other wait for it together.
#[derive(Debug)]
pub(super) struct Seen {
    canonicaliser: Canonicaliser,
    hasher: SipHasher13,
    hashes: HashTable<u64>,
}

/// The hash of an address in any spelling; none of what is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hash(Option<u64>);

impl Default for Seen {
    fn default() -> Self {
        let hasher = SipHasher13::new_with_key(&rand::random());
        Self { canonicaliser: Canonicaliser::default(), hasher, hashes: HashTable::new() }
    }
}

impl Seen {
    pub(super) fn hash(&mut self, raw: &[u8]) -> Hash {
        Hash(self.canonicaliser.canonical(raw).ok().map(|canonical| self.hasher.hash(canonical)))
    }

    /// Whether the address came before, in any spelling. An invalid address never did.
    pub(super) fn is_repeated(&mut self, hash: Hash) -> bool {
        let Hash(Some(hash)) = hash else { return false };
        match self.hashes.entry(hash, |seen| *seen == hash, |seen| *seen) {
            Entry::Occupied(_) => true,
            Entry::Vacant(place) => {
                place.insert(hash);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Seen {
        fn repeats(&mut self, raw: &[u8]) -> bool {
            let hash = self.hash(raw);
            self.is_repeated(hash)
        }
    }

    #[test]
    fn an_address_is_known_again_in_another_spelling() {
        let mut seen = Seen::default();
        assert!(!seen.repeats(b"Eve@Example.com"));
        assert!(seen.repeats(b" eve@example.COM. "));
        assert!(!seen.repeats(b"eve+tag@example.com"));
    }

    #[test]
    fn what_is_no_address_is_no_duplicate() {
        let mut seen = Seen::default();
        assert!(!seen.repeats(b"nobody"));
        assert!(!seen.repeats(b"nobody"));
    }
}
