//! Why `decide` says what it says: the fact behind the ruling, and what else would deny.
//!
//! No rule is written twice: the fact behind a ruling is looked up by the row that spoke, taken out,
//! and the table is asked again. That goes on until it allows, or until what denies is that nothing
//! was recorded. Each round takes one fact out of a finite number of them, so it ends.
#![deny(clippy::wildcard_enum_match_arm)]

use super::{Horizon, Row, Ruling, restriction, rule};
use crate::catalog::Policy;
use crate::model::campaign::{Campaign, Channel};
use crate::model::day::{Day, Today};
use crate::model::fact::{Block, Cause, Declaration, Erasure};
use crate::model::scope::{BrandId, ControllerId, Scope};
use crate::model::verdict::Verdict;
use crate::profile::Profile;

/// A standing fact of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fact {
    /// How far an erasure has come.
    Erasure,
    /// What was said at a scope.
    Declaration(Scope),
    /// A block.
    Block(Block),
    /// The brand asked for consent.
    Asked(BrandId),
    /// The controller has the address on file.
    Registered(ControllerId),
}

/// Whose facts spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Whose {
    /// Those of the address itself.
    Own,
    /// Those of what precedes its plus tag.
    Base,
}

/// One thing that speaks for or against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reason {
    /// What it answers on its own.
    pub verdict: Verdict,
    /// Where it applies; none where it has no scope, as an erasure or a purpose.
    pub scope: Option<Scope>,
    /// The fact; none where the reason is that nothing was recorded, or the campaign's purpose.
    pub fact: Option<Fact>,
    /// Whose fact it is.
    pub whose: Whose,
}

/// The reason that decided, then whatever else would deny if those before it were gone. Never
/// empty; the first one's verdict is that of `decide`.
#[must_use]
pub fn reasons(
    profile: &Profile,
    base: Option<&Profile>,
    campaign: &Campaign,
    policy: &Policy,
    today: Today,
) -> Vec<Reason> {
    let mut calendar = |horizon: Horizon<Day>| horizon.lies_ahead(today);
    let (mut own, mut base) = (profile.clone(), base.cloned());
    let mut reasons: Vec<Reason> = Vec::new();
    loop {
        let by_own = rule(&own, campaign, policy, &mut calendar);
        let by_base = base.as_ref().and_then(|b| restriction(b, campaign, policy, &mut calendar));
        let by_base = by_base.filter(|by_base| by_own.or_denied_by(*by_base) != by_own);
        let (whose, ruling) = by_base.map_or((Whose::Own, by_own), |ruling| (Whose::Base, ruling));
        if ruling.verdict.allows() && !reasons.is_empty() {
            return reasons;
        }
        let facts = match (whose, &mut base) {
            (Whose::Base, Some(base)) => base,
            (Whose::Own | Whose::Base, _) => &mut own,
        };
        let alone = |only: &Profile| rule(only, campaign, policy, &mut calendar).verdict;
        let fact = behind(ruling, facts, campaign, alone);
        let scope = scope(ruling, fact, campaign);
        reasons.push(Reason { verdict: ruling.verdict, scope, fact, whose });
        // What was erased is no fact any more, and nothing was recorded under it.
        let is_last = ruling.verdict.allows() || ruling.verdict == Verdict::Erased;
        let Some(fact) = fact.filter(|_| !is_last) else { return reasons };
        take_out(facts, fact);
    }
}

/// The fact by which the row spoke.
fn behind(
    ruling: Ruling,
    facts: &Profile,
    campaign: &Campaign,
    mut alone: impl FnMut(&Profile) -> Verdict,
) -> Option<Fact> {
    let brand = campaign.brand;
    let block = |channel, cause| Some(Fact::Block(Block { brand, channel, cause }));
    match ruling.row {
        Row::Address | Row::PostTransactional | Row::Post | Row::Purpose => None,
        Row::Erasure => Some(Fact::Erasure),
        Row::PostBlock => {
            let stops = |b: &&Block| b.brand == brand && b.channel == Channel::Post;
            facts.blocks.iter().find(stops).copied().map(Fact::Block)
        }
        Row::HardBounce => block(Channel::Email, Cause::HardBounce),
        Row::Block => block(Channel::Email, Cause::StaffDecision),
        Row::PostDeclaration | Row::Declaration | Row::Yes => ruling.scope.map(Fact::Declaration),
        Row::ConsentRequest | Row::Regime => match ruling.verdict {
            Verdict::Pending | Verdict::RecentlyAsked => Some(Fact::Asked(brand)),
            Verdict::AllowedConsentRequest | Verdict::AllowedNoObjection => {
                let controller = brand.controller();
                let registered = facts.registered.contains(&controller);
                registered.then_some(Fact::Registered(controller))
            }
            // A yes that has lapsed, or has not: the narrowest that has this verdict on its own.
            Verdict::Expired | Verdict::AlreadyGranted => {
                let yeses = campaign.scope().upwards().filter_map(|scope| {
                    let said = facts.declarations.get(&scope)?;
                    matches!(said, Declaration::Yes { .. }).then_some((scope, *said))
                });
                let mut yeses = yeses.filter(|yes| {
                    let declarations = [*yes].into();
                    alone(&Profile { declarations, ..Profile::default() }) == ruling.verdict
                });
                yeses.next().map(|(scope, _)| Fact::Declaration(scope))
            }
            Verdict::InvalidAddress
            | Verdict::UnknownAddress
            | Verdict::NotRequested
            | Verdict::Refused
            | Verdict::OptedOutEverything
            | Verdict::OptedOutController
            | Verdict::OptedOutBrand
            | Verdict::OptedOutTopic
            | Verdict::Blocked
            | Verdict::HardBounce
            | Verdict::Complaint
            | Verdict::ErasurePending
            | Verdict::Erased
            | Verdict::RequestForbidden
            | Verdict::AllowedConsent
            | Verdict::AllowedExistingCustomer
            | Verdict::AllowedTransactional
            | Verdict::AllowedOneToOne
            | Verdict::AllowedPost => None,
        },
    }
}

/// Where the fact applies, or where nothing was recorded.
fn scope(ruling: Ruling, fact: Option<Fact>, campaign: &Campaign) -> Option<Scope> {
    match fact {
        Some(Fact::Erasure) => None,
        Some(Fact::Declaration(scope)) => Some(scope),
        Some(Fact::Block(block)) => Some(Scope::Brand(block.brand)),
        Some(Fact::Asked(brand)) => Some(Scope::Brand(brand)),
        Some(Fact::Registered(controller)) => Some(Scope::Controller(controller)),
        None if ruling.verdict == Verdict::UnknownAddress => {
            Some(Scope::Controller(campaign.brand.controller()))
        }
        None if ruling.verdict == Verdict::NotRequested => Some(campaign.scope()),
        None if ruling.verdict == Verdict::RequestForbidden => Some(Scope::Brand(campaign.brand)),
        None => None,
    }
}

fn take_out(facts: &mut Profile, fact: Fact) {
    match fact {
        Fact::Erasure => facts.erasure = Erasure::None,
        Fact::Declaration(scope) => drop(facts.declarations.remove(&scope)),
        Fact::Block(block) => drop(facts.blocks.remove(&block)),
        Fact::Asked(brand) => drop(facts.asked.remove(&brand)),
        Fact::Registered(controller) => drop(facts.registered.remove(&controller)),
    }
}
