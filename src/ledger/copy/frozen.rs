//! A segment in memory, seen as a file: what was verified is what is written.

use std::io;
use std::sync::Arc;

use crate::ledger::disk::DiskFile;
use crate::ledger::format::{narrow, wide};

/// A segment in memory.
#[derive(Debug)]
pub(super) struct Frozen(pub(super) Arc<Vec<u8>>);

impl DiskFile for Frozen {
    fn len(&self) -> io::Result<u64> {
        Ok(wide(self.0.len()))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = self.0.get(narrow(offset)..).unwrap_or_default();
        let octets = rest.len().min(buffer.len());
        buffer[..octets].copy_from_slice(&rest[..octets]);
        Ok(octets)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn allocate(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
