//! The doctor over real directories: every point that can be provoked is.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::*;
use crate::keys::Keys;

/// A data directory as a server leaves it, as far as the doctor looks.
struct Patient(TempDir);

impl Patient {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("store");
        fs::create_dir_all(data.join("ledger")).unwrap();
        fs::set_permissions(&data, Permissions::from_mode(0o700)).unwrap();
        fs::write(data.join("ledger/00000000000000000001.seg"), [1; 4096]).unwrap();
        fs::write(data.join("lock"), "").unwrap();
        Keys::create(&data.join("keys.toml")).unwrap();
        Self(dir)
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("store")
    }

    fn points(&self, listen: &str) -> Vec<Point> {
        let catalog = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/catalog.toml");
        self.points_with(listen, catalog.into())
    }

    fn points_with(&self, listen: &str, catalog: PathBuf) -> Vec<Point> {
        let listen = Some(listen.parse().unwrap());
        let data_dir = self.data();
        DoctorArgs { data_dir, catalog: Some(catalog), key_file: None, listen }.examine()
    }

    #[track_caller]
    fn has(&self, name: &str, state: State, words: &str) {
        let socket = format!("unix:{}", self.0.path().join("socket").display());
        has(&self.points(&socket), name, state, words);
    }
}

#[track_caller]
fn has(points: &[Point], name: &str, state: State, words: &str) {
    let point = points.iter().find(|point| point.name == name).unwrap();
    assert_eq!(point.state, state, "{point:?}");
    assert!(point.found.contains(words), "{point:?}");
    assert_eq!(point.mend.is_empty(), state == State::Ok, "{point:?}");
}

#[test]
fn a_sound_directory_has_no_problem_and_is_left_as_it_was() {
    let patient = Patient::new();
    let listing = || {
        let mut names = store::entries(&patient.data());
        names.sort();
        names
    };
    let before = listing();
    patient.has("data directory", State::Ok, "mode 0700");
    patient.has("keys", State::Ok, "nobody else reads it");
    patient.has("lock", State::Ok, "no server");
    patient.has("checkpoint", State::Ok, "none yet");
    patient.has("catalog", State::Ok, "no fault");
    patient.has("address", State::Ok, "is free");
    assert_eq!(listing(), before);
    // The disk, memory and clock of the machine that the test runs on are what they are.
    let points = patient.points("127.0.0.1:0");
    for name in ["file system", "space", "durability", "reserve", "memory", "clock", "kernel"] {
        assert!(points.iter().any(|point| point.name == name), "{name}: {points:?}");
    }
}

#[test]
fn a_directory_that_is_open_foreign_or_missing_is_told() {
    let patient = Patient::new();
    fs::set_permissions(patient.data(), Permissions::from_mode(0o750)).unwrap();
    patient.has("data directory", State::Warning, "others can look in");
    // Only root gives files away.
    if rustix::process::geteuid().is_root() {
        chown(patient.data().join("ledger/00000000000000000001.seg"), Some(12345), None).unwrap();
        patient.has("data directory", State::Problem, "belongs to uid 12345, the rest to root");
    }
    fs::remove_dir_all(patient.data()).unwrap();
    patient.has("data directory", State::Ok, "is made at the first start");
    patient.has("keys", State::Ok, "is made at the first start");
    fs::write(patient.data(), "").unwrap();
    patient.has("data directory", State::Problem, "is no directory");
}

#[test]
fn keys_that_are_open_broken_or_gone_are_told_without_a_secret() {
    let patient = Patient::new();
    let keys = patient.data().join("keys.toml");
    fs::set_permissions(&keys, Permissions::from_mode(0o644)).unwrap();
    patient.has("keys", State::Problem, "");
    fs::set_permissions(&keys, Permissions::from_mode(0o600)).unwrap();
    fs::write(&keys, "fingerprint_key = \"s3cr3t\"").unwrap();
    patient.has("keys", State::Problem, "");
    let told = format!("{:?}", patient.points("127.0.0.1:0"));
    assert!(!told.contains("s3cr3t"), "{told}");
    fs::remove_file(&keys).unwrap();
    patient.has("keys", State::Problem, "but there is a ledger");
}

#[test]
fn a_catalog_with_faults_is_told_with_its_lines() {
    let patient = Patient::new();
    let catalog = patient.0.path().join("catalog.toml");
    let points = || patient.points_with("127.0.0.1:0", catalog.clone());
    has(&points(), "catalog", State::Problem, "cannot be read");
    fs::write(&catalog, "[[brand]]\nid = \"x\"\n").unwrap();
    has(&points(), "catalog", State::Problem, "catalog.toml:1");
}

#[test]
fn a_checkpoint_that_fell_behind_and_a_clock_that_went_back_are_told() {
    let patient = Patient::new();
    let checkpoint = patient.data().join("checkpoint-00000000000000000007");
    fs::create_dir(&checkpoint).unwrap();
    fs::write(checkpoint.join("db"), [0; 3000]).unwrap();
    fs::create_dir(patient.data().join("checkpoint-00000000000000000009.new")).unwrap();
    patient.has("checkpoint", State::Ok, "#7, 2.9 KiB");
    let segment = patient.data().join("ledger/00000000000000000001.seg");
    let segment = fs::File::options().write(true).open(segment).unwrap();
    segment.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(5_000_000_000)).unwrap();
    patient.has("checkpoint", State::Warning, "minutes later");
    patient.has("clock", State::Problem, "before the last write");
}

#[test]
fn who_holds_the_directory_or_the_address_is_told() {
    let patient = Patient::new();
    let path = patient.0.path().join("socket");
    let _listener = UnixListener::bind(&path).unwrap();
    patient.has("address", State::Problem, "somebody listens");
    let lock = fs::File::options().write(true).open(patient.data().join("lock")).unwrap();
    lock.lock().unwrap();
    let points = patient.points("127.0.0.1:0");
    let id = std::process::id().to_string();
    let point = points.iter().find(|point| point.name == "lock").unwrap();
    assert!(point.found.contains(&format!("process {id}")), "{point:?}");
    patient.has("address", State::Ok, "is answered");
    drop(lock);
    let long = format!("unix:/{}", "x".repeat(200));
    has(&patient.points(&long), "address", State::Problem, "longer than 107");
    has(&patient.points("unix:/nowhere/at/all"), "address", State::Problem, "does not exist");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    has(&patient.points(&address), "address", State::Problem, "somebody listens");
    drop(taken);
    has(&patient.points(&address), "address", State::Ok, "is free");
}

#[test]
fn sizes_are_short() {
    for (number, text) in
        [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (3 << 30, "3.0 GiB")]
    {
        assert_eq!(octets(number), text);
    }
}
