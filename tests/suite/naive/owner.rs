//! What the owner chooses, and what stands against it.

use std::sync::Arc;

use maysend::model::campaign::Channel;
use maysend::model::command::{Choice, Proof, Wish};
use maysend::model::day::Timestamp;
use maysend::model::event::EventKind;
use maysend::model::evidence::{Evidence, LegalBasis};
use maysend::model::fact::{Basis, Block, Cause, Declaration, Erasure, Origin};
use maysend::model::scope::Scope;
use maysend::model::verdict::WriteOutcome;
use maysend::profile::Profile;

use super::take::{Answer, Asking, brands, record, registrations, yeses};
use super::{Book, Record, Said, Voice, related};

impl Book {
    pub(super) fn owner_choice(
        &mut self,
        asking: &Asking<'_>,
        choices: &[Choice],
        proof: &Proof,
        evidence: Option<&Arc<Evidence>>,
    ) -> Answer {
        let of = |wish| {
            let wished = choices.iter().filter(move |choice| choice.wish == wish);
            wished.map(|choice| choice.scope).collect::<Vec<_>>()
        };
        let (noes, yeses) = (of(Wish::Unsubscribe), of(Wish::Subscribe));
        let before = self.clone();
        let mut kinds = Vec::new();
        let mut outcomes: Vec<(Scope, WriteOutcome)> = Vec::new();

        // Each no on its own, then all in one record.
        let asked = match proof {
            Proof::PreferencesToken { asked, .. } => *asked,
            _ => None,
        };
        let mut told = Vec::new();
        for scope in &noes {
            let origin = if asked == Some(*scope) { Origin::Refusal } else { Origin::OptOut };
            let no = Said::No { scope: *scope, origin };
            told.push(no.clone());
            let kind = EventKind::OptedOut;
            let alone = record(asking, kind, "", evidence.cloned(), vec![no]);
            if self.erased {
                outcomes.push((*scope, WriteOutcome::Unchanged));
            } else {
                outcomes.push((*scope, self.outcome_of(&alone)));
                self.records.push(alone);
            }
        }
        *self = before.clone();
        let mut next = asking.next;
        // What the owner says again is written down again.
        if !noes.is_empty() && !self.erased {
            let declines = noes.iter().all(|scope| asked == Some(*scope));
            let kind = if declines { EventKind::ConsentRefused } else { EventKind::OptedOut };
            self.records.push(record(asking, kind, "", evidence.cloned(), told));
            kinds.push(kind);
            next += 1;
        }

        // The yeses, all or none.
        if !yeses.is_empty() {
            // A guest's own no stands already; when a no was recorded is asked of the past alone.
            let standing = self.facts();
            let evidence_given = evidence.map(AsRef::as_ref);
            let rejected =
                before.yes_in_the_way(&standing, asking.base, &yeses, proof, evidence_given);
            let outcome = match rejected {
                _ if before.redeemed(proof, &yeses) => WriteOutcome::Unchanged,
                Some(outcome) => outcome,
                None => {
                    self.owner_yes_said(asking, next, &noes, &yeses, proof, evidence, &mut kinds)
                }
            };
            outcomes.extend(yeses.iter().map(|scope| (*scope, outcome)));
        }
        let outcome_at = |scope: Scope| {
            outcomes.iter().find(|(at, _)| *at == scope).expect("each choice has one").1
        };
        let choices: Vec<_> = choices.iter().map(|choice| outcome_at(choice.scope)).collect();
        Answer { outcome: whole(&choices), choices, kinds }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one set of choices")]
    fn owner_yes_said(
        &mut self,
        asking: &Asking<'_>,
        next: u64,
        noes: &[Scope],
        scopes: &[Scope],
        proof: &Proof,
        evidence: Option<&Arc<Evidence>>,
        kinds: &mut Vec<EventKind>,
    ) -> WriteOutcome {
        let (voice, proved) = match proof {
            Proof::PreferencesToken { .. } | Proof::ConfirmToken { .. } => {
                (Voice::OwnerByMailbox, true)
            }
            Proof::PortalSession => (Voice::Owner, true),
            Proof::PortalGuest => (Voice::Owner, false),
            Proof::UnsubscribeToken => unreachable!("it never says yes"),
        };
        // Said before the last word on the base, it is no answer to that word.
        let occurred_at = evidence.and_then(|evidence| evidence.occurred_at);
        let late = match (occurred_at, asking.base_spoke) {
            (Some(said), Some(spoke)) => said <= spoke,
            _ => false,
        };
        let proved = proved && !late;
        let mut said = Vec::new();
        let afresh = self.erased;
        if afresh {
            self.erased = false;
            said.push(Said::No { scope: Scope::Everything, origin: Origin::OptOut });
        }
        said.extend(yeses(asking, scopes, Basis::Consent, voice, noes, evidence));
        said.extend(registrations(scopes));
        let mut record = record(asking, EventKind::ConsentGranted, "", evidence.cloned(), said);
        record.kind = self.kind_of_yes(&record);
        record.afresh = afresh;
        record.owner_proved = proved;
        if let Proof::ConfirmToken { minted, .. } = proof {
            record.minted = Some(minted.number());
        }
        record.revision = next;
        record.legal_basis = Some(LegalBasis::Consent);
        let mut outcome = self.outcome_of(&record);
        // From here on the base counts no more.
        if proved && asking.base.is_some() {
            outcome = WriteOutcome::Applied;
        }
        if outcome == WriteOutcome::Applied {
            kinds.push(record.kind);
            self.records.push(record);
        }
        outcome
    }

    /// Why an owner's yes is rejected, if it is. `self` is without the noes of its own set, which
    /// `standing` has.
    fn yes_in_the_way(
        &self,
        standing: &Profile,
        base: Option<&Profile>,
        scopes: &[Scope],
        proof: &Proof,
        evidence: Option<&Evidence>,
    ) -> Option<WriteOutcome> {
        let afresh = match proof {
            Proof::ConfirmToken { minted, .. } => minted.number() >= self.erased_at,
            _ => false,
        };
        match self.erasure() {
            Erasure::Erased if !afresh => return Some(WriteOutcome::Erased),
            Erasure::Pending => return Some(WriteOutcome::ErasurePending),
            Erasure::Erased | Erasure::None => {}
        }
        let bounced = brands(scopes).into_iter().any(|brand| {
            let cause = Cause::HardBounce;
            self.blocked(Block { brand, channel: Channel::Email, cause })
        });
        let unproved = match proof {
            Proof::UnsubscribeToken => true,
            Proof::PreferencesToken { minted, may_grant, .. } => {
                !may_grant || minted.number() < self.erased_at
            }
            Proof::ConfirmToken { minted, may_grant } => {
                !may_grant
                    || minted.number() < self.erased_at
                    || self.later_no(scopes, minted.number())
            }
            Proof::PortalSession => bounced,
            Proof::PortalGuest => {
                let no = |facts: &Profile| {
                    facts.declarations.iter().any(|(at, declaration)| {
                        matches!(declaration, Declaration::No { .. })
                            && scopes.iter().any(|scope| related(*at, *scope))
                    })
                };
                bounced || no(standing) || base.is_some_and(no)
            }
        };
        if unproved {
            return Some(WriteOutcome::Proof);
        }
        let occurred_at = evidence.and_then(|evidence| evidence.occurred_at)?;
        for (at, declaration) in self.facts().declarations {
            if matches!(declaration, Declaration::No { .. })
                && scopes.iter().any(|scope| related(at, *scope))
                && self.last_no(at).is_some_and(|recorded| occurred_at < recorded)
            {
                return Some(WriteOutcome::OptedOut);
            }
        }
        None
    }

    /// Whether somebody said no at, above or inside one of the scopes after that revision. That
    /// who starts afresh is out of everything was said by nobody.
    fn later_no(&self, scopes: &[Scope], minted: u64) -> bool {
        self.records.iter().filter(|record| record.revision > minted).any(|record| {
            record.said.iter().any(|said| match said {
                Said::No { scope: at, .. } => {
                    !record.afresh && scopes.iter().any(|scope| related(*at, *scope))
                }
                _ => false,
            })
        })
    }

    /// When a no at exactly this scope was last recorded.
    fn last_no(&self, at: Scope) -> Option<Timestamp> {
        let says_no = |record: &&Record| {
            record.said.iter().any(|said| matches!(said, Said::No { scope, .. } if *scope == at))
        };
        self.records.iter().filter(says_no).map(|record| record.at).max()
    }

    /// Whether a confirm token did its work: since it was made, a yes to all of its scopes came
    /// through the mailbox, and no no thereafter.
    fn redeemed(&self, proof: &Proof, scopes: &[Scope]) -> bool {
        let Proof::ConfirmToken { minted, .. } = proof else { return false };
        let since = self.records.iter().filter(|record| record.revision > minted.number());
        let mut yeses = since.filter(|record| record.owner_proved).filter(|record| {
            scopes.iter().all(|scope| {
                record.said.iter().any(|said| match said {
                    Said::Yes(yes) => yes.scope == *scope && yes.voice == Voice::OwnerByMailbox,
                    _ => false,
                })
            })
        });
        yeses.next().is_some()
            && !self.later_no(scopes, minted.number())
            && minted.number() >= self.erased_at
    }
}

/// The outcome of a set: applied where anything was recorded, else what rejects it, else unchanged.
fn whole(choices: &[WriteOutcome]) -> WriteOutcome {
    if choices.contains(&WriteOutcome::Applied) {
        return WriteOutcome::Applied;
    }
    let rejected = choices.iter().find(|outcome| **outcome != WriteOutcome::Unchanged);
    rejected.copied().unwrap_or(WriteOutcome::Unchanged)
}
