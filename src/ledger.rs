//! The ledger: append-only segments of records, each an opaque payload. It is the truth; all else
//! can be made from it again.
//!
//! FORMAT. A segment is a file `ledger/<first revision, 20 digits>.seg`; numbers are little-endian.
//! ```text
//! header  80  magic 8, format u16, address rule u16, 0 u32, key check 16, first revision u64,
//!             chain so far 32, crc32
//! group       head, frames, mark; the next group follows the mark's place
//!   head  36  f5 "grp", count u32, first revision u64, last revision known durable u64,
//!             octets of the frames u64, crc32
//!   frame 96  f5 "frm", length u32, revision u64, kind u8, 0 u24, digest 32, chain 32, crc32,
//!             slot u64; then the payload
//!   mark  48  f5 "mrk", last revision u64, chain 32, crc32
//! ```
//! digest = blake3(payload), which begins with its writer's random salt. chain = blake3(chain of
//! the frame before, this frame up to and with its digest); the first has a chain derived from the
//! key's check value before it. The crc32 of head, frame and mark begins with a seed from that
//! value, so nobody can put a valid structure into a payload that he merely writes. The slot is
//! 0, or the revision of the tombstone that erased the payload; nothing covers it, and only a
//! payload that does not match its digest makes a reader look at it. What a tombstone lists is
//! erased whatever the slot says: an opening that finds another number there writes it again. A
//! tombstone's payload begins with the list of what it erases, a done mark's is its revision.
//!
//! WRITE ORDER. Space for group and mark; head and frames in one write; fdatasync; mark; the
//! readers' head; `Committed`. The mark itself waits for the next fdatasync. A new segment begins
//! once the old one is synced, its last mark with it: header, fdatasync, fsync of the directory.
//! A redaction: the tombstone as the last record of a group that is committed; slots and zeros over
//! the payloads; fdatasync of each segment touched; the done mark in a group of its own.
//!
//! CRASH WINDOWS. Before a group's fdatasync: it is whole or torn; nobody was told; boot takes it
//! or cuts it. Between fdatasync and mark: it is whole. With the mark not yet on the disk: the same.
//! While a segment is made: a header that is short or torn, and nothing behind it; boot removes the
//! file. From a tombstone's fdatasync to its done mark: the tombstone is the ledger's last record;
//! boot erases again and writes the done mark before it serves.
//!
//! INVARIANT(tail): only the last group can be torn. A torn one has neither its mark nor anything
//! valid behind it, nor a segment; what has is damage, and boot changes nothing then.
//! INVARIANT(durable): all that precedes a group was durable when it was written, for a failed
//! fdatasync latches. Boot trusts no page cache: it writes the octets behind the last revision
//! known durable again and waits for them. Thereby a mark is proof, even where only memory holds it.
//! INVARIANT(redaction): nothing but its done mark follows a tombstone.
//!
//! ASSUMED of the disk: a sector is written whole or not at all, fdatasync tells the truth, and
//! writing over a file's octets leaves no old ones (no copy-on-write file system, no snapshots). A
//! truncation by others at a group's end cannot be seen from within: the checkpoint's anchor shows
//! it. One process at a time opens a ledger; who composes the server holds the lock.

mod commit;
mod copy;
pub mod disk;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fault;
mod format;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod group;
mod measures;
mod open;
mod reader;
mod redact;
mod relay;
mod replay;
mod salvage;
#[cfg(test)]
mod tests;
mod verify;
mod walk;

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub use self::copy::{CopiedSegment, CopyError, LedgerCopy, copy, recheck, survey};
pub(crate) use self::copy::{at, is_ledger, sync, write};
use self::disk::DiskFile;
pub use self::disk::{Disk, RealDisk};
pub use self::error::{CommitError, Damage, Damaged, OpenError, ReadError, VerifyError};
pub use self::format::MAX_GROUP_OCTETS;
use self::format::{Chain, Seed};
pub use self::group::Group;
pub use self::measures::{Extent, Measures};
pub use self::open::Visit;
pub use self::reader::{Forward, Reader};
use self::reader::{Segment, Shared};
pub use self::salvage::{Cut, Salvage, Salvaged, give_up, salvage};
pub use self::verify::{TornTail, VerifyReport, verify};
use crate::model::revision::Revision;

/// What a record is; its octet on disk never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RecordKind {
    /// Something happened to one address.
    Event = 1,
    /// An address was erased, and which records with it.
    Tombstone = 2,
    /// The records of the tombstone before it are overwritten.
    Erased = 3,
    /// A version of the catalog.
    Catalog = 4,
    /// A campaign.
    Campaign = 5,
    /// A notice that evidence refers to.
    Notice = 6,
    /// A call and its outcomes.
    Request = 7,
    /// A floor of the clock that an operator set.
    Clock = 8,
}

impl RecordKind {
    /// Every kind, in the order of their octets.
    pub const ALL: [Self; 8] = [
        Self::Event,
        Self::Tombstone,
        Self::Erased,
        Self::Catalog,
        Self::Campaign,
        Self::Notice,
        Self::Request,
        Self::Clock,
    ];

    const fn octet(self) -> u8 {
        match self {
            Self::Event => 1,
            Self::Tombstone => 2,
            Self::Erased => 3,
            Self::Catalog => 4,
            Self::Campaign => 5,
            Self::Notice => 6,
            Self::Request => 7,
            Self::Clock => 8,
        }
    }

    fn from_octet(octet: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.octet() == octet)
    }

    /// Whether a tombstone may list a record of this kind: what proves an erasure stays.
    #[must_use]
    pub const fn is_erasable(self) -> bool {
        !matches!(self, Self::Tombstone | Self::Erased)
    }
}

/// A record as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its place in the ledger.
    pub revision: Revision,
    /// What it is.
    pub kind: RecordKind,
    /// What its writer gave; empty where it is erased.
    pub payload: Cow<'a, [u8]>,
    /// Of a tombstone: the revisions whose payloads it erases, ascending. Else empty.
    pub erases: Vec<Revision>,
    /// Whether its payload is gone.
    pub erased: bool,
}

impl Record<'_> {
    /// The record with a payload of its own.
    #[must_use]
    pub fn into_owned(self) -> Record<'static> {
        Record { payload: Cow::Owned(self.payload.into_owned()), ..self }
    }
}

/// A tombstone as its writer made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TombstoneRecord {
    /// Its place.
    pub revision: Revision,
    /// The revisions whose payloads it erases, ascending.
    pub erases: Vec<Revision>,
    /// What its writer gave.
    pub payload: Vec<u8>,
}

/// Something that is durable. Only a commit and a replay make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed<T>(T);

impl<T> Committed<T> {
    /// What is durable.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Committed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// What a full disk means for a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Urgency {
    /// It holds a no or a tombstone: it may use the space held in reserve.
    No,
    /// It holds yeses alone: it must leave the reserve untouched.
    Yes,
}

/// Sizes, and the rule that the addresses follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// A group that would make a segment larger begins the next one. Default 64 MiB.
    pub segment_octets: u64,
    /// Space held for noes and tombstones on a full disk. Default 8 MiB: some 20,000 of them.
    pub reserve_octets: u64,
    /// The version of the rule that made the addresses canonical; default 1.
    pub address_rule: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_octets: 64 << 20, reserve_octets: 8 << 20, address_rule: 1 }
    }
}

/// How far a verified checkpoint reaches: a proof of what the ledger held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// The ledger's head then; the last revision of a group.
    pub revision: Revision,
    /// The chain there.
    pub chain: [u8; 32],
}

/// Whether there is space for noes when the disk is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reserve {
    /// So many octets beyond the last group are allocated.
    Held(u64),
    /// The file system cannot allocate ahead: a full disk refuses noes too.
    Unsupported,
}

/// The ledger, opened to be written by one thread.
#[derive(Debug)]
pub struct Ledger {
    shared: Arc<Shared>,
    options: Options,
    key_check: [u8; 16],
    chain: Chain,
    active: Active,
    /// Whether the file system allocates ahead.
    allocates: bool,
    /// Octets that the next group will need, going by those before it.
    room: usize,
}

/// The segment that grows.
struct Active {
    segment: Arc<Segment>,
    file: Box<dyn DiskFile>,
    /// Where the next group begins.
    end: u64,
    /// Space before this offset is ours, as far as we know.
    allocated: u64,
}

impl Ledger {
    /// The last committed revision; zero where there is none.
    #[must_use]
    pub fn head(&self) -> Revision {
        self.shared.head()
    }

    /// The chain at the head.
    #[must_use]
    pub fn chain(&self) -> [u8; 32] {
        self.chain
    }

    /// The head and the chain there, for a checkpoint made now.
    #[must_use]
    pub fn anchor(&self) -> Anchor {
        Anchor { revision: self.head(), chain: self.chain }
    }

    /// Begins a group that follows the head. `value` is what the caller wants back.
    #[must_use]
    pub fn begin<T>(&self, value: T) -> Group<T> {
        Group::new(value, self.head(), self.chain, self.shared.seed, self.room)
    }

    /// A reader of what is committed, for any thread.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader(Arc::clone(&self.shared))
    }

    /// Whether the ledger takes no more writes until a restart.
    #[must_use]
    pub fn is_latched(&self) -> bool {
        self.shared.latched.load(Ordering::Acquire)
    }

    /// The space held for noes.
    #[must_use]
    pub fn reserve(&self) -> Reserve {
        if self.allocates {
            Reserve::Held(self.active.allocated.saturating_sub(self.active.end))
        } else {
            Reserve::Unsupported
        }
    }

    fn latch(&self) {
        self.shared.latched.store(true, Ordering::Release);
    }

    fn seed(&self) -> Seed {
        self.shared.seed
    }
}

impl fmt::Debug for Active {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Active")
            .field("segment", &self.segment.first)
            .field("end", &self.end)
            .finish()
    }
}
