//! The yeses that stand in the index, for whoever has to know which of them have lapsed. Nothing
//! here is on the way of a check.

use super::Index;
use super::table::Entry;
use crate::model::day::Day;
use crate::model::fact::{Basis, Declaration};
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::model::scope::Scope;

/// A yes of one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Yes {
    /// Whose.
    pub fingerprint: Fingerprint,
    /// The revision of the address's last event.
    pub last: Revision,
    /// Where it applies.
    pub scope: Scope,
    /// What it rests on.
    pub basis: Basis,
    /// The day it was said.
    pub day: Day,
}

impl Index {
    /// Shows every yes of a partition, in any order; none where there is no such partition.
    pub fn yeses(&self, partition: usize, mut show: impl FnMut(Yes)) {
        let table = self.tables.get(partition);
        for entry in table.into_iter().flat_map(|table| table.iter(partition)) {
            let Entry { fingerprint, last, facts } = entry;
            let shape = self.shapes.shape(facts.shape);
            for (scope, declaration) in &shape.facts.declarations {
                if let Declaration::Yes { basis, day } = *declaration {
                    let day = self.day(fingerprint, facts, day).unwrap_or_default();
                    show(Yes { fingerprint, last, scope: *scope, basis, day });
                }
            }
        }
    }

    /// The yeses of one address.
    #[must_use]
    pub fn yeses_of(&self, fingerprint: Fingerprint) -> Vec<Yes> {
        let known = self.get(fingerprint).unwrap_or_default();
        let yes = |(scope, declaration): (Scope, Declaration<Day>)| match declaration {
            Declaration::Yes { basis, day } => {
                Some(Yes { fingerprint, last: known.last, scope, basis, day })
            }
            Declaration::No { .. } => None,
        };
        known.profile.declarations.into_iter().filter_map(yes).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::{Change, PARTITIONS};
    use crate::model::event::Effect;
    use crate::model::fact::Origin;
    use crate::model::scope::{BrandId, ControllerId};

    #[test]
    fn every_yes_of_every_partition_is_shown_once_and_no_no() {
        let mut index = Index::new();
        let brand = |number| Scope::Brand(BrandId::new(ControllerId::new(0), number));
        let basis = Basis::Consent;
        let mut expected = Vec::new();
        for number in 0..200_u16 {
            let fingerprint = Fingerprint::new(u128::from(number) << 118 | u128::from(number));
            let last = Revision::new(u64::from(number) + 1);
            let yes =
                |at| Yes { fingerprint, last, scope: brand(at), basis, day: Day::new(number) };
            let mut effects = vec![Effect::No { scope: brand(9), origin: Origin::OptOut }];
            for at in 0..number % 4 {
                effects.push(Effect::Yes { scope: brand(at), basis, day: Day::new(number) });
                expected.push(yes(at));
            }
            let change = Change {
                fingerprint,
                revision: last,
                tagged: false,
                owner_proof: None,
                effects: &effects,
            };
            index.apply(&change);
            assert_eq!(index.yeses_of(fingerprint), expected[expected.len() + 1 - effects.len()..]);
        }
        let mut shown = Vec::new();
        for partition in 0..=PARTITIONS {
            index.yeses(partition, |yes| shown.push(yes));
        }
        shown.sort_by_key(|yes| (yes.last, yes.scope));
        assert_eq!(shown, expected);
    }
}
