//! Address identity, rule version 1.

use std::fmt;

/// Longest canonical address in octets (RFC 5321 section 4.5.3.1, less the angle brackets).
pub const MAX_ADDRESS: usize = 254;

/// An e-mail address in canonical form; the only key. It prints no content.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(Box<str>);

/// The text is no e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidAddress;

/// Room for one canonical address, so that canonicalising many allocates for none.
#[derive(Debug, Clone)]
pub struct Canonicaliser {
    buffer: Vec<u8>,
}

impl Default for Canonicaliser {
    fn default() -> Self {
        Self { buffer: Vec::with_capacity(MAX_ADDRESS) }
    }
}

impl Canonicaliser {
    /// The canonical form of `raw`, borrowed from this canonicaliser.
    ///
    /// # Errors
    /// `InvalidAddress`.
    pub fn canonical(&mut self, raw: &[u8]) -> Result<&[u8], InvalidAddress> {
        self.buffer.clear();
        self.buffer.extend(raw.trim_ascii().iter().map(u8::to_ascii_lowercase));
        if self.buffer.contains(&b'@') { Ok(&self.buffer) } else { Err(InvalidAddress) }
    }
}

/// The base of a canonical tagged address; none where it has no tag or nothing precedes the plus.
#[must_use]
pub fn base(_canonical: &str) -> Option<Address> {
    None
}

impl Address {
    /// Parses and canonicalises.
    ///
    /// # Errors
    /// `InvalidAddress`.
    pub fn parse(raw: &[u8]) -> Result<Self, InvalidAddress> {
        let mut canonicaliser = Canonicaliser::default();
        let canonical = canonicaliser.canonical(raw)?;
        let text = std::str::from_utf8(canonical).map_err(|_| InvalidAddress)?;
        Ok(Self(text.into()))
    }

    /// The address whose canonical text this is. Trusts the ledger: the text is not looked at.
    #[must_use]
    pub fn from_canonical(text: &str) -> Self {
        Self(text.into())
    }

    /// The canonical text. To be shown to those who may see it, never to be logged.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What precedes the plus tag; none where there is no tag or nothing precedes it.
    #[must_use]
    pub fn base(&self) -> Option<Self> {
        base(&self.0)
    }

    /// `j***@example.com`.
    #[must_use]
    pub fn masked(&self) -> String {
        String::new()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(..)")
    }
}
