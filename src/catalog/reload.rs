//! What a new version of the catalog may change, and what it loosens.
//!
//! Facts are recorded under the numbers of controllers, brands and topics. What has facts must stay
//! in the file, or an opt-out would hang on nothing and a campaign of the same word would no longer
//! see it. A campaign never changes: what was mailed under its id stays what it was.

mod loosened;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::words::{CHANNEL, PURPOSE, word_of};
use super::{Catalog, Names};
use crate::model::campaign::{Campaign, CampaignId};
use crate::model::scope::{BrandId, TopicId};

pub use self::loosened::loosened;
pub use super::used::Used;

/// Why a version of the catalog cannot follow the present one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReloadError {
    /// The new version does not build on the words of the present one: a fault of the caller.
    #[error("the new version was numbered apart from the present one; parse it with its names")]
    ForeignNumbers,
    /// A controller with facts is not in the new version.
    #[error("the controller `{controller}` has facts and may not vanish; put it back")]
    ControllerGone {
        /// Its word.
        controller: String,
    },
    /// A brand with facts is not in the new version.
    #[error("the brand `{brand}` has facts and may not vanish; put it back")]
    BrandGone {
        /// Its word.
        brand: String,
    },
    /// A brand with facts or campaigns belongs to another controller in the new version. Links in
    /// mails of its campaigns say no to the brand as it was.
    #[error(
        "the brand `{brand}` has facts or campaigns and may not move from `{from}` to `{to}`; \
         add a brand with another id"
    )]
    BrandMoved {
        /// Its word.
        brand: String,
        /// Its controller.
        from: String,
        /// Its controller in the new version.
        to: String,
    },
    /// A topic with facts is not in the new version.
    #[error("the topic `{topic}` of the brand `{brand}` has facts and may not vanish; put it back")]
    TopicGone {
        /// The word of its brand.
        brand: String,
        /// Its word.
        topic: String,
    },
    /// A campaign differs from what is known under its id.
    #[error(
        "the campaign `{campaign}` of the brand `{brand}` may not change its {key} \
         from `{from}` to `{to}`; add a campaign with another id"
    )]
    CampaignChanged {
        /// The word of its brand.
        brand: String,
        /// Its id.
        campaign: CampaignId,
        /// The key that differs.
        key: &'static str,
        /// Its value.
        from: String,
        /// Its value in the new version.
        to: String,
    },
    /// A retired campaign is to be sent again.
    #[error(
        "the campaign `{campaign}` of the brand `{brand}` is retired and may not return; \
         add a campaign with another id"
    )]
    CampaignRevived {
        /// The word of its brand.
        brand: String,
        /// Its id.
        campaign: CampaignId,
    },
}

/// The version that follows `current`: `next` and the campaigns that it does not name, registered
/// ones and those that left the file alike; where their brand has left too, they wait for it.
///
/// `next` was parsed with the names of `current`.
///
/// # Errors
/// Everything that `next` may not change.
pub fn successor(
    current: &Catalog,
    mut next: Catalog,
    used: &Used,
) -> Result<Catalog, Vec<ReloadError>> {
    if !next.names.extends(&current.names) {
        return Err(vec![ReloadError::ForeignNumbers]);
    }
    let mut errors = vanished(&next, used);
    let mailed: BTreeSet<BrandId> = current.campaigns.keys().map(|(brand, _)| *brand).collect();
    let moved = mailed.into_iter().filter_map(|brand| moved(&next, brand));
    let moved: Vec<_> = moved.filter(|error| !errors.contains(error)).collect();
    errors.extend(moved);
    for (key, known) in &current.campaigns {
        match next.campaigns.get(key) {
            Some(named) => errors.extend(changed(&next.names, known, named)),
            None => {
                next.campaigns.insert(key.clone(), known.clone());
            }
        }
    }
    if errors.is_empty() { Ok(next) } else { Err(errors) }
}

/// What has facts and is not in `next`. The topics of a brand that is gone are not listed.
fn vanished(next: &Catalog, used: &Used) -> Vec<ReloadError> {
    let names = &next.names;
    let mut errors = Vec::new();
    for id in used.controllers.iter().filter(|id| !next.controllers.iter().any(|c| c.id == **id)) {
        errors.push(ReloadError::ControllerGone { controller: names.controller(*id).to_owned() });
    }
    let of_topics = used.topics.iter().map(|topic| topic.brand());
    let brands: BTreeSet<BrandId> = used.brands.iter().copied().chain(of_topics).collect();
    for id in brands.into_iter().filter(|id| next.brand_of(*id).is_none()) {
        errors.push(brand_missing(next, id));
    }
    for id in &used.topics {
        let brand = next.brand_of(id.brand());
        if brand.is_some_and(|brand| !brand.topics.iter().any(|topic| topic.id == *id)) {
            let (brand, topic) = (names.brand(id.brand()), names.topic(*id));
            errors.push(ReloadError::TopicGone { brand: brand.into(), topic: topic.into() });
        }
    }
    errors
}

fn brand_missing(next: &Catalog, id: BrandId) -> ReloadError {
    let gone = || ReloadError::BrandGone { brand: next.names.brand(id).to_owned() };
    moved(next, id).unwrap_or_else(gone)
}

/// A brand that is in `next` under another controller.
fn moved(next: &Catalog, id: BrandId) -> Option<ReloadError> {
    let names = &next.names;
    let brand = names.brand(id).to_owned();
    let moved = next.brand(&brand).filter(|moved| moved.id != id)?;
    let (from, to) = (id.controller(), moved.id.controller());
    let (from, to) = (names.controller(from).to_owned(), names.controller(to).to_owned());
    Some(ReloadError::BrandMoved { brand, from, to })
}

/// What a campaign may not change, key by key.
fn changed(names: &Names, known: &Campaign, named: &Campaign) -> Vec<ReloadError> {
    // Destructured whole, so that a new field must be thought about.
    let Campaign { brand, id, topic, purpose, channel, retired } = known;
    let brand = names.brand(*brand);
    // No id has a space, so this cannot be one.
    let topic_word = |topic: Option<TopicId>| topic.map_or("no topic", |topic| names.topic(topic));
    let keys = [
        ("topic", topic_word(*topic), topic_word(named.topic)),
        ("purpose", word_of(PURPOSE, *purpose), word_of(PURPOSE, named.purpose)),
        ("channel", word_of(CHANNEL, *channel), word_of(CHANNEL, named.channel)),
    ];
    let changes = keys.into_iter().filter(|(_, from, to)| from != to);
    let mut errors: Vec<_> = changes
        .map(|(key, from, to)| ReloadError::CampaignChanged {
            brand: brand.to_owned(),
            campaign: id.clone(),
            key,
            from: from.to_owned(),
            to: to.to_owned(),
        })
        .collect();
    if *retired && !named.retired {
        errors.push(ReloadError::CampaignRevived { brand: brand.to_owned(), campaign: id.clone() });
    }
    errors
}
