//! What callers and the disk can push the engine to, and what then holds.

use std::io::ErrorKind;

use super::*;
use crate::ledger::fault::{FaultDisk, Op};
use crate::model::campaign::{Campaign, CampaignId, Purpose};

async fn open_on(dir: &Path, disk: &FaultDisk) -> Arc<Engine> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    Engine::open(settings(dir), disk, TestClock::at(TODAY)).await.unwrap()
}

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
    for token in ["zzz", "0000", "0000/", "x000/advent", "ann@example.org"] {
        let page = engine.list_campaigns(&caller(), "", 0, token);
        assert!(matches!(page, Err(EngineError::Invalid(_))), "{token}: {page:?}");
    }
    engine.list_campaigns(&caller(), "", 0, "0000/advent").unwrap();
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

#[tokio::test]
async fn a_call_too_large_for_the_ledger_fails_alone() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let text: Arc<str> = "x".repeat(2_000).into();
    let evidence = Evidence {
        source: text.clone(),
        document_ref: text.clone(),
        ip: text.clone(),
        user_agent: text,
        ..Evidence::default()
    };
    let command = Command::OptOut {
        scopes: vec![Scope::Everything],
        reason: "".into(),
        evidence: Some(Arc::new(evidence)),
    };
    let addresses = (0..9_000).map(|i| format!("a{i}@example.org").into_bytes().into()).collect();
    let large = Write { command, addresses, request_id: "".into(), body: Vec::new() };
    let caller = caller();
    // All three stand in one group.
    let (first, large, last) = tokio::join!(
        write(&engine, opt_out(Scope::Everything), "ann@example.org", ""),
        engine.write(&caller, large),
        write(&engine, opt_out(Scope::Everything), "bob@example.org", ""),
    );
    assert_eq!(first.unwrap().outcomes, [WriteOutcome::Applied]);
    assert_eq!(last.unwrap().outcomes, [WriteOutcome::Applied]);
    assert!(matches!(large, Err(EngineError::WriteTooLarge { .. })), "{large:?}");
    assert!(!engine.is_latched());
    assert_eq!(verdict(&engine, "a1@example.org").await, Verdict::UnknownAddress);
    engine.stop().await;
}

#[tokio::test]
async fn health_hears_of_a_ledger_that_latched_after_a_commit_that_went_well() {
    let dir = TempDir::new().unwrap();
    let disk = FaultDisk::new();
    let engine = open_on(dir.path(), &disk).await;
    // The group is written, its mark is not.
    disk.fail(Op::Write, 1, ErrorKind::Other);
    let written = write(&engine, opt_out(Scope::Everything), "ann@example.org", "").await.unwrap();
    assert_eq!(written.outcomes, [WriteOutcome::Applied]);
    assert!(engine.is_latched());
    engine.stop().await;
}

#[tokio::test]
async fn the_space_reserved_for_noes_takes_no_yes_that_comes_with_one() {
    let dir = TempDir::new().unwrap();
    let disk = FaultDisk::new();
    let engine = open_on(dir.path(), &disk).await;
    let (caller, ann) = (caller(), "ann@example.org");
    let addresses = [ann.as_bytes().into()];
    let links = engine.mint_links(&caller, "festival", "advent", &addresses).await.unwrap();
    let token = links[0].clone().unwrap().preferences_token;
    disk.set_capacity(disk.taken());
    // What is left of the space that was taken ahead.
    let reason: Arc<str> = "x".repeat(2_000).into();
    let mut yes = write(&engine, consent(&engine), "yes@example.org", "").await;
    for i in 0..1_000 {
        if yes == Err(EngineError::DiskFull) {
            break;
        }
        let scopes = vec![Scope::Everything];
        let no = Command::OptOut { scopes, reason: reason.clone(), evidence: None };
        write(&engine, no, &format!("a{i}@example.org"), "").await.unwrap();
        yes = write(&engine, consent(&engine), &format!("yes{i}@example.org"), "").await;
    }
    assert_eq!(yes, Err(EngineError::DiskFull));
    let programm = {
        let catalog = engine.catalog();
        let brand = catalog.brand("festival").unwrap();
        Scope::Topic(brand.topic(&catalog.names, "programm").unwrap().id)
    };
    let choices = vec![
        Choice { scope: newsletter(&engine), wish: Wish::Subscribe },
        Choice { scope: programm, wish: Wish::Unsubscribe },
    ];
    let update = PreferencesUpdate {
        token,
        choices,
        evidence: Some(Arc::new(form())),
        request_id: "".into(),
        body: Vec::new(),
    };
    let updated = engine.update_preferences(&caller, update).await;
    assert_eq!(updated.map(|updated| updated.outcomes), Err(EngineError::DiskFull));
    let status = engine.status(&caller, ann.as_bytes(), Revision::ZERO).await.unwrap();
    assert_eq!(status.opt_outs.len(), 1, "the no is taken");
    assert!(status.consents.is_empty(), "the yes is not");
    engine.stop().await;
}

#[tokio::test]
async fn notices_are_told_apart_whatever_their_texts_hold() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let notices = [("Yes\u{0} 1", "2"), ("Yes", " 1\u{0}2")];
    for (i, (wording, version)) in notices.into_iter().enumerate() {
        let notice =
            Notice { wording: wording.into(), version: version.into(), language: "en".into() };
        let command = Command::RecordConsent {
            scopes: vec![newsletter(&engine)],
            legal_basis: LegalBasis::Consent,
            evidence: Arc::new(Evidence { notice: notice.clone(), ..form() }),
        };
        let address = format!("a{i}@example.org");
        write(&engine, command, &address, "").await.unwrap();
        let page = engine.history(&caller(), address.as_bytes(), 0, "").await.unwrap();
        let evidence = page.events[0].statement.evidence.as_ref().unwrap();
        assert_eq!(evidence.notice, notice);
    }
    engine.stop().await;
}

#[tokio::test]
async fn a_new_data_directory_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let engine = open(&data, &TestClock::at(TODAY)).await.unwrap();
    let mode = std::fs::metadata(&data).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    engine.stop().await;
}
