//! The questions: encoded before the clock runs, and so many that none comes again while the
//! processor's caches still hold what the one before it touched.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::people;
use crate::grpc::codec::{AskBuffer, WireMessage as _};

/// Addresses in the questions of one size: 66 MB of text, and as many lines of the index.
const ADDRESSES: usize = 2_000_000;

/// Most questions of one size. Of one address each they are 14 MB, but then the call costs a
/// hundred times what the address does.
const QUESTIONS: usize = 200_000;

/// Of five addresses one is a stranger.
const STRANGERS: u64 = 5;

/// Whom the questions are about.
#[derive(Debug, Clone)]
pub(super) enum Recipients {
    /// Invented ones; so many are known to the server.
    Invented { known: u64 },
    /// A list.
    Listed(Vec<String>),
}

/// A ring of encoded questions of one size.
#[derive(Debug)]
pub(super) struct Questions {
    per_call: usize,
    encoded: Vec<Bytes>,
    next: AtomicUsize,
}

impl Recipients {
    fn write_one(&self, rng: &mut StdRng, out: &mut String) {
        out.clear();
        match self {
            Self::Invented { known } => {
                let n = rng.random_range(0..*known);
                let stranger = rng.random_range(0..STRANGERS) == 0;
                people::write(if stranger { n + known } else { n }, out);
            }
            Self::Listed(addresses) => {
                let at = rng.random_range(0..addresses.len());
                out.push_str(addresses.get(at).map_or("", String::as_str));
            }
        }
    }

    /// Encodes questions of `per_call` addresses, drawn at random but the same in every run.
    pub(super) fn questions(&self, brand: &str, campaign: &str, per_call: usize) -> Questions {
        let mut rng = StdRng::seed_from_u64(1);
        let mut buffer = AskBuffer::new(brand, campaign, 0);
        let mut address = String::new();
        let count = (ADDRESSES / per_call).clamp(1, QUESTIONS);
        let encoded = (0..count).map(|_| {
            for _ in 0..per_call {
                self.write_one(&mut rng, &mut address);
                buffer.push(address.as_bytes());
            }
            let ask = buffer.take();
            let mut octets = BytesMut::with_capacity(ask.size_bound());
            ask.write(&mut octets);
            octets.freeze()
        });
        Questions { per_call, encoded: encoded.collect(), next: AtomicUsize::new(0) }
    }
}

impl Questions {
    /// How many addresses each holds.
    pub(super) const fn per_call(&self) -> usize {
        self.per_call
    }

    /// The next one; after the last the first comes again.
    pub(super) fn next(&self) -> Bytes {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let at = turn % self.encoded.len().max(1);
        self.encoded.get(at).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::codec::CheckAsk;

    #[test]
    fn four_of_five_recipients_are_known() {
        let known: std::collections::HashSet<String> = (0..1_000).map(people::address).collect();
        let questions = Recipients::Invented { known: 1_000 }.questions("b", "c", 10_000);
        let ask = CheckAsk::read(questions.next()).unwrap();
        assert_eq!((ask.brand(), ask.campaign(), ask.count()), ("b", "c", 10_000));
        let of = ask.addresses().filter(|a| known.contains(std::str::from_utf8(a).unwrap()));
        assert!((7_700..8_300).contains(&of.count()));
    }

    #[test]
    fn a_ring_gives_every_question_before_the_first_again() {
        let listed = Recipients::Listed((0..50).map(people::address).collect());
        let questions = listed.questions("b", "c", ADDRESSES / 4);
        let first: Vec<Bytes> = (0..4).map(|_| questions.next()).collect();
        let distinct: std::collections::HashSet<&Bytes> = first.iter().collect();
        assert_eq!(distinct.len(), 4);
        assert_eq!(questions.next(), first[0]);
    }
}
