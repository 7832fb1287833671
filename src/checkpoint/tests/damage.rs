//! Damage of every kind. No outcome but two is allowed: the checkpoint is refused, or it is loaded
//! with the very images that were written.

use std::fs;

use super::*;
use crate::checkpoint::checksum::FORMAT;

mod flips;

/// A place with checkpoints 1 and 2, the newer of them harmed.
#[track_caller]
fn refuses(harm: impl FnOnce(&Place), expect: &Reason) {
    let place = Place::new();
    let older = place.write(1);
    place.write(2);
    harm(&place);
    assert_eq!(place.finds(1, &older), [(2, expect.clone())]);
    let stays = matches!(expect, Reason::WrongKey | Reason::UnknownFormat { .. });
    assert_eq!(place.path(2).exists(), stays, "only the damaged are removed");
    place.finds(1, &older);
}

fn file(name: &str, fault: Fault) -> Reason {
    Reason::File { name: name.to_owned(), fault }
}

#[test]
fn another_thing_under_its_name_is_refused() {
    let plain_file = |place: &Place| {
        fs::remove_dir_all(place.path(2)).unwrap();
        fs::write(place.path(2), b"").unwrap();
    };
    refuses(plain_file, &Reason::NotADirectory);
    let empty_directory = |place: &Place| {
        fs::remove_dir_all(place.path(2)).unwrap();
        fs::create_dir(place.path(2)).unwrap();
    };
    refuses(empty_directory, &file(seal::NAME, Fault::Checksum));
    let another_revision = |place: &Place| {
        place.write(3);
        place.write_these(1, &images(1, 12, 700));
        place.checkpoints.remove(Revision::new(2)).unwrap();
        fs::rename(place.path(3), place.path(2)).unwrap();
    };
    refuses(another_revision, &Reason::Renamed);
}

#[test]
fn a_missing_an_extra_and_a_truncated_file_are_refused() {
    let place = Place::new();
    place.write_these(2, &images(2, 12, MAX_IMAGE));
    let names = directory::files(&place.path(2)).unwrap();
    assert!(names.iter().any(|name| name.starts_with("blobs/")), "{names:?}");
    for name in &names {
        let original = fs::read(place.path(2).join(name)).unwrap();
        for cut in [0, 1, original.len() / 2, original.len() - 1] {
            fs::write(place.path(2).join(name), &original[..cut]).unwrap();
            assert!(place.load().found.is_none(), "{name} cut to {cut}");
        }
        fs::write(place.path(2).join(name), [&original[..], &[0]].concat()).unwrap();
        assert!(place.load().found.is_none(), "{name} grown");
        fs::remove_file(place.path(2).join(name)).unwrap();
        assert!(place.load().found.is_none(), "without {name}");
        fs::write(place.path(2).join(name), original).unwrap();
    }
    for name in ["snap.FFFFFFFFFFFFFFFF", "blobs/99999999", "other"] {
        fs::write(place.path(2).join(name), b"extra").unwrap();
        assert_eq!(place.load().rejected, [(Revision::new(2), file(name, Fault::Foreign))]);
        fs::remove_file(place.path(2).join(name)).unwrap();
    }
    assert!(place.load().found.is_some(), "all is as it was");
}

#[test]
fn another_key_is_refused_and_removes_nothing() {
    let of_another_key = |place: &Place| {
        let other = Checkpoints::new(place.data.path().to_owned(), [7; 16]);
        other.write(anchor(2), &mut images(2, 12, 700).into_iter()).unwrap();
    };
    refuses(of_another_key, &Reason::WrongKey);
    let place = Place::new();
    let images = place.write(1);
    place.write(2);
    let other = Checkpoints::new(place.data.path().to_owned(), [7; 16]);
    let loaded = load(&other);
    assert!(loaded.found.is_none());
    assert_eq!(loaded.rejected, [2, 1].map(|n| (Revision::new(n), Reason::WrongKey)));
    assert!(place.finds(2, &super::images(2, 12, 700)).is_empty());
    place.checkpoints.remove(Revision::new(2)).unwrap();
    place.finds(1, &images);
}

#[test]
fn another_format_is_refused_and_removes_nothing() {
    for version in [0, FORMAT - 1, FORMAT + 1, u32::MAX] {
        let other_seal = |place: &Place| {
            let path = place.path(2).join(seal::NAME);
            let mut octets = fs::read(&path).unwrap();
            octets[8..12].copy_from_slice(&version.to_le_bytes());
            let body = octets.len() - CHECKSUM;
            let checksum = Checksums::new(KEY).seal(&octets[..body]);
            octets[body..].copy_from_slice(&checksum.to_le_bytes());
            fs::write(&path, octets).unwrap();
        };
        refuses(other_seal, &Reason::UnknownFormat { found: version, expected: FORMAT });
        let other_manifest = |place: &Place| {
            let store = reopen(&place.path(2)).unwrap();
            let mut octets = store.get(MANIFEST).unwrap().unwrap().to_vec();
            octets[..4].copy_from_slice(&version.to_le_bytes());
            store.insert(MANIFEST, octets).unwrap();
            drop(store);
            place.reseal(2);
        };
        refuses(other_manifest, &Reason::UnknownFormat { found: version, expected: FORMAT });
    }
}

/// Behind a seal that holds: this is what the checksums within are for.
#[test]
fn images_that_sled_loses_or_mixes_up_are_refused() {
    let image = |number: u32| ImageKey::new(u8::try_from(number % 3).unwrap(), number);
    let exchanged = |place: &Place| {
        let store = reopen(&place.path(2)).unwrap();
        let (one, other) = (image(3).stored(), image(6).stored());
        let value = store.get(one).unwrap().unwrap();
        let value = store.insert(other, value).unwrap().unwrap();
        store.insert(one, value).unwrap();
        drop(store);
        place.reseal(2);
    };
    refuses(exchanged, &Reason::Image(image(3)));
    let missing = |place: &Place| {
        let store = reopen(&place.path(2)).unwrap();
        store.remove(image(11).stored()).unwrap().unwrap();
        drop(store);
        place.reseal(2);
    };
    refuses(missing, &Reason::Set);
    let extra = |place: &Place| {
        let store = reopen(&place.path(2)).unwrap();
        let mut octets = b"more".to_vec();
        let checksum = Checksums::new(KEY).image(Revision::new(2), image(12), &octets);
        octets.extend(checksum.to_le_bytes());
        store.insert(image(12).stored(), octets).unwrap();
        drop(store);
        place.reseal(2);
    };
    refuses(extra, &Reason::Set);
    let instead_of_another = |place: &Place| {
        let store = reopen(&place.path(2)).unwrap();
        let mut octets = store.get(image(11).stored()).unwrap().unwrap()[..700].to_vec();
        octets[0] ^= 1;
        let checksum = Checksums::new(KEY).image(Revision::new(2), image(11), &octets);
        octets.extend(checksum.to_le_bytes());
        store.insert(image(11).stored(), octets).unwrap();
        drop(store);
        place.reseal(2);
    };
    refuses(instead_of_another, &Reason::Set);
    let of_another_checkpoint = |place: &Place| {
        let value = reopen(&place.path(1)).unwrap().get(image(4).stored()).unwrap().unwrap();
        let store = reopen(&place.path(2)).unwrap();
        store.insert(image(4).stored(), value).unwrap();
        drop(store);
        place.reseal(2);
    };
    refuses(of_another_checkpoint, &Reason::Image(image(4)));
    let short = |place: &Place| {
        let store = reopen(&place.path(2)).unwrap();
        store.insert(image(4).stored(), b"short").unwrap();
        drop(store);
        place.reseal(2);
    };
    refuses(short, &Reason::Image(image(4)));
    for key in [&b""[..], b"\x01\x00", b"\x02\x00\x00\x00\x00\x00"] {
        let no_image = |place: &Place| {
            let store = reopen(&place.path(2)).unwrap();
            store.insert(key, b"what is this").unwrap();
            drop(store);
            place.reseal(2);
        };
        refuses(no_image, &Reason::NoImage);
    }
}

#[test]
fn a_manifest_that_is_missing_or_altered_is_refused() {
    let gone = |place: &Place| {
        let store = reopen(&place.path(2)).unwrap();
        store.remove(MANIFEST).unwrap().unwrap();
        drop(store);
        place.reseal(2);
    };
    refuses(gone, &Reason::Manifest);
    // From the key check on; what is before is the format.
    for at in (20..108).step_by(3) {
        let place = Place::new();
        place.write(2);
        let store = reopen(&place.path(2)).unwrap();
        let mut octets = store.get(MANIFEST).unwrap().unwrap().to_vec();
        octets[at] ^= 0x10;
        store.insert(MANIFEST, octets).unwrap();
        drop(store);
        place.reseal(2);
        assert_eq!(place.load().rejected, [(Revision::new(2), Reason::Manifest)], "octet {at}");
    }
    let of_another_checkpoint = |place: &Place| {
        let octets = reopen(&place.path(1)).unwrap().get(MANIFEST).unwrap().unwrap();
        let store = reopen(&place.path(2)).unwrap();
        store.insert(MANIFEST, octets).unwrap();
        drop(store);
        place.reseal(2);
    };
    refuses(of_another_checkpoint, &Reason::Manifest);
}

#[test]
fn nothing_is_removed_where_none_verifies() {
    let place = Place::new();
    place.write(1);
    place.write(2);
    for revision in [1, 2] {
        fs::write(place.path(revision).join("db"), b"").unwrap();
    }
    assert_eq!(place.load().rejected.len(), 2);
    assert_eq!(place.names().len(), 2);
}
