//! The ledger over a disk that fails when told.

mod crash;
mod damage;
mod full;
mod reading;
mod redaction;
mod round_trip;

use std::path::Path;
use std::sync::Arc;

use super::fault::{FaultDisk, Survival};
use super::{
    Anchor, CommitError, Ledger, OpenError, Options, Record, RecordKind, Urgency, VerifyReport,
    verify,
};
use crate::model::revision::Revision;

const KEY: [u8; 16] = *b"the right key :)";

/// Segments that a few groups fill.
const SMALL: Options = Options { segment_octets: 1500, reserve_octets: 700, address_rule: 1 };

fn dir() -> &'static Path {
    Path::new("data")
}

fn revision(number: u64) -> Revision {
    Revision::new(number)
}

type Shown = Vec<Record<'static>>;

fn open_after(
    disk: &FaultDisk,
    options: Options,
    after: Option<Anchor>,
) -> Result<(Ledger, Shown), OpenError> {
    let mut shown = Shown::new();
    let mut visit = |record: super::Committed<Record<'_>>| {
        shown.push(record.into_inner().into_owned());
        Ok(())
    };
    let ledger = Ledger::open(Arc::new(disk.clone()), dir(), KEY, options, after, &mut visit)?;
    Ok((ledger, shown))
}

fn open(disk: &FaultDisk) -> Result<(Ledger, Shown), OpenError> {
    open_after(disk, SMALL, None)
}

fn report(disk: &FaultDisk) -> VerifyReport {
    verify(Arc::new(disk.clone()), dir(), Some(KEY)).unwrap()
}

/// A payload that names its revision and is like no other.
fn payload(number: u64, octets: usize) -> Vec<u8> {
    let mut payload = format!("canary {number:04} ").into_bytes();
    payload.extend((payload.len()..octets).map(|at| u8::try_from((at * 7) % 251).unwrap()));
    payload
}

/// What a caller does.
#[derive(Debug, Clone)]
enum Act {
    /// A group of records with payloads of these sizes.
    Commit(&'static [usize]),
    /// As `Commit`, of another kind: as long, with other octets.
    CommitOther(&'static [usize]),
    /// A group of one record and the tombstone of these revisions.
    Redact(&'static [u64]),
}

/// Two or three groups a segment, a redaction over two segments, groups behind it.
const SCRIPT: &[Act] = &[
    Act::Commit(&[40]),
    Act::Commit(&[60, 25, 90]),
    Act::Commit(&[300, 30]),
    Act::Commit(&[20]),
    Act::Commit(&[700, 20]),
    Act::Redact(&[2, 4, 5]),
    Act::Commit(&[20, 20, 20, 20]),
    Act::Redact(&[1]),
    Act::Commit(&[50]),
];

/// The ledger as it must be: kind, payload, erased.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Model(Vec<(RecordKind, Vec<u8>, bool)>);

impl Model {
    fn head(&self) -> u64 {
        u64::try_from(self.0.len()).unwrap()
    }

    /// What the act makes of it.
    fn after(&self, act: &Act) -> Self {
        let mut model = self.clone();
        match act {
            Act::Commit(sizes) | Act::CommitOther(sizes) => {
                let other = matches!(act, Act::CommitOther(_));
                let kind = if other { RecordKind::Notice } else { RecordKind::Event };
                for &size in *sizes {
                    model.0.push((kind, payload(model.head() + 1, size), false));
                }
            }
            Act::Redact(erases) => {
                model.0.push((RecordKind::Request, payload(model.head() + 1, 30), false));
                let tombstone = model.head() + 1;
                model.0.push((RecordKind::Tombstone, payload(tombstone, 30), false));
                model.0.push((RecordKind::Erased, tombstone.to_le_bytes().to_vec(), false));
                for &erased in *erases {
                    let record = &mut model.0[usize::try_from(erased).unwrap() - 1];
                    (record.1, record.2) = (Vec::new(), true);
                }
            }
        }
        model
    }

    #[track_caller]
    fn assert_read(&self, ledger: &Ledger) {
        let reader = ledger.reader();
        let read = (1..=ledger.head().number())
            .map(|number| {
                let record = reader.read(revision(number)).unwrap().unwrap();
                assert_eq!(record.revision, revision(number));
                (record.kind, record.payload.into_owned(), record.erased)
            })
            .collect();
        assert_eq!(Self(read), *self);
        assert_eq!(reader.read(ledger.head().next()).unwrap(), None);
    }

    /// What a walk showed: an erased payload may be there, if its tombstone was unfinished.
    fn is_shown(&self, shown: &[Record<'_>]) -> bool {
        shown.len() == self.0.len()
            && shown.iter().zip(&self.0).all(|(shown, (kind, payload, erased))| {
                shown.kind == *kind && (*erased || (*shown.payload == **payload && !shown.erased))
            })
    }
}

/// Does one act.
fn act(ledger: &mut Ledger, model: &Model, act: &Act) -> Result<(), CommitError> {
    let mut group = ledger.begin(());
    let next = model.after(act);
    let new = &next.0[model.0.len()..];
    match act {
        Act::Commit(_) | Act::CommitOther(_) => {
            for (kind, payload, _) in new {
                group.push(*kind, payload);
            }
            ledger.commit(group, Urgency::Yes).map(|_| ())
        }
        Act::Redact(erases) => {
            group.push(new[0].0, &new[0].1);
            let erases: Vec<_> = erases.iter().copied().map(Revision::new).collect();
            ledger.redact(group, &erases, &new[1].1).map(|_| ())
        }
    }
}

/// What became of a script.
#[derive(Debug, Clone, Default)]
struct Outcome {
    /// What was acknowledged.
    acked: Model,
    /// What was acknowledged and, behind it, what nobody knows of.
    perhaps: Option<Model>,
    /// Groups refused with nothing written.
    refused: u32,
    /// What was done when the power was cut.
    cut_in: Option<Act>,
}

/// Opens the ledger and runs the script; goes on after errors, as a server does.
fn run(disk: &FaultDisk, script: &[Act]) -> Outcome {
    run_on(disk, Outcome::default(), script)
}

/// As `run`, on what an earlier run has left.
fn run_on(disk: &FaultDisk, mut outcome: Outcome, script: &[Act]) -> Outcome {
    let Ok((mut ledger, _)) = open(disk) else {
        return outcome;
    };
    if let Some(perhaps) = outcome.perhaps.take()
        && ledger.head() == revision(perhaps.head())
    {
        outcome.acked = perhaps;
    }
    for step in script {
        let erasable = match step {
            Act::Redact(erases) => erases.iter().all(|&erased| erased <= outcome.acked.head()),
            Act::Commit(_) | Act::CommitOther(_) => true,
        };
        if !erasable {
            continue;
        }
        let was_latched = ledger.is_latched();
        if !disk.crashed() {
            outcome.cut_in = Some(step.clone());
        }
        match act(&mut ledger, &outcome.acked, step) {
            Ok(()) => {
                assert!(!was_latched, "nothing is acknowledged after the latch");
                outcome.acked = outcome.acked.after(step);
                assert_eq!(ledger.head(), revision(outcome.acked.head()));
            }
            Err(CommitError::Unknown(_)) => {
                assert!(ledger.is_latched() && outcome.perhaps.is_none());
                outcome.perhaps = Some(outcome.acked.after(step));
            }
            Err(CommitError::Failed(_)) => {
                assert!(ledger.is_latched() && !was_latched);
                outcome.refused += 1;
            }
            Err(CommitError::Latched) => assert!(was_latched),
            Err(CommitError::Full) => {
                assert!(!ledger.is_latched());
                outcome.refused += 1;
            }
            Err(CommitError::Unreadable(_)) => assert!(disk.crashed()),
            Err(error) => panic!("{error:?}"),
        }
    }
    outcome
}

/// Opens the ledger again: all that was acknowledged is there, and nothing by half.
#[track_caller]
fn assert_kept(disk: &FaultDisk, outcome: &Outcome) -> Model {
    let (ledger, shown) = open(disk).unwrap();
    let mut models = [Some(&outcome.acked), outcome.perhaps.as_ref()].into_iter().flatten();
    let model = models.find(|model| model.head() == ledger.head().number());
    let model = model.unwrap_or_else(|| panic!("{} of {outcome:#?}", ledger.head())).clone();
    model.assert_read(&ledger);
    let erased = model.0.iter().enumerate().filter(|(_, record)| record.2);
    for (at, _) in erased {
        let number = u64::try_from(at).unwrap() + 1;
        assert!(!disk.holds(format!("canary {number:04} ").as_bytes()), "{number} is on the disk");
    }
    // Where boot itself wrote a done mark nobody was shown it.
    let done = usize::from(shown.last().is_some_and(|last| last.kind == RecordKind::Tombstone));
    let seen = Model(model.0[..model.0.len() - done].to_vec());
    assert!(seen.is_shown(&shown), "{shown:#?}");
    let report = report(disk);
    assert_eq!((&report.damage[..], report.torn_tail), (&[][..], None));
    assert_eq!((report.head, report.chain), (ledger.head(), ledger.chain()));
    model
}

/// The ledger of the script, nothing failing.
fn written() -> (FaultDisk, Model) {
    let disk = FaultDisk::new();
    let outcome = run(&disk, SCRIPT);
    assert_eq!((outcome.refused, &outcome.perhaps), (0, &None));
    (disk.after_power_cut(Survival::All), outcome.acked)
}

#[test]
fn kinds_keep_their_octets() {
    let octets: Vec<u8> = RecordKind::ALL.into_iter().map(RecordKind::octet).collect();
    assert_eq!(octets, [1, 2, 3, 4, 5, 6, 7, 8]);
}
