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
