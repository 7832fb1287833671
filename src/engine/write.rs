//! The write use case: validate whole, authorise, hand to the writer, answer.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::error::{EngineError, InvalidRequest};
use super::request::RequestKey;
use super::validate;
use super::writer::{Job, Target, WriteJob, give_way};
use super::{Engine, Shared};
use crate::authorize::{Authorized, authorize};
use crate::model::actor::Caller;
use crate::model::address::Address;
use crate::model::command::Command;
use crate::model::revision::Revision;
use crate::model::verdict::WriteOutcome;

/// Most addresses of one write.
pub const MAX_WRITE: usize = 10_000;

/// A write as it came in.
#[derive(Debug, Clone)]
pub struct Write {
    /// What to do with each address.
    pub command: Command,
    /// The addresses, as their octets came.
    pub addresses: Vec<Box<[u8]>>,
    /// The caller's own name for the call; empty: none.
    pub request_id: Arc<str>,
    /// The request as it came, for telling a repeat from another request; may be empty without id.
    pub body: Vec<u8>,
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The revision that holds it.
    pub revision: Revision,
    /// For each address, or for each choice where the owner chose.
    pub outcomes: Vec<WriteOutcome>,
}

impl Engine {
    /// Records a command for each of the addresses.
    ///
    /// # Errors
    /// `EngineError`; but for `OutcomeUnknown` nothing was written.
    pub async fn write(&self, caller: &Caller, write: Write) -> Result<Written, EngineError> {
        let Write { mut command, addresses, request_id, body } = write;
        check_count(addresses.len(), MAX_WRITE)?;
        if matches!(command, Command::ApproveErasure { .. } | Command::RejectErasure { .. }) {
            // It would be recorded without four eyes, and nothing would be erased.
            return Err(InvalidRequest::one("command", "is not a write but a decision").into());
        }
        // A logged-in owner stands behind one address at one controller, never behind a list.
        if let Command::RegisterAddresses { controllers, owner_session, .. } = &mut command {
            let is_one = addresses.len() == 1 && controllers.len() == 1;
            *owner_session &= is_one && caller.holds_owner_sessions();
        }
        // Who comes with an address shows no link.
        if let Command::RequestErasure { owner_link, .. }
        | Command::RequestAccess { owner_link, .. } = &mut command
        {
            *owner_link = false;
        }
        validate::command(&command, self.shared.clock.now())?;
        let mut targets: Vec<Option<Target>> = Vec::with_capacity(addresses.len());
        for (at, raw) in addresses.iter().enumerate() {
            give_way(at);
            targets.push(Address::parse(raw).ok().map(|address| self.shared.target(address)));
        }
        let named = targets.iter().flatten().filter_map(|target| target.address.as_ref());
        let named: Vec<&Address> = named.collect();
        validate::notice_is_impersonal(&command, &named)?;
        let command = authorize(caller, command)?;
        self.submit(command, targets, &request_id, &body).await
    }

    /// Hands an authorised command to the writer and waits for its answer.
    pub(super) async fn submit(
        &self,
        command: Authorized<Command>,
        targets: Vec<Option<Target>>,
        request_id: &Arc<str>,
        body: &[u8],
    ) -> Result<Written, EngineError> {
        validate::request_id(request_id)?;
        let request = (!request_id.is_empty()).then(|| RequestKey {
            credential: command.actor().credential.clone(),
            id: request_id.clone(),
            digest: self.shared.keys.digest("request", body),
        });
        let (reply, answer) = oneshot::channel();
        self.hand_over(Job::Write(WriteJob { command, targets, request, reply })).await?;
        let written: Written = self.answered(answer).await?;
        self.outcomes.add(&written.outcomes);
        Ok(written)
    }

    pub(super) async fn hand_over(&self, job: Job) -> Result<(), EngineError> {
        if self.is_latched() {
            return Err(EngineError::Latched);
        }
        self.jobs.send(job).await.map_err(|_| EngineError::Stopping)
    }
}

impl Shared {
    pub(super) fn target(&self, address: Address) -> Target {
        let tagged = address.base().is_some();
        Target {
            fingerprint: self.fingerprinter.fingerprint(address.as_str().as_bytes()),
            base: if tagged { self.base_of(&address) } else { None },
            tagged,
            address: Some(address),
        }
    }
}

/// Whether a call names a number of addresses that it may.
pub(super) fn check_count(got: usize, limit: usize) -> Result<(), EngineError> {
    match got {
        0 => Err(InvalidRequest::one("addresses", "is empty; name at least one").into()),
        got if got > limit => Err(EngineError::TooManyAddresses { limit, got }),
        _ => Ok(()),
    }
}
