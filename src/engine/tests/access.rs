//! Access requests: one open an address, by when, and how long each stays in the queue.

use super::erasure::{EVE, approve, kinds, named, request as request_erasure};
use super::*;
use crate::engine::access::{AccessAsk, AccessRequest, AccessTaken};
use crate::ledger::fault::FaultDisk;
use crate::model::actor::ActorClass;
use crate::model::event::EventKind;

fn ask(address: &str, words: &str) -> AccessAsk {
    AccessAsk {
        address: address.as_bytes().into(),
        words: words.into(),
        evidence: None,
        request_id: "".into(),
        body: words.as_bytes().to_vec(),
    }
}

async fn request(engine: &Engine, address: &str) -> AccessTaken {
    engine.request_access(&caller(), ask(address, "what do you hold?")).await.unwrap()
}

async fn answer(engine: &Engine, id: Revision) -> AccessTaken {
    engine.answer_access(&named("ben"), &id.to_string(), "sent by mail".into()).await.unwrap()
}

async fn open_requests(engine: &Engine) -> Vec<AccessRequest> {
    let page = engine.access_requests(&caller(), 0, "").await.unwrap();
    assert_eq!(page.next_page_token, "");
    page.requests
}

#[tokio::test]
async fn a_request_is_open_until_somebody_answers() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    write(&engine, consent(&engine), EVE, "").await.unwrap();
    let taken = request(&engine, EVE).await;
    assert_eq!(taken.outcome, WriteOutcome::Applied);
    let first = taken.request.unwrap();
    assert_eq!(first.address.as_ref().unwrap().as_str(), EVE);
    let said = &first.requested;
    assert_eq!((said.by.class, &*said.words), (ActorClass::Staff, "what do you hold?"));
    assert_eq!((first.id, first.revision, &first.answered), (engine.head(), engine.head(), &None));
    assert_eq!(verdict(&engine, EVE).await, Verdict::AllowedConsent, "it changes no verdict");
    assert_eq!(open_requests(&engine).await, std::slice::from_ref(&first));

    // Again, in other words and by another: it is that one, and nothing is recorded.
    let again = engine.request_access(&named("ben"), ask("Canary-EVE@example.org", "well?")).await;
    let again = again.unwrap();
    assert_eq!((again.outcome, again.request.as_ref()), (WriteOutcome::Unchanged, Some(&first)));
    assert_eq!(engine.head(), first.revision);

    let answered = answer(&engine, first.id).await;
    assert_eq!(answered.outcome, WriteOutcome::Applied);
    let closed = answered.request.unwrap();
    let told = closed.answered.as_ref().unwrap();
    assert_eq!((&*told.by.id, &*told.words), ("ben", "sent by mail"));
    assert_eq!((closed.id, closed.revision), (first.id, engine.head()));
    assert_eq!(open_requests(&engine).await, []);
    let late = engine.answer_access(&named("cora"), &first.id.to_string(), "by fax".into()).await;
    let late = late.unwrap();
    assert_eq!((late.outcome, late.request), (WriteOutcome::Unchanged, Some(closed.clone())));

    // Who asks once more is answered once more; the answer to the first is that of the first.
    let second = request(&engine, EVE).await.request.unwrap();
    assert!(second.id > closed.revision);
    assert_eq!(answer(&engine, first.id).await.request.as_ref(), Some(&closed));
    assert_eq!(open_requests(&engine).await, std::slice::from_ref(&second));
    assert_eq!(answer(&engine, second.id).await.outcome, WriteOutcome::Applied);
    assert_eq!(answer(&engine, first.id).await.request, Some(closed));
    let (asked, told) = (EventKind::AccessRequested, EventKind::AccessAnswered);
    let kinds = kinds(&engine, EVE).await;
    assert_eq!(kinds, [told, asked, told, asked, EventKind::ConsentGranted]);
    engine.stop().await;
}

#[tokio::test]
async fn of_whom_nothing_is_held_may_ask_too() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    assert_eq!(request(&engine, EVE).await.outcome, WriteOutcome::Applied);
    assert_eq!(verdict(&engine, EVE).await, Verdict::UnknownAddress);
    engine.stop().await;
}

/// What the day of a request, and what its letter says, make of the due date.
#[track_caller]
fn due(clock: &str, letter: Option<&str>, expect: &str) -> impl Future<Output = ()> {
    let at = |text: &str| {
        let at: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_parts(at.as_second(), at.subsec_nanosecond()).unwrap()
    };
    let (now, letter, expect) = (at(clock), letter.map(at), at(expect));
    async move {
        let dir = TempDir::new().unwrap();
        let clock = TestClock::at(0);
        clock.0.store(now.nanos(), Ordering::Relaxed);
        let engine = open(dir.path(), &clock).await.unwrap();
        let evidence = Evidence { occurred_at: letter, ..Evidence::default() };
        let ask = AccessAsk { evidence: Some(Arc::new(evidence)), ..ask(EVE, "") };
        let taken = engine.request_access(&caller(), ask).await.unwrap();
        // The clock goes on by a nanosecond each time that it is looked at.
        let late = taken.request.unwrap().due.nanos() - expect.nanos();
        assert!((0..1_000).contains(&late), "{late} ns after {expect:?}");
        engine.stop().await;
    }
}

#[tokio::test]
async fn a_request_is_due_after_a_month() {
    due("2026-11-22T13:05:07Z", None, "2026-12-22T13:05:07Z").await;
    due("2027-01-31T10:00:00Z", None, "2027-02-28T10:00:00Z").await;
    due("2028-01-31T10:00:00Z", None, "2028-02-29T10:00:00Z").await;
    due("2026-11-22T13:05:07Z", Some("2026-11-19T00:00:00Z"), "2026-12-19T00:00:00Z").await;
    due("2026-11-22T13:00:00Z", Some("2026-11-22T13:04:00Z"), "2026-12-22T13:00:00Z").await;
}

#[tokio::test]
async fn the_queue_is_the_same_from_a_checkpoint_and_from_the_ledger_alone() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::at(TODAY);
    let engine = open(dir.path(), &clock).await.unwrap();
    let names = ["ann@example.org", "bob@example.org", EVE, "fay@example.org"];
    let mut asked = Vec::new();
    for name in names {
        asked.push(request(&engine, name).await.request.unwrap());
    }
    answer(&engine, asked[0].id).await;
    let case = request_erasure(&engine, "anna", "a letter", "").await.unwrap();
    // An older checkpoint, from which replay meets what was answered, erased and asked since.
    engine.checkpoint().unwrap();
    approve(&engine, "ben", &case.id).await.unwrap();
    answer(&engine, asked[1].id).await;
    let again = request(&engine, names[1]).await.request.unwrap();
    let expect = [asked[3].clone(), again];
    assert_eq!(open_requests(&engine).await, expect);
    engine.stop().await;
    drop(engine);

    let engine = open(dir.path(), &clock).await.unwrap();
    assert_eq!(open_requests(&engine).await, expect, "from the older checkpoint and the tail");
    engine.checkpoint().unwrap();
    engine.stop().await;
    drop(engine);
    let engine = open(dir.path(), &clock).await.unwrap();
    assert_eq!(open_requests(&engine).await, expect, "from a checkpoint alone");
    engine.stop().await;
    drop(engine);
    for entry in std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap()) {
        if entry.file_name().to_str().unwrap().starts_with("checkpoint-") {
            std::fs::remove_dir_all(entry.path()).unwrap();
        }
    }
    let engine = open(dir.path(), &clock).await.unwrap();
    assert_eq!(open_requests(&engine).await, expect, "from the ledger alone");
    let answered = answer(&engine, asked[0].id).await;
    assert_eq!(answered.outcome, WriteOutcome::Unchanged, "it is still known how");
    engine.stop().await;
}

#[tokio::test]
async fn an_erasure_ends_what_was_asked() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    write(&engine, consent(&engine), EVE, "").await.unwrap();
    let case = request_erasure(&engine, "anna", "a letter", "").await.unwrap();
    // While it is pending the data are there, and so is the right to know them.
    let first = request(&engine, EVE).await.request.unwrap();
    assert_eq!(verdict(&engine, EVE).await, Verdict::ErasurePending);
    assert_eq!(answer(&engine, first.id).await.outcome, WriteOutcome::Applied);
    let at_reviewers = async || {
        let page = engine.erasure_cases(&caller(), None, 0, "").await.unwrap();
        page.cases[0].access_request
    };
    assert_eq!(at_reviewers().await, None);
    let second = request(&engine, EVE).await.request.unwrap();
    assert_eq!(at_reviewers().await, Some(second.id), "told before it is too late");
    approve(&engine, "ben", &case.id).await.unwrap();
    assert_eq!((open_requests(&engine).await, at_reviewers().await), (vec![], None));
    for id in [first.id, second.id] {
        let gone = engine.answer_access(&caller(), &id.to_string(), "sent".into()).await;
        assert_eq!(gone.unwrap_err(), EngineError::UnknownAccessRequest { id: id.to_string() });
    }
    let head = engine.head();
    let asked = request(&engine, EVE).await;
    assert_eq!((asked.outcome, asked.request), (WriteOutcome::Erased, None));
    assert_eq!(engine.head(), head, "what is recorded there could not be erased again");
    assert_eq!(verdict(&engine, EVE).await, Verdict::Erased);
    engine.stop().await;
}

#[tokio::test]
async fn a_request_id_gets_the_request_of_its_first_call() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let named = |words| AccessAsk { request_id: "r1".into(), ..ask(EVE, words) };
    let taken = engine.request_access(&caller(), named("well?")).await.unwrap();
    assert_eq!(engine.request_access(&caller(), named("well?")).await.unwrap(), taken);
    let first = taken.request.unwrap();
    let closed = answer(&engine, first.id).await.request;
    let second = request(&engine, EVE).await.request.unwrap();
    let repeated = engine.request_access(&caller(), named("well?")).await.unwrap();
    assert_eq!((repeated.outcome, repeated.request), (WriteOutcome::Applied, closed), "as it is");
    assert_ne!(second.id, first.id);
    let other = engine.request_access(&caller(), named("who?")).await;
    assert!(matches!(other, Err(EngineError::RequestIdReused { .. })), "{other:?}");
    engine.stop().await;
}

#[tokio::test]
async fn what_is_malformed_or_names_no_request_is_refused() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let written = write(&engine, consent(&engine), EVE, "").await.unwrap();
    let words = "x".repeat(2_001);
    refuses(engine.request_access(&caller(), ask("eve", "")).await, "address");
    refuses(engine.request_access(&caller(), ask(EVE, &words)).await, "words");
    let evidence = Some(Arc::new(Evidence {
        notice: Notice { wording: format!("Dear {EVE}").into(), ..Notice::default() },
        ..Evidence::default()
    }));
    let naming = AccessAsk { evidence, ..ask(EVE, "") };
    refuses(engine.request_access(&caller(), naming).await, "evidence.wording");
    assert_eq!(open_requests(&engine).await, []);
    let id = request(&engine, EVE).await.request.unwrap().id.to_string();
    refuses(engine.answer_access(&caller(), &id, " ".into()).await, "note");
    refuses(engine.answer_access(&caller(), &id, words.into()).await, "note");
    let (padded, consent) = (format!("0{id}"), written.revision.to_string());
    let far = u64::MAX.to_string();
    for foreign in ["", "x", "0", "-1", "1", &padded, &consent, &far, "99999999999999999999"] {
        let unknown = engine.answer_access(&caller(), foreign, "sent".into()).await;
        let expect = EngineError::UnknownAccessRequest { id: foreign.to_owned() };
        assert_eq!(unknown.unwrap_err(), expect);
    }
    assert_eq!(open_requests(&engine).await.len(), 1);
    engine.stop().await;
}

#[tokio::test]
async fn pages_of_the_queue_are_whole_and_ordered() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    for number in 0..7 {
        let asked = request(&engine, &format!("c{number}@example.org")).await.request.unwrap();
        if number % 3 == 0 {
            answer(&engine, asked.id).await;
        }
    }
    let (mut found, mut token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = engine.access_requests(&caller(), 2, &token).await.unwrap();
        found.extend(page.requests);
        token = page.next_page_token;
        pages += 1;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!((&found, pages), (&open_requests(&engine).await, 2), "no empty last page");
    let addresses: Vec<&str> =
        found.iter().map(|request| request.address.as_ref().unwrap().as_str()).collect();
    assert_eq!(addresses, ["c1", "c2", "c4", "c5"].map(|name| format!("{name}@example.org")));
    for foreign in ["x", "0x1", "ffffff", "-1", "00"] {
        refuses(engine.access_requests(&caller(), 2, foreign).await, "page_token");
    }
    engine.stop().await;
}

#[tokio::test]
async fn two_who_ask_at_once_make_one_request() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..20 {
        let engine = engine.clone();
        asking.spawn(async move {
            engine.request_access(&caller(), ask(EVE, &number.to_string())).await.unwrap()
        });
    }
    let taken = asking.join_all().await;
    let applied = taken.iter().filter(|taken| taken.outcome == WriteOutcome::Applied).count();
    let [only] = &open_requests(&engine).await[..] else { panic!("one request") };
    assert_eq!(applied, 1);
    assert!(taken.iter().all(|taken| taken.request.as_ref() == Some(only)));
    engine.stop().await;
}

/// It is no no: the space that is reserved for noes is not for it.
#[tokio::test]
async fn a_full_disk_and_a_wrong_clock_take_no_request_and_record_nothing() {
    let (dir, disk) = (TempDir::new().unwrap(), FaultDisk::new());
    let options = Options { segment_octets: 1 << 20, reserve_octets: 6_000, address_rule: 1 };
    disk.set_capacity(14_000);
    let full = Settings { ledger: options, ..settings(dir.path()) };
    let clock = TestClock::at(TODAY);
    let engine = Engine::open(full, Arc::new(disk.clone()), clock.clone()).await.unwrap();
    let id = request(&engine, EVE).await.request.unwrap().id.to_string();
    let full = loop {
        let taken = engine.head().number();
        let asked = engine.request_access(&caller(), ask(&format!("c{taken}@x.example"), "")).await;
        if let Err(error) = asked {
            break error;
        }
    };
    assert_eq!(full, EngineError::DiskFull);
    let (head, open) = (engine.head(), open_requests(&engine).await);
    let answered = engine.answer_access(&caller(), &id, "sent ".repeat(100).into()).await;
    assert_eq!(answered.unwrap_err(), EngineError::DiskFull);
    write(&engine, opt_out(Scope::Everything), EVE, "").await.unwrap();
    disk.set_capacity(1 << 20);
    clock.set(TODAY - 400);
    let asked = engine.request_access(&caller(), ask("ann@example.org", "")).await;
    assert_eq!(asked.unwrap_err(), EngineError::ClockInDoubt);
    assert_eq!(engine.head(), head.next(), "the no alone");
    assert_eq!(open_requests(&engine).await, open);
    engine.stop().await;
}
