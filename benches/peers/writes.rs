//! What is written: durable imports, and single writes that are acknowledged.

use std::fs::{self, File};
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use maysend::cli::bench::Server;
use maysend::cli::bench::drive::{Sample, now, ratio, together};
use maysend::cli::bench::line::Line;
use maysend::cli::bench::people;
use maysend::cli::bench::tell::yeses;
use maysend::grpc::api::scope::Level;
use maysend::grpc::api::{OptOutRequest, RecordConsentResponse, Scope};
use prost::Message as _;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use super::report::{Report, micros, short, took};
use super::role::connect;
use super::say;
use super::sidecar::Sidecar;

const RECORD: &str = "/maysend.v1.ConsentService/RecordConsent";
const OPT_OUT: &str = "/maysend.v1.ConsentService/OptOut";

/// Addresses a call of an import.
const PER_CALL: u64 = 10_000;

/// Calls of an import under way.
const UNDER_WAY: usize = 4;

/// Who writes singly, and over how many connections.
const CALLERS: usize = 64;
const LINES: usize = 8;

const ROUNDS: u32 = 5;

/// Octets of a file that are there before it is appended to, as a ledger's are.
const WRITTEN: usize = 8 << 20;

/// RecordConsent with evidence, 10,000 a call, on a server that begins with nothing.
pub(crate) async fn record(place: &Path, count: u64, report: &mut Report) -> anyhow::Result<()> {
    say("import: RecordConsent");
    let place = place.join("record");
    let maysend = Sidecar::start(&place, None).await?;
    let calls = (count / PER_CALL).max(1);
    let requests = Arc::new(yeses(0, calls));
    let next = Arc::new(AtomicUsize::new(0));
    let start = now();
    let mut flights = JoinSet::new();
    for mut line in connect(&maysend.server, UNDER_WAY).await? {
        let (requests, next) = (requests.clone(), next.clone());
        flights.spawn(async move {
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                let answer = line.call(RECORD, request.clone()).await?;
                let outcomes = RecordConsentResponse::decode(answer)?.outcomes;
                let all = outcomes.iter().all(|outcome| *outcome == 1);
                ensure!(all && !outcomes.is_empty(), "a yes was not taken");
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = flights.join_next().await {
        ended.context("a driver ended")??;
    }
    let nanos = u64::try_from(start.elapsed().as_nanos())?;
    let rate = ratio(calls * PER_CALL, nanos) * 1e9;
    let shown = format!(
        "{}/s ({} in {:.1} s)",
        short(rate),
        short(ratio(calls * PER_CALL, 1)),
        ratio(nanos, 1) / 1e9
    );
    report.at_least("RecordConsent, 10,000 a call: addresses/s", (shown, rate), (3e5, 6e5));
    drop(maysend);
    fs::remove_dir_all(place)?;
    Ok(())
}

/// Opt-outs of one address each: many callers, one caller, and a file that is appended to.
pub(crate) async fn single(
    place: &Path,
    seconds: Duration,
    report: &mut Report,
) -> anyhow::Result<()> {
    say("writes: OptOut of one address");
    let place = place.join("single");
    let maysend = Sidecar::start(&place, None).await?;
    let next = Arc::new(AtomicU64::new(0));
    let lines = connect(&maysend.server, LINES).await?;
    let callers: Vec<Line> = lines.iter().cycle().take(CALLERS).cloned().collect();
    opt_out(&callers, &next, seconds / 5).await?;
    let before = (size_of(&place)?, next.load(Ordering::Relaxed));
    let many = opt_out(&callers, &next, 5 * seconds).await?;
    let written = (size_of(&place)? - before.0, next.load(Ordering::Relaxed) - before.1);
    let rate = many.per_second(many.latency.len());
    let shown = format!("{}/s, p99 {}", short(rate), took(micros(&many, 99.0)));
    report.at_least("64 callers, OptOut of one: acknowledged/s", (shown, rate), (3e4, 6e4));

    // What a write takes in the ledger, as the length of its files tells.
    let octets = usize::try_from((written.0 / written.1.max(1)).clamp(100, 4_096))?;
    let (mut growing, mut written) = (Bare::new(&place, 0)?, Bare::new(&place, WRITTEN)?);
    let mut samples = [Sample::empty()?, Sample::empty()?, Sample::empty()?];
    for _ in 0..ROUNDS {
        let time = seconds / ROUNDS;
        let rounds = [
            tokio::task::block_in_place(|| one_caller(&maysend.server, &next, time))?,
            tokio::task::block_in_place(|| written.append(octets, time))?,
            tokio::task::block_in_place(|| growing.append(octets, time))?,
        ];
        for (sample, round) in samples.iter_mut().zip(&rounds) {
            sample.add(round)?;
        }
    }
    let [ours, written, growing] = samples.map(|sample| micros(&sample, 50.0));
    let times = ours / growing;
    let shown = format!("{} ({} / {})", short(times), took(ours), took(growing));
    report.at_most("one caller: p50, x a bare append + fdatasync", (shown, times), (3.0, 2.0));
    report.note(format!(
        "the bare append is of {octets} octets; into space that was written before, so that the \
         fdatasync writes no metadata, it takes {}: one caller is {} x that",
        took(written),
        short(ours / written)
    ));
    drop(maysend);
    fs::remove_dir_all(place)?;
    Ok(())
}

/// Each caller opts an address out that nobody opted out before, one after the other.
async fn opt_out(
    callers: &[Line],
    next: &Arc<AtomicU64>,
    time: Duration,
) -> anyhow::Result<Sample> {
    let start = now();
    let mut flights = JoinSet::new();
    for line in callers {
        let (mut line, next) = (line.clone(), next.clone());
        flights.spawn(async move {
            let mut sample = Sample::empty()?;
            while start.elapsed() < time {
                let request = request(next.fetch_add(1, Ordering::Relaxed));
                let sent = now();
                line.call(OPT_OUT, request).await?;
                sample.note(sent.elapsed(), 1);
            }
            anyhow::Ok(sample)
        });
    }
    together(start, flights).await
}

/// The same by one caller on one thread: with more of them the client would hand its own calls from
/// thread to thread.
fn one_caller(server: &Server, next: &Arc<AtomicU64>, time: Duration) -> anyhow::Result<Sample> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let line = connect(server, 1).await?;
        opt_out(&line, next, time / 10).await?;
        opt_out(&line, next, time).await
    })
}

fn request(n: u64) -> Bytes {
    let scopes = vec![Scope { level: Some(Level::Everything(true)) }];
    let addresses = vec![people::address(n)];
    OptOutRequest { addresses, scopes, ..OptOutRequest::default() }.encode_to_vec().into()
}

/// A file that is appended to with nothing around it.
struct Bare {
    file: File,
    /// So much of it was written before, over which the appends go.
    written: usize,
    at: usize,
}

impl Bare {
    fn new(place: &Path, written: usize) -> anyhow::Result<Self> {
        let mut file = File::create(place.join(format!("bare-{written}")))?;
        file.write_all(&vec![0; written])?;
        file.sync_all()?;
        file.rewind()?;
        Ok(Self { file, written, at: 0 })
    }

    fn append(&mut self, octets: usize, time: Duration) -> anyhow::Result<Sample> {
        let block = vec![7; octets];
        let mut sample = Sample::empty()?;
        let start = now();
        while start.elapsed() < time {
            if self.written > 0 && self.at + octets > self.written {
                self.file.rewind()?;
                self.at = 0;
            }
            let sent = now();
            self.file.write_all(&block)?;
            self.file.sync_data()?;
            sample.note(sent.elapsed(), 1);
            self.at += octets;
        }
        Ok(sample)
    }
}

/// The octets of all files below a directory.
pub(crate) fn size_of(place: &Path) -> anyhow::Result<u64> {
    let mut octets = 0;
    for entry in fs::read_dir(place)? {
        let entry = entry?;
        let data = entry.metadata()?;
        octets += if data.is_dir() { size_of(&entry.path())? } else { data.len() };
    }
    Ok(octets)
}
