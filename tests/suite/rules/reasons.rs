//! Why the table says what it says: the fact behind each row, then what else would deny.

use maysend::catalog::{ConsentRequests, Marketing, Policy, UnknownAddresses};
use maysend::decide::decide;
use maysend::decide::reasons::{Fact, Reason, Whose, reasons};
use maysend::model::campaign::{Campaign, Channel, Purpose};
use maysend::model::day::Today;
use maysend::model::fact::{Basis, Block, Cause, Declaration, Erasure, Origin};
use maysend::model::scope::Scope;
use maysend::model::verdict::Verdict;
use maysend::profile::Profile;
use proptest::prelude::*;
use proptest::sample::select;

use super::arbitrary;
use crate::world::{
    ad, ask, at_brand, at_controller, at_topic, brand, campaign, campaigns, controller, day,
    lasting, open_policy,
};

const TODAY: Today = Today::Known(maysend::model::day::Day::new(crate::world::FIRST_DAY + 40));

fn registered() -> Profile {
    Profile { registered: [controller(0)].into(), ..Profile::default() }
}

fn with_yes(mut facts: Profile, scope: Scope, on: u16) -> Profile {
    let yes = Declaration::Yes { basis: Basis::Consent, day: day(on) };
    facts.declarations.insert(scope, yes);
    facts
}

fn with_no(mut facts: Profile, scope: Scope, origin: Origin) -> Profile {
    facts.declarations.insert(scope, Declaration::No { origin });
    facts
}

const fn block(channel: Channel, cause: Cause) -> Block {
    Block { brand: brand(0), channel, cause }
}

fn with_block(mut facts: Profile, channel: Channel, cause: Cause) -> Profile {
    facts.blocks.insert(block(channel, cause));
    facts
}

fn asked(mut facts: Profile, on: u16) -> Profile {
    facts.asked.insert(brand(0), day(on));
    facts
}

/// What is found, as verdict and fact.
#[track_caller]
fn check(
    facts: &Profile,
    campaign: &Campaign,
    policy: &Policy,
    expect: &[(Verdict, Option<Fact>)],
) {
    let found = reasons(facts, None, campaign, policy, TODAY);
    let found: Vec<_> = found.into_iter().map(|reason| (reason.verdict, reason.fact)).collect();
    assert_eq!(found, expect);
}

const UNKNOWN: (Verdict, Option<Fact>) = (Verdict::UnknownAddress, None);
const NOT_REQUESTED: (Verdict, Option<Fact>) = (Verdict::NotRequested, None);

fn said(verdict: Verdict, scope: Scope) -> (Verdict, Option<Fact>) {
    (verdict, Some(Fact::Declaration(scope)))
}

#[test]
fn each_row_has_its_fact() {
    let opt_in = lasting(0);
    let two_months = lasting(60);
    let open = open_policy();
    let letter = |purpose| campaign(at_topic(0), purpose, Channel::Post);
    let everything = Scope::Everything;
    // Row 2.
    let erased = Profile { erasure: Erasure::Erased, ..Profile::default() };
    let pending = Profile { erasure: Erasure::Pending, ..registered() };
    check(&erased, &ad(0), &opt_in, &[(Verdict::Erased, Some(Fact::Erasure))]);
    check(
        &pending,
        &ad(0),
        &opt_in,
        &[(Verdict::ErasurePending, Some(Fact::Erasure)), NOT_REQUESTED],
    );
    // Row 3.
    let transactional = letter(Purpose::Transactional);
    check(&registered(), &transactional, &opt_in, &[(Verdict::AllowedPost, None)]);
    // Row 4.
    let stopped = with_block(registered(), Channel::Post, Cause::Complaint);
    let stopped = with_no(stopped, everything, Origin::OptOut);
    check(
        &stopped,
        &letter(Purpose::Marketing),
        &opt_in,
        &[
            (Verdict::Blocked, Some(Fact::Block(block(Channel::Post, Cause::Complaint)))),
            said(Verdict::OptedOutEverything, everything),
        ],
    );
    check(&registered(), &letter(Purpose::Marketing), &opt_in, &[(Verdict::AllowedPost, None)]);
    // Row 5, and row 6 behind it.
    let bounced = with_block(registered(), Channel::Email, Cause::HardBounce);
    let hard = (Verdict::HardBounce, Some(Fact::Block(block(Channel::Email, Cause::HardBounce))));
    let order = campaign(at_brand(0), Purpose::Transactional, Channel::Email);
    check(&bounced, &order, &opt_in, &[hard]);
    check(&bounced, &ad(0), &opt_in, &[hard, NOT_REQUESTED]);
    check(&registered(), &order, &opt_in, &[(Verdict::AllowedTransactional, None)]);
    // Row 7.
    let staff = with_block(registered(), Channel::Email, Cause::StaffDecision);
    check(
        &staff,
        &ad(0),
        &open,
        &[(Verdict::Blocked, Some(Fact::Block(block(Channel::Email, Cause::StaffDecision))))],
    );
    // Row 8: every no that covers the topic, narrowest first.
    let mut noes = registered();
    for (scope, origin) in [
        (at_topic(0), Origin::OptOut),
        (at_brand(0), Origin::Complaint),
        (at_controller(0), Origin::Refusal),
        (everything, Origin::OwnerRequest),
        (at_topic(1), Origin::OptOut),
    ] {
        noes = with_no(noes, scope, origin);
    }
    check(
        &noes,
        &ad(0),
        &open,
        &[
            said(Verdict::OptedOutTopic, at_topic(0)),
            said(Verdict::Complaint, at_brand(0)),
            said(Verdict::Refused, at_controller(0)),
            said(Verdict::Blocked, everything),
        ],
    );
    // Row 9.
    let forbidden = Policy { consent_request: ConsentRequests::Forbidden, ..opt_in.clone() };
    check(&registered(), &ask(0), &forbidden, &[(Verdict::RequestForbidden, None)]);
    let granted = asked(with_yes(registered(), at_brand(0), 39), 39);
    check(
        &granted,
        &ask(0),
        &two_months,
        &[
            said(Verdict::AlreadyGranted, at_brand(0)),
            (Verdict::RecentlyAsked, Some(Fact::Asked(brand(0)))),
        ],
    );
    check(&Profile::default(), &ask(0), &opt_in, &[UNKNOWN]);
    let on_file = Some(Fact::Registered(controller(0)));
    let may_ask = [(Verdict::AllowedConsentRequest, on_file)];
    check(&registered(), &ask(0), &opt_in, &may_ask);
    // Row 10.
    let in_again = with_yes(with_no(registered(), everything, Origin::OptOut), at_topic(0), 0);
    check(&in_again, &ad(0), &opt_in, &[said(Verdict::AllowedConsent, at_topic(0))]);
    // Row 11: a yes of two levels, both lapsed, and a request without an answer.
    let lapsed = asked(with_yes(with_yes(registered(), at_topic(0), 0), at_brand(0), 1), 2);
    check(
        &lapsed,
        &ad(0),
        &lasting(10),
        &[
            said(Verdict::Expired, at_topic(0)),
            said(Verdict::Expired, at_brand(0)),
            (Verdict::Pending, Some(Fact::Asked(brand(0)))),
            NOT_REQUESTED,
        ],
    );
    check(&Profile::default(), &ad(0), &opt_in, &[UNKNOWN]);
    // Row 12.
    let opt_out = Policy { marketing: Marketing::OptOut, ..opt_in.clone() };
    check(&registered(), &ad(0), &opt_out, &[(Verdict::AllowedNoObjection, on_file)]);
    check(&Profile::default(), &ad(0), &opt_out, &[UNKNOWN]);
    let anybody = Policy { unknown_address: UnknownAddresses::Allow, ..opt_out };
    check(&Profile::default(), &ad(0), &anybody, &[(Verdict::AllowedNoObjection, None)]);
}

#[test]
fn where_nothing_was_recorded_the_scope_says_where() {
    let opt_in = lasting(0);
    let scope = |facts: &Profile, campaign: &Campaign, policy: &Policy| {
        reasons(facts, None, campaign, policy, TODAY)[0].scope
    };
    let nobody = Profile::default();
    assert_eq!(scope(&nobody, &ad(0), &opt_in), Some(at_controller(0)));
    assert_eq!(scope(&registered(), &ad(0), &opt_in), Some(at_topic(0)));
    let forbidden = Policy { consent_request: ConsentRequests::Forbidden, ..opt_in.clone() };
    assert_eq!(scope(&registered(), &ask(0), &forbidden), Some(at_brand(0)));
    let pending = Profile { erasure: Erasure::Pending, ..nobody };
    assert_eq!(scope(&pending, &ad(0), &opt_in), None);
}

#[test]
fn a_no_of_the_base_is_told_as_the_bases() {
    let own = with_no(with_yes(registered(), at_topic(0), 0), at_brand(0), Origin::OptOut);
    let base = with_no(Profile::default(), Scope::Everything, Origin::Complaint);
    let base = with_block(base, Channel::Email, Cause::StaffDecision);
    let found = reasons(&own, Some(&base), &ad(0), &open_policy(), TODAY);
    let found: Vec<_> = found.into_iter().map(|of| (of.verdict, of.whose)).collect();
    assert_eq!(found, [(Verdict::Blocked, Whose::Base), (Verdict::Complaint, Whose::Base)]);
}

/// Whether this profile alone answers as the reason says: a fact of the base denies through its
/// base; a request counts where the address is on file.
fn alone(reason: Reason, own: &Profile, base: Option<&Profile>) -> Option<Profile> {
    let of = match reason.whose {
        Whose::Own => own,
        Whose::Base => base?,
    };
    let mut only = Profile::default();
    match reason.fact? {
        Fact::Erasure => only.erasure = of.erasure,
        Fact::Declaration(scope) => {
            only.declarations.insert(scope, *of.declarations.get(&scope)?);
        }
        Fact::Block(block) => drop(only.blocks.insert(block)),
        Fact::Asked(brand) => drop(only.asked.insert(brand, *of.asked.get(&brand)?)),
        Fact::Registered(controller) => drop(only.registered.insert(controller)),
    }
    if matches!(reason.fact, Some(Fact::Asked(_))) {
        only.registered.clone_from(&of.registered);
    }
    Some(only)
}

fn without(facts: &mut Profile, fact: Fact) {
    match fact {
        Fact::Erasure => facts.erasure = Erasure::None,
        Fact::Declaration(scope) => drop(facts.declarations.remove(&scope)),
        Fact::Block(block) => drop(facts.blocks.remove(&block)),
        Fact::Asked(brand) => drop(facts.asked.remove(&brand)),
        Fact::Registered(controller) => drop(facts.registered.remove(&controller)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever the facts: the first reason is the answer, each holds on its own, and with all of
    /// them gone nothing denies that could be taken out.
    #[test]
    fn reasons_give_the_answer_and_all_that_would_deny(
        own in arbitrary::profile(),
        base in proptest::option::of(arbitrary::profile()),
        campaign in select(campaigns()),
        policy in arbitrary::policy(),
        offset in 0_u16..130,
        in_doubt: bool,
    ) {
        let today = if in_doubt { Today::InDoubt(day(offset)) } else { Today::Known(day(offset)) };
        let found = reasons(&own, base.as_ref(), &campaign, &policy, today);
        let answer = decide(&own, base.as_ref(), &campaign, &policy, today);
        prop_assert_eq!(found[0].verdict, answer.verdict);
        prop_assert!(found[1..].iter().all(|reason| !reason.verdict.allows()));
        prop_assert_eq!(found[0].verdict.allows() && found.len() > 1, false);
        let (mut own_left, mut base_left) = (own.clone(), base.clone());
        for reason in &found {
            if let Some(only) = alone(*reason, &own, base.as_ref()) {
                let verdict = decide(&only, None, &campaign, &policy, today).verdict;
                prop_assert_eq!(verdict, reason.verdict, "{:?}", reason);
            }
            if let Some(fact) = reason.fact {
                match reason.whose {
                    Whose::Own => without(&mut own_left, fact),
                    Whose::Base => without(base_left.as_mut().unwrap(), fact),
                }
            }
        }
        let last = found[found.len() - 1];
        let left = decide(&own_left, base_left.as_ref(), &campaign, &policy, today).verdict;
        prop_assert!(last.fact.is_none() || last.verdict.allows() || left.allows()
            || last.verdict == Verdict::Erased);
    }
}
