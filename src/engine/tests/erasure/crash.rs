//! A power cut, and a failure, at every call of the disk while an address is erased.

use std::io::ErrorKind;

use super::*;
use crate::ledger::fault::{FaultDisk, Op, Survival};

const SURVIVALS: [Survival; 4] =
    [Survival::All, Survival::Nothing, Survival::Chance(1), Survival::Chance(2)];

/// Segments so small that the events of one address lie in several.
const SMALL: Options = Options { segment_octets: 1_500, reserve_octets: 3_000, address_rule: 1 };

async fn open_on(disk: &FaultDisk, dir: &Path) -> Arc<Engine> {
    let settings = Settings { ledger: SMALL, ..settings(dir) };
    Engine::open(settings, Arc::new(disk.clone()), TestClock::at(TODAY)).await.unwrap()
}

async fn close(engine: Arc<Engine>) {
    engine.stop().await;
    assert!(Arc::into_inner(engine).is_some(), "nobody else holds the engine");
}

/// How many access requests are open.
async fn asked(engine: &Engine) -> usize {
    engine.access_requests(&caller(), 0, "").await.unwrap().requests.len()
}

/// What of these the disk holds.
fn held<'a>(disk: &FaultDisk, words: &[&'a str]) -> Vec<&'a str> {
    words.iter().copied().filter(|word| disk.holds(word.as_bytes())).collect()
}

/// A data directory with a case to be decided.
struct Lab {
    dir: TempDir,
    disk: FaultDisk,
    id: Arc<str>,
}

impl Lab {
    async fn new(with_checkpoint: bool) -> Self {
        let (dir, disk) = (TempDir::new().unwrap(), FaultDisk::new());
        let engine = open_on(&disk, dir.path()).await;
        record_canaries(&engine).await;
        let id = request(&engine, "anna", "canary-erasure-reason", "").await.unwrap().id;
        if with_checkpoint {
            engine.checkpoint().unwrap();
        }
        close(engine).await;
        assert_eq!(held(&disk, &CANARIES), CANARIES, "the scan finds what is there");
        assert!(disk.files().len() > 2, "several segments");
        Self { dir, disk, id }
    }

    /// Approves over a disk that `prepare` has told when to fail; the disk afterwards, and what the
    /// approver was told.
    async fn approve(
        &self,
        prepare: impl FnOnce(&FaultDisk),
    ) -> (FaultDisk, Result<Certificate, EngineError>) {
        let disk = self.disk.copy();
        let engine = open_on(&disk, self.dir.path()).await;
        prepare(&disk);
        let told = approve(&engine, "ben", &self.id).await;
        // Whatever happened, this process denies.
        let verdict = verdict(&engine, EVE).await;
        let is_pending = verdict == Verdict::ErasurePending && told.is_err();
        assert!(is_pending || verdict == Verdict::Erased, "{verdict:?} {told:?}");
        close(engine).await;
        (disk, told)
    }

    /// Opens what is left, and finishes. Whether it was erased before that.
    async fn finish(&self, disk: &FaultDisk, told: Option<&Certificate>) -> bool {
        let engine = open_on(disk, self.dir.path()).await;
        let [case] = &listed(&engine).await[..] else { panic!("one case") };
        let was_erased = match case.state {
            CaseState::Pending => {
                assert_eq!(told, None, "what was certified is done");
                assert_eq!(verdict(&engine, EVE).await, Verdict::ErasurePending);
                assert_eq!(held(disk, &CANARIES), CANARIES, "all is there or nothing is");
                assert_eq!(kinds(&engine, EVE).await.len(), 6);
                assert_eq!(asked(&engine).await, 1, "she still wants to know");
                false
            }
            CaseState::Erased => {
                assert_eq!(verdict(&engine, EVE).await, Verdict::Erased);
                assert_eq!(held(disk, &CANARIES), [""; 0], "opening finishes");
                assert_eq!(kinds(&engine, EVE).await, [EventKind::Erased]);
                assert_eq!(asked(&engine).await, 0);
                true
            }
            CaseState::Rejected => panic!("nobody rejected it"),
        };
        let certificate = approve(&engine, "carl", &self.id).await.unwrap();
        assert!(told.is_none_or(|told| *told == certificate));
        assert_eq!(certificate.events_erased, 6);
        assert_eq!(&*certificate.approved_by.id, if was_erased { "ben" } else { "carl" });
        assert_eq!(held(disk, &CANARIES), [""; 0]);
        assert_eq!(held(disk, &KEPT), KEPT);
        assert_eq!(asked(&engine).await, 0);
        assert_eq!(verdict(&engine, EVE).await, Verdict::Erased);
        assert_eq!(verdict(&engine, "bob@example.org").await, Verdict::OptedOutEverything);
        close(engine).await;
        was_erased
    }

    /// The calls of an approval that nothing fails.
    async fn calls(&self) -> Vec<Op> {
        let mut before = 0;
        let (disk, told) = self.approve(|disk| before = disk.ops().len()).await;
        told.unwrap();
        assert_eq!(held(&disk, &CANARIES), [""; 0]);
        disk.ops().split_off(before)
    }
}

#[tokio::test]
async fn a_power_cut_at_every_call_leaves_the_case_pending_or_the_address_erased() {
    let (mut points, mut reopened, mut erased) = (0, 0, 0);
    for with_checkpoint in [false, true] {
        let lab = Lab::new(with_checkpoint).await;
        let calls = lab.calls().await.len();
        for at in 0..calls {
            let (disk, told) = lab.approve(|disk| disk.crash_at(disk.ops().len() + at)).await;
            assert!(disk.crashed(), "call {at} of {calls}");
            let told = told.ok();
            for survival in SURVIVALS {
                let disk = disk.after_power_cut(survival);
                erased += usize::from(lab.finish(&disk, told.as_ref()).await);
                reopened += 1;
            }
            erased += usize::from(lab.finish(&disk.after_kill(), told.as_ref()).await);
            reopened += 1;
        }
        points += calls;
    }
    println!("erasure: {points} power cuts, {reopened} reopened, {erased} of them found it erased");
    assert!(points > 20 && erased > 20 && erased < reopened);
}

#[tokio::test]
async fn a_failure_of_every_call_leaves_the_case_pending_or_the_address_erased() {
    let lab = Lab::new(false).await;
    let calls = lab.calls().await;
    let (mut points, mut unknown, mut full) = (0, 0, 0);
    for op in [Op::Write, Op::Sync, Op::SetLen, Op::Allocate, Op::Create, Op::SyncDir] {
        for nth in 0..calls.iter().filter(|&&done| done == op).count() {
            for kind in [ErrorKind::Other, ErrorKind::StorageFull] {
                let (disk, told) = lab.approve(|disk| disk.fail(op, nth, kind)).await;
                match &told {
                    Ok(_) => {}
                    Err(EngineError::OutcomeUnknown) => unknown += 1,
                    Err(EngineError::DiskFull) => full += 1,
                    Err(error) => panic!("{op:?} {nth}: {error}"),
                }
                let told = told.ok();
                lab.finish(&disk.after_power_cut(Survival::Nothing), told.as_ref()).await;
                lab.finish(&disk.after_kill(), told.as_ref()).await;
                points += 1;
            }
        }
    }
    println!("erasure: {points} failures, {unknown} told as unknown, {full} as a full disk");
    assert!(points > 20 && unknown > 10);
}

/// A request and its approval go into the space that is held for noes.
#[tokio::test]
async fn a_full_disk_erases_still() {
    let (dir, disk) = (TempDir::new().unwrap(), FaultDisk::new());
    let options = Options { segment_octets: 1 << 20, reserve_octets: 6_000, address_rule: 1 };
    disk.set_capacity(16_000);
    let settings = Settings { ledger: options, ..settings(dir.path()) };
    let clock = TestClock::at(TODAY);
    let engine = Engine::open(settings, Arc::new(disk.clone()), clock).await.unwrap();
    record_canaries(&engine).await;
    for number in 0.. {
        match write(&engine, consent(&engine), &format!("c{number}@example.org"), "").await {
            Ok(_) => {}
            Err(EngineError::DiskFull) => break,
            Err(error) => panic!("{error}"),
        }
    }
    let case = request(&engine, "anna", "a letter", "").await.unwrap();
    let certificate = approve(&engine, "ben", &case.id).await.unwrap();
    assert_eq!(certificate.events_erased, 6);
    assert_eq!(held(&disk, &CANARIES), [""; 0]);
    let yes = write(&engine, consent(&engine), "late@example.org", "").await;
    assert_eq!(yes.unwrap_err(), EngineError::DiskFull);
    close(engine).await;
}
