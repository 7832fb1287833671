//! The facts of an address: declarations, blocks, erasure.

use super::campaign::Channel;
use super::scope::BrandId;

/// Where a no comes from, weakest first: where two meet at a scope the stronger stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The owner refused a request, or staff recorded a withdrawal (GDPR Art. 7(3)).
    Refusal,
    /// The owner objected or unsubscribed (GDPR Art. 21(2)).
    OptOut,
    /// The owner asked staff for it.
    OwnerRequest,
    /// The owner reported our mail as spam.
    Complaint,
}

/// What a yes rests on, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// UWG section 7(3), TKG 2021 section 174(4).
    ExistingCustomer,
    /// GDPR Art. 6(1)(a).
    Consent,
}

/// A yes or a no to mailings in a scope. `D` is how its day is held: as itself, or in an index of
/// shapes as the place where it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Declaration<D> {
    /// May send, from this day and as long as the policy says.
    Yes {
        /// What it rests on.
        basis: Basis,
        /// The day it was said.
        day: D,
    },
    /// Must not send.
    No {
        /// Who said so.
        origin: Origin,
    },
}

/// Why a brand is blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The customer asked staff for it.
    OwnerRequest,
    /// Staff decided it.
    StaffDecision,
    /// The mailbox does not exist.
    HardBounce,
    /// The customer complained.
    Complaint,
}

/// A brand that must not write to the address, by one channel, for one cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block {
    /// Which brand.
    pub brand: BrandId,
    /// By which channel.
    pub channel: Channel,
    /// Why.
    pub cause: Cause,
}

/// How far an erasure has come (GDPR Art. 17).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Erasure {
    /// None is asked for.
    #[default]
    None,
    /// Asked for by one person, to be decided by another.
    Pending,
    /// Done; the tombstone denies for good.
    Erased,
}
