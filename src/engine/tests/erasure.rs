//! Erasure: four eyes, what stays and what goes, and a crash or failure at every call of the disk.

mod crash;

use super::*;
use crate::engine::erasure::{CaseState, Certificate, ErasureCase, ErasureRequest};
use crate::model::actor::{ActorClass, Role};
use crate::model::command::Proof;
use crate::model::event::EventKind;

pub(super) const EVE: &str = "canary-eve@example.org";

/// What is in the writes about Eve, each where nothing else puts it.
pub(super) const CANARIES: [&str; 11] = [
    "canary-eve",
    "canary-block-reason",
    "canary-opt-out-reason",
    "canary-erasure-reason",
    "canary-access-words",
    "canary-document",
    "canary-source",
    "canary-network",
    "canary-program",
    "canary-clerk",
    "canary-shop",
];

/// What names nobody and is kept: the notice is shared by all who saw it, a request id by all whom
/// its call named.
pub(super) const KEPT: [&str; 2] = ["canary-wording", "canary-call"];

pub(super) fn named(actor: &str) -> Caller {
    Caller::local(actor)
}

pub(super) async fn request(
    engine: &Engine,
    actor: &str,
    reason: &str,
    request_id: &str,
) -> Result<ErasureCase, EngineError> {
    let request = ErasureRequest {
        address: EVE.as_bytes().into(),
        reason: reason.into(),
        request_id: request_id.into(),
        body: reason.as_bytes().to_vec(),
    };
    engine.request_erasure(&named(actor), request).await
}

pub(super) async fn approve(
    engine: &Engine,
    actor: &str,
    id: &str,
) -> Result<Certificate, EngineError> {
    engine.approve_erasure(&named(actor), id, "passport seen".into()).await
}

/// Writes of many kinds about Eve, and one about Bob, who stays.
pub(super) async fn record_canaries(engine: &Engine) {
    let catalog = engine.catalog();
    let brand = catalog.brand("festival").unwrap().id;
    let evidence = Evidence {
        method: Method::Form,
        source: "canary-source".into(),
        notice: Notice { wording: "canary-wording".into(), ..form().notice },
        document_ref: "canary-document".into(),
        ip: "canary-network".into(),
        user_agent: "canary-program".into(),
        occurred_at: None,
    };
    let commands = [
        Command::RegisterAddresses {
            controllers: vec![brand.controller()],
            source: "canary-shop".into(),
            owner_session: false,
        },
        Command::RecordConsent {
            scopes: vec![newsletter(engine)],
            legal_basis: LegalBasis::Consent,
            evidence: Arc::new(evidence.clone()),
        },
        Command::OptOut {
            scopes: vec![newsletter(engine)],
            reason: "canary-opt-out-reason".into(),
            evidence: Some(Arc::new(evidence)),
        },
        Command::BlockAddresses {
            brands: vec![brand],
            channels: vec![Channel::Email, Channel::Post],
            cause: Cause::StaffDecision,
            reason: "canary-block-reason".into(),
            opt_out: Vec::new(),
        },
        Command::RequestAccess {
            words: "canary-access-words".into(),
            evidence: None,
            owner_link: false,
        },
    ];
    for (number, command) in commands.into_iter().enumerate() {
        let request_id = format!("canary-call-{number}").into();
        let addresses = vec![EVE.as_bytes().into()];
        let write = Write { command, addresses, request_id, body: Vec::new() };
        let written = engine.write(&named("canary-clerk"), write).await.unwrap();
        assert_eq!(written.outcomes, [WriteOutcome::Applied]);
    }
    write(engine, opt_out(Scope::Everything), "bob@example.org", "").await.unwrap();
}

pub(super) async fn kinds(engine: &Engine, address: &str) -> Vec<EventKind> {
    let page = engine.history(&caller(), address.as_bytes(), 0, "").await.unwrap();
    page.events.iter().map(|event| event.statement.kind).collect()
}

pub(super) async fn listed(engine: &Engine) -> Vec<ErasureCase> {
    engine.erasure_cases(&caller(), None, 0, "").await.unwrap().cases
}

#[track_caller]
fn is_same_person(decided: Result<Certificate, EngineError>) {
    assert!(matches!(decided, Err(EngineError::SamePerson { .. })), "{decided:?}");
}

#[tokio::test]
async fn one_person_asks_and_another_erases() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    record_canaries(&engine).await;
    let case = request(&engine, "anna", "canary-erasure-reason", "").await.unwrap();
    assert_eq!(case.state, CaseState::Pending);
    assert_eq!((case.id.len(), case.address.as_ref().map(|a| a.as_str())), (16, Some(EVE)));
    assert_eq!(verdict(&engine, EVE).await, Verdict::ErasurePending);
    assert_eq!(listed(&engine).await, std::slice::from_ref(&case));

    // Who asks again joins the case; with a reason of his own that is recorded, and he asked too.
    let again = request(&engine, "anna", "canary-erasure-reason", "").await.unwrap();
    assert_eq!(again, case);
    let head = engine.head();
    let joined = request(&engine, "ben", "by phone too", "").await.unwrap();
    assert_eq!((&joined.id, &joined.requested), (&case.id, &case.requested));
    assert_eq!(joined.revision, head.next());
    is_same_person(approve(&engine, "anna", &case.id).await);
    is_same_person(approve(&engine, " ANNA ", &case.id).await);
    is_same_person(approve(&engine, "ben", &case.id).await);
    let rejected = engine.reject_erasure(&named("ben"), &case.id, "no".into()).await;
    assert!(matches!(rejected, Err(EngineError::SamePerson { .. })), "{rejected:?}");
    assert_eq!(verdict(&engine, EVE).await, Verdict::ErasurePending);

    let certificate = approve(&engine, "carl", &case.id).await.unwrap();
    assert_eq!(certificate.events_erased, 7, "five writes and two requests");
    assert_eq!(&*certificate.requested_by.id, "anna");
    assert_eq!(&*certificate.approved_by.id, "carl");
    assert_eq!(verdict(&engine, EVE).await, Verdict::Erased);
    assert_eq!(kinds(&engine, EVE).await, [EventKind::Erased]);
    assert_eq!(kinds(&engine, "bob@example.org").await, [EventKind::OptedOut]);
    let [shown] = &listed(&engine).await[..] else { panic!("one case") };
    assert_eq!((shown.state, shown.address.as_ref()), (CaseState::Erased, None));
    let requested = shown.requested.as_ref().unwrap();
    assert_eq!((&*requested.by.id, &*requested.words), ("anna", ""));
    assert_eq!(&*shown.decided.as_ref().unwrap().words, "passport seen");

    // Decided once and for all.
    assert_eq!(approve(&engine, "anna", &case.id).await.unwrap(), certificate);
    let rejected = engine.reject_erasure(&named("dora"), &case.id, "too late".into()).await;
    assert!(
        matches!(rejected, Err(EngineError::CaseDecided { state: CaseState::Erased, .. })),
        "{rejected:?}"
    );
    let head = engine.head();
    let erased = request(&engine, "anna", "once more", "").await.unwrap();
    assert_eq!((erased.id, erased.state), (case.id, CaseState::Erased));
    let no = write(&engine, opt_out(Scope::Everything), EVE, "").await.unwrap();
    assert_eq!((no.outcomes, engine.head()), (vec![WriteOutcome::Unchanged], head));
    engine.stop().await;
}

#[tokio::test]
async fn a_rejection_clears_the_flag_and_nothing_else() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    write(&engine, consent(&engine), EVE, "").await.unwrap();
    let case = request(&engine, "anna", "a letter", "").await.unwrap();
    let block = Command::BlockAddresses {
        brands: vec![engine.catalog().brand("festival").unwrap().id],
        channels: vec![Channel::Post],
        cause: Cause::StaffDecision,
        reason: "meanwhile".into(),
        opt_out: Vec::new(),
    };
    write(&engine, block, EVE, "").await.unwrap();
    let ben = named("ben");
    let declined = engine.reject_erasure(&ben, &case.id, "a mix-up".into()).await.unwrap();
    assert_eq!((declined.state, &declined.requested), (CaseState::Rejected, &case.requested));
    assert_eq!(&*declined.decided.as_ref().unwrap().words, "a mix-up");
    assert_eq!(verdict(&engine, EVE).await, Verdict::AllowedConsent);
    assert_eq!(
        kinds(&engine, EVE).await,
        [
            EventKind::ErasureRejected,
            EventKind::Blocked,
            EventKind::ErasureRequested,
            EventKind::ConsentGranted
        ]
    );
    let again = engine.reject_erasure(&named("carl"), &case.id, "again".into()).await.unwrap();
    assert_eq!(again, declined);
    let late = approve(&engine, "carl", &case.id).await;
    assert!(
        matches!(late, Err(EngineError::CaseDecided { state: CaseState::Rejected, .. })),
        "{late:?}"
    );

    // A new request is a new case; approved, it takes the old one along.
    let second = request(&engine, "anna", "a letter", "").await.unwrap();
    assert_ne!(second.id, case.id);
    assert_eq!(listed(&engine).await.len(), 2);
    assert_eq!(approve(&engine, "ben", &second.id).await.unwrap().events_erased, 5);
    let ids: Vec<_> = listed(&engine).await.into_iter().map(|case| case.id).collect();
    assert_eq!(ids, [second.id]);
    let gone = approve(&engine, "ben", &case.id).await;
    assert!(matches!(gone, Err(EngineError::UnknownCase { .. })), "{gone:?}");
    engine.stop().await;
}

/// What must be the same after a restart, by whatever way the engine came to know it.
async fn seen(engine: &Engine, id: &str) -> (Certificate, Vec<ErasureCase>, Vec<u8>) {
    let certificate = approve(engine, "zoe", id).await.unwrap();
    let answer = check(engine, &[EVE, "bob@example.org", "pending@example.org"]).await;
    (certificate, listed(engine).await, answer.verdicts)
}

#[tokio::test]
async fn a_certificate_is_the_same_from_a_checkpoint_and_from_the_ledger_alone() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::at(TODAY);
    let engine = open(dir.path(), &clock).await.unwrap();
    record_canaries(&engine).await;
    let rejected = request(&engine, "anna", "first", "").await.unwrap();
    engine.reject_erasure(&named("ben"), &rejected.id, "no".into()).await.unwrap();
    let case = request(&engine, "anna", "second", "").await.unwrap();
    let pending = ErasureRequest {
        address: "pending@example.org".as_bytes().into(),
        reason: "a letter".into(),
        request_id: "".into(),
        body: Vec::new(),
    };
    engine.request_erasure(&named("anna"), pending).await.unwrap();
    // An older checkpoint, from which replay meets what is erased since.
    engine.checkpoint().unwrap();
    approve(&engine, "ben", &case.id).await.unwrap();
    let first = seen(&engine, &case.id).await;
    assert_eq!(first.1.len(), 2);
    engine.stop().await;
    drop(engine);

    let engine = open(dir.path(), &clock).await.unwrap();
    assert_eq!(seen(&engine, &case.id).await, first, "from the older checkpoint and the tail");
    engine.checkpoint().unwrap();
    engine.stop().await;
    drop(engine);
    let engine = open(dir.path(), &clock).await.unwrap();
    assert_eq!(seen(&engine, &case.id).await, first, "from a checkpoint alone");
    engine.stop().await;
    drop(engine);
    for entry in std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap()) {
        if entry.file_name().to_str().unwrap().starts_with("checkpoint-") {
            std::fs::remove_dir_all(entry.path()).unwrap();
        }
    }
    let engine = open(dir.path(), &clock).await.unwrap();
    assert_eq!(seen(&engine, &case.id).await, first, "from the ledger alone");
    engine.stop().await;
}

#[tokio::test]
async fn a_request_id_gets_the_case_of_its_first_call() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let first = request(&engine, "anna", "a letter", "r1").await.unwrap();
    assert_eq!(request(&engine, "anna", "a letter", "r1").await.unwrap(), first);
    engine.reject_erasure(&named("ben"), &first.id, "no".into()).await.unwrap();
    let second = request(&engine, "anna", "a letter", "r2").await.unwrap();
    assert_ne!(second.id, first.id);
    let repeated = request(&engine, "anna", "a letter", "r1").await.unwrap();
    assert_eq!((repeated.id, repeated.state), (first.id, CaseState::Rejected), "as it is now");
    assert_eq!(request(&engine, "anna", "a letter", "r2").await.unwrap(), second);
    let other = request(&engine, "anna", "another letter", "r1").await;
    assert!(matches!(other, Err(EngineError::RequestIdReused { .. })), "{other:?}");
    engine.stop().await;
}

#[tokio::test]
async fn what_outlives_an_erasure_names_nobody() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    refuses(request(&engine, "", "a letter", "").await, "maysend-actor");
    refuses(request(&engine, "anna", " ", "").await, "reason");
    refuses(request(&engine, "anna", "a letter", EVE).await, "request_id");
    refuses(write(&engine, opt_out(Scope::Everything), EVE, "for@eve").await, "request_id");
    assert_eq!(listed(&engine).await, []);
    // The owner asked in a portal that names its customers by their address.
    let owner = "Customer Canary-Eve@Example.Org.";
    let case = request(&engine, owner, "a letter", "").await.unwrap();
    let noted = async |actor: &str, note: &str| {
        engine.approve_erasure(&named(actor), &case.id, note.into()).await
    };
    refuses(noted("", "fine").await, "maysend-actor");
    for note in [
        "erased <CANARY-EVE@example.org>",
        "mailto:canary-eve@EXAMPLE.org?",
        "\"canary-eve\"@example.org.",
    ] {
        refuses(noted("ben", note).await, "note");
    }
    refuses(noted("ben for canary-eve@example.org", "fine").await, "maysend-actor");
    refuses(noted("ben", &"x".repeat(2_001)).await, "note");
    assert_eq!(verdict(&engine, EVE).await, Verdict::ErasurePending);
    let certificate = noted("ben@buehne.example", "for eve@example.org").await.unwrap();
    assert_eq!(&*certificate.requested_by.id, "", "who asked is who was erased");
    assert_eq!(&*certificate.approved_by.id, "ben@buehne.example");
    let foreign = noted("ben", "fine").await;
    assert_eq!(foreign.unwrap(), certificate);
    let unknown = approve(&engine, "ben", "0000000000000000").await;
    assert!(matches!(unknown, Err(EngineError::UnknownCase { .. })), "{unknown:?}");
    engine.stop().await;
}

#[tokio::test]
async fn an_owner_who_asks_in_a_portal_leaves_no_name() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let portal = Caller {
        credential: "shop".into(),
        roles: vec![Role::Portal],
        actor: "Eve Canary, customer 4711".into(),
    };
    let asked = ErasureRequest {
        address: EVE.as_bytes().into(),
        reason: "in the customer area".into(),
        request_id: "".into(),
        body: Vec::new(),
    };
    let case = engine.request_erasure(&portal, asked).await.unwrap();
    let certificate = approve(&engine, "ben", &case.id).await.unwrap();
    let by = certificate.requested_by;
    assert_eq!((by.class, &*by.id, &*by.credential), (ActorClass::Owner, "", "shop"));
    engine.stop().await;
}

#[tokio::test]
async fn a_decision_is_no_write() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let case = request(&engine, "anna", "a letter", "").await.unwrap();
    let approval = Command::ApproveErasure { id: case.id.clone(), note: "".into() };
    refuses(write(&engine, approval, EVE, "").await, "command");
    let rejection = Command::RejectErasure { id: case.id, reason: "no".into() };
    refuses(write(&engine, rejection, EVE, "").await, "command");
    assert_eq!(verdict(&engine, EVE).await, Verdict::ErasurePending);
    engine.stop().await;
}

#[tokio::test]
async fn the_owner_starts_afresh_and_may_be_erased_again() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::at(TODAY);
    let engine = open(dir.path(), &clock).await.unwrap();
    record_canaries(&engine).await;
    let case = request(&engine, "anna", "a letter", "").await.unwrap();
    let first = approve(&engine, "ben", &case.id).await.unwrap();
    let begin = || Command::BeginOptIn {
        scopes: vec![newsletter(&engine)],
        evidence: Arc::new(Evidence { method: Method::DoubleOptIn, ..form() }),
    };
    let confirm = |minted| Command::OwnerChoice {
        choices: vec![Choice { scope: newsletter(&engine), wish: Wish::Subscribe }],
        proof: Proof::ConfirmToken { minted, may_grant: true },
        evidence: None,
    };
    let early = write(&engine, confirm(Revision::new(1)), EVE, "").await.unwrap();
    assert_eq!(early.outcomes, [WriteOutcome::Erased], "a mail from before the erasure");
    let begun = write(&engine, begin(), EVE, "").await.unwrap();
    assert_eq!(verdict(&engine, EVE).await, Verdict::Erased);
    let asked = request(&engine, "anna", "a letter", "").await.unwrap();
    assert_eq!((asked.id, asked.state), (case.id.clone(), CaseState::Erased));
    let yes = write(&engine, confirm(begun.revision), EVE, "").await.unwrap();
    assert_eq!(yes.outcomes, [WriteOutcome::Applied]);
    assert_eq!(verdict(&engine, EVE).await, Verdict::AllowedConsent);

    let next = request(&engine, "ben", "another letter", "").await.unwrap();
    assert_ne!(next.id, case.id);
    let second = approve(&engine, "anna", &next.id).await.unwrap();
    assert!(second.events_erased >= 3, "what came since: {second:?}");
    assert_eq!(kinds(&engine, EVE).await, [EventKind::Erased, EventKind::Erased]);
    assert_eq!(approve(&engine, "ben", &case.id).await.unwrap(), first);
    engine.stop().await;
    drop(engine);
    let engine = open(dir.path(), &clock).await.unwrap();
    assert_eq!(verdict(&engine, EVE).await, Verdict::Erased);
    assert_eq!(approve(&engine, "ben", &case.id).await.unwrap(), first);
    assert_eq!(approve(&engine, "ben", &next.id).await.unwrap(), second);
    engine.stop().await;
}

#[tokio::test]
async fn pages_of_cases_are_whole_and_ordered() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    for number in 0..7 {
        let request = ErasureRequest {
            address: format!("c{number}@example.org").into_bytes().into(),
            reason: "a letter".into(),
            request_id: "".into(),
            body: Vec::new(),
        };
        let case = engine.request_erasure(&named("anna"), request).await.unwrap();
        match number % 3 {
            0 => drop(approve(&engine, "ben", &case.id).await.unwrap()),
            1 => drop(engine.reject_erasure(&named("ben"), &case.id, "no".into()).await.unwrap()),
            _ => {}
        }
    }
    let all = listed(&engine).await;
    assert_eq!(all.len(), 7);
    for (state, count) in [
        (None, 7_usize),
        (Some(CaseState::Erased), 3),
        (Some(CaseState::Rejected), 2),
        (Some(CaseState::Pending), 2),
    ] {
        let (mut found, mut token, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = engine.erasure_cases(&caller(), state, 2, &token).await.unwrap();
            assert!(page.cases.len() <= 2);
            found.extend(page.cases);
            token = page.next_page_token;
            pages += 1;
            if token.is_empty() {
                break;
            }
        }
        let expected = all.iter().filter(|case| state.is_none_or(|state| case.state == state));
        assert_eq!(found, expected.cloned().collect::<Vec<_>>());
        assert_eq!((found.len(), pages), (count, count.div_ceil(2)), "no empty last page");
    }
    for foreign in ["x", "0x1", "ffffff", "-1", "00"] {
        refuses(engine.erasure_cases(&caller(), None, 2, foreign).await, "page_token");
    }
    engine.stop().await;
}

/// Whoever reads while the address is erased sees it as it was, less, or erased; never damage.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_during_an_erasure_meets_no_damage() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    for round in 0..20 {
        let address = format!("reader-{round}@example.org");
        for number in 0..30 {
            let reason = format!("{number}").into();
            let scopes = vec![Scope::Everything];
            let command = Command::OptOut { scopes, reason, evidence: None };
            write(&engine, command, &address, "").await.unwrap();
        }
        let request = ErasureRequest {
            address: address.as_bytes().into(),
            reason: "a letter".into(),
            request_id: "".into(),
            body: Vec::new(),
        };
        let case = engine.request_erasure(&named("anna"), request).await.unwrap();
        let mut readers = tokio::task::JoinSet::new();
        readers.spawn({
            let (engine, address) = (engine.clone(), address.clone());
            async move {
                loop {
                    let octets = address.as_bytes();
                    let page = engine.history(&caller(), octets, 0, "").await.unwrap();
                    engine.status(&caller(), octets, Revision::ZERO).await.unwrap();
                    let cases = engine.erasure_cases(&caller(), None, 0, "").await.unwrap().cases;
                    assert!(!cases.is_empty());
                    if page.events.len() == 1 && page.events[0].statement.kind == EventKind::Erased
                    {
                        return;
                    }
                }
            }
        });
        approve(&engine, "ben", &case.id).await.unwrap();
        readers.join_all().await;
    }
    engine.stop().await;
}
