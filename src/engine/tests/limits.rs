//! What callers and the disk can push the engine to, and what then holds.

use super::*;
use crate::model::campaign::{Campaign, CampaignId, Purpose};

/// The catalog with its campaign retired.
fn retired() -> String {
    format!("{CATALOG}retired = true\n")
}

#[tokio::test]
async fn a_check_that_waits_for_a_revision_follows_the_catalog_of_that_revision() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    write(&engine, consent(&engine), "ann@example.org", "").await.unwrap();
    let at_least = engine.head().next();
    let question = Question { brand: "festival", campaign: "advent", at_least };
    let octets = [b"ann@example.org".as_slice()].into_iter();
    let (caller, retired) = (caller(), retired());
    let (answer, taken) = tokio::join!(
        engine.check(&caller, &question, octets, 1),
        engine.take_catalog("catalog.toml", &retired),
    );
    taken.unwrap();
    assert!(matches!(answer, Err(EngineError::CampaignRetired { .. })), "{answer:?}");
    engine.stop().await;
}

#[tokio::test]
async fn a_page_token_that_nobody_gave_is_the_callers_fault_and_no_damage() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    write(&engine, consent(&engine), "ann@example.org", "").await.unwrap();
    write(&engine, opt_out(Scope::Everything), "bob@example.org", "").await.unwrap();
    let of_bob = format!("{:x}", engine.head().number());
    // Zero, the catalog, nothing yet, another address.
    for token in ["0", "1", "ffffff", "ffffffffffffffff", &of_bob] {
        let page = engine.history(&caller(), b"ann@example.org", 0, token).await;
        let Err(EngineError::Invalid(invalid)) = page else { panic!("{token}: {page:?}") };
        assert_eq!(invalid.violations[0].field, "page_token", "{token}");
    }
    engine.stop().await;
}

#[tokio::test]
async fn a_campaign_registered_while_the_catalog_is_read_again_stays() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let Scope::Topic(topic) = newsletter(&engine) else { panic!("a topic") };
    let campaign = Campaign {
        brand: topic.brand(),
        id: CampaignId::parse("easter").unwrap(),
        topic: Some(topic),
        purpose: Purpose::Marketing,
        channel: Channel::Email,
        retired: false,
    };
    let second = CATALOG.replace("title = \"Festival\"", "title = \"Second\"");
    let third = CATALOG.replace("title = \"Festival\"", "title = \"Third\"");
    let caller = caller();
    // The writer cannot end the first job before the others stand in its queue.
    let held = crate::engine::locked(&engine.shared.catalog_source);
    let (one, two, three, ()) = tokio::join!(
        engine.take_catalog("catalog.toml", &second),
        engine.register_campaign(&caller, campaign),
        engine.take_catalog("catalog.toml", &third),
        async move { drop(held) },
    );
    one.unwrap();
    two.unwrap();
    three.unwrap();
    let question = Question { brand: "festival", campaign: "easter", at_least: Revision::ZERO };
    let octets = [b"ann@example.org".as_slice()].into_iter();
    engine.check(&caller, &question, octets, 1).await.unwrap();
    assert_eq!(&*engine.catalog().brand("festival").unwrap().title, "Third");
    engine.stop().await;
}
