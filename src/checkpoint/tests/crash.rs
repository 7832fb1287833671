//! Crashes and full disks, the hard ones in a child process: this test binary, told through the
//! environment to run one test as the victim.

use std::env;
use std::fs;
use std::process::{Command, Output};

use super::*;

const VICTIM: &str = "MAYSEND_CHECKPOINT_VICTIM";

/// The data directory, where this process is the victim.
fn victim() -> Option<Checkpoints> {
    env::var_os(VICTIM).map(|data| Checkpoints::new(data.into(), KEY))
}

/// Runs `test` as the victim, behind `before`, which is shell.
fn run_victim(test: &str, data: &Path, before: &str) -> Output {
    Command::new("sh")
        .arg("-c")
        .arg(format!("{before} exec \"$0\" --exact checkpoint::tests::crash::{test} --nocapture"))
        .arg(env::current_exe().unwrap())
        .env(VICTIM, data)
        .output()
        .unwrap()
}

#[test]
fn a_crash_while_writing_leaves_the_older() {
    if let Some(checkpoints) = victim() {
        let mut images = images(2, 40, 9000)
            .into_iter()
            .enumerate()
            .map(|(at, image)| if at == 39 { std::process::abort() } else { image });
        checkpoints.write(anchor(2), &mut images).unwrap();
        return;
    }
    let place = Place::new();
    let images = place.write(1);
    let output =
        run_victim("a_crash_while_writing_leaves_the_older", place.data.path(), "ulimit -c 0;");
    assert!(!output.status.success());
    assert_eq!(
        place.names(),
        ["checkpoint-00000000000000000001", "checkpoint-00000000000000000002.new"]
    );
    assert_eq!(place.finds(1, &images), []);
    assert_eq!(place.names(), ["checkpoint-00000000000000000001"]);
}

#[test]
fn a_crash_before_the_rename_leaves_the_older() {
    let place = Place::new();
    let images = place.write(1);
    place.write(2);
    let unfinished = directory::unfinished(place.data.path(), Revision::new(2));
    fs::rename(place.path(2), unfinished).unwrap();
    assert_eq!(place.finds(1, &images), []);
    assert_eq!(place.names(), ["checkpoint-00000000000000000001"]);
}

#[test]
fn what_a_crash_left_is_overwritten() {
    let place = Place::new();
    let unfinished = directory::unfinished(place.data.path(), Revision::new(2));
    fs::create_dir_all(unfinished.join("blobs/x")).unwrap();
    fs::write(unfinished.join("db"), b"torn").unwrap();
    let images = place.write(2);
    assert_eq!(place.names(), ["checkpoint-00000000000000000002"]);
    place.finds(2, &images);
}

#[test]
fn a_crash_while_removing_leaves_nothing_that_looks_whole() {
    let place = Place::new();
    let images = place.write(2);
    for name in ["checkpoint-00000000000000000001.old", "checkpoint-00000000000000000003.new"] {
        fs::create_dir(place.data.path().join(name)).unwrap();
        fs::write(place.data.path().join(name).join("db"), b"torn").unwrap();
    }
    for name in ["checkpoint-1.new", "checkpoint-1", "segment-00000000000000000001.new"] {
        fs::write(place.data.path().join(name), b"not ours").unwrap();
    }
    assert_eq!(place.finds(2, &images), []);
    assert_eq!(
        place.names(),
        [
            "checkpoint-00000000000000000002",
            "checkpoint-1",
            "checkpoint-1.new",
            "segment-00000000000000000001.new",
        ]
    );
}

/// No file may grow beyond this many blocks of 512 octets: what `write` meets is `EFBIG`, which
/// takes the ways of `ENOSPC`.
#[test]
fn a_write_without_room_leaves_the_older() {
    if let Some(checkpoints) = victim() {
        let images = images(2, 400, 9000);
        match checkpoints.write(anchor(2), &mut images.into_iter()) {
            Ok(_) => println!("outcome: written"),
            Err(error) => println!("outcome: {error:?}"),
        }
        return;
    }
    for blocks in [0, 1, 8, 64, 200, 1000, 1023, 1024, 1100, 2000] {
        let place = Place::new();
        let images = place.write(1);
        let before = octets_of(&place.path(1));
        let limited = format!("trap '' XFSZ; ulimit -f {blocks};");
        let output =
            run_victim("a_write_without_room_leaves_the_older", place.data.path(), &limited);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let outcome = text.split_once("outcome: ").map(|(_, outcome)| outcome.lines().next());
        println!("{blocks} blocks: {:?}", outcome.flatten());
        assert!(output.status.success(), "{text}");
        assert!(text.contains("outcome: Io("), "{text}");
        assert_eq!(place.names(), ["checkpoint-00000000000000000001"], "{blocks} blocks");
        assert!(octets_of(&place.path(1)) == before);
        place.finds(1, &images);
    }
}

#[test]
fn a_snapshot_that_was_never_finished_is_removed() {
    let place = Place::new();
    let images = place.write(1);
    let torn = place.path(1).join("snap.FFFFFFFFFFFFFFFF.generating");
    fs::write(&torn, b"").unwrap();
    assert!(open(&place.path(1)).is_err(), "this is what removing it is for");
    assert_eq!(place.finds(1, &images), []);
    assert!(!torn.exists());
}
