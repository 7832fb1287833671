//! The event: what was said of one address, what it changed, who said it and how it is proved.

use std::sync::Arc;

use super::actor::Actor;
use super::address::Address;
use super::campaign::Channel;
use super::day::{Day, Timestamp};
use super::evidence::{Evidence, LegalBasis};
use super::fact::{Basis, Block, Cause, Erasure, Origin};
use super::fingerprint::Fingerprint;
use super::revision::Revision;
use super::scope::{BrandId, ControllerId, Scope};

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// A controller has the address on file.
    Registered,
    /// A brand was stopped.
    Blocked,
    /// A stop was taken back.
    BlockLifted,
    /// A no.
    OptedOut,
    /// A yes that took a no back.
    Resubscribed,
    /// The permission to ask was taken.
    ConsentRequested,
    /// A yes.
    ConsentGranted,
    /// A no to a request, or a withdrawal.
    ConsentRefused,
    /// One person asks for erasure.
    ErasureRequested,
    /// Another declined it.
    ErasureRejected,
    /// Another approved it; the tombstone.
    Erased,
    /// A double opt-in began.
    OptInBegun,
    /// The owner asks what is held.
    AccessRequested,
    /// The owner was told.
    AccessAnswered,
}

/// One change to a profile. Replay applies these and needs neither policy nor clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// A controller has the address on file.
    Register(ControllerId),
    /// Sets a yes, in place of what stands at the scope.
    Yes {
        /// Where.
        scope: Scope,
        /// What it rests on.
        basis: Basis,
        /// The day it was said.
        day: Day,
    },
    /// Sets a no, in place of what stands at the scope.
    No {
        /// Where.
        scope: Scope,
        /// Who said so.
        origin: Origin,
    },
    /// Removes what stands at the scope, and nothing inside it.
    Undeclare(Scope),
    /// Sets a block.
    Block(Block),
    /// Removes a block.
    Unblock(Block),
    /// The brand asked for consent on this day.
    Asked(BrandId, Day),
    /// The erasure has come this far; `Erased` empties the profile.
    Erasure(Erasure),
}

/// What an owner's yes was proved by. Only these two weigh against a restriction of the base of a
/// tagged address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OwnerProof {
    /// Something that reached the mailbox came back.
    Mailbox,
    /// The owner was logged in.
    Session,
}

/// What was said and what it changes: an event before it has a place in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What kind of thing happened.
    pub kind: EventKind,
    /// Of opt-outs, consents, resubscriptions.
    pub scopes: Vec<Scope>,
    /// Of blocks and consent requests.
    pub brands: Vec<BrandId>,
    /// Of registrations.
    pub controllers: Vec<ControllerId>,
    /// Of blocks.
    pub channels: Vec<Channel>,
    /// Of blocks.
    pub cause: Option<Cause>,
    /// Why, in the actor's words; empty where none was given.
    pub reason: Arc<str>,
    /// Of consents.
    pub legal_basis: Option<LegalBasis>,
    /// What proves it.
    pub evidence: Option<Arc<Evidence>>,
    /// Of erasure events: the case.
    pub erasure_id: Arc<str>,
    /// Of an owner's yes.
    pub owner_proof: Option<OwnerProof>,
    /// What it changes; empty where it only adds proof.
    pub effects: Vec<Effect>,
}

impl Statement {
    /// An empty statement of this kind, to be filled.
    #[must_use]
    pub fn new(kind: EventKind) -> Self {
        Self {
            kind,
            scopes: Vec::new(),
            brands: Vec::new(),
            controllers: Vec::new(),
            channels: Vec::new(),
            cause: None,
            reason: Arc::default(),
            legal_basis: None,
            evidence: None,
            erasure_id: Arc::default(),
            owner_proof: None,
            effects: Vec::new(),
        }
    }
}

/// A statement with its place in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place.
    pub revision: Revision,
    /// The place of the event before it for the same address; zero where it is the first.
    pub previous: Revision,
    /// When the ledger took it.
    pub recorded_at: Timestamp,
    /// Whom it is about.
    pub fingerprint: Fingerprint,
    /// The address, where the write carried it.
    pub address: Option<Address>,
    /// Whether the address has a plus tag and so a base.
    pub tagged: bool,
    /// Who did it.
    pub actor: Actor,
    /// The caller's own name for the write; empty where it gave none.
    pub request_id: Arc<str>,
    /// What was said and what it changes.
    pub statement: Statement,
}
