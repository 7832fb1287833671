//! The queue of access requests: where each open one is recorded. All else stands in its event.
//!
//! Like the register of erasure cases it holds nothing personal and can be made again from the
//! ledger. The last event of an address decides alone, so replay over a copy made while writes went
//! on ends where it should.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use crate::model::event::EventKind;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;

/// The requests that are open, one an address at most.
#[derive(Debug, Default)]
pub(in crate::engine) struct Queue {
    by_request: BTreeMap<Revision, Fingerprint>,
    by_address: HashMap<Fingerprint, Revision>,
}

impl Queue {
    /// Takes what an event says; most say nothing.
    pub(in crate::engine) fn apply(&mut self, kind: EventKind, of: Fingerprint, at: Revision) {
        match kind {
            EventKind::AccessRequested => self.put(of, at),
            EventKind::AccessAnswered | EventKind::Erased => self.close(of),
            EventKind::Registered
            | EventKind::Blocked
            | EventKind::BlockLifted
            | EventKind::OptedOut
            | EventKind::Resubscribed
            | EventKind::ConsentRequested
            | EventKind::ConsentGranted
            | EventKind::ConsentRefused
            | EventKind::ErasureRequested
            | EventKind::ErasureRejected
            | EventKind::OptInBegun => {}
        }
    }

    /// Takes a request that is open.
    pub(in crate::engine) fn put(&mut self, of: Fingerprint, at: Revision) {
        self.close(of);
        self.by_address.insert(of, at);
        self.by_request.insert(at, of);
    }

    fn close(&mut self, of: Fingerprint) {
        if let Some(asked) = self.by_address.remove(&of) {
            self.by_request.remove(&asked);
        }
    }

    /// The one of an address.
    pub(in crate::engine) fn of_address(&self, of: Fingerprint) -> Option<Revision> {
        self.by_address.get(&of).copied()
    }

    /// Those recorded behind a revision, oldest first.
    pub(in crate::engine) fn behind(
        &self,
        after: Revision,
    ) -> impl Iterator<Item = (Revision, Fingerprint)> {
        let behind = (Bound::Excluded(after), Bound::Unbounded);
        self.by_request.range(behind).map(|(at, of)| (*at, *of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: Fingerprint = Fingerprint::new(1);
    const BOB: Fingerprint = Fingerprint::new(2);

    /// Ann asks, is answered, asks again and is erased, and asks after she came back; Bob asks.
    const SCRIPT: [(EventKind, Fingerprint, u64); 7] = [
        (EventKind::AccessRequested, ANN, 1),
        (EventKind::AccessRequested, BOB, 2),
        (EventKind::AccessAnswered, ANN, 4),
        (EventKind::AccessRequested, ANN, 5),
        (EventKind::Erased, ANN, 7),
        (EventKind::Registered, ANN, 8),
        (EventKind::AccessRequested, ANN, 9),
    ];

    fn apply(queue: &mut Queue, script: &[(EventKind, Fingerprint, u64)]) {
        for (kind, of, at) in script {
            queue.apply(*kind, *of, Revision::new(*at));
            assert_eq!(queue.by_request.len(), queue.by_address.len());
        }
    }

    fn seen(queue: &Queue) -> Vec<(u64, Fingerprint)> {
        queue.behind(Revision::ZERO).map(|(at, of)| (at.number(), of)).collect()
    }

    #[test]
    fn a_request_is_open_until_it_is_answered_or_erased() {
        let open: [&[(u64, Fingerprint)]; 8] = [
            &[],
            &[(1, ANN)],
            &[(1, ANN), (2, BOB)],
            &[(2, BOB)],
            &[(2, BOB), (5, ANN)],
            &[(2, BOB)],
            &[(2, BOB)],
            &[(2, BOB), (9, ANN)],
        ];
        for (done, open) in open.into_iter().enumerate() {
            let mut queue = Queue::default();
            apply(&mut queue, &SCRIPT[..done]);
            assert_eq!(seen(&queue), open, "after {done}");
        }
    }

    #[test]
    fn replay_over_any_later_state_ends_where_it_should() {
        for from in 0..=SCRIPT.len() {
            for done in from..=SCRIPT.len() {
                let mut queue = Queue::default();
                apply(&mut queue, &SCRIPT[..done]);
                apply(&mut queue, &SCRIPT[from..]);
                assert_eq!(seen(&queue), [(2, BOB), (9, ANN)], "replay from {from} over {done}");
            }
        }
    }
}
