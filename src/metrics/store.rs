//! Writes, ledger, index, checkpoints, those who follow, and the disk that all of it lies on.

use std::path::Path;

use prometheus::proto::MetricFamily;

use super::family::{NANOS, ONES, counter, gauge, histogram};
use super::{House, real};
use crate::engine::Engine;
use crate::engine::vitals::Vitals;
use crate::grpc::outcome_name;
use crate::model::verdict::WriteOutcome;

pub(super) fn engine(engine: &Engine) -> Vec<MetricFamily> {
    let vitals = engine.vitals();
    let mut families = vec![outcomes(engine)];
    families.extend(ledger(engine, &vitals));
    families.extend(state(&vitals));
    families
}

fn outcomes(engine: &Engine) -> MetricFamily {
    let help = "Addresses that writes named, by what became of them.";
    WriteOutcome::ALL
        .into_iter()
        .fold(counter("maysend_written_addresses_total", help), |family, outcome| {
            let times = real(engine.outcomes().get(outcome));
            family.with(&[("outcome", outcome_name(outcome))], times)
        })
        .done()
}

fn ledger(engine: &Engine, vitals: &Vitals) -> Vec<MetricFamily> {
    let measures = engine.ledger_measures();
    let help = "Time that the fdatasync of a group took; its count is the number of groups.";
    let syncs = histogram("maysend_ledger_fsync_duration_seconds", help);
    let help = "Records that were made durable together.";
    let groups = histogram("maysend_ledger_group_records", help);
    let help = "Times that an fdatasync failed; the first one latches the ledger.";
    let failed = counter("maysend_ledger_fsync_failures_total", help);
    let mut families = vec![
        syncs.holding(&[], &measures.syncs.read(), NANOS).done(),
        groups.holding(&[], &measures.groups.read(), ONES).done(),
        failed.with(&[], real(measures.failed_syncs.get())).done(),
    ];
    // Where the files cannot be looked at there is no number, rather than a wrong one.
    if let Ok(extent) = &vitals.ledger {
        let octets = gauge("maysend_ledger_bytes", "Size of the ledger's files.");
        let segments = gauge("maysend_ledger_segments", "Files of the ledger.");
        families.push(octets.with(&[], real(extent.octets)).done());
        families.push(segments.with(&[], real(extent.segments)).done());
    }
    families
}

fn state(vitals: &Vitals) -> Vec<MetricFamily> {
    let count = |number: usize| real(u64::try_from(number).unwrap_or(u64::MAX));
    let flag = |is_set: bool| f64::from(u8::from(is_set));
    let table = [
        ("maysend_head_revision", "The ledger's last revision.", real(vitals.head.number())),
        (
            "maysend_latched",
            "1 where the ledger takes no writes until a restart.",
            flag(vitals.latched),
        ),
        (
            "maysend_clock_in_doubt",
            "1 where the wall clock lies days before the last event: yeses are refused.",
            flag(vitals.clock_in_doubt),
        ),
        ("maysend_index_addresses", "Addresses that are known.", count(vitals.addresses)),
        ("maysend_index_shapes", "Profiles without their days.", count(vitals.shapes)),
        (
            "maysend_index_bytes",
            "Memory of the index: tables, days and owners' yeses.",
            count(vitals.index_octets),
        ),
        ("maysend_writes_waiting", "Writes that wait for the writer.", count(vitals.waiting)),
        ("maysend_watches", "Watches that are open.", count(vitals.watches)),
        (
            "maysend_watch_lag_revisions",
            "Revisions between the head and what the slowest watch was told; 0 without any.",
            real(vitals.lag),
        ),
    ];
    table.map(|(name, help, value)| gauge(name, help).with(&[], value).done()).into()
}

pub(super) fn checkpoints(house: &House) -> Vec<MetricFamily> {
    let help = "Time that writing a checkpoint took; its count is the number written.";
    let durations = histogram("maysend_checkpoint_duration_seconds", help);
    let help = "Checkpoints that could not be written.";
    let failures = counter("maysend_checkpoint_failures_total", help);
    let mut families = vec![
        durations.holding(&[], &house.checkpoints, NANOS).done(),
        failures.with(&[], real(house.failed_checkpoints)).done(),
    ];
    if let Some((revision, written)) = house.newest {
        let help = "The revision of the newest checkpoint; a start reads the ledger from there.";
        let at = gauge("maysend_checkpoint_revision", help);
        let help = "When the newest checkpoint was written, in seconds since 1970.";
        let when = gauge("maysend_checkpoint_timestamp_seconds", help);
        families.push(at.with(&[], real(revision)).done());
        families.push(when.with(&[], written).done());
    }
    families
}

pub(super) fn disk(data_dir: &Path) -> Vec<MetricFamily> {
    let Ok(disk) = rustix::fs::statvfs(data_dir) else { return Vec::new() };
    let help = "Space of the data directory's file system that is left for this process.";
    let free = gauge("maysend_disk_free_bytes", help);
    let size = gauge("maysend_disk_size_bytes", "Space of the data directory's file system.");
    let octets = |blocks: u64| real(blocks.saturating_mul(disk.f_frsize));
    vec![free.with(&[], octets(disk.f_bavail)).done(), size.with(&[], octets(disk.f_blocks)).done()]
}
