//! The one place where an error becomes a `tonic::Status`: its code, its reason, what else a
//! program needs to know, and a clause for people.
//!
//! Each carries an `ErrorInfo` (domain `maysend.v1`, reasons of `error_reason.proto`), a
//! `BadRequest` where fields are at fault, and a `RetryInfo` where the same call may succeed soon.
//! No text of a caller is shown that could be an address: words of the catalog and ids alone.
#![deny(clippy::wildcard_enum_match_arm)]

use std::collections::HashMap;
use std::time::Duration;

use tonic::codegen::http::header::CONTENT_TYPE;
use tonic::codegen::http::{HeaderMap, Response};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use super::api::ErrorReason;
use super::refusal::{MAX_FAULTS, Name, Refusal};
use crate::authorize::Forbidden;
use crate::credentials::Exhausted;
use crate::engine::erasure::CaseState;
use crate::engine::error::{EngineError, InvalidRequest, Violation};
use crate::model::actor::Role;
use crate::model::campaign::is_id;

/// Whose reasons these are.
const DOMAIN: &str = "maysend.v1";

/// When to try again what may succeed soon: a restart takes about that long, a revision less.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// What stands in the place of a caller's text that is not shown.
const NOT_SHOWN: &str = "(not an id)";

impl From<EngineError> for Status {
    fn from(error: EngineError) -> Self {
        Failure::from_engine(error).into_status()
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        Failure::from_refusal(refusal).into_status()
    }
}

/// The answer to a call whose message tonic found too large, in the terms of our own errors; any
/// other answer as it is.
pub(super) fn translate<B: Default>(response: Response<B>) -> Response<B> {
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() == Code::OutOfRange => of_transport(status).into_http(),
        Some(_) | None => response,
    }
}

/// A status as the trailers of a stream that ends by it.
pub(super) fn trailers(status: Status) -> HeaderMap {
    let mut head = status.into_http::<()>().into_parts().0.headers;
    head.remove(CONTENT_TYPE);
    head
}

/// What tonic says of a message that it did not read. It alone uses OUT_OF_RANGE, and for messages
/// that are too large alone.
pub(super) fn of_transport(status: Status) -> Status {
    if status.code() != Code::OutOfRange {
        return status;
    }
    let limit = status.message().rsplit_once("the limit is: ").and_then(|(_, limit)| {
        let digits = limit.split(' ').next()?;
        digits.parse().ok()
    });
    Refusal::TooLarge { limit }.into()
}

/// All that a status says.
#[derive(Debug)]
struct Failure {
    code: Code,
    reason: ErrorReason,
    message: String,
    metadata: Vec<(&'static str, String)>,
    violations: Vec<Violation>,
    retry: Option<Duration>,
}

impl Failure {
    fn new(code: Code, reason: ErrorReason, message: impl ToString) -> Self {
        let message = message.to_string();
        Self { code, reason, message, metadata: Vec::new(), violations: Vec::new(), retry: None }
    }

    fn with(mut self, key: &'static str, value: impl ToString) -> Self {
        self.metadata.push((key, value.to_string()));
        self
    }

    fn retried(self) -> Self {
        Self { retry: Some(RETRY_DELAY), ..self }
    }

    fn from_engine(error: EngineError) -> Self {
        let error = without_foreign_text(error);
        let message = error.to_string();
        let failure = |code, reason| Self::new(code, reason, &message);
        match error {
            EngineError::Invalid(InvalidRequest { violations }) => Self::invalid(violations),
            EngineError::Forbidden(Forbidden { needs }) => Self::forbidden(needs),
            EngineError::SamePerson { id, why: _ } => {
                failure(Code::PermissionDenied, ErrorReason::SamePerson).with("id", id)
            }
            EngineError::UnknownCase { id } => {
                failure(Code::NotFound, ErrorReason::UnknownCase).with("id", id)
            }
            EngineError::UnknownAccessRequest { id } => {
                failure(Code::NotFound, ErrorReason::UnknownAccessRequest).with("id", id)
            }
            EngineError::CaseDecided { id, state } => {
                let state = match state {
                    CaseState::Pending => "PENDING",
                    CaseState::Rejected => "REJECTED",
                    CaseState::Erased => "ERASED",
                };
                failure(Code::FailedPrecondition, ErrorReason::CaseDecided)
                    .with("id", id)
                    .with("state", state)
            }
            EngineError::UnknownBrand { brand } => {
                failure(Code::NotFound, ErrorReason::UnknownBrand).with("brand", brand)
            }
            EngineError::UnknownController { controller } => {
                failure(Code::NotFound, ErrorReason::UnknownController)
                    .with("controller", controller)
            }
            EngineError::UnknownCampaign { brand, campaign } => {
                failure(Code::NotFound, ErrorReason::UnknownCampaign)
                    .with("brand", brand)
                    .with("campaign", campaign)
            }
            EngineError::CampaignRetired { brand, campaign } => {
                failure(Code::NotFound, ErrorReason::CampaignRetired)
                    .with("brand", brand)
                    .with("campaign", campaign)
            }
            EngineError::CampaignDiffers { brand, campaign } => {
                failure(Code::AlreadyExists, ErrorReason::CampaignDiffers)
                    .with("brand", brand)
                    .with("campaign", campaign)
            }
            EngineError::TooManyAddresses { limit, got } => {
                failure(Code::ResourceExhausted, ErrorReason::TooManyAddresses)
                    .with("limit", limit)
                    .with("found", got)
            }
            EngineError::WriteTooLarge { limit } => {
                failure(Code::ResourceExhausted, ErrorReason::RequestTooLarge)
                    .with("limit_bytes", limit)
            }
            EngineError::BadToken | EngineError::TokenExpired => {
                failure(Code::PermissionDenied, ErrorReason::BadToken)
            }
            EngineError::RequestIdReused { id } => {
                failure(Code::AlreadyExists, ErrorReason::RequestIdReused).with("request_id", id)
            }
            EngineError::RevisionNotReached { asked, head } => {
                failure(Code::Unavailable, ErrorReason::RevisionNotReached)
                    .with("at_least_revision", asked)
                    .with("revision", head)
                    .retried()
            }
            EngineError::TooManyWatches { limit } => {
                failure(Code::Unavailable, ErrorReason::Overloaded).with("limit", limit).retried()
            }
            EngineError::ClockInDoubt => failure(Code::Unavailable, ErrorReason::ClockInDoubt),
            EngineError::Stopping => failure(Code::Unavailable, ErrorReason::Draining).retried(),
            EngineError::Latched => failure(Code::Unavailable, ErrorReason::LedgerLatched),
            EngineError::DiskFull => failure(Code::ResourceExhausted, ErrorReason::DiskFull),
            EngineError::OutcomeUnknown => {
                failure(Code::Unknown, ErrorReason::OutcomeUnknown).retried()
            }
            EngineError::Damaged { incident } => {
                failure(Code::Internal, ErrorReason::Damaged).with("incident", incident)
            }
        }
    }

    fn from_refusal(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::Invalid(InvalidRequest { violations }) => Self::invalid(violations),
            Refusal::Unknown { name, violations } => {
                let error = match name {
                    Name::Brand(brand) => EngineError::UnknownBrand { brand },
                    Name::Controller(controller) => EngineError::UnknownController { controller },
                    Name::Scope => {
                        let reason = ErrorReason::UnknownScope;
                        return Self { reason, ..Self::invalid(violations) };
                    }
                };
                Self { violations, ..Self::from_engine(error) }
            }
            Refusal::Campaign(error) => Self::from_engine(error),
            Refusal::Unauthenticated => {
                Self::new(Code::Unauthenticated, ErrorReason::Unauthenticated, message)
            }
            Refusal::Exhausted(exhausted) => Self::exhausted(&exhausted, message),
            Refusal::TooLarge { limit } => {
                let failure =
                    Self::new(Code::ResourceExhausted, ErrorReason::RequestTooLarge, message);
                match limit {
                    Some(limit) => failure.with("limit_bytes", limit),
                    None => failure,
                }
            }
            Refusal::NoRoom => {
                Self::new(Code::ResourceExhausted, ErrorReason::NoRoom, message).retried()
            }
            Refusal::DeadlinePassed => {
                Self::new(Code::DeadlineExceeded, ErrorReason::DeadlinePassed, message)
            }
            Refusal::Unfinished => {
                Self::new(Code::DeadlineExceeded, ErrorReason::MessageUnfinished, message)
            }
        }
    }

    fn invalid(mut violations: Vec<Violation>) -> Self {
        let count = violations.len();
        violations.truncate(MAX_FAULTS);
        let mut message = "the request is malformed".to_owned();
        let (mut field, mut reason) = (String::new(), ErrorReason::InvalidField);
        if let Some(first) = violations.first() {
            message = format!("{}: {}", first.field, first.problem);
            field.clone_from(&first.field);
            if count == 1 && ["addresses", "facts"].contains(&field.as_str()) {
                reason = ErrorReason::NoAddresses;
            }
        }
        if count > 1 {
            message += &format!("; and {} more, see the details", count - 1);
        }
        let failure = Self::new(Code::InvalidArgument, reason, message).with("field", field);
        Self { violations, ..failure }
    }

    fn exhausted(exhausted: &Exhausted, message: String) -> Self {
        let (budget, limit, retry) = match *exhausted {
            Exhausted::Rate { limit, retry } => ("addresses_per_minute", limit, Some(retry)),
            Exhausted::LargerThanRate { limit } => ("addresses_per_minute", limit, None),
            Exhausted::Distinct { limit, retry } => ("distinct_addresses_per_day", limit, retry),
        };
        let failure = Self::new(Code::ResourceExhausted, ErrorReason::BudgetExhausted, message);
        let failure = failure.with("budget", budget).with("limit", limit);
        Self { retry, ..failure }
    }

    fn forbidden(needs: &[Role]) -> Self {
        let roles: Vec<&str> = needs.iter().map(|role| role_name(*role)).collect();
        let roles = roles.join(", ");
        let message = format!("the credential may not do this; it takes one of the roles {roles}");
        Self::new(Code::PermissionDenied, ErrorReason::RoleMissing, message).with("roles", roles)
    }

    fn into_status(self) -> Status {
        let Self { code, reason, message, metadata, violations, retry } = self;
        let metadata: HashMap<String, String> =
            metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let mut details = ErrorDetails::with_error_info(reason_name(reason), DOMAIN, metadata);
        if !violations.is_empty() {
            let fields = violations.into_iter().map(|v| FieldViolation::new(v.field, v.problem));
            details.set_bad_request(fields.collect::<Vec<_>>());
        }
        if retry.is_some() {
            details.set_retry_info(retry);
        }
        Status::with_error_details(code, message, details)
    }
}

/// `UNKNOWN_BRAND`.
fn reason_name(reason: ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("ERROR_REASON_").unwrap_or(name)
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Sender => "sender",
        Role::Staff => "staff",
        Role::Portal => "portal",
        Role::System => "system",
        Role::Reviewer => "reviewer",
        Role::Admin => "admin",
    }
}

/// The error with each word that the caller wrote and that no catalog could hold taken out: people
/// put addresses into the wrong field.
fn without_foreign_text(error: EngineError) -> EngineError {
    let shown = |word: String| if is_id(&word) { word } else { NOT_SHOWN.to_owned() };
    match error {
        EngineError::UnknownBrand { brand } => EngineError::UnknownBrand { brand: shown(brand) },
        EngineError::UnknownController { controller } => {
            EngineError::UnknownController { controller: shown(controller) }
        }
        EngineError::UnknownCampaign { brand, campaign } => {
            EngineError::UnknownCampaign { brand: shown(brand), campaign: shown(campaign) }
        }
        EngineError::CampaignRetired { brand, campaign } => {
            EngineError::CampaignRetired { brand: shown(brand), campaign: shown(campaign) }
        }
        EngineError::CampaignDiffers { brand, campaign } => {
            EngineError::CampaignDiffers { brand: shown(brand), campaign: shown(campaign) }
        }
        EngineError::UnknownCase { id } => EngineError::UnknownCase { id: shown(id) },
        EngineError::UnknownAccessRequest { id } => {
            EngineError::UnknownAccessRequest { id: shown(id) }
        }
        EngineError::RequestIdReused { id } if id.contains('@') => {
            EngineError::RequestIdReused { id: NOT_SHOWN.to_owned() }
        }
        error @ (EngineError::Invalid(_)
        | EngineError::Forbidden(_)
        | EngineError::SamePerson { .. }
        | EngineError::CaseDecided { .. }
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
        | EngineError::Damaged { .. }) => error,
    }
}

#[cfg(test)]
mod tests;
