//! A long mixed life: checks, writes, erasures under four eyes, reloads, checkpoints, and in its
//! first part kills; beside it a model of what was acknowledged. In the end index, ledger and model
//! say the same, and in the part without kills memory and descriptors stay flat.
//!
//! MAYSEND_SOAK_SECONDS says how long, MAYSEND_SOAK_LOAD how much at a time (1: some 60 writes and
//! 10,000 addresses a second).

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use maysend::grpc::api::{
    Choice, ErasureState, GetStatusRequest, OptOutRequest, RecordOwnerChoiceRequest,
    RegisterAddressesRequest,
};
use maysend::model::verdict::Verdict;
use rand::Rng as _;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tonic::transport::Channel;

use super::parameter;
use super::people::{
    OPT_OUT, Person, STEPS, Told, settle, verdicts, verify, verify_history, verify_offline,
};
use crate::desk::{portal, topic};
use crate::process::{Server, consent, preference};

/// Of the whole time, in percent: the part with kills, and of the rest what is left to warm up.
const STORM: u32 = 40;
const WARM_UP: u32 = 25;

/// Addresses that opt out and come back for ever.
const REGULARS: usize = 1_000;

/// Addresses of a check.
const ASKED: usize = 500;

/// A life under kills lasts at most so long.
const LIFE: Duration = Duration::from_secs(20);

#[derive(Debug, Default)]
struct Counts {
    steps: AtomicU64,
    erased: AtomicU64,
    checked: AtomicU64,
    turns: AtomicU64,
    reloads: AtomicU64,
}

impl Counts {
    fn add(counter: &AtomicU64, number: usize) {
        counter.fetch_add(u64::try_from(number).unwrap(), Ordering::Relaxed);
    }
}

/// What a life of the server needs to know.
#[derive(Clone)]
struct Life {
    channel: Channel,
    counts: Arc<Counts>,
    /// People whose story is told: their verdicts never change.
    finished: Arc<Mutex<Vec<Person>>>,
    over: watch::Receiver<bool>,
    load: u32,
}

impl Life {
    fn is_over(&self) -> bool {
        *self.over.borrow()
    }

    /// Ticks so many times a second, times the load, until the life is over.
    async fn pace(&self, ticks: &mut tokio::time::Interval) -> bool {
        ticks.tick().await;
        !self.is_over()
    }

    fn times_a_second(&self, times: u32) -> tokio::time::Interval {
        let mut ticks = interval(Duration::from_secs(1) / (times * self.load));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        ticks
    }

    /// People come, live through every step and are erased.
    async fn people(self, name: String, times: u32, named: bool) -> Vec<Person> {
        let mut ticks = self.times_a_second(times);
        let mut people: Vec<Person> = Vec::new();
        let mut number = 0;
        while self.pace(&mut ticks).await {
            if people.len() < 20 {
                let name = format!("{name}n{number}");
                people.push(if named { Person::new(name) } else { Person::nameless(name) });
                number += 1;
            }
            let at = rand::rng().random_range(0..people.len());
            if people[at].go_on(&self.channel).await != Told::Done {
                break;
            }
            Counts::add(&self.counts.steps, 1);
            if people[at].is_finished() {
                Counts::add(&self.counts.erased, 1);
                self.finished.lock().unwrap().push(people.swap_remove(at));
            }
        }
        people
    }

    /// Customers leave and come back, each by turns. Gives back who is out.
    async fn regulars(self, mut out: Vec<bool>) -> Vec<bool> {
        let mut ticks = self.times_a_second(40);
        while self.pace(&mut ticks).await {
            let at = rand::rng().random_range(0..REGULARS);
            turn(&self.channel, at, !out[at]).await;
            out[at] = !out[at];
            Counts::add(&self.counts.turns, 1);
        }
        out
    }

    /// Senders ask, and are never told what an erased or blocked person must not be told.
    async fn senders(self) {
        let mut ticks = self.times_a_second(20);
        while self.pace(&mut ticks).await {
            let asked: Vec<Person> = {
                let finished = self.finished.lock().unwrap();
                let mut random = rand::rng();
                let pick = |_| finished[random.random_range(0..finished.len())].clone();
                if finished.is_empty() { Vec::new() } else { (0..ASKED / 2).map(pick).collect() }
            };
            if verify(&self.channel, &asked).await.is_err() {
                return;
            }
            Counts::add(&self.counts.checked, asked.len() * 2);
        }
    }
}

fn regular(at: usize) -> String {
    format!("regular{at}@example.org")
}

async fn turn(channel: &Channel, at: usize, out: bool) {
    let scope = topic("festival", "programm");
    if out {
        let request = OptOutRequest {
            addresses: vec![regular(at)],
            scopes: vec![scope],
            reason: "by phone".to_owned(),
            ..Default::default()
        };
        consent(channel).opt_out(request).await.unwrap();
    } else {
        let request = RecordOwnerChoiceRequest {
            address: regular(at),
            choices: vec![Choice { scope: Some(scope), subscribed: true }],
            portal_session: format!("session{at}"),
            evidence: Some(portal()),
            request_id: String::new(),
        };
        preference(channel).record_owner_choice(request).await.unwrap();
    }
}

/// All regulars are registered, and nobody is out.
async fn register(channel: &Channel) {
    let request = RegisterAddressesRequest {
        addresses: (0..REGULARS).map(regular).collect(),
        controllers: vec!["buehne".to_owned()],
        source: "shop".to_owned(),
        ..Default::default()
    };
    consent(channel).register_addresses(request).await.unwrap();
}

/// What the server has said since its last start.
#[derive(Debug, Default)]
struct Said {
    checkpoints: usize,
    /// Lines that tell of trouble, each once.
    trouble: std::collections::BTreeMap<String, usize>,
}

impl Said {
    fn take(&mut self, log: &str) {
        self.checkpoints += log.matches("checkpoint written").count();
        for line in log.lines().filter(|line| line.contains("WARN") || line.contains("ERROR")) {
            // Behind the time.
            let said = line.split_once(' ').map_or(line, |(_, said)| said).trim().to_owned();
            *self.trouble.entry(said).or_default() += 1;
        }
    }
}

/// The catalog changes, or is read again as it is, or is bad and not taken.
async fn reload(server: &Server, number: u64) {
    let text = include_str!("../../../examples/catalog.toml");
    let title = format!("title = \"Sommerfestival {}\"", number % 3);
    let text = text.replace("title = \"Sommerfestival\"", &title);
    if number % 5 == 4 {
        fs::write(server.catalog(), "[[brand]\n").unwrap();
        server.reload("the catalog is not taken").await;
    }
    fs::write(server.catalog(), text).unwrap();
    server.reload("the catalog is read").await;
}

/// One life with kills. Gives back who was on the way.
async fn stormy(
    server: &mut Server,
    life: Life,
    end: watch::Sender<bool>,
    number: usize,
    span: Duration,
) -> Vec<Person> {
    let writers: Vec<_> = (0..3)
        .map(|writer| tokio::spawn(life.clone().people(format!("k{number}w{writer}"), 20, true)))
        .collect();
    let senders = tokio::spawn(life.clone().senders());
    sleep(span / 2).await;
    if number.is_multiple_of(3) {
        reload(server, u64::try_from(number).unwrap()).await;
        Counts::add(&life.counts.reloads, 1);
    }
    sleep(span / 2).await;
    server.kill();
    let mut people = Vec::new();
    for writer in writers {
        people.extend(writer.await.unwrap());
    }
    end.send_replace(true);
    senders.await.unwrap();
    people
}

/// Memory in KiB and descriptors of a process.
fn sample(process: u32) -> (f64, f64) {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let memory = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).unwrap().count();
    (memory, f64::from(u32::try_from(descriptors).unwrap()))
}

/// By how much y grows with x: least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = f64::from(u32::try_from(points.len()).unwrap());
    let (x, y) = points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
    let (x, y) = (x / count, y / count);
    let (mut above, mut below) = (0.0, 0.0);
    for point in points {
        above += (point.0 - x) * (point.1 - y);
        below += (point.0 - x) * (point.0 - x);
    }
    above / below
}

/// What index and ledger say of everybody is what the model says.
async fn agree(channel: &Channel, people: &[Person], out: &[bool]) {
    verify(channel, people).await.unwrap();
    for person in people {
        let [address, _] = person.addresses();
        let request = GetStatusRequest { address, at_least_revision: 0 };
        let status = consent(channel).get_status(request).await.unwrap().into_inner();
        let (erasure, done) = (status.erasure(), person.done);
        let expected = match done {
            STEPS => ErasureState::Erased,
            5 => ErasureState::Pending,
            _ => ErasureState::None,
        };
        assert_eq!(erasure, expected, "{person:?}");
        if done < STEPS {
            assert_eq!(!status.registered_with.is_empty(), done > 0, "{person:?}");
            assert_eq!(!status.opt_outs.is_empty(), done >= OPT_OUT, "{person:?}");
            assert_eq!(!status.blocks.is_empty(), done > OPT_OUT, "{person:?}");
        }
    }
    for (at, out) in out.iter().enumerate() {
        let request = GetStatusRequest { address: regular(at), at_least_revision: 0 };
        let status = consent(channel).get_status(request).await.unwrap().into_inner();
        assert_eq!(!status.opt_outs.is_empty(), *out, "{}", regular(at));
    }
    let regulars: Vec<String> = (0..out.len()).map(regular).collect();
    let told = verdicts(channel, &regulars).await.unwrap();
    assert!(told.iter().all(|told| *told == Verdict::AllowedNoObjection.code()), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn index_ledger_and_model_agree_after_a_long_mixed_life() {
    let seconds = u64::try_from(parameter("MAYSEND_SOAK_SECONDS", 12)).unwrap();
    let load = u32::try_from(parameter("MAYSEND_SOAK_LOAD", 1)).unwrap();
    let whole = Duration::from_secs(seconds);
    let catalog = include_str!("../../../examples/catalog.toml");
    let mut server = Server::with_catalog(catalog, &["--checkpoint-records", "500"]);
    let counts = Arc::new(Counts::default());
    let finished = Arc::new(Mutex::new(Vec::new()));
    let mut said = Said::default();
    let mut people: Vec<Person> = Vec::new();

    let (begun, mut kills) = (Instant::now(), 0);
    while begun.elapsed() < whole * STORM / 100 {
        let channel = server.start().await;
        let longest = LIFE.min(whole / 30).max(Duration::from_millis(400));
        let span = longest.mul_f64(rand::rng().random_range(0.2..1.0));
        settle(&channel, &mut people).await.unwrap();
        let told: Vec<Person> = finished.lock().unwrap().clone();
        verify(&channel, &told).await.unwrap();
        for person in people.iter_mut().rev().take(10) {
            person.repeat(&channel).await;
        }
        let (counts, finished) = (counts.clone(), finished.clone());
        let (end, over) = watch::channel(false);
        let life = Life { channel, counts, finished, over, load };
        people.extend(stormy(&mut server, life, end, kills, span).await);
        said.take(&server.log());
        kills += 1;
    }

    // The calm: one process.
    let channel = server.start().await;
    settle(&channel, &mut people).await.unwrap();
    register(&channel).await;
    let (end, over) = watch::channel(false);
    let life = Life {
        channel: channel.clone(),
        counts: counts.clone(),
        finished: finished.clone(),
        over,
        load,
    };
    let regulars = tokio::spawn(life.clone().regulars(vec![false; REGULARS]));
    let comers = tokio::spawn(life.clone().people("calm".to_owned(), 6, false));
    let senders = tokio::spawn(life.senders());
    let (calm, mut samples) = (Instant::now(), Vec::new());
    let span = whole * (100 - STORM) / 100;
    // A short one goes on until somebody was erased and asked for.
    let is_short_of = |counter: &AtomicU64| counter.load(Ordering::Relaxed) == 0;
    while calm.elapsed() < span || is_short_of(&counts.erased) || is_short_of(&counts.checked) {
        sleep(Duration::from_millis(500)).await;
        let (memory, descriptors) = sample(server.id());
        samples.push((calm.elapsed().as_secs_f64() / 3600.0, memory / 1024.0, descriptors));
        if samples.len() % 20 == 0 {
            reload(&server, counts.reloads.fetch_add(1, Ordering::Relaxed)).await;
        }
    }
    end.send_replace(true);
    let out = regulars.await.unwrap();
    people.extend(comers.await.unwrap());
    senders.await.unwrap();
    people.extend(finished.lock().unwrap().drain(..));
    agree(&channel, &people, &out).await;
    server.terminate();
    said.take(&server.log());

    // The ledger alone, and then the checkpoint made of it.
    let data = server.data_dir();
    let sound = |what: &str| assert_eq!(verify_offline(&data)["sound"], true, "{what}");
    sound("at the end");
    let records = verify_offline(&data)["ledger"]["head"].as_u64().unwrap();
    remove_checkpoints(&data);
    for what in ["the ledger alone", "a checkpoint of it"] {
        let channel = server.start().await;
        agree(&channel, &people, &out).await;
        for person in people.iter().step_by(people.len() / 100 + 1) {
            verify_history(&channel, person).await;
        }
        server.terminate();
        said.take(&server.log());
        sound(what);
    }

    let warm = samples.len() * usize::try_from(WARM_UP).unwrap() / 100;
    let measured = &samples[warm..];
    let of = |pick: fn(&(f64, f64, f64)) -> f64| -> (f64, f64, f64) {
        let points: Vec<_> = measured.iter().map(|sample| (sample.0, pick(sample))).collect();
        (points[0].1, points[points.len() - 1].1, slope(&points))
    };
    let (memory, descriptors) = (of(|sample| sample.1), of(|sample| sample.2));
    let hours = measured[measured.len() - 1].0 - measured[0].0;
    let number = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    println!(
        "soak: {seconds} s, {kills} kills, {} reloads, {} checkpoints; {} steps of {} people, {} \
         erasures, {} turns of {REGULARS} regulars, {} addresses checked, {records} records; index \
         == ledger == model",
        number(&counts.reloads),
        said.checkpoints,
        number(&counts.steps),
        people.len(),
        number(&counts.erased),
        number(&counts.turns),
        number(&counts.checked),
    );
    println!(
        "soak: over the last {:.0} s without a kill memory went from {:.1} to {:.1} MiB (slope \
         {:+.1} MiB/h), descriptors from {} to {} (slope {:+.1}/h)",
        hours * 3600.0,
        memory.0,
        memory.1,
        memory.2,
        descriptors.0,
        descriptors.1,
        descriptors.2
    );
    for (line, times) in &said.trouble {
        println!("  {times} times: {line}");
    }
    let checkpoint_failed = |line: &&String| line.contains("the checkpoint cannot be written");
    assert_eq!(said.trouble.keys().find(checkpoint_failed), None);
    assert!(number(&counts.erased) > 0 && number(&counts.checked) > 0 && kills > 0);
    // A leak of a descriptor a second would be 3,600 an hour.
    assert!(descriptors.1 - descriptors.0 <= 8.0, "descriptors leak: {descriptors:?}");
}

fn remove_checkpoints(data: &Path) {
    for entry in fs::read_dir(data).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_str().unwrap().starts_with("checkpoint-") {
            fs::remove_dir_all(entry.path()).unwrap();
        }
    }
}
