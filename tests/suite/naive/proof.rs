//! What is recorded: a change of the facts, or new proof of what stands.

use maysend::model::actor::ActorClass;
use maysend::model::event::EventKind;
use maysend::model::evidence::Evidence;
use maysend::model::fact::{Cause, Declaration};
use maysend::model::verdict::WriteOutcome;

use super::take::{Answer, Asking};
use super::{Book, Record, Said, Voice, Yes};

impl Book {
    /// Adds the record unless it says nothing new.
    pub(super) fn propose(&mut self, asking: &Asking<'_>, record: Record) -> Answer {
        debug_assert_eq!(record.revision, asking.next);
        let outcome = self.outcome_of(&record);
        let mut answer = Answer::plain(outcome);
        if outcome == WriteOutcome::Applied {
            answer.kinds.push(record.kind);
            self.records.push(record);
        }
        answer
    }

    /// Applied where the facts change or the proof is new.
    pub(super) fn outcome_of(&self, record: &Record) -> WriteOutcome {
        let mut after = self.clone();
        after.records.push(record.clone());
        if after.facts() == self.facts()
            && record.said.iter().all(|said| self.on_record(said, record))
        {
            WriteOutcome::Unchanged
        } else {
            WriteOutcome::Applied
        }
    }

    /// Whether a record that tells nothing new says some no anew: one for which an opt-in was begun
    /// in between, one of later than what is known, or one that comes more than a minute after,
    /// unless machines and files deliver their lists of opt-outs.
    pub(super) fn repeats_a_no(&self, record: &Record) -> bool {
        let delivered = record.kind == EventKind::OptedOut
            && (record.class == ActorClass::System || record.class == ActorClass::Import);
        for said in &record.said {
            let is_no = match said {
                Said::No { .. } => true,
                Said::Blocked(block) => {
                    block.cause == Cause::OwnerRequest || block.cause == Cause::Complaint
                }
                _ => false,
            };
            let says = |earlier: &Record| {
                !earlier.afresh && earlier.said.iter().any(|other| same_fact(other, said))
            };
            let Some(last) = self.records.iter().rposition(says).filter(|_| is_no) else {
                continue;
            };
            let begun = self.records[last..].iter().any(|r| r.kind == EventKind::OptInBegun);
            let known = self.records[last].at;
            let occurred = record.evidence.as_ref().and_then(|evidence| evidence.occurred_at);
            let minute_after = known.nanos() + 60_000_000_000;
            if begun
                || occurred.is_some_and(|at| at > known)
                || (!delivered && record.at.nanos() > minute_after)
            {
                return true;
            }
        }
        false
    }

    /// Whether somebody of the same class already said so, for the same reason and with the same
    /// evidence, since when the fact has stood as it stands.
    fn on_record(&self, said: &Said, record: &Record) -> bool {
        let mut earlier = self.clone();
        while let Some(last) = earlier.records.last() {
            if !earlier.agrees(self, said) {
                return false;
            }
            if last.class == record.class
                && last.reason == record.reason
                && last.legal_basis == record.legal_basis
                && last.strength() >= record.strength()
                && same_evidence(last.evidence.as_deref(), record.evidence.as_deref())
                && last.said.iter().any(|other| same_fact(other, said))
            {
                return true;
            }
            earlier.records.pop();
        }
        // What lifts a block that is not there speaks of no standing fact.
        matches!(said, Said::Lifted { .. } | Said::ErasureRejected)
    }

    /// Whether what is said stood in this book as it stands in the other.
    fn agrees(&self, now: &Self, said: &Said) -> bool {
        match said {
            Said::Registered(controller) => {
                self.registered(*controller) == now.registered(*controller)
            }
            Said::No { scope, .. } | Said::Yes(Yes { scope, .. }) => {
                self.standing(*scope) == now.standing(*scope)
            }
            Said::Blocked(block) => self.blocked(*block) == now.blocked(*block),
            Said::ErasureRequested => self.erasure() == now.erasure(),
            Said::Lifted { .. }
            | Said::ErasureRejected
            | Said::Asked { .. }
            | Said::OptInBegun
            | Said::AccessRequested
            | Said::AccessAnswered => true,
        }
    }

    /// A yes that removes a no is a resubscription.
    pub(super) fn kind_of_yes(&self, record: &Record) -> EventKind {
        let mut after = self.clone();
        after.records.push(record.clone());
        for (scope, declaration) in self.facts().declarations {
            let stays = matches!(after.standing(scope), Some(Declaration::No { .. }));
            if matches!(declaration, Declaration::No { .. }) && !stays {
                return EventKind::Resubscribed;
            }
        }
        EventKind::ConsentGranted
    }
}

impl Record {
    /// How well the owner is proved to have said it: by the mailbox, by a session, not at all.
    fn strength(&self) -> u8 {
        let by_mailbox = self.said.iter().any(|said| match said {
            Said::Yes(yes) => yes.voice == Voice::OwnerByMailbox,
            _ => false,
        });
        match (self.owner_proved, by_mailbox) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => 2,
        }
    }
}

fn same_fact(a: &Said, b: &Said) -> bool {
    match (a, b) {
        (Said::No { scope: a, .. }, Said::No { scope: b, .. }) => a == b,
        (Said::Yes(a), Said::Yes(b)) => a.scope == b.scope,
        _ => a == b,
    }
}

/// All but network address, program and instant.
fn same_evidence(a: Option<&Evidence>, b: Option<&Evidence>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            a.method == b.method
                && a.source == b.source
                && a.notice == b.notice
                && a.document_ref == b.document_ref
        }
        (Some(_), None) | (None, Some(_)) => false,
    }
}
