//! The other roles of this program: servers to compare with, and load that must not share the
//! threads of whoever measures.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use anyhow::{Context as _, bail};
use maysend::cli::bench::Server;
use maysend::cli::bench::drive;
use maysend::cli::bench::line::Line;
use maysend::cli::bench::questions::{Questions, draw};
use maysend::cli::bench::rivals::{Echo, Ordinary, Rival};
use maysend::cli::bench::tell::tell;
use tokio::net::TcpListener;

/// The first word of a command line that names a role.
pub(crate) const FLAG: &str = "--role";

/// Different addresses in the large questions: some ten of them.
const BULK_ADDRESSES: usize = 1_000_000;

/// How long a role lasts that nobody ends.
const FOR_EVER: Duration = Duration::from_secs(24 * 3_600);

/// Plays a role until it is killed, or done.
///
/// # Errors
/// There is no such role, or it cannot be played.
pub(crate) async fn play(words: &[String]) -> anyhow::Result<()> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["mirror"] => serve(Rival::Mirror).await,
        ["sink", octets] => {
            let octets = octets.parse()?;
            serve(Rival::Echo(Echo::new(octets, Arc::new(AtomicUsize::new(octets))))).await
        }
        ["ordinary", known] => serve(Rival::Ordinary(Ordinary::new(known.parse()?))).await,
        ["bulk", server, known, per_call, lines] => {
            let people = draw(known.parse()?, BULK_ADDRESSES);
            let questions = Arc::new(Questions::about(&people, per_call.parse()?));
            let lines = connect(&parse(server)?, lines.parse()?).await?;
            ready("asking");
            drive::closed(&lines, &questions, FOR_EVER).await.map(drop)
        }
        ["tell", server, from, to, per_call] => {
            let server = parse(server)?;
            ready("telling");
            tell(&server, from.parse()?..to.parse()?, per_call.parse()?).await
        }
        _ => bail!("there is no role {words:?}"),
    }
}

fn parse(server: &str) -> anyhow::Result<Server> {
    server.parse().map_err(anyhow::Error::msg)
}

/// So many lines, each a connection of its own.
pub(crate) async fn connect(server: &Server, count: usize) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::with_capacity(count);
    for _ in 0..count {
        lines.push(Line::connect(server, None).await?);
    }
    Ok(lines)
}

async fn serve(rival: Rival) -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    ready(&format!("http://{}", listener.local_addr()?));
    rival.serve(listener).await.context("the server failed")
}

#[expect(clippy::print_stdout, reason = "whoever started this waits for the line")]
fn ready(line: &str) {
    println!("{line}");
}
