//! The check path: canonical form, fingerprint, look-up, one octet for each address.
//!
//! No allocation for an address, no I/O, no lock across an await. A call is worked in slices of at
//! most 500 addresses and yields between them, so that other calls have their turn; the edge gives
//! the largest ones threads of their own besides.

mod slice;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use equivalent::Equivalent;
use moka::sync::Cache;

use self::slice::Slice;
use super::error::EngineError;
use super::write::check_count;
use super::{Engine, Shared};
use crate::authorize::{Operation, permit};
use crate::index::Compiled;
use crate::model::actor::Caller;
use crate::model::revision::Revision;

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

    /// To be called while a new version takes the place of the old one.
    pub(super) fn forget(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
        self.cache.invalidate_all();
    }
}

/// A compiled campaign.
#[derive(Debug)]
struct Rules {
    /// The version of the catalog that it is of.
    version: u64,
    compiled: Arc<Compiled>,
}

impl Shared {
    /// The compiled campaign of these names.
    fn rules(&self, brand: &str, campaign: &str) -> Result<Rules, EngineError> {
        let version = self.compiled.version.load(Ordering::Acquire);
        let named = Named { version, brand, campaign };
        if let Some(compiled) = self.compiled.cache.get(&named) {
            return Ok(Rules { version, compiled });
        }
        let (version, catalog) = {
            let current = self.catalog.read().unwrap_or_else(PoisonError::into_inner);
            (self.compiled.version.load(Ordering::Acquire), current.clone())
        };
        let named = Named { version, brand, campaign };
        let campaign = catalog.campaign_named(brand, campaign)?;
        let compiled = self.compiled.cache.get_with(named.to_key(), || {
            let policy = catalog.policy(campaign.brand).clone();
            Arc::new(Compiled::new(campaign.clone(), policy, catalog.plus_tags))
        });
        Ok(Rules { version, compiled })
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
        let mut rules = self.shared.rules(question.brand, question.campaign)?;
        let today = self.shared.moment().today;
        let mut verdicts = Vec::with_capacity(count);
        let mut slice = Slice::default();
        loop {
            let start = verdicts.len();
            slice.read(&self.shared, &mut addresses, &mut verdicts);
            let (_, codes) = verdicts.split_at_mut(start);
            while !slice.answer(&self.shared, &rules, today, codes) {
                rules = self.shared.rules(question.brand, question.campaign)?;
            }
            if verdicts.len() >= count || slice.is_empty() {
                break;
            }
            tokio::task::yield_now().await;
        }
        Ok(Answer { verdicts, revision })
    }
}
