//! 10,000 addresses a call: every side at its best of several connection counts, all in turn.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use maysend::cli::bench::drive::{self, Sample, now, together};
use maysend::cli::bench::facts;
use maysend::cli::bench::line::Line;
use maysend::cli::bench::questions::{Questions, draw};
use maysend::grpc::codec::{CheckAnswer, WireMessage as _};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;

use super::blocking::{self, Asked, Requests};
use super::process::Role;
use super::report::{Rate, Report, short};
use super::role::connect;
use super::sides::Sides;
use super::{postgres, redis, say};

/// Addresses a call.
pub(crate) const PER_CALL: usize = 10_000;

/// Different addresses asked about: as lines of an index and as text far more than the caches hold.
const POOL: usize = 3_000_000;

/// Connections that are tried.
const CONNECTIONS: [usize; 3] = [1, 2, 4];

/// Keys of an MGET and of a join.
const KEYS: [usize; 2] = [1_000, PER_CALL];

/// Questions under way on one stream.
const ON_A_STREAM: usize = 4;

/// All sides take turns so often.
const ROUNDS: u32 = 5;

/// Who is asked, and how.
enum Asking {
    Check(Vec<Line>),
    Stream(Vec<Line>),
    Redis(Vec<redis::Line>, Arc<Requests>),
    Postgres(Vec<postgres::Line>, Arc<Requests>),
}

/// One side in one way; its sample grows from round to round.
struct Cell {
    name: &'static str,
    per_call: usize,
    how: String,
    asking: Asking,
    sample: Sample,
}

pub(crate) async fn run(
    sides: &Sides,
    known: u64,
    seconds: Duration,
    report: &mut Report,
) -> anyhow::Result<()> {
    say("check: encoding what is asked");
    let people = draw(known, POOL.min(usize::try_from(known)?.max(PER_CALL)));
    let questions = Arc::new(Questions::about(&people, PER_CALL));
    agree(sides, known, &people).await?;
    let sink = Role::start(&["sink", &PER_CALL.to_string()])?;
    let mut cells = cells(sides, &sink, &people).await?;
    say(format_args!("check: {} cells of {:.1} s", cells.len(), seconds.as_secs_f64()));
    for cell in &mut cells {
        cell.round(&questions, seconds / 10).await?;
    }
    for _ in 0..ROUNDS {
        for cell in &mut cells {
            let sample = cell.round(&questions, seconds / ROUNDS).await?;
            cell.sample.add(&sample)?;
        }
    }
    tell(&cells, sides, report);
    Ok(())
}

async fn cells(sides: &Sides, sink: &Role, people: &[u64]) -> anyhow::Result<Vec<Cell>> {
    let mut cells = Vec::new();
    let mut add = |name, per_call, how, asking| {
        cells.push(Cell { name, per_call, how, asking, sample: Sample::empty()? });
        anyhow::Ok(())
    };
    for count in CONNECTIONS {
        let how = || format!("{count} in flight, each on its connection");
        let maysend = &sides.maysend.server;
        add("maysend Check", PER_CALL, how(), Asking::Check(connect(maysend, count).await?))?;
        let on_streams = format!("{count} streams, {ON_A_STREAM} questions on each");
        add(
            "maysend CheckStream",
            PER_CALL,
            on_streams,
            Asking::Stream(connect(maysend, count).await?),
        )?;
        add(
            "echo",
            PER_CALL,
            how(),
            Asking::Check(connect(&sides.mirror.server()?, count).await?),
        )?;
        add("sink", PER_CALL, how(), Asking::Check(connect(&sink.server()?, count).await?))?;
        if let Some(ordinary) = &sides.ordinary {
            add(
                "ordinary",
                PER_CALL,
                how(),
                Asking::Check(connect(&ordinary.server()?, count).await?),
            )?;
        }
    }
    for keys in KEYS {
        let how = |count| format!("{keys} keys a call, {count} connections");
        if let Some(server) = &sides.redis {
            let requests = Requests::new(people, keys, |people| Ok(redis::request(people)))?;
            let requests = Arc::new(requests);
            for count in CONNECTIONS {
                let lines: Result<_, _> = (0..count).map(|_| server.connect()).collect();
                add("Redis MGET", keys, how(count), Asking::Redis(lines?, requests.clone()))?;
            }
        }
        if let Some(server) = &sides.postgres {
            // It answers a tenth of them in a run: so many need not be encoded.
            let few = people.get(..people.len().min(POOL / 3)).unwrap_or(people);
            let requests = Arc::new(Requests::new(few, keys, postgres::request)?);
            for count in CONNECTIONS {
                let lines: Result<_, _> = (0..count).map(|_| server.connect()).collect();
                add(
                    "PostgreSQL join",
                    keys,
                    how(count),
                    Asking::Postgres(lines?, requests.clone()),
                )?;
            }
        }
    }
    Ok(cells)
}

impl Cell {
    async fn round(
        &mut self,
        questions: &Arc<Questions>,
        time: Duration,
    ) -> anyhow::Result<Sample> {
        match &mut self.asking {
            Asking::Check(lines) => drive::closed(lines, questions, time).await,
            Asking::Stream(lines) => streams(lines, questions, time).await,
            Asking::Redis(lines, requests) => {
                tokio::task::block_in_place(|| blocking::closed(lines, requests, time))
            }
            Asking::Postgres(lines, requests) => {
                tokio::task::block_in_place(|| blocking::closed(lines, requests, time))
            }
        }
    }

    fn per_second(&self) -> f64 {
        self.sample.per_second(self.sample.addresses)
    }
}

/// Keeps so many questions under way on each of the streams for so long.
async fn streams(
    lines: &[Line],
    questions: &Arc<Questions>,
    time: Duration,
) -> anyhow::Result<Sample> {
    let start = now();
    let mut flights = JoinSet::new();
    for line in lines {
        let (mut line, questions) = (line.clone(), questions.clone());
        flights.spawn(async move {
            let mut sample = Sample::empty()?;
            let (ask, asked) = mpsc::channel(ON_A_STREAM);
            for _ in 0..ON_A_STREAM {
                ask.send(questions.next()).await?;
            }
            let mut ask = Some(ask);
            let mut answers = line.stream(ReceiverStream::new(asked)).await?;
            let mut before = now();
            while let Some(answer) = answers.next().await {
                ensure!(answer?.len() >= questions.per_call(), "addresses were left unanswered");
                sample.note(before.elapsed(), questions.per_call());
                before = now();
                if start.elapsed() >= time {
                    ask = None;
                } else if let Some(ask) = &ask {
                    ask.send(questions.next()).await?;
                }
            }
            Ok(sample)
        });
    }
    together(start, flights).await
}

/// Before the clock runs all have to say what follows from the recipients' facts; Redis and
/// PostgreSQL, whose values are not looked at, have to know whom they should.
async fn agree(sides: &Sides, known: u64, people: &[u64]) -> anyhow::Result<()> {
    let people = people.get(..PER_CALL).context("there are too few recipients")?;
    let expected: Vec<u8> = people.iter().map(|n| facts::verdict(*n, known).code()).collect();
    let question = Questions::about(people, PER_CALL).next();
    let same = |who: &str, answer: Bytes| {
        let verdicts = CheckAnswer::read(answer)?.verdicts;
        ensure!(verdicts == expected, "{who} does not answer what follows from the facts");
        anyhow::Ok(())
    };
    let mut maysend = Line::connect(&sides.maysend.server, None).await?;
    same("maysend", maysend.ask(question.clone()).await?)?;
    let mut stream = maysend.stream(tokio_stream::once(question.clone())).await?;
    same("maysend by stream", stream.next().await.context("there is no answer")??)?;
    if let Some(ordinary) = &sides.ordinary {
        let mut line = Line::connect(&ordinary.server()?, None).await?;
        same("the ordinary server", line.ask(question).await?)?;
    }
    let strangers = people.iter().filter(|n| **n >= known).count();
    let expected = (PER_CALL, PER_CALL - strangers);
    if let Some(redis) = &sides.redis {
        ensure!(redis.connect()?.ask(&redis::request(people))? == expected, "Redis differs");
    }
    if let Some(postgres) = &sides.postgres {
        let found = postgres.connect()?.ask(&postgres::request(people)?)?;
        ensure!(found == expected, "PostgreSQL differs");
    }
    Ok(())
}

fn tell(cells: &[Cell], sides: &Sides, report: &mut Report) {
    let most = |a: &&Cell, b: &&Cell| a.per_second().total_cmp(&b.per_second());
    let best = |name: &str| {
        let of_it = cells.iter().filter(|cell| cell.name == name && cell.per_call == PER_CALL);
        of_it.max_by(most)
    };
    let memory = [
        ("Redis MGET", sides.redis.as_ref().map(|redis| redis.per_key)),
        ("PostgreSQL join", sides.postgres.as_ref().map(|postgres| postgres.per_row)),
    ];
    let names = [
        "maysend CheckStream",
        "maysend Check",
        "ordinary",
        "Redis MGET",
        "PostgreSQL join",
        "sink",
        "echo",
    ];
    for name in names {
        let Some(cell) = best(name) else { continue };
        let memory = memory.iter().find(|(of, _)| *of == name).and_then(|(_, octets)| *octets);
        let memory = memory.map(|octets| maysend::cli::bench::drive::ratio(octets, 1));
        report.rates.push(Rate {
            name: cell.name,
            how: cell.how.clone(),
            per_second: cell.per_second(),
            memory,
        });
    }
    let ours = ["maysend CheckStream", "maysend Check"]
        .map(|name| best(name).map_or(0.0, Cell::per_second));
    let ours = ours[0].max(ours[1]);
    let targets = [
        ("Redis MGET", "x Redis MGET", (20.0, 30.0)),
        ("PostgreSQL join", "x PostgreSQL join", (130.0, 200.0)),
        ("ordinary", "x ordinary tonic + prost + HashMap", (8.0, 12.0)),
        ("echo", "of the tonic echo of the same octets", (0.22, 0.35)),
    ];
    for (name, what, aims) in targets {
        let Some(cell) = best(name) else { continue };
        let ratio = ours / cell.per_second();
        let shown = format!("{} ({} / {})", short(ratio), short(ours), short(cell.per_second()));
        report.at_least(format!("check: {what}"), (shown, ratio), aims);
        let other = cells.iter().filter(|cell| cell.name == name && cell.per_call != PER_CALL);
        if let Some(other) = other.max_by(most) {
            let (rate, ratio) = (other.per_second(), ours / other.per_second());
            report.note(format!(
                "{name} at {}: {}/s, maysend at {PER_CALL} a call is {} x that",
                other.how,
                short(rate),
                short(ratio)
            ));
        }
    }
    if let Some(sink) = best("sink") {
        let share = ours / sink.per_second();
        report.note(format!("check: {} of the sink, the strictest ceiling", short(share)));
    }
}
