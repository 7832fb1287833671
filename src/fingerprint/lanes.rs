//! SipHash-1-3-128 of eight short texts at once: lane n of each register is the state of text n.
//!
//! A round is a chain of additions, rotations and exclusive ors that all wait for one another, so
//! that one text alone leaves most of a processor idle. Eight that are of differing lengths go the
//! rounds of the longest; the others keep their state while they have no word left.
//!
//! `fearless_simd` compiles this for every kind of register. Functions that take registers are
//! inlined by force: what the compiler leaves outside is compiled without those registers.

use fearless_simd::{prelude::*, u8x64, u64x8};

use crate::model::address::Row;
use crate::model::fingerprint::Fingerprint;

/// Texts of a group.
pub(super) const LANES: usize = 8;

/// Octets of a word.
const WORD: u32 = 8;

/// Eight texts of at most 63 octets.
#[derive(Clone)]
pub(super) struct Group {
    /// Their octets, and zeros.
    pub(super) rows: [Row; LANES],
    pub(super) lens: [u64; LANES],
}

impl Group {
    pub(super) const EMPTY: Self = Self { rows: [[0; 64]; LANES], lens: [0; LANES] };
}

/// A key in the form in which hashing begins.
#[derive(Clone, Copy)]
pub(super) struct Lanes {
    initial: [u64; 4],
}

/// The state of eight hashes.
type State<S> = [u64x8<S>; 4];

impl Lanes {
    pub(super) const fn new(key: [u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = key;
        let k0 = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let k1 = u64::from_le_bytes([i, j, k, l, m, n, o, p]);
        Self {
            initial: [
                k0 ^ 0x736f_6d65_7073_6575,
                k1 ^ 0x646f_7261_6e64_6f6d ^ 0xee,
                k0 ^ 0x6c79_6765_6e65_7261,
                k1 ^ 0x7465_6462_7974_6573,
            ],
        }
    }

    /// Adds the fingerprints of the group.
    #[inline(always)]
    pub(super) fn hash<S: Simd>(self, simd: S, group: &Group, out: &mut Vec<Fingerprint>) {
        let splat = |word| u64x8::splat(simd, word);
        let lens = u64x8::simd_from(simd, group.lens);
        let last = lens >> 3;
        // The last word ends with the length.
        let length = lens << (64 - WORD);
        let words = columns(simd, &group.rows);
        let [v0, v1, v2, v3] = self.initial;
        let mut state = [splat(v0), splat(v1), splat(v2), splat(v3)];
        let most = lens.reduce_max() >> 3;
        for (position, word) in (0..).zip(&words) {
            let here = splat(position);
            let word = u64x8::simd_from(simd, *word);
            let word = word | here.simd_eq(last).select(length, splat(0));
            let [a, b, c, d] = state;
            let [e, f, g, h] = round([a, b, c, d ^ word]);
            let has_word = here.simd_le(last);
            state = [
                has_word.select(e ^ word, a),
                has_word.select(f, b),
                has_word.select(g, c),
                has_word.select(h, d),
            ];
            if position == most {
                break;
            }
        }
        let [a, b, c, d] = state;
        let state = round(round(round([a, b, c ^ splat(0xee), d])));
        let low: [u64; LANES] = folded(state).into();
        let [a, b, c, d] = state;
        let state = round(round(round([a, b ^ splat(0xdd), c, d])));
        let high: [u64; LANES] = folded(state).into();
        // Slices, since the iterators of whole arrays are moved about in memory.
        let mut names = [Fingerprint::new(0); LANES];
        for ((name, low), high) in names.iter_mut().zip(&low).zip(&high) {
            *name = Fingerprint::new(u128::from(*low) | u128::from(*high) << 64);
        }
        out.extend_from_slice(&names);
    }
}

#[inline(always)]
fn round<S: Simd>([a, b, c, d]: State<S>) -> State<S> {
    let a = a + b;
    let b = rotated::<_, 13>(b) ^ a;
    let a = rotated::<_, 32>(a);
    let c = c + d;
    let d = rotated::<_, 16>(d) ^ c;
    let a = a + d;
    let d = rotated::<_, 21>(d) ^ a;
    let c = c + b;
    let b = rotated::<_, 17>(b) ^ c;
    let c = rotated::<_, 32>(c);
    [a, b, c, d]
}

#[inline(always)]
fn rotated<S: Simd, const BY: u32>(words: u64x8<S>) -> u64x8<S> {
    (words << BY) | (words >> (64 - BY))
}

#[inline(always)]
fn folded<S: Simd>([a, b, c, d]: State<S>) -> u64x8<S> {
    a ^ b ^ c ^ d
}

/// Word n of every row, for each n: to exchange rows and columns is to shuffle three times.
#[inline(always)]
fn columns<S: Simd>(simd: S, rows: &[Row; LANES]) -> [[u64; LANES]; 8] {
    let row = |row: &Row| -> u64x8<S> { u8x64::simd_from(simd, *row).bitcast() };
    let [a, b, c, d, e, f, g, h] = rows;
    let rows = [row(a), row(b), row(c), row(d), row(e), row(f), row(g), row(h)];
    let [a, b, c, d, e, f, g, h] = shuffled(shuffled(shuffled(rows)));
    [a.into(), b.into(), c.into(), d.into(), e.into(), f.into(), g.into(), h.into()]
}

/// One half and the other, in turn.
#[inline(always)]
fn shuffled<S: Simd>([a, b, c, d, e, f, g, h]: [u64x8<S>; 8]) -> [u64x8<S>; 8] {
    [
        a.zip_low(e),
        a.zip_high(e),
        b.zip_low(f),
        b.zip_high(f),
        c.zip_low(g),
        c.zip_high(g),
        d.zip_low(h),
        d.zip_high(h),
    ]
}

#[cfg(test)]
mod tests {
    use fearless_simd::dispatch;
    use proptest::prelude::*;
    use siphasher::sip128::SipHasher13;

    use super::*;
    use crate::model::address::levels;

    proptest! {
        /// Whatever stands in the other lanes, and however long it is.
        #[test]
        fn every_lane_gives_what_the_hash_gives_for_its_text_alone(
            key: [u8; 16],
            texts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..64), LANES),
        ) {
            let mut group = Group::EMPTY;
            for ((row, len), text) in group.rows.iter_mut().zip(&mut group.lens).zip(&texts) {
                row[..text.len()].copy_from_slice(text);
                *len = u64::try_from(text.len()).unwrap();
            }
            let hasher = SipHasher13::new_with_key(&key);
            let alone: Vec<u128> = texts.iter().map(|text| hasher.hash(text).into()).collect();
            for level in levels() {
                let mut found = Vec::new();
                dispatch!(level, simd => Lanes::new(key).hash(simd, &group, &mut found));
                let found: Vec<u128> = found.into_iter().map(Fingerprint::bits).collect();
                prop_assert_eq!(&found, &alone, "{:?}", level);
            }
        }
    }
}
