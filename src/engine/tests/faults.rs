//! A fault at every call that changes the disk, in turn: what was acknowledged stands, nothing is
//! half-done, the callers are told, checks go on.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::ErrorKind;

use super::*;
use crate::ledger::RecordKind;
use crate::ledger::fault::{FaultDisk, Op, Survival};
use crate::model::actor::ActorClass;
use crate::model::campaign::{Campaign, CampaignId, Purpose};
use crate::model::command::Proof;
use crate::model::event::Event;
use crate::model::scope::ControllerId;

/// Segments that a few groups fill.
const SMALL: Options = Options { segment_octets: 2500, reserve_octets: 1500, address_rule: 1 };

/// What remains of what was not synced when the power is cut.
const SURVIVALS: [Survival; 5] = [
    Survival::All,
    Survival::Nothing,
    Survival::Chance(1),
    Survival::Chance(2),
    Survival::Chance(3),
];

/// The second version of the catalog file.
fn second_catalog() -> String {
    let topic = r#"{ id = "programm", title = "Programm" }"#;
    CATALOG.replace(topic, &format!(r#"{topic}, {{ id = "extra", title = "Extra" }}"#))
}

/// One call of a client.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A yes to a topic, with its proof, for some addresses.
    Consent(&'static str, &'static [&'static str]),
    /// A no to the newsletter, with its proof.
    OptOut(&'static [&'static str]),
    OptOutOfAll(&'static [&'static str]),
    /// A block by staff and a no to the brand in one write.
    Block(&'static [&'static str]),
    Lift(&'static [&'static str]),
    Register(&'static [&'static str]),
    Withdraw(&'static [&'static str]),
    /// The owner's no to the programme and, if whole, the yes to the newsletter.
    Choose(&'static str, Part),
    Campaign,
    Catalog,
}

/// How much of a mixed choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    Whole,
    /// While yeses are refused.
    Noes,
}

/// Two addresses a call, so that a half of one shows; the second notice is another one.
const SCRIPT: &[Step] = &[
    Step::Consent("newsletter", &["ann@example.org", "bob@example.org"]),
    Step::OptOut(&["ann@example.org"]),
    Step::Block(&["carl@example.org", "dora@example.org"]),
    Step::Register(&["dora@example.org", "eve@example.org"]),
    Step::Campaign,
    // Rejected: the call's own record is all that is written.
    Step::Consent("newsletter", &["carl@example.org"]),
    Step::Choose("ann@example.org", Part::Whole),
    Step::Catalog,
    Step::OptOutOfAll(&["bob@example.org", "frank@example.org"]),
    Step::Lift(&["carl@example.org"]),
    Step::Consent("programm", &["gus@example.org", "hal@example.org"]),
    Step::Withdraw(&["eve@example.org", "gus@example.org"]),
];

const ADDRESSES: [&str; 8] = [
    "ann@example.org",
    "bob@example.org",
    "carl@example.org",
    "dora@example.org",
    "eve@example.org",
    "frank@example.org",
    "gus@example.org",
    "hal@example.org",
];

fn topic(engine: &Engine, word: &str) -> Scope {
    let catalog = engine.catalog();
    Scope::Topic(catalog.brand("festival").unwrap().topic(&catalog.names, word).unwrap().id)
}

fn proof(wording: &str) -> Arc<Evidence> {
    let notice = Notice { wording: wording.into(), ..form().notice };
    // So that the owner's yes lies behind every no, and each run says the same.
    let occurred_at = Timestamp::from_nanos(Day::new(TODAY).start().nanos() + 60_000_000_000);
    Arc::new(Evidence { notice, occurred_at: Some(occurred_at), ..form() })
}

impl Step {
    /// Whether it is taken also where the disk is full.
    fn is_no(self) -> bool {
        match self {
            Self::OptOut(_) | Self::OptOutOfAll(_) | Self::Block(_) | Self::Withdraw(_) => true,
            Self::Choose(_, part) => part == Part::Noes,
            Self::Consent(..)
            | Self::Lift(_)
            | Self::Register(_)
            | Self::Campaign
            | Self::Catalog => false,
        }
    }

    /// The command and its addresses; none where it is no write to addresses.
    fn command(self, engine: &Engine) -> Option<(Command, &'static [&'static str])> {
        let brand = engine.catalog().brand("festival").unwrap().id;
        Some(match self {
            Self::Consent(word, addresses) => {
                let scopes = vec![topic(engine, word)];
                let legal_basis = LegalBasis::Consent;
                let evidence = proof(word);
                (Command::RecordConsent { scopes, legal_basis, evidence }, addresses)
            }
            Self::OptOut(addresses) => {
                let scopes = vec![newsletter(engine)];
                let evidence = Some(proof("newsletter"));
                (Command::OptOut { scopes, reason: "by phone".into(), evidence }, addresses)
            }
            Self::OptOutOfAll(addresses) => (opt_out(Scope::Everything), addresses),
            Self::Block(addresses) => {
                let (brands, channels) = (vec![brand], vec![Channel::Email]);
                let (cause, reason) = (Cause::StaffDecision, "fraud".into());
                let opt_out = vec![Scope::Brand(brand)];
                (Command::BlockAddresses { brands, channels, cause, reason, opt_out }, addresses)
            }
            Self::Lift(addresses) => {
                let (brands, channels) = (vec![brand], vec![Channel::Email]);
                (Command::LiftBlocks { brands, channels, reason: "a mistake".into() }, addresses)
            }
            Self::Register(addresses) => {
                let controllers: Vec<ControllerId> = vec![brand.controller()];
                let (source, owner_session) = ("shop".into(), false);
                (Command::RegisterAddresses { controllers, source, owner_session }, addresses)
            }
            Self::Withdraw(addresses) => {
                let (scopes, reason) = (vec![newsletter(engine)], "by mail".into());
                (Command::WithdrawConsent { scopes, reason }, addresses)
            }
            Self::Choose(address, part) => {
                let no = Choice { scope: topic(engine, "programm"), wish: Wish::Unsubscribe };
                let yes = Choice { scope: newsletter(engine), wish: Wish::Subscribe };
                let choices = if part == Part::Whole { vec![no, yes] } else { vec![no] };
                let evidence = Some(proof("newsletter"));
                let proof = Proof::PortalSession;
                let at = ADDRESSES.iter().position(|known| *known == address).unwrap();
                (Command::OwnerChoice { choices, proof, evidence }, &ADDRESSES[at..=at])
            }
            Self::Campaign | Self::Catalog => return None,
        })
    }

    /// Every other call has a name of its own; what is half-done has none.
    fn request_id(self, number: usize) -> Arc<str> {
        let is_named = number % 3 != 2 && !matches!(self, Self::Choose(_, Part::Noes));
        if is_named { format!("call-{number}").into() } else { "".into() }
    }

    async fn take(self, engine: &Engine, number: usize) -> Result<Option<Written>, EngineError> {
        let Some((command, addresses)) = self.command(engine) else {
            return self.take_words(engine).await.map(|()| None);
        };
        let addresses = addresses.iter().map(|address| address.as_bytes().into()).collect();
        let request_id = self.request_id(number);
        let body = format!("{self:?}").into_bytes();
        let write = Write { command, addresses, request_id, body };
        engine.write(&caller(), write).await.map(Some)
    }

    async fn take_words(self, engine: &Engine) -> Result<(), EngineError> {
        if matches!(self, Self::Catalog) {
            return match engine.take_catalog("catalog.toml", &second_catalog()).await {
                Ok(()) => Ok(()),
                Err(super::super::campaigns::CatalogRefused::Engine(error)) => Err(error),
                Err(error) => panic!("{error}"),
            };
        }
        let Scope::Topic(topic) = topic(engine, "programm") else { panic!("a topic") };
        let campaign = Campaign {
            brand: topic.brand(),
            id: CampaignId::parse("winter").unwrap(),
            topic: Some(topic),
            purpose: Purpose::Marketing,
            channel: Channel::Email,
            retired: false,
        };
        engine.register_campaign(&caller(), campaign).await
    }
}

/// All that can be seen of an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Picture {
    verdicts: Vec<Option<Vec<u8>>>,
    /// Oldest first; without the instant, which no two runs share.
    histories: Vec<Vec<Event>>,
    records: Vec<RecordKind>,
}

/// The verdicts for both campaigns; none where there is no such campaign.
async fn verdicts(engine: &Engine) -> Vec<Option<Vec<u8>>> {
    let mut verdicts = Vec::new();
    for campaign in ["advent", "winter"] {
        let question = Question { brand: "festival", campaign, at_least: Revision::ZERO };
        let octets = ADDRESSES.iter().map(|address| address.as_bytes());
        match engine.check(&caller(), &question, octets, ADDRESSES.len()).await {
            Ok(answer) => verdicts.push(Some(answer.verdicts)),
            Err(EngineError::UnknownCampaign { .. }) => verdicts.push(None),
            Err(error) => panic!("{error}"),
        }
    }
    verdicts
}

impl Picture {
    async fn of(engine: &Engine) -> Self {
        let mut histories = Vec::new();
        for address in ADDRESSES {
            let page = engine.history(&caller(), address.as_bytes(), 0, "").await.unwrap();
            // Of a choice that was refused by half the no names its call, which is not recorded.
            let is_owner = |event: &Event| event.actor.class == ActorClass::Owner;
            let event = |event: Event| Event {
                recorded_at: Timestamp::default(),
                request_id: if is_owner(&event) { "".into() } else { event.request_id.clone() },
                ..event
            };
            histories.push(page.events.into_iter().rev().map(event).collect());
        }
        let record =
            |number| engine.shared.reader.read(Revision::new(number)).unwrap().unwrap().kind;
        let records = (1..=engine.head().number()).map(record).collect();
        Self { verdicts: verdicts(engine).await, histories, records }
    }

    /// What a client sees that does not look at revisions.
    fn without_revisions(&self) -> (&[Option<Vec<u8>>], Vec<Vec<Event>>) {
        let stripped = |event: &Event| Event {
            revision: Revision::ZERO,
            previous: Revision::ZERO,
            ..event.clone()
        };
        let histories = self.histories.iter();
        let histories = histories.map(|events| events.iter().map(stripped).collect()).collect();
        (&self.verdicts, histories)
    }
}

/// What was taken: the number of the step, and how much of it.
type Taken = Vec<(usize, Part)>;

/// What became of a script.
#[derive(Debug, Default)]
struct Run {
    /// Whether the engine started at all.
    started: bool,
    taken: Taken,
    said: HashMap<usize, Written>,
    /// The one call of which nobody knows.
    unknown: Option<usize>,
    refused: usize,
}

impl Run {
    fn with_unknown(&self) -> Taken {
        self.taken.iter().copied().chain(self.unknown.map(|at| (at, Part::Whole))).collect()
    }
}

/// Data directories, for locks, that share their keys: one for engines that fail, one for those
/// that nothing fails.
struct Lab {
    dir: TempDir,
    sound_dir: TempDir,
    sound: RefCell<HashMap<Taken, Picture>>,
}

impl Lab {
    fn new() -> Self {
        let (dir, sound_dir) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        Self { dir, sound_dir, sound: RefCell::default() }
    }

    async fn open(&self, disk: &FaultDisk, catalog: &str) -> Result<Arc<Engine>, BootError> {
        self.open_in(self.dir.path(), disk, catalog).await
    }

    async fn open_in(
        &self,
        dir: &Path,
        disk: &FaultDisk,
        catalog: &str,
    ) -> Result<Arc<Engine>, BootError> {
        let settings = Settings {
            catalog_source: catalog.to_owned(),
            key_file: Some(self.sound_dir.path().join("shared-keys.toml")),
            ledger: SMALL,
            ..settings(dir)
        };
        Engine::open(settings, Arc::new(disk.clone()), TestClock::at(TODAY)).await
    }

    /// Runs the script as clients do that go on after errors.
    async fn run(&self, disk: &FaultDisk) -> Run {
        let mut run = Run::default();
        let Ok(engine) = self.open(disk, CATALOG).await else { return run };
        run.started = true;
        for (number, step) in SCRIPT.iter().enumerate() {
            let was_latched = engine.is_latched();
            match step.take(&engine, number).await {
                Ok(said) => {
                    assert!(!was_latched, "{step:?} is acknowledged after the latch");
                    run.taken.push((number, Part::Whole));
                    run.said.extend(said.map(|said| (number, said)));
                }
                Err(EngineError::OutcomeUnknown) => {
                    assert!(!was_latched && run.unknown.is_none(), "{step:?}");
                    run.unknown = Some(number);
                }
                Err(EngineError::Latched) => assert!(engine.is_latched(), "{step:?}"),
                Err(EngineError::DiskFull) => {
                    assert!(!step.is_no() && !engine.is_latched(), "{step:?}");
                    run.refused += 1;
                    if matches!(step, Step::Choose(..)) {
                        run.taken.push((number, Part::Noes));
                    }
                }
                Err(error) => panic!("{step:?}: {error}"),
            }
            let latched = engine.shared.reader.is_latched();
            assert_eq!(engine.is_latched(), latched, "what health says after {step:?}");
        }
        // Checks go on, by what was acknowledged.
        let answered = verdicts(&engine).await;
        close(engine).await;
        assert_eq!(answered, self.sound(&run.taken).await.verdicts);
        run
    }

    /// What an engine shows that took these steps and that nothing failed.
    async fn sound(&self, taken: &Taken) -> Picture {
        if let Some(picture) = self.sound.borrow().get(taken) {
            return picture.clone();
        }
        let disk = FaultDisk::new();
        let dir = self.sound_dir.path();
        let engine = self.open_in(dir, &disk, CATALOG).await.unwrap();
        for (number, part) in taken {
            let step = match (SCRIPT[*number], part) {
                (Step::Choose(address, _), part) => Step::Choose(address, *part),
                (step, _) => step,
            };
            step.take(&engine, *number).await.unwrap();
        }
        close(engine).await;
        let engine = self.open_in(dir, &disk, &second_catalog()).await.unwrap();
        let picture = Picture::of(&engine).await;
        close(engine).await;
        self.sound.borrow_mut().insert(taken.clone(), picture.clone());
        picture
    }

    /// Opens what is left. Returns whether the call of which nobody knew was there.
    async fn assert_kept(&self, disk: &FaultDisk, run: &Run) -> bool {
        let engine = self.open(disk, &second_catalog()).await.unwrap();
        let picture = Picture::of(&engine).await;
        if !run.started {
            assert!(picture.histories.iter().all(Vec::is_empty));
            close(engine).await;
            return false;
        }
        let with_unknown = self.sound(&run.with_unknown()).await;
        if picture != with_unknown {
            assert_eq!(picture, self.sound(&run.taken).await, "{run:?}");
        }
        for (number, said) in &run.said {
            if !SCRIPT[*number].request_id(*number).is_empty() {
                let again = SCRIPT[*number].take(&engine, *number).await.unwrap().unwrap();
                assert_eq!(again, *said, "{:?} is answered alike", SCRIPT[*number]);
            }
        }
        assert_eq!(picture, Picture::of(&engine).await, "a repeat changes nothing");
        if let Some(number) = run.unknown {
            SCRIPT[number].take(&engine, number).await.unwrap();
            let retried = Picture::of(&engine).await;
            let is_named = !SCRIPT[number].request_id(number).is_empty();
            if is_named || picture != with_unknown {
                assert_eq!(retried.without_revisions(), with_unknown.without_revisions());
            }
            assert_eq!(retried.verdicts, with_unknown.verdicts);
        }
        close(engine).await;
        run.unknown.is_some() && picture == with_unknown
    }
}

/// Stops an engine and lets go of its data directory.
async fn close(engine: Arc<Engine>) {
    engine.stop().await;
    assert!(Arc::into_inner(engine).is_some(), "nobody else holds the engine");
}

/// The calls of a run that nothing fails.
async fn calls(lab: &Lab) -> Vec<Op> {
    let disk = FaultDisk::new();
    let run = lab.run(&disk).await;
    assert_eq!((run.taken.len(), run.unknown, run.refused), (SCRIPT.len(), None, 0));
    assert!(disk.files().len() > 2, "several segments");
    disk.ops()
}

#[tokio::test]
async fn a_power_cut_at_every_call_leaves_what_was_acknowledged() {
    let lab = Lab::new();
    let calls = calls(&lab).await;
    let (mut reopened, mut there) = (0, 0);
    for at in 0..calls.len() {
        let disk = FaultDisk::new();
        disk.crash_at(at);
        let run = lab.run(&disk).await;
        assert!(disk.crashed());
        for survival in SURVIVALS {
            there += usize::from(lab.assert_kept(&disk.after_power_cut(survival), &run).await);
            reopened += 1;
        }
        lab.assert_kept(&disk.after_kill(), &run).await;
        reopened += 1;
    }
    let calls = calls.len();
    println!("power cuts: {calls} points, {reopened} reopened; {there} held the unknown call");
    assert!(calls > 40 && there > 10);
}

#[tokio::test]
async fn a_failure_of_every_call_is_told_and_leaves_what_was_acknowledged() {
    let lab = Lab::new();
    let calls = calls(&lab).await;
    let (mut points, mut unknown, mut refused, mut reopened) = (0, 0, 0, 0);
    let kinds =
        [Op::Write, Op::Sync, Op::SetLen, Op::Allocate, Op::Create, Op::Remove, Op::SyncDir];
    for op in kinds {
        for nth in 0..calls.iter().filter(|&&done| done == op).count() {
            for (error, seed) in
                [(ErrorKind::Other, 1), (ErrorKind::Other, 2), (ErrorKind::StorageFull, 3)]
            {
                let disk = FaultDisk::new();
                disk.reseed(seed);
                disk.fail(op, nth, error);
                let run = lab.run(&disk).await;
                points += 1;
                unknown += usize::from(run.unknown.is_some());
                refused += run.refused;
                for survival in [Survival::All, Survival::Nothing, Survival::Chance(seed)] {
                    lab.assert_kept(&disk.after_power_cut(survival), &run).await;
                    reopened += 1;
                }
                lab.assert_kept(&disk.after_kill(), &run).await;
                reopened += 1;
            }
        }
    }
    println!(
        "failures: {points} points, {unknown} told as unknown, {refused} refused for space, \
         {reopened} reopened"
    );
    assert!(points > 100 && unknown > 20 && refused > 3);
}
