//! What is right by its own digest, which anybody can make, and yet not to be believed.

use super::*;
use crate::record::decode_tombstone;

/// Changes the manifest of a backup, under a digest made anew.
fn forge(to: &Path, change: impl FnOnce(String) -> String) {
    let path = to.join("manifest.json");
    let text = change(fs::read_to_string(&path).unwrap());
    fs::write(&path, Manifest::sealed(text.as_bytes()).unwrap()).unwrap();
}

/// The text with another value at this key, where it stands first.
fn with(text: &str, key: &str, value: &str) -> String {
    let (before, rest) = text.split_once(&format!("\"{key}\": ")).unwrap();
    let (_, after) = rest.split_once([',', '\n']).unwrap();
    format!("{before}\"{key}\": {value},{after}")
}

/// A ledger with one backup, and one erasure since.
fn world() -> World {
    let mut world = World::new();
    let case = begin_case(&mut world.ledger, 1);
    world.take(1).unwrap();
    approve(&mut world.ledger, &case);
    world
}

#[test]
fn a_manifest_that_says_another_end_or_format_is_refused() {
    let world = world();
    let right = fs::read_to_string(world.to().join("manifest.json")).unwrap();
    let seven = format!("\"{}\"", "07".repeat(32));
    for (key, value) in [("head", "1"), ("head", "3"), ("chain", &seven)] {
        fs::write(world.to().join("manifest.json"), &right).unwrap();
        forge(&world.to(), |text| with(&text, key, value));
        let error = check(&world.to()).unwrap_err();
        assert!(matches!(error, BackupError::OtherHead), "{key} {value}: {error}");
        let error = world.restore(|_| ()).unwrap_err();
        assert!(matches!(error, BackupError::OtherHead), "{key} {value}: {error}");
        assert!(!world.restored().join("ledger").exists());
    }
    fs::write(world.to().join("manifest.json"), &right).unwrap();
    forge(&world.to(), |text| with(&text, "format", "2"));
    for refused in [check(&world.to()).err(), world.restore(|_| ()).err(), world.take(2).err()] {
        assert!(matches!(refused, Some(BackupError::Format { found: 2, .. })), "{refused:?}");
    }
}

#[test]
fn a_list_that_was_altered_or_is_of_a_later_format_is_refused() {
    let world = world();
    let file = world.dir.path().join("list");
    let right = Tombstones::of_ledger(&world.data(), at(9)).unwrap().text();
    fs::write(&file, &right).unwrap();
    assert_eq!(Tombstones::read(&file, at(0)).unwrap().len(), 1);
    let none = with(&right, "tombstones", "[]").replace("\"[],", "\"[]");
    for wrong in [with(&right, "head", "2"), with(&right, "complete", "false"), none] {
        fs::write(&file, &wrong).unwrap();
        let error = Tombstones::read(&file, at(0)).unwrap_err();
        assert!(matches!(error, BackupError::Altered(_)), "{wrong}: {error}");
    }
    let later = Tombstones::sealed(with(&right, "format", "2").as_bytes()).unwrap();
    fs::write(&file, later).unwrap();
    let error = Tombstones::read(&file, at(0)).unwrap_err();
    assert!(matches!(error, BackupError::Format { found: 2, .. }), "{error}");
    // Nor is it one because a manifest names it by its digest.
    let entry = put(&world.to(), "tombstones", "json", with(&right, "head", "2").as_bytes());
    let manifest = Manifest::read(&world.to()).unwrap();
    let (old, new) = (&manifest.tombstones, entry.unwrap());
    forge(&world.to(), |text| {
        let text = text.replace(&old.blake3, &new.blake3).replace(&old.file, &new.file);
        text.replace(&format!("\"octets\": {}", old.octets), &format!("\"octets\": {}", new.octets))
    });
    let error = check(&world.to()).unwrap_err();
    assert!(matches!(error, BackupError::Altered(_)), "{error}");
}

#[test]
fn a_list_that_does_not_reach_so_far_is_refused() {
    use BackupError as Error;
    let mut world = world();
    let refused = |world: &World, list: &Tombstones| {
        let list: &'static Tombstones = Box::leak(Box::new(list.clone()));
        let error = world.restore(|what| what.tombstones = Some(list)).unwrap_err();
        assert!(!world.restored().join("ledger").exists(), "{error}");
        error
    };
    // Later by its clock, and yet of what came before the backup.
    let list = Tombstones::of_ledger(&world.data(), at(1_000)).unwrap();
    say(&mut world.ledger, 2, opt_out(2));
    world.take(2).unwrap();
    assert!(matches!(refused(&world, &list), Error::OldTombstones { .. }));
    // Of another ledger, which has as many revisions.
    let mut other = self::world();
    while other.ledger.head() < world.ledger.head() {
        say(&mut other.ledger, 2, opt_out(2));
    }
    let list = Tombstones::of_ledger(&other.data(), at(1_000)).unwrap();
    assert!(matches!(refused(&world, &list), Error::OtherTombstones));
    // Of a ledger that is damaged now: a tombstone may have been in what cannot be read.
    let segment = world.data().join("ledger/00000000000000000001.seg");
    let mut octets = fs::read(&segment).unwrap();
    let at_canary = memchr::memmem::find(&octets, canary(2).as_bytes()).unwrap();
    octets[at_canary] ^= 1;
    fs::write(&segment, octets).unwrap();
    let list = Tombstones::of_ledger(&world.data(), at(1_000)).unwrap();
    assert_eq!((list.complete, list.len()), (false, 1));
    assert!(matches!(refused(&world, &list), Error::TombstonesMissing));
    // With a reason it is taken, and the links of before are good for noes alone.
    let restored = world.restore(|what| what.waiver = Some("it is all we have")).unwrap();
    assert!(restored.keys_renewed);
}

/// The list of the backup itself ends where the backup does: that is no proof that nothing came
/// after it.
#[test]
fn a_reason_renews_the_keys_whatever_the_list_says() {
    let world = world();
    let own: &'static Tombstones =
        Box::leak(Box::new(Tombstones::read(&world.to(), at(0)).unwrap()));
    let restored = world.restore(|what| {
        (what.tombstones, what.waiver) = (Some(own), Some("the live disk burnt"));
    });
    assert!(restored.unwrap().keys_renewed);
}

#[test]
fn a_backup_takes_no_foreign_keys_no_data_directory_and_no_company() {
    let world = world();
    let other = World::new();
    let keys = other.data().join("keys.toml");
    let refused = take(&world.data(), &world.to(), Some(&keys), at(2));
    assert!(matches!(refused, Err(BackupError::WrongKey)), "{refused:?}");
    for data in [world.data(), other.data()] {
        let before = octets(&data);
        let refused = take(&world.data(), &data, None, at(2));
        assert!(matches!(refused, Err(BackupError::DataDirectory(_))), "{refused:?}");
        assert_eq!(octets(&data), before);
    }
    let lock = File::options().write(true).open(world.to().join("lock")).unwrap();
    lock.lock().unwrap();
    assert!(matches!(world.take(2), Err(BackupError::InUse(_))));
    drop(lock);
    world.take(2).unwrap();
}

#[test]
fn a_file_of_the_backup_before_that_changed_is_written_again() {
    let mut world = World::new();
    for person in 0..60 {
        begin_case(&mut world.ledger, person);
    }
    let first = world.take(1).unwrap().manifest;
    let file = world.to().join(&first.segments[0].file.file);
    let right = fs::read(&file).unwrap();
    let mut wrong = right.clone();
    wrong[100] ^= 1;
    fs::write(&file, wrong).unwrap();
    assert!(check(&world.to()).is_err());
    world.take(2).unwrap();
    check(&world.to()).unwrap();
    assert_eq!(fs::read(&file).unwrap(), right);
}

/// Who was erased before, came back, and was erased again after the backup: the new tombstone leads
/// to the old one, as the lost one did.
#[test]
fn a_tombstone_that_is_made_again_leads_to_the_one_before() {
    let mut world = World::new();
    let case = begin_case(&mut world.ledger, 1);
    approve(&mut world.ledger, &case);
    let old = Revision::new(world.ledger.head().number() - 1);
    let afresh = say(&mut world.ledger, 1, opt_out(1));
    world.take(1).unwrap();
    let statement = Statement {
        erasure_id: "another case".into(),
        effects: vec![Effect::Erasure(Erasure::Pending)],
        ..Statement::new(EventKind::ErasureRequested)
    };
    let request = say(&mut world.ledger, 1, statement);
    let tombstone = Statement {
        erasure_id: "another case".into(),
        effects: vec![Effect::Erasure(Erasure::Erased)],
        ..Statement::new(EventKind::Erased)
    };
    let group = world.ledger.begin(());
    let event = event(1, group.next_revision(), tombstone);
    let requested = Requested { revision: request, at: at(0), by: event.actor.clone() };
    let mut payload = Vec::new();
    encode_tombstone(&event, &requested, rand::random(), &mut payload);
    world.ledger.redact(group, &[afresh, request], &payload).unwrap();

    let restored = world.restore(|_| ()).unwrap();
    assert_eq!(restored.erased_again, 1);
    let (dir, now_at) = (world.restored(), Revision::new(restored.now_at));
    let check = world.keys.check_value();
    let reader = Reader::unopened(Arc::new(RealDisk), &dir, &check, now_at).unwrap();
    // The done mark is last.
    let made = Revision::new(restored.now_at - 1);
    let record = reader.read(made).unwrap().unwrap();
    let (event, _) = decode_tombstone(made, &record.payload, &Default::default()).unwrap();
    assert_eq!(event.previous, old);
    assert!(!holds(&dir, &canary(1)));
}
