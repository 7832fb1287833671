//! Names of checkpoints in the data directory; syncing and removing them.
//!
//! `checkpoint-<20 digits>` is a whole checkpoint, `.new` behind it one that was never finished,
//! `.old` one that is being removed. Only whole ones are ever read.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::reader::stopwatch;
use crate::model::revision::Revision;

const PREFIX: &str = "checkpoint-";
const DIGITS: usize = 20;
const UNFINISHED: &str = ".new";
const LEAVING: &str = ".old";

/// How long the store's threads may take to let go of a store, and how often that is looked at.
const RELEASE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(1);

pub(super) fn whole(data: &Path, revision: Revision) -> PathBuf {
    data.join(format!("{PREFIX}{:0DIGITS$}", revision.number()))
}

pub(super) fn unfinished(data: &Path, revision: Revision) -> PathBuf {
    data.join(format!("{PREFIX}{:0DIGITS$}{UNFINISHED}", revision.number()))
}

fn leaving(data: &Path, revision: Revision) -> PathBuf {
    data.join(format!("{PREFIX}{:0DIGITS$}{LEAVING}", revision.number()))
}

fn revision_of(name: &str) -> Option<Revision> {
    let digits = name.strip_prefix(PREFIX)?;
    let plain = digits.len() == DIGITS && digits.bytes().all(|o| o.is_ascii_digit());
    if plain { digits.parse().ok().map(Revision::new) } else { None }
}

/// The revisions of all checkpoints that have their final name, newest first.
pub(super) fn list(data: &Path) -> io::Result<Vec<Revision>> {
    let mut revisions: Vec<Revision> =
        names(data)?.iter().filter_map(|name| revision_of(name)).collect();
    revisions.sort_unstable_by(|a, b| b.cmp(a));
    Ok(revisions)
}

/// Removes what a crash left half written or half removed.
pub(super) fn sweep(data: &Path) -> io::Result<()> {
    for name in names(data)? {
        let stem = name.strip_suffix(UNFINISHED).or_else(|| name.strip_suffix(LEAVING));
        if stem.and_then(revision_of).is_some() {
            tracing::info!(%name, "removing what a crash left of a checkpoint");
            erase(&data.join(name))?;
        }
    }
    Ok(())
}

fn names(data: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(data)? {
        names.extend(entry?.file_name().into_string());
    }
    Ok(names)
}

/// Removes a whole checkpoint. It loses its name first: a crash half way must not leave a torn
/// checkpoint under a name that says whole.
pub(super) fn remove(data: &Path, revision: Revision) -> io::Result<()> {
    let path = leaving(data, revision);
    erase(&path)?;
    match fs::rename(whole(data, revision), &path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        renamed => renamed?,
    }
    erase(&path)
}

/// Removes a file or a directory with all in it; what is not there is removed already.
pub(super) fn erase(path: &Path) -> io::Result<()> {
    let kind = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?.file_type(),
    };
    if kind.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

/// Every file below `root`, as a path from there with `/` between its parts, sorted.
pub(super) fn files(root: &Path) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    collect(root, "", &mut files)?;
    files.sort_unstable();
    Ok(files)
}

fn collect(root: &Path, below: &str, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        if entry.file_type()?.is_dir() {
            collect(root, &path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// Puts every file below `root`, and every directory from `root` down, on stable storage.
pub(super) fn sync_tree(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        } else {
            sync(&entry.path())?;
        }
    }
    sync(root)
}

/// Puts one file or the entries of one directory on stable storage.
pub(super) fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Waits until no handle of the store is left. Its threads let go of the file some time after the
/// last handle is dropped (3 of 100 times who opens it at once finds it locked), and nothing may be
/// sealed while somebody could still write.
pub(super) fn await_release(path: &Path) -> io::Result<()> {
    let file = File::open(path.join("db"))?;
    let started = stopwatch();
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::AGAIN) if started.elapsed() < RELEASE => thread::sleep(PAUSE),
            locked => {
                locked?;
                // Said aloud: a child that is being forked shares the file until it runs.
                return Ok(flock(&file, FlockOperation::Unlock)?);
            }
        }
    }
}
