//! Who may call: the credential file, `credentials.toml`, and the check of a key against it.
//!
//! A key is 256 random bits, shown once; the file holds its SHA-256. A slow hash (argon2, bcrypt)
//! protects what people choose and others can guess; nobody guesses 256 random bits, and a slow
//! hash would be paid by every call. SHA-256 and not BLAKE3: whatever hands out secrets can make an
//! entry, `printf %s KEY | sha256sum`.
//!
//! The file is written by `maysend credential` and by hand. So everything that is wrong with it is
//! told at once, and a program only ever adds to it: comments stay.
//!
//! INVARIANT(one-answer): an unknown, an expired and a revoked key are refused alike and after the
//! same work: every entry is compared, whole.

mod asked;
mod budget;
mod fault;
mod file;
mod parse;

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use constant_time_eq::constant_time_eq_32;
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use sha2::{Digest as _, Sha256};

use crate::model::actor::Role;
use crate::model::day::Timestamp;

pub use self::budget::{Budget, Exhausted};
pub use self::fault::{CredentialError, CredentialErrors, Fault};
pub use self::file::{FileError, New, add, read, revoke};
pub use self::parse::{MAX_CREDENTIALS, MAX_NAMES, MAX_PER_DAY, MAX_PER_MINUTE, ROLES, parse};

/// What a key begins with: scanners for leaked secrets, and people, know it by that.
pub const PREFIX: &str = "maysend_";

/// Random octets of a key.
const KEY: usize = 32;

/// A key as it travels. It prints no content.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// A new key.
    ///
    /// # Errors
    /// The operating system gives no random octets.
    pub fn random() -> Result<Self, rand::rand_core::OsError> {
        let mut octets = [0; KEY];
        OsRng.try_fill_bytes(&mut octets)?;
        Ok(Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(octets))))
    }

    /// The text of the key: show it to whom it is for, and to nobody else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What the file holds of it.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        KeyDigest::of(self.0.as_bytes())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// The SHA-256 of a key. Equal in constant time.
#[derive(Clone, Copy)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// Of a key as it came.
    #[must_use]
    pub fn of(key: &[u8]) -> Self {
        Self(Sha256::digest(key).into())
    }
}

impl PartialEq for KeyDigest {
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq_32(&self.0, &other.0)
    }
}

impl Eq for KeyDigest {}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest(..)")
    }
}

/// How much a credential may ask. None: as much as it likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Addresses in a minute, in any calls; a minute's worth may come at once.
    pub addresses_per_minute: Option<u64>,
    /// Different addresses in a UTC day.
    pub distinct_addresses_per_day: Option<u64>,
}

/// An entry of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Recorded with every event. Never used again for another, so that the record stays true.
    pub name: Arc<str>,
    /// What it may do; never empty.
    pub roles: Vec<Role>,
    /// Of its key; none where only a client certificate proves it.
    pub digest: Option<KeyDigest>,
    /// Names of client certificates that prove it: `dns:NAME`, `uri:URI` or `email:ADDRESS`.
    pub certificates: Vec<Box<str>>,
    /// When it was made.
    pub created: Timestamp,
    /// The first instant at which it is good no more.
    pub expires: Option<Timestamp>,
    /// Taken back for good.
    pub is_revoked: bool,
    /// How much it may ask.
    pub limits: Limits,
}

impl Credential {
    /// Whether it is good at this instant.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        !self.is_revoked && self.expires.is_none_or(|expires| now < expires)
    }

    /// Whether both let the same in and let it do the same.
    fn says_as(&self, other: &Self) -> bool {
        let Self { name, roles, digest, certificates, .. } = self;
        (name, roles, digest, certificates)
            == (&other.name, &other.roles, &other.digest, &other.certificates)
    }
}

/// The credentials of a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Credentials(Vec<Arc<Credential>>);

impl Credentials {
    /// All of them, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Credential>> {
        self.0.iter()
    }

    /// The credential of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Arc<Credential>> {
        self.0.iter().find(|credential| &*credential.name == name)
    }

    /// Who shows this key, this certificate, or both, where that is a live credential.
    ///
    /// A certificate that names a credential and a key that is another's are nobody: two callers
    /// do not share a call. A key alone is enough, also for a credential with certificates; beside a
    /// certificate it is not, unless that certificate is among its own or it has none.
    #[must_use]
    pub fn caller(
        &self,
        key: Option<&[u8]>,
        certificate: &[String],
        now: Timestamp,
    ) -> Option<&Arc<Credential>> {
        let digest = key.map(KeyDigest::of);
        let (mut of_key, mut of_names, mut is_shared) = (None, None, false);
        for credential in &self.0 {
            // No early end: see INVARIANT(one-answer).
            if digest.is_some() && credential.digest == digest {
                of_key = Some(credential);
            }
            if !credential.is_revoked && credential.is_proved_by(certificate) {
                is_shared |= of_names.is_some();
                of_names = Some(credential);
            }
        }
        let found = match (digest, of_key, of_names) {
            _ if is_shared => None,
            (None, _, of_names) => of_names,
            (Some(_), Some(of_key), Some(of_names)) => {
                Arc::ptr_eq(of_key, of_names).then_some(of_key)
            }
            (Some(_), Some(of_key), None) => {
                let is_anothers = !certificate.is_empty() && !of_key.certificates.is_empty();
                (!is_anothers).then_some(of_key)
            }
            (Some(_), None, _) => None,
        };
        found.filter(|credential| credential.is_live(now))
    }

    /// Whether somebody who came with `credential` may go on: it is still there, is live, and may do
    /// what it could do then.
    #[must_use]
    pub fn upholds(&self, credential: &Credential, now: Timestamp) -> bool {
        self.named(&credential.name)
            .is_some_and(|present| present.says_as(credential) && present.is_live(now))
    }
}

impl Credential {
    fn is_proved_by(&self, certificate: &[String]) -> bool {
        let is_own = |name: &String| {
            let name = parse::spelled(name);
            self.certificates.iter().any(|own| **own == *name)
        };
        certificate.iter().any(is_own)
    }
}

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
#[cfg(test)]
mod tests;
