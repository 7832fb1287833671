//! Why an address may or may not get a campaign: the fact that decided and what else would deny,
//! with the events that prove it, now or at an instant in the past.
//!
//! Everything is told by the events up to one revision: the facts are folded from them as replay
//! does, the catalog is the version of then, the day is that of the instant. So an explanation of
//! the past does not change with what was recorded since, with two exceptions: a campaign is
//! explained with its definition of now, since campaigns never change; and what was erased since is
//! gone, and counts as erased then already, for a doubt is a deny.

mod then;

use super::error::{EngineError, InvalidRequest};
use super::{Engine, Shared};
use crate::authorize::{Operation, permit};
use crate::catalog::PlusTags;
use crate::decide::reasons::{Fact, Reason, Whose, reasons};
use crate::model::actor::Caller;
use crate::model::address::Address;
use crate::model::day::{Day, Timestamp, Today};
use crate::model::event::{Effect, Event};
use crate::model::fact::Erasure;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::model::scope::Scope;
use crate::model::verdict::Verdict;
use crate::profile::Profile;

/// What is to be explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inquiry {
    /// Whom it is about, as the octets came.
    pub address: Box<[u8]>,
    /// The brand's name.
    pub brand: String,
    /// The campaign's name.
    pub campaign: String,
    /// The instant to explain; none: now.
    pub as_of: Option<Timestamp>,
}

/// One answer, explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What a check answers.
    pub verdict: Verdict,
    /// In canonical form; none where it is no address.
    pub address: Option<Address>,
    /// What decided, then what else would deny.
    pub findings: Vec<Finding>,
    /// The ledger's head, or what it was at the instant.
    pub revision: Revision,
}

/// One fact that speaks for or against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it answers on its own.
    pub verdict: Verdict,
    /// Where it applies.
    pub scope: Option<Scope>,
    /// What was recorded; none where the reason is that nothing was.
    pub event: Option<Event>,
    /// The address whose fact it is, where that is what precedes the plus tag.
    pub base: Option<Address>,
}

impl Engine {
    /// Explains what a check answers for one address. An address that is none is an answer.
    ///
    /// # Errors
    /// An unknown or retired campaign; an instant in the future; damaged data.
    pub async fn explain(
        &self,
        caller: &Caller,
        inquiry: Inquiry,
    ) -> Result<Explanation, EngineError> {
        permit(caller, Operation::ReadAddress)?;
        self.blocking(move |shared| shared.explain(&inquiry)).await
    }
}

/// What the events of an address up to a revision tell.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) profile: Profile,
    /// Newest first.
    pub(super) events: Vec<Event>,
    pub(super) last: Revision,
    /// The owner's last yes that mailbox or session proved, as the index keeps it.
    pub(super) owner_yes: Revision,
}

impl Shared {
    fn explain(&self, inquiry: &Inquiry) -> Result<Explanation, EngineError> {
        let Inquiry { address, brand, campaign, as_of } = inquiry;
        let now = self.moment();
        if as_of.is_some_and(|at| at > now.at) {
            let problem = "lies in the future; leave it out for now, or name an earlier instant";
            return Err(InvalidRequest::one("as_of", problem).into());
        }
        // The head comes first: rules and facts that are read after it are of it or later.
        let revision = as_of.map_or_else(|| self.head(), |at| self.head_at(at));
        let today = as_of.map_or(now.today, |at| Today::Known(at.day().unwrap_or(Day::new(0))));
        let catalog = self.catalog_at(revision)?;
        let campaign = self.campaign_at(brand, campaign, as_of.map(|_| revision))?;
        let Ok(address) = Address::parse(address) else {
            let verdict = Verdict::InvalidAddress;
            let findings = vec![Finding { verdict, scope: None, event: None, base: None }];
            return Ok(Explanation { verdict, address: None, findings, revision });
        };
        let own = self.told(self.fingerprint(&address), revision)?;
        let base = match catalog.plus_tags {
            PlusTags::Exact => None,
            PlusTags::WidenRestrictions => address.base(),
        };
        let of_base = match &base {
            Some(base) => self.told(self.fingerprint(base), revision)?,
            None => Told::default(),
        };
        // The base is not asked while its own last revision is older than the owner's last yes.
        let is_asked = of_base.last != Revision::ZERO && of_base.last >= own.owner_yes;
        let asked = is_asked.then_some(&of_base.profile);
        let policy = self.policy_at(&catalog, campaign.brand);
        let finding = |reason: Reason| {
            let Reason { verdict, scope, fact, whose } = reason;
            let (told, base) = match whose {
                Whose::Own => (&own, None),
                Whose::Base => (&of_base, base.clone()),
            };
            Finding { verdict, scope, event: fact.and_then(|fact| told.event(fact)), base }
        };
        let reasons = reasons(&own.profile, asked, &campaign, &policy, today);
        let verdict = reasons.first().map_or(Verdict::UnknownAddress, |reason| reason.verdict);
        let findings = reasons.into_iter().map(finding).collect();
        Ok(Explanation { verdict, address: Some(address), findings, revision })
    }

    pub(super) fn fingerprint(&self, address: &Address) -> Fingerprint {
        self.fingerprinter.fingerprint(address.as_str().as_bytes())
    }

    /// The facts of an address as they stood at a revision.
    pub(super) fn told(
        &self,
        fingerprint: Fingerprint,
        revision: Revision,
    ) -> Result<Told, EngineError> {
        let last = self.known(fingerprint).map_or(Revision::ZERO, |known| known.last);
        let mut told = Told::default();
        for event in self.walk(last) {
            let event = event?;
            let erases = event.statement.effects.contains(&Effect::Erasure(Erasure::Erased));
            if event.revision > revision && !erases {
                continue;
            }
            told.events.push(event);
            // What lies before is gone, also for an instant when it was still there.
            if erases {
                break;
            }
        }
        told.last = told.events.first().map_or(Revision::ZERO, |event| event.revision);
        for event in told.events.iter().rev() {
            let statement = &event.statement;
            statement.effects.iter().for_each(|effect| told.profile.apply(*effect));
            if statement.effects.contains(&Effect::Erasure(Erasure::Erased)) {
                told.owner_yes = Revision::ZERO;
            } else if event.tagged && statement.owner_proof.is_some() {
                told.owner_yes = event.revision;
            }
        }
        Ok(told)
    }
}

impl Told {
    /// The event that brought a fact to stand as it does.
    fn event(&self, fact: Fact) -> Option<Event> {
        let sets = |event: &&Event| event.statement.effects.iter().any(|e| sets(*e, fact));
        self.events.iter().find(sets).cloned()
    }
}

/// Whether an effect sets a fact.
fn sets(effect: Effect, fact: Fact) -> bool {
    match effect {
        Effect::Register(controller) => fact == Fact::Registered(controller),
        Effect::Yes { scope, .. } | Effect::No { scope, .. } => fact == Fact::Declaration(scope),
        Effect::Block(block) => fact == Fact::Block(block),
        Effect::Asked(brand, _) => fact == Fact::Asked(brand),
        Effect::Erasure(Erasure::Pending | Erasure::Erased) => fact == Fact::Erasure,
        Effect::Undeclare(_) | Effect::Unblock(_) | Effect::Erasure(Erasure::None) => false,
    }
}
