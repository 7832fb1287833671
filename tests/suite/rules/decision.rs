//! The decision table: each row by itself, then any facts at all against the naive model.

use maysend::catalog::{ConsentRequests, Marketing, PlusTags, Policy, UnknownAddresses};
use maysend::decide::decide;
use maysend::model::campaign::{Campaign, Channel, Purpose};
use maysend::model::day::{Day, Today};
use maysend::model::fact::{Basis, Block, Cause, Declaration, Erasure, Origin};
use maysend::model::scope::Scope;
use maysend::model::verdict::Verdict;
use maysend::profile::Profile;
use proptest::prelude::*;

use super::arbitrary;
use crate::naive;
use crate::world::{
    ad, ask, at_brand, at_controller, at_topic, brand, campaign, campaigns, catalog, controller,
    day, lasting, open_policy, topic,
};

/// Facts, one after the other, as a test writes them.
#[derive(Debug, Clone, Default)]
struct Facts(Profile);

impl Facts {
    fn registered(mut self) -> Self {
        self.0.registered.insert(controller(0));
        self
    }

    fn yes(mut self, scope: Scope, basis: Basis, day: Day) -> Self {
        self.0.declarations.insert(scope, Declaration::Yes { basis, day });
        self
    }

    fn consent(self, scope: Scope) -> Self {
        self.yes(scope, Basis::Consent, day(0))
    }

    fn no(mut self, scope: Scope, origin: Origin) -> Self {
        self.0.declarations.insert(scope, Declaration::No { origin });
        self
    }

    fn block(mut self, channel: Channel, cause: Cause) -> Self {
        self.0.blocks.insert(Block { brand: brand(0), channel, cause });
        self
    }

    fn asked(mut self, on: Day) -> Self {
        self.0.asked.insert(brand(0), on);
        self
    }

    fn erasure(mut self, erasure: Erasure) -> Self {
        self.0.erasure = erasure;
        self
    }
}

fn facts() -> Facts {
    Facts::default()
}

/// What both sides say, with or without a base.
#[track_caller]
fn ruling(
    own: &Facts,
    base: Option<&Facts>,
    campaign: &Campaign,
    policy: &Policy,
    today: Today,
) -> Verdict {
    let base = base.map(|facts| &facts.0);
    let real = decide(&own.0, base, campaign, policy, today).verdict;
    assert_eq!(real, naive::verdict(&own.0, base, campaign, policy, today), "the model");
    real
}

#[track_caller]
fn check(own: Facts, campaign: &Campaign, policy: &Policy, expect: Verdict) {
    assert_eq!(ruling(&own, None, campaign, policy, Today::Known(day(0))), expect);
}

const PURPOSES: [Purpose; 4] =
    [Purpose::Marketing, Purpose::Transactional, Purpose::OneToOne, Purpose::ConsentRequest];

#[test]
fn erasure_denies_every_purpose_and_channel() {
    for channel in [Channel::Email, Channel::Post] {
        for purpose in PURPOSES {
            let campaign = campaign(at_topic(0), purpose, channel);
            let pending = facts().registered().consent(at_topic(0)).erasure(Erasure::Pending);
            check(pending, &campaign, &open_policy(), Verdict::ErasurePending);
            let erased = facts().erasure(Erasure::Erased);
            check(erased, &campaign, &open_policy(), Verdict::Erased);
        }
    }
}

#[test]
fn letters_stop_at_a_post_block_or_a_no() {
    let policy = Policy::default();
    let letter = |purpose| campaign(at_topic(0), purpose, Channel::Post);
    let advertising = letter(Purpose::Marketing);
    check(facts(), &advertising, &policy, Verdict::AllowedPost);
    let order = letter(Purpose::Transactional);
    let stopped = facts()
        .no(Scope::Everything, Origin::Complaint)
        .block(Channel::Post, Cause::OwnerRequest)
        .block(Channel::Email, Cause::HardBounce);
    check(stopped, &order, &policy, Verdict::AllowedPost);
    for cause in [Cause::OwnerRequest, Cause::StaffDecision, Cause::HardBounce, Cause::Complaint] {
        let own = facts().consent(at_topic(0)).block(Channel::Post, cause);
        for purpose in [Purpose::Marketing, Purpose::OneToOne, Purpose::ConsentRequest] {
            check(own.clone(), &letter(purpose), &policy, Verdict::Blocked);
        }
    }
    let by_mail = facts()
        .block(Channel::Email, Cause::StaffDecision)
        .block(Channel::Email, Cause::HardBounce);
    check(by_mail, &advertising, &policy, Verdict::AllowedPost);
    let out = facts().no(at_controller(0), Origin::OptOut);
    check(out, &advertising, &policy, Verdict::OptedOutController);
    let back = facts().no(at_controller(0), Origin::OptOut).consent(at_topic(0));
    check(back, &advertising, &policy, Verdict::AllowedPost);
}

#[test]
fn a_dead_mailbox_stops_even_an_order() {
    for purpose in PURPOSES {
        let own = facts().consent(at_topic(0)).block(Channel::Email, Cause::HardBounce);
        let campaign = campaign(at_topic(0), purpose, Channel::Email);
        check(own, &campaign, &open_policy(), Verdict::HardBounce);
    }
}

#[test]
fn an_order_passes_a_no_and_a_staff_block() {
    let own = || {
        facts().no(Scope::Everything, Origin::Complaint).block(Channel::Email, Cause::StaffDecision)
    };
    let order = campaign(at_brand(0), Purpose::Transactional, Channel::Email);
    check(own(), &order, &Policy::default(), Verdict::AllowedTransactional);
    let letter = campaign(at_brand(0), Purpose::OneToOne, Channel::Email);
    check(own(), &letter, &Policy::default(), Verdict::AllowedOneToOne);
}

#[test]
fn a_staff_block_comes_before_the_owners_no() {
    let own =
        facts().no(at_topic(0), Origin::Complaint).block(Channel::Email, Cause::StaffDecision);
    check(own, &ad(0), &open_policy(), Verdict::Blocked);
    let elsewhere = facts().block(Channel::Email, Cause::StaffDecision);
    check(elsewhere, &ad(2), &open_policy(), Verdict::AllowedNoObjection);
}

#[test]
fn a_no_speaks_by_origin_and_scope() {
    let by_scope = [
        (Scope::Everything, Verdict::OptedOutEverything),
        (at_controller(0), Verdict::OptedOutController),
        (at_brand(0), Verdict::OptedOutBrand),
        (at_topic(0), Verdict::OptedOutTopic),
    ];
    for (scope, opted_out) in by_scope {
        let no = |origin| facts().registered().no(scope, origin);
        for campaign in [ad(0), ask(0)] {
            check(no(Origin::OptOut), &campaign, &open_policy(), opted_out);
            check(no(Origin::Refusal), &campaign, &open_policy(), Verdict::Refused);
            check(no(Origin::Complaint), &campaign, &open_policy(), Verdict::Complaint);
            check(no(Origin::OwnerRequest), &campaign, &open_policy(), Verdict::Blocked);
        }
    }
    for elsewhere in [at_controller(1), at_brand(1), at_topic(1)] {
        let own = facts().no(elsewhere, Origin::Complaint);
        check(own, &ad(0), &open_policy(), Verdict::AllowedNoObjection);
    }
}

#[test]
fn the_narrowest_declaration_decides() {
    let out_but_in = facts().no(Scope::Everything, Origin::OptOut).consent(at_topic(0));
    check(out_but_in.clone(), &ad(0), &Policy::default(), Verdict::AllowedConsent);
    check(out_but_in, &ad(1), &Policy::default(), Verdict::OptedOutEverything);
    let in_but_out = facts().consent(at_brand(0)).no(at_topic(1), Origin::OptOut);
    check(in_but_out.clone(), &ad(0), &Policy::default(), Verdict::AllowedConsent);
    check(in_but_out, &ad(1), &Policy::default(), Verdict::OptedOutTopic);
}

#[test]
fn a_consent_request_needs_permission_an_occasion_and_a_pause() {
    let policy = lasting(365);
    let known = || facts().registered();
    check(known(), &ask(0), &policy, Verdict::AllowedConsentRequest);
    check(facts(), &ask(0), &policy, Verdict::UnknownAddress);
    let forbidden = Policy { consent_request: ConsentRequests::Forbidden, ..policy.clone() };
    check(known().consent(at_topic(0)), &ask(0), &forbidden, Verdict::RequestForbidden);
    check(facts().consent(at_brand(0)), &ask(0), &policy, Verdict::AlreadyGranted);
    check(known().asked(day(0)), &ask(0), &policy, Verdict::RecentlyAsked);
}

#[test]
fn a_consent_request_counts_its_days() {
    let policy = lasting(365);
    let asked = facts().registered().asked(day(0));
    let granted = facts().registered().consent(at_topic(0));
    for (own, on, expect) in [
        (&asked, 89, Verdict::RecentlyAsked),
        (&asked, 90, Verdict::AllowedConsentRequest),
        (&granted, 334, Verdict::AlreadyGranted),
        (&granted, 335, Verdict::AllowedConsentRequest),
        (&granted, 400, Verdict::AllowedConsentRequest),
    ] {
        let today = Today::Known(day(on));
        assert_eq!(ruling(own, None, &ask(0), &policy, today), expect, "day {on}");
    }
    let never = Policy { consent_lifetime_days: None, ..policy };
    let today = Today::Known(day(9_999));
    assert_eq!(ruling(&granted, None, &ask(0), &never, today), Verdict::AlreadyGranted);
}

#[test]
fn a_lasting_yes_of_the_brand_leaves_nothing_to_ask_for() {
    let policy = lasting(365);
    let own = facts().registered().yes(at_topic(0), Basis::Consent, day(0)).yes(
        at_brand(0),
        Basis::ExistingCustomer,
        day(300),
    );
    let today = Today::Known(day(350));
    assert_eq!(ruling(&own, None, &ask(0), &policy, today), Verdict::AlreadyGranted);
}

#[test]
fn a_yes_speaks_by_its_basis() {
    let customer = facts().yes(at_brand(0), Basis::ExistingCustomer, day(0));
    check(customer.clone(), &ad(0), &Policy::default(), Verdict::AllowedExistingCustomer);
    let both = customer.consent(at_topic(0));
    check(both.clone(), &ad(0), &Policy::default(), Verdict::AllowedConsent);
    check(both, &ad(1), &Policy::default(), Verdict::AllowedExistingCustomer);
}

#[test]
fn silence_is_a_no_under_opt_in() {
    let policy = lasting(30);
    let silent = |own: Facts, expect| check(own, &ad(0), &policy, expect);
    silent(facts(), Verdict::UnknownAddress);
    silent(facts().registered(), Verdict::NotRequested);
    silent(facts().asked(day(0)), Verdict::Pending);
    silent(facts().registered().asked(day(0)), Verdict::Pending);
    let lapsed = facts().registered().consent(at_topic(0)).asked(day(0));
    let today = Today::Known(day(30));
    assert_eq!(ruling(&lapsed, None, &ad(0), &policy, today), Verdict::Expired);
}

#[test]
fn silence_is_a_yes_under_opt_out() {
    let policy = Policy { marketing: Marketing::OptOut, ..lasting(30) };
    check(facts().registered(), &ad(0), &policy, Verdict::AllowedNoObjection);
    check(facts(), &ad(0), &policy, Verdict::UnknownAddress);
    check(facts().registered(), &ad(4), &policy, Verdict::UnknownAddress);
    let open = Policy { unknown_address: UnknownAddresses::Allow, ..policy };
    check(facts(), &ad(0), &open, Verdict::AllowedNoObjection);
}

#[test]
fn a_yes_lapses_at_midnight_and_what_is_broader_answers() {
    let policy = lasting(30);
    let alone = facts().consent(at_topic(0));
    let over_no = facts().no(at_brand(0), Origin::OptOut).consent(at_topic(0));
    let over_yes = facts().yes(at_brand(0), Basis::ExistingCustomer, day(10)).consent(at_topic(0));
    for (own, on, expect) in [
        (&alone, 29, Verdict::AllowedConsent),
        (&alone, 30, Verdict::Expired),
        (&over_no, 29, Verdict::AllowedConsent),
        (&over_no, 30, Verdict::OptedOutBrand),
        (&over_yes, 29, Verdict::AllowedConsent),
        (&over_yes, 30, Verdict::AllowedExistingCustomer),
        (&over_yes, 40, Verdict::Expired),
    ] {
        let today = Today::Known(day(on));
        assert_eq!(ruling(own, None, &ad(0), &policy, today), expect, "day {on}");
    }
}

#[test]
fn a_doubtful_clock_lapses_what_can_lapse() {
    let doubt = Today::InDoubt(day(0));
    let yes = facts().registered().consent(at_topic(0));
    let over_no = yes.clone().no(Scope::Everything, Origin::OptOut);
    let asked = facts().registered().asked(day(0));
    let never = lasting(0);
    let limited = lasting(30);
    for (own, campaign, policy, expect) in [
        (&yes, ad(0), &never, Verdict::AllowedConsent),
        (&yes, ad(0), &limited, Verdict::Expired),
        (&over_no, ad(0), &limited, Verdict::OptedOutEverything),
        (&yes, ask(0), &limited, Verdict::AlreadyGranted),
        (&asked, ask(0), &limited, Verdict::RecentlyAsked),
    ] {
        assert_eq!(ruling(own, None, &campaign, policy, doubt), expect);
    }
}

#[test]
fn a_base_denies_and_never_permits() {
    let policy = lasting(365);
    let order = campaign(at_brand(0), Purpose::Transactional, Channel::Email);
    let letter = campaign(at_topic(0), Purpose::Marketing, Channel::Post);
    let yes = facts().registered().consent(at_topic(0));
    let out = facts().no(at_topic(0), Origin::OptOut);
    let bounced = facts().block(Channel::Email, Cause::HardBounce);
    let stopped = facts().block(Channel::Email, Cause::StaffDecision);
    let no_letters = facts().block(Channel::Post, Cause::StaffDecision);
    let pending = facts().erasure(Erasure::Pending);
    let asked = facts().registered().asked(day(0));
    for (own, base, campaign, expect) in [
        (facts(), &yes, ad(0), Verdict::UnknownAddress),
        (yes.clone(), &out, ad(0), Verdict::OptedOutTopic),
        (yes.clone(), &out, letter.clone(), Verdict::OptedOutTopic),
        (yes.clone(), &out, ad(1), Verdict::NotRequested),
        (yes.clone(), &bounced, order.clone(), Verdict::HardBounce),
        (yes.clone(), &stopped, order.clone(), Verdict::AllowedTransactional),
        (yes.clone(), &stopped, ad(0), Verdict::Blocked),
        (yes.clone(), &no_letters, letter, Verdict::Blocked),
        (yes.clone(), &pending, order, Verdict::ErasurePending),
        (yes.clone(), &asked, ad(0), Verdict::AllowedConsent),
        // Of two denials the first row counts, and the address before its base.
        (stopped.clone(), &out, ad(0), Verdict::Blocked),
        (out.clone(), &stopped, ad(0), Verdict::Blocked),
        (facts().no(at_brand(0), Origin::Complaint), &out, ad(0), Verdict::Complaint),
    ] {
        let verdict = ruling(&own, Some(base), &campaign, &policy, Today::Known(day(0)));
        assert_eq!(verdict, expect, "{own:?} {base:?}");
    }
}

#[test]
fn the_world_is_as_its_catalog_says() {
    let catalog = catalog(PlusTags::WidenRestrictions, &std::array::from_fn(|_| lasting(30)));
    assert_eq!(catalog.campaigns.len(), campaigns().len());
    assert_eq!(catalog.scope_text(Scope::Topic(topic(7))), "topic:brand3/topic7");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_facts_are_judged_as_the_model_judges_them(
        own in arbitrary::profile(),
        base in proptest::option::of(arbitrary::profile()),
        policy in arbitrary::policy(),
        now in 0_u16..120,
    ) {
        for campaign in campaigns() {
            for today in [Today::Known(day(now)), Today::Known(day(now + 1)), Today::InDoubt(day(now))] {
                let real = decide(&own, base.as_ref(), &campaign, &policy, today).verdict;
                let model = naive::verdict(&own, base.as_ref(), &campaign, &policy, today);
                prop_assert_eq!(real, model, "{:?} {:?}", campaign, today);
            }
        }
    }

    #[test]
    fn a_base_turns_no_deny_into_an_allow(
        own in arbitrary::profile(),
        base in arbitrary::profile(),
        policy in arbitrary::policy(),
    ) {
        let today = Today::Known(day(60));
        for campaign in campaigns() {
            let alone = decide(&own, None, &campaign, &policy, today).verdict;
            let with_base = decide(&own, Some(&base), &campaign, &policy, today).verdict;
            prop_assert!(!with_base.allows() || alone == with_base);
        }
    }

    #[test]
    fn doubt_allows_nothing_that_some_day_would_not(
        own in arbitrary::profile(),
        policy in arbitrary::policy(),
    ) {
        for campaign in campaigns() {
            let verdict = |today| decide(&own, None, &campaign, &policy, today).verdict;
            let doubt = verdict(Today::InDoubt(day(60)));
            for on in [0, 1, 30, 59, 60, 61, 90, 119, 120, 500, 40_000] {
                let known = verdict(Today::Known(day(on)));
                prop_assert!(!doubt.allows() || known.allows(), "{campaign:?} day {on}");
            }
        }
    }
}
