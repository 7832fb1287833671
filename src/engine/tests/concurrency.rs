//! Checks while the writer works: an answer is never older than it says, runs never backwards, and
//! no write is seen by half.

mod histories;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use super::super::locked;
use super::*;
use crate::ledger::fault::FaultDisk;
use crate::model::command::Proof;

/// Few: the owner's yes reads the whole past of its address.
const ROUNDS: usize = 120;
const READERS: usize = 3;

const FLIP: &str = "flip@example.org";
const PAIR: [&str; 2] = ["pair-a@example.org", "pair-b@example.org"];
const BOTH: &str = "both@example.org";

/// What the writer has said of its one address.
#[derive(Debug, Default)]
struct Said {
    /// The verdict that each write brings, in their order; the last may be under way.
    verdicts: Vec<u8>,
    /// The revisions of those that are acknowledged.
    acknowledged: Vec<Revision>,
}

/// How far all of it has come.
#[derive(Debug, Default)]
struct Course {
    done: AtomicBool,
    /// Different answers that readers were given, and calls of the other writers.
    answers: AtomicUsize,
    calls: AtomicUsize,
}

impl Course {
    /// Whether it says something: on a busy machine the one writer may be far ahead of the others.
    fn is_enough(&self) -> bool {
        [&self.answers, &self.calls].iter().all(|count| count.load(Ordering::Relaxed) > 50)
    }

    fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed)
    }
}

/// What a reader was told of that address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    verdict: u8,
    revision: Revision,
    /// How many writes were begun by then.
    begun: usize,
}

impl Said {
    /// Judged at the end, when every revision is known: no older than the answer's revision, and
    /// of a write that had begun.
    #[track_caller]
    fn assert_possible(&self, seen: Seen) {
        let oldest = self.acknowledged.iter().rposition(|at| *at <= seen.revision).unwrap();
        let possible = &self.verdicts[oldest..seen.begun];
        assert!(possible.contains(&seen.verdict), "{seen:?}: one of {possible:?}");
    }
}

fn owner(choices: Vec<Choice>) -> Command {
    let occurred_at = Some(Timestamp::from_nanos(Day::new(TODAY).start().nanos() + 60_000_000_000));
    let evidence = Some(Arc::new(Evidence { occurred_at, ..form() }));
    Command::OwnerChoice { choices, proof: Proof::PortalSession, evidence }
}

/// The owner comes and goes, in another way each time, so that the verdict tells which write.
fn turns(engine: &Engine) -> Vec<(Command, Verdict)> {
    let topic = newsletter(engine);
    let brand = engine.catalog().brand("festival").unwrap().id;
    let block = |cause| Command::BlockAddresses {
        brands: vec![brand],
        channels: vec![Channel::Email],
        cause,
        reason: "asked".into(),
        opt_out: Vec::new(),
    };
    let withdraw = Command::WithdrawConsent { scopes: vec![topic], reason: "asked".into() };
    let noes = [
        (opt_out(topic), Verdict::OptedOutTopic),
        (opt_out(Scope::Brand(brand)), Verdict::OptedOutBrand),
        (withdraw, Verdict::Refused),
        (block(Cause::OwnerRequest), Verdict::Blocked),
        (block(Cause::Complaint), Verdict::Complaint),
    ];
    // A yes to the brand takes away all that stands in it.
    let yes = owner(vec![Choice { scope: Scope::Brand(brand), wish: Wish::Subscribe }]);
    noes.into_iter().flat_map(|no| [no, (yes.clone(), Verdict::AllowedConsent)]).collect()
}

async fn write_all(
    engine: &Engine,
    command: Command,
    addresses: &[&str],
) -> Result<Written, EngineError> {
    let addresses = addresses.iter().map(|address| address.as_bytes().into()).collect();
    let write = Write { command, addresses, request_id: "".into(), body: Vec::new() };
    engine.write(&caller(), write).await
}

async fn flip(engine: &Engine, said: &Mutex<Said>, course: &Course) {
    let turns = turns(engine);
    for (round, (command, verdict)) in turns.iter().cycle().enumerate() {
        if round >= ROUNDS && course.is_enough() {
            return;
        }
        locked(said).verdicts.push(verdict.code());
        let written = write_all(engine, command.clone(), &[FLIP]).await.unwrap();
        assert_eq!(written.outcomes, [WriteOutcome::Applied], "{command:?}");
        assert!(engine.head() >= written.revision, "acknowledged is in force");
        locked(said).acknowledged.push(written.revision);
    }
}

/// Two addresses in one call: blocked and let go.
async fn pair(engine: &Engine, course: &Course) {
    let brand = engine.catalog().brand("festival").unwrap().id;
    let (brands, channels) = (vec![brand], vec![Channel::Email]);
    let block = Command::BlockAddresses {
        brands: brands.clone(),
        channels: channels.clone(),
        cause: Cause::StaffDecision,
        reason: "fraud".into(),
        opt_out: vec![newsletter(engine)],
    };
    let lift = Command::LiftBlocks { brands, channels, reason: "a mistake".into() };
    let yes = owner(vec![Choice { scope: newsletter(engine), wish: Wish::Subscribe }]);
    while !course.is_done() {
        for command in [&block, &lift, &yes] {
            write_all(engine, command.clone(), &PAIR).await.unwrap();
            course.calls.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A no to the brand and a yes to the topic in one call, then a yes to the brand: the topic is
/// allowed before, after and always; a half of the call would deny it.
async fn both(engine: &Engine, course: &Course) {
    let brand = Scope::Brand(engine.catalog().brand("festival").unwrap().id);
    let yes = |scope| Choice { scope, wish: Wish::Subscribe };
    let no = Choice { scope: brand, wish: Wish::Unsubscribe };
    while !course.is_done() {
        for command in [owner(vec![no, yes(newsletter(engine))]), owner(vec![yes(brand)])] {
            let written = write_all(engine, command, &[BOTH]).await.unwrap();
            assert!(written.outcomes.iter().all(|outcome| *outcome == WriteOutcome::Applied));
            course.calls.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn read(engine: &Engine, said: &Mutex<Said>, course: &Course) -> (usize, Vec<Seen>) {
    let (mut checks, mut last, mut all) = (0, Revision::ZERO, Vec::<Seen>::new());
    while !course.is_done() {
        let before = locked(said).acknowledged.last().copied().unwrap_or_default();
        let answer = check(engine, &[FLIP, PAIR[0], PAIR[1], BOTH]).await;
        assert!(answer.revision >= last, "{} after {last}", answer.revision);
        assert!(answer.revision >= before, "an acknowledged write is in the next answer");
        last = answer.revision;
        let [flip, a, b, both] = answer.verdicts[..] else { panic!("four verdicts") };
        for half in [a, b] {
            let whole = [Verdict::AllowedConsent, Verdict::Blocked, Verdict::OptedOutTopic];
            assert!(whole.iter().any(|verdict| verdict.code() == half), "{half}");
        }
        assert_eq!(both, Verdict::AllowedConsent.code(), "half of a choice is seen");
        checks += 1;
        let begun = locked(said).verdicts.len();
        let seen = Seen { verdict: flip, revision: answer.revision, begun };
        if all.last() != Some(&seen) {
            all.push(seen);
            course.answers.fetch_add(1, Ordering::Relaxed);
        }
        tokio::task::yield_now().await;
    }
    (checks, all)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn answers_are_never_older_than_they_say_and_no_write_is_seen_by_half() {
    let (dir, disk) = (TempDir::new().unwrap(), FaultDisk::new());
    let clock = TestClock::at(TODAY);
    let engine = Engine::open(settings(dir.path()), Arc::new(disk), clock).await.unwrap();
    let first = [FLIP, PAIR[0], PAIR[1], BOTH];
    let yes = consent(&engine);
    let written = write_all(&engine, yes, &first).await.unwrap();
    let said = Arc::new(Mutex::new(Said {
        verdicts: vec![Verdict::AllowedConsent.code()],
        acknowledged: vec![written.revision],
    }));
    let course = Arc::new(Course::default());
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..READERS {
        let (engine, said, course) = (engine.clone(), said.clone(), course.clone());
        readers.spawn(async move { read(&engine, &said, &course).await });
    }
    let mut writers = tokio::task::JoinSet::new();
    let (other, until) = (engine.clone(), course.clone());
    writers.spawn(async move { pair(&other, &until).await });
    let (other, until) = (engine.clone(), course.clone());
    writers.spawn(async move { both(&other, &until).await });
    flip(&engine, &said, &course).await;
    course.done.store(true, Ordering::Relaxed);
    writers.join_all().await;
    let read = readers.join_all().await;
    let checks: usize = read.iter().map(|(checks, _)| checks).sum();
    let seen: Vec<Seen> = read.into_iter().flat_map(|(_, seen)| seen).collect();
    seen.iter().for_each(|seen| locked(&said).assert_possible(*seen));
    let calls = course.calls.load(Ordering::Relaxed) + locked(&said).acknowledged.len();
    println!("concurrency: {checks} checks during {calls} calls, {} different answers", seen.len());
    engine.stop().await;
}

/// Whoever asks for a revision gets the catalog of that revision too.
#[tokio::test]
async fn a_check_that_waited_for_a_revision_goes_by_the_catalog_of_it() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::at(TODAY);
    let disk = Arc::new(FaultDisk::new());
    let loose = CATALOG.replace(r#"marketing = "opt-in""#, r#"marketing = "opt-out""#);
    let catalog_source = format!("{loose}\n").replace(
        r#"marketing = "opt-out""#,
        "marketing = \"opt-out\"\nunknown_address = \"allow\"",
    );
    let opening = Settings { catalog_source, ..settings(dir.path()) };
    let engine = Engine::open(opening, disk, clock).await.unwrap();
    assert_eq!(verdict(&engine, "ann@example.org").await, Verdict::AllowedNoObjection);
    let at_least = engine.head().next();
    let caller = caller();
    let question = Question { brand: "festival", campaign: "advent", at_least };
    let address = [&b"ann@example.org"[..]];
    let waiting = engine.check(&caller, &question, address.into_iter(), 1);
    // The check is polled first, and waits.
    let (answer, taken) =
        tokio::join!(biased; waiting, engine.take_catalog("catalog.toml", CATALOG));
    taken.unwrap();
    let answer = answer.unwrap();
    assert!(answer.revision >= at_least);
    assert_eq!(answer.verdicts, [Verdict::UnknownAddress.code()], "as the new policy says");
    engine.stop().await;
}
