//! Reading single records while the writer appends.
//!
//! Where a record stands is found by a sparse index, one entry for about 64 KiB, and a short walk.
//! The index of a segment that this process has not walked is made when first asked for.

mod forward;
mod seek;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

pub use self::forward::Forward;
use self::seek::Seeker;
use super::disk::Disk;
use super::error::{Damage, Damaged, ReadError};
use super::format::{
    FRAME, HEAD, HEADER, Head, MARK, Mark, Outside, Seed, digest, narrow, unwrap_tombstone, wide,
};
use super::measures::Measures;
use super::walk::{Window, record};
use super::{Record, RecordKind};
use crate::model::revision::Revision;

/// Octets of a segment between two entries of its index.
pub(super) const STRIDE: u64 = 64 << 10;

/// Records that are read together: an erasure waits for no more.
const TOGETHER: usize = 256;

/// Reads committed records by revision. Cheap to clone, to be used from any thread.
#[derive(Clone)]
pub struct Reader(pub(super) Arc<Shared>);

/// What the writer and the readers share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: PathBuf,
    pub(super) seed: Seed,
    /// The last committed revision. A reader never looks behind it.
    pub(super) head: AtomicU64,
    pub(super) latched: AtomicBool,
    /// Guards the list, which a roll extends; never held across I/O.
    segments: RwLock<Vec<Arc<Segment>>>,
    /// Guards payloads: a redaction overwrites them under it, so that no reader sees a half. Counts
    /// those overwritten since the opening.
    pub(super) erasing: RwLock<u64>,
    pub(super) measures: Measures,
}

/// A segment and the index of its records.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) first: Revision,
    /// Guards the index; held while the index of an old segment is made.
    index: Mutex<Vec<Entry>>,
}

/// Where the frame of a record begins.
#[derive(Debug, Clone, Copy)]
struct Entry {
    revision: Revision,
    offset: u64,
}

/// A record found, its payload not yet read.
#[derive(Debug)]
pub(super) struct Located {
    pub(super) segment: Revision,
    /// Where its frame begins.
    pub(super) offset: u64,
    pub(super) outside: Outside,
    /// What its slot says.
    eraser: Revision,
    window: Window,
}

impl Reader {
    /// A reader of a ledger in `dir` that nobody opened, up to a head that `verify` found.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn unopened(
        disk: Arc<dyn Disk>,
        dir: &Path,
        key_check: &[u8; 16],
        head: Revision,
    ) -> io::Result<Self> {
        let dir = dir.join("ledger");
        let firsts = segments(&*disk, &dir)?;
        let shared = Shared::new(disk, dir, Seed::of(key_check), &firsts);
        shared.commit(head);
        Ok(Self(Arc::new(shared)))
    }

    /// The record of a revision; none where nothing is committed under it.
    ///
    /// # Errors
    /// `ReadError`: damage is told, never passed over.
    pub fn read(&self, revision: Revision) -> Result<Option<Record<'static>>, ReadError> {
        let guard = self.0.erasing.read().unwrap_or_else(PoisonError::into_inner);
        let record = self.0.read(revision);
        drop(guard);
        record
    }

    /// The records of several revisions, which rise; none for one under which nothing is committed.
    /// As many calls of `read`, but records that stand near each other are read together.
    ///
    /// # Errors
    /// `ReadError`: damage is told, never passed over.
    pub fn read_each(
        &self,
        revisions: &[Revision],
    ) -> Result<Vec<Option<Record<'static>>>, ReadError> {
        let mut records = Vec::with_capacity(revisions.len());
        for revisions in revisions.chunks(TOGETHER) {
            let guard = self.0.erasing.read().unwrap_or_else(PoisonError::into_inner);
            let mut seeker = Seeker::new(&self.0);
            for revision in revisions {
                records.push(seeker.read(*revision)?);
            }
            drop(guard);
        }
        Ok(records)
    }

    /// The chain up to and with a record, as whoever was given it once can compare it; none where
    /// nothing is committed under the revision.
    ///
    /// # Errors
    /// `ReadError`: damage is told, never passed over.
    pub fn chain(&self, revision: Revision) -> Result<Option<[u8; 32]>, ReadError> {
        Ok(self.0.locate(revision)?.map(|located| located.outside.chain))
    }

    /// The last committed revision.
    #[must_use]
    pub fn head(&self) -> Revision {
        self.0.head()
    }

    /// Counts the payloads overwritten since the opening: whoever keeps what was read before it
    /// rose may keep what is erased.
    #[must_use]
    pub fn erasures(&self) -> u64 {
        *self.0.erasing.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the ledger takes no more writes until a restart.
    #[must_use]
    pub fn is_latched(&self) -> bool {
        self.0.latched.load(Ordering::Acquire)
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("head", &self.head()).finish_non_exhaustive()
    }
}

impl Segment {
    pub(super) fn new(first: Revision) -> Self {
        Self { first, index: Mutex::new(Vec::new()) }
    }

    fn index(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes where a record stands, if the last note is far enough behind.
    pub(super) fn note(&self, revision: Revision, offset: u64) {
        note(&mut self.index(), revision, offset);
    }
}

fn note(index: &mut Vec<Entry>, revision: Revision, offset: u64) {
    if index.last().is_none_or(|last| offset >= last.offset + STRIDE) {
        index.push(Entry { revision, offset });
    }
}

impl Shared {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        seed: Seed,
        segments: &[Revision],
    ) -> Self {
        let segments = segments.iter().map(|&first| Arc::new(Segment::new(first))).collect();
        Self {
            disk,
            dir,
            seed,
            head: AtomicU64::new(0),
            latched: AtomicBool::new(false),
            segments: RwLock::new(segments),
            erasing: RwLock::new(0),
            measures: Measures::new(),
        }
    }

    pub(super) fn head(&self) -> Revision {
        Revision::new(self.head.load(Ordering::Acquire))
    }

    pub(super) fn path(&self, segment: Revision) -> PathBuf {
        self.dir.join(segment_name(segment))
    }

    pub(super) fn window(&self, segment: Revision) -> io::Result<Window> {
        Window::new(self.disk.open(&self.path(segment))?)
    }

    pub(super) fn add_segment(&self, first: Revision) -> Arc<Segment> {
        let segment = Arc::new(Segment::new(first));
        let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        segments.push(Arc::clone(&segment));
        segment
    }

    /// The segment that grows.
    pub(super) fn last_segment(&self, first: Revision) -> Arc<Segment> {
        self.segment_of(first).unwrap_or_else(|| self.add_segment(first))
    }

    /// The segment that holds a revision.
    pub(super) fn segment_of(&self, revision: Revision) -> Option<Arc<Segment>> {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        let behind = segments.partition_point(|segment| segment.first <= revision);
        segments.get(behind.checked_sub(1)?).map(Arc::clone)
    }

    /// The last revision of a segment; beyond all of them where it is the one that grows.
    fn last_of(&self, segment: Revision) -> Revision {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        let behind = segments.partition_point(|other| other.first <= segment);
        let next = segments.get(behind).map_or(u64::MAX, |next| next.first.number());
        Revision::new(next.saturating_sub(1))
    }

    pub(super) fn read(&self, revision: Revision) -> Result<Option<Record<'static>>, ReadError> {
        let Some(mut located) = self.locate(revision)? else {
            return Ok(None);
        };
        let payload = located.payload()?;
        let damage = located.damage(Damaged::Payload);
        self.whole(&located.outside, located.eraser, &payload, damage).map(Some)
    }

    /// A record out of its parts; `damage` is what it is where its payload does not match.
    fn whole(
        &self,
        outside: &Outside,
        eraser: Revision,
        payload: &[u8],
        damage: Damage,
    ) -> Result<Record<'static>, ReadError> {
        let intact = digest(payload) == outside.digest;
        if !intact && !self.proves_erased(outside.revision, eraser)? {
            return Err(damage.into());
        }
        let record = record(outside, Some(payload), intact);
        Ok(record.map_err(|what| Damage { what, ..damage })?.into_owned())
    }

    /// Whether the record that the slot names is a tombstone that lists this revision.
    fn proves_erased(&self, revision: Revision, eraser: Revision) -> Result<bool, ReadError> {
        let Some(mut located) = self.locate(eraser)? else {
            return Ok(false);
        };
        let payload = located.payload()?;
        let sound = located.outside.kind == RecordKind::Tombstone
            && digest(&payload) == located.outside.digest;
        Ok(sound && unwrap_tombstone(&payload).is_ok_and(|(erases, _)| erases.contains(&revision)))
    }

    /// Whether nothing is left of a payload.
    pub(super) fn is_overwritten(&self, revision: Revision) -> Result<bool, ReadError> {
        let Some(mut located) = self.locate(revision)? else { return Ok(false) };
        Ok(is_overwritten(&located.payload()?))
    }

    /// Finds a committed record.
    pub(super) fn locate(&self, revision: Revision) -> Result<Option<Located>, ReadError> {
        if revision == Revision::ZERO || revision > self.head() {
            return Ok(None);
        }
        let missing = Damage { segment: revision, offset: 0, revision, what: Damaged::Segment };
        let segment = self.segment_of(revision).ok_or(missing)?;
        let start = self.start(&segment, revision)?;
        let file = self.disk.open(&self.path(segment.first))?;
        let mut window = Window::with_chunk(file, narrow(STRIDE))?;
        let mut walk = Stride { offset: start.offset, next: start.revision };
        loop {
            let offset = walk.offset;
            let Some((outside, eraser)) = walk.frame(&mut window, self.seed)? else {
                let what = Damaged::Frame;
                return Err(Damage { segment: segment.first, offset, revision, what }.into());
            };
            if outside.revision == revision {
                let offset = walk.offset - outside.frame_octets();
                return Ok(Some(Located {
                    segment: segment.first,
                    offset,
                    outside,
                    eraser,
                    window,
                }));
            }
        }
    }

    /// The last entry of the index not behind `revision`; makes the index where it does not reach
    /// so far back.
    fn start(&self, segment: &Segment, revision: Revision) -> Result<Entry, ReadError> {
        let mut index = segment.index();
        if index.first().is_none_or(|entry| entry.revision > revision) {
            let until = index.first().map_or(self.head().next(), |entry| entry.revision);
            let mut window = self.window(segment.first)?;
            let mut walk = Stride { offset: wide(HEADER), next: segment.first };
            let mut older = Vec::new();
            while walk.next < until
                && let Some((outside, _)) = walk.frame(&mut window, self.seed)?
            {
                note(&mut older, outside.revision, walk.offset - outside.frame_octets());
            }
            index.splice(0..0, older);
        }
        let behind = index.partition_point(|entry| entry.revision <= revision);
        let entry = behind.checked_sub(1).and_then(|at| index.get(at)).copied();
        Ok(entry.unwrap_or(Entry { revision: segment.first, offset: wide(HEADER) }))
    }
}

impl Located {
    /// The payload, whatever it is.
    fn payload(&mut self) -> io::Result<Vec<u8>> {
        let length = u64::from(self.outside.length);
        Ok(self.window.at(self.offset + wide(FRAME), length)?.to_vec())
    }

    fn damage(&self, what: Damaged) -> Damage {
        let (segment, offset, revision) = (self.segment, self.offset, self.outside.revision);
        Damage { segment, offset, revision, what }
    }
}

/// A walk from frame to frame over committed groups, that looks at outsides alone.
struct Stride {
    offset: u64,
    next: Revision,
}

impl Stride {
    /// The next frame; none where there is no valid one with the next revision.
    fn frame(
        &mut self,
        window: &mut Window,
        seed: Seed,
    ) -> io::Result<Option<(Outside, Revision)>> {
        // Before a frame stand at most a mark and a head.
        for _ in 0..3 {
            let octets = window.at(self.offset, wide(FRAME))?;
            if let Some((outside, eraser)) = Outside::decode(octets, seed) {
                if outside.revision != self.next {
                    return Ok(None);
                }
                self.offset += outside.frame_octets();
                self.next = outside.revision.next();
                return Ok(Some((outside, eraser)));
            }
            if Mark::decode(octets, seed).is_some() {
                self.offset += wide(MARK);
            } else if Head::decode(octets, seed).is_some() {
                self.offset += wide(HEAD);
            } else if octets.get(MARK..).is_some_and(|head| Head::decode(head, seed).is_some()) {
                // The mark is not valid; the head behind it says the same.
                self.offset += wide(MARK);
            } else {
                return Ok(None);
            }
        }
        Ok(None)
    }
}

/// Whether an erased payload is zeros. A lone octet that is not is a bit that flipped since: it
/// tells nothing, and harms nobody.
pub(super) fn is_overwritten(payload: &[u8]) -> bool {
    !payload.windows(2).any(|pair| pair.iter().all(|octet| *octet != 0))
}

/// The name of a segment's file.
pub(super) fn segment_name(first: Revision) -> String {
    format!("{:020}.seg", first.number())
}

/// The segments of a ledger, in order.
pub(super) fn segments(disk: &dyn Disk, dir: &Path) -> io::Result<Vec<Revision>> {
    let mut firsts: Vec<Revision> = disk
        .list(dir)?
        .iter()
        .filter_map(|name| {
            let first = Revision::new(name.strip_suffix(".seg")?.parse().ok()?);
            (segment_name(first) == *name).then_some(first)
        })
        .collect();
    firsts.sort_unstable();
    Ok(firsts)
}
