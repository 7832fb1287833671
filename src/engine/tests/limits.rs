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
