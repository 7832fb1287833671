//! Erasing: the crash in between is in `crash`; here is what it leaves and whom it refuses.

use super::super::fault::Op;
use super::super::format::{FRAME, SLOT};
use super::super::{Damaged, ReadError};
use super::*;

#[test]
fn erased_payload_is_gone_and_the_chain_holds() {
    let (disk, model) = written();
    let (ledger, shown) = open(&disk).unwrap();
    model.assert_read(&ledger);
    assert!(model.is_shown(&shown));
    for number in [1, 2, 4, 5] {
        assert!(!disk.holds(format!("canary {number:04} ").as_bytes()));
        assert!(shown[number - 1].erased && shown[number - 1].payload.is_empty());
    }
    let tombstone = shown.iter().find(|record| record.kind == RecordKind::Tombstone).unwrap();
    assert_eq!(tombstone.erases, [2, 4, 5].map(Revision::new));
    let read = ledger.reader().read(tombstone.revision).unwrap().unwrap();
    assert_eq!(read, *tombstone);
}

#[test]
fn only_what_is_there_and_no_tombstone_can_be_erased() {
    let (disk, model) = written();
    let before = disk.files();
    let (mut ledger, _) = open(&disk).unwrap();
    let kinds = model.0.iter().map(|record| record.0);
    let proofs = kinds.zip(1..).filter(|(kind, _)| !kind.is_erasable()).map(|(_, number)| number);
    for number in proofs.chain([0, model.head() + 1]) {
        let group = ledger.begin(());
        let error = ledger.redact(group, &[revision(3), revision(number)], b"x").unwrap_err();
        assert!(matches!(error, CommitError::NotErasable(found) if found == revision(number)));
    }
    let mut group = ledger.begin(());
    group.push(RecordKind::Tombstone, b"forged");
    assert!(matches!(ledger.commit(group, Urgency::No), Err(CommitError::ReservedKind)));
    assert_eq!(disk.files(), before);
    let group = ledger.begin(());
    ledger.redact(group, &[revision(2), revision(2), revision(3)], b"twice").unwrap();
    assert!(ledger.reader().read(revision(3)).unwrap().unwrap().erased);
}

/// An overwritten payload without a tombstone is no erasure.
#[test]
fn zeroed_payload_that_no_tombstone_lists_is_damage() {
    let disk = FaultDisk::new();
    let (mut ledger, _) = open(&disk).unwrap();
    act(&mut ledger, &Model::default(), &Act::Commit(&[40, 40])).unwrap();
    let path = dir().join("ledger/00000000000000000001.seg");
    let octets = disk.files()[&path].clone();
    let at = octets.windows(11).position(|octets| octets == b"canary 0001").unwrap();
    disk.tamper(&path, |octets| octets[at..at + 40].fill(0));
    assert!(ledger.reader().read(revision(1)).is_err());
    assert!(matches!(open(&disk), Err(OpenError::Damaged(_))));
    assert_eq!(report(&disk).erased, 0);
    assert!(!report(&disk).is_sound());
    // Nor does a slot make it one that names the tombstone of another.
    disk.tamper(&path, |octets| octets[at..at + 40].copy_from_slice(&payload(1, 40)));
    let (mut ledger, _) = open(&disk).unwrap();
    ledger.redact(ledger.begin(()), &[revision(2)], b"of another").unwrap();
    drop(ledger);
    disk.tamper(&path, |octets| {
        octets[at..at + 40].fill(0);
        octets[at - FRAME + SLOT] = 3;
    });
    let OpenError::Damaged(damage) = open(&disk).unwrap_err() else { panic!() };
    assert_eq!((damage.what, damage.revision), (Damaged::Payload, revision(1)));
    assert_eq!(report(&disk).damage, [damage]);
}

/// Where the slot of a record stands.
fn slot_of(segment: &[u8], number: u8) -> usize {
    let begin = [&b"\xf5frm"[..], &[0; 4], &[number, 0, 0, 0, 0, 0, 0, 0]].concat();
    let is_frame = |octets: &[u8]| octets[..4] == begin[..4] && octets[8..16] == begin[8..];
    segment.windows(16).position(is_frame).unwrap() + SLOT
}

/// Nothing covers a slot, and a reader believes it: whatever happens to the slot of what a tombstone
/// lists, an opening writes it again.
#[test]
fn slot_that_names_no_tombstone_of_its_payload_is_told_and_written_again() {
    let (disk, model) = written();
    let before = disk.files();
    let path = dir().join("ledger/00000000000000000001.seg");
    let erased_by =
        model.0.iter().position(|record| record.0 == RecordKind::Tombstone).unwrap() + 1;
    let other = model.0.iter().rposition(|record| record.0 == RecordKind::Tombstone).unwrap() + 1;
    let slot = slot_of(&before[&path], 2);
    assert_eq!(before[&path][slot], u8::try_from(erased_by).unwrap());
    let anchor = open(&disk).unwrap().0.anchor();
    for wrong in
        [0, 1, 2, 3, u64::try_from(other).unwrap(), model.head(), model.head() + 1, u64::MAX]
    {
        let disk = disk.copy();
        disk.tamper(&path, |octets| octets[slot..slot + 8].copy_from_slice(&wrong.to_le_bytes()));
        let told = report(&disk);
        let [damage] = told.damage[..] else { panic!("{told:?}") };
        assert_eq!((damage.what, damage.revision), (Damaged::Slot, revision(2)), "{wrong}");
        assert!(told.is_sound() && told.erased == 4);
        // A checkpoint spares an opening the walk; then a reader tells, and serves nothing wrong.
        let (ledger, _) = open_after(&disk, SMALL, Some(anchor)).unwrap();
        assert!(matches!(ledger.reader().read(revision(2)), Err(ReadError::Damaged(_))));
        drop(ledger);
        model.assert_read(&open(&disk).unwrap().0);
        assert_eq!(disk.files(), before, "{wrong}");
        assert_eq!(report(&disk).damage, []);
    }
}

/// What two tombstones list is erased by either.
#[test]
fn slot_may_name_any_tombstone_of_its_payload() {
    let (disk, model) = written();
    let (mut ledger, _) = open(&disk).unwrap();
    let again = Act::Redact(&[2]);
    act(&mut ledger, &model, &again).unwrap();
    drop(ledger);
    let model = model.after(&again);
    let path = dir().join("ledger/00000000000000000001.seg");
    let slot = slot_of(&disk.files()[&path], 2);
    let kinds = model.0.iter().zip(1_u64..);
    let tombstones = kinds.filter(|(record, _)| record.0 == RecordKind::Tombstone);
    // The one between lists another record.
    for ((_, tombstone), lists) in tombstones.zip([true, false, true]) {
        let named = tombstone.to_le_bytes();
        disk.tamper(&path, |octets| octets[slot..slot + 8].copy_from_slice(&named));
        let before = disk.files();
        let told = report(&disk).damage;
        model.assert_read(&open(&disk).unwrap().0);
        let is_untouched = disk.files() == before;
        assert_eq!((told.is_empty(), is_untouched), (lists, lists), "{tombstone}: {told:?}");
    }
}

#[test]
fn unfinished_redaction_is_finished_though_a_checkpoint_covers_it() {
    let disk = FaultDisk::new();
    let (mut ledger, _) = open(&disk).unwrap();
    let mut model = Model::default();
    for step in [Act::Commit(&[40, 40]), Act::Commit(&[40])] {
        act(&mut ledger, &model, &step).unwrap();
        model = model.after(&step);
    }
    // The tombstone's write and mark succeed, the first overwriting fails.
    disk.fail(Op::Write, 2, std::io::ErrorKind::Other);
    let redact = Act::Redact(&[2]);
    assert!(matches!(act(&mut ledger, &model, &redact), Err(CommitError::Unknown(_))));
    assert!(ledger.is_latched());
    let anchor = ledger.anchor();
    assert_eq!(anchor.revision, revision(5));
    assert_eq!(report(&disk).unfinished_redaction, Some(revision(5)));
    drop(ledger);
    let (ledger, shown) = open_after(&disk, SMALL, Some(anchor)).unwrap();
    assert!(shown.is_empty());
    model.after(&redact).assert_read(&ledger);
    assert!(!disk.holds(b"canary 0002"));
    assert_eq!(report(&disk).unfinished_redaction, None);
}
