//! `maysend man` and `maysend completions`: what packages install beside the program, made from the
//! command line itself. Hidden: who builds a package calls them.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;

use super::output::print;
use super::{Cli, Exit};
use crate::engine::clock::Clock as _;
use crate::server::SystemClock;

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Where the pages go, one for each command; made where it is missing.
    dir: PathBuf,
    /// The date on them, as 2026-11-22 [default: today].
    #[arg(long)]
    date: Option<jiff::civil::Date>,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// Of which shell.
    shell: Shell,
}

impl ManArgs {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let Self { dir, date } = self;
        let today = jiff::Timestamp::from_nanosecond(SystemClock.now().nanos().into())?;
        let date = date.unwrap_or_else(|| today.to_zoned(jiff::tz::TimeZone::UTC).date());
        let mut command = Cli::command().disable_help_subcommand(true);
        command.build();
        let written = std::fs::create_dir_all(&dir)
            .and_then(|()| write_pages(&command, &date.to_string(), &dir));
        written.with_context(|| format!("cannot write the pages to `{}`", dir.display()))?;
        Ok(Exit::Done)
    }
}

/// The page of a command and those of the commands below it.
fn write_pages(command: &Command, date: &str, dir: &Path) -> io::Result<()> {
    let below = command.get_subcommands().filter(|command| !command.is_hide_set());
    for command in below {
        write_pages(command, date, dir)?;
    }
    let source = concat!("maysend ", env!("CARGO_PKG_VERSION"));
    let page = Man::new(command.clone()).date(date).source(source).manual("maysend");
    page.generate_to(dir)?;
    Ok(())
}

impl CompletionsArgs {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "maysend", &mut script);
        print(&String::from_utf8(script)?)?;
        Ok(Exit::Done)
    }
}
