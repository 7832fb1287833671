//! A small world for tests: two controllers of two brands each, two topics a brand, and every kind
//! of campaign. Builders give real objects.

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::sync::Arc;

use maysend::catalog::{
    Brand, Catalog, ConsentRequests, Controller, Marketing, Names, PlusTags, Policy, StaffConsent,
    StaffResubscribe, Titles, Topic, UnknownAddresses,
};
use maysend::model::campaign::{Campaign, CampaignId, Channel, Purpose};
use maysend::model::day::{Day, Timestamp};
use maysend::model::evidence::{Evidence, Method, Notice};
use maysend::model::scope::{BrandId, ControllerId, Scope, TopicId};

pub(crate) const CONTROLLERS: u16 = 2;
pub(crate) const BRANDS: u16 = 4;
pub(crate) const TOPICS: u16 = 8;

/// A day in 2024, far from both ends of the calendar.
pub(crate) const FIRST_DAY: u16 = 20_000;

pub(crate) const fn controller(index: u16) -> ControllerId {
    ControllerId::new(index)
}

/// Brands 0 and 1 belong to controller 0, brands 2 and 3 to controller 1.
pub(crate) const fn brand(index: u16) -> BrandId {
    BrandId::new(controller(index / 2), index)
}

/// Topics 0 and 1 belong to brand 0, topics 2 and 3 to brand 1, and so on.
pub(crate) const fn topic(index: u16) -> TopicId {
    TopicId::new(brand(index / 2), index)
}

pub(crate) const fn at_topic(index: u16) -> Scope {
    Scope::Topic(topic(index))
}

pub(crate) const fn at_brand(index: u16) -> Scope {
    Scope::Brand(brand(index))
}

pub(crate) const fn at_controller(index: u16) -> Scope {
    Scope::Controller(controller(index))
}

/// Every scope of the world, from broad to narrow.
pub(crate) fn scopes() -> Vec<Scope> {
    let mut all = vec![Scope::Everything];
    all.extend((0..CONTROLLERS).map(at_controller));
    all.extend((0..BRANDS).map(at_brand));
    all.extend((0..TOPICS).map(at_topic));
    all
}

pub(crate) const fn day(offset: u16) -> Day {
    Day::new(FIRST_DAY + offset)
}

/// So many seconds after midnight of a day.
pub(crate) fn instant(day: Day, second: u32) -> Timestamp {
    Timestamp::from_nanos(day.start().nanos() + i64::from(second) * 1_000_000_000)
}

/// The policy that lets the most through: what it denies, the facts deny.
pub(crate) fn open_policy() -> Policy {
    Policy {
        marketing: Marketing::OptOut,
        unknown_address: UnknownAddresses::Allow,
        consent_request: ConsentRequests::Allowed,
        consent_request_cooldown_days: 90,
        consent_lifetime_days: None,
        consent_renewal_window_days: 30,
        staff_resubscribe: StaffResubscribe::WithLegalBasis,
        staff_consent: StaffConsent::WithEvidence,
        opt_in_mails_per_day: 3,
    }
}

/// Opt-in, asking allowed, a yes lives so long.
pub(crate) fn lasting(days: u16) -> Policy {
    Policy {
        consent_request: ConsentRequests::Allowed,
        consent_lifetime_days: NonZeroU16::new(days),
        ..Policy::default()
    }
}

pub(crate) fn campaign(about: Scope, purpose: Purpose, channel: Channel) -> Campaign {
    let (brand, topic) = match about {
        Scope::Topic(topic) => (topic.brand(), Some(topic)),
        Scope::Brand(brand) => (brand, None),
        Scope::Everything | Scope::Controller(_) => panic!("a campaign is a brand's"),
    };
    let word = match purpose {
        Purpose::Marketing => "ad",
        Purpose::Transactional => "order",
        Purpose::OneToOne => "letter",
        Purpose::ConsentRequest => "ask",
    };
    let way = match channel {
        Channel::Email => "email",
        Channel::Post => "post",
    };
    let what = topic.map_or_else(String::new, |topic| format!("-{}", topic.index()));
    let id = CampaignId::parse(&format!("{word}{what}-{way}")).expect("an identifier");
    Campaign { brand, id, topic, purpose, channel, retired: false }
}

/// An advertisement by mail for a topic.
pub(crate) fn ad(topic: u16) -> Campaign {
    campaign(at_topic(topic), Purpose::Marketing, Channel::Email)
}

/// A consent request by mail for a topic.
pub(crate) fn ask(topic: u16) -> Campaign {
    campaign(at_topic(topic), Purpose::ConsentRequest, Channel::Email)
}

/// All that can be asked about: each topic for each purpose, each brand where no topic is needed.
pub(crate) fn campaigns() -> Vec<Campaign> {
    let mut all = Vec::new();
    for channel in [Channel::Email, Channel::Post] {
        for topic in 0..TOPICS {
            all.push(campaign(at_topic(topic), Purpose::Marketing, channel));
            all.push(campaign(at_topic(topic), Purpose::ConsentRequest, channel));
        }
        for brand in 0..BRANDS {
            all.push(campaign(at_brand(brand), Purpose::Transactional, channel));
            all.push(campaign(at_brand(brand), Purpose::OneToOne, channel));
        }
        all.push(campaign(at_topic(0), Purpose::Transactional, channel));
        all.push(campaign(at_topic(7), Purpose::OneToOne, channel));
    }
    all
}

/// A catalog in which each brand has its policy.
pub(crate) fn catalog(plus_tags: PlusTags, policies: &[Policy; 4]) -> Catalog {
    let mut names = Names::default();
    let mut controllers = Vec::new();
    let mut brands = Vec::new();
    for index in 0..CONTROLLERS {
        let id = names.add_controller(&format!("house{index}")).expect("room");
        assert_eq!(id, controller(index));
        let title = format!("House {index}").into();
        let titles = Titles::default();
        controllers.push(Controller { id, title, titles, recipients: Vec::new() });
    }
    for (index, policy) in (0..BRANDS).zip(policies) {
        let owner = controller(index / 2);
        let id = names.add_brand(owner, &format!("brand{index}")).expect("room");
        assert_eq!(id, brand(index));
        let topics = [2 * index, 2 * index + 1].map(|number| {
            let id = names.add_topic(id, &format!("topic{number}")).expect("room");
            assert_eq!(id, topic(number));
            Topic { id, title: format!("Topic {number}").into(), titles: Titles::default() }
        });
        let policy = Arc::new(policy.clone());
        let title = format!("Brand {index}").into();
        brands.push(Brand {
            id,
            title,
            titles: Titles::default(),
            topics: topics.to_vec(),
            policy,
            page: Arc::default(),
        });
    }
    let mut known = BTreeMap::new();
    for campaign in campaigns() {
        known.insert((campaign.brand, campaign.id.clone()), Arc::new(campaign));
    }
    Catalog::new(Arc::new(names), plus_tags, controllers, brands, known)
}

/// Evidence that proves a yes by any method that can; `source` tells one piece from another.
pub(crate) fn evidence(method: Method, source: &str, occurred_at: Option<Timestamp>) -> Evidence {
    Evidence {
        method,
        source: source.into(),
        notice: Notice {
            wording: "I want the newsletter.".into(),
            version: "1".into(),
            language: "en".into(),
        },
        document_ref: "folder 7".into(),
        ip: "192.0.2.1".into(),
        user_agent: "".into(),
        occurred_at,
    }
}

/// The file of `catalog`.
pub(crate) fn catalog_text(plus_tags: PlusTags, policies: &[Policy; 4]) -> String {
    let mut text = match plus_tags {
        PlusTags::WidenRestrictions => "[policy]\nplus_tag = \"widen-restrictions\"\n".to_owned(),
        PlusTags::Exact => "[policy]\nplus_tag = \"exact\"\n".to_owned(),
    };
    for index in 0..CONTROLLERS {
        text += &format!("[[controller]]\nid = \"house{index}\"\ntitle = \"House {index}\"\n");
    }
    for (index, policy) in (0..BRANDS).zip(policies) {
        let house = index / 2;
        text += &format!(
            "[[brand]]\nid = \"brand{index}\"\ncontroller = \"house{house}\"\n\
             title = \"Brand {index}\"\ntopic = ["
        );
        for number in [2 * index, 2 * index + 1] {
            text += &format!("{{ id = \"topic{number}\", title = \"Topic {number}\" }}, ");
        }
        text += &format!("]\n[brand.policy]\n{}", policy_text(policy));
    }
    for campaign in campaigns() {
        let topic = campaign.topic.map(|topic| format!("topic = \"topic{}\"\n", topic.index()));
        let purpose = match campaign.purpose {
            Purpose::Marketing => "marketing",
            Purpose::Transactional => "transactional",
            Purpose::OneToOne => "one-to-one",
            Purpose::ConsentRequest => "consent-request",
        };
        let channel = match campaign.channel {
            Channel::Email => "email",
            Channel::Post => "post",
        };
        text += &format!(
            "[[campaign]]\nbrand = \"brand{}\"\nid = \"{}\"\n{}purpose = \"{purpose}\"\n\
             channel = \"{channel}\"\n",
            campaign.brand.index(),
            campaign.id,
            topic.unwrap_or_default(),
        );
    }
    text
}

fn policy_text(policy: &Policy) -> String {
    let marketing = match policy.marketing {
        Marketing::OptIn => "opt-in",
        Marketing::OptOut => "opt-out",
    };
    let unknown = match policy.unknown_address {
        UnknownAddresses::Deny => "deny",
        UnknownAddresses::Allow => "allow",
    };
    let asking = match policy.consent_request {
        ConsentRequests::Forbidden => "forbidden",
        ConsentRequests::Allowed => "allowed",
    };
    let resubscribe = match policy.staff_resubscribe {
        StaffResubscribe::Forbidden => "forbidden",
        StaffResubscribe::WithLegalBasis => "with-legal-basis",
    };
    let consent = match policy.staff_consent {
        StaffConsent::WithEvidence => "with-evidence",
        StaffConsent::Forbidden => "forbidden",
    };
    format!(
        "marketing = \"{marketing}\"\nunknown_address = \"{unknown}\"\n\
         consent_request = \"{asking}\"\nconsent_request_cooldown_days = {}\n\
         consent_lifetime_days = {}\nconsent_renewal_window_days = {}\n\
         staff_resubscribe = \"{resubscribe}\"\nstaff_consent = \"{consent}\"\n\
         opt_in_mails_per_day = {}\n",
        policy.consent_request_cooldown_days,
        policy.consent_lifetime_days.map_or(0, NonZeroU16::get),
        policy.consent_renewal_window_days,
        policy.opt_in_mails_per_day,
    )
}
