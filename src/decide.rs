//! The decision: may this campaign go to the owner of this profile today?
//!
//! Pure and total. The twelve rows stand in their order; the first that matches decides. Each row
//! has a rank, so that a tagged address and its base can be asked together: of two denials the one
//! of the earlier row counts, and the address comes before its base.
//!
//! Every dependence on the calendar is one question, "does today lie before that day plus so many
//! days?", put to the caller. `decide` answers it from today. The index compiles a campaign by
//! answering it both ways and keeping the tree (`index::compiled`): no rule is written twice.
#![deny(clippy::wildcard_enum_match_arm)]

pub mod reasons;

use crate::catalog::{ConsentRequests, Marketing, Policy, UnknownAddresses};
use crate::model::campaign::{Campaign, Channel, Purpose};
use crate::model::day::{Day, Today};
use crate::model::fact::{Basis, Block, Cause, Declaration, Erasure, Origin};
use crate::model::scope::Scope;
use crate::model::verdict::Verdict;
use crate::profile::Profile;

/// The row of the decision table that spoke, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Row {
    /// Not an address.
    Address,
    /// Erased, or about to be.
    Erasure,
    /// A letter that is no advertising.
    PostTransactional,
    /// Letters blocked.
    PostBlock,
    /// A no that also stops letters.
    PostDeclaration,
    /// A letter that nothing speaks against.
    Post,
    /// The mailbox does not exist.
    HardBounce,
    /// A mail that is no advertising.
    Purpose,
    /// Staff stopped the brand.
    Block,
    /// The owner's no.
    Declaration,
    /// A consent request.
    ConsentRequest,
    /// A yes.
    Yes,
    /// Neither yes nor no.
    Regime,
}

/// A verdict and the row it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ruling {
    /// The row that spoke.
    pub row: Row,
    /// What it says.
    pub verdict: Verdict,
    /// The scope of the declaration that decided, where one did.
    pub scope: Option<Scope>,
}

/// A question to the calendar: does today lie before `day` plus `horizon` days?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Horizon<D> {
    /// The day the fact is of.
    pub day: D,
    /// So many days later; may be negative.
    pub days: i32,
    /// The answer where the clock is in doubt: the one that leads to the deny.
    pub in_doubt: bool,
}

impl Horizon<Day> {
    /// The answer.
    #[must_use]
    pub fn lies_ahead(self, today: Today) -> bool {
        match today {
            Today::Known(today) => today.is_before(self.day, self.days),
            Today::InDoubt(_) => self.in_doubt,
        }
    }
}

/// Decides for one address.
///
/// `base` is the profile of what precedes the plus tag, where the policy has it asked: its
/// restrictions count, its permissions do not.
#[must_use]
pub fn decide(
    profile: &Profile,
    base: Option<&Profile>,
    campaign: &Campaign,
    policy: &Policy,
    today: Today,
) -> Ruling {
    let mut calendar = |horizon: Horizon<Day>| horizon.lies_ahead(today);
    let own = rule(profile, campaign, policy, &mut calendar);
    let base = base.and_then(|base| restriction(base, campaign, policy, &mut calendar));
    base.map_or(own, |base| own.or_denied_by(base))
}

impl Ruling {
    /// The ruling of an address and its base together. The base speaks where its row comes first.
    #[must_use]
    pub fn or_denied_by(self, base: Self) -> Self {
        if base.row < self.row { base } else { self }
    }

    fn new(row: Row, verdict: Verdict) -> Self {
        Self { row, verdict, scope: None }
    }
}

/// The ruling for one profile on its own.
pub fn rule<D: Copy>(
    profile: &Profile<D>,
    campaign: &Campaign,
    policy: &Policy,
    lies_ahead: &mut impl FnMut(Horizon<D>) -> bool,
) -> Ruling {
    let ruling = Ruling::new;
    if let Some(denied) = erasure(profile) {
        return denied;
    }
    if campaign.channel == Channel::Post {
        if campaign.purpose == Purpose::Transactional {
            return ruling(Row::PostTransactional, Verdict::AllowedPost);
        }
        return post(profile, campaign, policy, lies_ahead)
            .unwrap_or(ruling(Row::Post, Verdict::AllowedPost));
    }
    if let Some(denied) = hard_bounce(profile, campaign) {
        return denied;
    }
    match campaign.purpose {
        Purpose::Transactional => return ruling(Row::Purpose, Verdict::AllowedTransactional),
        Purpose::OneToOne => return ruling(Row::Purpose, Verdict::AllowedOneToOne),
        Purpose::Marketing | Purpose::ConsentRequest => {}
    }
    if let Some(denied) = staff_block(profile, campaign) {
        return denied;
    }
    let narrowest = narrowest_live(profile, campaign, policy, lies_ahead);
    if let Some((scope, Declaration::No { origin })) = narrowest {
        return refused_at(Row::Declaration, scope, origin);
    }
    if campaign.purpose == Purpose::ConsentRequest {
        return consent_request(profile, campaign, policy, lies_ahead);
    }
    if let Some((scope, Declaration::Yes { basis, day: _ })) = narrowest {
        let verdict = match basis {
            Basis::Consent => Verdict::AllowedConsent,
            Basis::ExistingCustomer => Verdict::AllowedExistingCustomer,
        };
        return Ruling { row: Row::Yes, verdict, scope: Some(scope) };
    }
    ruling(Row::Regime, without_declaration(profile, campaign, policy))
}

/// What a base denies: rows 2, 4, 5, 7 and 8, as far as they concern this campaign.
pub fn restriction<D: Copy>(
    profile: &Profile<D>,
    campaign: &Campaign,
    policy: &Policy,
    lies_ahead: &mut impl FnMut(Horizon<D>) -> bool,
) -> Option<Ruling> {
    let own = rule(profile, campaign, policy, lies_ahead);
    match own.row {
        Row::Erasure
        | Row::PostBlock
        | Row::PostDeclaration
        | Row::HardBounce
        | Row::Block
        | Row::Declaration => Some(own),
        Row::Address
        | Row::PostTransactional
        | Row::Post
        | Row::Purpose
        | Row::ConsentRequest
        | Row::Yes
        | Row::Regime => None,
    }
}

/// Row 2.
fn erasure<D>(profile: &Profile<D>) -> Option<Ruling> {
    match profile.erasure {
        Erasure::None => None,
        Erasure::Pending => Some(Ruling::new(Row::Erasure, Verdict::ErasurePending)),
        Erasure::Erased => Some(Ruling::new(Row::Erasure, Verdict::Erased)),
    }
}

/// Row 4, but for its last part.
fn post<D: Copy>(
    profile: &Profile<D>,
    campaign: &Campaign,
    policy: &Policy,
    lies_ahead: &mut impl FnMut(Horizon<D>) -> bool,
) -> Option<Ruling> {
    let blocked = |block: &Block| block.brand == campaign.brand && block.channel == Channel::Post;
    if profile.blocks.iter().any(blocked) {
        return Some(Ruling::new(Row::PostBlock, Verdict::Blocked));
    }
    match narrowest_live(profile, campaign, policy, lies_ahead) {
        Some((scope, Declaration::No { origin })) => {
            Some(refused_at(Row::PostDeclaration, scope, origin))
        }
        Some((_, Declaration::Yes { .. })) | None => None,
    }
}

/// Row 5.
fn hard_bounce<D>(profile: &Profile<D>, campaign: &Campaign) -> Option<Ruling> {
    blocked_by_email(profile, campaign, Cause::HardBounce)
        .then(|| Ruling::new(Row::HardBounce, Verdict::HardBounce))
}

/// Row 7.
fn staff_block<D>(profile: &Profile<D>, campaign: &Campaign) -> Option<Ruling> {
    blocked_by_email(profile, campaign, Cause::StaffDecision)
        .then(|| Ruling::new(Row::Block, Verdict::Blocked))
}

fn blocked_by_email<D>(profile: &Profile<D>, campaign: &Campaign, cause: Cause) -> bool {
    let block = Block { brand: campaign.brand, channel: Channel::Email, cause };
    profile.blocks.contains(&block)
}

/// The narrowest declaration that covers the campaign and is live. A lapsed yes is passed over:
/// what is broader answers in its place.
fn narrowest_live<D: Copy>(
    profile: &Profile<D>,
    campaign: &Campaign,
    policy: &Policy,
    lies_ahead: &mut impl FnMut(Horizon<D>) -> bool,
) -> Option<(Scope, Declaration<D>)> {
    if profile.declarations.is_empty() {
        return None;
    }
    campaign.scope().upwards().find_map(|scope| {
        let declaration = *profile.declarations.get(&scope)?;
        let live = match declaration {
            Declaration::No { .. } => true,
            Declaration::Yes { day, .. } => is_live(day, policy, lies_ahead),
        };
        live.then_some((scope, declaration))
    })
}

/// Whether a yes of this day is live today.
fn is_live<D>(day: D, policy: &Policy, lies_ahead: &mut impl FnMut(Horizon<D>) -> bool) -> bool {
    policy.consent_lifetime_days.is_none_or(|lifetime| {
        lies_ahead(Horizon { day, days: i32::from(lifetime.get()), in_doubt: false })
    })
}

/// Rows 4 and 8: what a no amounts to.
fn refused_at(row: Row, scope: Scope, origin: Origin) -> Ruling {
    let verdict = match origin {
        Origin::OptOut => match scope {
            Scope::Everything => Verdict::OptedOutEverything,
            Scope::Controller(_) => Verdict::OptedOutController,
            Scope::Brand(_) => Verdict::OptedOutBrand,
            Scope::Topic(_) => Verdict::OptedOutTopic,
        },
        Origin::Refusal => Verdict::Refused,
        Origin::Complaint => Verdict::Complaint,
        Origin::OwnerRequest => Verdict::Blocked,
    };
    Ruling { row, verdict, scope: Some(scope) }
}

/// Row 9.
fn consent_request<D: Copy>(
    profile: &Profile<D>,
    campaign: &Campaign,
    policy: &Policy,
    lies_ahead: &mut impl FnMut(Horizon<D>) -> bool,
) -> Ruling {
    let verdict = if policy.consent_request == ConsentRequests::Forbidden {
        Verdict::RequestForbidden
    } else if has_lasting_yes(profile, campaign, policy, lies_ahead) {
        Verdict::AlreadyGranted
    } else if !profile.registered.contains(&campaign.brand.controller()) {
        Verdict::UnknownAddress
    } else if recently_asked(profile, campaign, policy, lies_ahead) {
        Verdict::RecentlyAsked
    } else {
        Verdict::AllowedConsentRequest
    };
    Ruling::new(Row::ConsentRequest, verdict)
}

/// Whether a yes covers the campaign and stays live beyond the renewal window.
fn has_lasting_yes<D: Copy>(
    profile: &Profile<D>,
    campaign: &Campaign,
    policy: &Policy,
    lies_ahead: &mut impl FnMut(Horizon<D>) -> bool,
) -> bool {
    campaign.scope().upwards().any(|scope| match profile.declarations.get(&scope) {
        Some(Declaration::Yes { basis: _, day }) => {
            policy.consent_lifetime_days.is_none_or(|lifetime| {
                let window = i32::from(policy.consent_renewal_window_days);
                let days = i32::from(lifetime.get()).saturating_sub(window);
                lies_ahead(Horizon { day: *day, days, in_doubt: true })
            })
        }
        Some(Declaration::No { .. }) | None => false,
    })
}

fn recently_asked<D: Copy>(
    profile: &Profile<D>,
    campaign: &Campaign,
    policy: &Policy,
    lies_ahead: &mut impl FnMut(Horizon<D>) -> bool,
) -> bool {
    profile.asked.get(&campaign.brand).is_some_and(|day| {
        let days = i32::from(policy.consent_request_cooldown_days);
        lies_ahead(Horizon { day: *day, days, in_doubt: true })
    })
}

/// Rows 11 and 12: no declaration is live.
fn without_declaration<D>(profile: &Profile<D>, campaign: &Campaign, policy: &Policy) -> Verdict {
    let registered = profile.registered.contains(&campaign.brand.controller());
    match policy.marketing {
        Marketing::OptIn => {
            let lapsed = campaign.scope().upwards().any(|scope| {
                matches!(profile.declarations.get(&scope), Some(Declaration::Yes { .. }))
            });
            if lapsed {
                Verdict::Expired
            } else if profile.asked.contains_key(&campaign.brand) {
                Verdict::Pending
            } else if registered {
                Verdict::NotRequested
            } else {
                Verdict::UnknownAddress
            }
        }
        Marketing::OptOut => match (registered, policy.unknown_address) {
            (true, _) | (false, UnknownAddresses::Allow) => Verdict::AllowedNoObjection,
            (false, UnknownAddresses::Deny) => Verdict::UnknownAddress,
        },
    }
}
