//! The common address in one register: ASCII, a dot-atom of letters, digits and `.-_+`, and a domain
//! that IDNA leaves alone.
//!
//! This is a short cut and no second opinion: whatever it does not take goes to `general`, which
//! decides. So it may refuse what is valid (quotes, rare punctuation, a trailing dot, `--` in the
//! domain, more than 63 octets), and must never take what `general` refuses or would write
//! otherwise; the tests hold the two together.
//!
//! Sixty-four octets are compared with each kind of octet at once, which gives a bit for each octet
//! of the address; the grammar is then arithmetic on five numbers. Nothing branches on an octet,
//! nor on the length where it is 16 or more, since a branch that is guessed wrong costs as much as
//! half an address.

use fearless_simd::{Level, dispatch, mask8x64, prelude::*, u8x16, u8x64};

use super::{Buffer, Shape};

/// Room for a plain address and a zero at least.
pub(crate) type Row = [u8; ROW];

const ROW: usize = 64;

/// Longest address taken here in octets. So short, neither the local part nor a label can be too
/// long, and a hash finds its padding in the row.
const MAX_PLAIN: usize = ROW - 1;

const BLOCK: usize = 16;

/// Every octet's own place.
const PLACES: Row = {
    let mut places = [0; ROW];
    let (mut place, mut octet) = (0, 0);
    while place < ROW {
        places[place] = octet;
        place += 1;
        octet += 1;
    }
    places
};

/// Writes the canonical form of `raw`; none where `general` has to decide. What stands in `out`
/// behind the canonical form has no meaning.
pub(super) fn canonical(raw: &[u8], level: Level, out: &mut Buffer) -> Option<Shape> {
    let raw = raw.trim_ascii();
    let row = out.first_chunk_mut()?;
    dispatch!(level, simd => trimmed(simd, raw, row))
}

/// The same for what no white space surrounds; zeros follow the canonical form in the row.
#[inline(always)]
pub(crate) fn trimmed<S: Simd>(simd: S, raw: &[u8], row: &mut Row) -> Option<Shape> {
    let len = raw.len();
    if !(1..=MAX_PLAIN).contains(&len) {
        return None;
    }
    let octets = load(simd, raw)?;
    let splat = |octet| u8x64::splat(simd, octet);
    let upper = within(simd, octets, b'A', b'Z');
    let lower = upper.select(octets + splat(b'a' - b'A'), octets);
    *row = lower.into();

    let is = |octet| octets.simd_eq(splat(octet));
    let letter = within(simd, lower, b'a', b'z');
    let digit = within(simd, octets, b'0', b'9');
    let plus = is(b'+').to_bitmask();
    let marks = Marks {
        letter_or_digit: (letter | digit).to_bitmask(),
        at: is(b'@').to_bitmask(),
        dot: is(b'.').to_bitmask(),
        hyphen: is(b'-').to_bitmask(),
        local: plus | is(b'_').to_bitmask(),
    };
    marks.are_plain(len).then_some(Shape { len, tagged: plus != 0 })
}

/// The octets of a text of 1 to 64, and zeros. Blocks that overlap hold all of them wherever it
/// ends; they are then moved to their places.
#[inline(always)]
fn load<S: Simd>(simd: S, raw: &[u8]) -> Option<u8x64<S>> {
    let len = raw.len();
    let Some(last) = len.checked_sub(BLOCK) else {
        let mut row = [0; ROW];
        row.get_mut(..len)?.copy_from_slice(raw);
        return Some(u8x64::simd_from(simd, row));
    };
    let block = |start: usize| -> Option<u8x16<S>> {
        Some(u8x16::simd_from(simd, *raw.get(start..)?.first_chunk()?))
    };
    let front = block(0)?.combine(block(last.min(BLOCK))?);
    let back = block(last.saturating_sub(BLOCK))?.combine(block(last)?);
    // The front holds the first block or two in their places; what follows stands at the end.
    let in_place = if len < 2 * BLOCK { 16 } else { 32 };
    let behind = u8::try_from(ROW.checked_sub(len)?).ok()?;
    let place = u8x64::simd_from(simd, PLACES);
    let moved = place + u8x64::splat(simd, behind);
    let from = place.simd_lt(u8x64::splat(simd, in_place)).select(place, moved);
    // Places from 64 on are those behind the text, and give zero.
    Some(front.combine(back).swizzle_dyn_precise(from))
}

/// Which octets lie from `first` to `last`: the others wrap to something greater.
#[inline(always)]
fn within<S: Simd>(simd: S, octets: u8x64<S>, first: u8, last: u8) -> mask8x64<S> {
    (octets - u8x64::splat(simd, first)).simd_le(u8x64::splat(simd, last - first))
}

/// Where each kind of octet stands: bit n is octet n.
struct Marks {
    letter_or_digit: u64,
    at: u64,
    dot: u64,
    hyphen: u64,
    /// In a local part alone: plus and underscore.
    local: u64,
}

impl Marks {
    /// Whether these are the marks of a plain address of `len` octets, from 1 to 63.
    #[inline(always)]
    fn are_plain(&self, len: usize) -> bool {
        let Self { letter_or_digit, at, dot, hyphen, local } = *self;
        let octets = u64::MAX >> (ROW - len);
        let last = 1 << (len - 1);
        let known = letter_or_digit | at | dot | hyphen | local;
        // All bits above the first `@`; none where there is no `@`.
        let domain = at.wrapping_neg() & !at;
        let second_at = at & at.wrapping_sub(1);
        // What may not begin or end the address nor stand twice in a row. Two hyphens of a domain
        // may, but they may also be those of an A-label.
        let edges = at | dot | (hyphen & domain);
        let faults = (octets & !known)
            | second_at
            | (local & domain)
            | (edges & (1 | last))
            | (edges & (edges << 1));
        faults == 0 && dot & domain != 0
    }
}
