//! A clerk stops brands for a customer, says why, and cannot undo what the customer wished.

use maysend::grpc::api::{
    BlockAddressesRequest, BlockCause, Channel, EventKind, Verdict, WriteOutcome,
};
use tonic::Code;

use crate::desk::{
    CATALOG, Desk, brand, controller, everything, failed, form, imported, paper, topic,
};
use crate::process::consent;

const MIA: &str = "mia@example.com";

#[tokio::test]
async fn several_brands_are_blocked_in_one_call_and_the_reason_shows() {
    let desk = Desk::open(CATALOG).await;
    desk.grant(brand("opera"), form(), MIA).await.unwrap();
    desk.grant(brand("youth"), form(), MIA).await.unwrap();
    desk.register("inn", MIA).await;
    let request = BlockAddressesRequest {
        addresses: vec![MIA.to_owned(), "nobody".to_owned()],
        brands: vec!["opera".to_owned(), "youth".to_owned()],
        channels: vec![Channel::Email.into(), Channel::Post.into()],
        cause: BlockCause::StaffDecision.into(),
        reason: "owes us two bills".to_owned(),
        ..Default::default()
    };
    let answer = consent(&desk.channel).block_addresses(request).await.unwrap().into_inner();
    let invalid = WriteOutcome::RejectedInvalidAddress;
    assert_eq!(answer.outcomes, [WriteOutcome::Applied, invalid].map(i32::from));

    for (brand, verdict) in [
        ("opera", Verdict::DeniedBlocked),
        ("youth", Verdict::DeniedBlocked),
        ("spa", Verdict::AllowedNoObjection),
    ] {
        assert_eq!(desk.check(brand, "autumn", MIA).await, verdict, "{brand}");
    }
    let status = desk.status(MIA).await;
    assert_eq!(status.blocks.len(), 4, "two brands by two channels");
    for block in &status.blocks {
        assert_eq!(
            (block.cause(), &*block.reason),
            (BlockCause::StaffDecision, "owes us two bills")
        );
        assert_eq!(block.event.as_ref().unwrap().revision, answer.revision);
    }
    let history = desk.history(MIA).await;
    assert_eq!((history[0].kind(), history.len()), (EventKind::Blocked, 4), "one event more");
    assert_eq!(history[0].reason, "owes us two bills");
    assert_eq!(history[0].brands, ["opera", "youth"]);
    // What staff decided staff take back.
    assert_eq!(desk.lift("opera", MIA).await, WriteOutcome::Applied);
    assert_eq!(desk.check("opera", "autumn", MIA).await, Verdict::AllowedConsent);
    assert_eq!(desk.check("youth", "autumn", MIA).await, Verdict::DeniedBlocked);
}

#[tokio::test]
async fn a_block_needs_a_reason_a_cause_and_a_brand() {
    let desk = Desk::open(CATALOG).await;
    let before = desk.look(MIA).await;
    let (staff, unsaid) = (BlockCause::StaffDecision, BlockCause::Unspecified);
    let long = "x".repeat(2_001);
    for (brands, cause, reason, fault) in [
        (&["opera"][..], staff, "", "reason"),
        (&["opera"], staff, " \n\t", "reason"),
        (&["opera"], staff, &*long, "reason"),
        (&["opera"], unsaid, "owes us", "cause"),
        (&[], staff, "owes us", "brands"),
        (&["opera", "opera"], staff, "owes us", "brands[1]"),
    ] {
        let refused = desk.block(brands, cause, reason, Vec::new(), MIA).await;
        failed(refused, Code::InvalidArgument, "INVALID_FIELD", &[fault]);
    }
    let unknown = desk.block(&["opera", "oper"], staff, "owes us", Vec::new(), MIA).await;
    failed(unknown, Code::NotFound, "UNKNOWN_BRAND", &["brands[1]"]);
    assert_eq!(desk.look(MIA).await, before, "nothing of it was taken");
}

#[tokio::test]
async fn a_block_and_the_opt_out_of_the_company_are_one_call() {
    let desk = Desk::open(CATALOG).await;
    desk.grant(brand("youth"), form(), MIA).await.unwrap();
    desk.register("inn", MIA).await;
    let wish = BlockCause::OwnerRequest;
    let opt_out = vec![controller("stage")];
    let blocked = desk.block(&["opera"], wish, "angry on the phone", opt_out, MIA).await;
    assert_eq!(blocked.unwrap(), WriteOutcome::Applied);
    for (brand, verdict) in [
        ("opera", Verdict::DeniedBlocked),
        ("youth", Verdict::DeniedOptedOutController),
        ("spa", Verdict::AllowedNoObjection),
    ] {
        assert_eq!(desk.check(brand, "autumn", MIA).await, verdict, "{brand}");
    }
    let status = desk.status(MIA).await;
    assert_eq!(&*status.blocks[0].reason, "angry on the phone");
    assert_eq!(status.opt_outs[0].scope, Some(controller("stage")));
    let of_block = status.blocks[0].event.clone().unwrap();
    assert_eq!(status.opt_outs[0].event, Some(of_block), "one event");
}

#[tokio::test]
async fn staff_undo_no_no_of_the_owner_by_any_way() {
    let desk = Desk::open(CATALOG).await;
    let (out, refused, complaint) = (
        WriteOutcome::RejectedOptedOut,
        WriteOutcome::RejectedRefused,
        WriteOutcome::RejectedComplaint,
    );
    let nothing = WriteOutcome::Unchanged;
    // How the owner said no; what lifting, and what recording a consent, come to.
    for (how, lifting, recording) in [
        ("asked staff", out, out),
        ("complained", complaint, complaint),
        ("topic", nothing, out),
        ("brand", nothing, out),
        ("controller", nothing, out),
        ("everything", nothing, out),
        ("withdrew", nothing, refused),
    ] {
        let address = &*format!("{}@example.com", how.replace(' ', "-"));
        let newsletter = topic("opera", "newsletter");
        assert_eq!(desk.register("stage", address).await, WriteOutcome::Applied);
        let block = async |cause| {
            desk.block(&["opera"], cause, "on the phone", Vec::new(), address).await.unwrap()
        };
        let said = match how {
            "asked staff" => block(BlockCause::OwnerRequest).await,
            "complained" => block(BlockCause::Complaint).await,
            "topic" => desk.opt_out(newsletter.clone(), address).await,
            "brand" => desk.opt_out(brand("opera"), address).await,
            "controller" => desk.opt_out(controller("stage"), address).await,
            "everything" => desk.opt_out(everything(), address).await,
            "withdrew" => desk.withdraw(newsletter.clone(), address).await,
            other => panic!("{other}"),
        };
        assert_eq!(said, WriteOutcome::Applied, "{how}");
        let before = desk.look(address).await;

        assert_eq!(desk.lift("opera", address).await, lifting, "{how}");
        for evidence in [form(), paper(0), imported(1), imported(900)] {
            let recorded = desk.grant(newsletter.clone(), evidence, address).await;
            assert_eq!(recorded.unwrap(), recording, "{how}");
        }
        let policy = WriteOutcome::RejectedPolicy;
        let back = desk.resubscribe(newsletter.clone(), "they want it", address).await;
        assert_eq!(back.unwrap(), policy, "{how}");
        assert_eq!(desk.register("stage", address).await, nothing, "{how}");
        assert_eq!(desk.look(address).await, before, "{how}: all is as it was");
        // Written otherwise it is the same address.
        let other = address.to_uppercase();
        let recorded = desk.grant(newsletter, imported(1), &other).await;
        assert_eq!(recorded.unwrap(), recording, "{how}");
        assert_eq!(desk.look(address).await, before, "{how}");
    }
}

#[tokio::test]
async fn a_new_registration_beside_a_no_changes_no_answer() {
    let desk = Desk::open(CATALOG).await;
    desk.opt_out(everything(), MIA).await;
    assert_eq!(desk.register("inn", MIA).await, WriteOutcome::Applied);
    let verdict = desk.check("spa", "autumn", MIA).await;
    assert_eq!(verdict, Verdict::DeniedOptedOutEverything);
    assert_eq!(desk.status(MIA).await.registered_with, ["inn"]);
}

#[tokio::test]
async fn a_reason_stays_with_its_block_whatever_is_said_after_it() {
    let desk = Desk::open(CATALOG).await;
    let (owner, staff) = (BlockCause::OwnerRequest, BlockCause::StaffDecision);
    desk.block(&["opera"], owner, "complained on the phone", Vec::new(), MIA).await.unwrap();
    desk.opt_out(brand("opera"), MIA).await;
    desk.block(&["opera"], staff, "banned", vec![brand("opera")], MIA).await.unwrap();
    let status = desk.status(MIA).await;
    let mut said: Vec<_> =
        status.blocks.iter().map(|block| (block.cause(), &*block.reason)).collect();
    said.sort();
    assert_eq!(said, [(owner, "complained on the phone"), (staff, "banned")]);
}
