//! Pages that lay open, catalogs that changed meanwhile, forms that came twice, visitors who left.

use std::future::{Future as _, poll_fn};
use std::task::Poll;
use std::time::Duration;

use super::*;
use crate::engine::write::Write;
use crate::model::campaign::Channel;
use crate::model::command::Command;
use crate::model::fact::Cause;
use crate::model::verdict::Verdict;

impl World {
    async fn page(&self) -> String {
        format!("/p/{}", self.links("advent").await.preferences_token)
    }

    async fn seal_of(&self, page: &str) -> String {
        value(&self.get(page).await.text, "seal")
    }

    async fn block(&self, cause: Cause) {
        let command = Command::BlockAddresses {
            brands: vec![self.engine.catalog().brand("festival").unwrap().id],
            channels: vec![Channel::Email],
            cause,
            reason: "on the phone".into(),
            opt_out: Vec::new(),
        };
        let (addresses, request_id) = (vec![ANN.as_bytes().into()], "".into());
        let write = Write { command, addresses, request_id, body: Vec::new() };
        self.engine.write(&Caller::local("anna"), write).await.unwrap();
    }

    async fn reload(&self, catalog: &str) {
        self.engine.take_catalog("catalog.toml", catalog).await.unwrap();
    }
}

#[tokio::test]
async fn a_form_that_is_sent_again_a_day_later_says_no_second_yes() {
    let world = World::new().await;
    let page = world.page().await;
    let seal = world.seal_of(&page).await;
    let yes = [("seal", &*seal), ("topic", NEWSLETTER)];
    world.post(&page, &yes).await;
    assert_eq!(world.sent().await, [true, false, false]);
    let out = format!("/u/{}", world.links("advent").await.unsubscribe_token);
    world.post(&out, ONE_CLICK).await;
    world.pass(2);
    let told = world.post(&page, &yes).await;
    assert!(told.text.contains("This page was open for long"), "{}", told.text);
    assert_eq!(world.sent().await, [false, false, false]);
    // The page that came back is fresh.
    world.post(&page, &[("seal", &value(&told.text, "seal")), ("topic", NEWSLETTER)]).await;
    assert_eq!(world.sent().await, [true, false, false]);
}

#[tokio::test]
async fn an_old_page_says_no_for_ever() {
    let world = World::new().await;
    let page = world.page().await;
    world.submit(&page, &[("topic", NEWSLETTER)]).await;
    let seal = world.seal_of(&page).await;
    world.pass(30);
    let form = [("seal", &*seal), ("was", NEWSLETTER), ("topic", "theater/premieren")];
    let told = world.post(&page, &form).await;
    assert!(told.text.contains("Not everything could be saved"), "{}", told.text);
    assert_eq!(world.sent().await, [false, false, false]);
}

#[tokio::test]
async fn a_no_that_is_sent_again_is_said_again() {
    let mut world = World::new().await;
    let page = world.page().await;
    let first = world.seal_of(&page).await;
    let none = [("seal", &*first), ("all", "1")];
    world.post(&page, &none).await;
    world.submit(&page, &[("topic", NEWSLETTER)]).await;
    assert_eq!(world.sent().await, [true, false, false]);
    world.post(&page, &none).await;
    assert_eq!(world.sent().await, [false, false, false]);
    // It also voids a double opt-in that was begun since it was said first.
    world.post("/s/festival", &[("email", ANN), ("topic", NEWSLETTER)]).await;
    let confirm = world.letters.try_recv().unwrap().link;
    let confirm = confirm.strip_prefix("https://mail.example").unwrap();
    world.post(&page, &none).await;
    assert!(world.submit(confirm, &[]).await.text.contains("no longer subscribes"));
    assert_eq!(world.sent().await, [false, false, false]);
}

#[tokio::test]
async fn a_yes_that_is_sent_again_after_a_no_is_asked_once_more() {
    let world = World::new().await;
    let (page, asked) =
        (world.page().await, format!("/r/{}", world.links("ask").await.preferences_token));
    for (page, yes) in [(page, ("topic", NEWSLETTER)), (asked, ("answer", "accept"))] {
        let out = format!("/u/{}", world.links("advent").await.unsubscribe_token);
        let seal = world.seal_of(&page).await;
        world.post(&page, &[("seal", &seal), yes]).await;
        assert_eq!(world.sent().await, [true, false, false]);
        world.post(&out, ONE_CLICK).await;
        let told = world.post(&page, &[("seal", &seal), yes]).await;
        assert!(told.text.contains("This page was open for long"), "{}", told.text);
        assert_eq!(world.sent().await, [false, false, false]);
    }
}

#[tokio::test]
async fn who_leaves_before_the_answer_has_pressed_the_button() {
    let world = World::new().await;
    let out = format!("/u/{}", world.links("advent").await.unsubscribe_token);
    let head = world.engine.head();
    let request = Request::post(&out).body(Body::from("List-Unsubscribe=One-Click")).unwrap();
    let mut answer = Box::pin(world.router.clone().oneshot(request));
    // Looked at once, and never again.
    assert!(poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx).is_pending())).await);
    drop(answer);
    let pressed = async {
        while world.engine.head() == head {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), pressed).await.unwrap();
    assert_eq!(world.sent().await, [false; 3]);
}

#[tokio::test]
async fn what_was_asked_for_and_is_gone_is_no_yes_to_more() {
    let world = World::new().await;
    let page = format!("/r/{}", world.links("ask").await.preferences_token);
    let seal = world.seal_of(&page).await;
    let gone = CATALOG.replace(r#"{ id = "news", title = "Newsletter" }, "#, "");
    let gone = gone.replace("\"news\"", "\"programm\"").replace("id = \"a", "id = \"other-a");
    world.reload(&gone).await;
    assert!(!world.get(&page).await.text.contains("value=\"accept\""));
    let told = world.post(&page, &[("seal", &seal), ("answer", "accept")]).await;
    assert!(told.text.contains("something else stands in the way"), "{}", told.text);
    let head = world.engine.head();
    let told = world.post(&page, &[("seal", &seal), ("answer", "decline")]).await;
    assert!(told.text.contains("You declined"), "{}", told.text);
    assert!(world.engine.head() > head);
}

#[tokio::test]
async fn words_that_changed_are_read_before_they_are_agreed_to() {
    let world = World::new().await;
    let (page, asked) =
        (world.page().await, format!("/r/{}", world.links("ask").await.preferences_token));
    let (seal, seal_asked) = (world.seal_of(&page).await, world.seal_of(&asked).await);
    world.reload(&CATALOG.replace("\"Newsletter\"", "\"Everything that we think of\"")).await;
    let told = world.post(&page, &[("seal", &seal), ("topic", NEWSLETTER)]).await;
    assert!(told.text.contains("its words have changed"), "{}", told.text);
    let told = world.post(&asked, &[("seal", &seal_asked), ("answer", "accept")]).await;
    assert!(told.text.contains("its words have changed"), "{}", told.text);
    assert_eq!(world.sent().await, [false, false, false]);
}

#[tokio::test]
async fn a_name_that_the_catalog_has_not_takes_no_other_choice_with_it() {
    let world = World::new().await;
    let page = world.page().await;
    world.submit(&page, &[("topic", NEWSLETTER)]).await;
    let seal = world.seal_of(&page).await;
    let form = [("seal", &*seal), ("was", NEWSLETTER), ("topic", "festival/gone")];
    let told = world.post(&page, &form).await;
    assert!(told.text.contains("something else stands in the way"), "{}", told.text);
    assert_eq!(world.sent().await, [false, false, false]);
    // A topic that is gone is its brand.
    world.submit(&page, &[("topic", NEWSLETTER)]).await;
    let seal = world.seal_of(&page).await;
    let form =
        [("seal", &*seal), ("was", "festival/gone"), ("was", NEWSLETTER), ("topic", NEWSLETTER)];
    world.post(&page, &form).await;
    assert_eq!(world.sent().await, [false, false, false]);
}

#[tokio::test]
async fn a_form_with_more_than_any_of_ours_is_refused_whole() {
    let world = World::new().await;
    let page = world.page().await;
    let seal = world.seal_of(&page).await;
    let many = vec![("was", "x"); 2_000];
    let form = [&many[..], &[("seal", &*seal), ("all", "1")]].concat();
    assert_eq!(world.post(&page, &form).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_brand_that_writes_until_somebody_objects_says_what_else_it_sends() {
    let until = "policy = { consent_request = \"allowed\", marketing = \"opt-out\" }";
    let world =
        World::with(&CATALOG.replace(r#"policy = { consent_request = "allowed" }"#, until)).await;
    let page = format!("/r/{}", world.links("ask").await.preferences_token);
    let told = world.submit(&page, &[("answer", "accept")]).await.text;
    assert_eq!(world.sent().await, [true, true, false]);
    assert!(told.contains("Newsletter") && told.contains("Programm"), "{told}");
    assert!(!told.contains("Premieren"), "{told}");
}

#[tokio::test]
async fn damage_of_the_past_closes_no_page_and_takes_no_no() {
    let world = World::new().await;
    let page = world.page().await;
    world.block(Cause::StaffDecision).await;
    let segment = world.dir.path().join("ledger/00000000000000000001.seg");
    let mut octets = std::fs::read(&segment).unwrap();
    let at = octets.windows(ANN.len()).position(|octets| octets == ANN.as_bytes()).unwrap();
    octets[at] ^= 1;
    std::fs::write(&segment, octets).unwrap();
    let head = world.engine.head();
    let told = world.submit(&page, &[("all", "1")]).await;
    assert!(told.text.contains("Saved."), "{}", told.text);
    assert!(world.engine.head() > head);
    let (data, head) = (format!("{page}/data"), world.engine.head());
    let told = world.submit(&data, &[("request", "erasure"), ("sure", "1"), ("email", ANN)]).await;
    assert!(told.text.contains("Nothing more is sent"), "{}", told.text);
    assert!(world.engine.head() > head);
}

#[tokio::test]
async fn whoever_asked_us_to_stop_is_not_told_that_we_did() {
    let world = World::new().await;
    let page = world.page().await;
    world.submit(&page, &[("topic", NEWSLETTER)]).await;
    world.block(Cause::OwnerRequest).await;
    let text = world.get(&page).await.text;
    assert!(text.contains("you asked us to stop it"), "{text}");
    assert!(!text.contains("we have stopped it ourselves"), "{text}");
    let token = world.links("advent").await.preferences_token;
    let (now, _) = world.engine.preferences(&Caller::local(""), &token).await.unwrap();
    assert_eq!((now.topics[0].verdict, now.topics[0].own), (Verdict::Blocked, Verdict::Blocked));
}
