//! Calls with a `request_id`: the same from the same credential within 24 hours gets the first
//! response. The ledger holds each as a record of its own; this is its cache, refilled at boot.

use std::sync::Arc;

use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::error::EngineError;
use super::write::Written;
use crate::model::day::Timestamp;
use crate::model::revision::Revision;
use crate::record::RequestRecord;

/// How long a request id holds.
const HOLDS_NANOS: i64 = 24 * 60 * 60 * 1_000_000_000;

/// Memory for answered calls. At 10,000 addresses a call that is some 25,000 calls a day; beyond
/// it those unused for longest are forgotten, and a repeat is applied again, which changes nothing.
const CACHE_OCTETS: u64 = 256 * 1024 * 1024;

/// A call as its caller named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequestKey {
    pub(super) credential: Arc<str>,
    pub(super) id: Arc<str>,
    pub(super) digest: [u8; 16],
}

/// An answered call: its record, and the revision at which the ledger holds it.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    pub(super) revision: Revision,
    pub(super) record: RequestRecord,
}

/// Whether what was recorded under a request id binds it still.
pub(super) const fn holds(recorded_at: Timestamp, now: Timestamp) -> bool {
    now.nanos().saturating_sub(recorded_at.nanos()) < HOLDS_NANOS
}

impl Answered {
    /// Whether it still binds at this instant.
    pub(super) fn holds_at(&self, now: Timestamp) -> bool {
        holds(self.record.recorded_at, now)
    }

    /// The first response, if this is the same request.
    pub(super) fn repeat(&self, key: &RequestKey) -> Result<Written, EngineError> {
        if self.record.digest != key.digest {
            return Err(EngineError::RequestIdReused { id: key.id.to_string() });
        }
        Ok(Written { revision: self.revision, outcomes: self.record.outcomes.clone() })
    }
}

/// The answered calls of the last 24 hours, by credential and id.
#[derive(Debug, Clone)]
pub(super) struct Requests(Cache<(Arc<str>, Arc<str>), Arc<Answered>>);

impl Requests {
    pub(super) fn new() -> Self {
        Self::with_capacity(CACHE_OCTETS)
    }

    fn with_capacity(capacity: u64) -> Self {
        let octets = |_: &(Arc<str>, Arc<str>), answered: &Arc<Answered>| {
            u32::try_from(answered.record.outcomes.len()).unwrap_or(u32::MAX).saturating_add(256)
        };
        // The default policy would refuse a new call for the sake of older ones.
        let policy = EvictionPolicy::lru();
        Self(
            Cache::builder().weigher(octets).max_capacity(capacity).eviction_policy(policy).build(),
        )
    }

    pub(super) fn get(&self, key: &RequestKey, now: Timestamp) -> Option<Arc<Answered>> {
        let found = self.0.get(&(key.credential.clone(), key.id.clone()))?;
        found.holds_at(now).then_some(found)
    }

    pub(super) fn put(&self, answered: Answered) {
        let key = (answered.record.credential.clone(), answered.record.id.clone());
        self.0.insert(key, Arc::new(answered));
    }

    /// Those that hold at this instant; the others are dropped.
    pub(super) fn holding(&self, now: Timestamp) -> Vec<Arc<Answered>> {
        let mut holding = Vec::new();
        for (key, answered) in &self.0 {
            if answered.holds_at(now) {
                holding.push(answered);
            } else {
                self.0.invalidate(&*key);
            }
        }
        holding
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_answered_last_is_remembered_however_many_there_were() {
        let requests = Requests::with_capacity(10_000);
        let now = Timestamp::default();
        for i in 0..1_000_u64 {
            let (credential, id): (Arc<str>, Arc<str>) = ("crm".into(), i.to_string().into());
            let digest = [0; 16];
            let record = RequestRecord {
                credential: credential.clone(),
                id: id.clone(),
                digest,
                recorded_at: now,
                outcomes: Vec::new(),
            };
            requests.put(Answered { revision: Revision::new(i), record });
            requests.0.run_pending_tasks();
            assert!(requests.get(&RequestKey { credential, id, digest }, now).is_some(), "{i}");
        }
        assert!(requests.holding(now).len() < 100, "the bound holds");
    }
}
