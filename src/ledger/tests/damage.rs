//! Truncation at every octet, every bit flipped, and what a checkpoint proves.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::Damaged;
use super::super::format::{Head, MARK, Seed};
use super::*;

fn path(first: u64) -> PathBuf {
    dir().join("ledger").join(format!("{first:020}.seg"))
}

/// A ledger in one segment of three groups; where the last one begins, and its model.
fn three_groups() -> (FaultDisk, usize, Model, Model) {
    let disk = FaultDisk::new();
    let options = Options::default();
    let (mut ledger, _) = open_after(&disk, options, None).unwrap();
    let mut model = Model::default();
    for step in [Act::Commit(&[20]), Act::Commit(&[100, 50])] {
        act(&mut ledger, &model, &step).unwrap();
        model = model.after(&step);
    }
    let start = disk.files()[&path(1)].len();
    let last = Act::Commit(&[40, 70, 30]);
    act(&mut ledger, &model, &last).unwrap();
    let whole = model.after(&last);
    (disk, start, model, whole)
}

#[test]
fn truncation_in_the_last_group_cuts_it_whole() {
    let (disk, start, before, whole) = three_groups();
    let octets = disk.files()[&path(1)].len();
    let frames_end = octets - MARK;
    for len in start..octets {
        let disk = disk.copy();
        disk.tamper(&path(1), |octets| octets.truncate(len));
        assert_eq!(report(&disk).torn_tail.is_some(), len > start && len < frames_end);
        let (mut ledger, shown) = open(&disk).unwrap();
        let model = if len < frames_end { &before } else { &whole };
        assert!(model.is_shown(&shown), "{len}");
        model.assert_read(&ledger);
        let next = Act::Commit(&[33]);
        act(&mut ledger, model, &next).unwrap();
        model.after(&next).assert_read(&open(&disk).unwrap().0);
    }
}

#[test]
fn truncation_before_the_last_group_is_seen_by_the_anchor_alone() {
    let (disk, start, before, _) = three_groups();
    let anchor = open(&disk).unwrap().0.anchor();
    disk.tamper(&path(1), |octets| octets.truncate(start));
    let error = open_after(&disk, SMALL, Some(anchor)).unwrap_err();
    let OpenError::Damaged(damage) = error else { panic!("{error:?}") };
    assert_eq!((damage.what, damage.revision), (Damaged::Anchor, anchor.revision));
    before.assert_read(&open(&disk).unwrap().0);
}

#[test]
fn truncation_of_a_segment_that_another_follows_is_damage() {
    let (disk, model) = written();
    let files = disk.files();
    assert!(files.len() >= 3);
    let (first, octets) = files.first_key_value().unwrap();
    for len in 0..octets.len() {
        let disk = disk.copy();
        disk.tamper(first, |octets| octets.truncate(len));
        if len >= octets.len() - MARK {
            assert_eq!(report(&disk).damage[0].what, Damaged::Mark);
            model.assert_read(&open(&disk).unwrap().0);
        } else {
            assert!(matches!(open(&disk), Err(OpenError::Damaged(_))), "{len}");
            assert!(!report(&disk).is_sound());
        }
    }
}

#[test]
fn missing_segment_is_damage() {
    let (disk, _) = written();
    let files: Vec<PathBuf> = disk.files().into_keys().collect();
    for file in &files[..files.len() - 1] {
        let disk = disk.copy();
        super::super::Disk::remove(&disk, file).unwrap();
        assert!(matches!(open(&disk), Err(OpenError::Damaged(_))));
        assert!(!report(&disk).is_sound());
    }
}

/// What a flipped bit came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Flip {
    Refused,
    Repaired,
    Harmless,
}

/// Flips every bit in turn; counts outcomes. `models` are the ledgers that may be served.
fn flip_all(disk: &FaultDisk, models: &[&Model]) -> BTreeMap<Flip, u32> {
    let mut outcomes = BTreeMap::new();
    for (file, octets) in disk.files() {
        for bit in 0..octets.len() * 8 {
            let disk = disk.copy();
            disk.tamper(&file, |octets| octets[bit / 8] ^= 1 << (bit % 8));
            let flipped = disk.files();
            let report = report(&disk);
            let flip = match open(&disk) {
                Err(OpenError::Damaged(_)) => {
                    assert!(!report.is_sound(), "{file:?} bit {bit}: {report:?}");
                    assert_eq!(flipped, disk.files(), "the evidence stays");
                    Flip::Refused
                }
                Err(error) => panic!("{file:?} bit {bit}: {error:?}"),
                Ok((ledger, shown)) => {
                    assert!(report.is_sound(), "{file:?} bit {bit}: {report:?}");
                    let model = models.iter().find(|model| model.is_shown(&shown));
                    let model = model.unwrap_or_else(|| panic!("{file:?} bit {bit}: {shown:?}"));
                    model.assert_read(&ledger);
                    if flipped == disk.files() { Flip::Harmless } else { Flip::Repaired }
                }
            };
            *outcomes.entry(flip).or_default() += 1;
        }
    }
    outcomes
}

#[test]
fn flipped_bit_is_refused_repaired_or_harmless() {
    let (disk, model) = written();
    let octets: usize = disk.files().values().map(Vec::len).sum();
    let outcomes = flip_all(&disk, &[&model]);
    println!("{octets} octets, {} bits flipped: {outcomes:?}", octets * 8);
    assert!(octets <= 8 << 10);
    // Harmless are the slots of what is there and the payloads that are zeros; repaired the marks
    // and the slots of what is erased.
    assert!(outcomes[&Flip::Refused] > outcomes[&Flip::Harmless] + outcomes[&Flip::Repaired]);
    assert!(outcomes[&Flip::Repaired] >= 48 * 8 + 4 * 64);
}

#[test]
fn flipped_bit_in_a_group_without_its_mark_takes_the_group_at_most() {
    let (disk, start, before, whole) = three_groups();
    disk.tamper(&path(1), |octets| octets.truncate(octets.len() - MARK));
    let octets = disk.files()[&path(1)].len();
    let outcomes = flip_all(&disk, &[&whole, &before]);
    println!("{octets} octets, the last {} unmarked: {outcomes:?}", octets - start);
    // Every flip in the last group but in its slots.
    let expect = u32::try_from((octets - start - 3 * 12) * 8).unwrap();
    assert!(outcomes[&Flip::Repaired] >= expect);
}

#[test]
fn garbage_behind_the_last_group_is_cut() {
    let (disk, _, _, whole) = three_groups();
    for garbage in [&[0; 5000][..], &[0xf5; 700], b"\xf5grp\x01\0\0\0 and so on"] {
        let disk = disk.copy();
        disk.tamper(&path(1), |octets| octets.extend_from_slice(garbage));
        whole.assert_read(&open(&disk).unwrap().0);
    }
}

#[test]
fn a_payload_full_of_frames_does_not_turn_a_torn_tail_into_damage() {
    let (other, _, _, _) = three_groups();
    let frames = other.files()[&path(1)].clone();
    let disk = FaultDisk::new();
    let mut visit = |_: super::super::Committed<Record<'_>>| Ok(());
    let key = *b"some other key 1";
    let mut open = || Ledger::open(Arc::new(disk.clone()), dir(), key, SMALL, None, &mut visit);
    let mut ledger = open().unwrap();
    let mut group = ledger.begin(());
    group.push(RecordKind::Event, &frames);
    ledger.commit(group, Urgency::Yes).unwrap();
    let frames_end = disk.files()[&path(1)].len() - MARK;
    disk.tamper(&path(1), |octets| octets.truncate(frames_end - 1));
    assert_eq!(open().unwrap().head(), Revision::ZERO);
}

#[test]
fn wrong_key_and_other_rule_are_refused_by_name() {
    let (disk, _) = written();
    let before = disk.files();
    let mut visit = |_: super::super::Committed<Record<'_>>| Ok(());
    let shared: Arc<dyn super::super::Disk> = Arc::new(disk.clone());
    let error = Ledger::open(Arc::clone(&shared), dir(), [7; 16], SMALL, None, &mut visit);
    assert!(matches!(error, Err(OpenError::WrongKey)));
    let error = verify(shared, dir(), Some([7; 16]));
    assert!(matches!(error, Err(super::super::VerifyError::WrongKey)));
    let error = open_after(&disk, Options { address_rule: 2, ..SMALL }, None);
    assert!(matches!(error, Err(OpenError::AddressRule { found: 1, expected: 2 })));
    assert_eq!(before, disk.files());
}

#[test]
fn replay_begins_behind_the_anchor() {
    let disk = FaultDisk::new();
    let (mut ledger, _) = open(&disk).unwrap();
    let mut model = Model::default();
    let mut anchors = vec![ledger.anchor()];
    for step in SCRIPT {
        act(&mut ledger, &model, step).unwrap();
        model = model.after(step);
        anchors.push(ledger.anchor());
    }
    for anchor in anchors {
        let (ledger, shown) = open_after(&disk.copy(), SMALL, Some(anchor)).unwrap();
        let from = usize::try_from(anchor.revision.number()).unwrap();
        assert!(Model(model.0[from..].to_vec()).is_shown(&shown));
        model.assert_read(&ledger);
    }
}

#[test]
fn anchor_that_the_ledger_does_not_hold_is_damage() {
    let (disk, _) = written();
    let anchor = open(&disk).unwrap().0.anchor();
    let ahead = Anchor { revision: anchor.revision.next(), ..anchor };
    let other = Anchor { chain: [9; 32], ..anchor };
    let inside = revision(2);
    for wrong in [ahead, other, Anchor { revision: inside, ..anchor }] {
        let error = open_after(&disk, SMALL, Some(wrong)).unwrap_err();
        let OpenError::Damaged(damage) = error else { panic!("{error:?}") };
        assert_eq!(damage.what, Damaged::Anchor);
    }
    let error = open_after(&FaultDisk::new(), SMALL, Some(anchor)).unwrap_err();
    assert!(matches!(error, OpenError::Damaged(_)));
}

#[test]
fn damage_before_a_verified_checkpoint_does_not_stop_the_ledger() {
    let disk = FaultDisk::new();
    let (mut ledger, _) = open(&disk).unwrap();
    let mut model = Model::default();
    let mut anchor = ledger.anchor();
    for (at, step) in SCRIPT.iter().enumerate() {
        act(&mut ledger, &model, step).unwrap();
        model = model.after(step);
        if at == 7 {
            anchor = ledger.anchor();
        }
    }
    disk.tamper(&path(1), |octets| octets[700] ^= 1);
    assert!(matches!(open(&disk), Err(OpenError::Damaged(_))));
    let (ledger, shown) = open_after(&disk, SMALL, Some(anchor)).unwrap();
    let from = usize::try_from(anchor.revision.number()).unwrap();
    assert!(Model(model.0[from..].to_vec()).is_shown(&shown));
    let reader = ledger.reader();
    assert!(matches!(reader.read(revision(5)), Err(super::super::ReadError::Damaged(_))));
    assert!(reader.read(anchor.revision.next()).unwrap().is_some());
}

#[test]
fn verify_goes_on_behind_damage() {
    let (disk, model) = written();
    let sound = report(&disk);
    assert_eq!(sound.records.values().sum::<u64>(), model.head());
    assert_eq!(sound.erased, 4);
    assert_eq!(sound.records[&RecordKind::Tombstone], 2);
    disk.tamper(&path(1), |octets| octets[400] ^= 1);
    let found = report(&disk);
    assert_eq!(found.head, sound.head);
    let damage = found.damage[0];
    assert_eq!((damage.segment, damage.revision), (revision(1), revision(2)));
    assert!(found.records.values().sum::<u64>() >= model.head() - 3);
}

#[test]
fn lost_sector_never_serves_a_wrong_record() {
    let (disk, whole) = written();
    let files = disk.files();
    let (last, _) = files.last_key_value().unwrap();
    let mut outcomes = BTreeMap::<Flip, u32>::new();
    for (file, octets) in disk.files() {
        for (at, size) in (0..octets.len()).step_by(16).flat_map(|at| [(at, 64), (at, 512)]) {
            let disk = disk.copy();
            let end = (at + size).min(octets.len());
            disk.tamper(&file, |octets| octets[at..end].fill(0));
            let flip = match open(&disk) {
                Err(OpenError::Damaged(_)) => Flip::Refused,
                Err(error) => panic!("{file:?} octet {at}: {error:?}"),
                Ok((ledger, shown)) if whole.is_shown(&shown) => {
                    assert_eq!(ledger.head(), revision(whole.head()));
                    Flip::Harmless
                }
                Ok((_, shown)) => {
                    // Groups with their marks, up to the end: nothing vouches but an anchor.
                    let before = Model(whole.0[..shown.len()].to_vec());
                    assert!(before.is_shown(&shown), "{file:?} octet {at}: {shown:?}");
                    assert_eq!(file, *last);
                    Flip::Repaired
                }
            };
            *outcomes.entry(flip).or_default() += 1;
        }
    }
    println!("lost sectors: {outcomes:?}");
    assert!(outcomes[&Flip::Refused] > outcomes[&Flip::Repaired]);
}

/// Two ledgers of one key: a sound group of the one is no group of the other.
#[test]
fn group_of_another_ledger_breaks_the_chain() {
    let (disk, start, _, _) = three_groups();
    let other = FaultDisk::new();
    let (mut ledger, _) = open_after(&other, Options::default(), None).unwrap();
    let mut model = Model::default();
    for step in [Act::CommitOther(&[20]), Act::Commit(&[100, 50]), Act::Commit(&[40, 70, 30])] {
        act(&mut ledger, &model, &step).unwrap();
        model = model.after(&step);
    }
    let foreign = other.files()[&path(1)][start..].to_vec();
    disk.tamper(&path(1), |octets| octets[start..].copy_from_slice(&foreign));
    let OpenError::Damaged(damage) = open(&disk).unwrap_err() else { panic!() };
    assert_eq!((damage.what, damage.revision), (Damaged::Chain, revision(4)));
    // Without its mark it is no torn tail either: a crash makes no valid frames.
    disk.tamper(&path(1), |octets| octets.truncate(octets.len() - MARK));
    assert!(matches!(open(&disk), Err(OpenError::Damaged(_))));
}

/// A head that is sound by itself and counts wrongly.
#[test]
fn record_left_out_of_a_group_breaks_the_count() {
    let (disk, start, _, _) = three_groups();
    let seed = Seed::of(&KEY);
    let sound = disk.files()[&path(1)].clone();
    let head = Head::decode(&sound[start..], seed).unwrap();
    for wrong in [
        Head { count: head.count - 1, ..head },
        Head { count: head.count + 1, ..head },
        Head { count: 0, ..head },
        Head { octets: head.octets - 1, ..head },
        Head { durable: Revision::ZERO, ..head },
        Head { first: head.first.next(), ..head },
    ] {
        let disk = disk.copy();
        let octets = wrong.encode(seed);
        disk.tamper(&path(1), |all| all[start..start + octets.len()].copy_from_slice(&octets));
        assert!(matches!(open(&disk), Err(OpenError::Damaged(_))), "{wrong:?}");
        disk.tamper(&path(1), |octets| octets.truncate(octets.len() - MARK));
        let opened = open(&disk).map(|(ledger, _)| ledger.head());
        assert!(
            matches!(opened, Err(OpenError::Damaged(_))),
            "{wrong:?} without its mark: {opened:?}"
        );
    }
}
