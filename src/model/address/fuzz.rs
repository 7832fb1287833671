//! Any octets as an address: the oracle, the whole rule and the short cut judge alike on every kind
//! of register, and what they give is its own canonical form.

pub(super) mod oracle;

use super::*;

/// Whether the octets are an address.
#[track_caller]
pub(crate) fn target(raw: &[u8]) -> bool {
    let shown = raw.escape_ascii();
    let expect = oracle::canonical(raw);
    let mut canonicaliser = Canonicaliser::default();
    let found = canonicaliser.canonical(raw).map(<[u8]>::to_vec);
    assert_eq!(found.as_ref().ok(), expect.as_ref(), "{shown}");
    let (mut one, mut other) = ([0; MAX_ADDRESS], [0; MAX_ADDRESS]);
    let plain = plain::canonical(raw, Level::baseline(), &mut one);
    for level in levels() {
        let mut again = [0; MAX_ADDRESS];
        assert_eq!(plain::canonical(raw, level, &mut again), plain, "{level:?} {shown}");
        assert!(plain.is_none() || again[..64] == one[..64], "{level:?} {shown}");
    }
    if let Some(plain) = plain {
        let general = general::canonical(raw, &mut other, &mut general::Scratch::default());
        assert_eq!(general, Ok(plain), "{shown}");
        assert_eq!(one[..plain.len], other[..plain.len], "{shown}");
        assert!(one[plain.len..64].iter().all(|&octet| octet == 0), "{shown}");
    }
    let Ok(found) = found else { return false };
    let text = String::from_utf8(found).unwrap_or_else(|error| unreachable!("{error}: {shown}"));
    let local = text.rsplit_once('@').map(|(local, _)| local);
    assert_eq!(Some(canonicaliser.is_tagged()), local.map(|l| l.contains('+')), "{shown}");
    let base = canonicaliser.base().map(<[u8]>::to_vec);
    assert_eq!(base, oracle::base(&text), "{shown}");
    for text in [Some(text.into_bytes()), base].into_iter().flatten() {
        assert_eq!(canonicaliser.canonical(&text), Ok(&text[..]), "not canonical: {shown}");
    }
    true
}
