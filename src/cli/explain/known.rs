//! Numbers of the wire as words of the model, whose texts are those of the data sheet; none for
//! what a newer server sends.
#![deny(clippy::wildcard_enum_match_arm)]

use crate::grpc::api;
use crate::model::actor::ActorClass;
use crate::model::event::EventKind;
use crate::model::evidence::{LegalBasis, Method};
use crate::model::fact::Cause;

pub(super) const fn event_kind(kind: api::EventKind) -> Option<EventKind> {
    match kind {
        // Only a stream of changes has the second.
        api::EventKind::Unspecified | api::EventKind::Lapsed => None,
        api::EventKind::Registered => Some(EventKind::Registered),
        api::EventKind::Blocked => Some(EventKind::Blocked),
        api::EventKind::BlockLifted => Some(EventKind::BlockLifted),
        api::EventKind::OptedOut => Some(EventKind::OptedOut),
        api::EventKind::Resubscribed => Some(EventKind::Resubscribed),
        api::EventKind::ConsentRequested => Some(EventKind::ConsentRequested),
        api::EventKind::ConsentGranted => Some(EventKind::ConsentGranted),
        api::EventKind::ConsentRefused => Some(EventKind::ConsentRefused),
        api::EventKind::ErasureRequested => Some(EventKind::ErasureRequested),
        api::EventKind::ErasureRejected => Some(EventKind::ErasureRejected),
        api::EventKind::Erased => Some(EventKind::Erased),
        api::EventKind::OptInBegun => Some(EventKind::OptInBegun),
        api::EventKind::AccessRequested => Some(EventKind::AccessRequested),
        api::EventKind::AccessAnswered => Some(EventKind::AccessAnswered),
    }
}

pub(super) const fn actor_class(class: api::ActorClass) -> Option<ActorClass> {
    match class {
        api::ActorClass::Unspecified => None,
        api::ActorClass::Owner => Some(ActorClass::Owner),
        api::ActorClass::Staff => Some(ActorClass::Staff),
        api::ActorClass::System => Some(ActorClass::System),
        api::ActorClass::Import => Some(ActorClass::Import),
    }
}

pub(super) const fn cause(cause: api::BlockCause) -> Option<Cause> {
    match cause {
        api::BlockCause::Unspecified => None,
        api::BlockCause::OwnerRequest => Some(Cause::OwnerRequest),
        api::BlockCause::StaffDecision => Some(Cause::StaffDecision),
        api::BlockCause::HardBounce => Some(Cause::HardBounce),
        api::BlockCause::Complaint => Some(Cause::Complaint),
    }
}

pub(super) const fn legal_basis(basis: api::LegalBasis) -> Option<LegalBasis> {
    match basis {
        api::LegalBasis::Unspecified => None,
        api::LegalBasis::Consent => Some(LegalBasis::Consent),
        api::LegalBasis::ExistingCustomer => Some(LegalBasis::ExistingCustomer),
        api::LegalBasis::Contract => Some(LegalBasis::Contract),
        api::LegalBasis::LegitimateInterest => Some(LegalBasis::LegitimateInterest),
        api::LegalBasis::LegalObligation => Some(LegalBasis::LegalObligation),
    }
}

pub(super) const fn method(method: api::Method) -> Method {
    match method {
        api::Method::Unspecified => Method::Unspecified,
        api::Method::Form => Method::Form,
        api::Method::Link => Method::Link,
        api::Method::OneClick => Method::OneClick,
        api::Method::DoubleOptIn => Method::DoubleOptIn,
        api::Method::Portal => Method::Portal,
        api::Method::Paper => Method::Paper,
        api::Method::Phone => Method::Phone,
        api::Method::InPerson => Method::InPerson,
        api::Method::Api => Method::Api,
        api::Method::Import => Method::Import,
    }
}
