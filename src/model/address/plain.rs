//! The common address, sixteen octets at a time: ASCII, a dot-atom of letters, digits and `.-_+`,
//! and a domain that IDNA leaves alone.
//!
//! This is a short cut and no second opinion: whatever it does not take goes to `general`, which
//! decides. So it may refuse what is valid (quotes, rare punctuation, a trailing dot, `--` in the
//! domain, more than 64 octets), and must never take what `general` refuses or would write
//! otherwise; the tests hold the two together.
//!
//! A sixteen-octet block is compared with each kind of octet at once, which gives a bit for each
//! octet of the address; the grammar is then arithmetic on five numbers. Nothing branches on an
//! octet, since a branch that is guessed wrong costs as much as a block.

use wide::u8x16;

use super::{Buffer, Shape};

/// Longest address taken here in octets: one bit for each. So short, neither the local part nor a
/// label can be too long.
const MAX_PLAIN: usize = 64;

const BLOCK: usize = 16;

/// Where each kind of octet stands: bit n is octet n.
#[derive(Default)]
struct Marks {
    /// A letter, a digit, or one of those below.
    known: u64,
    at: u64,
    dot: u64,
    hyphen: u64,
    plus: u64,
    /// In a local part alone: plus and underscore.
    local: u64,
}

/// Writes the canonical form of `raw`; none where `general` has to decide. What stands in `out`
/// behind the canonical form has no meaning.
pub(super) fn canonical(raw: &[u8], out: &mut Buffer) -> Option<Shape> {
    let raw = raw.trim_ascii();
    let len = raw.len();
    if !(1..=MAX_PLAIN).contains(&len) {
        return None;
    }
    let mut marks = Marks::default();
    if len < BLOCK {
        let mut padded = [0; BLOCK];
        padded.get_mut(..len)?.copy_from_slice(raw);
        marks.read(padded, 0, out.first_chunk_mut()?);
    } else {
        // Blocks overlap rather than end before a tail: reading an octet twice changes nothing.
        let mut read = |start: usize| -> Option<()> {
            let block = raw.get(start..)?.first_chunk()?;
            marks.read(*block, start, out.get_mut(start..)?.first_chunk_mut()?);
            Some(())
        };
        read(0)?;
        read(len - BLOCK)?;
        if len > 2 * BLOCK {
            read(BLOCK)?;
            read(len - 2 * BLOCK)?;
        }
    }
    marks.are_plain(len).then_some(Shape { len, tagged: marks.plus != 0 })
}

impl Marks {
    /// Marks the octets of a block that starts at octet `start`, and writes them in lower case.
    #[inline]
    fn read(&mut self, block: [u8; BLOCK], start: usize, out: &mut [u8; BLOCK]) {
        let octets = u8x16::from(block);
        let is = |octet| octets.simd_eq(u8x16::splat(octet));
        let upper = within(octets, b'A', b'Z');
        let lower = octets | (upper & u8x16::splat(b'a' - b'A'));
        let letter = within(lower, b'a', b'z');
        let digit = within(octets, b'0', b'9');
        let (at, dot, hyphen, plus) = (is(b'@'), is(b'.'), is(b'-'), is(b'+'));
        let local = plus | is(b'_');
        let known = letter | digit | at | dot | hyphen | local;

        let bits = |mask: u8x16| u64::from(mask.to_bitmask()) << start;
        self.known |= bits(known);
        self.at |= bits(at);
        self.dot |= bits(dot);
        self.hyphen |= bits(hyphen);
        self.plus |= bits(plus);
        self.local |= bits(local);
        *out = lower.to_array();
    }

    /// Whether these are the marks of a plain address of `len` octets, from 1 to 64.
    fn are_plain(&self, len: usize) -> bool {
        let octets = u64::MAX >> (MAX_PLAIN - len);
        let last = 1 << (len - 1);
        // All bits above the first `@`; none where there is no `@`.
        let domain = self.at.wrapping_neg() & !self.at;
        let second_at = self.at & self.at.wrapping_sub(1);
        // What may not begin or end the address nor stand twice in a row. Two hyphens of a domain
        // may, but they may also be those of an A-label.
        let edges = self.at | self.dot | (self.hyphen & domain);
        let faults = (octets & !self.known)
            | second_at
            | (self.local & domain)
            | (edges & (1 | last))
            | (edges & (edges << 1));
        faults == 0 && self.dot & domain != 0
    }
}

/// Which octets lie from `first` to `last`: the others wrap to something greater.
#[inline]
fn within(octets: u8x16, first: u8, last: u8) -> u8x16 {
    (octets - u8x16::splat(first)).simd_le(u8x16::splat(last - first))
}
