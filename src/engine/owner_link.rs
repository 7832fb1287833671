//! What a link in a mail opens, looked at before anything is done with it. Reading never writes.

use super::Engine;
use super::error::EngineError;
use crate::authorize::{Operation, permit};
use crate::model::actor::Caller;
use crate::model::scope::Scope;
use crate::token::{CONFIRM_LIFETIME_DAYS, PREFERENCES_LIFETIME_DAYS, TokenKind, Verified};

/// A link that this server made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerLink {
    /// What it is about: a topic or brand; of a double opt-in all that was begun. A topic that has
    /// left the catalog shows as its brand.
    pub scopes: Vec<Scope>,
    /// Whether a consent request carried it.
    pub asked: bool,
    /// Whether it shows how things stand: its key is not retired.
    pub shows: bool,
    /// Whether it still says yes: it has not expired either.
    pub grants: bool,
    /// Whether all that it is about is still in the catalog. What it asked for is not, else.
    pub is_whole: bool,
    /// Whether the clock is in doubt: then no link says yes.
    pub in_doubt: bool,
    /// Whether it was mailed to an address with a plus tag.
    pub tagged: bool,
}

impl Engine {
    /// What a token of this kind is about.
    ///
    /// # Errors
    /// `BadToken`.
    pub fn owner_link(
        &self,
        caller: &Caller,
        token: &str,
        kind: TokenKind,
    ) -> Result<OwnerLink, EngineError> {
        permit(caller, Operation::OwnerWrite)?;
        let Verified { token, retired } = self.verified(token, &[kind])?;
        let lifetime = match kind {
            TokenKind::Unsubscribe | TokenKind::Preferences => PREFERENCES_LIFETIME_DAYS,
            TokenKind::Confirm => CONFIRM_LIFETIME_DAYS,
        };
        let catalog = self.catalog();
        Ok(OwnerLink {
            is_whole: token.scopes.iter().all(|scope| catalog.has(*scope)),
            in_doubt: self.is_clock_in_doubt(),
            tagged: token.tagged,
            scopes: token.scopes.iter().map(|scope| catalog.still_there(*scope)).collect(),
            asked: token.asked,
            shows: !retired,
            grants: !retired && !self.has_expired(&token, lifetime),
        })
    }

    /// A keyed digest for what an edge hands out and wants back unaltered. The same octets under
    /// another label have another one.
    #[must_use]
    pub fn seal(&self, label: &str, octets: &[u8]) -> [u8; 16] {
        self.shared.keys.digest(label, octets)
    }
}
