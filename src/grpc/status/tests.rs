use prost::Message;
use prost_types::FileDescriptorSet;
use tonic_types::{ErrorInfo, StatusExt};

use super::*;
use crate::authorize::SamePerson;
use crate::grpc::DESCRIPTOR;
use crate::model::revision::Revision;

/// What somebody may have put anywhere.
const ADDRESS: &str = "anna.berger@example.com";

fn violation(field: &str) -> Violation {
    Violation { field: field.to_owned(), problem: "is mandatory".to_owned() }
}

fn invalid(fields: &[&str]) -> InvalidRequest {
    InvalidRequest { violations: fields.iter().map(|field| violation(field)).collect() }
}

/// One of each. A new variant does not build here until it has its line below.
fn engine_errors() -> Vec<(EngineError, Code, &'static str)> {
    let (brand, campaign) = ("festival".to_owned(), "2026-11-advent".to_owned());
    let named = |make: fn(String, String) -> EngineError| make(brand.clone(), campaign.clone());
    let known: fn(&EngineError) = |error| match error {
        EngineError::Invalid(_)
        | EngineError::Forbidden(_)
        | EngineError::SamePerson { .. }
        | EngineError::UnknownCase { .. }
        | EngineError::UnknownAccessRequest { .. }
        | EngineError::CaseDecided { .. }
        | EngineError::UnknownBrand { .. }
        | EngineError::UnknownController { .. }
        | EngineError::UnknownCampaign { .. }
        | EngineError::CampaignRetired { .. }
        | EngineError::CampaignDiffers { .. }
        | EngineError::TooManyAddresses { .. }
        | EngineError::WriteTooLarge { .. }
        | EngineError::BadToken
        | EngineError::TokenExpired
        | EngineError::RequestIdReused { .. }
        | EngineError::RevisionNotReached { .. }
        | EngineError::TooManyWatches { .. }
        | EngineError::ClockInDoubt
        | EngineError::Stopping
        | EngineError::Latched
        | EngineError::DiskFull
        | EngineError::OutcomeUnknown
        | EngineError::Damaged { .. } => {}
    };
    let all = vec![
        (invalid(&["reason"]).into(), Code::InvalidArgument, "INVALID_FIELD"),
        (invalid(&["addresses"]).into(), Code::InvalidArgument, "NO_ADDRESSES"),
        (
            Forbidden { needs: &[Role::Staff, Role::Admin] }.into(),
            Code::PermissionDenied,
            "ROLE_MISSING",
        ),
        (
            EngineError::SamePerson { id: "00c0ffee".to_owned(), why: SamePerson::Actor },
            Code::PermissionDenied,
            "SAME_PERSON",
        ),
        (EngineError::UnknownCase { id: "00c0ffee".to_owned() }, Code::NotFound, "UNKNOWN_CASE"),
        (
            EngineError::UnknownAccessRequest { id: "17".to_owned() },
            Code::NotFound,
            "UNKNOWN_ACCESS_REQUEST",
        ),
        (
            EngineError::CaseDecided { id: "00c0ffee".to_owned(), state: CaseState::Rejected },
            Code::FailedPrecondition,
            "CASE_DECIDED",
        ),
        (EngineError::UnknownBrand { brand: brand.clone() }, Code::NotFound, "UNKNOWN_BRAND"),
        (
            EngineError::UnknownController { controller: "buehne".to_owned() },
            Code::NotFound,
            "UNKNOWN_CONTROLLER",
        ),
        (
            named(|brand, campaign| EngineError::UnknownCampaign { brand, campaign }),
            Code::NotFound,
            "UNKNOWN_CAMPAIGN",
        ),
        (
            named(|brand, campaign| EngineError::CampaignRetired { brand, campaign }),
            Code::NotFound,
            "CAMPAIGN_RETIRED",
        ),
        (
            named(|brand, campaign| EngineError::CampaignDiffers { brand, campaign }),
            Code::AlreadyExists,
            "CAMPAIGN_DIFFERS",
        ),
        (
            EngineError::TooManyAddresses { limit: 10_000, got: 10_001 },
            Code::ResourceExhausted,
            "TOO_MANY_ADDRESSES",
        ),
        (
            EngineError::WriteTooLarge { limit: 64 << 20 },
            Code::ResourceExhausted,
            "REQUEST_TOO_LARGE",
        ),
        (EngineError::BadToken, Code::PermissionDenied, "BAD_TOKEN"),
        (EngineError::TokenExpired, Code::PermissionDenied, "BAD_TOKEN"),
        (
            EngineError::RequestIdReused { id: "crm-4711".to_owned() },
            Code::AlreadyExists,
            "REQUEST_ID_REUSED",
        ),
        (
            EngineError::RevisionNotReached { asked: Revision::new(9), head: Revision::new(7) },
            Code::Unavailable,
            "REVISION_NOT_REACHED",
        ),
        (EngineError::TooManyWatches { limit: 64 }, Code::Unavailable, "OVERLOADED"),
        (EngineError::ClockInDoubt, Code::Unavailable, "CLOCK_IN_DOUBT"),
        (EngineError::Stopping, Code::Unavailable, "DRAINING"),
        (EngineError::Latched, Code::Unavailable, "LEDGER_LATCHED"),
        (EngineError::DiskFull, Code::ResourceExhausted, "DISK_FULL"),
        (EngineError::OutcomeUnknown, Code::Unknown, "OUTCOME_UNKNOWN"),
        (EngineError::Damaged { incident: "7f3a9c".to_owned() }, Code::Internal, "DAMAGED"),
    ];
    all.iter().for_each(|(error, ..)| known(error));
    all
}

fn info(status: &Status) -> ErrorInfo {
    status.get_details_error_info().unwrap()
}

fn fields(status: &Status) -> Vec<String> {
    let violations = status.get_details_bad_request().map(|request| request.field_violations);
    violations.into_iter().flatten().map(|violation| violation.field).collect()
}

#[track_caller]
fn metadata(status: &Status, expected: &[(&str, &str)]) {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    assert_eq!(info(status).metadata, expected.iter().map(owned).collect());
}

#[test]
fn every_engine_error_has_its_code_and_reason() {
    for (error, code, reason) in engine_errors() {
        let status = Status::from(error.clone());
        assert_eq!(status.code(), code, "{error:?}");
        assert_eq!(info(&status).reason, reason, "{error:?}");
        assert_eq!(info(&status).domain, "maysend.v1", "{error:?}");
        let prefixed = format!("ERROR_REASON_{reason}");
        assert!(ErrorReason::from_str_name(&prefixed).is_some(), "{reason}");
    }
}

#[test]
fn messages_are_one_clause_without_full_stop() {
    for (error, ..) in engine_errors() {
        let status = Status::from(error);
        let message = status.message();
        assert!(!message.is_empty());
        assert!(!message.ends_with('.') && !message.contains('\n'), "{message}");
        assert!(!message.starts_with(|c: char| c.is_ascii_uppercase()), "{message}");
    }
}

#[test]
fn a_program_gets_the_variable_parts_as_metadata() {
    let status = |error: EngineError| Status::from(error);
    let (brand, campaign) = ("festival".to_owned(), "advent".to_owned());
    metadata(
        &status(EngineError::UnknownCampaign { brand, campaign }),
        &[("brand", "festival"), ("campaign", "advent")],
    );
    metadata(
        &status(EngineError::TooManyAddresses { limit: 10_000, got: 10_001 }),
        &[("limit", "10000"), ("found", "10001")],
    );
    let (asked, head) = (Revision::new(9), Revision::new(7));
    metadata(
        &status(EngineError::RevisionNotReached { asked, head }),
        &[("at_least_revision", "9"), ("revision", "7")],
    );
    metadata(
        &status(Forbidden { needs: &[Role::Staff, Role::Admin] }.into()),
        &[("roles", "staff, admin")],
    );
    metadata(
        &status(EngineError::Damaged { incident: "7f3a9c".to_owned() }),
        &[("incident", "7f3a9c")],
    );
    metadata(&status(EngineError::BadToken), &[]);
}

#[test]
fn only_what_may_succeed_soon_says_when_to_retry() {
    let retried: Vec<&str> = engine_errors()
        .into_iter()
        .filter(|(error, ..)| Status::from(error.clone()).get_details_retry_info().is_some())
        .map(|(_, _, reason)| reason)
        .collect();
    assert_eq!(retried, ["REVISION_NOT_REACHED", "OVERLOADED", "DRAINING", "OUTCOME_UNKNOWN"]);
}

#[test]
fn every_field_at_fault_is_named() {
    let status = Status::from(EngineError::from(invalid(&["reason", "scopes[1]"])));
    assert_eq!(fields(&status), ["reason", "scopes[1]"]);
    assert_eq!(status.message(), "reason: is mandatory; and 1 more, see the details");
    metadata(&status, &[("field", "reason")]);
}

#[test]
fn a_flood_of_faults_stays_within_a_header() {
    let many: Vec<String> = (0..1_000).map(|i| format!("choices[{i}].scope.topic.topic")).collect();
    let names: Vec<&str> = many.iter().map(String::as_str).collect();
    let status = Status::from(EngineError::from(invalid(&names)));
    assert_eq!(fields(&status).len(), MAX_FAULTS);
    // Base64 makes four octets of three.
    let sent = status.details().len() * 4 / 3 + status.message().len();
    assert!(sent < 6 * 1024, "{sent} octets");
}

#[test]
fn a_name_that_the_catalog_lacks_is_not_found_and_its_field_is_named() {
    let violations = vec![violation("brands[1]")];
    let name = Name::Brand("festival".to_owned());
    let status = Status::from(Refusal::Unknown { name, violations: violations.clone() });
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(info(&status).reason, "UNKNOWN_BRAND");
    metadata(&status, &[("brand", "festival")]);
    assert_eq!(fields(&status), ["brands[1]"]);
    let name = Name::Controller("buehne".to_owned());
    let status = Status::from(Refusal::Unknown { name, violations });
    assert_eq!(info(&status).reason, "UNKNOWN_CONTROLLER");
}

#[test]
fn a_scope_that_the_catalog_lacks_is_an_invalid_argument() {
    let violations = vec![violation("scopes[1].topic.brand")];
    let status = Status::from(Refusal::Unknown { name: Name::Scope, violations });
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(info(&status).reason, "UNKNOWN_SCOPE");
    metadata(&status, &[("field", "scopes[1].topic.brand")]);
    assert_eq!(fields(&status), ["scopes[1].topic.brand"]);
}

/// The code that `error_reason.proto` promises with a reason.
fn promised(reason: &str) -> String {
    let files = FileDescriptorSet::decode(DESCRIPTOR).unwrap().file;
    let file = files.iter().find(|file| file.name().ends_with("error_reason.proto")).unwrap();
    let reasons = &file.enum_type[0].value;
    let place = reasons
        .iter()
        .position(|value| value.name().strip_prefix("ERROR_REASON_").unwrap() == reason);
    // In a descriptor 5 is the field of enums, and 2 that of an enum's values.
    let path = [5, 0, 2, i32::try_from(place.unwrap()).unwrap()];
    let places = &file.source_code_info.as_ref().unwrap().location;
    let comment = places.iter().find(|place| place.path == path).unwrap().leading_comments();
    let (_, code) = comment.split_once("Code: ").unwrap();
    code.split('.').next().unwrap().replace('_', "")
}

#[test]
fn every_reason_comes_with_the_code_that_the_contract_promises() {
    let engine = engine_errors().into_iter().map(|(error, ..)| Status::from(error));
    let violations = vec![violation("scopes[0].brand")];
    let edge = [
        Refusal::Unknown { name: Name::Scope, violations },
        Refusal::TooLarge { limit: None },
        Refusal::NoRoom,
        Refusal::DeadlinePassed,
        Refusal::Unfinished,
    ];
    for status in engine.chain(edge.into_iter().map(Status::from)) {
        let reason = info(&status).reason;
        let code = format!("{:?}", status.code());
        assert!(promised(&reason).eq_ignore_ascii_case(&code), "{reason}: {code}");
    }
}

#[test]
fn no_status_repeats_an_address_from_a_wrong_field() {
    let address = || ADDRESS.to_owned();
    let wrong = [
        EngineError::UnknownBrand { brand: address() },
        EngineError::UnknownController { controller: address() },
        EngineError::UnknownCampaign { brand: address(), campaign: address() },
        EngineError::CampaignRetired { brand: address(), campaign: address() },
        EngineError::CampaignDiffers { brand: address(), campaign: address() },
        EngineError::RequestIdReused { id: address() },
        EngineError::UnknownCase { id: address() },
        EngineError::UnknownAccessRequest { id: address() },
    ];
    let engine = wrong.into_iter().map(Status::from);
    let names = [Name::Brand(address()), Name::Controller(address())];
    let edge = names
        .into_iter()
        .map(|name| Status::from(Refusal::Unknown { name, violations: Vec::new() }));
    for status in engine.chain(edge) {
        let details = String::from_utf8_lossy(status.details()).into_owned();
        for shown in [status.message(), &details] {
            assert!(!shown.contains("anna"), "{status:?}");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "stands for what tonic answers by itself")]
fn of_tonic(code: Code, message: &str) -> Status {
    Status::new(code, message)
}

#[test]
fn what_tonic_finds_too_large_is_answered_in_our_terms() {
    let said = "Error, decoded message length too large: found 9 bytes, the limit is: 8 bytes";
    let response: Response<String> = translate(of_tonic(Code::OutOfRange, said).into_http());
    let status = Status::from_header_map(response.headers()).unwrap();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(info(&status).reason, "REQUEST_TOO_LARGE");
    metadata(&status, &[("limit_bytes", "8")]);
    metadata(&of_transport(of_tonic(Code::OutOfRange, "another wording")), &[]);
}

#[test]
fn what_else_tonic_answers_stays() {
    let response: Response<String> = translate(of_tonic(Code::Internal, "why").into_http());
    let status = Status::from_header_map(response.headers()).unwrap();
    assert_eq!((status.code(), status.message()), (Code::Internal, "why"));
    let answer = translate(Response::new("octets".to_owned()));
    assert_eq!(answer.body(), "octets");
}
