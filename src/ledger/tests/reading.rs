//! Readers beside the writer; groups that are refused; the real disk.

use std::thread;

use super::super::RealDisk;
use super::*;

fn real(dir: &Path, options: Options) -> (Ledger, u64) {
    let mut shown = 0;
    let mut visit = |_: super::super::Committed<Record<'_>>| {
        shown += 1;
        Ok(())
    };
    let disk = Arc::new(RealDisk);
    let ledger = Ledger::open(disk, dir, KEY, options, None, &mut visit).unwrap();
    (ledger, shown)
}

#[test]
fn readers_see_whole_records_while_the_writer_appends_rolls_and_erases() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { segment_octets: 40_000, ..SMALL };
    let (mut ledger, _) = real(dir.path(), options);
    let reader = ledger.reader();
    let readers: Vec<_> = (0..2_u64)
        .map(|seed| {
            let reader = reader.clone();
            thread::spawn(move || {
                let (mut read, mut number) = (0_u64, seed);
                while reader.head() < revision(900) {
                    number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(seed + 1);
                    let head = reader.head().number();
                    let wanted = (number >> 33) % (head + 1) + 1;
                    let Some(record) = reader.read(revision(wanted)).unwrap() else {
                        assert!(wanted > head);
                        continue;
                    };
                    if record.kind == RecordKind::Event && !record.erased {
                        assert_eq!(*record.payload, payload(wanted, 150));
                    }
                    read += 1;
                }
                read
            })
        })
        .collect();
    while ledger.head() < revision(900) {
        let mut group = ledger.begin(());
        for _ in 0..7 {
            let number = group.next_revision().number();
            group.push(RecordKind::Event, &payload(number, 150));
        }
        let last = ledger.head().number();
        if last % 5 == 4 {
            ledger.redact(group, &[revision(last - 3)], b"erased").unwrap();
        } else {
            ledger.commit(group, Urgency::Yes).unwrap();
        }
    }
    let read: u64 = readers.into_iter().map(|reader| reader.join().unwrap()).sum();
    println!("{read} records read beside {} written", ledger.head());
    let head = ledger.head();
    drop(ledger);
    let (ledger, shown) = real(dir.path(), options);
    assert_eq!((ledger.head(), shown), (head, head.number()));
    let report = verify(Arc::new(RealDisk), dir.path(), None).unwrap();
    assert!(report.is_sound() && report.segments > 2 && report.erased > 0);
}

#[test]
fn records_of_old_segments_are_found_after_opening_behind_an_anchor() {
    let disk = FaultDisk::new();
    let options = Options { segment_octets: 300_000, ..SMALL };
    let (mut ledger, _) = open_after(&disk, options, None).unwrap();
    let mut model = Model::default();
    let large = Act::Commit(&[9_000, 70_000, 20, 66_000, 1_000, 300, 300]);
    for _ in 0..5 {
        act(&mut ledger, &model, &large).unwrap();
        model = model.after(&large);
    }
    let anchor = ledger.anchor();
    act(&mut ledger, &model, &large).unwrap();
    let model = model.after(&large);
    let (ledger, shown) = open_after(&disk, options, Some(anchor)).unwrap();
    assert_eq!(shown.len(), 7);
    let reader = ledger.reader();
    for number in (1..=model.head()).rev() {
        let read = reader.read(revision(number)).unwrap().unwrap();
        assert_eq!(*read.payload, *model.0[usize::try_from(number).unwrap() - 1].1);
    }
}

#[test]
fn slices_hold_every_record_in_its_order_and_nothing_that_was_erased_since_the_last() {
    let disk = FaultDisk::new();
    let options = Options { segment_octets: 300_000, ..SMALL };
    let (mut ledger, _) = open_after(&disk, options, None).unwrap();
    let mut model = Model::default();
    let large = Act::Commit(&[9_000, 70_000, 20, 66_000, 1_000, 300, 300]);
    for _ in 0..5 {
        act(&mut ledger, &model, &large).unwrap();
        model = model.after(&large);
    }
    let reader = ledger.reader();
    let read = |forward: &mut super::super::Forward, until| {
        let slice = forward.slice(until).unwrap();
        let shown = |record: Record<'_>| (record.kind, record.payload.into_owned(), record.erased);
        slice.into_iter().map(shown).collect::<Vec<_>>()
    };
    let end = revision(u64::MAX);
    for after in 0..=model.head() {
        let mut forward = reader.forward(revision(after));
        let (mut all, mut slices) = (Vec::new(), 0);
        loop {
            let slice = read(&mut forward, end);
            if slice.is_empty() {
                break;
            }
            assert!(slice.iter().map(|(_, payload, _)| payload.len()).sum::<usize>() < 400_000);
            all.extend(slice);
            slices += 1;
        }
        assert_eq!(all, model.0[usize::try_from(after).unwrap()..], "after {after}");
        assert!(after > 0 || slices > 2, "{slices}");
    }
    let mut forward = reader.forward(Revision::ZERO);
    assert_eq!(read(&mut forward, revision(3)).len(), 3);
    assert_eq!(read(&mut forward, revision(3)), []);
    let erase = Act::Redact(&[2, 4, 30]);
    act(&mut ledger, &model, &erase).unwrap();
    model = model.after(&erase);
    assert_eq!(reader.erasures(), 3);
    let mut rest = Vec::new();
    while u64::try_from(rest.len()).unwrap() + 3 < model.head() {
        rest.extend(read(&mut forward, end));
    }
    assert_eq!(rest, model.0[3..]);
}

#[test]
fn several_records_are_read_as_one_by_one() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { segment_octets: 150_000, ..SMALL };
    let (mut ledger, _) = real(dir.path(), options);
    while ledger.head() < revision(2_000) {
        let mut group = ledger.begin(());
        for _ in 0..9 {
            let number = group.next_revision().number();
            let length = if number % 50 == 0 { 70_000 } else { 150 };
            group.push(RecordKind::Event, &payload(number, length));
        }
        let last = ledger.head().number();
        if last % 7 == 6 {
            ledger.redact(group, &[revision(last - 3)], b"erased").unwrap();
        } else {
            ledger.commit(group, Urgency::Yes).unwrap();
        }
    }
    let head = ledger.head().number();
    drop(ledger);
    let (ledger, _) = real(dir.path(), options);
    let reader = ledger.reader();
    for step in [1, 2, 61, 997] {
        let mut wanted: Vec<_> = (0..head + 3).step_by(step).map(revision).collect();
        wanted.insert(1, wanted[0]);
        let each = reader.read_each(&wanted).unwrap();
        assert_eq!(each.len(), wanted.len());
        for (wanted, found) in wanted.iter().zip(each) {
            let alone = reader.read(*wanted).unwrap();
            let parts = |record: Record<'static>| (record.kind, record.erased, record.payload);
            assert_eq!(found.map(parts), alone.map(parts), "{wanted}");
        }
    }
}

#[test]
fn group_that_does_not_follow_the_head_is_refused() {
    let disk = FaultDisk::new();
    let (mut ledger, _) = open(&disk).unwrap();
    let mut stale = ledger.begin("stale");
    stale.push(RecordKind::Event, b"one");
    let mut group = ledger.begin("fresh");
    assert_eq!(group.push(RecordKind::Event, b"two"), revision(1));
    assert_eq!(*ledger.commit(group, Urgency::Yes).unwrap(), "fresh");
    let error = ledger.commit(stale, Urgency::Yes).unwrap_err();
    assert!(matches!(error, CommitError::Stale { begun, head } if begun == head));
    assert!(!ledger.is_latched());
}

#[test]
fn group_beyond_the_bound_is_refused_and_an_empty_one_writes_nothing() {
    let disk = FaultDisk::new();
    let (mut ledger, _) = open(&disk).unwrap();
    let before = disk.files();
    let mut group = ledger.begin(());
    let half = vec![1; 40 << 20];
    group.push(RecordKind::Event, &half);
    group.push(RecordKind::Event, &half);
    assert!(matches!(ledger.commit(group, Urgency::No), Err(CommitError::TooLarge)));
    let empty = ledger.begin(5);
    assert_eq!(ledger.commit(empty, Urgency::Yes).unwrap().into_inner(), 5);
    assert_eq!(disk.files(), before);
}

#[test]
fn visitor_that_refuses_a_record_stops_the_opening() {
    let (disk, _) = written();
    let mut visit = |record: super::super::Committed<Record<'_>>| {
        if record.revision == revision(3) { Err("no such event".into()) } else { Ok(()) }
    };
    let error = Ledger::open(Arc::new(disk), dir(), KEY, SMALL, None, &mut visit).unwrap_err();
    assert!(matches!(error, OpenError::Refused { revision: found, .. } if found == revision(3)));
}

#[test]
fn real_disk_holds_the_reserve_and_gives_it_back_on_a_roll() {
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir().unwrap();
    let options = Options { segment_octets: 50_000, reserve_octets: 1 << 20, address_rule: 1 };
    let (mut ledger, _) = real(dir.path(), options);
    if ledger.reserve() == super::super::Reserve::Unsupported {
        return;
    }
    for _ in 0..3 {
        let mut group = ledger.begin(());
        group.push(RecordKind::Event, &[7; 30_000]);
        ledger.commit(group, Urgency::Yes).unwrap();
    }
    let taken = |first: u64| {
        let path = dir.path().join(format!("ledger/{first:020}.seg"));
        std::fs::metadata(path).unwrap().blocks() * 512
    };
    assert!(taken(1) < 100_000, "{}", taken(1));
    assert!(taken(3) >= 1 << 20, "{}", taken(3));
}
