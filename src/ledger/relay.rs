//! Records on their way from the thread that walks to the one that is shown them.
//!
//! To verify records costs about as much as to take them, so an opening does both at once, each on
//! a thread of its own. What is shown, its order, and which error comes first are as if one
//! thread did it: a walk that finds damage ends only once all before it was shown.
//!
//! BOUND: a batch is handed over with the record that fills it. One is filled, `WAITING` wait, one
//! is shown: a few octets less than `WAITING + 2` times `FULL`, and the longest payload as often.

use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::error::OpenError;
use super::open::Visit;
use super::{Committed, Record, RecordKind};
use crate::model::revision::Revision;

/// Octets of payloads that fill a batch.
const FULL: usize = 256 << 10;

/// Batches that wait to be shown.
const WAITING: usize = 4;

/// Where a walk puts the records that it has verified.
#[derive(Debug)]
pub(super) struct Relay {
    batches: SyncSender<Batch>,
    batch: Batch,
}

/// Records that follow one another.
#[derive(Debug, Default)]
struct Batch {
    /// Their payloads, one behind the other.
    octets: Vec<u8>,
    records: Vec<Waiting>,
}

/// A record without its payload.
#[derive(Debug)]
struct Waiting {
    revision: Revision,
    kind: RecordKind,
    /// Where its payload ends.
    end: usize,
    erases: Vec<Revision>,
    erased: bool,
}

/// Runs `walk` on a thread of its own and shows on this one what it puts into the relay. After a
/// record is refused the walk is told so by the relay, and what it returns is of no account.
pub(super) fn relayed<T: Send>(
    walk: impl FnOnce(&mut Relay) -> Result<T, OpenError> + Send,
    visit: Visit<'_>,
) -> Result<T, OpenError> {
    let (batches, filled) = sync_channel(WAITING);
    let mut relay = Relay { batches, batch: Batch::default() };
    thread::scope(|scope| {
        let walking = thread::Builder::new().name("replay".to_owned());
        let walking = walking.spawn_scoped(scope, move || {
            let walked = walk(&mut relay);
            relay.hand_over().and(walked)
        })?;
        show(filled, visit)?;
        walking.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// Shows what comes until the walk has ended.
fn show(filled: Receiver<Batch>, visit: Visit<'_>) -> Result<(), OpenError> {
    for Batch { octets, records } in filled {
        let mut begin = 0;
        for Waiting { revision, kind, end, erases, erased } in records {
            let payload = octets.get(begin..end).unwrap_or_default().into();
            visit(Committed(Record { revision, kind, payload, erases, erased }))
                .map_err(|source| OpenError::Refused { revision, source })?;
            begin = end;
        }
    }
    Ok(())
}

impl Relay {
    /// Takes the next record.
    ///
    /// # Errors
    /// Nobody is shown anything any more.
    pub(super) fn put(&mut self, record: Record<'_>) -> Result<(), OpenError> {
        let Record { revision, kind, payload, erases, erased } = record;
        let Batch { octets, records } = &mut self.batch;
        octets.extend_from_slice(&payload);
        records.push(Waiting { revision, kind, end: octets.len(), erases, erased });
        // Erased records have no payload, and there may be millions of them in a row.
        let taken = octets.len() + records.len() * size_of::<Waiting>();
        if taken >= FULL { self.hand_over() } else { Ok(()) }
    }

    fn hand_over(&mut self) -> Result<(), OpenError> {
        let batch = std::mem::take(&mut self.batch);
        // Whoever no longer listens has an error of his own to tell.
        self.batches.send(batch).map_err(|_| OpenError::Io(std::io::ErrorKind::BrokenPipe.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::{Damage, Damaged};
    use super::*;

    fn record(revision: u64) -> Record<'static> {
        Record {
            revision: Revision::new(revision),
            kind: RecordKind::ALL[usize::try_from(revision % 8).unwrap()],
            payload: vec![7; usize::try_from(revision * 31 % 997).unwrap()].into(),
            erases: (1..revision % 4).map(Revision::new).collect(),
            erased: revision.is_multiple_of(5),
        }
    }

    fn damaged() -> OpenError {
        let (segment, revision) = (Revision::new(1), Revision::new(2));
        Damage { segment, offset: 0, revision, what: Damaged::Frame }.into()
    }

    #[test]
    fn records_come_out_as_they_went_in_over_many_batches() {
        let all: Vec<_> = (1..5_000).map(record).collect();
        let mut shown = Vec::new();
        let walk = |relay: &mut Relay| all.iter().try_for_each(|record| relay.put(record.clone()));
        let mut visit = |record: Committed<Record<'_>>| {
            shown.push(record.into_inner().into_owned());
            Ok(())
        };
        relayed(walk, &mut visit).unwrap();
        assert!(all.iter().map(|record| record.payload.len()).sum::<usize>() > 2 * FULL);
        assert_eq!(shown, all);
    }

    #[test]
    fn damage_is_told_once_all_before_it_was_shown() {
        let mut shown = 0;
        let walk = |relay: &mut Relay| (1..10).try_for_each(|n| relay.put(record(n)));
        let walk = |relay: &mut Relay| walk(relay).and(Err::<(), _>(damaged()));
        let mut visit = |_: Committed<Record<'_>>| {
            shown += 1;
            Ok(())
        };
        let told = relayed(walk, &mut visit);
        assert!(matches!(told, Err(OpenError::Damaged(_))));
        assert_eq!(shown, 9);
    }

    #[test]
    fn a_refusal_outweighs_damage_behind_it_and_ends_a_walk_that_would_never_end() {
        for ends in [true, false] {
            let walk = |relay: &mut Relay| {
                for revision in 1.. {
                    if ends && revision == 10 {
                        return Err::<(), _>(damaged());
                    }
                    relay.put(record(revision))?;
                }
                Ok(())
            };
            let mut visit = |record: Committed<Record<'_>>| {
                if record.revision.number() == 4 { Err("no".into()) } else { Ok(()) }
            };
            let told = relayed(walk, &mut visit);
            assert!(
                matches!(told, Err(OpenError::Refused { revision, .. }) if revision.number() == 4)
            );
        }
    }
}
