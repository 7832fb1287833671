//! Lapses: nothing is recorded when a consent's lifetime is over, so each watch finds out itself.
//!
//! A lapse is told once all events of its address are, so that whoever keeps the last word of each
//! is right: for an address with nothing ahead by a scan of the index, for one with events ahead
//! right behind the last of them. A scan is due at the first look on a new day, before anything of
//! that day is told. Hence, INVARIANT(resume): of whatever was told up to a revision, the lapses up
//! to the day of that revision were told too, and a watch that begins there scans for later ones.
//!
//! A version of the catalog may change lifetimes. What lapsed by it is told before the version's
//! record is passed. Where the lifetimes before it are not known, all that has lapsed is told again.

use std::collections::BTreeMap;

use super::super::error::EngineError;
use super::super::{Shared, damaged};
use super::Lapse;
use crate::catalog::Catalog;
use crate::index::{PARTITIONS, Yes};
use crate::ledger::RecordKind;
use crate::model::day::Day;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::model::scope::BrandId;
use crate::record::decode_head;

/// How many days a yes lives, of the brands where it does not live for ever.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Lifetimes(BTreeMap<BrandId, u16>);

impl Lifetimes {
    fn of(catalog: &Catalog) -> Self {
        let brands = catalog
            .brands
            .iter()
            .filter_map(|brand| Some((brand.id, brand.policy.consent_lifetime_days?.get())));
        Self(brands.collect())
    }

    /// The first day on which a yes is not live.
    fn lapse(&self, yes: &Yes) -> Option<Day> {
        let lifetime = self.0.get(&yes.scope.brand()?)?;
        yes.day.index().checked_add(*lifetime).map(Day::new)
    }
}

/// What is told of lapses, as far as events are told.
#[derive(Debug, Clone)]
pub(super) struct Told {
    lifetimes: Lifetimes,
    /// Versions of the catalog up to here went into the lifetimes.
    known: Revision,
    /// Whether all that lapsed by those versions is told.
    whole: bool,
    /// Every other lapse up to and with this day is told; none: perhaps not one.
    until: Option<Day>,
}

/// A walk over the index, in search of what has lapsed.
#[derive(Debug)]
pub(super) struct Scan {
    /// Addresses with events behind it are left to those.
    at: Revision,
    after: Option<Day>,
    until: Day,
    partition: usize,
    /// What is true at its end.
    then: Told,
}

impl Told {
    /// What whoever was told everything up to a revision knows.
    pub(super) fn up_to(shared: &Shared, revision: Revision) -> Result<Self, EngineError> {
        let (lifetimes, known) = lifetimes(shared);
        // To whoever begins at the beginning all lapses are told behind their events.
        let whole = revision == Revision::ZERO;
        let until =
            if whole { Some(shared.moment().today.day()) } else { day_at(shared, revision)? };
        Ok(Self { lifetimes, known, whole, until })
    }

    /// The scan that a new day makes due.
    pub(super) fn at_midnight(&self, at: Revision, today: Day) -> Option<Scan> {
        let is_due = self.until.is_none_or(|until| until < today);
        let then = || Self { until: Some(today), ..self.clone() };
        is_due.then(|| Scan { at, after: self.until, until: today, partition: 0, then: then() })
    }

    /// The scan that is due before a version of the catalog is passed.
    pub(super) fn at_catalog(
        &self,
        shared: &Shared,
        at: Revision,
        version: Revision,
    ) -> Option<Scan> {
        let (lifetimes, known) = lifetimes(shared);
        let is_told = self.whole || version > self.known;
        if is_told && lifetimes == self.lifetimes {
            return None;
        }
        let until = self.until?;
        let then = Self { lifetimes, known, whole: true, until: self.until };
        Some(Scan { at, after: None, until, partition: 0, then })
    }

    /// What has lapsed of an address, where this is its last event: each with that event.
    pub(super) fn lapsed_of(
        &self,
        shared: &Shared,
        fingerprint: Fingerprint,
        event: Revision,
    ) -> Vec<(Lapse, Revision)> {
        let Some(until) = self.until.filter(|_| !self.lifetimes.0.is_empty()) else {
            return Vec::new();
        };
        let yeses = shared.index().yeses_of(fingerprint);
        let yeses = yeses.iter().filter(|yes| yes.last == event);
        yeses.filter_map(|yes| self.lapsed(yes, event, None, until)).collect()
    }

    /// The lapse of a yes, if its day lies behind `after` and not behind `until`.
    fn lapsed(
        &self,
        yes: &Yes,
        revision: Revision,
        after: Option<Day>,
        until: Day,
    ) -> Option<(Lapse, Revision)> {
        let Yes { fingerprint, last, scope, basis, day: _ } = *yes;
        let day = self.lifetimes.lapse(yes)?;
        let is_new = day <= until && after.is_none_or(|after| day > after);
        let lapse = Lapse { revision, fingerprint, address: None, scope, basis, day };
        is_new.then_some((lapse, last))
    }
}

impl Scan {
    /// The lapses of the next partition that has any, each with the last event of its address; none
    /// at the end. The index is held for one partition at a time.
    pub(super) fn next(&mut self, shared: &Shared) -> Option<Vec<(Lapse, Revision)>> {
        if self.then.lifetimes.0.is_empty() {
            return None;
        }
        loop {
            let index = shared.index();
            if self.partition >= PARTITIONS {
                return None;
            }
            let mut found = Vec::new();
            index.yeses(self.partition, |yes| {
                if yes.last <= self.at {
                    found.extend(self.then.lapsed(&yes, self.at, self.after, self.until));
                }
            });
            drop(index);
            self.partition = self.partition.saturating_add(1);
            if !found.is_empty() {
                return Some(found);
            }
        }
    }

    /// What is told once nothing is left.
    pub(super) fn done(self) -> Told {
        self.then
    }
}

/// The present lifetimes, and a revision up to which versions of the catalog went into them: the
/// ledger has a version before the engine takes it.
fn lifetimes(shared: &Shared) -> (Lifetimes, Revision) {
    let lifetimes = Lifetimes::of(&shared.catalog());
    (lifetimes, shared.reader.head())
}

/// The day of the last event up to a revision that is not erased: no later than that of the record
/// there. An earlier day only means that lapses are told again.
fn day_at(shared: &Shared, revision: Revision) -> Result<Option<Day>, EngineError> {
    let names = shared.catalog().names.clone();
    for at in (1..=revision.number()).rev() {
        let record = shared.reader.read(Revision::new(at)).map_err(|error| damaged(&error))?;
        let Some(record) = record else { continue };
        if matches!(record.kind, RecordKind::Event | RecordKind::Tombstone) && !record.erased {
            let head = decode_head(&record.payload, &names).map_err(|error| damaged(&error))?;
            return Ok(head.recorded_at.day());
        }
    }
    Ok(None)
}
