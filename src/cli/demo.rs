//! `maysend demo`: a real server with invented recipients, a filtered list, a page of an owner, and
//! what to try next.

mod facts;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use indicatif::ProgressBar;

use self::facts::{Facts, OfInterest};
use super::connect::{Connection, Server, preferences};
use super::fault::Fault;
use super::filter::{self, Outcome, Streams, Task, Told};
use super::output::{grouped, print, say};
use super::{Exit, Format, Global};
use crate::engine::clock::Clock;
use crate::grpc::api::MintLinksRequest;
use crate::server::{self, Config, Signals, SystemClock, Web};
use crate::web::Privacy;

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
        let config = config(folder.path(), catalog)?;
        let running = server::start(config).await?;
        say(format_args!("A server runs at {}, on invented data.", running.address()));
        let address: Server = running.address().parse().map_err(anyhow::Error::msg)?;
        let pages = running.web_address().context("the demo serves no pages")?;
        let at = Addresses { server: &address, pages };
        let result = present(address.connect(Some("demo")).await?, &list, at, global).await;
        if self.exit || result.is_err() {
            running.stop().await?;
        } else {
            say("\nIt goes on serving until Ctrl-C; then all of it is deleted.");
            running.until_stopped(Signals::new()?).await?;
        }
        result.map(|()| Exit::Done)
    }
}

/// Everything is as `serve` has it by default, but for the ports, which are whichever are free.
fn config(folder: &Path, catalog: PathBuf) -> anyhow::Result<Config> {
    let free = || "127.0.0.1:0".parse().map_err(anyhow::Error::msg);
    Ok(Config {
        data_dir: folder.join("store"),
        key_file: None,
        catalog,
        listen: free()?,
        tls: None,
        credentials: None,
        limits: server::Limits::default(),
        public_url: None,
        web: Some(Web::new(free()?, false, Privacy::default())?),
        relay: None,
        accept_clock: false,
        checkpoint_records: server::CHECKPOINT_RECORDS,
    })
}

/// Where the demo is.
#[derive(Debug, Clone, Copy)]
struct Addresses<'a> {
    server: &'a Server,
    /// `http://HOST:PORT`.
    pages: &'a str,
}

/// Writes the facts, filters the list, and says what to try.
async fn present(
    connection: Connection,
    list: &Path,
    at: Addresses<'_>,
    global: &Global,
) -> anyhow::Result<()> {
    let mut facts = Facts::new(connection.clone(), SystemClock.now());
    let of_interest = facts.write(&addresses()?).await?;
    let page = page_of(connection.clone(), at.pages, &of_interest.of_two_minds).await?;
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
    say(commands(at.server, list, &of_interest, &page));
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

/// The preference center of an address, as a mail of the campaign links it.
async fn page_of(connection: Connection, pages: &str, address: &str) -> anyhow::Result<String> {
    let request = MintLinksRequest {
        brand: BRAND.to_owned(),
        campaign: CAMPAIGN.to_owned(),
        addresses: vec![address.to_owned()],
    };
    let minted = preferences(connection).mint_links(request).await.map_err(Fault::from)?;
    let links = minted.into_inner().links.pop().context("no link was minted")?;
    Ok(format!("{pages}/p/{}", links.preferences_token))
}

/// A page to open, and three commands that work as they stand.
fn commands(server: &Server, list: &Path, of_interest: &OfInterest, page: &str) -> String {
    let program = std::env::args_os().next();
    let program =
        program.map_or_else(|| "maysend".into(), |name| name.to_string_lossy().into_owned());
    let program =
        if program.contains(char::is_whitespace) { format!("'{program}'") } else { program };
    let OfInterest { opted_out, allowed, of_two_minds } = of_interest;
    let list = list.display();
    let campaign = format!("--brand {BRAND} --campaign {CAMPAIGN}");
    format!(
        "
Try next:

  what {of_two_minds} sees and changes, by the link in each mail (open it in a browser)
    {page}

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
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    #[test]
    fn the_list_has_addresses_of_many_kinds() {
        let addresses = addresses().unwrap();
        assert!(addresses.len() > 4_000, "{}", addresses.len());
        assert!(addresses.iter().any(|address| address.contains('+')));
        assert!(addresses.iter().any(|address| address.contains("@xn--")));
    }

    /// A page, as a browser gets it.
    async fn html(pages: &str, page: &str) -> String {
        let mut stream = TcpStream::connect(pages.strip_prefix("http://").unwrap()).await.unwrap();
        let path = page.strip_prefix(pages).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: demo\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_demo_answers_every_row_of_its_list() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = folder.path().join("catalog.toml");
        fs::write(&catalog, CATALOG).unwrap();
        let config = config(folder.path(), catalog).unwrap();
        let running = server::start(config).await.unwrap();
        let server: Server = running.address().parse().unwrap();
        let connection = server.connect(Some("demo")).await.unwrap();
        let mut facts = Facts::new(connection.clone(), SystemClock.now());
        let of_interest = facts.write(&addresses().unwrap()).await.unwrap();
        assert!(facts.recorded() > 18_000, "{}", facts.recorded());
        let outcome = filtered(connection.clone()).await.unwrap();
        assert!(outcome.stop.is_none());
        assert_eq!(outcome.tally.rows(), 5_000);
        assert!(outcome.tally.reasons().len() >= 12, "{:?}", outcome.tally.reasons());
        let document = outcome.tally.document(BRAND, CAMPAIGN);
        assert_eq!(document["duplicates"], 205);
        let pages = running.web_address().unwrap().to_owned();
        let page = page_of(connection, &pages, &of_interest.of_two_minds).await.unwrap();
        let text = commands(&server, Path::new("/tmp/list.csv"), &of_interest, &page);
        assert!(text.contains(&of_interest.allowed) && text.contains(&page), "{text}");
        let html = html(&pages, &page).await;
        for words in ["What may we send you?", "you unsubscribed", "You receive this."] {
            assert!(html.contains(words), "{words}: {html}");
        }
        running.stop().await.unwrap();
    }
}
