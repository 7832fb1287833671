//! `maysend serve`: the server.

use std::path::PathBuf;

use axum::http::Uri;
use clap::Args;

use super::log::LogArgs;
use super::{Exit, Global};
use crate::server::{self, Admin, CHECKPOINT_RECORDS, Config, Limits, Listen, Relay, Signals, Web};
use crate::web::{KeepIp, Privacy};

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Where everything is kept; made where it is missing.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The catalog: controllers, brands, topics, policies and campaigns (TOML).
    #[arg(long, value_name = "FILE")]
    catalog: PathBuf,
    /// Where to listen: unix:PATH (made with mode 0660), or IP:PORT; beyond loopback that takes TLS
    /// and credentials.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:50051")]
    listen: Listen,
    /// Who issues the certificates of clients (PEM): each has to show one. This and the server's own
    /// certificate (--tls-cert, --tls-key) are read again on SIGHUP and when they change; a bad one
    /// is told and changes nothing.
    #[arg(long, value_name = "FILE")]
    tls_client_ca: Option<PathBuf>,
    /// Where the owner's pages are reached from outside: what the links in mails begin with.
    #[arg(long, value_name = "URL", value_parser = parse_public_url)]
    public_url: Option<String>,
    /// Where the owner's pages are: IP:PORT on loopback, or unix:PATH, for a reverse proxy with TLS
    /// ahead [default: nowhere].
    #[arg(long, value_name = "ADDRESS", requires = "public_url")]
    web_listen: Option<Listen>,
    /// Let the pages listen beyond this machine, though what passes there is not encrypted.
    #[arg(long, requires = "web_listen")]
    web_anywhere: bool,
    /// The last entry of X-Forwarded-For is the visitor: the reverse proxy sets it.
    #[arg(long, requires = "web_listen")]
    web_forwarded: bool,
    /// What is kept, as evidence, of a visitor's address on the network.
    #[arg(long, value_enum, requires = "web_listen", default_value_t)]
    web_keep_ip: KeepIp,
    /// The relay that takes the confirmation mails of the sign-up page: HOST:PORT,
    /// smtps://HOST:PORT, or smtp://HOST:PORT?tls=required for STARTTLS [default: there is no such
    /// page].
    #[arg(long, value_name = "URL", requires = "web_listen", requires = "mail_from")]
    smtp_relay: Option<String>,
    /// Whom those mails are from; the brand's title stands before it.
    #[arg(long, value_name = "ADDRESS", requires = "smtp_relay")]
    mail_from: Option<String>,
    /// The clock is right although it lies days before the last event: go on from here.
    #[arg(long)]
    accept_clock: bool,
    /// The key file, where it does not lie in the data directory.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Who may call, and how much (TOML, made by `maysend credential new`); read again on SIGHUP.
    /// Without it whoever reaches the server may do everything.
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
    /// Write a checkpoint after so many records, besides those on a timer and at the end: more
    /// often makes the next start quicker and the disk busier.
    #[arg(long, value_name = "N", default_value_t = CHECKPOINT_RECORDS)]
    checkpoint_records: u64,
    /// Where /livez, /readyz and /metrics are: IP:PORT on loopback, or unix:PATH [default: nowhere].
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,
    /// Let the admin port listen beyond this machine: it has no credentials.
    #[arg(long, requires = "admin")]
    admin_anywhere: bool,
    #[command(flatten)]
    log: LogArgs,
    /// Send traces to this collector (OTLP over gRPC, such as http://127.0.0.1:4317): of the calls
    /// whose clients trace them [default: nowhere].
    #[cfg(feature = "otel")]
    #[arg(long, value_name = "URL")]
    otlp_endpoint: Option<String>,
    #[command(flatten)]
    limits: Limits,
}

impl ServeArgs {
    pub(super) const fn log(&self) -> &LogArgs {
        &self.log
    }

    pub(super) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let Self {
            data_dir,
            catalog,
            listen,
            tls_client_ca: client_ca,
            public_url,
            web_listen,
            web_anywhere,
            web_forwarded,
            web_keep_ip,
            smtp_relay,
            mail_from,
            accept_clock,
            key_file,
            credentials,
            checkpoint_records,
            admin,
            admin_anywhere,
            log: _,
            #[cfg(feature = "otel")]
            otlp_endpoint,
            limits,
        } = self;
        let admin = admin.map(|text| Admin::new(&text, admin_anywhere)).transpose()?;
        let tls = global.tls.files(client_ca)?;
        let privacy = Privacy { ip: web_keep_ip, forwarded: web_forwarded };
        let web = web_listen.map(|listen| Web::new(listen, web_anywhere, privacy)).transpose()?;
        let config = Config {
            data_dir,
            key_file,
            catalog,
            listen,
            tls,
            limits,
            public_url,
            web,
            relay: smtp_relay
                .zip(mail_from)
                .map(|(url, from)| Relay::new(&url, &from))
                .transpose()?,
            accept_clock,
            credentials,
            checkpoint_records,
        };
        #[cfg(feature = "otel")]
        let traces = otlp_endpoint.map(|url| server::Traces::start(&url)).transpose()?;
        // Before it starts: a signal that comes as it begins to serve must drain it too.
        let mut signals = Signals::new()?;
        let running = tokio::select! {
            running = server::start_with(config, admin) => running?,
            () = signals.stop() => return Ok(Exit::Done),
        };
        running.until_stopped(signals).await?;
        #[cfg(feature = "otel")]
        if let Some(traces) = traces {
            traces.end().await;
        }
        Ok(Exit::Done)
    }
}

/// What a path can be put behind. http:// is for trying out: mail programs click https:// alone.
fn parse_public_url(text: &str) -> Result<String, String> {
    let url = text
        .parse::<Uri>()
        .ok()
        .filter(|url| matches!(url.scheme_str(), Some("https" | "http")) && url.query().is_none());
    match url.and_then(|url| url.host().map(str::is_empty)) {
        Some(false) if !text.contains('#') => Ok(text.to_owned()),
        _ => Err("it is written https://HOST or https://HOST/PATH".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_one_that_a_path_can_follow() {
        for right in ["https://mail.example", "https://mail.example/post/", "http://127.0.0.1:8080"]
        {
            assert_eq!(parse_public_url(right).as_deref(), Ok(right));
        }
        for wrong in [
            "mail.example",
            "ftp://mail.example",
            "https://",
            "https://a b",
            "https://a/?x",
            "https://a/#x",
        ] {
            assert!(parse_public_url(wrong).is_err(), "{wrong}");
        }
    }
}
