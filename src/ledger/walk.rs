//! Reading a segment from front to back, a group at a time.
//!
//! A step tells what the octets of one group are by themselves. Whether a bad group is a torn tail
//! or damage depends on what stands behind it; `vouched` looks there.

use std::io;

use super::disk::DiskFile;
use super::error::{Damage, Damaged};
use super::format::{
    Chain, FRAME, HEAD, Head, MARK, MAX_GROUP_OCTETS, Mark, Outside, Seed, TAG, digest, narrow,
    unwrap_tombstone, wide,
};
use super::{Record, RecordKind};
use crate::model::revision::Revision;

/// Octets read at once.
const CHUNK: usize = 256 << 10;

/// A file seen through one buffer; bounded by `CHUNK` or the largest group.
#[derive(Debug)]
pub(super) struct Window {
    file: Box<dyn DiskFile>,
    len: u64,
    chunk: usize,
    start: u64,
    octets: Vec<u8>,
}

impl Window {
    pub(super) fn new(file: Box<dyn DiskFile>) -> io::Result<Self> {
        Self::with_chunk(file, CHUNK)
    }

    pub(super) fn with_chunk(file: Box<dyn DiskFile>, chunk: usize) -> io::Result<Self> {
        let len = file.len()?;
        Ok(Self { file, len, chunk, start: 0, octets: Vec::new() })
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn file(&self) -> &dyn DiskFile {
        &*self.file
    }

    /// `want` octets from `offset`, fewer only at the end of the file.
    pub(super) fn at(&mut self, offset: u64, want: u64) -> io::Result<&[u8]> {
        let want = narrow(want.min(self.len.saturating_sub(offset)));
        let held = offset.checked_sub(self.start).map(narrow);
        let from = match held {
            Some(from) if from.saturating_add(want) <= self.octets.len() => from,
            _ => {
                let left = narrow(self.len.saturating_sub(offset));
                self.octets.resize(want.max(self.chunk).min(left), 0);
                self.start = offset;
                let filled = self.file.read_at(&mut self.octets, offset)?;
                self.octets.truncate(filled);
                0
            }
        };
        let to = from.saturating_add(want).min(self.octets.len());
        Ok(&self.octets[from.min(to)..to])
    }
}

/// How far a walk has come: the next group, and what it must follow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    /// Where the next group begins.
    pub(super) offset: u64,
    /// The last revision before it.
    pub(super) revision: Revision,
    /// The chain there; none where what precedes is damaged.
    pub(super) chain: Option<Chain>,
}

/// What stands at a position.
#[derive(Debug)]
pub(super) enum Step {
    /// The end of the file.
    End,
    /// A group that is whole, its payloads perhaps aside.
    Whole(Whole),
    /// No such group.
    Bad(Bad),
}

/// A group whose head, frames, chain and count hold.
#[derive(Debug)]
pub(super) struct Whole {
    /// Where its frames begin.
    pub(super) body: u64,
    /// Where they end: the place of the mark.
    pub(super) end: u64,
    /// Its first revision.
    pub(super) first: Revision,
    /// Its last revision and the chain there: what its mark says.
    pub(super) mark: Mark,
    /// Whether the mark is there.
    pub(super) marked: bool,
    /// Its frames.
    pub(super) frames: Vec<Framed>,
}

/// A frame of a whole group.
#[derive(Debug)]
pub(super) struct Framed {
    pub(super) outside: Outside,
    /// What the slot says.
    pub(super) eraser: Revision,
    /// Where the payload begins, from the body.
    pub(super) payload: usize,
    /// Whether it matches its digest.
    pub(super) intact: bool,
}

/// A group that is not whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bad {
    pub(super) what: Damaged,
    pub(super) offset: u64,
    pub(super) revision: Revision,
    /// The group's first revision.
    pub(super) first: Revision,
    /// The group's last revision, where its head is sound.
    pub(super) last: Option<Revision>,
    /// A crash leaves octets away; it never leaves a valid structure that does not fit.
    pub(super) torn: bool,
}

impl Whole {
    /// Where the next group begins, and what it must follow.
    pub(super) fn behind(&self) -> Position {
        let offset = self.end + wide(MARK);
        Position { offset, revision: self.mark.last, chain: Some(self.mark.chain) }
    }

    /// Whether a payload does not match its digest and nothing says that the group was ever
    /// durable, so that nobody can have erased it either.
    pub(super) fn is_torn(&self, window: &mut Window, seed: Seed) -> io::Result<bool> {
        let torn = !self.marked && self.frames.iter().any(|frame| !frame.intact);
        Ok(torn && !vouched(window, self.end, self.first, Some(self.mark.last), seed)?)
    }

    /// A place in this group as damage.
    pub(super) fn damage(&self, segment: Revision, frame: &Framed, what: Damaged) -> Damage {
        let offset = self.body + wide(frame.payload) - wide(FRAME);
        Damage { segment, offset, revision: frame.outside.revision, what }
    }
}

impl Bad {
    /// Whether it is what a crash leaves, and nothing says that it was ever durable.
    pub(super) fn is_torn(&self, window: &mut Window, start: u64, seed: Seed) -> io::Result<bool> {
        Ok(self.torn && !vouched(window, start + 1, self.first, self.last, seed)?)
    }

    /// What it is where it is no torn tail.
    pub(super) fn damage(&self, segment: Revision) -> Damage {
        Damage { segment, offset: self.offset, revision: self.revision, what: self.what }
    }
}

impl Framed {
    /// Its payload, out of the octets of its group's body.
    pub(super) fn octets<'a>(&self, body: &'a [u8]) -> &'a [u8] {
        let length = narrow(u64::from(self.outside.length));
        body.get(self.payload..self.payload + length).unwrap_or_default()
    }

    /// The record, out of the octets of its group's body.
    pub(super) fn record<'a>(&self, body: &'a [u8]) -> Result<Record<'a>, Damaged> {
        let length = narrow(u64::from(self.outside.length));
        record(&self.outside, body.get(self.payload..self.payload + length), self.intact)
    }
}

/// A record out of its parts; without its payload it is an erased one.
pub(super) fn record<'a>(
    outside: &Outside,
    payload: Option<&'a [u8]>,
    intact: bool,
) -> Result<Record<'a>, Damaged> {
    let (revision, kind) = (outside.revision, outside.kind);
    let payload = payload.ok_or(Damaged::Payload)?;
    if !intact {
        return if kind.is_erasable() {
            Ok(Record {
                revision,
                kind,
                payload: Vec::new().into(),
                erases: Vec::new(),
                erased: true,
            })
        } else {
            Err(Damaged::Payload)
        };
    }
    let (erases, payload) = match kind {
        RecordKind::Tombstone => unwrap_tombstone(payload)?,
        _ => (Vec::new(), payload),
    };
    Ok(Record { revision, kind, payload: payload.into(), erases, erased: false })
}

/// Reads the group at a position.
pub(super) fn step(window: &mut Window, from: Position, seed: Seed) -> io::Result<Step> {
    if from.offset >= window.len() {
        return Ok(Step::End);
    }
    let revision = from.revision.next();
    let bad = Bad {
        what: Damaged::Head,
        offset: from.offset,
        revision,
        first: revision,
        last: None,
        torn: true,
    };
    let Some(head) = Head::decode(window.at(from.offset, wide(HEAD))?, seed) else {
        return Ok(Step::Bad(bad));
    };
    let fits = head.first == revision
        && head.durable == from.revision
        && head.count > 0
        && head.octets <= MAX_GROUP_OCTETS;
    if !fits {
        return Ok(Step::Bad(Bad { what: Damaged::Count, torn: false, ..bad }));
    }
    let body = from.offset + wide(HEAD);
    let octets = window.at(body, head.octets + wide(MARK))?;
    let bad = Bad { last: Some(head.last()), ..bad };
    Ok(match frames(octets, &head, from.chain, seed) {
        Ok(frames) => {
            let chain = frames.last().map(|frame| frame.outside.chain).or(from.chain);
            let chain = chain.unwrap_or_default();
            let mark = Mark { last: head.last(), chain };
            let marked = Mark::decode(&octets[narrow(head.octets)..], seed) == Some(mark);
            Step::Whole(Whole {
                body,
                end: body + head.octets,
                first: revision,
                mark,
                marked,
                frames,
            })
        }
        Err(fault) => Step::Bad(Bad {
            what: fault.what,
            offset: body + wide(fault.at),
            revision: fault.revision,
            torn: fault.torn,
            ..bad
        }),
    })
}

struct FrameFault {
    what: Damaged,
    at: usize,
    revision: Revision,
    torn: bool,
}

/// The frames of a group; `octets` holds them and, behind them, the mark.
fn frames(
    octets: &[u8],
    head: &Head,
    before: Option<Chain>,
    seed: Seed,
) -> Result<Vec<Framed>, FrameFault> {
    let end = narrow(head.octets);
    // The count is foreign; no more frames fit than this.
    let count = narrow(u64::from(head.count));
    let mut frames = Vec::with_capacity(count.min(octets.len() / FRAME));
    let (mut at, mut revision, mut chain) = (0, head.first, before);
    while frames.len() < count {
        let fault = |what, torn| FrameFault { what, at, revision, torn };
        if at >= end {
            return Err(fault(Damaged::Count, false));
        }
        let Some((outside, eraser)) = octets.get(at..).and_then(|rest| Outside::decode(rest, seed))
        else {
            return Err(fault(Damaged::Frame, true));
        };
        if outside.revision != revision {
            return Err(fault(Damaged::Count, false));
        }
        if chain.is_some_and(|chain| outside.chain != outside.chained_to(&chain)) {
            return Err(fault(Damaged::Chain, false));
        }
        let payload = at + FRAME;
        let behind = payload + narrow(u64::from(outside.length));
        if behind > end {
            return Err(fault(Damaged::Count, false));
        }
        let Some(octets) = octets.get(payload..behind) else {
            return Err(fault(Damaged::Frame, true));
        };
        let intact = digest(octets) == outside.digest;
        frames.push(Framed { outside, eraser, payload, intact });
        (at, revision, chain) = (behind, revision.next(), Some(outside.chain));
    }
    if at == end {
        Ok(frames)
    } else {
        Err(FrameFault { what: Damaged::Count, at, revision, torn: false })
    }
}

/// Whether something behind `from` proves that the group which begins with revision `first` and
/// ends with `last` (where its head is sound) was once durable: its own commit mark, a later
/// group's head, or a frame that is not its own. Looks at every octet.
pub(super) fn vouched(
    window: &mut Window,
    from: u64,
    first: Revision,
    last: Option<Revision>,
    seed: Seed,
) -> io::Result<bool> {
    let found = search(window, from, |octets| {
        Head::decode(octets, seed).is_some_and(|head| head.first >= first)
            || Mark::decode(octets, seed).is_some_and(|mark| mark.last >= first)
            || Outside::decode(octets, seed)
                .is_some_and(|(outside, _)| last.is_some_and(|last| outside.revision > last))
    });
    Ok(found?.is_some())
}

/// The first place from `from` on where a structure begins that `is` recognises.
pub(super) fn search(
    window: &mut Window,
    from: u64,
    mut is: impl FnMut(&[u8]) -> bool,
) -> io::Result<Option<u64>> {
    let len = window.len();
    let mut offset = from;
    while offset < len {
        let octets = window.at(offset, wide(CHUNK))?;
        // Whoever begins in the last octets of a chunk is seen again at the start of the next.
        let last = offset + wide(octets.len()) >= len;
        let begins = if last { octets.len() } else { octets.len().saturating_sub(FRAME) };
        if begins == 0 {
            return Ok(None);
        }
        let mut at = 0;
        while let Some(tag) = memchr::memchr(TAG, &octets[at..begins]) {
            at += tag;
            if is(&octets[at..]) {
                return Ok(Some(offset + wide(at)));
            }
            at += 1;
        }
        offset += wide(begins);
    }
    Ok(None)
}
