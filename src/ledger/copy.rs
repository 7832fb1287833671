//! A copy of a ledger that another process may be writing meanwhile, verified as it is made.
//!
//! What is copied is a prefix that ends with a marked group: its fdatasync had returned. A segment
//! is read whole into memory and walked there, so what was verified is what is written. Its file
//! bears its digest in its name: a file is never changed, and an interrupted copy harms none.
//!
//! ERASURES. They overwrite payloads of old segments in place, also while this copies. A tombstone
//! is marked before its first zero is written, and its place is read after: so whoever finds a
//! payload gone finds its tombstone too, in this round or in one more (INVARIANT(explained)). What
//! a tombstone of the prefix lists is overwritten in the copy too, wherever its octets were still
//! there or half gone when they were read. So the copy holds the payload of no tombstone in it,
//! and the done mark of the last one may be missing: opening writes it.

mod files;
mod frozen;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use self::files::{at, is_ledger, sync, write};
use self::frozen::Frozen;
use super::disk::RealDisk;
use super::error::{Damage, Damaged};
use super::format::{FORMAT, FRAME, HEADER, Header, Mark, SLOT, Seed, genesis, narrow, wide};
use super::reader::{segment_name, segments};
use super::redact::Erasures;
use super::walk::{Framed, Position, Step, Whole, Window, step, vouched};
use super::{RecordKind, TombstoneRecord};
use crate::keys::hex;
use crate::model::revision::Revision;

/// Each round but the first is the work of an erasure that began in the one before.
const ROUNDS: u32 = 1_000;

/// A segment as it was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedSegment {
    /// Its first revision.
    pub first: Revision,
    /// Octets in it.
    pub octets: u64,
    /// BLAKE3 of them.
    pub digest: [u8; 32],
}

/// A copy of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerCopy {
    /// The last revision in it.
    pub head: Revision,
    /// The chain there.
    pub chain: [u8; 32],
    /// Tells the right key from a wrong one.
    pub key_check: [u8; 16],
    /// The version of the rule that made the addresses canonical.
    pub address_rule: u16,
    /// In their order.
    pub segments: Vec<CopiedSegment>,
    /// In their order.
    pub tombstones: Vec<TombstoneRecord>,
    /// Octets of files that were written, not kept from an earlier copy.
    pub written: u64,
}

/// Why a ledger was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Something cannot be read or written.
    #[error("cannot use `{path}`")]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The ledger is damaged: what is there is no copy's worth.
    #[error("the ledger is damaged; `maysend verify` says more")]
    Damaged(#[from] Damage),
    /// Another version of the format.
    #[error("the ledger has format {found}, this program knows {FORMAT}")]
    Format {
        /// The version found.
        found: u16,
    },
    /// There is nothing.
    #[error("there is no ledger in `{0}`")]
    Missing(PathBuf),
}

impl CopiedSegment {
    /// The name of its file.
    #[must_use]
    pub fn file_name(&self) -> String {
        let digest = hex::encode(&self.digest[..8]);
        format!("{:020}-{digest}.seg", self.first.number())
    }

    /// The name of its file in a ledger.
    #[must_use]
    pub fn ledger_name(&self) -> String {
        segment_name(self.first)
    }
}

/// Copies the ledger of a data directory into a directory that exists. Files that `known` lists and
/// that are still right are kept.
///
/// # Errors
/// `CopyError`. Files may be left behind that nothing refers to.
pub fn copy(
    data_dir: &Path,
    into: &Path,
    known: &[CopiedSegment],
) -> Result<LedgerCopy, CopyError> {
    read(data_dir, Some(into), known)
}

/// As `copy`, but writes nothing: what a copy would hold.
///
/// # Errors
/// `CopyError`.
pub fn survey(data_dir: &Path) -> Result<LedgerCopy, CopyError> {
    read(data_dir, None, &[])
}

/// Walks a copy again, as it lies in `dir`: its head and the chain there.
///
/// # Errors
/// `CopyError`: it is not sound, or holds what a tombstone in it lists.
pub fn recheck(
    dir: &Path,
    key_check: [u8; 16],
    segments: &[CopiedSegment],
) -> Result<(Revision, [u8; 32]), CopyError> {
    let (seed, dir) = (Seed::of(&key_check), dir.to_owned());
    let copier = Copier { dir, into: None, known: &[], key_check, seed, written: 0 };
    let mut progress = Progress::new(&key_check);
    for copied in segments {
        let path = copier.dir.join(copied.file_name());
        let octets = Arc::new(fs::read(&path).map_err(at(&path))?);
        copier.walk(copied.first, false, &octets, &mut progress)?;
    }
    let listed = progress.tombstones.iter().flat_map(|tombstone| {
        let (revision, offset) = (tombstone.revision, 0);
        let damage = Damage { segment: revision, offset, revision, what: Damaged::NotErased };
        tombstone.erases.iter().map(move |erased| (erased, damage))
    });
    let kept = listed.filter(|(erased, _)| progress.gone.get(erased) != Some(&true));
    if let Some((_, damage)) = { kept }.next() {
        return Err(damage.into());
    }
    if let Some(damage) = progress.erasures.unexplained().next() {
        return Err(damage.into());
    }
    Ok((progress.position.revision, progress.position.chain.unwrap_or_default()))
}

fn read(
    data_dir: &Path,
    into: Option<&Path>,
    known: &[CopiedSegment],
) -> Result<LedgerCopy, CopyError> {
    let dir = data_dir.join("ledger");
    let firsts = segments(&RealDisk, &dir).map_err(at(&dir))?;
    let first = *firsts.first().ok_or_else(|| CopyError::Missing(data_dir.to_owned()))?;
    let octets = fs::read(dir.join(segment_name(first))).map_err(at(&dir))?;
    let header = Header::decode(&octets);
    let damage = Damage { segment: first, offset: 0, revision: first, what: Damaged::Header };
    let Header { format, address_rule, key_check, .. } = header.ok_or(damage)?;
    if format != FORMAT {
        return Err(CopyError::Format { found: format });
    }
    let copier = Copier { dir, into, known, key_check, seed: Seed::of(&key_check), written: 0 };
    copier.run(address_rule)
}

struct Copier<'a> {
    dir: PathBuf,
    /// None: nothing is written.
    into: Option<&'a Path>,
    known: &'a [CopiedSegment],
    key_check: [u8; 16],
    seed: Seed,
    written: u64,
}

/// How far the copy has come.
#[derive(Debug, Clone)]
struct Progress {
    position: Position,
    erasures: Erasures,
    tombstones: Vec<TombstoneRecord>,
    /// Payloads that are gone: whether all of it is, and the slot says why.
    gone: BTreeMap<Revision, bool>,
    segments: Vec<CopiedSegment>,
}

impl Progress {
    fn new(key_check: &[u8; 16]) -> Self {
        let chain = Some(genesis(key_check));
        Self {
            position: Position { offset: 0, revision: Revision::ZERO, chain },
            erasures: Erasures::default(),
            tombstones: Vec::new(),
            gone: BTreeMap::new(),
            segments: Vec::new(),
        }
    }
}

impl Copier<'_> {
    fn run(mut self, address_rule: u16) -> Result<LedgerCopy, CopyError> {
        let mut done = Progress::new(&self.key_check);
        let mut before: BTreeSet<Revision> = BTreeSet::new();
        let mut round = 0;
        let mut end = loop {
            let firsts = segments(&RealDisk, &self.dir).map_err(at(&self.dir))?;
            let mut end = done.clone();
            let behind = firsts.partition_point(|&first| first <= done.position.revision);
            // A segment that ended with the prefix so far is done.
            for (number, &first) in firsts.iter().enumerate().skip(behind) {
                let last = number + 1 == firsts.len();
                self.segment(first, last, &mut end)?;
                if !last {
                    done = end.clone();
                }
            }
            // INVARIANT(explained)
            let unexplained: Vec<Damage> = end.erasures.unexplained().collect();
            round += 1;
            match unexplained.iter().find(|d| round > ROUNDS || before.contains(&d.revision)) {
                Some(damage) => return Err((*damage).into()),
                None if unexplained.is_empty() => break end,
                None => before = unexplained.iter().map(|damage| damage.revision).collect(),
            }
        };
        if let Some(into) = self.into {
            self.overwrite(into, &mut end)?;
            sync(into)?;
        }
        let Progress { position, tombstones, segments, .. } = end;
        Ok(LedgerCopy {
            head: position.revision,
            chain: position.chain.unwrap_or_default(),
            key_check: self.key_check,
            address_rule,
            segments,
            tombstones,
            written: self.written,
        })
    }

    /// Copies a segment; one that is just being written may have to be read once more.
    fn segment(
        &mut self,
        first: Revision,
        last: bool,
        progress: &mut Progress,
    ) -> Result<(), CopyError> {
        let path = self.dir.join(segment_name(first));
        let mut tries = 0;
        loop {
            let octets = Arc::new(fs::read(&path).map_err(at(&path))?);
            let mut next = progress.clone();
            match self.walk(first, last, &octets, &mut next) {
                Ok(None) => return Ok(()),
                Ok(Some(marks)) => {
                    let mut octets = Arc::unwrap_or_clone(octets);
                    octets.truncate(narrow(next.position.offset));
                    for (offset, mark) in marks {
                        let at = narrow(offset);
                        let mark = mark.encode(self.seed);
                        octets.resize(octets.len().max(at + mark.len()), 0);
                        octets[at..at + mark.len()].copy_from_slice(&mark);
                    }
                    next.segments.push(self.put(first, &octets)?);
                    *progress = next;
                    return Ok(());
                }
                // What a read sees half of is whole once something behind it vouches for it.
                Err(CopyError::Damaged(_)) if tries == 0 => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Walks a segment up to its last marked group. Gives back the marks to be written; none where
    /// the segment was not begun.
    fn walk(
        &self,
        first: Revision,
        last: bool,
        octets: &Arc<Vec<u8>>,
        progress: &mut Progress,
    ) -> Result<Option<Vec<(u64, Mark)>>, CopyError> {
        let path = self.dir.join(segment_name(first));
        let failed = |source| CopyError::Io { path: path.clone(), source };
        let mut window = Window::new(Box::new(Frozen(octets.clone()))).map_err(failed)?;
        let position = &mut progress.position;
        let revision = position.revision.next();
        let damage = |what| Damage { segment: first, offset: 0, revision, what };
        let Some(header) = Header::decode(octets) else {
            let unbegun = last && octets.len() <= HEADER && first == revision;
            return if unbegun { Ok(None) } else { Err(damage(Damaged::Header).into()) };
        };
        if first != revision {
            return Err(damage(Damaged::Segment).into());
        }
        if header.first != first
            || header.key_check != self.key_check
            || Some(header.chain) != position.chain
        {
            return Err(damage(Damaged::Header).into());
        }
        position.offset = wide(HEADER);
        let mut marks = Vec::new();
        loop {
            let at = progress.position;
            match step(&mut window, at, self.seed).map_err(failed)? {
                Step::End => break,
                Step::Bad(bad) => {
                    if last && bad.is_torn(&mut window, at.offset, self.seed).map_err(failed)? {
                        break;
                    }
                    return Err(bad.damage(first).into());
                }
                Step::Whole(whole) => {
                    if !whole.marked {
                        let (end, until) = (whole.end, Some(whole.mark.last));
                        let vouched = vouched(&mut window, end, whole.first, until, self.seed);
                        if last && !vouched.map_err(failed)? {
                            break;
                        }
                        marks.push((whole.end, whole.mark));
                    }
                    self.take(first, octets, &whole, progress)?;
                    progress.position = whole.behind();
                }
            }
        }
        Ok(Some(marks))
    }

    fn take(
        &self,
        segment: Revision,
        octets: &[u8],
        whole: &Whole,
        progress: &mut Progress,
    ) -> Result<(), CopyError> {
        let body = &octets[narrow(whole.body)..narrow(whole.end)];
        for frame in &whole.frames {
            let damage = whole.damage(segment, frame, Damaged::Payload);
            let told = |what| Damage { what, ..damage };
            let record = frame.record(body).map_err(told)?;
            progress.erasures.follow(&record, frame.eraser, damage).map_err(told)?;
            if record.erased {
                progress.gone.insert(record.revision, is_blank(body, frame));
            }
            if record.kind == RecordKind::Tombstone {
                progress.tombstones.push(TombstoneRecord {
                    revision: record.revision,
                    erases: record.erases,
                    payload: record.payload.into_owned(),
                });
            }
        }
        Ok(())
    }

    /// Overwrites in the copy what tombstones list and the source still held as it was read.
    fn overwrite(&mut self, into: &Path, end: &mut Progress) -> Result<(), CopyError> {
        let mut wanted: BTreeMap<Revision, Revision> = BTreeMap::new();
        for tombstone in &end.tombstones {
            for erased in &tombstone.erases {
                if end.gone.get(erased) != Some(&true) {
                    wanted.insert(*erased, tombstone.revision);
                }
            }
        }
        let firsts: Vec<Revision> = end.segments.iter().map(|segment| segment.first).collect();
        for (number, copied) in end.segments.iter_mut().enumerate() {
            let until = firsts.get(number + 1).copied().unwrap_or(end.position.revision.next());
            let here: BTreeMap<_, _> =
                wanted.range(copied.first..until).map(|(erased, by)| (*erased, *by)).collect();
            if here.is_empty() {
                continue;
            }
            let path = into.join(copied.file_name());
            let octets = fs::read(&path).map_err(at(&path))?;
            *copied = self.put(copied.first, &self.erased(copied.first, octets, &here)?)?;
        }
        Ok(())
    }

    /// The octets of a segment without these payloads.
    fn erased(
        &self,
        first: Revision,
        octets: Vec<u8>,
        wanted: &BTreeMap<Revision, Revision>,
    ) -> Result<Vec<u8>, CopyError> {
        let octets = Arc::new(octets);
        let failed = at(&self.dir);
        let mut window = Window::new(Box::new(Frozen(octets.clone()))).map_err(&failed)?;
        let revision = Revision::new(first.number().saturating_sub(1));
        let mut position = Position { offset: wide(HEADER), revision, chain: None };
        let mut spans = Vec::new();
        while let Step::Whole(whole) = step(&mut window, position, self.seed).map_err(&failed)? {
            for frame in &whole.frames {
                if let Some(by) = wanted.get(&frame.outside.revision) {
                    let payload = narrow(whole.body) + frame.payload;
                    spans.push((payload, narrow(u64::from(frame.outside.length)), *by));
                }
            }
            position = whole.behind();
        }
        drop(window);
        let mut octets = Arc::unwrap_or_clone(octets);
        for (payload, length, by) in spans {
            let slot = payload - FRAME + SLOT;
            octets[slot..slot + 8].copy_from_slice(&by.number().to_le_bytes());
            octets[payload..payload + length].fill(0);
        }
        Ok(octets)
    }

    /// Writes a segment, unless an earlier copy has it and it is still right.
    fn put(&mut self, first: Revision, octets: &[u8]) -> Result<CopiedSegment, CopyError> {
        let digest = *blake3::hash(octets).as_bytes();
        let copied = CopiedSegment { first, octets: wide(octets.len()), digest };
        let Some(into) = self.into else { return Ok(copied) };
        let path = into.join(copied.file_name());
        if self.known.contains(&copied) && fs::read(&path).is_ok_and(|kept| kept == octets) {
            return Ok(copied);
        }
        write(&path, octets)?;
        self.written += copied.octets;
        Ok(copied)
    }
}

/// Whether a payload is overwritten to its last octet, and its slot names who did it.
fn is_blank(body: &[u8], frame: &Framed) -> bool {
    let length = narrow(u64::from(frame.outside.length));
    frame.eraser != Revision::ZERO
        && body[frame.payload..frame.payload + length].iter().all(|octet| *octet == 0)
}
