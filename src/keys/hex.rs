//! Secrets as lower-case hexadecimal text.

use std::fmt::Write as _;

pub(crate) fn encode(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        // Writing to a `String` cannot fail.
        write!(text, "{octet:02x}").unwrap_or_default();
        text
    })
}

/// The octets; none where there are not exactly so many, or not in lower-case hexadecimal.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    let mut octets = [0; N];
    if !odd.is_empty() || pairs.len() != N {
        return None;
    }
    for (octet, [high, low]) in octets.iter_mut().zip(pairs) {
        *octet = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(octets)
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
