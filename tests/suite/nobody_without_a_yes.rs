//! Where the rule is opt-in nobody is mailed without a yes, and no yes comes about by itself: each
//! needs its proof, none is for all, and none is asked for by mail where that is forbidden.

use maysend::grpc::api::{
    Evidence, LegalBasis, Method, RecordConsentRequest, ResubscribeByStaffRequest, Scope, Verdict,
    WriteOutcome,
};
use tonic::Code;

use crate::desk::{
    CATALOG, Desk, ago, brand, controller, everything, failed, form, paper, topic, yes,
};
use crate::process::consent;

const MIA: &str = "mia@example.com";
const APPLIED: WriteOutcome = WriteOutcome::Applied;
const PROOF: WriteOutcome = WriteOutcome::RejectedProof;

fn newsletter() -> Scope {
    topic("youth", "newsletter")
}

#[tokio::test]
async fn an_address_on_file_is_no_yes() {
    let desk = Desk::open(CATALOG).await;
    let verdict = async || desk.check("youth", "autumn", MIA).await;
    assert_eq!(verdict().await, Verdict::DeniedUnknownAddress);
    desk.register("stage", MIA).await;
    assert_eq!(verdict().await, Verdict::DeniedNotRequested);
    // Nor is a yes to another topic, brand or company, nor a form that was begun.
    desk.grant(brand("opera"), form(), MIA).await.unwrap();
    desk.grant(topic("spa", "offers"), form(), MIA).await.unwrap();
    desk.begin(vec![newsletter()], MIA).await.unwrap();
    assert_eq!(verdict().await, Verdict::DeniedNotRequested);
    desk.grant(newsletter(), form(), MIA).await.unwrap();
    assert_eq!(verdict().await, Verdict::AllowedConsent);
    // Written otherwise it is the same mailbox; with a tag it is another address.
    assert_eq!(desk.check("youth", "autumn", "MIA@Example.com").await, Verdict::AllowedConsent);
    let tagged = desk.check("youth", "autumn", "mia+x@example.com").await;
    assert_eq!(tagged, Verdict::DeniedUnknownAddress);
}

/// Takes a field out of a piece of evidence.
type TakeOut = fn(&mut Evidence);

/// All that any method needs.
fn whole(method: Method) -> Evidence {
    Evidence {
        method: method.into(),
        document_ref: "folder 7".to_owned(),
        occurred_at: Some(ago(1)),
        ..form()
    }
}

#[tokio::test]
async fn staff_record_a_yes_only_with_what_its_method_must_show() {
    let desk = Desk::open(CATALOG).await;
    let fields: [(&str, TakeOut); 4] = [
        ("evidence.source", |evidence| evidence.source.clear()),
        ("evidence.wording", |evidence| evidence.wording = " \n".to_owned()),
        ("evidence.document_ref", |evidence| evidence.document_ref.clear()),
        ("evidence.occurred_at", |evidence| evidence.occurred_at = None),
    ];
    let (source, wording) = ("evidence.source", "evidence.wording");
    for (i, (method, needs)) in [
        (Method::Form, &[source, wording][..]),
        (Method::Link, &[source, wording]),
        (Method::DoubleOptIn, &[source, wording]),
        (Method::Portal, &[source, wording]),
        (Method::Paper, &["evidence.document_ref"]),
        (Method::Phone, &[source]),
        (Method::InPerson, &[source]),
        (Method::Import, &[source, "evidence.occurred_at"]),
    ]
    .into_iter()
    .enumerate()
    {
        let address = &*format!("mia{i}@example.com");
        let nobody = desk.look(address).await;
        for (field, take_out) in fields {
            let mut evidence = whole(method);
            take_out(&mut evidence);
            if !needs.contains(&field) {
                continue;
            }
            let refused = desk.grant(newsletter(), evidence, address).await;
            failed(refused, Code::InvalidArgument, "INVALID_FIELD", &[field]);
        }
        assert_eq!(desk.look(address).await, nobody, "{method:?}: nothing was recorded");
        // And nothing more than that.
        let mut evidence = whole(method);
        fields
            .iter()
            .filter(|(field, _)| !needs.contains(field))
            .for_each(|(_, f)| f(&mut evidence));
        evidence.wording = evidence.wording.trim().to_owned();
        assert_eq!(
            desk.grant(newsletter(), evidence, address).await.unwrap(),
            APPLIED,
            "{method:?}"
        );
        let verdict = desk.check("youth", "autumn", address).await;
        assert_eq!(verdict, Verdict::AllowedConsent, "{method:?}");
    }
}

#[tokio::test]
async fn some_methods_prove_no_yes_at_all() {
    let desk = Desk::open(CATALOG).await;
    for method in [Method::Unspecified, Method::OneClick, Method::Api] {
        let refused = desk.grant(newsletter(), whole(method), MIA).await;
        failed(refused, Code::InvalidArgument, "INVALID_FIELD", &["evidence.method"]);
    }
    let request = RecordConsentRequest {
        addresses: vec![MIA.to_owned()],
        scopes: vec![newsletter()],
        legal_basis: LegalBasis::Consent.into(),
        evidence: None,
        request_id: String::new(),
    };
    let mut client = consent(&desk.channel);
    let refused = client.record_consent(request.clone()).await;
    failed(refused, Code::InvalidArgument, "INVALID_FIELD", &["evidence"]);
    for basis in [LegalBasis::Unspecified, LegalBasis::LegitimateInterest, LegalBasis::Contract] {
        let (legal_basis, evidence) = (basis.into(), Some(form()));
        let refused = RecordConsentRequest { legal_basis, evidence, ..request.clone() };
        let refused = client.record_consent(refused).await;
        failed(refused, Code::InvalidArgument, "INVALID_FIELD", &["legal_basis"]);
    }
    let mut future = paper(0);
    future.occurred_at = Some(ago(-1));
    let refused = desk.grant(newsletter(), future, MIA).await;
    failed(refused, Code::InvalidArgument, "INVALID_FIELD", &["evidence.occurred_at"]);
    let naming = Evidence { wording: format!("{MIA} agrees"), ..form() };
    let refused = desk.grant(newsletter(), naming, MIA).await;
    failed(refused, Code::InvalidArgument, "INVALID_FIELD", &["evidence.wording"]);
    assert_eq!(desk.history(MIA).await, []);
}

#[tokio::test]
async fn nobody_says_yes_to_all() {
    let desk = Desk::open(CATALOG).await;
    let mail = desk.links("youth", "autumn", MIA).await;
    let before = desk.look(MIA).await;
    for all in [everything(), controller("stage")] {
        let scope = &["scopes[0]"][..];
        let choice = &["choices[0].scope"][..];
        let invalid = (Code::InvalidArgument, "INVALID_FIELD");
        failed(desk.grant(all.clone(), form(), MIA).await, invalid.0, invalid.1, scope);
        failed(desk.resubscribe(all.clone(), "why", MIA).await, invalid.0, invalid.1, scope);
        failed(desk.begin(vec![all.clone()], MIA).await, invalid.0, invalid.1, scope);
        for session in ["", "session-1"] {
            let chosen = desk.choose(vec![yes(all.clone())], session, MIA).await;
            failed(chosen, invalid.0, invalid.1, choice);
        }
        let ticked = desk.update(&mail.preferences_token, vec![yes(all)]).await;
        failed(ticked, invalid.0, invalid.1, choice);
    }
    assert_eq!(desk.look(MIA).await, before);
}

#[tokio::test]
async fn nobody_is_asked_by_mail_where_that_is_forbidden() {
    let desk = Desk::open(CATALOG).await;
    desk.register("stage", MIA).await;
    let before = desk.look(MIA).await;
    let verdict = desk.check("youth", "ask", MIA).await;
    assert_eq!(verdict, Verdict::DeniedRequestForbidden);
    let policy = WriteOutcome::RejectedPolicy;
    assert_eq!(desk.mark("youth", "ask", &[MIA]).await.unwrap(), [policy]);
    assert_eq!(desk.look(MIA).await, before);
    let status = desk.status(MIA).await;
    let youth = status.actions.iter().find(|actions| actions.brand == "youth").unwrap();
    assert_eq!(youth.mark_consent_requested(), policy);
}

#[tokio::test]
async fn a_guest_is_believed_only_where_nobody_said_no() {
    let desk = Desk::open(CATALOG).await;
    let booked =
        async |address: &str| desk.choose(vec![yes(newsletter())], "", address).await.unwrap();
    assert_eq!(booked(MIA).await, [APPLIED]);
    assert_eq!(desk.check("youth", "autumn", MIA).await, Verdict::AllowedConsent);
    for (i, out) in
        [newsletter(), brand("youth"), controller("stage"), everything()].into_iter().enumerate()
    {
        let names = [format!("ann{i}@example.com"), format!("ann{i}+x@example.com")];
        let [address, tagged] = names.each_ref().map(String::as_str);
        desk.opt_out(out, address).await;
        let before = desk.look(address).await;
        assert_eq!(booked(address).await, [PROOF]);
        assert_eq!(desk.look(address).await, before);
        assert_eq!(booked(tagged).await, [PROOF], "a tag is no way around");
        // The mail with the link is.
        let begun = desk.begin(vec![newsletter()], address).await.unwrap();
        assert_eq!(begun.outcome(), APPLIED);
        assert!(!desk.check("youth", "autumn", address).await.as_str_name().contains("ALLOWED"));
    }
    let nobody = desk.choose(vec![yes(newsletter()), yes(brand("opera"))], "", "nobody").await;
    assert_eq!(nobody.unwrap(), [WriteOutcome::RejectedInvalidAddress; 2]);
    let silent = desk.choose(Vec::new(), "", MIA).await;
    failed(silent, Code::InvalidArgument, "INVALID_FIELD", &["choices"]);
    let twice = desk.choose(vec![yes(newsletter()), yes(newsletter())], "", MIA).await;
    failed(twice, Code::InvalidArgument, "INVALID_FIELD", &["choices[1]"]);
}

#[tokio::test]
async fn staff_bring_nobody_back_without_saying_why() {
    let desk = Desk::open(CATALOG).await;
    desk.opt_out(topic("spa", "offers"), MIA).await;
    let before = desk.look(MIA).await;
    let good = ResubscribeByStaffRequest {
        address: MIA.to_owned(),
        scopes: vec![topic("spa", "offers")],
        legal_basis: LegalBasis::Consent.into(),
        explanation: "a letter".to_owned(),
        request_id: String::new(),
    };
    let mut client = consent(&desk.channel);
    for (bad, field) in [
        (ResubscribeByStaffRequest { explanation: " ".to_owned(), ..good.clone() }, "explanation"),
        (
            ResubscribeByStaffRequest { explanation: "x".repeat(2_001), ..good.clone() },
            "explanation",
        ),
        (ResubscribeByStaffRequest { legal_basis: 0, ..good.clone() }, "legal_basis"),
        (ResubscribeByStaffRequest { scopes: Vec::new(), ..good.clone() }, "scopes"),
    ] {
        let refused = client.resubscribe_by_staff(bad).await;
        failed(refused, Code::InvalidArgument, "INVALID_FIELD", &[field]);
    }
    let nobody = ResubscribeByStaffRequest { address: "nobody".to_owned(), ..good.clone() };
    let answer = client.resubscribe_by_staff(nobody).await.unwrap().into_inner();
    assert_eq!(answer.outcomes, [i32::from(WriteOutcome::RejectedInvalidAddress)]);
    assert_eq!(desk.look(MIA).await, before);
    let answer = client.resubscribe_by_staff(good).await.unwrap().into_inner();
    assert_eq!(answer.outcomes, [i32::from(APPLIED)]);
}
