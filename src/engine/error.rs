//! What a use case can fail with. The edge maps each to its code in one place.

use super::erasure::CaseState;
use crate::authorize::{Forbidden, SamePerson};
use crate::model::revision::Revision;

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field as the API names it: `evidence.wording`, `scopes[1]`.
    pub field: String,
    /// What is wrong and what to do, in one clause.
    pub problem: String,
}

/// The request is malformed; nothing of it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", violations.iter().map(|v| format!("{}: {}", v.field, v.problem)).collect::<Vec<_>>().join("; "))]
pub struct InvalidRequest {
    /// All that is wrong with it, at least one.
    pub violations: Vec<Violation>,
}

impl InvalidRequest {
    /// One thing is wrong.
    #[must_use]
    pub fn one(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { violations: vec![Violation { field: field.into(), problem: problem.into() }] }
    }
}

/// Why a use case failed. Where nothing else is said, nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The request is malformed.
    #[error(transparent)]
    Invalid(#[from] InvalidRequest),
    /// The caller has none of the roles that this needs.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The one who decides an erasure is the one who asked for it.
    #[error("{why}")]
    SamePerson {
        /// The case.
        id: String,
        /// What is the same.
        why: SamePerson,
    },
    /// There is no erasure case of this id.
    #[error("no erasure case has the id `{id}`")]
    UnknownCase {
        /// As the caller wrote it.
        id: String,
    },
    /// The erasure case is decided, and otherwise.
    #[error("the erasure case is decided already: {}", match state {
        CaseState::Pending => "it is pending",
        CaseState::Rejected => "it was rejected; request the erasure again",
        CaseState::Erased => "the address was erased, which cannot be undone",
    })]
    CaseDecided {
        /// The case.
        id: String,
        /// How it was decided.
        state: CaseState,
    },
    /// There is no access request of this id.
    #[error("no access request has the id `{id}`")]
    UnknownAccessRequest {
        /// As the caller wrote it.
        id: String,
    },
    /// The catalog has no such brand.
    #[error("no brand has the id `{brand}`")]
    UnknownBrand {
        /// As the caller wrote it.
        brand: String,
    },
    /// The catalog has no such controller.
    #[error("no controller has the id `{controller}`")]
    UnknownController {
        /// As the caller wrote it.
        controller: String,
    },
    /// The brand has no such campaign.
    #[error("brand `{brand}` has no campaign `{campaign}`; register it first")]
    UnknownCampaign {
        /// As the caller wrote it.
        brand: String,
        /// As the caller wrote it.
        campaign: String,
    },
    /// The campaign is no longer to be sent.
    #[error("campaign `{campaign}` of brand `{brand}` is retired")]
    CampaignRetired {
        /// As the caller wrote it.
        brand: String,
        /// As the caller wrote it.
        campaign: String,
    },
    /// A campaign of this name is known and is another one.
    #[error("brand `{brand}` has another campaign `{campaign}`; campaigns never change")]
    CampaignDiffers {
        /// As the caller wrote it.
        brand: String,
        /// As the caller wrote it.
        campaign: String,
    },
    /// More addresses than one call may hold.
    #[error("{got} addresses in one call; at most {limit} are taken")]
    TooManyAddresses {
        /// How many may be.
        limit: usize,
        /// How many there are.
        got: usize,
    },
    /// What a call would record is more than the ledger takes at once.
    #[error("the call would record more than {limit} octets; split its addresses over several")]
    WriteTooLarge {
        /// How many octets the ledger takes at once.
        limit: u64,
    },
    /// The token is not one of ours, is altered, or is of another kind.
    #[error("the token is not valid here")]
    BadToken,
    /// The token is ours, and too old to prove the mailbox.
    #[error("the token has expired; a newer mail has another")]
    TokenExpired,
    /// The same `request_id` came with another body.
    #[error("request_id `{id}` was used for another request within 24 hours")]
    RequestIdReused {
        /// As the caller wrote it.
        id: String,
    },
    /// `at_least_revision` lies ahead, and waiting did not help.
    #[error("revision {asked} is not reached; the head is {head}")]
    RevisionNotReached {
        /// What the caller has seen.
        asked: Revision,
        /// What is here.
        head: Revision,
    },
    /// As many follow already as may.
    #[error("{limit} watches are open already; end one, or let one follower feed the others")]
    TooManyWatches {
        /// How many may be.
        limit: usize,
    },
    /// The wall clock lies days before the last event; yeses are refused until it is right.
    #[error(
        "the wall clock lies before the last recorded event; yeses are refused until it is right"
    )]
    ClockInDoubt,
    /// The server is about to stop.
    #[error("the server is stopping")]
    Stopping,
    /// A write to disk failed before; the ledger takes none until a restart.
    #[error("the ledger takes no writes since a write to disk failed; restart the server")]
    Latched,
    /// The disk is full; noes are taken still.
    #[error("the disk is full; only noes are taken until there is room")]
    DiskFull,
    /// A write to disk failed on the way: the write may stand or not.
    #[error("a write to disk failed; the outcome is unknown, retry with the same request_id")]
    OutcomeUnknown,
    /// Stored data is damaged; the log has the details under this incident id.
    #[error("stored data is damaged; incident {incident}")]
    Damaged {
        /// What to look for in the log.
        incident: String,
    },
}
