//! The services over a real engine, called by the generated clients without a network between.

use std::sync::atomic::{AtomicI64, Ordering};

use prost::Message;
use prost_types::FileDescriptorSet;
use tempfile::TempDir;
use tokio::sync::watch;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use super::*;
use crate::engine::boot::Settings;
use crate::engine::clock::Clock;
use crate::grpc::api;
use crate::grpc::api::catalog_service_client::CatalogServiceClient;
use crate::grpc::api::consent_service_client::ConsentServiceClient;
use crate::grpc::api::decision_service_client::DecisionServiceClient;
use crate::grpc::api::preference_service_client::PreferenceServiceClient;
use crate::grpc::api::scope::Level;
use crate::grpc::codec::{AskBuffer, CheckAsk};
use crate::ledger::{Options, RealDisk};
use crate::model::day::{Day, Timestamp};
use crate::model::verdict::{Verdict, WriteOutcome};

const CATALOG: &str = r#"
[[controller]]
id = "buehne"
title = "Stage"
[[brand]]
id = "festival"
controller = "buehne"
title = "Summer"
topic = [ { id = "newsletter", title = "News" } ]
[[campaign]]
brand = "festival"
id = "advent"
topic = "newsletter"
purpose = "marketing"
[[campaign]]
brand = "festival"
id = "tickets"
purpose = "transactional"
"#;

const ANNA: &str = "anna@example.com";

/// A clock that moves by a nanosecond whenever it is read.
#[derive(Debug)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

struct World {
    routes: Routes,
    engine: Arc<Engine>,
    _dir: TempDir,
    /// As long as it lives, nothing drains.
    _serving: watch::Sender<bool>,
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings {
            data_dir: dir.path().to_owned(),
            key_file: None,
            catalog_file: "catalog.toml".to_owned(),
            catalog_source: CATALOG.to_owned(),
            public_url: Some("https://mail.example".to_owned()),
            accept_clock: false,
            ledger: Options::default(),
        };
        let clock = TestClock(AtomicI64::new(Day::new(20_000).start().nanos()));
        let engine = Engine::open(settings, Arc::new(RealDisk), Arc::new(clock)).await.unwrap();
        let (serving, draining) = watch::channel(false);
        let calls = Arc::new(Calls::new(draining).unwrap());
        let lane = Lane::start().unwrap();
        let routes = routes(engine.clone(), lane, Most::DEFAULT, calls, None).unwrap();
        Self { routes, engine, _dir: dir, _serving: serving }
    }

    fn decision(&self) -> DecisionServiceClient<Routes> {
        DecisionServiceClient::new(self.routes.clone())
    }

    fn consent(&self) -> ConsentServiceClient<Routes> {
        ConsentServiceClient::new(self.routes.clone())
    }

    fn preference(&self) -> PreferenceServiceClient<Routes> {
        PreferenceServiceClient::new(self.routes.clone())
    }

    fn catalog(&self) -> CatalogServiceClient<Routes> {
        CatalogServiceClient::new(self.routes.clone())
    }

    async fn verdicts(&self, campaign: &str, addresses: &[&[u8]]) -> Vec<u8> {
        let ask = ask("festival", campaign, addresses);
        self.decision().check(ask).await.unwrap().into_inner().verdicts
    }
}

fn ask(brand: &str, campaign: &str, addresses: &[&[u8]]) -> CheckAsk {
    let mut buffer = AskBuffer::new(brand, campaign, 0);
    addresses.iter().for_each(|address| buffer.push(address));
    buffer.take()
}

fn newsletter() -> api::Scope {
    let topic = api::TopicRef { brand: "festival".to_owned(), topic: "newsletter".to_owned() };
    api::Scope { level: Some(Level::Topic(topic)) }
}

fn form() -> api::Evidence {
    api::Evidence {
        method: api::Method::Form.into(),
        source: "https://festival.example/form".to_owned(),
        wording: "Yes, please.".to_owned(),
        ..Default::default()
    }
}

fn consent(request_id: &str) -> api::RecordConsentRequest {
    api::RecordConsentRequest {
        addresses: vec![ANNA.to_owned(), "nobody".to_owned()],
        scopes: vec![newsletter()],
        legal_basis: api::LegalBasis::Consent.into(),
        evidence: Some(form()),
        request_id: request_id.to_owned(),
    }
}

/// The call failed with this code, for this reason.
#[track_caller]
fn failed<T: std::fmt::Debug>(result: Result<T, Status>, code: Code, reason: &str) -> Status {
    let status = result.unwrap_err();
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("no reason: {status:?}"));
    assert_eq!((status.code(), &*info.reason), (code, reason), "{status:?}");
    status
}

fn fields(status: &Status) -> Vec<String> {
    let violations = status.get_details_bad_request().map(|request| request.field_violations);
    violations.into_iter().flatten().map(|violation| violation.field).collect()
}

#[tokio::test]
async fn a_consent_lets_the_campaign_through_and_an_opt_out_stops_it() {
    let world = World::new().await;
    let all: [&[u8]; 3] = [b"Anna@Example.com", b"nobody", b"\xFF@example.com"];
    let (unknown, invalid) = (Verdict::UnknownAddress.code(), Verdict::InvalidAddress.code());
    assert_eq!(world.verdicts("advent", &all).await, [unknown, invalid, invalid]);

    let written = world.consent().record_consent(consent("")).await.unwrap().into_inner();
    let outcomes = [api::WriteOutcome::Applied, api::WriteOutcome::RejectedInvalidAddress];
    assert_eq!(written.outcomes, outcomes.map(i32::from));
    assert_eq!(written.revision, world.engine.head().number());
    let granted = Verdict::AllowedConsent.code();
    assert_eq!(world.verdicts("advent", &all).await, [granted, invalid, invalid]);

    let brand = api::Scope { level: Some(Level::Brand("festival".to_owned())) };
    let request = api::OptOutRequest {
        addresses: vec![ANNA.to_owned()],
        scopes: vec![brand],
        ..Default::default()
    };
    world.consent().opt_out(request).await.unwrap();
    let out = Verdict::OptedOutBrand.code();
    assert_eq!(world.verdicts("advent", &all).await, [out, invalid, invalid]);
    let tickets = Verdict::AllowedTransactional.code();
    assert_eq!(world.verdicts("tickets", &all).await, [tickets, invalid, invalid]);
}

#[tokio::test]
async fn an_answer_counts_its_verdicts_and_names_its_revision() {
    let world = World::new().await;
    let asked = ask("festival", "tickets", &[b"a@example.com", b"b", b"c@example.com"]);
    let answer = world.decision().check(asked).await.unwrap().into_inner();
    assert_eq!(answer.allowed, 2);
    let counts = [(Verdict::InvalidAddress.code(), 1), (Verdict::AllowedTransactional.code(), 2)];
    assert_eq!(answer.counts, counts);
    assert_eq!(answer.revision, world.engine.head().number());
}

#[tokio::test]
async fn a_check_that_cannot_be_answered_says_why() {
    let world = World::new().await;
    let check = async |ask: CheckAsk| world.decision().check(ask).await;
    let some: &[&[u8]] = &[ANNA.as_bytes()];
    let status = check(ask("", "", some)).await;
    let status = failed(status, Code::InvalidArgument, "INVALID_FIELD");
    assert_eq!(fields(&status), ["brand", "campaign"]);
    failed(check(ask("nobody", "advent", some)).await, Code::NotFound, "UNKNOWN_BRAND");
    failed(check(ask("festival", "nothing", some)).await, Code::NotFound, "UNKNOWN_CAMPAIGN");
    let none = check(ask("festival", "advent", &[])).await;
    failed(none, Code::InvalidArgument, "NO_ADDRESSES");
    let many = vec![some[0]; 100_001];
    let many = check(ask("festival", "advent", &many)).await;
    failed(many, Code::ResourceExhausted, "TOO_MANY_ADDRESSES");
}

#[tokio::test]
async fn questions_of_every_size_are_answered_alike() {
    let world = World::new().await;
    let (known, invalid) = (Verdict::AllowedTransactional.code(), Verdict::InvalidAddress.code());
    for count in [1, 9_999, 10_000, 10_001, 100_000] {
        let mut addresses = vec![ANNA.as_bytes(); count];
        addresses[count - 1] = b"b";
        let mut expected = vec![known; count];
        expected[count - 1] = invalid;
        assert!(world.verdicts("tickets", &addresses).await == expected, "{count}");
    }
    let many = ask("festival", "gone", &vec![ANNA.as_bytes(); 10_001]);
    failed(world.decision().check(many).await, Code::NotFound, "UNKNOWN_CAMPAIGN");
}

#[tokio::test]
async fn a_stream_answers_in_order_and_keeps_its_campaign() {
    let world = World::new().await;
    let asks = vec![
        ask("festival", "tickets", &[ANNA.as_bytes()]),
        ask("", "", &[b"b", ANNA.as_bytes()]),
        ask("festival", "advent", &[ANNA.as_bytes()]),
        ask("", "", &[ANNA.as_bytes(), b"b"]),
    ];
    let answers = world.decision().check_stream(tokio_stream::iter(asks)).await.unwrap();
    let mut answers = answers.into_inner();
    let mut verdicts = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        verdicts.push(answer.verdicts);
    }
    let invalid = Verdict::InvalidAddress.code();
    let tickets = Verdict::AllowedTransactional.code();
    let unknown = Verdict::UnknownAddress.code();
    let expected = [vec![tickets], vec![invalid, tickets], vec![unknown], vec![unknown, invalid]];
    assert_eq!(verdicts, expected);
}

#[tokio::test]
async fn a_stream_ends_with_the_first_message_at_fault() {
    let world = World::new().await;
    let good = || ask("festival", "tickets", &[ANNA.as_bytes()]);
    let cases = [
        (ask("festival", "", &[ANNA.as_bytes()]), Code::InvalidArgument, "INVALID_FIELD"),
        (ask("", "advent", &[ANNA.as_bytes()]), Code::InvalidArgument, "INVALID_FIELD"),
        (ask("", "", &[]), Code::InvalidArgument, "NO_ADDRESSES"),
        (ask("nobody", "advent", &[ANNA.as_bytes()]), Code::NotFound, "UNKNOWN_BRAND"),
    ];
    for (bad, code, reason) in cases {
        let asks = tokio_stream::iter(vec![good(), bad, good()]);
        let mut answers = world.decision().check_stream(asks).await.unwrap().into_inner();
        let first = answers.message().await.unwrap().unwrap();
        assert_eq!(first.verdicts, [Verdict::AllowedTransactional.code()]);
        failed(answers.message().await, code, reason);
        assert_eq!(answers.message().await.unwrap(), None);
    }
}

#[tokio::test]
async fn the_first_message_of_a_stream_names_its_campaign() {
    let world = World::new().await;
    let asks = tokio_stream::iter(vec![ask("", "", &[ANNA.as_bytes()])]);
    let mut answers = world.decision().check_stream(asks).await.unwrap().into_inner();
    let status = failed(answers.message().await, Code::InvalidArgument, "INVALID_FIELD");
    assert_eq!(fields(&status), ["brand", "campaign"]);
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_in_our_terms() {
    let world = World::new().await;
    let large = vec![b'a'; MAX_QUESTION];
    let asked = || ask("festival", "advent", &[&large]);
    let status = world.decision().check(asked()).await;
    let status = failed(status, Code::ResourceExhausted, "REQUEST_TOO_LARGE");
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.metadata["limit_bytes"], MAX_QUESTION.to_string());
    let asks = tokio_stream::iter(vec![asked()]);
    let mut answers = world.decision().check_stream(asks).await.unwrap().into_inner();
    failed(answers.message().await, Code::ResourceExhausted, "REQUEST_TOO_LARGE");
}

#[tokio::test]
async fn history_shows_who_did_it_and_with_which_proof() {
    let world = World::new().await;
    let mut request = Request::new(consent("crm-1"));
    request.metadata_mut().insert("maysend-actor", " Berta ".parse().unwrap());
    world.consent().record_consent(request).await.unwrap();
    let request = api::GetHistoryRequest { address: ANNA.to_owned(), ..Default::default() };
    let page = world.consent().get_history(request).await.unwrap().into_inner();
    let [event] = &page.events[..] else { panic!("not one event: {page:?}") };
    assert_eq!(event.kind(), api::EventKind::ConsentGranted);
    assert_eq!(event.scopes, [newsletter()]);
    assert_eq!(event.controllers, ["buehne"]);
    assert_eq!(event.evidence, Some(form()));
    assert_eq!(event.request_id, "crm-1");
    let actor = event.actor.clone().unwrap();
    assert_eq!((actor.class(), &*actor.id), (api::ActorClass::Staff, "Berta"));
    assert_eq!(page.next_page_token, "");

    let mut request = Request::new(consent("crm-2"));
    request.metadata_mut().insert("maysend-actor", "a\tb".parse().unwrap());
    let status = world.consent().record_consent(request).await;
    let status = failed(status, Code::InvalidArgument, "INVALID_FIELD");
    assert_eq!(fields(&status), ["maysend-actor"]);
}

#[tokio::test]
async fn status_shows_what_stands() {
    let world = World::new().await;
    world.consent().record_consent(consent("")).await.unwrap();
    let request = api::BlockAddressesRequest {
        addresses: vec![ANNA.to_owned()],
        brands: vec!["festival".to_owned()],
        channels: vec![api::Channel::Post.into()],
        cause: api::BlockCause::StaffDecision.into(),
        reason: "moved away".to_owned(),
        ..Default::default()
    };
    world.consent().block_addresses(request).await.unwrap();
    let request = api::GetStatusRequest { address: ANNA.to_owned(), at_least_revision: 0 };
    let status = world.consent().get_status(request).await.unwrap().into_inner();
    assert_eq!(status.canonical_address, ANNA);
    assert_eq!(status.registered_with, ["buehne"]);
    assert_eq!(status.erasure(), api::ErasureState::None);
    let granted = status.consents.iter().find(|c| c.scope == Some(newsletter())).unwrap();
    assert_eq!(granted.state(), api::ConsentState::Granted);
    assert_eq!(granted.legal_basis(), api::LegalBasis::Consent);
    let [block] = &status.blocks[..] else { panic!("not one block: {status:?}") };
    assert_eq!((&*block.brand, &*block.reason), ("festival", "moved away"));
    assert_eq!(block.channel(), api::Channel::Post);
    assert_eq!(block.cause(), api::BlockCause::StaffDecision);
    assert_eq!(status.actions.len(), 1);
    let wrong = api::GetStatusRequest { address: "nobody".to_owned(), at_least_revision: 0 };
    let status = world.consent().get_status(wrong).await;
    assert_eq!(fields(&failed(status, Code::InvalidArgument, "INVALID_FIELD")), ["address"]);
}

#[tokio::test]
async fn a_request_id_answers_a_repeat_and_refuses_another_body() {
    let world = World::new().await;
    let first = world.consent().record_consent(consent("crm-1")).await.unwrap().into_inner();
    let again = world.consent().record_consent(consent("crm-1")).await.unwrap().into_inner();
    assert_eq!(again, first);
    let other = api::RecordConsentRequest { addresses: vec![ANNA.to_owned()], ..consent("crm-1") };
    let status = world.consent().record_consent(other).await;
    failed(status, Code::AlreadyExists, "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn the_owner_opts_out_by_one_link_and_back_in_by_the_other() {
    let world = World::new().await;
    let request = api::MintLinksRequest {
        brand: "festival".to_owned(),
        campaign: "advent".to_owned(),
        addresses: vec!["nobody".to_owned(), ANNA.to_owned()],
    };
    let links = world.preference().mint_links(request).await.unwrap().into_inner().links;
    assert_eq!(links[0], api::Links::default());
    assert!(links[1].unsubscribe_url.starts_with("https://mail.example/u/"));
    assert_eq!(links[1].list_unsubscribe, format!("<{}>", links[1].unsubscribe_url));
    assert_eq!(links[1].list_unsubscribe_post, "List-Unsubscribe=One-Click");

    let token = links[1].unsubscribe_token.clone();
    let request = api::UnsubscribeRequest { token, scope: None, evidence: None };
    world.preference().unsubscribe(request).await.unwrap();
    let out = Verdict::OptedOutTopic.code();
    assert_eq!(world.verdicts("advent", &[ANNA.as_bytes()]).await, [out]);

    let token = links[1].preferences_token.clone();
    let request = api::UpdatePreferencesRequest {
        token: token.clone(),
        choices: vec![api::Choice { scope: Some(newsletter()), subscribed: true }],
        evidence: Some(form()),
        request_id: String::new(),
    };
    let updated = world.preference().update_preferences(request).await.unwrap().into_inner();
    assert_eq!(updated.outcomes, [i32::from(WriteOutcome::Applied.code())]);
    let request = api::GetPreferencesRequest { token };
    let shown = world.preference().get_preferences(request).await.unwrap().into_inner();
    assert_eq!(shown.preferences, updated.preferences);
    let [topic] = &shown.preferences.unwrap().topics[..] else { panic!("not one topic") };
    assert_eq!((&topic.scope, &*topic.title), (&Some(newsletter()), "News"));
    assert!(topic.subscribed);
    assert_eq!(topic.verdict(), api::Verdict::AllowedConsent);

    let foreign = api::GetPreferencesRequest { token: "x".to_owned() };
    let status = world.preference().get_preferences(foreign).await;
    failed(status, Code::PermissionDenied, "BAD_TOKEN");
}

#[tokio::test]
async fn a_campaign_is_registered_once_and_listed() {
    let world = World::new().await;
    let campaign = api::Campaign {
        brand: "festival".to_owned(),
        campaign: "easter".to_owned(),
        topic: "newsletter".to_owned(),
        purpose: api::Purpose::Marketing.into(),
        channel: 0,
    };
    let register = async |campaign: &api::Campaign| {
        let request = api::RegisterCampaignRequest { campaign: Some(campaign.clone()) };
        world.catalog().register_campaign(request).await.map(tonic::Response::into_inner)
    };
    let registered = register(&campaign).await.unwrap().campaign.unwrap();
    assert_eq!(registered.channel(), api::Channel::Email);
    assert_eq!(register(&campaign).await.unwrap().campaign.unwrap(), registered);
    let other = api::Campaign { channel: api::Channel::Post.into(), ..campaign };
    failed(register(&other).await, Code::AlreadyExists, "CAMPAIGN_DIFFERS");
    let request = api::ListCampaignsRequest { brand: "festival".to_owned(), ..Default::default() };
    let listed = world.catalog().list_campaigns(request).await.unwrap().into_inner();
    let names: Vec<&str> = listed.campaigns.iter().map(|c| &*c.campaign).collect();
    assert_eq!(names, ["advent", "easter", "tickets"]);
    assert!(listed.campaigns.contains(&registered));
    let catalog = world.catalog().get_catalog(api::GetCatalogRequest {}).await.unwrap();
    assert_eq!(catalog.into_inner().brands[0].topics[0].id, "newsletter");
}

#[tokio::test]
async fn an_unknown_brand_of_a_write_is_not_found_and_writes_nothing() {
    let world = World::new().await;
    let before = world.engine.head();
    let request = api::BlockAddressesRequest {
        addresses: vec![ANNA.to_owned()],
        brands: vec!["festival".to_owned(), "nobody".to_owned()],
        cause: api::BlockCause::StaffDecision.into(),
        reason: "r".to_owned(),
        ..Default::default()
    };
    let status = world.consent().block_addresses(request).await;
    let status = failed(status, Code::NotFound, "UNKNOWN_BRAND");
    assert_eq!(fields(&status), ["brands[1]"]);
    assert_eq!(world.engine.head(), before);
}

#[tokio::test]
async fn a_verdict_is_explained_and_a_sheet_made() {
    let world = World::new().await;
    let ask = |as_of| api::ExplainRequest {
        address: ANNA.to_owned(),
        brand: "festival".to_owned(),
        campaign: "advent".to_owned(),
        as_of,
    };
    let explanation = world.decision().explain(ask(None)).await.unwrap().into_inner();
    assert_eq!(explanation.verdict(), api::Verdict::DeniedUnknownAddress);
    assert_eq!(explanation.findings[0].verdict(), api::Verdict::DeniedUnknownAddress);
    let controller = Level::Controller("buehne".to_owned());
    assert_eq!(explanation.findings[0].scope, Some(api::Scope { level: Some(controller) }));
    let future = prost_types::Timestamp { seconds: 9_000_000_000, nanos: 0 };
    let refused = world.decision().explain(ask(Some(future))).await;
    assert_eq!(fields(&failed(refused, Code::InvalidArgument, "INVALID_FIELD")), ["as_of"]);
    let refused = world.decision().explain(api::ExplainRequest::default()).await;
    let status = failed(refused, Code::InvalidArgument, "INVALID_FIELD");
    assert_eq!(fields(&status), ["brand", "campaign"]);

    let sheet = |format: api::SheetFormat, language: &str| api::GetSubjectSheetRequest {
        address: ANNA.to_owned(),
        format: format.into(),
        language: language.to_owned(),
    };
    for (format, media) in [
        (api::SheetFormat::Unspecified, "application/json; charset=utf-8"),
        (api::SheetFormat::Html, "text/html; charset=utf-8"),
        (api::SheetFormat::Text, "text/plain; charset=utf-8"),
    ] {
        let made = world.consent().get_subject_sheet(sheet(format, "de")).await.unwrap();
        assert_eq!(made.get_ref().content_type, media);
        assert!(String::from_utf8(made.into_inner().sheet).unwrap().contains(ANNA));
    }
    let foreign = world.consent().get_subject_sheet(sheet(api::SheetFormat::Json, "fr")).await;
    assert_eq!(fields(&failed(foreign, Code::InvalidArgument, "INVALID_FIELD")), ["language"]);
}

#[test]
fn every_declared_service_is_served() {
    let files = FileDescriptorSet::decode(DESCRIPTOR).unwrap().file;
    let mut declared: Vec<String> = files
        .iter()
        .flat_map(|file| {
            file.service.iter().map(|service| format!("{}.{}", file.package(), service.name()))
        })
        .collect();
    declared.sort();
    let mut served = SERVICES.to_vec();
    served.sort_unstable();
    assert_eq!(served, declared);
    assert!(WRITING_SERVICES.iter().all(|service| SERVICES.contains(service)));
}
