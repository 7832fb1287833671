//! Policies: what the organization sets, a controller may override, and then a brand.

use std::num::NonZeroU16;

use super::super::words::{
    CONSENT_REQUEST, MARKETING, PLUS_TAG, STAFF_CONSENT, STAFF_RESUBSCRIBE, UNKNOWN_ADDRESS,
};
use super::super::{PlusTags, Policy};
use super::section::{Keys, Section};

/// The longest span of days, a hundred years: longer ones are slips of the keyboard.
pub const MAX_DAYS: u16 = 36_500;

/// The most double opt-in mails per address and day; more would make maysend a tool to flood a
/// mailbox with. 0 switches double opt-in by mail off.
pub const MAX_OPT_IN_MAILS: u16 = 100;

const KEYS: &[&str] = &[
    "marketing",
    "unknown_address",
    "consent_request",
    "consent_request_cooldown_days",
    "consent_lifetime_days",
    "consent_renewal_window_days",
    "staff_resubscribe",
    "staff_consent",
    "opt_in_mails_per_day",
    "plus_tag",
];

const ORGANIZATION: Keys = Keys { required: &[], optional: KEYS, reserved: &[] };
const OVERRIDE: Keys = Keys { required: &[], optional: KEYS, reserved: &["plus_tag"] };

/// The table `[policy]` of the file.
pub(super) fn of_organization(file: &Section<'_>) -> (Policy, PlusTags) {
    let base = Policy::default();
    let Some(section) = file.section("policy", &ORGANIZATION) else {
        return (base, PlusTags::WidenRestrictions);
    };
    let plus_tags = section.choice("plus_tag", PLUS_TAG).unwrap_or(PlusTags::WidenRestrictions);
    (resolve(&section, &base), plus_tags)
}

/// The policy of a controller or brand: what its key `policy` sets, the rest from `base`.
pub(super) fn overriding(base: &Policy, entry: &Section<'_>) -> Policy {
    entry.section("policy", &OVERRIDE).map_or_else(|| base.clone(), |own| resolve(&own, base))
}

fn resolve(own: &Section<'_>, base: &Policy) -> Policy {
    let days = |key, otherwise| own.number(key, MAX_DAYS).unwrap_or(otherwise);
    let lifetime = own.number("consent_lifetime_days", MAX_DAYS);
    Policy {
        marketing: own.choice("marketing", MARKETING).unwrap_or(base.marketing),
        unknown_address: own
            .choice("unknown_address", UNKNOWN_ADDRESS)
            .unwrap_or(base.unknown_address),
        consent_request: own
            .choice("consent_request", CONSENT_REQUEST)
            .unwrap_or(base.consent_request),
        consent_request_cooldown_days: days(
            "consent_request_cooldown_days",
            base.consent_request_cooldown_days,
        ),
        consent_lifetime_days: lifetime.map_or(base.consent_lifetime_days, NonZeroU16::new),
        consent_renewal_window_days: days(
            "consent_renewal_window_days",
            base.consent_renewal_window_days,
        ),
        staff_resubscribe: own
            .choice("staff_resubscribe", STAFF_RESUBSCRIBE)
            .unwrap_or(base.staff_resubscribe),
        staff_consent: own.choice("staff_consent", STAFF_CONSENT).unwrap_or(base.staff_consent),
        opt_in_mails_per_day: own
            .number("opt_in_mails_per_day", MAX_OPT_IN_MAILS)
            .unwrap_or(base.opt_in_mails_per_day),
    }
}
