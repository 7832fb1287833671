//! `maysend serve`: the server.

use std::path::PathBuf;

use clap::Args;

use super::Exit;

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Where everything is kept; made where it is missing.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The catalog: controllers, brands, topics, policies and campaigns (TOML).
    #[arg(long, value_name = "FILE")]
    catalog: PathBuf,
    /// Where to listen: HOST:PORT, or unix:PATH.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:50051")]
    listen: String,
    /// Where the owner's pages are reached from outside: what the links in mails begin with.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// The clock is right although it lies days before the last event: go on from here.
    #[arg(long)]
    accept_clock: bool,
    /// The key file, where it does not lie in the data directory.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl ServeArgs {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        anyhow::bail!("not yet")
    }
}
