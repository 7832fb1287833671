//! What a checkpoint is of, what it holds, and what became of it.

use super::Reason;
use crate::ledger::Anchor;
use crate::model::revision::Revision;

/// What a checkpoint holds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// Number of images.
    pub images: u64,
    /// Octets of all images.
    pub octets: u64,
}

/// What `Checkpoints::load` found.
#[derive(Debug)]
pub struct Loaded<B> {
    /// The newest checkpoint that verified whole, and what was built from its images.
    pub found: Option<(Anchor, B)>,
    /// Those that were tried before it, newest first, and why they are not used.
    pub rejected: Vec<(Revision, Reason)>,
}

/// What `Checkpoints::verify` found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Which checkpoint.
    pub revision: Revision,
    /// Where it was taken and what it holds, or why it is of no use.
    pub outcome: Result<(Anchor, Contents), Reason>,
}
