//! The common address in one pass: ASCII, a dot-atom, and a domain that IDNA leaves alone.
//!
//! This is a short cut and no second opinion: whatever it does not take goes to `general`, which
//! decides. So it may refuse what is valid (quotes, a trailing dot, `--` in the domain), and must
//! never take what `general` refuses or writes otherwise; the tests hold the two together.

use super::{Buffer, MAX_LOCAL, Shape};

/// Longest domain taken here in octets: no label can be longer than a label may be.
const MAX_DOMAIN: usize = 63;

/// What an octet is, one bit each. A letter or digit has none.
type Class = u8;
const DOT: Class = 1 << 0;
const HYPHEN: Class = 1 << 1;
const PLUS: Class = 1 << 2;
/// Allowed in an atom but not in a host name.
const ATEXT: Class = 1 << 3;
/// Not taken here.
const OTHER: Class = 1 << 4;

/// What must not stand where a part of a name begins, ends or meets a dot.
const LOCAL_EDGE: Class = DOT | OTHER;
const DOMAIN_EDGE: Class = DOT | HYPHEN | PLUS | ATEXT | OTHER;
/// What must not stand anywhere else.
const LOCAL_INSIDE: Class = OTHER;
const DOMAIN_INSIDE: Class = PLUS | ATEXT | OTHER;

/// What the pass knows about an octet.
#[derive(Clone, Copy)]
struct Octet {
    lower: u8,
    class: Class,
    /// What must not follow it in a local part.
    local: Class,
    /// What must not follow it in a domain. A second hyphen neither: it may be an A-label.
    domain: Class,
}

static OCTETS: [Octet; 256] = octets();

const fn octets() -> [Octet; 256] {
    let other = Octet { lower: 0, class: OTHER, local: LOCAL_INSIDE, domain: DOMAIN_INSIDE };
    let mut table = [other; 256];
    let mut index = 0;
    let mut octet = 0_u8;
    while octet < 0x80 {
        let class = match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => 0,
            b'.' => DOT,
            b'-' => HYPHEN,
            b'+' => PLUS,
            b'!' | b'#'..=b'\'' | b'*' | b'/' | b'=' | b'?' | b'^'..=b'`' | b'{'..=b'~' => ATEXT,
            _ => OTHER,
        };
        table[index] = Octet {
            lower: octet.to_ascii_lowercase(),
            class,
            local: if class == DOT { LOCAL_EDGE } else { LOCAL_INSIDE },
            domain: if class & (DOT | HYPHEN) != 0 { DOMAIN_EDGE } else { DOMAIN_INSIDE },
        };
        octet += 1;
        index += 1;
    }
    table
}

/// Writes the canonical form of `raw`; none where `general` has to decide.
pub(super) fn canonical(raw: &[u8], out: &mut Buffer) -> Option<Shape> {
    let raw = raw.trim_ascii();
    let at = raw.iter().position(|&octet| octet == b'@')?;
    let (local, rest) = raw.split_at_checked(at)?;
    let (_, domain) = rest.split_first()?;
    if local.is_empty() || at > MAX_LOCAL || domain.is_empty() || domain.len() > MAX_DOMAIN {
        return None;
    }
    let (local_out, rest) = out.split_at_mut_checked(at)?;
    let (at_out, domain_out) = rest.split_first_mut()?;

    // No branch looks at an octet: its faults are gathered and looked at once.
    let (mut faults, mut local_seen, mut forbidden) = (0, 0, LOCAL_EDGE);
    for (slot, &octet) in local_out.iter_mut().zip(local) {
        let octet = &OCTETS[usize::from(octet)];
        *slot = octet.lower;
        faults |= octet.class & forbidden;
        local_seen |= octet.class;
        forbidden = octet.local;
    }
    faults |= forbidden & DOT;

    *at_out = b'@';
    let mut domain_seen = 0;
    forbidden = DOMAIN_EDGE;
    for (slot, &octet) in domain_out.iter_mut().zip(domain) {
        let octet = &OCTETS[usize::from(octet)];
        *slot = octet.lower;
        faults |= octet.class & forbidden;
        domain_seen |= octet.class;
        forbidden = octet.domain;
    }
    faults |= forbidden & DOT;

    let taken = faults == 0 && domain_seen & DOT != 0;
    taken.then_some(Shape { len: raw.len(), tagged: local_seen & PLUS != 0 })
}
