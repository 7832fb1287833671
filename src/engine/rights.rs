//! What owners ask for through the preferences link of a mail: to be told what is held, and to be
//! erased. Both end in the queues of people, who decide and answer.
//!
//! The link proves the mailbox, and it is a fingerprint: whom a case or a request is about must be
//! told to those people, so where the ledger does not know the address, the owner types it.

use std::sync::Arc;

use super::Engine;
use super::access::AccessTaken;
use super::erasure::ErasureCase;
use super::error::{EngineError, InvalidRequest};
use super::history::parse_address;
use super::validate;
use super::write::Written;
use super::writer::Target;
use crate::authorize::{Operation, authorize, permit};
use crate::model::actor::Caller;
use crate::model::command::Command;
use crate::model::evidence::Evidence;
use crate::model::fact::Erasure;
use crate::token::{PREFERENCES_LIFETIME_DAYS, Token, TokenKind, Verified};

/// A request that came through a preferences link.
#[derive(Debug, Clone)]
pub struct OwnerRequest {
    /// The link's token.
    pub token: String,
    /// The address as the owner typed it, where that was asked for.
    pub typed: Option<Box<[u8]>>,
    /// In the owner's words; may be empty.
    pub words: Arc<str>,
    /// What proves it.
    pub evidence: Option<Arc<Evidence>>,
}

impl Engine {
    /// Asks for the erasure of the address behind a link, as `request_erasure` does: denied at once,
    /// to be approved by a reviewer. While a case is pending, and once it is erased, it is that one.
    ///
    /// # Errors
    /// `BadToken`, also for one of a retired key; `TokenExpired`; an address that is missing or not
    /// the link's.
    pub async fn request_erasure_by_owner(
        &self,
        caller: &Caller,
        request: OwnerRequest,
    ) -> Result<ErasureCase, EngineError> {
        permit(caller, Operation::OwnerWrite)?;
        let target = self.behind_link(&request).await?;
        let OwnerRequest { words, evidence, .. } = request;
        let id = self.shared.new_case_id();
        let command = Command::RequestErasure { id, reason: words, evidence, owner_link: true };
        let of = target.fingerprint;
        let written = self.ask(caller, command, target).await?;
        self.case_of(of, written.revision).await
    }

    /// Asks what is held about the address behind a link.
    ///
    /// # Errors
    /// As `request_erasure_by_owner`.
    pub async fn request_access_by_owner(
        &self,
        caller: &Caller,
        request: OwnerRequest,
    ) -> Result<AccessTaken, EngineError> {
        permit(caller, Operation::OwnerWrite)?;
        let target = self.behind_link(&request).await?;
        let OwnerRequest { words, evidence, .. } = request;
        let command = Command::RequestAccess { words, evidence, owner_link: true };
        let of = target.fingerprint;
        let written = self.ask(caller, command, target).await?;
        self.access_taken(of, written).await
    }

    /// Whether an owner has to type the address of a link with a request: nothing on record tells it.
    ///
    /// # Errors
    /// As `request_erasure_by_owner`, but for the address.
    pub async fn needs_address(&self, caller: &Caller, token: &str) -> Result<bool, EngineError> {
        permit(caller, Operation::OwnerWrite)?;
        let token = self.proved(token)?;
        Ok(self.on_record(&token).await?.is_none())
    }

    /// A link that proves the mailbox today.
    fn proved(&self, token: &str) -> Result<Token, EngineError> {
        let Verified { token, retired } = self.verified(token, &[TokenKind::Preferences])?;
        if retired {
            return Err(EngineError::BadToken);
        }
        if self.is_clock_in_doubt() {
            return Err(EngineError::ClockInDoubt);
        }
        if self.has_expired(&token, PREFERENCES_LIFETIME_DAYS) {
            return Err(EngineError::TokenExpired);
        }
        Ok(token)
    }

    /// Whom a link was mailed to.
    async fn behind_link(&self, request: &OwnerRequest) -> Result<Target, EngineError> {
        let token = self.proved(&request.token)?;
        if let Some(typed) = &request.typed {
            let target = self.shared.target(parse_address(typed)?);
            if target.fingerprint != token.fingerprint {
                let problem = "is not the address that the link was mailed to";
                return Err(InvalidRequest::one("address", problem).into());
            }
            return Ok(target);
        }
        self.on_record(&token).await?.ok_or_else(|| {
            let problem = "is mandatory: nothing on record tells the address of this link";
            InvalidRequest::one("address", problem).into()
        })
    }

    /// Whom a link was mailed to, as the ledger knows the address; once erased without it, for then
    /// nothing is recorded that could need it.
    async fn on_record(&self, token: &Token) -> Result<Option<Target>, EngineError> {
        let (fingerprint, tagged) = (token.fingerprint, token.tagged);
        let profile = self.shared.known(fingerprint).unwrap_or_default().profile;
        if profile.erasure == Erasure::Erased {
            return Ok(Some(Target { fingerprint, address: None, tagged, base: None }));
        }
        match self.blocking(move |shared| shared.address_of(fingerprint)).await {
            Ok(address) => Ok(address.map(|address| self.shared.target(address))),
            Err(EngineError::Damaged { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn ask(
        &self,
        caller: &Caller,
        command: Command,
        target: Target,
    ) -> Result<Written, EngineError> {
        validate::command(&command, self.shared.clock.now())?;
        validate::notice_is_impersonal(&command, &target.address.iter().collect::<Vec<_>>())?;
        let command = authorize(caller, command)?;
        self.submit(command, vec![Some(target)], &"".into(), &[]).await
    }
}
