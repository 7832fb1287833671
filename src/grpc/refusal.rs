//! What the edge refuses by itself, before the engine hears of it.

use crate::credentials::Exhausted;
use crate::engine::error::{EngineError, InvalidRequest, Violation};

/// Most faults that one answer lists. They travel in a header, and clients take some 8 KiB of those;
/// who made more mends these first.
pub(super) const MAX_FAULTS: usize = 20;

/// Why a request gets no further than the edge. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// It is malformed.
    #[error(transparent)]
    Invalid(#[from] InvalidRequest),
    /// It is well-formed, and names what the catalog does not have.
    #[error("the catalog has no such {}", .name.kind())]
    Unknown {
        /// The first such name.
        name: Name,
        /// Each field that holds one.
        violations: Vec<Violation>,
    },
    /// The campaign that it names is not there to be sent.
    #[error(transparent)]
    Campaign(EngineError),
    /// It shows no credential that is good, and is not told which it is: none, unknown, expired,
    /// revoked.
    #[error("the call shows no valid credential; send `authorization: Bearer KEY`")]
    Unauthenticated,
    /// The credential may not ask so much.
    #[error(transparent)]
    Exhausted(#[from] Exhausted),
    /// The message is larger than this server reads.
    #[error("the message is larger than the server takes; split it")]
    TooLarge {
        /// How many octets it takes, where that is known.
        limit: Option<u64>,
    },
    /// All places for calls like this one are taken.
    #[error("the server has as much under way as it takes on; ask again in a moment")]
    NoRoom,
    /// The client's own deadline has passed.
    #[error("the deadline of the call has passed; whether a write took effect is not known")]
    DeadlinePassed,
    /// A message that has begun did not arrive in time.
    #[error("the message did not arrive in time; the call is given up, nothing was written")]
    Unfinished,
}

/// A name of the catalog, as the caller wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Name {
    /// Of a brand.
    Brand(String),
    /// Of a controller.
    Controller(String),
    /// Of a controller, brand or topic within a scope; the field says which.
    Scope,
}

impl Name {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Brand(_) => "brand",
            Self::Controller(_) => "controller",
            Self::Scope => "scope",
        }
    }
}
