//! Any octets as a backup's manifest or its list of tombstones, which decide what is restored: as
//! they come, and under a digest of our own, which anybody can make: it is no signature.

use std::path::Component;

use super::tombstones::Tombstones;
use super::*;

/// Whether the octets behind the first are a manifest (`m`, `M`) or a list (`t`, `T`). Those in
/// capitals get the digest that they have to have.
#[track_caller]
pub(crate) fn target(octets: &[u8]) -> bool {
    match octets {
        [b'm', manifest @ ..] => self::manifest(manifest),
        [b'M', manifest @ ..] => {
            Manifest::sealed(manifest).is_some_and(|text| self::manifest(text.as_bytes()))
        }
        [b't', list @ ..] => self::list(list),
        [b'T', list @ ..] => {
            Tombstones::sealed(list).is_some_and(|text| self::list(text.as_bytes()))
        }
        _ => false,
    }
}

fn manifest(octets: &[u8]) -> bool {
    let path = Path::new("manifest.json");
    let manifest = match Manifest::parse(path, octets) {
        Ok(manifest) => manifest,
        Err(BackupError::Altered(_) | BackupError::Format { .. }) => return false,
        Err(error) => unreachable!("{error:?}"),
    };
    assert_eq!(manifest.text().as_bytes(), octets, "one manifest has two texts");
    assert_eq!(manifest.copied().count(), manifest.segments.len(), "a segment is left out");
    for entry in manifest.files() {
        let path = Path::new(&entry.file);
        // Nothing outside the backup is read; what is not ours, `sweep` would leave for ever.
        let is_within = path.components().all(|part| matches!(part, Component::Normal(_)));
        assert!(is_within && is_ours(path), "{}", path.display());
        assert!(entry.read(Path::new("target/fuzz/no-such")).is_err());
    }
    // Both are digests or told to be none.
    manifest.chain().is_ok() && manifest.key_check().is_ok()
}

fn list(octets: &[u8]) -> bool {
    let path = Path::new("tombstones.json");
    let list = match Tombstones::parse(path, octets) {
        Ok(list) => list,
        Err(BackupError::Altered(_) | BackupError::Format { .. }) => return false,
        Err(error) => unreachable!("{error:?}"),
    };
    assert_eq!(list.text().as_bytes(), octets, "one list has two texts");
    assert!(!list.is_newer(&list.made_at), "newer than itself");
    match list.records() {
        Ok(records) => {
            assert_eq!(records.len(), list.len(), "a tombstone is left out");
            true
        }
        Err(BackupError::OtherTombstones) => false,
        Err(error) => unreachable!("{error:?}"),
    }
}

/// What the corpus begins with.
#[cfg(test)]
pub(crate) fn seeds() -> crate::fuzz::Seeds {
    use crate::ledger::{LedgerCopy, TombstoneRecord};

    let now = Timestamp::from_nanos(1_795_000_000_000_000_000);
    let revision = Revision::new;
    let segment = |first, octets| CopiedSegment { first: revision(first), octets, digest: [5; 32] };
    let tombstone = |at, erases: &[u64]| TombstoneRecord {
        revision: revision(at),
        erases: erases.iter().copied().map(revision).collect(),
        payload: b"sixteen of salt. a tombstone".to_vec(),
    };
    let copied = LedgerCopy {
        head: revision(90),
        chain: [7; 32],
        key_check: [9; 16],
        address_rule: 1,
        segments: vec![segment(1, 4_000), segment(41, 3_000)],
        tombstones: vec![tombstone(60, &[2, 3]), tombstone(89, &[70])],
        written: 0,
    };
    let list = Tombstones::of_copy(&copied, now);
    let entry = FileEntry::of("tombstones", "json", list.text().as_bytes());
    let keys = FileEntry::of("keys", "toml", b"the keys");
    let text = |keys| {
        let text = Manifest::new(&copied, entry.clone(), keys, now).text();
        // Seeds are the same for every version of the program.
        let program = format!("\"program\": \"{}\"", env!("CARGO_PKG_VERSION"));
        text.replacen(&program, "\"program\": \"1.0.0\"", 1)
    };
    let empty = LedgerCopy { head: Revision::ZERO, segments: vec![], tombstones: vec![], ..copied };
    let sealed = |text: &str| Manifest::sealed(text.as_bytes()).unwrap();
    let of = |kind: u8, text: &str| [&[kind], text.as_bytes()].concat();
    crate::fuzz::named(vec![
        ("manifest", of(b'm', &sealed(&text(None)))),
        ("with-keys", of(b'M', &text(Some(keys)))),
        ("tombstones", of(b't', &list.text())),
        ("list", of(b'T', &list.text())),
        ("no-tombstones", of(b'T', &Tombstones::of_copy(&empty, now).text())),
    ])
}
