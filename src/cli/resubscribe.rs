//! `maysend resubscribe`: the documented door by which staff bring one address back.

use clap::{Args, ValueEnum};

use super::connect::Connection;
use super::write::{Addresses, Shown, Written, write};
use super::{Exit, Global, scope};
use crate::grpc::api;
use crate::grpc::api::consent_service_client::ConsentServiceClient;

#[derive(Debug, Args)]
pub(super) struct ResubscribeArgs {
    /// To what: `brand:ID` or `topic:BRAND/TOPIC`; may be given several times.
    #[arg(long = "scope", required = true, value_name = "SCOPE", value_parser = scope::parse)]
    scopes: Vec<api::Scope>,
    /// Why it is lawful.
    #[arg(long, value_enum)]
    legal_basis: Basis,
    /// Why it is lawful, in words, for the record.
    #[arg(long, value_name = "TEXT")]
    explanation: String,
    /// Whom; one address a command.
    #[arg(value_name = "ADDRESS")]
    address: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Basis {
    Consent,
    ExistingCustomer,
    Contract,
    LegitimateInterest,
    LegalObligation,
}

impl From<Basis> for api::LegalBasis {
    fn from(basis: Basis) -> Self {
        match basis {
            Basis::Consent => Self::Consent,
            Basis::ExistingCustomer => Self::ExistingCustomer,
            Basis::Contract => Self::Contract,
            Basis::LegitimateInterest => Self::LegitimateInterest,
            Basis::LegalObligation => Self::LegalObligation,
        }
    }
}

impl ResubscribeArgs {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let Self { scopes, legal_basis, explanation, address } = self;
        let resubscribe = async |client: &mut ConsentServiceClient<Connection>,
                                 addresses: Vec<String>| {
            let request = api::ResubscribeByStaffRequest {
                address: addresses.into_iter().next().unwrap_or_default(),
                scopes: scopes.clone(),
                legal_basis: api::LegalBasis::from(legal_basis).into(),
                explanation: explanation.clone(),
                request_id: String::new(),
            };
            let response = client.resubscribe_by_staff(request).await?.into_inner();
            Ok(Written { revision: response.revision, outcomes: response.outcomes })
        };
        write(global, &Addresses::one(address), Shown::All, resubscribe).await
    }
}
