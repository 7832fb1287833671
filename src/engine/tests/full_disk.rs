//! The full disk: yeses are refused with nothing written, noes are taken, and with room again all
//! goes on as if nothing had been.

use std::io::ErrorKind;

use super::*;
use crate::ledger::fault::{FaultDisk, Op};
use crate::model::command::Proof;

/// Room for a few consents, and a reserve for a few noes.
const OPTIONS: Options =
    Options { segment_octets: 1 << 20, reserve_octets: 6_000, address_rule: 1 };

const ROOM: usize = 14_000;

async fn open_on(disk: &FaultDisk, dir: &Path) -> Arc<Engine> {
    let settings = Settings { ledger: OPTIONS, ..settings(dir) };
    Engine::open(settings, Arc::new(disk.clone()), TestClock::at(TODAY)).await.unwrap()
}

/// Consents until the disk is full; gives back how many there are.
async fn fill(engine: &Engine) -> usize {
    for number in 0.. {
        let name = format!("c{number}");
        match write(engine, consent(engine), &format!("{name}@example.org"), &name).await {
            Ok(_) => {}
            Err(EngineError::DiskFull) => return number,
            Err(error) => panic!("{error}"),
        }
    }
    unreachable!("a disk is full one day")
}

/// No to a topic and yes to another, said by a customer who is logged in.
fn mixed(engine: &Engine) -> Command {
    let catalog = engine.catalog();
    let programm = catalog.brand("festival").unwrap().topic(&catalog.names, "programm");
    let choices = vec![
        Choice { scope: newsletter(engine), wish: Wish::Unsubscribe },
        Choice { scope: Scope::Topic(programm.unwrap().id), wish: Wish::Subscribe },
    ];
    let occurred_at = Some(Timestamp::from_nanos(Day::new(TODAY).start().nanos() + 1_000_000_000));
    let evidence = Some(Arc::new(Evidence { occurred_at, ..form() }));
    Command::OwnerChoice { choices, proof: Proof::PortalSession, evidence }
}

async fn choose(engine: &Engine, address: &str) -> Result<Written, EngineError> {
    let (command, addresses) = (mixed(engine), vec![address.as_bytes().into()]);
    let (request_id, body) = ("choice".into(), b"choice".to_vec());
    engine.write(&caller(), Write { command, addresses, request_id, body }).await
}

async fn events(engine: &Engine, address: &str) -> usize {
    engine.history(&caller(), address.as_bytes(), 0, "").await.unwrap().events.len()
}

#[tokio::test]
async fn a_full_disk_refuses_yeses_takes_noes_and_goes_on_with_room() {
    let (dir, disk) = (TempDir::new().unwrap(), FaultDisk::new());
    disk.set_capacity(ROOM);
    let engine = open_on(&disk, dir.path()).await;
    let consents = fill(&engine).await;
    assert!(consents > 3, "{consents} consents");

    // A yes: nothing is written.
    let (files, head) = (disk.files(), engine.head());
    let yes = write(&engine, consent(&engine), "eve@example.org", "eve").await;
    assert_eq!(yes.unwrap_err(), EngineError::DiskFull);
    assert_eq!((disk.files(), engine.head()), (files, head));
    assert_eq!(verdict(&engine, "eve@example.org").await, Verdict::UnknownAddress);
    let again = write(&engine, consent(&engine), "c0@example.org", "c0").await.unwrap();
    assert_eq!(again.outcomes, [WriteOutcome::Applied], "a repeat gets the first response");

    // A no is taken.
    write(&engine, opt_out(newsletter(&engine)), "c0@example.org", "no").await.unwrap();
    assert_eq!(verdict(&engine, "c0@example.org").await, Verdict::OptedOutTopic);

    // Of a mixed choice the no is taken, the yes is not.
    for _ in 0..2 {
        assert_eq!(choose(&engine, "c1@example.org").await.unwrap_err(), EngineError::DiskFull);
        assert_eq!(verdict(&engine, "c1@example.org").await, Verdict::OptedOutTopic);
        assert_eq!(events(&engine, "c1@example.org").await, 2, "a consent and a no");
    }

    // A yes and a no that arrive together.
    let (yes, no) = tokio::join!(
        write(&engine, consent(&engine), "eve@example.org", ""),
        write(&engine, opt_out(Scope::Everything), "c2@example.org", ""),
    );
    assert_eq!((yes.unwrap_err(), no.is_ok()), (EngineError::DiskFull, true));
    assert_eq!(verdict(&engine, "c2@example.org").await, Verdict::OptedOutEverything);
    assert!(!engine.is_latched());

    // Room again: no restart, and the retries go through.
    disk.set_capacity(usize::MAX);
    let yes = write(&engine, consent(&engine), "eve@example.org", "eve").await.unwrap();
    assert_eq!(yes.outcomes, [WriteOutcome::Applied]);
    let choice = choose(&engine, "c1@example.org").await.unwrap();
    assert_eq!(choice.outcomes, [WriteOutcome::Unchanged, WriteOutcome::Applied]);
    assert_eq!(verdict(&engine, "eve@example.org").await, Verdict::AllowedConsent);
    engine.stop().await;
    drop(engine);

    let engine = open_on(&disk, dir.path()).await;
    let answer = check(&engine, &["c0@example.org", "c1@example.org", "eve@example.org"]).await;
    let out = Verdict::OptedOutTopic.code();
    assert_eq!(answer.verdicts, [out, out, Verdict::AllowedConsent.code()]);
    engine.stop().await;
}

#[tokio::test]
async fn a_disk_without_room_for_noes_refuses_them_and_answers_checks() {
    let (dir, disk) = (TempDir::new().unwrap(), FaultDisk::new());
    disk.set_capacity(ROOM);
    let engine = open_on(&disk, dir.path()).await;
    fill(&engine).await;
    let mut noes = 0;
    let refused = loop {
        let name = format!("n{noes}@example.org");
        match write(&engine, opt_out(Scope::Everything), &name, "").await {
            Ok(_) => noes += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, EngineError::DiskFull);
    assert!(noes >= 10 && !engine.is_latched(), "{noes} noes fit into the reserve");
    let last = format!("n{}@example.org", noes - 1);
    assert_eq!(verdict(&engine, &last).await, Verdict::OptedOutEverything);
    assert_eq!(verdict(&engine, &format!("n{noes}@example.org")).await, Verdict::UnknownAddress);
    engine.stop().await;
}

/// Where the mark of an acknowledged group could not be written the ledger takes no more: health
/// says so before the next writer finds out.
#[tokio::test]
async fn a_latch_that_no_caller_was_told_of_shows() {
    let (dir, disk) = (TempDir::new().unwrap(), FaultDisk::new());
    let engine = open_on(&disk, dir.path()).await;
    // The group is the first write from now, its mark the second.
    disk.fail(Op::Write, 1, ErrorKind::Other);
    write(&engine, opt_out(Scope::Everything), "ann@example.org", "").await.unwrap();
    assert!(engine.is_latched());
    let refused = write(&engine, opt_out(Scope::Everything), "bob@example.org", "").await;
    assert_eq!(refused.unwrap_err(), EngineError::Latched);
    assert_eq!(verdict(&engine, "ann@example.org").await, Verdict::OptedOutEverything);
    engine.stop().await;
}

/// A reason as long as it may be, for as many addresses as may be, is more than one group holds.
#[tokio::test]
async fn a_call_too_large_for_the_ledger_is_refused_and_others_go_on() {
    let (dir, disk) = (TempDir::new().unwrap(), FaultDisk::new());
    let options = Options::default();
    let settings = Settings { ledger: options, ..settings(dir.path()) };
    let clock = TestClock::at(TODAY);
    let engine = Engine::open(settings, Arc::new(disk), clock).await.unwrap();
    let reason = "\u{1F4E7}".repeat(super::super::validate::MAX_REASON);
    let command =
        Command::OptOut { scopes: vec![Scope::Everything], reason: reason.into(), evidence: None };
    let addresses = (0..10_000).map(|n| format!("n{n}@example.org").into_bytes().into()).collect();
    let call = Write { command, addresses, request_id: "".into(), body: Vec::new() };
    let head = engine.head();
    let caller = caller();
    let (large, small) = tokio::join!(
        engine.write(&caller, call),
        write(&engine, opt_out(Scope::Everything), "ann@example.org", ""),
    );
    assert!(matches!(large, Err(EngineError::WriteTooLarge { .. })), "{large:?}");
    assert_eq!(small.unwrap().revision, head.next());
    assert!(!engine.is_latched());
    assert_eq!(verdict(&engine, "n0@example.org").await, Verdict::UnknownAddress);
    assert_eq!(verdict(&engine, "ann@example.org").await, Verdict::OptedOutEverything);
    engine.stop().await;
}
