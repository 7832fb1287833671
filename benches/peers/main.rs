//! maysend beside Redis, PostgreSQL and an ordinary tonic server, on one machine in one run.
//!
//! ```text
//! cargo bench --bench peers                                   # all of it, 10 million addresses
//! cargo bench --bench peers -- check --addresses 1000000      # one section, smaller
//! ```
//! It installs Redis and PostgreSQL (apt-get) where they are missing, starts each server as a
//! process of its own on loopback over a temporary directory, tells all the same, has them agree,
//! asks them in turn, and ends them. As a test (`cargo test --benches`) it installs nothing and only
//! checks itself.

mod blocking;
mod chart;
mod check;
mod latency;
mod lists;
mod postgres;
mod process;
mod redis;
mod report;
mod role;
mod sidecar;
mod sides;
mod writes;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Parser, ValueEnum};
use maysend::cli::bench::drive::{now, ratio};
use maysend::cli::bench::grouped;
use maysend::cli::bench::tell::{PER_CALL, events, tell};
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

use self::report::{Report, short};
use self::sidecar::Sidecar;
use self::sides::{Peer, Sides};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Section {
    /// Addresses a second, 10,000 a call, against all the others.
    Check,
    /// How long small calls take, alone and beside large ones.
    Latency,
    /// The same while the index grows and a checkpoint is written.
    Growth,
    /// What an address takes in memory.
    Memory,
    /// From a start to SERVING.
    Start,
    /// Durable imports of yeses with evidence.
    Import,
    /// Single writes, acknowledged.
    Writes,
    /// `maysend filter` of a list.
    Filter,
}

#[derive(Debug, Parser)]
struct Args {
    /// What to measure; all of it where nothing is named.
    #[arg(value_enum)]
    sections: Vec<Section>,
    /// How many addresses are known.
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(10_000..))]
    addresses: u64,
    /// How long each cell is measured; latencies take some times as long.
    #[arg(long, value_name = "S", default_value_t = 2.0)]
    seconds: f64,
    /// Whom to compare with. Each of them takes some 100 octets of memory an address.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "ordinary,redis,postgres")]
    peers: Vec<Peer>,
    /// Where temporary directories are made: on a disk, not in memory.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Write what was measured as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write what was measured as text.
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
    /// Draw the chart, as SVG.
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,
    /// What cargo passes.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Recipients that an import brings.
const IMPORTED: u64 = 2_000_000;

/// Talk goes to stderr.
#[expect(clippy::print_stderr, reason = "whoever waits wants to know for what")]
pub(crate) fn say(text: impl Display) {
    eprintln!("{text}");
}

fn main() -> ExitCode {
    match tokio::runtime::Runtime::new().context("cannot start").and_then(|runtime| {
        let done = runtime.block_on(run());
        runtime.shutdown_background();
        done
    }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("peers: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some((role::FLAG, words)) =
        words.split_first().map(|(first, rest)| (first.as_str(), rest))
    {
        return role::play(words).await;
    }
    // Whatever is dropped on the way out ends its process and removes its directory.
    let mut terminated = signal(SignalKind::terminate())?;
    let work = async {
        // `cargo bench` says `--bench`, `cargo test --benches` does not.
        let has = |flag: &str| words.iter().any(|word| word == flag);
        if has("--bench") && !has("--test") {
            Args::parse().run().await
        } else {
            check_oneself().await
        }
    };
    tokio::select! {
        done = work => done,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        _ = terminated.recv() => bail!("terminated"),
    }
}

impl Args {
    async fn run(self) -> anyhow::Result<()> {
        let mut report = Report { addresses: self.addresses, ..Report::default() };
        report.versions.push(report::version());
        let directory = match &self.dir {
            Some(dir) => TempDir::new_in(dir),
            None => tempfile::tempdir(),
        };
        let directory = directory.context("there is no room for data")?;
        let place = directory.path();
        report.note(format!("data lay on {}", report::file_system(place)));
        if report::file_system(place) == "tmpfs" {
            say("writes to tmpfs say nothing of a disk: name another with --dir");
        }
        self.measure(place, &mut report).await?;
        self.tell(&report)
    }

    fn wants(&self, section: Section) -> bool {
        self.sections.is_empty() || self.sections.contains(&section)
    }

    /// Redis and PostgreSQL are asked for addresses a second alone.
    fn needs(&self, peer: Peer) -> bool {
        let latency = peer == Peer::Ordinary && self.wants(Section::Latency);
        self.wants(Section::Check) || latency
    }

    async fn measure(&self, place: &Path, report: &mut Report) -> anyhow::Result<()> {
        let seconds = Duration::try_from_secs_f64(self.seconds).context("--seconds")?;
        let known = self.addresses;
        let of_world = [
            Section::Check,
            Section::Latency,
            Section::Growth,
            Section::Memory,
            Section::Start,
            Section::Filter,
        ];
        if of_world.into_iter().any(|section| self.wants(section)) {
            let maysend = self.load(&place.join("world"), seconds, report).await?;
            let peers: Vec<Peer> = self.peers.iter().copied().filter(|p| self.needs(*p)).collect();
            let sides = Sides::start(maysend, place, known, &peers)?;
            report.versions.extend(sides.versions());
            if self.wants(Section::Check) {
                check::run(&sides, known, seconds, report).await?;
                memory_beside(&sides, known, report)?;
            }
            if self.wants(Section::Latency) {
                latency::single(&sides, known, seconds, report).await?;
                latency::mixed(&sides, known, seconds, report).await?;
            }
            if self.wants(Section::Filter) {
                lists::filter(&sides.maysend, place, known, report)?;
            }
        }
        std::fs::remove_dir_all(place.join("world")).or_else(|_| anyhow::Ok(()))?;
        if self.wants(Section::Import) {
            writes::record(place, known.min(IMPORTED), report).await?;
            lists::import(place, known.min(IMPORTED), report).await?;
        }
        if self.wants(Section::Writes) {
            writes::single(place, seconds, report).await?;
        }
        Ok(())
    }

    /// A server that knows the standard work, as it is after a start from its checkpoint.
    async fn load(
        &self,
        place: &Path,
        seconds: Duration,
        report: &mut Report,
    ) -> anyhow::Result<Sidecar> {
        let known = self.addresses;
        let first = known / 10;
        // Beside growth a checkpoint or two; else none before the end.
        let records = if self.wants(Section::Growth) { known / 4 } else { u64::MAX };
        let maysend = Sidecar::start(place, Some(records)).await?;
        let empty = maysend.process.resident()?;
        say(format_args!("loading {} addresses", grouped(known)));
        tell(&maysend.server, 0..first, PER_CALL).await?;
        if self.wants(Section::Growth) {
            latency::growth(&maysend, first, known, seconds, report).await?;
        } else {
            let start = now();
            tell(&maysend.server, first..known, PER_CALL).await?;
            let (told, seconds) = (grouped(events(first..known)), start.elapsed().as_secs_f64());
            report.note(format!("loaded {told} events in {seconds:.1} s"));
        }
        let peak = maysend.process.peak()?;
        let maysend = maysend.again(None).await?;
        if self.wants(Section::Memory) || self.wants(Section::Check) {
            let octets = |total: u64| ratio(total.saturating_sub(empty), known);
            let resident = octets(maysend.process.resident()?);
            let shown = format!("{resident:.1} (peak while loading {:.1})", octets(peak));
            report.at_most("resident memory, octets an address", (shown, resident), (40.0, 30.0));
        }
        if !self.wants(Section::Start) {
            return Ok(maysend);
        }
        self.start(maysend, report).await
    }

    /// From the checkpoint, from the ledger alone, and from a checkpoint again.
    async fn start(&self, maysend: Sidecar, report: &mut Report) -> anyhow::Result<Sidecar> {
        say("start: from the checkpoint and from the ledger alone");
        let mut took = maysend.started_in;
        let maysend = maysend.again(None).await?;
        took = took.min(maysend.started_in);
        // The target is 2 s for 10 million.
        let must = 2.0 * ratio(self.addresses, 10_000_000);
        let shown = format!("{:.2} s", took.as_secs_f64());
        report.at_most(
            "start from a checkpoint: s",
            (shown, took.as_secs_f64()),
            (must, must / 2.0),
        );
        let maysend = maysend.without_checkpoints().await?;
        let took = maysend.started_in;
        let nanos = u64::try_from(took.as_nanos())?;
        let rate = ratio(events(0..self.addresses), nanos) * 1e9;
        let shown = format!("{}/s ({:.2} s)", short(rate), took.as_secs_f64());
        report.at_least("start from the ledger alone: events/s", (shown, rate), (1.5e6, 3e6));
        maysend.again(None).await
    }

    fn tell(&self, report: &Report) -> anyhow::Result<()> {
        let text = report.text();
        print(&text);
        if let Some(path) = &self.text {
            std::fs::write(path, text)?;
        }
        if let Some(path) = &self.json {
            std::fs::write(path, format!("{:#}\n", report.json()))?;
        }
        if let Some(path) = &self.chart {
            anyhow::ensure!(!report.rates.is_empty(), "the chart is of `check`, which did not run");
            std::fs::write(path, chart::svg(report))?;
        }
        Ok(())
    }
}

#[expect(clippy::print_stdout, reason = "this is what was asked for")]
fn print(text: &str) {
    print!("{text}");
}

/// What an address takes at each of those that hold it.
fn memory_beside(sides: &Sides, known: u64, report: &mut Report) -> anyhow::Result<()> {
    let ours = report.rows.iter().find(|row| row.what.starts_with("resident"));
    let ours = ours.map(|row| row.measured);
    let ordinary = match &sides.ordinary {
        Some(ordinary) => Some(ratio(ordinary.process.resident()?, known)),
        None => None,
    };
    for rate in &mut report.rates {
        match rate.name {
            "maysend Check" | "maysend CheckStream" => rate.memory = ours,
            "ordinary" => rate.memory = ordinary,
            _ => {}
        }
    }
    Ok(())
}

/// A few addresses, three servers, short rounds: that the benchmark still works.
async fn check_oneself() -> anyhow::Result<()> {
    let known = 20_000;
    let directory = tempfile::tempdir()?;
    let mut report = Report { addresses: known, ..Report::default() };
    let maysend = Sidecar::start(&directory.path().join("world"), None).await?;
    tell(&maysend.server, 0..known, PER_CALL).await?;
    let sides = Sides::start(maysend, directory.path(), known, &[Peer::Ordinary])?;
    check::run(&sides, known, Duration::from_millis(10), &mut report).await?;
    anyhow::ensure!(report.rates.len() == 5, "a side is missing");
    anyhow::ensure!(chart::svg(&report).contains("HashMap"), "the chart lacks a side");
    Ok(())
}
