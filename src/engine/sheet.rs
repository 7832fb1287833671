//! The data sheet: everything that is held about an address, gathered (GDPR Art. 15).
//!
//! It is made from the events up to one revision, so that its parts fit each other. While an erasure
//! is pending it holds all there is; after one, only what the tombstone leaves.

use std::sync::Arc;

use super::error::EngineError;
use super::history::parse_address;
use super::status::{ScopedBlock, ScopedConsent, ScopedOptOut, View};
use super::{Engine, Shared};
use crate::authorize::{Operation, permit};
use crate::catalog::{Brand, Catalog, Controller, Titles};
use crate::decide::decide;
use crate::model::actor::Caller;
use crate::model::address::Address;
use crate::model::campaign::{Campaign, CampaignId, Channel, Purpose};
use crate::model::day::{Day, Timestamp};
use crate::model::event::Event;
use crate::model::fact::Erasure;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::model::scope::{BrandId, Scope, TopicId};
use crate::model::verdict::Verdict;

/// The version of the rules by which spellings of an address are one mailbox.
pub const IDENTITY_RULES: u32 = 1;

/// Everything that is held about an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectSheet {
    /// In canonical form.
    pub address: Address,
    /// The keyed name under which it is held; none where nothing is.
    pub pseudonym: Option<Fingerprint>,
    /// When the sheet was made.
    pub made_at: Timestamp,
    /// Who asked for it.
    pub made_for: Caller,
    /// All of it is of this revision.
    pub revision: Revision,
    /// Titles of what it names.
    pub catalog: Arc<Catalog>,
    /// Who has it on file, with the recipients of its data.
    pub controllers: Vec<Controller>,
    /// Yeses, refusals, pending requests.
    pub consents: Vec<ScopedConsent>,
    /// The owner's own noes.
    pub opt_outs: Vec<ScopedOptOut>,
    /// Stops, and the noes that staff recorded for the owner.
    pub blocks: Vec<ScopedBlock>,
    /// When brands asked for consent last.
    pub asked: Vec<(BrandId, Day)>,
    /// How far an erasure has come.
    pub erasure: Erasure,
    /// Its case; empty where there is none.
    pub erasure_id: Arc<str>,
    /// What may be sent now, of the brands whose controller has it on file.
    pub mailings: Vec<Mailing>,
    /// Oldest first.
    pub events: Vec<Event>,
}

/// Whether advertising about a topic may be sent by mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mailing {
    /// Which topic.
    pub topic: TopicId,
    /// Whether, and why.
    pub verdict: Verdict,
}

impl Engine {
    /// Everything that is held about an address; of one that nobody named, nothing.
    ///
    /// # Errors
    /// No address; damaged data.
    pub async fn subject_sheet(
        &self,
        caller: &Caller,
        address: &[u8],
    ) -> Result<SubjectSheet, EngineError> {
        permit(caller, Operation::ReadAddress)?;
        let (address, made_for) = (parse_address(address)?, caller.clone());
        self.blocking(move |shared| shared.subject_sheet(address, made_for)).await
    }
}

impl Shared {
    fn subject_sheet(
        &self,
        address: Address,
        made_for: Caller,
    ) -> Result<SubjectSheet, EngineError> {
        let (revision, now, catalog) = (self.head(), self.moment(), self.catalog());
        let fingerprint = self.fingerprint(&address);
        let own = self.told(fingerprint, revision)?;
        let base = match self.base_of(&address) {
            Some(base) => Some(self.told(base, revision)?),
            None => None,
        };
        let base = base.filter(|base| base.last > Revision::ZERO && base.last >= own.owner_yes);
        let base = base.as_ref().map(|base| &base.profile);
        let profile = &own.profile;
        let view = View { catalog: &catalog, profile, base, events: &own.events, now };
        let (consents, opt_outs, blocks) = (view.consents(), view.opt_outs(), view.blocks());
        let on_file = |brand: &&Brand| profile.registered.contains(&brand.id.controller());
        let mut mailings = Vec::new();
        for brand in catalog.brands.iter().filter(on_file) {
            for topic in &brand.topics {
                let Some(campaign) = advertising(brand, topic.id) else { continue };
                let ruling = decide(profile, base, &campaign, &brand.policy, now.today);
                mailings.push(Mailing { topic: topic.id, verdict: ruling.verdict });
            }
        }
        let known = |id| {
            let known = catalog.controllers.iter().find(|controller| controller.id == id);
            // One that has left the catalog is known by its id still.
            known.cloned().unwrap_or_else(|| Controller {
                id,
                title: catalog.names.controller(id).into(),
                titles: Titles::default(),
                recipients: Vec::new(),
            })
        };
        let cases = own.events.iter().map(|event| event.statement.erasure_id.clone());
        let case = cases.into_iter().find(|id| !id.is_empty());
        let is_held = !own.events.is_empty() || profile.erasure != Erasure::None;
        Ok(SubjectSheet {
            pseudonym: is_held.then_some(fingerprint),
            address,
            made_at: now.at,
            made_for,
            revision,
            controllers: profile.registered.iter().copied().map(known).collect(),
            consents,
            opt_outs,
            blocks,
            asked: profile.asked.iter().map(|(brand, day)| (*brand, *day)).collect(),
            erasure: profile.erasure,
            erasure_id: case.filter(|_| profile.erasure != Erasure::None).unwrap_or_default(),
            mailings,
            catalog,
            events: own.events.into_iter().rev().collect(),
        })
    }
}

impl SubjectSheet {
    /// Whether anything is held.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.pseudonym.is_none()
    }

    /// The title of a scope's own level; the id of what has left the catalog. None for everything.
    #[must_use]
    pub fn title(&self, scope: Scope) -> Option<&str> {
        let (catalog, names) = (&self.catalog, &self.catalog.names);
        Some(match scope {
            Scope::Everything => return None,
            Scope::Controller(id) => {
                let known = catalog.controllers.iter().find(|controller| controller.id == id);
                known.map_or(names.controller(id), |controller| &controller.title)
            }
            Scope::Brand(id) => catalog.brand_of(id).map_or(names.brand(id), |brand| &brand.title),
            Scope::Topic(id) => {
                let topics = catalog.brand_of(id.brand()).map(|brand| brand.topics.as_slice());
                let known = topics.unwrap_or_default().iter().find(|topic| topic.id == id);
                known.map_or(names.topic(id), |topic| &topic.title)
            }
        })
    }
}

/// An advertisement about a topic.
fn advertising(brand: &Brand, topic: TopicId) -> Option<Campaign> {
    Some(Campaign {
        brand: brand.id,
        id: CampaignId::parse("sheet")?,
        topic: Some(topic),
        purpose: Purpose::Marketing,
        channel: Channel::Email,
        retired: false,
    })
}
