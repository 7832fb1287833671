//! What callers and the disk can push the engine to, and what then holds.

use super::*;

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
