//! Rows of files, case by case: what they may say, and that a file imported again brings nothing
//! back. Each command is put to the real rules and to the model.

use maysend::catalog::{Policy, StaffConsent};
use maysend::model::actor::ActorClass;
use maysend::model::campaign::Channel;
use maysend::model::command::{Command, ImportedFact};
use maysend::model::event::EventKind;
use maysend::model::evidence::{LegalBasis, Method};
use maysend::model::fact::{Cause, Declaration, Origin};
use maysend::model::scope::Scope;
use maysend::model::verdict::{Verdict, WriteOutcome};

use super::pair::{Who, anna, pair, portal, under};
use super::say::{
    approve, block, consent_with, granted, lift, opt_out, register, request_erasure, row, session,
    withdraw, yes,
};
use crate::world::{ad, at_brand, at_controller, at_topic, brand, controller, day, instant};

const EMAIL: &[Channel] = &[Channel::Email];

#[test]
fn an_import_never_lifts_a_no() {
    for (no, expect) in [
        (opt_out(&[Scope::Everything]), WriteOutcome::OptedOut),
        (opt_out(&[at_controller(0)]), WriteOutcome::OptedOut),
        (opt_out(&[at_brand(0)]), WriteOutcome::OptedOut),
        (opt_out(&[at_topic(0)]), WriteOutcome::OptedOut),
        (withdraw(&[at_topic(0)]), WriteOutcome::Refused),
        (block(0, EMAIL, Cause::Complaint), WriteOutcome::Complaint),
        (block(0, EMAIL, Cause::OwnerRequest), WriteOutcome::OptedOut),
        (block(0, EMAIL, Cause::StaffDecision), WriteOutcome::Blocked),
        (block(0, EMAIL, Cause::HardBounce), WriteOutcome::Blocked),
        (request_erasure(), WriteOutcome::ErasurePending),
    ] {
        let mut pair = pair();
        pair.wants(Who::Mia, no, WriteOutcome::Applied);
        let before = pair.facts(Who::Mia).clone();
        pair.wants(Who::Mia, row(granted(at_topic(0)), "list.csv:2"), expect);
        assert_eq!(*pair.facts(Who::Mia), before);
    }
    let mut pair = pair();
    pair.wants(Who::Mia, request_erasure(), WriteOutcome::Applied)
        .wants(Who::Mia, approve(), WriteOutcome::Applied)
        .wants(Who::Mia, row(granted(at_topic(0)), "list.csv:2"), WriteOutcome::Erased)
        .wants(
            Who::Mia,
            row(ImportedFact::Registered(controller(0)), "list.csv:3"),
            WriteOutcome::Erased,
        );
}

#[test]
fn each_state_of_a_row_is_the_command_of_its_kind() {
    let mut pair = pair();
    for (fact, kind) in [
        (ImportedFact::Registered(controller(0)), EventKind::Registered),
        (granted(at_topic(0)), EventKind::ConsentGranted),
        (ImportedFact::Refused(at_topic(1)), EventKind::ConsentRefused),
        (ImportedFact::OptedOut(at_controller(1)), EventKind::OptedOut),
        (ImportedFact::Blocked(brand(1)), EventKind::Blocked),
    ] {
        pair.wants(Who::Mia, row(fact, "list.csv:2"), WriteOutcome::Applied);
        assert_eq!(pair.kinds(Who::Mia).last(), Some(&kind));
    }
    let facts = pair.facts(Who::Mia);
    assert!(facts.registered.contains(&controller(0)));
    assert!(matches!(facts.declarations[&at_topic(0)], Declaration::Yes { .. }));
    let origin = |scope| match facts.declarations[&scope] {
        Declaration::No { origin } => origin,
        Declaration::Yes { .. } => panic!("a no"),
    };
    assert_eq!(origin(at_topic(1)), Origin::Refusal);
    assert_eq!(origin(at_controller(1)), Origin::OptOut);
    assert_eq!(facts.blocks.len(), 1);
    pair.says(Who::Mia, &ad(0), Verdict::AllowedConsent)
        .says(Who::Mia, &ad(2), Verdict::Blocked)
        .says(Who::Mia, &ad(4), Verdict::OptedOutController);
}

#[test]
fn a_row_taken_once_is_not_taken_again_whatever_came_after_it() {
    let mut pair = pair();
    let opted_out = row(ImportedFact::OptedOut(at_topic(0)), "list.csv:2");
    pair.wants(Who::Mia, opted_out.clone(), WriteOutcome::Applied);
    let now = pair.now();
    pair.wants(Who::Mia, session(now, &[yes(at_topic(0))]), WriteOutcome::Applied)
        .wants(Who::Mia, opted_out, WriteOutcome::Unchanged)
        .says(Who::Mia, &ad(0), Verdict::AllowedConsent);

    let blocked = row(ImportedFact::Blocked(brand(0)), "list.csv:3");
    pair.wants(Who::Mia, blocked.clone(), WriteOutcome::Applied)
        .wants(Who::Mia, lift(&[0], EMAIL), WriteOutcome::Applied)
        .wants(Who::Mia, blocked, WriteOutcome::Unchanged)
        .says(Who::Mia, &ad(0), Verdict::AllowedConsent);

    let yes_of_file = row(granted(at_topic(1)), "list.csv:4");
    pair.wants(Who::Mia, yes_of_file.clone(), WriteOutcome::Applied)
        .wants(Who::Mia, opt_out(&[at_topic(1)]), WriteOutcome::Applied)
        .wants(Who::Mia, yes_of_file, WriteOutcome::Unchanged)
        .says(Who::Mia, &ad(1), Verdict::OptedOutTopic);
}

#[test]
fn the_same_row_said_as_something_else_is_another() {
    let mut pair = pair();
    let customer =
        ImportedFact::Granted { scope: at_topic(0), legal_basis: LegalBasis::ExistingCustomer };
    for fact in [
        customer,
        granted(at_topic(0)),
        granted(at_topic(1)),
        ImportedFact::Refused(at_topic(0)),
        ImportedFact::OptedOut(at_topic(0)),
        ImportedFact::OptedOut(at_brand(0)),
    ] {
        pair.wants(Who::Mia, row(fact, "list.csv:2"), WriteOutcome::Applied).wants(
            Who::Mia,
            row(fact, "list.csv:2"),
            WriteOutcome::Unchanged,
        );
    }
}

#[test]
fn another_row_that_says_the_same_is_proof_and_changes_nothing() {
    let mut pair = pair();
    pair.wants(Who::Mia, row(granted(at_topic(0)), "list.csv:2"), WriteOutcome::Applied);
    let before = pair.facts(Who::Mia).clone();
    pair.wants(Who::Mia, row(granted(at_topic(0)), "list.csv:9"), WriteOutcome::Applied);
    assert_eq!(*pair.facts(Who::Mia), before);
}

#[test]
fn only_what_was_imported_counts_as_a_row() {
    let mut pair = pair();
    let said = Some(instant(day(0), 0));
    // The clerk's own consent names the same source.
    let by_phone = consent_with(&[at_topic(0)], LegalBasis::Consent, Method::Phone, said);
    let source = "shop.example/form";
    pair.wants(Who::Mia, by_phone, WriteOutcome::Applied)
        .wants(Who::Mia, row(granted(at_topic(0)), source), WriteOutcome::Applied)
        .wants(Who::Mia, register(0), WriteOutcome::Applied)
        .wants(
            Who::Mia,
            row(ImportedFact::Registered(controller(0)), "import"),
            WriteOutcome::Applied,
        );
}

#[test]
fn a_policy_that_forbids_the_yes_of_staff_forbids_that_of_a_file() {
    let mut pair = under(Policy { staff_consent: StaffConsent::Forbidden, ..Policy::default() });
    pair.wants(Who::Mia, row(granted(at_topic(0)), "list.csv:2"), WriteOutcome::Policy);
}

#[test]
fn a_file_is_imported_by_staff_in_the_name_of_the_file() {
    use maysend::authorize::authorize;
    let facts = [
        (granted(at_topic(0)), false),
        (ImportedFact::Registered(controller(0)), false),
        (ImportedFact::Refused(at_topic(0)), true),
        (ImportedFact::OptedOut(Scope::Everything), true),
        (ImportedFact::Blocked(brand(0)), true),
    ];
    for (fact, is_no) in facts {
        let command = row(fact, "list.csv:2");
        assert!(authorize(&portal(), command.clone()).is_err());
        let authorized = authorize(&anna(), command).unwrap();
        assert_eq!(authorized.actor().class, ActorClass::Import);
        let noes = authorized.without_yeses();
        assert_eq!(noes.is_some(), is_no, "{fact:?}");
        assert!(noes.is_none_or(|noes| matches!(noes.value(), Command::Import { .. })));
    }
}
