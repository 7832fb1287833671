//! How long does a group take to become durable, and how fast is a ledger replayed?
#![expect(clippy::unwrap_used, reason = "a benchmark that fails must stop")]

use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use maysend::ledger::{Committed, Ledger, Options, RealDisk, Record, RecordKind, Urgency};
use maysend::model::revision::Revision;

const KEY: [u8; 16] = [7; 16];
const PAYLOAD: [u8; 200] = [3; 200];

fn open(dir: &std::path::Path) -> (Ledger, u64) {
    let mut records = 0;
    let mut visit = |_: Committed<Record<'_>>| {
        records += 1;
        Ok(())
    };
    let disk = Arc::new(RealDisk);
    let ledger = Ledger::open(disk, dir, KEY, Options::default(), None, &mut visit).unwrap();
    (ledger, records)
}

fn commit(ledger: &mut Ledger, records: u64) {
    let mut group = ledger.begin(());
    for _ in 0..records {
        group.push(RecordKind::Event, &PAYLOAD);
    }
    ledger.commit(group, Urgency::Yes).unwrap();
}

fn ledger(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ledger");
    group.sample_size(20).measurement_time(Duration::from_secs(3));
    for records in [1, 64, 1000] {
        let dir = tempfile::tempdir().unwrap();
        let (mut ledger, _) = open(dir.path());
        group.throughput(Throughput::Elements(records));
        group.bench_function(format!("commit/{records}x200"), |bencher| {
            bencher.iter(|| commit(&mut ledger, records));
        });
    }
    let records = 200_000;
    for size in [1, 1000] {
        let dir = tempfile::tempdir().unwrap();
        let (mut ledger, _) = open(dir.path());
        // A group of one costs a sync; fewer of them tell the rate as well.
        let records = if size == 1 { records / 20 } else { records };
        for _ in 0..records / size {
            commit(&mut ledger, size);
        }
        let reader = ledger.reader();
        group.throughput(Throughput::Elements(records));
        group.bench_function(format!("replay/{records}x200/groups-of-{size}"), |bencher| {
            bencher.iter(|| assert_eq!(open(dir.path()).1, records));
        });
        group.throughput(Throughput::Elements(1));
        let mut number = 1;
        group.bench_function(format!("read/{records}x200/groups-of-{size}"), |bencher| {
            bencher.iter(|| {
                number = number * 48_271 % 2_147_483_647;
                reader.read(Revision::new(number % records + 1)).unwrap().unwrap()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, ledger);
criterion_main!(benches);
