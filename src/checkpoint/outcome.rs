//! What a checkpoint is of, what it holds, and what became of it.

use super::Reason;
use crate::model::revision::Revision;

/// The ledger's head before the first image was made: replay goes on after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// The last revision that the images are sure to hold.
    pub revision: Revision,
    /// The ledger's chain value at that revision. The ledger has to agree with it.
    pub chain: [u8; 32],
}

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
