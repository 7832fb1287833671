//! Words of the model to messages.
#![deny(clippy::wildcard_enum_match_arm)]

mod access;
mod change;
mod erasure;
mod event;
mod explain;
mod status;
mod words;

use std::collections::HashMap;

pub(super) use self::access::{access_answered, access_requested, access_requests};
pub(super) use self::change::changes;
pub(super) use self::erasure::{case, cases, certificate};
use self::event::scope;
pub(super) use self::explain::explanation;
pub(super) use self::status::{history, status};
use self::words::{channel, import_effect, link_kind, purpose};
use super::api;
use super::codec::CheckAnswer;
use crate::catalog::page::Page;
use crate::catalog::{Brand, Catalog, Controller, Names, Titles, Topic};
use crate::engine::campaigns::CampaignPage;
use crate::engine::check::Answer;
use crate::engine::import::Imported;
use crate::engine::inspect::InspectedLink;
use crate::engine::opt_in::OptInBegun;
use crate::engine::preferences::{Links, Preference, Preferences, PreferencesUpdated};
use crate::model::campaign::Campaign;
use crate::model::language::Language;
use crate::model::verdict::WriteOutcome;

/// The answer of a check; its verdicts are moved, not copied.
pub(super) fn answer(answer: Answer) -> CheckAnswer {
    let Answer { verdicts, revision } = answer;
    CheckAnswer::counted(verdicts, revision.number())
}

/// Outcomes have the same numbers on the wire.
pub(super) fn outcomes(outcomes: &[WriteOutcome]) -> Vec<i32> {
    outcomes.iter().map(|outcome| outcome.code().into()).collect()
}

pub(super) fn imported(imported: &Imported) -> api::ImportFactsResponse {
    let Imported { revision, outcomes: became, effects } = imported;
    let effects = effects.iter().map(|effect| import_effect(*effect).into());
    api::ImportFactsResponse {
        revision: revision.number(),
        outcomes: outcomes(became),
        effects: effects.collect(),
    }
}

pub(super) fn links(links: Vec<Option<Links>>) -> api::MintLinksResponse {
    let of_address = |links: Option<Links>| {
        let Links {
            unsubscribe_token,
            unsubscribe_url,
            preferences_token,
            preferences_url,
            list_unsubscribe,
            list_unsubscribe_post,
        } = links.unwrap_or_default();
        api::Links {
            unsubscribe_token,
            unsubscribe_url,
            preferences_token,
            preferences_url,
            list_unsubscribe,
            list_unsubscribe_post,
        }
    };
    api::MintLinksResponse { links: links.into_iter().map(of_address).collect() }
}

pub(super) fn inspected_link(link: InspectedLink, names: &Names) -> api::InspectLinkResponse {
    let InspectedLink { kind, is_for_address, grants, scopes } = link;
    let brand = scopes.first().and_then(|scope| scope.brand());
    api::InspectLinkResponse {
        kind: link_kind(kind).into(),
        is_for_address,
        grants,
        brand: brand.map(|brand| names.brand(brand).to_owned()).unwrap_or_default(),
        scopes: scopes.into_iter().map(|of| scope(of, names)).collect(),
    }
}

pub(super) fn preferences(preferences: Preferences, names: &Names) -> api::Preferences {
    let Preferences { masked_address, topics } = preferences;
    let topic = |preference: Preference| {
        let Preference { scope: of, title, subscribed, verdict, own: _ } = preference;
        let verdict = verdict.code().into();
        api::Preference { scope: Some(scope(of, names)), title, subscribed, verdict }
    };
    api::Preferences { masked_address, topics: topics.into_iter().map(topic).collect() }
}

pub(super) fn preferences_updated(
    updated: PreferencesUpdated,
    names: &Names,
) -> api::UpdatePreferencesResponse {
    let PreferencesUpdated { preferences: stands, revision, outcomes: became } = updated;
    api::UpdatePreferencesResponse {
        preferences: Some(preferences(stands, names)),
        revision: revision.number(),
        outcomes: outcomes(&became),
    }
}

pub(super) fn opt_in_begun(begun: OptInBegun) -> api::BeginOptInResponse {
    let OptInBegun { confirm_token, confirm_url, revision, outcome } = begun;
    let (revision, outcome) = (revision.number(), outcome.code().into());
    api::BeginOptInResponse { confirm_token, confirm_url, revision, outcome }
}

pub(super) fn opt_in_confirmed(
    updated: PreferencesUpdated,
    names: &Names,
) -> api::ConfirmOptInResponse {
    let PreferencesUpdated { preferences: stands, revision, outcomes: became } = updated;
    api::ConfirmOptInResponse {
        preferences: Some(preferences(stands, names)),
        revision: revision.number(),
        outcomes: outcomes(&became),
    }
}

pub(super) fn campaign(campaign: &Campaign, names: &Names) -> api::Campaign {
    // A retired campaign is not listed.
    let Campaign { brand, id, topic, purpose: is_for, channel: by, retired: _ } = campaign;
    api::Campaign {
        brand: names.brand(*brand).to_owned(),
        campaign: id.as_str().to_owned(),
        topic: topic.map(|topic| names.topic(topic).to_owned()).unwrap_or_default(),
        purpose: purpose(*is_for).into(),
        channel: channel(*by).into(),
    }
}

pub(super) fn campaigns(page: CampaignPage, names: &Names) -> api::ListCampaignsResponse {
    let CampaignPage { campaigns, next_page_token } = page;
    let campaigns = campaigns.iter().map(|of_page| campaign(of_page, names)).collect();
    api::ListCampaignsResponse { campaigns, next_page_token }
}

pub(super) fn catalog(catalog: &Catalog) -> api::GetCatalogResponse {
    let names = &*catalog.names;
    let topic = |topic: &Topic| {
        let Topic { id, title, titles: by_language } = topic;
        api::Topic {
            id: names.topic(*id).to_owned(),
            title: title.to_string(),
            titles: titles(by_language),
        }
    };
    let brand = |brand: &Brand| {
        // Policies stay inside: their effect shows in the verdicts.
        let Brand { id, title, titles: by_language, topics, policy: _, page: dress } = brand;
        api::Brand {
            id: names.brand(*id).to_owned(),
            controller: names.controller(id.controller()).to_owned(),
            title: title.to_string(),
            topics: topics.iter().map(topic).collect(),
            titles: titles(by_language),
            page: page(dress),
        }
    };
    let controller = |controller: &Controller| {
        let Controller { id, title, titles: by_language, recipients } = controller;
        api::Controller {
            id: names.controller(*id).to_owned(),
            title: title.to_string(),
            recipients: recipients.iter().map(ToString::to_string).collect(),
            titles: titles(by_language),
        }
    };
    api::GetCatalogResponse {
        controllers: catalog.controllers.iter().map(controller).collect(),
        brands: catalog.brands.iter().map(brand).collect(),
    }
}

fn titles(titles: &Titles) -> HashMap<String, String> {
    let of = |language: Language| {
        Some((language.tag().to_owned(), titles.get(language).as_ref()?.to_string()))
    };
    Language::ALL.into_iter().filter_map(of).collect()
}

/// None for a brand that the catalog leaves as it is.
fn page(page: &Page) -> Option<api::BrandPage> {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let own = page.own_texts().map(|(language, key)| format!("{}.{key}", language.tag()));
    let shown = api::BrandPage {
        color: page.color().to_string(),
        logo_type: text(page.logo().map(|logo| logo.kind().media_type())),
        privacy: text(page.privacy()),
        imprint: text(page.imprint()),
        list_id: text(page.list_id()),
        texts: own.collect(),
    };
    (*page != Page::default()).then_some(shown)
}

#[cfg(test)]
mod tests;
