//! Backups: a copy of the ledger beside a manifest, and the way back from one.
//!
//! LAYOUT of a backup: `ledger/<first revision>-<digest>.seg`, `tombstones-<digest>.json`, where it
//! was asked for `keys-<digest>.toml`, and `manifest.json`, which names each with its digest. Names
//! hold digests and no file is ever changed, so a backup copies what changed and no more, an
//! interrupted one is files that no manifest names, and the one before stays whole.
//!
//! WRITE ORDER: files, each synced before it gets its name; their directories; the manifest, by
//! rename; the directory; then everything goes that the manifest does not name. So once `take`
//! returned, the copy holds the payload of no address that was erased before it began:
//! `ledger::copy` overwrites what the tombstones list, and older files are gone. Checkpoints are
//! not copied: the ledger makes them again. The catalog stands in the ledger.
//!
//! KEYS are not copied unless that is asked for. Who has both can tell who is in the ledger and can
//! sign for every owner; who has the copy alone still reads the addresses in it. Without them
//! nothing opens, so they have to be kept, elsewhere.

mod again;
mod half_done;
mod manifest;
mod restore;
mod tombstones;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::again::erase_again;
pub use self::half_done::HalfDone;
pub use self::manifest::{FileEntry, Manifest, SegmentEntry};
pub use self::restore::{AtLeast, Restore, Restored, restore};
pub use self::tombstones::Tombstones;
use crate::keys::{Keys, KeysError};
use crate::ledger::{
    CommitError, CopiedSegment, CopyError, Damage, Disk as _, OpenError, ReadError, Reader,
    RealDisk, VerifyError, copy, recheck,
};
use crate::model::day::Timestamp;
use crate::model::revision::Revision;
use crate::record::DecodeError;

/// Why there is no backup, or why it is not taken back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Something cannot be read or written, or the ledger is damaged.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The keys cannot be had.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The key file is another ledger's.
    #[error("the keys are not those that this backup was written with")]
    WrongKey,
    /// There is none.
    #[error("there is no backup in `{0}`: it has no manifest")]
    NoManifest(PathBuf),
    /// The manifest, or the list of tombstones, is not what was written.
    #[error("`{0}` is not as it was written")]
    Altered(PathBuf),
    /// A file is missing, or not what the manifest says.
    #[error("`{0}` is not what the manifest says; this backup is of no use")]
    NotTheFile(PathBuf),
    /// A later version wrote it.
    #[error("`{path}` has format {found}, this program knows 1")]
    Format {
        /// What.
        path: PathBuf,
        /// The version found.
        found: u32,
    },
    /// The backup is of another ledger, or of more than this one holds.
    #[error(
        "the backup in `{path}` reaches revision {head}, which this ledger does not have or has \
         otherwise; back up to another directory, and find out why"
    )]
    OtherLedger {
        /// Where.
        path: PathBuf,
        /// What it reaches.
        head: Revision,
    },
    /// A backup has a directory of its own.
    #[error("`{0}` is a data directory; back up to a directory of its own")]
    DataDirectory(PathBuf),
    /// Another process works on it.
    #[error("`{0}` is in use by another process")]
    InUse(PathBuf),
    /// Only an empty directory is restored to.
    #[error("`{0}` is not empty; restore to a directory of its own")]
    NotEmpty(PathBuf),
    /// A restore or a repair was interrupted.
    #[error(transparent)]
    HalfDone(#[from] HalfDone),
    /// Less than the caller knows there was.
    #[error("the backup ends at revision {head}, before revision {asked}: it is too old")]
    TooOld {
        /// What was asked for.
        asked: Revision,
        /// Where it ends.
        head: Revision,
    },
    /// The same revisions hold something else.
    #[error("the backup has another chain at revision {0}: it is of another ledger")]
    OtherChain(Revision),
    /// Nobody says what was erased since.
    #[error(
        "what was erased since revision {head} would come back: give the tombstones of the live \
         data (--tombstones), or say why you do without (--accept-resurrection REASON)"
    )]
    NoTombstones {
        /// Where the backup ends.
        head: Revision,
    },
    /// The tombstones say nothing of what came after the backup.
    #[error(
        "these tombstones are no newer than the backup, so what was erased since revision {head} \
         would come back: give those of the live data, or add --accept-resurrection REASON"
    )]
    OldTombstones {
        /// Where the backup ends.
        head: Revision,
    },
    /// The tombstones come from a damaged ledger.
    #[error(
        "these tombstones are of a damaged ledger, and some may be missing: add \
         --accept-resurrection REASON to do without those"
    )]
    TombstonesMissing,
    /// The tombstones are another ledger's.
    #[error("the tombstones are of a ledger with another key")]
    OtherTombstones,
    /// A digest was right, the chain is not: nothing to be trusted.
    #[error("the ledger in the backup is damaged")]
    Unsound(#[source] Damage),
    /// The ledger in the backup is another one than its manifest says.
    #[error("the ledger in the backup does not end where its manifest says")]
    OtherHead,
    /// The copy cannot be opened.
    #[error("the restored ledger cannot be opened")]
    Open(#[from] OpenError),
    /// It cannot be verified.
    #[error("the restored ledger cannot be verified")]
    Verify(#[from] VerifyError),
    /// An erasure cannot be done again.
    #[error("an erasure cannot be done again")]
    Erase(#[from] CommitError),
    /// The chain cannot be read.
    #[error("the chain cannot be read")]
    Read(#[from] ReadError),
    /// A tombstone cannot be understood.
    #[error("a tombstone cannot be understood")]
    Decode(#[from] DecodeError),
}

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// What it says of itself.
    pub manifest: Manifest,
    /// Octets of the ledger that were written, not kept from the backup before.
    pub written: u64,
}

/// Makes a backup of a data directory, running server or not, or brings the one in `to` up to date.
/// `keys` is the key file, where it is to be copied too.
///
/// # Errors
/// `BackupError`. Then the backup before is as it was, unless only removing what is no longer
/// needed failed: then what was erased may still be in `to`.
pub fn take(
    data_dir: &Path,
    to: &Path,
    keys: Option<&Path>,
    now: Timestamp,
) -> Result<Taken, BackupError> {
    HalfDone::check(data_dir)?;
    let ledger = to.join("ledger");
    if crate::ledger::is_ledger(&ledger) {
        return Err(BackupError::DataDirectory(to.to_owned()));
    }
    RealDisk.create_dir(&ledger).map_err(crate::ledger::at(&ledger))?;
    let _lock = lock(to)?;
    let before = match Manifest::read(to) {
        Err(BackupError::NoManifest(_)) => None,
        read => Some(read?),
    };
    if let Some(before) = &before {
        follows(data_dir, to, before)?;
    }
    let known: Vec<CopiedSegment> = before.iter().flat_map(Manifest::copied).collect();
    let copied = copy(data_dir, &ledger, &known)?;
    let tombstones = Tombstones::of_copy(&copied, now);
    let tombstones = put(to, "tombstones", "json", tombstones.text().as_bytes())?;
    let keys = keys.map(|keys| put_keys(to, keys, &copied.key_check)).transpose()?;
    let manifest = Manifest::new(&copied, tombstones, keys, now);
    crate::ledger::write(&to.join(manifest::NAME), manifest.text().as_bytes())?;
    crate::ledger::sync(to)?;
    sweep(to, &manifest)?;
    Ok(Taken { manifest, written: copied.written })
}

/// Compares every file of a backup with its digest, walks its ledger, and gives back the manifest.
///
/// # Errors
/// `BackupError`.
pub fn check(dir: &Path) -> Result<Manifest, BackupError> {
    let manifest = Manifest::read(dir)?;
    for entry in manifest.files() {
        entry.read(dir)?;
    }
    Tombstones::read(dir, Timestamp::default())?;
    let copied: Vec<CopiedSegment> = manifest.copied().collect();
    let end = recheck(&dir.join("ledger"), manifest.key_check()?, &copied)?;
    if end != (manifest.head(), manifest.chain()?) {
        return Err(BackupError::OtherHead);
    }
    Ok(manifest)
}

/// The present ledger must hold what the backup before it held.
fn follows(data_dir: &Path, to: &Path, before: &Manifest) -> Result<(), BackupError> {
    let head = before.head();
    let reader = Reader::unopened(Arc::new(RealDisk), data_dir, &before.key_check()?, head);
    let reader = reader.map_err(crate::ledger::at(data_dir))?;
    // Under another key no frame is found.
    match reader.chain(head) {
        _ if head == Revision::ZERO => Ok(()),
        Ok(chain) if chain == Some(before.chain()?) => Ok(()),
        _ => Err(BackupError::OtherLedger { path: to.to_owned(), head }),
    }
}

/// Keeps other processes away from a directory for as long as it lives.
fn lock(dir: &Path) -> Result<File, BackupError> {
    let path = dir.join("lock");
    let failed = crate::ledger::at(&path);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(&failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(BackupError::InUse(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error).into()),
    }
}

/// Writes a file whose name holds its digest.
fn put(to: &Path, stem: &str, kind: &str, octets: &[u8]) -> Result<FileEntry, BackupError> {
    let entry = FileEntry::of(stem, kind, octets);
    crate::ledger::write(&to.join(&entry.file), octets)?;
    Ok(entry)
}

fn put_keys(to: &Path, keys: &Path, check: &[u8; 16]) -> Result<FileEntry, BackupError> {
    if Keys::load(keys)?.check_value() != *check {
        return Err(BackupError::WrongKey);
    }
    let octets = fs::read(keys).map_err(crate::ledger::at(keys))?;
    put(to, "keys", "toml", &octets)
}

/// Removes what earlier backups wrote and the manifest does not name, and nothing of anybody
/// else's.
fn sweep(to: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    let named: Vec<PathBuf> = manifest.files().map(|entry| to.join(&entry.file)).collect();
    for dir in [to.join("ledger"), to.to_owned()] {
        let failed = crate::ledger::at(&dir);
        for entry in fs::read_dir(&dir).map_err(&failed)? {
            let path = entry.map_err(&failed)?.path();
            if is_ours(&path) && !named.contains(&path) {
                remove(&path)?;
            }
        }
        crate::ledger::sync(&dir)?;
    }
    Ok(())
}

/// Whether a name is one that `put` or `ledger::copy` gives, finished or not: `stem-digest.kind`.
fn is_ours(path: &Path) -> bool {
    let part =
        |part: Option<&std::ffi::OsStr>| part.and_then(|text| text.to_str()).map(str::to_owned);
    let (Some(stem), Some(kind)) = (part(path.file_stem()), part(path.extension())) else {
        return false;
    };
    let Some((what, digest)) = stem.rsplit_once('-') else { return false };
    let is_hex = digest.len() == 16 && digest.bytes().all(|digit| digit.is_ascii_hexdigit());
    let is_segment = what.len() == 20 && what.bytes().all(|digit| digit.is_ascii_digit());
    is_hex
        && match kind.as_str() {
            "seg" => is_segment,
            "json" => what == "tombstones",
            "toml" => what == "keys",
            "new" => is_segment || ["tombstones", "keys"].contains(&what),
            _ => false,
        }
}

/// Removes a file; one that is gone is removed already.
fn remove(path: &Path) -> Result<(), BackupError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(crate::ledger::at(path)(error).into())
        }
        _ => Ok(()),
    }
}

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
#[cfg(test)]
mod tests;
