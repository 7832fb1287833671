//! Who follows learns everything in its order, resumes anywhere, and holds nobody up.

use std::collections::BTreeSet;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::authorize::Forbidden;
use crate::engine::erasure::ErasureRequest;
use crate::engine::follow::{Change, Changes, Lapse, MAX_WATCHES, Watch};
use crate::model::actor::Role;
use crate::model::address::Address;
use crate::model::campaign::{Campaign, CampaignId, Purpose};
use crate::model::event::{Event, EventKind};
use crate::model::fact::Basis;
use crate::model::fingerprint::Fingerprint;

/// The catalog, with a yes that lives so many days.
fn lasting(days: u16) -> String {
    CATALOG.replace("[policy]", &format!("[policy]\nconsent_lifetime_days = {days}"))
}

async fn open_lasting(dir: &Path, clock: &Arc<TestClock>, days: u16) -> Arc<Engine> {
    let settings = Settings { catalog_source: lasting(days), ..settings(dir) };
    Engine::open(settings, Arc::new(RealDisk), clock.clone()).await.unwrap()
}

async fn watch(engine: &Engine, after: u64) -> Watch {
    let mut watch = engine.watch(&caller(), Revision::new(after)).await.unwrap();
    watch.heartbeat = Duration::from_millis(5);
    watch
}

/// All that a watch tells until it has nothing more to tell.
async fn rest(engine: &Engine, mut watch: Watch) -> (Vec<Change>, Watch) {
    let mut all = Vec::new();
    loop {
        let (Changes { changes, revision }, next) = watch.next().await.unwrap();
        watch = next;
        if changes.is_empty() && revision == engine.head() {
            return (all, watch);
        }
        all.extend(changes);
    }
}

async fn told(engine: &Engine, after: u64) -> Vec<Change> {
    rest(engine, watch(engine, after).await).await.0
}

fn events<'c>(changes: &'c [Change]) -> Vec<&'c Event> {
    let event = |change: &'c Change| match change {
        Change::Recorded(event) => Some(&**event),
        Change::Lapsed(_) => None,
    };
    changes.iter().filter_map(event).collect()
}

fn lapses<'c>(changes: &'c [Change]) -> Vec<&'c Lapse> {
    let lapse = |change: &'c Change| match change {
        Change::Recorded(_) => None,
        Change::Lapsed(lapse) => Some(lapse),
    };
    changes.iter().filter_map(lapse).collect()
}

fn address(change: &Change) -> Option<&str> {
    match change {
        Change::Recorded(event) => event.address.as_ref().map(Address::as_str),
        Change::Lapsed(lapse) => lapse.address.as_ref().map(Address::as_str),
    }
}

fn campaign(engine: &Engine, id: &str) -> Campaign {
    Campaign {
        brand: engine.catalog().brand("festival").unwrap().id,
        id: CampaignId::parse(id).unwrap(),
        topic: None,
        purpose: Purpose::Transactional,
        channel: Channel::Email,
        retired: false,
    }
}

#[tokio::test]
async fn every_event_is_told_in_its_order_and_with_the_address_of_earlier_ones() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    write(&engine, consent(&engine), "Ann@example.org", "").await.unwrap();
    let owner = [Box::from(&b"ann@example.org"[..]), Box::from(&b"new@example.org"[..])];
    for links in engine.mint_links(&caller(), "festival", "advent", &owner).await.unwrap() {
        let token = links.unwrap().unsubscribe_token;
        engine.unsubscribe(&caller(), &token, None, None).await.unwrap();
    }
    write(&engine, opt_out(Scope::Everything), "new@example.org", "id").await.unwrap();
    let all = told(&engine, 0).await;
    let shown: Vec<_> = all.iter().map(address).collect();
    let (ann, new) = (Some("ann@example.org"), Some("new@example.org"));
    assert_eq!(shown, [ann, ann, None, new], "nobody wrote the third when it was recorded");
    let told = events(&all);
    let history = engine.history(&caller(), b"ann@example.org", 0, "").await.unwrap().events;
    assert_eq!(*told[0], history[1]);
    assert_eq!(told[1].statement, history[0].statement);
    assert!(told.is_sorted_by(|a, b| a.revision < b.revision));
    assert_eq!(told[2].fingerprint, told[3].fingerprint);
    engine.stop().await;
}

#[tokio::test]
async fn what_is_recorded_while_one_follows_is_told_and_so_is_a_revision_without_a_change() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let mut follower = engine.watch(&caller(), engine.head()).await.unwrap();
    // No heartbeat can come to its help.
    follower.heartbeat = Duration::from_secs(1_000);
    let (told, written) = tokio::join!(
        follower.next(),
        write(&engine, opt_out(Scope::Everything), "ann@example.org", "id"),
    );
    let ((changes, follower), written) = (told.unwrap(), written.unwrap());
    assert_eq!(address(&changes.changes[0]), Some("ann@example.org"));
    assert_eq!(changes.revision, engine.head(), "the call's own record is behind it");
    assert_eq!((changes.changes.len(), changes.revision), (1, written.revision));
    let caller = caller();
    let registering = engine.register_campaign(&caller, campaign(&engine, "tickets"));
    let (told, registered) = tokio::join!(follower.next(), registering);
    registered.unwrap();
    let empty = Changes { changes: Vec::new(), revision: engine.head() };
    assert_eq!(told.unwrap().0, empty);
    engine.stop().await;
}

#[tokio::test]
async fn resuming_after_any_revision_tells_what_is_behind_it_and_nothing_else() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::at(TODAY);
    let engine = open_lasting(dir.path(), &clock, 10).await;
    for number in 0..30_u16 {
        let name = format!("r{}@example.org", number % 7);
        let command = match number % 3 {
            0 => opt_out(newsletter(&engine)),
            1 => consent(&engine),
            _ => opt_out(Scope::Everything),
        };
        let id = if number % 2 == 0 { format!("id{number}") } else { String::new() };
        write(&engine, command, &name, &id).await.unwrap();
    }
    let all = told(&engine, 0).await;
    let all = events(&all);
    assert!(all.len() > 10, "{}", all.len());
    for after in 0..=engine.head().number() {
        let told = told(&engine, after).await;
        let expected: Vec<_> =
            all.iter().copied().filter(|event| event.revision > Revision::new(after)).collect();
        assert_eq!(events(&told), expected, "after {after}");
    }
    engine.stop().await;
}

#[tokio::test]
async fn a_consent_that_lapses_at_midnight_is_told_once_and_names_its_address_and_day() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::at(TODAY);
    let engine = open_lasting(dir.path(), &clock, 10).await;
    write(&engine, consent(&engine), "ann@example.org", "").await.unwrap();
    clock.set(TODAY + 3);
    write(&engine, consent(&engine), "bob@example.org", "").await.unwrap();
    let (changes, mut follower) = rest(&engine, watch(&engine, 0).await).await;
    assert!(lapses(&changes).is_empty(), "{changes:?}");
    let owners = events(&changes).into_iter().map(|event| event.fingerprint).collect::<Vec<_>>();
    for (day, expected) in [(9, None), (10, Some(0)), (11, None), (14, Some(1)), (15, None)] {
        clock.set(TODAY + day);
        let (changes, next) = rest(&engine, follower).await;
        follower = next;
        let expected: Vec<Change> = expected
            .into_iter()
            .map(|who: usize| {
                let name: &[u8] = [&b"ann@example.org"[..], b"bob@example.org"][who];
                Change::Lapsed(Lapse {
                    revision: engine.head(),
                    fingerprint: owners[who],
                    address: Some(Address::parse(name).unwrap()),
                    scope: newsletter(&engine),
                    basis: Basis::Consent,
                    day: Day::new(TODAY + [10, 13][who]),
                })
            })
            .collect();
        assert_eq!(changes, expected, "day {day}");
    }
    // Who was away since both were live hears of both, wherever he resumes.
    for after in 0..=engine.head().number() {
        assert_eq!(lapses(&told(&engine, after).await).len(), 2, "after {after}");
    }
    // And of neither again, once something was told that is of a later day.
    write(&engine, opt_out(Scope::Everything), "carl@example.org", "").await.unwrap();
    assert_eq!(told(&engine, engine.head().number()).await, []);
    engine.stop().await;
}

#[tokio::test]
async fn nothing_of_a_new_day_is_told_before_what_lapsed_at_its_midnight() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::at(TODAY);
    let engine = open_lasting(dir.path(), &clock, 10).await;
    write(&engine, consent(&engine), "ann@example.org", "").await.unwrap();
    let (_, follower) = rest(&engine, watch(&engine, 0).await).await;
    let before = engine.head();
    clock.set(TODAY + 10);
    write(&engine, opt_out(Scope::Everything), "bob@example.org", "").await.unwrap();
    let (first, next) = follower.next().await.unwrap();
    assert_eq!((first.revision, lapses(&first.changes).len()), (before, 1));
    let (second, _) = next.next().await.unwrap();
    assert_eq!(address(&second.changes[0]), Some("bob@example.org"));
    engine.stop().await;
}

#[tokio::test]
async fn a_catalog_that_shortens_the_life_of_consents_tells_which_lapsed_by_it() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::at(TODAY);
    let engine = open_lasting(dir.path(), &clock, 0).await;
    write(&engine, consent(&engine), "ann@example.org", "").await.unwrap();
    clock.set(TODAY + 50);
    write(&engine, consent(&engine), "bob@example.org", "").await.unwrap();
    let away = engine.head().number();
    let (changes, follower) = rest(&engine, watch(&engine, 0).await).await;
    assert!(lapses(&changes).is_empty(), "{changes:?}");
    engine.take_catalog("catalog.toml", &lasting(20)).await.unwrap();
    let (changes, follower) = rest(&engine, follower).await;
    let shown: Vec<_> = changes.iter().map(address).collect();
    assert_eq!(shown, [Some("ann@example.org")]);
    // A campaign is another catalog, and shortens nothing.
    engine.register_campaign(&caller(), campaign(&engine, "tickets")).await.unwrap();
    let (changes, _) = rest(&engine, follower).await;
    assert_eq!(changes, []);
    // Whoever was away hears of it too; before the record of the catalog is passed.
    let mut resumed = watch(&engine, away).await;
    let (first, next) = resumed.next().await.unwrap();
    resumed = next;
    assert_eq!((first.revision, lapses(&first.changes).len()), (Revision::new(away), 1));
    assert_eq!(rest(&engine, resumed).await.0, []);
    engine.stop().await;
}

/// One who believes what he is told, and remembers how far.
#[derive(Debug, Default)]
struct Naive {
    after: u64,
    day: u16,
    live: BTreeSet<Fingerprint>,
}

impl Naive {
    fn take(&mut self, told: &Changes) {
        for change in &told.changes {
            match change {
                Change::Lapsed(lapse) => {
                    self.live.remove(&lapse.fingerprint);
                }
                Change::Recorded(event) => match event.statement.kind {
                    EventKind::ConsentGranted => {
                        self.live.insert(event.fingerprint);
                    }
                    EventKind::OptedOut => {
                        self.live.remove(&event.fingerprint);
                    }
                    _ => {}
                },
            }
        }
        self.after = told.revision.number();
    }
}

#[tokio::test]
async fn who_comes_and_goes_and_believes_each_change_ends_with_what_a_check_says() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    for _ in 0..6 {
        let dir = TempDir::new().unwrap();
        let clock = TestClock::at(TODAY);
        let engine = open_lasting(dir.path(), &clock, 4).await;
        let mut naive = Naive { day: TODAY, ..Naive::default() };
        let mut follower: Option<Watch> = None;
        let mut days = 4;
        for _ in 0..150 {
            let name = format!("r{}@example.org", random.random_range(0..12));
            match random.random_range(0..14) {
                0..=4 => drop(write(&engine, consent(&engine), &name, "").await.unwrap()),
                5 => drop(write(&engine, opt_out(newsletter(&engine)), &name, &name).await),
                6 => follower = None,
                7 | 8 => {
                    naive.day += 1;
                    clock.set(naive.day);
                }
                9 if random.random_bool(0.3) => {
                    // A longer life tells nobody: what came back shows in a check alone.
                    days = (days - 1).max(2);
                    engine.take_catalog("catalog.toml", &lasting(days)).await.unwrap();
                }
                _ => {
                    let mut following = match follower.take() {
                        Some(following) => following,
                        None => watch(&engine, naive.after).await,
                    };
                    for _ in 0..random.random_range(1..3) {
                        let (told, next) = following.next().await.unwrap();
                        naive.take(&told);
                        following = next;
                    }
                    follower = Some(following);
                }
            }
        }
        let mut following = match follower {
            Some(following) => following,
            None => watch(&engine, naive.after).await,
        };
        loop {
            let (told, next) = following.next().await.unwrap();
            following = next;
            naive.take(&told);
            if told.changes.is_empty() && told.revision == engine.head() {
                break;
            }
        }
        for number in 0..12 {
            let name = format!("r{number}@example.org");
            let fingerprint = engine.fingerprint(&Address::parse(name.as_bytes()).unwrap());
            let allowed = verdict(&engine, &name).await == Verdict::AllowedConsent;
            assert_eq!(naive.live.contains(&fingerprint), allowed, "seed {seed}, {name}");
        }
        engine.stop().await;
    }
}

/// Erases an address under four eyes; the case.
async fn erase(engine: &Engine, address: &str) -> Arc<str> {
    let request = ErasureRequest {
        address: address.as_bytes().into(),
        reason: "a letter".into(),
        request_id: "".into(),
        body: Vec::new(),
    };
    let case = engine.request_erasure(&caller(), request).await.unwrap();
    engine.approve_erasure(&Caller::local("vera"), &case.id, "".into()).await.unwrap();
    case.id
}

#[tokio::test]
async fn what_is_erased_is_left_out_and_the_erasure_names_the_same_subject() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::at(TODAY);
    let engine = open(dir.path(), &clock).await.unwrap();
    write(&engine, consent(&engine), "ann@example.org", "").await.unwrap();
    write(&engine, opt_out(Scope::Everything), "bob@example.org", "").await.unwrap();
    write(&engine, opt_out(Scope::Everything), "ann@example.org", "").await.unwrap();
    let before = told(&engine, 0).await;
    let before = events(&before);
    assert_eq!(before.len(), 3);
    let (ann, bob) = (before[0].fingerprint, before[1].fingerprint);
    let case = erase(&engine, "ann@example.org").await;
    let after = told(&engine, 0).await;
    let told = events(&after);
    let kinds: Vec<_> = told.iter().map(|told| (told.statement.kind, told.fingerprint)).collect();
    assert_eq!(kinds, [(EventKind::OptedOut, bob), (EventKind::Erased, ann)]);
    assert_eq!((&told[1].statement.erasure_id, address(&after[1])), (&case, None));
    engine.stop().await;
}

#[tokio::test]
async fn what_was_read_for_a_slow_follower_and_erased_since_is_not_told() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let addresses = (0..1_000).map(|n| format!("n{n}@example.org").into_bytes().into()).collect();
    let (command, body) = (opt_out(Scope::Everything), Vec::new());
    let call = Write { command, addresses, request_id: "".into(), body };
    engine.write(&caller(), call).await.unwrap();
    // One slice holds them all, and the first message half of them.
    let (first, slow) = watch(&engine, 0).await.next().await.unwrap();
    assert_eq!(first.changes.len(), 500);
    erase(&engine, "n900@example.org").await;
    let (rest, _) = rest(&engine, slow).await;
    let shown: Vec<_> = rest.iter().map(address).collect();
    assert!(shown.contains(&Some("n899@example.org")));
    assert!(!shown.contains(&Some("n900@example.org")));
    assert_eq!(events(&rest).last().unwrap().statement.kind, EventKind::Erased);
    engine.stop().await;
}

#[tokio::test]
async fn who_does_not_read_holds_nobody_up_and_gets_it_all_in_portions() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let mut idle = watch(&engine, 0).await;
    for call in 0..4 {
        let addresses: Vec<Box<[u8]>> = (0..1_000)
            .map(|number| format!("c{call}n{number}@example.org").into_bytes().into())
            .collect();
        let (command, body) = (opt_out(Scope::Everything), Vec::new());
        let call = Write { command, addresses, request_id: "".into(), body };
        engine.write(&caller(), call).await.unwrap();
    }
    let (mut all, mut largest) = (0, 0);
    while all < 4_000 {
        let (told, next) = idle.next().await.unwrap();
        idle = next;
        all += told.changes.len();
        largest = largest.max(told.changes.len());
        assert!(events(&told.changes).iter().all(|event| event.revision <= told.revision));
    }
    assert_eq!((all, largest), (4_000, 500));
    engine.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_ends_every_watch() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let (_, mut waiting) = rest(&engine, watch(&engine, 0).await).await;
    waiting.heartbeat = Duration::from_secs(1_000);
    let behind = watch(&engine, 0).await;
    let (waited, ()) = tokio::join!(waiting.next(), async { engine.end_watches() });
    assert_eq!(waited.err(), Some(EngineError::Stopping));
    assert_eq!(behind.next().await.err(), Some(EngineError::Stopping));
    let late = engine.watch(&caller(), Revision::ZERO).await.unwrap();
    assert_eq!(late.next().await.err(), Some(EngineError::Stopping));
    engine.stop().await;
}

#[tokio::test]
async fn a_watch_too_many_is_refused_until_another_ends() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let mut watches = Vec::new();
    for _ in 0..MAX_WATCHES {
        watches.push(watch(&engine, 0).await);
    }
    let refused = engine.watch(&caller(), Revision::ZERO).await.err();
    assert_eq!(refused, Some(EngineError::TooManyWatches { limit: MAX_WATCHES }));
    watches.pop();
    watch(&engine, 0).await;
    engine.stop().await;
}

#[tokio::test]
async fn a_revision_that_is_not_there_and_a_role_that_may_not_are_refused() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let Err(EngineError::Invalid(invalid)) = engine.watch(&caller(), engine.head().next()).await
    else {
        panic!("taken")
    };
    assert_eq!(invalid.violations[0].field, "after_revision");
    let staff = Caller { roles: vec![Role::Staff], ..caller() };
    let refused = engine.watch(&staff, Revision::ZERO).await.err();
    assert!(matches!(refused, Some(EngineError::Forbidden(Forbidden { .. }))), "{refused:?}");
    engine.stop().await;
}

#[tokio::test]
async fn damage_ends_a_watch_and_is_never_passed_over() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    for name in ["ann@example.org", "bob@example.org", "carl@example.org"] {
        write(&engine, opt_out(Scope::Everything), name, "").await.unwrap();
    }
    let segment = dir.path().join("ledger/00000000000000000001.seg");
    let mut octets = std::fs::read(&segment).unwrap();
    let name = octets.windows(3).position(|octets| octets == b"bob").unwrap();
    octets[name] ^= 1;
    std::fs::write(&segment, octets).unwrap();
    let ended = watch(&engine, 0).await.next().await;
    assert!(matches!(ended, Err(EngineError::Damaged { .. })), "{ended:?}");
    engine.stop().await;
}
