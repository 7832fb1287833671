//! Why a row is refused before the server hears of it.

use crate::engine::validate::{MAX_REASON, MAX_TEXT, MAX_WORDING};

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Flaw {
    Malformed,
    NotUtf8,
    NoText,
    NoAddress,
    NoState,
    UnknownState,
    NoScope,
    BadScope,
    UnknownScope,
    YesTooBroad,
    BlockOfNoBrand,
    RegistrationOfNoController,
    NoBasis,
    UnknownBasis,
    NoSource,
    NoDate,
    BadDate,
    FutureDate,
    EarlyDate,
    NoReason,
    TooLong,
    ControlCharacters,
    WordingNamesAddress,
}

impl Flaw {
    /// A name for programs.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "MALFORMED_ROW",
            Self::NotUtf8 => "NOT_UTF8",
            Self::NoText => "NO_TEXT",
            Self::NoAddress => "NO_ADDRESS",
            Self::NoState => "NO_STATE",
            Self::UnknownState => "UNKNOWN_STATE",
            Self::NoScope => "NO_SCOPE",
            Self::BadScope => "BAD_SCOPE",
            Self::UnknownScope => "UNKNOWN_SCOPE",
            Self::YesTooBroad => "YES_TOO_BROAD",
            Self::BlockOfNoBrand => "BLOCK_OF_NO_BRAND",
            Self::RegistrationOfNoController => "REGISTRATION_OF_NO_CONTROLLER",
            Self::NoBasis => "NO_BASIS",
            Self::UnknownBasis => "UNKNOWN_BASIS",
            Self::NoSource => "NO_SOURCE",
            Self::NoDate => "NO_DATE",
            Self::BadDate => "BAD_DATE",
            Self::FutureDate => "FUTURE_DATE",
            Self::EarlyDate => "EARLY_DATE",
            Self::NoReason => "NO_REASON",
            Self::TooLong => "TOO_LONG",
            Self::ControlCharacters => "CONTROL_CHARACTERS",
            Self::WordingNamesAddress => "WORDING_NAMES_ADDRESS",
        }
    }

    /// What is wrong, and what would do.
    pub(super) fn explanation(self) -> String {
        let text = match self {
            Self::Malformed => "the row cannot be read; look at its quotes",
            Self::NotUtf8 => "a field is not UTF-8; save the file as UTF-8",
            Self::NoText => "a value is no text; put it into quotes",
            Self::NoAddress => "the row has no address",
            Self::NoState => "the row has no state; give a column `state`, or --state",
            Self::UnknownState => {
                "the state is none of granted, refused, opted-out, blocked, registered"
            }
            Self::NoScope => "the row has no scope; give a column `scope`, or --scope",
            Self::BadScope => {
                "the scope is not written as everything, controller:ID, brand:ID or \
                 topic:BRAND/TOPIC"
            }
            Self::UnknownScope => "the server's catalog has no such controller, brand or topic",
            Self::YesTooBroad => "a yes is to a brand or a topic: nobody consents to more",
            Self::BlockOfNoBrand => "a block is of a brand, no other scope",
            Self::RegistrationOfNoController => {
                "a registration is with a controller, no other scope"
            }
            Self::NoBasis => "a yes needs its basis: consent or existing-customer",
            Self::UnknownBasis => "the basis is neither consent nor existing-customer",
            Self::NoSource => "a yes needs its source: where it was given",
            Self::NoDate => "a yes needs occurred_at: when it was given",
            Self::BadDate => {
                "occurred_at is no date such as 2024-05-31, and no instant such as \
                 2024-05-31T09:30:00Z"
            }
            Self::FutureDate => "occurred_at lies in the future",
            Self::EarlyDate => "occurred_at lies before 1970",
            Self::NoReason => "a block needs its reason",
            Self::TooLong => {
                return format!(
                    "a text is too long: a reason has at most {MAX_REASON} characters, a wording \
                     {MAX_WORDING} octets, every other text with what it gets {MAX_TEXT}"
                );
            }
            Self::ControlCharacters => "a text holds control characters",
            Self::WordingNamesAddress => {
                "the wording, its version or its language holds the address; it is shared by all who \
                 saw it and must name nobody"
            }
        };
        text.to_owned()
    }
}
