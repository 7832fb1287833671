//! A repair that is interrupted: killed, or the power goes, at any call to the disk, also while it
//! undoes what an interrupted one did; or a call fails. Nothing serves meanwhile, the next repair
//! does what the first said that it would do, and no octet that it gives up is lost.
//!
//! MAYSEND_REPAIR_POINTS says at how many calls; 0: at all of them. The seed is printed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use maysend::keys::Keys;
use maysend::ledger::{Ledger, Options, RealDisk, RecordKind, Urgency};
use maysend::model::evidence::Notice;
use maysend::model::verdict::Verdict;
use maysend::record::encode_notice;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;

use super::disk::{Class, Disk, EIO, ENOSPC, Survives};
use super::parameter;
use super::people::{Person, Told, verdicts, verify, verify_offline};
use crate::process::Server;

/// To undo what is half-done takes so many events at most.
const UNDOING: u64 = 40;

/// What is broken, and so where the cut lies.
#[derive(Debug, Clone, Copy)]
enum Broken {
    /// A payload in the second segment: the cut is in the middle of it.
    Payload,
    /// The header of the second segment: the cut is at the end of the first.
    Header,
}

/// A damaged ledger in three segments.
struct World {
    disk: Disk,
    /// Who said nothing behind the damage.
    before: Vec<Person>,
    /// Who did: whatever it was, it may have been a no.
    behind: Vec<Person>,
    give_up: String,
    /// What a repair tells that nothing interrupts, and the segments that it puts aside.
    told: Value,
    aside: BTreeMap<String, Vec<u8>>,
    /// Its events.
    events: u64,
}

async fn steps(server: &mut Server, people: &mut [Person], steps: impl Fn(usize) -> usize) {
    let channel = server.start().await;
    for (number, person) in people.iter_mut().enumerate() {
        for _ in 0..steps(number) {
            assert_eq!(person.go_on(&channel).await, Told::Done);
        }
    }
    server.terminate();
}

fn people(name: &str, number: usize) -> Vec<Person> {
    (0..number).map(|number| Person::new(format!("{name}{number}"))).collect()
}

/// Begins the next segment, as a ledger does that has grown.
fn roll(data_dir: &Path) {
    let check = Keys::load(&data_dir.join("keys.toml")).unwrap().check_value();
    let options = Options { segment_octets: 1, ..Options::default() };
    let disk = Arc::new(RealDisk);
    let mut ledger = Ledger::open(disk, data_dir, check, options, None, &mut |_| Ok(())).unwrap();
    let mut payload = Vec::new();
    let text = |text: &str| text.into();
    let notice = Notice { wording: text("a"), version: text("1"), language: text("en") };
    encode_notice(&notice, rand::random(), &mut payload);
    let mut group = ledger.begin(());
    group.push(RecordKind::Notice, &payload);
    ledger.commit(group, Urgency::Yes).unwrap();
}

fn segments(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap());
    let segments = entries.filter(|entry| entry.path().extension().is_some_and(|e| e == "seg"));
    let read = |entry: fs::DirEntry| {
        (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
    };
    segments.map(read).collect()
}

impl World {
    async fn new(broken: Broken) -> Self {
        let disk = Disk::new();
        let mut server = Server::on(&disk.data_dir(), &[]);
        let mut before = people("p", 7);
        steps(&mut server, &mut before, |number| number).await;
        // Who has said yes before, and says more behind: a no, and all up to being erased.
        let mut behind = people("r", 2);
        steps(&mut server, &mut behind, |_| 2).await;
        roll(&disk.data_dir());
        let mut victim = people("victim", 1);
        steps(&mut server, &mut victim, |_| 3).await;
        behind.extend(victim);
        let mut others = people("q", 7);
        steps(&mut server, &mut others, |number| number).await;
        steps(&mut server, &mut behind[..2], |number| [1, 4][number]).await;
        roll(&disk.data_dir());
        behind.extend(others.split_off(1));
        let mut last = people("t", 1);
        steps(&mut server, &mut last, |_| 3).await;
        behind.extend(last);

        let ledger = disk.data_dir().join("ledger");
        let (name, mut octets) = segments(&ledger).into_iter().nth(1).unwrap();
        let at = match broken {
            Broken::Payload => memchr::memmem::find(&octets, b"victim0").unwrap(),
            Broken::Header => 50,
        };
        octets[at] ^= 1;
        fs::write(ledger.join(name), octets).unwrap();
        // What the disk is as now is durable.
        let disk = disk.copy();
        let output = Command::new(env!("CARGO_BIN_EXE_maysend"))
            .args(["repair", "--format", "json", "--data-dir"])
            .arg(disk.data_dir())
            .output()
            .unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&told["unknown_records"], &told["open_end"]), (&0.into(), &false.into()));
        let give_up = told["give_up"].to_string();
        let (events, aside) = (0, BTreeMap::new());
        let mut world = Self { disk, before, behind, give_up, told, aside, events };
        let disk = world.disk.copy();
        let output = world.repair(&disk);
        assert!(output.status.success(), "{output:?}");
        world.events = disk.events();
        world.told = told_by(&output, &disk);
        world.aside = segments(&world.aside_in(&disk));
        world.holds(&disk).await;
        world
    }

    fn aside_in(&self, disk: &Disk) -> std::path::PathBuf {
        disk.data_dir().join(format!("given-up-{}", self.give_up))
    }

    fn repair(&self, disk: &Disk) -> Output {
        Command::new(env!("CARGO_BIN_EXE_maysend"))
            .args(["repair", "--format", "json", "--give-up", &self.give_up, "--data-dir"])
            .arg(disk.data_dir())
            .envs(disk.environment())
            .output()
            .unwrap()
    }

    /// Nothing serves from what is half-done. Where it is not yet begun, the checkpoint behind the
    /// damage serves, with everything; where it is done, what is left does. Says whether it was.
    async fn serves(&self, disk: &Disk) -> bool {
        let disk = disk.copy();
        let is_done = self.aside_in(&disk).is_dir();
        let mut server = Server::on(&disk.data_dir(), &[]);
        match server.try_start().await {
            Ok(_) if is_done => {
                server.terminate();
                self.holds(&disk).await;
                true
            }
            Ok(channel) => {
                verify(&channel, &self.before).await.unwrap();
                verify(&channel, &self.behind).await.unwrap();
                false
            }
            Err(ended) => {
                let line = ended.log.lines().last().unwrap_or_default();
                assert!(line.contains("was begun and not finished; run it again"), "{line}");
                false
            }
        }
    }

    /// Repairs to the end, and looks at what is there.
    async fn end(&self, disk: &Disk, what: &str) {
        let output = self.repair(disk);
        let talk = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            assert_eq!(told_by(&output, disk), self.told, "{what}: another repair");
        } else {
            assert!(talk.contains("there is nothing to give up"), "{what}: {talk}");
        }
        self.holds(disk).await;
    }

    /// What was not given up is as it was, of the rest no yes is left, and its octets are kept.
    async fn holds(&self, disk: &Disk) {
        let mut server = Server::on(&disk.data_dir(), &[]);
        let channel = server.start().await;
        verify(&channel, &self.before).await.unwrap();
        for person in &self.behind {
            let told = verdicts(&channel, &person.addresses()).await.unwrap();
            assert!(told.iter().all(|code| *code < Verdict::AllowedConsent.code()), "{person:?}");
            let erased = Verdict::Erased.code();
            assert_eq!(told[0] == erased, person.is_finished(), "{person:?}: {told:?}");
            let pending = Verdict::ErasurePending.code();
            assert_eq!(told[0] == pending, person.done == 5, "{person:?}: {told:?}");
        }
        server.terminate();
        assert_eq!(verify_offline(&disk.data_dir())["sound"], true);
        assert_eq!(segments(&self.aside_in(disk)), self.aside, "what is given up is kept");
    }
}

/// What a repair tells, but for where it was.
fn told_by(output: &Output, disk: &Disk) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let text = text.replace(disk.data_dir().to_str().unwrap(), "DIR");
    serde_json::from_str(&text).unwrap()
}

/// The `point`th of so many numbers from 1 to `all`.
fn spread(point: u64, points: u64, all: u64) -> u64 {
    1 + point * all / points
}

async fn interrupt(broken: Broken) {
    let world = World::new(broken).await;
    let seed: u64 = rand::random();
    println!("repairs: seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let points = match parameter("MAYSEND_REPAIR_POINTS", 12) {
        0 => world.events,
        points => u64::try_from(points).unwrap().min(world.events),
    };
    let (mut cut, mut again, mut done) = (0, 0, 0);
    for point in 0..points {
        let disk = world.disk.copy();
        let mut what = format!("{broken:?}, seed {seed}:");
        // A power cut is the one, a kill the other. What a rename between two directories did is
        // there whole, or in both: no file system that is worth a ledger does otherwise.
        for after in [spread(point, points, world.events), random.random_range(1..=UNDOING)] {
            let is_power = random.random_bool(0.5);
            what.push_str(&format!(" {after}{}", if is_power { "p" } else { "k" }));
            disk.reset();
            disk.cut_after(after);
            let output = world.repair(&disk);
            let is_cut = output.status.signal() == Some(9);
            let talk = String::from_utf8_lossy(&output.stderr);
            let is_done = output.status.success() || talk.contains("there is nothing to give up");
            assert!(is_cut || is_done, "{what}: {talk}");
            (cut, again) = (cut + u64::from(is_cut), again + u64::from(is_cut && cut > 0));
            if is_cut && is_power {
                disk.cut(Survives::Nothing, &mut random);
            }
        }
        disk.reset();
        if point.is_multiple_of(2) {
            done += u64::from(world.serves(&disk).await);
        }
        world.end(&disk, &what).await;
    }
    println!(
        "{broken:?}: {points} repairs at {} events, {cut} interruptions; {done} were done, each next \
         one ended as the first said",
        world.events
    );
    assert!(cut > points, "the test tests nothing: {again}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_repair_is_begun_anew_and_loses_nothing() {
    interrupt(Broken::Payload).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_repair_that_cuts_between_segments_loses_nothing() {
    interrupt(Broken::Header).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repair_whose_disk_fails_says_so_and_is_begun_anew() {
    let world = World::new(Broken::Payload).await;
    let mut met = 0;
    for (class, errno) in [(Class::Write, EIO), (Class::Write, ENOSPC), (Class::Sync, EIO)]
        .into_iter()
        .chain([(Class::Name, ENOSPC), (Class::Read, EIO)])
    {
        let disk = world.disk.copy();
        assert!(world.repair(&disk).status.success());
        let calls = disk.seen(class);
        let points = match parameter("MAYSEND_REPAIR_POINTS", 12) / 4 {
            0 => calls,
            points => u64::try_from(points).unwrap().min(calls),
        };
        for point in 0..points {
            let call = spread(point, points, calls);
            let what = format!("{class:?} {call} of {calls} fails with {errno}");
            let disk = world.disk.copy();
            disk.fail(class, call, if call.is_multiple_of(2) { 1 } else { u64::MAX }, errno);
            let output = world.repair(&disk);
            let talk = String::from_utf8_lossy(&output.stderr);
            if !output.status.success() {
                let line = talk.lines().last().unwrap_or_default();
                assert_eq!(output.status.code(), Some(1), "{what}: {talk}");
                let says = match disk.data_dir().join("half-done.json").exists() {
                    true => "was begun and not finished; run it again: ",
                    false if line.contains("which may tell whose") => "checkpoint #",
                    false => "os error",
                };
                assert!(line.starts_with("maysend: ") && line.contains(says), "{what}: {talk}");
            }
            met += u64::from(disk.injected() > 0);
            disk.reset();
            world.serves(&disk).await;
            world.end(&disk, &what).await;
        }
    }
    println!("repairs on a disk that fails: {met} faults met, each next one ended well");
    assert!(met > 0, "the test tests nothing");
}
