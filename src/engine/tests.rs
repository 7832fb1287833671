//! The engine over a real data directory.

mod access;
mod checkpoints;
mod concurrency;
mod erasure;
mod explain;
mod faults;
mod follow;
mod full_disk;
mod imports;
mod links;
mod owner;
mod power_cuts;
mod rights;
mod sheet;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tempfile::TempDir;

use super::Engine;
use super::boot::{BootError, Settings};
use super::check::{Answer, Question};
use super::clock::Clock;
use super::error::{EngineError, InvalidRequest};
use super::preferences::PreferencesUpdate;
use super::write::{Write, Written};
use crate::ledger::{Disk, Options, RealDisk};
use crate::model::actor::Caller;
use crate::model::campaign::Channel;
use crate::model::command::{Choice, Command, Wish};
use crate::model::day::{Day, Timestamp};
use crate::model::evidence::{Evidence, LegalBasis, Method, Notice};
use crate::model::fact::Cause;
use crate::model::revision::Revision;
use crate::model::scope::Scope;
use crate::model::verdict::{Verdict, WriteOutcome};

const CATALOG: &str = r#"
[policy]
marketing = "opt-in"
[[controller]]
id = "buehne"
title = "Buehne"
[[brand]]
id = "festival"
controller = "buehne"
title = "Festival"
topic = [ { id = "newsletter", title = "Newsletter" }, { id = "programm", title = "Programm" } ]
[[campaign]]
brand = "festival"
id = "advent"
topic = "newsletter"
purpose = "marketing"
"#;

/// A clock that stands where it is put.
#[derive(Debug)]
pub(super) struct TestClock(AtomicI64);

impl TestClock {
    pub(super) fn at(day: u16) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(Day::new(day).start().nanos())))
    }

    fn set(&self, day: u16) {
        self.0.store(Day::new(day).start().nanos(), Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

mod limits;

const TODAY: u16 = 20_000;

fn settings(dir: &Path) -> Settings {
    Settings {
        data_dir: dir.to_owned(),
        key_file: None,
        catalog_file: "catalog.toml".to_owned(),
        catalog_source: CATALOG.to_owned(),
        public_url: Some("https://example.org/".to_owned()),
        accept_clock: false,
        ledger: Options::default(),
    }
}

pub(super) async fn open(dir: &Path, clock: &Arc<TestClock>) -> Result<Arc<Engine>, BootError> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    Engine::open(settings(dir), disk, clock.clone()).await
}

fn caller() -> Caller {
    Caller::local("anna")
}

fn newsletter(engine: &Engine) -> Scope {
    let catalog = engine.catalog();
    let brand = catalog.brand("festival").unwrap();
    Scope::Topic(brand.topic(&catalog.names, "newsletter").unwrap().id)
}

fn consent(engine: &Engine) -> Command {
    Command::RecordConsent {
        scopes: vec![newsletter(engine)],
        legal_basis: LegalBasis::Consent,
        evidence: Arc::new(form()),
    }
}

fn form() -> Evidence {
    Evidence {
        method: Method::Form,
        source: "https://example.org/form".into(),
        notice: Notice {
            wording: "Yes, please.".into(),
            version: "1".into(),
            language: "en".into(),
        },
        ..Evidence::default()
    }
}

fn opt_out(scope: Scope) -> Command {
    Command::OptOut { scopes: vec![scope], reason: "asked".into(), evidence: None }
}

async fn write(
    engine: &Engine,
    command: Command,
    address: &str,
    request_id: &str,
) -> Result<Written, EngineError> {
    let addresses = vec![address.as_bytes().into()];
    let body = format!("{command:?}{address}").into_bytes();
    engine.write(&caller(), Write { command, addresses, request_id: request_id.into(), body }).await
}

async fn check(engine: &Engine, addresses: &[&str]) -> Answer {
    let question = Question { brand: "festival", campaign: "advent", at_least: Revision::ZERO };
    let octets = addresses.iter().map(|address| address.as_bytes());
    engine.check(&caller(), &question, octets, addresses.len()).await.unwrap()
}

#[track_caller]
fn refuses<T: std::fmt::Debug>(answer: Result<T, EngineError>, field: &str) {
    match answer {
        Err(EngineError::Invalid(invalid)) => assert_eq!(invalid.violations[0].field, field),
        other => panic!("{other:?}"),
    }
}

async fn verdict(engine: &Engine, address: &str) -> Verdict {
    Verdict::from_code(check(engine, &[address]).await.verdicts[0]).unwrap()
}

#[tokio::test]
async fn a_write_is_effective_in_the_next_answer_and_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::at(TODAY);
    let engine = open(dir.path(), &clock).await.unwrap();
    assert_eq!(verdict(&engine, "ann@example.org").await, Verdict::UnknownAddress);
    let written = write(&engine, consent(&engine), "Ann@Example.org", "").await.unwrap();
    assert_eq!(written.outcomes, [WriteOutcome::Applied]);
    assert_eq!(verdict(&engine, "ann@example.org").await, Verdict::AllowedConsent);
    write(&engine, opt_out(newsletter(&engine)), "ann@example.org", "").await.unwrap();
    assert_eq!(verdict(&engine, "ann@example.org").await, Verdict::OptedOutTopic);
    engine.stop().await;
    drop(engine);

    let engine = open(dir.path(), &clock).await.unwrap();
    assert_eq!(verdict(&engine, "ann@example.org").await, Verdict::OptedOutTopic);
    let page = engine.history(&caller(), b"ann@example.org", 0, "").await.unwrap();
    assert_eq!(page.events.len(), 2);
    let proof = page.events[1].statement.evidence.as_ref().unwrap();
    assert_eq!(**proof, form(), "the notice is stored apart and comes back with its event");
    // The checkpoint holds what the ledger does.
    engine.checkpoint().unwrap();
    write(&engine, opt_out(Scope::Everything), "bob@example.org", "").await.unwrap();
    engine.stop().await;
    drop(engine);
    let engine = open(dir.path(), &clock).await.unwrap();
    assert_eq!(verdict(&engine, "ann@example.org").await, Verdict::OptedOutTopic);
    assert_eq!(verdict(&engine, "bob@example.org").await, Verdict::OptedOutEverything);
    engine.stop().await;
}

#[tokio::test]
async fn a_request_id_gets_the_first_response_also_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::at(TODAY);
    let engine = open(dir.path(), &clock).await.unwrap();
    let first = write(&engine, opt_out(Scope::Everything), "ann@example.org", "r1").await.unwrap();
    let again = write(&engine, opt_out(Scope::Everything), "ann@example.org", "r1").await.unwrap();
    assert_eq!(first, again);
    let other = write(&engine, opt_out(Scope::Everything), "bob@example.org", "r1").await;
    assert!(matches!(other, Err(EngineError::RequestIdReused { .. })), "{other:?}");
    for checkpoint in [false, true] {
        if checkpoint {
            engine.checkpoint().unwrap();
        }
        engine.stop().await;
    }
    drop(engine);
    let engine = open(dir.path(), &clock).await.unwrap();
    let again = write(&engine, opt_out(Scope::Everything), "ann@example.org", "r1").await.unwrap();
    assert_eq!(first, again, "the checkpoint holds the calls of the last day");
    clock.set(TODAY + 1);
    clock.0.fetch_add(1_000_000, Ordering::Relaxed);
    let later = write(&engine, opt_out(Scope::Everything), "ann@example.org", "r1").await.unwrap();
    assert_eq!(later.outcomes, [WriteOutcome::Unchanged], "after 24 hours the id is free again");
    engine.stop().await;
}

#[tokio::test]
async fn the_owner_comes_back_through_a_link_and_staff_do_not() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    write(&engine, opt_out(newsletter(&engine)), "ann@example.org", "").await.unwrap();
    let staff = write(&engine, consent(&engine), "ann@example.org", "").await.unwrap();
    assert_eq!(staff.outcomes, [WriteOutcome::OptedOut]);
    let recipients = [Box::from(&b"ann@example.org"[..]), Box::from(&b"no address"[..])];
    let links = engine.mint_links(&caller(), "festival", "advent", &recipients).await.unwrap();
    assert!(links[1].is_none());
    let links = links[0].clone().unwrap();
    assert!(links.preferences_url.starts_with("https://example.org/p/"), "{links:?}");
    let update = |wish, token: &str| PreferencesUpdate {
        token: token.to_owned(),
        choices: vec![Choice { scope: newsletter(&engine), wish }],
        evidence: Some(Arc::new(form())),
        request_id: "".into(),
        body: Vec::new(),
    };
    let foreign = update(Wish::Subscribe, &links.unsubscribe_token);
    let refused = engine.update_preferences(&caller(), foreign).await;
    assert_eq!(refused.unwrap_err(), EngineError::BadToken);
    let updated = engine
        .update_preferences(&caller(), update(Wish::Subscribe, &links.preferences_token))
        .await
        .unwrap();
    assert_eq!(updated.outcomes, [WriteOutcome::Applied]);
    assert_eq!(updated.preferences.masked_address, "a***@example.org");
    assert!(updated.preferences.topics[0].subscribed);
    assert_eq!(verdict(&engine, "ann@example.org").await, Verdict::AllowedConsent);
    engine.unsubscribe(&caller(), &links.unsubscribe_token, None, None).await.unwrap();
    assert_eq!(verdict(&engine, "ann@example.org").await, Verdict::OptedOutTopic);
    engine.stop().await;
}

#[tokio::test]
async fn a_clock_that_went_back_for_days_takes_noes_and_refuses_yeses() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::at(TODAY);
    let engine = open(dir.path(), &clock).await.unwrap();
    write(&engine, consent(&engine), "ann@example.org", "").await.unwrap();
    clock.set(TODAY - 400);
    assert!(engine.is_clock_in_doubt());
    let yes = write(&engine, consent(&engine), "bob@example.org", "").await;
    assert_eq!(yes.unwrap_err(), EngineError::ClockInDoubt);
    write(&engine, opt_out(Scope::Everything), "ann@example.org", "").await.unwrap();
    assert_eq!(verdict(&engine, "ann@example.org").await, Verdict::OptedOutEverything);
    engine.stop().await;
    drop(engine);
    let mut accepting = settings(dir.path());
    accepting.accept_clock = true;
    let engine = Engine::open(accepting, Arc::new(RealDisk), clock.clone()).await.unwrap();
    assert!(!engine.is_clock_in_doubt());
    let yes = write(&engine, consent(&engine), "bob@example.org", "").await.unwrap();
    assert_eq!(yes.outcomes, [WriteOutcome::Applied]);
    engine.stop().await;
}

#[tokio::test]
async fn a_status_shows_blocks_with_their_reason_and_what_staff_could_do() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let brand = engine.catalog().brand("festival").unwrap().id;
    let block = |cause| Command::BlockAddresses {
        brands: vec![brand],
        channels: vec![Channel::Email],
        cause,
        reason: "fraud".into(),
        opt_out: Vec::new(),
    };
    write(&engine, block(Cause::StaffDecision), "ann@example.org", "").await.unwrap();
    let status = engine.status(&caller(), b"ann@example.org", Revision::ZERO).await.unwrap();
    assert_eq!(&*status.blocks[0].reason, "fraud");
    assert_eq!(status.actions[0].record_consent, WriteOutcome::Blocked);
    assert_eq!(status.actions[0].lift_blocks, WriteOutcome::Applied);
    write(&engine, block(Cause::OwnerRequest), "ann@example.org", "").await.unwrap();
    let status = engine.status(&caller(), b"ann@example.org", Revision::ZERO).await.unwrap();
    assert_eq!(status.actions[0].lift_blocks, WriteOutcome::OptedOut);
    engine.stop().await;
}

#[tokio::test]
async fn a_second_engine_on_the_same_directory_does_not_start() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::at(TODAY);
    let engine = open(dir.path(), &clock).await.unwrap();
    assert!(matches!(open(dir.path(), &clock).await, Err(BootError::InUse(_))));
    engine.stop().await;
}

#[tokio::test]
async fn malformed_addresses_are_answered_in_their_place() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let command = opt_out(Scope::Everything);
    let addresses = ["a@example.org", "nonsense", "b@example.org"];
    let addresses = addresses.iter().map(|address| address.as_bytes().into()).collect();
    let write = Write { command, addresses, request_id: "".into(), body: Vec::new() };
    let written = engine.write(&caller(), write).await.unwrap();
    let applied = WriteOutcome::Applied;
    assert_eq!(written.outcomes, [applied, WriteOutcome::InvalidAddress, applied]);
    let answer = check(&engine, &["b@example.org", "@", "x@example.org"]).await;
    let out = Verdict::OptedOutEverything.code();
    assert_eq!(answer.verdicts, [out, 1, Verdict::UnknownAddress.code()]);
    engine.stop().await;
}
