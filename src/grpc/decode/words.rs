//! Numbers of the wire as closed choices of the model: none for UNSPECIFIED, and none for a number
//! that this version does not know. `encode::words` is the other direction.
#![deny(clippy::wildcard_enum_match_arm)]

use crate::grpc::api;
use crate::model::campaign::{Channel, Purpose};
use crate::model::evidence::{LegalBasis, Method};
use crate::model::fact::Cause;

pub(super) fn channel(number: i32) -> Option<Channel> {
    match api::Channel::try_from(number).ok()? {
        api::Channel::Unspecified => None,
        api::Channel::Email => Some(Channel::Email),
        api::Channel::Post => Some(Channel::Post),
    }
}

pub(super) fn purpose(number: i32) -> Option<Purpose> {
    match api::Purpose::try_from(number).ok()? {
        api::Purpose::Unspecified => None,
        api::Purpose::Marketing => Some(Purpose::Marketing),
        api::Purpose::Transactional => Some(Purpose::Transactional),
        api::Purpose::OneToOne => Some(Purpose::OneToOne),
        api::Purpose::ConsentRequest => Some(Purpose::ConsentRequest),
    }
}

pub(super) fn cause(number: i32) -> Option<Cause> {
    match api::BlockCause::try_from(number).ok()? {
        api::BlockCause::Unspecified => None,
        api::BlockCause::OwnerRequest => Some(Cause::OwnerRequest),
        api::BlockCause::StaffDecision => Some(Cause::StaffDecision),
        api::BlockCause::HardBounce => Some(Cause::HardBounce),
        api::BlockCause::Complaint => Some(Cause::Complaint),
    }
}

pub(super) fn legal_basis(number: i32) -> Option<LegalBasis> {
    match api::LegalBasis::try_from(number).ok()? {
        api::LegalBasis::Unspecified => None,
        api::LegalBasis::Consent => Some(LegalBasis::Consent),
        api::LegalBasis::ExistingCustomer => Some(LegalBasis::ExistingCustomer),
        api::LegalBasis::Contract => Some(LegalBasis::Contract),
        api::LegalBasis::LegitimateInterest => Some(LegalBasis::LegitimateInterest),
        api::LegalBasis::LegalObligation => Some(LegalBasis::LegalObligation),
    }
}

/// UNSPECIFIED is a method: nobody said. It proves no yes.
pub(super) fn method(number: i32) -> Option<Method> {
    match api::Method::try_from(number).ok()? {
        api::Method::Unspecified => Some(Method::Unspecified),
        api::Method::Form => Some(Method::Form),
        api::Method::Link => Some(Method::Link),
        api::Method::OneClick => Some(Method::OneClick),
        api::Method::DoubleOptIn => Some(Method::DoubleOptIn),
        api::Method::Portal => Some(Method::Portal),
        api::Method::Paper => Some(Method::Paper),
        api::Method::Phone => Some(Method::Phone),
        api::Method::InPerson => Some(Method::InPerson),
        api::Method::Api => Some(Method::Api),
        api::Method::Import => Some(Method::Import),
    }
}
