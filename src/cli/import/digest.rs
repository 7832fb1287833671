//! The digest by which the evidence of a row names its file.

use std::fmt::Write as _;
use std::io::{self, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

/// What is read at once.
const BLOCK: usize = 1 << 20;

/// A digest in the making, shared by who reads and who asks for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Running(Arc<Mutex<Sha256>>);

impl Running {
    fn update(&self, octets: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).update(octets);
    }

    /// SHA-256 of what was read so far, in hexadecimal digits.
    pub(super) fn digits(&self) -> String {
        let hash = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize();
        hash.iter().fold(String::with_capacity(64), |mut digits, octet| {
            write!(digits, "{octet:02x}").unwrap_or_default();
            digits
        })
    }
}

/// Reads, and keeps the digest of what was read.
#[derive(Debug)]
pub(super) struct Digesting<R> {
    pub(super) source: R,
    pub(super) digest: Running,
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(room)?;
        self.digest.update(room.get(..read).unwrap_or_default());
        Ok(read)
    }
}

/// SHA-256 of all that a source gives, in hexadecimal digits.
///
/// # Errors
/// The source's.
pub(super) fn of(source: impl Read) -> io::Result<String> {
    let digest = Running::default();
    let reading = Digesting { source, digest: digest.clone() };
    io::copy(&mut BufReader::with_capacity(BLOCK, reading), &mut io::sink())?;
    Ok(digest.digits())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_sha256sum() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of(&b"abc"[..]).unwrap(), abc);
    }
}
