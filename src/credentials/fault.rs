//! What can be wrong with a credential file, and how it is told: file, line, key path, clause.
//!
//! No text of a value is shown but names and words: somebody may have put a key where its hash
//! belongs.

use crate::catalog::located::{self, AllLocated, Located};

/// Everything that is wrong with a credential file.
pub type CredentialErrors = AllLocated<Fault>;

/// One thing that is wrong with a credential file.
pub type CredentialError = Located<Fault>;

/// Collects what is wrong.
pub(super) type Faults = located::Faults<Fault>;

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
