//! Enums as one octet. Where `maysend.v1` has the enum the number is the same.
//!
//! INVARIANT(codes): a number is never given to another variant. An enum that may be absent has
//! no zero, since zero says absent.

use crate::model::actor::ActorClass;
use crate::model::campaign::{Channel, Purpose};
use crate::model::event::EventKind;
use crate::model::evidence::{LegalBasis, Method};
use crate::model::fact::{Basis, Cause, Erasure, Origin};
use crate::model::verdict::WriteOutcome;

/// An enum that has a number on disk.
pub(super) trait Code: Sized {
    /// What it is, for error messages.
    const WHAT: &'static str;

    /// Its number.
    fn code(self) -> u8;

    /// The variant with this number; none where there is none.
    fn from_code(code: u8) -> Option<Self>;
}

/// The match in `code` is without a wildcard: a new variant does not compile until it has a number.
macro_rules! codes {
    ($($name:ident, $what:literal { $($code:literal => $variant:ident),+ $(,)? })+) => { $(
        impl Code for $name {
            const WHAT: &'static str = $what;

            fn code(self) -> u8 {
                match self { $(Self::$variant => $code),+ }
            }

            fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    )+ };
}

codes! {
    EventKind, "event kind" {
        1 => Registered, 2 => Blocked, 3 => BlockLifted, 4 => OptedOut, 5 => Resubscribed,
        6 => ConsentRequested, 7 => ConsentGranted, 8 => ConsentRefused, 9 => ErasureRequested,
        // 13 is LAPSED, which nobody records.
        10 => ErasureRejected, 11 => Erased, 12 => OptInBegun, 14 => AccessRequested,
        15 => AccessAnswered,
    }
    ActorClass, "actor class" { 1 => Owner, 2 => Staff, 3 => System, 4 => Import }
    Channel, "channel" { 1 => Email, 2 => Post }
    Purpose, "purpose" { 1 => Marketing, 2 => Transactional, 3 => OneToOne, 4 => ConsentRequest }
    Cause, "cause" { 1 => OwnerRequest, 2 => StaffDecision, 3 => HardBounce, 4 => Complaint }
    LegalBasis, "legal basis" {
        1 => Consent, 2 => ExistingCustomer, 3 => Contract, 4 => LegitimateInterest,
        5 => LegalObligation,
    }
    Method, "method" {
        0 => Unspecified, 1 => Form, 2 => Link, 3 => OneClick, 4 => DoubleOptIn, 5 => Portal,
        6 => Paper, 7 => Phone, 8 => InPerson, 9 => Api, 10 => Import,
    }
    Origin, "origin" { 1 => Refusal, 2 => OptOut, 3 => OwnerRequest, 4 => Complaint }
    Basis, "basis" { 1 => Consent, 2 => ExistingCustomer }
    Erasure, "erasure" { 1 => None, 2 => Pending, 3 => Erased }
}

impl Code for WriteOutcome {
    const WHAT: &'static str = "outcome";

    fn code(self) -> u8 {
        Self::code(self)
    }

    fn from_code(code: u8) -> Option<Self> {
        Self::from_code(code)
    }
}
