//! A backup whose destination fails or is full, or goes with the power: it says so, the running
//! server notices nothing, the backup before stays whole, what is half-written is no backup, and the
//! next one into the same place succeeds.
//!
//! MAYSEND_BACKUP_POINTS says at how many calls of each kind; 0: at all of them.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tempfile::TempDir;
use tonic::transport::Channel;

use super::disk::{Class, Disk, EIO, ENOSPC, Survives};
use super::full::{Tmpfs, may_mount, register};
use super::parameter;
use super::people::{Person, Told, verify, verify_offline};
use crate::process::Server;

fn maysend(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_maysend"));
    command.args(args);
    command
}

#[track_caller]
fn succeeds(command: &mut Command, what: &str) {
    let output = command.output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {talk}");
}

/// A server under way, and what it was told.
struct Live {
    server: Server,
    channel: Channel,
    people: Vec<Person>,
    /// For what is restored.
    dir: TempDir,
}

impl Live {
    async fn new() -> Self {
        let mut server = Server::new(&[]);
        let channel = server.start().await;
        let people = (0..7).map(|step| Person::new(format!("p{step}"))).collect();
        let mut live = Self { server, channel, people, dir: TempDir::new().unwrap() };
        for step in 0..7 {
            for _ in 0..step {
                assert_eq!(live.people[step].go_on(&live.channel).await, Told::Done);
            }
        }
        live
    }

    /// Somebody takes a step: the server writes, and everything is as it was told.
    async fn goes_on(&mut self) {
        let person = match self.people.iter_mut().find(|person| !person.is_finished()) {
            Some(person) => person,
            None => {
                self.people.push(Person::new(format!("n{}", self.people.len())));
                self.people.last_mut().unwrap()
            }
        };
        assert_eq!(person.go_on(&self.channel).await, Told::Done);
        verify(&self.channel, &self.people).await.unwrap();
    }

    fn backup(&self, to: &Path) -> Command {
        let mut command = maysend(&["backup", "--data-dir"]);
        command.arg(self.server.data_dir()).arg("--to").arg(to);
        command
    }

    /// Restores what lies there, and verifies it.
    fn restore(&self, from: &Path) -> Output {
        let (to, data) = (self.dir.path().join("restored"), self.server.data_dir());
        let mut command = maysend(&["restore", "--from"]);
        command.arg(from).arg("--data-dir").arg(&to);
        command.arg("--keys").arg(data.join("keys.toml")).arg("--tombstones").arg(data);
        let output = command.output().unwrap();
        if output.status.success() {
            assert_eq!(verify_offline(&to)["sound"], true);
            fs::remove_dir_all(&to).unwrap();
        } else {
            assert!(!to.join("ledger").exists(), "something is left of what was refused");
        }
        output
    }

    /// What lies there is a backup or none, and says which; where there was one before, it is one.
    #[track_caller]
    fn is_whole_or_none(&self, to: &Path, before: bool, what: &str) -> bool {
        let checked = maysend(&["verify", "--backup"]).arg(to).output().unwrap();
        let restored = self.restore(to);
        let talk = String::from_utf8_lossy(&restored.stderr);
        assert_eq!(checked.status.success(), restored.status.success(), "{what}: {talk}");
        if !restored.status.success() {
            assert!(!before, "{what}: the backup before is gone: {talk}");
            assert!(talk.contains("it has no manifest"), "{what}: {talk}");
        }
        restored.status.success()
    }

    /// The next backup into the same place is one of everything.
    #[track_caller]
    fn next(&self, to: &Path, what: &str) {
        succeeds(&mut self.backup(to), what);
        assert!(self.is_whole_or_none(to, true, what));
        for person in self.people.iter().filter(|person| person.is_finished()) {
            let [address, _] = person.addresses();
            assert!(!holds(to, &address), "{what}: {address} was erased before");
        }
    }
}

fn holds(dir: &Path, text: &str) -> bool {
    fs::read_dir(dir).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, text);
        }
        memchr::memmem::find(&fs::read(&path).unwrap(), text.as_bytes()).is_some()
    })
}

/// Destinations: without a backup, and with an older one, since when somebody was erased.
async fn destinations(live: &mut Live) -> [(Disk, bool); 2] {
    let (none, older) = (Disk::new(), Disk::new());
    succeeds(&mut live.backup(&older.data_dir()), "the first");
    while !live.people[5].is_finished() {
        live.people[5].go_on(&live.channel).await;
    }
    [(none, false), (older.copy(), true)]
}

fn points(calls: u64) -> impl Iterator<Item = u64> {
    let points = match parameter("MAYSEND_BACKUP_POINTS", 6) {
        0 => calls,
        points => u64::try_from(points).unwrap().min(calls),
    };
    (0..points).map(move |point| 1 + point * calls / points)
}

/// The destination of a backup, whatever lies there.
fn to(disk: &Disk) -> PathBuf {
    disk.data_dir()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_whose_disk_fails_says_so_and_harms_nobody() {
    let mut live = Live::new().await;
    let faults = [(Class::Write, EIO), (Class::Write, ENOSPC), (Class::Sync, EIO)];
    let faults = faults.into_iter().chain([(Class::Name, ENOSPC), (Class::Read, EIO)]);
    let (mut refused, mut done, mut none) = (0, 0, 0);
    let destinations = destinations(&mut live).await;
    for ((base, before), (class, errno)) in
        destinations.iter().flat_map(|base| faults.clone().map(move |fault| (base, fault)))
    {
        let disk = base.copy();
        succeeds(live.backup(&to(&disk)).envs(disk.environment()), "without a fault");
        for call in points(disk.seen(class)) {
            let what = format!("{class:?} {call} fails with {errno}, a backup before: {before}");
            let disk = base.copy();
            disk.fail(class, call, if call.is_multiple_of(2) { 1 } else { u64::MAX }, errno);
            if call.is_multiple_of(3) {
                disk.tear();
            }
            let output = live.backup(&to(&disk)).envs(disk.environment()).output().unwrap();
            let talk = String::from_utf8_lossy(&output.stderr);
            assert!(disk.injected() > 0, "{what}");
            if output.status.success() {
                // What cannot be read of an older one is written again.
                assert_eq!(class, Class::Read, "{what}: {talk}");
                done += 1;
            } else {
                let line = talk.lines().last().unwrap_or_default();
                assert_eq!(output.status.code(), Some(1), "{what}: {talk}");
                assert!(line.starts_with("maysend: cannot use `"), "{what}: {talk}");
                assert!(line.contains(&format!("os error {errno}")), "{what}: {talk}");
                refused += 1;
            }
            live.goes_on().await;
            disk.reset();
            let is_backup = live.is_whole_or_none(&to(&disk), *before, &what);
            none += u64::from(!is_backup);
            assert!(is_backup || !output.status.success(), "{what}: it was said to be one");
            live.next(&to(&disk), &what);
        }
    }
    live.server.terminate();
    assert_eq!(verify_offline(&live.server.data_dir())["sound"], true);
    println!(
        "backups on a disk that fails: {refused} refused, {done} done all the same; {none} left no \
         backup, none a wrong one"
    );
    assert!(none > 0 && refused > none, "the test tests nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_leaves_the_backup_before_or_the_new_one() {
    let mut live = Live::new().await;
    let seed: u64 = rand::random();
    println!("backups: seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let (mut cut, mut none) = (0, 0);
    for (base, before) in destinations(&mut live).await {
        let disk = base.copy();
        succeeds(live.backup(&to(&disk)).envs(disk.environment()), "without a cut");
        for (number, after) in points(disk.events()).enumerate() {
            let what = format!("cut after {after}, a backup before: {before}, seed {seed}");
            let disk = base.copy();
            disk.cut_after(after);
            let output = live.backup(&to(&disk)).envs(disk.environment()).output().unwrap();
            assert_eq!(output.status.signal(), Some(9), "{what}: {output:?}");
            let survives = [Survives::Nothing, Survives::Some(0.5)][number % 2];
            disk.cut(survives, &mut random);
            disk.reset();
            cut += 1;
            live.goes_on().await;
            none += u64::from(!live.is_whole_or_none(&to(&disk), before, &what));
            live.next(&to(&disk), &what);
        }
    }
    println!("backups: {cut} power cuts, {none} left no backup, none a wrong one");
    assert!(none > 0 && cut > none, "the test tests nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_to_a_full_disk_says_so_and_the_next_one_succeeds() {
    if !may_mount() {
        return;
    }
    let mut live = Live::new().await;
    for call in 0..20 {
        register(&live.channel, call).await.unwrap();
    }
    let disk = Tmpfs::mount(256 << 10);
    let to = disk.data_dir();
    for before in [false, true] {
        let output = live.backup(&to).output().unwrap();
        let talk = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{talk}");
        assert!(talk.contains("No space left on device"), "{talk}");
        live.goes_on().await;
        assert_eq!(live.is_whole_or_none(&to, before, "full"), before);
        disk.leave(16 << 20);
        live.next(&to, "with room");
        disk.leave(0);
        register(&live.channel, if before { 30 } else { 31 }).await.unwrap();
    }
    live.server.terminate();
}
