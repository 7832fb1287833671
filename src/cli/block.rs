//! `maysend block` and `maysend opt-out`: the noes that are recorded from a terminal.

use clap::{Args, ValueEnum};
use serde_json::json;

use super::connect::{Connection, consents};
use super::event::one_line;
use super::fault::Fault;
use super::output::{Align, print, table};
use super::{Exit, Format, Global, scope, words};
use crate::grpc::api;
use crate::grpc::api::consent_service_client::ConsentServiceClient;

/// What a server takes in one write.
const PER_CALL: usize = 10_000;

#[derive(Debug, Args)]
pub(super) struct BlockArgs {
    /// A brand to stop; may be given several times.
    #[arg(long = "brand", required = true, value_name = "ID")]
    brands: Vec<String>,
    /// What to stop; may be given several times.
    #[arg(long = "channel", value_enum, default_values_t = [Channel::Email])]
    channels: Vec<Channel>,
    /// Why.
    #[arg(long, value_enum)]
    cause: Cause,
    /// Why, in words, for the record.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Also record that the owner opted out of this scope (`everything`, `controller:ID`,
    /// `brand:ID` or `topic:BRAND/TOPIC`); may be given several times.
    #[arg(long = "opt-out", value_name = "SCOPE", value_parser = scope::parse)]
    opt_outs: Vec<api::Scope>,
    /// Whom.
    #[arg(required = true, value_name = "ADDRESS")]
    addresses: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct OptOutArgs {
    /// What the owner opted out of: `everything`, `controller:ID`, `brand:ID` or
    /// `topic:BRAND/TOPIC`; may be given several times.
    #[arg(long = "scope", required = true, value_name = "SCOPE", value_parser = scope::parse)]
    pub(super) scopes: Vec<api::Scope>,
    /// Why, in words, for the record.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(super) reason: String,
    /// Whom.
    #[arg(required = true, value_name = "ADDRESS")]
    pub(super) addresses: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Channel {
    Email,
    Post,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Cause {
    /// The owner asked staff for it. Only the owner can undo it.
    OwnerRequest,
    /// Staff decided it.
    StaffDecision,
    /// The mailbox does not exist.
    HardBounce,
    /// The owner reported mail as spam. Only the owner can undo it.
    Complaint,
}

impl From<Channel> for api::Channel {
    fn from(channel: Channel) -> Self {
        match channel {
            Channel::Email => Self::Email,
            Channel::Post => Self::Post,
        }
    }
}

impl From<Cause> for api::BlockCause {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::OwnerRequest => Self::OwnerRequest,
            Cause::StaffDecision => Self::StaffDecision,
            Cause::HardBounce => Self::HardBounce,
            Cause::Complaint => Self::Complaint,
        }
    }
}

impl BlockArgs {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let channels: Vec<i32> =
            self.channels.iter().map(|&channel| api::Channel::from(channel).into()).collect();
        let block = async |client: &mut ConsentServiceClient<Connection>, addresses| {
            let request = api::BlockAddressesRequest {
                addresses,
                brands: self.brands.clone(),
                channels: channels.clone(),
                cause: api::BlockCause::from(self.cause).into(),
                reason: self.reason.clone(),
                opt_out: self.opt_outs.clone(),
                request_id: String::new(),
            };
            let response = client.block_addresses(request).await?.into_inner();
            Ok(Written { revision: response.revision, outcomes: response.outcomes })
        };
        write(global, &self.addresses, block).await
    }
}

impl OptOutArgs {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let opt_out = async |client: &mut ConsentServiceClient<Connection>, addresses| {
            let request = api::OptOutRequest {
                addresses,
                scopes: self.scopes.clone(),
                reason: self.reason.clone(),
                evidence: None,
                request_id: String::new(),
            };
            let response = client.opt_out(request).await?.into_inner();
            Ok(Written { revision: response.revision, outcomes: response.outcomes })
        };
        write(global, &self.addresses, opt_out).await
    }
}

/// What every write answers.
struct Written {
    revision: u64,
    outcomes: Vec<i32>,
}

async fn write(
    global: &Global,
    addresses: &[String],
    call: impl AsyncFn(
        &mut ConsentServiceClient<Connection>,
        Vec<String>,
    ) -> Result<Written, tonic::Status>,
) -> anyhow::Result<Exit> {
    let mut client = consents(global.connect().await?);
    let mut exit = Exit::Done;
    for addresses in addresses.chunks(PER_CALL) {
        let written = call(&mut client, addresses.to_vec()).await.map_err(Fault::from)?;
        anyhow::ensure!(
            written.outcomes.len() == addresses.len(),
            "the server told the outcome of {} of {} addresses; look at their status",
            written.outcomes.len(),
            addresses.len()
        );
        print(&report(addresses, &written, global.format))?;
        if !written.outcomes.iter().all(|&outcome| words::stands(outcome)) {
            exit = Exit::Failed;
        }
    }
    Ok(exit)
}

fn report(addresses: &[String], written: &Written, format: Format) -> String {
    let outcomes = addresses.iter().zip(&written.outcomes);
    match format {
        Format::Human => {
            let rows: Vec<_> = outcomes
                .map(|(address, &outcome)| {
                    [one_line(address), words::outcome(outcome).1.to_owned()]
                })
                .collect();
            table([Align::Left; 2], &rows)
        }
        Format::Json => outcomes
            .map(|(address, &outcome)| {
                let (name, explanation) = words::outcome(outcome);
                let document = json!({
                    "address": address,
                    "outcome": name,
                    "explanation": explanation,
                    "revision": written.revision,
                });
                format!("{document}\n")
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_gets_its_outcome_in_words() {
        let addresses = ["a@example.com", "nobody"].map(str::to_owned);
        let written = Written { revision: 4, outcomes: vec![1, 3] };
        assert_eq!(
            report(&addresses, &written, Format::Human),
            "  a@example.com  recorded\n  nobody         rejected: not a valid e-mail address\n"
        );
        let json = report(&addresses, &written, Format::Json);
        let line: serde_json::Value = serde_json::from_str(json.lines().nth(1).unwrap()).unwrap();
        assert_eq!(line["outcome"], "WRITE_OUTCOME_REJECTED_INVALID_ADDRESS");
        assert_eq!(line["revision"], 4);
    }
}
