//! The key file of a data directory, `keys.toml`: what turns addresses into fingerprints and makes
//! tokens ours.
//!
//! Who reads it can tell from the index who is in it, and can sign for every owner; who loses it
//! can use neither the data directory's fingerprints nor any link in a mail that was sent. So it is
//! for its owner alone (mode 0600), is never lost to a new one, and prints no secret, not even in
//! errors.
//!
//! WRITE ORDER: temporary file, fsync, rename, fsync of the directory. A first file is renamed
//! without replacing; a later version replaces the one that it was made from, under a lock of the
//! directory. CRASH WINDOW: before the rename the file is as it was, beside a hidden temporary one
//! of mode 0600 that nothing has used.
//!
//! The fingerprint key never changes, for fingerprints would. Token keys rotate: one is `signing`,
//! those it replaced are `verifying`, and one that may have leaked is `retired`.

mod file;
pub(crate) mod hex;
mod rotate;

use std::fmt;
use std::num::NonZeroU8;
use std::path::{Path, PathBuf};

use rand::TryRngCore as _;
use rand::rngs::OsRng;
use siphasher::sip128::SipHasher13;

use self::file::{Entry, EntryState};
use crate::token::{KeyState, SECRET, TokenKey, TokenKeys};

/// Octets of the fingerprint key.
pub const FINGERPRINT_KEY: usize = 16;

/// No address canonicalises to this, so it reveals no fingerprint.
const CHECK_TEXT: &[u8] = b"maysend: is this the key?";

/// What the digest key is derived for (BLAKE3's context string).
const DIGEST_CONTEXT: &str = "maysend 2026-01 digests of requests";

/// The secrets of a data directory. They print no content.
#[derive(Clone)]
pub struct Keys {
    fingerprint: [u8; FINGERPRINT_KEY],
    digest: [u8; 32],
    tokens: TokenKeys,
}

/// The key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// It cannot be read or written.
    #[error("key file `{path}`: {doing}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What failed.
        doing: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// There is one already, and the data hangs on it.
    #[error("key file `{0}` exists and is never overwritten")]
    Exists(PathBuf),
    /// Others may read it.
    #[error(
        "key file `{path}` has mode {mode:04o} and is open to others; take it back with \
         `chmod 600`, and replace its token keys if anyone may have read them"
    )]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is not a key file.
    #[error("key file `{path}`, line {line}: {found}; mend it, or bring back a copy")]
    Content {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong; no part of the file itself.
        found: &'static str,
    },
    /// No token key has this number.
    #[error("key file `{path}` has no token key {id}")]
    NoSuchKey {
        /// Which file.
        path: PathBuf,
        /// What was asked for.
        id: NonZeroU8,
    },
    /// Links that are mailed from now on would be signed by a key that must not sign.
    #[error("token key {0} signs; rotate first, and then retire it")]
    Signs(NonZeroU8),
    /// All numbers are given out.
    #[error("key file `{0}` has 255 token keys, and no number is left for another")]
    Exhausted(PathBuf),
    /// The operating system gives no random octets.
    #[error("the operating system gives no random octets")]
    Random(#[source] rand::rand_core::OsError),
}

/// Where the key file of a data directory lies, unless it was put elsewhere.
#[must_use]
pub fn path_of(data_dir: &Path, key_file: Option<&Path>) -> PathBuf {
    key_file.map_or_else(|| data_dir.join("keys.toml"), Path::to_owned)
}

impl Keys {
    /// Makes the keys of a new data directory and writes them.
    ///
    /// # Errors
    /// `Exists` where there is a file of this name; `Io`, `Random`.
    pub fn create(path: &Path) -> Result<Self, KeysError> {
        let fingerprint = random()?;
        let secret: [u8; SECRET] = random()?;
        let first = Entry { id: NonZeroU8::MIN, secret, state: EntryState::Signing };
        file::write_new(path, &file::text(&fingerprint, &[first]))?;
        let signing = TokenKey::new(NonZeroU8::MIN, &secret, KeyState::Active);
        Ok(Self::new(fingerprint, TokenKeys::new(signing, Vec::new())))
    }

    /// Reads the keys of a data directory.
    ///
    /// # Errors
    /// `Open` where others may read the file; `Content`, `Io`.
    pub fn load(path: &Path) -> Result<Self, KeysError> {
        let text = file::read_private(path)?;
        let (fingerprint, tokens) = file::parse(path, &text)?;
        Ok(Self::new(fingerprint, tokens))
    }

    /// Adds a token key that signs from now on; the one before goes on verifying. A running server
    /// takes it on SIGHUP. Gives back the new key's number and that of the one before.
    ///
    /// # Errors
    /// As `load`; `Exhausted`, `Random`. Then the file is as it was.
    pub fn rotate(path: &Path) -> Result<(NonZeroU8, NonZeroU8), KeysError> {
        rotate::rotate(path, &random()?)
    }

    /// Retires a token key that may have leaked: its links go on saying no, and nothing else. Again
    /// changes nothing. A running server takes it on SIGHUP.
    ///
    /// # Errors
    /// As `load`; `NoSuchKey`, and `Signs` where it is the one that signs. Then the file is as it
    /// was.
    pub fn retire(path: &Path, id: NonZeroU8) -> Result<(), KeysError> {
        rotate::retire(path, id)
    }

    /// Copies a key file to where none is.
    ///
    /// # Errors
    /// As `load`; `Exists`.
    pub fn copy(from: &Path, to: &Path) -> Result<(), KeysError> {
        let text = file::read_private(from)?;
        file::parse(from, &text)?;
        file::write_new(to, &text)
    }

    /// Makes a new key that signs, and retires all others: where revisions are given out again, what
    /// a link was minted at says nothing any more, and no link of before may say yes.
    ///
    /// # Errors
    /// As `rotate`.
    pub fn renew(path: &Path) -> Result<(), KeysError> {
        Self::rotate(path)?;
        rotate::retire_others(path)
    }

    /// The number of each token key of a file, and its state as the file says it.
    ///
    /// # Errors
    /// As `load`.
    pub fn list(path: &Path) -> Result<Vec<(NonZeroU8, &'static str)>, KeysError> {
        rotate::list(path)
    }

    fn new(fingerprint: [u8; FINGERPRINT_KEY], tokens: TokenKeys) -> Self {
        Self { fingerprint, digest: blake3::derive_key(DIGEST_CONTEXT, &fingerprint), tokens }
    }

    /// What the data directory stores to know its key again. It tells nothing of the key.
    #[must_use]
    pub fn check_value(&self) -> [u8; 16] {
        SipHasher13::new_with_key(&self.fingerprint).hash(CHECK_TEXT).as_bytes()
    }

    /// The key of SipHash-1-3-128 for canonical addresses.
    #[must_use]
    pub const fn fingerprint_key(&self) -> [u8; FINGERPRINT_KEY] {
        self.fingerprint
    }

    /// The keys of the owner's tokens.
    #[must_use]
    pub const fn token_keys(&self) -> &TokenKeys {
        &self.tokens
    }

    /// A keyed digest (BLAKE3, cut to 128 bits): nothing can be guessed from it without the key.
    /// The same octets under another label have another digest.
    #[must_use]
    pub fn digest(&self, label: &str, octets: &[u8]) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_keyed(&self.digest);
        hasher.update(blake3::hash(label.as_bytes()).as_bytes());
        hasher.update(octets);
        let mut digest = [0; 16];
        hasher.finalize_xof().fill(&mut digest);
        digest
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

fn random<const N: usize>() -> Result<[u8; N], KeysError> {
    let mut octets = [0; N];
    OsRng.try_fill_bytes(&mut octets).map_err(KeysError::Random)?;
    Ok(octets)
}

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
#[cfg(test)]
mod tests;
