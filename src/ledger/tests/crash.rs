//! A fault at every call that changes the disk, in turn.

use std::io::ErrorKind;

use super::super::Damaged;
use super::super::fault::Op;
use super::super::format::{FRAME, HEAD, HEADER, MARK, wide};
use super::super::reader::segments;
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
            let after = disk.after_power_cut(survival);
            // Before boot repairs it, it lacks marks at most, and those in the last segment.
            let last = segments(&after, &dir().join("ledger")).unwrap().last().copied();
            let mut damage = if last.is_some() { report(&after).damage } else { Vec::new() };
            damage.retain(|damage| damage.what != Damaged::Mark || Some(damage.segment) != last);
            assert_eq!(damage, []);
            let model = assert_kept(&after, &outcome);
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
            for (error, seed) in
                [(ErrorKind::Other, 1), (ErrorKind::Other, 2), (ErrorKind::StorageFull, 3)]
            {
                let disk = FaultDisk::new();
                disk.reseed(seed);
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
                // And what is written behind it.
                let served = run_on(&killed, served, &[Act::CommitOther(&[30])]);
                assert_kept(&killed.after_power_cut(Survival::Nothing), &served);
            }
        }
    }
    println!("{faults} faults: {unknown} told as unknown, {refused} groups refused");
    assert!(faults > 100 && unknown > 10 && refused > 10);
}

#[test]
fn power_cut_after_opening_behind_a_power_cut_loses_nothing() {
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
        // What is written in the place of a group that was cut is as long as it.
        let again = match outcome.cut_in {
            Some(Act::Commit(sizes)) => Act::CommitOther(sizes),
            _ => Act::CommitOther(&[40, 40]),
        };
        for seed in 3 * wide(at)..3 * wide(at) + 3 {
            let after = first.after_power_cut(Survival::Chance(seed));
            for again_at in 0.. {
                let disk = after.copy();
                disk.crash_at(again_at);
                let outcome = run_on(&disk, outcome.clone(), std::slice::from_ref(&again));
                if !disk.crashed() {
                    break;
                }
                cuts += 1;
                for seed in 10..16 {
                    let seed = seed + 100 * cuts;
                    assert_kept(&disk.after_power_cut(Survival::Chance(seed)), &outcome);
                }
            }
        }
    }
    println!("{cuts} power cuts in the second life");
    assert!(cuts > 1000);
}

#[test]
fn frames_of_a_group_that_was_cut_never_come_back() {
    let disk = FaultDisk::new();
    let (mut ledger, _) = open(&disk).unwrap();
    act(&mut ledger, &Model::default(), &Act::Commit(&[40, 40])).unwrap();
    // Its first frame did not reach the disk, its second did; as long as it is the next group.
    let path = disk.files().into_keys().next().unwrap();
    disk.tamper(&path, |octets| {
        octets[HEADER..HEADER + HEAD + FRAME].fill(0);
        octets.truncate(octets.len() - MARK);
    });
    for at in 0.. {
        let disk = disk.copy();
        disk.crash_at(at);
        let outcome = run_on(&disk, Outcome::default(), &[Act::CommitOther(&[40, 40])]);
        if !disk.crashed() {
            break;
        }
        for seed in 0..100 {
            assert_kept(&disk.after_power_cut(Survival::Chance(seed)), &outcome);
        }
    }
}

#[test]
fn power_cut_after_a_roll_for_which_there_is_no_space_loses_nothing() {
    let ops = {
        let disk = FaultDisk::new();
        run(&disk, SCRIPT);
        disk.ops()
    };
    let mut cuts = 0;
    for op in [Op::Create, Op::Allocate, Op::Write, Op::Sync] {
        for nth in 1..ops.iter().filter(|&&done| done == op).count() {
            for at in 0.. {
                let disk = FaultDisk::new();
                disk.fail(op, nth, ErrorKind::StorageFull);
                disk.crash_at(at);
                let outcome = run(&disk, SCRIPT);
                if !disk.crashed() {
                    break;
                }
                if !disk.ops().contains(&Op::Remove) {
                    continue;
                }
                cuts += 1;
                for seed in 4 * cuts..4 * cuts + 4 {
                    assert_kept(&disk.after_power_cut(Survival::Chance(seed)), &outcome);
                }
            }
        }
    }
    println!("{cuts} power cuts after a segment was given up");
    assert!(cuts > 50);
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
