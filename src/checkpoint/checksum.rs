//! Keyed checksums, and what a checkpoint says of itself.
//!
//! SipHash-1-3-128 under the key of the data directory. Every checksum begins with a tag of its
//! own, so that none passes for another, and with the revision, so that nothing moves from one
//! checkpoint to another. They find accidents and exchanged parts; whoever holds the key can forge.

use std::hash::Hasher as _;

use siphasher::sip128::{Hasher128 as _, SipHasher13};

use super::{Anchor, Contents, ImageKey, Reason};
use crate::model::revision::Revision;

/// Version of the seal, of the manifest, of how images are held and of which kinds there must be.
/// Others are never read: one without a kind that is needed now would pass for one that has none.
/// 2: cases of erasure, versions of the catalog.
pub(super) const FORMAT: u32 = 2;

/// Octets of a checksum.
pub(super) const CHECKSUM: usize = 16;

/// The key, as the one thing that makes checksums.
#[derive(Clone)]
pub(super) struct Checksums {
    key: [u8; 16],
}

impl Checksums {
    pub(super) const fn new(key: [u8; 16]) -> Self {
        Self { key }
    }

    fn start(&self, tag: &[u8; 4], revision: Revision) -> Checksum {
        let mut checksum = Checksum(SipHasher13::new_with_key(&self.key));
        checksum.take(tag);
        checksum.take(&revision.number().to_le_bytes());
        checksum
    }

    /// Tells keys apart without telling the key.
    pub(super) fn key_check(&self) -> u128 {
        self.start(b"key?", Revision::ZERO).finish()
    }

    /// Of one image.
    pub(super) fn image(&self, revision: Revision, key: ImageKey, octets: &[u8]) -> u128 {
        let mut checksum = self.start(b"imag", revision);
        checksum.take(&key.stored());
        checksum.take(octets);
        checksum.finish()
    }

    /// Of the manifest.
    pub(super) fn manifest(&self, revision: Revision, octets: &[u8]) -> u128 {
        let mut checksum = self.start(b"mani", revision);
        checksum.take(octets);
        checksum.finish()
    }

    /// Of the seal.
    pub(super) fn seal(&self, octets: &[u8]) -> u128 {
        let mut checksum = self.start(b"seal", Revision::ZERO);
        checksum.take(octets);
        checksum.finish()
    }

    /// Of one file, to be fed.
    pub(super) fn file(&self, revision: Revision, name: &str) -> Checksum {
        let mut checksum = self.start(b"file", revision);
        checksum.take(name.as_bytes());
        checksum.take(&[0]);
        checksum
    }
}

/// A checksum in the making.
pub(super) struct Checksum(SipHasher13);

impl Checksum {
    pub(super) fn take(&mut self, octets: &[u8]) {
        self.0.write(octets);
    }

    pub(super) fn finish(self) -> u128 {
        self.0.finish128().as_u128()
    }
}

/// What a walk over the images adds up to. The sum of their checksums stands for the set: a
/// missing, an extra and an exchanged image each change it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) contents: Contents,
    pub(super) set: u128,
}

impl Tally {
    pub(super) fn add(&mut self, octets: usize, checksum: u128) {
        let octets = u64::try_from(octets).unwrap_or(u64::MAX);
        self.contents.images = self.contents.images.saturating_add(1);
        self.contents.octets = self.contents.octets.saturating_add(octets);
        self.set = self.set.wrapping_add(checksum);
    }
}

/// The image that names all others.
pub(super) fn encode_manifest(checksums: &Checksums, anchor: Anchor, tally: Tally) -> Vec<u8> {
    let mut octets = Vec::with_capacity(128);
    octets.extend(FORMAT.to_le_bytes());
    octets.extend(checksums.key_check().to_le_bytes());
    octets.extend(anchor.revision.number().to_le_bytes());
    octets.extend(anchor.chain);
    octets.extend(tally.contents.images.to_le_bytes());
    octets.extend(tally.contents.octets.to_le_bytes());
    octets.extend(tally.set.to_le_bytes());
    octets.extend(checksums.manifest(anchor.revision, &octets).to_le_bytes());
    octets
}

/// What the walk has to add up to.
pub(super) fn decode_manifest(
    checksums: &Checksums,
    anchor: Anchor,
    octets: &[u8],
) -> Result<Tally, Reason> {
    let (body, checksum) = octets.split_last_chunk::<CHECKSUM>().ok_or(Reason::Manifest)?;
    let mut rest = body;
    let head = &mut rest;
    let format = u32::from_le_bytes(take(head).ok_or(Reason::Manifest)?);
    if format != FORMAT {
        return Err(Reason::UnknownFormat { found: format, expected: FORMAT });
    }
    let key_check = u128::from_le_bytes(take(head).ok_or(Reason::Manifest)?);
    if key_check != checksums.key_check() {
        return Err(Reason::WrongKey);
    }
    if u128::from_le_bytes(*checksum) != checksums.manifest(anchor.revision, body) {
        return Err(Reason::Manifest);
    }
    let found = decode_anchor(head).ok_or(Reason::Manifest)?;
    let images = u64::from_le_bytes(take(head).ok_or(Reason::Manifest)?);
    let octets = u64::from_le_bytes(take(head).ok_or(Reason::Manifest)?);
    let set = u128::from_le_bytes(take(head).ok_or(Reason::Manifest)?);
    if found != anchor || !head.is_empty() {
        return Err(Reason::Manifest);
    }
    Ok(Tally { contents: Contents { images, octets }, set })
}

/// Revision and chain, off the front.
pub(super) fn decode_anchor(rest: &mut &[u8]) -> Option<Anchor> {
    let revision = Revision::new(u64::from_le_bytes(take(rest)?));
    Some(Anchor { revision, chain: take(rest)? })
}

/// So many octets, off the front.
pub(super) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*first)
}
