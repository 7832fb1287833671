//! `maysend bench`: how fast this machine answers, or how much a running server takes.
//!
//! Without `--server` it is self-contained: it starts a server over TCP on loopback, loads it, and
//! asks it in turn with two others, an echo (the ceiling) and an ordinary tonic server (the floor).
//! All three are asked the same octets by the same client in short rounds, so that whatever else
//! the machine does hits all alike. Before the clock runs, maysend and the ordinary server have to
//! agree on an answer: a fast wrong answer is worth nothing.
//!
//! `benches/peers` asks the same of Redis and PostgreSQL: the recipients, what is known of them, the
//! lines and the drivers are public for it.
//!
//! What it does not say: client and server share the machine, so a server on its own does better;
//! addresses are drawn evenly, so caches help less than with most real lists.

pub mod drive;
pub mod facts;
pub mod line;
pub mod people;
pub mod questions;
mod report;
pub mod rivals;
pub mod tell;
mod world;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use clap::Args;

use self::drive::Sample;
use self::line::Line;
use self::questions::{Questions, Recipients};
use self::report::{Cell, Load, Machine, Report, Rivals};
use self::world::World;
pub use super::connect::Server;
pub use super::output::grouped;
use super::output::{print, say};
use super::{Exit, Format, Global};
use crate::engine::check::MAX_CHECK;
use crate::grpc::codec::{CheckAnswer, WireMessage as _};

/// The servers take turns so often within a cell.
const ROUNDS: u32 = 3;

/// About so many addresses of each question size two servers have to agree.
const AGREED: usize = 1_000;

/// This part of a cell's time is spent before it is measured.
const WARM_UP: u32 = 10;

#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    /// The brand that asks a running server.
    #[arg(long, value_name = "ID", requires = "campaign")]
    brand: Option<String>,
    /// The campaign that it asks about.
    #[arg(long, value_name = "ID", requires = "brand")]
    campaign: Option<String>,
    /// Whom to ask a running server about, one a line; else invented addresses.
    #[arg(long, value_name = "FILE", requires = "brand")]
    addresses: Option<PathBuf>,
    /// How many invented addresses there are.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    addresses_count: u64,
    /// Addresses of a call.
    #[arg(long, value_name = "N,...", value_delimiter = ',', value_parser = per_call)]
    #[arg(default_value = "1,100,1000,10000")]
    per_call: Vec<usize>,
    /// Calls under way at a time, each on a connection of its own.
    #[arg(long, value_name = "N,...", value_delimiter = ',', value_parser = in_flight)]
    #[arg(default_value = "1,2,4", conflicts_with = "rate")]
    in_flight: Vec<usize>,
    /// How long each combination is measured, for each server.
    #[arg(long, value_name = "S", default_value = "0.3", value_parser = seconds)]
    seconds: Duration,
    /// Send so many calls a second, answered or not, and measure from when each was to leave.
    #[arg(long, value_name = "CALLS_PER_SECOND", value_parser = rate)]
    rate: Option<f64>,
}

/// Connections of an open loop.
const OPEN_LINES: usize = 4;

fn per_call(text: &str) -> Result<usize, String> {
    within(text, MAX_CHECK)
}

fn in_flight(text: &str) -> Result<usize, String> {
    within(text, 256)
}

fn within(text: &str, most: usize) -> Result<usize, String> {
    match text.trim().parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(format!("is no number from 1 to {most}")),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if (0.01..=3_600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("is no number of seconds from 0.01 to 3600".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.1..=1e6).contains(&rate) => Ok(rate),
        _ => Err("is no number of calls a second from 0.1 to 1,000,000".to_owned()),
    }
}

impl BenchArgs {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let report = tokio::select! {
            report = self.measure(global) => report?,
            _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
        };
        print(&match global.format {
            Format::Human => report.human(),
            Format::Json => report.json(),
        })?;
        Ok(Exit::Done)
    }

    async fn measure(&self, global: &Global) -> anyhow::Result<Report> {
        match (&global.server, &self.brand, &self.campaign) {
            (Some(server), Some(brand), Some(campaign)) => {
                self.load(global, server, brand, campaign).await
            }
            (None, None, None) => self.compare().await,
            _ => anyhow::bail!("--server, --brand and --campaign go together: all three or none"),
        }
    }

    /// Puts load on a server that runs.
    async fn load(
        &self,
        global: &Global,
        server: &Server,
        brand: &str,
        campaign: &str,
    ) -> anyhow::Result<Report> {
        let recipients = self.recipients().await?;
        let mut lines = Vec::with_capacity(self.lines());
        for _ in 0..self.lines() {
            lines.push(Line::over(global.connect().await?));
        }
        let mut cells = Vec::new();
        for &per_call in &self.per_call {
            let questions = Arc::new(recipients.questions(brand, campaign, per_call));
            for load in self.loads() {
                let (maysend, rivals) = (self.sample(&lines, &questions, load).await?, None);
                cells.push(Cell { per_call, load, maysend, rivals });
            }
        }
        Ok(Report { machine: Machine::here(), server: server.to_string(), loaded: None, cells })
    }

    /// Measures a server of our own, and two others.
    async fn compare(&self) -> anyhow::Result<Report> {
        say(format_args!("loading {} addresses", grouped(self.addresses_count)));
        let longest = self.per_call.iter().copied().max().unwrap_or(1);
        let world = World::start(self.addresses_count, longest).await?;
        let recipients = Recipients::Invented { known: self.addresses_count };
        let mut lines = Vec::new();
        for server in [&world.maysend, &world.echo, &world.ordinary] {
            lines.push(connect(server, self.lines()).await?);
        }
        let [maysend, echo, ordinary] = lines.as_slice() else { unreachable!("three servers") };
        let mut cells = Vec::new();
        for &per_call in &self.per_call {
            say(format_args!("{} addresses a call", grouped(per_call.try_into().unwrap_or(0))));
            let questions = recipients.questions(facts::BRAND, facts::CAMPAIGN, per_call);
            let questions = Arc::new(questions);
            world.echo_answers(per_call);
            agree(maysend, ordinary, &questions).await?;
            for load in self.loads() {
                let lines = [maysend, echo, ordinary];
                let [maysend, echo, ordinary] = self.in_turn(lines, &questions, load).await?;
                let rivals = Some(Rivals { echo, ordinary });
                cells.push(Cell { per_call, load, maysend, rivals });
            }
        }
        let (machine, server) = (Machine::here(), world.maysend.to_string());
        let loaded = Some(world.loaded);
        world.stop().await?;
        Ok(Report { machine, server, loaded, cells })
    }

    /// One cell for each of the servers, in rounds, so that noise hits all alike.
    async fn in_turn(
        &self,
        servers: [&Vec<Line>; 3],
        questions: &Arc<Questions>,
        load: Load,
    ) -> anyhow::Result<[Sample; 3]> {
        let mut samples = [Sample::empty()?, Sample::empty()?, Sample::empty()?];
        for lines in servers {
            drive(lines, questions, load, self.seconds / WARM_UP).await?;
        }
        for _ in 0..ROUNDS {
            for (lines, sample) in servers.iter().zip(&mut samples) {
                sample.add(&drive(lines, questions, load, self.seconds / ROUNDS).await?)?;
            }
        }
        Ok(samples)
    }

    async fn sample(
        &self,
        lines: &[Line],
        questions: &Arc<Questions>,
        load: Load,
    ) -> anyhow::Result<Sample> {
        drive(lines, questions, load, self.seconds / WARM_UP).await?;
        drive(lines, questions, load, self.seconds).await
    }

    fn loads(&self) -> Vec<Load> {
        match self.rate {
            Some(rate) => vec![Load::Rate(rate)],
            None => self.in_flight.iter().copied().map(Load::InFlight).collect(),
        }
    }

    fn lines(&self) -> usize {
        match self.rate {
            Some(_) => OPEN_LINES,
            None => self.in_flight.iter().copied().max().unwrap_or(1),
        }
    }

    async fn recipients(&self) -> anyhow::Result<Recipients> {
        let Some(path) = &self.addresses else {
            return Ok(Recipients::Invented { known: self.addresses_count });
        };
        let text = tokio::fs::read_to_string(path).await;
        let text = text.with_context(|| format!("cannot read `{}`", path.display()))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let addresses: Vec<String> = lines.map(str::to_owned).collect();
        anyhow::ensure!(!addresses.is_empty(), "`{}` holds no address", path.display());
        Ok(Recipients::Listed(addresses))
    }
}

async fn connect(server: &Server, count: usize) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::with_capacity(count);
    for _ in 0..count {
        lines.push(Line::connect(server, None).await?);
    }
    Ok(lines)
}

async fn drive(
    lines: &[Line],
    questions: &Arc<Questions>,
    load: Load,
    time: Duration,
) -> anyhow::Result<Sample> {
    match load {
        Load::InFlight(calls) => {
            drive::closed(lines.get(..calls).unwrap_or(lines), questions, time).await
        }
        Load::Rate(rate) => drive::open(lines, questions, time, rate).await,
    }
}

/// Asks two servers the same, who have to answer the same.
async fn agree(one: &[Line], other: &[Line], questions: &Questions) -> anyhow::Result<()> {
    for _ in 0..AGREED.div_ceil(questions.per_call()) {
        let question = questions.next();
        let one = verdicts(one, &question).await?;
        let asked = one.len() == questions.per_call();
        let same = one == verdicts(other, &question).await?;
        anyhow::ensure!(asked && same, "maysend and the ordinary server do not agree");
    }
    Ok(())
}

async fn verdicts(lines: &[Line], question: &Bytes) -> anyhow::Result<Vec<u8>> {
    let mut line = lines.first().context("there is no line")?.clone();
    Ok(CheckAnswer::read(line.ask(question.clone()).await?)?.verdicts)
}

#[cfg(test)]
mod tests;
