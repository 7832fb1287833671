//! The words that the catalog file has for closed choices. Each list goes from strict to loose, so
//! that "looser" is a comparison of places; `reload::loosened` relies on it.

use super::{
    ConsentRequests, Marketing, PlusTags, StaffConsent, StaffResubscribe, UnknownAddresses,
};
use crate::model::campaign::{Channel, Purpose};

/// Words and what they stand for.
pub(super) type Words<T> = [(&'static str, T)];

pub(super) const MARKETING: &Words<Marketing> =
    &[("opt-in", Marketing::OptIn), ("opt-out", Marketing::OptOut)];

pub(super) const UNKNOWN_ADDRESS: &Words<UnknownAddresses> =
    &[("deny", UnknownAddresses::Deny), ("allow", UnknownAddresses::Allow)];

pub(super) const CONSENT_REQUEST: &Words<ConsentRequests> =
    &[("forbidden", ConsentRequests::Forbidden), ("allowed", ConsentRequests::Allowed)];

pub(super) const STAFF_RESUBSCRIBE: &Words<StaffResubscribe> = &[
    ("forbidden", StaffResubscribe::Forbidden),
    ("with-legal-basis", StaffResubscribe::WithLegalBasis),
];

pub(super) const STAFF_CONSENT: &Words<StaffConsent> =
    &[("forbidden", StaffConsent::Forbidden), ("with-evidence", StaffConsent::WithEvidence)];

pub(super) const PLUS_TAG: &Words<PlusTags> =
    &[("widen-restrictions", PlusTags::WidenRestrictions), ("exact", PlusTags::Exact)];

/// In no order of strictness.
pub(super) const PURPOSE: &Words<Purpose> = &[
    ("marketing", Purpose::Marketing),
    ("transactional", Purpose::Transactional),
    ("one-to-one", Purpose::OneToOne),
    ("consent-request", Purpose::ConsentRequest),
];

/// In no order of strictness.
pub(super) const CHANNEL: &Words<Channel> = &[("email", Channel::Email), ("post", Channel::Post)];

/// What `word` stands for.
pub(super) fn value_of<T: Copy>(words: &Words<T>, word: &str) -> Option<T> {
    words.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
}

/// The word for `value`; empty for one that the list lacks.
pub(super) fn word_of<T: PartialEq>(words: &Words<T>, value: T) -> &'static str {
    words.iter().find(|(_, known)| *known == value).map_or("", |(word, _)| word)
}

/// Whether `new` stands behind `old` in a list that goes from strict to loose.
pub(super) fn is_looser<T: PartialEq>(words: &Words<T>, new: T, old: T) -> bool {
    let place = |value| words.iter().position(|(_, known)| *known == value);
    place(new) > place(old)
}
