//! Checkpoint against ledger: which of them is believed when they differ or are damaged.

use std::path::PathBuf;

use super::super::locked;
use super::*;
use crate::checkpoint::Anchor;
use crate::ledger::fault::FaultDisk;
use crate::ledger::{Damaged, OpenError};

async fn open_on(disk: &FaultDisk, dir: &Path) -> Result<Arc<Engine>, BootError> {
    Engine::open(settings(dir), Arc::new(disk.clone()), TestClock::at(TODAY)).await
}

async fn close(engine: Arc<Engine>) {
    engine.stop().await;
    assert!(Arc::into_inner(engine).is_some(), "nobody else holds the engine");
}

/// Octets of a commit mark.
const MARK: usize = 48;

const NAMES: [&str; 4] =
    ["ann@example.org", "bob@example.org", "carl@example.org", "dan@x.example"];

/// The segment that all is in.
fn segment(disk: &FaultDisk) -> PathBuf {
    let files = disk.files();
    assert_eq!(files.len(), 1);
    files.into_keys().next().unwrap()
}

/// Three addresses with facts, a checkpoint, and facts behind it. Gives back where the ledger's
/// file ended at the checkpoint, and the answers.
async fn written(disk: &FaultDisk, dir: &Path) -> (usize, Vec<u8>) {
    let engine = open_on(disk, dir).await.unwrap();
    write(&engine, consent(&engine), NAMES[0], "r0").await.unwrap();
    write(&engine, opt_out(newsletter(&engine)), NAMES[1], "").await.unwrap();
    engine.checkpoint().unwrap();
    let end = disk.files()[&segment(disk)].len();
    write(&engine, opt_out(Scope::Everything), NAMES[2], "").await.unwrap();
    write(&engine, opt_out(Scope::Everything), NAMES[0], "").await.unwrap();
    let verdicts = check(&engine, &NAMES).await.verdicts;
    close(engine).await;
    (end, verdicts)
}

/// Octets of the last payload before the checkpoint: that of the second address's one event.
async fn last_payload(disk: &FaultDisk, dir: &Path) -> usize {
    let engine = open_on(disk, dir).await.unwrap();
    let page = engine.history(&caller(), NAMES[1].as_bytes(), 0, "").await.unwrap();
    let record = engine.shared.reader.read(page.events[0].revision).unwrap().unwrap();
    close(engine).await;
    record.payload.len()
}

/// The files of the newest checkpoint.
fn checkpoint_files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let is_checkpoint =
        |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("checkpoint-");
    let mut waiting: Vec<PathBuf> = vec![entries.filter(is_checkpoint).max().unwrap()];
    let mut files = Vec::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copy = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_tree(&path, &copy);
        } else {
            std::fs::copy(&path, &copy).unwrap();
        }
    }
}

#[tokio::test]
async fn a_checkpoint_ahead_of_its_ledger_refuses_to_start() {
    let (dir, disk) = (TempDir::new().unwrap(), FaultDisk::new());
    let (end, verdicts) = written(&disk, dir.path()).await;
    let path = segment(&disk);
    let last = end - MARK - last_payload(&disk, dir.path()).await;
    for keep in (0..last).step_by(4).chain([last - 1]) {
        let cut = disk.copy();
        cut.tamper(&path, |octets| octets.truncate(keep));
        let opened = open_on(&cut, dir.path()).await.map(|engine| engine.head());
        assert!(
            matches!(opened, Err(BootError::Ledger(OpenError::Damaged(_)))),
            "{keep} of {end}: {opened:?}"
        );
    }
    // The whole file is gone.
    let error = open_on(&FaultDisk::new(), dir.path()).await.unwrap_err();
    let BootError::Ledger(OpenError::Damaged(damage)) = error else { panic!("{error:?}") };
    assert_eq!(damage.what, Damaged::Anchor);
    // And nothing of it was changed or forgotten.
    let engine = open_on(&disk, dir.path()).await.unwrap();
    assert_eq!(check(&engine, &NAMES).await.verdicts, verdicts);
    close(engine).await;
    println!("checkpoint ahead of its ledger: cut at {} places and refused", last / 4 + 1);
}

/// Where the frame of the last event is whole, the checkpoint has seen it: a payload that is cut
/// is damage before a good checkpoint.
#[tokio::test]
async fn a_ledger_cut_in_its_last_payload_serves_behind_its_checkpoint() {
    let (dir, disk) = (TempDir::new().unwrap(), FaultDisk::new());
    let (end, _) = written(&disk, dir.path()).await;
    let payload = last_payload(&disk, dir.path()).await;
    let path = segment(&disk);
    for keep in [end - MARK - payload, end - MARK - 1] {
        let cut = disk.copy();
        cut.tamper(&path, |octets| octets.truncate(keep));
        for _ in 0..3 {
            let engine = open_on(&cut, dir.path()).await.unwrap();
            assert_eq!(verdict(&engine, NAMES[0]).await, Verdict::AllowedConsent);
            assert_eq!(verdict(&engine, NAMES[1]).await, Verdict::OptedOutTopic);
            let history = engine.history(&caller(), NAMES[1].as_bytes(), 0, "").await;
            assert!(matches!(history, Err(EngineError::Damaged { .. })), "{history:?}");
            write(&engine, opt_out(Scope::Everything), NAMES[3], "").await.unwrap();
            close(engine).await;
            let engine = open_on(&cut, dir.path()).await.unwrap();
            assert_eq!(verdict(&engine, NAMES[3]).await, Verdict::OptedOutEverything);
            close(engine).await;
        }
    }
}

/// A fuzzy checkpoint holds more than its anchor says: what it reaches is the proof.
#[tokio::test]
async fn a_checkpoint_that_reaches_beyond_the_ledger_refuses_to_start() {
    let (dir, disk) = (TempDir::new().unwrap(), FaultDisk::new());
    let engine = open_on(&disk, dir.path()).await.unwrap();
    write(&engine, consent(&engine), NAMES[0], "").await.unwrap();
    let anchor: Anchor = *locked(&engine.shared.anchor);
    let end = disk.files()[&segment(&disk)].len();
    // As if this write had come while the partitions were copied.
    write(&engine, opt_out(Scope::Everything), NAMES[0], "").await.unwrap();
    // And was applied, and not yet answered.
    *locked(&engine.shared.anchor) = anchor;
    let reached = engine.shared.head.send_replace(anchor.revision);
    let (at, _) = engine.checkpoint().unwrap();
    assert_eq!(at, anchor);
    close(engine).await;
    let cut = disk.copy();
    cut.tamper(&segment(&disk), |octets| octets.truncate(end));
    let error = open_on(&cut, dir.path()).await.unwrap_err();
    let BootError::LedgerBehind { reached: at, head } = error else { panic!("{error:?}") };
    assert_eq!((at, head), (reached, anchor.revision));
    let engine = open_on(&disk, dir.path()).await.unwrap();
    assert_eq!(verdict(&engine, NAMES[0]).await, Verdict::OptedOutEverything);
    close(engine).await;
}

/// Puts the checkpoints back as they were.
fn restore(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(to).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap();
        }
    }
    copy_tree(from, to);
}

#[tokio::test]
async fn a_damaged_checkpoint_gives_way_to_the_older_one_and_to_the_ledger() {
    let (dir, disk) = (TempDir::new().unwrap(), FaultDisk::new());
    let (_, verdicts) = written(&disk, dir.path()).await;
    let mut damaged = 0;
    for checkpoints in [1, 2] {
        if checkpoints == 2 {
            let engine = open_on(&disk, dir.path()).await.unwrap();
            engine.checkpoint().unwrap();
            close(engine).await;
        }
        let sound = TempDir::new().unwrap();
        copy_tree(dir.path(), sound.path());
        for file in checkpoint_files(dir.path()) {
            restore(sound.path(), dir.path());
            let octets = std::fs::read(&file).unwrap();
            let middle = octets.len() / 2;
            let mut flipped = octets.clone();
            flipped.iter_mut().skip(middle).take(1).for_each(|octet| *octet ^= 1);
            for wrong in [Some(&flipped[..]), Some(&octets[..middle]), None] {
                restore(sound.path(), dir.path());
                match wrong {
                    Some(octets) => {
                        std::fs::write(&file, octets).unwrap_or_else(|e| panic!("{file:?} {e}"))
                    }
                    None => std::fs::remove_file(&file).unwrap(),
                }
                let engine = open_on(&disk.copy(), dir.path()).await.unwrap();
                assert_eq!(check(&engine, &NAMES).await.verdicts, verdicts, "{file:?}");
                let again = write(&engine, consent(&engine), NAMES[0], "r0").await.unwrap();
                assert_eq!(again.outcomes, [WriteOutcome::Applied], "the first response");
                close(engine).await;
                damaged += usize::from(wrong != Some(&octets[..]));
            }
        }
        restore(sound.path(), dir.path());
    }
    println!("damaged checkpoints: {damaged} times a file was cut, flipped or removed");
    assert!(damaged > 10);
}

#[tokio::test]
async fn damage_before_a_good_checkpoint_shows_in_the_history_alone() {
    let (dir, disk) = (TempDir::new().unwrap(), FaultDisk::new());
    let (end, verdicts) = written(&disk, dir.path()).await;
    // The payload of the event of the second address: the last record before the checkpoint.
    let path = segment(&disk);
    disk.tamper(&path, |octets| octets[end - 70] ^= 1);
    let engine = open_on(&disk, dir.path()).await.unwrap();
    assert_eq!(check(&engine, &NAMES).await.verdicts, verdicts);
    let history = engine.history(&caller(), NAMES[1].as_bytes(), 0, "").await;
    assert!(matches!(history, Err(EngineError::Damaged { .. })), "{history:?}");
    for (name, events) in [(NAMES[0], 2), (NAMES[2], 1)] {
        let page = engine.history(&caller(), name.as_bytes(), 0, "").await.unwrap();
        assert_eq!(page.events.len(), events, "{name}");
    }
    // A no is taken whatever cannot be read, also where it is said again; a yes is not.
    for scope in [newsletter(&engine), newsletter(&engine), Scope::Everything] {
        let no = write(&engine, opt_out(scope), NAMES[1], "").await.unwrap();
        assert_eq!(no.outcomes.len(), 1);
    }
    let recipients = [Box::from(NAMES[1].as_bytes())];
    let links = engine.mint_links(&caller(), "festival", "advent", &recipients).await.unwrap();
    let token = links[0].clone().unwrap().unsubscribe_token;
    engine.unsubscribe(&caller(), &token, None, None).await.unwrap();
    let addresses = vec![Box::from(NAMES[1].as_bytes()); 2];
    let (command, request_id) = (opt_out(Scope::Everything), "twice".into());
    let twice = Write { command, addresses, request_id, body: Vec::new() };
    engine.write(&caller(), twice).await.unwrap();
    assert_eq!(verdict(&engine, NAMES[1]).await, Verdict::OptedOutTopic);
    close(engine).await;

    // Without the checkpoint a hole may hide a no.
    for file in checkpoint_files(dir.path()) {
        std::fs::write(&file, b"").unwrap();
    }
    let error = open_on(&disk, dir.path()).await.unwrap_err();
    assert!(matches!(error, BootError::Ledger(OpenError::Damaged(_))), "{error:?}");
}
