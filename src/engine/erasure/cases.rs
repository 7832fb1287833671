//! The register of erasure cases: which there are, how far each has come, and where the ledger
//! tells the rest.
//!
//! It holds nothing personal: address, reason and actors stand in the events, and are gone with
//! them. Like the index it can be made again from the ledger, and an entry skips what is not above
//! its last revision, so replay over a copy made while writes went on ends where it should.
//!
//! A case that was rejected goes when a later one of the same address is approved, for that erases
//! all that was recorded of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use crate::catalog::Names;
use crate::ledger::{Record, RecordKind};
use crate::model::event::{Event, EventKind};
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::record::{DecodeError, Requested, decode_event, decode_tombstone};

/// How far a case has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CaseState {
    /// To be decided.
    Pending,
    /// Declined; what was recorded stands.
    Rejected,
    /// Done.
    Erased,
}

/// A case, without anything personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct Case {
    pub(in crate::engine) id: Arc<str>,
    pub(in crate::engine) fingerprint: Fingerprint,
    /// The revision of its first request, by which it is found and ordered.
    pub(in crate::engine) requested: Revision,
    /// The revision of its last event: the decision's, once it is decided.
    pub(in crate::engine) last: Revision,
    pub(in crate::engine) state: CaseState,
}

/// What a record says of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct CaseChange {
    case: Case,
    /// What a tombstone erases.
    erases: Vec<Revision>,
}

impl CaseChange {
    /// What an event says; none where it is of no case.
    pub(in crate::engine) fn of_event(event: &Event) -> Option<Self> {
        let state = match event.statement.kind {
            EventKind::ErasureRequested => CaseState::Pending,
            EventKind::ErasureRejected => CaseState::Rejected,
            EventKind::Registered
            | EventKind::Blocked
            | EventKind::BlockLifted
            | EventKind::OptedOut
            | EventKind::Resubscribed
            | EventKind::ConsentRequested
            | EventKind::ConsentGranted
            | EventKind::ConsentRefused
            | EventKind::Erased
            | EventKind::OptInBegun
            | EventKind::AccessRequested
            | EventKind::AccessAnswered => return None,
        };
        Some(Self { case: Case::at(event, event.revision, state), erases: Vec::new() })
    }

    /// What a tombstone says.
    pub(in crate::engine) fn of_tombstone(
        event: &Event,
        requested: &Requested,
        erases: Vec<Revision>,
    ) -> Self {
        Self { case: Case::at(event, requested.revision, CaseState::Erased), erases }
    }

    /// What a record says, whose event has this kind; none where it is of no case.
    pub(in crate::engine) fn of_record(
        record: &Record<'_>,
        kind: EventKind,
        names: &Names,
    ) -> Result<Option<Self>, DecodeError> {
        let (at, payload) = (record.revision, &record.payload);
        if record.kind == RecordKind::Tombstone {
            let (event, requested) = decode_tombstone(at, payload, names)?;
            return Ok(Some(Self::of_tombstone(&event, &requested, record.erases.clone())));
        }
        // Most events are of no case and need no closer look.
        if !matches!(kind, EventKind::ErasureRequested | EventKind::ErasureRejected) {
            return Ok(None);
        }
        Ok(Self::of_event(&decode_event(at, payload, names)?.0))
    }
}

impl Case {
    fn at(event: &Event, requested: Revision, state: CaseState) -> Self {
        Self {
            id: event.statement.erasure_id.clone(),
            fingerprint: event.fingerprint,
            requested,
            last: event.revision,
            state,
        }
    }
}

impl Case {
    /// For a checkpoint.
    pub(in crate::engine) fn to_octets(&self) -> Vec<u8> {
        let Self { id, fingerprint, requested, last, state } = self;
        let state = match state {
            CaseState::Pending => 1,
            CaseState::Rejected => 2,
            CaseState::Erased => 3,
        };
        let mut octets = vec![state];
        octets.extend(requested.number().to_le_bytes());
        octets.extend(last.number().to_le_bytes());
        octets.extend(fingerprint.bits().to_le_bytes());
        octets.extend(id.as_bytes());
        octets
    }

    /// From a checkpoint; none where `to_octets` did not make them.
    pub(in crate::engine) fn of_octets(octets: &[u8]) -> Option<Self> {
        let (state, rest) = octets.split_first()?;
        let (requested, rest) = rest.split_first_chunk()?;
        let (last, rest) = rest.split_first_chunk()?;
        let (fingerprint, id) = rest.split_first_chunk()?;
        Some(Self {
            id: std::str::from_utf8(id).ok()?.into(),
            fingerprint: Fingerprint::new(u128::from_le_bytes(*fingerprint)),
            requested: Revision::new(u64::from_le_bytes(*requested)),
            last: Revision::new(u64::from_le_bytes(*last)),
            state: match state {
                1 => CaseState::Pending,
                2 => CaseState::Rejected,
                3 => CaseState::Erased,
                _ => return None,
            },
        })
    }
}

/// Every case, by the revision of its first request.
#[derive(Debug, Default)]
pub(in crate::engine) struct Cases {
    by_request: BTreeMap<Revision, Case>,
    by_id: HashMap<Arc<str>, Revision>,
    by_address: BTreeSet<(Fingerprint, Revision)>,
}

impl Cases {
    /// Takes what a record says; skips what the case has seen.
    pub(in crate::engine) fn apply(&mut self, change: CaseChange) {
        let CaseChange { case, erases } = change;
        for gone in erases {
            if self.by_request.get(&gone).is_some_and(|known| known.id != case.id) {
                self.remove(gone);
            }
        }
        let known = self.by_id.get(&case.id).and_then(|at| self.by_request.get_mut(at));
        match known {
            Some(known) if case.last > known.last => {
                known.last = case.last;
                known.state = case.state;
            }
            Some(_) => {}
            None => self.put(case),
        }
    }

    /// Takes a case as it is.
    pub(in crate::engine) fn put(&mut self, case: Case) {
        self.by_id.insert(case.id.clone(), case.requested);
        self.by_address.insert((case.fingerprint, case.requested));
        self.by_request.insert(case.requested, case);
    }

    fn remove(&mut self, requested: Revision) {
        if let Some(case) = self.by_request.remove(&requested) {
            self.by_id.remove(&case.id);
            self.by_address.remove(&(case.fingerprint, requested));
        }
    }

    pub(in crate::engine) fn get(&self, id: &str) -> Option<&Case> {
        self.by_request.get(self.by_id.get(id)?)
    }

    /// The newest case of an address that was there at a revision. One that is gone since, with
    /// what a later case erased, gives way to that one.
    pub(in crate::engine) fn of_address(&self, of: Fingerprint, at: Revision) -> Option<&Case> {
        let older = self.by_address.range((of, Revision::ZERO)..=(of, at)).next_back();
        let later =
            || self.by_address.range((of, at)..).next().filter(|(address, _)| *address == of);
        let (_, requested) = older.or_else(later)?;
        self.by_request.get(requested)
    }

    /// Those requested behind a revision, oldest first.
    pub(in crate::engine) fn behind(&self, after: Revision) -> impl Iterator<Item = &Case> {
        let behind = (Bound::Excluded(after), Bound::Unbounded);
        self.by_request.range(behind).map(|(_, case)| case)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: Fingerprint = Fingerprint::new(1);
    const BOB: Fingerprint = Fingerprint::new(2);

    fn change(id: &str, of: Fingerprint, at: [u64; 2], state: CaseState) -> CaseChange {
        let [requested, last] = at.map(Revision::new);
        let case = Case { id: id.into(), fingerprint: of, requested, last, state };
        CaseChange { case, erases: Vec::new() }
    }

    /// Ann's first case is rejected, her second approved, which erases the first; Bob's is pending.
    fn script() -> Vec<CaseChange> {
        let mut approved = change("a2", ANN, [5, 9], CaseState::Erased);
        approved.erases = [1, 3, 5, 6].map(Revision::new).to_vec();
        vec![
            change("a1", ANN, [1, 1], CaseState::Pending),
            change("b1", BOB, [2, 2], CaseState::Pending),
            change("a1", ANN, [3, 3], CaseState::Rejected),
            change("a2", ANN, [5, 5], CaseState::Pending),
            change("a2", ANN, [6, 6], CaseState::Pending),
            approved,
        ]
    }

    fn seen(cases: &Cases) -> Vec<Case> {
        cases.behind(Revision::ZERO).cloned().collect()
    }

    fn after(script: &[CaseChange]) -> Cases {
        let mut cases = Cases::default();
        script.iter().cloned().for_each(|change| cases.apply(change));
        cases
    }

    #[test]
    fn replay_over_any_later_state_ends_where_it_should() {
        let script = script();
        let end = after(&script);
        for from in 0..=script.len() {
            for done in from..=script.len() {
                let mut cases = after(&script[..done]);
                script[from..].iter().cloned().for_each(|change| cases.apply(change));
                assert_eq!(seen(&cases), seen(&end), "replay from {from} over {done}");
            }
        }
    }

    #[test]
    fn what_a_tombstone_erases_is_as_if_it_had_never_been() {
        let script = script();
        let without = [script[1].clone(), script[5].clone()];
        assert_eq!(seen(&after(&script)), seen(&after(&without)), "the ledger alone shows less");
        let ids: Vec<_> = seen(&after(&script)).iter().map(|case| case.id.clone()).collect();
        assert_eq!(ids, ["b1".into(), Arc::from("a2")], "oldest first");
        let cases = after(&script);
        let of_first = cases.of_address(ANN, Revision::new(1)).map(|case| &*case.id);
        assert_eq!(of_first, Some("a2"), "who repeats the first request gets what became of it");
        assert!(cases.of_address(Fingerprint::new(0), Revision::new(9)).is_none());
    }

    #[test]
    fn a_case_comes_back_from_a_checkpoint() {
        for case in seen(&after(&script()[..4])) {
            let octets = case.to_octets();
            assert_eq!(Case::of_octets(&octets), Some(case));
            assert_eq!(Case::of_octets(&octets[..32]), None);
            assert_eq!(Case::of_octets(&[&[9], &octets[1..]].concat()), None);
        }
    }

    #[test]
    fn the_case_of_an_address_is_the_one_of_then() {
        let cases = after(&script()[..5]);
        let id = |at| cases.of_address(ANN, Revision::new(at)).map(|case| &*case.id);
        assert_eq!(
            [id(0), id(1), id(4), id(5), id(90)],
            [Some("a1"), Some("a1"), Some("a1"), Some("a2"), Some("a2")]
        );
    }
}
