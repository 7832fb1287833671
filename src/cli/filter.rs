//! `maysend filter`: takes out of a list whom a campaign must not go to.
//!
//! ```text
//! reader thread: octets -> rows -> chunks, duplicates found
//! CheckStream:   questions out, answers in; chunks wait in between, in their order
//! writer thread: allowed rows -> output, the others -> the file of rejected rows
//! ```
//! Each arrow is a bounded channel, so memory stays the same however long the list is; the hashes
//! that find duplicates aside. INVARIANT(whole answers): a row is written as allowed only with the
//! server's own verdict on it; a chunk with too few or too many verdicts ends the run.

mod chunk;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod pump;
mod seen;
mod tally;
#[cfg(test)]
mod tests;
mod write;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use tokio::signal;

use self::chunk::Chunks;
pub(super) use self::pump::Outcome;
use self::pump::pump;
use self::write::Sink;
use super::connect::{Connection, decisions};
pub(super) use super::list::layout::Told;
use super::list::layout::{Input, Layout};
use super::list::rows::Rows;
use super::output::{counted, grouped, print, say};
use super::{Exit, Format, Global};
use crate::grpc::codec::AskBuffer;
use crate::model::address::Address;

#[derive(Debug, Args)]
#[command(after_long_help = "\
The list is CSV (comma, semicolon or tab, with a header), an address a line, or a JSON object a \
line; which of these it is, and where the address stands, is told from its beginning. Allowed rows \
are written to stdout, octet for octet as they came, in their order. A row is never longer than \
1 MiB.\n\n\
Memory stays the same however long the list is, but for the search for duplicates: 10 to 21 octets \
for each different address, half as much again while its table grows (10 million addresses: 180 \
to 270 MB). Duplicates are found by a 64-bit hash in the address's canonical form; among a million \
addresses two different ones are taken for one in one of 37 million runs.\n\n\
A run that is interrupted says how far it came and exits with 1; what it has written is right as \
far as it goes.")]
pub(super) struct FilterArgs {
    /// The brand that sends.
    #[arg(long, value_name = "ID")]
    brand: String,
    /// The campaign, as the brand registered it.
    #[arg(long, value_name = "ID")]
    campaign: String,
    /// Write the other rows here, unchanged plus two columns: the verdict and its explanation.
    #[arg(long, value_name = "FILE")]
    rejected: Option<PathBuf>,
    /// The format of the list, where it cannot be told from its beginning.
    #[arg(long, value_enum)]
    input: Option<Input>,
    /// The column of the address: its name in the header, or its number from 1.
    #[arg(long, value_name = "NAME|NUMBER")]
    column: Option<String>,
    /// The first row is a recipient like others.
    #[arg(long, requires = "column")]
    no_header: bool,
    /// Let an address pass once only: the first row that has it.
    #[arg(long)]
    dedupe: bool,
    /// Write no rows, only the summary by reason, and that to stdout.
    #[arg(long, conflicts_with = "rejected")]
    summary_only: bool,
    /// The list; stdin where none is named, or `-`.
    file: Option<PathBuf>,
}

/// What is asked of a list.
#[derive(Debug, Clone)]
pub(super) struct Task<'a> {
    pub(super) brand: &'a str,
    pub(super) campaign: &'a str,
    pub(super) dedupe: bool,
}

impl FilterArgs {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let file = self.file.as_deref().filter(|file| *file != Path::new("-"));
        let connection = global.connect().await?;
        let (source, size): (Box<dyn Read + Send>, _) = match file {
            None => (Box::new(io::stdin()), None),
            Some(path) => {
                let named = || format!("cannot read `{}`", path.display());
                let file = File::open(path).with_context(named)?;
                let size = file.metadata().with_context(named)?.len();
                (Box::new(file), Some(size))
            }
        };
        let rejected = self.rejected.as_deref().map(|path| create(path, file)).transpose()?;
        let told = Told { input: self.input, column: self.column, no_header: self.no_header };
        let task = Task { brand: &self.brand, campaign: &self.campaign, dedupe: self.dedupe };
        let bar = progress(size);
        let interrupted = async || drop(signal::ctrl_c().await);
        let output: Box<dyn Write + Send> =
            if self.summary_only { Box::new(io::sink()) } else { Box::new(io::stdout()) };
        let streams = Streams { source, output, rejected };
        let outcome = run(connection, &task, &told, streams, &bar, interrupted).await?;
        bar.finish_and_clear();
        let summary = summary(&task, &outcome, global.format);
        if self.summary_only {
            print(&summary)?;
        } else if !summary.is_empty() {
            say(summary.trim_end());
        }
        Ok(ended(&outcome))
    }
}

/// Where rows come from and go to.
pub(super) struct Streams<R, W, J> {
    pub(super) source: R,
    pub(super) output: W,
    pub(super) rejected: Option<J>,
}

/// Filters a list.
///
/// # Errors
/// The list cannot be understood. What happens later is in the outcome.
pub(super) async fn run<R, W, J>(
    connection: Connection,
    task: &Task<'_>,
    told: &Told,
    streams: Streams<R, W, J>,
    bar: &ProgressBar,
    interrupted: impl AsyncFn(),
) -> anyhow::Result<Outcome>
where
    R: Read + Send + 'static,
    W: Write + Send + 'static,
    J: Write + Send + 'static,
{
    let Streams { source, output, rejected } = streams;
    let mut rows = Rows::new(source);
    let layout = Layout::find(&mut rows, told)?;
    let sink = Sink::new(output, rejected, layout.clone());
    let question = AskBuffer::new(task.brand, task.campaign, 0);
    let chunks = Chunks::new(rows, layout, task.dedupe, question);
    Ok(pump(decisions(connection), chunks, sink, bar.clone(), interrupted).await)
}

/// The valid addresses of a list, in their order.
///
/// # Errors
/// The list cannot be understood.
pub(super) fn addresses(list: &[u8]) -> anyhow::Result<Vec<Address>> {
    let mut rows = Rows::new(list);
    let layout = Layout::find(&mut rows, &Told::default())?;
    let chunks = Chunks::new(rows, layout, false, AskBuffer::new("", "", 0));
    let mut addresses = Vec::new();
    for chunk in chunks {
        let question = chunk?.question;
        let raw = question.iter().flat_map(|question| question.addresses());
        addresses.extend(raw.filter_map(|raw| Address::parse(raw).ok()));
    }
    Ok(addresses)
}

/// Makes the file of rejected rows, which must not be the list itself.
fn create(path: &Path, list: Option<&Path>) -> anyhow::Result<File> {
    if let (Ok(path), Some(Ok(list))) = (fs::canonicalize(path), list.map(fs::canonicalize))
        && path == list
    {
        bail!("--rejected names the list itself; name another file");
    }
    File::create(path).with_context(|| format!("cannot write `{}`", path.display()))
}

/// A bar on stderr; indicatif shows none where that is no terminal.
pub(super) fn progress(size: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(size, ProgressDrawTarget::stderr());
    let template = match size {
        Some(_) => "{bar:40} {percent:>3} %  {msg}",
        None => "{spinner} {msg}",
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// What became of the list; empty where there is nothing to tell.
fn summary(task: &Task<'_>, outcome: &Outcome, format: Format) -> String {
    let Outcome { tally, read, stop } = outcome;
    match format {
        // Of a run that never got going there is nothing to tell but why.
        Format::Human if tally.rows() == 0 && stop.is_some() => String::new(),
        Format::Human => tally.table(task.brand, task.campaign),
        Format::Json => {
            let mut document = tally.document(task.brand, task.campaign);
            if let Value::Object(fields) = &mut document {
                fields.insert("complete".to_owned(), json!(stop.is_none()));
                fields.insert("rows_read".to_owned(), json!(read));
            }
            format!("{document}\n")
        }
    }
}

/// Says on stderr what stopped the run, if anything did.
fn ended(outcome: &Outcome) -> Exit {
    let Outcome { tally, read, stop } = outcome;
    let Some(stop) = stop else { return Exit::Done };
    say(format_args!("maysend: {}", explained(stop)));
    say(format_args!(
        "maysend: NOT COMPLETE: {} read, {} decided and written ({} allowed). What is written is \
         right as far as it goes.",
        counted(*read, "row was", "rows were"),
        grouped(tally.rows()),
        grouped(tally.allowed()),
    ));
    Exit::Failed
}

/// An error with its causes.
pub(super) fn explained(stop: &dyn std::error::Error) -> String {
    let mut text = stop.to_string();
    let mut error = stop;
    while let Some(source) = error.source() {
        text = format!("{text}: {source}");
        error = source;
    }
    text
}
