//! The full disk.

use std::io::ErrorKind;

use super::super::Reserve;
use super::super::fault::Op;
use super::*;

fn commit(ledger: &mut Ledger, octets: usize, urgency: Urgency) -> Result<(), CommitError> {
    let mut group = ledger.begin(());
    group.push(RecordKind::Event, &payload(ledger.head().number() + 1, octets));
    ledger.commit(group, urgency).map(|_| ())
}

fn model(ledger: &Ledger) -> Model {
    let records = (1..=ledger.head().number()).map(|n| (RecordKind::Event, payload(n, 100), false));
    Model(records.collect())
}

#[test]
fn full_disk_refuses_yeses_takes_noes_and_recovers_with_room() {
    for segment_octets in [1500, 1 << 20] {
        let options = Options { segment_octets, ..SMALL };
        let disk = FaultDisk::new();
        disk.set_capacity(4000);
        let (mut ledger, _) = open_after(&disk, options, None).unwrap();
        let mut yeses = 0;
        while commit(&mut ledger, 100, Urgency::Yes).is_ok() {
            yeses += 1;
        }
        let (before, taken) = (disk.files(), disk.taken());
        assert!(matches!(commit(&mut ledger, 100, Urgency::Yes), Err(CommitError::Full)));
        assert_eq!((disk.files(), disk.taken()), (before, taken));
        assert!(matches!(ledger.reserve(), Reserve::Held(octets) if octets >= 700));
        let mut noes = 0;
        while commit(&mut ledger, 100, Urgency::No).is_ok() {
            noes += 1;
        }
        // A group of one such record takes 280 octets.
        assert!(noes >= 2, "{noes} noes after {yeses} yeses");
        assert!(matches!(commit(&mut ledger, 100, Urgency::No), Err(CommitError::Full)));
        assert!(!ledger.is_latched());
        model(&ledger).assert_read(&ledger);
        // Room again: no reopening, and the reserve is filled up before any yes.
        disk.set_capacity(disk.taken() + 5000);
        commit(&mut ledger, 100, Urgency::Yes).unwrap();
        assert!(matches!(ledger.reserve(), Reserve::Held(octets) if octets >= 700));
        assert_eq!(ledger.head().number(), yeses + noes + 1);
        model(&ledger).assert_read(&open_after(&disk, options, None).unwrap().0);
    }
}

#[test]
fn redaction_uses_the_reserve_or_writes_nothing() {
    let disk = FaultDisk::new();
    disk.set_capacity(1200);
    let (mut ledger, _) = open(&disk).unwrap();
    commit(&mut ledger, 100, Urgency::Yes).unwrap();
    assert!(matches!(commit(&mut ledger, 100, Urgency::Yes), Err(CommitError::Full)));
    let group = ledger.begin(());
    ledger.redact(group, &[revision(1)], b"tombstone").unwrap();
    assert_eq!(ledger.head(), revision(3));
    while commit(&mut ledger, 20, Urgency::No).is_ok() {}
    let (before, head) = (disk.files(), ledger.head());
    let group = ledger.begin(());
    let error = ledger.redact(group, &[revision(1)], b"tombstone").unwrap_err();
    assert!(matches!(error, CommitError::Full));
    assert_eq!((disk.files(), ledger.head()), (before, head));
    assert!(!ledger.is_latched());
}

#[test]
fn reserve_outlives_a_restart_on_a_full_disk() {
    let disk = FaultDisk::new();
    disk.set_capacity(1200);
    let (mut ledger, _) = open(&disk).unwrap();
    commit(&mut ledger, 100, Urgency::Yes).unwrap();
    assert!(matches!(commit(&mut ledger, 100, Urgency::Yes), Err(CommitError::Full)));
    for survival in [Survival::Nothing, Survival::All] {
        let disk = disk.after_power_cut(survival);
        let (mut ledger, _) = open(&disk).unwrap();
        commit(&mut ledger, 100, Urgency::No).unwrap();
        assert!(matches!(commit(&mut ledger, 100, Urgency::Yes), Err(CommitError::Full)));
    }
}

#[test]
fn without_allocation_a_full_disk_is_cut_back_and_refuses_all() {
    let disk = FaultDisk::new().without_allocation();
    let (mut ledger, _) = open(&disk).unwrap();
    commit(&mut ledger, 100, Urgency::Yes).unwrap();
    assert_eq!(ledger.reserve(), Reserve::Unsupported);
    disk.set_capacity(disk.taken() + 100);
    let before = disk.files();
    for urgency in [Urgency::Yes, Urgency::No] {
        assert!(matches!(commit(&mut ledger, 100, urgency), Err(CommitError::Full)));
        assert_eq!(disk.files(), before);
    }
    disk.set_capacity(usize::MAX);
    commit(&mut ledger, 100, Urgency::Yes).unwrap();
    assert_eq!(open(&disk).unwrap().0.head(), revision(2));
}

#[test]
fn write_refused_for_space_is_cut_back_without_a_latch() {
    let disk = FaultDisk::new();
    let (mut ledger, _) = open(&disk).unwrap();
    commit(&mut ledger, 100, Urgency::Yes).unwrap();
    let before = disk.files();
    disk.fail(Op::Write, 0, ErrorKind::StorageFull);
    assert!(matches!(commit(&mut ledger, 100, Urgency::No), Err(CommitError::Full)));
    assert_eq!(disk.files(), before);
    assert!(matches!(ledger.reserve(), Reserve::Held(octets) if octets >= 700));
    commit(&mut ledger, 100, Urgency::No).unwrap();
    for failing in [Op::SetLen, Op::Sync] {
        let disk = disk.copy();
        let (mut ledger, _) = open(&disk).unwrap();
        disk.fail(Op::Write, 0, ErrorKind::StorageFull);
        disk.fail(failing, 0, ErrorKind::Other);
        assert!(matches!(commit(&mut ledger, 100, Urgency::No), Err(CommitError::Unknown(_))));
        assert!(ledger.is_latched());
    }
}
