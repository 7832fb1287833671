use std::fs;

use rcgen::{CertificateParams, KeyPair, SanType, date_time_ymd, generate_simple_self_signed};
use tempfile::TempDir;

use super::*;

const DAY: i64 = 86_400;

fn write(dir: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

fn pair(dir: &TempDir, name: &str) -> TlsFiles {
    let made = generate_simple_self_signed([name.to_owned()]).unwrap();
    TlsFiles {
        cert: write(dir, "cert.pem", &made.cert.pem()),
        key: write(dir, "key.pem", &made.signing_key.serialize_pem()),
        client_ca: None,
    }
}

#[track_caller]
fn refused(files: TlsFiles, why: &str) {
    let told = format!("{:#}", Tls::load(files).unwrap_err());
    assert!(told.contains(why), "{told}");
}

#[test]
fn files_that_are_of_no_use_are_told_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let good = pair(&dir, "a.example");
    assert!(Tls::load(good.clone()).is_ok());
    let with = |change: &dyn Fn(&mut TlsFiles)| {
        let mut files = good.clone();
        change(&mut files);
        files
    };
    let empty = write(&dir, "empty.pem", "nothing\n");
    let other = write(&dir, "other.pem", &KeyPair::generate().unwrap().serialize_pem());
    refused(with(&|files| files.cert = "/none.pem".into()), "cannot read `/none.pem`");
    refused(with(&|files| files.cert = empty.clone()), "empty.pem` holds no certificate");
    refused(with(&|files| files.key = empty.clone()), "empty.pem` holds no key");
    refused(with(&|files| files.key = other.clone()), "do not belong together");
    refused(with(&|files| files.client_ca = Some(empty.clone())), "holds no certificate");
}

#[test]
fn a_change_is_seen_once_and_a_bad_one_keeps_the_old() {
    let dir = tempfile::tempdir().unwrap();
    let tls = Tls::load(pair(&dir, "a.example")).unwrap();
    let shown = || Arc::as_ptr(&tls.current.read().config);
    let first = shown();
    assert!(!tls.has_changed());
    fs::write(dir.path().join("cert.pem"), "half a certif").unwrap();
    assert!(tls.has_changed());
    assert!(tls.reload().is_err());
    assert!(!tls.has_changed(), "it is told once");
    assert_eq!(shown(), first);
    pair(&dir, "b.example");
    assert!(tls.has_changed());
    tls.reload().unwrap();
    assert_ne!(shown(), first);
}

#[test]
fn a_certificate_near_its_end_is_told_once_a_day() {
    let year = Life { begins: 0, ends: 365 * DAY };
    assert_eq!(year.age(-1), Age::NotYet);
    assert_eq!(year.age(351 * DAY), Age::Good);
    assert_eq!(year.age(351 * DAY + 1), Age::Ends(13));
    assert_eq!(year.age(365 * DAY - 1), Age::Ends(0));
    assert_eq!(year.age(365 * DAY), Age::Ended);
    let day = Life { begins: 0, ends: DAY };
    assert_eq!((day.age(DAY * 3 / 4), day.age(DAY * 3 / 4 + 1)), (Age::Good, Age::Ends(0)));

    let dir = tempfile::tempdir().unwrap();
    let tls = Tls::load(pair(&dir, "a.example")).unwrap();
    // Theirs are good from 1975 to 4096.
    let now = 2_000_000_000;
    assert_eq!((tls.news(now), tls.news(now + 1)), (Some(Age::Good), None));
    assert_eq!(tls.news(now + DAY), Some(Age::Good));
    pair(&dir, "b.example");
    tls.reload().unwrap();
    assert_eq!(tls.news(now + DAY), None, "the same life, told today");
}

#[test]
fn names_are_what_the_certificate_says() {
    let mut params = CertificateParams::new(["crm.example".to_owned()]).unwrap();
    let uri = "spiffe://example/crm".try_into().unwrap();
    params.subject_alt_names.push(SanType::URI(uri));
    params.subject_alt_names.push(SanType::Rfc822Name("it@crm.example".try_into().unwrap()));
    params.subject_alt_names.push(SanType::IpAddress([10, 0, 0, 1].into()));
    params.not_after = date_time_ymd(2030, 1, 1);
    let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    let names = names_of(made.der()).unwrap();
    let expect = ["dns:crm.example", "uri:spiffe://example/crm", "email:it@crm.example"];
    assert_eq!(names, PeerNames(expect.map(str::to_owned).into()));
    assert_eq!(life_of(made.der()).unwrap().ends, 1_893_456_000);
    assert!(names_of(&CertificateDer::from(vec![1, 2, 3])).is_err());
}
