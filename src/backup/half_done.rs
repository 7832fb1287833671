//! A note in a data directory that somebody is restoring or repairing it. While it is there, what
//! the directory holds is not whole, and nothing serves from it.

use std::fs;
use std::path::{Path, PathBuf};

use super::BackupError;

/// The name of its file.
const NAME: &str = "half-done.json";

/// A restore or a repair was interrupted, or is under way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a {what} of `{dir}` was begun and not finished; run it again")]
pub struct HalfDone {
    /// Which directory.
    pub dir: PathBuf,
    /// `restore` or `repair`.
    pub what: String,
    /// What it was to do.
    pub plan: String,
}

impl HalfDone {
    /// What was begun on a data directory and not finished.
    #[must_use]
    pub fn of(dir: &Path) -> Option<Self> {
        let text = fs::read_to_string(dir.join(NAME)).ok()?;
        let (what, plan) = text.split_once('\n').unwrap_or((&text, ""));
        Some(Self { dir: dir.to_owned(), what: what.to_owned(), plan: plan.to_owned() })
    }

    /// # Errors
    /// Something was.
    pub fn check(dir: &Path) -> Result<(), Self> {
        Self::of(dir).map_or(Ok(()), Err)
    }

    /// Notes durably that something begins.
    ///
    /// # Errors
    /// The note cannot be written.
    pub fn begin(dir: &Path, what: &str, plan: &str) -> Result<(), BackupError> {
        crate::ledger::write(&dir.join(NAME), format!("{what}\n{plan}").as_bytes())?;
        Ok(crate::ledger::sync(dir)?)
    }

    /// Notes durably that it is done.
    ///
    /// # Errors
    /// The note cannot be removed.
    pub fn end(dir: &Path) -> Result<(), BackupError> {
        super::remove(&dir.join(NAME))?;
        Ok(crate::ledger::sync(dir)?)
    }
}
