//! The pages over a real engine, request by request.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tower::ServiceExt as _;

mod doubts;
mod rights;

use super::fuzz::CATALOG;
use super::*;
use crate::engine::boot::Settings;
use crate::engine::clock::Clock;
use crate::engine::preferences::Links;
use crate::ledger::{Options, RealDisk};
use crate::model::day::{Day, Timestamp};

const ANN: &str = "ann@example.com";

#[derive(Debug)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.0.fetch_add(1_000, Ordering::Relaxed))
    }
}

struct World {
    engine: Arc<Engine>,
    router: Router,
    measures: Arc<Measures>,
    letters: mpsc::Receiver<Letter>,
    clock: Arc<TestClock>,
    dir: TempDir,
}

/// An answer, read whole.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    text: String,
}

impl World {
    async fn new() -> Self {
        Self::with(CATALOG).await
    }

    async fn with(catalog: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings {
            data_dir: dir.path().to_owned(),
            key_file: None,
            catalog_file: "catalog.toml".to_owned(),
            catalog_source: catalog.to_owned(),
            public_url: Some("https://mail.example".to_owned()),
            accept_clock: false,
            ledger: Options::default(),
        };
        let clock = Arc::new(TestClock(AtomicI64::new(Day::new(20_000).start().nanos())));
        let engine = Engine::open(settings, Arc::new(RealDisk), clock.clone()).await.unwrap();
        let (post, letters) = Post::queue(100);
        let measures = Arc::new(Measures::default());
        let site = Site::new(engine.clone(), Privacy::default(), Some(post), measures.clone());
        let router = router(Arc::new(site));
        Self { engine, router, measures, letters, clock, dir }
    }

    fn pass(&self, days: i64) {
        self.clock.0.fetch_add(days * 86_400_000_000_000, Ordering::Relaxed);
    }

    async fn links(&self, campaign: &str) -> Links {
        let addresses = [ANN.as_bytes().into()];
        let minted =
            self.engine.mint_links(&Caller::local(""), "festival", campaign, &addresses).await;
        minted.unwrap().remove(0).unwrap()
    }

    async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(text.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let mut body = form_urlencoded::Serializer::new(String::new());
        let body = body.extend_pairs(form).finish();
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::USER_AGENT, "Browser/1")
            .extension(Peer("192.0.2.77".parse().unwrap()))
            .body(Body::from(body));
        self.ask(request.unwrap()).await
    }

    /// The form of a page as a person finds it: its seal and what was ticked, and what is added.
    async fn submit(&self, path: &str, add: &[(&str, &str)]) -> Answer {
        let page = self.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        self.clock.0.fetch_add(5_000_000_000, Ordering::Relaxed);
        let seal = value(&page.text, "seal");
        let was = values(&page.text, "was");
        let mut form = vec![("seal", seal.as_str())];
        form.extend(was.iter().map(|was| ("was", was.as_str())));
        form.extend(add);
        self.post(path, &form).await
    }

    /// Which topics are sent, and which not.
    async fn sent(&self) -> Vec<bool> {
        let token = self.links("advent").await.preferences_token;
        let (now, _) = self.engine.preferences(&Caller::local(""), &token).await.unwrap();
        now.topics.iter().map(|topic| topic.verdict.allows()).collect()
    }
}

fn values(page: &str, name: &str) -> Vec<String> {
    let of = format!("name=\"{name}\" value=\"");
    page.split(&*of).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

fn value(page: &str, name: &str) -> String {
    values(page, name).into_iter().next().unwrap_or_else(|| panic!("no {name} in {page}"))
}

const NEWSLETTER: &str = "festival/news";
const ONE_CLICK: &[(&str, &str)] = &[("List-Unsubscribe", "One-Click")];

#[tokio::test]
async fn one_click_says_no_whichever_way_it_is_encoded_and_however_often() {
    let world = World::new().await;
    let links = world.links("advent").await;
    let page = format!("/p/{}", links.preferences_token);
    let out = format!("/u/{}", links.unsubscribe_token);
    world.submit(&page, &[("topic", NEWSLETTER)]).await;
    assert_eq!(world.sent().await, [true, false, false]);
    let answer = world.post(&out, ONE_CLICK).await;
    assert_eq!((answer.status, &*answer.text), (StatusCode::OK, "unsubscribed\n"));
    assert!(answer.headers.get(header::SET_COOKIE).is_none());
    assert_eq!(world.sent().await, [false, false, false]);
    assert_eq!(world.post(&out, ONE_CLICK).await, answer, "again it is the same");
    assert_eq!(world.sent().await, [false, false, false]);
    world.submit(&page, &[("topic", NEWSLETTER)]).await;
    assert_eq!(world.sent().await, [true, false, false]);
    let parts = "--x\r\ncontent-disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
    let request = Request::post(&out)
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
        .body(Body::from(parts));
    assert_eq!(world.ask(request.unwrap()).await.status, StatusCode::OK);
    assert_eq!(world.sent().await, [false, false, false]);
    world.submit(&page, &[("topic", NEWSLETTER)]).await;
    let bare = Request::post(&out).body(Body::from("List-Unsubscribe=One-Click"));
    assert_eq!(world.ask(bare.unwrap()).await.status, StatusCode::OK);
    assert_eq!(world.sent().await, [false, false, false]);
    assert_eq!(world.measures.submitted(Route::OneClick), 4);
}

#[tokio::test]
async fn who_only_reads_changes_nothing() {
    let world = World::new().await;
    let (links, asked) = (world.links("advent").await, world.links("ask").await);
    let head = world.engine.head();
    for path in [
        format!("/u/{}", links.unsubscribe_token),
        format!("/p/{}", links.preferences_token),
        format!("/r/{}", asked.preferences_token),
        "/s/festival".to_owned(),
    ] {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            let request = Request::builder().method(method.clone()).uri(&path);
            let status = world.ask(request.body(Body::empty()).unwrap()).await.status;
            let right = if method == Method::OPTIONS { 405 } else { 200 };
            assert_eq!(status, right, "{method}");
        }
        // A form that nobody has loaded.
        if !path.starts_with("/s") {
            for form in
                [&[("own", "1")][..], &[("all", "1"), ("seal", "AAAA")], &[("answer", "accept")]]
            {
                assert_eq!(world.post(&path, form).await.status, StatusCode::BAD_REQUEST);
            }
        }
    }
    assert_eq!(world.engine.head(), head);
}

#[tokio::test]
async fn every_page_keeps_to_itself() {
    let world = World::new().await;
    let (links, asked) = (world.links("advent").await, world.links("ask").await);
    for path in [
        format!("/u/{}", links.unsubscribe_token),
        format!("/p/{}", links.preferences_token),
        format!("/p/{}/data", links.preferences_token),
        format!("/r/{}", asked.preferences_token),
        "/s/festival".to_owned(),
        "/s/none".to_owned(),
        "/c/none".to_owned(),
        "/".to_owned(),
    ] {
        let Answer { headers, text, .. } = world.get(&path).await;
        let header =
            |name: &str| headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or("");
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("x-frame-options"), "DENY");
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(
            policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert!(headers.get(header::SET_COOKIE).is_none());
        for foreign in ["<script", "http://", "https://", "onclick", "javascript:"] {
            assert!(!text.contains(foreign), "{foreign} in {path}");
        }
        assert!(text.len() < 30_000, "{path}: {} octets", text.len());
    }
}

#[tokio::test]
async fn links_that_are_not_ours_look_alike() {
    let world = World::new().await;
    let links = world.links("advent").await;
    let mut altered = links.unsubscribe_token.clone();
    let last = if altered.pop() == Some('A') { 'B' } else { 'A' };
    altered.push(last);
    let of = |kind: char, token: &str| format!("/{kind}/{token}");
    let right = world.get(&of('u', "x")).await;
    assert_eq!(right.status, StatusCode::NOT_FOUND);
    for path in [
        of('u', &altered),
        of('u', &links.preferences_token),
        of('p', &links.unsubscribe_token),
        of('r', &links.preferences_token),
        of('c', &links.preferences_token),
        of('p', "%00"),
        of('u', &"A".repeat(5_000)),
    ] {
        assert_eq!(world.get(&path).await.text, right.text, "{path}");
        let posted = world.post(&path, &[("seal", ""), ("all", "1")]).await;
        assert!(posted.status.is_client_error(), "{path}: {}", posted.status);
    }
    assert_eq!(world.post(&of('u', &altered), ONE_CLICK).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.sent().await, [false, false, false]);
}

#[tokio::test]
async fn ticking_says_yes_with_its_evidence_and_unticking_no() {
    let world = World::new().await;
    let page = format!("/p/{}", world.links("advent").await.preferences_token);
    let answer =
        world.submit(&page, &[("topic", NEWSLETTER), ("topic", "theater/premieren")]).await;
    assert!(answer.text.contains("Saved."), "{}", answer.text);
    assert_eq!(world.sent().await, [true, false, true]);
    let answer = world.submit(&page, &[("topic", "theater/premieren")]).await;
    assert!(answer.text.contains("you unsubscribed"), "{}", answer.text);
    assert_eq!(world.sent().await, [false, false, true]);
    let answer = world.submit(&page, &[("all", "1")]).await;
    assert_eq!((answer.status, world.sent().await), (StatusCode::OK, vec![false; 3]));
    let staff = Caller::local("anna");
    let history = world.engine.history(&staff, ANN.as_bytes(), 0, "").await.unwrap();
    let yes = history.events.iter().rfind(|event| event.statement.evidence.is_some()).unwrap();
    let evidence = yes.statement.evidence.as_ref().unwrap();
    assert!(evidence.notice.wording.contains("Buehne GmbH"), "{evidence:?}");
    assert_eq!((&*evidence.notice.language, &*evidence.ip), ("en", "192.0.2.0"));
    assert_eq!(&*evidence.user_agent, "Browser/1");
}

#[tokio::test]
async fn a_double_click_is_one_and_an_old_page_undoes_nothing() {
    let world = World::new().await;
    let page = format!("/p/{}", world.links("advent").await.preferences_token);
    let seal = value(&world.get(&page).await.text, "seal");
    let form = [("seal", &*seal), ("topic", NEWSLETTER)];
    world.post(&page, &form).await;
    let head = world.engine.head();
    world.post(&page, &form).await;
    assert_eq!(world.engine.head(), head);
    // Of the page of before nothing was ticked and nothing is: that is no choice.
    let answer = world.post(&page, &[("seal", &*seal)]).await;
    assert!(answer.text.contains("Nothing was changed"), "{}", answer.text);
    assert_eq!(world.sent().await, [true, false, false]);
}

#[tokio::test]
async fn an_old_link_says_no_and_no_longer_yes() {
    let world = World::new().await;
    let page = format!("/p/{}", world.links("advent").await.preferences_token);
    world.submit(&page, &[("topic", NEWSLETTER)]).await;
    world.pass(401);
    assert!(world.get(&page).await.text.contains("too old to subscribe"));
    let answer =
        world.submit(&page, &[("topic", NEWSLETTER), ("topic", "theater/premieren")]).await;
    assert!(answer.text.contains("Not everything could be saved"), "{}", answer.text);
    assert_eq!(world.sent().await, [true, false, false]);
    world.submit(&page, &[]).await;
    assert_eq!(world.sent().await, [false, false, false]);
}

#[tokio::test]
async fn a_request_is_accepted_or_declined() {
    let world = World::new().await;
    let page = format!("/r/{}", world.links("ask").await.preferences_token);
    let answer = world.submit(&page, &[("answer", "decline")]).await;
    assert!(answer.text.contains("You declined"), "{}", answer.text);
    let token = world.links("advent").await.preferences_token;
    let (now, _) = world.engine.preferences(&Caller::local(""), &token).await.unwrap();
    assert_eq!(now.topics[0].verdict, crate::model::verdict::Verdict::Refused);
    let answer = world.submit(&page, &[("answer", "accept")]).await;
    assert!(answer.text.contains("You receive this."), "{}", answer.text);
    assert_eq!(world.sent().await, [true, false, false]);
}

#[tokio::test]
async fn a_sign_up_looks_the_same_for_all_and_is_confirmed_by_mail() {
    let mut world = World::new().await;
    let known = world.links("advent").await;
    world.submit(&format!("/p/{}", known.preferences_token), &[("all", "1")]).await;
    let sign_up = async |world: &World, email: &str| {
        world.post("/s/festival", &[("email", email), ("topic", NEWSLETTER)]).await
    };
    let first = sign_up(&world, ANN).await;
    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(sign_up(&world, "bob@example.com").await, first);
    // The fourth of a day is not mailed, and looks the same.
    for _ in 0..3 {
        assert_eq!(sign_up(&world, ANN).await, first);
    }
    let letters: Vec<Letter> = std::iter::from_fn(|| world.letters.try_recv().ok()).collect();
    assert_eq!(letters.len(), 4, "three and one");
    let confirm = letters[0].link.strip_prefix("https://mail.example").unwrap();
    assert_eq!(world.sent().await, [false, false, false]);
    let answer = world.submit(confirm, &[]).await;
    assert!(answer.text.contains("You receive this."), "{}", answer.text);
    assert_eq!(world.sent().await, [true, false, false]);
    world.post(&format!("/u/{}", known.unsubscribe_token), ONE_CLICK).await;
    assert!(world.submit(confirm, &[]).await.text.contains("no longer subscribes"));
    assert_eq!(world.sent().await, [false, false, false]);
}

#[tokio::test]
async fn a_sign_up_that_lacks_something_says_what() {
    let mut world = World::new().await;
    for (form, words) in [
        (&[("email", "ann"), ("topic", NEWSLETTER)][..], "not an e-mail address"),
        (&[("email", ANN)], "at least one topic"),
        (&[("topic", NEWSLETTER)], "not an e-mail address"),
    ] {
        let answer = world.post("/s/festival", form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text.contains(words), "{}", answer.text);
    }
    let foreign = [("email", ANN), ("topic", "theater/premieren")];
    assert_eq!(world.post("/s/festival", &foreign).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.post("/s/none", &foreign).await.status, StatusCode::NOT_FOUND);
    let email = "a".repeat(70_000);
    let large = [("email", &*email), ("topic", NEWSLETTER)];
    assert_eq!(world.post("/s/festival", &large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(world.letters.try_recv().is_err());
}

#[tokio::test]
async fn pages_speak_german_and_english() {
    let world = World::new().await;
    let get = async |language: &str, query: &str| {
        let request =
            Request::get(format!("/s/festival{query}")).header("accept-language", language);
        world.ask(request.body(Body::empty()).unwrap()).await.text
    };
    assert!(get("de-AT,de;q=0.9,en;q=0.8", "").await.contains("E-Mail-Adresse"));
    assert!(get("fr, en;q=0.1", "").await.contains("E-mail address"));
    assert!(get("fr", "").await.contains("<html lang=\"en\">"));
    assert!(get("en", "?lang=de").await.contains("<html lang=\"de\">"));
}

#[tokio::test]
async fn haste_is_counted_and_no_more() {
    let world = World::new().await;
    let page = format!("/p/{}", world.links("advent").await.preferences_token);
    let seal = value(&world.get(&page).await.text, "seal");
    world.post(&page, &[("seal", &seal), ("topic", NEWSLETTER)]).await;
    world.submit(&page, &[]).await;
    assert_eq!(world.measures.submitted(Route::Preferences), 2);
    assert_eq!(world.measures.hasty(Route::Preferences), 1);
}
