//! What can still be read of a damaged ledger, and the cut that gives the rest up.
//!
//! The sound part is what opening would take: groups from the first on, each whole, each payload
//! there or listed by a tombstone. Behind it every frame is looked for whose checksum holds and
//! whose payload matches its digest. What is found there is true, for nobody else can make it; that
//! nothing is missing it does not prove, so what was not found is told: `unread`, `open_end`.
//!
//! The cut is made once copies of what it takes away are durable; the files are kept, never
//! deleted. Segments behind it go last to first, so that what remains is the ledger up to there.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::copy::{CopyError, at, sync};
use super::disk::{Disk as _, RealDisk};
use super::error::{Damage, Damaged};
use super::format::{
    FORMAT, FRAME, HEADER, Head, Header, Mark, Outside, Seed, digest, genesis, unwrap_tombstone,
    wide,
};
use super::reader::{Shared, segment_name, segments};
use super::walk::{Position, Step, Whole, Window, search, step};
use super::{RecordKind, TombstoneRecord};
use crate::model::revision::Revision;

/// Where the sound part of a ledger ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The segment in which it ends.
    pub segment: Revision,
    /// Octets of that segment that stay.
    pub offset: u64,
}

/// What can be read of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvage {
    /// Tells the right key from a wrong one.
    pub key_check: [u8; 16],
    /// The version of the rule that made the addresses canonical.
    pub address_rule: u16,
    /// The last revision of the sound part, and the chain there.
    pub head: Revision,
    /// See `head`.
    pub chain: [u8; 32],
    /// What ends the sound part; none where all is sound.
    pub damage: Option<Damage>,
    /// Where to cut; none where all is sound.
    pub cut: Option<Cut>,
    /// The last revision that anything behind the cut names, at least the head.
    pub end: Revision,
    /// The revisions from the cut to `end` whose records cannot be read.
    pub unread: Vec<Revision>,
    /// Whether octets at the very end say nothing: there may have been more records.
    pub open_end: bool,
    /// Every tombstone that can be read, in either part.
    pub tombstones: Vec<TombstoneRecord>,
}

/// A record behind the cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Salvaged<'a> {
    /// Its place.
    pub revision: Revision,
    /// What it is.
    pub kind: RecordKind,
    /// What its writer gave.
    pub payload: &'a [u8],
}

/// Reads what can be read; `visit` is shown the records behind the cut, in the order of the files.
/// Nobody may be writing.
///
/// # Errors
/// The files cannot be read, or no header of a segment is sound.
pub fn salvage(data_dir: &Path, visit: &mut dyn FnMut(Salvaged<'_>)) -> Result<Salvage, CopyError> {
    let dir = data_dir.join("ledger");
    let failed = at(&dir);
    let firsts = segments(&RealDisk, &dir).map_err(&failed)?;
    let mut shared = Shared::new(Arc::new(RealDisk), dir.clone(), Seed::of(&[0; 16]), &firsts);
    let mut header = None;
    for &first in &firsts {
        let mut window = shared.window(first).map_err(&failed)?;
        header = Header::decode(window.at(0, wide(HEADER)).map_err(&failed)?);
        if header.is_some() {
            break;
        }
    }
    let header = header.ok_or_else(|| CopyError::Missing(data_dir.to_owned()))?;
    if header.format != FORMAT {
        return Err(CopyError::Format { found: header.format });
    }
    shared.seed = Seed::of(&header.key_check);
    let mut reading = Reading { shared: &shared, header, firsts: &firsts };
    reading.all(visit).map_err(failed)
}

struct Reading<'a> {
    shared: &'a Shared,
    header: Header,
    firsts: &'a [Revision],
}

/// The sound part of a ledger.
#[derive(Debug)]
struct Sound {
    position: Position,
    segment: Revision,
    damage: Option<Damage>,
    tombstones: Vec<TombstoneRecord>,
    gone: Vec<Damage>,
}

/// What is behind the cut.
#[derive(Debug, Default)]
struct Behind {
    read: BTreeSet<Revision>,
    gone: BTreeSet<Revision>,
    tombstones: Vec<TombstoneRecord>,
    end: Revision,
    open_end: bool,
}

impl Reading<'_> {
    fn all(&mut self, visit: &mut dyn FnMut(Salvaged<'_>)) -> io::Result<Salvage> {
        let mut sound = self.sound(Revision::new(u64::MAX))?;
        let behind = self.behind(&sound, &mut |_| ())?;
        let listed = |sound: &Sound| -> BTreeSet<Revision> {
            let both = sound.tombstones.iter().chain(&behind.tombstones);
            both.flat_map(|tombstone| tombstone.erases.iter().copied()).collect()
        };
        // A payload that no tombstone explains ends the sound part before its group.
        let explained = listed(&sound);
        let unexplained = sound.gone.iter().find(|gone| !explained.contains(&gone.revision));
        if let Some(damage) = unexplained.copied() {
            sound = self.sound(damage.revision)?;
            sound.damage = Some(damage);
        }
        let behind = match sound.damage {
            Some(_) => self.behind(&sound, visit)?,
            None => Behind::default(),
        };
        let mut tombstones = sound.tombstones;
        tombstones.extend(behind.tombstones);
        let explained: BTreeSet<Revision> =
            tombstones.iter().flat_map(|tombstone| tombstone.erases.iter().copied()).collect();
        let head = sound.position.revision;
        let end = behind.end.max(head);
        let is_read = |revision: &Revision| {
            behind.read.contains(revision)
                || (behind.gone.contains(revision) && explained.contains(revision))
        };
        let unread = (head.number() + 1..=end.number()).map(Revision::new);
        Ok(Salvage {
            key_check: self.header.key_check,
            address_rule: self.header.address_rule,
            head,
            chain: sound.position.chain.unwrap_or_default(),
            damage: sound.damage,
            cut: sound
                .damage
                .map(|_| Cut { segment: sound.segment, offset: sound.position.offset }),
            end,
            unread: unread.filter(|revision| !is_read(revision)).collect(),
            open_end: behind.open_end,
            tombstones,
        })
    }

    /// Walks as opening does, and stops before damage and before the group that holds `until`.
    fn sound(&self, until: Revision) -> io::Result<Sound> {
        let mut sound = Sound {
            position: Position {
                offset: 0,
                revision: Revision::ZERO,
                chain: Some(genesis(&self.header.key_check)),
            },
            segment: Revision::ZERO,
            damage: None,
            tombstones: Vec::new(),
            gone: Vec::new(),
        };
        for (number, &first) in self.firsts.iter().enumerate() {
            let last = number + 1 == self.firsts.len();
            if self.segment(first, last, until, &mut sound)? {
                break;
            }
        }
        Ok(sound)
    }

    /// Whether the walk ends in this segment.
    fn segment(
        &self,
        first: Revision,
        last: bool,
        until: Revision,
        sound: &mut Sound,
    ) -> io::Result<bool> {
        let seed = self.shared.seed;
        let mut window = self.shared.window(first)?;
        let (revision, chain) = (sound.position.revision.next(), sound.position.chain);
        let header = Header::decode(window.at(0, wide(HEADER))?);
        if header.is_none() && last && window.len() <= wide(HEADER) && first == revision {
            return Ok(true);
        }
        let fits = header.is_some_and(|header| {
            header.first == first
                && first == revision
                && header.key_check == self.header.key_check
                && Some(header.chain) == chain
        });
        if !fits {
            let what = if first == revision { Damaged::Header } else { Damaged::Segment };
            sound.damage = Some(Damage { segment: first, offset: 0, revision, what });
            // The cut is at the end of the segment before, or takes everything.
            return Ok(true);
        }
        (sound.segment, sound.position.offset) = (first, wide(HEADER));
        loop {
            let start = sound.position.offset;
            match step(&mut window, sound.position, seed)? {
                Step::End => return Ok(last),
                Step::Bad(bad) => {
                    if !(last && bad.is_torn(&mut window, start, seed)?) {
                        sound.damage = Some(bad.damage(first));
                    }
                    return Ok(true);
                }
                Step::Whole(whole) => {
                    if last && whole.is_torn(&mut window, seed)? {
                        return Ok(true);
                    }
                    if whole.mark.last >= until {
                        return Ok(true);
                    }
                    if let Some(damage) = take(first, &mut window, &whole, sound)? {
                        sound.damage = Some(damage);
                        return Ok(true);
                    }
                    sound.position = whole.behind();
                }
            }
        }
    }

    /// Every frame behind the sound part that can be read by itself.
    fn behind(&self, sound: &Sound, visit: &mut dyn FnMut(Salvaged<'_>)) -> io::Result<Behind> {
        let mut behind = Behind::default();
        for &first in self.firsts.iter().filter(|&&first| first >= sound.segment) {
            let from = if first == sound.segment { sound.position.offset } else { 0 };
            self.frames(first, from, &mut behind, visit)?;
        }
        Ok(behind)
    }

    fn frames(
        &self,
        segment: Revision,
        from: u64,
        behind: &mut Behind,
        visit: &mut dyn FnMut(Salvaged<'_>),
    ) -> io::Result<()> {
        let seed = self.shared.seed;
        let mut window = self.shared.window(segment)?;
        // Where the last structure that can be read ends.
        let mut known = from;
        let mut offset = from;
        loop {
            let mut found = None;
            let place = search(&mut window, offset, |octets| {
                found = Outside::decode(octets, seed)
                    .map(Found::Frame)
                    .or_else(|| Head::decode(octets, seed).map(Found::Head))
                    .or_else(|| Mark::decode(octets, seed).map(Found::Mark));
                found.is_some()
            })?;
            let (Some(place), Some(found)) = (place, found) else { break };
            offset = place + 1;
            behind.end = behind.end.max(found.last());
            known = known.max(place + found.octets());
            let Found::Frame((outside, eraser)) = found else { continue };
            let payload = window.at(place + wide(FRAME), u64::from(outside.length))?;
            let Outside { revision, kind, .. } = outside;
            if digest(payload) != outside.digest {
                if eraser != Revision::ZERO {
                    behind.gone.insert(revision);
                }
                continue;
            }
            if kind == RecordKind::Tombstone {
                let Ok((erases, octets)) = unwrap_tombstone(payload) else { continue };
                let payload = octets.to_vec();
                behind.tombstones.push(TombstoneRecord { revision, erases, payload });
            }
            behind.read.insert(revision);
            visit(Salvaged { revision, kind, payload });
        }
        let rest = window.len().saturating_sub(known);
        behind.open_end = rest > 0 && !is_blank(&mut window, known)?;
        Ok(())
    }
}

/// A structure that can be read.
#[derive(Debug, Clone, Copy)]
enum Found {
    Frame((Outside, Revision)),
    Head(Head),
    Mark(Mark),
}

impl Found {
    /// The last revision that it names.
    fn last(&self) -> Revision {
        match self {
            Self::Frame((outside, _)) => outside.revision,
            Self::Head(head) => head.last(),
            Self::Mark(mark) => mark.last,
        }
    }

    fn octets(&self) -> u64 {
        match self {
            Self::Frame((outside, _)) => outside.frame_octets(),
            Self::Head(_) => wide(super::format::HEAD),
            Self::Mark(_) => wide(super::format::MARK),
        }
    }
}

fn is_blank(window: &mut Window, from: u64) -> io::Result<bool> {
    let mut offset = from;
    while offset < window.len() {
        let octets = window.at(offset, 64 << 10)?;
        if octets.is_empty() || octets.iter().any(|octet| *octet != 0) {
            return Ok(octets.is_empty());
        }
        offset += wide(octets.len());
    }
    Ok(true)
}

/// Takes a group of the sound part; gives back what is wrong with it.
fn take(
    segment: Revision,
    window: &mut Window,
    whole: &Whole,
    sound: &mut Sound,
) -> io::Result<Option<Damage>> {
    let body = window.at(whole.body, whole.end - whole.body)?;
    let (tombstones, gone) = (sound.tombstones.len(), sound.gone.len());
    for frame in &whole.frames {
        let damage = whole.damage(segment, frame, Damaged::Payload);
        match frame.record(body) {
            Ok(record) if record.erased => {
                sound.gone.push(damage);
            }
            Ok(record) if record.kind == RecordKind::Tombstone => {
                sound.tombstones.push(TombstoneRecord {
                    revision: record.revision,
                    erases: record.erases,
                    payload: record.payload.into_owned(),
                });
            }
            Ok(_) => {}
            Err(what) => {
                sound.tombstones.truncate(tombstones);
                sound.gone.truncate(gone);
                return Ok(Some(Damage { what, ..damage }));
            }
        }
    }
    Ok(None)
}

/// Cuts a ledger and puts what it gives up aside: the octets of the segment in which the cut lies,
/// and the segments behind it. Done again after an interruption it goes on where it was.
///
/// # Errors
/// The files cannot be read or written. Then the ledger may be cut in part.
pub fn give_up(data_dir: &Path, cut: Cut, aside: &Path) -> Result<(), CopyError> {
    let dir = data_dir.join("ledger");
    let failed = at(&dir);
    RealDisk.create_dir(aside).map_err(at(aside))?;
    let firsts = segments(&RealDisk, &dir).map_err(&failed)?;
    for &first in firsts.iter().rev().filter(|&&first| first > cut.segment) {
        let name = segment_name(first);
        fs::rename(dir.join(&name), aside.join(&name)).map_err(&failed)?;
        sync(aside)?;
        sync(&dir)?;
    }
    let name = segment_name(cut.segment);
    let (path, kept) = (dir.join(&name), aside.join(&name));
    let file = File::options().read(true).write(true).open(&path).map_err(&failed)?;
    let length = file.metadata().map_err(&failed)?.len();
    if length > cut.offset {
        if !kept.exists() {
            super::copy::write(&kept, &fs::read(&path).map_err(&failed)?)?;
            sync(aside)?;
        }
        file.set_len(cut.offset).and_then(|()| file.sync_all()).map_err(&failed)?;
    }
    sync(&dir)
}
