//! The decision table, row by row.

use maysend::catalog::{ConsentRequests, Marketing, Policy, UnknownAddresses};
use maysend::model::campaign::{Campaign, Channel, Purpose};
use maysend::model::day::{Day, Today};
use maysend::model::fact::{Basis, Block, Cause, Declaration, Erasure, Origin};
use maysend::model::scope::Scope;
use maysend::model::verdict::Verdict;
use maysend::profile::Profile;

use super::{CAUSES, index, lifetime, live};

/// May this campaign go to the address of these facts? The table of the design, row by row; `base`
/// holds the facts of what precedes the plus tag, where it is to be asked.
pub(crate) fn verdict(
    own: &Profile,
    base: Option<&Profile>,
    campaign: &Campaign,
    policy: &Policy,
    today: Today,
) -> Verdict {
    let mut both = vec![own];
    both.extend(base);
    let brand = campaign.brand;
    let blocked =
        |facts: &Profile, channel, cause| facts.blocks.contains(&Block { brand, channel, cause });
    let registered = own.registered.contains(&brand.controller());

    // Row 2.
    for facts in &both {
        match facts.erasure {
            Erasure::Erased => return Verdict::Erased,
            Erasure::Pending => return Verdict::ErasurePending,
            Erasure::None => {}
        }
    }
    // Rows 3 and 4.
    if campaign.channel == Channel::Post {
        if campaign.purpose == Purpose::Transactional {
            return Verdict::AllowedPost;
        }
        // Row 4 is two questions; like rows 7 and 8 each is put to both in turn.
        for facts in &both {
            if CAUSES.into_iter().any(|cause| blocked(facts, Channel::Post, cause)) {
                return Verdict::Blocked;
            }
        }
        for facts in &both {
            if let Some(no) = refusal(facts, campaign, policy, today) {
                return no;
            }
        }
        return Verdict::AllowedPost;
    }
    // Row 5.
    for facts in &both {
        if blocked(facts, Channel::Email, Cause::HardBounce) {
            return Verdict::HardBounce;
        }
    }
    // Row 6.
    match campaign.purpose {
        Purpose::Transactional => return Verdict::AllowedTransactional,
        Purpose::OneToOne => return Verdict::AllowedOneToOne,
        Purpose::Marketing | Purpose::ConsentRequest => {}
    }
    // Row 7.
    for facts in &both {
        if blocked(facts, Channel::Email, Cause::StaffDecision) {
            return Verdict::Blocked;
        }
    }
    // Row 8.
    for facts in &both {
        if let Some(no) = refusal(facts, campaign, policy, today) {
            return no;
        }
    }
    // Row 9.
    if campaign.purpose == Purpose::ConsentRequest {
        if policy.consent_request == ConsentRequests::Forbidden {
            return Verdict::RequestForbidden;
        }
        for (_, declaration) in covering(own, campaign) {
            if let Declaration::Yes { day, .. } = declaration
                && lasts(day, policy, today)
            {
                return Verdict::AlreadyGranted;
            }
        }
        if !registered {
            return Verdict::UnknownAddress;
        }
        if let Some(asked) = own.asked.get(&brand) {
            let again = index(*asked) + i64::from(policy.consent_request_cooldown_days);
            match today {
                Today::Known(today) if index(today) >= again => {}
                Today::Known(_) | Today::InDoubt(_) => return Verdict::RecentlyAsked,
            }
        }
        return Verdict::AllowedConsentRequest;
    }
    // Row 10.
    match narrowest(own, campaign, policy, today) {
        Some((_, Declaration::Yes { basis: Basis::ExistingCustomer, .. })) => {
            return Verdict::AllowedExistingCustomer;
        }
        Some((_, Declaration::Yes { basis: Basis::Consent, .. })) => {
            return Verdict::AllowedConsent;
        }
        Some((_, Declaration::No { .. })) => unreachable!("row 8"),
        None => {}
    }
    // Rows 11 and 12.
    match policy.marketing {
        Marketing::OptIn => {
            let lapsed = covering(own, campaign)
                .into_iter()
                .any(|(_, declaration)| matches!(declaration, Declaration::Yes { .. }));
            if lapsed {
                Verdict::Expired
            } else if own.asked.contains_key(&brand) {
                Verdict::Pending
            } else if registered {
                Verdict::NotRequested
            } else {
                Verdict::UnknownAddress
            }
        }
        Marketing::OptOut => {
            if registered || policy.unknown_address == UnknownAddresses::Allow {
                Verdict::AllowedNoObjection
            } else {
                Verdict::UnknownAddress
            }
        }
    }
}

/// The declarations that cover the campaign, narrowest first, the lapsed too.
fn covering(facts: &Profile, campaign: &Campaign) -> Vec<(Scope, Declaration<Day>)> {
    let mut scopes = Vec::new();
    if let Some(topic) = campaign.topic {
        scopes.push(Scope::Topic(topic));
    }
    scopes.push(Scope::Brand(campaign.brand));
    scopes.push(Scope::Controller(campaign.brand.controller()));
    scopes.push(Scope::Everything);
    let standing = |scope| facts.declarations.get(&scope).map(|declaration| (scope, *declaration));
    scopes.into_iter().filter_map(standing).collect()
}

/// The narrowest live declaration that covers the campaign.
fn narrowest(
    facts: &Profile,
    campaign: &Campaign,
    policy: &Policy,
    today: Today,
) -> Option<(Scope, Declaration<Day>)> {
    covering(facts, campaign).into_iter().find(|(_, declaration)| match declaration {
        Declaration::Yes { day, .. } => live(*day, lifetime(policy), today),
        Declaration::No { .. } => true,
    })
}

/// Row 8.
fn refusal(facts: &Profile, campaign: &Campaign, policy: &Policy, today: Today) -> Option<Verdict> {
    let (scope, declaration) = narrowest(facts, campaign, policy, today)?;
    let Declaration::No { origin } = declaration else { return None };
    Some(match (origin, scope) {
        (Origin::OptOut, Scope::Everything) => Verdict::OptedOutEverything,
        (Origin::OptOut, Scope::Controller(_)) => Verdict::OptedOutController,
        (Origin::OptOut, Scope::Brand(_)) => Verdict::OptedOutBrand,
        (Origin::OptOut, Scope::Topic(_)) => Verdict::OptedOutTopic,
        (Origin::Refusal, _) => Verdict::Refused,
        (Origin::Complaint, _) => Verdict::Complaint,
        (Origin::OwnerRequest, _) => Verdict::Blocked,
    })
}

/// Whether a yes of this day neither has lapsed nor lapses within the renewal window. In doubt it
/// may be fresh, so there is nothing to ask for.
fn lasts(day: Day, policy: &Policy, today: Today) -> bool {
    match (lifetime(policy), today) {
        (None, _) | (Some(_), Today::InDoubt(_)) => true,
        (Some(days), Today::Known(today)) => {
            let lapse = index(day) + i64::from(days);
            index(today) + i64::from(policy.consent_renewal_window_days) < lapse
        }
    }
}
