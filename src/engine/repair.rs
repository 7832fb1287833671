//! Repair: giving up what a damaged ledger cannot prove any more, without giving up a no.
//!
//! It cuts. All from the first damaged group on is given up, since the chain proves nothing behind
//! it; the files are kept aside under the revision's name. What is behind the cut and can still be
//! read, and the newest checkpoint, tell who was concerned, and none of them may pass:
//! - who was erased is erased again (`backup::erase_again`);
//! - whose erasure was asked for has it pending again, for the reviewers to decide;
//! - all others get a no to everything, which only the owner takes back, and the blocks that are
//!   known of them.
//!
//! Revisions are given out again, and tokens tell what came after them by revisions. So the keys of
//! tokens are renewed: the links of before say no and nothing else.
//!
//! INVARIANT(doubt): a revision that is given up is covered if its record can be read, or if the
//! checkpoint's images hold it. Where one is not, nobody knows whose no it may have been. Then the
//! repair is refused, and a backup is the way; or it takes a reason, which stays in the directory.
//! Damage in the middle of a long ledger is cut like any other: soundly, and at the price of much
//! that was recorded since. A backup may cost less.
//!
//! CRASH WINDOWS. A note says that the directory is half-done: nothing serves from it. Run again, a
//! repair puts back what it had taken aside and begins anew.

mod doubt;
mod files;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub use self::doubt::RecordError;
use self::doubt::{Doubt, record};
use self::files::{aside, put_aside, put_back};
use super::boot::{BootError, LOAD_LIMIT, Recovered, lock};
use super::snapshot::Builder;
use crate::backup::{BackupError, HalfDone, erase_again};
use crate::checkpoint::{Anchor, Checkpoints};
use crate::keys::{Keys, KeysError};
use crate::ledger::{
    CopyError, Damage, RecordKind, Salvage, Salvaged, TombstoneRecord, at, salvage,
};
use crate::model::day::Timestamp;
use crate::model::event::EventKind;
use crate::model::fact::Erasure;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::record::decode_mention;

/// What a repair would do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is wrong.
    pub damage: Damage,
    /// The first revision that is given up.
    pub give_up: Revision,
    /// The last one that anything tells of.
    pub end: Revision,
    /// Records behind the cut that can still be read.
    pub records: BTreeMap<RecordKind, u64>,
    /// When the first and the last event among them was recorded.
    pub between: Option<(Timestamp, Timestamp)>,
    /// Addresses that get a no to everything.
    pub doubtful: u64,
    /// Of those, whose erasure becomes pending again.
    pub pending: u64,
    /// Cases that are erased again.
    pub erased: u64,
    /// The checkpoint that told of them.
    pub checkpoint: Option<Revision>,
    /// A newer one, which may tell of more and cannot be read.
    pub unread_checkpoint: Option<Revision>,
    /// Records of nobody knows whom.
    pub unknown: u64,
    /// Whether there may have been more at the very end.
    pub open_end: bool,
    /// Where the files go.
    pub aside: PathBuf,
    salvage: Salvage,
    doubts: BTreeMap<Fingerprint, Doubt>,
    tombstones: Vec<TombstoneRecord>,
}

/// Why nothing was repaired.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// The directory cannot be used.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// The key file cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The files cannot be read or written.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// Erasing again failed.
    #[error(transparent)]
    Again(#[from] BackupError),
    /// What is in doubt cannot be recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The keys are another ledger's.
    #[error("the key is not the one that this ledger was written with")]
    WrongKey,
    /// Nothing is sound.
    #[error("no group of the ledger is sound; bring it back from a backup")]
    NothingSound,
    /// There is no damage.
    #[error("there is nothing to give up")]
    Sound,
    /// What was told is not what is to be done.
    #[error("revision {0} is to be given up; look again at what `maysend repair` says")]
    OtherRevision(Revision),
    /// It is not known who lost a no.
    #[error(
        "{unknown} records of unknown addresses are lost, and each may have been a no: {}bring the \
         ledger back from a backup, or add --accept-lost-noes REASON", advice(*unread)
    )]
    Unknown {
        /// How many, at least.
        unknown: u64,
        /// A checkpoint that may tell whose they were, and cannot be read.
        unread: Option<Revision>,
    },
    /// An earlier repair left its files.
    #[error("`{0}` is there from an earlier repair; move it away")]
    AsideExists(PathBuf),
}

fn advice(unread: Option<Revision>) -> String {
    unread.map_or_else(String::new, |at| {
        format!(
            "see why checkpoint #{at}, which may tell whose, cannot be read (`maysend verify`), "
        )
    })
}

impl Plan {
    /// Whether everybody who may have lost a no is known.
    #[must_use]
    pub const fn is_covered(&self) -> bool {
        self.unknown == 0 && !self.open_end
    }
}

/// What a repair of a data directory would do; none where nothing has to be given up.
///
/// # Errors
/// `RepairError`; nothing is changed, unless a repair was interrupted: then what it had taken aside
/// is put back.
pub fn plan(data_dir: &Path, keys: &Keys) -> Result<Option<Plan>, RepairError> {
    let _lock = lock(data_dir)?;
    look(data_dir, keys)
}

/// Does what `plan` said. `accepted` is the reason for doing it though unknown addresses may have
/// lost a no.
///
/// # Errors
/// `RepairError`.
pub fn repair(
    data_dir: &Path,
    key_file: &Path,
    give_up: Revision,
    accepted: Option<&str>,
    now: Timestamp,
) -> Result<Plan, RepairError> {
    let _lock = lock(data_dir)?;
    let keys = &Keys::load(key_file)?;
    let plan = look(data_dir, keys)?.ok_or(RepairError::Sound)?;
    if plan.give_up != give_up {
        return Err(RepairError::OtherRevision(plan.give_up));
    }
    if !plan.is_covered() && accepted.is_none() {
        let (unknown, unread) = (plan.unknown.max(1), plan.unread_checkpoint);
        return Err(RepairError::Unknown { unknown, unread });
    }
    put_aside(data_dir, &plan, accepted)?;
    let Salvage { key_check, address_rule, head, .. } = plan.salvage;
    let gone: BTreeSet<Revision> = plan
        .tombstones
        .iter()
        .flat_map(|tombstone| tombstone.erases.iter().copied())
        .filter(|erased| *erased <= head)
        .collect();
    erase_again(data_dir, key_check, address_rule, &plan.tombstones, &gone)?;
    record(data_dir, keys, address_rule, &plan.doubts, now)?;
    Keys::renew(key_file)?;
    HalfDone::end(data_dir)?;
    Ok(plan)
}

fn look(data_dir: &Path, keys: &Keys) -> Result<Option<Plan>, RepairError> {
    put_back(data_dir)?;
    let mut records: BTreeMap<RecordKind, u64> = BTreeMap::new();
    let mut between: Option<(Timestamp, Timestamp)> = None;
    let mut doubts: BTreeMap<Fingerprint, Doubt> = BTreeMap::new();
    let salvage = salvage(data_dir, &mut |record: Salvaged<'_>| {
        *records.entry(record.kind).or_default() += 1;
        if !matches!(record.kind, RecordKind::Event | RecordKind::Tombstone) {
            return;
        }
        let Ok(said) = decode_mention(record.payload) else { return };
        let (first, last) = between.unwrap_or((said.recorded_at, said.recorded_at));
        between = Some((first.min(said.recorded_at), last.max(said.recorded_at)));
        let doubt = doubts.entry(said.fingerprint).or_default();
        doubt.pending |= said.kind == EventKind::ErasureRequested;
        doubt.payloads.push(record.payload.to_vec());
    })?;
    if salvage.key_check != keys.check_value() {
        return Err(RepairError::WrongKey);
    }
    let Some(damage) = salvage.damage else { return Ok(None) };
    let head = salvage.head;
    if head == Revision::ZERO {
        return Err(RepairError::NothingSound);
    }
    let checkpoints = Checkpoints::new(data_dir.to_owned(), keys.fingerprint_key());
    let newest = newest(&checkpoints);
    let covered = newest.as_ref().map_or(Revision::ZERO, |(anchor, _)| anchor.revision);
    if let Some((_, recovered)) = &newest {
        let concerned = recovered.index.entries().filter(|(_, known)| known.last > head);
        for (fingerprint, known) in concerned {
            let doubt = doubts.entry(fingerprint).or_default();
            doubt.pending |= known.profile.erasure != Erasure::None;
            doubt.blocks.extend(known.profile.blocks);
        }
    }
    let tombstones: Vec<TombstoneRecord> =
        salvage.tombstones.iter().filter(|tombstone| tombstone.revision > head).cloned().collect();
    for said in tombstones.iter().filter_map(|tomb| decode_mention(&tomb.payload).ok()) {
        doubts.remove(&said.fingerprint);
    }
    let unread = checkpoints.list().map_err(at(data_dir))?.into_iter().max();
    let end = salvage.end.max(covered);
    let unknown = salvage.unread.iter().filter(|revision| **revision > covered).count();
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    Ok(Some(Plan {
        damage,
        give_up: head.next(),
        end,
        records,
        between,
        doubtful: count(doubts.len()),
        pending: count(doubts.values().filter(|doubt| doubt.pending).count()),
        erased: count(tombstones.len()),
        checkpoint: newest.map(|(anchor, _)| anchor.revision).filter(|at| *at > head),
        unread_checkpoint: unread.filter(|at| *at > covered.max(head)),
        unknown: count(unknown),
        // What the checkpoint holds beyond all that can be read has no end of its own.
        open_end: salvage.open_end,
        aside: aside(data_dir, head.next()),
        salvage,
        doubts,
        tombstones,
    }))
}

fn newest(checkpoints: &Checkpoints) -> Option<(Anchor, Recovered)> {
    let begin = |_| Builder::new(Recovered::nothing());
    let (anchor, builder) = checkpoints.inspect(LOAD_LIMIT, begin, Builder::put)?;
    Some((anchor, builder.finish().ok()?))
}

#[cfg(test)]
mod tests;
