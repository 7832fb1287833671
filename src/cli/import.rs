//! `maysend import`: records what a file says of addresses, or shows what that would change.
//!
//! ```text
//! first pass:    octets -> digest, by which the evidence of each row names the file
//! reader thread: octets -> rows -> facts, flaws found; chunks of at most 10,000
//! ImportFacts:   one chunk at a time, in their order -> outcomes, effects
//! ```
//! Each arrow is bounded, so memory stays the same however long the file is. A row that was applied
//! once is never applied again: whoever runs an import that was interrupted once more resumes it.

mod chunk;
mod column;
mod digest;
mod earlier;
mod facts;
mod flaw;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod known;
mod pump;
mod row;
mod tally;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use indicatif::ProgressBar;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::signal;

use self::chunk::Chunks;
use self::column::{Mapped, Plan};
use self::digest::{Digesting, Running};
use self::earlier::Earlier;
use self::facts::Caller;
use self::known::Known;
use self::pump::{Outcome, Rejects, Sending, pump};
use self::row::{Basis, Defaults, Reading, State};
use super::connect::Connection;
use super::filter::{explained, progress};
use super::list::layout::Input;
use super::list::rows::Rows;
use super::output::{grouped, print, say};
use super::{Exit, Format, Global, scope};
use crate::engine::clock::Clock as _;
use crate::grpc::api;
use crate::server::SystemClock;

/// How far ahead of the server's clock ours may be: its own allowance.
const CLOCK_SKEW_SECONDS: i64 = 5 * 60;

#[derive(Debug, Args)]
#[command(after_long_help = "\
The file is CSV (comma, semicolon or tab, with a header), a JSON object a line, or an address a \
line; which of these it is, is told from its beginning. Its columns:\n\n  \
address         whom it is about; also under names such as `email`\n  \
state           granted, refused, opted-out, blocked or registered\n  \
scope           everything, controller:ID, brand:ID or topic:BRAND/TOPIC; granted takes a brand \
or topic, blocked a brand, registered a controller\n  \
basis           consent or existing-customer; for granted\n  \
source          where the person said it; for granted\n  \
occurred_at     when: 2024-05-31, or RFC 3339; for granted\n  \
reason          why, in words; for blocked\n  \
wording, wording_version, language, document_ref: further proof\n\n\
Without --commit nothing is recorded: the report says what would be. An import never takes a no \
back: where one stands, a yes of the file is refused. Each row is recorded with its evidence, \
whose source is `FILE:LINE sha256:DIGEST`, the digest being that of the whole file, with the row's \
own source behind it. By this a row is known again: one that was applied once is never applied \
again, whatever was recorded since. So to resume a run that was interrupted, run it once more, \
with the same file under the same name and the same options.\n\n\
Rows are sent 10,000 at a time, in their order. A dry run looks at each such call by itself: what \
an earlier call would have changed it does not see, and it says how many rows name an address \
again. For this it needs 18 to 37 octets for each different address; besides, memory stays the \
same however long the file is.\n\n\
Exit status: 0 when the whole file was gone through, also where rows were refused (the report \
says which and why, --rejects keeps them); 1 when it was not.")]
pub(super) struct ImportArgs {
    /// Record it. Without this nothing is recorded.
    #[arg(long)]
    commit: bool,
    /// Names of columns that are others here: address=EMAIL,state=Status; may be given several
    /// times. A number is the column of that number, from 1.
    #[arg(long, value_name = "COLUMN=NAME", value_delimiter = ',', value_parser = column::parse)]
    map: Vec<Mapped>,
    /// The scope of each row, where the file has no such column.
    #[arg(long, value_name = "SCOPE", value_parser = scope::parse)]
    scope: Option<api::Scope>,
    /// What each row says, where the file has no such column.
    #[arg(long, value_enum)]
    state: Option<State>,
    /// What each yes rests on, where the file has no such column.
    #[arg(long, value_enum)]
    basis: Option<Basis>,
    /// Where each row was said, where the file has no such column.
    #[arg(long, value_name = "TEXT", default_value = "")]
    source: String,
    /// Write refused rows here, unchanged plus two columns: the reason and its explanation.
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// The format of the file, where it cannot be told from its beginning.
    #[arg(long, value_enum)]
    input: Option<Input>,
    /// The file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// What is asked of a file.
#[derive(Debug)]
struct Task {
    input: Option<Input>,
    map: Vec<Mapped>,
    commit: bool,
}

impl ImportArgs {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let Self { commit, map, scope, state, basis, source, rejects, input, file } = self;
        let connection = global.connect().await?;
        let known = Known::ask(connection.clone()).await?;
        if scope.as_ref().is_some_and(|scope| !known.has(scope)) {
            bail!("--scope: the server's catalog has no such controller, brand or topic");
        }
        let (digest, size) = tokio::task::spawn_blocking({
            let file = file.clone();
            move || digested(&file)
        })
        .await??;
        let name = file_name(&file);
        let rejects = rejects.as_deref().map(|path| create(path, &file)).transpose()?;
        let reading = Reading {
            defaults: Defaults { scope, state, basis, source },
            known,
            file: name.clone(),
            digest: digest.clone(),
            latest: latest()?,
        };
        let bar = progress(Some(size));
        let interrupted = async || drop(signal::ctrl_c().await);
        let task = Task { input, map, commit };
        let (list, running) =
            (File::open(&file).with_context(cannot_read(&file))?, Running::default());
        let list = Digesting { source: list, digest: running.clone() };
        let outcome = run(connection, &task, reading, list, rejects, &bar, interrupted).await?;
        bar.finish_and_clear();
        let exit = report(&name, &digest, commit, &outcome, global.format)?;
        if outcome.stop.is_none() && running.digits() != digest {
            bail!(
                "the file changed while it was read; what was recorded names a file that is no \
                 more"
            );
        }
        Ok(exit)
    }
}

/// Imports a file.
///
/// # Errors
/// The file cannot be understood. What happens later is in the outcome.
async fn run<R, W>(
    connection: Connection,
    task: &Task,
    reading: Reading,
    source: R,
    rejects: Option<W>,
    bar: &ProgressBar,
    interrupted: impl AsyncFn(),
) -> anyhow::Result<Outcome>
where
    R: Read + Send + 'static,
    W: Write,
{
    let mut rows = Rows::new(source);
    let plan = Plan::find(&mut rows, task.input, &task.map)?;
    let rejects = Rejects::new(rejects, plan.layout.clone());
    let keep = rejects.are_kept();
    let earlier = (!task.commit).then(Earlier::default);
    let chunks = Chunks { rows, plan, reading, keep, earlier, failure: None };
    let sending = Sending { caller: Caller::new(connection), dry_run: !task.commit };
    Ok(pump(sending, chunks, rejects, bar, interrupted).await)
}

/// The digest and the size of a file.
fn digested(path: &Path) -> anyhow::Result<(String, u64)> {
    let metadata = fs::metadata(path).with_context(cannot_read(path))?;
    if !metadata.is_file() {
        bail!("`{}` is no regular file; it is read twice", path.display());
    }
    let digest = File::open(path).and_then(digest::of).with_context(cannot_read(path))?;
    Ok((digest, metadata.len()))
}

fn cannot_read(path: &Path) -> impl Fn() -> String {
    move || format!("cannot read `{}`", path.display())
}

/// The file's name as its evidence has it: without its path, in one line.
fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    name.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Until when a row may have been said.
fn latest() -> anyhow::Result<Timestamp> {
    let (seconds, nanos) = SystemClock.now().parts();
    let latest = Timestamp::new(seconds.saturating_add(CLOCK_SKEW_SECONDS), nanos);
    latest.context("the clock is out of reach")
}

/// Makes the file of refused rows, which must not be the file itself.
fn create(path: &Path, file: &Path) -> anyhow::Result<File> {
    if let (Ok(path), Ok(file)) = (fs::canonicalize(path), fs::canonicalize(file))
        && path == file
    {
        bail!("--rejects names the file itself; name another");
    }
    File::create(path).with_context(|| format!("cannot write `{}`", path.display()))
}

/// Prints what became of the file.
fn report(
    name: &str,
    digest: &str,
    commit: bool,
    outcome: &Outcome,
    format: Format,
) -> anyhow::Result<Exit> {
    let Outcome { tally, stop } = outcome;
    match format {
        // Of a run that never got going there is nothing to tell but why.
        Format::Human if tally.rows() == 0 && stop.is_some() => {}
        Format::Human => print(&tally.table(name, commit))?,
        Format::Json => {
            let mut document = tally.document();
            if let Value::Object(fields) = &mut document {
                fields.insert("file".to_owned(), json!(name));
                fields.insert("sha256".to_owned(), json!(digest));
                fields.insert("committed".to_owned(), json!(commit));
                fields.insert("complete".to_owned(), json!(stop.is_none()));
            }
            print(&format!("{document}\n"))?;
        }
    }
    let Some(stop) = stop else { return Ok(Exit::Done) };
    say(format_args!("maysend: {}", explained(stop)));
    say(match (commit, tally.line()) {
        (false, line) => format!(
            "maysend: NOT COMPLETE: looked at up to line {}; nothing is recorded.",
            grouped(line)
        ),
        (true, 0) => "maysend: NOT COMPLETE: whether anything is recorded is not known. Run it \
                      again: rows that are recorded stay as they are."
            .to_owned(),
        (true, line) => format!(
            "maysend: NOT COMPLETE: done up to line {}. Run it again to go on: rows that are \
             recorded stay as they are.",
            grouped(line)
        ),
    });
    Ok(Exit::Failed)
}
