//! The commands: what callers want recorded. One value of `Command` is applied to each address of
//! a call on its own.

use std::sync::Arc;

use super::campaign::{Campaign, Channel};
use super::evidence::{Evidence, LegalBasis};
use super::fact::Cause;
use super::revision::Revision;
use super::scope::{BrandId, ControllerId, Scope};

/// One of the owner's choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Choice {
    /// Where.
    pub scope: Scope,
    /// Yes or no.
    pub wish: Wish,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wish {
    /// Send me this.
    Subscribe,
    /// Do not send me this.
    Unsubscribe,
}

/// How the owner proved to be the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The token of a List-Unsubscribe header. It says no, never yes.
    UnsubscribeToken,
    /// The token of a preferences link. It says no for ever, and yes as long as `may_grant`.
    PreferencesToken {
        /// The ledger's head when it was made.
        minted: Revision,
        /// Whether it has not expired and its key is not retired.
        may_grant: bool,
        /// Where a consent request asked, if one did: a no there is a refusal.
        asked: Option<Scope>,
    },
    /// The token of a double opt-in mail.
    ConfirmToken {
        /// The revision that records its request.
        minted: Revision,
        /// Whether it has not expired, and all that it names is there still.
        may_grant: bool,
    },
    /// A customer area where the owner is logged in.
    PortalSession,
    /// A form in which anyone may type an address.
    PortalGuest,
}

/// What a row of a file says of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImportedFact {
    /// A yes at a brand or a topic.
    Granted {
        /// Where.
        scope: Scope,
        /// Consent or existing customer.
        legal_basis: LegalBasis,
    },
    /// The owner declined or withdrew there.
    Refused(Scope),
    /// The owner opted out there.
    OptedOut(Scope),
    /// Staff stopped a brand by e-mail.
    Blocked(BrandId),
    /// A controller has the address on file.
    Registered(ControllerId),
}

impl ImportedFact {
    /// Whether it is a no.
    #[must_use]
    pub const fn is_no(self) -> bool {
        match self {
            Self::Refused(_) | Self::OptedOut(_) | Self::Blocked(_) => true,
            Self::Granted { .. } | Self::Registered(_) => false,
        }
    }
}

/// What a caller wants recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Controllers have the address on file.
    RegisterAddresses {
        /// Which.
        controllers: Vec<ControllerId>,
        /// Where the address comes from.
        source: Arc<str>,
        /// Whether a logged-in owner stands behind it.
        owner_session: bool,
    },
    /// Stops brands.
    BlockAddresses {
        /// Which.
        brands: Vec<BrandId>,
        /// By which channels; at least one.
        channels: Vec<Channel>,
        /// Why.
        cause: Cause,
        /// Why, in words.
        reason: Arc<str>,
        /// Opts out of these in the same write.
        opt_out: Vec<Scope>,
    },
    /// Takes stops back.
    LiftBlocks {
        /// Of which brands.
        brands: Vec<BrandId>,
        /// Of which channels; at least one.
        channels: Vec<Channel>,
        /// Why, in words.
        reason: Arc<str>,
    },
    /// The owner's no, as somebody recorded it.
    OptOut {
        /// Where.
        scopes: Vec<Scope>,
        /// Why, in words; may be empty.
        reason: Arc<str>,
        /// What proves it, if anything does.
        evidence: Option<Arc<Evidence>>,
    },
    /// A yes, as staff or a file recorded it.
    RecordConsent {
        /// At which brands or topics.
        scopes: Vec<Scope>,
        /// Consent or existing customer.
        legal_basis: LegalBasis,
        /// What proves it.
        evidence: Arc<Evidence>,
    },
    /// A row of a file. A row that was applied once is never applied again, whatever was recorded
    /// since; the source of its evidence names it.
    Import {
        /// What it says.
        fact: ImportedFact,
        /// Why, in words; may be empty, but of a block.
        reason: Arc<str>,
        /// The row: its method is a file.
        evidence: Arc<Evidence>,
    },
    /// A withdrawal, as staff recorded it.
    WithdrawConsent {
        /// Where.
        scopes: Vec<Scope>,
        /// Why, in words; may be empty.
        reason: Arc<str>,
    },
    /// Asks for the permission to send one consent request.
    MarkConsentRequested {
        /// The campaign that asks; its purpose is a consent request.
        campaign: Campaign,
        /// What is sent.
        evidence: Option<Arc<Evidence>>,
    },
    /// Staff bring an address back, where the policy opens that door.
    ResubscribeByStaff {
        /// At which brands or topics.
        scopes: Vec<Scope>,
        /// Why it is lawful.
        legal_basis: LegalBasis,
        /// Why it is lawful, in words.
        explanation: Arc<str>,
    },
    /// The owner chooses.
    OwnerChoice {
        /// What; no scope twice.
        choices: Vec<Choice>,
        /// How the owner proved to be the owner.
        proof: Proof,
        /// What else proves it.
        evidence: Option<Arc<Evidence>>,
    },
    /// A double opt-in begins.
    BeginOptIn {
        /// At which brands or topics.
        scopes: Vec<Scope>,
        /// What proves the request.
        evidence: Arc<Evidence>,
    },
    /// One person asks for erasure.
    RequestErasure {
        /// The case.
        id: Arc<str>,
        /// Why, in words; may be empty where the owner asks through a link.
        reason: Arc<str>,
        /// What proves it.
        evidence: Option<Arc<Evidence>>,
        /// Whether a link that reached the mailbox stands behind it.
        owner_link: bool,
    },
    /// Another approves it.
    ApproveErasure {
        /// The case.
        id: Arc<str>,
        /// A note; may be empty.
        note: Arc<str>,
    },
    /// Another declines it.
    RejectErasure {
        /// The case.
        id: Arc<str>,
        /// Why, in words.
        reason: Arc<str>,
    },
    /// The owner asks what is held.
    RequestAccess {
        /// In the owner's words; may be empty.
        words: Arc<str>,
        /// What proves it.
        evidence: Option<Arc<Evidence>>,
        /// Whether a link that reached the mailbox stands behind it.
        owner_link: bool,
    },
    /// Somebody has told the owner.
    AnswerAccess {
        /// Where the request is recorded.
        request: Revision,
        /// How it was answered, in words.
        note: Arc<str>,
    },
}
