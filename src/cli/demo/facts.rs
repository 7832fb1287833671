//! The invented facts: which share of the recipients said what, and how.
//!
//! All of it goes through the public calls, as a CRM would make them. The shares are fixed, so each
//! run tells the same story; only the days move with today.

use crate::cli::connect::{Connection, consents};
use crate::cli::fault::Fault;
use crate::grpc::api;
use crate::grpc::api::consent_service_client::ConsentServiceClient;
use crate::grpc::api::scope::Level;
use crate::model::day::Timestamp;

const SECONDS_PER_DAY: i64 = 86_400;

/// What a write takes at most.
const PER_CALL: usize = 10_000;

/// Guests whom the list does not name.
const GUESTS: usize = 9_000;

/// How a yes reached us: method, source, days ago.
const YESES: [(api::Method, &str, i64); 8] = [
    (api::Method::Form, "https://festival.example/newsletter", 12),
    (api::Method::Form, "https://festival.example/newsletter", 340),
    (api::Method::DoubleOptIn, "https://festival.example/gewinnspiel", 95),
    (api::Method::Paper, "Messe Wien", 420),
    (api::Method::Phone, "Kartenb\u{fc}ro", 33),
    (api::Method::InPerson, "Abendkassa", 61),
    (api::Method::Import, "crm-export-2024.csv", 700),
    (api::Method::Portal, "https://kunden.festival.example", 5),
];

const WORDING: &str = "Ja, ich will per E-Mail \u{fc}ber Programm und Angebote informiert werden. \
                       Das kann ich jederzeit widerrufen.";

/// Addresses that the commands to try are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OfInterest {
    /// Said yes, and later no.
    pub(super) opted_out: String,
    /// May be mailed.
    pub(super) allowed: String,
    /// Gets what one brand sends, and has left the other.
    pub(super) of_two_minds: String,
}

/// Writes facts and counts them.
pub(super) struct Facts {
    client: ConsentServiceClient<Connection>,
    now: Timestamp,
    recorded: u64,
}

impl Facts {
    pub(super) fn new(connection: Connection, now: Timestamp) -> Self {
        Self { client: consents(connection), now, recorded: 0 }
    }

    /// Facts that were recorded: outcomes APPLIED.
    pub(super) const fn recorded(&self) -> u64 {
        self.recorded
    }

    /// Writes all facts about these addresses, and about guests besides.
    ///
    /// # Errors
    /// The server refuses a write.
    pub(super) async fn write(&mut self, addresses: &[String]) -> anyhow::Result<OfInterest> {
        let share = |from, to| share(addresses, from, to);
        let brand = || vec![scope(Level::Brand("festival".to_owned()))];
        let newsletter = || vec![topic("festival", "newsletter")];

        // One recipient in nine or so is unknown to everybody.
        self.register(share(110, 1000), "buehne").await?;
        // The first of these will say no further down.
        self.consents(share(140, 180), &brand()).await?;
        self.consents(share(300, 560), &newsletter()).await?;
        self.consents(share(560, 600), &brand()).await?;
        self.customers(share(600, 680), &newsletter()).await?;
        self.customers(share(680, 700), &brand()).await?;
        self.opt_out(share(110, 140), newsletter()).await?;
        self.opt_out(share(140, 165), brand()).await?;
        self.opt_out(share(180, 190), vec![scope(Level::Controller("buehne".to_owned()))]).await?;
        self.opt_out(share(190, 198), vec![scope(Level::Everything(true))]).await?;
        // No to another brand of the same company: that says nothing about this one.
        let theater = scope(Level::Brand("stadttheater".to_owned()));
        self.opt_out(share(540, 570), vec![theater]).await?;
        self.withdraw(share(165, 180), brand()).await?;
        let staff = api::BlockCause::StaffDecision;
        self.block(share(200, 208), staff, "Hausverbot seit der Saison 2024").await?;
        let owner = api::BlockCause::OwnerRequest;
        self.block(share(208, 218), owner, "hat angerufen und will keine Mails mehr").await?;
        let bounce = api::BlockCause::HardBounce;
        self.block(share(218, 240), bounce, "550 5.1.1 user unknown").await?;
        let complaint = api::BlockCause::Complaint;
        self.block(share(240, 248), complaint, "feedback loop: abuse").await?;
        self.guests().await?;

        let first = |addresses: Vec<String>| addresses.into_iter().next().unwrap_or_default();
        Ok(OfInterest {
            opted_out: first(share(140, 165)),
            allowed: first(share(300, 540)),
            of_two_minds: first(share(540, 560)),
        })
    }

    /// Guests of the hotels, who make the store larger and are on no list.
    async fn guests(&mut self) -> anyhow::Result<()> {
        let guests: Vec<String> =
            (0..GUESTS).map(|number| format!("gast{number}@hotel.example")).collect();
        let share = |from, to| share(&guests, from, to);
        self.register(guests.clone(), "hotels").await?;
        self.consents(share(0, 250), &[topic("seeblick", "angebote")]).await?;
        self.consents(share(200, 300), &[scope(Level::Brand("alpenhof".to_owned()))]).await?;
        self.opt_out(share(220, 260), vec![topic("seeblick", "angebote")]).await?;
        self.opt_out(share(500, 520), vec![scope(Level::Controller("hotels".to_owned()))]).await?;
        self.opt_out(share(520, 530), vec![scope(Level::Everything(true))]).await
    }

    async fn register(&mut self, addresses: Vec<String>, controller: &str) -> anyhow::Result<()> {
        for addresses in addresses.chunks(PER_CALL) {
            let request = api::RegisterAddressesRequest {
                addresses: addresses.to_vec(),
                controllers: vec![controller.to_owned()],
                source: "CRM".to_owned(),
                ..Default::default()
            };
            let response = self.client.register_addresses(request).await.map_err(Fault::from)?;
            self.count(&response.into_inner().outcomes);
        }
        Ok(())
    }

    /// Yeses of every method, each to a part of the addresses.
    async fn consents(
        &mut self,
        addresses: Vec<String>,
        scopes: &[api::Scope],
    ) -> anyhow::Result<()> {
        for (part, (method, source, days)) in YESES.into_iter().enumerate() {
            let said = addresses.iter().skip(part).step_by(YESES.len()).cloned().collect();
            let evidence = self.evidence(method, source, days);
            self.grant(said, scopes, api::LegalBasis::Consent, evidence).await?;
        }
        Ok(())
    }

    /// Customers who bought something similar, on that legal basis.
    async fn customers(
        &mut self,
        addresses: Vec<String>,
        scopes: &[api::Scope],
    ) -> anyhow::Result<()> {
        let evidence = self.evidence(api::Method::Import, "ticketshop-2025.csv", 200);
        self.grant(addresses, scopes, api::LegalBasis::ExistingCustomer, evidence).await
    }

    async fn grant(
        &mut self,
        addresses: Vec<String>,
        scopes: &[api::Scope],
        legal_basis: api::LegalBasis,
        evidence: api::Evidence,
    ) -> anyhow::Result<()> {
        if addresses.is_empty() {
            return Ok(());
        }
        let request = api::RecordConsentRequest {
            addresses,
            scopes: scopes.to_vec(),
            legal_basis: legal_basis.into(),
            evidence: Some(evidence),
            request_id: String::new(),
        };
        let response = self.client.record_consent(request).await.map_err(Fault::from)?;
        self.count(&response.into_inner().outcomes);
        Ok(())
    }

    async fn opt_out(
        &mut self,
        addresses: Vec<String>,
        scopes: Vec<api::Scope>,
    ) -> anyhow::Result<()> {
        let evidence = api::Evidence {
            method: api::Method::Link.into(),
            source: "footer of 2026-10-herbst".to_owned(),
            ..Default::default()
        };
        let request = api::OptOutRequest {
            addresses,
            scopes,
            evidence: Some(evidence),
            ..Default::default()
        };
        let response = self.client.opt_out(request).await.map_err(Fault::from)?;
        self.count(&response.into_inner().outcomes);
        Ok(())
    }

    async fn withdraw(
        &mut self,
        addresses: Vec<String>,
        scopes: Vec<api::Scope>,
    ) -> anyhow::Result<()> {
        let reason = "Widerruf am Telefon".to_owned();
        let request =
            api::WithdrawConsentRequest { addresses, scopes, reason, ..Default::default() };
        let response = self.client.withdraw_consent(request).await.map_err(Fault::from)?;
        self.count(&response.into_inner().outcomes);
        Ok(())
    }

    async fn block(
        &mut self,
        addresses: Vec<String>,
        cause: api::BlockCause,
        reason: &str,
    ) -> anyhow::Result<()> {
        let request = api::BlockAddressesRequest {
            addresses,
            brands: vec!["festival".to_owned()],
            cause: cause.into(),
            reason: reason.to_owned(),
            ..Default::default()
        };
        let response = self.client.block_addresses(request).await.map_err(Fault::from)?;
        self.count(&response.into_inner().outcomes);
        Ok(())
    }

    fn count(&mut self, outcomes: &[i32]) {
        let applied = outcomes.iter().filter(|&&outcome| {
            api::WriteOutcome::try_from(outcome) == Ok(api::WriteOutcome::Applied)
        });
        self.recorded += u64::try_from(applied.count()).unwrap_or(u64::MAX);
    }

    fn evidence(&self, method: api::Method, source: &str, days: i64) -> api::Evidence {
        let (seconds, _) = self.now.parts();
        let seconds = seconds - days * SECONDS_PER_DAY;
        let document_ref = match method {
            api::Method::Paper => "Ordner 7, Blatt 12".to_owned(),
            _ => String::new(),
        };
        api::Evidence {
            method: method.into(),
            source: source.to_owned(),
            wording: WORDING.to_owned(),
            wording_version: "2024-05".to_owned(),
            language: "de".to_owned(),
            document_ref,
            occurred_at: Some(prost_types::Timestamp { seconds, nanos: 0 }),
            ..Default::default()
        }
    }
}

/// Those of the addresses whose place falls between two of a thousand parts: a fixed share that is
/// spread over the whole list.
fn share(addresses: &[String], from: usize, to: usize) -> Vec<String> {
    let part = |place: usize| (place * 7_919) % 1_000;
    let within =
        addresses.iter().enumerate().filter(|(place, _)| (from..to).contains(&part(*place)));
    within.map(|(_, address)| address.clone()).collect()
}

fn scope(level: Level) -> api::Scope {
    api::Scope { level: Some(level) }
}

fn topic(brand: &str, topic: &str) -> api::Scope {
    scope(Level::Topic(api::TopicRef { brand: brand.to_owned(), topic: topic.to_owned() }))
}
