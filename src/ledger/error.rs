//! What can go wrong with the ledger, one type for each operation.

use std::error::Error;
use std::io;

use thiserror::Error;

use crate::model::revision::Revision;

/// What is wrong at one place of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
pub enum Damaged {
    /// A segment that must be there is not.
    #[error("a segment is missing before this one")]
    Segment,
    /// The header of a segment.
    #[error("the segment's header is not valid")]
    Header,
    /// The head of a group.
    #[error("the group's head is not valid")]
    Head,
    /// The outside of a frame, or its absence.
    #[error("a frame is not valid")]
    Frame,
    /// The chain from one frame to the next.
    #[error("the chain is broken")]
    Chain,
    /// The count of revisions, records or octets.
    #[error("the count is broken")]
    Count,
    /// A payload that no tombstone lists.
    #[error("a payload does not match its digest")]
    Payload,
    /// The list of revisions in a tombstone, or its place.
    #[error("a tombstone is not valid")]
    Tombstone,
    /// A commit mark. The records before it are sound; opening the ledger writes it again.
    #[error("a commit mark is not valid")]
    Mark,
    /// The slot of an erased payload. A tombstone lists it; opening the ledger writes the slot again,
    /// unless a checkpoint spares it the walk up to there.
    #[error("the slot of an erased payload names no tombstone that lists it")]
    Slot,
    /// What a done mark says is overwritten is not.
    #[error("a payload that is certified as erased is still there")]
    NotErased,
    /// The ledger does not hold what a verified checkpoint proves it held.
    #[error("the ledger does not hold what the checkpoint was made of")]
    Anchor,
}

impl Damaged {
    /// Whether an opening writes it again.
    #[must_use]
    pub const fn is_mended(self) -> bool {
        matches!(self, Self::Mark | Self::Slot)
    }
}

/// Damage and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
#[error("segment {segment}, octet {offset}, revision {revision}: {what}")]
pub struct Damage {
    /// The first revision of the segment: its name.
    pub segment: Revision,
    /// Octets from the segment's beginning.
    pub offset: u64,
    /// The revision expected there.
    pub revision: Revision,
    /// What is wrong.
    pub what: Damaged,
}

/// Why the ledger was not opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The file system failed.
    #[error("the ledger's files cannot be read or written")]
    Io(#[from] io::Error),
    /// The key is not the one that the ledger was written with.
    #[error("the key is not the one that this ledger was written with; bring back the key file")]
    WrongKey,
    /// Another version of the format.
    #[error(
        "the ledger has format {found}, this program knows {FORMAT}; use the version of maysend that \
         wrote it",
        FORMAT = super::format::FORMAT
    )]
    Format {
        /// The version found.
        found: u16,
    },
    /// Another version of the address rule.
    #[error(
        "the ledger's addresses follow rule {found}, this program's follow rule {expected}; use the \
         version of maysend that wrote it"
    )]
    AddressRule {
        /// The version found.
        found: u16,
        /// The version of this program.
        expected: u16,
    },
    /// The ledger is damaged; nothing was changed.
    #[error("the ledger is damaged")]
    Damaged(#[from] Damage),
    /// Whoever was shown the records refused one.
    #[error("the record of revision {revision} cannot be taken")]
    Refused {
        /// The record.
        revision: Revision,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Why a group was not committed.
#[derive(Debug, Error)]
pub enum CommitError {
    /// The disk is full; nothing was written, and the ledger goes on.
    #[error("the disk is full")]
    Full,
    /// The ledger takes no more until a restart; nothing was written.
    #[error("the ledger takes no writes until a restart")]
    Latched,
    /// The write failed and was taken back, so nothing was written; the ledger is latched from now.
    #[error("the ledger could not be written, and takes no more until a restart")]
    Failed(#[source] io::Error),
    /// Nobody knows whether the group is durable; the ledger is latched from now.
    #[error("it is unknown whether the write is durable; the ledger takes no more until a restart")]
    Unknown(#[source] io::Error),
    /// The group was begun before another one was committed; nothing was written.
    #[error("the group begins at revision {begun}, the ledger is at {head}")]
    Stale {
        /// The group's first revision.
        begun: Revision,
        /// The ledger's last.
        head: Revision,
    },
    /// The group exceeds `MAX_GROUP_OCTETS`; nothing was written.
    #[error("the group is larger than {} octets", super::MAX_GROUP_OCTETS)]
    TooLarge,
    /// Tombstones and done marks are written by `redact` alone; nothing was written.
    #[error("a group holds a tombstone or a done mark")]
    ReservedKind,
    /// There is no such record, or it is a tombstone or a done mark; nothing was written.
    #[error("the record of revision {0} cannot be erased")]
    NotErasable(Revision),
    /// The record to be erased cannot be read; nothing was written.
    #[error("a record to be erased cannot be read")]
    Unreadable(#[source] ReadError),
}

/// Why a record was not read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The file system failed.
    #[error("the ledger's files cannot be read")]
    Io(#[from] io::Error),
    /// The record, or what stands before it in its segment, is damaged.
    #[error("the ledger is damaged")]
    Damaged(#[from] Damage),
}

/// Why the ledger was not verified.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// The file system failed.
    #[error("the ledger's files cannot be read")]
    Io(#[from] io::Error),
    /// The key is not the one that the ledger was written with.
    #[error("the key is not the one that this ledger was written with; bring back the key file")]
    WrongKey,
    /// Another version of the format.
    #[error(
        "the ledger has format {found}, this program knows {FORMAT}; use the version of maysend that \
         wrote it",
        FORMAT = super::format::FORMAT
    )]
    Format {
        /// The version found.
        found: u16,
    },
}
