//! The protobuf wire format, as far as these messages need it, with prost's rules of acceptance.

use bytes::BufMut;

/// How deep unknown groups may nest; prost's limit.
pub(super) const NESTING: u32 = 100;

/// A message that is no protobuf message of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A number is longer than ten octets, beyond 64 bits, or cut off.
    #[error("a number is cut off or beyond 64 bits")]
    Number,
    /// A field's key is beyond 32 bits, or its field number is zero.
    #[error("a key names no field")]
    Key,
    /// There is no such wire type, or it is not that of the field.
    #[error("field {field} has wire type {kind}")]
    WireType {
        /// The number of the field.
        field: u32,
        /// What it came as.
        kind: u32,
    },
    /// A field is longer than what follows.
    #[error("a field is longer than the message")]
    Length,
    /// A group ends that did not begin, or under another number.
    #[error("a group ends that did not begin")]
    Group,
    /// Groups nest too deeply.
    #[error("groups nest deeper than {NESTING}")]
    Nesting,
    /// A text is not UTF-8.
    #[error("field {field} is not UTF-8")]
    Text {
        /// The number of the field.
        field: u32,
    },
}

/// What a field came as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Fixed64,
    Octets,
    GroupStart,
    GroupEnd,
    Fixed32,
}

impl Kind {
    const fn number(self) -> u32 {
        match self {
            Self::Number => 0,
            Self::Fixed64 => 1,
            Self::Octets => 2,
            Self::GroupStart => 3,
            Self::GroupEnd => 4,
            Self::Fixed32 => 5,
        }
    }
}

/// A field's number and what it came as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) field: u32,
    kind: Kind,
}

/// What of a message is still to be read.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The octets of the next field, if its key is this single octet and it is no longer than 127.
    /// Anything else is left where it is, for `key`.
    #[inline]
    pub(super) fn short(&mut self, key: u8) -> Option<&'a [u8]> {
        let [first, length @ 0..=0x7F, rest @ ..] = self.rest else { return None };
        if *first != key {
            return None;
        }
        let (octets, rest) = rest.split_at_checked(usize::from(*length))?;
        self.rest = rest;
        Some(octets)
    }

    pub(super) fn key(&mut self) -> Result<Key, Malformed> {
        let key = u32::try_from(self.varint()?).map_err(|_| Malformed::Key)?;
        let field = key >> 3;
        let kind = match key & 7 {
            0 => Kind::Number,
            1 => Kind::Fixed64,
            2 => Kind::Octets,
            3 => Kind::GroupStart,
            4 => Kind::GroupEnd,
            5 => Kind::Fixed32,
            kind => return Err(Malformed::WireType { field, kind }),
        };
        if field == 0 { Err(Malformed::Key) } else { Ok(Key { field, kind }) }
    }

    /// The value of a numeric field.
    pub(super) fn number(&mut self, key: Key) -> Result<u64, Malformed> {
        key.is(Kind::Number)?;
        self.varint()
    }

    /// The value of a field of octets.
    pub(super) fn octets(&mut self, key: Key) -> Result<&'a [u8], Malformed> {
        key.is(Kind::Octets)?;
        let length = self.varint()?;
        self.take(length)
    }

    /// The value of a text.
    pub(super) fn text(&mut self, key: Key) -> Result<&'a str, Malformed> {
        let octets = self.octets(key)?;
        std::str::from_utf8(octets).map_err(|_| Malformed::Text { field: key.field })
    }

    /// Steps over a field that nobody knows. Groups may nest `nesting` deep in it.
    pub(super) fn skip(&mut self, key: Key, nesting: u32) -> Result<(), Malformed> {
        let inner = nesting.checked_sub(1).ok_or(Malformed::Nesting)?;
        match key.kind {
            Kind::Number => self.varint().map(drop),
            Kind::Fixed64 => self.take(8).map(drop),
            Kind::Fixed32 => self.take(4).map(drop),
            Kind::Octets => self.octets(key).map(drop),
            Kind::GroupEnd => Err(Malformed::Group),
            Kind::GroupStart => loop {
                let next = self.key()?;
                if next.kind != Kind::GroupEnd {
                    self.skip(next, inner)?;
                } else if next.field == key.field {
                    return Ok(());
                } else {
                    return Err(Malformed::Group);
                }
            },
        }
    }

    pub(super) fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        let mut shift = 0_u32;
        let mut rest = self.rest;
        while let [octet, after @ ..] = rest {
            // The tenth octet has room for one bit.
            if shift == 63 && *octet > 1 {
                return Err(Malformed::Number);
            }
            value |= u64::from(*octet & 0x7F) << shift;
            rest = after;
            if *octet < 0x80 {
                self.rest = rest;
                return Ok(value);
            }
            shift += 7;
        }
        Err(Malformed::Number)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let split = usize::try_from(length).ok().and_then(|n| self.rest.split_at_checked(n));
        let (octets, rest) = split.ok_or(Malformed::Length)?;
        self.rest = rest;
        Ok(octets)
    }
}

impl Key {
    pub(super) const fn is_octets(self) -> bool {
        matches!(self.kind, Kind::Octets)
    }

    fn is(self, kind: Kind) -> Result<(), Malformed> {
        if self.kind == kind {
            Ok(())
        } else {
            Err(Malformed::WireType { field: self.field, kind: self.kind.number() })
        }
    }
}

/// The longest varint in octets.
pub(super) const MAX_VARINT: usize = 10;

pub(super) fn put_varint(mut value: u64, buffer: &mut impl BufMut) {
    loop {
        let [low, ..] = value.to_le_bytes();
        if value < 0x80 {
            return buffer.put_u8(low);
        }
        buffer.put_u8(low | 0x80);
        value >>= 7;
    }
}

/// A key of one octet, the length, the octets.
pub(super) fn put_octets(key: u8, octets: &[u8], buffer: &mut impl BufMut) {
    buffer.put_u8(key);
    put_varint(length(octets), buffer);
    buffer.put_slice(octets);
}

/// A key of one octet and a number, unless it is zero: that is left out.
pub(super) fn put_number(key: u8, value: u64, buffer: &mut impl BufMut) {
    if value != 0 {
        buffer.put_u8(key);
        put_varint(value, buffer);
    }
}

fn length(octets: &[u8]) -> u64 {
    // No target of Rust addresses more than 64 bits.
    u64::try_from(octets.len()).unwrap_or(u64::MAX)
}
