//! Closed choices of the model as numbers of the wire. `decode::words` is the other direction.
#![deny(clippy::wildcard_enum_match_arm)]

use crate::engine::erasure::CaseState;
use crate::engine::status::ConsentState;
use crate::grpc::api;
use crate::model::actor::ActorClass;
use crate::model::campaign::{Channel, Purpose};
use crate::model::event::EventKind;
use crate::model::evidence::{LegalBasis, Method};
use crate::model::fact::{Cause, Erasure};
use crate::token::TokenKind;
use crate::transition::ImportEffect;

pub(super) const fn channel(channel: Channel) -> api::Channel {
    match channel {
        Channel::Email => api::Channel::Email,
        Channel::Post => api::Channel::Post,
    }
}

pub(super) const fn purpose(purpose: Purpose) -> api::Purpose {
    match purpose {
        Purpose::Marketing => api::Purpose::Marketing,
        Purpose::Transactional => api::Purpose::Transactional,
        Purpose::OneToOne => api::Purpose::OneToOne,
        Purpose::ConsentRequest => api::Purpose::ConsentRequest,
    }
}

pub(super) const fn link_kind(kind: TokenKind) -> api::LinkKind {
    match kind {
        TokenKind::Unsubscribe => api::LinkKind::Unsubscribe,
        TokenKind::Preferences => api::LinkKind::Preferences,
        TokenKind::Confirm => api::LinkKind::Confirm,
    }
}

pub(super) const fn cause(cause: Cause) -> api::BlockCause {
    match cause {
        Cause::OwnerRequest => api::BlockCause::OwnerRequest,
        Cause::StaffDecision => api::BlockCause::StaffDecision,
        Cause::HardBounce => api::BlockCause::HardBounce,
        Cause::Complaint => api::BlockCause::Complaint,
    }
}

pub(super) const fn legal_basis(basis: LegalBasis) -> api::LegalBasis {
    match basis {
        LegalBasis::Consent => api::LegalBasis::Consent,
        LegalBasis::ExistingCustomer => api::LegalBasis::ExistingCustomer,
        LegalBasis::Contract => api::LegalBasis::Contract,
        LegalBasis::LegitimateInterest => api::LegalBasis::LegitimateInterest,
        LegalBasis::LegalObligation => api::LegalBasis::LegalObligation,
    }
}

pub(super) const fn method(method: Method) -> api::Method {
    match method {
        Method::Unspecified => api::Method::Unspecified,
        Method::Form => api::Method::Form,
        Method::Link => api::Method::Link,
        Method::OneClick => api::Method::OneClick,
        Method::DoubleOptIn => api::Method::DoubleOptIn,
        Method::Portal => api::Method::Portal,
        Method::Paper => api::Method::Paper,
        Method::Phone => api::Method::Phone,
        Method::InPerson => api::Method::InPerson,
        Method::Api => api::Method::Api,
        Method::Import => api::Method::Import,
    }
}

pub(super) const fn actor_class(class: ActorClass) -> api::ActorClass {
    match class {
        ActorClass::Owner => api::ActorClass::Owner,
        ActorClass::Staff => api::ActorClass::Staff,
        ActorClass::System => api::ActorClass::System,
        ActorClass::Import => api::ActorClass::Import,
    }
}

pub(super) const fn event_kind(kind: EventKind) -> api::EventKind {
    match kind {
        EventKind::Registered => api::EventKind::Registered,
        EventKind::Blocked => api::EventKind::Blocked,
        EventKind::BlockLifted => api::EventKind::BlockLifted,
        EventKind::OptedOut => api::EventKind::OptedOut,
        EventKind::Resubscribed => api::EventKind::Resubscribed,
        EventKind::ConsentRequested => api::EventKind::ConsentRequested,
        EventKind::ConsentGranted => api::EventKind::ConsentGranted,
        EventKind::ConsentRefused => api::EventKind::ConsentRefused,
        EventKind::ErasureRequested => api::EventKind::ErasureRequested,
        EventKind::ErasureRejected => api::EventKind::ErasureRejected,
        EventKind::Erased => api::EventKind::Erased,
        EventKind::OptInBegun => api::EventKind::OptInBegun,
        EventKind::AccessRequested => api::EventKind::AccessRequested,
        EventKind::AccessAnswered => api::EventKind::AccessAnswered,
    }
}

pub(super) const fn import_effect(effect: ImportEffect) -> api::ImportEffect {
    match effect {
        ImportEffect::Stays => api::ImportEffect::Stays,
        ImportEffect::Tightens => api::ImportEffect::Tightens,
        ImportEffect::Loosens => api::ImportEffect::Loosens,
    }
}

pub(super) const fn consent_state(state: ConsentState) -> api::ConsentState {
    match state {
        ConsentState::NotRequested => api::ConsentState::NotRequested,
        ConsentState::Pending => api::ConsentState::Pending,
        ConsentState::Granted => api::ConsentState::Granted,
        ConsentState::Refused => api::ConsentState::Refused,
        ConsentState::Expired => api::ConsentState::Expired,
    }
}

pub(super) const fn erasure_state(erasure: Erasure) -> api::ErasureState {
    match erasure {
        Erasure::None => api::ErasureState::None,
        Erasure::Pending => api::ErasureState::Pending,
        Erasure::Erased => api::ErasureState::Erased,
    }
}

pub(super) const fn case_state(state: CaseState) -> api::ErasureState {
    match state {
        CaseState::Pending => api::ErasureState::Pending,
        CaseState::Rejected => api::ErasureState::Rejected,
        CaseState::Erased => api::ErasureState::Erased,
    }
}
