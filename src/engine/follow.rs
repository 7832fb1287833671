//! Following: what was recorded after a revision, in its order, and then what is recorded from now
//! on; and the consents that lapse, of which nothing is recorded.
//!
//! A watch is pulled. Nothing is read ahead of who follows but one slice of the ledger, no task
//! runs for him, nobody waits for him: who reads slowly or not at all costs the server what one
//! slice holds, and is never ended for it.
//!
//! INVARIANT(resume): whoever was told everything up to a revision needs no more than that number
//! to resume. So no change goes out before the lapses up to its day are told (`lapses`).

mod addresses;
mod course;
mod lapses;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use self::course::Course;
use super::Engine;
use super::error::{EngineError, InvalidRequest};
use crate::authorize::{Operation, permit};
use crate::model::actor::Caller;
use crate::model::address::Address;
use crate::model::day::Day;
use crate::model::event::Event;
use crate::model::fact::Basis;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::model::scope::Scope;

/// Most watches at a time: each reads the ledger and, at midnight, the index for itself.
pub const MAX_WATCHES: usize = 64;

/// So long nothing may be said. Midnight is noticed no later than that.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Something that a follower has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// An event, with the address where the event itself did not carry it but an earlier one did.
    Recorded(Box<Event>),
    /// A yes has lapsed.
    Lapsed(Lapse),
}

/// A yes that is no longer live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lapse {
    /// What was told up to when this was.
    pub revision: Revision,
    /// Whose.
    pub fingerprint: Fingerprint,
    /// Whose, where any write carried it.
    pub address: Option<Address>,
    /// Where it applied.
    pub scope: Scope,
    /// What it rested on.
    pub basis: Basis,
    /// The first day on which it was not live.
    pub day: Day,
}

/// The next changes; none where there is nothing but the revision to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// In order of revision.
    pub changes: Vec<Change>,
    /// Everything up to here is told: where to resume.
    pub revision: Revision,
}

/// The place of one who follows.
#[derive(Debug)]
pub struct Watch {
    course: Course,
    head: watch::Receiver<Revision>,
    ended: watch::Receiver<bool>,
    /// So long nothing may be said.
    pub(super) heartbeat: Duration,
    /// How far it was told, for those who look after the server.
    told: Arc<AtomicU64>,
    _place: OwnedSemaphorePermit,
}

/// What all watches share.
#[derive(Debug)]
pub(super) struct Watches {
    places: Arc<Semaphore>,
    ended: watch::Sender<bool>,
    /// How far each has been told; of those that have ended nothing is left but a dead pointer.
    told: Mutex<Vec<Weak<AtomicU64>>>,
}

impl Watches {
    pub(super) fn new() -> Self {
        let places = Arc::new(Semaphore::new(MAX_WATCHES));
        Self { places, ended: watch::Sender::new(false), told: Mutex::default() }
    }

    /// Notes one that begins.
    fn note(&self, after: Revision) -> Arc<AtomicU64> {
        let told = Arc::new(AtomicU64::new(after.number()));
        let mut all = super::locked(&self.told);
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(&told));
        told
    }

    /// How many there are, and how far the slowest was told.
    pub(super) fn open(&self) -> (usize, Option<u64>) {
        let all = super::locked(&self.told);
        let told: Vec<Arc<AtomicU64>> = all.iter().filter_map(Weak::upgrade).collect();
        (told.len(), told.iter().map(|told| told.load(Ordering::Relaxed)).min())
    }
}

impl Engine {
    /// Follows what was and will be recorded after a revision.
    ///
    /// # Errors
    /// A revision that the ledger has not reached; too many watches; damaged data.
    pub async fn watch(&self, caller: &Caller, after: Revision) -> Result<Watch, EngineError> {
        permit(caller, Operation::Watch)?;
        let head = self.head();
        if after > head {
            let problem = format!("lies beyond the head, {head}: it is of another ledger");
            return Err(InvalidRequest::one("after_revision", problem).into());
        }
        let place = self.watches.places.clone().try_acquire_owned();
        let place = place.map_err(|_| EngineError::TooManyWatches { limit: MAX_WATCHES })?;
        let shared = self.shared.clone();
        Ok(Watch {
            course: self.blocking(move |_| Course::begin(shared, after)).await?,
            head: self.shared.head.subscribe(),
            ended: self.watches.ended.subscribe(),
            heartbeat: HEARTBEAT,
            told: self.watches.note(after),
            _place: place,
        })
    }

    /// Ends every watch with `Stopping`, those that are still to come too.
    pub fn end_watches(&self) {
        self.watches.ended.send_replace(true);
    }
}

impl Watch {
    /// Waits for the next changes; at the head for a heartbeat at most.
    ///
    /// # Errors
    /// Damaged data; the server is stopping. Then the watch has ended.
    pub async fn next(mut self) -> Result<(Changes, Self), EngineError> {
        let mut beats = false;
        loop {
            if *self.ended.borrow() {
                return Err(EngineError::Stopping);
            }
            self.head.borrow_and_update();
            let mut course = self.course;
            let advanced = tokio::task::spawn_blocking(move || (course.advance(), course)).await;
            let (advanced, course) = advanced.map_err(|error| super::damaged(&error))?;
            self.course = course;
            // What goes out next counts as told: who takes it slowly is seen by what follows.
            self.told.store(self.course.position().number(), Ordering::Relaxed);
            if let Some(changes) = advanced? {
                return Ok((changes, self));
            }
            if beats {
                let revision = self.course.position();
                return Ok((Changes { changes: Vec::new(), revision }, self));
            }
            tokio::select! {
                // Whoever sends lives as long as there is anything to tell.
                _ = self.ended.wait_for(|ended| *ended) => {}
                _ = self.head.changed() => {}
                () = tokio::time::sleep(self.heartbeat) => beats = true,
            }
        }
    }
}
