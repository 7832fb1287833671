//! Octets out and in: numbers, texts, lists, instants. Knows nothing of what they mean.

use std::sync::Arc;

use super::codes::Code;
use super::{DecodeError, FORMAT, SALT};
use crate::model::day::Timestamp;

/// Appends the start of every payload that is not an event's.
pub(super) fn put_preamble(out: &mut Vec<u8>, salt: [u8; SALT]) {
    out.extend_from_slice(&salt);
    out.push(FORMAT);
}

/// Appends a number, seven bits to an octet, the lowest first.
pub(super) fn put_number(out: &mut Vec<u8>, number: u64) {
    let mut rest = number;
    loop {
        let [low, ..] = rest.to_le_bytes();
        rest >>= 7;
        if rest == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Appends a length.
pub(super) fn put_length(out: &mut Vec<u8>, length: usize) {
    put_number(out, u64::try_from(length).unwrap_or(u64::MAX));
}

/// Appends a text.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// Appends two octets.
pub(super) fn put_u16(out: &mut Vec<u8>, number: u16) {
    out.extend_from_slice(&number.to_le_bytes());
}

/// Appends an instant.
pub(super) fn put_instant(out: &mut Vec<u8>, instant: Timestamp) {
    out.extend_from_slice(&instant.nanos().to_le_bytes());
}

/// Appends an enum.
pub(super) fn put_code<C: Code>(out: &mut Vec<u8>, value: C) {
    out.push(value.code());
}

/// Appends an enum that may be absent.
pub(super) fn put_option<C: Code>(out: &mut Vec<u8>, value: Option<C>) {
    out.push(value.map_or(0, Code::code));
}

/// Appends a list.
pub(super) fn put_list<T: Copy>(
    out: &mut Vec<u8>,
    list: &[T],
    mut put: impl FnMut(&mut Vec<u8>, T),
) {
    put_length(out, list.len());
    for item in list {
        put(out, *item);
    }
}

/// What is left of a payload.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    /// Skips the start of a payload that is not an event's.
    pub(super) fn preamble(&mut self) -> Result<(), DecodeError> {
        self.octets::<SALT>()?;
        self.format()
    }

    pub(super) fn format(&mut self) -> Result<(), DecodeError> {
        match self.octet()? {
            FORMAT => Ok(()),
            other => Err(DecodeError::Format(other)),
        }
    }

    pub(super) fn octet(&mut self) -> Result<u8, DecodeError> {
        let (octet, rest) = self.rest.split_first().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*octet)
    }

    pub(super) fn octets<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (octets, rest) = self.rest.split_first_chunk().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*octets)
    }

    pub(super) fn number(&mut self) -> Result<u64, DecodeError> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let octet = self.octet()?;
            let bits = u64::from(octet & 0x7f);
            let shifted = bits << shift;
            if shifted >> shift != bits {
                return Err(DecodeError::Number);
            }
            number |= shifted;
            if octet & 0x80 == 0 {
                let shortest = octet != 0 || shift == 0;
                return if shortest { Ok(number) } else { Err(DecodeError::Number) };
            }
        }
        Err(DecodeError::Number)
    }

    /// A length that what remains can hold, at one octet an item or more.
    pub(super) fn length(&mut self) -> Result<usize, DecodeError> {
        let length = usize::try_from(self.number()?).map_err(|_| DecodeError::Truncated)?;
        if length <= self.rest.len() { Ok(length) } else { Err(DecodeError::Truncated) }
    }

    pub(super) fn text(&mut self) -> Result<&'a str, DecodeError> {
        let length = self.length()?;
        let (text, rest) = self.rest.split_at_checked(length).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        std::str::from_utf8(text).map_err(|_| DecodeError::Text)
    }

    pub(super) fn shared_text(&mut self) -> Result<Arc<str>, DecodeError> {
        self.text().map(Arc::from)
    }

    pub(super) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.octets().map(u16::from_le_bytes)
    }

    pub(super) fn instant(&mut self) -> Result<Timestamp, DecodeError> {
        self.octets().map(|octets| Timestamp::from_nanos(i64::from_le_bytes(octets)))
    }

    pub(super) fn code<C: Code>(&mut self) -> Result<C, DecodeError> {
        let code = self.octet()?;
        C::from_code(code).ok_or(DecodeError::Code { what: C::WHAT, code })
    }

    pub(super) fn option<C: Code>(&mut self) -> Result<Option<C>, DecodeError> {
        match self.octet()? {
            0 => Ok(None),
            code => C::from_code(code).map(Some).ok_or(DecodeError::Code { what: C::WHAT, code }),
        }
    }

    pub(super) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let length = self.length()?;
        let mut list = Vec::with_capacity(length);
        for _ in 0..length {
            list.push(item(self)?);
        }
        Ok(list)
    }

    /// Nothing may be left.
    pub(super) const fn end(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::Trailing(self.rest.len())) }
    }
}
