//! What a server's error tells the person at the terminal: what is wrong, where, and what to do.

#![deny(clippy::wildcard_enum_match_arm)]

use std::error::Error;
use std::fmt::Write;

use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::grpc::api::ErrorReason;

/// What to do where a connection broke.
const LOST: &str = "see whether the server still runs, and whether it wants https://";

/// A call that failed, in words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Fault(String);

impl From<Status> for Fault {
    fn from(status: Status) -> Self {
        // Only what arises on this side has a source.
        let is_lost = status.source().is_some();
        let mut text = match (status.message(), status.code()) {
            (message, _) if is_lost => format!("the connection to the server is lost: {message}"),
            ("", code) => format!("the call failed: {code}"),
            (message, _) => message.to_owned(),
        };
        let details = status.get_error_details();
        for violation in details.bad_request().iter().flat_map(|found| &found.field_violations) {
            let found = format!("{}: {}", violation.field, violation.description);
            // The message may say it already.
            if !text.contains(&found) {
                write!(text, "\n  {found}").unwrap_or_default();
            }
        }
        let reason = details.error_info().map_or("", |info| info.reason.as_str());
        if !reason.is_empty() {
            write!(text, "\n  reason: {reason}").unwrap_or_default();
        }
        let known = ErrorReason::from_str_name(&format!("ERROR_REASON_{reason}"));
        if let Some(advice) = known.map_or_else(|| of_code(status.code(), is_lost), of_reason) {
            write!(text, "\n  next: {advice}").unwrap_or_default();
        }
        Self(text)
    }
}

/// What to do next, where there is something to do.
const fn of_reason(reason: ErrorReason) -> Option<&'static str> {
    Some(match reason {
        ErrorReason::Unspecified => return None,
        ErrorReason::InvalidField => "correct what is named above and try again",
        ErrorReason::UnknownBrand => "correct the brand, or add it to the server's catalog file",
        ErrorReason::UnknownCampaign => {
            "correct the campaign, or register it: in the server's catalog file or with \
             RegisterCampaign"
        }
        ErrorReason::UnknownController | ErrorReason::UnknownScope => {
            "correct the name, or add it to the server's catalog file"
        }
        ErrorReason::UnknownCase => "correct the id of the erasure case",
        ErrorReason::UnknownAccessRequest => {
            "correct the id: `maysend access list` names the requests that are open"
        }
        ErrorReason::CampaignRetired => "send another campaign; this one must not go out any more",
        ErrorReason::NoAddresses => "name an address",
        ErrorReason::TooManyAddresses | ErrorReason::RequestTooLarge => "split the list",
        ErrorReason::BadToken => "use a token that this server minted for this purpose",
        ErrorReason::Unauthenticated => {
            "name the file with your key: --credential-file FILE, or MAYSEND_CREDENTIAL_FILE; if \
             you did, have the key looked at: it may be expired or revoked"
        }
        ErrorReason::RoleMissing => "use a credential that has the role",
        ErrorReason::RevisionNotReached => {
            "try again; if it persists, the revision is of another server"
        }
        ErrorReason::Starting => "nothing was written; try again when the server has started",
        ErrorReason::Draining => "nothing was written; try again when the server is back",
        ErrorReason::LedgerLatched => {
            "nothing was written; the server's disk failed: look at its log and restart it"
        }
        ErrorReason::OutcomeUnknown => {
            "it may be recorded or not: look at the history, or repeat the command"
        }
        ErrorReason::DeadlinePassed => {
            "a write may be recorded or not: look at the history, or repeat the command"
        }
        ErrorReason::MessageUnfinished => "nothing was written; try again on a quicker line",
        ErrorReason::NoRoom => "nothing was written; try again when the server is less busy",
        ErrorReason::DiskFull => {
            "no yes was written, noes are taken still; make room on the server's disk"
        }
        ErrorReason::ClockInDoubt => {
            "no yes was written, noes are taken still; set the server's clock, or start it with --accept-clock"
        }
        ErrorReason::RequestIdReused | ErrorReason::CampaignDiffers => "choose another id",
        ErrorReason::SamePerson => "somebody else has to decide this",
        ErrorReason::CaseDecided => "nothing is left to decide",
        ErrorReason::Damaged => "no answer can be trusted: give the incident to the operator",
        ErrorReason::Overloaded => "try again in a moment",
        ErrorReason::BudgetExhausted => {
            "wait, or have the credential's budget raised in the server's credential file"
        }
    })
}

/// What to do next where the error does not come from maysend itself.
const fn of_code(code: Code, is_lost: bool) -> Option<&'static str> {
    match code {
        _ if is_lost => Some(LOST),
        Code::Unavailable | Code::Cancelled => Some(LOST),
        Code::Unimplemented => Some("see whether a maysend server of this version listens there"),
        Code::Ok
        | Code::Unknown
        | Code::InvalidArgument
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Internal
        | Code::DataLoss
        | Code::Unauthenticated => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "plays the server's part")]

    use std::collections::HashMap;

    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn message_field_reason_and_advice_are_shown() {
        let mut details = ErrorDetails::new();
        details.add_bad_request_violation("brands[0]", "no such brand");
        details.set_error_info("UNKNOWN_BRAND", "maysend.v1", HashMap::new());
        let status = Status::with_error_details(Code::NotFound, "unknown brand `x`", details);
        assert_eq!(
            Fault::from(status).to_string(),
            "unknown brand `x`\n  brands[0]: no such brand\n  reason: UNKNOWN_BRAND\n  next: \
             correct the brand, or add it to the server's catalog file"
        );
    }

    #[test]
    fn a_field_is_named_once() {
        let mut details = ErrorDetails::new();
        details.add_bad_request_violation("reason", "is blank");
        let status = Status::with_error_details(Code::InvalidArgument, "reason: is blank", details);
        assert_eq!(Fault::from(status).to_string(), "reason: is blank");
    }

    #[test]
    fn an_error_without_details_is_shown_too() {
        let fault = Fault::from(Status::internal("boom"));
        assert_eq!(fault.to_string(), "boom");
        let fault = Fault::from(Status::unavailable(""));
        assert!(fault.to_string().contains(LOST), "{fault}");
    }

    #[test]
    fn a_reason_of_a_newer_server_is_shown_as_it_is() {
        let details = ErrorDetails::with_error_info("TOO_LATE", "maysend.v1", HashMap::new());
        let status = Status::with_error_details(Code::NotFound, "too late", details);
        assert_eq!(Fault::from(status).to_string(), "too late\n  reason: TOO_LATE");
    }
}
