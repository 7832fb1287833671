//! Histories: writers know all that they said of their addresses, and whatever readers are told has
//! to be one of it, in its order, while the index grows, checkpoints are written and the catalog is
//! reloaded. Slices of one call are answered at different heads, so each call asks for the same
//! addresses in its first slice and in its last.

use super::*;
use crate::engine::status::ConsentState;

const WRITERS: usize = 3;
/// Of each writer.
const ADDRESSES: usize = 4;
/// Of each address: the owner's yes reads its whole past.
const WRITES: usize = 17;
/// New addresses of one call while others read.
const GROWTH: usize = 1_000;
/// Addresses between the two times that a call asks for the same ones: two slices and more.
const BETWEEN: usize = 4_500;

/// Brand and campaign of a question.
type Asked = (&'static str, &'static str);
const ADVENT: Asked = ("festival", "advent");
const SEASON: Asked = ("festival", "season");
const TOUR: Asked = ("museum", "tour");

/// Nothing is ever written of it: the catalog alone decides.
const STRANGER: &str = "stranger@example.org";
/// Let go only while the catalog is strict, so that it is never allowed but before its block.
const COUPLED: &str = "coupled@example.org";

/// A brand that sends without consent, or does not, beside one with two campaigns.
fn catalog(marketing: &str) -> String {
    format!(
        r#"{CATALOG}
[[campaign]]
brand = "festival"
id = "season"
topic = "programm"
purpose = "marketing"
[[brand]]
id = "museum"
controller = "buehne"
title = "Museum"
policy = {{ marketing = "{marketing}", unknown_address = "{}" }}
topic = [ {{ id = "tours", title = "Tours" }} ]
[[campaign]]
brand = "museum"
id = "tour"
topic = "tours"
purpose = "marketing"
"#,
        if marketing == "opt-out" { "allow" } else { "deny" }
    )
}

/// All that was said of one address, by its only writer.
#[derive(Debug, Default)]
struct Past {
    /// What each campaign is told once the write is in force; the last may be under way.
    states: Vec<Vec<(Asked, Verdict)>>,
    /// The revisions of those that are acknowledged.
    acknowledged: Vec<Revision>,
}

/// A verdict as a reader was given it.
#[derive(Debug, Clone, Copy)]
struct Told {
    asked: Asked,
    verdict: u8,
    /// The answer's.
    revision: Revision,
    /// How many writes were acknowledged before the call, and how many were begun after it.
    before: usize,
    begun: usize,
}

impl Past {
    fn new(state: Vec<(Asked, Verdict)>) -> Mutex<Self> {
        Mutex::new(Self { states: vec![state], acknowledged: vec![Revision::ZERO] })
    }

    /// The state that the reader saw at the earliest, which saw `low` or a later one before.
    fn seen(&self, low: usize, told: &Told) -> Option<usize> {
        let reached = self.acknowledged.iter().rposition(|at| *at <= told.revision)?;
        let low = low.max(reached).max(told.before - 1);
        let brings = |state: &Vec<(Asked, Verdict)>| {
            state
                .iter()
                .any(|(asked, verdict)| *asked == told.asked && verdict.code() == told.verdict)
        };
        (low..told.begun).find(|&state| self.states.get(state).is_some_and(brings))
    }

    /// Judged at the end, when all revisions are known: each verdict is of a state that the call
    /// may have seen, whole, no older than the answer says, and never before one seen earlier.
    fn judge(&self, told: &[Told]) -> Result<(), String> {
        let mut low = 0;
        for (number, one) in told.iter().enumerate() {
            let of = || format!("{one:?}, number {number}, after state {low} of {self:?}");
            low = self.seen(low, one).ok_or_else(of)?;
        }
        Ok(())
    }
}

/// The pasts of all addresses, by name.
type Pasts = Arc<Vec<(String, Mutex<Past>)>>;

fn past<'a>(pasts: &'a Pasts, address: &str) -> &'a Mutex<Past> {
    &pasts.iter().find(|(name, _)| name == address).unwrap().1
}

/// What a writer says of each of its addresses, around and around. Each call brings several facts.
fn turns(engine: &Engine) -> Vec<(Command, Verdict)> {
    let brand = engine.catalog().brand("festival").unwrap().id;
    let (brands, channels) = (vec![brand], vec![Channel::Email]);
    let choose = |scope, wish| Choice { scope, wish };
    let yes = owner(vec![choose(Scope::Brand(brand), Wish::Subscribe)]);
    // Half of it denies.
    let no = choose(Scope::Brand(brand), Wish::Unsubscribe);
    let yeses = topics(engine).into_iter().map(|topic| choose(topic, Wish::Subscribe));
    let instead = owner(std::iter::once(no).chain(yeses).collect());
    let withdraw = Command::WithdrawConsent { scopes: topics(engine), reason: "asked".into() };
    let out = Command::OptOut { scopes: topics(engine), reason: "asked".into(), evidence: None };
    let block = Command::BlockAddresses {
        brands: brands.clone(),
        channels: channels.clone(),
        cause: Cause::StaffDecision,
        reason: "fraud".into(),
        opt_out: topics(engine),
    };
    let lift = Command::LiftBlocks { brands, channels, reason: "a mistake".into() };
    vec![
        (out, Verdict::OptedOutTopic),
        (yes.clone(), Verdict::AllowedConsent),
        (withdraw, Verdict::Refused),
        (yes.clone(), Verdict::AllowedConsent),
        (instead, Verdict::AllowedConsent),
        (block, Verdict::Blocked),
        (lift, Verdict::OptedOutTopic),
        (yes, Verdict::AllowedConsent),
    ]
}

/// Those of both campaigns.
fn topics(engine: &Engine) -> Vec<Scope> {
    let catalog = engine.catalog();
    let brand = catalog.brand("festival").unwrap();
    let topic = |name| Scope::Topic(brand.topic(&catalog.names, name).unwrap().id);
    ["newsletter", "programm"].map(topic).into()
}

/// Says something of an address, and what it brings.
async fn say(engine: &Engine, past: &Mutex<Past>, address: &str, command: &Command, state: State) {
    locked(past).states.push(state);
    let written = write_all(engine, command.clone(), &[address]).await.unwrap();
    assert!(written.outcomes.iter().all(|outcome| *outcome == WriteOutcome::Applied));
    locked(past).acknowledged.push(written.revision);
}

type State = Vec<(Asked, Verdict)>;

fn both(verdict: Verdict) -> State {
    vec![(ADVENT, verdict), (SEASON, verdict)]
}

/// Of its addresses in turn, so that groups hold several of them.
async fn tell(engine: &Engine, pasts: &Pasts, writer: usize) {
    let own = names(writer);
    let (scopes, evidence) = (topics(engine), Arc::new(form()));
    let yes = Command::RecordConsent { scopes, legal_basis: LegalBasis::Consent, evidence };
    let first = std::iter::once((yes, Verdict::AllowedConsent));
    for (command, verdict) in first.chain(turns(engine).into_iter().cycle()).take(WRITES) {
        for address in &own {
            say(engine, past(pasts, address), address, &command, both(verdict)).await;
        }
    }
}

fn names(writer: usize) -> Vec<String> {
    (0..ADDRESSES).map(|n| format!("told-{writer}-{n}@example.org")).collect()
}

/// The catalog is reloaded, strict and loose; one address is blocked while it is loose and let go
/// while it is strict.
async fn reload(engine: &Engine, pasts: &Pasts, done: &AtomicBool) -> usize {
    let brands = vec![engine.catalog().brand("museum").unwrap().id];
    let (stranger, coupled) = (past(pasts, STRANGER), past(pasts, COUPLED));
    let channels = vec![Channel::Email];
    let block = Command::BlockAddresses {
        brands: brands.clone(),
        channels: channels.clone(),
        cause: Cause::StaffDecision,
        reason: "fraud".into(),
        opt_out: Vec::new(),
    };
    let lift = Command::LiftBlocks { brands, channels, reason: "a mistake".into() };
    let take = async |marketing: &str, states: [Verdict; 2]| {
        for (past, verdict) in [stranger, coupled].into_iter().zip(states) {
            locked(past).states.push(vec![(TOUR, verdict)]);
        }
        engine.take_catalog("catalog.toml", &catalog(marketing)).await.unwrap();
        // No later than this; the reload's own revision is not told.
        let revision = engine.head();
        for past in [stranger, coupled] {
            locked(past).acknowledged.push(revision);
        }
    };
    let (free, unknown) = (Verdict::AllowedNoObjection, Verdict::UnknownAddress);
    let mut reloads = 0;
    while !done.load(Ordering::Relaxed) {
        say(engine, coupled, COUPLED, &block, vec![(TOUR, Verdict::Blocked)]).await;
        take("opt-in", [unknown, Verdict::Blocked]).await;
        say(engine, coupled, COUPLED, &lift, vec![(TOUR, unknown)]).await;
        take("opt-out", [free, free]).await;
        reloads += 2;
    }
    reloads
}

fn grown(number: usize) -> String {
    format!("new-{number}@example.org")
}

/// The index grows through its resizes. Gives how many addresses are in force.
async fn grow(engine: &Engine, in_force: &AtomicUsize, done: &AtomicBool) -> usize {
    while !done.load(Ordering::Relaxed) {
        let from = in_force.load(Ordering::Acquire);
        let addresses: Vec<String> = (from..from + GROWTH).map(grown).collect();
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        write_all(engine, consent(engine), &addresses).await.unwrap();
        in_force.store(from + GROWTH, Ordering::Release);
    }
    in_force.load(Ordering::Acquire)
}

/// What one reader was told, address by address in the order of `Pasts`.
struct Reader {
    engine: Arc<Engine>,
    pasts: Pasts,
    in_force: Arc<AtomicUsize>,
    last: Revision,
    told: Vec<Vec<Told>>,
}

impl Reader {
    fn new(engine: &Arc<Engine>, pasts: &Pasts, in_force: &Arc<AtomicUsize>) -> Self {
        Self {
            engine: engine.clone(),
            pasts: pasts.clone(),
            in_force: in_force.clone(),
            last: Revision::ZERO,
            told: pasts.iter().map(|_| Vec::new()).collect(),
        }
    }

    async fn ask(&mut self, asked: Asked) {
        let counts = |of: fn(&Past) -> usize| -> Vec<usize> {
            self.pasts.iter().map(|(_, past)| of(&locked(past))).collect()
        };
        let before = counts(|past| past.acknowledged.len());
        let known = self.in_force.load(Ordering::Acquire);
        let newest: Vec<String> = (known.saturating_sub(BETWEEN)..known).map(grown).collect();
        let rest = std::iter::repeat_n(STRANGER, BETWEEN - newest.len());
        let own = || self.pasts.iter().map(|(name, _)| name.as_str());
        let all: Vec<&str> =
            own().chain(newest.iter().map(String::as_str)).chain(rest).chain(own()).collect();
        let question = Question { brand: asked.0, campaign: asked.1, at_least: Revision::ZERO };
        let octets = all.iter().map(|address| address.as_bytes());
        let answer = self.engine.check(&caller(), &question, octets, all.len()).await.unwrap();
        let begun = counts(|past| past.states.len());
        assert!(answer.revision >= self.last, "{} after {}", answer.revision, self.last);
        self.last = answer.revision;
        let (first, rest) = answer.verdicts.split_at(self.pasts.len());
        let (middle, second) = rest.split_at(BETWEEN);
        if asked == ADVENT {
            let yes = Verdict::AllowedConsent.code();
            assert!(middle[..newest.len()].iter().all(|code| *code == yes), "was acknowledged");
        }
        let revision = answer.revision;
        for verdicts in [first, second] {
            for (i, &verdict) in verdicts.iter().enumerate() {
                let (before, begun) = (before[i], begun[i]);
                if self.pasts[i].1.lock().unwrap().states[0].iter().any(|(of, _)| *of == asked) {
                    self.told[i].push(Told { asked, verdict, revision, before, begun });
                }
            }
        }
    }

    async fn read(mut self, done: Arc<AtomicBool>) -> Vec<Vec<Told>> {
        while !done.load(Ordering::Relaxed) {
            for asked in [ADVENT, SEASON, TOUR] {
                self.ask(asked).await;
            }
        }
        self.told
    }
}

/// Both topics stand alike after every write, so a status that parts them shows half of one.
async fn look(engine: &Engine, done: &AtomicBool) -> usize {
    let (mut looks, mut last) = (0, Revision::ZERO);
    while !done.load(Ordering::Relaxed) {
        for address in (0..WRITERS).flat_map(names) {
            let status = engine.status(&caller(), address.as_bytes(), last).await.unwrap();
            assert!(status.revision >= last, "{} after {last}", status.revision);
            last = status.revision;
            let is_topic = |scope: Scope| matches!(scope, Scope::Topic(_));
            let consents = status.consents.iter().filter(|consent| is_topic(consent.scope));
            let consents: Vec<ConsentState> = consents.map(|consent| consent.state).collect();
            let outs = status.opt_outs.iter().filter(|out| is_topic(out.scope)).count();
            let whole = match consents[..] {
                [] => outs == 0 || outs == 2,
                [one, other] => one == other && outs == 0,
                _ => false,
            };
            assert!(whole, "{status:?}");
            looks += 1;
        }
    }
    looks
}

/// Ends the others however the test ends.
struct Ends(Arc<AtomicBool>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

async fn opened(dir: &Path) -> Arc<Engine> {
    let opening = Settings { catalog_source: catalog("opt-out"), ..settings(dir) };
    Engine::open(opening, Arc::new(RealDisk), TestClock::at(TODAY)).await.unwrap()
}

fn pasts() -> Pasts {
    let told = (0..WRITERS).flat_map(names).map(|name| (name, both(Verdict::UnknownAddress)));
    let free = [STRANGER, COUPLED]
        .map(|name| (name.to_owned(), vec![(TOUR, Verdict::AllowedNoObjection)]));
    Arc::new(told.chain(free).map(|(name, state)| (name, Past::new(state))).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_verdict_is_of_one_state_of_its_address_and_states_never_run_backwards() {
    let dir = TempDir::new().unwrap();
    let engine = opened(dir.path()).await;
    let pasts = pasts();
    let (in_force, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));

    let ends = Ends(done.clone());

    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..READERS {
        readers.spawn(Reader::new(&engine, &pasts, &in_force).read(done.clone()));
    }
    let mut others = tokio::task::JoinSet::new();
    let (this, stop) = (engine.clone(), done.clone());
    others.spawn(async move { look(&this, &stop).await });
    let (this, stop, of) = (engine.clone(), done.clone(), pasts.clone());
    others.spawn(async move { reload(&this, &of, &stop).await });
    let (this, stop, number) = (engine.clone(), done.clone(), in_force.clone());
    others.spawn(async move { grow(&this, &number, &stop).await });
    let (this, stop) = (engine.clone(), done.clone());
    others.spawn_blocking(move || {
        let (mut written, mut failed) = (0, Vec::new());
        while !stop.load(Ordering::Relaxed) {
            match this.checkpoint() {
                Ok(_) => written += 1,
                // What sled loses the reading back finds; the older checkpoints stay.
                Err(error) => failed.push(error),
            }
        }
        println!("histories: {written} checkpoints, failed: {failed:?}");
        written
    });
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let (engine, pasts) = (engine.clone(), pasts.clone());
        writers.spawn(async move { tell(&engine, &pasts, writer).await });
    }
    writers.join_all().await;
    drop(ends);
    let counts = others.join_all().await;
    let told = readers.join_all().await;
    for told in &told {
        for ((name, past), told) in pasts.iter().zip(told) {
            let judged = locked(past).judge(told);
            assert!(judged.is_ok(), "{name}: {judged:?}");
        }
    }
    let verdicts: usize = told.iter().flatten().map(Vec::len).sum();
    println!("histories: {verdicts} verdicts judged; other tasks: {counts:?}");
    assert!(verdicts > 1_000 && counts.iter().all(|count| *count > 0), "{verdicts}, {counts:?}");
    engine.stop().await;
    drop(engine);

    // The last state is that of a restart.
    let engine = opened(dir.path()).await;
    let mut reader = Reader::new(&engine, &pasts, &in_force);
    for asked in [ADVENT, SEASON, TOUR] {
        reader.ask(asked).await;
    }
    for ((name, past), told) in pasts.iter().zip(&reader.told) {
        assert_eq!(locked(past).judge(told), Ok(()), "{name} after a restart");
    }
    engine.stop().await;
}

#[test]
fn the_judge_refuses_what_is_old_early_or_backwards() {
    let state = |verdict| vec![(ADVENT, verdict)];
    let (first, second) = (Verdict::AllowedConsent, Verdict::Refused);
    let at = Revision::ZERO.next();
    let past = Past {
        states: vec![state(first), state(second), state(first)],
        acknowledged: vec![Revision::ZERO, at],
    };
    let told = |verdict: Verdict, revision, before, begun| Told {
        asked: ADVENT,
        verdict: verdict.code(),
        revision,
        before,
        begun,
    };
    let (zero, old) = (Revision::ZERO, told(first, Revision::ZERO, 1, 2));
    let ahead = told(second, zero, 1, 2);
    assert_eq!(past.judge(&[old, ahead, told(first, zero, 1, 3)]), Ok(()));
    for refused in [
        // Nothing of it ever stood; not begun; older than its revision; than what was known.
        &[told(Verdict::Blocked, zero, 1, 3)][..],
        &[told(second, zero, 1, 1)],
        &[told(first, at, 1, 2)],
        &[told(first, zero, 2, 2)],
        &[ahead, old],
    ] {
        assert!(past.judge(refused).is_err(), "{refused:?}");
    }
}
