//! Any facts, any policy.

use std::num::NonZeroU16;

use maysend::catalog::{
    ConsentRequests, Marketing, Policy, StaffConsent, StaffResubscribe, UnknownAddresses,
};
use maysend::model::campaign::Channel;
use maysend::model::fact::{Basis, Block, Cause, Declaration, Erasure, Origin};
use maysend::model::scope::{ControllerId, Scope};
use maysend::profile::Profile;
use proptest::collection::{btree_map, btree_set};
use proptest::prelude::*;
use proptest::sample::select;

use crate::world::{self, day};

pub(super) fn origin() -> impl Strategy<Value = Origin> {
    select(vec![Origin::Refusal, Origin::OptOut, Origin::OwnerRequest, Origin::Complaint])
}

pub(super) fn cause() -> impl Strategy<Value = Cause> {
    select(vec![Cause::OwnerRequest, Cause::StaffDecision, Cause::HardBounce, Cause::Complaint])
}

pub(super) fn channel() -> impl Strategy<Value = Channel> {
    select(vec![Channel::Email, Channel::Post])
}

fn basis() -> impl Strategy<Value = Basis> {
    select(vec![Basis::ExistingCustomer, Basis::Consent])
}

/// A policy, with days that lie close enough together to matter.
pub(super) fn policy() -> impl Strategy<Value = Policy> {
    let regime = (
        select(vec![Marketing::OptIn, Marketing::OptOut]),
        select(vec![UnknownAddresses::Deny, UnknownAddresses::Allow]),
        prop_oneof![
            1 => Just(ConsentRequests::Forbidden),
            3 => Just(ConsentRequests::Allowed),
        ],
    );
    let days = (
        select(vec![0_u16, 1, 30, 90]),
        select(vec![0_u16, 0, 1, 30, 60, 365]),
        select(vec![0_u16, 10, 30]),
    );
    let staff = (
        select(vec![StaffResubscribe::Forbidden, StaffResubscribe::WithLegalBasis]),
        prop_oneof![
            1 => Just(StaffConsent::Forbidden),
            4 => Just(StaffConsent::WithEvidence),
        ],
        select(vec![0_u16, 1, 3]),
    );
    (regime, days, staff).prop_map(|(regime, days, staff)| Policy {
        marketing: regime.0,
        unknown_address: regime.1,
        consent_request: regime.2,
        consent_request_cooldown_days: days.0,
        consent_lifetime_days: NonZeroU16::new(days.1),
        consent_renewal_window_days: days.2,
        staff_resubscribe: staff.0,
        staff_consent: staff.1,
        opt_in_mails_per_day: staff.2,
    })
}

/// Facts, whether or not commands lead to them.
pub(super) fn profile() -> impl Strategy<Value = Profile> {
    let no = || origin().prop_map(|origin| Declaration::No { origin });
    let yes =
        || (basis(), 0_u16..120).prop_map(|(basis, on)| Declaration::Yes { basis, day: day(on) });
    let brands = || (0..world::BRANDS).prop_map(world::brand);
    let wide = prop_oneof![
        Just(Scope::Everything),
        (0..world::CONTROLLERS).prop_map(world::at_controller),
    ];
    let narrow = prop_oneof![
        (0..world::BRANDS).prop_map(world::at_brand),
        (0..world::TOPICS).prop_map(world::at_topic),
    ];
    let block = (brands(), channel(), cause()).prop_map(|(brand, channel, cause)| Block {
        brand,
        channel,
        cause,
    });
    let erasure = prop_oneof![
        8 => Just(Erasure::None),
        1 => Just(Erasure::Pending),
        1 => Just(Erasure::Erased),
    ];
    (
        btree_set((0..world::CONTROLLERS).prop_map(ControllerId::new), 0..=2),
        btree_map(wide, no(), 0..=1),
        btree_map(narrow, prop_oneof![1 => no(), 2 => yes()], 0..6),
        btree_set(block, 0..3),
        btree_map(brands(), (0_u16..120).prop_map(day), 0..3),
        erasure,
    )
        .prop_map(|(registered, mut declarations, narrow, blocks, asked, erasure)| {
            if erasure == Erasure::Erased {
                return Profile { erasure, ..Profile::default() };
            }
            declarations.extend(narrow);
            Profile { registered, declarations, blocks, asked, erasure }
        })
}
