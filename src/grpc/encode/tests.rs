use super::*;
use crate::catalog::parse::parse;
use crate::grpc::api::scope::Level;
use crate::model::actor::{Actor, ActorClass};
use crate::model::address::Address;
use crate::model::campaign::{Channel, Purpose};
use crate::model::day::Timestamp;
use crate::model::event::{Event, EventKind, Statement};
use crate::model::evidence::{Evidence, LegalBasis, Method, Notice};
use crate::model::fact::Cause;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::model::scope::Scope;

fn loaded() -> Catalog {
    let source = r##"
        [[controller]]
        id = "buehne"
        title = "Stage"
        titles = { de = "B\u00fchne" }
        recipients = ["Mail service Ltd"]
        [[brand]]
        id = "festival"
        controller = "buehne"
        title = "Summer"
        titles = { de = "Sommer", en = "Summer fair" }
        topic = [ { id = "newsletter", title = "News", titles = { en = "Newsletter" } } ]
        [brand.page]
        color = "#8A1538"
        logo = "data:image/png;base64,iVBORw0KGgo="
        privacy = "https://example.com/privacy"
        imprint = "https://example.com/imprint"
        list_id = "summer.example.com"
        en = { intro = "Hello.", mail_text = "{link}" }
        [brand.page.de]
        sign_up = "Yes."
        mail_subject = "Yes?"
        [[brand]]
        id = "plain"
        controller = "buehne"
        title = "Plain"
        [[campaign]]
        brand = "festival"
        id = "advent"
        topic = "newsletter"
        purpose = "marketing"
        channel = "email"
    "##;
    parse("catalog.toml", source, &Names::default()).unwrap()
}

#[test]
fn an_event_is_shown_with_all_that_it_says() {
    let catalog = loaded();
    let brand = &catalog.brands[0];
    let evidence = Evidence {
        method: Method::Paper,
        source: "fair".into(),
        notice: Notice { wording: "Yes".into(), version: "7".into(), language: "en".into() },
        document_ref: "box 3".into(),
        ip: "192.0.2.1".into(),
        user_agent: "Mozilla/5.0".into(),
        occurred_at: Some(Timestamp::from_nanos(-1)),
    };
    let statement = Statement {
        scopes: vec![Scope::Everything, Scope::Topic(brand.topics[0].id)],
        brands: vec![brand.id],
        controllers: vec![brand.id.controller()],
        channels: vec![Channel::Post],
        cause: Some(Cause::HardBounce),
        reason: "mailbox is gone".into(),
        legal_basis: Some(LegalBasis::ExistingCustomer),
        evidence: Some(evidence.into()),
        erasure_id: "case-1".into(),
        ..Statement::new(EventKind::Blocked)
    };
    let event = Event {
        revision: Revision::new(7),
        previous: Revision::new(3),
        recorded_at: Timestamp::from_nanos(1_500_000_000),
        fingerprint: Fingerprint::new(1),
        address: Address::parse(b"anna@example.com").ok(),
        tagged: false,
        actor: Actor { class: ActorClass::System, id: "Anna".into(), credential: "crm".into() },
        request_id: "crm-4711".into(),
        statement,
    };
    let topic = api::TopicRef { brand: "festival".to_owned(), topic: "newsletter".to_owned() };
    let expected = api::Event {
        revision: 7,
        recorded_at: Some(prost_types::Timestamp { seconds: 1, nanos: 500_000_000 }),
        kind: api::EventKind::Blocked.into(),
        scopes: vec![
            api::Scope { level: Some(Level::Everything(true)) },
            api::Scope { level: Some(Level::Topic(topic)) },
        ],
        brands: vec!["festival".to_owned()],
        controllers: vec!["buehne".to_owned()],
        channels: vec![api::Channel::Post.into()],
        cause: api::BlockCause::HardBounce.into(),
        reason: "mailbox is gone".to_owned(),
        legal_basis: api::LegalBasis::ExistingCustomer.into(),
        actor: Some(api::Actor {
            class: api::ActorClass::System.into(),
            id: "Anna".to_owned(),
            credential: "crm".to_owned(),
        }),
        evidence: Some(api::Evidence {
            method: api::Method::Paper.into(),
            source: "fair".to_owned(),
            wording: "Yes".to_owned(),
            wording_version: "7".to_owned(),
            language: "en".to_owned(),
            document_ref: "box 3".to_owned(),
            ip: "192.0.2.1".to_owned(),
            user_agent: "Mozilla/5.0".to_owned(),
            occurred_at: Some(prost_types::Timestamp { seconds: -1, nanos: 999_999_999 }),
        }),
        request_id: "crm-4711".to_owned(),
        erasure_id: "case-1".to_owned(),
    };
    assert_eq!(super::event::event(event, &catalog.names), expected);
}

#[track_caller]
fn alike<M: std::fmt::Debug, W>(words: &[M], wire: impl Fn(&M) -> W, name: fn(&W) -> &'static str) {
    for word in words {
        let (wire, own) = (name(&wire(word)).replace('_', ""), format!("{word:?}"));
        assert!(wire.ends_with(&own.to_ascii_uppercase()), "{own} goes out as {wire}");
    }
}

#[test]
fn words_go_out_under_their_own_names() {
    use super::words::*;
    use crate::engine::status::ConsentState as Consent;
    use crate::model::event::EventKind as Kind;
    use crate::model::fact::Erasure;
    use crate::transition::ImportEffect;
    alike(&[Channel::Email, Channel::Post], |w| channel(*w), api::Channel::as_str_name);
    let purposes =
        [Purpose::Marketing, Purpose::Transactional, Purpose::OneToOne, Purpose::ConsentRequest];
    alike(&purposes, |w| purpose(*w), api::Purpose::as_str_name);
    let causes = [Cause::OwnerRequest, Cause::StaffDecision, Cause::HardBounce, Cause::Complaint];
    alike(&causes, |w| cause(*w), api::BlockCause::as_str_name);
    let bases = [
        LegalBasis::Consent,
        LegalBasis::ExistingCustomer,
        LegalBasis::Contract,
        LegalBasis::LegitimateInterest,
        LegalBasis::LegalObligation,
    ];
    alike(&bases, |w| legal_basis(*w), api::LegalBasis::as_str_name);
    let methods = [
        Method::Unspecified,
        Method::Form,
        Method::Link,
        Method::OneClick,
        Method::DoubleOptIn,
        Method::Portal,
        Method::Paper,
        Method::Phone,
        Method::InPerson,
        Method::Api,
        Method::Import,
    ];
    alike(&methods, |w| method(*w), api::Method::as_str_name);
    let classes = [ActorClass::Owner, ActorClass::Staff, ActorClass::System, ActorClass::Import];
    alike(&classes, |w| actor_class(*w), api::ActorClass::as_str_name);
    let kinds = [
        Kind::Registered,
        Kind::Blocked,
        Kind::BlockLifted,
        Kind::OptedOut,
        Kind::Resubscribed,
        Kind::ConsentRequested,
        Kind::ConsentGranted,
        Kind::ConsentRefused,
        Kind::ErasureRequested,
        Kind::ErasureRejected,
        Kind::Erased,
        Kind::OptInBegun,
        Kind::AccessRequested,
        Kind::AccessAnswered,
    ];
    alike(&kinds, |w| event_kind(*w), api::EventKind::as_str_name);
    let states = [
        Consent::NotRequested,
        Consent::Pending,
        Consent::Granted,
        Consent::Refused,
        Consent::Expired,
    ];
    alike(&states, |w| consent_state(*w), api::ConsentState::as_str_name);
    let effects = [ImportEffect::Stays, ImportEffect::Tightens, ImportEffect::Loosens];
    alike(&effects, |w| import_effect(*w), api::ImportEffect::as_str_name);
    let erasures = [Erasure::None, Erasure::Pending, Erasure::Erased];
    alike(&erasures, |w| erasure_state(*w), api::ErasureState::as_str_name);
}

fn by_language(titles: &[(&str, &str)]) -> HashMap<String, String> {
    titles.iter().map(|(tag, title)| ((*tag).to_owned(), (*title).to_owned())).collect()
}

#[test]
fn the_catalog_is_shown_by_its_names() {
    let shown = catalog(&loaded());
    let controller = api::Controller {
        id: "buehne".to_owned(),
        title: "Stage".to_owned(),
        recipients: vec!["Mail service Ltd".to_owned()],
        titles: by_language(&[("de", "B\u{fc}hne")]),
    };
    assert_eq!(shown.controllers, [controller]);
    let brand = api::Brand {
        id: "festival".to_owned(),
        controller: "buehne".to_owned(),
        title: "Summer".to_owned(),
        topics: vec![api::Topic {
            id: "newsletter".to_owned(),
            title: "News".to_owned(),
            titles: by_language(&[("en", "Newsletter")]),
        }],
        titles: by_language(&[("de", "Sommer"), ("en", "Summer fair")]),
        page: Some(api::BrandPage {
            color: "#8a1538".to_owned(),
            logo_type: "image/png".to_owned(),
            privacy: "https://example.com/privacy".to_owned(),
            imprint: "https://example.com/imprint".to_owned(),
            list_id: "summer.example.com".to_owned(),
            texts: ["de.sign_up", "de.mail_subject", "en.intro", "en.mail_text"]
                .map(str::to_owned)
                .to_vec(),
        }),
    };
    let plain = api::Brand {
        id: "plain".to_owned(),
        controller: "buehne".to_owned(),
        title: "Plain".to_owned(),
        ..api::Brand::default()
    };
    assert_eq!(shown.brands, [brand, plain]);
}

#[test]
fn a_campaign_is_shown_as_it_is_registered() {
    let catalog = loaded();
    let known = catalog.campaigns.values().next().unwrap();
    let expected = api::Campaign {
        brand: "festival".to_owned(),
        campaign: "advent".to_owned(),
        topic: "newsletter".to_owned(),
        purpose: api::Purpose::Marketing.into(),
        channel: api::Channel::Email.into(),
    };
    assert_eq!(campaign(known, &catalog.names), expected);
    let letter = Campaign {
        topic: None,
        purpose: Purpose::OneToOne,
        channel: Channel::Post,
        ..Campaign::clone(known)
    };
    let shown = campaign(&letter, &catalog.names);
    assert_eq!(shown.topic, "");
    assert_eq!(shown.purpose(), api::Purpose::OneToOne);
    assert_eq!(shown.channel(), api::Channel::Post);
}

#[test]
fn an_invalid_address_has_empty_links_in_its_place() {
    let given = Links { unsubscribe_token: "u".to_owned(), ..Links::default() };
    let shown = links(vec![None, Some(given)]).links;
    assert_eq!(shown[0], api::Links::default());
    assert_eq!(shown[1].unsubscribe_token, "u");
}
