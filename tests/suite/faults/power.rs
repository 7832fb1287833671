//! Power cuts: the process dies at some call to the disk, and what was not synced is gone, or half
//! of it. What was acknowledged is there all the same.
//!
//! MAYSEND_POWER_CUTS says how many; the seed is printed.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use maysend::model::verdict::Verdict;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tonic::transport::Channel;

use super::disk::{Disk, Survives};
use super::parameter;
use super::people::{Person, live, settle, verdicts, verify, verify_offline};
use crate::process::Server;

/// Cuts of one data directory; then a new one begins.
const CUTS: usize = 25;

const WRITERS: usize = 4;

/// A write is some 4 events, a boot some 40, a checkpoint some 120.
const WHILE_WRITING: u64 = 600;
const WHILE_BOOTING: u64 = 60;
const WHILE_DRAINING: u64 = 160;

const SIGKILL: i32 = 9;

/// Where the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Booting,
    Writing,
    /// In the last checkpoint, or after it.
    Draining,
}

#[derive(Debug, Default)]
struct Sum {
    booting: usize,
    writing: usize,
    draining: usize,
    /// Cuts that took something away.
    lossy: usize,
    lost: usize,
    steps: usize,
    people: usize,
}

/// Writes until the server is gone.
async fn write(channel: &Channel, cycle: usize, people: &mut Vec<Person>) {
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| tokio::spawn(live(channel.clone(), format!("c{cycle}w{writer}"))))
        .collect();
    for writer in writers {
        people.extend(writer.await.unwrap());
    }
}

/// One life of the server, to the cut.
async fn run(
    disk: &Disk,
    server: &mut Server,
    cycle: usize,
    people: &mut Vec<Person>,
    random: &mut StdRng,
) -> Moment {
    let moment = [Moment::Booting, Moment::Writing, Moment::Draining][random.random_range(0..3)];
    if moment == Moment::Booting {
        disk.cut_after(random.random_range(1..=WHILE_BOOTING));
    }
    let channel = match server.try_start().await {
        Ok(channel) => channel,
        Err(ended) => {
            assert_eq!(ended.status.signal(), Some(SIGKILL), "{}", ended.log);
            return Moment::Booting;
        }
    };
    if settle(&channel, people).await.is_err() {
        assert!(!server.runs(), "checks fail: {}", server.log());
        return Moment::Booting;
    }
    if moment == Moment::Draining {
        // Some facts first, for the checkpoint to hold.
        for number in 0..3 {
            let mut person = Person::new(format!("c{cycle}d{number}"));
            for _ in 0..random.random_range(1..=6) {
                person.go_on(&channel).await;
            }
            people.push(person);
        }
        disk.cut_after(random.random_range(1..=WHILE_DRAINING));
        server.end();
        return moment;
    }
    if moment == Moment::Writing {
        disk.cut_after(random.random_range(1..=WHILE_WRITING));
    }
    // A cut that was meant for the boot and came too late comes in time here.
    let late = tokio::time::timeout(Duration::from_secs(60), write(&channel, cycle, people)).await;
    assert!(late.is_ok(), "no cut: {}", server.log());
    server.kill();
    Moment::Writing
}

/// A data directory and its cuts.
async fn world(cuts: usize, random: &mut StdRng, sum: &mut Sum) {
    let disk = Disk::new();
    let mut server = Server::on(&disk.data_dir(), &["--checkpoint-records", "100"]);
    disk.put_under(&mut server);
    let mut people = Vec::new();
    for cycle in 0..cuts {
        let moment = run(&disk, &mut server, cycle, &mut people, random).await;
        match moment {
            Moment::Booting => sum.booting += 1,
            Moment::Writing => sum.writing += 1,
            Moment::Draining => sum.draining += 1,
        }
        let survives = match random.random_range(0..4) {
            0 => Survives::Some(0.5),
            1 => Survives::Some(0.9),
            _ => Survives::Nothing,
        };
        let lost = disk.cut(survives, random);
        sum.lost += lost;
        sum.lossy += usize::from(lost > 0);
        disk.reset();
        if disk.data_dir().join("keys.toml").exists() && disk.data_dir().join("ledger").exists() {
            let found = verify_offline(&disk.data_dir());
            assert_eq!(found["ledger"]["sound"], true, "{found}");
        }
    }
    let channel = server.start().await;
    sum.steps += settle(&channel, &mut people).await.unwrap();
    sum.people += people.len();
    // What was under way is said again, and counts once.
    for person in people.iter_mut().rev().take(40) {
        person.repeat(&channel).await;
    }
    server.terminate();
    assert_eq!(verify_offline(&disk.data_dir())["sound"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_write_is_lost_when_the_power_is_cut() {
    let cuts = parameter("MAYSEND_POWER_CUTS", 30);
    let seed: u64 = rand::random();
    println!("power cuts: seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut sum = Sum::default();
    let mut left = cuts;
    while left > 0 {
        let now = left.min(CUTS);
        world(now, &mut random, &mut sum).await;
        left -= now;
    }
    let Sum { booting, writing, draining, lossy, lost, steps, people } = sum;
    println!(
        "power cuts: {cuts} ({writing} while writing, {booting} while booting, {draining} in or \
         after the last checkpoint), {lossy} took {lost} octets; {people} people, {steps} \
         acknowledged steps in force, 0 lost (seed {seed})"
    );
    assert!(lossy > 0 && steps > 0, "the test tests nothing");
}

/// The harness finds loss: on a disk whose fsync lies, acknowledged writes are gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fsync_that_lies_is_found_out() {
    let disk = Disk::new();
    let mut server = Server::on(&disk.data_dir(), &[]);
    disk.put_under(&mut server);
    let channel = server.start().await;
    let mut person = Person::new("ann".to_owned());
    person.go_on(&channel).await;
    disk.lie();
    for _ in 0..2 {
        person.go_on(&channel).await;
    }
    assert_eq!(person.done, 3);
    server.kill();
    assert!(disk.cut(Survives::Nothing, &mut StdRng::seed_from_u64(1)) > 0);
    disk.reset();
    let channel = server.start().await;
    // What the tests above would take for a loss.
    let found = verdicts(&channel, &person.addresses()).await.unwrap();
    assert_ne!(found[0], Verdict::OptedOutTopic.code());
    person.done = 1;
    verify(&channel, &[person]).await.unwrap();
    server.kill();
}
