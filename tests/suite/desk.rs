//! A desk with a real server behind it: what clerks, portals and senders ask of it over the public
//! API, in the words of a story.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use maysend::grpc::api::scope::Level;
use maysend::grpc::api::{
    BeginOptInRequest, BeginOptInResponse, BlockAddressesRequest, BlockCause, Channel as Way,
    Choice, Event, Evidence, GetHistoryRequest, GetStatusRequest, GetStatusResponse, LegalBasis,
    LiftBlocksRequest, Links, MarkConsentRequestedRequest, Method, MintLinksRequest, OptOutRequest,
    RecordConsentRequest, RecordOwnerChoiceRequest, RegisterAddressesRequest,
    ResubscribeByStaffRequest, Scope, TopicRef, UpdatePreferencesRequest, Verdict,
    WithdrawConsentRequest, WriteOutcome,
};
use maysend::grpc::codec::AskBuffer;
use prost_types::Timestamp;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::process::{Server, consent, decision, preference};

/// Two companies. The opera asks for consent by mail, and a yes to it lapses after two years; the
/// youth theater has the default rules; the spa mails its guests until they object, and its staff
/// may bring them back.
pub(crate) const CATALOG: &str = r#"
[[controller]]
id = "stage"
title = "Stage"
[[controller]]
id = "inn"
title = "Inn"

[[brand]]
id = "opera"
controller = "stage"
title = "Opera"
topic = [ { id = "newsletter", title = "Newsletter" }, { id = "premieres", title = "Premieres" } ]
[brand.policy]
consent_request = "allowed"
consent_lifetime_days = 730
consent_renewal_window_days = 60

[[brand]]
id = "youth"
controller = "stage"
title = "Youth"
topic = [ { id = "newsletter", title = "Newsletter" } ]

[[brand]]
id = "spa"
controller = "inn"
title = "Spa"
policy = { marketing = "opt-out", staff_resubscribe = "with-legal-basis" }
topic = [ { id = "offers", title = "Offers" } ]

[[campaign]]
brand = "opera"
id = "autumn"
topic = "newsletter"
purpose = "marketing"
[[campaign]]
brand = "opera"
id = "gala"
topic = "premieres"
purpose = "marketing"
[[campaign]]
brand = "opera"
id = "ask"
topic = "newsletter"
purpose = "consent-request"
[[campaign]]
brand = "opera"
id = "ask-premieres"
topic = "premieres"
purpose = "consent-request"
[[campaign]]
brand = "opera"
id = "old-ask"
topic = "newsletter"
purpose = "consent-request"
retired = true
[[campaign]]
brand = "opera"
id = "tickets"
purpose = "transactional"
[[campaign]]
brand = "opera"
id = "letter"
purpose = "one-to-one"
[[campaign]]
brand = "youth"
id = "autumn"
topic = "newsletter"
purpose = "marketing"
[[campaign]]
brand = "youth"
id = "ask"
topic = "newsletter"
purpose = "consent-request"
[[campaign]]
brand = "spa"
id = "autumn"
topic = "offers"
purpose = "marketing"
[[campaign]]
brand = "spa"
id = "ask"
topic = "offers"
purpose = "consent-request"
"#;

/// Every campaign that may be sent.
const CAMPAIGNS: &[(&str, &str)] = &[
    ("opera", "autumn"),
    ("opera", "gala"),
    ("opera", "ask"),
    ("opera", "ask-premieres"),
    ("opera", "tickets"),
    ("opera", "letter"),
    ("youth", "autumn"),
    ("youth", "ask"),
    ("spa", "autumn"),
    ("spa", "ask"),
];

pub(crate) struct Desk {
    pub(crate) server: Server,
    pub(crate) channel: Channel,
}

/// All that a clerk and a sender can see of an address.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    status: GetStatusResponse,
    events: Vec<Event>,
    verdicts: BTreeMap<(&'static str, &'static str), Verdict>,
}

impl Seen {
    /// The same of another address.
    pub(crate) fn of(mut self, address: &str) -> Self {
        address.clone_into(&mut self.status.canonical_address);
        self
    }
}

pub(crate) fn everything() -> Scope {
    Scope { level: Some(Level::Everything(true)) }
}

pub(crate) fn controller(id: &str) -> Scope {
    Scope { level: Some(Level::Controller(id.to_owned())) }
}

pub(crate) fn brand(id: &str) -> Scope {
    Scope { level: Some(Level::Brand(id.to_owned())) }
}

pub(crate) fn topic(brand: &str, topic: &str) -> Scope {
    let topic = TopicRef { brand: brand.to_owned(), topic: topic.to_owned() };
    Scope { level: Some(Level::Topic(topic)) }
}

pub(crate) fn yes(scope: Scope) -> Choice {
    Choice { scope: Some(scope), subscribed: true }
}

pub(crate) fn no(scope: Scope) -> Choice {
    Choice { scope: Some(scope), subscribed: false }
}

/// So many days ago.
pub(crate) fn ago(days: i64) -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seconds = i64::try_from(now.as_secs()).unwrap() - days * 86_400;
    Timestamp { seconds, nanos: i32::try_from(now.subsec_nanos()).unwrap() }
}

/// What the owner ticked on a form.
pub(crate) fn form() -> Evidence {
    Evidence {
        method: Method::Form.into(),
        source: "https://stage.example/form".to_owned(),
        wording: "Yes, send me this.".to_owned(),
        wording_version: "2".to_owned(),
        language: "en".to_owned(),
        ..Evidence::default()
    }
}

/// What the owner ticked in the customer area, just now.
pub(crate) fn portal() -> Evidence {
    Evidence { method: Method::Portal.into(), occurred_at: Some(ago(0)), ..form() }
}

pub(crate) fn paper(days_ago: i64) -> Evidence {
    Evidence {
        method: Method::Paper.into(),
        document_ref: "folder 7".to_owned(),
        occurred_at: Some(ago(days_ago)),
        ..Evidence::default()
    }
}

/// From a file of a former system.
pub(crate) fn imported(days_ago: i64) -> Evidence {
    Evidence {
        method: Method::Import.into(),
        source: "old-crm.csv:7".to_owned(),
        occurred_at: Some(ago(days_ago)),
        ..Evidence::default()
    }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

fn named(outcomes: &[i32]) -> Vec<WriteOutcome> {
    outcomes.iter().map(|number| WriteOutcome::try_from(*number).unwrap()).collect()
}

/// The one outcome of a call for one address.
#[track_caller]
fn only(outcomes: &[i32]) -> WriteOutcome {
    let [outcome] = named(outcomes)[..] else { panic!("one outcome: {outcomes:?}") };
    outcome
}

/// The call failed with this code, for this reason, at these fields.
#[track_caller]
pub(crate) fn failed<T: std::fmt::Debug>(
    result: Result<T, Status>,
    code: Code,
    reason: &str,
    fields: &[&str],
) {
    let status = result.unwrap_err();
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("no reason: {status:?}"));
    assert_eq!((status.code(), &*info.reason), (code, reason), "{status:?}");
    let named = status.get_details_bad_request().map(|request| request.field_violations);
    let named: Vec<String> = named.into_iter().flatten().map(|fault| fault.field).collect();
    assert_eq!(named, fields, "{status:?}");
}

impl Desk {
    /// With a new data directory and this catalog.
    pub(crate) async fn open(catalog: &str) -> Self {
        let options = ["--public-url", "https://mail.example"];
        let mut server = Server::with_catalog(catalog, &options);
        let channel = server.start().await;
        Self { server, channel }
    }

    pub(crate) async fn check(&self, brand: &str, campaign: &str, address: &str) -> Verdict {
        let mut ask = AskBuffer::new(brand, campaign, 0);
        ask.push(address.as_bytes());
        let answer = decision(&self.channel).check(ask.take()).await.unwrap().into_inner();
        Verdict::try_from(i32::from(answer.verdicts[0])).unwrap()
    }

    pub(crate) async fn status(&self, address: &str) -> GetStatusResponse {
        let request = GetStatusRequest { address: address.to_owned(), at_least_revision: 0 };
        consent(&self.channel).get_status(request).await.unwrap().into_inner()
    }

    /// Newest first.
    pub(crate) async fn history(&self, address: &str) -> Vec<Event> {
        let request = GetHistoryRequest { address: address.to_owned(), ..Default::default() };
        consent(&self.channel).get_history(request).await.unwrap().into_inner().events
    }

    /// All that can be seen of an address, but for the head that moves with every other write.
    pub(crate) async fn look(&self, address: &str) -> Seen {
        let mut verdicts = BTreeMap::new();
        for &(brand, campaign) in CAMPAIGNS {
            verdicts.insert((brand, campaign), self.check(brand, campaign, address).await);
        }
        let status = GetStatusResponse { revision: 0, ..self.status(address).await };
        Seen { status, events: self.history(address).await, verdicts }
    }

    pub(crate) async fn register(&self, controller: &str, address: &str) -> WriteOutcome {
        let request = RegisterAddressesRequest {
            addresses: strings(&[address]),
            controllers: strings(&[controller]),
            source: "crm".to_owned(),
            ..Default::default()
        };
        let answer = consent(&self.channel).register_addresses(request).await.unwrap();
        only(&answer.into_inner().outcomes)
    }

    pub(crate) async fn block(
        &self,
        brands: &[&str],
        cause: BlockCause,
        reason: &str,
        opt_out: Vec<Scope>,
        address: &str,
    ) -> Result<WriteOutcome, Status> {
        let request = BlockAddressesRequest {
            addresses: strings(&[address]),
            brands: strings(brands),
            channels: Vec::new(),
            cause: cause.into(),
            reason: reason.to_owned(),
            opt_out,
            request_id: String::new(),
        };
        let answer = consent(&self.channel).block_addresses(request).await?;
        Ok(only(&answer.into_inner().outcomes))
    }

    pub(crate) async fn lift(&self, brand: &str, address: &str) -> WriteOutcome {
        let request = LiftBlocksRequest {
            addresses: strings(&[address]),
            brands: strings(&[brand]),
            channels: vec![Way::Email.into()],
            reason: "a mistake".to_owned(),
            request_id: String::new(),
        };
        only(&consent(&self.channel).lift_blocks(request).await.unwrap().into_inner().outcomes)
    }

    pub(crate) async fn opt_out(&self, scope: Scope, address: &str) -> WriteOutcome {
        let request = OptOutRequest {
            addresses: strings(&[address]),
            scopes: vec![scope],
            reason: "a letter".to_owned(),
            ..Default::default()
        };
        only(&consent(&self.channel).opt_out(request).await.unwrap().into_inner().outcomes)
    }

    pub(crate) async fn withdraw(&self, scope: Scope, address: &str) -> WriteOutcome {
        self.withdraw_for(scope, "a call", address).await
    }

    pub(crate) async fn withdraw_for(
        &self,
        scope: Scope,
        reason: &str,
        address: &str,
    ) -> WriteOutcome {
        let request = WithdrawConsentRequest {
            addresses: strings(&[address]),
            scopes: vec![scope],
            reason: reason.to_owned(),
            request_id: String::new(),
        };
        only(&consent(&self.channel).withdraw_consent(request).await.unwrap().into_inner().outcomes)
    }

    /// A consent that staff record.
    pub(crate) async fn grant(
        &self,
        scope: Scope,
        evidence: Evidence,
        address: &str,
    ) -> Result<WriteOutcome, Status> {
        let request = RecordConsentRequest {
            addresses: strings(&[address]),
            scopes: vec![scope],
            legal_basis: LegalBasis::Consent.into(),
            evidence: Some(evidence),
            request_id: String::new(),
        };
        let answer = consent(&self.channel).record_consent(request).await?;
        Ok(only(&answer.into_inner().outcomes))
    }

    pub(crate) async fn mark(
        &self,
        brand: &str,
        campaign: &str,
        addresses: &[&str],
    ) -> Result<Vec<WriteOutcome>, Status> {
        let request = MarkConsentRequestedRequest {
            addresses: strings(addresses),
            brand: brand.to_owned(),
            campaign: campaign.to_owned(),
            ..Default::default()
        };
        let answer = consent(&self.channel).mark_consent_requested(request).await?;
        Ok(named(&answer.into_inner().outcomes))
    }

    pub(crate) async fn resubscribe(
        &self,
        scope: Scope,
        explanation: &str,
        address: &str,
    ) -> Result<WriteOutcome, Status> {
        let request = ResubscribeByStaffRequest {
            address: address.to_owned(),
            scopes: vec![scope],
            legal_basis: LegalBasis::Contract.into(),
            explanation: explanation.to_owned(),
            request_id: String::new(),
        };
        let answer = consent(&self.channel).resubscribe_by_staff(request).await?;
        Ok(only(&answer.into_inner().outcomes))
    }

    /// The links that a mail of this campaign carries.
    pub(crate) async fn links(&self, brand: &str, campaign: &str, address: &str) -> Links {
        let request = MintLinksRequest {
            brand: brand.to_owned(),
            campaign: campaign.to_owned(),
            addresses: strings(&[address]),
        };
        let answer = preference(&self.channel).mint_links(request).await.unwrap().into_inner();
        answer.links.into_iter().next().unwrap()
    }

    /// What the owner ticks on the page behind a link.
    pub(crate) async fn update(
        &self,
        token: &str,
        choices: Vec<Choice>,
    ) -> Result<Vec<WriteOutcome>, Status> {
        let request = UpdatePreferencesRequest {
            token: token.to_owned(),
            choices,
            evidence: Some(Evidence { method: Method::Link.into(), ..form() }),
            request_id: String::new(),
        };
        let answer = preference(&self.channel).update_preferences(request).await?;
        Ok(named(&answer.into_inner().outcomes))
    }

    /// What the owner ticks in a portal; in a session where one is named.
    pub(crate) async fn choose(
        &self,
        choices: Vec<Choice>,
        portal_session: &str,
        address: &str,
    ) -> Result<Vec<WriteOutcome>, Status> {
        let request = RecordOwnerChoiceRequest {
            address: address.to_owned(),
            choices,
            portal_session: portal_session.to_owned(),
            evidence: Some(portal()),
            request_id: String::new(),
        };
        let answer = preference(&self.channel).record_owner_choice(request).await?;
        Ok(named(&answer.into_inner().outcomes))
    }

    pub(crate) async fn begin(
        &self,
        scopes: Vec<Scope>,
        address: &str,
    ) -> Result<BeginOptInResponse, Status> {
        let request = BeginOptInRequest {
            address: address.to_owned(),
            scopes,
            evidence: Some(form()),
            request_id: String::new(),
        };
        Ok(preference(&self.channel).begin_opt_in(request).await?.into_inner())
    }
}
