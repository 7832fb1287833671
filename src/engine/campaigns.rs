//! The catalog while it runs: reading it, registering campaigns, a new version of the file.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::Engine;
use super::error::{EngineError, InvalidRequest};
use super::history::foreign_page_token;
use super::writer::Job;
use crate::authorize::{Operation, permit};
use crate::catalog::parse::CatalogErrors;
use crate::catalog::reload::ReloadError;
use crate::catalog::{Brand, Catalog, needs_topic};
use crate::model::actor::Caller;
use crate::model::campaign::{Campaign, CampaignId};

/// Campaigns of a page where the caller names no size.
const DEFAULT_PAGE: usize = 100;
/// Most campaigns of a page.
const MAX_PAGE: usize = 1_000;

/// A page of campaigns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignPage {
    /// By name.
    pub campaigns: Vec<Arc<Campaign>>,
    /// Names the next page; empty after the last.
    pub next_page_token: String,
}

/// Why a version of the catalog file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum CatalogRefused {
    /// It is not well-formed.
    #[error(transparent)]
    Malformed(#[from] CatalogErrors),
    /// It changes what must not change.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Changes(Vec<ReloadError>),
    /// It could not be recorded.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Catalog {
    /// The brand of this name.
    ///
    /// # Errors
    /// `UnknownBrand`.
    pub(super) fn brand_named(&self, word: &str) -> Result<&Brand, EngineError> {
        self.brand(word).ok_or_else(|| EngineError::UnknownBrand { brand: word.to_owned() })
    }

    /// The campaign of these names, unless it is retired.
    ///
    /// # Errors
    /// `UnknownBrand`, `UnknownCampaign`, `CampaignRetired`.
    pub fn campaign_named(
        &self,
        brand: &str,
        campaign: &str,
    ) -> Result<&Arc<Campaign>, EngineError> {
        let of = self.brand_named(brand)?;
        let id = CampaignId::parse(campaign);
        let found = id.and_then(|id| self.campaign(of.id, &id));
        let (brand, campaign) = (brand.to_owned(), campaign.to_owned());
        match found {
            None => Err(EngineError::UnknownCampaign { brand, campaign }),
            Some(found) if found.retired => Err(EngineError::CampaignRetired { brand, campaign }),
            Some(found) => Ok(found),
        }
    }

    /// Whether a campaign that is known under this name is this one.
    pub(super) fn same_campaign(&self, campaign: &Campaign) -> Result<(), EngineError> {
        match self.campaign(campaign.brand, &campaign.id) {
            Some(known) if Campaign { retired: false, ..Campaign::clone(known) } == *campaign => {
                Ok(())
            }
            Some(_) | None => Err(EngineError::CampaignDiffers {
                brand: self.names.brand(campaign.brand).to_owned(),
                campaign: campaign.id.to_string(),
            }),
        }
    }
}

impl Engine {
    /// The current catalog, for a caller who may read it.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn read_catalog(&self, caller: &Caller) -> Result<Arc<Catalog>, EngineError> {
        permit(caller, Operation::ReadCatalog)?;
        Ok(self.catalog())
    }

    /// Registers a campaign. The same again changes nothing.
    ///
    /// # Errors
    /// `CampaignDiffers` where another has that name; a marketing campaign without topic.
    pub async fn register_campaign(
        &self,
        caller: &Caller,
        campaign: Campaign,
    ) -> Result<(), EngineError> {
        permit(caller, Operation::RegisterCampaign(campaign.purpose))?;
        if needs_topic(campaign.purpose) && campaign.topic.is_none() {
            let problem = "is mandatory for marketing and consent requests";
            return Err(InvalidRequest::one("campaign.topic", problem).into());
        }
        let (reply, answer) = oneshot::channel();
        self.hand_over(Job::Campaign { campaign, reply }).await?;
        self.answered(answer).await
    }

    /// The campaigns of a brand, or of all where none is named; retired ones are left out.
    ///
    /// # Errors
    /// `UnknownBrand`, `Forbidden`; a foreign page token.
    pub fn list_campaigns(
        &self,
        caller: &Caller,
        brand: &str,
        page_size: u32,
        page_token: &str,
    ) -> Result<CampaignPage, EngineError> {
        permit(caller, Operation::ReadCatalog)?;
        let catalog = self.catalog();
        let of = if brand.is_empty() { None } else { Some(catalog.brand_named(brand)?.id) };
        let size = match usize::try_from(page_size) {
            Ok(0) => DEFAULT_PAGE,
            Ok(size) => size.min(MAX_PAGE),
            Err(_) => MAX_PAGE,
        };
        if !page_token.is_empty() && !is_page_key(page_token) {
            return Err(foreign_page_token().into());
        }
        let mut all: Vec<&Arc<Campaign>> = catalog.campaigns.values().collect();
        all.sort_by_key(|campaign| page_key(campaign));
        let mut of_brand = all
            .into_iter()
            .filter(|campaign| of.is_none_or(|of| campaign.brand == of) && !campaign.retired)
            .filter(|campaign| *page_key(campaign) > *page_token);
        let campaigns: Vec<Arc<Campaign>> = of_brand.by_ref().take(size).cloned().collect();
        let last = campaigns.last().map(|campaign| page_key(campaign));
        let next_page_token = of_brand.next().and(last).unwrap_or_default();
        Ok(CampaignPage { campaigns, next_page_token })
    }

    /// Takes a version of the catalog file, if it may follow the present one.
    ///
    /// # Errors
    /// All that is wrong with it; the present one stays.
    pub async fn take_catalog(&self, file: &str, source: &str) -> Result<(), CatalogRefused> {
        let (reply, answer) = oneshot::channel();
        let job = Job::Catalog { file: file.into(), source: source.into(), reply };
        // Also where the ledger takes no writes: a version that it has already is none, and checks
        // are served by it.
        self.jobs.send(job).await.map_err(|_| EngineError::Stopping)?;
        self.answered(answer).await
    }
}

/// Where a campaign stands in the order of pages, as a page token says it.
fn page_key(campaign: &Campaign) -> String {
    format!("{:04x}/{}", campaign.brand.index(), campaign.id)
}

/// Whether a page token has the form of a `page_key`.
fn is_page_key(token: &str) -> bool {
    token.split_once('/').is_some_and(|(brand, id)| {
        let is_number = brand.len() == 4 && brand.bytes().all(|octet| octet.is_ascii_hexdigit());
        is_number && CampaignId::parse(id).is_some()
    })
}
