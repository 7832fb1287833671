//! What the ledger and the rules were at an instant: its head, the catalog, a campaign.

use std::sync::Arc;

use super::super::error::EngineError;
use super::super::{Shared, damaged, locked};
use crate::catalog::parse::parse;
use crate::catalog::{Catalog, Names, Policy};
use crate::ledger::{Record, RecordKind};
use crate::model::campaign::{Campaign, CampaignId};
use crate::model::day::Timestamp;
use crate::model::revision::Revision;
use crate::model::scope::BrandId;
use crate::record::{decode_campaign, decode_catalog, decode_clock, decode_head, decode_request};

impl Shared {
    /// The last revision that was recorded at an instant or before it.
    ///
    /// Recorded time rises with the revisions, so it is searched by halves. It is set back by
    /// `serve --accept-clock` alone; before such a place the answer is a revision around it.
    pub(super) fn head_at(&self, at: Timestamp) -> Revision {
        let head = self.head();
        if at >= self.floor.get() {
            return head;
        }
        let names = self.catalog().names.clone();
        // What is recorded at `below` is not too late, what is recorded at `above` is.
        let (mut below, mut above) = (0, head.number().saturating_add(1));
        while above - below > 1 {
            let middle = below + (above - below) / 2;
            match self.last_dated(below, middle, &names) {
                Some((revision, recorded_at)) if recorded_at > at => above = revision,
                Some(_) | None => below = middle,
            }
        }
        Revision::new(below)
    }

    /// The last record that tells when it was recorded, behind `below` and not behind `to`. One
    /// that cannot be read tells nothing; its neighbors do.
    fn last_dated(&self, below: u64, to: u64, names: &Names) -> Option<(u64, Timestamp)> {
        let revisions = (below..=to).rev().take_while(|revision| *revision > below);
        let mut dated = revisions.filter_map(|revision| {
            let record = self.reader.read(Revision::new(revision)).ok()??;
            Some((revision, recorded_at(&record, names)?))
        });
        dated.next()
    }

    /// The catalog that was in force at a revision; before the first one, that.
    pub(super) fn catalog_at(&self, at: Revision) -> Result<Arc<Catalog>, EngineError> {
        // In this order: where the list ends in a version that is not in force yet, that one lies
        // behind every revision that was published.
        let versions = locked(&self.catalogs).clone();
        let current = self.catalog();
        let of_then = versions.iter().rev().find(|version| **version <= at);
        match of_then.or(versions.first()) {
            Some(version) if Some(version) != versions.last() => {
                self.catalog_version(*version, &current.names).map(Arc::new)
            }
            Some(_) | None => Ok(current),
        }
    }

    /// One version of the catalog, without the campaigns that were registered besides.
    fn catalog_version(&self, at: Revision, names: &Names) -> Result<Catalog, EngineError> {
        let payload = self.record(at, &[RecordKind::Catalog])?.payload;
        let version = decode_catalog(&payload, names).map_err(|error| damaged(&error))?;
        // Names only grow: an earlier file finds its own numbers among those of now.
        parse("catalog", &version.source, names).map_err(|error| damaged(&error))
    }

    /// The rules of a brand; of now where it was not in the catalog of then.
    pub(super) fn policy_at(&self, then: &Catalog, brand: BrandId) -> Arc<Policy> {
        match then.brand_of(brand) {
            Some(brand) => brand.policy.clone(),
            None => self.catalog().policy(brand).clone(),
        }
    }

    /// The campaign of these names, as the present catalog has it, unless it is retired; in the
    /// past, unless it was retired then.
    pub(super) fn campaign_at(
        &self,
        brand: &str,
        campaign: &str,
        then: Option<Revision>,
    ) -> Result<Arc<Campaign>, EngineError> {
        let catalog = self.catalog();
        match (catalog.campaign_named(brand, campaign), then) {
            (Err(retired @ EngineError::CampaignRetired { .. }), Some(then)) => {
                let of = catalog.brand_named(brand)?.id;
                let found = CampaignId::parse(campaign).and_then(|id| catalog.campaign(of, &id));
                match found {
                    Some(found) if !self.was_retired(found, then)? => Ok(found.clone()),
                    Some(_) | None => Err(retired),
                }
            }
            (named, _) => named.cloned(),
        }
    }

    /// Whether a campaign that is retired now was so at a revision: the last version of the file
    /// that names it says so.
    fn was_retired(&self, campaign: &Campaign, then: Revision) -> Result<bool, EngineError> {
        let versions = locked(&self.catalogs).clone();
        let names = self.catalog().names.clone();
        for version in versions.into_iter().rev().filter(|version| *version <= then) {
            let catalog = self.catalog_version(version, &names)?;
            if let Some(named) = catalog.campaign(campaign.brand, &campaign.id) {
                return Ok(named.retired);
            }
        }
        Ok(false)
    }
}

/// When a record was taken, where it says so.
fn recorded_at(record: &Record<'_>, names: &Names) -> Option<Timestamp> {
    let payload = &record.payload;
    if record.erased {
        return None;
    }
    match record.kind {
        RecordKind::Event | RecordKind::Tombstone => {
            decode_head(payload, names).map(|head| head.recorded_at).ok()
        }
        RecordKind::Catalog => decode_catalog(payload, names).map(|of| of.recorded_at).ok(),
        RecordKind::Campaign => decode_campaign(payload, names).map(|of| of.recorded_at).ok(),
        RecordKind::Request => decode_request(payload).map(|of| of.recorded_at).ok(),
        RecordKind::Clock => decode_clock(payload).ok(),
        RecordKind::Notice | RecordKind::Erased => None,
    }
}
