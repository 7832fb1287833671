//! A campaign that is registered while the server runs.

use super::reading::Reading;
use crate::catalog::{Brand, Catalog};
use crate::grpc::api;
use crate::grpc::refusal::{Name, Refusal};
use crate::model::campaign::{Campaign, CampaignId};
use crate::model::scope::TopicId;

pub(in crate::grpc) fn register_campaign(
    request: api::RegisterCampaignRequest,
    catalog: &Catalog,
) -> Result<Campaign, Refusal> {
    let api::RegisterCampaignRequest { campaign } = request;
    let mut reading = Reading::new(catalog);
    let Some(campaign) = campaign else {
        let missing = reading.fault("campaign", "is mandatory");
        return reading.finish(|| missing);
    };
    let api::Campaign { brand, campaign, topic, purpose, channel } = campaign;
    let brand = reading.brand("campaign.brand", brand);
    let id = id(&mut reading, &campaign);
    // Without a brand there is nothing to look the topic up in; the brand's fault is noted.
    let topic = brand.map_or(Some(None), |brand| topic_of(&mut reading, catalog, brand, &topic));
    let purpose = reading.purpose("campaign.purpose", purpose);
    let channel = reading.channel("campaign.channel", channel);
    reading.finish(|| {
        Some(Campaign {
            brand: brand?.id,
            id: id?,
            topic: topic?,
            purpose: purpose?,
            channel: channel?,
            retired: false,
        })
    })
}

fn id(reading: &mut Reading<'_>, campaign: &str) -> Option<CampaignId> {
    let problem = "is no id: 1 to 63 of a to z, 0 to 9, `.`, `_` and `-`, a letter or digit first";
    CampaignId::parse(campaign).or_else(|| reading.fault("campaign.campaign", problem))
}

/// The topic; none where none is named.
fn topic_of(
    reading: &mut Reading<'_>,
    catalog: &Catalog,
    brand: &Brand,
    topic: &str,
) -> Option<Option<TopicId>> {
    if topic.is_empty() {
        return Some(None);
    }
    match brand.topic(&catalog.names, topic) {
        Some(topic) => Some(Some(topic.id)),
        None => {
            let known = reading.known_topics(brand);
            reading.unknown("campaign.topic", Name::Scope, known)
        }
    }
}
