//! The restore drill: backups of a running server under writes and erasures, kill -9, restored onto
//! an empty directory, and asked the same as the server before. And damage, repaired: nobody who
//! may have said no gets mail.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use maysend::grpc::api::{
    ApproveErasureRequest, OptOutRequest, RequestErasureRequest, Verdict, WriteOutcome,
};
use rand::Rng;
use serde_json::Value;
use tonic::transport::Channel;

use crate::desk::{CATALOG, Desk, Seen, everything, paper, topic};
use crate::process::{Server, by, consent, erasure};

const PEOPLE: usize = 40;

fn address(person: usize) -> String {
    format!("drill-canary-{person:04}@example.org")
}

/// Runs maysend to its end.
fn maysend(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_maysend")).args(args).output().unwrap()
}

#[track_caller]
fn done(args: &[&str]) -> String {
    let output = maysend(args);
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {talk}{}", text(&output.stdout));
    text(&output.stdout)
}

/// It ends with status 1 and says this.
#[track_caller]
fn refused(args: &[&str], says: &str) {
    let output = maysend(args);
    let talk = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{args:?}: {talk}");
    assert!(talk.contains(says), "{args:?}: {talk}");
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

fn holds(dir: &Path, canary: &str) -> bool {
    std::fs::read_dir(dir).into_iter().flatten().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, canary);
        }
        let octets = std::fs::read(&path).unwrap_or_default();
        memchr::memmem::find(&octets, canary.as_bytes()).is_some()
    })
}

async fn request(channel: &Channel, person: usize) -> String {
    let request = RequestErasureRequest {
        address: address(person),
        reason: "a letter".to_owned(),
        request_id: String::new(),
    };
    let case = erasure(channel).request_erasure(by("anna", request)).await.unwrap();
    case.into_inner().erasure_case.unwrap().id
}

async fn erase(channel: &Channel, person: usize) {
    let id = request(channel, person).await;
    let request = ApproveErasureRequest { id, note: "seen".to_owned() };
    erasure(channel).approve_erasure(by("ben", request)).await.unwrap();
}

/// A no, a yes, a block for each, by their number.
async fn settle(desk: &Desk, person: usize) {
    let address = address(person);
    desk.register("stage", &address).await;
    if person.is_multiple_of(3) {
        let yes = desk.grant(topic("opera", "newsletter"), paper(3), &address).await.unwrap();
        assert_eq!(yes, WriteOutcome::Applied);
    }
    if person.is_multiple_of(4) {
        desk.opt_out(topic("opera", "premieres"), &address).await;
    }
    if person.is_multiple_of(5) {
        desk.opt_out(everything(), &address).await;
    }
}

struct Paths {
    data: PathBuf,
    backup: PathBuf,
    keys: PathBuf,
}

impl Paths {
    fn of(server: &Server) -> Self {
        let data = server.data_dir();
        let (backup, keys) = (data.with_file_name("backup"), data.join("keys.toml"));
        Self { data, backup, keys }
    }

    fn backup(&self) -> Value {
        let (data, to) = (self.data.to_str().unwrap(), self.backup.to_str().unwrap());
        let told = done(&["backup", "--data-dir", data, "--to", to, "--format", "json"]);
        serde_json::from_str(&told).unwrap()
    }

    /// The arguments that restore it.
    fn restore<'a>(&'a self, to: &'a Path) -> Vec<&'a str> {
        let mut args = vec!["restore", "--from", self.backup.to_str().unwrap()];
        args.extend(["--data-dir", to.to_str().unwrap(), "--keys", self.keys.to_str().unwrap()]);
        args
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_server_answers_as_the_one_before() {
    let desk = Desk::open(CATALOG).await;
    let paths = Paths::of(&desk.server);
    for person in 0..PEOPLE {
        settle(&desk, person).await;
    }
    // Backups while others write and erase.
    let stop = Arc::new(AtomicBool::new(false));
    let writing = {
        let (channel, stop) = (desk.channel.clone(), stop.clone());
        tokio::spawn(async move {
            let mut person = 1_000;
            while !stop.load(Ordering::Acquire) {
                let request = OptOutRequest {
                    addresses: vec![address(person)],
                    scopes: vec![everything()],
                    reason: "a letter".to_owned(),
                    ..OptOutRequest::default()
                };
                consent(&channel).opt_out(request).await.unwrap();
                erase(&channel, person).await;
                person += 1;
            }
            person
        })
    };
    for _ in 0..8 {
        let paths = Paths::of(&desk.server);
        tokio::task::spawn_blocking(move || {
            paths.backup();
            done(&["verify", "--backup", paths.backup.to_str().unwrap()]);
        })
        .await
        .unwrap();
    }
    stop.store(true, Ordering::Release);
    let erased_before = writing.await.unwrap();
    erase(&desk.channel, 1).await;

    // The backup of the drill, and what every address is like at its head.
    let taken = paths.backup();
    assert!(!holds(&paths.backup, &address(1)), "erased before it began");
    assert!(!holds(&paths.backup, &address(erased_before - 1)));
    let mut seen: Vec<Seen> = Vec::new();
    for person in 0..PEOPLE {
        seen.push(desk.look(&address(person)).await);
    }
    // After it: two erasures, one of somebody whom it knows, and more that is lost.
    erase(&desk.channel, 2).await;
    erase(&desk.channel, 2_000).await;
    desk.opt_out(everything(), &address(3)).await;
    let Desk { mut server, channel } = desk;
    drop(channel);
    server.kill();

    let mut second = Server::with_catalog(CATALOG, &["--public-url", "https://mail.example"]);
    let to = second.data_dir();
    let live = paths.data.to_str().unwrap();
    refused(&paths.restore(&to), "--accept-resurrection");
    let old = [&paths.restore(&to)[..], &["--tombstones", paths.backup.to_str().unwrap()]].concat();
    refused(&old, "no newer than the backup");
    let head = taken["head"].as_u64().unwrap();
    let beyond = (head + 1).to_string();
    let with_list = [&paths.restore(&to)[..], &["--tombstones", live]].concat();
    refused(&[&with_list[..], &["--at-least-head", &beyond]].concat(), "too old");
    assert!(!to.join("ledger").exists(), "nothing is left of what was refused");
    let exact = format!("{head}:{}", taken["chain"].as_str().unwrap());
    done(&[&with_list[..], &["--at-least-head", &exact]].concat());
    done(&["verify", "--data-dir", to.to_str().unwrap()]);
    assert!(!holds(&to, &address(2)), "erased again");

    let channel = second.start().await;
    let desk = Desk { server: second, channel };
    for (person, before) in seen.into_iter().enumerate().filter(|(person, _)| *person != 2) {
        assert_eq!(desk.look(&address(person)).await, before, "person {person}");
    }
    for person in [1, 2, 2_000, erased_before - 1] {
        let verdict = desk.check("opera", "tickets", &address(person)).await;
        assert_eq!(verdict, Verdict::DeniedErased, "person {person}");
    }
    // And it goes on: it writes, erases, and is backed up to a place of its own.
    desk.opt_out(everything(), &address(7)).await;
    erase(&desk.channel, 7).await;
    let paths = Paths::of(&desk.server);
    tokio::task::spawn_blocking(move || paths.backup()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_or_restore_that_is_killed_passes_for_nothing() {
    let desk = Desk::open(CATALOG).await;
    let paths = Paths::of(&desk.server);
    for person in 0..PEOPLE {
        settle(&desk, person).await;
    }
    paths.backup();
    let list = paths.data.with_file_name("tombstones");
    let kill_one = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_maysend"));
        let mut process =
            command.args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let wait = rand::rng().random_range(0..60_000);
        std::thread::sleep(Duration::from_micros(wait));
        process.kill().unwrap();
        process.wait().unwrap().success()
    };
    let (data, to) = (paths.data.to_str().unwrap(), paths.backup.to_str().unwrap());
    for number in 0..15 {
        desk.opt_out(everything(), &address(100 + number)).await;
        kill_one(&["backup", "--data-dir", data, "--to", to]);
        done(&["verify", "--backup", to]);
    }
    paths.backup();
    std::fs::write(&list, done(&["tombstones", "--data-dir", data])).unwrap();
    let restored = paths.data.with_file_name("restored");
    let args = [&paths.restore(&restored)[..], &["--tombstones", list.to_str().unwrap()]].concat();
    let verify = ["verify", "--data-dir", restored.to_str().unwrap()];
    for _ in 0..15 {
        if kill_one(&args) || restored.join("restored.json").exists() {
            // It was whole, unless the note says otherwise.
            if !restored.join("half-done.json").exists() {
                done(&verify);
            }
        }
        if restored.join("half-done.json").exists() {
            refused(&verify, "not finished");
        } else if restored.join("ledger").exists() {
            done(&verify);
            std::fs::remove_dir_all(&restored).unwrap();
        }
    }
    if restored.join("ledger").exists() && !restored.join("half-done.json").exists() {
        std::fs::remove_dir_all(&restored).unwrap();
    }
    done(&args);
    done(&verify);
}

/// Flips an octet in the payload that holds this text.
fn damage(data: &Path, canary: &str) {
    let segment = data.join("ledger/00000000000000000001.seg");
    let mut octets = std::fs::read(&segment).unwrap();
    let at = memchr::memmem::rfind(&octets, canary.as_bytes()).unwrap();
    octets[at] ^= 1;
    std::fs::write(&segment, octets).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repair_gives_up_no_no() {
    let mut desk = Desk::open(CATALOG).await;
    let paths = Paths::of(&desk.server);
    let data = paths.data.to_str().unwrap();
    let yes = topic("opera", "newsletter");
    for person in [0, 1, 2, 3] {
        desk.grant(yes.clone(), paper(3), &address(person)).await.unwrap();
    }
    // Damaged is what 1 said; 2 spoke after it, and the erasure of 3 came last.
    desk.opt_out(everything(), &address(1)).await;
    desk.register("inn", &address(2)).await;
    erase(&desk.channel, 3).await;
    // A checkpoint at the end tells who was concerned.
    desk.server.terminate();
    done(&["verify", "--data-dir", data]);
    let kept = |name: &str| paths.data.with_file_name(name);
    assert!(
        Command::new("cp").arg("-r").arg(&paths.data).arg(kept("copy")).status().unwrap().success()
    );
    damage(&paths.data, &address(1));
    assert_eq!(maysend(&["verify", "--data-dir", data]).status.code(), Some(1));
    let told = maysend(&["repair", "--data-dir", data, "--format", "json"]);
    assert_eq!(told.status.code(), Some(1), "nothing is repaired unasked");
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((&told["unknown_records"], &told["open_end"]), (&0.into(), &false.into()), "{told}");
    let give_up = told["give_up"].to_string();
    refused(&["repair", "--data-dir", data, "--give-up", "1"], "is to be given up");
    done(&["repair", "--data-dir", data, "--give-up", &give_up]);
    done(&["verify", "--data-dir", data]);
    assert!(paths.data.join(format!("given-up-{give_up}")).is_dir(), "kept, not deleted");
    desk.channel = desk.server.start().await;
    let check = async |person| desk.check("opera", "autumn", &address(person)).await;
    assert_eq!(check(0).await, Verdict::AllowedConsent, "nothing was given up of 0");
    assert_eq!(check(1).await, Verdict::DeniedOptedOutEverything, "the no that was lost");
    assert_eq!(check(2).await, Verdict::DeniedOptedOutEverything, "it may have been a no");
    assert_eq!(check(3).await, Verdict::DeniedErased);
    assert!(!holds(&paths.data.join("ledger"), &address(3)));

    // Without a checkpoint nobody knows who it was.
    let copy = kept("copy");
    for entry in std::fs::read_dir(&copy).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("checkpoint-") {
            std::fs::remove_dir_all(path).unwrap();
        }
    }
    damage(&copy, &address(1));
    let copy = copy.to_str().unwrap();
    let repair = ["repair", "--data-dir", copy, "--give-up", &give_up];
    refused(&repair, "unknown addresses");
    assert_eq!(maysend(&["verify", "--data-dir", copy]).status.code(), Some(1), "unchanged");
    done(&[&repair[..], &["--accept-lost-noes", "no backup is left"]].concat());
    done(&["verify", "--data-dir", copy]);
    refused(&repair, "nothing to give up");
}
