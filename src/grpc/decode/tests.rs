mod campaign;
mod import;
mod owner;

use prost::Message;
use prost_types::Timestamp as ProtoTimestamp;

use super::*;
use crate::catalog::parse::parse;
use crate::catalog::{Catalog, Names};
use crate::engine::validate::MAX_SCOPES;
use crate::engine::write::Write;
use crate::grpc::api;
use crate::grpc::api::scope::Level;
use crate::grpc::codec::AskBuffer;
use crate::grpc::refusal::{MAX_FAULTS, Name, Refusal};
use crate::model::campaign::{Channel, Purpose};
use crate::model::command::{Command, ImportedFact, Wish};
use crate::model::evidence::{LegalBasis, Method};
use crate::model::fact::Cause;
use crate::model::scope::Scope;

/// What somebody may have put into any field.
const ADDRESS: &str = "anna.berger@example.com";

pub(super) fn catalog() -> Catalog {
    let source = r#"
        [[controller]]
        id = "buehne"
        title = "B"
        [[brand]]
        id = "festival"
        controller = "buehne"
        title = "F"
        topic = [ { id = "newsletter", title = "N" }, { id = "programm", title = "P" } ]
        [[brand]]
        id = "theater"
        controller = "buehne"
        title = "T"
        topic = []
    "#;
    parse("catalog.toml", source, &Names::default()).unwrap()
}

#[track_caller]
pub(super) fn refuses<T: std::fmt::Debug>(decoded: Result<T, Refusal>, field: &str) {
    match decoded {
        Err(Refusal::Invalid(invalid)) => assert_eq!(invalid.violations[0].field, field),
        other => panic!("{other:?}"),
    }
}

fn scope(level: Level) -> api::Scope {
    api::Scope { level: Some(level) }
}

fn topic(brand: &str, topic: &str) -> api::Scope {
    scope(Level::Topic(api::TopicRef { brand: brand.to_owned(), topic: topic.to_owned() }))
}

fn brand(word: &str) -> api::Scope {
    scope(Level::Brand(word.to_owned()))
}

fn addresses() -> Vec<String> {
    vec![ADDRESS.to_owned(), "no address".to_owned()]
}

fn block() -> api::BlockAddressesRequest {
    api::BlockAddressesRequest {
        addresses: addresses(),
        brands: vec!["festival".to_owned(), "theater".to_owned()],
        channels: vec![api::Channel::Post.into()],
        cause: api::BlockCause::Complaint.into(),
        reason: "wrote to us:\n\"stop\"\tplease".to_owned(),
        opt_out: vec![brand("theater")],
        request_id: "crm-4711".to_owned(),
    }
}

fn consent() -> api::RecordConsentRequest {
    api::RecordConsentRequest {
        addresses: addresses(),
        scopes: vec![topic("festival", "newsletter")],
        legal_basis: api::LegalBasis::Consent.into(),
        evidence: Some(evidence()),
        request_id: String::new(),
    }
}

fn evidence() -> api::Evidence {
    api::Evidence {
        method: api::Method::Form.into(),
        source: "https://festival.example/form".to_owned(),
        wording: "Yes,\nsend me news.".to_owned(),
        wording_version: "7".to_owned(),
        language: "en".to_owned(),
        document_ref: "box 3".to_owned(),
        ip: "192.0.2.1".to_owned(),
        user_agent: "Mozilla/5.0".to_owned(),
        occurred_at: Some(ProtoTimestamp { seconds: 1_700_000_000, nanos: 5 }),
    }
}

fn campaign() -> api::Campaign {
    api::Campaign {
        brand: "festival".to_owned(),
        campaign: "2026-11-advent".to_owned(),
        topic: "newsletter".to_owned(),
        purpose: api::Purpose::Marketing.into(),
        channel: api::Channel::Post.into(),
    }
}

/// The request is malformed, in these fields and no others, and says so without an address.
#[track_caller]
fn malformed<T: std::fmt::Debug>(result: Result<T, Refusal>, fields: &[&str]) {
    match result {
        Err(Refusal::Invalid(invalid)) => {
            let found: Vec<&str> = invalid.violations.iter().map(|v| v.field.as_str()).collect();
            assert_eq!(found, fields);
            for violation in &invalid.violations {
                assert!(!violation.problem.contains('@'), "{violation:?}");
                assert!(!violation.problem.contains("  "), "{violation:?}");
            }
        }
        other => panic!("not malformed: {other:?}"),
    }
}

#[track_caller]
fn problem<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
    match result {
        Err(Refusal::Unknown { violations, .. }) => violations[0].problem.clone(),
        other => panic!("not unknown: {other:?}"),
    }
}

/// The request is well-formed, but names this, which the catalog lacks, in these fields.
#[track_caller]
fn unknown<T: std::fmt::Debug>(result: Result<T, Refusal>, expected: &Name, fields: &[&str]) {
    match result {
        Err(Refusal::Unknown { name, violations }) => {
            assert_eq!(&name, expected);
            let found: Vec<&str> = violations.iter().map(|v| v.field.as_str()).collect();
            assert_eq!(found, fields);
            assert!(violations.iter().all(|v| !v.problem.contains('@')), "{violations:?}");
        }
        other => panic!("not unknown: {other:?}"),
    }
}

fn with_scopes(scopes: Vec<api::Scope>) -> Result<Write, Refusal> {
    let request = api::OptOutRequest { addresses: addresses(), scopes, ..Default::default() };
    opt_out(request, &catalog())
}

fn with_evidence(change: impl FnOnce(&mut api::Evidence)) -> Result<Write, Refusal> {
    let mut evidence = evidence();
    change(&mut evidence);
    record_consent(api::RecordConsentRequest { evidence: Some(evidence), ..consent() }, &catalog())
}

#[test]
fn a_block_is_read_whole() {
    let catalog = catalog();
    let write = block_addresses(block(), &catalog).unwrap();
    let brand = |word| catalog.brand(word).unwrap().id;
    let command = Command::BlockAddresses {
        brands: vec![brand("festival"), brand("theater")],
        channels: vec![Channel::Post],
        cause: Cause::Complaint,
        reason: "wrote to us:\n\"stop\"\tplease".into(),
        opt_out: vec![Scope::Brand(brand("theater"))],
    };
    assert_eq!(write.command, command);
    assert_eq!(*write.addresses[1], *b"no address");
    assert_eq!(&*write.request_id, "crm-4711");
}

#[test]
fn a_consent_is_read_with_all_its_evidence() {
    let write = record_consent(consent(), &catalog()).unwrap();
    let Command::RecordConsent { scopes, legal_basis, evidence } = write.command else {
        panic!("another command")
    };
    assert!(matches!(scopes[..], [Scope::Topic(_)]));
    assert_eq!(legal_basis, LegalBasis::Consent);
    assert_eq!(evidence.method, Method::Form);
    assert_eq!(&*evidence.source, "https://festival.example/form");
    assert_eq!(&*evidence.notice.wording, "Yes,\nsend me news.");
    assert_eq!(&*evidence.notice.version, "7");
    assert_eq!(&*evidence.notice.language, "en");
    assert_eq!(&*evidence.document_ref, "box 3");
    assert_eq!(&*evidence.ip, "192.0.2.1");
    assert_eq!(&*evidence.user_agent, "Mozilla/5.0");
    assert_eq!(evidence.occurred_at.unwrap().parts(), (1_700_000_000, 5));
}

#[test]
fn no_channel_is_e_mail() {
    let request = api::LiftBlocksRequest {
        brands: vec!["festival".to_owned()],
        reason: "mended".to_owned(),
        ..Default::default()
    };
    let write = lift_blocks(request, &catalog()).unwrap();
    assert!(
        matches!(write.command, Command::LiftBlocks { channels, .. } if channels == [Channel::Email])
    );
}

#[test]
fn a_channel_that_is_none_is_malformed() {
    for number in [0, 3, -1] {
        let channels = vec![api::Channel::Email.into(), number];
        let request = api::BlockAddressesRequest { channels, ..block() };
        malformed(block_addresses(request, &catalog()), &["channels[1]"]);
    }
}

#[test]
fn a_block_needs_a_cause_that_this_version_knows() {
    for cause in [0, 99] {
        let request = api::BlockAddressesRequest { cause, ..block() };
        malformed(block_addresses(request, &catalog()), &["cause"]);
    }
}

#[test]
fn a_consent_needs_a_basis_and_evidence() {
    let request = api::RecordConsentRequest { legal_basis: 0, evidence: None, ..consent() };
    malformed(record_consent(request, &catalog()), &["legal_basis", "evidence"]);
    let request = api::RecordConsentRequest { legal_basis: 77, ..consent() };
    malformed(record_consent(request, &catalog()), &["legal_basis"]);
}

#[test]
fn a_no_needs_no_evidence() {
    let write = with_scopes(vec![scope(Level::Everything(true))]).unwrap();
    let Command::OptOut { scopes, evidence, .. } = write.command else { panic!("another command") };
    assert_eq!((scopes, evidence), (vec![Scope::Everything], None));
}

#[test]
fn a_scope_that_says_nothing_is_malformed() {
    let none = api::Scope { level: None };
    malformed(with_scopes(vec![brand("festival"), none]), &["scopes[1]"]);
    malformed(with_scopes(vec![scope(Level::Everything(false))]), &["scopes[0].everything"]);
}

#[test]
fn a_scope_that_the_catalog_lacks_is_named_by_its_path() {
    let controller = scope(Level::Controller("nobody".to_owned()));
    unknown(
        with_scopes(vec![
            brand("festival"),
            topic("nobody", "newsletter"),
            topic("festival", "nothing"),
            brand(ADDRESS),
            controller,
        ]),
        &Name::Scope,
        &[
            "scopes[1].topic.brand",
            "scopes[2].topic.topic",
            "scopes[3].brand",
            "scopes[4].controller",
        ],
    );
}

#[test]
fn a_fault_says_which_names_are_known() {
    let said = problem(with_scopes(vec![brand("festivall")]));
    assert_eq!(said, "is not known to the catalog, which has `festival`, `theater`");
    let said = problem(with_scopes(vec![topic("theater", "x")]));
    assert_eq!(said, "is not known to the catalog, which has none");
}

#[test]
fn many_known_names_are_cut_short() {
    let brands: String = (0..9)
        .map(|i| format!("[[brand]]\nid=\"b{i}\"\ncontroller=\"c\"\ntitle=\"B\"\n"))
        .collect();
    let source = format!("[[controller]]\nid=\"c\"\ntitle=\"C\"\n{brands}");
    let catalog = parse("catalog.toml", &source, &Names::default()).unwrap();
    let request = api::OptOutRequest { scopes: vec![brand("x")], ..Default::default() };
    let said = problem(opt_out(request, &catalog));
    assert_eq!(
        said,
        "is not known to the catalog, which has `b0`, `b1`, `b2`, `b3`, `b4` and 4 more"
    );
}

#[test]
fn an_unknown_brand_of_a_write_is_not_found_in_its_place() {
    let brands = vec!["festival".to_owned(), "nobody".to_owned(), ADDRESS.to_owned()];
    let request = api::BlockAddressesRequest { brands, ..block() };
    let name = Name::Brand("nobody".to_owned());
    unknown(block_addresses(request, &catalog()), &name, &["brands[1]", "brands[2]"]);
}

#[test]
fn an_unknown_controller_of_a_write_is_not_found_in_its_place() {
    let controllers = vec!["nobody".to_owned()];
    let request = api::RegisterAddressesRequest { controllers, ..Default::default() };
    let name = Name::Controller("nobody".to_owned());
    unknown(register_addresses(request, &catalog()), &name, &["controllers[0]"]);
}

#[test]
fn a_request_that_is_malformed_too_is_malformed_and_names_every_fault() {
    let request = api::BlockAddressesRequest {
        brands: vec!["nobody".to_owned()],
        channels: vec![9],
        cause: 0,
        reason: "\0".to_owned(),
        opt_out: vec![api::Scope { level: None }],
        ..block()
    };
    malformed(
        block_addresses(request, &catalog()),
        &["brands[0]", "channels[0]", "cause", "reason", "opt_out[0]"],
    );
}

#[test]
fn a_method_of_a_later_version_is_malformed() {
    malformed(with_evidence(|evidence| evidence.method = 99), &["evidence.method"]);
}

#[test]
fn an_instant_outside_the_calendar_is_malformed() {
    let at =
        |seconds, nanos| with_evidence(|e| e.occurred_at = Some(ProtoTimestamp { seconds, nanos }));
    malformed(at(i64::MAX, 0), &["evidence.occurred_at"]);
    malformed(at(i64::MIN, 0), &["evidence.occurred_at"]);
    malformed(at(253_402_300_799, 0), &["evidence.occurred_at"]);
    malformed(at(0, -1), &["evidence.occurred_at.nanos"]);
    malformed(at(0, 1_000_000_000), &["evidence.occurred_at.nanos"]);
    assert!(at(0, 999_999_999).is_ok());
}

#[test]
fn texts_hold_no_control_characters() {
    malformed(
        with_evidence(|e| {
            e.source = "a\nb".to_owned();
            e.wording = "a\0b".to_owned();
            e.wording_version = "\t".to_owned();
            e.language = "en\u{7F}".to_owned();
            e.document_ref = "\u{85}".to_owned();
            e.ip = "\r".to_owned();
            e.user_agent = "\u{1B}[2J".to_owned();
        }),
        &[
            "evidence.source",
            "evidence.wording",
            "evidence.wording_version",
            "evidence.language",
            "evidence.document_ref",
            "evidence.ip",
            "evidence.user_agent",
        ],
    );
    let request = api::WithdrawConsentRequest {
        scopes: vec![brand("festival")],
        reason: "by phone\u{8}".to_owned(),
        ..Default::default()
    };
    malformed(withdraw_consent(request, &catalog()), &["reason"]);
    let request = api::RegisterAddressesRequest {
        controllers: vec!["buehne".to_owned()],
        source: "a\nb".to_owned(),
        portal_session: "\0".to_owned(),
        ..Default::default()
    };
    malformed(register_addresses(request, &catalog()), &["source", "portal_session"]);
}

#[test]
fn a_flood_of_faults_is_cut_off() {
    let few = vec![api::Scope { level: None }; MAX_SCOPES];
    let Err(Refusal::Invalid(invalid)) = with_scopes(few) else { panic!("it was taken") };
    assert_eq!(invalid.violations.len(), MAX_FAULTS);
    malformed(with_scopes(vec![brand("festival"); MAX_SCOPES + 1]), &["scopes"]);
}

#[track_caller]
fn alike<W: TryFrom<i32>, M: std::fmt::Debug>(
    read: fn(i32) -> Option<M>,
    name: fn(&W) -> &'static str,
    known: usize,
) {
    let mut count = 0;
    for number in -2..200 {
        let Some(word) = read(number) else { continue };
        let wire = W::try_from(number).ok().map(|wire| name(&wire).replace('_', "")).unwrap();
        let own = format!("{word:?}").to_ascii_uppercase();
        assert!(wire.ends_with(&own), "{wire} is read as {own}");
        count += 1;
    }
    assert_eq!(count, known);
}

#[test]
fn numbers_are_read_as_the_words_of_their_names() {
    alike(words::channel, api::Channel::as_str_name, 2);
    alike(words::purpose, api::Purpose::as_str_name, 4);
    alike(words::cause, api::BlockCause::as_str_name, 4);
    alike(words::legal_basis, api::LegalBasis::as_str_name, 5);
    alike(words::method, api::Method::as_str_name, 11);
}

#[test]
fn links_are_minted_for_a_named_campaign() {
    let request = api::MintLinksRequest { addresses: addresses(), ..Default::default() };
    malformed(mint_links(request), &["brand", "campaign"]);
}

#[test]
fn a_body_is_kept_for_calls_with_an_id_alone() {
    let named = block_addresses(block(), &catalog()).unwrap().body;
    assert!(named.ends_with(&block().encode_to_vec()));
    let nameless = api::BlockAddressesRequest { request_id: String::new(), ..block() };
    assert!(block_addresses(nameless, &catalog()).unwrap().body.is_empty());
}

#[test]
fn two_calls_with_the_same_octets_are_told_apart() {
    let lift = api::LiftBlocksRequest {
        brands: vec!["festival".to_owned()],
        reason: "r".to_owned(),
        request_id: "1".to_owned(),
        ..Default::default()
    };
    let register = api::RegisterAddressesRequest {
        controllers: vec!["festival".to_owned()],
        portal_session: "r".to_owned(),
        request_id: "1".to_owned(),
        ..Default::default()
    };
    assert_eq!(lift.encode_to_vec(), register.encode_to_vec());
    assert_ne!(body("LiftBlocks", &lift, "1"), body("RegisterAddresses", &register, "1"));
}
