//! Noes that are said again, and stops that came after the yes: neither is overtaken. Each command
//! is put to the real rules and to the model.

use maysend::model::actor::{Caller, Role};
use maysend::model::campaign::{Campaign, Channel, Purpose};
use maysend::model::command::{Command, Proof};
use maysend::model::day::{Timestamp, Today};
use maysend::model::event::EventKind;
use maysend::model::evidence::Method;
use maysend::model::fact::Cause;
use maysend::model::revision::Revision;
use maysend::model::scope::Scope;
use maysend::model::verdict::{Verdict, WriteOutcome};

use super::pair::{Pair, Who, pair};
use super::say::{
    approve, begin, block, block_and_opt_out, confirm, opt_out, proof_of, register,
    request_erasure, session, withdraw, yes,
};
use crate::world::{ad, at_brand, at_controller, at_topic, campaign};

const EMAIL: &[Channel] = &[Channel::Email];
const POST: &[Channel] = &[Channel::Post];

fn letter() -> Campaign {
    campaign(at_topic(0), Purpose::Marketing, Channel::Post)
}

/// The next command comes so many seconds from now. Each takes a second.
fn later(pair: &mut Pair, seconds: i64) {
    let at = pair.now().nanos() + (seconds - 1) * 1_000_000_000;
    pair.advance_to(Timestamp::from_nanos(at));
}

fn opt_out_on(scopes: &[Scope], method: Method, said: Option<Timestamp>) -> Command {
    Command::OptOut {
        scopes: scopes.to_vec(),
        reason: "a letter".into(),
        evidence: Some(proof_of(method, said)),
    }
}

/// A list of the suppressed delivers, with the role of a machine.
#[track_caller]
fn deliver(pair: &mut Pair, command: Command, expect: WriteOutcome) {
    let list = Caller { credential: "list".into(), roles: vec![Role::System], actor: "".into() };
    let today = Today::Known(pair.today());
    let outcome = pair.try_take(Who::Mia, &list, command, today).expect("both agree");
    assert_eq!(outcome.outcome, expect);
}

/// The noes that are said in the name of the owner at or above the first topic.
fn noes() -> [Command; 5] {
    [
        opt_out(&[at_topic(0)]),
        withdraw(&[at_brand(0)]),
        block(0, EMAIL, Cause::Complaint),
        block(0, EMAIL, Cause::OwnerRequest),
        block_and_opt_out(1, EMAIL, Cause::StaffDecision, &[at_controller(0)]),
    ]
}

#[test]
fn a_no_said_again_after_an_opt_in_began_voids_its_token() {
    for no in noes() {
        let mut pair = pair();
        pair.wants(Who::Mia, no.clone(), WriteOutcome::Applied).wants(
            Who::Mia,
            begin(&[at_topic(0)]),
            WriteOutcome::Applied,
        );
        let minted = pair.head();
        pair.wants(Who::Mia, no.clone(), WriteOutcome::Unchanged)
            .wants(Who::Mia, confirm(minted, &[at_topic(0)]), WriteOutcome::Proof)
            // Once is enough.
            .wants(Who::Mia, no, WriteOutcome::Unchanged);
        assert!(!pair.verdict(Who::Mia, &ad(0)).allows());
        let kinds = pair.kinds(Who::Mia);
        assert_eq!(kinds, [kinds[0], EventKind::OptInBegun, kinds[0]]);
    }
}

#[test]
fn a_no_said_again_is_not_overtaken_by_a_queued_yes() {
    for no in noes() {
        let mut pair = pair();
        pair.wants(Who::Mia, no.clone(), WriteOutcome::Applied);
        later(&mut pair, 30);
        let between = pair.now();
        later(&mut pair, 60);
        pair.wants(Who::Mia, no, WriteOutcome::Unchanged).wants(
            Who::Mia,
            session(between, &[yes(at_topic(0))]),
            WriteOutcome::OptedOut,
        );
        assert!(!pair.verdict(Who::Mia, &ad(0)).allows());
    }
}

#[test]
fn the_same_no_within_a_minute_was_delivered_twice() {
    for no in noes() {
        for (seconds, events) in [(1, 1), (60, 1), (61, 2)] {
            let mut pair = pair();
            pair.wants(Who::Mia, no.clone(), WriteOutcome::Applied);
            if seconds > 1 {
                later(&mut pair, seconds);
            }
            pair.wants(Who::Mia, no.clone(), WriteOutcome::Unchanged);
            assert_eq!(pair.kinds(Who::Mia).len(), events, "{no:?} after {seconds} s");
        }
    }
}

#[test]
fn a_no_of_later_than_what_is_on_record_is_recorded() {
    let mut pair = pair();
    let at = pair.now();
    let said = |at| opt_out_on(&[at_topic(0)], Method::Form, Some(at));
    let seconds = |count: i64| Timestamp::from_nanos(at.nanos() + count * 1_000_000_000);
    pair.wants(Who::Mia, said(at), WriteOutcome::Applied)
        .wants(Who::Mia, said(at), WriteOutcome::Unchanged)
        .wants(Who::Mia, said(seconds(1)), WriteOutcome::Unchanged);
    assert_eq!(pair.kinds(Who::Mia), [EventKind::OptedOut]);
    pair.wants(Who::Mia, said(seconds(2)), WriteOutcome::Unchanged);
    assert_eq!(pair.kinds(Who::Mia), [EventKind::OptedOut; 2]);
}

#[test]
fn a_list_delivered_every_night_is_recorded_once() {
    for by_file in [false, true] {
        let mut pair = pair();
        let said = by_file.then(|| pair.now());
        let method = if by_file { Method::Import } else { Method::Api };
        let no = opt_out_on(&[at_topic(0)], method, said);
        deliver(&mut pair, no.clone(), WriteOutcome::Applied);
        for _ in 0..3 {
            pair.advance(1);
            deliver(&mut pair, no.clone(), WriteOutcome::Unchanged);
        }
        assert_eq!(pair.kinds(Who::Mia), [EventKind::OptedOut]);
        // What it would let pass is held up still.
        pair.wants(Who::Mia, begin(&[at_topic(0)]), WriteOutcome::Applied);
        let minted = pair.head();
        deliver(&mut pair, no, WriteOutcome::Unchanged);
        pair.wants(Who::Mia, confirm(minted, &[at_topic(0)]), WriteOutcome::Proof);
    }
}

#[test]
fn what_is_no_no_of_the_owner_is_not_said_again() {
    for command in [
        block(0, EMAIL, Cause::StaffDecision),
        block(0, EMAIL, Cause::HardBounce),
        block(0, POST, Cause::StaffDecision),
        register(0),
        request_erasure(),
    ] {
        let mut pair = pair();
        pair.wants(Who::Mia, command.clone(), WriteOutcome::Applied).advance(1);
        pair.wants(Who::Mia, command, WriteOutcome::Unchanged);
        assert_eq!(pair.kinds(Who::Mia).len(), 1);
    }
}

#[test]
fn an_erased_address_keeps_no_record_of_a_no_said_again() {
    for no in noes() {
        let mut pair = pair();
        pair.wants(Who::Mia, no.clone(), WriteOutcome::Applied)
            .wants(Who::Mia, request_erasure(), WriteOutcome::Applied)
            .wants(Who::Mia, approve(), WriteOutcome::Applied)
            .wants(Who::Mia, begin(&[at_topic(0)]), WriteOutcome::Applied)
            .advance(1);
        let before = pair.head();
        pair.wants(Who::Mia, no, WriteOutcome::Unchanged);
        assert_eq!(pair.head(), before);
    }
}

#[test]
fn a_queued_yes_lifts_no_stop_of_letters_that_came_after_it() {
    for cause in [Cause::OwnerRequest, Cause::Complaint] {
        let mut pair = pair();
        let before = pair.now();
        pair.wants(Who::Mia, block(0, POST, cause), WriteOutcome::Applied);
        let between = pair.now();
        // It is no declaration: the rest of the yes applies.
        pair.wants(Who::Mia, session(before, &[yes(at_brand(0))]), WriteOutcome::Applied)
            .says(Who::Mia, &ad(0), Verdict::AllowedConsent)
            .says(Who::Mia, &letter(), Verdict::Blocked)
            .advance(1);
        // Said again, it stays again.
        pair.wants(Who::Mia, block(0, POST, cause), WriteOutcome::Unchanged);
        let after = pair.now();
        pair.wants(Who::Mia, session(between, &[yes(at_brand(0))]), WriteOutcome::Unchanged)
            .says(Who::Mia, &letter(), Verdict::Blocked)
            .wants(Who::Mia, session(after, &[yes(at_brand(0))]), WriteOutcome::Applied)
            .says(Who::Mia, &letter(), Verdict::AllowedPost);
    }
}

#[test]
fn a_confirm_token_lifts_no_stop_that_came_after_it_was_made() {
    for (channels, cause, campaign, stays) in [
        (POST, Cause::OwnerRequest, letter(), Verdict::Blocked),
        (POST, Cause::Complaint, letter(), Verdict::Blocked),
        (EMAIL, Cause::HardBounce, ad(0), Verdict::HardBounce),
    ] {
        for is_later in [false, true] {
            let mut pair = pair();
            if !is_later {
                pair.wants(Who::Mia, block(0, channels, cause), WriteOutcome::Applied);
            }
            pair.wants(Who::Mia, begin(&[at_brand(0)]), WriteOutcome::Applied);
            let minted = pair.head();
            if is_later {
                pair.wants(Who::Mia, block(0, channels, cause), WriteOutcome::Applied);
            }
            pair.wants(Who::Mia, confirm(minted, &[at_brand(0)]), WriteOutcome::Applied);
            let verdict = pair.verdict(Who::Mia, &campaign);
            assert_eq!(verdict == stays, is_later, "{verdict:?}");
            assert_eq!(verdict.allows(), !is_later, "{verdict:?}");
        }
    }
}

#[test]
fn a_stop_of_letters_said_again_outruns_the_confirm_token() {
    let mut pair = pair();
    let stop = block(0, POST, Cause::Complaint);
    pair.wants(Who::Mia, stop.clone(), WriteOutcome::Applied).wants(
        Who::Mia,
        begin(&[at_brand(0)]),
        WriteOutcome::Applied,
    );
    let minted = pair.head();
    pair.wants(Who::Mia, stop, WriteOutcome::Unchanged)
        .wants(Who::Mia, confirm(minted, &[at_brand(0)]), WriteOutcome::Applied)
        .says(Who::Mia, &letter(), Verdict::Blocked);
}

#[test]
fn a_mailbox_yes_of_before_the_bounce_leaves_it() {
    let mut pair = pair();
    let before = pair.now();
    let dated = |said| {
        let choices = vec![yes(at_topic(0))];
        let minted = Revision::ZERO;
        let proof = Proof::PreferencesToken { minted, may_grant: true, asked: None };
        let evidence = Some(proof_of(Method::Link, Some(said)));
        Command::OwnerChoice { choices, proof, evidence }
    };
    pair.wants(Who::Mia, block(0, EMAIL, Cause::HardBounce), WriteOutcome::Applied);
    let after = pair.now();
    pair.wants(Who::Mia, dated(before), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::HardBounce)
        .wants(Who::Mia, dated(after), WriteOutcome::Applied)
        .says(Who::Mia, &ad(0), Verdict::AllowedConsent);
}
