//! The checkpoint: the persisted index, so that boot need not replay the whole ledger.
//!
//! It is never the truth. It holds opaque images that others make and read, each with a keyed
//! checksum, and is used whole or not at all: when anything is wrong with it, the older one serves,
//! else the ledger alone. This is the only file of the crate that names sled.
//!
//! LAYOUT: `checkpoint-<revision>` is one sled directory: every image under its key, a manifest
//! with their number, size and set-hash, and beside sled's files a seal with length and checksum of
//! each. sled 0.34.7 answers a flipped bit with a panic, missing records or an endless loop, and a
//! panic on its shared threads breaks it for the whole process; so it is opened only where the seal
//! proves that every octet is what sled wrote. The checksums within then find what sled itself
//! loses.
//!
//! WRITE ORDER, all under `checkpoint-<revision>.new`: images, manifest, sled's flush (which syncs
//! nothing), close; open again and read all back; close; seal; fsync of every file and directory;
//! rename; fsync of the data directory; then the surplus is removed. CRASH WINDOWS: before the
//! rename the `.new` is swept away at the next load; after it the checkpoint is whole.
//!
//! INVARIANT(settled): sled writes while it opens: it zeroes what follows the last record and leaves
//! a snapshot. The next open finds the snapshot, writes the same zeros over them and changes no
//! octet; but where the last insert left a split of its tree half done (26 images do), the first
//! read finishes it, and only the one after that changes nothing. So a store is read back until a
//! reading has changed no octet, and is sealed then. A load alters nothing, works on a full disk,
//! and may be killed at any moment (a test holds it).
//!
//! Two are kept. Loading removes damaged ones once another one has been found good, writing removes
//! those below the newest two. What is not proved damaged (a foreign key, an unknown format, a time
//! limit, an I/O error) only writing removes.

use std::fmt;
use std::fs;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::model::revision::Revision;
use checksum::{CHECKSUM, Checksums, Tally, decode_manifest, encode_manifest};
use reader::{Tell, stopwatch};
use seal::Seal;

pub use crate::ledger::Anchor;
pub use image::ImageKey;
pub use outcome::{Contents, Loaded, Verified};
pub use reason::{CheckpointError, Fault, Reason};

mod checksum;
mod directory;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod guard;
mod image;
mod outcome;
mod reader;
mod reason;
mod seal;
#[cfg(test)]
mod tests;

/// Most octets of one image. sled holds a larger value as badly as many small ones.
pub const MAX_IMAGE: usize = 64 << 10;

/// Checkpoints that are kept: the newest, and one in case it is damaged.
pub const KEPT: u32 = 2;

/// Names of sled's own threads begin so.
const POOL: &str = "sled-io-";

/// The manifest's key in sled.
const MANIFEST: [u8; 1] = [0];

/// Octets of images after which sled is closed and opened again. It keeps in memory what it once
/// touched, whatever its cache is told, for it looks at that only once 64 pages wait in one of its
/// 256 queues, and a page has half a megabyte here: a checkpoint of 1 GB took 0.9 GB to load.
/// After a start with 2 million addresses 40 to 70 MB less are resident than with rounds of 128 MiB.
/// Small under test, so that tests reach the second round.
const ROUND: usize = if cfg!(test) { 1 << 20 } else { 16 << 20 };

/// How often a store is read back before it is given up: two readings do, three where a split of the
/// tree was left half done.
const SETTLING: u32 = 6;

/// sled's page cache. Each page is touched once, so a cache only costs.
const CACHE: u64 = 16 << 20;

/// The checkpoints of one data directory. Whoever writes or loads holds that directory alone.
#[derive(Clone)]
pub struct Checkpoints {
    data: PathBuf,
    checksums: Checksums,
}

impl fmt::Debug for Checkpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpoints").field("data", &self.data).finish_non_exhaustive()
    }
}

impl Checkpoints {
    /// The checkpoints in this data directory, which exists, under its key.
    #[must_use]
    pub fn new(data: PathBuf, key: [u8; 16]) -> Self {
        Self { data, checksums: Checksums::new(key) }
    }

    /// The newest checkpoint that was written whole, and when; none where there is none.
    #[must_use]
    pub fn newest(&self) -> Option<(Revision, SystemTime)> {
        let revision = *directory::list(&self.data).ok()?.first()?;
        let written = fs::metadata(directory::whole(&self.data, revision)).ok()?.modified().ok()?;
        Some((revision, written))
    }

    /// Writes a checkpoint, replaces one of the same revision, and removes those of lower revisions
    /// but the newest. Returns when it is on stable storage.
    ///
    /// Takes as long as the disk takes, and no limit stops it: not for a thread that answers.
    ///
    /// # Errors
    /// `CheckpointError`: nothing of the new checkpoint stays, unless only the last fsync failed;
    /// those before it are untouched.
    pub fn write(
        &self,
        anchor: Anchor,
        images: &mut dyn Iterator<Item = (ImageKey, Vec<u8>)>,
    ) -> Result<Contents, CheckpointError> {
        let path = directory::unfinished(&self.data, anchor.revision);
        directory::erase(&path)?;
        let written = self.build(&path, anchor, images).and_then(|contents| {
            directory::remove(&self.data, anchor.revision)?;
            fs::rename(&path, directory::whole(&self.data, anchor.revision))?;
            directory::sync(&self.data)?;
            Ok(contents)
        });
        if let (Err(_), Err(error)) = (&written, directory::erase(&path)) {
            tracing::warn!(%error, "cannot remove an unfinished checkpoint");
        }
        let contents = written?;
        if let Err(error) = self.prune(anchor.revision) {
            tracing::warn!(%error, "cannot remove an old checkpoint");
        }
        Ok(contents)
    }

    fn build(
        &self,
        path: &Path,
        anchor: Anchor,
        images: &mut dyn Iterator<Item = (ImageKey, Vec<u8>)>,
    ) -> Result<Contents, CheckpointError> {
        let checksums = &self.checksums;
        let filled = guard::catch(|| fill(path, checksums, anchor, images));
        let tally = filled.map_err(CheckpointError::Panicked)??;
        // INVARIANT(settled)
        let mut settled = None;
        for _ in 0..SETTLING {
            let read = guard::catch(|| read_images(path, checksums, anchor, &mut |_, _| Ok(())));
            let contents =
                read.map_err(CheckpointError::Panicked)?.map_err(CheckpointError::ReadBack)?;
            if contents != tally.contents {
                return Err(CheckpointError::ReadBack(Reason::Set));
            }
            directory::await_release(path)?;
            let seal = Seal::of(path, checksums, anchor)?;
            if settled.as_ref() == Some(&seal) {
                seal.write(path, checksums)?;
                directory::sync_tree(path)?;
                return Ok(contents);
            }
            settled = Some(seal);
        }
        let why = "it changes its files whenever it is read".to_owned();
        Err(CheckpointError::ReadBack(Reason::Store(why)))
    }

    /// Removes those below `newest` but the newest of them. Higher ones stay: they are no older
    /// than the ledger's head, and what they mean is not for this module to say.
    fn prune(&self, newest: Revision) -> io::Result<()> {
        let mut kept = 1;
        for revision in self.list()?.into_iter().filter(|revision| *revision < newest) {
            if kept < KEPT {
                kept += 1;
            } else {
                directory::remove(&self.data, revision)?;
            }
        }
        Ok(())
    }

    /// The revisions of the checkpoints that are there, newest first; good or not.
    ///
    /// # Errors
    /// The data directory cannot be read.
    pub fn list(&self) -> io::Result<Vec<Revision>> {
        directory::list(&self.data)
    }

    /// Removes a checkpoint: for `repair`, where one lies past a head that the ledger gives up.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove(&self, revision: Revision) -> io::Result<()> {
        directory::remove(&self.data, revision)?;
        directory::sync(&self.data)
    }

    /// Loads the newest checkpoint that verifies whole; sweeps away what crashes left, and, where
    /// one was found, those that proved damaged.
    ///
    /// `begin` starts a builder, `put` gives it each image in the order of keys, as they are read:
    /// the whole is known to be right only at the end, and a builder whose checkpoint fails is
    /// dropped. So no more than 4 MiB of images are held besides what the builder keeps. A builder
    /// has to bear any subset of images that were once written.
    ///
    /// `limit` is for one checkpoint, building included; the caller waits no longer than `KEPT`
    /// times `limit`, and for a `put` under way. A thread that hangs in sled is left behind: see
    /// `Reason::TimedOut`.
    pub fn load<B>(
        &self,
        limit: Duration,
        mut begin: impl FnMut(Anchor) -> B,
        mut put: impl FnMut(&mut B, ImageKey, Vec<u8>) -> Result<(), String>,
    ) -> Loaded<B> {
        if let Err(error) = directory::sweep(&self.data) {
            tracing::warn!(%error, "cannot remove an unfinished checkpoint");
        }
        let mut rejected: Vec<(Revision, Reason)> = Vec::new();
        let (started, whole) = (stopwatch(), limit.saturating_mul(KEPT));
        for revision in self.listed() {
            let left = whole.saturating_sub(started.elapsed());
            if left.is_zero() {
                break;
            }
            match self.examine(revision, limit.min(left), &mut begin, &mut put) {
                Ok((anchor, _, built)) => {
                    self.remove_damaged(&rejected);
                    return Loaded { found: Some((anchor, built)), rejected };
                }
                Err(reason) => {
                    tracing::warn!(%revision, %reason, "a checkpoint is not used");
                    rejected.push((revision, reason));
                }
            }
        }
        Loaded { found: None, rejected }
    }

    fn listed(&self) -> Vec<Revision> {
        self.list().unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot look for checkpoints");
            Vec::new()
        })
    }

    fn remove_damaged(&self, rejected: &[(Revision, Reason)]) {
        for (revision, _) in rejected.iter().filter(|(_, reason)| reason.is_damage()) {
            if let Err(error) = directory::remove(&self.data, *revision) {
                tracing::warn!(%revision, %error, "cannot remove a damaged checkpoint");
            }
        }
    }

    /// Verifies every checkpoint as `load` does, newest first, and removes none. A running server
    /// may write meanwhile: then one that is just removed is `Unreadable`.
    #[must_use]
    pub fn verify(&self, limit: Duration) -> Vec<Verified> {
        let verify = |revision| {
            let examined = self.examine(revision, limit, &mut |_| (), &mut |(), _, _| Ok(()));
            let outcome = examined.map(|(anchor, contents, ())| (anchor, contents));
            Verified { revision, outcome }
        };
        self.listed().into_iter().map(verify).collect()
    }

    /// As `load`, but removes nothing.
    pub fn inspect<B>(
        &self,
        limit: Duration,
        mut begin: impl FnMut(Anchor) -> B,
        mut put: impl FnMut(&mut B, ImageKey, Vec<u8>) -> Result<(), String>,
    ) -> Option<(Anchor, B)> {
        self.listed().into_iter().find_map(|revision| {
            let (anchor, _, built) = self.examine(revision, limit, &mut begin, &mut put).ok()?;
            Some((anchor, built))
        })
    }

    fn examine<B>(
        &self,
        revision: Revision,
        limit: Duration,
        begin: &mut impl FnMut(Anchor) -> B,
        put: &mut impl FnMut(&mut B, ImageKey, Vec<u8>) -> Result<(), String>,
    ) -> Result<(Anchor, Contents, B), Reason> {
        let path = directory::whole(&self.data, revision);
        let checksums = self.checksums.clone();
        let read = move |tell: &Tell| read_sealed(&path, &checksums, revision, tell);
        reader::within(limit, read, begin, put)
    }
}

/// Reads a whole checkpoint and tells what it finds as it goes; only `Ok` vouches for it.
fn read_sealed(
    path: &Path,
    checksums: &Checksums,
    revision: Revision,
    tell: &Tell,
) -> Result<Contents, Reason> {
    remove_torn_snapshots(path)?;
    let seal = Seal::read(path, checksums, revision)?;
    seal.verify(path, checksums)?;
    tell.begin(seal.anchor)?;
    read_images(path, checksums, seal.anchor, &mut |key, octets| tell.image(key, octets))
}

/// sled takes a snapshot that it never finished for a damaged one, and refuses to open.
fn remove_torn_snapshots(path: &Path) -> io::Result<()> {
    if !path.is_dir() {
        return Ok(());
    }
    for name in directory::files(path)? {
        if name.starts_with("snap.") && name.ends_with(".generating") {
            directory::erase(&path.join(name))?;
        }
    }
    Ok(())
}

/// Opens what was closed before. Where there is nothing it must not begin anew, as sled would: a
/// checkpoint that is removed while `verify` reads it in another process would come back empty.
fn reopen(path: &Path) -> sled::Result<sled::Db> {
    directory::await_release(path)?;
    open(path)
}

fn open(path: &Path) -> sled::Result<sled::Db> {
    sled::Config::new().path(path).cache_capacity(CACHE).flush_every_ms(None).open()
}

/// Writes a new store and closes it.
fn fill(
    path: &Path,
    checksums: &Checksums,
    anchor: Anchor,
    images: &mut dyn Iterator<Item = (ImageKey, Vec<u8>)>,
) -> Result<Tally, CheckpointError> {
    let mut store = open(path)?;
    let mut room = ROUND;
    let mut tally = Tally::default();
    for (key, mut octets) in images {
        if octets.len() > MAX_IMAGE {
            return Err(CheckpointError::ImageTooLarge { key, octets: octets.len() });
        }
        let checksum = checksums.image(anchor.revision, key, &octets);
        tally.add(octets.len(), checksum);
        octets.extend(checksum.to_le_bytes());
        if room == 0 {
            store.flush()?;
            drop(store);
            store = reopen(path)?;
            room = ROUND;
        }
        room = room.saturating_sub(octets.len());
        if store.insert(key.stored(), octets)?.is_some() {
            return Err(CheckpointError::ImageTwice(key));
        }
    }
    store.insert(MANIFEST, encode_manifest(checksums, anchor, tally))?;
    store.flush()?;
    Ok(tally)
}

/// Reads a whole store, gives away its images, and closes it. Only `Ok` vouches for them.
fn read_images(
    path: &Path,
    checksums: &Checksums,
    anchor: Anchor,
    put: &mut dyn FnMut(ImageKey, Vec<u8>) -> Result<(), Reason>,
) -> Result<Contents, Reason> {
    let manifest = reopen(path)?.get(MANIFEST)?.ok_or(Reason::Manifest)?;
    let expected = decode_manifest(checksums, anchor, &manifest)?;
    let mut tally = Tally::default();
    let mut read = |stored: &[u8], value: &[u8]| {
        let key = ImageKey::of_stored(stored).ok_or(Reason::NoImage)?;
        let (octets, checksum) = value.split_last_chunk::<CHECKSUM>().ok_or(Reason::Image(key))?;
        let found = checksums.image(anchor.revision, key, octets);
        if found != u128::from_le_bytes(*checksum) {
            return Err(Reason::Image(key));
        }
        tally.add(octets.len(), found);
        // An iterator that goes in circles ends here.
        if tally.contents.images > expected.contents.images {
            return Err(Reason::Set);
        }
        put(key, octets.to_vec())?;
        thread::yield_now();
        Ok(())
    };
    let mut next = Bound::Unbounded;
    while let Some(last) = read_round(path, next, &mut read)? {
        next = Bound::Excluded(last);
    }
    if tally == expected { Ok(tally.contents) } else { Err(Reason::Set) }
}

/// Reads on until `ROUND` is full; the key to go on after, none at the end.
fn read_round(
    path: &Path,
    next: Bound<sled::IVec>,
    read: &mut impl FnMut(&[u8], &[u8]) -> Result<(), Reason>,
) -> Result<Option<sled::IVec>, Reason> {
    let mut room = ROUND;
    for entry in reopen(path)?.range((next, Bound::Unbounded)) {
        let (key, value) = entry?;
        if key != MANIFEST {
            read(&key, &value)?;
        }
        room = room.saturating_sub(value.len());
        if room == 0 {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

impl From<sled::Error> for Reason {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(error) => error.into(),
            error => Self::Store(error.to_string()),
        }
    }
}

impl From<sled::Error> for CheckpointError {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(error) => Self::Io(error),
            error => Self::Store(error.to_string()),
        }
    }
}
