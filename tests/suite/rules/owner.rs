//! The owner's choices and erasure, case by case. Each command is put to the real rules and to the
//! model.

use maysend::catalog::Policy;
use maysend::model::campaign::{Channel, Purpose};
use maysend::model::command::{Choice, Command, Proof};
use maysend::model::day::Today;
use maysend::model::event::EventKind;
use maysend::model::evidence::Method;
use maysend::model::fact::Cause;
use maysend::model::revision::Revision;
use maysend::model::scope::Scope;
use maysend::model::verdict::{Verdict, WriteOutcome};

use super::pair::{Pair, Who, anna, pair, portal, under};
use super::say::{
    approve, begin, block, choose, confirm, confirm_late, consent, guest, lift, link, mark, no,
    opt_out, proof_of, register, register_from_session, reject, request_erasure, resubscribe,
    session, withdraw, yes,
};
use crate::world::{ad, ask, at_brand, at_controller, at_topic, campaign, day, instant, lasting};

const EMAIL: &[Channel] = &[Channel::Email];
const POST: &[Channel] = &[Channel::Post];

/// What each of a set of choices comes to.
#[track_caller]
fn check(pair: &mut Pair, command: Command, expect: &[WriteOutcome]) {
    assert_eq!(pair.take(Who::Mia, command).choices, expect);
}

#[test]
fn out_of_everything_then_in_for_one_topic() {
    let mut pair = pair();
    pair.wants(Who::Mia, consent(&[at_brand(0), at_brand(2)]), WriteOutcome::Applied)
        .wants(Who::Mia, opt_out(&[Scope::Everything]), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::OptedOutEverything);
    let head = pair.head();
    pair.wants(Who::Mia, link(head, &[yes(at_topic(0))]), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::AllowedConsent)
        .says(Who::Mia, &ad(1), Verdict::OptedOutEverything)
        .says(Who::Mia, &ad(4), Verdict::OptedOutEverything);
}

#[test]
fn out_of_everything_but_one_topic_is_one_set() {
    for choices in
        [[no(Scope::Everything), yes(at_topic(0))], [yes(at_topic(0)), no(Scope::Everything)]]
    {
        let mut pair = pair();
        let now = pair.now();
        check(&mut pair, session(now, &choices), &[WriteOutcome::Applied; 2]);
        pair.says(Who::Mia, &ad(0), Verdict::AllowedConsent).says(
            Who::Mia,
            &ad(4),
            Verdict::OptedOutEverything,
        );
        assert_eq!(pair.kinds(Who::Mia), [EventKind::OptedOut, EventKind::ConsentGranted]);
    }
}

#[test]
fn a_brand_yes_of_the_owner_takes_the_topic_no() {
    let mut pair = pair();
    pair.wants(Who::Mia, block(0, EMAIL, Cause::Complaint), WriteOutcome::Applied)
        .wants(Who::Mia, opt_out(&[at_topic(0)]), WriteOutcome::Applied)
        .wants(Who::Mia, consent(&[at_brand(1)]), WriteOutcome::Applied);
    let head = pair.head();
    pair.wants(Who::Mia, link(head, &[yes(at_brand(0))]), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::AllowedConsent)
        .says(Who::Mia, &ad(1), Verdict::AllowedConsent);
    assert_eq!(pair.kinds(Who::Mia).last(), Some(&EventKind::Resubscribed));
}

#[test]
fn a_yes_takes_no_no_of_its_own_set() {
    for choices in [[yes(at_brand(0)), no(at_topic(1))], [no(at_topic(1)), yes(at_brand(0))]] {
        let mut pair = pair();
        pair.wants(Who::Mia, opt_out(&[at_topic(0)]), WriteOutcome::Applied);
        let head = pair.head();
        check(&mut pair, link(head, &choices), &[WriteOutcome::Applied; 2]);
        pair.says(Who::Mia, &ad(0), Verdict::AllowedConsent).says(
            Who::Mia,
            &ad(1),
            Verdict::OptedOutTopic,
        );
    }
}

#[test]
fn a_no_stands_where_the_yes_of_its_set_is_rejected() {
    let mut pair = pair();
    pair.wants(Who::Mia, request_erasure(), WriteOutcome::Applied);
    let now = pair.now();
    check(
        &mut pair,
        session(now, &[yes(at_topic(0)), no(at_topic(4)), yes(at_topic(2))]),
        &[WriteOutcome::ErasurePending, WriteOutcome::Applied, WriteOutcome::ErasurePending],
    );
    pair.wants(Who::Mia, reject(), WriteOutcome::Applied)
        .says(Who::Mia, &ad(4), Verdict::OptedOutTopic)
        .says(Who::Mia, &ad(0), Verdict::UnknownAddress);
}

#[test]
fn a_set_of_yeses_has_no_order() {
    let mut choices = [yes(at_topic(0)), yes(at_brand(0)), yes(at_topic(1))];
    let mut seen = Vec::new();
    for _ in 0..choices.len() {
        choices.rotate_left(1);
        let mut pair = pair();
        pair.wants(Who::Mia, opt_out(&[at_topic(0)]), WriteOutcome::Applied);
        let head = pair.head();
        check(&mut pair, link(head, &choices), &[WriteOutcome::Applied; 3]);
        check(&mut pair, link(head, &choices), &[WriteOutcome::Unchanged; 3]);
        seen.push(pair.facts(Who::Mia).clone());
    }
    assert!(seen.iter().all(|facts| *facts == seen[0] && facts.declarations.len() == 3));
}

#[test]
fn a_queued_yes_does_not_overtake_a_later_no() {
    for no_at in [Scope::Everything, at_controller(0), at_brand(0), at_topic(0)] {
        let mut pair = pair();
        let before = pair.now();
        pair.wants(Who::Mia, opt_out(&[no_at]), WriteOutcome::Applied);
        let after = pair.now();
        pair.wants(Who::Mia, session(before, &[yes(at_brand(0))]), WriteOutcome::OptedOut)
            .wants(
                Who::Mia,
                session(before, &[yes(at_brand(1))]),
                match no_at {
                    Scope::Everything | Scope::Controller(_) => WriteOutcome::OptedOut,
                    Scope::Brand(_) | Scope::Topic(_) => WriteOutcome::Applied,
                },
            )
            .wants(Who::Mia, session(after, &[yes(at_brand(0))]), WriteOutcome::Applied)
            .says(Who::Mia, &ad(0), Verdict::AllowedConsent);
    }
}

#[test]
fn a_no_said_again_moves_the_line_that_a_queued_yes_must_pass() {
    let mut pair = pair();
    pair.wants(Who::Mia, opt_out(&[at_brand(0)]), WriteOutcome::Applied);
    let between = pair.now();
    pair.wants(Who::Mia, withdraw(&[at_brand(0)]), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::OptedOutBrand)
        .wants(Who::Mia, session(between, &[yes(at_brand(0))]), WriteOutcome::OptedOut);
}

#[test]
fn an_old_yes_makes_no_young_one_older() {
    let mut pair = under(lasting(30));
    pair.advance(20);
    let now = pair.now();
    pair.wants(Who::Mia, session(now, &[yes(at_topic(0))]), WriteOutcome::Applied);
    let old = instant(day(0), 0);
    pair.wants(Who::Mia, session(old, &[yes(at_topic(0))]), WriteOutcome::Unchanged).advance(29);
    pair.says(Who::Mia, &ad(0), Verdict::AllowedConsent);
}

#[test]
fn each_proof_is_good_for_its_own() {
    let preferences = |may_grant| {
        let minted = Revision::ZERO;
        Proof::PreferencesToken { minted, may_grant, asked: None }
    };
    let applied = WriteOutcome::Applied;
    let proof = WriteOutcome::Proof;
    for (by, expect) in [
        (Proof::UnsubscribeToken, proof),
        (preferences(false), proof),
        (preferences(true), applied),
        (Proof::PortalSession, applied),
        (Proof::PortalGuest, proof),
    ] {
        let mut pair = pair();
        pair.wants(Who::Mia, choose(by.clone(), &[no(at_topic(0))]), applied).wants(
            Who::Mia,
            choose(by, &[yes(at_topic(0))]),
            expect,
        );
    }
}

#[test]
fn only_the_mailbox_proves_a_mailbox_that_bounced() {
    for (command, expect, verdict) in [
        (link(Revision::ZERO, &[yes(at_topic(0))]), WriteOutcome::Applied, Verdict::AllowedConsent),
        (
            session(instant(day(0), 9), &[yes(at_topic(0))]),
            WriteOutcome::Proof,
            Verdict::HardBounce,
        ),
        (guest(&[yes(at_topic(0))]), WriteOutcome::Proof, Verdict::HardBounce),
    ] {
        let mut pair = pair();
        pair.wants(Who::Mia, block(0, EMAIL, Cause::HardBounce), WriteOutcome::Applied)
            .wants(Who::Mia, command, expect)
            .says(Who::Mia, &ad(0), verdict);
    }
}

#[test]
fn a_guest_says_yes_only_where_nobody_said_no() {
    for (scope, expect) in [
        (Scope::Everything, WriteOutcome::Proof),
        (at_brand(0), WriteOutcome::Proof),
        (at_topic(0), WriteOutcome::Proof),
        (at_brand(1), WriteOutcome::Applied),
    ] {
        let mut pair = pair();
        pair.wants(Who::Mia, opt_out(&[scope]), WriteOutcome::Applied)
            .wants(Who::Mia, guest(&[yes(at_brand(0))]), expect)
            .wants(Who::MiaTagged, guest(&[yes(at_brand(0))]), expect)
            .wants(Who::Noa, guest(&[yes(at_brand(0))]), WriteOutcome::Applied);
    }
}

#[test]
fn a_proved_yes_of_a_tagged_address_weighs_against_its_base() {
    for (command, expect) in [
        (link(Revision::ZERO, &[yes(at_topic(0))]), Verdict::AllowedConsent),
        (session(instant(day(0), 9), &[yes(at_topic(0))]), Verdict::AllowedConsent),
        (consent(&[at_topic(0)]), Verdict::OptedOutEverything),
    ] {
        let mut pair = pair();
        pair.wants(Who::Mia, opt_out(&[Scope::Everything]), WriteOutcome::Applied)
            .wants(Who::MiaTagged, command, WriteOutcome::Applied)
            .says(Who::MiaTagged, &ad(0), expect)
            .says(Who::Mia, &ad(0), Verdict::OptedOutEverything)
            .wants(Who::Mia, opt_out(&[at_brand(2)]), WriteOutcome::Applied)
            .says(Who::MiaTagged, &ad(0), Verdict::OptedOutEverything);
    }
}

#[test]
fn a_yes_at_a_brand_lets_the_owners_letters_through() {
    let letter = campaign(at_topic(0), Purpose::Marketing, Channel::Post);
    for (cause, scope, expect) in [
        (Cause::OwnerRequest, at_brand(0), Verdict::AllowedPost),
        (Cause::Complaint, at_brand(0), Verdict::AllowedPost),
        (Cause::Complaint, at_topic(0), Verdict::Blocked),
        (Cause::StaffDecision, at_brand(0), Verdict::Blocked),
    ] {
        let mut pair = pair();
        pair.wants(Who::Mia, block(0, POST, cause), WriteOutcome::Applied);
        let head = pair.head();
        pair.wants(Who::Mia, link(head, &[yes(scope)]), WriteOutcome::Applied).says(
            Who::Mia,
            &letter,
            expect,
        );
    }
}

#[test]
fn declining_a_request_is_a_refusal_where_it_asked() {
    let proof = Proof::PreferencesToken {
        minted: Revision::ZERO,
        may_grant: true,
        asked: Some(at_topic(0)),
    };
    let mut pair = pair();
    pair.wants(Who::Mia, choose(proof.clone(), &[no(at_topic(0))]), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::Refused)
        .wants(Who::Mia, choose(proof, &[no(at_topic(1))]), WriteOutcome::Applied)
        .says(Who::Mia, &ad(1), Verdict::OptedOutTopic);
    assert_eq!(pair.kinds(Who::Mia), [EventKind::ConsentRefused, EventKind::OptedOut]);
}

#[test]
fn an_unsubscription_is_idempotent() {
    let mut pair = pair();
    let out = choose(Proof::UnsubscribeToken, &[no(at_topic(0))]);
    pair.wants(Who::Mia, out.clone(), WriteOutcome::Applied)
        .wants(Who::Mia, out.clone(), WriteOutcome::Unchanged)
        .advance(400);
    pair.wants(Who::Mia, out, WriteOutcome::Unchanged);
}

#[test]
fn a_no_that_the_owner_says_again_is_recorded_though_it_changes_nothing() {
    let nothing = WriteOutcome::Unchanged;
    let by_portal = |scope| (portal(), opt_out(&[scope]));
    let by_owner = |proof| (anna(), choose(proof, &[no(at_topic(0))]));
    for (caller, again) in [
        by_owner(Proof::UnsubscribeToken),
        by_owner(Proof::PortalGuest),
        by_owner(Proof::PreferencesToken { minted: Revision::ZERO, may_grant: false, asked: None }),
        by_portal(at_topic(0)),
    ] {
        let mut pair = pair();
        let mut take = |command| {
            let today = Today::Known(pair.today());
            pair.try_take(Who::Mia, &caller, command, today).unwrap().outcome
        };
        assert_eq!(take(again.clone()), WriteOutcome::Applied);
        assert_eq!(take(again.clone()), nothing);
        // What was queued, and what was begun, before it was said once more.
        let minted = begun(&mut pair);
        let queued = pair.now();
        pair.try_take(Who::Mia, &caller, again, Today::Known(pair.today())).unwrap();
        pair.wants(Who::Mia, session(queued, &[yes(at_topic(0))]), WriteOutcome::OptedOut).wants(
            Who::Mia,
            confirm(minted, &[at_topic(0)]),
            WriteOutcome::Proof,
        );
        let opted_out = EventKind::OptedOut;
        let kinds = [opted_out, opted_out, EventKind::OptInBegun, opted_out];
        assert_eq!(pair.kinds(Who::Mia), kinds);
    }
}

#[test]
fn a_no_that_staff_record_again_is_not_recorded_where_nothing_is_new() {
    for again in [opt_out(&[at_topic(0)]), withdraw(&[at_topic(0)])] {
        let mut pair = pair();
        pair.wants(Who::Mia, again.clone(), WriteOutcome::Applied).wants(
            Who::Mia,
            again,
            WriteOutcome::Unchanged,
        );
        assert_eq!(pair.kinds(Who::Mia).len(), 1);
    }
}

#[test]
fn a_queued_yes_of_a_tagged_address_weighs_nothing_against_a_later_word_on_its_base() {
    let mut pair = pair();
    let before = pair.now();
    pair.wants(Who::Mia, opt_out(&[Scope::Everything]), WriteOutcome::Applied);
    let after = pair.now();
    let queued = session(before, &[yes(at_topic(0))]);
    pair.wants(Who::MiaTagged, queued.clone(), WriteOutcome::Applied)
        .says(Who::MiaTagged, &ad(0), Verdict::OptedOutEverything)
        .wants(Who::MiaTagged, queued, WriteOutcome::Unchanged);
    // At the very instant is not after it.
    pair.wants(Who::MiaTagged, session(after, &[yes(at_topic(0))]), WriteOutcome::Unchanged);
    let now = instant(day(0), 20);
    pair.advance_to(now);
    pair.wants(Who::MiaTagged, session(now, &[yes(at_topic(0))]), WriteOutcome::Applied).says(
        Who::MiaTagged,
        &ad(0),
        Verdict::AllowedConsent,
    );
}

#[test]
fn a_tagged_address_says_yes_again_after_a_later_no_of_its_base() {
    let mut pair = pair();
    let yes = link(Revision::ZERO, &[yes(at_topic(0))]);
    pair.wants(Who::MiaTagged, yes.clone(), WriteOutcome::Applied)
        .wants(Who::MiaTagged, yes.clone(), WriteOutcome::Unchanged)
        .wants(Who::Mia, opt_out(&[Scope::Everything]), WriteOutcome::Applied)
        .says(Who::MiaTagged, &ad(0), Verdict::OptedOutEverything)
        .wants(Who::MiaTagged, yes.clone(), WriteOutcome::Applied)
        .says(Who::MiaTagged, &ad(0), Verdict::AllowedConsent)
        .wants(Who::MiaTagged, yes, WriteOutcome::Unchanged);
}

#[test]
fn a_yes_that_is_proved_better_is_recorded() {
    let evidence = Some(proof_of(Method::Portal, Some(instant(day(0), 1))));
    let by = |proof| Command::OwnerChoice {
        choices: vec![yes(at_topic(0))],
        proof,
        evidence: evidence.clone(),
    };
    let mailbox =
        || Proof::PreferencesToken { minted: Revision::ZERO, may_grant: true, asked: None };
    let mut pair = pair();
    for (proof, expect) in [
        (Proof::PortalGuest, WriteOutcome::Applied),
        (Proof::PortalGuest, WriteOutcome::Unchanged),
        (Proof::PortalSession, WriteOutcome::Applied),
        (Proof::PortalGuest, WriteOutcome::Unchanged),
        (mailbox(), WriteOutcome::Applied),
        (Proof::PortalSession, WriteOutcome::Unchanged),
        (mailbox(), WriteOutcome::Unchanged),
    ] {
        pair.wants(Who::Mia, by(proof), expect);
    }
    assert_eq!(pair.kinds(Who::Mia), [EventKind::ConsentGranted; 3]);
}

#[test]
fn a_confirm_token_that_has_expired_says_yes_no_more() {
    let mut pair = pair();
    let minted = begun(&mut pair);
    pair.wants(Who::Mia, confirm_late(minted, &[at_topic(0)]), WriteOutcome::Proof)
        .says(Who::Mia, &ad(0), Verdict::UnknownAddress)
        .wants(Who::Mia, confirm(minted, &[at_topic(0)]), WriteOutcome::Applied)
        .wants(Who::Mia, confirm_late(minted, &[at_topic(0)]), WriteOutcome::Unchanged)
        .says(Who::Mia, &ad(0), Verdict::AllowedConsent);
}

/// Begins a double opt-in for topic 0, and says where it was recorded.
fn begun(pair: &mut Pair) -> Revision {
    pair.wants(Who::Mia, begin(&[at_topic(0)]), WriteOutcome::Applied);
    pair.head()
}

#[test]
fn a_double_opt_in_changes_nothing_before_it_is_confirmed() {
    let mut pair = pair();
    pair.wants(Who::Mia, opt_out(&[at_topic(0)]), WriteOutcome::Applied);
    let minted = begun(&mut pair);
    pair.says(Who::Mia, &ad(0), Verdict::OptedOutTopic)
        .wants(Who::Mia, confirm(minted, &[at_topic(0)]), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::AllowedConsent)
        .advance(1);
    pair.wants(Who::Mia, confirm(minted, &[at_topic(0)]), WriteOutcome::Unchanged);
    assert_eq!(pair.kinds(Who::Mia).last(), Some(&EventKind::Resubscribed));
}

#[test]
fn a_later_no_makes_a_confirm_token_void() {
    for (later, expect) in [
        (opt_out(&[Scope::Everything]), WriteOutcome::Proof),
        (withdraw(&[at_topic(0)]), WriteOutcome::Proof),
        (block(0, EMAIL, Cause::OwnerRequest), WriteOutcome::Proof),
        (block(0, POST, Cause::OwnerRequest), WriteOutcome::Applied),
        (block(0, EMAIL, Cause::StaffDecision), WriteOutcome::Applied),
        (opt_out(&[at_topic(1)]), WriteOutcome::Applied),
    ] {
        let mut pair = pair();
        let minted = begun(&mut pair);
        pair.wants(Who::Mia, later, WriteOutcome::Applied).wants(
            Who::Mia,
            confirm(minted, &[at_topic(0)]),
            expect,
        );
    }
}

#[test]
fn a_redeemed_token_is_void_too_after_a_later_no() {
    let mut pair = pair();
    let minted = begun(&mut pair);
    pair.wants(Who::Mia, confirm(minted, &[at_topic(0)]), WriteOutcome::Applied)
        .wants(Who::Mia, opt_out(&[at_topic(0)]), WriteOutcome::Applied)
        .wants(Who::Mia, confirm(minted, &[at_topic(0)]), WriteOutcome::Proof)
        .says(Who::Mia, &ad(0), Verdict::OptedOutTopic);
}

#[test]
fn an_address_gets_few_opt_in_mails_a_day() {
    let mut pair = pair();
    for _ in 0..Policy::default().opt_in_mails_per_day {
        begun(&mut pair);
    }
    pair.wants(Who::Mia, begin(&[at_topic(4)]), WriteOutcome::RecentlyAsked)
        .wants(Who::Noa, begin(&[at_topic(4)]), WriteOutcome::Applied)
        .advance(1);
    pair.wants(Who::Mia, begin(&[at_topic(4)]), WriteOutcome::Applied);
}

#[test]
fn a_pending_erasure_takes_noes_and_no_yeses() {
    let mut pair = pair();
    let minted = begun(&mut pair);
    pair.wants(Who::Mia, consent(&[at_topic(0)]), WriteOutcome::Applied)
        .wants(Who::Mia, block(1, EMAIL, Cause::HardBounce), WriteOutcome::Applied)
        .wants(Who::Mia, request_erasure(), WriteOutcome::Applied)
        .wants(Who::Mia, request_erasure(), WriteOutcome::Unchanged)
        .says(Who::Mia, &ad(0), Verdict::ErasurePending);
    let (head, now) = (pair.head(), pair.now());
    for late in [
        consent(&[at_topic(2)]),
        lift(&[1], EMAIL),
        link(head, &[yes(at_topic(2))]),
        session(now, &[yes(at_topic(2))]),
        guest(&[yes(at_topic(2))]),
        begin(&[at_topic(2)]),
        confirm(minted, &[at_topic(0)]),
        mark(ask(2)),
        resubscribe(&[at_topic(2)]),
    ] {
        pair.wants(Who::Mia, late, WriteOutcome::ErasurePending);
    }
    pair.wants(Who::Mia, register(1), WriteOutcome::Applied)
        .wants(Who::Mia, opt_out(&[at_topic(4)]), WriteOutcome::Applied)
        .wants(Who::Mia, reject(), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::AllowedConsent)
        .says(Who::Mia, &ad(2), Verdict::HardBounce)
        .says(Who::Mia, &ad(4), Verdict::OptedOutTopic)
        .says(Who::Mia, &ad(6), Verdict::NotRequested);
}

/// An address that was erased after it had been known.
fn erased() -> Pair {
    let mut pair = pair();
    pair.wants(Who::Mia, consent(&[at_brand(0)]), WriteOutcome::Applied)
        .wants(Who::Mia, request_erasure(), WriteOutcome::Applied)
        .wants(Who::Mia, approve(), WriteOutcome::Applied);
    pair
}

#[test]
fn an_erased_address_takes_nothing_but_a_fresh_start() {
    let mut pair = erased();
    let (head, now) = (pair.head(), pair.now());
    for restrictive in [
        opt_out(&[Scope::Everything]),
        withdraw(&[at_topic(0)]),
        block(0, EMAIL, Cause::Complaint),
        block(0, POST, Cause::StaffDecision),
        choose(Proof::UnsubscribeToken, &[no(at_topic(0))]),
        request_erasure(),
        approve(),
    ] {
        pair.wants(Who::Mia, restrictive, WriteOutcome::Unchanged);
    }
    for other in [
        register(0),
        consent(&[at_topic(0)]),
        lift(&[0], EMAIL),
        link(head, &[yes(at_topic(0))]),
        session(now, &[yes(at_topic(0))]),
        guest(&[yes(at_topic(0))]),
        mark(ask(0)),
        resubscribe(&[at_topic(0)]),
    ] {
        pair.wants(Who::Mia, other, WriteOutcome::Erased);
    }
    assert_eq!(pair.kinds(Who::Mia), [EventKind::Erased]);
    pair.says(Who::Mia, &ad(0), Verdict::Erased).says(Who::MiaTagged, &ad(0), Verdict::Erased);
}

#[test]
fn a_session_starts_afresh_and_may_then_say_yes() {
    let mut pair = erased();
    pair.wants(Who::Mia, register_from_session(0), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::OptedOutEverything)
        .says(Who::Mia, &ad(4), Verdict::OptedOutEverything);
    let now = pair.now();
    pair.wants(Who::Mia, session(now, &[yes(at_topic(0))]), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::AllowedConsent)
        .says(Who::Mia, &ad(1), Verdict::OptedOutEverything)
        .wants(Who::Mia, consent(&[at_topic(1)]), WriteOutcome::OptedOut);
}

#[test]
fn a_double_opt_in_starts_afresh() {
    let mut pair = erased();
    let minted = begun(&mut pair);
    pair.says(Who::Mia, &ad(0), Verdict::Erased)
        .wants(Who::Mia, confirm(minted, &[at_topic(0)]), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::AllowedConsent)
        .says(Who::Mia, &ad(1), Verdict::OptedOutEverything);
    assert_eq!(
        pair.kinds(Who::Mia),
        [EventKind::Erased, EventKind::OptInBegun, EventKind::ConsentGranted]
    );
}

#[test]
fn no_token_outlives_an_erasure() {
    let mut pair = pair();
    let confirmed = begun(&mut pair);
    pair.wants(Who::Mia, request_erasure(), WriteOutcome::Applied)
        .wants(Who::Mia, approve(), WriteOutcome::Applied)
        .wants(Who::Mia, confirm(confirmed, &[at_topic(0)]), WriteOutcome::Erased)
        .wants(Who::Mia, register_from_session(0), WriteOutcome::Applied)
        .wants(Who::Mia, confirm(confirmed, &[at_topic(0)]), WriteOutcome::Proof)
        .wants(Who::Mia, link(confirmed, &[yes(at_topic(0))]), WriteOutcome::Proof)
        .wants(Who::Mia, link(confirmed, &[no(at_topic(0))]), WriteOutcome::Applied);
}

#[test]
fn a_doubtful_clock_takes_noes_and_asks_nobody() {
    let mut pair = under(lasting(30));
    pair.wants(Who::Mia, register(0), WriteOutcome::Applied)
        .wants(Who::Mia, mark(ask(0)), WriteOutcome::Applied)
        .advance(100);
    let doubt = Today::InDoubt(pair.today());
    let mut take = |command: Command| {
        let outcome = pair.try_take(Who::Mia, &anna(), command, doubt);
        outcome.unwrap_or_else(|difference| panic!("{difference}")).outcome
    };
    assert_eq!(take(mark(ask(0))), WriteOutcome::RecentlyAsked);
    assert_eq!(take(opt_out(&[at_topic(0)])), WriteOutcome::Applied);
    let everything: [Choice; 1] = [no(Scope::Everything)];
    assert_eq!(take(choose(Proof::PortalGuest, &everything)), WriteOutcome::Applied);
}

#[test]
fn what_the_owner_said_is_on_record_with_its_proof() {
    let mut pair = pair();
    let by = |method| Command::OwnerChoice {
        choices: vec![yes(at_topic(0))],
        proof: Proof::PortalGuest,
        evidence: Some(proof_of(method, None)),
    };
    pair.wants(Who::Mia, by(Method::Portal), WriteOutcome::Applied)
        .wants(Who::Mia, by(Method::Portal), WriteOutcome::Unchanged)
        .wants(Who::Mia, by(Method::Form), WriteOutcome::Applied)
        .wants(Who::Mia, consent(&[at_topic(0)]), WriteOutcome::Applied);
    assert_eq!(pair.kinds(Who::Mia), [EventKind::ConsentGranted; 3]);
}
