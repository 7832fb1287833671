//! Backups of ledgers that grow, roll and erase meanwhile, and the way back.

mod forged;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;

use super::*;
use crate::ledger::{Ledger, Options, RecordKind, Urgency, verify};
use crate::model::actor::{Actor, ActorClass};
use crate::model::event::{Effect, Event, EventKind, Statement};
use crate::model::fact::{Erasure, Origin};
use crate::model::fingerprint::Fingerprint;
use crate::model::scope::Scope;
use crate::record::{Requested, encode_event, encode_tombstone};

/// Segments that a few dozen events fill.
const SMALL: Options = Options { segment_octets: 8 << 10, reserve_octets: 0, address_rule: 1 };

/// Erasures that go on while backups are made.
const CASES: u64 = 400;

/// A data directory with keys and a ledger in small segments.
struct World {
    dir: TempDir,
    keys: Keys,
    ledger: Ledger,
}

/// A case: whose, where the request lies, and what it erases.
struct Case {
    person: u64,
    request: Revision,
    events: Vec<Revision>,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_nanos(1_795_000_000_000_000_000 + second * 1_000_000_000)
}

fn canary(person: u64) -> String {
    format!("canary-of-{person:06}-person")
}

fn event(person: u64, revision: Revision, statement: Statement) -> Event {
    Event {
        revision,
        previous: Revision::ZERO,
        recorded_at: at(0),
        fingerprint: Fingerprint::new(u128::from(person) << 64),
        address: None,
        tagged: false,
        actor: Actor { class: ActorClass::Staff, id: "anna".into(), credential: "crm".into() },
        request_id: "".into(),
        statement,
    }
}

fn opt_out(person: u64) -> Statement {
    Statement {
        scopes: vec![Scope::Everything],
        reason: canary(person).into(),
        effects: vec![Effect::No { scope: Scope::Everything, origin: Origin::OptOut }],
        ..Statement::new(EventKind::OptedOut)
    }
}

fn open(dir: &Path, keys: &Keys) -> Ledger {
    let disk = Arc::new(RealDisk);
    Ledger::open(disk, dir, keys.check_value(), SMALL, None, &mut |_| Ok(())).unwrap()
}

impl World {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let data = dir.path().join("data");
        fs::create_dir(&data).unwrap();
        let keys = Keys::create(&data.join("keys.toml")).unwrap();
        let ledger = open(&data, &keys);
        Self { dir, keys, ledger }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn to(&self) -> PathBuf {
        self.dir.path().join("backup")
    }

    fn restored(&self) -> PathBuf {
        self.dir.path().join("restored")
    }

    fn take(&self, second: i64) -> Result<Taken, BackupError> {
        take(&self.data(), &self.to(), None, at(second))
    }

    fn restore(&self, change: impl FnOnce(&mut Restore<'_>)) -> Result<Restored, BackupError> {
        let (from, data_dir, keys) = (self.to(), self.restored(), self.data().join("keys.toml"));
        let list = Tombstones::of_ledger(&self.data(), at(1_000))?;
        let mut what = Restore {
            from: &from,
            data_dir: &data_dir,
            keys: Some(&keys),
            tombstones: Some(&list),
            waiver: None,
            at_least: None,
            now: at(2_000),
        };
        change(&mut what);
        restore(&what)
    }
}

fn say(ledger: &mut Ledger, person: u64, statement: Statement) -> Revision {
    let mut group = ledger.begin(());
    let event = event(person, group.next_revision(), statement);
    let mut payload = Vec::new();
    encode_event(&event, None, rand::random(), &mut payload);
    let revision = group.push(RecordKind::Event, &payload);
    ledger.commit(group, Urgency::No).unwrap();
    revision
}

/// An opt-out and a request for erasure.
fn begin_case(ledger: &mut Ledger, person: u64) -> Case {
    let said = say(ledger, person, opt_out(person));
    let statement = Statement {
        erasure_id: format!("{person:016x}").into(),
        effects: vec![Effect::Erasure(Erasure::Pending)],
        ..Statement::new(EventKind::ErasureRequested)
    };
    let request = say(ledger, person, statement);
    Case { person, request, events: vec![said, request] }
}

fn approve(ledger: &mut Ledger, case: &Case) {
    let group = ledger.begin(());
    let statement = Statement {
        erasure_id: format!("{:016x}", case.person).into(),
        effects: vec![Effect::Erasure(Erasure::Erased)],
        ..Statement::new(EventKind::Erased)
    };
    let tombstone = event(case.person, group.next_revision(), statement);
    let by = tombstone.actor.clone();
    let requested = Requested { revision: case.request, at: at(0), by };
    let mut payload = Vec::new();
    encode_tombstone(&tombstone, &requested, rand::random(), &mut payload);
    ledger.redact(group, &case.events, &payload).unwrap();
}

/// All octets below a directory.
fn octets(dir: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        all.extend(if path.is_dir() { octets(&path) } else { fs::read(&path).unwrap() });
    }
    all
}

fn holds(dir: &Path, text: &str) -> bool {
    memchr::memmem::find(&octets(dir), text.as_bytes()).is_some()
}

#[track_caller]
fn assert_sound(dir: &Path, keys: &Keys) -> Revision {
    let report = verify(Arc::new(RealDisk), dir, Some(keys.check_value())).unwrap();
    assert_eq!(report.damage, []);
    report.head
}

#[test]
fn a_backup_copies_what_changed_and_no_more() {
    let mut world = World::new();
    let cases: Vec<Case> = (0..200).map(|n| begin_case(&mut world.ledger, n)).collect();
    let first = world.take(1).unwrap();
    assert!(first.manifest.segments.len() > 5);
    assert_eq!(world.take(2).unwrap().written, 0, "nothing changed");
    say(&mut world.ledger, 999, opt_out(999));
    let last = world.take(3).unwrap();
    let octets_of = |segment: Option<&SegmentEntry>| segment.unwrap().file.octets;
    assert_eq!(last.written, octets_of(last.manifest.segments.last()));
    // An erasure in the first segment.
    assert!(holds(&world.to(), &canary(0)));
    approve(&mut world.ledger, &cases[0]);
    let erased = world.take(4).unwrap();
    let changed =
        octets_of(erased.manifest.segments.first()) + octets_of(erased.manifest.segments.last());
    assert_eq!(erased.written, changed);
    assert!(!holds(&world.to(), &canary(0)), "the copy is overwritten too");
    assert!(holds(&world.to(), &canary(1)));
    assert_eq!(check(&world.to()).unwrap(), erased.manifest);
}

#[test]
fn a_copy_is_sound_whatever_the_writer_does_meanwhile() {
    let World { dir, keys, mut ledger } = World::new();
    let (data, to) = (dir.path().join("data"), dir.path().join("backup"));
    let mut waiting: Vec<Case> = (0..100).map(|n| begin_case(&mut ledger, n)).collect();
    let done = AtomicBool::new(false);
    let erased = Mutex::new(BTreeSet::new());
    let mut backups = 0;
    std::thread::scope(|scope| {
        let (done, erased) = (&done, &erased);
        scope.spawn(move || {
            for person in 100..100 + CASES {
                waiting.push(begin_case(&mut ledger, person));
                // Old ones and new ones.
                let at = usize::try_from(person * 7919).unwrap() % waiting.len();
                let case = waiting.swap_remove(at);
                approve(&mut ledger, &case);
                erased.lock().unwrap().insert(case.person);
            }
            done.store(true, Ordering::Release);
        });
        for second in 0.. {
            let is_last = done.load(Ordering::Acquire);
            let before = erased.lock().unwrap().clone();
            let taken = take(&data, &to, None, at(second)).unwrap();
            assert_eq!(check(&to).unwrap(), taken.manifest);
            let all = octets(&to);
            for person in &before {
                let text = canary(*person);
                assert!(memchr::memmem::find(&all, text.as_bytes()).is_none(), "{text}");
            }
            backups += 1;
            if is_last {
                break;
            }
        }
    });
    assert!(backups > 1, "{backups} backups while it went on");
    // The last one opens, and none of its erasures is undone.
    let restored = dir.path().join("restored");
    let (list, keys_file) =
        (Tombstones::of_ledger(&data, at(900)).unwrap(), data.join("keys.toml"));
    restore(&Restore {
        from: &to,
        data_dir: &restored,
        keys: Some(&keys_file),
        tombstones: Some(&list),
        waiver: None,
        at_least: None,
        now: at(901),
    })
    .unwrap();
    assert_sound(&restored, &keys);
    for person in erased.lock().unwrap().iter() {
        assert!(!holds(&restored, &canary(*person)), "{person}");
    }
}

#[test]
fn what_was_erased_since_is_erased_again_under_its_case() {
    let mut world = World::new();
    let known = begin_case(&mut world.ledger, 1);
    let said = say(&mut world.ledger, 2, opt_out(2));
    let stays = say(&mut world.ledger, 3, opt_out(3));
    let taken = world.take(1).unwrap();
    // One request is in the backup, of the other only what came before.
    approve(&mut world.ledger, &known);
    let mut late = begin_case(&mut world.ledger, 2);
    late.events.push(said);
    approve(&mut world.ledger, &late);
    say(&mut world.ledger, 4, opt_out(4));
    assert!(holds(&world.to(), &canary(1)) && holds(&world.to(), &canary(2)));

    let restored = world.restore(|_| ()).unwrap();
    assert_eq!((restored.erased_again, restored.head), (2, taken.manifest.head().number()));
    assert!(restored.keys_renewed, "revisions are given out again");
    let dir = world.restored();
    assert_eq!(assert_sound(&dir, &world.keys).number(), restored.now_at);
    assert!(!holds(&dir, &canary(1)) && !holds(&dir, &canary(2)), "gone here too");
    assert!(
        holds(&dir, &canary(3)) && !holds(&dir, &canary(4)),
        "others stay, later ones are lost"
    );
    let list = Tombstones::of_ledger(&dir, at(3_000)).unwrap();
    assert_eq!(list.len(), 2);
    let reader = Reader::unopened(
        Arc::new(RealDisk),
        &dir,
        &world.keys.check_value(),
        Revision::new(restored.now_at),
    );
    assert!(!reader.unwrap().read(stays).unwrap().unwrap().erased);
    // Restored from the restored: its own tombstones are known, so nothing is left to do.
    let second = world.dir.path().join("second");
    take(&dir, &second, None, at(4_000)).unwrap();
    let again = Restore {
        from: &second,
        data_dir: &world.dir.path().join("third"),
        keys: Some(&dir.join("keys.toml")),
        tombstones: Some(&Tombstones::of_ledger(&dir, at(5_000)).unwrap()),
        waiver: None,
        at_least: None,
        now: at(6_000),
    };
    let third = restore(&again).unwrap();
    assert_eq!((third.erased_again, third.keys_renewed), (0, false), "a move, not a loss");
}

/// No checksum covers a slot: what happens to one costs neither a backup nor the way back.
#[test]
fn a_slot_that_is_wrong_does_not_stop_a_restore() {
    let mut world = World::new();
    let case = begin_case(&mut world.ledger, 1);
    approve(&mut world.ledger, &case);
    let segment = world.data().join("ledger/00000000000000000001.seg");
    let mut octets = fs::read(&segment).unwrap();
    let first = memchr::memmem::find(&octets, b"\xf5frm").unwrap();
    assert_eq!(octets[first + 88], 3, "the slot of the first record names the tombstone");
    for wrong in [0, 2, 9] {
        octets[first + 88] = wrong;
        fs::write(&segment, &octets).unwrap();
        take(&world.data(), &world.to(), None, at(1)).unwrap();
        check(&world.to()).unwrap();
        world.restore(|_| ()).unwrap();
        assert_sound(&world.restored(), &world.keys);
        assert!(!holds(&world.restored(), &canary(1)));
        fs::remove_dir_all(world.restored()).unwrap();
    }
}

#[test]
fn a_restore_that_must_not_be_is_refused_and_leaves_nothing() {
    let mut world = World::new();
    let case = begin_case(&mut world.ledger, 1);
    let taken = world.take(1).unwrap();
    let (head, chain) = (taken.manifest.head(), taken.manifest.chain().unwrap());
    approve(&mut world.ledger, &case);
    let dir = world.restored();
    let refused = |change: &dyn Fn(&mut Restore<'_>)| {
        let error = world.restore(|what| change(what)).unwrap_err();
        let left = if dir.exists() { octets(&dir) } else { Vec::new() };
        assert!(left.is_empty(), "{error}");
        error
    };
    let own = Tombstones::read(&world.to(), at(0)).unwrap();
    let other = World::new();
    let other_keys = other.data().join("keys.toml");
    let least = |revision, chain| Some(AtLeast { revision, chain });
    use BackupError as Error;
    assert!(matches!(refused(&|w| w.tombstones = None), Error::NoTombstones { .. }));
    let old = refused(&|what| {
        // Those of the backup itself say nothing of what came after it.
        let own: &'static Tombstones = Box::leak(Box::new(own.clone()));
        what.tombstones = Some(own);
    });
    assert!(matches!(old, Error::OldTombstones { .. }));
    assert!(matches!(refused(&|w| w.at_least = least(head.next(), None)), Error::TooOld { .. }));
    assert!(matches!(refused(&|w| w.at_least = least(head, Some([7; 32]))), Error::OtherChain(_)));
    let keys: &'static Path = Box::leak(other_keys.into_boxed_path());
    assert!(matches!(refused(&|what| what.keys = Some(keys)), Error::WrongKey));
    // With a reason the erased may come back, and this is told.
    let done = world.restore(|what| {
        what.tombstones = None;
        what.waiver = Some("the live disk burnt");
        what.at_least = least(head, Some(chain));
    });
    let done = done.unwrap();
    assert_eq!(done.accepted_resurrection.as_deref(), Some("the live disk burnt"));
    assert!(holds(&dir, &canary(1)) && holds(&dir, "the live disk burnt"));
    assert!(matches!(world.restore(|_| ()), Err(Error::NotEmpty(_))));
}

#[test]
fn one_flipped_octet_anywhere_in_a_backup_is_refused() {
    let mut world = World::new();
    let cases: Vec<Case> = (0..60).map(|n| begin_case(&mut world.ledger, n)).collect();
    approve(&mut world.ledger, &cases[3]);
    take(&world.data(), &world.to(), Some(&world.data().join("keys.toml")), at(1)).unwrap();
    let manifest = check(&world.to()).unwrap();
    let mut files: Vec<PathBuf> = manifest.files().map(|f| world.to().join(&f.file)).collect();
    assert!(files.len() > 4);
    files.push(world.to().join("manifest.json"));
    for file in files {
        let right = fs::read(&file).unwrap();
        for at in (0..right.len()).step_by((right.len() / 20).max(1)) {
            let mut wrong = right.clone();
            wrong[at] ^= 1;
            fs::write(&file, &wrong).unwrap();
            assert!(check(&world.to()).is_err(), "{} at {at}", file.display());
            let refused = world.restore(|_| ());
            assert!(refused.is_err(), "{} at {at}", file.display());
            assert!(!world.restored().join("ledger").exists());
        }
        fs::write(&file, &right[..right.len() - 1]).unwrap();
        assert!(check(&world.to()).is_err());
        fs::remove_file(&file).unwrap();
        assert!(check(&world.to()).is_err());
        fs::write(&file, &right).unwrap();
    }
    check(&world.to()).unwrap();
    world.restore(|_| ()).unwrap();
}

#[test]
fn a_ledger_that_lost_its_tail_or_another_one_never_replaces_a_backup() {
    let mut world = World::new();
    begin_case(&mut world.ledger, 1);
    world.take(1).unwrap();
    say(&mut world.ledger, 2, opt_out(2));
    let good = world.take(2).unwrap();
    let other = World::new();
    let refused = take(&other.data(), &world.to(), None, at(3));
    assert!(matches!(refused, Err(BackupError::OtherLedger { .. })), "{refused:?}");
    assert_eq!(check(&world.to()).unwrap(), good.manifest);
}

#[test]
fn an_interrupted_restore_is_no_data_directory_and_is_begun_anew() {
    let mut world = World::new();
    begin_case(&mut world.ledger, 1);
    world.take(1).unwrap();
    let dir = world.restored();
    fs::create_dir_all(dir.join("ledger")).unwrap();
    HalfDone::begin(&dir, "restore", "").unwrap();
    fs::write(dir.join("ledger/00000000000000000001.seg"), "half").unwrap();
    fs::write(dir.join("keys.toml"), "half").unwrap();
    assert!(matches!(take(&dir, &world.to(), None, at(2)), Err(BackupError::HalfDone(_))));
    world.restore(|_| ()).unwrap();
    assert_eq!(HalfDone::of(&dir), None);
    assert_sound(&dir, &world.keys);
}
