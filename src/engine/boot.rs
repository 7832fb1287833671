//! Boot: lock, keys, checkpoint, the ledger's tail, catalog, writer.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use moka::sync::Cache;
use rustix::io::Errno;
use tokio::sync::{mpsc, oneshot, watch};

use super::access::Queue;
use super::campaigns::CatalogRefused;
use super::check::CompiledCampaigns;
use super::clock::{Clock, Floor};
use super::erasure::{CaseChange, Cases};
use super::error::EngineError;
use super::follow::Watches;
use super::request::{Answered, Requests};
use super::snapshot::Builder;
use super::vitals::Outcomes;
use super::writer::{Job, NoticeAt, Writer, notice_digest};
use super::{Engine, Shared};
use crate::backup::HalfDone;
use crate::catalog::parse::parse;
use crate::catalog::{Catalog, Names, NamesExhausted, PlusTags};
use crate::checkpoint::{Anchor, Checkpoints};
use crate::fingerprint::Fingerprinter;
use crate::index::{Change, Index};
use crate::keys::{self, Keys, KeysError};
use crate::ledger::{Committed, Disk, Ledger, OpenError, Options, RealDisk, Record, RecordKind};
use crate::model::campaign::{Campaign, CampaignId};
use crate::model::day::Timestamp;
use crate::model::revision::Revision;
use crate::model::scope::BrandId;
use crate::record::{
    CatalogVersion, DecodeError, EventHead, decode_campaign, decode_catalog, decode_clock,
    decode_head, decode_notice, decode_request,
};

/// Writes that wait for the writer. Beyond it callers wait themselves.
const QUEUE: usize = 1_024;

/// Notices that history keeps at hand.
const NOTICES: u64 = 1_000;

/// How long a checkpoint may take to load before the older one or the ledger serves instead.
pub(super) const LOAD_LIMIT: Duration = Duration::from_secs(600);

/// Events that a replay reads before the index takes them, so that the memory of one is on its way
/// while others are read.
const AHEAD: usize = 32;

/// Where and with what an engine starts.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The data directory; made if it is not there.
    pub data_dir: PathBuf,
    /// The key file; none: `keys.toml` in the data directory.
    pub key_file: Option<PathBuf>,
    /// The catalog file's name, for messages.
    pub catalog_file: String,
    /// Its text.
    pub catalog_source: String,
    /// What links begin with; none: tokens come without links.
    pub public_url: Option<String>,
    /// Take the present wall clock for right though it lies before the last event.
    pub accept_clock: bool,
    /// How the ledger lies on disk.
    pub ledger: Options,
}

/// Why an engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// Another process holds the data directory.
    #[error("data directory `{0}` is in use by another process; stop that one first")]
    InUse(PathBuf),
    /// A restore or a repair was interrupted.
    #[error(transparent)]
    HalfDone(#[from] HalfDone),
    /// Something cannot be read or written.
    #[error("cannot use `{path}`{}", advice(source))]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The keys cannot be had.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// There is a ledger but no key file.
    #[error("`{0}` is missing, but there is a ledger that was written with it; bring it back")]
    KeysMissing(PathBuf),
    /// The ledger cannot be opened.
    #[error("the ledger cannot be opened{}", match .0 {
        OpenError::Damaged(_) | OpenError::Refused { .. } => {
            "; `maysend verify` shows all that is wrong, a backup brings it back"
        }
        OpenError::Io(error) => advice(error),
        OpenError::WrongKey | OpenError::Format { .. } | OpenError::AddressRule { .. } => "",
    })]
    Ledger(#[from] OpenError),
    /// A checkpoint holds what the ledger does not: the ledger lost its tail.
    #[error(
        "a checkpoint reaches revision {reached}, the ledger only {head}: it lost its tail; bring it \
         back from a backup"
    )]
    LedgerBehind {
        /// What the checkpoint reaches.
        reached: Revision,
        /// Where the ledger ends.
        head: Revision,
    },
    /// The catalog is not taken.
    #[error("the catalog is not taken")]
    Catalog(#[from] CatalogRefused),
    /// The writer does not start.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// What to do about a file that cannot be used.
fn advice(error: &io::Error) -> &'static str {
    if error.raw_os_error() == Some(Errno::IO.raw_os_error()) {
        return "; the disk fails: see the system's log, and start again when it is mended";
    }
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "; everything there has to belong to the user that maysend runs as"
        }
        io::ErrorKind::ReadOnlyFilesystem => "; it is mounted read-only",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; make room on the disk",
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => "; it is not a directory",
        _ => "",
    }
}

/// A record that cannot be understood.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReplayError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Names(#[from] NamesExhausted),
}

/// What the ledger, or a checkpoint and its tail, amount to.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) index: Index,
    pub(super) names: Names,
    pub(super) source: Arc<str>,
    pub(super) campaigns: BTreeMap<(BrandId, CampaignId), Arc<Campaign>>,
    pub(super) notices: NoticeAt,
    pub(super) requests: Requests,
    pub(super) cases: Cases,
    pub(super) access: Queue,
    pub(super) catalogs: Vec<Revision>,
    pub(super) floor: Timestamp,
    /// What the checkpoint's images reach at most.
    pub(super) reached: Revision,
    /// Events that the index has yet to take, in their order.
    ahead: Vec<(Revision, EventHead)>,
}

impl Recovered {
    pub(super) fn nothing() -> Self {
        Self {
            index: Index::new(),
            names: Names::default(),
            source: "".into(),
            campaigns: BTreeMap::new(),
            notices: NoticeAt::new(),
            requests: Requests::new(),
            cases: Cases::default(),
            access: Queue::default(),
            catalogs: Vec::new(),
            floor: Timestamp::default(),
            reached: Revision::ZERO,
            ahead: Vec::with_capacity(AHEAD),
        }
    }

    pub(super) fn take_catalog(&mut self, version: &CatalogVersion) -> Result<(), NamesExhausted> {
        version.names.iter().try_for_each(|name| self.names.add(name))?;
        self.source = version.source.clone();
        Ok(())
    }

    /// Notes where a version of the catalog lies. A checkpoint may know of it already.
    pub(super) fn note_catalog(&mut self, at: Revision) {
        if self.catalogs.last().is_none_or(|last| *last < at) {
            self.catalogs.push(at);
        }
    }

    pub(super) fn take_campaign(&mut self, campaign: Campaign) {
        let key = (campaign.brand, campaign.id.clone());
        self.campaigns.insert(key, Arc::new(campaign));
    }

    pub(super) fn replay(&mut self, record: &Record<'_>, keys: &Keys) -> Result<(), ReplayError> {
        if record.erased {
            return Ok(());
        }
        let payload: &[u8] = &record.payload;
        match record.kind {
            RecordKind::Event | RecordKind::Tombstone => {
                let head = decode_head(payload, &self.names)?;
                self.index.prefetch(head.fingerprint);
                self.floor = self.floor.max(head.recorded_at);
                if let Some(change) = CaseChange::of_record(record, head.kind, &self.names)? {
                    self.cases.apply(change);
                }
                self.access.apply(head.kind, head.fingerprint, record.revision);
                self.ahead.push((record.revision, head));
                if self.ahead.len() == AHEAD {
                    self.catch_up();
                }
            }
            RecordKind::Erased => {}
            RecordKind::Catalog => {
                let version = decode_catalog(payload, &self.names)?;
                self.take_catalog(&version)?;
                self.note_catalog(record.revision);
                self.floor = self.floor.max(version.recorded_at);
            }
            RecordKind::Campaign => {
                self.take_campaign(decode_campaign(payload, &self.names)?.campaign);
            }
            RecordKind::Notice => {
                let digest = notice_digest(keys, &decode_notice(payload)?);
                self.notices.insert(digest, record.revision);
            }
            RecordKind::Request => {
                let answered =
                    Answered { revision: record.revision, record: decode_request(payload)? };
                self.requests.put(answered);
            }
            RecordKind::Clock => self.floor = decode_clock(payload)?,
        }
        Ok(())
    }

    /// Lets the index take what was read ahead.
    pub(super) fn catch_up(&mut self) {
        for (revision, head) in self.ahead.drain(..) {
            self.index.apply(&Change {
                fingerprint: head.fingerprint,
                revision,
                tagged: head.tagged,
                owner_proof: head.owner_proof,
                effects: &head.effects,
            });
        }
    }

    /// The catalog as the ledger knows it. One that this version of the program no longer reads
    /// leaves its words and campaigns: it cannot forbid what the next may change.
    pub(super) fn catalog(&self) -> Catalog {
        let parsed = parse("catalog", &self.source, &self.names).ok();
        let (plus_tags, controllers, brands) = parsed
            .map(|catalog| (catalog.plus_tags, catalog.controllers, catalog.brands))
            .unwrap_or((PlusTags::WidenRestrictions, Vec::new(), Vec::new()));
        let names = Arc::new(self.names.clone());
        Catalog::new(names, plus_tags, controllers, brands, self.campaigns.clone())
    }
}

impl Engine {
    /// Starts an engine on a data directory.
    ///
    /// # Errors
    /// `BootError`; then nothing was changed but what a crash had left half-done.
    pub async fn open(
        settings: Settings,
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, BootError> {
        let (file, source) = (settings.catalog_file.clone(), settings.catalog_source.clone());
        let accept_clock = settings.accept_clock;
        let opening = tokio::task::spawn_blocking(move || recover(settings, disk, clock));
        let engine = opening.await.map_err(|error| super::damaged(&error))??;
        if accept_clock && engine.is_clock_in_doubt() {
            engine.accept_clock().await?;
        }
        engine.take_catalog(&file, &source).await?;
        Ok(engine)
    }

    /// Takes the present wall clock for right.
    async fn accept_clock(&self) -> Result<(), EngineError> {
        let (reply, answer) = oneshot::channel();
        let now = self.shared.clock.now();
        self.hand_over(Job::AcceptClock { now, reply }).await?;
        self.answered(answer).await
    }

    /// Lets the writer finish what it has, and ends it. Later writes fail with `Stopping`.
    pub async fn stop(&self) {
        self.end_watches();
        self.stopping.store(true, std::sync::atomic::Ordering::Release);
        // A closed queue says that the writer has ended already.
        drop(self.jobs.send(Job::Stop).await);
        let writer = super::locked(&self.writer).take();
        if let Some(writer) = writer {
            let joined = tokio::task::spawn_blocking(move || writer.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the writer did not end well");
            }
        }
    }
}

/// Everything of boot that reads files.
fn recover(
    settings: Settings,
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<Engine>, BootError> {
    let lock = lock(&settings.data_dir)?;
    HalfDone::check(&settings.data_dir)?;
    let keys = keys(&settings)?;
    let checkpoints = Checkpoints::new(settings.data_dir.clone(), keys.fingerprint_key());
    let loaded = checkpoints.load(LOAD_LIMIT, |_| Builder::new(Recovered::nothing()), Builder::put);
    let (anchor, mut recovered) = match loaded.found.map(|(anchor, b)| (anchor, b.finish())) {
        Some((anchor, Ok(recovered))) => (Some(anchor), recovered),
        Some((_, Err(reason))) => {
            tracing::warn!(reason, "a checkpoint cannot be read; the ledger alone serves");
            (None, Recovered::nothing())
        }
        None => (None, Recovered::nothing()),
    };
    let ledger = {
        let mut visit =
            |record: Committed<Record<'_>>| recovered.replay(&record, &keys).map_err(Into::into);
        let check = keys.check_value();
        Ledger::open(disk, &settings.data_dir, check, settings.ledger, anchor, &mut visit)?
    };
    recovered.catch_up();
    let head = ledger.head();
    if recovered.reached > head {
        return Err(BootError::LedgerBehind { reached: recovered.reached, head });
    }
    recovered.index.set_head(head);
    Ok(assemble(settings, keys, checkpoints, recovered, ledger, clock, lock)?)
}

fn assemble(
    settings: Settings,
    keys: Keys,
    checkpoints: Checkpoints,
    recovered: Recovered,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    lock: Lock,
) -> Result<Arc<Engine>, EngineError> {
    let catalog = recovered.catalog();
    let anchor = Anchor { revision: ledger.head(), chain: ledger.chain() };
    let shared = Arc::new(Shared {
        index: parking_lot::RwLock::new(recovered.index),
        catalog: RwLock::new(Arc::new(catalog)),
        compiled: CompiledCampaigns::new(),
        fingerprinter: Fingerprinter::new(keys.fingerprint_key()),
        token_keys: RwLock::new(Arc::new(keys.token_keys().clone())),
        keys,
        reader: ledger.reader(),
        notices: Cache::new(NOTICES),
        requests: recovered.requests,
        cases: Mutex::new(recovered.cases),
        access: Mutex::new(recovered.access),
        notice_at: Mutex::new(recovered.notices),
        catalogs: Mutex::new(recovered.catalogs),
        catalog_source: Mutex::new(recovered.source),
        clock,
        floor: Floor::new(recovered.floor),
        anchor: Mutex::new(anchor),
        head: watch::Sender::new(anchor.revision),
        latched: AtomicBool::new(ledger.is_latched()),
    });
    let (jobs, queue) = mpsc::channel(QUEUE);
    let writer = Writer::new(shared.clone(), ledger);
    let thread = std::thread::Builder::new().name("writer".to_owned());
    let thread = thread.spawn(move || writer.run(queue)).map_err(|error| super::damaged(&error))?;
    Ok(Arc::new(Engine {
        shared,
        jobs,
        checkpoints,
        watches: Watches::new(),
        outcomes: Outcomes::new(),
        public_url: settings.public_url,
        writer: Mutex::new(Some(thread)),
        stopping: AtomicBool::new(false),
        _lock: lock,
    }))
}

/// Keeps every other process out of a data directory for as long as it lives.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Said aloud: a child that is being forked shares the file until it runs. Where it fails,
        // closing the file does it.
        self.0.unlock().ok();
    }
}

/// Makes the data directory if needed and keeps every other process out of it.
pub(super) fn lock(dir: &Path) -> Result<Lock, BootError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| BootError::Io { path, source }
    };
    // Not for others: checkpoints tell who holds the key file who is in them. And durably: all that
    // is synced below a name that a power cut takes is lost with it.
    RealDisk.create_dir(dir).map_err(failed(dir))?;
    let path = dir.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(failed(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(BootError::InUse(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(&path)(error)),
    }
}

/// The keys; a new data directory gets new ones.
fn keys(settings: &Settings) -> Result<Keys, BootError> {
    let path = keys::path_of(&settings.data_dir, settings.key_file.as_deref());
    // What cannot be looked at is not missing.
    let is_there =
        path.try_exists().map_err(|source| BootError::Io { path: path.clone(), source })?;
    if is_there {
        return Ok(Keys::load(&path)?);
    }
    if is_new(&settings.data_dir)? {
        Ok(Keys::create(&path)?)
    } else {
        Err(BootError::KeysMissing(path))
    }
}

/// Whether nothing that was written under a key lies in the data directory.
fn is_new(data_dir: &Path) -> Result<bool, BootError> {
    let has = |dir: &Path, which: fn(&str) -> bool| match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(BootError::Io { path: dir.to_owned(), source }),
        Ok(mut entries) => Ok(entries.any(|entry| {
            // One that cannot be read is one.
            entry.map_or(true, |entry| entry.file_name().to_str().is_some_and(which))
        })),
    };
    let used = has(&data_dir.join("ledger"), |_| true)?
        || has(data_dir, |name| name.starts_with("checkpoint-"))?;
    Ok(!used)
}
