//! The check path: canonical form, fingerprint, look-up, one octet for each address.
//!
//! No allocation for an address, no I/O, no lock across an await. A call is worked in slices of at
//! most 2,000 addresses and yields between them, so that a large call never holds up a small one.

mod slice;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moka::sync::Cache;

use self::slice::Slice;
use super::error::EngineError;
use super::write::check_count;
use super::{Engine, Shared};
use crate::authorize::{Operation, permit};
use crate::index::Compiled;
use crate::model::actor::Caller;
use crate::model::campaign::CampaignId;
use crate::model::revision::Revision;
use crate::model::scope::BrandId;

/// Most addresses of one check.
pub const MAX_CHECK: usize = 100_000;

/// Addresses between two chances for other calls: some 100 microseconds of work.
const SLICE: usize = 2_000;

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
    cache: Cache<(u64, BrandId, CampaignId), Arc<Compiled>>,
    /// Counts the versions of the catalog, so that no compiled campaign outlives its version.
    version: AtomicU64,
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
        let catalog = self.catalog();
        let campaign = catalog.campaign_named(brand, campaign)?;
        let key = (version, campaign.brand, campaign.id.clone());
        Ok(self.compiled.cache.get_with(key, || {
            let policy = catalog.policy(campaign.brand).clone();
            Arc::new(Compiled::new(campaign.clone(), policy, catalog.plus_tags))
        }))
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
            if verdicts.len() >= count || slice.is_empty() {
                break;
            }
            tokio::task::yield_now().await;
        }
        Ok(Answer { verdicts, revision })
    }
}
