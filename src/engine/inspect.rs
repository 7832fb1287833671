//! What a token is good for, for whoever checks a mail before it is sent. Reading never writes.

use super::Engine;
use super::error::EngineError;
use crate::authorize::{Operation, permit};
use crate::model::actor::Caller;
use crate::model::address::Address;
use crate::model::scope::Scope;
use crate::token::{CONFIRM_LIFETIME_DAYS, PREFERENCES_LIFETIME_DAYS, TokenKind, Verified};

/// A token that this server made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectedLink {
    /// What it is good for.
    pub kind: TokenKind,
    /// Whether it was made for the address that was named with it.
    pub is_for_address: bool,
    /// Whether its kind, its age and its key let it say yes. What stands for the address is not
    /// looked at.
    pub grants: bool,
    /// What it is about: a topic or brand; of a double opt-in all that was begun. A topic that has
    /// left the catalog shows as its brand.
    pub scopes: Vec<Scope>,
}

impl Engine {
    /// What a token is good for, and whether it was made for this address. What is no address is
    /// nobody's.
    ///
    /// # Errors
    /// `BadToken`, also for a confirm token of a retired key.
    pub fn inspect_link(
        &self,
        caller: &Caller,
        token: &str,
        address: &[u8],
    ) -> Result<InspectedLink, EngineError> {
        permit(caller, Operation::MintLinks)?;
        let kinds = [TokenKind::Unsubscribe, TokenKind::Preferences, TokenKind::Confirm];
        let Verified { token, retired } = self.verified(token, &kinds)?;
        let of =
            |address: Address| self.shared.fingerprinter.fingerprint(address.as_str().as_bytes());
        let says_yes_for = match token.kind {
            TokenKind::Unsubscribe => None,
            TokenKind::Preferences => Some(PREFERENCES_LIFETIME_DAYS),
            TokenKind::Confirm => Some(CONFIRM_LIFETIME_DAYS),
        };
        let catalog = self.catalog();
        Ok(InspectedLink {
            kind: token.kind,
            is_for_address: Address::parse(address).is_ok_and(|one| of(one) == token.fingerprint),
            grants: !retired && says_yes_for.is_some_and(|days| !self.has_expired(&token, days)),
            scopes: token.scopes.iter().map(|scope| catalog.still_there(*scope)).collect(),
        })
    }
}
