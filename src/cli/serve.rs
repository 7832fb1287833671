//! `maysend serve`: the server.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use super::{Exit, Global};
use crate::server::{self, CHECKPOINT_RECORDS, Config, Limits, Listen, Signals, TlsFiles};

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
    /// The credential file.
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
    /// Where the owner's pages are reached from outside: what the links in mails begin with.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// The clock is right although it lies days before the last event: go on from here.
    #[arg(long)]
    accept_clock: bool,
    /// The key file, where it does not lie in the data directory.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Write a checkpoint after so many records, besides those on a timer and at the end: more
    /// often makes the next start quicker and the disk busier.
    #[arg(long, value_name = "N", default_value_t = CHECKPOINT_RECORDS)]
    checkpoint_records: u64,
    #[command(flatten)]
    limits: Limits,
}

impl ServeArgs {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let Self {
            data_dir,
            catalog,
            listen,
            tls_client_ca: client_ca,
            credentials,
            public_url,
            accept_clock,
            key_file,
            checkpoint_records,
            limits,
        } = self;
        let tls = match (global.tls.pair()?, client_ca) {
            (Some((cert, key)), client_ca) => {
                Some(TlsFiles { cert: cert.to_owned(), key: key.to_owned(), client_ca })
            }
            (None, None) => None,
            (None, Some(_)) => bail!("--tls-client-ca comes with --tls-cert and --tls-key"),
        };
        let config = Config {
            data_dir,
            key_file,
            catalog,
            listen,
            tls,
            credentials,
            limits,
            public_url,
            accept_clock,
            checkpoint_records,
        };
        // Before it starts: a signal that comes as it begins to serve must drain it too.
        let mut signals = Signals::new()?;
        let running = tokio::select! {
            running = server::start(config) => running?,
            () = signals.stop() => return Ok(Exit::Done),
        };
        running.until_stopped(signals).await?;
        Ok(Exit::Done)
    }
}
