//! What the owner chose in a portal: logged in, or as a guest who typed an address.

use std::sync::Arc;

use super::Engine;
use super::error::EngineError;
use super::write::{Write, Written};
use crate::model::actor::Caller;
use crate::model::command::{Choice, Command, Proof};
use crate::model::evidence::Evidence;
use crate::model::verdict::WriteOutcome;

/// Choices made in a portal.
#[derive(Debug, Clone)]
pub struct OwnerChoices {
    /// Whose they are, as its octets came.
    pub address: Box<[u8]>,
    /// What was chosen.
    pub choices: Vec<Choice>,
    /// Whether the portal says that the owner is logged in.
    pub portal_session: bool,
    /// What proves it.
    pub evidence: Option<Arc<Evidence>>,
    /// The caller's own name for the call; empty: none.
    pub request_id: Arc<str>,
    /// The request as it came.
    pub body: Vec<u8>,
}

impl Engine {
    /// Records choices made in a portal: one outcome for each of them.
    ///
    /// A session counts from a credential that holds the owner's sessions and no other role; from
    /// any other the owner is a guest.
    ///
    /// # Errors
    /// No choices, or a scope twice; a yes without its evidence; a session that does not say when.
    pub async fn record_owner_choice(
        &self,
        caller: &Caller,
        chosen: OwnerChoices,
    ) -> Result<Written, EngineError> {
        let OwnerChoices { address, choices, portal_session, evidence, request_id, body } = chosen;
        let is_owner = portal_session && caller.holds_owner_sessions();
        let proof = if is_owner { Proof::PortalSession } else { Proof::PortalGuest };
        let count = choices.len();
        let command = Command::OwnerChoice { choices, proof, evidence };
        let addresses = vec![address];
        let write = Write { command, addresses, request_id, body };
        let Written { revision, mut outcomes } = self.write(caller, write).await?;
        // What is no address meets no choice: its one outcome is that of each.
        if outcomes == [WriteOutcome::InvalidAddress] {
            outcomes.resize(count, WriteOutcome::InvalidAddress);
        }
        Ok(Written { revision, outcomes })
    }
}
