//! What lies in a data directory, by names, sizes and times alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Sizes in octets.
#[derive(Debug, Default)]
pub(super) struct Store {
    /// Whether there is a ledger.
    pub(super) has_ledger: bool,
    pub(super) ledger: u64,
    /// When the ledger was last written.
    pub(super) written: Option<SystemTime>,
    pub(super) checkpoint: Option<Checkpoint>,
}

/// The newest whole checkpoint.
#[derive(Debug)]
pub(super) struct Checkpoint {
    pub(super) revision: u64,
    pub(super) octets: u64,
    pub(super) written: SystemTime,
}

impl Store {
    /// What cannot be read counts as not there; another point says that it cannot.
    pub(super) fn of(data_dir: &Path) -> Self {
        let segments = entries(&data_dir.join("ledger"));
        let mut store = Self { has_ledger: !segments.is_empty(), ..Self::default() };
        for segment in segments {
            if let Ok(metadata) = fs::metadata(&segment) {
                store.ledger = store.ledger.saturating_add(metadata.len());
                store.written = store.written.max(metadata.modified().ok());
            }
        }
        let mut newest: Option<(u64, PathBuf)> = None;
        for path in entries(data_dir) {
            if let Some(revision) = revision(&path)
                && newest.as_ref().is_none_or(|(newer, _)| revision > *newer)
            {
                newest = Some((revision, path));
            }
        }
        store.checkpoint = newest.and_then(|(revision, path)| {
            let written = fs::metadata(&path).and_then(|metadata| metadata.modified()).ok()?;
            Some(Checkpoint { revision, octets: size(&path), written })
        });
        store
    }
}

/// `checkpoint-<revision>`; with anything behind it it is not whole.
fn revision(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_prefix("checkpoint-")?.parse().ok()
}

fn size(path: &Path) -> u64 {
    let Ok(metadata) = fs::symlink_metadata(path) else { return 0 };
    if metadata.is_dir() {
        entries(path).iter().map(|path| size(path)).sum()
    } else {
        metadata.len()
    }
}

pub(super) fn entries(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}
