//! Looking at every octet of a ledger without changing one.
//!
//! Unlike opening it goes on behind damage: at the next group whose head is valid, else with the
//! next segment. It answers where the damage is and what stands behind it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::RecordKind;
use super::disk::Disk;
use super::error::{Damage, Damaged, VerifyError};
use super::format::{FORMAT, HEADER, Head, Header, Seed, genesis, wide};
use super::reader::{Shared, is_overwritten, segments};
use super::redact::Erasures;
use super::walk::{Bad, Position, Step, Whole, Window, search, step};
use crate::model::revision::Revision;

/// Damages that a report lists; further ones are counted.
const LISTED: usize = 1000;

/// What `verify` found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Segments.
    pub segments: u64,
    /// Octets in them.
    pub octets: u64,
    /// Sound records by kind, erased ones included.
    pub records: BTreeMap<RecordKind, u64>,
    /// Records whose payload is erased.
    pub erased: u64,
    /// Erasures that are certified: each payload that their tombstones list is overwritten.
    pub certificates: u64,
    /// The last revision that can be read.
    pub head: Revision,
    /// The chain there; not proved where there is damage.
    pub chain: [u8; 32],
    /// The first 1,000 damages, in the order of the ledger; payloads that nothing explains last.
    pub damage: Vec<Damage>,
    /// All damages.
    pub damages: u64,
    /// What a crash left of the last group; opening cuts it.
    pub torn_tail: Option<TornTail>,
    /// A tombstone without its done mark at the end; opening finishes it.
    pub unfinished_redaction: Option<Revision>,
}

/// The rest of a group that nobody was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TornTail {
    /// The first revision of its segment.
    pub segment: Revision,
    /// Where it begins.
    pub offset: u64,
    /// How much there is of it.
    pub octets: u64,
}

impl VerifyReport {
    /// Whether there is no damage but marks and slots, which opening writes again.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.damage.iter().all(|damage| damage.what.is_mended())
    }

    fn add(&mut self, damage: Damage) {
        self.damages += 1;
        if self.damage.len() < LISTED {
            self.damage.push(damage);
        }
    }
}

/// Verifies the ledger in `dir` from its first segment. Without a key's check value the one of the
/// first readable header counts.
///
/// # Errors
/// `VerifyError`; damage is no error but in the report.
pub fn verify(
    disk: Arc<dyn Disk>,
    dir: &Path,
    key_check: Option<[u8; 16]>,
) -> Result<VerifyReport, VerifyError> {
    let dir = dir.join("ledger");
    let firsts = segments(&*disk, &dir)?;
    let mut shared = Shared::new(disk, dir, Seed::of(&[0; 16]), &firsts);
    let mut found = None;
    for &first in &firsts {
        let header = Header::decode(shared.window(first)?.at(0, wide(HEADER))?);
        found = header.filter(|header| header.format == FORMAT);
        if found.is_some() {
            break;
        }
        if let Some(header) = header {
            return Err(VerifyError::Format { found: header.format });
        }
    }
    let found = found.map(|header| header.key_check);
    if key_check.is_some() && found.is_some() && found != key_check {
        return Err(VerifyError::WrongKey);
    }
    let key_check = found.or(key_check).unwrap_or_default();
    shared.seed = Seed::of(&key_check);
    let mut verifier = Verifier {
        shared: &shared,
        key_check,
        report: VerifyReport::default(),
        erasures: Erasures::default(),
        gone: BTreeMap::new(),
        erasing: Vec::new(),
        kept: Vec::new(),
        position: Position {
            offset: 0,
            revision: Revision::ZERO,
            chain: Some(genesis(&key_check)),
        },
    };
    for (at, &first) in firsts.iter().enumerate() {
        verifier.segment(first, at + 1 == firsts.len())?;
    }
    verifier.finish()
}

struct Verifier<'a> {
    shared: &'a Shared,
    key_check: [u8; 16],
    report: VerifyReport,
    erasures: Erasures,
    /// Payloads that are gone: whether all of it is.
    gone: BTreeMap<Revision, bool>,
    /// What the tombstone just before erases.
    erasing: Vec<Revision>,
    /// Places of payloads that are certified as erased and not gone, or were not a moment ago.
    kept: Vec<Damage>,
    position: Position,
}

impl Verifier<'_> {
    fn segment(&mut self, segment: Revision, last: bool) -> io::Result<()> {
        let mut window = self.shared.window(segment)?;
        self.report.segments += 1;
        self.report.octets += window.len();
        let revision = self.position.revision.next();
        let damage = |what| Damage { segment, offset: 0, revision, what };
        if segment != revision {
            if self.position.chain.is_some() {
                self.report.add(damage(Damaged::Segment));
            }
            self.position.chain = None;
            self.position.revision = Revision::new(segment.number().saturating_sub(1));
        }
        let header = Header::decode(window.at(0, wide(HEADER))?);
        if header.is_none() && last && window.len() <= wide(HEADER) {
            let octets = window.len();
            self.report.torn_tail = Some(TornTail { segment, offset: 0, octets });
            return Ok(());
        }
        let sound = header.is_some_and(|header| {
            header.first == segment
                && header.key_check == self.key_check
                && self.position.chain.is_none_or(|chain| chain == header.chain)
        });
        if sound {
            self.position.chain = header.map(|header| header.chain);
        } else {
            self.report.add(damage(Damaged::Header));
        }
        self.position.offset = wide(HEADER);
        self.groups(segment, &mut window, last)
    }

    fn groups(&mut self, segment: Revision, window: &mut Window, last: bool) -> io::Result<()> {
        let seed = self.shared.seed;
        let mut unmarked = None;
        loop {
            let start = self.position.offset;
            match step(window, self.position, seed)? {
                Step::End => break,
                Step::Bad(bad) if !(last && bad.is_torn(window, start, seed)?) => {
                    self.report.add(bad.damage(segment));
                    if !self.go_on_behind(window, bad)? {
                        // What follows in the next segment follows something unknown.
                        self.position.chain = None;
                        return Ok(());
                    }
                }
                Step::Whole(whole) if !(last && whole.is_torn(window, seed)?) => {
                    self.report_mark(segment, unmarked.take());
                    self.take(segment, window, &whole)?;
                    self.position = whole.behind();
                    unmarked = (!whole.marked).then_some((whole.end, whole.mark.last));
                }
                Step::Bad(_) | Step::Whole(_) => {
                    let octets = window.len().saturating_sub(start);
                    self.report.torn_tail = Some(TornTail { segment, offset: start, octets });
                    break;
                }
            }
        }
        if !last {
            self.report_mark(segment, unmarked);
        }
        Ok(())
    }

    /// The last group of all may be without a mark, no other.
    fn report_mark(&mut self, segment: Revision, unmarked: Option<(u64, Revision)>) {
        if let Some((offset, revision)) = unmarked {
            self.report.add(Damage { segment, offset, revision, what: Damaged::Mark });
        }
    }

    /// Moves to the next group of the segment whose head is valid.
    fn go_on_behind(&mut self, window: &mut Window, bad: Bad) -> io::Result<bool> {
        let mut next = None;
        let start = self.position.offset;
        let offset = search(window, start + 1, |octets| {
            next = Head::decode(octets, self.shared.seed).filter(|head| head.first >= bad.first);
            next.is_some()
        })?;
        let (Some(offset), Some(head)) = (offset, next) else {
            return Ok(false);
        };
        self.position = Position { offset, revision: head.durable, chain: None };
        Ok(true)
    }

    fn take(&mut self, segment: Revision, window: &mut Window, whole: &Whole) -> io::Result<()> {
        let body = window.at(whole.body, whole.end - whole.body)?;
        for frame in &whole.frames {
            let damage = whole.damage(segment, frame, Damaged::Payload);
            let followed = frame.record(body).and_then(|record| {
                self.erasures.follow(&record, frame.eraser, damage)?;
                if record.erased {
                    self.gone.insert(record.revision, is_overwritten(frame.octets(body)));
                }
                if record.kind == RecordKind::Erased {
                    self.certified(damage);
                }
                self.erasing = record.erases;
                Ok(record.erased)
            });
            match followed {
                Ok(erased) => {
                    self.report.erased += u64::from(erased);
                    *self.report.records.entry(frame.outside.kind).or_default() += 1;
                }
                Err(what) => self.report.add(Damage { what, ..damage }),
            }
        }
        Ok(())
    }

    /// Takes a done mark.
    fn certified(&mut self, done: Damage) {
        let erases = std::mem::take(&mut self.erasing);
        let kept = erases.iter().filter(|erased| self.gone.get(erased) != Some(&true));
        let before = self.kept.len();
        self.kept.extend(kept.map(|&revision| Damage {
            revision,
            what: Damaged::NotErased,
            ..done
        }));
        self.report.certificates += u64::from(before == self.kept.len());
    }

    fn finish(mut self) -> Result<VerifyReport, VerifyError> {
        for damage in self.erasures.unexplained() {
            self.report.erased -= 1;
            self.report.add(damage);
        }
        self.report.unfinished_redaction =
            self.erasures.unfinished().map(|(tombstone, _)| *tombstone);
        self.report.head = self.position.revision;
        self.report.chain = self.position.chain.unwrap_or_default();
        self.shared.commit(self.report.head);
        // A running server may have erased it since it was read, here and below.
        for (damage, _) in self.erasures.misnamed() {
            if self.shared.read(damage.revision).is_err() {
                self.report.add(damage);
            }
        }
        for damage in std::mem::take(&mut self.kept) {
            if !self.shared.is_overwritten(damage.revision).unwrap_or(false) {
                self.report.add(damage);
            }
        }
        Ok(self.report)
    }
}
