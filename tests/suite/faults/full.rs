//! A full disk: a real one, a tmpfs of a few MiB. Yeses are refused, noes are taken into the space
//! reserved for them, checks and checkpoints that fail harm nothing, and with room all goes on
//! without a restart.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use maysend::grpc::WRITING_SERVICES;
use maysend::grpc::api::{OptOutRequest, RegisterAddressesRequest};
use maysend::model::verdict::Verdict;
use tempfile::TempDir;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::people::{Person, Told, settle, verdicts, verify, verify_offline};
use super::refused::is_root;
use crate::desk::topic;
use crate::process::{Server, consent, is_serving};

const MIB: u64 = 1 << 20;

/// Addresses of a call that fills the disk.
const CALL: usize = 500;

/// A file system of its own size.
pub(super) struct Tmpfs(TempDir);

impl Tmpfs {
    pub(super) fn mount(octets: u64) -> Self {
        let point = TempDir::new().unwrap();
        let size = format!("size={octets}");
        let mount = ["-t", "tmpfs", "-o", &size, "maysend-test"];
        assert!(Command::new("mount").args(mount).arg(point.path()).status().unwrap().success());
        Self(point)
    }

    pub(super) fn data_dir(&self) -> PathBuf {
        self.0.path().join("store")
    }

    fn used(&self) -> u64 {
        let found = rustix::fs::statvfs(self.0.path()).unwrap();
        (found.f_blocks - found.f_bfree) * found.f_frsize
    }

    /// So much is free from now on.
    pub(super) fn leave(&self, free: u64) {
        let options = format!("remount,size={}", self.used() + free);
        let done = Command::new("mount").args(["-o", &options]).arg(self.0.path()).status();
        assert!(done.unwrap().success(), "{options}");
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(self.0.path()).status().unwrap();
    }
}

fn addresses(what: &str, call: usize) -> Vec<String> {
    (0..CALL).map(|number| format!("{what}{call}n{number}@example.org")).collect()
}

pub(super) async fn register(channel: &Channel, call: usize) -> Result<(), Status> {
    let request = RegisterAddressesRequest {
        addresses: addresses("r", call),
        controllers: vec!["buehne".to_owned()],
        source: "shop".to_owned(),
        ..Default::default()
    };
    consent(channel).register_addresses(request).await.map(|_| ())
}

async fn opt_out(channel: &Channel, call: usize) -> Result<(), Status> {
    let request = OptOutRequest {
        addresses: addresses("o", call),
        scopes: vec![topic("festival", "newsletter")],
        reason: "by phone".to_owned(),
        ..Default::default()
    };
    consent(channel).opt_out(request).await.map(|_| ())
}

#[track_caller]
fn is_full(result: Result<(), Status>) -> bool {
    let Err(status) = result else { return false };
    let reason = status.get_details_error_info().map(|info| info.reason);
    assert_eq!((status.code(), reason.as_deref()), (Code::ResourceExhausted, Some("DISK_FULL")));
    true
}

/// So many calls are in force whole, and the one behind them not at all.
async fn in_force(channel: &Channel, what: &str, calls: usize, expected: Verdict) {
    for call in 0..calls {
        let told = verdicts(channel, &addresses(what, call)).await.unwrap();
        assert!(told.iter().all(|told| *told == expected.code()), "{what}{call}: {told:?}");
    }
    let told = verdicts(channel, &addresses(what, calls)).await.unwrap();
    assert!(told.iter().all(|told| *told == Verdict::UnknownAddress.code()), "{told:?}");
}

async fn all_serve(channel: &Channel) {
    for service in WRITING_SERVICES {
        assert!(is_serving(channel, service).await.unwrap(), "{service}");
    }
}

pub(super) fn may_mount() -> bool {
    if !is_root() {
        println!("NOT RUN: to mount a small disk takes root");
    }
    is_root()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_takes_noes_from_its_reserve_and_needs_no_restart() {
    if !may_mount() {
        return;
    }
    let disk = Tmpfs::mount(40 * MIB);
    let mut server = Server::on(&disk.data_dir(), &["--checkpoint-records", "50"]);
    let channel = server.start().await;
    let mut people: Vec<Person> = (0..12).map(|number| Person::new(format!("p{number}"))).collect();
    for (number, person) in people.iter_mut().enumerate() {
        for _ in 0..number % 6 {
            assert_eq!(person.go_on(&channel).await, Told::Done);
        }
    }

    // Yeses, until the last octet that is not reserved.
    disk.leave(0);
    let mut yeses = 0;
    while !is_full(register(&channel, yeses).await) {
        yeses += 1;
    }
    // And single ones into what is left.
    let mut fillers = Vec::new();
    loop {
        let mut filler = Person::new(format!("f{}", fillers.len()));
        let told = filler.go_on(&channel).await;
        fillers.push(filler);
        if told == Told::Refused("DISK_FULL".to_owned()) {
            break;
        }
        assert_eq!(told, Told::Done);
    }
    verify(&channel, &fillers).await.unwrap();
    all_serve(&channel).await;
    verify(&channel, &people).await.unwrap();

    // Each person's next step: a yes is refused, a no and an erasure are taken.
    let (mut taken, mut refused) = (0, 0);
    for person in &mut people {
        match person.go_on(&channel).await {
            Told::Done => taken += 1,
            told => {
                assert_eq!(told, Told::Refused("DISK_FULL".to_owned()));
                assert!(person.done < 2, "a no is refused: {person:?}");
                refused += 1;
            }
        }
    }
    assert_eq!((taken, refused), (8, 4), "registrations and consents are yeses");
    verify(&channel, &people).await.unwrap();

    // A checkpoint fails meanwhile and harms nothing.
    for _ in 0..400 {
        if server.log().contains("the checkpoint cannot be written") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(server.log().contains("the checkpoint cannot be written"), "{}", server.log());

    // Noes, until the reserve is gone too.
    let mut noes = 0;
    while !is_full(opt_out(&channel, noes).await) {
        noes += 1;
    }
    assert!(noes * CALL >= 10_000, "{noes} calls");
    in_force(&channel, "o", noes, Verdict::OptedOutTopic).await;
    in_force(&channel, "r", yeses, Verdict::AllowedNoObjection).await;
    verify(&channel, &people).await.unwrap();
    all_serve(&channel).await;

    // The server is killed and starts again while the disk is full.
    server.kill();
    let channel = server.start().await;
    settle(&channel, &mut people).await.unwrap();
    in_force(&channel, "o", noes, Verdict::OptedOutTopic).await;
    assert!(is_full(register(&channel, yeses).await));

    // Room: all goes on.
    disk.leave(60 * MIB);
    register(&channel, yeses).await.unwrap();
    opt_out(&channel, noes).await.unwrap();
    for person in people.iter_mut().filter(|person| !person.is_finished()) {
        assert_eq!(person.go_on(&channel).await, Told::Done);
    }
    in_force(&channel, "o", noes + 1, Verdict::OptedOutTopic).await;
    in_force(&channel, "r", yeses + 1, Verdict::AllowedNoObjection).await;
    verify(&channel, &people).await.unwrap();
    server.terminate();
    assert_eq!(verify_offline(&disk.data_dir())["sound"], true);
    println!(
        "full disk: {} yeses until it was full, then {taken} noes and erasures of people and {} \
         opt-outs from the reserve, {refused} yeses refused; all as acknowledged, killed and started \
         on the full disk, and with room without a restart",
        yeses * CALL,
        noes * CALL
    );
}

/// What a start on a disk with so little room says; then, with room, all is well.
async fn start_on(octets: u64) -> Option<String> {
    let disk = Tmpfs::mount(octets);
    let mut server = Server::on(&disk.data_dir(), &[]);
    let mut person = Person::new("ann".to_owned());
    let mut said = None;
    match server.try_start().await {
        Ok(channel) => {
            // What a disk that was too small to begin with takes, it keeps.
            while person.go_on(&channel).await == Told::Done && !person.is_finished() {}
            verify(&channel, std::slice::from_ref(&person)).await.unwrap();
            server.kill();
        }
        Err(ended) => {
            assert_eq!(ended.status.code(), Some(1), "{}", ended.log);
            let line = ended.log.lines().last().unwrap_or_default().to_owned();
            assert!(line.starts_with("maysend: ") && line.contains("No space left"), "{line}");
            said = Some(shown(&line, disk.0.path()));
        }
    }
    disk.leave(40 * MIB);
    let channel = server.start().await;
    settle(&channel, std::slice::from_mut(&mut person)).await.unwrap();
    while !person.is_finished() {
        assert_eq!(person.go_on(&channel).await, Told::Done, "{octets}");
    }
    verify(&channel, &[person]).await.unwrap();
    server.terminate();
    assert_eq!(verify_offline(&disk.data_dir())["sound"], true);
    said
}

fn shown(line: &str, point: &Path) -> String {
    let line = line.replace(point.to_str().unwrap(), "/var/lib");
    match line.split_once(".keys-") {
        Some((before, after)) => format!("{before}.keys-X{}", &after[6..]),
        None => line,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_on_a_disk_without_room_says_so_and_leaves_nothing_in_the_way() {
    if !may_mount() {
        return;
    }
    let page = 4096;
    let sizes = [1, 2, 3, 4, 5, 6, 8, 12, 64, 1024, 2048, 2052, 2056, 2064, 2304, 2560];
    let (mut refused, mut lines) = (0, std::collections::BTreeSet::new());
    for pages in sizes {
        if let Some(line) = start_on(pages * page).await {
            refused += 1;
            lines.insert(line);
        }
    }
    println!("a first start on {} small disks: {refused} refused", sizes.len());
    for line in lines {
        println!("    {line}");
    }
    assert!(refused > 0 && refused < sizes.len());
}
