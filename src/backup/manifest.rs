//! The manifest: what a backup consists of. JSON for people and programs; its last field is the
//! digest of all before it, and what differs from what this program would write is not taken.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::BackupError;
use crate::keys::hex;
use crate::ledger::{CopiedSegment, LedgerCopy};
use crate::model::day::Timestamp;
use crate::model::revision::Revision;

/// The name of its file.
pub(super) const NAME: &str = "manifest.json";

/// The version that this program writes and reads.
const FORMAT: u32 = 1;

/// What a backup consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: u32,
    /// The version of the program that made it.
    pub program: String,
    /// When, RFC 3339.
    pub made_at: String,
    key_check: String,
    address_rule: u16,
    head: u64,
    chain: String,
    /// The ledger's segments, in their order.
    pub segments: Vec<SegmentEntry>,
    /// The list of tombstones.
    pub tombstones: FileEntry,
    /// The key file, where it was copied.
    pub keys: Option<FileEntry>,
    blake3: String,
}

/// A segment of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentEntry {
    first: u64,
    /// Its file.
    #[serde(flatten)]
    pub file: FileEntry,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its path, from the backup's directory.
    pub file: String,
    /// Octets in it.
    pub octets: u64,
    /// Digest of them, in hexadecimal.
    pub blake3: String,
}

impl FileEntry {
    pub(super) fn of(stem: &str, kind: &str, octets: &[u8]) -> Self {
        let blake3 = hex::encode(blake3::hash(octets).as_bytes());
        let file = format!("{stem}-{}.{kind}", &blake3[..16]);
        Self { file, octets: u64::try_from(octets.len()).unwrap_or(u64::MAX), blake3 }
    }

    /// Whether its name is the one that `of` gives: nothing outside the backup is read.
    fn is_named(&self, stem: &str, kind: &str) -> bool {
        let digest = self.blake3.get(..16).unwrap_or_default();
        digest.bytes().all(|digit| digit.is_ascii_hexdigit())
            && self.file == format!("{stem}-{digest}.{kind}")
    }

    /// Its octets, if they are what the manifest says.
    ///
    /// # Errors
    /// `NotTheFile`.
    pub(super) fn read(&self, dir: &Path) -> Result<Vec<u8>, BackupError> {
        let path = dir.join(&self.file);
        let octets = fs::read(&path).map_err(|_| BackupError::NotTheFile(path.clone()))?;
        let right = u64::try_from(octets.len()).is_ok_and(|length| length == self.octets)
            && hex::encode(blake3::hash(&octets).as_bytes()) == self.blake3;
        if right { Ok(octets) } else { Err(BackupError::NotTheFile(path)) }
    }
}

impl Manifest {
    pub(super) fn new(
        copied: &LedgerCopy,
        tombstones: FileEntry,
        keys: Option<FileEntry>,
        now: Timestamp,
    ) -> Self {
        let segment = |copied: &CopiedSegment| SegmentEntry {
            first: copied.first.number(),
            file: FileEntry {
                file: format!("ledger/{}", copied.file_name()),
                octets: copied.octets,
                blake3: hex::encode(&copied.digest),
            },
        };
        let mut manifest = Self {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            made_at: rfc3339(now),
            key_check: hex::encode(&copied.key_check),
            address_rule: copied.address_rule,
            head: copied.head.number(),
            chain: hex::encode(&copied.chain),
            segments: copied.segments.iter().map(segment).collect(),
            tombstones,
            keys,
            blake3: String::new(),
        };
        manifest.blake3 = digest(&manifest);
        manifest
    }

    /// As it stands in its file.
    #[must_use]
    pub fn text(&self) -> String {
        text(self)
    }

    /// Reads the manifest of a backup.
    ///
    /// # Errors
    /// `NoManifest`, `Altered`, `Format`.
    pub fn read(dir: &Path) -> Result<Self, BackupError> {
        let path = dir.join(NAME);
        let octets = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(BackupError::NoManifest(dir.to_owned()));
            }
            read => read.map_err(crate::ledger::at(&path))?,
        };
        Self::parse(&path, &octets)
    }

    /// As `read`, out of the octets of the file.
    pub(super) fn parse(path: &Path, octets: &[u8]) -> Result<Self, BackupError> {
        let altered = || BackupError::Altered(path.to_owned());
        let manifest: Self = serde_json::from_slice(octets).map_err(|_| altered())?;
        let unsigned = Self { blake3: String::new(), ..manifest.clone() };
        if manifest.text().as_bytes() != octets || manifest.blake3 != digest(&unsigned) {
            return Err(altered());
        }
        if manifest.format != FORMAT {
            return Err(BackupError::Format { path: path.to_owned(), found: manifest.format });
        }
        let named: Vec<String> =
            manifest.copied().map(|copied| format!("ledger/{}", copied.file_name())).collect();
        let files = manifest.segments.iter().map(|entry| &entry.file.file);
        let is_named = files.eq(&named)
            && manifest.tombstones.is_named("tombstones", "json")
            && manifest.keys.as_ref().is_none_or(|keys| keys.is_named("keys", "toml"));
        if is_named { Ok(manifest) } else { Err(altered()) }
    }

    /// The text of a manifest with its digest made anew; none where it is no manifest.
    #[cfg(any(test, fuzzing))]
    pub(super) fn sealed(octets: &[u8]) -> Option<String> {
        let mut manifest: Self = serde_json::from_slice(octets).ok()?;
        manifest.blake3 = String::new();
        manifest.blake3 = digest(&manifest);
        Some(manifest.text())
    }

    /// The last revision in it.
    #[must_use]
    pub fn head(&self) -> Revision {
        Revision::new(self.head)
    }

    /// The chain there.
    ///
    /// # Errors
    /// It is no digest.
    pub fn chain(&self) -> Result<[u8; 32], BackupError> {
        hex::decode(&self.chain).ok_or_else(|| BackupError::Altered(NAME.into()))
    }

    /// Tells the right key from a wrong one.
    ///
    /// # Errors
    /// It is no digest.
    pub fn key_check(&self) -> Result<[u8; 16], BackupError> {
        hex::decode(&self.key_check).ok_or_else(|| BackupError::Altered(NAME.into()))
    }

    /// The version of the address rule.
    #[must_use]
    pub const fn address_rule(&self) -> u16 {
        self.address_rule
    }

    /// The segments as they were copied.
    pub(super) fn copied(&self) -> impl Iterator<Item = CopiedSegment> + Clone {
        self.segments.iter().filter_map(|entry| {
            let digest = hex::decode(&entry.file.blake3)?;
            let (first, octets) = (Revision::new(entry.first), entry.file.octets);
            Some(CopiedSegment { first, octets, digest })
        })
    }

    /// Every file that it names.
    pub fn files(&self) -> impl Iterator<Item = &FileEntry> {
        let segments = self.segments.iter().map(|segment| &segment.file);
        segments.chain([&self.tombstones]).chain(&self.keys)
    }
}

/// JSON over several lines, with one at the end.
pub(super) fn text<T: Serialize>(document: &T) -> String {
    // Plain structs of texts and numbers have no error.
    serde_json::to_string_pretty(document).unwrap_or_default() + "\n"
}

/// The digest of a document whose field for it is empty.
pub(super) fn digest<T: Serialize>(document: &T) -> String {
    hex::encode(blake3::hash(text(document).as_bytes()).as_bytes())
}

/// An instant as documents hold it.
pub(super) fn rfc3339(at: Timestamp) -> String {
    let instant = jiff::Timestamp::from_nanosecond(i128::from(at.nanos()));
    instant.map_or_else(|_| String::new(), |instant| instant.to_string())
}
