//! Files through the command line, end to end: the program starts, reads, asks or tells, writes.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use maysend::cli::bench::drive::{now, ratio};
use maysend::cli::bench::{facts, people};

use super::report::{Report, short};
use super::say;
use super::sidecar::Sidecar;

/// Rows of the longest list.
const MOST_ROWS: u64 = 10_000_000;

/// `maysend filter` of a list with as many rows as there are recipients.
pub(crate) fn filter(
    maysend: &Sidecar,
    place: &Path,
    known: u64,
    report: &mut Report,
) -> anyhow::Result<()> {
    let count = known.min(MOST_ROWS);
    say(format_args!("filter: {count} rows"));
    let (list, allowed) = (place.join("list.csv"), place.join("allowed.csv"));
    let mut rows = BufWriter::new(File::create(&list)?);
    writeln!(rows, "id,name,email,city,since")?;
    for n in 0..count {
        // Four of five are known, in an order that is not theirs in the server.
        let at = n.wrapping_mul(2_654_435_761) % known;
        let at = if n.is_multiple_of(5) { at + known } else { at };
        writeln!(rows, "{n},Customer {at},{},Wien,2024-05-31", people::address(at))?;
    }
    rows.into_inner()?.sync_all()?;
    let mut command = maysend.client(&["filter", "--brand", facts::BRAND, "--campaign"]);
    command.arg(facts::CAMPAIGN).arg(&list).stdout(File::create(&allowed)?);
    let took = run(command)?;
    let rate = per_second(count, took)?;
    let shown =
        format!("{}/s ({} in {:.1} s)", short(rate), short(ratio(count, 1)), took.as_secs_f64());
    report.at_least("maysend filter, CSV of five columns: rows/s", (shown, rate), (3e6, 6e6));
    fs::remove_file(list)?;
    fs::remove_file(allowed)?;
    Ok(())
}

/// `maysend import --commit` of yeses, on a server that begins with nothing.
pub(crate) async fn import(place: &Path, count: u64, report: &mut Report) -> anyhow::Result<()> {
    say(format_args!("import: {count} rows of CSV"));
    let place = place.join("import");
    let maysend = Sidecar::start(&place, None).await?;
    let list = place.join("list.csv");
    let mut rows = BufWriter::new(File::create(&list)?);
    writeln!(rows, "address,state,scope,basis,source,occurred_at")?;
    for n in 0..count {
        let (brand, topic, day) = (n / 1_000 % 30, n % 3, 1 + n / 100 % 28);
        writeln!(
            rows,
            "{},granted,topic:brand-{brand:02}/topic-{topic},consent,\
             https://www.example.org/newsletter,2026-0{}-{day:02}",
            people::address(n),
            1 + n % 6
        )?;
    }
    rows.into_inner()?.sync_all()?;
    let mut command = maysend.client(&["import", "--commit"]);
    command.arg(&list).stdout(Stdio::null());
    let took = run(command)?;
    let rate = per_second(count, took)?;
    let shown =
        format!("{}/s ({} in {:.1} s)", short(rate), short(ratio(count, 1)), took.as_secs_f64());
    report.at_least("maysend import, CSV of yeses: rows/s", (shown, rate), (3e5, 6e5));
    drop(maysend);
    fs::remove_dir_all(place)?;
    Ok(())
}

fn run(mut command: Command) -> anyhow::Result<Duration> {
    let start = now();
    let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?.wait_with_output();
    let output = output.context("a client ended")?;
    let talk = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "a client failed: {talk}");
    Ok(start.elapsed())
}

fn per_second(count: u64, took: Duration) -> anyhow::Result<f64> {
    Ok(ratio(count, u64::try_from(took.as_nanos())?) * 1e9)
}
