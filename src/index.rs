//! The index: the profile of every address, in memory, by fingerprint.
//!
//! LAYOUT: 4,096 partitions, chosen by the top bits of the fingerprint, each with a table (`table`)
//! that grows on its own, so that a resize is short. An entry is a fingerprint, the number of its
//! shape (`shapes`) and its days (`days`), three of them in a cache line (`bucket`), and the
//! revision of its last event beside them: 26.3 octets. All 128 bits are compared. What few
//! addresses need, the runs of days and the owner's yeses, stands beside the tables, so that a
//! probe does not drag it through the cache.
//!
//! REPLAY: an entry keeps the revision of the last change and skips what is not above it. So
//! partitions may be copied one after another while writes go on, and replay over such a fuzzy
//! copy ends where it should.
//!
//! The index is the answer, not the truth: everything here can be made again from the ledger.

mod bucket;
mod days;
mod image;
mod lookup;
mod moves;
mod pages;
mod plan;
mod prefetch;
mod shapes;
mod table;
mod yeses;

pub mod compiled;

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;

use crate::catalog::reload::Used;
use crate::model::day::Day;
use crate::model::event::{Effect, Event, OwnerProof};
use crate::model::fact::Erasure;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::profile::Profile;

pub use compiled::Compiled;
pub use image::{ImageError, Loader};
pub use lookup::{Base, Batch};
pub use shapes::Slot;
pub use yeses::Yes;

use days::{Arena, Held};
use moves::{Moves, Source, said};
use shapes::{ShapeId, Shapes};
use table::{Entry, Home, TABLE_BITS, Table};

/// Partitions of an index.
pub const PARTITIONS: usize = 1 << TABLE_BITS;

/// The profiles of all addresses that anybody ever named.
pub struct Index {
    /// By partition.
    tables: Box<[Table]>,
    /// By partition.
    sides: Box<[Side]>,
    shapes: Shapes,
    moves: Moves,
    used: Used,
    head: Revision,
    /// Room for the days of the profile at hand.
    scratch: Vec<u16>,
}

/// A profile as an entry holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Facts {
    shape: ShapeId,
    days: Held,
}

impl Facts {
    /// Of an address that nobody ever named.
    const NONE: Self = Self { shape: ShapeId::UNNAMED, days: Held::NONE };
}

/// What a partition holds of few addresses.
#[derive(Debug, Default)]
struct Side {
    arena: Arena,
    /// Of tagged addresses: the owner's last yes proved by mailbox or session.
    owner_yes: HashMap<Fingerprint, Revision>,
}

/// The facts of one address, and the revision of the last event that named it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// The facts.
    pub profile: Profile,
    /// Where its history begins, backwards.
    pub last: Revision,
}

/// What one event changes in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<'a> {
    /// Whose profile.
    pub fingerprint: Fingerprint,
    /// The place of the event.
    pub revision: Revision,
    /// Whether the address has a plus tag.
    pub tagged: bool,
    /// Of an owner's yes: what proved it.
    pub owner_proof: Option<OwnerProof>,
    /// What it changes; may be nothing.
    pub effects: &'a [Effect],
}

impl<'a> From<&'a Event> for Change<'a> {
    fn from(event: &'a Event) -> Self {
        Self {
            fingerprint: event.fingerprint,
            revision: event.revision,
            tagged: event.tagged,
            owner_proof: event.statement.owner_proof,
            effects: &event.statement.effects,
        }
    }
}

impl Index {
    /// An empty index.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tables: (0..PARTITIONS).map(|_| Table::default()).collect(),
            sides: (0..PARTITIONS).map(|_| Side::default()).collect(),
            shapes: Shapes::default(),
            moves: Moves::default(),
            used: Used::default(),
            head: Revision::ZERO,
            scratch: Vec::new(),
        }
    }

    /// The revision up to which the ledger was applied, as the caller set it.
    #[must_use]
    pub fn head(&self) -> Revision {
        self.head
    }

    /// Notes that the ledger was applied up to here. Not every revision is a change: some name no
    /// address.
    pub fn set_head(&mut self, head: Revision) {
        self.head = head;
    }

    /// How many addresses are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tables.iter().map(Table::len).sum()
    }

    /// Whether no address is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many shapes there are.
    #[must_use]
    pub fn shapes(&self) -> usize {
        self.shapes.len()
    }

    /// Octets of memory of tables, days and owner's yeses; shapes not counted.
    #[must_use]
    pub fn memory(&self) -> usize {
        let tables: usize = self.tables.iter().map(|t| t.memory() + size_of_val(t)).sum();
        let sides = self.sides.iter().map(|side| {
            let yes = size_of::<(Fingerprint, Revision)>() + 1;
            size_of_val(side) + side.arena.memory() + side.owner_yes.capacity() * yes
        });
        tables + sides.sum::<usize>()
    }

    /// What is known of an address; none where nobody ever named it. Not for the hot path.
    #[must_use]
    pub fn get(&self, fingerprint: Fingerprint) -> Option<Known> {
        let (table, home) = self.home(fingerprint);
        let (facts, last) = table.facts(home).zip(table.last(home))?;
        Some(Known { profile: self.profile(fingerprint, facts), last })
    }

    /// All that is known, in no order.
    pub fn entries(&self) -> impl Iterator<Item = (Fingerprint, Known)> {
        let entries = self.tables.iter().enumerate().flat_map(|(at, table)| table.iter(at));
        entries.map(|Entry { fingerprint, last, facts }| {
            (fingerprint, Known { profile: self.profile(fingerprint, facts), last })
        })
    }

    /// Of a tagged address: the revision of the owner's last yes that mailbox or session proved;
    /// zero where there is none.
    #[must_use]
    pub fn owner_yes(&self, fingerprint: Fingerprint) -> Revision {
        let side = &self.sides[table::table(fingerprint)];
        side.owner_yes.get(&fingerprint).copied().unwrap_or_default()
    }

    /// Every controller, brand and topic that has or had facts.
    #[must_use]
    pub fn used(&self) -> &Used {
        &self.used
    }

    /// Asks the memory for what `apply` will read of an address, and waits for nothing.
    pub fn prefetch(&self, fingerprint: Fingerprint) {
        let (table, home) = self.home(fingerprint);
        table.prefetch(home);
    }

    /// Applies what one event changes; skips what is not above the address's last revision.
    pub fn apply(&mut self, change: &Change<'_>) {
        let Change { fingerprint, revision, tagged, owner_proof, effects } = *change;
        let (table, home) = self.home(fingerprint);
        if table.last(home).is_some_and(|last| revision <= last) {
            return;
        }
        let old = table.facts(home).unwrap_or(Facts::NONE);
        let partition = table::table(fingerprint);
        let side = &mut self.sides[partition];
        let (step, is_new) = self.moves.of(old.shape, effects, &mut self.shapes);
        if is_new {
            // What was learned before has been noted before.
            effects.iter().for_each(|effect| self.used.note(effect));
        }
        self.scratch.clear();
        self.scratch.extend(step.days.iter().map(|source| {
            let day = match *source {
                Source::Held(slot) => side.arena.day(old.days, step.held, slot.position()),
                Source::Said(at) => effects.get(at).and_then(said),
            };
            day.unwrap_or_default().index()
        }));
        let days = side.arena.replace(old.days, step.held, &self.scratch);
        let facts = Facts { shape: step.to, days };
        self.tables[partition].put(&Entry { fingerprint, last: revision, facts });
        // After an erasure nothing outweighs the base: replay without the erased events, which
        // no longer tell of a yes, must end here too.
        if effects.contains(&Effect::Erasure(Erasure::Erased)) {
            side.owner_yes.remove(&fingerprint);
        } else if tagged && owner_proof.is_some() {
            side.owner_yes.insert(fingerprint, revision);
        }
    }

    /// The table of an address, and where it may stand there.
    #[inline]
    fn home(&self, fingerprint: Fingerprint) -> (&Table, Home) {
        let table = self.table_of(fingerprint);
        (table, table.home(fingerprint))
    }

    #[inline]
    fn table_of(&self, fingerprint: Fingerprint) -> &Table {
        &self.tables[table::table(fingerprint)]
    }

    fn profile(&self, fingerprint: Fingerprint, facts: Facts) -> Profile {
        let shape = self.shapes.shape(facts.shape);
        shape.facts.map_days(|slot| self.day(fingerprint, facts, slot).unwrap_or_default())
    }

    fn day(&self, fingerprint: Fingerprint, facts: Facts, slot: Slot) -> Option<Day> {
        let arena = &self.sides[table::table(fingerprint)].arena;
        arena.day(facts.days, self.shapes.shape(facts.shape).days, slot.position())
    }
}

impl Default for Index {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Index");
        debug.field("head", &self.head).field("len", &self.len()).field("shapes", &self.shapes());
        debug.finish_non_exhaustive()
    }
}
