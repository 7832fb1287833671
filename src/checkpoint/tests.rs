use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;

mod crash;
mod damage;

pub(super) const KEY: [u8; 16] = *b"0123456789abcdef";
pub(super) const LIMIT: Duration = Duration::from_secs(20);

pub(super) type Images = BTreeMap<ImageKey, Vec<u8>>;

pub(super) fn anchor(revision: u64) -> Anchor {
    let octet = u8::try_from(revision % 251).unwrap();
    Anchor { revision: Revision::new(revision), chain: [octet; 32] }
}

/// Images without a pattern, other ones for each seed.
pub(super) fn images(seed: u64, number: u32, octets: usize) -> Images {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut image = |number| {
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        };
        let octets = (0..octets.div_ceil(8)).flat_map(|_| next()).take(octets).collect();
        (ImageKey::new(u8::try_from(number % 3).unwrap(), number), octets)
    };
    (0..number).map(&mut image).collect()
}

pub(super) struct Place {
    pub(super) data: tempfile::TempDir,
    pub(super) checkpoints: Checkpoints,
}

impl Place {
    pub(super) fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::new(data.path().to_owned(), KEY);
        Self { data, checkpoints }
    }

    pub(super) fn write(&self, revision: u64) -> Images {
        let images = images(revision, 12, 700);
        self.write_these(revision, &images);
        images
    }

    pub(super) fn write_these(&self, revision: u64, images: &Images) -> Contents {
        self.checkpoints.write(anchor(revision), &mut images.clone().into_iter()).unwrap()
    }

    pub(super) fn load(&self) -> Loaded<Images> {
        load(&self.checkpoints)
    }

    pub(super) fn path(&self, revision: u64) -> PathBuf {
        directory::whole(self.data.path(), Revision::new(revision))
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.data.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[track_caller]
    fn finds(&self, revision: u64, images: &Images) -> Vec<(u64, Reason)> {
        let loaded = self.load();
        let (found, built) = loaded.found.expect("a checkpoint verifies");
        assert_eq!(found, anchor(revision));
        assert!(built == *images, "the images are those that were written");
        loaded.rejected.into_iter().map(|(revision, why)| (revision.number(), why)).collect()
    }

    /// Gives the files as they are a seal that holds, so that what is behind the seal is tested.
    fn reseal(&self, revision: u64) {
        reseal(&self.path(revision), revision);
    }
}

pub(super) fn reseal(path: &Path, revision: u64) {
    let checksums = Checksums::new(KEY);
    Seal::of(path, &checksums, anchor(revision)).unwrap().write(path, &checksums).unwrap();
}

pub(super) fn load(checkpoints: &Checkpoints) -> Loaded<Images> {
    checkpoints.load(
        LIMIT,
        |_| Images::new(),
        |images, key, octets| match images.insert(key, octets) {
            None => Ok(()),
            Some(_) => Err("twice".to_owned()),
        },
    )
}

pub(super) fn octets_of(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = directory::files(root).unwrap();
    files.into_iter().map(|name| (name.clone(), fs::read(root.join(name)).unwrap())).collect()
}

#[test]
fn what_was_written_is_loaded() {
    for (number, octets) in [(0, 0), (1, 0), (1, 1), (40, 2048), (7, MAX_IMAGE)] {
        let place = Place::new();
        let images = images(9, number, octets);
        let written = place.write_these(77, &images);
        let octets = images.values().map(|octets| u64::try_from(octets.len()).unwrap()).sum();
        assert_eq!(written, Contents { images: u64::from(number), octets });
        assert_eq!(place.finds(77, &images), []);
    }
}

#[test]
fn images_come_in_the_order_of_their_keys() {
    let place = Place::new();
    place.write_these(1, &images(1, 300, 40));
    let push = |keys: &mut Vec<ImageKey>, key, _| {
        keys.push(key);
        Ok(())
    };
    let (_, keys) = place.checkpoints.load(LIMIT, |_| Vec::new(), push).found.unwrap();
    assert_eq!(keys.len(), 300);
    assert!(keys.is_sorted());
}

#[test]
fn nothing_is_found_where_nothing_was_written() {
    let loaded = Place::new().load();
    assert!(loaded.found.is_none());
    assert_eq!(loaded.rejected, []);
}

#[test]
fn the_newest_two_are_kept() {
    let place = Place::new();
    for revision in [3, 10, 200, 1000] {
        place.write(revision);
    }
    assert_eq!(place.checkpoints.list().unwrap(), [Revision::new(1000), Revision::new(200)]);
    assert_eq!(place.names().len(), 2);
    place.checkpoints.remove(Revision::new(1000)).unwrap();
    place.finds(200, &images(200, 12, 700));
}

#[test]
fn the_same_revision_is_replaced() {
    let place = Place::new();
    place.write(5);
    let other = images(6, 3, 100);
    place.write_these(5, &other);
    assert_eq!(place.names(), ["checkpoint-00000000000000000005"]);
    place.finds(5, &other);
}

#[test]
fn one_past_the_written_revision_stays_for_the_ledger_to_judge() {
    let place = Place::new();
    let images = place.write(9);
    for revision in [1, 2, 3] {
        place.write(revision);
    }
    assert_eq!(place.checkpoints.list().unwrap(), [9, 3, 2].map(Revision::new));
    place.finds(9, &images);
}

#[test]
fn loading_changes_no_octet() {
    for images in [images(1, 0, 0), images(1, 40, 2048), images(1, 70, MAX_IMAGE)] {
        let place = Place::new();
        place.write_these(4, &images);
        let before = octets_of(&place.path(4));
        for _ in 0..3 {
            place.finds(4, &images);
        }
        assert!(place.checkpoints.verify(LIMIT)[0].outcome.is_ok());
        assert!(octets_of(&place.path(4)) == before);
    }
}

#[test]
fn loading_changes_no_octet_however_many_images_there_are() {
    for number in 0..60 {
        let place = Place::new();
        let images = images(7, number, 100);
        place.write_these(1, &images);
        let before = octets_of(&place.path(1));
        place.finds(1, &images);
        assert!(octets_of(&place.path(1)) == before, "{number} images");
    }
}

#[test]
fn an_image_that_is_too_large_is_refused() {
    let place = Place::new();
    let images = place.write(1);
    let key = ImageKey::new(0, 7);
    let mut large = vec![(key, vec![0; MAX_IMAGE + 1])].into_iter();
    let error = place.checkpoints.write(anchor(2), &mut large).unwrap_err();
    assert!(matches!(error, CheckpointError::ImageTooLarge { octets: 65_537, .. }), "{error:?}");
    assert_eq!(place.names(), ["checkpoint-00000000000000000001"]);
    place.finds(1, &images);
}

#[test]
fn an_image_that_is_given_twice_is_refused() {
    let place = Place::new();
    let key = ImageKey::new(0, 7);
    let mut twice = vec![(key, vec![1]), (key, vec![2])].into_iter();
    let error = place.checkpoints.write(anchor(2), &mut twice).unwrap_err();
    assert!(matches!(error, CheckpointError::ImageTwice(_)), "{error:?}");
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn a_panic_while_writing_leaves_nothing() {
    let place = Place::new();
    let mut images = (0..9).map(|number| match number {
        8 => panic!("the index is no more"),
        number => (ImageKey::new(0, number), vec![0; 100]),
    });
    let error = place.checkpoints.write(anchor(2), &mut images).unwrap_err();
    assert_eq!(error.to_string(), "panic while writing: the index is no more");
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn a_builder_that_refuses_falls_back_to_the_older() {
    let place = Place::new();
    let older = place.write(1);
    place.write(2);
    let begin = |anchor: Anchor| (anchor.revision.number(), Images::new());
    let loaded = place.checkpoints.load(LIMIT, begin, |(revision, images), key, octets| {
        images.insert(key, octets);
        if *revision == 2 && images.len() == 5 { Err("too new".to_owned()) } else { Ok(()) }
    });
    assert!(loaded.found.unwrap() == (anchor(1), (1, older)));
    let why = Reason::Unusable { key: ImageKey::new(1, 1), why: "too new".to_owned() };
    assert_eq!(loaded.rejected, [(Revision::new(2), why)]);
    assert_eq!(place.checkpoints.list().unwrap().len(), 2, "it is not damaged");
}

#[test]
fn a_builder_that_takes_too_long_is_given_up() {
    let place = Place::new();
    place.write_these(2, &images(2, 200, 100));
    let limit = Duration::from_millis(50);
    let started = stopwatch();
    let mut slow = |(): &mut (), _, _| {
        while started.elapsed() < limit * KEPT {
            std::hint::spin_loop();
        }
        Ok(())
    };
    let loaded = place.checkpoints.load(limit, |_| (), &mut slow);
    assert!(loaded.found.is_none());
    assert_eq!(loaded.rejected, [(Revision::new(2), Reason::TimedOut(limit))]);
    assert_eq!(place.checkpoints.list().unwrap().len(), 1, "it is not damaged");
}

#[test]
fn a_reader_that_hangs_is_left_behind() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    let place = Place::new();
    let older = place.write(1);
    place.write(2);
    // Whoever opens a pipe that nobody writes to waits for ever.
    let seal = place.path(2).join(seal::NAME);
    fs::remove_file(&seal).unwrap();
    mknodat(CWD, &seal, FileType::Fifo, Mode::RUSR, 0).unwrap();
    let limit = Duration::from_secs(1);
    let started = stopwatch();
    let loaded = place.checkpoints.load(
        limit,
        |_| Images::new(),
        |images, key, octets| {
            images.insert(key, octets);
            Ok(())
        },
    );
    assert!(started.elapsed() < limit * KEPT);
    assert!(loaded.found.unwrap() == (anchor(1), older));
    assert_eq!(loaded.rejected, [(Revision::new(2), Reason::TimedOut(limit))]);
    assert_eq!(place.checkpoints.list().unwrap().len(), 2, "it is not damaged");
}

#[test]
fn verify_tells_of_each_and_removes_none() {
    let place = Place::new();
    let images = place.write(1);
    place.write(2);
    fs::remove_file(place.path(2).join("conf")).unwrap();
    let found = place.checkpoints.verify(LIMIT);
    let octets = images.values().map(|octets| u64::try_from(octets.len()).unwrap()).sum();
    let missing = Reason::File { name: "conf".to_owned(), fault: Fault::Missing };
    assert_eq!(
        found,
        [
            Verified { revision: Revision::new(2), outcome: Err(missing) },
            Verified {
                revision: Revision::new(1),
                outcome: Ok((anchor(1), Contents { images: 12, octets })),
            },
        ]
    );
    assert_eq!(place.names().len(), 2);
}

#[test]
fn the_debug_text_holds_no_key() {
    let text = format!("{:?}", Place::new().checkpoints);
    assert!(!text.contains("48") && text.starts_with("Checkpoints { data:"), "{text}");
}
