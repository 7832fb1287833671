//! Calls to the disk that fail, one after the other: any fsync, write, read, making or renaming of
//! a file. What a failure leaves is what was acknowledged and nothing that was refused; after a
//! failed fsync nothing more is acknowledged; checks go on.
//!
//! MAYSEND_FAULT_POINTS says at how many calls of each kind; 0: at all of them.

use std::collections::BTreeMap;
use std::time::Duration;

use maysend::grpc::WRITING_SERVICES;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tonic::transport::Channel;

use super::disk::{Class, Disk, EIO, ENOSPC, Survives};
use super::parameter;
use super::people::{OPT_OUT, Person, Told, settle, verify, verify_offline};
use crate::process::{Server, is_serving};

/// How often health is asked until it says what it should: it looks once a second.
const LOOKS: u32 = 400;

/// What is tried.
#[derive(Debug, Clone, Copy)]
struct Fault {
    class: Class,
    /// The failing call, counted from 1.
    call: u64,
    /// How many fail from there.
    times: u64,
    errno: u64,
}

/// How the runs went.
#[derive(Debug, Default)]
struct Sum {
    runs: usize,
    met: usize,
    /// Starts that were refused, by what was said.
    refused: BTreeMap<String, usize>,
    latched: usize,
    /// Calls whose outcome was unknown, and those that were refused.
    unknown: usize,
    refusals: usize,
    acknowledged: usize,
}

/// People at every step, some behind a checkpoint.
async fn world() -> (Disk, Vec<Person>) {
    let disk = Disk::new();
    let mut server = Server::on(&disk.data_dir(), &[]);
    let mut people: Vec<Person> = (0..7).map(|step| Person::new(format!("p{step}"))).collect();
    for half in [0, 4] {
        let channel = server.start().await;
        for (step, person) in people.iter_mut().enumerate().skip(half).take(4) {
            for _ in 0..step {
                assert_eq!(person.go_on(&channel).await, Told::Done);
            }
        }
        if half == 0 {
            server.terminate();
        } else {
            server.kill();
        }
    }
    (disk, people)
}

/// Waits until health says so of the writing services.
async fn health(channel: &Channel, writes: bool, server: &Server) {
    for look in 0.. {
        let mut told = Vec::new();
        for service in WRITING_SERVICES {
            told.push(is_serving(channel, service).await.unwrap());
        }
        assert!(is_serving(channel, "maysend.v1.DecisionService").await.unwrap());
        if told.iter().all(|told| *told == writes) {
            return;
        }
        assert!(look < LOOKS, "{told:?}: {}", server.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Everybody takes a step, and again, while the fault strikes.
async fn strike(channel: &Channel, people: &mut [Person], sum: &mut Sum) -> bool {
    let mut latched = false;
    for _ in 0..2 {
        for person in people.iter_mut().filter(|person| !person.is_finished()) {
            if person.unknown {
                continue;
            }
            match person.go_on(channel).await {
                Told::Done => {
                    assert!(!latched, "acknowledged after a failed write: {person:?}");
                    sum.acknowledged += 1;
                }
                Told::Unknown => {
                    sum.unknown += 1;
                    latched = true;
                }
                Told::Refused(reason) => {
                    sum.refusals += 1;
                    latched |= reason == "LEDGER_LATCHED";
                    // On a full disk noes go on.
                    assert!(reason != "DISK_FULL" || person.done + 1 < OPT_OUT, "{person:?}");
                }
            }
        }
    }
    verify(channel, people).await.unwrap();
    latched
}

/// One run from the same world, and what is there afterwards.
async fn run(base: &Disk, people: &[Person], fault: Fault, sum: &mut Sum) {
    let disk = base.copy();
    let mut people = people.to_vec();
    let mut server = Server::on(&disk.data_dir(), &[]);
    disk.put_under(&mut server);
    disk.fail(fault.class, fault.call, fault.times, fault.errno);
    if fault.call.is_multiple_of(2) {
        disk.tear();
    }
    sum.runs += 1;
    match server.try_start().await {
        Err(ended) => {
            assert_eq!(ended.status.code(), Some(1), "{fault:?}: {}", ended.log);
            let last = ended.log.lines().last().unwrap_or_default().to_owned();
            assert!(last.starts_with("maysend: ") && disk.injected() > 0, "{}", ended.log);
            *sum.refused.entry(told(&last, &disk)).or_default() += 1;
        }
        Ok(channel) => {
            verify(&channel, &people).await.unwrap();
            let latched = strike(&channel, &mut people, sum).await;
            if latched {
                sum.latched += 1;
                health(&channel, false, &server).await;
                verify(&channel, &people).await.unwrap();
            }
            if fault.call.is_multiple_of(3) {
                server.kill();
            } else {
                server.end();
            }
        }
    }
    sum.met += usize::from(disk.injected() > 0);
    let failed = disk.failed();
    disk.reset();
    // What a failed fsync has not kept is gone.
    if fault.call % 2 == 1 {
        server.kill();
        disk.cut(Survives::Nothing, &mut StdRng::seed_from_u64(fault.call));
    }
    let channel = server.start().await;
    settle(&channel, &mut people).await.unwrap();
    health(&channel, true, &server).await;
    for person in &mut people {
        person.repeat(&channel).await;
        if !person.is_finished() {
            assert_eq!(person.go_on(&channel).await, Told::Done, "{fault:?}");
        }
    }
    verify(&channel, &people).await.unwrap();
    server.terminate();
    let found = verify_offline(&disk.data_dir());
    assert_eq!(found["ledger"]["sound"], true, "{fault:?} {failed:?}: {found}");
}

/// What was said, without what differs from run to run.
fn told(line: &str, disk: &Disk) -> String {
    let line = line.replace(disk.data_dir().to_str().unwrap(), "DIR");
    let temporary = line.find(".keys-").map(|at| line[at..at + 12].to_owned());
    temporary.map_or(line.clone(), |name| line.replace(&name, ".keys-X"))
}

/// How many calls of a class a run makes that meets no fault.
async fn calls(base: &Disk, people: &[Person], class: Class) -> u64 {
    let disk = base.copy();
    let mut server = Server::on(&disk.data_dir(), &[]);
    disk.put_under(&mut server);
    let channel = server.start().await;
    strike(&channel, &mut people.to_vec(), &mut Sum::default()).await;
    server.terminate();
    disk.seen(class)
}

async fn sweep(class: Class, errno: u64) {
    let (base, people) = world().await;
    let calls = calls(&base, &people, class).await;
    let points = match parameter("MAYSEND_FAULT_POINTS", 8) {
        0 => calls,
        points => u64::try_from(points).unwrap().min(calls),
    };
    let mut sum = Sum::default();
    for point in 0..points {
        let call = 1 + point * calls / points;
        // Once, or from then on.
        let times = if point % 2 == 0 { 1 } else { u64::MAX };
        run(&base, &people, Fault { class, call, times, errno }, &mut sum).await;
    }
    let Sum { runs, met, refused, latched, unknown, refusals, acknowledged } = sum;
    println!(
        "{class:?} fails with {errno} at {runs} of {calls} calls: met {met} times, {latched} \
         latched, {acknowledged} steps acknowledged, {refusals} refused, {unknown} unknown; 0 \
         lost, 0 undue"
    );
    for (said, times) in refused {
        println!("  {times} starts refused: {said}");
    }
    assert!(met > 0, "the test tests nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_fsync_is_never_acknowledged() {
    sweep(Class::Sync, EIO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_write_is_never_acknowledged() {
    sweep(Class::Write, EIO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_to_a_full_disk_is_never_acknowledged() {
    sweep(Class::Write, ENOSPC).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_read_is_never_a_wrong_answer() {
    sweep(Class::Read, EIO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_cannot_be_made_loses_nothing() {
    sweep(Class::Name, EIO).await;
    sweep(Class::Name, ENOSPC).await;
}
