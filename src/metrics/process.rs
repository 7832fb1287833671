//! The process: what every Prometheus client publishes of it, under the names that all of them use.

use procfs::process::{LimitValue, Process};
use procfs::{ProcResult, boot_time_secs, page_size, ticks_per_second};
use prometheus::proto::MetricFamily;

use super::family::{counter, gauge};
use super::real;

/// What can be had of it; where /proc cannot be read, nothing.
pub(super) fn families() -> Vec<MetricFamily> {
    read().unwrap_or_else(|error| {
        tracing::debug!(%error, "/proc cannot be read");
        Vec::new()
    })
}

fn read() -> ProcResult<Vec<MetricFamily>> {
    let process = Process::myself()?;
    let stat = process.stat()?;
    let ticks = real(ticks_per_second());
    let cpu = real(stat.utime.saturating_add(stat.stime)) / ticks;
    let start = real(boot_time_secs()?) + real(stat.starttime) / ticks;
    let descriptors = u64::try_from(process.fd_count()?).unwrap_or(u64::MAX);
    let resident = stat.rss.saturating_mul(page_size());
    let threads = u64::try_from(stat.num_threads).unwrap_or(0);
    let limit = match process.limits()?.max_open_files.soft_limit {
        LimitValue::Value(limit) => real(limit),
        LimitValue::Unlimited => f64::INFINITY,
    };
    let help = "User and system time that the process has spent.";
    let spent = counter("process_cpu_seconds_total", help).with(&[], cpu).done();
    let gauges = [
        ("process_start_time_seconds", "When it began, in seconds since 1970.", start),
        ("process_resident_memory_bytes", "Memory that it holds.", real(resident)),
        ("process_virtual_memory_bytes", "Memory that it has mapped.", real(stat.vsize)),
        ("process_open_fds", "File descriptors that it has open.", real(descriptors)),
        ("process_max_fds", "File descriptors that it may have open.", limit),
        ("process_threads", "Its threads.", real(threads)),
    ];
    let gauges = gauges.map(|(name, help, value)| gauge(name, help).with(&[], value).done());
    Ok([spent].into_iter().chain(gauges).collect())
}
