//! Opening: walk, judge, repair, finish; only then serve.
//!
//! Nothing is changed before the whole walk has found no damage. Then, in this order: a segment
//! that was never begun goes, a torn tail is cut, the octets behind the last revision known durable
//! are written again and waited for, marks and slots are written again, an unfinished redaction is
//! finished.

use std::collections::BTreeSet;
use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::commit::{abandon, create, is_full};
use super::disk::{Disk, DiskFile};
use super::error::{CommitError, Damage, OpenError, ReadError};
use super::format::{FORMAT, HEADER, Header, Mark, SLOT, Seed, narrow, wide};
use super::reader::{Shared, segments};
use super::relay::{Relay, relayed};
use super::replay::Walk;
use super::{Active, Anchor, Committed, Ledger, Options, Record};
use crate::model::revision::Revision;

/// Whoever is shown the records; it may refuse one, and then the ledger is not opened.
pub type Visit<'a> =
    &'a mut dyn FnMut(Committed<Record<'_>>) -> Result<(), Box<dyn Error + Send + Sync>>;

/// Octets written again at once.
const CHUNK: u64 = 256 << 10;

impl Ledger {
    /// Opens the ledger in `dir`, or begins one. Shows every record behind `after` in order; what
    /// was shown counts only once this returned the ledger. A group is read whole, so memory is
    /// bounded by `MAX_GROUP_OCTETS`, and by what `relay` holds.
    ///
    /// A payload that was erased is shown as erased; one whose tombstone is further on may be
    /// shown in full.
    ///
    /// # Errors
    /// `OpenError`. After `Damaged`, `WrongKey`, `Format`, `AddressRule` and `Refused` nothing was
    /// changed.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        key_check: [u8; 16],
        options: Options,
        after: Option<Anchor>,
        visit: Visit<'_>,
    ) -> Result<Self, OpenError> {
        Self::open_all(disk, dir, key_check, options, after, &BTreeSet::new(), visit)
    }

    /// As `open` from the beginning, but these payloads may be gone though no tombstone lists them:
    /// the caller is about to record one that does.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_explained(
        disk: Arc<dyn Disk>,
        dir: &Path,
        key_check: [u8; 16],
        options: Options,
        gone: &BTreeSet<Revision>,
        visit: Visit<'_>,
    ) -> Result<Self, OpenError> {
        Self::open_all(disk, dir, key_check, options, None, gone, visit)
    }

    fn open_all(
        disk: Arc<dyn Disk>,
        dir: &Path,
        key_check: [u8; 16],
        options: Options,
        after: Option<Anchor>,
        gone: &BTreeSet<Revision>,
        visit: Visit<'_>,
    ) -> Result<Self, OpenError> {
        let dir = dir.join("ledger");
        disk.create_dir(&dir)?;
        let mut firsts = segments(&*disk, &dir)?;
        let seed = Seed::of(&key_check);
        let unbegun = unbegun(&Shared::new(Arc::clone(&disk), dir.clone(), seed, &[]), &firsts)?;
        firsts.truncate(firsts.len() - usize::from(unbegun.is_some()));
        let shared = Arc::new(Shared::new(disk, dir, seed, &firsts));
        let after = after.filter(|after| after.revision > Revision::ZERO);
        let walk = |relay: &mut Relay| {
            let mut walk = Walk::new(&shared, key_check, options, relay);
            walk.all(&firsts, after, unbegun, gone)?;
            Ok((walk.position, walk.erasures, walk.repairs))
        };
        let (position, erasures, repairs) = relayed(walk, visit)?;
        if let Some(unbegun) = unbegun {
            abandon(&shared, unbegun)?;
        }
        let address_rule = options.address_rule;
        let chain = position.chain.unwrap_or_default();
        let header = |first| Header { format: FORMAT, address_rule, key_check, first, chain };
        let (segment, file, latched) = match firsts.last() {
            None => {
                let first = Revision::new(1);
                let ahead = wide(HEADER) + options.reserve_octets;
                let file = create(&shared, &header(first), Some(ahead))?;
                (shared.add_segment(first), file, false)
            }
            Some(&last) => {
                let file = shared.disk.open(&shared.path(last))?;
                if position.offset == wide(HEADER) {
                    file.write_at(&header(last).encode(), 0)?;
                    file.sync_data()?;
                }
                let latched = repairs.make(&shared, last, &*file)?;
                shared.disk.sync_dir(&shared.dir)?;
                (shared.last_segment(last), file, latched)
            }
        };
        shared.commit(position.revision);
        let (end, allocated) = (position.offset, position.offset);
        let active = Active { segment, file, end, allocated };
        let mut ledger =
            Self { shared, options, key_check, chain, active, allocates: true, room: 0 };
        ledger.allocate(end + options.reserve_octets)?;
        if latched {
            ledger.latch();
            return Ok(ledger);
        }
        if let Some((tombstone, erases)) = erasures.unfinished() {
            match ledger.finish(*tombstone, erases) {
                // `finish` has latched; reading goes on.
                Err(CommitError::Unknown(error)) if is_full(&error) => {}
                finished => finished.map_err(unfinished)?,
            }
        }
        Ok(ledger)
    }
}

/// The last segment, if its header was never whole: then it holds nothing, for groups follow only
/// a header that is durable.
fn unbegun(shared: &Shared, firsts: &[Revision]) -> io::Result<Option<Revision>> {
    let Some(&last) = firsts.last() else {
        return Ok(None);
    };
    let mut window = shared.window(last)?;
    let begun =
        window.len() > wide(HEADER) || Header::decode(window.at(0, wide(HEADER))?).is_some();
    Ok((!begun).then_some(last))
}

/// Why a redaction could not be finished.
fn unfinished(error: CommitError) -> OpenError {
    match error {
        CommitError::Unreadable(ReadError::Damaged(damage)) => OpenError::Damaged(damage),
        CommitError::Unreadable(ReadError::Io(error))
        | CommitError::Failed(error)
        | CommitError::Unknown(error) => OpenError::Io(error),
        error => OpenError::Io(io::Error::other(error)),
    }
}

/// What to write once the walk has found no damage.
#[derive(Debug, Default)]
pub(super) struct Repairs {
    /// Where the last segment's torn tail begins.
    pub(super) cut: Option<u64>,
    /// The octets of a last group that has no mark.
    pub(super) again: Option<(u64, u64)>,
    /// Marks and slots that are not valid, and the last mark; segment, offset, octets.
    rest: Vec<(Revision, u64, Vec<u8>)>,
}

impl Repairs {
    pub(super) fn mark(&mut self, segment: Revision, offset: u64, mark: Mark, seed: Seed) {
        self.rest.push((segment, offset, mark.encode(seed).to_vec()));
    }

    /// Of the frame that the damage names.
    pub(super) fn slot(&mut self, frame: Damage, tombstone: Revision) {
        let octets = tombstone.number().to_le_bytes().to_vec();
        self.rest.push((frame.segment, frame.offset + wide(SLOT), octets));
    }

    /// Returns whether the disk was too full for a mark.
    fn make(&self, shared: &Shared, last: Revision, file: &dyn DiskFile) -> io::Result<bool> {
        if let Some(cut) = self.cut {
            file.set_len(cut)?;
            file.sync_data()?;
        }
        if let Some((from, to)) = self.again {
            let mut at = from;
            while at < to {
                let mut octets = vec![0; narrow((to - at).min(CHUNK))];
                let filled = file.read_at(&mut octets, at)?;
                if filled < octets.len() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                file.write_at(&octets, at)?;
                at += wide(octets.len());
            }
            file.sync_data()?;
        }
        let touched: BTreeSet<Revision> = self.rest.iter().map(|rest| rest.0).collect();
        for segment in touched {
            let other = if segment == last { None } else { Some(shared.window(segment)?) };
            let file = other.as_ref().map_or(file, |other| other.file());
            for (_, offset, octets) in self.rest.iter().filter(|rest| rest.0 == segment) {
                match file.write_at(octets, *offset) {
                    Err(error) if is_full(&error) => return Ok(true),
                    written => written?,
                }
            }
            file.sync_data()?;
        }
        Ok(false)
    }
}
