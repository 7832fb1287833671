//! A fault at every call that changes the disk, in turn.

use std::io::ErrorKind;

use super::super::fault::Op;
use super::*;

const SEEDS: u64 = 6;

fn survivals() -> impl Iterator<Item = Survival> {
    [Survival::All, Survival::Nothing].into_iter().chain((0..SEEDS).map(Survival::Chance))
}

#[test]
fn power_cut_at_every_call_loses_nothing_acknowledged() {
    let calls = {
        let disk = FaultDisk::new();
        run(&disk, SCRIPT);
        disk.ops().len()
    };
    let (mut cuts, mut taken) = (0, 0);
    for at in 0..calls {
        let disk = FaultDisk::new();
        disk.crash_at(at);
        let outcome = run(&disk, SCRIPT);
        assert!(disk.crashed());
        for survival in survivals() {
            let model = assert_kept(&disk.after_power_cut(survival), &outcome);
            cuts += 1;
            taken += u32::from(model != outcome.acked);
        }
        assert_kept(&disk.after_kill(), &outcome);
    }
    println!("{calls} calls, {cuts} power cuts; in {taken} the group nobody was told of was there");
    assert!(calls > 50 && taken > 10);
}

#[test]
fn power_cut_while_opening_after_a_power_cut_loses_nothing() {
    let calls = {
        let disk = FaultDisk::new();
        run(&disk, SCRIPT);
        disk.ops().len()
    };
    let mut cuts = 0;
    for at in 0..calls {
        let first = FaultDisk::new();
        first.crash_at(at);
        let outcome = run(&first, SCRIPT);
        for survival in [Survival::All, Survival::Chance(1), Survival::Chance(2)] {
            for again in 0.. {
                let disk = first.after_power_cut(survival);
                disk.crash_at(again);
                let opened = open(&disk);
                if !disk.crashed() {
                    opened.unwrap();
                    break;
                }
                cuts += 1;
                for survival in [Survival::Nothing, Survival::Chance(3), Survival::Chance(4)] {
                    assert_kept(&disk.after_power_cut(survival), &outcome);
                }
                assert_kept(&disk.after_kill(), &outcome);
            }
        }
    }
    println!("{cuts} power cuts while opening");
    assert!(cuts > 100);
}

#[test]
fn failure_of_every_call_is_told_and_loses_nothing_acknowledged() {
    let ops = {
        let disk = FaultDisk::new();
        run(&disk, SCRIPT);
        disk.ops()
    };
    let kinds =
        [Op::Write, Op::Sync, Op::SetLen, Op::Allocate, Op::Create, Op::Remove, Op::SyncDir];
    let (mut faults, mut unknown, mut refused) = (0, 0, 0);
    for op in kinds {
        for nth in 0..ops.iter().filter(|&&done| done == op).count() {
            for error in [ErrorKind::Other, ErrorKind::StorageFull] {
                let disk = FaultDisk::new();
                disk.fail(op, nth, error);
                let outcome = run(&disk, SCRIPT);
                faults += 1;
                unknown += u32::from(outcome.perhaps.is_some());
                refused += outcome.refused;
                for survival in survivals() {
                    assert_kept(&disk.after_power_cut(survival), &outcome);
                }
                // Killed: the page cache stays and looks clean. What boot serves out of it must
                // then also survive a power cut.
                let killed = disk.after_kill();
                let served = assert_kept(&killed, &outcome);
                let served = Outcome { acked: served, ..Outcome::default() };
                for survival in survivals() {
                    assert_kept(&killed.after_power_cut(survival), &served);
                }
            }
        }
    }
    println!("{faults} faults: {unknown} told as unknown, {refused} groups refused");
    assert!(faults > 100 && unknown > 10 && refused > 10);
}

#[test]
fn failed_sync_latches_until_the_ledger_is_opened_again() {
    let disk = FaultDisk::new();
    let (mut ledger, _) = open(&disk).unwrap();
    disk.fail(Op::Sync, 0, ErrorKind::Other);
    let error = act(&mut ledger, &Model::default(), &Act::Commit(&[20])).unwrap_err();
    assert!(matches!(error, CommitError::Unknown(_)));
    for urgency in [Urgency::No, Urgency::Yes] {
        let mut group = ledger.begin(());
        group.push(RecordKind::Event, b"more");
        assert!(matches!(ledger.commit(group, urgency), Err(CommitError::Latched)));
    }
    assert!(ledger.is_latched() && ledger.reader().is_latched());
    assert_eq!(ledger.head(), Revision::ZERO);
    assert!(!open(&disk).unwrap().0.is_latched());
}

#[test]
fn opening_writes_again_what_a_failed_sync_left_in_doubt() {
    let disk = FaultDisk::new();
    let (mut ledger, _) = open(&disk).unwrap();
    act(&mut ledger, &Model::default(), &Act::Commit(&[20])).unwrap();
    let before = disk.files();
    disk.fail(Op::Sync, 0, ErrorKind::Other);
    let model = Model::default().after(&Act::Commit(&[20]));
    act(&mut ledger, &model, &Act::Commit(&[500, 20])).unwrap_err();
    // The page cache holds the group, the disk does not; no sync will bring it there.
    let lost = disk.after_power_cut(Survival::All);
    let lost = (0..20).any(|_| lost.files() != disk.files());
    assert!(lost && before != disk.files());
    let (ledger, _) = open(&disk.after_kill()).unwrap();
    assert_eq!(ledger.head(), revision(3));
    let (again, _) = open(&disk.after_power_cut(Survival::Nothing)).unwrap();
    assert_eq!(again.head(), revision(3));
    model.after(&Act::Commit(&[500, 20])).assert_read(&again);
}
