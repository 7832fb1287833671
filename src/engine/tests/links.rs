//! Links for mails: what goes into the headers, and what a token is good for, before it is sent.

use super::*;
use crate::engine::inspect::InspectedLink;
use crate::engine::opt_in::OptInRequest;
use crate::engine::preferences::Links;
use crate::keys::Keys;
use crate::model::actor::Role;
use crate::token::TokenKind;

const ANN: &str = "ann@example.org";

async fn mint(engine: &Engine) -> Links {
    let recipients = [ANN.as_bytes().into()];
    let links = engine.mint_links(&caller(), "festival", "advent", &recipients).await;
    links.unwrap()[0].clone().unwrap()
}

async fn begin(engine: &Engine) -> String {
    let request = OptInRequest {
        address: ANN.as_bytes().into(),
        scopes: vec![newsletter(engine)],
        evidence: Arc::new(form()),
        request_id: "".into(),
        body: Vec::new(),
    };
    engine.begin_opt_in(&caller(), request).await.unwrap().confirm_token
}

fn inspect(engine: &Engine, token: &str, address: &str) -> Result<InspectedLink, EngineError> {
    engine.inspect_link(&caller(), token, address.as_bytes())
}

#[tokio::test]
async fn the_values_of_both_headers_are_ready_to_paste() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::at(TODAY);
    let engine = open(dir.path(), &clock).await.unwrap();
    let links = mint(&engine).await;
    let token = &links.unsubscribe_token;
    assert_eq!(links.list_unsubscribe, format!("<https://example.org/u/{token}>"));
    assert_eq!(links.list_unsubscribe_post, "List-Unsubscribe=One-Click");
    engine.stop().await;
    drop(engine);

    let settings = Settings { public_url: None, ..settings(dir.path()) };
    let engine = Engine::open(settings, Arc::new(RealDisk), clock).await.unwrap();
    let Links {
        unsubscribe_token,
        unsubscribe_url,
        preferences_token,
        preferences_url,
        list_unsubscribe,
        list_unsubscribe_post,
    } = mint(&engine).await;
    assert!(!unsubscribe_token.is_empty() && !preferences_token.is_empty());
    let known = [unsubscribe_url, preferences_url, list_unsubscribe, list_unsubscribe_post];
    assert_eq!(known, [""; 4]);
    engine.stop().await;
}

#[tokio::test]
async fn a_token_tells_its_kind_its_subject_and_whom_it_is_for() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let links = mint(&engine).await;
    let confirm = begin(&engine).await;
    let before = engine.head();
    let kinds = [
        (&links.unsubscribe_token, TokenKind::Unsubscribe, false),
        (&links.preferences_token, TokenKind::Preferences, true),
        (&confirm, TokenKind::Confirm, true),
    ];
    for (token, kind, grants) in kinds {
        let scopes = vec![newsletter(&engine)];
        let link = InspectedLink { kind, is_for_address: true, grants, scopes };
        assert_eq!(inspect(&engine, token, ANN).unwrap(), link);
        assert_eq!(inspect(&engine, token, " Ann@EXAMPLE.org").unwrap(), link, "one mailbox");
        let foreign = InspectedLink { is_for_address: false, ..link };
        for address in ["bob@example.org", "ann+x@example.org", "ann", ""] {
            assert_eq!(inspect(&engine, token, address).unwrap(), foreign, "{address}");
        }
        let last = if token.ends_with('A') { "B" } else { "A" };
        let altered = format!("{}{last}", &token[..token.len() - 1]);
        for token in [&altered, &token[..token.len() - 4], "x", ""] {
            assert_eq!(inspect(&engine, token, ANN).unwrap_err(), EngineError::BadToken);
        }
    }
    assert_eq!(engine.head(), before, "nothing is written");
    for (role, may) in [(Role::Sender, true), (Role::Portal, false), (Role::Staff, false)] {
        let caller = Caller { credential: "x".into(), roles: vec![role], actor: "".into() };
        let asked = engine.inspect_link(&caller, &confirm, ANN.as_bytes());
        assert_eq!(asked.is_ok(), may, "{role:?}: {asked:?}");
    }
    engine.stop().await;
}

#[tokio::test]
async fn a_token_grants_until_it_is_too_old_or_its_key_is_retired() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::at(TODAY);
    let engine = open(dir.path(), &clock).await.unwrap();
    let Links { preferences_token, unsubscribe_token, .. } = mint(&engine).await;
    let confirm = begin(&engine).await;
    for (days, by_preferences, by_confirm) in [
        (0, true, true),
        (6, true, true),
        (7, true, false),
        (399, true, false),
        (400, false, false),
    ] {
        clock.set(TODAY + days);
        let grants = |token| inspect(&engine, token, ANN).unwrap().grants;
        assert_eq!(grants(&preferences_token), by_preferences, "{days} days");
        assert_eq!(grants(&confirm), by_confirm, "{days} days");
        assert!(!grants(&unsubscribe_token));
    }
    clock.set(TODAY);
    let path = dir.path().join("keys.toml");
    let (_, old) = Keys::rotate(&path).unwrap();
    Keys::retire(&path, old).unwrap();
    engine.take_keys(&Keys::load(&path).unwrap()).unwrap();
    assert!(!inspect(&engine, &preferences_token, ANN).unwrap().grants);
    assert!(inspect(&engine, &unsubscribe_token, ANN).unwrap().is_for_address);
    assert_eq!(inspect(&engine, &confirm, ANN).unwrap_err(), EngineError::BadToken);
    engine.stop().await;
}
