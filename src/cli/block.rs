//! `maysend block`, `maysend lift` and `maysend opt-out`: stops and noes from a terminal.

use clap::{Args, ValueEnum};

use super::connect::Connection;
use super::write::{Addresses, Shown, Written, write};
use super::{Exit, Global, scope};
use crate::grpc::api;
use crate::grpc::api::consent_service_client::ConsentServiceClient;

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
    #[command(flatten)]
    addresses: Addresses,
}

#[derive(Debug, Args)]
pub(super) struct LiftArgs {
    /// A brand whose stops are taken back; may be given several times.
    #[arg(long = "brand", required = true, value_name = "ID")]
    brands: Vec<String>,
    /// The stops of what; may be given several times.
    #[arg(long = "channel", value_enum, default_values_t = [Channel::Email])]
    channels: Vec<Channel>,
    /// Why, in words, for the record.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    addresses: Addresses,
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
    #[command(flatten)]
    pub(super) addresses: Addresses,
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

fn numbers(channels: &[Channel]) -> Vec<i32> {
    channels.iter().map(|&channel| api::Channel::from(channel).into()).collect()
}

impl LiftArgs {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let channels = numbers(&self.channels);
        let lift = async |client: &mut ConsentServiceClient<Connection>, addresses| {
            let request = api::LiftBlocksRequest {
                addresses,
                brands: self.brands.clone(),
                channels: channels.clone(),
                reason: self.reason.clone(),
                request_id: String::new(),
            };
            let response = client.lift_blocks(request).await?.into_inner();
            Ok(Written { revision: response.revision, outcomes: response.outcomes })
        };
        write(global, &self.addresses, Shown::All, lift).await
    }
}

impl BlockArgs {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let channels = numbers(&self.channels);
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
        write(global, &self.addresses, Shown::All, block).await
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
        write(global, &self.addresses, Shown::All, opt_out).await
    }
}
