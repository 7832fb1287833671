//! Files of existing facts: dry runs that leave no trace, rows that meet the rows before them, and
//! what is taken while yeses are refused.

use super::*;
use crate::engine::import::{Import, Imported, Row};
use crate::ledger::fault::FaultDisk;
use crate::model::command::ImportedFact;
use crate::transition::ImportEffect;

const APPLIED: WriteOutcome = WriteOutcome::Applied;
const UNCHANGED: WriteOutcome = WriteOutcome::Unchanged;

async fn open_on(disk: &FaultDisk, dir: &Path, ledger: Options) -> Arc<Engine> {
    let settings = Settings { ledger, ..settings(dir) };
    Engine::open(settings, Arc::new(disk.clone()), TestClock::at(TODAY)).await.unwrap()
}

fn granted(engine: &Engine) -> ImportedFact {
    ImportedFact::Granted { scope: newsletter(engine), legal_basis: LegalBasis::Consent }
}

fn row(address: &str, fact: ImportedFact, line: usize) -> Row {
    let evidence = Evidence {
        method: Method::Import,
        source: format!("list.csv:{line} sha256:00").into(),
        occurred_at: Some(Day::new(TODAY - 10).start()),
        ..Evidence::default()
    };
    Row {
        address: address.as_bytes().into(),
        fact,
        reason: "as it was".into(),
        evidence: Arc::new(evidence),
    }
}

async fn import(engine: &Engine, rows: &[Row], dry_run: bool) -> Result<Imported, EngineError> {
    engine.import(&caller(), Import { rows: rows.to_vec(), dry_run }).await
}

/// A yes, a no, a block, a registration, and what the first three stand against.
fn mixed(engine: &Engine) -> Vec<Row> {
    let brand = engine.catalog().brand("festival").unwrap().id;
    let (yes, out) = (granted(engine), ImportedFact::OptedOut(Scope::Brand(brand)));
    vec![
        row("ann@example.org", yes, 2),
        row("bob@example.org", out, 3),
        row("nobody", yes, 4),
        row("cid@example.org", ImportedFact::Blocked(brand), 5),
        row("dan@example.org", ImportedFact::Registered(brand.controller()), 6),
        row("bob@example.org", yes, 7),
        row("cid@example.org", yes, 8),
        row("ann@example.org", out, 9),
        row("ann@example.org", yes, 2),
        row("bob@example.org", out, 10),
    ]
}

#[tokio::test]
async fn a_dry_run_says_what_a_run_does_and_leaves_no_trace() {
    let (dir, disk) = (TempDir::new().unwrap(), FaultDisk::new());
    let engine = open_on(&disk, dir.path(), Options::default()).await;
    write(&engine, opt_out(Scope::Everything), "eve@example.org", "").await.unwrap();
    let mut rows = mixed(&engine);
    rows.push(row("eve@example.org", granted(&engine), 11));
    let (files, head) = (disk.files(), engine.head());
    let tried = import(&engine, &rows, true).await.unwrap();
    assert_eq!((disk.files(), engine.head()), (files, head));
    assert_eq!((tried.revision, engine.addresses()), (head, 1));
    assert_eq!(verdict(&engine, "ann@example.org").await, Verdict::UnknownAddress);

    let done = import(&engine, &rows, false).await.unwrap();
    assert_eq!((&done.outcomes, &done.effects), (&tried.outcomes, &tried.effects));
    let (opted_out, blocked) = (WriteOutcome::OptedOut, WriteOutcome::Blocked);
    assert_eq!(
        done.outcomes,
        [
            APPLIED,
            APPLIED,
            WriteOutcome::InvalidAddress,
            APPLIED,
            APPLIED,
            opted_out,
            blocked,
            APPLIED,
            UNCHANGED,
            APPLIED,
            opted_out,
        ]
    );
    let [loosens, tightens, stays] =
        [ImportEffect::Loosens, ImportEffect::Tightens, ImportEffect::Stays];
    assert_eq!(
        done.effects,
        [loosens, tightens, stays, tightens, loosens, stays, stays, tightens, stays, stays, stays]
    );
    assert_eq!(done.revision, engine.head());
    assert_eq!(verdict(&engine, "ann@example.org").await, Verdict::OptedOutBrand);
    engine.stop().await;
}

#[tokio::test]
async fn a_file_imported_again_after_a_restart_changes_nothing() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::at(TODAY);
    let engine = open(dir.path(), &clock).await.unwrap();
    let rows = mixed(&engine);
    let first = import(&engine, &rows, false).await.unwrap();
    engine.stop().await;
    drop(engine);
    let engine = open(dir.path(), &clock).await.unwrap();
    let head = engine.head();
    let again = import(&engine, &rows, false).await.unwrap();
    assert_eq!(engine.head(), head);
    assert!(again.effects.iter().all(|effect| *effect == ImportEffect::Stays));
    for (first, again) in first.outcomes.iter().zip(&again.outcomes) {
        let expect = if *first == APPLIED { UNCHANGED } else { *first };
        assert_eq!(*again, expect);
    }
    let history = engine.history(&caller(), b"ann@example.org", 0, "").await.unwrap();
    let evidence = history.events[1].statement.evidence.as_ref().unwrap();
    assert_eq!(&*evidence.source, "list.csv:2 sha256:00");
    engine.stop().await;
}

#[tokio::test]
async fn a_malformed_row_is_named_by_its_place_and_fails_the_call() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let good = row("ann@example.org", granted(&engine), 2);
    let brand = engine.catalog().brand("festival").unwrap().id;
    let with = |evidence: Evidence| Row { evidence: Arc::new(evidence), ..good.clone() };
    let own = Evidence::clone(&good.evidence);
    let notice = Notice { wording: "I am Ann@example.org".into(), ..Notice::default() };
    let ahead = Some(Day::new(TODAY + 2).start());
    let bad = [
        (with(Evidence { occurred_at: None, ..own.clone() }), "evidence.occurred_at"),
        (with(Evidence { occurred_at: ahead, ..own.clone() }), "evidence.occurred_at"),
        (with(Evidence { source: " ".into(), ..own.clone() }), "evidence.source"),
        (with(Evidence { method: Method::Form, ..own.clone() }), "evidence.method"),
        (with(Evidence { notice, ..own.clone() }), "evidence.wording"),
        (Row { fact: ImportedFact::Blocked(brand), reason: " ".into(), ..good.clone() }, "reason"),
        (
            Row {
                fact: ImportedFact::OptedOut(Scope::Everything),
                evidence: Arc::new(Evidence { source: "".into(), ..own }),
                ..good.clone()
            },
            "evidence.source",
        ),
    ];
    let head = engine.head();
    for (bad, field) in bad {
        let refused = import(&engine, &[good.clone(), bad], false).await;
        let Err(EngineError::Invalid(invalid)) = refused else { panic!("{field}: {refused:?}") };
        assert_eq!(invalid.violations[0].field, format!("facts[1].{field}"));
    }
    let none = import(&engine, &[], false).await;
    assert!(matches!(none, Err(EngineError::Invalid(_))), "{none:?}");
    let many = import(&engine, &vec![good; 10_001], false).await;
    assert!(matches!(many, Err(EngineError::TooManyAddresses { .. })), "{many:?}");
    assert_eq!(engine.head(), head);
    engine.stop().await;
}

#[tokio::test]
async fn a_full_disk_takes_the_noes_of_a_file_and_refuses_its_yeses() {
    const RESERVE: Options =
        Options { segment_octets: 1 << 20, reserve_octets: 6_000, address_rule: 1 };
    let (dir, disk) = (TempDir::new().unwrap(), FaultDisk::new());
    disk.set_capacity(14_000);
    let engine = open_on(&disk, dir.path(), RESERVE).await;
    for i in 0.. {
        let consent = write(&engine, consent(&engine), &format!("c{i}@example.org"), "").await;
        if consent == Err(EngineError::DiskFull) {
            break;
        }
    }
    let rows = [
        row("ann@example.org", ImportedFact::OptedOut(Scope::Everything), 2),
        row("bob@example.org", granted(&engine), 3),
    ];
    let refused = import(&engine, &rows, false).await;
    assert_eq!(refused, Err(EngineError::DiskFull));
    assert_eq!(verdict(&engine, "ann@example.org").await, Verdict::OptedOutEverything);
    assert_eq!(verdict(&engine, "bob@example.org").await, Verdict::UnknownAddress);
    let noes = import(&engine, &rows[..1], false).await.unwrap();
    assert_eq!(noes.outcomes, [UNCHANGED]);
    engine.stop().await;
}

#[tokio::test]
async fn a_doubtful_clock_takes_the_noes_of_a_file_and_refuses_its_yeses() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::at(TODAY);
    let engine = open(dir.path(), &clock).await.unwrap();
    write(&engine, consent(&engine), "ann@example.org", "").await.unwrap();
    clock.set(TODAY - 5);
    let rows = [
        row("bob@example.org", granted(&engine), 2),
        row("ann@example.org", ImportedFact::Refused(newsletter(&engine)), 3),
    ];
    assert_eq!(import(&engine, &rows, true).await, Err(EngineError::ClockInDoubt));
    assert_eq!(verdict(&engine, "ann@example.org").await, Verdict::AllowedConsent);
    assert_eq!(import(&engine, &rows, false).await, Err(EngineError::ClockInDoubt));
    assert_eq!(verdict(&engine, "ann@example.org").await, Verdict::Refused);
    assert_eq!(import(&engine, &rows[1..], false).await.unwrap().outcomes, [UNCHANGED]);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_between_reading_and_writing_is_seen() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let rows = [row("ann@example.org", granted(&engine), 2)];
    // The writer waits in a catalog until both imports stand in its queue, their reading done.
    let (holding, held) = std::sync::mpsc::channel();
    let waiting = engine.clone();
    let holder = std::thread::spawn(move || {
        let held = crate::engine::locked(&waiting.shared.catalog_source);
        holding.send(()).unwrap();
        let queued = || waiting.jobs.max_capacity() - waiting.jobs.capacity();
        while queued() < 2 {
            std::thread::yield_now();
        }
        drop(held);
    });
    held.recv().unwrap();
    let second = CATALOG.replace("title = \"Festival\"", "title = \"Second\"");
    let (taken, one, two) = tokio::join!(
        engine.take_catalog("catalog.toml", &second),
        import(&engine, &rows, false),
        import(&engine, &rows, false),
    );
    taken.unwrap();
    holder.join().unwrap();
    let mut outcomes = [one.unwrap().outcomes[0], two.unwrap().outcomes[0]];
    outcomes.sort();
    assert_eq!(outcomes, [APPLIED, UNCHANGED]);
    engine.stop().await;
}

#[tokio::test]
async fn an_import_too_large_for_the_ledger_fails_whole() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let reason: Arc<str> = "\u{1f600}".repeat(2_000).into();
    let out = ImportedFact::OptedOut(Scope::Everything);
    let rows = (0..9_000).map(|i| {
        let name = format!("a{i}@example.org");
        Row { reason: reason.clone(), ..row(&name, out, i) }
    });
    let mut rows: Vec<Row> = rows.collect();
    // Behind the last that fits, one address again and again.
    for i in 9_000..9_003 {
        rows.push(Row { reason: reason.clone(), ..row("again@example.org", out, i) });
    }
    let large = import(&engine, &rows, false).await;
    assert!(matches!(large, Err(EngineError::WriteTooLarge { .. })), "{large:?}");
    assert_eq!(verdict(&engine, "a1@example.org").await, Verdict::UnknownAddress);
    assert_eq!(import(&engine, &rows[..100], false).await.unwrap().outcomes, [APPLIED; 100]);
    engine.stop().await;
}
