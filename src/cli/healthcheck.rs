//! `maysend healthcheck`: whether a server serves, for probes, and for images without a shell.

use std::time::Duration;

use clap::Args;
use serde_json::json;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::fault::Fault;
use super::output::print;
use super::{Exit, Format, Global};

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 it serves, 1 it does not, or nobody answers.")]
pub(super) struct HealthcheckArgs {
    /// Ask for one service, as `maysend.v1.ConsentService`; the ones that write do not serve while
    /// the ledger takes nothing, and `maysend.clock` not while the clock is in doubt [default: the
    /// server as a whole].
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    service: String,
    /// How long all of it may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3,
          value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
}

/// What a server said of a service, or why it said nothing.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    service: String,
    /// As the protocol spells it: `SERVING`, `NOT_SERVING`, `SERVICE_UNKNOWN`, `UNREACHABLE`.
    status: &'static str,
    /// Why, where the status does not say it.
    reason: Option<String>,
}

impl HealthcheckArgs {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let Self { service, timeout } = self;
        let limit = Duration::from_secs(timeout);
        let (status, reason) = match tokio::time::timeout(limit, ask(global, &service)).await {
            Ok(Ok(status)) => (status, None),
            Ok(Err(error)) => ("UNREACHABLE", Some(format!("{error:#}"))),
            Err(_) => ("UNREACHABLE", Some(format!("no answer within {timeout} s"))),
        };
        let finding = Finding { service, status, reason };
        print(&finding.text(global.format))?;
        Ok(if finding.status == ServingStatus::Serving.as_str_name() {
            Exit::Done
        } else {
            Exit::Failed
        })
    }
}

async fn ask(global: &Global, service: &str) -> anyhow::Result<&'static str> {
    let mut client = HealthClient::new(global.connect().await?);
    match client.check(HealthCheckRequest { service: service.to_owned() }).await {
        Ok(response) => Ok(response.into_inner().status().as_str_name()),
        Err(status) if status.code() == Code::NotFound => {
            Ok(ServingStatus::ServiceUnknown.as_str_name())
        }
        Err(status) => Err(Fault::from(status).into()),
    }
}

impl Finding {
    fn text(&self, format: Format) -> String {
        let Self { service, status, reason } = self;
        match format {
            Format::Json => {
                let document = json!({ "service": service, "status": status, "reason": reason });
                format!("{document}\n")
            }
            Format::Human => {
                let of = if service.is_empty() { "" } else { " " };
                let because = reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                format!("{status}{of}{service}{because}\n")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line() {
        let finding = |service: &str, reason: Option<&str>| Finding {
            service: service.to_owned(),
            status: "NOT_SERVING",
            reason: reason.map(str::to_owned),
        };
        assert_eq!(finding("", None).text(Format::Human), "NOT_SERVING\n");
        assert_eq!(finding("a.b", Some("x")).text(Format::Human), "NOT_SERVING a.b: x\n");
        let json = r#"{"reason":null,"service":"a.b","status":"NOT_SERVING"}"#;
        assert_eq!(finding("a.b", None).text(Format::Json).trim_end(), json);
    }
}
