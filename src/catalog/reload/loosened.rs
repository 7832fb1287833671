//! What a new version of the catalog loosens, for the log: more mail may go out than before.

use std::num::NonZeroU16;

use super::super::words::{
    CONSENT_REQUEST, MARKETING, PLUS_TAG, STAFF_CONSENT, STAFF_RESUBSCRIBE, UNKNOWN_ADDRESS, Words,
    is_looser, word_of,
};
use super::super::{Catalog, Policy};

/// Which rules `next` loosens, one sentence each: the organization's, then those of each brand that
/// both versions have, in the order of the file. Brands are compared by their word, so that one
/// without facts is followed to another controller.
#[must_use]
pub fn loosened(current: &Catalog, next: &Catalog) -> Vec<String> {
    let mut told = Vec::new();
    let tags = choice("plus_tag", PLUS_TAG, current.plus_tags, next.plus_tags);
    told.extend(tags.map(|change| format!("organization: {change}")));
    for brand in &next.brands {
        let word = next.names.brand(brand.id);
        if let Some(earlier) = current.brand(word) {
            let changes = changes(&earlier.policy, &brand.policy).into_iter().flatten();
            told.extend(changes.map(|change| format!("brand `{word}`: {change}")));
        }
    }
    told
}

/// One entry per key, none where it is not looser.
fn changes(old: &Policy, new: &Policy) -> [Option<String>; 9] {
    // Destructured whole, so that a new key must be thought about.
    let Policy {
        marketing,
        unknown_address,
        consent_request,
        consent_request_cooldown_days,
        consent_lifetime_days,
        consent_renewal_window_days,
        staff_resubscribe,
        staff_consent,
        opt_in_mails_per_day,
    } = *new;
    [
        choice("marketing", MARKETING, old.marketing, marketing),
        choice("unknown_address", UNKNOWN_ADDRESS, old.unknown_address, unknown_address),
        choice("consent_request", CONSENT_REQUEST, old.consent_request, consent_request),
        fewer(
            "consent_request_cooldown_days",
            old.consent_request_cooldown_days,
            consent_request_cooldown_days,
        ),
        longer_life(old.consent_lifetime_days, consent_lifetime_days),
        more(
            "consent_renewal_window_days",
            old.consent_renewal_window_days,
            consent_renewal_window_days,
        ),
        choice("staff_resubscribe", STAFF_RESUBSCRIBE, old.staff_resubscribe, staff_resubscribe),
        choice("staff_consent", STAFF_CONSENT, old.staff_consent, staff_consent),
        more("opt_in_mails_per_day", old.opt_in_mails_per_day, opt_in_mails_per_day),
    ]
}

fn choice<T: Copy + PartialEq>(key: &str, words: &Words<T>, old: T, new: T) -> Option<String> {
    let text = || format!("{key} is now `{}`, was `{}`", word_of(words, new), word_of(words, old));
    is_looser(words, new, old).then(text)
}

fn more(key: &str, old: u16, new: u16) -> Option<String> {
    (new > old).then(|| format!("{key} is now {new}, was {old}"))
}

fn fewer(key: &str, old: u16, new: u16) -> Option<String> {
    (new < old).then(|| format!("{key} is now {new}, was {old}"))
}

/// A life without end, written 0, is the longest.
fn longer_life(old: Option<NonZeroU16>, new: Option<NonZeroU16>) -> Option<String> {
    let days = |life: Option<NonZeroU16>| life.map_or(0, NonZeroU16::get);
    let length = |life: Option<NonZeroU16>| (life.is_none(), days(life));
    let text = || format!("consent_lifetime_days is now {}, was {}", days(new), days(old));
    (length(new) > length(old)).then(text)
}
