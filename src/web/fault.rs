//! What a page says where something does not go: which status, and which words.
//!
//! A link that is not ours looks the same whatever is wrong with it.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::told::Told;
use super::visit::Visit;
use super::words::{self, Words};
use crate::engine::error::EngineError;

/// Why there is no such page, or nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The link is altered, incomplete, foreign, or of something that is gone.
    UnknownLink,
    /// The link no longer proves the mailbox.
    TooOld,
    /// There is no such page.
    NothingHere,
    /// The form is not one of ours.
    Malformed,
    /// The form is larger than any of ours.
    TooLarge,
    /// The form bears no seal of this link: the page must be loaded and the button pressed.
    Unsealed,
    /// Too many sign-ups from one network.
    TooFast,
    /// Nothing was written, and later it goes.
    Later,
    /// It may have been written.
    Unknown,
    /// The server has a fault of its own.
    Broken,
}

impl From<EngineError> for Fault {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::BadToken
            | EngineError::UnknownBrand { .. }
            | EngineError::UnknownController { .. }
            | EngineError::UnknownCampaign { .. }
            | EngineError::UnknownCase { .. }
            | EngineError::UnknownAccessRequest { .. }
            | EngineError::CampaignRetired { .. } => Self::UnknownLink,
            EngineError::TokenExpired => Self::TooOld,
            EngineError::Invalid(_)
            | EngineError::TooManyAddresses { .. }
            | EngineError::WriteTooLarge { .. }
            | EngineError::RequestIdReused { .. }
            | EngineError::CaseDecided { .. }
            | EngineError::CampaignDiffers { .. } => Self::Malformed,
            EngineError::RevisionNotReached { .. }
            | EngineError::TooManyWatches { .. }
            | EngineError::ClockInDoubt
            | EngineError::Stopping
            | EngineError::Latched
            | EngineError::DiskFull => Self::Later,
            EngineError::OutcomeUnknown => Self::Unknown,
            EngineError::Forbidden(_)
            | EngineError::SamePerson { .. }
            | EngineError::Damaged { .. } => {
                tracing::error!(%error, "a page of an owner failed");
                Self::Broken
            }
        }
    }
}

impl Fault {
    /// What is told of yeses whose noes are recorded.
    pub(super) fn of_yeses(self, words: &Words) -> &'static str {
        if self == Self::Unknown {
            words.unknown_text
        } else if self == Self::Malformed {
            words.stands_in_the_way
        } else {
            words.yes_later
        }
    }

    /// Its page.
    pub(super) fn page(self, visit: &Visit) -> Response {
        let words = words::of(visit.language);
        let (status, title, text) = match self {
            Self::UnknownLink => (StatusCode::NOT_FOUND, words.no_link, words.no_link_text),
            Self::TooOld => (StatusCode::FORBIDDEN, words.rights, words.too_old_text),
            Self::NothingHere => (StatusCode::NOT_FOUND, words.no_page, words.no_page_text),
            Self::Malformed => (StatusCode::BAD_REQUEST, words.not_done, words.malformed_text),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, words.not_done, words.malformed_text),
            Self::Unsealed => (StatusCode::BAD_REQUEST, words.not_done, words.unsealed_text),
            Self::TooFast => (StatusCode::TOO_MANY_REQUESTS, words.not_done, words.too_fast_text),
            Self::Later => (StatusCode::SERVICE_UNAVAILABLE, words.not_done, words.later_text),
            Self::Unknown => (StatusCode::SERVICE_UNAVAILABLE, words.unknown, words.unknown_text),
            Self::Broken => (StatusCode::INTERNAL_SERVER_ERROR, words.not_done, words.later_text),
        };
        let mut response = Told::bare(visit.language, title, text).page(status).into_response();
        let wait = match self {
            Self::TooFast => "3600",
            Self::Later | Self::Unknown => "60",
            _ => return response,
        };
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(wait));
        response
    }
}
