//! `maysend backup`, `tombstones`, `restore`: copies of a data directory, and the way back.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;

use super::output::{counted, grouped, print, say};
use super::{Exit, Format, Global};
use crate::backup::{AtLeast, Manifest, Restore, Restored, Taken, Tombstones, restore, take};
use crate::engine::clock::Clock as _;
use crate::keys::{self, hex};
use crate::model::revision::Revision;
use crate::server::SystemClock;

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The data directory, of a running server or of none.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Where the backup is kept; the next one to the same place copies what changed.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Copy the key file too. Who has both can read who is in it and sign for every owner: keep the
    /// keys elsewhere if you can. Without them a backup opens for nobody.
    #[arg(long)]
    with_keys: bool,
    /// The key file, where it does not lie in the data directory.
    #[arg(long, value_name = "FILE", requires = "with_keys")]
    key_file: Option<PathBuf>,
}

impl BackupArgs {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let Self { data_dir, to, with_keys, key_file } = self;
        let keys = with_keys.then(|| keys::path_of(&data_dir, key_file.as_deref()));
        let taken = take(&data_dir, &to, keys.as_deref(), SystemClock.now())?;
        print(&told(&taken, global.format))?;
        if keys.is_none() && taken.manifest.keys.is_none() {
            say("the keys are not in it: keep keys.toml elsewhere, or it opens for nobody");
        }
        Ok(Exit::Done)
    }
}

fn told(taken: &Taken, format: Format) -> String {
    let Taken { manifest, written } = taken;
    let segments = u64::try_from(manifest.segments.len()).unwrap_or(u64::MAX);
    let octets: u64 = manifest.segments.iter().map(|segment| segment.file.octets).sum();
    match format {
        Format::Human => format!(
            "backup of {}: {}, {}, up to #{}; {} written, the rest was there\n",
            manifest.made_at,
            counted(segments, "segment", "segments"),
            counted(octets, "octet", "octets"),
            manifest.head(),
            grouped(*written),
        ),
        Format::Json => format!(
            "{}\n",
            json!({
                "made_at": manifest.made_at,
                "head": manifest.head().number(),
                "chain": chain(manifest),
                "segments": segments,
                "octets": octets,
                "octets_written": written,
                "with_keys": manifest.keys.is_some(),
            })
        ),
    }
}

/// The chain at the head, as `restore --at-least-head` takes it.
fn chain(manifest: &Manifest) -> Option<String> {
    manifest.chain().ok().map(|chain| hex::encode(&chain))
}

#[derive(Debug, Args)]
pub(super) struct TombstonesArgs {
    /// The data directory, of a running server or of none, sound or damaged.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
}

impl TombstonesArgs {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let list = Tombstones::of_ledger(&self.data_dir, SystemClock.now())?;
        print(&list.text())?;
        let many = u64::try_from(list.len()).unwrap_or(u64::MAX);
        let many = counted(many, "tombstone", "tombstones");
        if list.complete {
            say(format_args!("{many}, up to #{}", list.head()));
            return Ok(Exit::Done);
        }
        say(format_args!("{many}; the ledger is damaged, and there may have been more"));
        Ok(Exit::Failed)
    }
}

#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// The backup.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// The new data directory: empty, or not there.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The key file; a copy goes into the data directory [default: the backup's, if it has one].
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// What was erased up to now, so that nobody comes back: the live data directory, a later
    /// backup, or what `maysend tombstones` printed.
    #[arg(long, value_name = "FILE_OR_DIR")]
    tombstones: Option<PathBuf>,
    /// Restore although whoever was erased since the backup may come back, for this reason.
    #[arg(long, value_name = "REASON")]
    accept_resurrection: Option<String>,
    /// Refuse a backup that ends before this revision, or has another chain there.
    #[arg(long, value_name = "REVISION[:CHAIN]")]
    at_least_head: Option<Head>,
}

/// `REVISION[:CHAIN]`.
#[derive(Debug, Clone, Copy)]
struct Head(AtLeast);

impl FromStr for Head {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (revision, chain) = match text.split_once(':') {
            Some((revision, chain)) => {
                let chain = hex::decode(chain).ok_or("a chain has 64 hexadecimal digits")?;
                (revision, Some(chain))
            }
            None => (text, None),
        };
        let revision = revision.trim_start_matches('#').parse().map_err(|_| "no revision")?;
        Ok(Self(AtLeast { revision: Revision::new(revision), chain }))
    }
}

impl RestoreArgs {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let Self { from, data_dir, keys, tombstones, accept_resurrection, at_least_head } = self;
        let waiver = accept_resurrection.as_deref().map(str::trim);
        if waiver == Some("") {
            bail!("--accept-resurrection needs a reason");
        }
        let now = SystemClock.now();
        let list = tombstones.map(|path| {
            let list = Tombstones::read(&path, now);
            list.with_context(|| format!("no tombstones can be had from `{}`", path.display()))
        });
        let list = list.transpose()?;
        let restored = restore(&Restore {
            from: &from,
            data_dir: &data_dir,
            keys: keys.as_deref(),
            tombstones: list.as_ref(),
            waiver,
            at_least: at_least_head.map(|Head(least)| least),
            now,
        });
        let restored = restored.context("nothing was restored")?;
        print(&match global.format {
            Format::Human => human(&restored),
            Format::Json => format!("{}\n", json!(restored)),
        })?;
        Ok(Exit::Done)
    }
}

fn human(restored: &Restored) -> String {
    let Restored {
        made_at,
        restored_at: _,
        head,
        now_at,
        erased_again,
        tombstones_up_to,
        accepted_resurrection,
        keys_renewed,
    } = restored;
    let mut lines = vec![format!("restored up to #{head}, as of {made_at}; it ends at #{now_at}")];
    if *keys_renewed {
        lines.push("  lost: all that was recorded after that, opt-outs too".to_owned());
    }
    let erased = u64::try_from(*erased_again).unwrap_or(u64::MAX);
    lines.push(match tombstones_up_to {
        Some(up_to) => {
            format!("  erased again: {}, known up to #{up_to}", counted(erased, "case", "cases"))
        }
        None => "  erased since: not known".to_owned(),
    });
    if let Some(reason) = accepted_resurrection {
        lines.push(format!("  WHO WAS ERASED SINCE MAY BE BACK, accepted because: {reason}"));
    }
    lines.push(if *keys_renewed {
        "  the keys of links are new: links of before say no and nothing else; keep the new \
         keys.toml"
            .to_owned()
    } else {
        "  nothing is lost since: the keys of links stay as they are".to_owned()
    });
    lines.join("\n") + "\n"
}
