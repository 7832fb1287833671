//! What owners ask for through the link of a mail: whom it proves, and what it comes to.

use super::erasure::{approve, kinds, listed, named};
use super::*;
use crate::engine::erasure::CaseState;
use crate::engine::rights::OwnerRequest;
use crate::keys::Keys;
use crate::model::actor::{ActorClass, Role};
use crate::model::event::EventKind;

const ANN: &str = "ann@example.org";

/// The owner's pages.
fn pages() -> Caller {
    Caller { credential: "pages".into(), roles: vec![Role::Portal], actor: "".into() }
}

/// The unsubscribe and the preferences token of a mail of today.
async fn links(engine: &Engine, address: &str) -> [String; 2] {
    let recipients = [address.as_bytes().into()];
    let links = engine.mint_links(&caller(), "festival", "advent", &recipients).await.unwrap();
    let links = links[0].clone().unwrap();
    [links.unsubscribe_token, links.preferences_token]
}

fn behind(token: &str, typed: Option<&str>) -> OwnerRequest {
    OwnerRequest {
        token: token.to_owned(),
        typed: typed.map(|typed| typed.as_bytes().into()),
        words: "".into(),
        evidence: Some(Arc::new(Evidence { method: Method::Link, ..form() })),
    }
}

/// What both requests are refused with.
async fn refused(engine: &Engine, caller: &Caller, request: OwnerRequest) -> EngineError {
    let erasure = engine.request_erasure_by_owner(caller, request.clone()).await.unwrap_err();
    let access = engine.request_access_by_owner(caller, request).await.unwrap_err();
    assert_eq!(erasure, access);
    erasure
}

fn is_of_address(error: &EngineError) -> bool {
    matches!(error, EngineError::Invalid(invalid) if invalid.violations[0].field == "address")
}

#[tokio::test]
async fn an_owner_asks_to_be_erased_and_a_reviewer_erases() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::at(TODAY);
    let engine = open(dir.path(), &clock).await.unwrap();
    write(&engine, consent(&engine), ANN, "").await.unwrap();
    let [_, token] = links(&engine, ANN).await;
    let case = engine.request_erasure_by_owner(&pages(), behind(&token, None)).await.unwrap();
    assert_eq!((case.state, case.revision), (CaseState::Pending, engine.head()));
    assert_eq!(case.address.as_ref().unwrap().as_str(), ANN, "for who decides");
    let by = &case.requested.as_ref().unwrap().by;
    assert_eq!((by.class, &*by.credential), (ActorClass::Owner, "pages"));
    assert_eq!(verdict(&engine, ANN).await, Verdict::ErasurePending, "at once");
    let page = engine.history(&caller(), ANN.as_bytes(), 0, "").await.unwrap();
    let proof = page.events[0].statement.evidence.as_ref().unwrap();
    assert_eq!((proof.method, &proof.notice), (Method::Link, &form().notice));

    // Again it is the same case: by the link, and by a clerk, who joins it.
    let again = engine.request_erasure_by_owner(&pages(), behind(&token, Some(ANN))).await;
    assert_eq!(again.unwrap(), case);
    let joined = super::erasure::request(&engine, "anna", "no", "").await.unwrap();
    assert_ne!(joined.id, case.id, "that is another address");

    // Nobody approves over the credential that asked, nor without a name.
    let shared = Caller { roles: vec![Role::Reviewer], ..pages() };
    let own = Caller { actor: "vera".into(), ..shared.clone() };
    let decided = engine.approve_erasure(&own, &case.id, "".into()).await;
    assert!(matches!(decided, Err(EngineError::SamePerson { .. })), "{decided:?}");
    let nameless = engine.approve_erasure(&shared, &case.id, "".into()).await;
    assert!(matches!(nameless, Err(EngineError::Invalid(_))), "{nameless:?}");
    let certificate = approve(&engine, "vera", &case.id).await.unwrap();
    assert_eq!(certificate.events_erased, 2);
    assert_eq!(certificate.requested_by.class, ActorClass::Owner);

    // Once erased: the same case, and no word of the address is needed or recorded.
    engine.stop().await;
    drop(engine);
    let engine = open(dir.path(), &clock).await.unwrap();
    let head = engine.head();
    for typed in [None, Some(ANN)] {
        let erased = engine.request_erasure_by_owner(&pages(), behind(&token, typed)).await;
        let erased = erased.unwrap();
        assert_eq!((&erased.id, erased.state), (&case.id, CaseState::Erased));
        let asked = engine.request_access_by_owner(&pages(), behind(&token, typed)).await.unwrap();
        assert_eq!((asked.outcome, asked.request), (WriteOutcome::Erased, None));
    }
    assert_eq!(engine.head(), head);
    assert_eq!(listed(&engine).await.len(), 2);
    engine.stop().await;
}

#[tokio::test]
async fn whoever_calls_a_link_speaks_for_the_owner_and_staff_without_one_do_not() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    write(&engine, consent(&engine), ANN, "").await.unwrap();
    let [_, token] = links(&engine, ANN).await;
    // A server without credentials: the caller is staff too.
    let asked = engine.request_access_by_owner(&caller(), behind(&token, None)).await.unwrap();
    assert_eq!(asked.request.unwrap().requested.by.class, ActorClass::Owner);
    let link = |owner_link| Command::RequestErasure {
        id: "case".into(),
        reason: "a letter".into(),
        evidence: None,
        owner_link,
    };
    write(&engine, link(true), ANN, "").await.unwrap();
    let page = engine.history(&caller(), ANN.as_bytes(), 0, "").await.unwrap();
    assert_eq!(page.events[0].actor.class, ActorClass::Staff, "an address is no link");
    engine.stop().await;
}

#[tokio::test]
async fn an_address_that_nobody_recorded_is_typed_and_must_be_that_of_the_link() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let [_, token] = links(&engine, ANN).await;
    for wrong in [None, Some("bob@example.org"), Some("ann"), Some("")] {
        let error = refused(&engine, &pages(), behind(&token, wrong)).await;
        assert!(is_of_address(&error), "{wrong:?}: {error:?}");
    }
    assert_eq!(kinds(&engine, ANN).await, []);
    let typed = behind(&token, Some(" Ann@EXAMPLE.org "));
    let asked = engine.request_access_by_owner(&pages(), typed).await.unwrap().request.unwrap();
    assert_eq!(asked.address.unwrap().as_str(), ANN);
    assert_eq!(verdict(&engine, ANN).await, Verdict::UnknownAddress);
    // Now it is on record; a wrong one is wrong still.
    let error = refused(&engine, &pages(), behind(&token, Some("bob@example.org"))).await;
    assert!(is_of_address(&error), "{error:?}");
    let case = engine.request_erasure_by_owner(&pages(), behind(&token, None)).await.unwrap();
    assert_eq!(case.address.unwrap().as_str(), ANN);
    assert_eq!(
        kinds(&engine, ANN).await,
        [EventKind::ErasureRequested, EventKind::AccessRequested]
    );
    engine.stop().await;
}

#[tokio::test]
async fn only_a_preferences_link_that_lives_proves_the_mailbox() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::at(TODAY);
    let engine = open(dir.path(), &clock).await.unwrap();
    write(&engine, consent(&engine), ANN, "").await.unwrap();
    let [unsubscribe, token] = links(&engine, ANN).await;
    let mut altered = token.clone();
    altered.replace_range(10..11, if &token[10..11] == "A" { "B" } else { "A" });
    for bad in [&unsubscribe, &altered, ""] {
        assert_eq!(refused(&engine, &pages(), behind(bad, None)).await, EngineError::BadToken);
    }
    let staff = Caller { roles: vec![Role::Staff, Role::Reviewer], ..pages() };
    let error = refused(&engine, &staff, behind(&token, None)).await;
    assert!(matches!(error, EngineError::Forbidden(_)), "{error:?}");

    clock.set(TODAY + 400);
    let error = refused(&engine, &pages(), behind(&token, None)).await;
    assert_eq!(error, EngineError::TokenExpired);
    let [_, retired] = links(&engine, ANN).await;
    let path = dir.path().join("keys.toml");
    let (_, old) = Keys::rotate(&path).unwrap();
    Keys::retire(&path, old).unwrap();
    engine.take_keys(&Keys::load(&path).unwrap()).unwrap();
    assert_eq!(refused(&engine, &pages(), behind(&retired, None)).await, EngineError::BadToken);
    assert_eq!(kinds(&engine, ANN).await, [EventKind::ConsentGranted], "nothing is recorded");

    let [_, token] = links(&engine, ANN).await;
    clock.set(TODAY + 799);
    let asked = engine.request_access_by_owner(&pages(), behind(&token, None)).await.unwrap();
    assert_eq!(asked.outcome, WriteOutcome::Applied, "on its last day");
    let again = engine.request_access_by_owner(&pages(), behind(&token, None)).await.unwrap();
    assert_eq!((again.outcome, again.request), (WriteOutcome::Unchanged, asked.request));
    clock.set(TODAY);
    let error = refused(&engine, &pages(), behind(&token, None)).await;
    assert_eq!(error, EngineError::ClockInDoubt);
    engine.stop().await;
}

#[tokio::test]
async fn the_words_of_an_owner_are_kept_and_bounded() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    write(&engine, consent(&engine), ANN, "").await.unwrap();
    let [_, token] = links(&engine, ANN).await;
    let said = |words: &str| OwnerRequest { words: words.into(), ..behind(&token, None) };
    match refused(&engine, &pages(), said(&"x".repeat(2_001))).await {
        EngineError::Invalid(invalid) => assert_eq!(invalid.violations[0].field, "words"),
        error => panic!("{error:?}"),
    }
    let asked = engine.request_access_by_owner(&pages(), said("All of it?")).await.unwrap();
    assert_eq!(&*asked.request.unwrap().requested.words, "All of it?");
    let case = engine.request_erasure_by_owner(&pages(), said("Forget me.")).await.unwrap();
    assert_eq!(&*case.requested.unwrap().words, "Forget me.");
    // A reviewer declines: the link asks anew.
    let vera = named("vera");
    engine.reject_erasure(&vera, &case.id, "a contract runs".into()).await.unwrap();
    let second = engine.request_erasure_by_owner(&pages(), said("Forget me.")).await.unwrap();
    assert_ne!(second.id, case.id);
    engine.stop().await;
}
