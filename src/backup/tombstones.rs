//! The tombstones of a ledger as a list: all that a restored ledger has to know of what was erased
//! since the backup. Nothing in it is of the persons: a keyed fingerprint, the case, who decided.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::manifest::{digest, rfc3339, text};
use super::{BackupError, Manifest};
use crate::keys::hex;
use crate::ledger::{CopyError, LedgerCopy, TombstoneRecord, salvage, survey};
use crate::model::day::Timestamp;
use crate::model::revision::Revision;

/// The version that this program writes and reads.
const FORMAT: u32 = 1;

/// A list of tombstones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tombstones {
    format: u32,
    /// When it was made, RFC 3339.
    pub made_at: String,
    key_check: String,
    head: u64,
    /// Whether the ledger was sound up to its end, so that none is missing.
    pub complete: bool,
    tombstones: Vec<Entry>,
    blake3: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    revision: u64,
    /// How many events it erased.
    events: usize,
    /// What its writer gave, in Base64.
    payload: String,
}

impl Tombstones {
    /// Those of a copy.
    pub(super) fn of_copy(copied: &LedgerCopy, now: Timestamp) -> Self {
        Self::new(&copied.key_check, copied.head, true, &copied.tombstones, now)
    }

    /// Those of a data directory, running server or not. Of a damaged ledger they may not be
    /// complete.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn of_ledger(data_dir: &Path, now: Timestamp) -> Result<Self, BackupError> {
        match survey(data_dir) {
            Err(CopyError::Damaged(_)) => {
                let found = salvage(data_dir, &mut |_| ())?;
                let complete = found.unread.is_empty() && !found.open_end;
                let list = &found.tombstones;
                Ok(Self::new(&found.key_check, found.end, complete, list, now))
            }
            surveyed => Ok(Self::of_copy(&surveyed?, now)),
        }
    }

    /// Reads a list: from a file, from a backup, or from a data directory as it is now.
    ///
    /// # Errors
    /// `BackupError`.
    pub fn read(path: &Path, now: Timestamp) -> Result<Self, BackupError> {
        if path.join("ledger").is_dir() && !path.join(super::manifest::NAME).exists() {
            return Self::of_ledger(path, now);
        }
        let (octets, path) = if path.is_dir() {
            let entry = Manifest::read(path)?.tombstones;
            (entry.read(path)?, path.join(entry.file))
        } else {
            (fs::read(path).map_err(crate::ledger::at(path))?, path.to_owned())
        };
        Self::parse(&path, &octets)
    }

    /// Out of the octets of a list.
    pub(super) fn parse(path: &Path, octets: &[u8]) -> Result<Self, BackupError> {
        let altered = || BackupError::Altered(path.to_owned());
        let list: Self = serde_json::from_slice(octets).map_err(|_| altered())?;
        let unsigned = Self { blake3: String::new(), ..list.clone() };
        if list.text().as_bytes() != octets || list.blake3 != digest(&unsigned) {
            return Err(altered());
        }
        if list.format != FORMAT {
            return Err(BackupError::Format { path: path.to_owned(), found: list.format });
        }
        Ok(list)
    }

    /// The text of a list with its digest made anew; none where it is no list.
    #[cfg(any(test, fuzzing))]
    pub(super) fn sealed(octets: &[u8]) -> Option<String> {
        let mut list: Self = serde_json::from_slice(octets).ok()?;
        list.blake3 = String::new();
        list.blake3 = digest(&list);
        Some(list.text())
    }

    fn new(
        key_check: &[u8; 16],
        head: Revision,
        complete: bool,
        list: &[TombstoneRecord],
        now: Timestamp,
    ) -> Self {
        let entry = |tombstone: &TombstoneRecord| Entry {
            revision: tombstone.revision.number(),
            events: tombstone.erases.len(),
            payload: STANDARD.encode(&tombstone.payload),
        };
        let mut list = Self {
            format: FORMAT,
            made_at: rfc3339(now),
            key_check: hex::encode(key_check),
            head: head.number(),
            complete,
            tombstones: list.iter().map(entry).collect(),
            blake3: String::new(),
        };
        list.blake3 = digest(&list);
        list
    }

    /// As it stands in its file.
    #[must_use]
    pub fn text(&self) -> String {
        text(self)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tombstones.len()
    }

    /// Whether nothing was ever erased.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tombstones.is_empty()
    }

    /// The ledger's head as the list was made.
    #[must_use]
    pub fn head(&self) -> Revision {
        Revision::new(self.head)
    }

    /// Whether it is of the ledger with this key.
    #[must_use]
    pub fn has_key(&self, key_check: &[u8; 16]) -> bool {
        self.key_check == hex::encode(key_check)
    }

    /// Whether it was made later than a backup.
    #[must_use]
    pub fn is_newer(&self, made_at: &str) -> bool {
        let parse = |text: &str| text.parse::<jiff::Timestamp>().ok();
        parse(&self.made_at) > parse(made_at)
    }

    /// Each as it stood in the ledger that it is from, but for what it erased there.
    pub(super) fn records(&self) -> Result<Vec<TombstoneRecord>, BackupError> {
        let record = |entry: &Entry| {
            let payload = STANDARD.decode(&entry.payload);
            let payload = payload.map_err(|_| BackupError::OtherTombstones)?;
            let revision = Revision::new(entry.revision);
            Ok(TombstoneRecord { revision, erases: Vec::new(), payload })
        };
        self.tombstones.iter().map(record).collect()
    }
}
