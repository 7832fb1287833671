//! The image of the dictionary: used ids, then shapes in the order of their numbers.
//!
//! A shape is its controllers, declarations, blocks and consent requests, each behind its number,
//! and its erasure. Closed choices are one octet; the numbers below are the format.

use std::collections::BTreeSet;

use super::{ImageError, Octets, put_count};
use crate::catalog::Names;
use crate::catalog::reload::Used;
use crate::index::shapes::{Shapes, Slot};
use crate::model::campaign::Channel;
use crate::model::fact::{Basis, Block, Cause, Declaration, Erasure, Origin};
use crate::model::scope::{BrandId, ControllerId, Scope, TopicId};
use crate::profile::Profile;

/// What a dictionary image holds.
#[derive(Debug)]
pub(super) struct Dictionary {
    pub(super) used: Used,
    pub(super) shapes: Shapes,
}

/// Appends the used ids. The number of shapes and the shapes follow.
pub(super) fn put_used(out: &mut Vec<u8>, used: &Used) {
    let Used { controllers, brands, topics } = used;
    put_ids(out, controllers.iter().map(|id| id.index()));
    put_ids(out, brands.iter().map(|id| id.index()));
    put_ids(out, topics.iter().map(|id| id.index()));
}

/// Reads an image.
///
/// # Errors
/// Where it is none, or names what `names` does not know.
pub(super) fn read(stream: &[u8], names: &Names) -> Result<Dictionary, ImageError> {
    let mut input = Input { octets: Octets(stream), names };
    let used = Used {
        controllers: input.set("a controller", Input::controller)?,
        brands: input.set("a brand", Input::brand)?,
        topics: input.set("a topic", Input::topic)?,
    };
    let mut shapes = Shapes::default();
    for number in 0..input.octets.count()? {
        // A dictionary begins with the shape of an unnamed address, as `Shapes::default` does, so
        // each shape gets the number that it had unless it was there before.
        if shapes.number(&input.shape()?).number() != number {
            return Err(ImageError::Repeated { what: "a shape" });
        }
    }
    input.octets.end()?;
    Ok(Dictionary { used, shapes })
}

fn put_ids(out: &mut Vec<u8>, ids: impl ExactSizeIterator<Item = u16>) {
    put_count(out, ids.len());
    out.extend(ids.flat_map(u16::to_le_bytes));
}

/// Appends a shape.
pub(super) fn put_shape(out: &mut Vec<u8>, facts: &Profile<Slot>) {
    let Profile { registered, declarations, blocks, asked, erasure } = facts;
    put_ids(out, registered.iter().map(|id| id.index()));
    put_count(out, declarations.len());
    for (scope, declaration) in declarations {
        let (tag, index) = match *scope {
            Scope::Everything => (0, 0),
            Scope::Controller(id) => (1, id.index()),
            Scope::Brand(id) => (2, id.index()),
            Scope::Topic(id) => (3, id.index()),
        };
        let what = match *declaration {
            Declaration::Yes { basis: Basis::ExistingCustomer, day: _ } => 0,
            Declaration::Yes { basis: Basis::Consent, day: _ } => 1,
            Declaration::No { origin: Origin::Refusal } => 2,
            Declaration::No { origin: Origin::OptOut } => 3,
            Declaration::No { origin: Origin::OwnerRequest } => 4,
            Declaration::No { origin: Origin::Complaint } => 5,
        };
        let [low, high] = index.to_le_bytes();
        out.extend([tag, low, high, what]);
    }
    put_count(out, blocks.len());
    for Block { brand, channel, cause } in blocks {
        let channel = match channel {
            Channel::Email => 0,
            Channel::Post => 1,
        };
        let cause = match cause {
            Cause::OwnerRequest => 0,
            Cause::StaffDecision => 1,
            Cause::HardBounce => 2,
            Cause::Complaint => 3,
        };
        let [low, high] = brand.index().to_le_bytes();
        out.extend([low, high, channel, cause]);
    }
    put_ids(out, asked.keys().map(|id| id.index()));
    out.push(match erasure {
        Erasure::None => 0,
        Erasure::Pending => 1,
        Erasure::Erased => 2,
    });
}

/// Octets yet to be read, and the words that their numbers stand for.
#[derive(Debug)]
struct Input<'a> {
    octets: Octets<'a>,
    names: &'a Names,
}

impl Input<'_> {
    fn set<T: Ord>(
        &mut self,
        what: &'static str,
        one: impl Fn(&mut Self) -> Result<T, ImageError>,
    ) -> Result<BTreeSet<T>, ImageError> {
        let mut all = BTreeSet::new();
        for _ in 0..self.octets.count()? {
            once(all.insert(one(self)?), what)?;
        }
        Ok(all)
    }

    fn shape(&mut self) -> Result<Profile<Slot>, ImageError> {
        // Places of days are counted by the dictionary; any will do here.
        let day = Slot::default();
        let registered = self.set("a controller", Self::controller)?;
        let mut facts = Profile { registered, ..Profile::default() };
        for _ in 0..self.octets.count()? {
            let scope = self.scope()?;
            let said = match self.octets.tag()? {
                0 => Declaration::Yes { basis: Basis::ExistingCustomer, day },
                1 => Declaration::Yes { basis: Basis::Consent, day },
                2 => Declaration::No { origin: Origin::Refusal },
                3 => Declaration::No { origin: Origin::OptOut },
                4 => Declaration::No { origin: Origin::OwnerRequest },
                5 => Declaration::No { origin: Origin::Complaint },
                tag => return Err(unknown("declaration", tag)),
            };
            once(facts.declarations.insert(scope, said).is_none(), "a scope")?;
        }
        facts.blocks = self.set("a block", Self::block)?;
        for brand in self.set("a brand", Self::brand)? {
            facts.asked.insert(brand, day);
        }
        facts.erasure = match self.octets.tag()? {
            0 => Erasure::None,
            1 => Erasure::Pending,
            2 => Erasure::Erased,
            tag => return Err(unknown("erasure", tag)),
        };
        Ok(facts)
    }

    fn block(&mut self) -> Result<Block, ImageError> {
        let brand = self.brand()?;
        let channel = match self.octets.tag()? {
            0 => Channel::Email,
            1 => Channel::Post,
            tag => return Err(unknown("channel", tag)),
        };
        let cause = match self.octets.tag()? {
            0 => Cause::OwnerRequest,
            1 => Cause::StaffDecision,
            2 => Cause::HardBounce,
            3 => Cause::Complaint,
            tag => return Err(unknown("cause", tag)),
        };
        Ok(Block { brand, channel, cause })
    }

    fn scope(&mut self) -> Result<Scope, ImageError> {
        match self.octets.tag()? {
            0 => match self.octets.short()? {
                0 => Ok(Scope::Everything),
                number => Err(unknown("everything", number)),
            },
            1 => self.controller().map(Scope::Controller),
            2 => self.brand().map(Scope::Brand),
            3 => self.topic().map(Scope::Topic),
            tag => Err(unknown("kind of scope", tag)),
        }
    }

    fn controller(&mut self) -> Result<ControllerId, ImageError> {
        let index = self.octets.short()?;
        let id = ControllerId::new(index);
        // No word is empty: that is what a number without a word has.
        let known = !self.names.controller(id).is_empty();
        known.then_some(id).ok_or_else(|| unknown("controller", index))
    }

    fn brand(&mut self) -> Result<BrandId, ImageError> {
        let index = self.octets.short()?;
        self.names.brand_by_index(index).ok_or_else(|| unknown("brand", index))
    }

    fn topic(&mut self) -> Result<TopicId, ImageError> {
        let index = self.octets.short()?;
        self.names.topic_by_index(index).ok_or_else(|| unknown("topic", index))
    }
}

fn once(new: bool, what: &'static str) -> Result<(), ImageError> {
    if new { Ok(()) } else { Err(ImageError::Repeated { what }) }
}

fn unknown(what: &'static str, number: impl Into<u32>) -> ImageError {
    ImageError::Unknown { what, number: number.into() }
}
