//! The check path: canonical form, fingerprint, look-up, one octet for each address.
//!
//! No allocation for an address, no I/O, no lock across an await. A call is worked in slices of at
//! most 500 addresses and yields between them, so that other calls have their turn; the edge gives
//! the largest ones threads of their own besides.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use equivalent::Equivalent;
use moka::sync::Cache;

use super::error::EngineError;
use super::write::check_count;
use super::{Engine, Shared};
use crate::authorize::{Operation, permit};
use crate::index::{Base, Batch, Compiled};
use crate::model::actor::Caller;
use crate::model::address::Canonicaliser;
use crate::model::day::Today;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::model::verdict::Verdict;

/// Most addresses of one check.
pub const MAX_CHECK: usize = 100_000;

/// Addresses between two chances for other calls: some 20 microseconds of work, half of what a call
/// of 100 takes.
const SLICE: usize = 500;

/// Campaigns whose verdicts are kept compiled.
const COMPILED: u64 = 1_000;

/// What is asked of a list of addresses.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// The brand's name.
    pub brand: &'q str,
    /// The campaign's name.
    pub campaign: &'q str,
    /// Answer from this revision or a later one.
    pub at_least: Revision,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// A verdict's code for each address, in their order.
    pub verdicts: Vec<u8>,
    /// Every verdict is of this revision or a later one.
    pub revision: Revision,
}

/// Compiled campaigns of the current catalog.
#[derive(Debug)]
pub(super) struct CompiledCampaigns {
    cache: Cache<Key, Arc<Compiled>>,
    /// Counts the versions of the catalog, so that no compiled campaign outlives its version.
    version: AtomicU64,
}

/// The names of a campaign that may be asked about, in one version of the catalog.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    version: u64,
    brand: Box<str>,
    campaign: Box<str>,
}

/// A key as a question names it. INVARIANT(same-hash): the fields of `Key`, in their order.
#[derive(Debug, Hash)]
struct Named<'q> {
    version: u64,
    brand: &'q str,
    campaign: &'q str,
}

impl Named<'_> {
    fn to_key(&self) -> Key {
        let Self { version, brand, campaign } = *self;
        Key { version, brand: brand.into(), campaign: campaign.into() }
    }
}

impl Equivalent<Key> for Named<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        let Key { version, brand, campaign } = key;
        self.version == *version && self.brand == &**brand && self.campaign == &**campaign
    }
}

impl CompiledCampaigns {
    pub(super) fn new() -> Self {
        Self { cache: Cache::new(COMPILED), version: AtomicU64::new(0) }
    }

    /// To be called after a new version took the place of the old one.
    pub(super) fn forget(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
        self.cache.invalidate_all();
    }
}

impl Shared {
    /// The compiled campaign of these names.
    fn compiled(&self, brand: &str, campaign: &str) -> Result<Arc<Compiled>, EngineError> {
        // Read before the catalog: what is kept under a version is of that version or a later one.
        let version = self.compiled.version.load(Ordering::Acquire);
        let named = Named { version, brand, campaign };
        if let Some(compiled) = self.compiled.cache.get(&named) {
            return Ok(compiled);
        }
        let catalog = self.catalog();
        let campaign = catalog.campaign_named(brand, campaign)?;
        Ok(self.compiled.cache.get_with(named.to_key(), || {
            let policy = catalog.policy(campaign.brand).clone();
            Arc::new(Compiled::new(campaign.clone(), policy, catalog.plus_tags))
        }))
    }
}

/// Room for one slice.
#[derive(Debug, Default)]
struct Slice {
    canonicaliser: Canonicaliser,
    fingerprints: Vec<Fingerprint>,
    bases: Vec<Base>,
}

impl Slice {
    /// Reads a slice of addresses; adds a code for each, which is zero where it is to be looked up.
    fn read<'a>(
        &mut self,
        shared: &Shared,
        addresses: &mut impl Iterator<Item = &'a [u8]>,
        codes: &mut Vec<u8>,
    ) {
        self.fingerprints.clear();
        self.bases.clear();
        for raw in addresses.take(SLICE) {
            let Ok(canonical) = self.canonicaliser.canonical(raw) else {
                self.fingerprints.push(Fingerprint::new(0));
                codes.push(Verdict::InvalidAddress.code());
                continue;
            };
            let fingerprint = shared.fingerprinter.fingerprint(canonical);
            if self.canonicaliser.is_tagged()
                && let Some(base) = self.canonicaliser.base()
            {
                let position = self.fingerprints.len();
                let fingerprint = shared.fingerprinter.fingerprint(base);
                self.bases.push(Base { position, fingerprint });
            }
            self.fingerprints.push(fingerprint);
            codes.push(0);
        }
    }

    fn answer(&self, shared: &Shared, compiled: &Compiled, today: Today, codes: &mut [u8]) {
        let batch = Batch { addresses: &self.fingerprints, bases: &self.bases };
        shared.index().verdicts(compiled, today, batch, codes);
    }
}

impl Engine {
    /// Whether the campaign may go to each of the addresses, of which there are `count`.
    ///
    /// # Errors
    /// No or too many addresses; an unknown or retired campaign; a revision that is not reached. An
    /// address that is none is an answer.
    pub async fn check<'a>(
        &self,
        caller: &Caller,
        question: &Question<'_>,
        mut addresses: impl Iterator<Item = &'a [u8]> + Send,
        count: usize,
    ) -> Result<Answer, EngineError> {
        permit(caller, Operation::Check)?;
        check_count(count, MAX_CHECK)?;
        self.reach(question.at_least).await?;
        // The head comes first: rules and facts that are read after it are of it or later.
        let revision = self.head();
        let compiled = self.shared.compiled(question.brand, question.campaign)?;
        let today = self.shared.moment().today;
        let mut verdicts = Vec::with_capacity(count);
        let mut slice = Slice::default();
        loop {
            let start = verdicts.len();
            slice.read(&self.shared, &mut addresses, &mut verdicts);
            let (_, codes) = verdicts.split_at_mut(start);
            slice.answer(&self.shared, &compiled, today, codes);
            if verdicts.len() >= count || slice.fingerprints.is_empty() {
                break;
            }
            tokio::task::yield_now().await;
        }
        Ok(Answer { verdicts, revision })
    }
}
