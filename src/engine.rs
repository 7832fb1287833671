//! The use cases: the only place where the order of steps exists.
//!
//! ```text
//! write: authorise -> validate -> transition -> ledger.commit -> index.apply -> answer(revision)
//! erase: authorise -> four eyes -> transition -> ledger.redact -> index.apply -> certificate
//! check: canonical -> fingerprint -> index.verdicts -> answer
//! boot:  checkpoint -> verify -> replay the ledger's tail -> serve
//! ```
//!
//! WRITES go through one thread (`writer`): it takes what has arrived, runs the transitions against
//! the index and what this group has already changed, commits the group, applies it, answers.
//! CHECKS read the index under a lock that is held for one slice of a call at a time and never
//! across an await; the writer holds it only while it applies a committed group. So for each
//! address a check sees each write whole or not at all.
//!
//! The engine knows no wire: edges decode into words of the model, call, and encode.

pub mod access;
pub mod audit;
pub mod boot;
pub mod campaigns;
pub mod check;
pub mod choice;
pub mod clock;
pub mod erasure;
pub mod error;
pub mod explain;
pub mod follow;
pub mod history;
pub mod import;
pub mod inspect;
pub mod opt_in;
pub mod owner_link;
pub mod preferences;
pub mod rekey;
pub mod repair;
pub mod rights;
pub mod sheet;
pub mod snapshot;
pub mod status;
pub mod validate;
pub mod vitals;
pub mod write;

mod request;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use moka::sync::Cache;
use tokio::sync::{mpsc, oneshot, watch};

use self::access::Queue;
use self::boot::Lock;
use self::check::CompiledCampaigns;
use self::clock::{Clock, Floor};
use self::erasure::Cases;
use self::error::EngineError;
use self::follow::Watches;
use self::request::Requests;
use self::vitals::Outcomes;
use self::writer::Job;
use crate::catalog::{Catalog, PlusTags};
use crate::checkpoint::{Anchor, Checkpoints};
use crate::fingerprint::{Fingerprinter, Names};
use crate::index::{Index, Known};
use crate::keys::Keys;
use crate::ledger::Reader;
use crate::model::address::Address;
use crate::model::day::Timestamp;
use crate::model::evidence::Notice;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::profile::Profile;
use crate::token::TokenKeys;
use crate::transition::Moment;

/// How long a call waits for a revision that it has seen elsewhere.
const REVISION_WAIT: Duration = Duration::from_secs(2);

/// A running engine. Edges share it as `Arc<Engine>`.
#[derive(Debug)]
pub struct Engine {
    shared: Arc<Shared>,
    jobs: mpsc::Sender<Job>,
    checkpoints: Checkpoints,
    watches: Watches,
    outcomes: Outcomes,
    public_url: Option<String>,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// Set before the writer is told to stop.
    stopping: AtomicBool,
    /// Held as long as the engine lives: one process to a data directory.
    _lock: Lock,
}

/// What the engine, its writer and its snapshots share.
#[derive(Debug)]
struct Shared {
    /// Guards the answers. Readers hold it for a slice, the writer while it applies a slice of a
    /// group. FAIR: it can be handed to who waits. From std's the writer, who lets go for a
    /// microsecond only, takes it back before a sleeping reader wakes, slice for slice.
    index: parking_lot::RwLock<Index>,
    /// Guards which version is current; held only to clone the pointer.
    catalog: RwLock<Arc<Catalog>>,
    compiled: CompiledCampaigns,
    /// Of these the keys of tokens are replaced while the engine runs: see `token_keys`.
    keys: Keys,
    /// Guards which keys of tokens are current; held only to clone the pointer.
    token_keys: RwLock<Arc<TokenKeys>>,
    fingerprinter: Fingerprinter,
    reader: Reader,
    /// Notices that history has shown lately, by their revision.
    notices: Cache<Revision, Notice>,
    requests: Requests,
    /// The erasure cases. Guards the register; held to look something up or to take a change.
    cases: Mutex<Cases>,
    /// The access requests that are open. Guards the queue; held as that of cases.
    access: Mutex<Queue>,
    /// Where each shared notice lies, by its digest. Guards the writer's map against a snapshot.
    notice_at: Mutex<writer::NoticeAt>,
    /// Where each version of the catalog lies, in their order, for explanations of the past.
    catalogs: Mutex<Vec<Revision>>,
    /// The text of the catalog that the ledger took last, for the next snapshot.
    catalog_source: Mutex<Arc<str>>,
    clock: Arc<dyn Clock>,
    floor: Floor,
    /// The ledger's head and chain value that the index has reached.
    anchor: Mutex<Anchor>,
    head: watch::Sender<Revision>,
    latched: AtomicBool,
}

impl Shared {
    fn index(&self) -> parking_lot::RwLockReadGuard<'_, Index> {
        self.index.read()
    }

    fn index_mut(&self) -> parking_lot::RwLockWriteGuard<'_, Index> {
        self.index.write()
    }

    /// A poisoned lock still holds whole values: each is changed in steps that cannot fail.
    fn catalog(&self) -> Arc<Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_catalog(&self, catalog: Catalog) {
        let mut current = self.catalog.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(catalog);
        // Under the lock: whoever reads the catalog reads the number of its version.
        self.compiled.forget();
    }

    fn token_keys(&self) -> Arc<TokenKeys> {
        self.token_keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn head(&self) -> Revision {
        *self.head.borrow()
    }

    fn moment(&self) -> Moment {
        clock::moment(&*self.clock, &self.floor)
    }

    fn known(&self, fingerprint: Fingerprint) -> Option<Known> {
        self.index().get(fingerprint)
    }

    /// The profile of an address, and that of its base where the policy has it asked.
    fn profiles(&self, address: &Address) -> (Profile, Option<Profile>) {
        let own = self.fingerprinter.fingerprint(address.as_str().as_bytes());
        let base = self.base_of(address);
        let index = self.index();
        let profile = index.get(own).map(|known| known.profile).unwrap_or_default();
        let base = base
            .and_then(|base| index.get(base))
            .filter(|base| base.last >= index.owner_yes(own))
            .map(|base| base.profile);
        (profile, base)
    }

    /// The fingerprint of what precedes the plus tag, where the policy has it asked.
    fn base_of(&self, address: &Address) -> Option<Fingerprint> {
        match self.catalog().plus_tags {
            PlusTags::Exact => None,
            PlusTags::WidenRestrictions => {
                address.base().map(|base| self.fingerprinter.fingerprint(base.as_str().as_bytes()))
            }
        }
    }
}

impl Engine {
    /// The current catalog.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        self.shared.catalog()
    }

    /// The revision that the next answer holds at least.
    #[must_use]
    pub fn head(&self) -> Revision {
        self.shared.head()
    }

    /// Whether the ledger takes no writes until a restart.
    #[must_use]
    pub fn is_latched(&self) -> bool {
        self.shared.latched.load(Ordering::Acquire)
    }

    /// Whether the wall clock lies days before the last event.
    #[must_use]
    pub fn is_clock_in_doubt(&self) -> bool {
        matches!(self.shared.moment().today, crate::model::day::Today::InDoubt(_))
    }

    /// How many addresses the index holds.
    #[must_use]
    pub fn addresses(&self) -> usize {
        self.shared.index().len()
    }

    /// The present instant, and never one before the last event's: what has expired stays so when
    /// the clock is set back.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared.moment().at
    }

    /// The fingerprints of these addresses, in any spelling, without those that are none.
    #[must_use]
    pub fn names<'a>(&self, addresses: impl Iterator<Item = &'a [u8]>) -> Vec<Fingerprint> {
        let mut names = Names::default();
        self.shared.fingerprinter.name(addresses, &mut names);
        let mut invalid = names.invalid().iter().peekable();
        let named = names.fingerprints().iter().enumerate();
        let valid = named.filter(|(place, _)| invalid.next_if_eq(&place).is_none());
        valid.map(|(_, fingerprint)| *fingerprint).collect()
    }

    fn fingerprint(&self, address: &Address) -> Fingerprint {
        self.shared.fingerprinter.fingerprint(address.as_str().as_bytes())
    }

    /// Waits for the writer's answer. A writer that ends without one and was not told to stop has
    /// failed on the way: what it was about to answer may stand or not.
    async fn answered<T, E: From<EngineError>>(
        &self,
        answer: oneshot::Receiver<Result<T, E>>,
    ) -> Result<T, E> {
        match answer.await {
            Ok(answer) => answer,
            Err(_) if self.stopping.load(Ordering::Acquire) => Err(EngineError::Stopping.into()),
            Err(_) => {
                tracing::error!("the writer has failed; it takes no writes until a restart");
                self.shared.latched.store(true, Ordering::Release);
                Err(EngineError::OutcomeUnknown.into())
            }
        }
    }

    /// Waits for a revision that the caller has seen.
    async fn reach(&self, asked: Revision) -> Result<(), EngineError> {
        if asked <= self.head() {
            return Ok(());
        }
        let mut head = self.shared.head.subscribe();
        let reached = head.wait_for(|head| *head >= asked);
        match tokio::time::timeout(REVISION_WAIT, reached).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => {
                Err(EngineError::RevisionNotReached { asked, head: self.head() })
            }
        }
    }

    /// Runs what reads the ledger's files away from the threads that answer checks.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let shared = self.shared.clone();
        let done = tokio::task::spawn_blocking(move || work(&shared)).await;
        done.unwrap_or_else(|error| Err(damaged(&error)))
    }
}

/// Logs what was found under an incident id, and names that id to the caller.
fn damaged(error: &dyn Display) -> EngineError {
    let incident = format!("{:08x}", rand::random::<u32>());
    tracing::error!(incident, %error, "stored data cannot be read");
    EngineError::Damaged { incident }
}

/// Locks a mutex. A poisoned one still holds a whole value: each is replaced in one step.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
