//! The look at a call's addresses before anything of the call is staged.

use super::super::{Target, WriteJob, give_way};
use super::Stage;
use super::overlay::Pending;
use crate::authorize::Authorized;
use crate::engine::error::EngineError;
use crate::model::command::{Command, Wish};
use crate::model::day::Timestamp;
use crate::model::event::Event;
use crate::model::revision::Revision;
use crate::transition::{Outcome, Past, Transition};

/// What a transition asked for, as it was before its call.
#[derive(Debug)]
pub(super) struct ReadPast {
    /// Newest first.
    events: Vec<Event>,
    base_spoke: Option<Timestamp>,
}

/// The same, lent.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PastBefore<'a> {
    pub(super) events: &'a [Event],
    pub(super) base_spoke: Option<Timestamp>,
}

/// What is known of a target before its turn comes.
#[derive(Debug)]
pub(super) enum Look {
    /// Nothing else of the call bears on it.
    Done(Outcome),
    Past(ReadPast),
    Open,
}

impl ReadPast {
    pub(super) fn before(&self) -> PastBefore<'_> {
        PastBefore { events: &self.events, base_spoke: self.base_spoke }
    }
}

impl Stage {
    /// What is known of each target before anything of the call is staged: the events of those
    /// whose transition asks for them, and what it comes to for the others. A target that the same
    /// call names twice is asked again when its turn comes.
    pub(super) fn look(
        &mut self,
        job: &WriteJob,
        command: &Authorized<Command>,
    ) -> Result<Vec<Look>, EngineError> {
        self.calls = self.calls.saturating_add(1);
        self.reserve(job.targets.len());
        let mut looks = Vec::with_capacity(job.targets.len());
        for (at, target) in job.targets.iter().enumerate() {
            give_way(at);
            let Some(target) = target else {
                looks.push(Look::Open);
                continue;
            };
            let place = self.overlay.place(&self.shared, target.fingerprint);
            let named_by = std::mem::replace(&mut self.overlay[place].named_by, self.calls);
            looks.push(if named_by == self.calls {
                Look::Past(self.read_past(target, command)?)
            } else {
                match self.run(target, command, Past::Unread) {
                    Transition::NeedsPast => Look::Past(self.read_past(target, command)?),
                    // The call may yet change what precedes the plus tag.
                    Transition::Done(_) if target.base.is_some() => Look::Open,
                    Transition::Done(outcome) => Look::Done(outcome),
                }
            });
        }
        Ok(looks)
    }

    fn read_past(
        &mut self,
        target: &Target,
        command: &Authorized<Command>,
    ) -> Result<ReadPast, EngineError> {
        let looks_back = match command.value() {
            // It joins the case that is pending, however long ago that began.
            Command::RequestErasure { .. } => usize::MAX,
            no if needs_no_past(no) => NO_LOOKS_BACK,
            _ => usize::MAX,
        };
        let before = self.pending(target).before;
        let walk = self.shared.walk(before).take(looks_back);
        let events: Vec<Event> = walk.collect::<Result<_, _>>()?;
        let is_owners = matches!(command.value(), Command::OwnerChoice { .. });
        let base_spoke = if is_owners { self.base_spoke(target)? } else { None };
        Ok(ReadPast { events, base_spoke })
    }

    /// When anything was last recorded of what precedes the plus tag. One that cannot be told may
    /// have spoken just now.
    fn base_spoke(&mut self, target: &Target) -> Result<Option<Timestamp>, EngineError> {
        if !target.tagged {
            return Ok(None);
        }
        let base = target.base.or_else(|| {
            let base = target.address.as_ref()?.base()?;
            Some(self.shared.fingerprinter.fingerprint(base.as_str().as_bytes()))
        });
        let Some(base) = base else { return Ok(Some(self.now.at)) };
        let place = self.overlay.place(&self.shared, base);
        let Pending { before, last, .. } = self.overlay[place];
        match before {
            _ if last > before => Ok(Some(self.now.at)),
            Revision::ZERO => Ok(None),
            before => {
                let last = self.shared.event_if_kept(before)?;
                Ok(Some(last.map_or(self.now.at, |event| event.recorded_at)))
            }
        }
    }
}

/// Events that a no looks back over to find itself said before. Beyond them it counts as new: who
/// clicks one link for ever must not make all writes wait for a walk through all those clicks.
const NO_LOOKS_BACK: usize = 256;

/// Whether a command is a no that only asks of the past whether it was said before.
pub(super) fn needs_no_past(command: &Command) -> bool {
    match command {
        Command::BlockAddresses { .. }
        | Command::OptOut { .. }
        | Command::WithdrawConsent { .. }
        | Command::RequestErasure { .. } => true,
        Command::OwnerChoice { choices, .. } => {
            choices.iter().all(|choice| choice.wish == Wish::Unsubscribe)
        }
        Command::Import { fact, .. } => fact.is_no(),
        Command::RegisterAddresses { .. }
        | Command::LiftBlocks { .. }
        | Command::RecordConsent { .. }
        | Command::MarkConsentRequested { .. }
        | Command::ResubscribeByStaff { .. }
        | Command::BeginOptIn { .. }
        | Command::ApproveErasure { .. }
        | Command::RejectErasure { .. }
        | Command::RequestAccess { .. }
        | Command::AnswerAccess { .. } => false,
    }
}
