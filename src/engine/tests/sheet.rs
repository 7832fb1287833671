//! Data sheets over a real engine.

use super::*;
use crate::engine::sheet::SubjectSheet;
use crate::model::event::EventKind;
use crate::model::fact::Erasure;

const ANN: &str = "ann@example.org";

async fn sheet(engine: &Engine, address: &str) -> SubjectSheet {
    engine.subject_sheet(&caller(), address.as_bytes()).await.unwrap()
}

fn block(engine: &Engine) -> Command {
    Command::BlockAddresses {
        brands: vec![engine.catalog().brand("festival").unwrap().id],
        channels: vec![Channel::Email],
        cause: Cause::StaffDecision,
        reason: "fraud".into(),
        opt_out: Vec::new(),
    }
}

#[tokio::test]
async fn a_sheet_holds_everything_also_while_an_erasure_is_pending() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    write(&engine, consent(&engine), ANN, "r1").await.unwrap();
    write(&engine, opt_out(newsletter(&engine)), ANN, "").await.unwrap();
    write(&engine, block(&engine), "Ann@EXAMPLE.org", "").await.unwrap();
    let (id, reason) = ("case-1".into(), "asked".into());
    let pending = Command::RequestErasure { id, reason, evidence: None, owner_link: false };
    for erasure in [Erasure::None, Erasure::Pending] {
        if erasure == Erasure::Pending {
            write(&engine, pending.clone(), ANN, "").await.unwrap();
        }
        let sheet = sheet(&engine, ANN).await;
        assert!(!sheet.is_empty());
        assert_eq!(sheet.revision, engine.head());
        assert_eq!(sheet.erasure, erasure);
        assert_eq!(&*sheet.erasure_id, if erasure == Erasure::None { "" } else { "case-1" });
        assert_eq!(&*sheet.controllers[0].title, "Buehne");
        assert_eq!(sheet.opt_outs[0].scope, newsletter(&engine));
        assert_eq!(&*sheet.blocks[0].reason, "fraud");
        assert!(sheet.consents.is_empty());
        let denied = sheet.mailings.iter().all(|mailing| !mailing.verdict.allows());
        assert!(denied && sheet.mailings.len() == 2, "{:?}", sheet.mailings);
        let kinds: Vec<_> = sheet.events.iter().map(|event| event.statement.kind).collect();
        let known = [EventKind::ConsentGranted, EventKind::OptedOut, EventKind::Blocked];
        assert_eq!(kinds[..3], known, "oldest first");
        assert_eq!(kinds.len(), if erasure == Erasure::None { 3 } else { 4 });
        assert_eq!(&*sheet.events[0].request_id, "r1");
        assert_eq!(**sheet.events[0].statement.evidence.as_ref().unwrap(), form());
    }
    engine.stop().await;
}

#[tokio::test]
async fn nothing_is_held_about_an_address_that_nobody_named() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    write(&engine, consent(&engine), ANN, "").await.unwrap();
    let sheet = sheet(&engine, "bob@example.org").await;
    assert!(sheet.is_empty() && sheet.events.is_empty() && sheet.controllers.is_empty());
    let error = engine.subject_sheet(&caller(), b"nonsense").await.unwrap_err();
    assert!(matches!(error, EngineError::Invalid(_)), "{error:?}");
    engine.stop().await;
}
