//! The walk of an opening: what is there, what is wrong with it, what must be written again.
//!
//! It changes nothing. Every record behind the anchor is put into the relay as it is found.

use std::collections::BTreeSet;

use super::error::{Damage, Damaged, OpenError};
use super::format::{FORMAT, FRAME, HEADER, Header, MARK, Mark, Outside, digest, genesis, wide};
use super::open::Repairs;
use super::reader::Shared;
use super::redact::Erasures;
use super::relay::Relay;
use super::walk::{Position, Step, Whole, Window, record, search, step};
use super::{Anchor, Options, RecordKind};
use crate::model::revision::Revision;

/// The walk over what is there.
pub(super) struct Walk<'a> {
    shared: &'a Shared,
    key_check: [u8; 16],
    options: Options,
    relay: &'a mut Relay,
    pub(super) position: Position,
    pub(super) erasures: Erasures,
    pub(super) repairs: Repairs,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        key_check: [u8; 16],
        options: Options,
        relay: &'a mut Relay,
    ) -> Self {
        let chain = Some(genesis(&key_check));
        let position = Position { offset: wide(HEADER), revision: Revision::ZERO, chain };
        let (erasures, repairs) = (Erasures::default(), Repairs::default());
        Self { shared, key_check, options, relay, position, erasures, repairs }
    }

    /// Walks from the first segment, or from the one that holds `after`, to the end.
    pub(super) fn all(
        &mut self,
        firsts: &[Revision],
        after: Option<Anchor>,
        unbegun: Option<Revision>,
        gone: &BTreeSet<Revision>,
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
        let mut unexplained = self.erasures.unexplained();
        let damage = unexplained.find(|damage| !gone.contains(&damage.revision));
        damage.map_or(Ok(()), |damage| Err(OpenError::from(damage)))?;
        for (damage, tombstone) in self.erasures.misnamed() {
            self.repairs.slot(damage, tombstone);
        }
        Ok(())
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
        self.repairs.mark(segment, end, Mark { last: revision, chain }, seed);
        if outside.kind == RecordKind::Tombstone {
            let payload = window.at(frame + wide(FRAME), u64::from(outside.length))?;
            let intact = digest(payload) == outside.digest;
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
                self.repairs.mark(segment, whole.end, whole.mark, seed);
            }
            self.position = whole.behind();
            behind = Some((start, whole));
        }
        if let Some((start, whole)) = behind.filter(|_| last) {
            if whole.marked {
                self.repairs.mark(segment, whole.end, whole.mark, seed);
            } else {
                self.repairs.again = Some((start, whole.end));
            }
        }
        Ok(())
    }

    /// Puts the records of a group into the relay.
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
            self.erasures.follow(&record, frame.eraser, damage).map_err(told)?;
            if let Some(index) = &index {
                index.note(record.revision, damage.offset);
            }
            self.relay.put(record)?;
        }
        Ok(())
    }
}
