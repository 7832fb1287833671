//! The catalog: controllers, brands, topics, campaigns, policies. One immutable value per accepted
//! version of the file; a reload or a newly registered campaign makes another.
//!
//! Words are for people, numbers for the index: `Names` hands out a number once per word and path,
//! and never again, so that what was recorded keeps its meaning. It grows in the order in which
//! the ledger accepted words, and so is the same after every replay.

pub mod located;
pub mod page;
pub mod parse;
pub mod reload;
mod used;
mod words;

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU16;
use std::sync::Arc;

use self::page::Page;
use crate::model::campaign::{Campaign, CampaignId, Purpose};
use crate::model::language::{Language, PerLanguage};
use crate::model::scope::{BrandId, ControllerId, Scope, TopicId};

/// Whether marketing needs a yes or suffers a no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Marketing {
    /// Nobody without a yes is mailed (UWG section 7(2) no. 2).
    OptIn,
    /// Nobody with a no is mailed.
    OptOut,
}

/// What the opt-out regime does with addresses that nobody registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnknownAddresses {
    /// They are not mailed.
    Deny,
    /// They are mailed.
    Allow,
}

/// Whether a brand may ask for consent by mail, which is advertising in itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConsentRequests {
    /// It may not.
    Forbidden,
    /// It may.
    Allowed,
}

/// Whether staff may bring back an address that opted out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StaffResubscribe {
    /// Only the owner may.
    Forbidden,
    /// One address at a time, with legal basis and explanation.
    WithLegalBasis,
}

/// Whether staff may record a yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StaffConsent {
    /// With the evidence that its method asks for.
    WithEvidence,
    /// Only the owner may.
    Forbidden,
}

/// How a tagged address (`name+tag@`) relates to its base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlusTags {
    /// Restrictions of the base hold for the tagged address too.
    WidenRestrictions,
    /// They are strangers.
    Exact,
}

/// The rules of one brand, resolved from organisation, controller and brand.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Policy {
    /// Whether marketing needs a yes.
    pub marketing: Marketing,
    /// Opt-out regime only.
    pub unknown_address: UnknownAddresses,
    /// Whether the brand may ask by mail.
    pub consent_request: ConsentRequests,
    /// Days before the brand may ask again.
    pub consent_request_cooldown_days: u16,
    /// Days that a yes lives; none: it does not lapse.
    pub consent_lifetime_days: Option<NonZeroU16>,
    /// Days before its lapse from which a yes may be renewed.
    pub consent_renewal_window_days: u16,
    /// Whether staff may bring back an address that opted out.
    pub staff_resubscribe: StaffResubscribe,
    /// Whether staff may record a yes.
    pub staff_consent: StaffConsent,
    /// Double opt-in mails per address and day.
    pub opt_in_mails_per_day: u16,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            marketing: Marketing::OptIn,
            unknown_address: UnknownAddresses::Deny,
            consent_request: ConsentRequests::Forbidden,
            consent_request_cooldown_days: 90,
            consent_lifetime_days: None,
            consent_renewal_window_days: 30,
            staff_resubscribe: StaffResubscribe::Forbidden,
            staff_consent: StaffConsent::WithEvidence,
            opt_in_mails_per_day: 3,
        }
    }
}

/// Names for people in other languages, where the catalog has them.
pub type Titles = PerLanguage<Option<Box<str>>>;

/// A legal entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controller {
    /// Its number.
    pub id: ControllerId,
    /// Its name for people.
    pub title: Box<str>,
    /// That name by language.
    pub titles: Titles,
    /// Who gets its data, in words for the people concerned (GDPR Art. 15(1)(c)).
    pub recipients: Vec<Box<str>>,
}

/// A brand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    /// Its number.
    pub id: BrandId,
    /// Its name for people.
    pub title: Box<str>,
    /// That name by language.
    pub titles: Titles,
    /// Its subscription types, in the order of the file.
    pub topics: Vec<Topic>,
    /// Its rules.
    pub policy: Arc<Policy>,
    /// How it dresses the owner's pages.
    pub page: Arc<Page>,
}

/// A subscription type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its number.
    pub id: TopicId,
    /// Its name for people.
    pub title: Box<str>,
    /// That name by language.
    pub titles: Titles,
}

/// Whether a campaign of this purpose must have a topic: whatever advertises, so that an opt-out
/// of a topic reaches it.
#[must_use]
pub const fn needs_topic(purpose: Purpose) -> bool {
    match purpose {
        Purpose::Marketing | Purpose::ConsentRequest => true,
        Purpose::Transactional | Purpose::OneToOne => false,
    }
}

/// Words and their numbers. Grows, never shrinks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    controllers: Vec<Box<str>>,
    brands: Vec<(BrandId, Box<str>)>,
    topics: Vec<(TopicId, Box<str>)>,
    controller_of: HashMap<Box<str>, ControllerId>,
    brand_of: HashMap<(ControllerId, Box<str>), BrandId>,
    topic_of: HashMap<(BrandId, Box<str>), TopicId>,
}

/// A word that got a number. The ledger keeps these in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// A controller.
    Controller(Box<str>),
    /// A brand of the controller.
    Brand(ControllerId, Box<str>),
    /// A topic of the brand.
    Topic(BrandId, Box<str>),
}

/// More than 65,535 controllers, brands or topics were ever named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than 65,535 controllers, brands or topics were ever named")]
pub struct NamesExhausted;

impl Names {
    /// The number of a word, handed out now if it has none.
    ///
    /// # Errors
    /// `NamesExhausted`.
    pub fn add_controller(&mut self, word: &str) -> Result<ControllerId, NamesExhausted> {
        if let Some(id) = self.controller_of.get(word) {
            return Ok(*id);
        }
        let index = u16::try_from(self.controllers.len()).map_err(|_| NamesExhausted)?;
        let id = ControllerId::new(index);
        self.controllers.push(word.into());
        self.controller_of.insert(word.into(), id);
        Ok(id)
    }

    /// The number of a word, handed out now if it has none.
    ///
    /// # Errors
    /// `NamesExhausted`.
    pub fn add_brand(
        &mut self,
        controller: ControllerId,
        word: &str,
    ) -> Result<BrandId, NamesExhausted> {
        let key = (controller, Box::from(word));
        if let Some(id) = self.brand_of.get(&key) {
            return Ok(*id);
        }
        let index = u16::try_from(self.brands.len()).map_err(|_| NamesExhausted)?;
        let id = BrandId::new(controller, index);
        self.brands.push((id, word.into()));
        self.brand_of.insert(key, id);
        Ok(id)
    }

    /// The number of a word, handed out now if it has none.
    ///
    /// # Errors
    /// `NamesExhausted`.
    pub fn add_topic(&mut self, brand: BrandId, word: &str) -> Result<TopicId, NamesExhausted> {
        let key = (brand, Box::from(word));
        if let Some(id) = self.topic_of.get(&key) {
            return Ok(*id);
        }
        let index = u16::try_from(self.topics.len()).map_err(|_| NamesExhausted)?;
        let id = TopicId::new(brand, index);
        self.topics.push((id, word.into()));
        self.topic_of.insert(key, id);
        Ok(id)
    }

    /// Adds a word as the ledger recorded it.
    ///
    /// # Errors
    /// `NamesExhausted`.
    pub fn add(&mut self, name: &Name) -> Result<(), NamesExhausted> {
        match name {
            Name::Controller(word) => self.add_controller(word).map(drop),
            Name::Brand(controller, word) => self.add_brand(*controller, word).map(drop),
            Name::Topic(brand, word) => self.add_topic(*brand, word).map(drop),
        }
    }

    /// Every word: controllers, then brands, then topics, each in the order of its number.
    pub fn iter(&self) -> impl Iterator<Item = Name> {
        let controllers = self.controllers.iter().cloned().map(Name::Controller);
        let brands =
            self.brands.iter().map(|(id, word)| Name::Brand(id.controller(), word.clone()));
        let topics = self.topics.iter().map(|(id, word)| Name::Topic(id.brand(), word.clone()));
        controllers.chain(brands).chain(topics)
    }

    /// The words that `self` has beyond `earlier`, in the order in which to add them.
    #[must_use]
    pub fn beyond(&self, earlier: &Self) -> Vec<Name> {
        let controllers = self.controllers.iter().skip(earlier.controllers.len());
        let brands = self.brands.iter().skip(earlier.brands.len());
        let topics = self.topics.iter().skip(earlier.topics.len());
        let controllers = controllers.cloned().map(Name::Controller);
        let brands = brands.map(|(id, word)| Name::Brand(id.controller(), word.clone()));
        let topics = topics.map(|(id, word)| Name::Topic(id.brand(), word.clone()));
        controllers.chain(brands).chain(topics).collect()
    }

    /// Whether every word of `earlier` has the same number here.
    #[must_use]
    pub fn extends(&self, earlier: &Self) -> bool {
        self.controllers.starts_with(&earlier.controllers)
            && self.brands.starts_with(&earlier.brands)
            && self.topics.starts_with(&earlier.topics)
    }

    /// The word of a controller; empty for a number that was never handed out.
    #[must_use]
    pub fn controller(&self, id: ControllerId) -> &str {
        self.controllers.get(usize::from(id.index())).map_or("", |word| word)
    }

    /// The word of a brand; empty for a number that was never handed out.
    #[must_use]
    pub fn brand(&self, id: BrandId) -> &str {
        self.brands.get(usize::from(id.index())).map_or("", |(_, word)| word)
    }

    /// The word of a topic; empty for a number that was never handed out.
    #[must_use]
    pub fn topic(&self, id: TopicId) -> &str {
        self.topics.get(usize::from(id.index())).map_or("", |(_, word)| word)
    }

    /// The whole identity of a brand by its bare number, as the disk holds it.
    #[must_use]
    pub fn brand_by_index(&self, index: u16) -> Option<BrandId> {
        self.brands.get(usize::from(index)).map(|(id, _)| *id)
    }

    /// The whole identity of a topic by its bare number, as the disk holds it.
    #[must_use]
    pub fn topic_by_index(&self, index: u16) -> Option<TopicId> {
        self.topics.get(usize::from(index)).map(|(id, _)| *id)
    }
}

/// One accepted version of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    /// Words and their numbers, those of earlier versions included.
    pub names: Arc<Names>,
    /// How tagged addresses relate to their base.
    pub plus_tags: PlusTags,
    /// In the order of the file.
    pub controllers: Vec<Controller>,
    /// In the order of the file.
    pub brands: Vec<Brand>,
    /// Of the file and registered since, by brand and name.
    pub campaigns: BTreeMap<(BrandId, CampaignId), Arc<Campaign>>,
    /// The rules of a brand that is in no catalog: the strictest.
    strictest: Arc<Policy>,
}

impl Catalog {
    /// A catalog of these parts.
    #[must_use]
    pub fn new(
        names: Arc<Names>,
        plus_tags: PlusTags,
        controllers: Vec<Controller>,
        brands: Vec<Brand>,
        campaigns: BTreeMap<(BrandId, CampaignId), Arc<Campaign>>,
    ) -> Self {
        let strictest =
            Arc::new(Policy { staff_consent: StaffConsent::Forbidden, ..Policy::default() });
        Self { names, plus_tags, controllers, brands, campaigns, strictest }
    }

    /// The controller of this name, if this version has it.
    #[must_use]
    pub fn controller(&self, word: &str) -> Option<&Controller> {
        self.controllers.iter().find(|c| self.names.controller(c.id) == word)
    }

    /// The brand of this name, if this version has it.
    #[must_use]
    pub fn brand(&self, word: &str) -> Option<&Brand> {
        self.brands.iter().find(|b| self.names.brand(b.id) == word)
    }

    /// The brand of this number, if this version has it.
    #[must_use]
    pub fn brand_of(&self, id: BrandId) -> Option<&Brand> {
        self.brands.iter().find(|brand| brand.id == id)
    }

    /// The campaign of this brand and name, if there is one; a retired one too.
    #[must_use]
    pub fn campaign(&self, brand: BrandId, id: &CampaignId) -> Option<&Arc<Campaign>> {
        self.campaigns.get(&(brand, id.clone()))
    }

    /// The rules of a brand.
    #[must_use]
    pub fn policy(&self, brand: BrandId) -> &Arc<Policy> {
        self.brand_of(brand).map_or(&self.strictest, |brand| &brand.policy)
    }

    /// The scope as the command line and files write it: `everything`, `controller:ID`,
    /// `brand:ID`, `topic:BRAND/TOPIC`.
    #[must_use]
    pub fn scope_text(&self, scope: Scope) -> String {
        match scope {
            Scope::Everything => "everything".to_owned(),
            Scope::Controller(id) => format!("controller:{}", self.names.controller(id)),
            Scope::Brand(id) => format!("brand:{}", self.names.brand(id)),
            Scope::Topic(id) => {
                format!("topic:{}/{}", self.names.brand(id.brand()), self.names.topic(id))
            }
        }
    }
}

fn title_in<'t>(titles: &'t Titles, language: Language, title: &'t str) -> &'t str {
    titles.get(language).as_deref().unwrap_or(title)
}

impl Controller {
    /// Its name in this language, else its name.
    #[must_use]
    pub fn title_in(&self, language: Language) -> &str {
        title_in(&self.titles, language, &self.title)
    }
}

impl Topic {
    /// Its name in this language, else its name.
    #[must_use]
    pub fn title_in(&self, language: Language) -> &str {
        title_in(&self.titles, language, &self.title)
    }
}

impl Brand {
    /// Its name in this language, else its name.
    #[must_use]
    pub fn title_in(&self, language: Language) -> &str {
        title_in(&self.titles, language, &self.title)
    }

    /// The topic of this name, if the brand has it.
    #[must_use]
    pub fn topic(&self, names: &Names, word: &str) -> Option<&Topic> {
        self.topics.iter().find(|topic| names.topic(topic.id) == word)
    }
}
