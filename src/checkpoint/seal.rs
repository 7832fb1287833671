//! The seal: every file of a checkpoint with its length and its keyed checksum.
//!
//! The store below panics, loses records without an error or spins where a bit of its files has
//! flipped, and a panic on one of its own threads breaks it for the whole process. So it is shown
//! no octet that it did not write: the seal is checked before the store is opened.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::thread;

use super::checksum::{CHECKSUM, Checksums, FORMAT, decode_anchor, take};
use super::directory::files;
use super::reason::{Fault, Reason};
use super::{Anchor, Revision};

/// The file's name. The store ignores it.
pub(super) const NAME: &str = "seal";

const MAGIC: &[u8; 8] = b"MSNDSEAL";

/// No seal is longer: a store of 100 GB has some 200,000 files.
const MAX_SEAL: u64 = 64 << 20;

const BUFFER: usize = 128 << 10;

/// What the files of a checkpoint have to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seal {
    pub(super) anchor: Anchor,
    files: Vec<Sealed>,
}

#[derive(Debug, PartialEq, Eq)]
struct Sealed {
    name: String,
    octets: u64,
    checksum: u128,
}

impl Seal {
    /// Of the files in `root` as they are now.
    pub(super) fn of(root: &Path, checksums: &Checksums, anchor: Anchor) -> io::Result<Self> {
        let mut sealed = Vec::new();
        for name in files(root)?.into_iter().filter(|name| name != NAME) {
            let (octets, checksum) = measure(root, &name, checksums, anchor.revision)?;
            sealed.push(Sealed { name, octets, checksum });
        }
        Ok(Self { anchor, files: sealed })
    }

    /// Writes the seal beside the files it speaks of.
    pub(super) fn write(&self, root: &Path, checksums: &Checksums) -> io::Result<()> {
        let mut octets = Vec::new();
        octets.extend(MAGIC);
        octets.extend(FORMAT.to_le_bytes());
        octets.extend(checksums.key_check().to_le_bytes());
        octets.extend(self.anchor.revision.number().to_le_bytes());
        octets.extend(self.anchor.chain);
        for Sealed { name, octets: length, checksum } in &self.files {
            let too_long = |_| io::Error::from(io::ErrorKind::InvalidFilename);
            octets.extend(u16::try_from(name.len()).map_err(too_long)?.to_le_bytes());
            octets.extend(name.as_bytes());
            octets.extend(length.to_le_bytes());
            octets.extend(checksum.to_le_bytes());
        }
        octets.extend(checksums.seal(&octets).to_le_bytes());
        fs::write(root.join(NAME), octets)
    }

    /// Reads the seal of a checkpoint that its directory's name gives this revision.
    pub(super) fn read(
        root: &Path,
        checksums: &Checksums,
        revision: Revision,
    ) -> Result<Self, Reason> {
        if !fs::metadata(root)?.is_dir() {
            return Err(Reason::NotADirectory);
        }
        let length = match fs::metadata(root.join(NAME)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(broken()),
            found => found?.len(),
        };
        if length > MAX_SEAL {
            return Err(broken());
        }
        let octets = fs::read(root.join(NAME))?;
        let seal = Self::decode(&octets, checksums)?;
        if seal.anchor.revision == revision { Ok(seal) } else { Err(Reason::Renamed) }
    }

    pub(super) fn decode(octets: &[u8], checksums: &Checksums) -> Result<Self, Reason> {
        let (body, checksum) = octets.split_last_chunk::<CHECKSUM>().ok_or_else(broken)?;
        let mut rest = body;
        if take(&mut rest).as_ref() != Some(MAGIC) {
            return Err(broken());
        }
        let format = u32::from_le_bytes(take(&mut rest).ok_or_else(broken)?);
        if format != FORMAT {
            return Err(Reason::UnknownFormat { found: format, expected: FORMAT });
        }
        let key_check = u128::from_le_bytes(take(&mut rest).ok_or_else(broken)?);
        if key_check != checksums.key_check() {
            return Err(Reason::WrongKey);
        }
        if u128::from_le_bytes(*checksum) != checksums.seal(body) {
            return Err(broken());
        }
        let anchor = decode_anchor(&mut rest).ok_or_else(broken)?;
        let mut files = Vec::new();
        while !rest.is_empty() {
            files.push(decode_file(&mut rest).ok_or_else(broken)?);
        }
        Ok(Self { anchor, files })
    }

    /// Whether the files are what they have to be: these and no others, octet for octet.
    pub(super) fn verify(&self, root: &Path, checksums: &Checksums) -> Result<(), Reason> {
        let found: Vec<String> = files(root)?.into_iter().filter(|name| name != NAME).collect();
        // Both are sorted: `of` sorts, and the seal's own checksum holds the order.
        let known = |name: &str| self.files.binary_search_by(|f| f.name.as_str().cmp(name)).is_ok();
        if let Some(name) = found.iter().find(|name| !known(name)) {
            return Err(Reason::File { name: name.clone(), fault: Fault::Foreign });
        }
        for Sealed { name, octets, checksum } in &self.files {
            let fail = |fault| Err(Reason::File { name: name.clone(), fault });
            if found.binary_search(name).is_err() {
                return fail(Fault::Missing);
            }
            // The length first: a file that grew is not worth reading.
            let length = fs::metadata(root.join(name))?.len();
            if length != *octets {
                return fail(Fault::Length { expected: *octets, found: length });
            }
            if measure(root, name, checksums, self.anchor.revision)? != (*octets, *checksum) {
                return fail(Fault::Checksum);
            }
        }
        Ok(())
    }
}

fn decode_file(rest: &mut &[u8]) -> Option<Sealed> {
    let length = usize::from(u16::from_le_bytes(take(rest)?));
    let (name, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    let name = String::from_utf8(name.to_vec()).ok()?;
    let octets = u64::from_le_bytes(take(rest)?);
    Some(Sealed { name, octets, checksum: u128::from_le_bytes(take(rest)?) })
}

fn measure(
    root: &Path,
    name: &str,
    checksums: &Checksums,
    revision: Revision,
) -> io::Result<(u64, u128)> {
    let mut file = File::open(root.join(name))?;
    let mut checksum = checksums.file(revision, name);
    let mut buffer = vec![0; BUFFER];
    let mut octets = 0_u64;
    loop {
        let read = match file.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else {
            return Ok((octets, checksum.finish()));
        };
        checksum.take(part);
        // Nobody waits for a checkpoint: whoever waits for the processor goes first.
        thread::yield_now();
        octets = octets.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
}

fn broken() -> Reason {
    Reason::File { name: NAME.to_owned(), fault: Fault::Checksum }
}
