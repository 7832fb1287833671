//! `maysend repair`: what a damaged ledger has to give up, told first and done when told.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use serde_json::{Value, json};

use super::output::{self, counted, grouped, print, say};
use super::verify::plural;
use super::{Exit, Format, Global};
use crate::backup::HalfDone;
use crate::engine::clock::Clock as _;
use crate::engine::repair::{Plan, RepairError, plan, repair};
use crate::keys::{self, Keys};
use crate::model::day::Timestamp;
use crate::model::revision::Revision;
use crate::server::SystemClock;

#[derive(Debug, Args)]
pub(super) struct RepairArgs {
    /// The data directory; no server may run on it.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The key file, where it does not lie in the data directory.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Do it: give up everything from this revision on, as the command said without this.
    #[arg(long, value_name = "REVISION")]
    give_up: Option<u64>,
    /// Do it although unknown addresses may lose a no and be sent to, for this reason.
    #[arg(long, value_name = "REASON", requires = "give_up")]
    accept_lost_noes: Option<String>,
}

impl RepairArgs {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let Self { data_dir, key_file, give_up, accept_lost_noes } = self;
        let accepted = accept_lost_noes.as_deref().map(str::trim);
        if accepted == Some("") {
            bail!("--accept-lost-noes needs a reason");
        }
        let key_file = keys::path_of(&data_dir, key_file.as_deref());
        let (found, done) = match give_up {
            None => (plan(&data_dir, &Keys::load(&key_file)?)?, false),
            Some(at) => {
                let (at, now) = (Revision::new(at), SystemClock.now());
                let done = repair(&data_dir, &key_file, at, accepted, now);
                (Some(done.map_err(|error| unfinished(&data_dir, error))?), true)
            }
        };
        let Some(found) = found else {
            say("there is nothing to give up; what a crash left a server mends when it starts");
            return Ok(Exit::Done);
        };
        print(&match global.format {
            Format::Human => human(&found, done),
            Format::Json => format!("{}\n", document(&found, done)),
        })?;
        Ok(if done { Exit::Done } else { Exit::Failed })
    }
}

/// Adds what to do where the directory is left half-done.
fn unfinished(data_dir: &Path, error: RepairError) -> anyhow::Error {
    match HalfDone::of(data_dir).filter(|half| half.what == "repair") {
        Some(half) => anyhow::Error::from(error).context(half),
        None => error.into(),
    }
}

fn human(plan: &Plan, done: bool) -> String {
    let would = if done { "gave up" } else { "would give up" };
    let mut lines = vec![
        format!("DAMAGE: {}", plan.damage),
        format!("{would} #{} to #{}", plan.give_up, plan.end),
    ];
    if let Some((first, last)) = plan.between {
        lines.push(format!("  recorded from {} to {}", instant(first), instant(last)));
    }
    for (kind, records) in &plan.records {
        lines.push(format!("  {}  {} that can still be read", grouped(*records), plural(*kind)));
    }
    let (address, addresses) = ("address is", "addresses are");
    lines.push(format!(
        "  {} concerned, and denied from then on: a no to everything, which only the owner takes \
         back",
        counted(plan.doubtful, address, addresses)
    ));
    if plan.pending > 0 {
        let cases = counted(plan.pending, "erasure is", "erasures are");
        lines.push(format!("  {cases} pending again, to be decided"));
    }
    if plan.erased > 0 {
        let cases = counted(plan.erased, "case is", "cases are");
        lines.push(format!("  {cases} erased again"));
    }
    if let Some(checkpoint) = plan.checkpoint {
        lines.push(format!("  checkpoint #{checkpoint} tells who they are"));
    }
    if let Some(checkpoint) = plan.unread_checkpoint {
        lines.push(format!(
            "  checkpoint #{checkpoint}, which may tell of more, cannot be read; `maysend verify` \
             says why"
        ));
    }
    if !plan.is_covered() {
        let more = if plan.open_end { ", or more," } else { "" };
        lines.push(format!(
            "  {}{more} of UNKNOWN addresses: each may have been a no; a backup may hold them",
            counted(plan.unknown, "record", "records"),
        ));
    }
    lines.push(format!(
        "  the damaged files {} `{}`",
        if done { "are in" } else { "would go to" },
        plan.aside.display()
    ));
    if done {
        let new = "  the keys of links are new: links of before say no and nothing else; keep the new \
                   key file";
        lines.push(new.to_owned());
    } else {
        let accept = if plan.is_covered() { "" } else { " --accept-lost-noes REASON" };
        lines.push(format!("nothing was changed; to do it: --give-up {}{accept}", plan.give_up));
    }
    lines.join("\n") + "\n"
}

fn document(plan: &Plan, done: bool) -> Value {
    let records: serde_json::Map<_, _> =
        plan.records.iter().map(|(kind, n)| (plural(*kind).to_owned(), json!(n))).collect();
    json!({
        "done": done,
        "damage": plan.damage.to_string(),
        "give_up": plan.give_up.number(),
        "end": plan.end.number(),
        "records": records,
        "from": plan.between.map(|(first, _)| instant(first)),
        "to": plan.between.map(|(_, last)| instant(last)),
        "doubtful_addresses": plan.doubtful,
        "erasures_pending": plan.pending,
        "erased_again": plan.erased,
        "checkpoint": plan.checkpoint.map(Revision::number),
        "unread_checkpoint": plan.unread_checkpoint.map(Revision::number),
        "unknown_records": plan.unknown,
        "open_end": plan.open_end,
        "aside": plan.aside,
    })
}

fn instant(at: Timestamp) -> String {
    let (seconds, nanos) = at.parts();
    output::instant(Some(&prost_types::Timestamp { seconds, nanos }))
}
