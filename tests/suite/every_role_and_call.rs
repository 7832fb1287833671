//! Every role makes every call of the API of a real server, by the table of roles in the design. A
//! call without a row fails here, and a row without a call.

use std::collections::BTreeSet;

use maysend::grpc::api::{
    AnswerAccessRequest, ApproveErasureRequest, BeginOptInRequest, BlockAddressesRequest,
    BlockCause, Campaign, CheckRequest, CheckStreamRequest, ConfirmOptInRequest, ExplainRequest,
    GetCatalogRequest, GetHistoryRequest, GetPreferencesRequest, GetStatusRequest,
    GetSubjectSheetRequest, ImportFactsRequest, ImportedFact, ImportedState, InspectLinkRequest,
    LegalBasis, LiftBlocksRequest, ListAccessRequestsRequest, ListCampaignsRequest,
    ListErasureCasesRequest, MarkConsentRequestedRequest, MintLinksRequest, OptOutRequest, Purpose,
    RecordConsentRequest, RecordOwnerChoiceRequest, RegisterAddressesRequest,
    RegisterCampaignRequest, RejectErasureRequest, RequestAccessRequest, RequestErasureRequest,
    ResubscribeByStaffRequest, SheetFormat, UnsubscribeRequest, UpdatePreferencesRequest,
    WatchRequest, WithdrawConsentRequest,
};
use maysend::grpc::{DESCRIPTOR, SERVICES};
use prost::Message;
use prost_types::FileDescriptorSet;
use tonic::Code;

use crate::desk::{CATALOG, brand, form, imported, no, paper, portal, topic, yes};
use crate::doorkeeper::{Doorkeeper, call, is_stranger, why};

const ROLES: [&str; 6] = ["sender", "staff", "portal", "system", "reviewer", "admin"];

/// A call, those who may make it, and a request that nothing else is wrong with.
#[derive(Clone)]
struct Row {
    call: &'static str,
    roles: &'static [&'static str],
    request: Vec<u8>,
}

fn row(call: &'static str, roles: &'static [&'static str], request: impl Message) -> Row {
    Row { call, roles, request: request.encode_to_vec() }
}

fn ann() -> String {
    "ann@example.com".to_owned()
}

fn words(word: &str) -> Vec<String> {
    vec![word.to_owned()]
}

/// Section 4 of the design, by call; where the role hangs on what is asked, a row for each.
fn table() -> Vec<Row> {
    [decision_and_catalog(), consent(), preference(), owners_rights_and_change()].concat()
}

fn decision_and_catalog() -> Vec<Row> {
    let (brand, campaign) = ("opera".to_owned(), "autumn".to_owned());
    let register = |id: &str, purpose: Purpose| {
        let campaign = Campaign {
            brand: "opera".to_owned(),
            campaign: id.to_owned(),
            topic: "newsletter".to_owned(),
            purpose: purpose.into(),
            channel: 1,
        };
        RegisterCampaignRequest { campaign: Some(campaign) }
    };
    vec![
        row(
            "DecisionService/Check",
            &["sender", "staff", "admin"],
            CheckRequest {
                brand: brand.clone(),
                campaign: campaign.clone(),
                addresses: vec![ann()],
                at_least_revision: 0,
            },
        ),
        row(
            "DecisionService/CheckStream",
            &["sender", "staff", "admin"],
            CheckStreamRequest {
                brand: brand.clone(),
                campaign: campaign.clone(),
                addresses: vec![ann()],
                at_least_revision: 0,
            },
        ),
        row(
            "DecisionService/Explain",
            &["staff", "reviewer", "admin"],
            ExplainRequest { address: ann(), brand: brand.clone(), campaign, as_of: None },
        ),
        row("CatalogService/GetCatalog", &["sender", "staff", "admin"], GetCatalogRequest {}),
        row(
            "CatalogService/ListCampaigns",
            &["sender", "staff", "admin"],
            ListCampaignsRequest { brand, ..Default::default() },
        ),
        row(
            "CatalogService/RegisterCampaign",
            &["sender", "admin"],
            register("new-marketing", Purpose::Marketing),
        ),
        row(
            "CatalogService/RegisterCampaign",
            &["sender", "admin"],
            register("new-ask", Purpose::ConsentRequest),
        ),
        row(
            "CatalogService/RegisterCampaign",
            &["admin"],
            register("new-order", Purpose::Transactional),
        ),
        row(
            "CatalogService/RegisterCampaign",
            &["admin"],
            register("new-letter", Purpose::OneToOne),
        ),
    ]
}

fn consent() -> Vec<Row> {
    let block = |cause: BlockCause| BlockAddressesRequest {
        addresses: vec![ann()],
        brands: words("opera"),
        cause: cause.into(),
        reason: "a letter".to_owned(),
        ..Default::default()
    };
    let import = |dry_run| ImportFactsRequest {
        facts: vec![ImportedFact {
            address: ann(),
            scope: Some(brand("opera")),
            state: ImportedState::Granted.into(),
            legal_basis: LegalBasis::Consent.into(),
            evidence: Some(imported(9)),
            reason: String::new(),
        }],
        dry_run,
    };
    vec![
        row("ConsentService/BlockAddresses", &["staff", "admin"], block(BlockCause::StaffDecision)),
        row("ConsentService/BlockAddresses", &["staff", "admin"], block(BlockCause::OwnerRequest)),
        row("ConsentService/BlockAddresses", &["system", "admin"], block(BlockCause::HardBounce)),
        row("ConsentService/BlockAddresses", &["system", "admin"], block(BlockCause::Complaint)),
        row(
            "ConsentService/LiftBlocks",
            &["staff", "admin"],
            LiftBlocksRequest {
                addresses: vec![ann()],
                brands: words("opera"),
                channels: vec![1],
                reason: "a mistake".to_owned(),
                request_id: String::new(),
            },
        ),
        row(
            "ConsentService/OptOut",
            &["staff", "system", "portal", "admin"],
            OptOutRequest {
                addresses: vec![ann()],
                scopes: vec![brand("opera")],
                reason: "a letter".to_owned(),
                ..Default::default()
            },
        ),
        row(
            "ConsentService/RecordConsent",
            &["staff", "admin"],
            RecordConsentRequest {
                addresses: vec![ann()],
                scopes: vec![brand("youth")],
                legal_basis: LegalBasis::Consent.into(),
                evidence: Some(paper(1)),
                request_id: String::new(),
            },
        ),
        row(
            "ConsentService/WithdrawConsent",
            &["staff", "admin"],
            WithdrawConsentRequest {
                addresses: vec![ann()],
                scopes: vec![brand("opera")],
                reason: "a call".to_owned(),
                request_id: String::new(),
            },
        ),
        row(
            "ConsentService/RegisterAddresses",
            &["staff", "portal", "admin"],
            RegisterAddressesRequest {
                addresses: vec![ann()],
                controllers: words("stage"),
                ..Default::default()
            },
        ),
        row("ConsentService/ImportFacts", &["staff", "admin"], import(false)),
        row("ConsentService/ImportFacts", &["staff", "admin"], import(true)),
        row(
            "ConsentService/GetStatus",
            &["staff", "reviewer", "admin"],
            GetStatusRequest { address: ann(), at_least_revision: 0 },
        ),
        row(
            "ConsentService/GetHistory",
            &["staff", "reviewer", "admin"],
            GetHistoryRequest { address: ann(), ..Default::default() },
        ),
        row(
            "ConsentService/MarkConsentRequested",
            &["staff", "sender", "admin"],
            MarkConsentRequestedRequest {
                addresses: vec![ann()],
                brand: "opera".to_owned(),
                campaign: "ask".to_owned(),
                ..Default::default()
            },
        ),
        row(
            "ConsentService/ResubscribeByStaff",
            &["staff", "admin"],
            ResubscribeByStaffRequest {
                address: ann(),
                scopes: vec![brand("spa")],
                legal_basis: LegalBasis::Contract.into(),
                explanation: "a guest again".to_owned(),
                request_id: String::new(),
            },
        ),
        row(
            "ConsentService/GetSubjectSheet",
            &["staff", "reviewer", "admin"],
            GetSubjectSheetRequest {
                address: ann(),
                format: SheetFormat::Json.into(),
                language: String::new(),
            },
        ),
    ]
}

fn preference() -> Vec<Row> {
    let token = "no token".to_owned();
    vec![
        row(
            "PreferenceService/MintLinks",
            &["sender", "admin"],
            MintLinksRequest {
                brand: "opera".to_owned(),
                campaign: "autumn".to_owned(),
                addresses: vec![ann()],
            },
        ),
        row(
            "PreferenceService/InspectLink",
            &["sender", "admin"],
            InspectLinkRequest { token: token.clone(), address: ann() },
        ),
        row(
            "PreferenceService/GetPreferences",
            &["portal", "admin"],
            GetPreferencesRequest { token: token.clone() },
        ),
        row(
            "PreferenceService/UpdatePreferences",
            &["portal", "admin"],
            UpdatePreferencesRequest {
                token: token.clone(),
                choices: vec![no(brand("opera"))],
                evidence: Some(form()),
                request_id: String::new(),
            },
        ),
        row(
            "PreferenceService/Unsubscribe",
            &["portal", "admin"],
            UnsubscribeRequest { token: token.clone(), ..Default::default() },
        ),
        row(
            "PreferenceService/BeginOptIn",
            &["portal", "admin"],
            BeginOptInRequest {
                address: ann(),
                scopes: vec![topic("opera", "newsletter")],
                evidence: Some(form()),
                request_id: String::new(),
            },
        ),
        row(
            "PreferenceService/ConfirmOptIn",
            &["portal", "admin"],
            ConfirmOptInRequest { token, evidence: Some(form()) },
        ),
        row(
            "PreferenceService/RecordOwnerChoice",
            &["portal", "admin"],
            RecordOwnerChoiceRequest {
                address: ann(),
                choices: vec![yes(brand("opera"))],
                portal_session: String::new(),
                evidence: Some(portal()),
                request_id: String::new(),
            },
        ),
    ]
}

fn owners_rights_and_change() -> Vec<Row> {
    let id = "9f86d081884c7d65".to_owned();
    vec![
        row(
            "ErasureService/RequestErasure",
            &["staff", "portal", "admin"],
            RequestErasureRequest {
                address: "bob@example.com".to_owned(),
                reason: "a letter".to_owned(),
                request_id: String::new(),
            },
        ),
        row(
            "ErasureService/ListErasureCases",
            &["staff", "reviewer", "admin"],
            ListErasureCasesRequest::default(),
        ),
        row(
            "ErasureService/ApproveErasure",
            &["reviewer"],
            ApproveErasureRequest { id: id.clone(), note: String::new() },
        ),
        row(
            "ErasureService/RejectErasure",
            &["reviewer"],
            RejectErasureRequest { id, reason: "mistaken".to_owned() },
        ),
        row(
            "AccessService/RequestAccess",
            &["staff", "portal", "admin"],
            RequestAccessRequest {
                address: ann(),
                words: "what do you hold?".to_owned(),
                evidence: None,
                request_id: String::new(),
            },
        ),
        row(
            "AccessService/ListAccessRequests",
            &["staff", "reviewer", "admin"],
            ListAccessRequestsRequest::default(),
        ),
        row(
            "AccessService/AnswerAccess",
            &["staff", "reviewer", "admin"],
            AnswerAccessRequest { id: "1".to_owned(), note: "by mail".to_owned() },
        ),
        row("ChangeService/Watch", &["system", "admin"], WatchRequest { after_revision: 0 }),
    ]
}

/// Every call that the descriptor set declares: `DecisionService/Check`.
fn declared() -> BTreeSet<String> {
    let set = FileDescriptorSet::decode(DESCRIPTOR).unwrap();
    let mut calls = BTreeSet::new();
    for file in set.file.iter().filter(|file| file.package() == "maysend.v1") {
        for service in &file.service {
            assert!(SERVICES.contains(&&*format!("maysend.v1.{}", service.name())));
            let of_service = |method: &prost_types::MethodDescriptorProto| {
                format!("{}/{}", service.name(), method.name())
            };
            calls.extend(service.method.iter().map(of_service));
        }
    }
    calls
}

/// What is wrong between the calls that there are and the rows.
fn missing(declared: &BTreeSet<String>, rows: &[Row]) -> Vec<String> {
    let rows: BTreeSet<String> = rows.iter().map(|row| row.call.to_owned()).collect();
    rows.symmetric_difference(declared).cloned().collect()
}

#[test]
fn every_call_has_a_row_and_every_row_a_call() {
    let declared = declared();
    assert_eq!(declared.len(), 34, "seven services: {declared:?}");
    assert_eq!(missing(&declared, &table()), [""; 0]);
    let mut rows = table();
    rows.retain(|row| row.call != "ConsentService/OptOut");
    assert_eq!(missing(&declared, &rows), ["ConsentService/OptOut"]);
    rows.push(row("ConsentService/OptIn", &[], OptOutRequest::default()));
    assert_eq!(missing(&declared, &rows), ["ConsentService/OptIn", "ConsentService/OptOut"]);
}

#[tokio::test]
async fn each_role_may_do_what_the_table_says_and_nothing_else() {
    let credentials = ROLES.map(|role| format!("--name the-{role} --role {role}"));
    let credentials = credentials.each_ref().map(String::as_str);
    let (door, keys) = Doorkeeper::open(CATALOG, &credentials).await;
    let mut wrong = Vec::new();
    for Row { call: name, roles, request } in table() {
        let path = format!("/maysend.v1.{name}");
        for (role, key) in ROLES.iter().zip(&keys) {
            let answer = call(&door.channel, &path, Some(key), &request).await;
            let found =
                answer.map_or_else(|status| why::<()>(Err(status)), |_| (Code::Ok, String::new()));
            let (code, reason) = (found.0, &*found.1);
            let is_right = match roles.contains(role) {
                false => (code, reason) == (Code::PermissionDenied, "ROLE_MISSING"),
                true => match code {
                    Code::Ok => true,
                    // What the request names is not there; who may not ask is told so before.
                    Code::NotFound => ["UNKNOWN_CASE", "UNKNOWN_ACCESS_REQUEST"].contains(&reason),
                    Code::PermissionDenied => reason == "BAD_TOKEN",
                    _ => false,
                },
            };
            if !is_right {
                wrong.push(format!("{name} by {role}: {code:?} {reason}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn no_call_is_even_read_without_a_key() {
    let (door, keys) = Doorkeeper::open(CATALOG, &["--name only --role admin,reviewer"]).await;
    let reflection = [
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ];
    let mut changed = keys[0].clone().into_bytes();
    let last = changed.last_mut().unwrap();
    *last = if *last == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    let calls = declared().into_iter().map(|call| format!("/maysend.v1.{call}"));
    for path in calls.chain(reflection.map(str::to_owned)) {
        // No message of any call: whoever reads it answers otherwise.
        let garbage = [0xff; 40];
        for key in [None, Some(""), Some("maysend_"), Some(&*changed)] {
            is_stranger(call(&door.channel, &path, key, &garbage).await);
        }
        let read = call(&door.channel, &path, Some(&keys[0]), &garbage).await;
        assert_ne!(why(read).0, Code::Unauthenticated, "{path}");
    }
    let health = "/grpc.health.v1.Health/Check";
    let answer = call(&door.channel, health, None, &[]).await.unwrap();
    assert_eq!(&answer[..], [8, 1], "serving, as anybody may know");
}
