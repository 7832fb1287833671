//! Address identity, rule version 1: which spellings are one mailbox.
//!
//! Storing, asking, importing and hashing all key on what [`Canonicaliser`] gives, so two spellings
//! of one mailbox must not have two keys (an opt-out would be missed) and two mailboxes must not
//! share one (a yes would count for a stranger).
//!
//! - White space around the address is dropped (`char::is_whitespace`, thus the no-break space too;
//!   a byte order mark is no white space). The rest must be exactly `local@domain` in UTF-8.
//! - Domain: UTS-46 to its A-label (non-transitional, STD3), one trailing dot dropped, two labels or
//!   more. UTS-46 also maps and ignores: full width letters, the soft hyphen.
//! - Local part: NFC, lower case character by character, needless quotes and escapes removed. Never
//!   NFKC or case folding, and no provider's habits: dots and tags stay.
//! - Invalid: comments, folding, address literals, an empty local part, characters that nobody can
//!   see or that Unicode does not know, and non-ASCII characters that turn into ASCII ones.
//! - At most 64 octets of local part and 254 in all, counted in the canonical form.
//!
//! INVARIANT(canonical): the canonical form of a canonical form is itself. `general` holds the whole
//! rule; `plain` takes the common case at once, and hands over whatever it does not know.
//!
//! What the rule rests on: Unicode promises that normal and lower-case forms of assigned characters
//! never change, but `std` may know fewer characters than the normaliser (17 against 18 today). A
//! capital letter of the difference keeps its form until `std` learns its lower case.

mod general;
mod plain;

use std::fmt;

use fearless_simd::{Level, Simd};

pub(crate) use self::plain::Row;

/// The version of the rule, stored with a data directory, where it never changes.
pub const RULE_VERSION: u8 = 1;

/// Longest canonical address in octets (RFC 5321 section 4.5.3.1, less the angle brackets).
pub const MAX_ADDRESS: usize = 254;

/// Longest canonical local part in octets (RFC 5321 section 4.5.3.1.1).
pub const MAX_LOCAL: usize = 64;

/// Longest text that is looked at, in octets: room for an address written with many escapes or
/// decomposed characters, and a bound on the work that one text can cause.
pub const MAX_RAW: usize = 1024;

/// An e-mail address in canonical form; the only key. It prints no content.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(Box<str>);

/// Why a text is no e-mail address, for a person who has to mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidAddress {
    /// The bytes are not UTF-8.
    NotUtf8,
    /// The text, the address or its local part is longer than it may be.
    TooLong,
    /// There is no `@`.
    NoAt,
    /// What precedes the last `@` is neither a dot-atom nor a quoted string.
    LocalPart,
    /// The local part holds a character that is invisible, unassigned or a replacement for another.
    Character,
    /// The local part holds a character that would turn into an ASCII one.
    Confusable,
    /// What follows the last `@` is no domain of two labels or more.
    Domain,
}

/// Room for one canonical address and its base: one is enough for any number of addresses, and the
/// common ones among them allocate nothing.
#[derive(Clone)]
pub struct Canonicaliser {
    address: Buffer,
    shape: Shape,
    base: Buffer,
    scratch: general::Scratch,
}

/// Room for the octets of one address.
type Buffer = [u8; MAX_ADDRESS];

/// Where things are in a canonical address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Shape {
    /// Its octets.
    len: usize,
    /// A plus stands in the local part.
    tagged: bool,
}

impl Default for Canonicaliser {
    fn default() -> Self {
        Self {
            address: [0; MAX_ADDRESS],
            shape: Shape::default(),
            base: [0; MAX_ADDRESS],
            scratch: general::Scratch::default(),
        }
    }
}

impl Canonicaliser {
    /// The canonical form of `raw`, borrowed from this canonicaliser; it is UTF-8.
    ///
    /// # Errors
    /// What is wrong with `raw`. After an error there is no address to ask the base of.
    pub fn canonical(&mut self, raw: &[u8]) -> Result<&[u8], InvalidAddress> {
        self.shape = Shape::default();
        if raw.len() > MAX_RAW {
            return Err(InvalidAddress::TooLong);
        }
        self.shape = match plain::canonical(raw, Level::new(), &mut self.address) {
            Some(shape) => shape,
            None => general::canonical(raw, &mut self.address, &mut self.scratch)?,
        };
        Ok(self.address.get(..self.shape.len).unwrap_or_default())
    }

    /// Whether the local part of the address last canonicalised holds a plus. Only then is there
    /// anything to ask [`Self::base`] for.
    #[must_use]
    pub fn is_tagged(&self) -> bool {
        self.shape.tagged
    }

    /// The base of the address last canonicalised, as [`Address::base`] gives it.
    #[must_use]
    pub fn base(&mut self) -> Option<&[u8]> {
        if !self.shape.tagged {
            return None;
        }
        let len = write_base(self.address.get(..self.shape.len)?, &mut self.base)?;
        self.base.get(..len)
    }
}

/// Writes the canonical form of a short, common, untagged address and zeros behind it, and returns
/// its length, at most 63 octets; none where a canonicaliser has to be asked.
#[inline(always)]
pub(crate) fn plain<S: Simd>(simd: S, raw: &[u8], row: &mut Row) -> Option<usize> {
    let Shape { len, tagged } = plain::trimmed(simd, raw, row)?;
    (!tagged).then_some(len)
}

impl Address {
    /// Parses and canonicalises.
    ///
    /// # Errors
    /// What is wrong with `raw`.
    pub fn parse(raw: &[u8]) -> Result<Self, InvalidAddress> {
        let mut canonicaliser = Canonicaliser::default();
        let canonical = canonicaliser.canonical(raw)?;
        let text = std::str::from_utf8(canonical).map_err(|_| InvalidAddress::NotUtf8)?;
        Ok(Self(text.into()))
    }

    /// The address with this text. Trusts the ledger: the text was canonical when it was recorded.
    #[must_use]
    pub fn from_canonical(text: &str) -> Self {
        Self(text.into())
    }

    /// The canonical text. To be shown to those who may see it, never to be logged.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What precedes the plus tag, itself canonical; none where there is no tag, nothing precedes
    /// it, or what precedes it grows too long by the quotes it needs.
    #[must_use]
    pub fn base(&self) -> Option<Self> {
        base(&self.0)
    }

    /// `j***@example.com`: enough to recognize one's own address by.
    #[must_use]
    pub fn masked(&self) -> String {
        let (local, domain) = self.0.rsplit_once('@').unwrap_or((&self.0, ""));
        let first = local.chars().find(|c| !matches!(c, '"' | '\\'));
        let first = first.unwrap_or('"');
        format!("{first}***@{domain}")
    }
}

/// The base of a canonical tagged address; none as in [`Address::base`].
#[must_use]
pub fn base(canonical: &str) -> Option<Address> {
    let mut buffer = [0; MAX_ADDRESS];
    let len = write_base(canonical.as_bytes(), &mut buffer)?;
    let text = std::str::from_utf8(buffer.get(..len)?).ok()?;
    Some(Address(text.into()))
}

/// Writes the base of `canonical` and returns its length.
fn write_base(canonical: &[u8], out: &mut Buffer) -> Option<usize> {
    // A domain holds neither; a quoted local part may hold both.
    let at = canonical.iter().rposition(|&octet| octet == b'@')?;
    let (local, domain) = canonical.split_at_checked(at)?;
    let plus = local.iter().position(|&octet| octet == b'+')?;
    let before = local.get(..plus)?;
    // In a canonical form a plus is never escaped, so what precedes it ends with a whole escape.
    let content = before.strip_prefix(b"\"").unwrap_or(before);
    if content.is_empty() {
        return None;
    }
    let quote: &[u8] = if general::is_dot_atom(content) { b"" } else { b"\"" };
    if quote.len() + content.len() + quote.len() > MAX_LOCAL {
        return None;
    }
    concat(&[quote, content, quote, domain], out)
}

/// Writes the parts one after the other and returns their length; none where they do not fit.
fn concat(parts: &[&[u8]], out: &mut Buffer) -> Option<usize> {
    let mut end = 0_usize;
    for part in parts {
        let start = end;
        end = start.checked_add(part.len())?;
        out.get_mut(start..end)?.copy_from_slice(part);
    }
    Some(end)
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(..)")
    }
}

impl fmt::Debug for Canonicaliser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Canonicaliser(..)")
    }
}

impl fmt::Display for InvalidAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUtf8 => "the address is not UTF-8",
            Self::TooLong => "the address is longer than 254 octets, or its local part than 64",
            Self::NoAt => "the address has no `@`",
            Self::LocalPart => "what precedes the `@` is neither a dot-atom nor a quoted string",
            Self::Character => "what precedes the `@` holds an invisible or unassigned character",
            Self::Confusable => "what precedes the `@` holds a character that passes for another",
            Self::Domain => "what follows the `@` is no domain of two labels or more",
        })
    }
}

impl std::error::Error for InvalidAddress {}

/// Every kind of register that this machine has.
#[cfg(any(test, fuzzing))]
pub(crate) fn levels() -> Vec<Level> {
    let best = Level::new();
    let mut levels = vec![Level::baseline(), best];
    #[cfg(target_arch = "x86_64")]
    {
        levels.extend(best.as_sse4_2().map(Simd::level));
        levels.extend(best.as_avx2().map(Simd::level));
    }
    levels
}

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
#[cfg(test)]
mod tests;
