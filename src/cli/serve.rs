//! `maysend serve`: the server.

use std::path::PathBuf;

use clap::Args;

use super::Exit;
use crate::server::{self, CHECKPOINT_RECORDS, Config, Listen, Signals};

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Where everything is kept; made where it is missing.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The catalog: controllers, brands, topics, policies and campaigns (TOML).
    #[arg(long, value_name = "FILE")]
    catalog: PathBuf,
    /// Where to listen: IP:PORT on loopback, or unix:PATH.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:50051")]
    listen: Listen,
    /// Where the owner's pages are reached from outside: what the links in mails begin with.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
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
}

impl ServeArgs {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let Self {
            data_dir,
            catalog,
            listen,
            public_url,
            accept_clock,
            key_file,
            credentials,
            checkpoint_records,
        } = self;
        let config = Config {
            data_dir,
            key_file,
            catalog,
            listen,
            public_url,
            accept_clock,
            credentials,
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
