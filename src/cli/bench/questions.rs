//! The questions: encoded before the clock runs, and so many that none comes again while the
//! processor's caches still hold what the one before it touched.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::{facts, people};
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
pub struct Questions {
    per_call: usize,
    encoded: Vec<Bytes>,
    next: AtomicUsize,
}

/// Draws `count` of `known` recipients and as many strangers as are said, at random but the same in
/// every run; none of them twice where there are enough.
#[must_use]
pub fn draw(known: u64, count: usize) -> Vec<u64> {
    let mut rng = StdRng::seed_from_u64(1);
    let enough = u64::try_from(count).is_ok_and(|count| count <= known / 2);
    let mut seen = HashSet::new();
    let one = || loop {
        let n = rng.random_range(0..known.max(1));
        let n = if rng.random_range(0..STRANGERS) == 0 { n + known } else { n };
        if !enough || seen.insert(n) {
            return n;
        }
    };
    std::iter::repeat_with(one).take(count).collect()
}

impl Recipients {
    /// Encodes questions of `per_call` addresses.
    pub(super) fn questions(&self, brand: &str, campaign: &str, per_call: usize) -> Questions {
        let count = (ADDRESSES / per_call).clamp(1, QUESTIONS) * per_call;
        match self {
            Self::Invented { known } => {
                Questions::new(brand, campaign, per_call, draw(*known, count), people::write)
            }
            Self::Listed(addresses) => {
                let mut rng = StdRng::seed_from_u64(1);
                let drawn =
                    (0..count).filter_map(|_| addresses.get(rng.random_range(0..addresses.len())));
                Questions::new(brand, campaign, per_call, drawn, |listed, out| out.push_str(listed))
            }
        }
    }
}

impl Questions {
    /// Encodes questions about these recipients, `per_call` in each; what is left over is left out.
    #[must_use]
    pub fn about(people: &[u64], per_call: usize) -> Self {
        let people = people.iter().copied();
        Self::new(facts::BRAND, facts::CAMPAIGN, per_call, people, people::write)
    }

    fn new<T>(
        brand: &str,
        campaign: &str,
        per_call: usize,
        recipients: impl IntoIterator<Item = T>,
        write: impl Fn(T, &mut String),
    ) -> Self {
        let mut buffer = AskBuffer::new(brand, campaign, 0);
        let mut address = String::new();
        let mut encoded = Vec::new();
        for recipient in recipients {
            address.clear();
            write(recipient, &mut address);
            buffer.push(address.as_bytes());
            if buffer.count() == per_call {
                let ask = buffer.take();
                let mut octets = BytesMut::with_capacity(ask.size_bound());
                ask.write(&mut octets);
                encoded.push(octets.freeze());
            }
        }
        Self { per_call, encoded, next: AtomicUsize::new(0) }
    }

    /// How many addresses each holds.
    #[must_use]
    pub const fn per_call(&self) -> usize {
        self.per_call
    }

    /// The next one; after the last the first comes again.
    #[must_use]
    pub fn next(&self) -> Bytes {
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
