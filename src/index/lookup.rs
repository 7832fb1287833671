//! The look-up: verdicts for a batch of fingerprints. The hot path of the whole program.
//!
//! Per address: one probe of a table, one word of the plan of its shape, sometimes one day. A group
//! of addresses is taken in passes, and each asks for the cache lines that the next one reads: first
//! buckets, second buckets where they count, then the plans. Of 10 million addresses, in processor
//! time with the other core loaded: 104 ns where nothing is asked for ahead, 44 with first buckets,
//! 20 with both; large pages took no more than a tenth off, and are not asked for.

use super::compiled::{Asked, Compiled, Plans};
use super::plan::{Outcome, Place, Plan};
use super::prefetch::prefetch;
use super::table::{Home, Look};
use super::{Facts, Index, table};
use crate::catalog::PlusTags;
use crate::decide::{self, Horizon, Ruling};
use crate::model::day::{Day, Today};
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;

/// Addresses whose lines are asked for before the first of them is looked at; a bit for each.
const GROUP: usize = 32;

/// Addresses to ask about. Bases stand aside, so that an untagged address costs nothing for them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Batch<'a> {
    /// The addresses.
    pub addresses: &'a [Fingerprint],
    /// The bases of those that are tagged, in any order.
    pub bases: &'a [Base],
}

/// The base of a tagged address of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Base {
    /// The position of the tagged address in the batch.
    pub position: usize,
    /// What precedes its plus tag.
    pub fingerprint: Fingerprint,
}

impl Index {
    /// Writes the code of each address's verdict wherever `codes` holds zero; what holds a code
    /// already (an invalid address) stays. Bases are ignored under `PlusTags::Exact`.
    ///
    /// Allocates for the first batch after new shapes have come, and for nothing else.
    pub fn verdicts(&self, compiled: &Compiled, today: Today, batch: Batch<'_>, codes: &mut [u8]) {
        let plans = compiled.plans(Asked::Own, &self.shapes);
        if !batch.bases.is_empty() && compiled.plus_tags == PlusTags::WidenRestrictions {
            self.tagged(compiled, &plans, today, batch, codes);
        }
        for (addresses, codes) in batch.addresses.chunks(GROUP).zip(codes.chunks_mut(GROUP)) {
            let mut group = [Facts::NONE; GROUP];
            self.seek(addresses, &mut group);
            for ((facts, address), code) in group.iter().zip(addresses).zip(codes) {
                if *code == 0 {
                    *code = self.outcome(&plans, today, *address, *facts).code();
                }
            }
        }
    }

    /// What is known of a group of addresses. Each pass asks for the lines that the next one reads.
    #[inline]
    fn seek(&self, addresses: &[Fingerprint], group: &mut [Facts; GROUP]) {
        let mut homes = [Home::default(); GROUP];
        for (home, address) in homes.iter_mut().zip(addresses) {
            let table = self.table_of(*address);
            *home = table.home(*address);
            if let Some(first) = table.first(*home) {
                prefetch(first);
            }
        }
        let mut elsewhere = 0_u32;
        for (at, (home, address)) in homes.iter().zip(addresses).enumerate() {
            let table = self.table_of(*address);
            match table.look(*home) {
                Look::Known(facts) => group[at] = facts,
                Look::Unknown => {}
                Look::Elsewhere => {
                    elsewhere |= 1 << at;
                    if let Some(second) = table.second(*home) {
                        prefetch(second);
                    }
                }
            }
        }
        while elsewhere != 0 {
            let at = usize::try_from(elsewhere.trailing_zeros()).unwrap_or(0);
            elsewhere &= elsewhere - 1;
            group[at] = self.table_of(addresses[at]).facts(homes[at]).unwrap_or(Facts::NONE);
        }
    }

    /// The ruling for one address, by the rules themselves. Agrees with `verdicts`.
    #[must_use]
    pub fn ruling(
        &self,
        compiled: &Compiled,
        today: Today,
        fingerprint: Fingerprint,
        base: Option<Fingerprint>,
    ) -> Ruling {
        let own = self.get(fingerprint).unwrap_or_default();
        let base = base.filter(|_| compiled.plus_tags == PlusTags::WidenRestrictions);
        let base = base.and_then(|base| self.get(base));
        let base = base.filter(|base| !self.outweighs(fingerprint, base.last));
        let base = base.map(|base| base.profile);
        let (campaign, policy) = (&compiled.campaign, &compiled.policy);
        decide::decide(&own.profile, base.as_ref(), campaign, policy, today)
    }

    /// The part of a batch that has bases.
    fn tagged(
        &self,
        compiled: &Compiled,
        own_plans: &Plans<'_>,
        today: Today,
        batch: Batch<'_>,
        codes: &mut [u8],
    ) {
        let base_plans = compiled.plans(Asked::Base, &self.shapes);
        for base in batch.bases {
            let tagged = batch.addresses.get(base.position);
            let (Some(tagged), Some(code @ 0)) = (tagged, codes.get_mut(base.position)) else {
                continue;
            };
            let own = self.outcome(own_plans, today, *tagged, self.facts(*tagged));
            // A base that nobody ever named restricts nothing.
            let (table, home) = self.home(base.fingerprint);
            let known = table.facts(home).zip(table.last(home));
            let known = known.filter(|(_, last)| !self.outweighs(*tagged, *last));
            let denied = known.and_then(|(facts, _)| {
                self.outcome(&base_plans, today, base.fingerprint, facts).ruling()
            });
            *code = match (own.ruling(), denied) {
                (Some(own), Some(denied)) => own.or_denied_by(denied).verdict.code(),
                _ => own.code(),
            };
        }
    }

    /// Whether the owner of a tagged address said yes after all that is known of its base.
    fn outweighs(&self, tagged: Fingerprint, base: Revision) -> bool {
        self.owner_yes(tagged) > base
    }

    #[inline]
    fn facts(&self, fingerprint: Fingerprint) -> Facts {
        let (table, home) = self.home(fingerprint);
        table.facts(home).unwrap_or(Facts::NONE)
    }

    #[inline]
    fn outcome(
        &self,
        plans: &Plans<'_>,
        today: Today,
        fingerprint: Fingerprint,
        facts: Facts,
    ) -> Outcome {
        match plans.plan(facts.shape) {
            Plan::Fixed(outcome) => outcome,
            Plan::OneDay { question, ahead, past } => {
                let Horizon { day: place, days, in_doubt } = question;
                let day = match place {
                    Place::Inside(slot) => Some(facts.days.inside(usize::from(slot))),
                    Place::Outside(slot) => {
                        let arena = &self.sides[table::table(fingerprint)].arena;
                        arena.outside(facts.days, usize::from(slot))
                    }
                };
                if answer(day, days, in_doubt, today) { ahead } else { past }
            }
            Plan::Rules => self.ask_rules(plans, today, fingerprint, facts),
        }
    }

    #[cold]
    fn ask_rules(
        &self,
        plans: &Plans<'_>,
        today: Today,
        fingerprint: Fingerprint,
        facts: Facts,
    ) -> Outcome {
        plans.ask_rules(facts.shape, &mut |Horizon { day: slot, days, in_doubt }| {
            answer(self.day(fingerprint, facts, slot), days, in_doubt, today)
        })
    }
}

/// The calendar's answer. A day that is not there is in doubt.
#[inline]
fn answer(day: Option<Day>, days: i32, in_doubt: bool, today: Today) -> bool {
    day.map_or(in_doubt, |day| Horizon { day, days, in_doubt }.lies_ahead(today))
}
