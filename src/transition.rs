//! The writes: what a command does to one address.
//!
//! Pure and total: `transition(subject, past, command, catalog, now)`. Three rules govern all
//! commands. *Inside a scope*: a no at S removes every yes inside S; the owner's yes at S removes
//! everything inside S; nothing else does. *At a scope*: staff, systems and imports never replace a
//! no by a yes, and where a no meets a no the stronger origin stays. *A no is always taken, a yes
//! must earn it*: noes apply even while an erasure is pending, each on its own; yeses apply all or
//! none. The first two live in `draft`, the third in `restrict` and `grant`.
//!
//! What came before is read only where it matters (is this already proved? was there a later no?):
//! `Transition::NeedsPast` asks for it.
#![deny(clippy::wildcard_enum_match_arm)]

mod access;
mod draft;
mod grant;
mod import;
mod record;
mod restrict;

use std::sync::Arc;

use crate::authorize::Authorized;
use crate::catalog::Catalog;
use crate::model::actor::Actor;
use crate::model::command::Command;
use crate::model::day::{Day, Timestamp, Today};
use crate::model::event::{Event, Statement};
use crate::model::verdict::WriteOutcome;
use crate::profile::Profile;

pub use self::import::{ImportEffect, import_effect};

/// The address that a command meets.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Its facts.
    pub profile: &'a Profile,
    /// The facts of what precedes its plus tag, where the policy has them asked.
    pub base: Option<&'a Profile>,
}

/// The events of the address before the command.
#[derive(Debug, Clone, Copy)]
pub enum Past<'a> {
    /// Not read, since most commands do not need it.
    Unread,
    /// All of them.
    Read {
        /// Newest first.
        events: &'a [Event],
        /// When anything was last recorded of what precedes the plus tag; none where there is no
        /// tag, or nothing was.
        base_spoke: Option<Timestamp>,
    },
}

/// When the command meets the address.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// What the rules may assume of today.
    pub today: Today,
    /// The instant that the event will bear.
    pub at: Timestamp,
}

/// What a command comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transition {
    /// Nothing can be said before the past is read.
    NeedsPast,
    /// The outcome.
    Done(Outcome),
}

/// The outcome of a command for one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// For the command as a whole.
    pub outcome: WriteOutcome,
    /// For each of the owner's choices, in their order; empty for other commands.
    pub choices: Vec<WriteOutcome>,
    /// What is to be recorded: at most a statement of noes and one of yeses.
    pub statements: Vec<Statement>,
}

impl Outcome {
    fn unchanged() -> Self {
        Self::without_event(WriteOutcome::Unchanged)
    }

    fn without_event(outcome: WriteOutcome) -> Self {
        Self { outcome, choices: Vec::new(), statements: Vec::new() }
    }

    fn applied(statement: Statement) -> Self {
        let statements = vec![statement];
        Self { outcome: WriteOutcome::Applied, choices: Vec::new(), statements }
    }
}

/// What every part of a transition reads.
#[derive(Debug, Clone, Copy)]
struct Context<'a> {
    subject: Subject<'a>,
    past: Past<'a>,
    actor: &'a Actor,
    catalog: &'a Catalog,
    now: Moment,
}

/// The past is needed and was not read.
struct Unread;

impl<'a> Context<'a> {
    fn past(&self) -> Result<&'a [Event], Unread> {
        match self.past {
            Past::Unread => Err(Unread),
            Past::Read { events, base_spoke: _ } => Ok(events),
        }
    }

    /// When anything was last recorded of what precedes the plus tag.
    fn base_spoke(&self) -> Result<Option<Timestamp>, Unread> {
        match self.past {
            Past::Unread => Err(Unread),
            Past::Read { events: _, base_spoke } => Ok(base_spoke),
        }
    }

    /// The day of a declaration: that of its evidence where it gives one, and never after today.
    fn day_of(&self, occurred_at: Option<Timestamp>) -> Day {
        let today = self.now.today.day();
        occurred_at.and_then(Timestamp::day).map_or(today, |day| day.min(today))
    }
}

/// What `command` does to `subject`.
#[must_use]
pub fn transition(
    subject: Subject<'_>,
    past: Past<'_>,
    command: &Authorized<Command>,
    catalog: &Catalog,
    now: Moment,
) -> Transition {
    let context = Context { subject, past, actor: command.actor(), catalog, now };
    match apply(&context, command.value()) {
        Ok(outcome) => Transition::Done(outcome),
        Err(Unread) => Transition::NeedsPast,
    }
}

fn apply(context: &Context<'_>, command: &Command) -> Result<Outcome, Unread> {
    match command {
        Command::RegisterAddresses { controllers, source, owner_session } => {
            grant::register(context, controllers, source, *owner_session)
        }
        Command::BlockAddresses { brands, channels, cause, reason, opt_out } => {
            restrict::block(context, brands, channels, *cause, reason, opt_out, None)
        }
        Command::LiftBlocks { brands, channels, reason } => {
            Ok(grant::lift_blocks(context, brands, channels, reason))
        }
        Command::OptOut { scopes, reason, evidence } => {
            restrict::opt_out(context, scopes, reason, evidence.as_ref())
        }
        Command::WithdrawConsent { scopes, reason } => {
            restrict::withdraw(context, scopes, reason, None)
        }
        Command::RecordConsent { scopes, legal_basis, evidence } => {
            grant::record_consent(context, scopes, *legal_basis, &Arc::default(), evidence)
        }
        Command::Import { fact, reason, evidence } => {
            import::import(context, *fact, reason, evidence)
        }
        Command::MarkConsentRequested { campaign, evidence } => {
            Ok(grant::mark_requested(context, campaign, evidence.as_ref()))
        }
        Command::ResubscribeByStaff { scopes, legal_basis, explanation } => {
            grant::resubscribe_by_staff(context, scopes, *legal_basis, explanation)
        }
        Command::OwnerChoice { choices, proof, evidence } => {
            grant::owner_choice(context, choices, proof, evidence.as_ref())
        }
        Command::BeginOptIn { scopes, evidence } => grant::begin_opt_in(context, scopes, evidence),
        Command::RequestErasure { id, reason, evidence, owner_link: _ } => {
            restrict::request_erasure(context, id, reason, evidence.as_ref())
        }
        Command::ApproveErasure { id, note } => Ok(restrict::approve_erasure(context, id, note)),
        Command::RejectErasure { id, reason } => Ok(restrict::reject_erasure(context, id, reason)),
        Command::RequestAccess { words, evidence, owner_link: _ } => {
            access::request(context, words, evidence.as_ref())
        }
        Command::AnswerAccess { request, note } => access::answer(context, *request, note),
    }
}
