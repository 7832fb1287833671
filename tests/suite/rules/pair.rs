//! The real rules and the naive model side by side: each command goes to both, and after it they
//! must agree on the outcome, on the facts and on the verdict of every campaign.

use std::sync::Arc;

use maysend::authorize::{Authorized, authorize};
use maysend::catalog::{Catalog, PlusTags, Policy};
use maysend::decide::decide;
use maysend::model::actor::{Caller, Role};
use maysend::model::campaign::Campaign;
use maysend::model::command::Command;
use maysend::model::day::{Day, Timestamp, Today};
use maysend::model::event::{Effect, Event, EventKind};
use maysend::model::fact::Erasure;
use maysend::model::fingerprint::Fingerprint;
use maysend::model::revision::Revision;
use maysend::model::scope::Scope;
use maysend::model::verdict::{Verdict, WriteOutcome};
use maysend::profile::Profile;
use maysend::transition::{Moment, Outcome, Past, Subject, Transition, transition};

use super::promises;
use crate::naive::{self, Answer, Asking, Book};
use crate::world::{campaigns, catalog, day, instant};

/// An address of the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// `mia@example.com`.
    Mia,
    /// `mia+news@example.com`, of which the first is the base.
    MiaTagged,
    /// `noa@example.com`.
    Noa,
}

impl Who {
    pub(super) const ALL: [Self; 3] = [Self::Mia, Self::MiaTagged, Self::Noa];

    pub(super) fn index(self) -> usize {
        Self::ALL.iter().position(|who| *who == self).expect("one of all")
    }

    pub(super) const fn address(self) -> &'static str {
        match self {
            Self::Mia => "mia@example.com",
            Self::MiaTagged => "mia+news@example.com",
            Self::Noa => "noa@example.com",
        }
    }

    pub(super) fn base(self) -> Option<Self> {
        match self {
            Self::MiaTagged => Some(Self::Mia),
            Self::Mia | Self::Noa => None,
        }
    }
}

/// What the real rules left behind for one address.
#[derive(Debug, Clone, Default)]
struct Held {
    profile: Profile,
    /// Oldest first. An approved erasure leaves its tombstone alone.
    events: Vec<Event>,
}

impl Held {
    fn last_revision(&self) -> Revision {
        self.events.last().map_or(Revision::ZERO, |event| event.revision)
    }

    fn owner_yes(&self) -> Revision {
        let proved = self.events.iter().filter(|event| event.statement.owner_proof.is_some());
        proved.map(|event| event.revision).max().unwrap_or(Revision::ZERO)
    }
}

/// The two sides, their calendar and their ledger's head.
#[derive(Debug)]
pub(super) struct Pair {
    catalog: Catalog,
    campaigns: Vec<Campaign>,
    held: [Held; 3],
    books: [Book; 3],
    /// The last command that each met.
    last: [Option<Command>; 3],
    head: Revision,
    at: Timestamp,
}

/// A server without credentials: every role.
pub(super) fn anna() -> Caller {
    Caller::local("anna")
}

/// A customer area.
pub(super) fn portal() -> Caller {
    Caller { credential: "shop".into(), roles: vec![Role::Portal], actor: "".into() }
}

/// Both sides where every brand has this policy and tags widen restrictions.
pub(super) fn under(policy: Policy) -> Pair {
    Pair::new(catalog(PlusTags::WidenRestrictions, &std::array::from_fn(|_| policy.clone())))
}

/// Both sides where every brand has the policy of a catalog that says nothing of it.
pub(super) fn pair() -> Pair {
    under(Policy::default())
}

impl Pair {
    /// Both sides on the first day, with nothing said.
    pub(super) fn new(catalog: Catalog) -> Self {
        Self {
            catalog,
            campaigns: campaigns(),
            held: std::array::from_fn(|_| Held::default()),
            books: std::array::from_fn(|_| Book::default()),
            last: std::array::from_fn(|_| None),
            head: Revision::ZERO,
            at: instant(day(0), 1),
        }
    }

    /// Another version of the catalog is in force.
    pub(super) fn reload(&mut self, catalog: Catalog) {
        self.catalog = catalog;
    }

    /// The last command that the address met.
    pub(super) fn last(&self, who: Who) -> Option<Command> {
        self.last[who.index()].clone()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.at
    }

    pub(super) fn today(&self) -> Day {
        self.at.day().expect("a day of this century")
    }

    pub(super) fn head(&self) -> Revision {
        self.head
    }

    pub(super) fn erasure(&self, who: Who) -> Erasure {
        self.held[who.index()].profile.erasure
    }

    /// Lets days pass, to the second second of that day.
    pub(super) fn advance(&mut self, days: u16) {
        if days > 0 {
            self.at = instant(Day::new(self.today().index() + days), 1);
        }
    }

    /// Lets time pass to that instant.
    pub(super) fn advance_to(&mut self, at: Timestamp) {
        assert!(at > self.at, "time runs forwards");
        self.at = at;
    }

    /// The kinds of the events on record, oldest first.
    pub(super) fn kinds(&self, who: Who) -> Vec<EventKind> {
        self.held[who.index()].events.iter().map(|event| event.statement.kind).collect()
    }

    /// The facts of the address, on which both sides agree.
    pub(super) fn facts(&self, who: Who) -> &Profile {
        &self.held[who.index()].profile
    }

    /// Where the double opt-ins of the address were recorded, and what they asked for.
    pub(super) fn begun(&self, who: Who) -> Vec<(Revision, Vec<Scope>)> {
        let events = self.held[who.index()].events.iter();
        let begun = events.filter(|event| event.statement.kind == EventKind::OptInBegun);
        begun.map(|event| (event.revision, event.statement.scopes.clone())).collect()
    }

    /// Where the owner asked what is held, answered or not, oldest first.
    pub(super) fn asked_to_know(&self, who: Who) -> Vec<Revision> {
        let events = self.held[who.index()].events.iter();
        let asked = events.filter(|event| event.statement.kind == EventKind::AccessRequested);
        asked.map(|event| event.revision).collect()
    }

    /// Puts a command to both sides, today.
    #[track_caller]
    pub(super) fn take(&mut self, who: Who, command: Command) -> Outcome {
        let today = Today::Known(self.today());
        self.try_take(who, &anna(), command, today)
            .unwrap_or_else(|difference| panic!("{difference}"))
    }

    /// Puts a command to both sides; where they differ, how. Anna does what the caller may not.
    pub(super) fn try_take(
        &mut self,
        who: Who,
        caller: &Caller,
        command: Command,
        today: Today,
    ) -> Result<Outcome, String> {
        self.at = Timestamp::from_nanos(self.at.nanos() + 1_000_000_000);
        self.last[who.index()] = Some(command.clone());
        let authorized = authorize(caller, command.clone())
            .or_else(|_| authorize(&anna(), command))
            .expect("she may do anything");
        let real = self.ask_real(who, &authorized, today)?;
        let base = self.base_facts(who);
        let asking = Asking {
            command: authorized.value(),
            class: authorized.actor().class,
            catalog: &self.catalog,
            today,
            at: self.at,
            base: base.as_ref(),
            base_spoke: who.base().and_then(|base| self.books[base.index()].spoke()),
            next: self.head.next().number(),
        };
        let model = self.books[who.index()].take(&asking);
        let before = self.held[who.index()].profile.clone();
        self.record(who, &authorized, &real);
        promises::kept(authorized.value(), &before, &self.held[who.index()].profile)?;
        let said = Answer {
            outcome: real.outcome,
            choices: real.choices.clone(),
            kinds: real.statements.iter().map(|statement| statement.kind).collect(),
        };
        same("outcome", &said, &model)?;
        same("facts", &self.held[who.index()].profile, &self.books[who.index()].facts())?;
        self.compare_verdicts(who)?;
        Ok(real)
    }

    fn ask_real(
        &self,
        who: Who,
        command: &Authorized<Command>,
        today: Today,
    ) -> Result<Outcome, String> {
        let held = &self.held[who.index()];
        let base = self.real_base(who).map(|base| &base.profile);
        let subject = Subject { profile: &held.profile, base };
        let now = Moment { today, at: self.at };
        let newest_first: Vec<Event> = held.events.iter().rev().cloned().collect();
        let base = who.base().and_then(|base| self.held[base.index()].events.last());
        let base_spoke = base.map(|event| event.recorded_at);
        let past = Past::Read { events: &newest_first, base_spoke };
        let read = transition(subject, past, command, &self.catalog, now);
        let unread = transition(subject, Past::Unread, command, &self.catalog, now);
        match (unread, read) {
            (_, Transition::NeedsPast) => Err("the past was read".to_owned()),
            (Transition::NeedsPast, Transition::Done(outcome)) => Ok(outcome),
            (Transition::Done(unread), Transition::Done(read)) => {
                same("what needs no past", &unread, &read)?;
                Ok(read)
            }
        }
    }

    fn record(&mut self, who: Who, command: &Authorized<Command>, outcome: &Outcome) {
        assert!(outcome.statements.len() <= 2, "its noes and its yeses");
        let held = &mut self.held[who.index()];
        for statement in &outcome.statements {
            let event = Event {
                revision: self.head.next(),
                previous: held.last_revision(),
                recorded_at: self.at,
                fingerprint: Fingerprint::new(0),
                address: None,
                tagged: who.base().is_some(),
                actor: command.actor().clone(),
                request_id: Arc::from(""),
                statement: statement.clone(),
            };
            if statement.effects.contains(&Effect::Erasure(Erasure::Erased)) {
                held.events.clear();
            }
            for effect in &statement.effects {
                held.profile.apply(*effect);
            }
            self.head = event.revision;
            held.events.push(event);
        }
    }

    fn widens(&self) -> bool {
        self.catalog.plus_tags == PlusTags::WidenRestrictions
    }

    /// The base, where it is to be asked.
    fn real_base(&self, who: Who) -> Option<&Held> {
        let base = &self.held[who.base()?.index()];
        let overruled = base.last_revision() < self.held[who.index()].owner_yes();
        (self.widens() && !overruled).then_some(base)
    }

    fn base_facts(&self, who: Who) -> Option<Profile> {
        let base = &self.books[who.base()?.index()];
        let overruled = base.last_revision() < self.books[who.index()].owner_yes();
        (self.widens() && !overruled).then(|| base.facts())
    }

    /// Every address and campaign, today; where the command may have changed something also at
    /// later days and under a doubtful clock.
    fn compare_verdicts(&self, touched: Who) -> Result<(), String> {
        let on = |days| Today::Known(Day::new(self.today().index() + days));
        let later = [on(1), on(30), on(400), Today::InDoubt(self.today())];
        for who in Who::ALL {
            let mut days = vec![on(0)];
            if who == touched || who.base() == Some(touched) {
                days.extend(later);
            }
            let own = self.books[who.index()].facts();
            let base = self.base_facts(who);
            for campaign in &self.campaigns {
                let policy = self.catalog.policy(campaign.brand);
                for &today in &days {
                    let real = self.verdict_on(who, campaign, today);
                    let model = naive::verdict(&own, base.as_ref(), campaign, policy, today);
                    if real != model {
                        let about = format!("{who:?}, {campaign:?}, {today:?}");
                        return Err(format!("{about}: real {real:?}, model {model:?}"));
                    }
                }
            }
        }
        Ok(())
    }

    fn verdict_on(&self, who: Who, campaign: &Campaign, today: Today) -> Verdict {
        let own = &self.held[who.index()].profile;
        let base = self.real_base(who).map(|base| &base.profile);
        decide(own, base, campaign, self.catalog.policy(campaign.brand), today).verdict
    }

    /// What both sides, which agree, say today.
    pub(super) fn verdict(&self, who: Who, campaign: &Campaign) -> Verdict {
        self.verdict_on(who, campaign, Today::Known(self.today()))
    }

    /// Puts a command, and wants this outcome.
    #[track_caller]
    pub(super) fn wants(&mut self, who: Who, command: Command, expect: WriteOutcome) -> &mut Self {
        assert_eq!(self.take(who, command).outcome, expect);
        self
    }

    /// Wants this verdict today.
    #[track_caller]
    pub(super) fn says(&mut self, who: Who, campaign: &Campaign, expect: Verdict) -> &mut Self {
        assert_eq!(self.verdict(who, campaign), expect, "{campaign:?}");
        self
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, real: &T, model: &T) -> Result<(), String> {
    if real == model {
        return Ok(());
    }
    Err(format!("{what}\n real {real:?}\nmodel {model:?}"))
}
