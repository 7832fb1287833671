//! Parses the catalog file (TOML). Pure: the caller reads the file.
//!
//! A catalog is corrected by hand, so everything that is wrong with a file is reported at once.
//! The reader therefore goes on after a fault with whatever it has, and at the end a catalog leaves
//! only where no fault was found. A file that is no TOML is not read any further: what its tables
//! hold would be a guess.

mod fault;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod page;
mod policy;
mod section;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::de::DeTable;

use self::fault::Faults;
use self::section::{Keys, Section};
use super::words::{CHANNEL, PURPOSE, word_of};
use super::{Brand, Catalog, Controller, Names, NamesExhausted, Policy, Topic, needs_topic};
use crate::model::campaign::{Campaign, CampaignId, Channel};
use crate::model::scope::{BrandId, ControllerId};

pub use self::fault::{CatalogError, CatalogErrors, Fault};
pub use self::policy::{MAX_DAYS, MAX_OPT_IN_MAILS};

const FILE: Keys =
    Keys { required: &[], optional: &["policy", "controller", "brand", "campaign"], reserved: &[] };
const CONTROLLER: Keys = Keys {
    required: &["id", "title"],
    optional: &["titles", "policy", "recipients"],
    reserved: &[],
};
const BRAND: Keys = Keys {
    required: &["id", "controller", "title"],
    optional: &["titles", "policy", "topic", "page"],
    reserved: &[],
};
const TOPIC: Keys = Keys { required: &["id", "title"], optional: &["titles"], reserved: &[] };
const CAMPAIGN: Keys = Keys {
    required: &["brand", "id", "purpose"],
    optional: &["topic", "channel", "retired"],
    reserved: &[],
};

/// The most recipients of a controller's data, and the most characters of each: they are printed
/// on every data sheet.
pub const MAX_RECIPIENTS: usize = 50;
/// See `MAX_RECIPIENTS`.
pub const MAX_RECIPIENT: usize = 200;

/// Parses `text`; `file` is its name for messages.
///
/// Words keep the numbers that `names` has for them; new ones get the next numbers in the order of
/// the file. A file without any brand is a catalog: it answers NOT_FOUND to everything.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn parse(file: &str, text: &str, names: &Names) -> Result<Catalog, CatalogErrors> {
    let faults = Faults::of(file, text);
    let (table, syntax) = DeTable::parse_recoverable(text);
    for error in syntax {
        let offset = error.span().map_or(text.len(), |span| span.start);
        faults.add(offset, String::new(), Fault::Syntax(error.message().to_owned()));
    }
    faults.none()?;

    let faults = Faults::of(file, text);
    let catalog = read(&Section::file(table.get_ref(), &faults, &FILE), names.clone());
    faults.none()?;
    Ok(catalog)
}

/// A controller or brand by its word in the file.
struct Named<'t, T> {
    word: &'t str,
    value: T,
}

/// A controller and what its brands inherit.
struct Owner {
    controller: Controller,
    policy: Policy,
}

fn read(file: &Section<'_>, mut names: Names) -> Catalog {
    let (policy, plus_tags) = policy::of_organization(file);
    let owners = owners(file, &policy, &mut names);
    let brands = brands(file, &policy, &owners, &mut names);
    let campaigns = campaigns(file, &brands, &names);
    let controllers = owners.into_iter().map(|owner| owner.value.controller).collect();
    let brands = brands.into_iter().map(|brand| brand.value).collect();
    Catalog::new(Arc::new(names), plus_tags, controllers, brands, campaigns)
}

fn owners<'t>(file: &Section<'t>, base: &Policy, names: &mut Names) -> Vec<Named<'t, Owner>> {
    let mut taken = Taken::default();
    let owners = file.sections("controller", &CONTROLLER).into_iter().filter_map(|entry| {
        let policy = policy::overriding(base, &entry);
        let (title, titles) = (entry.title(), page::titles(&entry));
        let recipients = entry.texts("recipients", MAX_RECIPIENTS, MAX_RECIPIENT);
        let word = taken.claim(&entry, "")?;
        let id = numbered(&entry, names.add_controller(word))?;
        let controller = Controller { id, title, titles, recipients };
        Some(Named { word, value: Owner { controller, policy } })
    });
    owners.collect()
}

fn brands<'t>(
    file: &Section<'t>,
    base: &Policy,
    owners: &[Named<'t, Owner>],
    names: &mut Names,
) -> Vec<Named<'t, Brand>> {
    let mut taken = Taken::default();
    let brands = file.sections("brand", &BRAND).into_iter().filter_map(|entry| {
        let owner = referred(&entry, "controller", owners);
        let policy = policy::overriding(owner.map_or(base, |owner| &owner.value.policy), &entry);
        let (title, titles) = (entry.title(), page::titles(&entry));
        let page = page::of_brand(&entry);
        let word = taken.claim(&entry, "");
        // Without an owner the brand stays, so that campaigns which name it are not reported too.
        let owner = owner.map_or(ControllerId::new(0), |owner| owner.value.controller.id);
        let id = numbered(&entry, names.add_brand(owner, word.unwrap_or_default()))?;
        let topics = topics(&entry, id, names);
        let value = Brand { id, title, titles, topics, policy: Arc::new(policy), page };
        Some(Named { word: word?, value })
    });
    brands.collect()
}

fn topics(brand: &Section<'_>, id: BrandId, names: &mut Names) -> Vec<Topic> {
    let mut taken = Taken::default();
    let topics = brand.sections("topic", &TOPIC).into_iter().filter_map(|entry| {
        let (title, titles) = (entry.title(), page::titles(&entry));
        let word = taken.claim(&entry, "")?;
        let id = numbered(&entry, names.add_topic(id, word))?;
        Some(Topic { id, title, titles })
    });
    topics.collect()
}

fn campaigns<'t>(
    file: &Section<'t>,
    brands: &[Named<'t, Brand>],
    names: &Names,
) -> BTreeMap<(BrandId, CampaignId), Arc<Campaign>> {
    let mut taken = Taken::default();
    let campaigns = file.sections("campaign", &CAMPAIGN).into_iter().filter_map(|entry| {
        let campaign = campaign(&entry, brands, names, &mut taken)?;
        Some(((campaign.brand, campaign.id.clone()), Arc::new(campaign)))
    });
    campaigns.collect()
}

fn campaign<'t>(
    entry: &Section<'t>,
    brands: &[Named<'t, Brand>],
    names: &Names,
    taken: &mut Taken<'t>,
) -> Option<Campaign> {
    let purpose = entry.choice("purpose", PURPOSE);
    let channel = entry.choice("channel", CHANNEL).unwrap_or(Channel::Email);
    let retired = entry.flag("retired").unwrap_or(false);
    let topic = entry.text("topic");
    if let Some(purpose) = purpose
        && needs_topic(purpose)
        && !entry.has("topic")
    {
        entry.fault("topic", Fault::NeedsTopic { purpose: word_of(PURPOSE, purpose) });
    }
    let Some(brand) = referred(entry, "brand", brands) else {
        // Its id is unique within a brand, so of this one no more than the form can be told.
        entry.id();
        return None;
    };
    let id = taken.claim(entry, brand.word).and_then(CampaignId::parse);
    let topic = topic.and_then(|word| topic_of(entry, word, brand, names)).map(|topic| topic.id);
    Some(Campaign { brand: brand.value.id, id: id?, topic, purpose: purpose?, channel, retired })
}

fn topic_of<'b>(
    entry: &Section<'_>,
    word: &str,
    brand: &'b Named<'_, Brand>,
    names: &Names,
) -> Option<&'b Topic> {
    let topic = brand.value.topic(names, word);
    if topic.is_none() {
        let known = brand.value.topics.iter().map(|topic| names.topic(topic.id).to_owned());
        let (brand, id) = (brand.word.to_owned(), word.to_owned());
        entry.fault("topic", Fault::NoSuchTopic { brand, id, known: known.collect() });
    }
    topic
}

/// What the entry refers to by `kind`, which names both the key and what it leads to.
fn referred<'n, 't, T>(
    entry: &Section<'t>,
    kind: &'static str,
    named: &'n [Named<'t, T>],
) -> Option<&'n Named<'t, T>> {
    let id = entry.text(kind)?;
    let found = named.iter().find(|named| named.word == id);
    if found.is_none() {
        let known = named.iter().map(|named| named.word.to_owned()).collect();
        entry.fault(kind, Fault::Dangling { kind, id: id.to_owned(), known });
    }
    found
}

fn numbered<T>(entry: &Section<'_>, number: Result<T, NamesExhausted>) -> Option<T> {
    number.map_err(|exhausted| entry.fault("id", Fault::Exhausted(exhausted))).ok()
}

/// Ids that are taken, each within a brand or within nothing, and where.
#[derive(Default)]
struct Taken<'t>(BTreeMap<(&'t str, &'t str), usize>);

impl<'t> Taken<'t> {
    /// The id of the entry, reported where it is taken.
    fn claim(&mut self, entry: &Section<'t>, within: &'t str) -> Option<&'t str> {
        let id = entry.id()?;
        let offset = entry.offset_of("id");
        let first = *self.0.entry((within, id)).or_insert(offset);
        if first != offset {
            let first_line = entry.line(first);
            entry.fault("id", Fault::DuplicateId { id: id.to_owned(), first_line });
        }
        Some(id)
    }
}
