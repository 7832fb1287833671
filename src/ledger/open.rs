//! Opening: walk, judge, repair, finish; only then serve.
//!
//! Nothing is changed before the whole walk has found no damage. Then, in this order: a segment
//! that was never begun goes, a torn tail is cut, the octets behind the last revision known durable
//! are written again and waited for, marks are written again, an unfinished redaction is finished.

use std::collections::BTreeSet;
use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::commit::{abandon, create, is_full};
use super::disk::{Disk, DiskFile};
use super::error::{CommitError, Damage, Damaged, OpenError, ReadError};
use super::format::{FORMAT, FRAME, HEADER, Header, MARK, Mark, Outside, Seed, genesis, wide};
use super::reader::{Shared, segments};
use super::redact::Erasures;
use super::walk::{Position, Step, Whole, Window, record, search, step};
use super::{Active, Anchor, Committed, Ledger, Options, Record, RecordKind};
use crate::model::revision::Revision;

/// Whoever is shown the records; it may refuse one, and then the ledger is not opened.
pub type Visit<'a> =
    &'a mut dyn FnMut(Committed<Record<'_>>) -> Result<(), Box<dyn Error + Send + Sync>>;

/// Octets written again at once.
const CHUNK: u64 = 256 << 10;

impl Ledger {
    /// Opens the ledger in `dir`, or begins one. Shows every record behind `after` in order; what
    /// was shown counts only once this returned the ledger. A group is read whole, so memory is
    /// bounded by `MAX_GROUP_OCTETS`.
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
        let dir = dir.join("ledger");
        disk.create_dir(&dir)?;
        let mut firsts = segments(&*disk, &dir)?;
        let seed = Seed::of(&key_check);
        let unbegun = unbegun(&Shared::new(Arc::clone(&disk), dir.clone(), seed, &[]), &firsts)?;
        firsts.truncate(firsts.len() - usize::from(unbegun.is_some()));
        let shared = Arc::new(Shared::new(disk, dir, seed, &firsts));
        let start = Position {
            offset: wide(HEADER),
            revision: Revision::ZERO,
            chain: Some(genesis(&key_check)),
        };
        let mut walk = Walk {
            shared: &shared,
            key_check,
            options,
            visit,
            position: start,
            erasures: Erasures::default(),
            repairs: Repairs::default(),
        };
        walk.all(&firsts, after.filter(|after| after.revision > Revision::ZERO), unbegun)?;
        let Walk { position, erasures, repairs, .. } = walk;
        if let Some(unbegun) = unbegun {
            abandon(&shared, unbegun)?;
        }
        let chain = position.chain.unwrap_or_default();
        let address_rule = options.address_rule;
        let header = |first| Header { format: FORMAT, address_rule, key_check, first, chain };
        let mut latched = false;
        let (file, end) = match firsts.last() {
            None => {
                let ahead = wide(HEADER) + options.reserve_octets;
                let file = create(&shared, &header(Revision::new(1)), Some(ahead))?;
                shared.add_segment(Revision::new(1));
                (file, wide(HEADER))
            }
            Some(&last) => {
                let file = shared.disk.open(&shared.path(last))?;
                if position.offset == wide(HEADER) {
                    file.write_at(&header(last).encode(), 0)?;
                    file.sync_data()?;
                }
                latched = repairs.make(&shared, last, &*file)?;
                shared.disk.sync_dir(&shared.dir)?;
                (file, position.offset)
            }
        };
        shared.commit(position.revision);
        let missing = Damage {
            segment: Revision::ZERO,
            offset: 0,
            revision: position.revision,
            what: Damaged::Segment,
        };
        let segment = shared.segment_of(position.revision.next()).ok_or(missing)?;
        let active = Active { segment, file, end, allocated: end };
        let mut ledger = Self { shared, options, key_check, chain, active, allocates: true };
        ledger.allocate(end + options.reserve_octets)?;
        if latched {
            ledger.latch();
        } else if let Some((tombstone, erases)) = erasures.unfinished() {
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
struct Repairs {
    /// Where the last segment's torn tail begins.
    cut: Option<u64>,
    /// The octets of a last group that has no mark.
    again: Option<(u64, u64)>,
    /// Marks that are not valid, and the last one; segment, offset, mark.
    marks: Vec<(Revision, u64, Mark)>,
}

impl Repairs {
    /// Returns whether the disk was too full for a mark.
    fn make(&self, shared: &Shared, last: Revision, file: &dyn DiskFile) -> io::Result<bool> {
        if let Some(cut) = self.cut {
            file.set_len(cut)?;
            file.sync_data()?;
        }
        if let Some((from, to)) = self.again {
            let mut at = from;
            while at < to {
                let mut octets = vec![0; super::format::narrow((to - at).min(CHUNK))];
                let filled = file.read_at(&mut octets, at)?;
                if filled < octets.len() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                file.write_at(&octets, at)?;
                at += wide(octets.len());
            }
            file.sync_data()?;
        }
        let touched: BTreeSet<Revision> = self.marks.iter().map(|mark| mark.0).collect();
        for segment in touched {
            let other = if segment == last { None } else { Some(shared.window(segment)?) };
            let file = other.as_ref().map_or(file, |other| other.file());
            for (_, offset, mark) in self.marks.iter().filter(|mark| mark.0 == segment) {
                match file.write_at(&mark.encode(shared.seed), *offset) {
                    Err(error) if is_full(&error) => return Ok(true),
                    written => written?,
                }
            }
            file.sync_data()?;
        }
        Ok(false)
    }
}

/// The walk over what is there.
struct Walk<'a> {
    shared: &'a Shared,
    key_check: [u8; 16],
    options: Options,
    visit: Visit<'a>,
    position: Position,
    erasures: Erasures,
    repairs: Repairs,
}

impl Walk<'_> {
    fn all(
        &mut self,
        firsts: &[Revision],
        after: Option<Anchor>,
        unbegun: Option<Revision>,
    ) -> Result<(), OpenError> {
        let mut rest = firsts;
        if let Some(anchor) = after {
            let lost = Damage {
                segment: firsts.last().copied().unwrap_or_default(),
                offset: 0,
                revision: anchor.revision,
                what: Damaged::Anchor,
            };
            let behind = firsts.partition_point(|&first| first <= anchor.revision);
            let from = behind.checked_sub(1).ok_or(lost)?;
            let mut window = self.anchor(firsts[from], anchor)?.ok_or(lost)?;
            let last = behind == firsts.len() && unbegun.is_none();
            self.groups(firsts[from], &mut window, last)?;
            rest = &firsts[behind..];
        }
        for (at, &first) in rest.iter().enumerate() {
            let mut window = self.header(first)?;
            self.groups(first, &mut window, at + 1 == rest.len() && unbegun.is_none())?;
        }
        if let Some(segment) = unbegun.filter(|&first| first != self.position.revision.next()) {
            let (offset, revision) = (0, self.position.revision.next());
            return Err(Damage { segment, offset, revision, what: Damaged::Segment }.into());
        }
        self.erasures.unexplained().next().map_or(Ok(()), |damage| Err(damage.into()))
    }

    /// Checks the header of a segment that must follow the position.
    fn header(&mut self, segment: Revision) -> Result<Window, OpenError> {
        let revision = self.position.revision.next();
        let damage = |what| Damage { segment, offset: 0, revision, what };
        let mut window = self.shared.window(segment)?;
        let header = Header::decode(window.at(0, wide(HEADER))?);
        let header = header.ok_or_else(|| damage(Damaged::Header))?;
        self.known(&header)?;
        if segment != revision {
            return Err(damage(Damaged::Segment).into());
        }
        if header.first != revision || Some(header.chain) != self.position.chain {
            return Err(damage(Damaged::Header).into());
        }
        self.position.offset = wide(HEADER);
        Ok(window)
    }

    fn known(&self, header: &Header) -> Result<(), OpenError> {
        if header.format != FORMAT {
            return Err(OpenError::Format { found: header.format });
        }
        if header.key_check != self.key_check {
            return Err(OpenError::WrongKey);
        }
        let (found, expected) = (header.address_rule, self.options.address_rule);
        if found != expected {
            return Err(OpenError::AddressRule { found, expected });
        }
        Ok(())
    }

    /// Moves the position behind the anchor's group; none where the segment does not hold it.
    /// What precedes it is not looked at, so a checkpoint helps past damage.
    fn anchor(&mut self, segment: Revision, anchor: Anchor) -> Result<Option<Window>, OpenError> {
        let seed = self.shared.seed;
        let mut window = self.shared.window(segment)?;
        if let Some(header) = Header::decode(window.at(0, wide(HEADER))?) {
            self.known(&header)?;
        }
        let is_anchor = |octets: &[u8]| {
            Outside::decode(octets, seed).is_some_and(|(outside, _)| {
                outside.revision == anchor.revision && outside.chain == anchor.chain
            })
        };
        let Some(frame) = search(&mut window, wide(HEADER), is_anchor)? else {
            return Ok(None);
        };
        let Some((outside, _)) = Outside::decode(window.at(frame, wide(FRAME))?, seed) else {
            return Ok(None);
        };
        let end = frame + outside.frame_octets();
        let behind = window.at(end, wide(FRAME))?;
        if Outside::decode(behind, seed).is_some() {
            // Not the end of a group, so no head that a checkpoint was made of.
            return Ok(None);
        }
        // The anchor itself proves its group durable.
        let (revision, chain) = (anchor.revision, anchor.chain);
        self.repairs.marks.push((segment, end, Mark { last: revision, chain }));
        if outside.kind == RecordKind::Tombstone {
            let payload = window.at(frame + wide(FRAME), u64::from(outside.length))?;
            let intact = super::format::digest(payload) == outside.digest;
            record(&outside, Some(payload), intact)
                .and_then(|tombstone| self.erasures.begin(&tombstone))
                .map_err(|what| Damage { segment, offset: frame, revision, what })?;
        }
        self.position = Position { offset: end + wide(MARK), revision, chain: Some(chain) };
        Ok(Some(window))
    }

    /// Walks over the groups of a segment from the position.
    fn groups(
        &mut self,
        segment: Revision,
        window: &mut Window,
        last: bool,
    ) -> Result<(), OpenError> {
        let seed = self.shared.seed;
        let mut behind = None;
        loop {
            let start = self.position.offset;
            let whole = match step(window, self.position, seed)? {
                Step::Whole(whole) if !(last && whole.is_torn(window, seed)?) => whole,
                Step::Bad(bad) if !(last && bad.is_torn(window, start, seed)?) => {
                    return Err(bad.damage(segment).into());
                }
                Step::End => break,
                Step::Whole(_) | Step::Bad(_) => {
                    self.repairs.cut = Some(start);
                    break;
                }
            };
            self.take(segment, window, &whole)?;
            if !whole.marked {
                self.repairs.marks.push((segment, whole.end, whole.mark));
            }
            self.position = whole.behind();
            behind = Some((start, whole));
        }
        if let Some((start, whole)) = behind.filter(|_| last) {
            if whole.marked {
                self.repairs.marks.push((segment, whole.end, whole.mark));
            } else {
                self.repairs.again = Some((start, whole.end));
            }
        }
        Ok(())
    }

    /// Shows the records of a group.
    fn take(
        &mut self,
        segment: Revision,
        window: &mut Window,
        whole: &Whole,
    ) -> Result<(), OpenError> {
        let index = self.shared.segment_of(whole.first);
        let body = window.at(whole.body, whole.end - whole.body)?;
        for frame in &whole.frames {
            let damage = whole.damage(segment, frame, Damaged::Payload);
            let told = |what| Damage { what, ..damage };
            let record = frame.record(body).map_err(told)?;
            self.erasures.follow(&record, damage).map_err(told)?;
            if let Some(index) = &index {
                index.note(record.revision, damage.offset);
            }
            let revision = record.revision;
            (self.visit)(Committed(record))
                .map_err(|source| OpenError::Refused { revision, source })?;
        }
        Ok(())
    }
}
