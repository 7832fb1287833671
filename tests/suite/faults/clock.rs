//! A clock that jumps by years under a running server (Debian's libfaketime): no yes comes out of
//! a wrong clock, noes are taken, health tells of it, and `--accept-clock` ends it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use maysend::grpc::api::{
    LegalBasis, OptOutRequest, RecordConsentRequest, RegisterAddressesRequest,
};
use maysend::grpc::codec::AskBuffer;
use maysend::model::verdict::Verdict;
use tempfile::TempDir;
use tonic::Status;
use tonic::transport::Channel;
use tonic_types::StatusExt as _;

use super::people::verify_offline;
use crate::desk::{CATALOG, form, topic};
use crate::process::{Server, consent, decision, is_serving};

/// A mailing of a brand whose yeses lapse after two years, of one whose yeses do not, and of one
/// that mails its customers until they object.
const LAPSES: (&str, &str) = ("opera", "autumn");
const LASTS: (&str, &str) = ("youth", "autumn");
const OBJECTS: (&str, &str) = ("spa", "autumn");

/// Where Debian and its kin put it.
fn library() -> PathBuf {
    let found = fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let found = found.map(|dir| dir.join("faketime/libfaketimeMT.so.1")).find(|path| path.exists());
    found.expect("libfaketime is there: `apt-get install faketime`")
}

/// A server and the offset of its clock.
struct Clocked {
    server: Server,
    dir: TempDir,
}

impl Clocked {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let mut server = Server::with_catalog(CATALOG, &[]);
        server.set("LD_PRELOAD", library());
        server.set("FAKETIME_TIMESTAMP_FILE", dir.path().join("offset"));
        server.set("FAKETIME_NO_CACHE", "1");
        // A wall clock that jumps leaves the monotonic one alone.
        server.set("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        let clocked = Self { server, dir };
        clocked.jump("+0d");
        clocked
    }

    /// From now on the clock is off by so much.
    fn jump(&self, offset: &str) {
        let new = self.dir.path().join("new");
        fs::write(&new, format!("{offset}\n")).unwrap();
        fs::rename(new, self.dir.path().join("offset")).unwrap();
    }

    /// Waits until health says so of the clock; it looks once a second.
    async fn clock_serves(&self, channel: &Channel, expected: bool) {
        for _ in 0..400 {
            if is_serving(channel, "maysend.clock").await.unwrap() == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("maysend.clock is not {expected}: {}", self.server.log());
    }
}

async fn yes(channel: &Channel, address: &str) -> Result<(), Status> {
    let request = RecordConsentRequest {
        addresses: vec![address.to_owned()],
        scopes: vec![topic("opera", "newsletter"), topic("youth", "newsletter")],
        legal_basis: LegalBasis::Consent.into(),
        evidence: Some(form()),
        request_id: String::new(),
    };
    consent(channel).record_consent(request).await.map(|_| ())
}

async fn no(channel: &Channel, address: &str) {
    let request = OptOutRequest {
        addresses: vec![address.to_owned()],
        scopes: vec![topic("opera", "newsletter"), topic("youth", "newsletter")],
        reason: "by phone".to_owned(),
        ..Default::default()
    };
    consent(channel).opt_out(request).await.unwrap();
}

async fn register(channel: &Channel, address: &str) -> Result<(), Status> {
    let request = RegisterAddressesRequest {
        addresses: vec![address.to_owned()],
        controllers: vec!["inn".to_owned()],
        source: "desk".to_owned(),
        ..Default::default()
    };
    consent(channel).register_addresses(request).await.map(|_| ())
}

async fn verdict(channel: &Channel, (brand, campaign): (&str, &str), address: &str) -> Verdict {
    let mut ask = AskBuffer::new(brand, campaign, 0);
    ask.push(address.as_bytes());
    let answer = decision(channel).check(ask.take()).await.unwrap().into_inner();
    Verdict::from_code(answer.verdicts[0]).unwrap()
}

#[track_caller]
fn in_doubt(result: Result<(), Status>) {
    let status = result.unwrap_err();
    assert_eq!(&*status.get_details_error_info().unwrap().reason, "CLOCK_IN_DOUBT");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_back_by_years_lets_nothing_live_that_can_lapse() {
    let mut clocked = Clocked::new();
    let channel = clocked.server.start().await;
    yes(&channel, "ann@example.org").await.unwrap();
    register(&channel, "ann@example.org").await.unwrap();
    clocked.clock_serves(&channel, true).await;
    let mut jumps = 0;
    for offset in ["-3d", "-400d", "-3650d", "-25000d"] {
        jumps += 1;
        clocked.jump(offset);
        assert_eq!(
            verdict(&channel, LAPSES, "ann@example.org").await,
            Verdict::Expired,
            "{offset}"
        );
        assert_eq!(verdict(&channel, LASTS, "ann@example.org").await, Verdict::AllowedConsent);
        assert_eq!(
            verdict(&channel, OBJECTS, "ann@example.org").await,
            Verdict::AllowedNoObjection
        );
        in_doubt(yes(&channel, "bob@example.org").await);
        let name = format!("carl{jumps}@example.org");
        no(&channel, &name).await;
        assert_eq!(verdict(&channel, LASTS, &name).await, Verdict::OptedOutTopic);
        clocked.clock_serves(&channel, false).await;
        assert!(is_serving(&channel, "maysend.v1.DecisionService").await.unwrap());
        // It is right again, and so is all else. No restart.
        clocked.jump("+0d");
        assert_eq!(verdict(&channel, LAPSES, "ann@example.org").await, Verdict::AllowedConsent);
        clocked.clock_serves(&channel, true).await;
    }
    // A day or two are a time zone, and no doubt.
    clocked.jump("-1d");
    assert_eq!(verdict(&channel, LAPSES, "ann@example.org").await, Verdict::AllowedConsent);
    yes(&channel, "bob@example.org").await.unwrap();
    clocked.jump("+0d");
    clocked.server.terminate();
    assert_eq!(verify_offline(&clocked.server.data_dir())["sound"], true);
    println!("clock: {jumps} jumps back by up to 68 years, 0 yeses out of a clock in doubt");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_ahead_lets_yeses_lapse_and_is_taken_back_only_when_told() {
    let mut clocked = Clocked::new();
    let channel = clocked.server.start().await;
    yes(&channel, "ann@example.org").await.unwrap();
    // Ten years ahead, for a moment: all that lapses has lapsed, and is back afterwards.
    clocked.jump("+3650d");
    assert_eq!(verdict(&channel, LAPSES, "ann@example.org").await, Verdict::Expired);
    assert_eq!(verdict(&channel, LASTS, "ann@example.org").await, Verdict::AllowedConsent);
    clocked.jump("+0d");
    assert_eq!(verdict(&channel, LAPSES, "ann@example.org").await, Verdict::AllowedConsent);

    // Something is recorded there. Now the right clock is the one that lies behind.
    clocked.jump("+3650d");
    no(&channel, "bob@example.org").await;
    clocked.jump("+0d");
    clocked.clock_serves(&channel, false).await;
    assert_eq!(verdict(&channel, LAPSES, "ann@example.org").await, Verdict::Expired);
    in_doubt(yes(&channel, "carl@example.org").await);
    assert!(clocked.server.log().contains("--accept-clock"), "{}", clocked.server.log());
    clocked.server.terminate();

    // A restart does not make it right, and says what does.
    let channel = clocked.server.start().await;
    clocked.clock_serves(&channel, false).await;
    in_doubt(yes(&channel, "carl@example.org").await);
    assert!(clocked.server.log().contains("--accept-clock"), "{}", clocked.server.log());
    clocked.server.terminate();

    // The operator says that it is right.
    clocked.server.set_options(&["--accept-clock"]);
    let channel = clocked.server.start().await;
    clocked.clock_serves(&channel, true).await;
    assert_eq!(verdict(&channel, LAPSES, "ann@example.org").await, Verdict::AllowedConsent);
    assert_eq!(verdict(&channel, LASTS, "bob@example.org").await, Verdict::OptedOutTopic);
    yes(&channel, "carl@example.org").await.unwrap();
    clocked.server.kill();

    // And it stays right without being said again.
    clocked.server.set_options(&[]);
    let channel = clocked.server.start().await;
    clocked.clock_serves(&channel, true).await;
    assert_eq!(verdict(&channel, LAPSES, "carl@example.org").await, Verdict::AllowedConsent);
    clocked.server.terminate();
    assert_eq!(verify_offline(Path::new(&clocked.server.data_dir()))["sound"], true);
    println!("clock: jumped ahead by 10 years twice, recorded there once, taken back when told");
}
