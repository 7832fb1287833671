//! Erasing: the crash in between is in `crash`; here is what it leaves and whom it refuses.

use super::super::fault::Op;
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
