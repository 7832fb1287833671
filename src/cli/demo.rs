//! `maysend demo`: a real server with invented recipients, a filtered list, and what to try next.

mod facts;

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, bail};
use clap::Args;
use indicatif::ProgressBar;

use self::facts::{Facts, OfInterest};
use super::connect::{Connection, Server};
use super::filter::{self, Outcome, Streams, Task, Told};
use super::output::{grouped, print, say};
use super::{Exit, Format, Global};
use crate::engine::clock::Clock;
use crate::server::{self, Config, Signals, SystemClock};

const CATALOG: &str = include_str!("../../examples/catalog.toml");
const RECIPIENTS: &[u8] = include_bytes!("../../examples/recipients.csv");

/// The campaign that the demo is about.
const BRAND: &str = "festival";
const CAMPAIGN: &str = "2026-11-advent";

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// End when the list is filtered, instead of serving on.
    #[arg(long)]
    exit: bool,
}

impl DemoArgs {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let folder = tempfile::Builder::new().prefix("maysend-demo-").tempdir();
        let folder = folder.context("cannot make a temporary directory")?;
        let (catalog, list) =
            (folder.path().join("catalog.toml"), folder.path().join("recipients.csv"));
        fs::write(&catalog, CATALOG)?;
        fs::write(&list, RECIPIENTS)?;
        let config = Config {
            data_dir: folder.path().join("store"),
            key_file: None,
            catalog,
            listen: "127.0.0.1:0".parse().map_err(anyhow::Error::msg)?,
            tls: None,
            credentials: None,
            limits: server::Limits::default(),
            public_url: None,
            web: None,
            relay: None,
            accept_clock: false,
            checkpoint_records: server::CHECKPOINT_RECORDS,
        };
        let running = server::start(config).await?;
        say(format_args!("A server runs at {}, on invented data.", running.address()));
        let address: Server = running.address().parse().map_err(anyhow::Error::msg)?;
        let result = present(address.connect(Some("demo")).await?, &list, &address, global).await;
        if self.exit || result.is_err() {
            running.stop().await?;
        } else {
            say("\nIt goes on serving until Ctrl-C; then all of it is deleted.");
            running.until_stopped(Signals::new()?).await?;
        }
        result.map(|()| Exit::Done)
    }
}

/// Writes the facts, filters the list, and says what to try.
async fn present(
    connection: Connection,
    list: &Path,
    address: &Server,
    global: &Global,
) -> anyhow::Result<()> {
    let mut facts = Facts::new(connection.clone(), SystemClock.now());
    let of_interest = facts.write(&addresses()?).await?;
    say(format_args!("{} facts are recorded, each durable on disk.", grouped(facts.recorded())));
    let Outcome { tally, stop, .. } = filtered(connection).await?;
    if let Some(stop) = stop {
        bail!("the list was not filtered: {stop}");
    }
    let summary = match global.format {
        Format::Human => {
            format!("\nexamples/recipients.csv for {}", tally.table(BRAND, CAMPAIGN))
        }
        Format::Json => format!("{}\n", tally.document(BRAND, CAMPAIGN)),
    };
    print(&summary)?;
    say(commands(address, list, &of_interest));
    Ok(())
}

/// Filters the list that is part of the program.
async fn filtered(connection: Connection) -> anyhow::Result<Outcome> {
    let task = Task { brand: BRAND, campaign: CAMPAIGN, dedupe: false };
    let streams = Streams { source: RECIPIENTS, output: io::sink(), rejected: None::<io::Sink> };
    let never = async || std::future::pending().await;
    let bar = ProgressBar::hidden();
    filter::run(connection, &task, &Told::default(), streams, &bar, never).await
}

/// The addresses of the list that are valid, each once, in their order.
fn addresses() -> anyhow::Result<Vec<String>> {
    let mut seen = std::collections::HashSet::new();
    let mut addresses = filter::addresses(RECIPIENTS)?;
    addresses.retain(|address| seen.insert(address.clone()));
    Ok(addresses.iter().map(|address| address.as_str().to_owned()).collect())
}

/// Three commands that work as they stand.
fn commands(server: &Server, list: &Path, of_interest: &OfInterest) -> String {
    let program = std::env::args_os().next();
    let program =
        program.map_or_else(|| "maysend".into(), |name| name.to_string_lossy().into_owned());
    let program =
        if program.contains(char::is_whitespace) { format!("'{program}'") } else { program };
    let OfInterest { opted_out, allowed } = of_interest;
    let list = list.display();
    let campaign = format!("--brand {BRAND} --campaign {CAMPAIGN}");
    format!(
        "
Try next:

  why may this one not get it? (somebody who said yes, and later no)
    {program} --server {server} history {opted_out}

  somebody says no, and the next answer knows it
    {program} --server {server} opt-out --scope brand:{BRAND} {allowed}; {program} --server {server} check {campaign} {allowed}

  the list without those who must not get it, and the others with their reasons
    {program} --server {server} filter {campaign} --rejected rejected.csv {list} > allowed.csv"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_addresses_of_many_kinds() {
        let addresses = addresses().unwrap();
        assert!(addresses.len() > 4_000, "{}", addresses.len());
        assert!(addresses.iter().any(|address| address.contains('+')));
        assert!(addresses.iter().any(|address| address.contains("@xn--")));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_demo_answers_every_row_of_its_list() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = folder.path().join("catalog.toml");
        fs::write(&catalog, CATALOG).unwrap();
        let config = Config {
            data_dir: folder.path().join("store"),
            key_file: None,
            catalog,
            listen: "127.0.0.1:0".parse().unwrap(),
            tls: None,
            credentials: None,
            limits: server::Limits::default(),
            public_url: None,
            web: None,
            relay: None,
            accept_clock: false,
            checkpoint_records: server::CHECKPOINT_RECORDS,
        };
        let running = server::start(config).await.unwrap();
        let server: Server = running.address().parse().unwrap();
        let connection = server.connect(Some("demo")).await.unwrap();
        let mut facts = Facts::new(connection.clone(), SystemClock.now());
        let of_interest = facts.write(&addresses().unwrap()).await.unwrap();
        assert!(facts.recorded() > 18_000, "{}", facts.recorded());
        let outcome = filtered(connection).await.unwrap();
        assert!(outcome.stop.is_none());
        assert_eq!(outcome.tally.rows(), 5_000);
        assert!(outcome.tally.reasons().len() >= 12, "{:?}", outcome.tally.reasons());
        let document = outcome.tally.document(BRAND, CAMPAIGN);
        assert_eq!(document["duplicates"], 205);
        let text = commands(&server, Path::new("/tmp/list.csv"), &of_interest);
        assert!(text.contains(&of_interest.allowed), "{text}");
        running.stop().await.unwrap();
    }
}
