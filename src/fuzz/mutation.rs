//! Mutations of what a corpus holds: the changes that libFuzzer makes, without its feedback.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, RngCore as _};

/// No input grows beyond this: more octets of the same find nothing new here.
const LONGEST: usize = 16 << 10;

/// Octets at which parsers turn.
const TURNS: &[u8] = b"\0\x01\x7f\x80\xff\"\\\n\r,;\t@+. {}[]=:-_aAzZ09";

/// A number of changes to `octets`; `other` lends pieces of itself.
pub(super) fn mutate(chance: &mut StdRng, octets: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..chance.random_range(1..=4) {
        change(chance, octets, other);
    }
    octets.truncate(LONGEST);
}

fn change(chance: &mut StdRng, octets: &mut Vec<u8>, other: &[u8]) {
    let len = octets.len();
    let at = chance.random_range(0..=len);
    let some = |chance: &mut StdRng, most: usize| chance.random_range(0..=most.min(32));
    match chance.random_range(0..9) {
        0 => octets.truncate(at),
        1 => octets.insert(at, TURNS.choose(chance).copied().unwrap_or_default()),
        2 => {
            let end = at + some(chance, len - at);
            octets.drain(at..end);
        }
        3 => {
            let end = at + some(chance, len - at);
            let piece = octets[at..end].to_vec();
            let to = chance.random_range(0..=len);
            octets.splice(to..to, piece);
        }
        4 => {
            let from = chance.random_range(0..=other.len());
            let end = from + some(chance, other.len() - from);
            let over = at + some(chance, len - at);
            octets.splice(at..over, other[from..end].iter().copied());
        }
        5 => {
            // A number of two, four or eight octets that lies at an edge.
            let number = chance.next_u64() >> chance.random_range(0..64);
            let edge = [0, 1, u64::MAX, number][chance.random_range(0..4)].to_le_bytes();
            let width = [2, 4, 8][chance.random_range(0..3)].min(len - at);
            octets[at..at + width].copy_from_slice(&edge[..width]);
        }
        other => {
            let Some(octet) = octets.get_mut(at) else { return };
            *octet = match other {
                6 => *octet ^ (1 << chance.random_range(0..8)),
                7 => TURNS.choose(chance).copied().unwrap_or_default(),
                _ => octet.wrapping_add([1, u8::MAX][chance.random_range(0..2)]),
            };
        }
    }
}
