//! The files that a server reads: keys, checkpoint, catalog.

use std::error::Error as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::store::Store;
use super::{Point, octets};
use crate::catalog::Names;
use crate::catalog::parse::parse;
use crate::keys::Keys;
use crate::server::CHECKPOINT_RECORDS;

/// Faults of a file that are shown; `maysend catalog check` shows all of a catalog.
pub(super) const SHOWN: usize = 3;

/// Without a checkpoint a ledger so long takes seconds to replay.
const LONG_LEDGER: u64 = 256 << 20;

/// A server that records writes a checkpoint every 15 minutes.
const LATE: Duration = Duration::from_secs(3600);

pub(super) fn keys(path: &Path, store: &Store) -> Point {
    const NAME: &str = "keys";
    let file = path.display();
    match fs::symlink_metadata(path) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !store.has_ledger => {
            return Point::ok(NAME, format!("`{file}` is made at the first start"));
        }
        Err(error) => {
            return Point::problem(
                NAME,
                format!("`{file}` cannot be had, but there is a ledger: {error}"),
                "bring it back from its copy, or name it with --key-file: without it no address \
                 is known again",
            );
        }
    }
    match Keys::load(path) {
        Ok(_) => Point::ok(NAME, format!("`{file}` is whole, and nobody else reads it")),
        Err(error) => {
            let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            Point::problem(
                NAME,
                format!("{error}{source}"),
                format!("let only the server's user read it (chmod 600 {file}), as a whole file"),
            )
        }
    }
}

pub(super) fn checkpoint(store: &Store) -> Point {
    const NAME: &str = "checkpoint";
    let ledger = octets(store.ledger);
    let Some(checkpoint) = &store.checkpoint else {
        return if store.ledger > LONG_LEDGER {
            Point::warning(
                NAME,
                format!("there is none; a start reads the whole ledger of {ledger}"),
                "let the server run for 15 minutes, or end it with SIGTERM, and look at its log",
            )
        } else {
            Point::ok(NAME, format!("there is none yet; a start reads the ledger of {ledger}"))
        };
    };
    let behind = store.written.and_then(|at| at.duration_since(checkpoint.written).ok());
    let behind = behind.unwrap_or_default();
    let found = format!("#{}, {}", checkpoint.revision, octets(checkpoint.octets));
    if behind > LATE {
        Point::warning(
            NAME,
            format!("{found}; the ledger was written {} minutes later", behind.as_secs() / 60),
            format!(
                "look at the server's log for `the checkpoint cannot be written`; one is due every \
                 15 minutes or {CHECKPOINT_RECORDS} records"
            ),
        )
    } else {
        Point::ok(NAME, format!("{found}, beside a ledger of {ledger}"))
    }
}

pub(super) fn catalog(path: &Path) -> Point {
    const NAME: &str = "catalog";
    let file = path.display().to_string();
    let source = match fs::read_to_string(path) {
        Ok(source) => source,
        Err(error) => {
            return Point::problem(
                NAME,
                format!("`{file}` cannot be read: {error}"),
                "name the file that the server is given, and let its user read it",
            );
        }
    };
    match parse(&file, &source, &Names::default()) {
        Ok(catalog) => {
            Point::ok(NAME, format!("`{file}` has {} brands and no fault", catalog.brands.len()))
        }
        Err(faults) => {
            let shown: Vec<String> = faults.iter().take(SHOWN).map(ToString::to_string).collect();
            Point::problem(
                NAME,
                shown.join("; "),
                format!("correct the file; `maysend catalog check {file}` tells all faults"),
            )
        }
    }
}
