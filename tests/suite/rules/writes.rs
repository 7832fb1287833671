//! The writes, case by case: what staff, systems and imports may say, and what stands against them.
//! Each command is put to the real rules and to the model.

use maysend::catalog::{PlusTags, Policy, StaffConsent, StaffResubscribe};
use maysend::model::campaign::{Channel, Purpose};
use maysend::model::event::EventKind;
use maysend::model::evidence::{LegalBasis, Method};
use maysend::model::fact::Cause;
use maysend::model::scope::Scope;
use maysend::model::verdict::{Verdict, WriteOutcome};

use super::pair::{Pair, Who, pair, under};
use super::say::{
    block, block_and_opt_out, consent, consent_with, customer, lift, link, mark, opt_out,
    opt_out_for, register, resubscribe, withdraw, yes,
};
use crate::world::{
    ad, ask, at_brand, at_controller, at_topic, campaign, catalog, day, instant, lasting,
    open_policy,
};

const EMAIL: &[Channel] = &[Channel::Email];
const POST: &[Channel] = &[Channel::Post];
const BOTH: &[Channel] = &[Channel::Email, Channel::Post];

#[test]
fn staff_say_yes_over_no_no_at_the_scope_or_above() {
    for (no_at, expect) in [
        (Scope::Everything, WriteOutcome::OptedOut),
        (at_controller(0), WriteOutcome::OptedOut),
        (at_brand(0), WriteOutcome::OptedOut),
        (at_topic(0), WriteOutcome::OptedOut),
        (at_topic(1), WriteOutcome::Applied),
        (at_brand(1), WriteOutcome::Applied),
        (at_controller(1), WriteOutcome::Applied),
    ] {
        let mut pair = pair();
        pair.wants(Who::Mia, opt_out(&[no_at]), WriteOutcome::Applied);
        pair.wants(Who::Mia, consent(&[at_topic(0)]), expect);
    }
}

#[test]
fn a_rejection_names_the_narrowest_no() {
    let mut pair = pair();
    pair.wants(Who::Mia, opt_out(&[Scope::Everything]), WriteOutcome::Applied)
        .wants(Who::Mia, consent(&[at_topic(0)]), WriteOutcome::OptedOut)
        .wants(Who::Mia, block(0, EMAIL, Cause::Complaint), WriteOutcome::Applied)
        .wants(Who::Mia, consent(&[at_topic(0)]), WriteOutcome::Complaint)
        .wants(Who::Mia, withdraw(&[at_topic(0)]), WriteOutcome::Applied)
        .wants(Who::Mia, consent(&[at_topic(0)]), WriteOutcome::Refused)
        .wants(Who::Noa, block(0, EMAIL, Cause::OwnerRequest), WriteOutcome::Applied)
        .wants(Who::Noa, consent(&[at_topic(0)]), WriteOutcome::OptedOut);
}

#[test]
fn a_brand_yes_of_staff_leaves_the_topic_no() {
    let mut pair = pair();
    pair.wants(Who::Mia, opt_out(&[at_topic(0)]), WriteOutcome::Applied)
        .wants(Who::Mia, consent(&[at_topic(0)]), WriteOutcome::OptedOut)
        .wants(Who::Mia, consent(&[at_brand(0)]), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::OptedOutTopic)
        .says(Who::Mia, &ad(1), Verdict::AllowedConsent);
    assert_eq!(pair.kinds(Who::Mia), [EventKind::OptedOut, EventKind::ConsentGranted]);
}

#[test]
fn several_scopes_of_one_grant_apply_all_or_none() {
    let mut pair = pair();
    pair.wants(Who::Mia, opt_out(&[at_topic(4)]), WriteOutcome::Applied)
        .wants(Who::Mia, consent(&[at_topic(0), at_topic(4)]), WriteOutcome::OptedOut)
        .says(Who::Mia, &ad(0), Verdict::UnknownAddress);
}

#[test]
fn controllers_are_strangers() {
    let mut pair = pair();
    pair.wants(Who::Mia, consent(&[at_brand(0), at_brand(2)]), WriteOutcome::Applied)
        .wants(Who::Mia, opt_out(&[at_controller(0)]), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::OptedOutController)
        .says(Who::Mia, &ad(2), Verdict::OptedOutController)
        .says(Who::Mia, &ad(4), Verdict::AllowedConsent)
        .says(Who::Mia, &ad(6), Verdict::NotRequested)
        .says(Who::Noa, &ad(4), Verdict::UnknownAddress);
}

#[test]
fn a_yes_lapses_at_midnight_utc() {
    let mut pair = under(lasting(30));
    pair.advance_to(instant(day(0), 86_398));
    pair.wants(Who::Mia, consent(&[at_topic(0)]), WriteOutcome::Applied);
    pair.advance_to(instant(day(29), 86_399));
    pair.says(Who::Mia, &ad(0), Verdict::AllowedConsent);
    pair.advance_to(instant(day(30), 0));
    pair.says(Who::Mia, &ad(0), Verdict::Expired);
}

#[test]
fn a_yes_is_of_the_day_it_was_said() {
    let mut pair = under(lasting(30));
    pair.advance(40);
    let of = |on| {
        let said = Some(instant(day(on), 0));
        consent_with(&[at_topic(0)], LegalBasis::Consent, Method::Import, said)
    };
    pair.wants(Who::Mia, of(10), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::Expired)
        .wants(Who::Mia, of(11), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::AllowedConsent)
        .advance(1);
    pair.says(Who::Mia, &ad(0), Verdict::Expired);
}

#[test]
fn a_wider_no_takes_the_narrower_yes() {
    for wider in [Scope::Everything, at_controller(0), at_brand(0)] {
        let mut pair = pair();
        pair.wants(Who::Mia, consent(&[at_topic(0), at_topic(4)]), WriteOutcome::Applied).wants(
            Who::Mia,
            opt_out(&[wider]),
            WriteOutcome::Applied,
        );
        assert!(!pair.verdict(Who::Mia, &ad(0)).allows());
        let elsewhere = wider == Scope::Everything;
        assert_eq!(!pair.verdict(Who::Mia, &ad(4)).allows(), elsewhere);
    }
}

#[test]
fn a_weaker_basis_replaces_no_live_stronger_one() {
    let mut pair = under(lasting(30));
    pair.wants(Who::Mia, consent(&[at_topic(0)]), WriteOutcome::Applied).advance(29);
    pair.wants(Who::Mia, customer(&[at_topic(0)]), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::AllowedConsent)
        .advance(1);
    pair.says(Who::Mia, &ad(0), Verdict::Expired)
        .wants(Who::Mia, customer(&[at_topic(0)]), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::AllowedExistingCustomer)
        .wants(Who::Mia, consent(&[at_topic(0)]), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::AllowedConsent);
}

#[test]
fn a_complaint_stays_the_strongest() {
    let mut pair = pair();
    pair.wants(Who::Mia, withdraw(&[at_brand(0)]), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::Refused)
        .wants(Who::Mia, opt_out(&[at_brand(0)]), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::OptedOutBrand)
        .wants(Who::Mia, block(0, EMAIL, Cause::OwnerRequest), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::Blocked)
        .wants(Who::Mia, block(0, EMAIL, Cause::Complaint), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::Complaint);
    for weaker in
        [withdraw(&[at_brand(0)]), opt_out(&[at_brand(0)]), block(0, EMAIL, Cause::OwnerRequest)]
    {
        pair.take(Who::Mia, weaker);
        pair.says(Who::Mia, &ad(0), Verdict::Complaint);
    }
}

#[test]
fn a_weaker_no_still_takes_the_yes_inside() {
    let mut pair = pair();
    pair.wants(Who::Mia, block(0, EMAIL, Cause::Complaint), WriteOutcome::Applied);
    let head = pair.head();
    pair.wants(Who::Mia, link(head, &[yes(at_topic(0))]), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::AllowedConsent)
        .wants(Who::Mia, withdraw(&[at_brand(0)]), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::Complaint);
}

#[test]
fn a_staff_block_rejects_the_yes_of_staff_and_outlives_that_of_the_owner() {
    let mut pair = pair();
    pair.wants(Who::Mia, block(0, EMAIL, Cause::StaffDecision), WriteOutcome::Applied).wants(
        Who::Mia,
        consent(&[at_topic(0)]),
        WriteOutcome::Blocked,
    );
    let head = pair.head();
    pair.wants(Who::Mia, link(head, &[yes(at_topic(0))]), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::Blocked)
        .wants(Who::Mia, lift(&[0], EMAIL), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::AllowedConsent);
}

#[test]
fn no_lift_takes_the_owners_no() {
    for (channels, cause, lifted, expect) in [
        (EMAIL, Cause::OwnerRequest, EMAIL, WriteOutcome::OptedOut),
        (EMAIL, Cause::Complaint, EMAIL, WriteOutcome::Complaint),
        (EMAIL, Cause::OwnerRequest, POST, WriteOutcome::Unchanged),
        (POST, Cause::OwnerRequest, POST, WriteOutcome::OptedOut),
        (POST, Cause::Complaint, BOTH, WriteOutcome::Complaint),
        (POST, Cause::Complaint, EMAIL, WriteOutcome::Unchanged),
        (BOTH, Cause::StaffDecision, BOTH, WriteOutcome::Applied),
        (BOTH, Cause::HardBounce, EMAIL, WriteOutcome::Applied),
    ] {
        let mut pair = pair();
        pair.wants(Who::Mia, block(0, channels, cause), WriteOutcome::Applied).wants(
            Who::Mia,
            lift(&[0], lifted),
            expect,
        );
    }
}

#[test]
fn several_brands_of_one_lift_apply_all_or_none() {
    let mut pair = pair();
    pair.wants(Who::Mia, block(0, EMAIL, Cause::HardBounce), WriteOutcome::Applied)
        .wants(Who::Mia, block(1, POST, Cause::Complaint), WriteOutcome::Applied)
        .wants(Who::Mia, block(2, EMAIL, Cause::OwnerRequest), WriteOutcome::Applied)
        .wants(Who::Mia, lift(&[0, 1, 2], BOTH), WriteOutcome::OptedOut)
        .wants(Who::Mia, lift(&[0, 1], BOTH), WriteOutcome::Complaint)
        .says(Who::Mia, &ad(0), Verdict::HardBounce)
        .wants(Who::Mia, lift(&[0, 1], EMAIL), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::UnknownAddress);
}

#[test]
fn a_block_and_an_opt_out_are_one_event() {
    let mut pair = pair();
    let both = block_and_opt_out(0, BOTH, Cause::StaffDecision, &[at_controller(0)]);
    pair.wants(Who::Mia, both.clone(), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::Blocked)
        .says(Who::Mia, &ad(2), Verdict::OptedOutController)
        .wants(Who::Mia, both, WriteOutcome::Unchanged)
        .wants(Who::Mia, lift(&[0], BOTH), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::OptedOutController);
    assert_eq!(pair.kinds(Who::Mia), [EventKind::Blocked, EventKind::BlockLifted]);
}

#[test]
fn a_policy_may_forbid_the_yes_of_staff() {
    let strict = Policy { staff_consent: StaffConsent::Forbidden, ..open_policy() };
    let mut pair = under(strict);
    pair.wants(Who::Mia, consent(&[at_topic(0)]), WriteOutcome::Policy)
        .wants(Who::Mia, opt_out(&[at_topic(0)]), WriteOutcome::Applied)
        .wants(Who::Mia, consent(&[at_topic(0)]), WriteOutcome::Policy);
}

#[test]
fn staff_resubscribe_by_the_documented_door_alone() {
    let mut closed = pair();
    closed.wants(Who::Mia, opt_out(&[at_topic(0)]), WriteOutcome::Applied).wants(
        Who::Mia,
        resubscribe(&[at_topic(0)]),
        WriteOutcome::Policy,
    );
    let open = Policy { staff_resubscribe: StaffResubscribe::WithLegalBasis, ..Policy::default() };
    let mut pair = under(open);
    pair.wants(Who::Mia, opt_out(&[at_topic(0), at_topic(1)]), WriteOutcome::Applied)
        .wants(Who::Mia, block(0, EMAIL, Cause::HardBounce), WriteOutcome::Applied)
        .wants(Who::Mia, resubscribe(&[at_brand(0)]), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::HardBounce)
        .wants(Who::Mia, lift(&[0], EMAIL), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::AllowedConsent)
        .wants(Who::Mia, block(0, EMAIL, Cause::Complaint), WriteOutcome::Applied)
        .wants(Who::Mia, resubscribe(&[at_topic(0)]), WriteOutcome::Complaint)
        .wants(Who::Mia, resubscribe(&[at_brand(0)]), WriteOutcome::Complaint)
        .wants(Who::Mia, resubscribe(&[at_brand(1)]), WriteOutcome::Applied);
    assert_eq!(
        pair.kinds(Who::Mia),
        [
            EventKind::OptedOut,
            EventKind::Blocked,
            EventKind::Resubscribed,
            EventKind::BlockLifted,
            EventKind::Blocked,
            EventKind::ConsentGranted,
        ]
    );
}

#[test]
fn consent_is_asked_for_once_in_a_cool_down() {
    let mut pair = under(lasting(365));
    pair.wants(Who::Mia, mark(ask(0)), WriteOutcome::UnknownAddress)
        .wants(Who::Mia, register(0), WriteOutcome::Applied)
        .wants(Who::Mia, mark(ask(0)), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::Pending)
        .wants(Who::Mia, mark(ask(1)), WriteOutcome::RecentlyAsked)
        .wants(Who::Mia, mark(ask(2)), WriteOutcome::Applied)
        .advance(89);
    pair.wants(Who::Mia, mark(ask(0)), WriteOutcome::RecentlyAsked).advance(1);
    pair.wants(Who::Mia, mark(ask(0)), WriteOutcome::Applied);
}

#[test]
fn consent_is_renewed_in_the_window_before_it_lapses() {
    let mut pair = under(lasting(100));
    pair.wants(Who::Mia, consent(&[at_topic(0)]), WriteOutcome::Applied)
        .wants(Who::Mia, mark(ask(0)), WriteOutcome::AlreadyGranted)
        .wants(Who::Mia, mark(ask(1)), WriteOutcome::Applied)
        .advance(69);
    pair.wants(Who::Mia, mark(ask(0)), WriteOutcome::AlreadyGranted).advance(1);
    pair.says(Who::Mia, &ask(0), Verdict::RecentlyAsked).advance(20);
    pair.wants(Who::Mia, mark(ask(0)), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::AllowedConsent)
        .wants(Who::Mia, consent(&[at_topic(0)]), WriteOutcome::Applied)
        .wants(Who::Mia, mark(ask(0)), WriteOutcome::AlreadyGranted);
}

#[test]
fn a_request_is_marked_only_where_it_is_allowed() {
    let known = || {
        let mut pair = under(lasting(0));
        pair.wants(Who::Mia, register(0), WriteOutcome::Applied);
        pair
    };
    for (against, expect) in [
        (opt_out(&[Scope::Everything]), WriteOutcome::OptedOut),
        (withdraw(&[at_topic(0)]), WriteOutcome::Refused),
        (block(0, EMAIL, Cause::Complaint), WriteOutcome::Complaint),
        (block(0, EMAIL, Cause::OwnerRequest), WriteOutcome::OptedOut),
        (block(0, EMAIL, Cause::StaffDecision), WriteOutcome::Blocked),
        (block(0, EMAIL, Cause::HardBounce), WriteOutcome::Blocked),
        (block(0, POST, Cause::StaffDecision), WriteOutcome::Applied),
        (opt_out(&[at_topic(1)]), WriteOutcome::Applied),
    ] {
        let mut pair = known();
        pair.wants(Who::Mia, against, WriteOutcome::Applied);
        pair.wants(Who::Mia, mark(ask(0)), expect);
    }
    let mut forbidden = under(Policy::default());
    forbidden.wants(Who::Mia, register(0), WriteOutcome::Applied).wants(
        Who::Mia,
        mark(ask(0)),
        WriteOutcome::Policy,
    );
    let letter = campaign(at_topic(0), Purpose::ConsentRequest, Channel::Post);
    forbidden.wants(Who::Mia, mark(letter), WriteOutcome::Applied);
}

#[test]
fn what_stands_already_is_recorded_only_as_new_proof() {
    let mut pair = pair();
    let first = opt_out_for(&[at_brand(0)], "a letter");
    let second = opt_out_for(&[at_brand(0)], "a call");
    pair.wants(Who::Mia, first.clone(), WriteOutcome::Applied)
        .wants(Who::Mia, first.clone(), WriteOutcome::Unchanged)
        .wants(Who::Mia, second.clone(), WriteOutcome::Applied)
        .wants(Who::Mia, second, WriteOutcome::Unchanged)
        .wants(Who::Mia, first.clone(), WriteOutcome::Unchanged)
        .says(Who::Mia, &ad(0), Verdict::OptedOutBrand);
    assert_eq!(pair.kinds(Who::Mia), [EventKind::OptedOut, EventKind::OptedOut]);
    // The no that the owner took back is another no, and its proof does not count.
    let head = pair.head();
    pair.wants(Who::Mia, link(head, &[yes(at_brand(0))]), WriteOutcome::Applied).wants(
        Who::Mia,
        first,
        WriteOutcome::Applied,
    );
}

#[test]
fn new_evidence_is_recorded_and_the_same_is_not() {
    let mut pair = pair();
    let by = |method| consent_with(&[at_topic(0)], LegalBasis::Consent, method, None);
    pair.wants(Who::Mia, by(Method::Paper), WriteOutcome::Applied)
        .wants(Who::Mia, by(Method::Paper), WriteOutcome::Unchanged)
        .wants(Who::Mia, by(Method::Phone), WriteOutcome::Applied)
        .wants(Who::Mia, register(0), WriteOutcome::Applied)
        .wants(Who::Mia, register(0), WriteOutcome::Unchanged)
        .advance(1);
    pair.wants(Who::Mia, by(Method::Paper), WriteOutcome::Applied);
}

#[test]
fn a_yes_registers_with_its_controllers() {
    let mut pair = pair();
    pair.wants(Who::Mia, consent(&[at_topic(0), at_topic(4)]), WriteOutcome::Applied)
        .says(Who::Mia, &ad(2), Verdict::NotRequested)
        .says(Who::Mia, &ad(6), Verdict::NotRequested);
}

#[test]
fn a_no_of_the_base_is_that_of_its_tagged_addresses() {
    let mut pair = pair();
    pair.wants(Who::MiaTagged, consent(&[at_topic(0)]), WriteOutcome::Applied)
        .wants(Who::Mia, opt_out(&[at_topic(0)]), WriteOutcome::Applied)
        .says(Who::MiaTagged, &ad(0), Verdict::OptedOutTopic)
        // The yes of staff is not the owner's.
        .wants(Who::MiaTagged, consent(&[at_brand(0)]), WriteOutcome::Applied)
        .says(Who::MiaTagged, &ad(0), Verdict::OptedOutTopic)
        .says(Who::MiaTagged, &ad(1), Verdict::AllowedConsent);
}

#[test]
fn a_no_or_yes_of_a_tagged_address_is_its_own() {
    let mut pair = pair();
    pair.wants(Who::Mia, consent(&[at_topic(0)]), WriteOutcome::Applied)
        .wants(Who::MiaTagged, opt_out(&[at_topic(0)]), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::AllowedConsent)
        .says(Who::MiaTagged, &ad(0), Verdict::OptedOutTopic)
        .wants(Who::Mia, consent(&[at_topic(1)]), WriteOutcome::Applied)
        .says(Who::MiaTagged, &ad(1), Verdict::UnknownAddress);
}

#[test]
fn exact_tags_are_strangers() {
    let policies = std::array::from_fn(|_| Policy::default());
    let mut pair = Pair::new(catalog(PlusTags::Exact, &policies));
    pair.wants(Who::MiaTagged, consent(&[at_topic(0)]), WriteOutcome::Applied)
        .wants(Who::Mia, opt_out(&[Scope::Everything]), WriteOutcome::Applied)
        .says(Who::MiaTagged, &ad(0), Verdict::AllowedConsent);
}
