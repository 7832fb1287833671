//! The way back: onto an empty directory, whole or not at all.
//!
//! ORDER: manifest; the head that the caller demands; keys; tombstones; the note that this
//! directory is half-done; each file against its digest as it is copied; the chain, whole; erasing
//! again (`again`); keys; everything verified once more; the note goes. An error takes away what
//! was written; a kill leaves the note, from which nothing serves and over which a restore begins
//! anew.
//!
//! PROMISES, in their order. *No wrong yes*: what was erased after the backup must stay erased, so
//! the list of tombstones of the live data is demanded. The noes after the backup's head are lost
//! with everything else after it; nothing here can bring them back, so the caller may name the head
//! that he knows of. Revisions are given out again, and tokens tell what came after them by
//! revisions: so where anything may have been lost, the keys of tokens are renewed, and the links
//! of before say no and nothing else. *Erased stays erased*: doing without the list takes a reason,
//! and the reason stays in `restored.json`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::again::{chain_at, erase_again};
use super::manifest::{rfc3339, text};
use super::{BackupError, HalfDone, Manifest, Tombstones, lock};
use crate::keys::Keys;
use crate::ledger::{Disk as _, RealDisk, VerifyReport, verify};
use crate::model::day::Timestamp;
use crate::model::revision::Revision;

/// What a restore may find in its directory, and what it takes away when it fails.
const OURS: &[&str] = &["keys.toml", "restored.json"];

/// The least that a backup has to reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtLeast {
    /// This revision.
    pub revision: Revision,
    /// With this chain there, where it is known.
    pub chain: Option<[u8; 32]>,
}

/// What to restore.
#[derive(Debug, Clone, Copy)]
pub struct Restore<'a> {
    /// The backup.
    pub from: &'a Path,
    /// The data directory; empty or not there.
    pub data_dir: &'a Path,
    /// The key file; it is copied. None: the backup's own.
    pub keys: Option<&'a Path>,
    /// What is known to be erased.
    pub tombstones: Option<&'a Tombstones>,
    /// Why what may have been erased since may come back.
    pub waiver: Option<&'a str>,
    /// The least that the backup has to reach.
    pub at_least: Option<AtLeast>,
    /// The present instant.
    pub now: Timestamp,
}

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// When the backup was made.
    pub made_at: String,
    /// When it was restored.
    pub restored_at: String,
    /// Where the backup ended: what came after it is lost.
    pub head: u64,
    /// Where the ledger ends now.
    pub now_at: u64,
    /// Cases that were erased again.
    pub erased_again: usize,
    /// Up to which revision erasures are known; none: nothing is known of after the backup.
    pub tombstones_up_to: Option<u64>,
    /// Why the rest was done without.
    pub accepted_resurrection: Option<String>,
    /// Whether the keys of tokens were renewed.
    pub keys_renewed: bool,
}

/// Restores a backup.
///
/// # Errors
/// `BackupError`; then the directory is as it was.
pub fn restore(what: &Restore<'_>) -> Result<Restored, BackupError> {
    let manifest = Manifest::read(what.from)?;
    let key_check = manifest.key_check()?;
    let head = manifest.head();
    if let Some(AtLeast { revision, .. }) = what.at_least.filter(|least| least.revision > head) {
        return Err(BackupError::TooOld { asked: revision, head });
    }
    let own_keys = manifest.keys.as_ref().map(|entry| what.from.join(&entry.file));
    let keys = what.keys.or(own_keys.as_deref());
    let keys = keys.ok_or(BackupError::WrongKey)?;
    if Keys::load(keys)?.check_value() != key_check {
        return Err(BackupError::WrongKey);
    }
    know_what_is_erased(what, &manifest)?;
    empty(what.data_dir)?;
    RealDisk.create_dir(what.data_dir).map_err(crate::ledger::at(what.data_dir))?;
    let _lock = lock(what.data_dir)?;
    HalfDone::begin(what.data_dir, "restore", "")?;
    let restored = fill(what, &manifest, keys).and_then(|restored| {
        HalfDone::end(what.data_dir)?;
        Ok(restored)
    });
    if restored.is_err() {
        clear(what.data_dir)?;
        HalfDone::end(what.data_dir)?;
    }
    restored
}

/// Whether the list of tombstones says all that was erased, or the caller does without.
fn know_what_is_erased(what: &Restore<'_>, manifest: &Manifest) -> Result<(), BackupError> {
    let head = manifest.head();
    if let Some(list) = what.tombstones
        && !list.has_key(&manifest.key_check()?)
    {
        return Err(BackupError::OtherTombstones);
    }
    if what.waiver.is_some() {
        return Ok(());
    }
    let list = what.tombstones.ok_or(BackupError::NoTombstones { head })?;
    if !list.is_newer(&manifest.made_at) || list.head() < head {
        return Err(BackupError::OldTombstones { head });
    }
    if list.complete { Ok(()) } else { Err(BackupError::TombstonesMissing) }
}

/// The directory must be empty, but for what a restore that was interrupted left.
fn empty(dir: &Path) -> Result<(), BackupError> {
    match HalfDone::of(dir) {
        Some(half) if half.what == "restore" => return clear(dir),
        Some(half) => return Err(half.into()),
        None => {}
    }
    let Ok(entries) = fs::read_dir(dir) else { return Ok(()) };
    for entry in entries {
        let name = entry.map_err(crate::ledger::at(dir))?.file_name();
        // A note that was not yet in force.
        if name != "lock" && name != "lost+found" && name != "half-done.new" {
            return Err(BackupError::NotEmpty(dir.to_owned()));
        }
    }
    Ok(())
}

/// Takes away what a restore writes.
fn clear(dir: &Path) -> Result<(), BackupError> {
    let ledger = dir.join("ledger");
    if ledger.is_dir() {
        fs::remove_dir_all(&ledger).map_err(crate::ledger::at(&ledger))?;
    }
    for entry in fs::read_dir(dir).map_err(crate::ledger::at(dir))? {
        let path = entry.map_err(crate::ledger::at(dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let unfinished = name.starts_with(".keys-") || has_extension(name, "new");
        if unfinished || OURS.contains(&name) {
            super::remove(&path)?;
        }
    }
    Ok(crate::ledger::sync(dir)?)
}

fn has_extension(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found == extension)
}

fn fill(what: &Restore<'_>, manifest: &Manifest, keys: &Path) -> Result<Restored, BackupError> {
    let (dir, head, key_check) = (what.data_dir, manifest.head(), manifest.key_check()?);
    let ledger = dir.join("ledger");
    RealDisk.create_dir(&ledger).map_err(crate::ledger::at(&ledger))?;
    for entry in manifest.files() {
        let octets = entry.read(what.from)?;
        let segment = manifest.segments.iter().zip(manifest.copied());
        let segment = segment.clone().find(|(segment, _)| segment.file == *entry);
        if let Some((_, copied)) = segment {
            crate::ledger::write(&ledger.join(copied.ledger_name()), &octets)?;
        }
    }
    crate::ledger::sync(&ledger)?;
    let report = verified(dir, key_check)?;
    if report.head != head || report.chain != manifest.chain()? {
        return Err(BackupError::OtherHead);
    }
    if let Some(AtLeast { revision, chain: Some(chain) }) = what.at_least
        && chain_at(dir, &key_check, revision)? != Some(chain)
    {
        return Err(BackupError::OtherChain(revision));
    }
    let rule = manifest.address_rule();
    let list = what.tombstones.map(Tombstones::records).transpose()?.unwrap_or_default();
    let erased_again = erase_again(dir, key_check, rule, &list, &BTreeSet::new())?;
    let keys_renewed = !nothing_is_lost(what, head);
    let key_file = dir.join("keys.toml");
    Keys::copy(keys, &key_file)?;
    if keys_renewed {
        Keys::renew(&key_file)?;
    }
    let restored = Restored {
        made_at: manifest.made_at.clone(),
        restored_at: rfc3339(what.now),
        head: head.number(),
        now_at: verified(dir, key_check)?.head.number(),
        erased_again,
        tombstones_up_to: what.tombstones.map(|list| list.head().number()),
        accepted_resurrection: what.waiver.map(ToOwned::to_owned),
        keys_renewed,
    };
    crate::ledger::write(&dir.join("restored.json"), text(&restored).as_bytes())?;
    Ok(restored)
}

/// Whether the live data end where the backup ends: a move, not a loss.
fn nothing_is_lost(what: &Restore<'_>, head: Revision) -> bool {
    what.tombstones.is_some_and(|list| list.complete && list.head() == head)
        && what.waiver.is_none()
}

fn verified(dir: &Path, key_check: [u8; 16]) -> Result<VerifyReport, BackupError> {
    let report = verify(Arc::new(RealDisk), dir, Some(key_check))?;
    match report.damage.iter().find(|damage| !damage.what.is_mended()) {
        Some(damage) => Err(BackupError::Unsound(*damage)),
        None => Ok(report),
    }
}
