//! The fields of one CSV row.

use std::borrow::Cow;

use memchr::memchr;

use super::rows::split_line_end;

/// The raw fields of a row, quotes included.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Fields<'a> {
    rest: Option<&'a [u8]>,
    delimiter: u8,
}

impl<'a> Fields<'a> {
    /// The fields of a row, with or without its line end.
    pub(in crate::cli) fn new(row: &'a [u8], delimiter: u8) -> Self {
        Self { rest: Some(split_line_end(row).0), delimiter }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let behind_quotes = if rest.first() == Some(&b'"') { closing(rest) } else { 0 };
        let tail = rest.get(behind_quotes..).unwrap_or_default();
        let (field, rest) = match memchr(self.delimiter, tail) {
            Some(at) => {
                let (field, rest) = rest.split_at_checked(behind_quotes + at)?;
                (field, rest.get(1..))
            }
            None => (rest, None),
        };
        self.rest = rest;
        Some(field)
    }
}

/// The field of this number, from 0, in a row where no field is quoted: what `Fields` finds there,
/// eight octets at a time instead of field by field.
pub(in crate::cli) fn plain(row: &[u8], delimiter: u8, number: usize) -> Option<&[u8]> {
    let text = split_line_end(row).0;
    let field = text.get(behind(text, delimiter, number)?..)?;
    memchr(delimiter, field).map_or(Some(field), |end| field.get(..end))
}

/// Where the text goes on behind so many delimiters.
fn behind(text: &[u8], delimiter: u8, count: usize) -> Option<usize> {
    const LOW: u64 = u64::from_le_bytes([1; 8]);
    const REST: u64 = LOW * 0x7f;
    let Some(mut before) = count.checked_sub(1) else { return Some(0) };
    let (words, tail) = text.as_chunks::<8>();
    let mut at = 0;
    for word in words {
        let other = u64::from_le_bytes(*word) ^ (LOW * u64::from(delimiter));
        // One bit for each delimiter: the lowest of its octet. No octet carries into the next.
        let mut hits = (!(((other & REST) + REST) | other | REST)) >> 7;
        // The top octet of the product is the sum of all.
        let found = usize::from(hits.wrapping_mul(LOW).to_le_bytes()[7]);
        if before < found {
            for _ in 0..before {
                hits &= hits - 1;
            }
            return Some(at + usize::try_from(hits.trailing_zeros() / 8).ok()? + 1);
        }
        before -= found;
        at += 8;
    }
    let mut hits = memchr::memchr_iter(delimiter, tail);
    hits.nth(before).map(|hit| at + hit + 1)
}

/// Behind the quote that closes the first one; the end where none does.
fn closing(field: &[u8]) -> usize {
    let mut at = 1;
    loop {
        let Some(quote) = field.get(at..).and_then(|rest| memchr(b'"', rest)) else {
            return field.len();
        };
        at += quote + 1;
        if field.get(at) != Some(&b'"') {
            return at;
        }
        at += 1;
    }
}

/// What a field says: without its quotes, and doubled quotes single.
pub(in crate::cli) fn content(field: &[u8]) -> Cow<'_, [u8]> {
    let Some(quoted) = field.strip_prefix(b"\"") else { return field.into() };
    let inner = quoted.strip_suffix(b"\"").unwrap_or(quoted);
    if memchr(b'"', inner).is_none() {
        return inner.into();
    }
    let mut octets = Vec::with_capacity(inner.len());
    let mut doubled = false;
    for &octet in inner {
        doubled = octet == b'"' && !doubled;
        if !doubled {
            octets.push(octet);
        }
    }
    octets.into()
}

/// Appends `text` as a field, in quotes where it needs them.
pub(in crate::cli) fn push(row: &mut Vec<u8>, delimiter: u8, text: &str) {
    row.push(delimiter);
    let octets = text.as_bytes();
    if octets.contains(&delimiter) || octets.iter().any(|o| matches!(o, b'"' | b'\n' | b'\r')) {
        row.push(b'"');
        row.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        row.push(b'"');
    } else {
        row.extend_from_slice(octets);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Delimiters next to each other, in every octet of a word, and their neighbors in ASCII.
        #[test]
        fn a_plain_field_is_what_the_fields_say(
            row in "[a,+\\-\u{ac}\u{ff}]{0,40}(\r?\n)?",
            number in 0..12_usize,
        ) {
            let row = row.as_bytes();
            prop_assert_eq!(plain(row, b',', number), Fields::new(row, b',').nth(number));
        }
    }
}
