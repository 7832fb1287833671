//! What can be wrong with a credential file, and how it is told: file, line, key path, clause.
//!
//! No text of a value is shown but names and words: somebody may have put a key where its hash
//! belongs.

use std::fmt;
use std::sync::Arc;

/// Everything that is wrong with a file, in the order of its lines. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialErrors(Vec<CredentialError>);

/// One thing that is wrong with a file. Prints as `FILE:LINE: KEY: CLAUSE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialError {
    /// The file as the caller named it.
    pub file: Arc<str>,
    /// Counted from 1.
    pub line: usize,
    /// Such as `credential[2].roles[0]`, places counted from 0; empty where the file is no TOML.
    pub key: String,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong at a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The file is no TOML; a key that stands twice in a table belongs here.
    #[error("{0}")]
    Syntax(String),
    /// The table knows no such key.
    #[error("unknown key; known are {}", .known.join(", "))]
    UnknownKey {
        /// The keys of this table.
        known: &'static [&'static str],
    },
    /// The table needs this key.
    #[error("the key is missing")]
    MissingKey,
    /// A value of another type.
    #[error("expected {expected}")]
    WrongType {
        /// With its article.
        expected: &'static str,
    },
    /// More entries than a file may have.
    #[error("the list has more than {max} entries")]
    TooMany {
        /// The greatest number allowed.
        max: usize,
    },
    /// Not an identifier.
    #[error("is not a name; names match `[a-z0-9][a-z0-9._-]{{0,62}}`")]
    BadName,
    /// The name of callers that have no credential.
    #[error("`local` is the name of callers without a credential; choose another")]
    Reserved,
    /// Another entry has the name, or the key, or the certificate.
    #[error("is taken by line {first_line}")]
    Taken {
        /// Where it was used first.
        first_line: usize,
    },
    /// Nothing proves who it is.
    #[error("needs `sha256`, the hash of its key, or `san`, the names of its certificates")]
    Unprovable,
    /// Not a hash.
    #[error("is not the SHA-256 of a key: 64 digits of 0-9a-f")]
    BadDigest,
    /// Not a role.
    #[error("is not a role; roles are sender, staff, portal, system, reviewer and admin")]
    BadRole,
    /// It may do nothing.
    #[error("names no role")]
    NoRole,
    /// The same role twice.
    #[error("names a role twice")]
    RoleTwice,
    /// Staff would hold what only the owner of an address may show.
    #[error(
        "staff must not hold the owner's proof: make one credential for staff, and another \
             for sender or portal"
    )]
    RolesApart,
    /// Not an instant.
    #[error("is not an instant such as 2027-01-31T00:00:00Z, nor a day such as 2027-01-31")]
    BadInstant,
    /// Not the name of a certificate.
    #[error("is not the name of a certificate: `dns:NAME`, `uri:URI` or `email:ADDRESS`")]
    BadCertificate,
    /// A number out of its range.
    #[error("is out of range; allowed is 1 to {max}")]
    OutOfRange {
        /// The greatest number allowed.
        max: u64,
    },
}

impl CredentialErrors {
    /// The errors, in the order of their lines.
    pub fn iter(&self) -> impl Iterator<Item = &CredentialError> {
        self.0.iter()
    }
}

impl fmt::Display for CredentialErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            write!(f, "{gap}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for CredentialErrors {}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, key, fault } = self;
        let gap = if key.is_empty() { "" } else { ": " };
        write!(f, "{file}:{line}: {key}{gap}{fault}")
    }
}

impl std::error::Error for CredentialError {}

/// Collects what is wrong while the file is read to its end.
#[derive(Debug)]
pub(super) struct Faults {
    file: Arc<str>,
    newlines: Vec<usize>,
    /// With the offset of each in the text.
    found: Vec<(usize, CredentialError)>,
}

impl Faults {
    pub(super) fn of(file: &str, text: &str) -> Self {
        let newlines = text.match_indices('\n').map(|(offset, _)| offset).collect();
        Self { file: file.into(), newlines, found: Vec::new() }
    }

    /// The line of an offset, counted from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.newlines.partition_point(|newline| *newline < offset) + 1
    }

    pub(super) fn add(&mut self, offset: usize, key: String, fault: Fault) {
        let error =
            CredentialError { file: self.file.clone(), line: self.line(offset), key, fault };
        self.found.push((offset, error));
    }

    /// # Errors
    /// What was added, sorted.
    pub(super) fn none(mut self) -> Result<(), CredentialErrors> {
        if self.found.is_empty() {
            return Ok(());
        }
        self.found.sort_by_key(|(offset, _)| *offset);
        Err(CredentialErrors(self.found.into_iter().map(|(_, error)| error).collect()))
    }
}
