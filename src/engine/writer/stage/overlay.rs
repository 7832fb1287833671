//! The addresses that a group names, as it leaves them so far: each read from the index once.

use std::ops::{Index, IndexMut};

use hashbrown::HashTable;

use crate::engine::Shared;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::profile::Profile;

/// An address as the group leaves it so far.
#[derive(Debug)]
pub(super) struct Pending {
    fingerprint: Fingerprint,
    /// As of `settled`: most addresses are named by one call alone, which asks no more.
    pub(super) profile: Profile,
    pub(super) settled: Revision,
    /// Its last event before this group.
    pub(super) before: Revision,
    pub(super) last: Revision,
    pub(super) owner_yes: Revision,
    /// The last of the group's calls that named it.
    pub(super) named_by: usize,
}

/// Where an address lies in its overlay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(usize);

#[derive(Debug, Default)]
pub(super) struct Overlay {
    places: HashTable<Place>,
    pending: Vec<Pending>,
}

impl Overlay {
    pub(super) fn reserve(&mut self, addresses: usize) {
        let pending = &self.pending;
        self.places.reserve(addresses, |place| hash(pending[place.0].fingerprint));
        self.pending.reserve(addresses);
    }

    /// Where the address lies, read from the index if the group has not named it before.
    pub(super) fn place(&mut self, shared: &Shared, fingerprint: Fingerprint) -> Place {
        let Self { places, pending } = self;
        let same = |place: &Place| pending[place.0].fingerprint == fingerprint;
        if let Some(place) = places.find(hash(fingerprint), same) {
            return *place;
        }
        let place = Place(pending.len());
        let rehash = |place: &Place| hash(pending[place.0].fingerprint);
        places.insert_unique(hash(fingerprint), place, rehash);
        let index = shared.index();
        let known = index.get(fingerprint).unwrap_or_default();
        pending.push(Pending {
            fingerprint,
            profile: known.profile,
            settled: known.last,
            before: known.last,
            last: known.last,
            owner_yes: index.owner_yes(fingerprint),
            named_by: 0,
        });
        place
    }
}

/// Half of a fingerprint, which is a keyed hash already.
fn hash(fingerprint: Fingerprint) -> u64 {
    u64::try_from(fingerprint.bits() & u128::from(u64::MAX)).unwrap_or(0)
}

impl Index<Place> for Overlay {
    type Output = Pending;

    fn index(&self, place: Place) -> &Pending {
        &self.pending[place.0]
    }
}

impl IndexMut<Place> for Overlay {
    fn index_mut(&mut self, place: Place) -> &mut Pending {
        &mut self.pending[place.0]
    }
}
