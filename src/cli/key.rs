//! `maysend key`: the keys that sign the owner's links.

use std::num::NonZeroU8;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::{Align, print, say, table};
use super::{Exit, Format, Global};
use crate::keys::{self, Keys};

#[derive(Debug, Args)]
pub(super) struct KeyArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a new key that signs from now on; links of the old one stay as good as they were.
    Rotate(At),
    /// Retire a key that may have leaked: its links still say no, and never again yes.
    Retire {
        /// Which; it must not be the one that signs.
        #[arg(value_name = "ID")]
        id: NonZeroU8,
        #[command(flatten)]
        at: At,
    },
    /// Show which keys there are; no secrets.
    List(At),
}

/// Where the key file lies.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct At {
    /// The data directory that it lies in.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The key file itself.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl At {
    fn path(&self) -> PathBuf {
        keys::path_of(&self.data_dir.clone().unwrap_or_default(), self.key_file.as_deref())
    }
}

impl KeyArgs {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let next = "a running server takes it on SIGHUP, any other at its start";
        match self.what {
            What::Rotate(at) => {
                let (id, before) = Keys::rotate(&at.path())?;
                say(format_args!("key {id} signs, key {before} verifies; {next}"));
            }
            What::Retire { id, at } => {
                Keys::retire(&at.path(), id)?;
                say(format_args!("key {id} is retired: its links say no and nothing else; {next}"));
            }
            What::List(at) => print(&listed(&Keys::list(&at.path())?, global.format))?,
        }
        Ok(Exit::Done)
    }
}

fn listed(keys: &[(NonZeroU8, &str)], format: Format) -> String {
    match format {
        Format::Human => {
            let rows: Vec<_> =
                keys.iter().map(|(id, state)| [id.to_string(), (*state).to_owned()]).collect();
            table([Align::Right, Align::Left], &rows)
        }
        Format::Json => {
            let line = |(id, state): &(NonZeroU8, &str)| {
                format!("{}\n", json!({ "id": id.get(), "state": state }))
            };
            keys.iter().map(line).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_listed_by_number_and_state() {
        let keys = [(NonZeroU8::MIN, "retired"), (NonZeroU8::MAX, "signing")];
        assert_eq!(listed(&keys, Format::Human), "    1  retired\n  255  signing\n");
        let json = listed(&keys, Format::Json);
        assert_eq!(json.lines().next(), Some(r#"{"id":1,"state":"retired"}"#));
    }
}
