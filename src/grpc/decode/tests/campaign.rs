//! Campaigns, and streams about them.

use super::*;

fn register(campaign: Option<api::Campaign>) -> Result<crate::model::campaign::Campaign, Refusal> {
    register_campaign(api::RegisterCampaignRequest { campaign }, &catalog())
}

#[test]
fn a_campaign_is_read_whole() {
    let read = register(Some(campaign())).unwrap();
    assert_eq!(read.id.as_str(), "2026-11-advent");
    assert!(read.topic.is_some_and(|topic| topic.brand() == read.brand));
    assert_eq!(
        (read.purpose, read.channel, read.retired),
        (Purpose::Marketing, Channel::Post, false)
    );
}

#[test]
fn a_campaign_travels_by_e_mail_unless_it_says_otherwise() {
    let by = |channel| register(Some(api::Campaign { channel, ..campaign() }));
    assert_eq!(by(0).unwrap().channel, Channel::Email);
    malformed(by(9), &["campaign.channel"]);
}

#[test]
fn a_campaign_names_what_the_catalog_has() {
    malformed(register(None), &["campaign"]);
    let wrong = api::Campaign {
        campaign: "Advent 2026".to_owned(),
        topic: "nothing".to_owned(),
        purpose: 0,
        ..campaign()
    };
    malformed(register(Some(wrong)), &["campaign.campaign", "campaign.topic", "campaign.purpose"]);
    let elsewhere = api::Campaign { brand: "nobody".to_owned(), ..campaign() };
    unknown(register(Some(elsewhere)), &Name::Brand("nobody".to_owned()), &["campaign.brand"]);
    let nothing = api::Campaign { topic: "nothing".to_owned(), ..campaign() };
    unknown(register(Some(nothing)), &Name::Scope, &["campaign.topic"]);
    let none = register(Some(api::Campaign { topic: String::new(), ..campaign() }));
    assert_eq!(none.unwrap().topic, None);
}

#[test]
fn a_stream_keeps_brand_and_campaign_until_both_are_named_anew() {
    let ask = |brand, campaign| AskBuffer::new(brand, campaign, 0).take();
    let first = Subject::of_message(&ask("festival", "advent"), None).unwrap();
    assert_eq!(Subject::of_message(&ask("", ""), Some(&first)).unwrap(), first);
    let next = Subject::of_message(&ask("theater", "premiere"), Some(&first)).unwrap();
    assert_eq!((&*next.brand, &*next.campaign), ("theater", "premiere"));
    malformed(Subject::of_message(&ask("theater", ""), Some(&first)), &["campaign"]);
    malformed(Subject::of_message(&ask("", "premiere"), Some(&first)), &["brand"]);
    malformed(Subject::of_message(&ask("", ""), None), &["brand", "campaign"]);
    malformed(Subject::of_call(&ask("", "")), &["brand", "campaign"]);
}
