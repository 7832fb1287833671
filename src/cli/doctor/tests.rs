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
        DoctorArgs { catalog: Some(catalog), listen, ..self.args() }.examine(None)
    }

    fn args(&self) -> DoctorArgs {
        DoctorArgs {
            data_dir: self.data(),
            catalog: None,
            key_file: None,
            listen: None,
            credentials: None,
            tls_client_ca: None,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// With a credential file of this mode.
    fn with_credentials(&self, text: &str, mode: u32) -> Vec<Point> {
        let file = self.path("credentials.toml");
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        DoctorArgs { credentials: Some(file), ..self.args() }.examine(None)
    }

    /// With a certificate that is good so many seconds from now, from and to.
    fn with_certificate(&self, begins: i64, ends: i64) -> TlsFiles {
        let at = |from_now: i64| {
            let since = SystemClock.now().nanos() / 1_000_000_000 + from_now;
            rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(since).unwrap())
        };
        let mut params = rcgen::CertificateParams::new(["a.example".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (at(begins), at(ends));
        let key = rcgen::KeyPair::generate().unwrap();
        let (cert_file, key_file) = (self.path("cert.pem"), self.path("key.pem"));
        fs::write(&cert_file, params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(&key_file, key.serialize_pem()).unwrap();
        TlsFiles { cert: cert_file, key: key_file, client_ca: None }
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

/// An entry that ends so many seconds from now.
fn entry(name: &str, ends: i64) -> String {
    let ends = SystemClock.now().nanos() + ends * 1_000_000_000;
    let ends = jiff::Timestamp::from_nanosecond(i128::from(ends)).unwrap();
    format!(
        "[[credential]]\nname = \"{name}\"\nroles = [\"system\"]\nsan = [\"dns:{name}\"]\n\
         created = 2026-01-01\nexpires = {ends}\n"
    )
}

const DAY: i64 = 86_400;

#[test]
fn credentials_that_let_in_nobody_or_too_many_or_end_soon_are_told() {
    let patient = Patient::new();
    let check = |text: &str, mode, state, words: &[&str]| {
        let points = patient.with_credentials(text, mode);
        words.iter().for_each(|words| has(&points, "credentials", state, words));
    };
    let (a, b) = (entry("a", 14 * DAY + 60), entry("b", 13 * DAY + 60));
    check(&a, 0o600, State::Ok, &["credentials.toml` has 1 good credential"]);
    check(&a, 0o640, State::Warning, &["mode 0640: others can get at it"]);
    check(
        &(a.clone() + &b),
        0o600,
        State::Warning,
        &["has 2 good credentials", "`b` ends in 13 days"],
    );
    let last = entry("c", 60);
    check(
        &(b + &last),
        0o604,
        State::Warning,
        &["0604", "`b` ends", "`c` ends in less than a day"],
    );
    let revoked = entry("b", 60) + "revoked = true\n";
    check(&(a + &revoked), 0o600, State::Ok, &["has 1 good credential"]);
    check(&entry("a", -1), 0o600, State::Warning, &["has 0 good credentials"]);
    check("", 0o600, State::Warning, &["has 0 good credentials"]);
    check("[[credential]]\nname = \"a\"\n", 0o600, State::Problem, &["credentials.toml:1"]);
    let none = DoctorArgs { credentials: Some(patient.path("none")), ..patient.args() };
    has(&none.examine(None), "credentials", State::Problem, "cannot be opened: No such file");
    let without = patient.points("127.0.0.1:0");
    assert!(without.iter().all(|point| !["credentials", "certificate"].contains(&point.name)));
}

#[test]
fn a_certificate_that_is_of_no_use_or_ends_soon_is_told() {
    let patient = Patient::new();
    #[track_caller]
    fn check(patient: &Patient, files: &TlsFiles, state: State, words: &str) {
        has(&patient.args().examine(Some(files)), "certificate", state, words);
    }
    let year = |ends| patient.with_certificate(ends - 365 * DAY, ends);
    check(&patient, &year(14 * DAY + 60), State::Ok, "belong together");
    check(&patient, &year(14 * DAY - 1), State::Warning, "ends in 13 days");
    check(&patient, &year(-1), State::Problem, "has ended");
    check(&patient, &patient.with_certificate(60, DAY), State::Problem, "not good yet");
    let good = year(90 * DAY);
    let other = patient.path("other.pem");
    fs::write(&other, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let with = |key: &PathBuf, client_ca| TlsFiles { key: key.clone(), client_ca, ..good.clone() };
    check(&patient, &with(&other, None), State::Problem, "do not belong together");
    check(&patient, &with(&patient.path("none"), None), State::Problem, "cannot read");
    check(&patient, &with(&good.key, Some(other)), State::Problem, "holds no certificate");
    check(&patient, &with(&good.key, Some(good.cert.clone())), State::Ok, "belong together");
}

#[test]
fn sizes_are_short() {
    for (number, text) in
        [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (3 << 30, "3.0 GiB")]
    {
        assert_eq!(octets(number), text);
    }
}
