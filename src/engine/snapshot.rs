//! Snapshots: the index and what belongs to it, as images of a checkpoint.
//!
//! A snapshot is fuzzy. Writes go on while partitions are copied one after another, so images hold
//! at least the anchor and perhaps more; replay skips, for each address, what its entry holds
//! already. What all refer to is copied last: the dictionary of shapes after the partitions, and
//! the words, with the revision that was reached, after everything. Loading goes by key, so the
//! words come first there.

use std::thread;

use super::boot::Recovered;
use super::erasure::Case;
use super::request::Answered;
use super::{Engine, Shared, locked};
use crate::catalog::{Name, Names};
use crate::checkpoint::{Anchor, CheckpointError, Contents, ImageKey};
use crate::index::{Index, Loader, PARTITIONS};
use crate::model::day::Timestamp;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::record::{
    CampaignRecord, CatalogVersion, SALT, decode_campaign, decode_catalog, decode_request,
    encode_campaign, encode_catalog, encode_request,
};

/// Kinds of images, in the order in which they are loaded.
const WORDS: u8 = 1;
const CAMPAIGNS: u8 = 2;
const NOTICES: u8 = 3;
const REQUESTS: u8 = 4;
const SHAPES: u8 = 5;
const INDEX: u8 = 6;
const CASES: u8 = 7;
const CATALOGS: u8 = 8;
const ACCESS: u8 = 9;

/// Octets of a piece of an image; below what a checkpoint takes.
const PIECE: usize = 48 * 1024;

/// Shapes copied under one hold of the index: some ten microseconds.
const SHAPES_AT_ONCE: usize = 128;

/// A partition's image may be cut in so many pieces; its number stands above them.
const PIECES: u32 = 1 << 10;

/// Nothing in a checkpoint needs the salt that erasing relies on.
const UNSALTED: [u8; SALT] = [0; SALT];

impl Engine {
    /// Writes a checkpoint. Takes seconds at millions of addresses; checks go on meanwhile.
    ///
    /// # Errors
    /// `CheckpointError`; the older checkpoints stay.
    pub fn checkpoint(&self) -> Result<(Anchor, Contents), CheckpointError> {
        let shared = &*self.shared;
        let anchor = *locked(&shared.anchor);
        let mut image = Vec::new();
        let copied = (0..PARTITIONS).flat_map(move |partition| {
            image.clear();
            shared.index().partition_image(partition, &mut image);
            // Nobody waits for a checkpoint.
            thread::yield_now();
            let partition = u32::try_from(partition).unwrap_or(u32::MAX);
            pieces(INDEX, partition.saturating_mul(PIECES), &image)
        });
        let rest = [
            Shared::shapes,
            Shared::cases_kept,
            Shared::access_kept,
            Shared::requests_kept,
            Shared::notices_kept,
            Shared::catalogs_kept,
            Shared::words,
        ];
        let rest = rest.into_iter().flat_map(|copy| copy(shared));
        let contents = self.checkpoints.write(anchor, &mut copied.chain(rest))?;
        Ok((anchor, contents))
    }
}

/// Cuts an image.
fn pieces(kind: u8, first: u32, image: &[u8]) -> Vec<(ImageKey, Vec<u8>)> {
    let numbered = (first..).zip(image.chunks(PIECE));
    numbered.map(|(number, piece)| (ImageKey::new(kind, number), piece.to_vec())).collect()
}

/// Puts an item in front of whose octets their number stands.
fn put_item(out: &mut Vec<u8>, item: &[u8]) {
    out.extend(u32::try_from(item.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend(item);
}

impl Shared {
    fn shapes(&self) -> Vec<(ImageKey, Vec<u8>)> {
        let mut image = Vec::new();
        let count = self.index().dictionary_image(&mut image);
        for first in (0..count).step_by(SHAPES_AT_ONCE) {
            let numbers = first..count.min(first.saturating_add(SHAPES_AT_ONCE));
            self.index().shapes_image(numbers, &mut image);
            thread::yield_now();
        }
        pieces(SHAPES, 0, &image)
    }

    fn cases_kept(&self) -> Vec<(ImageKey, Vec<u8>)> {
        let mut image = Vec::new();
        for case in locked(&self.cases).behind(Revision::ZERO) {
            put_item(&mut image, &case.to_octets());
        }
        pieces(CASES, 0, &image)
    }

    fn access_kept(&self) -> Vec<(ImageKey, Vec<u8>)> {
        let mut image = Vec::new();
        for (at, of) in locked(&self.access).behind(Revision::ZERO) {
            image.extend(at.number().to_le_bytes());
            image.extend(of.bits().to_le_bytes());
        }
        pieces(ACCESS, 0, &image)
    }

    fn requests_kept(&self) -> Vec<(ImageKey, Vec<u8>)> {
        let mut image = Vec::new();
        for answered in self.requests.holding(self.moment().at) {
            let mut item = answered.revision.number().to_le_bytes().to_vec();
            encode_request(&answered.record, UNSALTED, &mut item);
            put_item(&mut image, &item);
        }
        pieces(REQUESTS, 0, &image)
    }

    fn notices_kept(&self) -> Vec<(ImageKey, Vec<u8>)> {
        let mut image = Vec::new();
        for (digest, revision) in &*locked(&self.notice_at) {
            put_item(&mut image, &[&digest[..], &revision.number().to_le_bytes()[..]].concat());
        }
        pieces(NOTICES, 0, &image)
    }

    fn catalogs_kept(&self) -> Vec<(ImageKey, Vec<u8>)> {
        let mut image = Vec::new();
        for revision in &*locked(&self.catalogs) {
            image.extend(revision.number().to_le_bytes());
        }
        pieces(CATALOGS, 0, &image)
    }

    /// The words, the text of the catalog, its campaigns, the floor of time, and the revision that
    /// the images reach at most.
    fn words(&self) -> Vec<(ImageKey, Vec<u8>)> {
        let catalog = self.catalog();
        let names: Vec<Name> = catalog.names.iter().collect();
        let source = locked(&self.catalog_source).clone();
        let version = CatalogVersion { recorded_at: self.floor.get(), names, source };
        // The ledger is ahead of the index while a group is applied, and so may partitions be.
        let mut image = self.reader.head().number().to_le_bytes().to_vec();
        image.extend(u64::try_from(self.index().len()).unwrap_or(u64::MAX).to_le_bytes());
        encode_catalog(&version, UNSALTED, &mut image);
        let mut campaigns = Vec::new();
        for campaign in catalog.campaigns.values() {
            let recorded_at = Timestamp::default();
            let record = CampaignRecord { recorded_at, campaign: (**campaign).clone() };
            let mut item = Vec::new();
            encode_campaign(&record, UNSALTED, &mut item);
            put_item(&mut campaigns, &item);
        }
        let mut images = pieces(CAMPAIGNS, 0, &campaigns);
        images.extend(pieces(WORDS, 0, &image));
        images
    }
}

/// What is recovered from a checkpoint, image by image.
#[derive(Debug)]
pub(super) struct Builder {
    recovered: Recovered,
    loader: Option<Loader>,
    /// The image whose pieces are being gathered: its kind and, of partitions, its number.
    gathering: Option<(u8, u32)>,
    octets: Vec<u8>,
}

impl Builder {
    pub(super) fn new(recovered: Recovered) -> Self {
        Self { recovered, loader: None, gathering: None, octets: Vec::new() }
    }

    /// Takes the next piece, in the order of keys.
    pub(super) fn put(&mut self, key: ImageKey, piece: Vec<u8>) -> Result<(), String> {
        let number = if key.kind() == INDEX { key.number() / PIECES } else { 0 };
        let image = (key.kind(), number);
        if self.gathering != Some(image) {
            self.take_gathered()?;
            self.gathering = Some(image);
            // Most images are one piece.
            self.octets = piece;
        } else {
            self.octets.extend(piece);
        }
        Ok(())
    }

    /// The whole, after the last piece.
    pub(super) fn finish(mut self) -> Result<Recovered, String> {
        self.take_gathered()?;
        let Self { mut recovered, loader, .. } = self;
        recovered.index = loader.map_or_else(Index::new, Loader::finish);
        Ok(recovered)
    }

    fn take_gathered(&mut self) -> Result<(), String> {
        let octets = std::mem::take(&mut self.octets);
        match self.gathering.take() {
            None => Ok(()),
            Some((WORDS, _)) => self.words(&octets),
            Some((CAMPAIGNS, _)) => self.campaigns(&octets),
            Some((NOTICES, _)) => self.notices(&octets),
            Some((REQUESTS, _)) => self.requests(&octets),
            Some((SHAPES, _)) => self.shapes(&octets),
            Some((INDEX, _)) => {
                let loader = self.loader.as_mut().ok_or("partitions without shapes")?;
                loader.add(&octets).map_err(|error| error.to_string())
            }
            Some((CASES, _)) => self.cases(&octets),
            Some((CATALOGS, _)) => self.catalogs(&octets),
            Some((ACCESS, _)) => self.access(&octets),
            Some((kind, _)) => Err(format!("no image has the kind {kind}")),
        }
    }

    fn words(&mut self, octets: &[u8]) -> Result<(), String> {
        let (reached, rest) = split_number(octets)?;
        // The number of addresses, for which an index once had to be made to measure.
        let (_, rest) = split_number(rest)?;
        let version = decode_catalog(rest, &Names::default()).map_err(|error| error.to_string())?;
        self.recovered.reached = Revision::new(reached);
        self.recovered.floor = version.recorded_at;
        self.recovered.take_catalog(&version).map_err(|error| error.to_string())
    }

    fn campaigns(&mut self, octets: &[u8]) -> Result<(), String> {
        for item in items(octets) {
            let record = decode_campaign(item?, &self.recovered.names);
            self.recovered.take_campaign(record.map_err(|error| error.to_string())?.campaign);
        }
        Ok(())
    }

    fn notices(&mut self, octets: &[u8]) -> Result<(), String> {
        for item in items(octets) {
            let (digest, rest) = item?.split_first_chunk::<16>().ok_or("a notice is cut")?;
            let (revision, _) = split_number(rest)?;
            self.recovered.notices.insert(*digest, Revision::new(revision));
        }
        Ok(())
    }

    fn cases(&mut self, octets: &[u8]) -> Result<(), String> {
        for item in items(octets) {
            self.recovered.cases.put(Case::of_octets(item?).ok_or("a case cannot be read")?);
        }
        Ok(())
    }

    fn access(&mut self, mut octets: &[u8]) -> Result<(), String> {
        while !octets.is_empty() {
            let (at, rest) = split_number(octets)?;
            let (of, rest) = rest.split_first_chunk().ok_or("an access request is cut")?;
            let of = Fingerprint::new(u128::from_le_bytes(*of));
            self.recovered.access.put(of, Revision::new(at));
            octets = rest;
        }
        Ok(())
    }

    fn requests(&mut self, octets: &[u8]) -> Result<(), String> {
        for item in items(octets) {
            let (revision, rest) = split_number(item?)?;
            let record = decode_request(rest).map_err(|error| error.to_string())?;
            self.recovered.requests.put(Answered { revision: Revision::new(revision), record });
        }
        Ok(())
    }

    fn catalogs(&mut self, mut octets: &[u8]) -> Result<(), String> {
        while !octets.is_empty() {
            let (revision, rest) = split_number(octets)?;
            self.recovered.note_catalog(Revision::new(revision));
            octets = rest;
        }
        Ok(())
    }

    fn shapes(&mut self, octets: &[u8]) -> Result<(), String> {
        let loader = Loader::new(&self.recovered.names, [octets]);
        self.loader = Some(loader.map_err(|error| error.to_string())?);
        Ok(())
    }
}

fn split_number(octets: &[u8]) -> Result<(u64, &[u8]), String> {
    let (number, rest) = octets.split_first_chunk::<8>().ok_or("a number is cut")?;
    Ok((u64::from_le_bytes(*number), rest))
}

/// The items that `put_item` put.
fn items(mut octets: &[u8]) -> impl Iterator<Item = Result<&[u8], String>> {
    std::iter::from_fn(move || {
        if octets.is_empty() {
            return None;
        }
        let item = octets.split_first_chunk::<4>().and_then(|(length, rest)| {
            rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
        });
        let Some((item, rest)) = item else {
            octets = &[];
            return Some(Err("an item is cut".to_owned()));
        };
        octets = rest;
        Some(Ok(item))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_keeps_to_its_own_pieces_in_a_first_life_of_100_million_addresses() {
        let entries = 100_000_000_usize.div_ceil(PARTITIONS);
        // Fingerprint, revision, shape, eight days.
        let image = vec![0; entries * (16 + 8 + 4 + 8 * 2)];
        let last = pieces(INDEX, 0, &image).pop().unwrap().0;
        assert!(last.number() < PIECES, "{}", last.number());
    }
}
