//! The one place where verdicts and outcomes become sentences.

#![deny(clippy::wildcard_enum_match_arm)]

use crate::grpc::api;
use crate::model::language::Language;
use crate::model::verdict::{Verdict, WriteOutcome};
use crate::sheet;

/// A verdict as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    /// The name in the proto files.
    pub(super) name: String,
    /// Why, in a few words about the owner of the address.
    pub(super) explanation: &'static str,
    /// Whether the message may go.
    pub(super) allowed: bool,
}

/// What the verdict of this code means. One of a newer server has a number for a name.
pub(super) fn verdict(code: u8) -> Words {
    let allowed = code >= Verdict::FIRST_ALLOWED;
    match (Verdict::from_code(code), api::Verdict::try_from(i32::from(code))) {
        (Some(verdict), Ok(named)) => Words {
            name: named.as_str_name().to_owned(),
            explanation: explanation(verdict),
            allowed,
        },
        _ => Words {
            name: format!("VERDICT_{code}"),
            explanation: if allowed {
                "allowed for a reason that this program does not know"
            } else {
                "denied for a reason that this program does not know"
            },
            allowed,
        },
    }
}

/// Why, in plain language: in the words of data sheets too.
pub(super) const fn explanation(verdict: Verdict) -> &'static str {
    sheet::words::verdict(verdict).to(Language::English)
}

/// An outcome as it is shown: its name in the proto files, and what became of the write.
pub(super) fn outcome(number: i32) -> (String, &'static str) {
    let known = u8::try_from(number).ok().and_then(WriteOutcome::from_code);
    match (known, api::WriteOutcome::try_from(number)) {
        (Some(outcome), Ok(named)) => (named.as_str_name().to_owned(), result(outcome)),
        _ => (format!("WRITE_OUTCOME_{number}"), "an outcome that this program does not know"),
    }
}

/// Whether the write stands now.
pub(super) fn stands(number: i32) -> bool {
    let known = u8::try_from(number).ok().and_then(WriteOutcome::from_code);
    matches!(known, Some(WriteOutcome::Applied | WriteOutcome::Unchanged))
}

/// What became of a write, in plain language.
pub(super) const fn result(outcome: WriteOutcome) -> &'static str {
    match outcome {
        WriteOutcome::Applied => "recorded",
        WriteOutcome::Unchanged => "stood so already",
        WriteOutcome::InvalidAddress => "rejected: not a valid e-mail address",
        WriteOutcome::OptedOut => "rejected: the owner opted out, and only the owner can undo it",
        WriteOutcome::Refused => "rejected: the owner refused, and only the owner can undo it",
        WriteOutcome::Blocked => "rejected: a block of the brand stands in the way",
        WriteOutcome::Complaint => "rejected: the owner reported mail of the brand as spam",
        WriteOutcome::Policy => "rejected: the policy of the brand or company forbids it",
        WriteOutcome::RecentlyAsked => "rejected: asked too recently or too often",
        WriteOutcome::UnknownAddress => "rejected: not on file with the company behind the brand",
        WriteOutcome::ErasurePending => "rejected: erasure of all data is requested",
        WriteOutcome::Erased => "rejected: all data were erased",
        WriteOutcome::AlreadyGranted => "rejected: there is nothing to ask for",
        WriteOutcome::Proof => {
            "rejected: it needs proof through the mailbox, or a logged-in session"
        }
    }
}

/// `CONSENT_STATE_GRANTED` as `granted`: the name of an enum's value without its prefix.
pub(super) fn plain(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_lowercase().replace('_', " ")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_verdict_has_a_name_and_a_sentence_of_its_own() {
        let mut seen = HashSet::new();
        for known in Verdict::ALL {
            let words = verdict(known.code());
            assert_eq!(words.allowed, known.allows());
            let side = if words.allowed { "VERDICT_ALLOWED_" } else { "VERDICT_DENIED_" };
            assert!(words.name.starts_with(side), "{}", words.name);
            assert!(seen.insert(words.explanation), "{}", words.explanation);
        }
    }

    #[test]
    fn an_unknown_verdict_is_on_the_side_of_its_number() {
        assert!(!verdict(0).allowed);
        assert!(!verdict(63).allowed);
        assert!(verdict(99).allowed);
        assert_eq!(verdict(63).name, "VERDICT_63");
    }

    #[test]
    fn every_outcome_has_a_name_and_only_two_stand() {
        for known in WriteOutcome::ALL {
            let number = i32::from(known.code());
            let (name, result) = outcome(number);
            assert_eq!(name.contains("REJECTED"), result.starts_with("rejected"), "{name}");
            assert_eq!(stands(number), !name.contains("REJECTED"), "{name}");
        }
        assert!(!stands(0));
        assert!(!stands(99));
    }
}
