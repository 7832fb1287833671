//! A group: records that become durable together, or not at all.

use std::fmt;

use super::format::{
    Chain, FRAME, HEAD, Head, MAX_GROUP_OCTETS, Outside, Seed, wide, wrap_tombstone,
};
use super::reader::STRIDE;
use super::{CommitError, RecordKind};
use crate::model::revision::Revision;

/// Records on their way into the ledger, and what the caller wants back once they are durable.
pub struct Group<T> {
    value: T,
    seed: Seed,
    first: Revision,
    next: Revision,
    chain: Chain,
    count: u32,
    /// The head, filled in last, and the frames.
    octets: Vec<u8>,
    /// A sparse index of the frames: revision, offset from the group's beginning.
    index: Vec<(Revision, u64)>,
    fault: Option<Fault>,
}

/// What `push` could not say.
#[derive(Debug, Clone, Copy)]
enum Fault {
    TooLarge,
    ReservedKind,
}

impl<T> Group<T> {
    /// A group that has room for so many octets without growing.
    pub(super) fn new(value: T, head: Revision, chain: Chain, seed: Seed, room: usize) -> Self {
        let mut octets = Vec::with_capacity(room.max(HEAD));
        octets.resize(HEAD, 0);
        Self {
            value,
            seed,
            first: head.next(),
            next: head.next(),
            chain,
            count: 0,
            octets,
            index: Vec::new(),
            fault: None,
        }
    }

    /// Adds a record and returns the revision that it gets. A kind that belongs to `redact`, or
    /// more than `MAX_GROUP_OCTETS`, makes the commit fail with nothing written.
    pub fn push(&mut self, kind: RecordKind, payload: &[u8]) -> Revision {
        if matches!(kind, RecordKind::Tombstone | RecordKind::Erased) {
            self.fault = Some(Fault::ReservedKind);
        }
        self.push_any(kind, payload)
    }

    /// The revision of the next record.
    #[must_use]
    pub fn next_revision(&self) -> Revision {
        self.next
    }

    /// Records so far.
    #[must_use]
    pub fn len(&self) -> usize {
        super::format::narrow(u64::from(self.count))
    }

    /// Whether there is no record yet. To commit an empty group writes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Octets so far, on disk; at most `MAX_GROUP_OCTETS` can be committed.
    #[must_use]
    pub fn octets(&self) -> u64 {
        wide(self.octets.len())
    }

    /// What the caller wants back.
    #[must_use]
    pub const fn value(&self) -> &T {
        &self.value
    }

    /// The same, to be changed.
    pub fn value_mut(&mut self) -> &mut T {
        &mut self.value
    }

    pub(super) fn push_tombstone(&mut self, erases: &[Revision], payload: &[u8]) -> Revision {
        self.push_any(RecordKind::Tombstone, &wrap_tombstone(erases, payload))
    }

    pub(super) fn push_any(&mut self, kind: RecordKind, payload: &[u8]) -> Revision {
        let revision = self.next;
        let octets = self.octets() + wide(FRAME) + wide(payload.len());
        let (true, Ok(length)) = (octets <= MAX_GROUP_OCTETS, u32::try_from(payload.len())) else {
            self.fault = Some(Fault::TooLarge);
            // The group will be refused; until then no two of its records share a revision.
            self.next = revision.next();
            return revision;
        };
        let at = self.octets();
        if self.index.last().is_none_or(|&(_, last)| at >= last + STRIDE) {
            self.index.push((revision, at));
        }
        let outside = Outside::new(length, revision, kind, payload, &self.chain);
        self.octets.extend_from_slice(&outside.encode(self.seed));
        self.octets.extend_from_slice(payload);
        self.chain = outside.chain;
        self.next = revision.next();
        self.count += 1;
        revision
    }

    /// Whether the group may follow this head.
    pub(super) fn admit(&self, head: Revision) -> Result<(), CommitError> {
        match self.fault {
            Some(Fault::TooLarge) => return Err(CommitError::TooLarge),
            Some(Fault::ReservedKind) => return Err(CommitError::ReservedKind),
            None => {}
        }
        if self.first == head.next() {
            Ok(())
        } else {
            Err(CommitError::Stale { begun: self.first, head })
        }
    }

    /// The octets for the disk. INVARIANT(durable): a failed fdatasync latches, so what was durable
    /// before a group is all that precedes it.
    pub(super) fn seal(&mut self) -> &[u8] {
        let head = Head {
            count: self.count,
            first: self.first,
            durable: Revision::new(self.first.number() - 1),
            octets: wide(self.octets.len() - HEAD),
        };
        self.octets[..HEAD].copy_from_slice(&head.encode(self.seed));
        &self.octets
    }

    /// The last revision and the chain there.
    pub(super) fn end(&self) -> (Revision, Chain) {
        (Revision::new(self.next.number() - 1), self.chain)
    }

    /// Where some of the frames begin.
    pub(super) fn index(&self) -> &[(Revision, u64)] {
        &self.index
    }

    pub(super) fn into_value(self) -> T {
        self.value
    }
}

impl<T> fmt::Debug for Group<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("first", &self.first).field("count", &self.count).finish()
    }
}
