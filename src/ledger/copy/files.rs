//! Files that are written whole or not at all, durably, and for nobody else to read.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::CopyError;
use crate::ledger::disk::RealDisk;
use crate::ledger::reader::segments;

/// Whether a directory holds the segments of a ledger that is written to.
pub(crate) fn is_ledger(dir: &Path) -> bool {
    segments(&RealDisk, dir).is_ok_and(|segments| !segments.is_empty())
}

/// Writes a file whole and durably under a name that it gets last; for nobody else to read.
pub(crate) fn write(path: &Path, octets: &[u8]) -> Result<(), CopyError> {
    let failed = at(path);
    let unfinished = path.with_extension("new");
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&unfinished).map_err(&failed)?;
    file.write_all(octets).and_then(|()| file.sync_all()).map_err(&failed)?;
    fs::rename(&unfinished, path).map_err(&failed)
}

/// Makes the names in a directory durable.
pub(crate) fn sync(dir: &Path) -> Result<(), CopyError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(at(dir))
}

pub(crate) fn at(path: &Path) -> impl Fn(io::Error) -> CopyError {
    let path = path.to_owned();
    move |source| CopyError::Io { path: path.clone(), source }
}
