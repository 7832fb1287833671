//! The index against the ledger: what the newest checkpoint and the ledger's tail amount to must be
//! what the ledger alone amounts to. Compared are every address, its last revision, its facts, the
//! owner's yeses, the erasure cases, and the access requests that are open.
//!
//! ORDER: the checkpoint is read first, so that a server that writes meanwhile leaves the ledger
//! ahead of it and never behind. One index is held at a time.

use std::hash::{Hash as _, Hasher as _};
use std::path::Path;
use std::sync::Arc;

use siphasher::sip128::{Hasher128 as _, SipHasher13};

use super::boot::{LOAD_LIMIT, Recovered, ReplayError};
use super::snapshot::Builder;
use crate::checkpoint::{Anchor, Checkpoints};
use crate::keys::Keys;
use crate::ledger::{ReadError, Reader, RealDisk};
use crate::model::revision::Revision;

/// What an index amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// Addresses.
    pub addresses: u64,
    /// Erasure cases.
    pub cases: u64,
    /// Set-hash of all of it; means something within one run alone.
    pub digest: u128,
}

/// Both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Audit {
    /// From the ledger alone.
    pub ledger: Sum,
    /// The checkpoint's revision, and what it and the tail come to; none where there is none.
    pub checkpoint: Option<(Revision, Sum)>,
}

/// Why there is nothing to compare.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A record cannot be understood.
    #[error("the record of revision {revision} cannot be taken: {why}")]
    Record {
        /// Which.
        revision: Revision,
        /// Why.
        why: String,
    },
}

/// The newest checkpoint, read before the ledger is.
#[derive(Debug)]
pub struct Newest(Option<(Anchor, Recovered)>);

impl Audit {
    /// Whether both amount to the same.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.checkpoint.is_none_or(|(_, sum)| sum == self.ledger)
    }
}

impl Newest {
    /// Reads it.
    #[must_use]
    pub fn read(data_dir: &Path, keys: &Keys) -> Self {
        let checkpoints = Checkpoints::new(data_dir.to_owned(), keys.fingerprint_key());
        let begin = |_| Builder::new(Recovered::nothing());
        let found = checkpoints.inspect(LOAD_LIMIT, begin, Builder::put);
        Self(found.and_then(|(anchor, builder)| Some((anchor, builder.finish().ok()?))))
    }

    /// Compares it with a sound ledger that ends at `head`.
    ///
    /// # Errors
    /// `AuditError`.
    pub fn against(
        self,
        data_dir: &Path,
        keys: &Keys,
        head: Revision,
    ) -> Result<Audit, AuditError> {
        let reader = Reader::unopened(Arc::new(RealDisk), data_dir, &keys.check_value(), head);
        let reader = reader.map_err(ReadError::from)?;
        // One past the head is told as lost, not compared.
        let checkpoint = match self.0 {
            Some((anchor, recovered)) if recovered.reached <= head => {
                let sum = replay(recovered, &reader, anchor.revision, head, keys)?;
                Some((anchor.revision, sum))
            }
            Some(_) | None => None,
        };
        let ledger = replay(Recovered::nothing(), &reader, Revision::ZERO, head, keys)?;
        Ok(Audit { ledger, checkpoint })
    }
}

fn replay(
    mut recovered: Recovered,
    reader: &Reader,
    after: Revision,
    head: Revision,
    keys: &Keys,
) -> Result<Sum, AuditError> {
    let mut forward = reader.forward(after);
    loop {
        let records = forward.slice(head)?;
        if records.is_empty() {
            break;
        }
        for record in &records {
            let failed = |why: ReplayError| AuditError::Record {
                revision: record.revision,
                why: why.to_string(),
            };
            recovered.replay(record, keys).map_err(failed)?;
        }
    }
    recovered.catch_up();
    Ok(sum(&recovered))
}

fn sum(recovered: &Recovered) -> Sum {
    let mut sum = Sum { addresses: 0, cases: 0, digest: 0 };
    for (fingerprint, known) in recovered.index.entries() {
        let mut hasher = SipHasher13::new();
        fingerprint.hash(&mut hasher);
        known.last.hash(&mut hasher);
        known.profile.hash(&mut hasher);
        recovered.index.owner_yes(fingerprint).hash(&mut hasher);
        sum.digest = sum.digest.wrapping_add(hasher.finish128().as_u128());
        sum.addresses += 1;
    }
    for case in recovered.cases.behind(Revision::ZERO) {
        let mut hasher = SipHasher13::new();
        hasher.write(&case.to_octets());
        sum.digest = sum.digest.wrapping_add(hasher.finish128().as_u128());
        sum.cases += 1;
    }
    for request in recovered.access.behind(Revision::ZERO) {
        let mut hasher = SipHasher13::new();
        request.hash(&mut hasher);
        sum.digest = sum.digest.wrapping_add(hasher.finish128().as_u128());
    }
    sum
}
