//! The engine beside the naive model: the same acts, over a real data directory, with real tokens,
//! restarts, checkpoints, new catalogs and days that pass. After each they must agree on outcome,
//! events and the verdict of every campaign.
//!
//! `MAYSEND_SEQUENCES` sets how many sequences are lived.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use maysend::authorize::authorize;
use maysend::catalog::{Catalog, PlusTags, Policy};
use maysend::engine::Engine;
use maysend::engine::access::{AccessAsk, AccessTaken};
use maysend::engine::boot::{BootError, Settings};
use maysend::engine::check::Question;
use maysend::engine::choice::OwnerChoices;
use maysend::engine::clock::Clock;
use maysend::engine::erasure::{CaseState, ErasureRequest};
use maysend::engine::error::EngineError;
use maysend::engine::import::{Import, Row};
use maysend::engine::opt_in::OptInRequest;
use maysend::engine::preferences::PreferencesUpdate;
use maysend::engine::rights::OwnerRequest;
use maysend::engine::write::Write;
use maysend::ledger::{Options, RealDisk};
use maysend::model::actor::Caller;
use maysend::model::campaign::Campaign;
use maysend::model::command::{Choice, Command, Proof, Wish};
use maysend::model::day::{Day, Timestamp, Today};
use maysend::model::event::{Event, EventKind};
use maysend::model::evidence::Evidence;
use maysend::model::revision::Revision;
use maysend::model::scope::Scope;
use maysend::model::verdict::{Verdict, WriteOutcome};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use tempfile::TempDir;

use super::acts::{Act, Step, Which, step};
use super::pair::Who;
use super::{arbitrary, sequences};
use crate::naive::{self, Answer, Asking, Book};
use crate::world::{campaigns, catalog, catalog_text, day, instant};

/// Lived ones, for one that the rules alone are put to: a life has a disk.
const SHARE: u32 = 2;
/// On average; shorter ones too, so that a failing one can be shortened.
const ACTS: usize = 40;

/// Milliseconds that a data directory may take to be let go of.
const PATIENCE: u32 = 10_000;

/// A clock that stands where it is put.
#[derive(Debug)]
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// A link that went to a mailbox.
#[derive(Debug, Clone)]
struct Link {
    who: Who,
    unsubscribe: String,
    preferences: String,
    campaign: Campaign,
    asks: bool,
    minted: Revision,
    day: Day,
}

/// A double opt-in mail.
#[derive(Debug, Clone)]
struct Confirm {
    who: Who,
    token: String,
    scopes: Vec<Scope>,
    minted: Revision,
    day: Day,
}

/// The engine, the model, and what owners and clerks have in their hands.
struct Life {
    dir: TempDir,
    clock: Arc<Hands>,
    /// None only while it restarts.
    engine: Option<Arc<Engine>>,
    plus_tags: PlusTags,
    policies: [Policy; 4],
    catalog: Catalog,
    campaigns: Vec<Campaign>,
    books: [Book; 3],
    /// The last event of each that was compared.
    compared: [Revision; 3],
    /// Whether an event that is kept tells the address. A token does not, and so not its base.
    named: [bool; 3],
    links: Vec<Link>,
    confirms: Vec<Confirm>,
    /// The last case of each, and whether it awaits its decision.
    cases: [Option<Arc<str>>; 3],
}

fn clerk() -> Caller {
    Caller::local("anna")
}

/// Who decides about erasures.
fn reviewer() -> Caller {
    Caller::local("vera")
}

async fn open(dir: &Path, clock: &Arc<Hands>, source: String) -> Result<Arc<Engine>, String> {
    let settings = Settings {
        data_dir: dir.to_owned(),
        key_file: None,
        catalog_file: "catalog.toml".to_owned(),
        catalog_source: source,
        public_url: None,
        accept_clock: false,
        ledger: Options::default(),
    };
    for _ in 0..PATIENCE {
        let opened = Engine::open(settings.clone(), Arc::new(RealDisk), clock.clone()).await;
        match opened {
            // A process that another test is about to start holds what this one held, until its exec.
            Err(BootError::InUse(_)) => tokio::time::sleep(Duration::from_millis(1)).await,
            opened => return opened.map_err(|error| format!("the engine does not open: {error}")),
        }
    }
    Err("another process holds the data directory".to_owned())
}

/// Memory, where there is some: what is asked here is not whether a disk keeps its word.
fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

impl Life {
    async fn begin(plus_tags: PlusTags, policies: &[Policy; 4]) -> Result<Self, String> {
        let dir = directory();
        let clock = Arc::new(Hands(AtomicI64::new(instant(day(0), 1).nanos())));
        let engine = open(dir.path(), &clock, catalog_text(plus_tags, policies)).await?;
        let catalog = catalog(plus_tags, policies);
        same("names of the catalog", &engine.catalog().names, &catalog.names)?;
        Ok(Self {
            dir,
            clock,
            engine: Some(engine),
            plus_tags,
            policies: policies.clone(),
            catalog,
            campaigns: campaigns(),
            books: std::array::from_fn(|_| Book::default()),
            compared: [Revision::ZERO; 3],
            named: [false; 3],
            links: Vec::new(),
            confirms: Vec::new(),
            cases: std::array::from_fn(|_| None),
        })
    }

    fn engine(&self) -> &Engine {
        self.engine.as_deref().unwrap()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn today(&self) -> Day {
        self.now().day().unwrap()
    }

    fn pass(&self, days: u16) {
        let next = match days {
            0 => Timestamp::from_nanos(self.now().nanos() + 1_000_000_000),
            days => instant(Day::new(self.today().index() + days), 1),
        };
        self.clock.0.store(next.nanos(), Ordering::Relaxed);
    }

    /// One act. What it came to, where it was one that both sides take.
    async fn act(&mut self, step: &Step) -> Result<Option<Answer>, String> {
        let who = step.who;
        let evidence = |shown: &super::deeds::Shown| shown.made(self.now());
        let (command, said) = match &step.act {
            Act::Restart { checkpoint } => return self.restart(*checkpoint).await.map(|()| None),
            Act::Reload { brand, policy } => {
                return self.reload(*brand, policy).await.map(|()| None);
            }
            Act::Mint { topic, asks } => return self.mint(who, *topic, *asks).await.map(|()| None),
            Act::Write(deed) => {
                let Some(command) = deed.written(self.now()) else { return Ok(None) };
                let (command, outcomes) = self.write(who, command).await?;
                (command, outcomes)
            }
            Act::Unsubscribe { which, by_preferences, scope } => {
                let Some(link) = which.map_in(&self.links) else { return Ok(None) };
                let own = Scope::Topic(link.campaign.topic.unwrap());
                let scope = scope.of(own);
                let token = if *by_preferences { &link.preferences } else { &link.unsubscribe };
                let asked = (scope != own).then_some(scope);
                let done = self.engine().unsubscribe(&clerk(), token, asked, None).await;
                done.map_err(|error| format!("an unsubscribe token is refused: {error}"))?;
                let choices = vec![Choice { scope, wish: Wish::Unsubscribe }];
                let proof = Proof::UnsubscribeToken;
                let command = Command::OwnerChoice { choices, proof, evidence: None };
                return self.compare(link.who, &command, None).await.map(Some);
            }
            Act::Update { which, choices, proof } => {
                let Some(link) = which.map_in(&self.links) else { return Ok(None) };
                let evidence = evidence(proof);
                let Some((command, outcomes)) = self.update(&link, choices, evidence).await? else {
                    return Ok(None);
                };
                return self.compare(link.who, &command, Some(outcomes)).await.map(Some);
            }
            Act::Portal { session, choices, proof } => {
                let evidence = evidence(proof);
                self.choose(who, *session, choices.clone(), evidence).await?
            }
            Act::Begin { scopes, proof } => {
                let evidence = evidence(proof);
                self.begin_opt_in(who, scopes, evidence).await?
            }
            Act::Confirm { which } => {
                let Some(confirm) = which.map_in(&self.confirms) else { return Ok(None) };
                let (command, outcomes) = self.confirm(&confirm).await?;
                return self.compare(confirm.who, &command, Some(outcomes)).await.map(Some);
            }
            Act::RequestErasure { why, link: Some(which) } => {
                let Some(link) = which.map_in(&self.links) else { return Ok(None) };
                let reason: Arc<str> = format!("reason {why}").into();
                let request = self.through(&link, &reason, None);
                let case = self.engine().request_erasure_by_owner(&clerk(), request).await;
                let Some(case) = self.unless_expired(&link, case)? else { return Ok(None) };
                self.cases[link.who.index()] = Some(case.id);
                let (id, evidence, owner_link) = ("case".into(), None, true);
                let command = Command::RequestErasure { id, reason, evidence, owner_link };
                return self.compare(link.who, &command, None).await.map(Some);
            }
            Act::RequestAccess { why, proof, link } => {
                let (words, evidence): (Arc<str>, _) =
                    (format!("words {why}").into(), evidence(proof));
                let Some((who, taken)) = self.request_access(who, link, &words, &evidence).await?
                else {
                    return Ok(None);
                };
                let (evidence, owner_link) = (Some(evidence), link.is_some());
                let command = Command::RequestAccess { words, evidence, owner_link };
                return self.compare(who, &command, Some(vec![taken.outcome])).await.map(Some);
            }
            Act::AnswerAccess { late } => {
                let history = self.history(who).await?;
                let mut asked = history.iter();
                let is_request =
                    |event: &&Event| event.statement.kind == EventKind::AccessRequested;
                let asked = if *late { asked.rfind(is_request) } else { asked.find(is_request) };
                let Some(request) = asked.map(|event| event.revision) else { return Ok(None) };
                let (note, id): (Arc<str>, _) = ("by mail".into(), request.to_string());
                let taken = self.engine().answer_access(&reviewer(), &id, note.clone()).await;
                let taken = taken.map_err(|error| format!("an answer fails: {error}"))?;
                let command = Command::AnswerAccess { request, note };
                return self.compare(who, &command, Some(vec![taken.outcome])).await.map(Some);
            }
            Act::RequestErasure { why, link: None } => {
                let reason: Arc<str> = format!("reason {why}").into();
                let request = ErasureRequest {
                    address: who.address().as_bytes().into(),
                    reason: reason.clone(),
                    request_id: "".into(),
                    body: Vec::new(),
                };
                let case = self.engine().request_erasure(&clerk(), request).await;
                let case = case.map_err(|error| format!("a request for erasure fails: {error}"))?;
                self.cases[who.index()] = Some(case.id.clone());
                let (id, evidence, owner_link) = ("case".into(), None, false);
                let command = Command::RequestErasure { id, reason, evidence, owner_link };
                return self.compare(who, &command, None).await.map(Some);
            }
            Act::Decide { approve } => {
                let Some(id) = self.cases[who.index()].clone() else { return Ok(None) };
                let Some(command) = self.decide(&id, *approve).await? else { return Ok(None) };
                return self.compare(who, &command, None).await.map(Some);
            }
        };
        self.compare(who, &command, Some(said)).await.map(Some)
    }

    /// What the owner sends behind a link: with the address, where nothing on record tells it.
    fn through(
        &self,
        link: &Link,
        words: &Arc<str>,
        evidence: Option<Arc<Evidence>>,
    ) -> OwnerRequest {
        let typed = (!self.named[link.who.index()]).then(|| link.who.address().as_bytes().into());
        OwnerRequest { token: link.preferences.clone(), typed, words: words.clone(), evidence }
    }

    /// What came through a link; none where that has expired.
    fn unless_expired<T>(
        &self,
        link: &Link,
        done: Result<T, EngineError>,
    ) -> Result<Option<T>, String> {
        let is_expired = self.today().index() - link.day.index() >= 400;
        match done {
            Ok(done) if !is_expired => Ok(Some(done)),
            Err(EngineError::TokenExpired) if is_expired => Ok(None),
            Ok(_) => Err("a link that has expired is taken".to_owned()),
            Err(error) => Err(format!("a link fails: {error}")),
        }
    }

    async fn request_access(
        &self,
        who: Who,
        link: &Option<Which>,
        words: &Arc<str>,
        evidence: &Arc<Evidence>,
    ) -> Result<Option<(Who, AccessTaken)>, String> {
        let evidence = Some(evidence.clone());
        if let Some(which) = link {
            let Some(link) = which.map_in(&self.links) else { return Ok(None) };
            let request = self.through(&link, words, evidence);
            let taken = self.engine().request_access_by_owner(&clerk(), request).await;
            return Ok(self.unless_expired(&link, taken)?.map(|taken| (link.who, taken)));
        }
        let ask = AccessAsk {
            address: who.address().as_bytes().into(),
            words: words.clone(),
            evidence,
            request_id: "".into(),
            body: Vec::new(),
        };
        let taken = self.engine().request_access(&clerk(), ask).await;
        taken.map(|taken| Some((who, taken))).map_err(|error| format!("no request: {error}"))
    }

    /// Newest first.
    async fn history(&self, who: Who) -> Result<Vec<Event>, String> {
        let page = self.engine().history(&clerk(), who.address().as_bytes(), 1_000, "").await;
        page.map(|page| page.events).map_err(|error| format!("no history: {error}"))
    }

    async fn write(
        &self,
        who: Who,
        command: Command,
    ) -> Result<(Command, Vec<WriteOutcome>), String> {
        if let Command::Import { fact, reason, evidence } = &command {
            let row = Row {
                address: who.address().as_bytes().into(),
                fact: *fact,
                reason: reason.clone(),
                evidence: evidence.clone(),
            };
            let import = Import { rows: vec![row], dry_run: false };
            let imported = self.engine().import(&clerk(), import).await;
            let imported = imported.map_err(|error| format!("{command:?} fails: {error}"))?;
            return Ok((command, imported.outcomes));
        }
        let write = Write {
            command: command.clone(),
            addresses: vec![who.address().as_bytes().into()],
            request_id: "".into(),
            body: Vec::new(),
        };
        let written = self.engine().write(&clerk(), write).await;
        let written = written.map_err(|error| format!("{command:?} fails: {error}"))?;
        Ok((command, written.outcomes))
    }

    async fn mint(&mut self, who: Who, topic: u16, asks: bool) -> Result<(), String> {
        let campaign = if asks { crate::world::ask(topic) } else { crate::world::ad(topic) };
        let brand = self.catalog.names.brand(campaign.brand).to_owned();
        let addresses = [who.address().as_bytes().into()];
        let minted = self.engine().head();
        let id = campaign.id.to_string();
        let links = self.engine().mint_links(&clerk(), &brand, &id, &addresses).await;
        let links = links.map_err(|error| format!("links are not made: {error}"))?;
        let links = links.into_iter().next().flatten().ok_or("no links for an address")?;
        self.links.push(Link {
            who,
            unsubscribe: links.unsubscribe_token,
            preferences: links.preferences_token,
            campaign,
            asks,
            minted,
            day: self.today(),
        });
        Ok(())
    }

    /// Chooses through a link what it is for.
    async fn update(
        &self,
        link: &Link,
        choices: &[Choice],
        evidence: Arc<Evidence>,
    ) -> Result<Option<(Command, Vec<WriteOutcome>)>, String> {
        let controller = link.campaign.brand.controller();
        let choices: Vec<Choice> = choices
            .iter()
            .copied()
            .filter(|choice| match choice.scope {
                Scope::Everything => true,
                Scope::Controller(id) => id == controller,
                Scope::Brand(brand) => brand.controller() == controller,
                Scope::Topic(topic) => topic.brand().controller() == controller,
            })
            .collect();
        if choices.is_empty() {
            return Ok(None);
        }
        let update = PreferencesUpdate {
            token: link.preferences.clone(),
            choices: choices.clone(),
            evidence: Some(evidence.clone()),
            request_id: "".into(),
            body: Vec::new(),
        };
        let updated = self.engine().update_preferences(&clerk(), update).await;
        let updated = updated.map_err(|error| format!("a preferences link fails: {error}"))?;
        let age = i32::from(self.today().index()) - i32::from(link.day.index());
        let proof = Proof::PreferencesToken {
            minted: link.minted,
            may_grant: age < 400,
            asked: link.campaign.topic.filter(|_| link.asks).map(Scope::Topic),
        };
        let command = Command::OwnerChoice { choices, proof, evidence: Some(evidence) };
        Ok(Some((command, updated.outcomes)))
    }

    async fn choose(
        &self,
        who: Who,
        session: bool,
        choices: Vec<Choice>,
        evidence: Arc<Evidence>,
    ) -> Result<(Command, Vec<WriteOutcome>), String> {
        let chosen = OwnerChoices {
            address: who.address().as_bytes().into(),
            choices: choices.clone(),
            portal_session: session,
            evidence: Some(evidence.clone()),
            request_id: "".into(),
            body: Vec::new(),
        };
        let written = self.engine().record_owner_choice(&clerk(), chosen).await;
        let written = written.map_err(|error| format!("a portal's choice fails: {error}"))?;
        let proof = if session { Proof::PortalSession } else { Proof::PortalGuest };
        let command = Command::OwnerChoice { choices, proof, evidence: Some(evidence) };
        Ok((command, written.outcomes))
    }

    async fn begin_opt_in(
        &mut self,
        who: Who,
        scopes: &[Scope],
        evidence: Arc<Evidence>,
    ) -> Result<(Command, Vec<WriteOutcome>), String> {
        let request = OptInRequest {
            address: who.address().as_bytes().into(),
            scopes: scopes.to_vec(),
            evidence: evidence.clone(),
            request_id: "".into(),
            body: Vec::new(),
        };
        let begun = self.engine().begin_opt_in(&clerk(), request).await;
        let begun = begun.map_err(|error| format!("a double opt-in does not begin: {error}"))?;
        if begun.outcome == WriteOutcome::Applied {
            self.confirms.push(Confirm {
                who,
                token: begun.confirm_token,
                scopes: scopes.to_vec(),
                minted: begun.revision,
                day: self.today(),
            });
        }
        let command = Command::BeginOptIn { scopes: scopes.to_vec(), evidence };
        Ok((command, vec![begun.outcome]))
    }

    async fn confirm(&self, confirm: &Confirm) -> Result<(Command, Vec<WriteOutcome>), String> {
        let updated = self.engine().confirm_opt_in(&clerk(), &confirm.token, None).await;
        let updated = updated.map_err(|error| format!("a confirm token fails: {error}"))?;
        let yes = |scope: &Scope| Choice { scope: *scope, wish: Wish::Subscribe };
        let age = i32::from(self.today().index()) - i32::from(confirm.day.index());
        let proof = Proof::ConfirmToken { minted: confirm.minted, may_grant: age < 7 };
        let choices = confirm.scopes.iter().map(yes).collect();
        Ok((Command::OwnerChoice { choices, proof, evidence: None }, updated.outcomes))
    }

    /// Decides a case; who asked for it may not. None where it was decided otherwise before.
    async fn decide(&self, id: &str, approve: bool) -> Result<Option<Command>, String> {
        let words: Arc<str> = "reason 0".into();
        let by_requester = if approve {
            self.engine().approve_erasure(&clerk(), id, words.clone()).await.map(drop)
        } else {
            self.engine().reject_erasure(&clerk(), id, words.clone()).await.map(drop)
        };
        let cases = self.engine().erasure_cases(&reviewer(), None, 1_000, "").await;
        let cases = cases.map_err(|error| format!("cases are not listed: {error}"))?.cases;
        let case = cases.iter().find(|case| *case.id == *id).ok_or("the case is not listed")?;
        match case.state {
            CaseState::Pending => match by_requester {
                Err(EngineError::SamePerson { .. }) => {}
                other => return Err(format!("who asked decides: {other:?}")),
            },
            CaseState::Erased | CaseState::Rejected => {}
        }
        let decided = if approve {
            self.engine().approve_erasure(&reviewer(), id, words.clone()).await.map(drop)
        } else {
            self.engine().reject_erasure(&reviewer(), id, words.clone()).await.map(drop)
        };
        let id: Arc<str> = "case".into();
        match (case.state, approve, decided) {
            (CaseState::Pending, true, Ok(())) => {
                Ok(Some(Command::ApproveErasure { id, note: words }))
            }
            (CaseState::Pending, false, Ok(())) => {
                Ok(Some(Command::RejectErasure { id, reason: words }))
            }
            // The certificate again, whatever began afresh since.
            (CaseState::Erased, true, Ok(()))
            | (CaseState::Rejected, true, Err(EngineError::CaseDecided { .. }))
            | (CaseState::Erased, false, Err(EngineError::CaseDecided { .. }))
            | (CaseState::Rejected, false, _) => Ok(None),
            other => Err(format!("a decision comes to {other:?}")),
        }
    }

    async fn restart(&mut self, checkpoint: bool) -> Result<(), String> {
        if checkpoint {
            self.engine().checkpoint().map_err(|error| format!("no checkpoint: {error}"))?;
        }
        self.engine().stop().await;
        // It holds the directory as long as it is there.
        self.engine = None;
        let text = catalog_text(self.plus_tags, &self.policies);
        self.engine = Some(open(self.dir.path(), &self.clock, text).await?);
        self.compare_queue().await
    }

    /// The access requests that are open.
    async fn compare_queue(&self) -> Result<(), String> {
        let page = self.engine().access_requests(&reviewer(), 10, "").await;
        let page = page.map_err(|error| format!("no queue: {error}"))?;
        let open: Vec<u64> = page.requests.iter().map(|request| request.id.number()).collect();
        let mut model: Vec<u64> = self.books.iter().filter_map(Book::unanswered).collect();
        model.sort_unstable();
        same("open access requests", &open, &model)
    }

    async fn reload(&mut self, brand: u16, policy: &Policy) -> Result<(), String> {
        self.policies[usize::from(brand)] = policy.clone();
        let text = catalog_text(self.plus_tags, &self.policies);
        let taken = self.engine().take_catalog("catalog.toml", &text).await;
        taken.map_err(|error| format!("the catalog is refused: {error}"))?;
        self.catalog = catalog(self.plus_tags, &self.policies);
        Ok(())
    }

    /// Puts the command to the model, and compares what there is to compare.
    async fn compare(
        &mut self,
        who: Who,
        command: &Command,
        said: Option<Vec<WriteOutcome>>,
    ) -> Result<Answer, String> {
        let caller = match command {
            Command::ApproveErasure { .. } | Command::RejectErasure { .. } => reviewer(),
            _ => clerk(),
        };
        let authorized = authorize(&caller, command.clone()).map_err(|error| error.to_string())?;
        let history = self.history(who).await?;
        let known = self.compared[who.index()];
        let new = history.iter().filter(|event| event.revision > known).rev();
        let new: Vec<_> = new.map(|event| (event.revision, event.statement.kind)).collect();
        self.compared[who.index()] = new.last().map_or(known, |(revision, _)| *revision);
        let base = self.base_facts(who);
        let kinds: Vec<EventKind> = new.iter().map(|(_, kind)| *kind).collect();
        let by_token = matches!(
            command,
            Command::OwnerChoice {
                proof: Proof::UnsubscribeToken
                    | Proof::PreferencesToken { .. }
                    | Proof::ConfirmToken { .. },
                ..
            }
        );
        // A base that cannot be told may have spoken just now; where tags are exact nobody looks.
        let is_exact = self.plus_tags == PlusTags::Exact;
        let is_nameless = by_token && (is_exact || !self.named[who.index()]);
        let spoke = who.base().and_then(|base| match is_nameless {
            true => Some(self.now()),
            false => self.books[base.index()].spoke(),
        });
        if kinds.contains(&EventKind::Erased) {
            self.named[who.index()] = false;
        } else if !kinds.is_empty() && !by_token {
            self.named[who.index()] = true;
        }
        let next = new.first().map_or(self.engine().head().number(), |(at, _)| at.number());
        let model = self.books[who.index()].take(&Asking {
            command,
            class: authorized.actor().class,
            catalog: &self.catalog,
            today: Today::Known(self.today()),
            at: self.now(),
            base: base.as_ref(),
            base_spoke: spoke,
            next,
        });
        if let Some(said) = said {
            let choices = &model.choices;
            let expected = if choices.is_empty() { vec![model.outcome] } else { choices.clone() };
            same("outcomes", &said, &expected)?;
        }
        same("events", &kinds, &model.kinds)?;
        self.compare_verdicts().await?;
        self.compare_queue().await?;
        Ok(model)
    }

    fn base_facts(&self, who: Who) -> Option<maysend::profile::Profile> {
        let base = &self.books[who.base()?.index()];
        let overruled = base.last_revision() < self.books[who.index()].owner_yes();
        (self.plus_tags == PlusTags::WidenRestrictions && !overruled).then(|| base.facts())
    }

    async fn compare_verdicts(&self) -> Result<(), String> {
        let facts = Who::ALL.map(|who| (self.books[who.index()].facts(), self.base_facts(who)));
        for campaign in &self.campaigns {
            let question = Question {
                brand: self.catalog.names.brand(campaign.brand),
                campaign: campaign.id.as_str(),
                at_least: Revision::ZERO,
            };
            let addresses = Who::ALL.iter().map(|who| who.address().as_bytes());
            let answer = self.engine().check(&clerk(), &question, addresses, 3).await;
            let answer = answer.map_err(|error| format!("a check fails: {error}"))?;
            let policy = self.catalog.policy(campaign.brand);
            for (i, (own, base)) in facts.iter().enumerate() {
                let today = Today::Known(self.today());
                let model = naive::verdict(own, base.as_ref(), campaign, policy, today);
                let real = Verdict::from_code(answer.verdicts[i]);
                let about = format!("{:?}, {}", Who::ALL[i], campaign.id);
                same(&about, &real, &Some(model))?;
            }
        }
        Ok(())
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, real: &T, model: &T) -> Result<(), String> {
    if real == model {
        return Ok(());
    }
    Err(format!("{what}\n real {real:?}\nmodel {model:?}"))
}

/// What lives came to, so that none passes by doing nothing.
#[derive(Debug, Default)]
struct Seen {
    acts: Cell<u32>,
    restarts: Cell<u32>,
    outcomes: RefCell<BTreeSet<WriteOutcome>>,
    kinds: RefCell<BTreeSet<EventKind>>,
}

async fn live(
    plus_tags: PlusTags,
    policies: &[Policy; 4],
    steps: &[Step],
    seen: &Seen,
) -> Result<(), String> {
    let mut life = Life::begin(plus_tags, policies).await?;
    for (i, step) in steps.iter().enumerate() {
        life.pass(step.days);
        let done = life.act(step).await.map_err(|difference| {
            format!("{difference}\nat act {i} of\n{}", told(steps.get(..=i).unwrap_or(steps)))
        })?;
        seen.acts.set(seen.acts.get() + 1);
        if matches!(step.act, Act::Restart { .. }) {
            seen.restarts.set(seen.restarts.get() + 1);
        }
        let Some(answer) = done else { continue };
        seen.kinds.borrow_mut().extend(answer.kinds);
        seen.outcomes.borrow_mut().extend(answer.choices.into_iter().chain([answer.outcome]));
    }
    life.engine().stop().await;
    Ok(())
}

fn told(steps: &[Step]) -> String {
    steps.iter().map(|step| format!("{step:?}\n")).collect()
}

fn check(plus_tags: PlusTags, cases: u32) {
    let policies = prop::array::uniform4(arbitrary::policy());
    let lives = (policies, vec(step(), 1..2 * ACTS));
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 500, ..Config::default() };
    let seen = Seen::default();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let result = TestRunner::new(config).run(&lives, |(policies, steps)| {
        let lived = runtime.block_on(live(plus_tags, &policies, &steps, &seen));
        lived.map_err(TestCaseError::fail)
    });
    match result {
        Ok(()) => {}
        Err(TestError::Abort(why)) => panic!("{why}"),
        Err(TestError::Fail(difference, (policies, _))) => {
            panic!("{difference}\nunder {policies:?}")
        }
    }
    let (acts, restarts) = (seen.acts.get(), seen.restarts.get());
    println!("{cases} lives of an engine, {acts} acts, {restarts} restarts");
    if cases >= sequences::SEQUENCES / SHARE / 4 {
        let (outcomes, kinds) = (seen.outcomes.borrow(), seen.kinds.borrow());
        // All but that of no address.
        assert_eq!(outcomes.len(), WriteOutcome::ALL.len() - 1, "outcomes seen: {outcomes:?}");
        assert_eq!(kinds.len(), 14, "kinds of events seen: {kinds:?}");
        assert!(restarts > cases / 4, "{restarts} restarts");
    }
}

#[test]
fn an_engine_lives_as_the_model_says_where_tags_widen() {
    check(PlusTags::WidenRestrictions, sequences::wanted() / SHARE / 4 * 3);
}

#[test]
fn an_engine_lives_as_the_model_says_where_tags_are_exact() {
    check(PlusTags::Exact, (sequences::wanted() / SHARE).div_ceil(4));
}
