//! The writer: one thread that turns what has arrived into one group of the ledger at a time.
//!
//! WRITE ORDER: stage (transitions against the index and what this group has already changed),
//! commit (write, fdatasync, mark), apply to the index, publish the head, answer. A caller hears of
//! its write only after the fdatasync returned, and then the next check answers by it.
//! CRASH WINDOW: between commit and answer the caller is not told; its retry carries the same
//! request id, or finds the write UNCHANGED.
//! FULL DISK: a group with yeses that does not fit is given up whole and staged again with its
//! noes alone, which the ledger has reserved space for.

mod erase;
mod import;
mod stage;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use parking_lot::RwLockWriteGuard;
use tokio::sync::{mpsc, oneshot};

pub(super) use self::erase::DecideJob;
pub(super) use self::import::{ImportJob, Prefetched, RowJob};
use self::stage::Stage;
use super::Shared;
use super::campaigns::CatalogRefused;
use super::error::EngineError;
use super::request::RequestKey;
use super::write::Written;
use crate::authorize::Authorized;
use crate::catalog::Catalog;
use crate::catalog::parse::parse;
use crate::catalog::reload::{loosened, successor};
use crate::checkpoint::Anchor;
use crate::index::Change;
use crate::keys::Keys;
use crate::ledger::{CommitError, Committed, Group, Ledger, MAX_GROUP_OCTETS, RecordKind, Urgency};
use crate::model::address::Address;
use crate::model::campaign::Campaign;
use crate::model::command::Command;
use crate::model::day::Timestamp;
use crate::model::event::Event;
use crate::model::evidence::Notice;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::record::{
    CampaignRecord, CatalogVersion, encode_campaign, encode_catalog, encode_clock,
};

/// Where each notice lies, by the keyed digest of its texts.
pub(super) type NoticeAt = HashMap<[u8; 16], Revision>;

/// Addresses of a group: beyond this the next group begins, so that nobody waits for long.
const GROUP_ADDRESSES: usize = 20_000;

/// Changes applied under one hold of the index: some tens of microseconds.
const APPLY_SLICE: usize = 256;

/// Addresses after which a thread that waits for the processor goes first: a kernel without
/// preemption looks only every 4 ms.
const TURN: usize = 64;

/// Lets a thread go first that waits for the processor, at each `TURN`th address.
pub(super) fn give_way(at: usize) {
    if at % TURN == TURN - 1 {
        thread::yield_now();
    }
}

/// An address that a command meets.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) fingerprint: Fingerprint,
    pub(super) address: Option<Address>,
    pub(super) tagged: bool,
    pub(super) base: Option<Fingerprint>,
}

pub(super) type Reply<T, E = EngineError> = oneshot::Sender<Result<T, E>>;

/// A command for some addresses. A target that is no address is none.
#[derive(Debug)]
pub(super) struct WriteJob {
    pub(super) command: Authorized<Command>,
    pub(super) targets: Vec<Option<Target>>,
    pub(super) request: Option<RequestKey>,
    pub(super) reply: Reply<Written>,
}

/// What the writer is asked to record.
#[derive(Debug)]
pub(super) enum Job {
    /// A command.
    Write(WriteJob),
    /// A decision on an erasure.
    Decide(DecideJob),
    /// The rows of a file.
    Import(ImportJob),
    /// A campaign, and the catalog that has it.
    Campaign { campaign: Campaign, reply: Reply<()> },
    /// A version of the catalog file.
    Catalog { file: Arc<str>, source: Arc<str>, reply: Reply<(), CatalogRefused> },
    /// The present wall clock is right though it lies before the last event.
    AcceptClock { now: Timestamp, reply: Reply<()> },
    /// No more comes.
    Stop,
}

/// The thread's own state.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    ledger: Ledger,
}

impl Writer {
    pub(super) const fn new(shared: Arc<Shared>, ledger: Ledger) -> Self {
        Self { shared, ledger }
    }

    /// Works until it is told to stop or the last sender is gone.
    pub(super) fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut waiting = None;
        while let Some(job) = waiting.take().or_else(|| jobs.blocking_recv()) {
            match job {
                Job::Write(first) => waiting = self.gather(first, &mut jobs),
                Job::Decide(job) => {
                    let decided = self.decide(&job);
                    answer(job.reply, decided);
                }
                Job::Import(job) => self.import(job),
                Job::Campaign { campaign, reply } => answer(reply, self.campaign(campaign)),
                Job::Catalog { file, source, reply } => {
                    answer(reply, self.catalog(&file, source));
                }
                Job::AcceptClock { now, reply } => answer(reply, self.accept_clock(now)),
                Job::Stop => return,
            }
        }
    }

    /// Takes what has arrived besides the first write, and records it as one group. Gives back a
    /// job that is no write, to be done next.
    fn gather(&mut self, first: WriteJob, jobs: &mut mpsc::Receiver<Job>) -> Option<Job> {
        let mut addresses = first.targets.len();
        let mut group = vec![first];
        let mut next = None;
        while addresses < GROUP_ADDRESSES {
            match jobs.try_recv() {
                Ok(Job::Write(job)) => {
                    addresses = addresses.saturating_add(job.targets.len());
                    group.push(job);
                }
                Ok(other) => {
                    next = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        self.record(group);
        next
    }

    /// Stages, commits, applies and answers a group.
    fn record(&mut self, mut jobs: Vec<WriteJob>) {
        // Whoever has hung up, or whose deadline has passed, is not begun.
        jobs.retain(|job| !job.reply.is_closed());
        let mut stage = Stage::new(self.shared.clone(), self.ledger.begin(Vec::new()));
        let mut answers: Vec<_> = jobs.iter().map(|job| stage.write(job, None)).collect();
        let is_restrictive =
            |job: &WriteJob| job.command.without_yeses().as_ref() == Some(&job.command);
        let restrictive = jobs.iter().all(is_restrictive);
        let urgency = if restrictive { Urgency::No } else { Urgency::Yes };
        let mut outcome = self.commit(stage, urgency);
        if matches!(outcome, Err(EngineError::DiskFull)) {
            let mut stage = Stage::new(self.shared.clone(), self.ledger.begin(Vec::new()));
            let full = Some(EngineError::DiskFull);
            answers = jobs.iter().map(|job| stage.write(job, full.clone())).collect();
            outcome = self.commit(stage, Urgency::No);
        }
        if matches!(outcome, Err(EngineError::WriteTooLarge { .. })) && jobs.len() > 1 {
            // Calls that fit must not fail for the company they came in.
            return jobs.into_iter().for_each(|job| self.record(vec![job]));
        }
        for (job, staged) in jobs.into_iter().zip(answers) {
            answer(job.reply, outcome.clone().and(staged));
        }
    }

    /// Makes a staged group durable and effective.
    fn commit(&mut self, stage: Stage, urgency: Urgency) -> Result<(), EngineError> {
        let (group, kept) = stage.finish();
        if group.is_empty() {
            return if self.ledger.is_latched() { Err(EngineError::Latched) } else { Ok(()) };
        }
        let committed = self.append(group, urgency)?;
        self.apply(&committed);
        self.shared.keep(kept);
        self.publish();
        Ok(())
    }

    fn append<T>(
        &mut self,
        group: Group<T>,
        urgency: Urgency,
    ) -> Result<Committed<T>, EngineError> {
        let committed = self.ledger.commit(group, urgency);
        self.told(committed)
    }

    /// What a commit came to, as callers are told it.
    fn told<T>(
        &self,
        committed: Result<Committed<T>, CommitError>,
    ) -> Result<Committed<T>, EngineError> {
        // A commit that went well latches too where its mark could not be written.
        if self.ledger.is_latched() {
            self.shared.latched.store(true, Ordering::Release);
        }
        committed.map_err(|error| match error {
            CommitError::Full => EngineError::DiskFull,
            CommitError::Latched => EngineError::Latched,
            CommitError::TooLarge => EngineError::WriteTooLarge { limit: MAX_GROUP_OCTETS },
            CommitError::Unreadable(_) | CommitError::NotErasable(_) => super::damaged(&error),
            error => {
                tracing::error!(%error, "the ledger is latched: a write to disk failed");
                self.shared.latched.store(true, Ordering::Release);
                EngineError::OutcomeUnknown
            }
        })
    }

    /// Applies a committed group in slices, never parting the events of one address's write.
    fn apply(&self, committed: &Committed<Vec<Event>>) {
        let mut changes = committed.as_slice();
        while !changes.is_empty() {
            let mut end = changes.len().min(APPLY_SLICE);
            while let (Some(last), Some(next)) =
                (changes.get(end.wrapping_sub(1)), changes.get(end))
                && last.fingerprint == next.fingerprint
            {
                end = end.saturating_add(1);
            }
            let (slice, rest) = changes.split_at(end);
            let mut index = self.shared.index_mut();
            for change in slice {
                index.apply(&Change::from(change));
            }
            RwLockWriteGuard::unlock_fair(index);
            thread::yield_now();
            changes = rest;
        }
        self.shared.index_mut().set_head(self.ledger.head());
        let mut queue = super::locked(&self.shared.access);
        for event in committed.iter() {
            queue.apply(event.statement.kind, event.fingerprint, event.revision);
        }
    }

    /// Lets checks, waiters and snapshots know of the new head.
    fn publish(&self) {
        let (revision, chain) = (self.ledger.head(), self.ledger.chain());
        *super::locked(&self.shared.anchor) = Anchor { revision, chain };
        self.shared.head.send_replace(revision);
    }

    fn campaign(&mut self, campaign: Campaign) -> Result<(), EngineError> {
        let current = self.shared.catalog();
        if current.campaign(campaign.brand, &campaign.id).is_some() {
            return current.same_campaign(&campaign);
        }
        let mut group = self.ledger.begin(());
        self.put_campaign(&mut group, &campaign);
        self.append(group, Urgency::Yes)?;
        let mut next = Catalog::clone(&current);
        next.campaigns.insert((campaign.brand, campaign.id.clone()), Arc::new(campaign));
        self.shared.set_catalog(next);
        self.publish();
        Ok(())
    }

    /// Records a version of the catalog: its new words, its text, its new campaigns. It is judged
    /// here, where no campaign is registered and no fact recorded meanwhile.
    fn catalog(&mut self, file: &str, source: Arc<str>) -> Result<(), CatalogRefused> {
        let current = self.shared.catalog();
        let next = parse(file, &source, &current.names)?;
        let next = successor(&current, next, self.shared.index().used());
        let next = next.map_err(CatalogRefused::Changes)?;
        if next == *current {
            return Ok(());
        }
        for change in loosened(&current, &next) {
            tracing::warn!(change, "the catalog loosens a policy");
        }
        let at = self.shared.moment().at;
        let names = next.names.beyond(&current.names);
        let version = CatalogVersion { recorded_at: at, names, source: source.clone() };
        let mut group = self.ledger.begin(());
        let mut payload = Vec::new();
        encode_catalog(&version, rand::random(), &mut payload);
        let revision = group.push(RecordKind::Catalog, &payload);
        for (key, campaign) in &next.campaigns {
            if current.campaigns.get(key) != Some(campaign) {
                self.put_campaign(&mut group, campaign);
            }
        }
        self.append(group, Urgency::Yes)?;
        self.shared.floor.set(at);
        *super::locked(&self.shared.catalog_source) = source;
        super::locked(&self.shared.catalogs).push(revision);
        self.shared.set_catalog(next);
        self.publish();
        Ok(())
    }

    fn put_campaign(&self, group: &mut Group<()>, campaign: &Campaign) {
        let recorded_at = self.shared.moment().at;
        let record = CampaignRecord { recorded_at, campaign: campaign.clone() };
        let mut payload = Vec::new();
        encode_campaign(&record, rand::random(), &mut payload);
        group.push(RecordKind::Campaign, &payload);
    }

    fn accept_clock(&mut self, now: Timestamp) -> Result<(), EngineError> {
        let mut group = self.ledger.begin(());
        let mut payload = Vec::new();
        encode_clock(now, rand::random(), &mut payload);
        group.push(RecordKind::Clock, &payload);
        self.append(group, Urgency::Yes)?;
        self.shared.floor.set(now);
        self.publish();
        Ok(())
    }
}

/// Answers a caller. One that has hung up will ask again.
fn answer<T, E>(reply: Reply<T, E>, result: Result<T, E>) {
    drop(reply.send(result));
}

/// The keyed digest under which a notice is stored once.
pub(super) fn notice_digest(keys: &Keys, notice: &Notice) -> [u8; 16] {
    let Notice { wording, version, language } = notice;
    // Each after its length: no two notices have the same octets, whatever their texts hold.
    let mut octets = Vec::new();
    for text in [wording, version, language] {
        octets.extend(text.len().to_le_bytes());
        octets.extend(text.as_bytes());
    }
    keys.digest("notice", &octets)
}
