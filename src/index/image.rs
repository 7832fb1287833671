//! Images: the index as octets, for the checkpoint. Little-endian, no padding.
//!
//! A partition image is the number of entries, each as fingerprint (16), last revision (8), shape
//! (4) and its days (2 each, as many as the shape has); then the number of owner's yeses, each as
//! fingerprint (16) and revision (8). The dictionary is one stream: used ids, then
//! shapes in the order of their numbers. Identifiers are bare numbers; their paths come from
//! `Names`.
//!
//! Octets are foreign when they are read: whoever stores them checks them too, but nothing here
//! panics, hangs or takes more memory than in proportion to what it is given.

mod dictionary;

use std::ops::Range;

use super::shapes::Shapes;
use super::table::{self, Entry};
use super::{Facts, Held, Index};
use crate::catalog::Names;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;

use dictionary::Dictionary;

/// Octets of an entry without days.
const LEAST_ENTRY: usize = 16 + 8 + 4;

/// Why octets are no image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// They end early.
    #[error("the image ends early")]
    Truncated,
    /// They go on.
    #[error("the image goes on after its end")]
    TrailingOctets,
    /// A number that nothing has.
    #[error("the image names {what} {number}, which does not exist")]
    Unknown {
        /// What kind of thing.
        what: &'static str,
        /// Its number.
        number: u32,
    },
    /// One thing twice.
    #[error("the image names {what} twice")]
    Repeated {
        /// What kind of thing.
        what: &'static str,
    },
}

/// An index on its way in, one partition image at a time.
#[derive(Debug)]
pub struct Loader {
    index: Index,
    /// Room for the days of the entry at hand.
    days: Vec<u16>,
}

impl Index {
    /// Appends the image of a partition; nothing where there is no such partition.
    pub fn partition_image(&self, partition: usize, out: &mut Vec<u8>) {
        let Some((table, side)) = self.tables.get(partition).zip(self.sides.get(partition)) else {
            return;
        };
        put_count(out, table.len());
        for entry in table.iter(partition) {
            let Entry { fingerprint, last, facts: Facts { shape, days } } = entry;
            out.extend(fingerprint.bits().to_le_bytes());
            out.extend(last.number().to_le_bytes());
            out.extend(shape.number().to_le_bytes());
            let count = self.shapes.shape(shape).days;
            for slot in 0..count {
                let day = side.arena.day(days, count, slot).unwrap_or_default();
                out.extend(day.index().to_le_bytes());
            }
        }
        put_count(out, side.owner_yes.len());
        for (fingerprint, revision) in &side.owner_yes {
            out.extend(fingerprint.bits().to_le_bytes());
            out.extend(revision.number().to_le_bytes());
        }
    }

    /// Appends the beginning of the dictionary's image: the used ids, and how many shapes follow,
    /// which it gives back. To be copied after the partitions, see INVARIANT(shapes).
    pub fn dictionary_image(&self, out: &mut Vec<u8>) -> usize {
        dictionary::put_used(out, &self.used);
        put_count(out, self.shapes.len());
        self.shapes.len()
    }

    /// Appends some of the shapes that follow, by their numbers, so that a copy of many need not
    /// be made in one go.
    pub fn shapes_image(&self, numbers: Range<usize>, out: &mut Vec<u8>) {
        for shape in self.shapes.iter().skip(numbers.start).take(numbers.len()) {
            dictionary::put_shape(out, &shape.facts);
        }
    }

    /// An index from its images. The head is left to the caller.
    ///
    /// # Errors
    /// Where the octets are no images.
    pub fn from_images(
        names: &Names,
        shapes: impl IntoIterator<Item: AsRef<[u8]>>,
        images: impl IntoIterator<Item: AsRef<[u8]>>,
    ) -> Result<Self, ImageError> {
        let mut loader = Loader::new(names, shapes)?;
        for image in images {
            loader.add(image.as_ref())?;
        }
        Ok(loader.finish())
    }
}

impl Loader {
    /// Begins with the dictionary, cut anywhere, in its order.
    ///
    /// # Errors
    /// Where they are no dictionary, or one that names what `names` does not know.
    pub fn new(
        names: &Names,
        shapes: impl IntoIterator<Item: AsRef<[u8]>>,
    ) -> Result<Self, ImageError> {
        let mut stream = Vec::new();
        for chunk in shapes {
            stream.extend_from_slice(chunk.as_ref());
        }
        let Dictionary { used, shapes } = dictionary::read(&stream, names)?;
        Ok(Self { index: Index { used, shapes, ..Index::new() }, days: Vec::new() })
    }

    /// Adds the image of a partition. After an error the loader is of no more use.
    ///
    /// # Errors
    /// Where it is no image.
    pub fn add(&mut self, image: &[u8]) -> Result<(), ImageError> {
        let mut octets = Octets(image);
        let count = octets.count()?;
        for _ in 0..count {
            self.add_entry(&mut octets, count)?;
        }
        for _ in 0..octets.count()? {
            let fingerprint = octets.fingerprint()?;
            let revision = octets.revision()?;
            let side = &mut self.index.sides[table::table(fingerprint)];
            if side.owner_yes.insert(fingerprint, revision).is_some() {
                return Err(ImageError::Repeated { what: "an owner's yes" });
            }
        }
        octets.end()
    }

    /// The index of all that was added.
    #[must_use]
    pub fn finish(self) -> Index {
        self.index
    }

    /// Adds an entry of an image that says it has so many.
    fn add_entry(&mut self, octets: &mut Octets<'_>, count: u32) -> Result<(), ImageError> {
        let Self { index, days } = self;
        let fingerprint = octets.fingerprint()?;
        let last = octets.revision()?;
        let shape = shape(&index.shapes, octets.number()?)?;
        days.clear();
        for _ in 0..index.shapes.shape(shape).days {
            days.push(octets.short()?);
        }
        let (known, home) = index.home(fingerprint);
        if known.facts(home).is_some() {
            return Err(ImageError::Repeated { what: "an address" });
        }
        let partition = table::table(fingerprint);
        let days = index.sides[partition].arena.replace(Held::NONE, 0, days);
        let table = &mut index.tables[partition];
        // No more than the image has octets for, whatever it says.
        let coming = octets.0.len() / LEAST_ENTRY + 1;
        table.reserve(usize::try_from(count).unwrap_or(usize::MAX).min(coming));
        table.put(&Entry { fingerprint, last, facts: Facts { shape, days } });
        Ok(())
    }
}

fn shape(shapes: &Shapes, number: u32) -> Result<super::ShapeId, ImageError> {
    shapes.known(number).ok_or(ImageError::Unknown { what: "shape", number })
}

/// Octets yet to be read.
#[derive(Debug)]
struct Octets<'a>(&'a [u8]);

impl Octets<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], ImageError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(ImageError::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn tag(&mut self) -> Result<u8, ImageError> {
        self.take().map(u8::from_le_bytes)
    }

    fn short(&mut self) -> Result<u16, ImageError> {
        self.take().map(u16::from_le_bytes)
    }

    fn number(&mut self) -> Result<u32, ImageError> {
        self.take().map(u32::from_le_bytes)
    }

    /// A number of things to come. Nothing is set aside for them: they may not come.
    fn count(&mut self) -> Result<u32, ImageError> {
        self.number()
    }

    fn fingerprint(&mut self) -> Result<Fingerprint, ImageError> {
        self.take().map(u128::from_le_bytes).map(Fingerprint::new)
    }

    fn revision(&mut self) -> Result<Revision, ImageError> {
        self.take().map(u64::from_le_bytes).map(Revision::new)
    }

    fn end(self) -> Result<(), ImageError> {
        if self.0.is_empty() { Ok(()) } else { Err(ImageError::TrailingOctets) }
    }
}

/// Appends a count. One above 2^32 fits into no memory; cut, it does not load.
fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend(u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
}
