//! Double opt-in: a request that anybody may have typed, and the link that comes back from the
//! mailbox.
//!
//! The token is kept nowhere. It is made from what the ledger recorded, so a repeated call gets the
//! same one again, as long as the same key signs. It is minted at the revision of its request:
//! every no that is recorded later makes it void.

use std::sync::Arc;

use super::error::{EngineError, InvalidRequest};
use super::preferences::{PreferencesUpdated, link};
use super::write::{Write, Written};
use super::{Engine, Shared};
use crate::authorize::{Operation, permit};
use crate::catalog::Catalog;
use crate::model::actor::Caller;
use crate::model::address::Address;
use crate::model::command::{Choice, Command, Proof, Wish};
use crate::model::event::{Event, EventKind};
use crate::model::evidence::Evidence;
use crate::model::revision::Revision;
use crate::model::scope::Scope;
use crate::model::verdict::WriteOutcome;
use crate::token::{CONFIRM_LIFETIME_DAYS, MAX_SCOPES, Token, TokenKind};

/// A double opt-in that is to begin.
#[derive(Debug, Clone)]
pub struct OptInRequest {
    /// What was typed, as its octets came.
    pub address: Box<[u8]>,
    /// What was chosen: brands and topics.
    pub scopes: Vec<Scope>,
    /// What proves the request.
    pub evidence: Arc<Evidence>,
    /// The caller's own name for the call; empty: none.
    pub request_id: Arc<str>,
    /// The request as it came.
    pub body: Vec<u8>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptInBegun {
    /// To be mailed; empty unless applied.
    pub confirm_token: String,
    /// The same as a link; empty also where the server knows no public address.
    pub confirm_url: String,
    /// The revision that holds it.
    pub revision: Revision,
    /// Applied is the permission to mail the link, once.
    pub outcome: WriteOutcome,
}

impl Engine {
    /// Begins a double opt-in. Nothing is granted yet.
    ///
    /// # Errors
    /// Scopes that nobody consents to, or more than a link carries; evidence short of its method's
    /// minimum.
    pub async fn begin_opt_in(
        &self,
        caller: &Caller,
        request: OptInRequest,
    ) -> Result<OptInBegun, EngineError> {
        let OptInRequest { address, scopes, evidence, request_id, body } = request;
        if scopes.len() > MAX_SCOPES {
            let problem = format!("has more than {MAX_SCOPES} entries, which is what a link holds");
            return Err(InvalidRequest::one("scopes", problem).into());
        }
        let typed = Address::parse(&address).ok();
        let command = Command::BeginOptIn { scopes: scopes.clone(), evidence };
        let addresses = vec![address];
        let write = Write { command, addresses, request_id, body };
        let Written { revision, outcomes } = self.write(caller, write).await?;
        let outcome = outcomes.first().copied().unwrap_or(WriteOutcome::InvalidAddress);
        let mut confirm_token = String::new();
        if let (WriteOutcome::Applied, Some(address)) = (outcome, typed) {
            let mint = move |shared: &Shared| shared.confirm_token(&address, scopes, revision);
            confirm_token = self.blocking(mint).await?.unwrap_or_default();
        }
        let confirm_url = match confirm_token.as_str() {
            "" => String::new(),
            token => link(self.public_url.as_deref(), "c", token),
        };
        Ok(OptInBegun { confirm_token, confirm_url, revision, outcome })
    }

    /// Ends a double opt-in: the owner's yes to all that was begun.
    ///
    /// A token that came too late is `Proof` for each scope and no error: it is ours, and the page
    /// that it opened has something to say. One that did its work already changes nothing.
    ///
    /// # Errors
    /// `BadToken`, also for one of a retired key.
    pub async fn confirm_opt_in(
        &self,
        caller: &Caller,
        token: &str,
        evidence: Option<Arc<Evidence>>,
    ) -> Result<PreferencesUpdated, EngineError> {
        permit(caller, Operation::OwnerWrite)?;
        let token = self.verified(token, &[TokenKind::Confirm])?.token;
        let catalog = self.catalog();
        let may_grant = !self.has_expired(&token, CONFIRM_LIFETIME_DAYS)
            && token.scopes.iter().all(|scope| catalog.has(*scope));
        let proof = Proof::ConfirmToken { minted: token.minted, may_grant };
        let yes = |scope: &Scope| Choice { scope: *scope, wish: Wish::Subscribe };
        let choices = token.scopes.iter().map(yes).collect();
        let command = Command::OwnerChoice { choices, proof, evidence };
        let written = self.owner_write(caller, &token, command, &"".into(), &[]).await?;
        let preferences = self.read_back(token).await?;
        let Written { revision, outcomes } = written;
        Ok(PreferencesUpdated { preferences, revision, outcomes })
    }
}

impl Catalog {
    /// Whether a yes to this scope can still mean anything.
    pub(super) fn has(&self, scope: Scope) -> bool {
        let brand = scope.brand().and_then(|brand| self.brand_of(brand));
        brand.is_some() && self.still_there(scope) == scope
    }
}

impl Shared {
    /// The token of the request that a call recorded. None where it was erased since.
    fn confirm_token(
        &self,
        address: &Address,
        scopes: Vec<Scope>,
        recorded: Revision,
    ) -> Result<Option<String>, EngineError> {
        let fingerprint = self.fingerprinter.fingerprint(address.as_str().as_bytes());
        let last = self.known(fingerprint).map_or(Revision::ZERO, |known| known.last);
        let is_it = |event: &Result<Event, EngineError>| match event {
            Ok(event) => {
                event.revision <= recorded && event.statement.kind == EventKind::OptInBegun
            }
            Err(_) => true,
        };
        let Some(begun) = self.walk(last).find(is_it).transpose()? else { return Ok(None) };
        let token = Token {
            kind: TokenKind::Confirm,
            fingerprint,
            tagged: begun.tagged,
            asked: false,
            scopes,
            minted: begun.revision,
            day: begun.recorded_at.day().unwrap_or_default(),
        };
        Ok(Some(self.token_keys().mint(&token)))
    }
}
