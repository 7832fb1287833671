//! What an interrupted repair left, put back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::files::put_back;
use crate::backup::HalfDone;

/// A directory in which a repair was recording when it was interrupted: the cut lies behind 4 octets
/// of the second segment, four segments are aside, and of what it recorded some lies in a new one.
fn half_done() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, aside) = (dir.path().join("ledger"), dir.path().join("given-up-7"));
    fs::create_dir(&ledger).unwrap();
    fs::create_dir_all(aside.join("checkpoint-9")).unwrap();
    for (segment, text) in [(1, "first"), (5, "secoNEW"), (8, "NEW")] {
        fs::write(ledger.join(format!("{segment:020}.seg")), text).unwrap();
    }
    for (segment, text) in [(5, "second"), (8, "third"), (9, "fourth"), (12, "fifth")] {
        fs::write(aside.join(format!("{segment:020}.seg")), text).unwrap();
    }
    fs::write(aside.join("checkpoint-9/db"), "images").unwrap();
    fs::write(aside.join("repair.json"), "{}").unwrap();
    let note = r#"{"give_up":7,"segment":5,"offset":4,"recording":true}"#;
    HalfDone::begin(dir.path(), "repair", note).unwrap();
    dir
}

fn segments(dir: &Path) -> BTreeMap<u64, String> {
    let entries = fs::read_dir(dir.join("ledger")).unwrap().map(|entry| entry.unwrap().path());
    let number = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    entries.map(|path| (number(&path), fs::read_to_string(&path).unwrap())).collect()
}

#[track_caller]
fn is_put_back(dir: &Path) {
    let expect = [(1, "first"), (5, "second"), (8, "third"), (9, "fourth"), (12, "fifth")];
    assert_eq!(segments(dir), expect.map(|(first, text)| (first, text.to_owned())).into());
    assert_eq!(fs::read_to_string(dir.join("checkpoint-9/db")).unwrap(), "images");
    assert!(!dir.join("given-up-7").exists());
    assert_eq!(HalfDone::of(dir), None);
}

/// Whatever was put back before it was interrupted stays, and is not taken for what was recorded.
#[test]
fn putting_back_that_is_interrupted_goes_on_where_it_was() {
    let mut midway = 0;
    for number in 0..40 {
        let dir = half_done();
        // It ends at what it cannot remove, wherever the directory has that.
        let obstacle = dir.path().join(format!("given-up-7/{number}-obstacle"));
        fs::create_dir(&obstacle).unwrap();
        assert!(put_back(dir.path()).is_err());
        assert!(HalfDone::of(dir.path()).is_some());
        midway += usize::from((3..6).contains(&segments(dir.path()).len()));
        fs::remove_dir(&obstacle).unwrap();
        put_back(dir.path()).unwrap();
        is_put_back(dir.path());
    }
    assert!(midway > 0, "the test tests nothing");
}

/// A power cut in between may leave a directory under both names.
#[test]
fn checkpoint_under_both_names_is_put_back_once() {
    let dir = half_done();
    fs::create_dir(dir.path().join("checkpoint-9")).unwrap();
    fs::write(dir.path().join("checkpoint-9/db"), "images").unwrap();
    put_back(dir.path()).unwrap();
    is_put_back(dir.path());
}
