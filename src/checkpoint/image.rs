//! The name of an image.

use std::fmt;

/// First octet of a key in the store. Other first octets belong to what is no image.
const IMAGE: u8 = 1;

/// The name of an image: what it is, and which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageKey {
    kind: u8,
    number: u32,
}

impl ImageKey {
    /// The key of image `number` of this kind. Images are loaded in the order of their keys.
    #[must_use]
    pub const fn new(kind: u8, number: u32) -> Self {
        Self { kind, number }
    }

    /// What the image is; the maker of the images gives it a meaning.
    #[must_use]
    pub const fn kind(self) -> u8 {
        self.kind
    }

    /// Which of its kind.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.number
    }

    /// As a key of the store, whose order is that of the keys.
    pub(super) const fn stored(self) -> [u8; 6] {
        let [a, b, c, d] = self.number.to_be_bytes();
        [IMAGE, self.kind, a, b, c, d]
    }

    /// From a key of the store; none where it names no image.
    pub(super) fn of_stored(octets: &[u8]) -> Option<Self> {
        match *octets {
            [IMAGE, kind, a, b, c, d] => Some(Self::new(kind, u32::from_be_bytes([a, b, c, d]))),
            _ => None,
        }
    }
}

impl fmt::Display for ImageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.number)
    }
}
