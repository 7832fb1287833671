//! `maysend consent`: consents that reached staff, withdrawals, and the permission to ask by mail.

use clap::{Args, Subcommand, ValueEnum};

use super::connect::Connection;
use super::evidence::EvidenceArgs;
use super::write::{Addresses, Shown, Written, write};
use super::{Exit, Format, Global, scope};
use crate::grpc::api;
use crate::grpc::api::consent_service_client::ConsentServiceClient;

#[derive(Debug, Args)]
pub(super) struct ConsentArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Record a consent that reached you, with what proves it. It never undoes a no.
    Grant(Grant),
    /// Record that the owners withdrew their consent. Only the owners can undo it.
    Withdraw(Withdraw),
    /// Take the permission to ask for consent by mail: prints those to whom this one request may be
    /// sent, one a line, and counts the others on stderr. Mark first, then send to those printed.
    Request(Request),
}

#[derive(Debug, Args)]
struct Grant {
    /// To what: `brand:ID` or `topic:BRAND/TOPIC`; may be given several times.
    #[arg(long = "scope", required = true, value_name = "SCOPE", value_parser = scope::parse)]
    scopes: Vec<api::Scope>,
    /// What it rests on.
    #[arg(long, value_enum, default_value_t = Basis::Consent)]
    legal_basis: Basis,
    #[command(flatten)]
    evidence: EvidenceArgs,
    #[command(flatten)]
    addresses: Addresses,
}

#[derive(Debug, Args)]
struct Withdraw {
    /// From what: `everything`, `controller:ID`, `brand:ID` or `topic:BRAND/TOPIC`; may be given
    /// several times.
    #[arg(long = "scope", required = true, value_name = "SCOPE", value_parser = scope::parse)]
    scopes: Vec<api::Scope>,
    /// Why, in words, for the record.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    #[command(flatten)]
    addresses: Addresses,
}

#[derive(Debug, Args)]
struct Request {
    /// The brand that asks.
    #[arg(long, value_name = "ID")]
    brand: String,
    /// The consent request; its purpose must be that.
    #[arg(long, value_name = "ID")]
    campaign: String,
    #[command(flatten)]
    addresses: Addresses,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Basis {
    /// The person agreed.
    Consent,
    /// The person bought something like it and has not objected.
    ExistingCustomer,
}

impl From<Basis> for api::LegalBasis {
    fn from(basis: Basis) -> Self {
        match basis {
            Basis::Consent => Self::Consent,
            Basis::ExistingCustomer => Self::ExistingCustomer,
        }
    }
}

impl ConsentArgs {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        match self.what {
            What::Grant(grant) => grant.run(global).await,
            What::Withdraw(withdraw) => withdraw.run(global).await,
            What::Request(request) => request.run(global).await,
        }
    }
}

impl Grant {
    async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let Self { scopes, legal_basis, evidence, addresses } = self;
        let evidence = evidence.read()?;
        let grant = async |client: &mut ConsentServiceClient<Connection>, addresses| {
            let request = api::RecordConsentRequest {
                addresses,
                scopes: scopes.clone(),
                legal_basis: api::LegalBasis::from(legal_basis).into(),
                evidence: Some(evidence.clone()),
                request_id: String::new(),
            };
            let response = client.record_consent(request).await?.into_inner();
            Ok(Written { revision: response.revision, outcomes: response.outcomes })
        };
        write(global, &addresses, Shown::All, grant).await
    }
}

impl Withdraw {
    async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let withdraw = async |client: &mut ConsentServiceClient<Connection>, addresses| {
            let request = api::WithdrawConsentRequest {
                addresses,
                scopes: self.scopes.clone(),
                reason: self.reason.clone(),
                request_id: String::new(),
            };
            let response = client.withdraw_consent(request).await?.into_inner();
            Ok(Written { revision: response.revision, outcomes: response.outcomes })
        };
        write(global, &self.addresses, Shown::All, withdraw).await
    }
}

impl Request {
    async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let request = async |client: &mut ConsentServiceClient<Connection>, addresses| {
            let request = api::MarkConsentRequestedRequest {
                addresses,
                brand: self.brand.clone(),
                campaign: self.campaign.clone(),
                evidence: None,
                request_id: String::new(),
            };
            let response = client.mark_consent_requested(request).await?.into_inner();
            Ok(Written { revision: response.revision, outcomes: response.outcomes })
        };
        // A program finds whom it may write to by the outcome; for a pipe they stand alone.
        let shown = match global.format {
            Format::Human => Shown::Applied,
            Format::Json => Shown::All,
        };
        write(global, &self.addresses, shown, request).await
    }
}
