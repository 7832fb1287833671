//! The command line: the server, and clients of a running one.
//!
//! Data go to stdout, talk goes to stderr. The exit status is 0 when all was done, 1 when something
//! failed, 2 when a single `check` was denied, 64 when the command was wrong. Nothing but the key of
//! a client (`identity`) is read from the environment.

mod access;
mod backup;
pub mod bench;
mod block;
mod catalog;
mod check;
mod connect;
mod consent;
mod credential;
mod demo;
mod doctor;
mod erasure;
mod event;
mod evidence;
mod explain;
mod fault;
mod filter;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod healthcheck;
mod history;
mod identity;
mod import;
mod key;
mod lint;
mod list;
mod log;
mod man;
mod output;
mod point;
mod repair;
mod resubscribe;
mod scope;
mod serve;
mod sheet;
mod status;
mod verify;
mod watch;
mod words;
mod write;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand, ValueEnum};

use self::connect::{Connection, Server, TlsArgs};
use self::output::ReaderGone;

/// May we send brand X campaign Y to these addresses? Answers at the moment of sending, with a
/// reason for every address.
#[derive(Debug, Parser)]
#[command(name = "maysend", version, arg_required_else_help = true)]
#[command(after_help = "Exit status: 0 done, 1 failed, 2 denied (check of one address), \
                        64 wrong usage.")]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every client takes.
#[derive(Debug, Args)]
struct Global {
    /// The server to ask: http(s)://HOST:PORT, or unix:PATH [default: http://127.0.0.1:50051; `bench`
    /// starts one of its own].
    #[arg(long, global = true, value_name = "URL")]
    server: Option<Server>,
    /// How to print.
    #[arg(long, global = true, value_enum, default_value_t)]
    format: Format,
    /// Who is asking or writing, for the record: a name, sent as `maysend-actor`.
    #[arg(long, global = true, value_name = "NAME")]
    actor: Option<String>,
    /// The file that holds the key to show, where the server wants one: the one line that
    /// `credential new` printed. Else MAYSEND_CREDENTIAL_FILE names it, or MAYSEND_CREDENTIAL holds
    /// the key itself.
    #[arg(long, global = true, value_name = "FILE")]
    credential_file: Option<PathBuf>,
    #[command(flatten)]
    tls: TlsArgs,
}

impl Global {
    async fn connect(&self) -> anyhow::Result<Connection> {
        let server = self.server.clone().unwrap_or_default();
        let authorization = identity::authorization(self.credential_file.as_deref())?;
        server.connect_by(self.actor.as_deref(), authorization, &self.tls).await
    }
}

/// How data are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Human,
    /// For programs: one JSON document, or one a line.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(Box<serve::ServeArgs>),
    /// Start a server with invented recipients, filter a list, and show what to try.
    Demo(demo::DemoArgs),
    /// Ask whether a campaign may go to addresses.
    Check(check::CheckArgs),
    /// Take the recipients that must not get a campaign out of a list.
    Filter(filter::FilterArgs),
    /// Show what stands for an address.
    Status(status::StatusArgs),
    /// Say why a campaign may go to an address or may not, now or in the past.
    Explain(explain::ExplainArgs),
    /// Show what was recorded for an address, newest first.
    History(history::HistoryArgs),
    /// Make a data sheet of all that is held about an address (GDPR Art. 15).
    Sheet(sheet::SheetArgs),
    /// Stop brands for addresses.
    Block(block::BlockArgs),
    /// Take back stops that staff or a bounce had set; what the owner wished only the owner undoes.
    Lift(block::LiftArgs),
    /// Record that the owners of addresses opted out.
    OptOut(block::OptOutArgs),
    /// Record consents and withdrawals, and take the permission to ask for consent.
    Consent(consent::ConsentArgs),
    /// Bring one address back that opted out. The policy of its brands must allow it
    /// (`staff_resubscribe = "with-legal-basis"` in the catalog file; the default forbids it), and
    /// no policy lets it override a complaint.
    Resubscribe(resubscribe::ResubscribeArgs),
    /// Say who may call a server: make, list and revoke credentials.
    Credential(credential::CredentialArgs),
    /// Rotate and retire the keys that sign the owner's links.
    Key(key::KeyArgs),
    /// Check a mail before it is sent: whether its recipient can unsubscribe with one click
    /// (RFC 8058).
    LintMessage(lint::LintArgs),
    /// Ask for the erasure of an address, and decide what others asked for.
    Erasure(erasure::ErasureArgs),
    /// Record who asks what is held about them, and how they were told (GDPR Art. 15).
    Access(access::AccessArgs),
    /// Record what a file says of addresses, or show what that would change.
    Import(import::ImportArgs),
    /// Print what is recorded, as it is recorded.
    Watch(watch::WatchArgs),
    /// Show the catalog of a server, or check a catalog file.
    Catalog(catalog::CatalogArgs),
    /// Verify a data directory, or a backup, without changing it.
    Verify(verify::VerifyArgs),
    /// Copy the ledger of a data directory while its server runs, or what changed since.
    Backup(backup::BackupArgs),
    /// Print who was erased, as keyed names: what `restore` wants to know.
    Tombstones(backup::TombstonesArgs),
    /// Make a data directory from a backup.
    Restore(backup::RestoreArgs),
    /// Say what a damaged ledger would have to give up, and give it up once told.
    Repair(repair::RepairArgs),
    /// Measure how fast this machine answers, or put load on a running server.
    Bench(bench::BenchArgs),
    /// Check the set-up of this machine for a server, and say what to mend.
    Doctor(doctor::DoctorArgs),
    /// Ask whether a server serves.
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Write the manual's pages.
    #[command(hide = true)]
    Man(man::ManArgs),
    /// Print what completes commands in a shell.
    #[command(hide = true)]
    Completions(man::CompletionsArgs),
}

/// How a command ended, where it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Done,
    Failed,
    Denied,
    Usage,
}

impl Exit {
    const fn status(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Denied => 2,
            Self::Usage => WRONG_USAGE,
        }
    }
}

/// The exit status for a command that was wrong (BSD's `EX_USAGE`).
const WRONG_USAGE: u8 = 64;

impl Cli {
    /// Reads the command line. Help, version and complaints are printed here.
    ///
    /// # Errors
    /// The exit status: there is nothing to run.
    pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, ExitCode> {
        Self::try_parse_from(words).map_err(|error| {
            // Nobody is left to tell where even this fails.
            drop(error.print());
            status(&error).into()
        })
    }

    /// Starts the log that the command wants.
    pub fn start_log(&self) {
        match &self.command {
            Command::Serve(args) => log::start(Some(args.log()), "info"),
            _ => log::start(None, "warn"),
        }
    }

    /// Runs the command.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let result = runtime.context("cannot start").and_then(|runtime| {
            let result = runtime.block_on(self.command.run(&self.global));
            // A thread may still wait for stdin.
            runtime.shutdown_background();
            result
        });
        match result {
            Ok(exit) => exit.status().into(),
            Err(error) => {
                if !error.is::<ReaderGone>() {
                    output::say(format_args!("maysend: {error:#}"));
                }
                Exit::Failed.status().into()
            }
        }
    }
}

/// Help and version are no errors.
fn status(error: &clap::Error) -> u8 {
    if error.use_stderr() { WRONG_USAGE } else { Exit::Done.status() }
}

impl Command {
    async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        match self {
            Self::Serve(args) => args.run(global).await,
            Self::Demo(args) => args.run(global).await,
            Self::Check(args) => args.run(global).await,
            Self::Filter(args) => args.run(global).await,
            Self::Status(args) => args.run(global).await,
            Self::Explain(args) => args.run(global).await,
            Self::History(args) => args.run(global).await,
            Self::Sheet(args) => args.run(global).await,
            Self::Block(args) => args.run(global).await,
            Self::Lift(args) => args.run(global).await,
            Self::OptOut(args) => args.run(global).await,
            Self::Consent(args) => args.run(global).await,
            Self::Resubscribe(args) => args.run(global).await,
            Self::Credential(args) => args.run(global),
            Self::Key(args) => args.run(global),
            Self::LintMessage(args) => args.run(global).await,
            Self::Erasure(args) => args.run(global).await,
            Self::Access(args) => args.run(global).await,
            Self::Import(args) => args.run(global).await,
            Self::Watch(args) => args.run(global).await,
            Self::Catalog(args) => args.run(global).await,
            Self::Verify(args) => args.run(global),
            Self::Backup(args) => args.run(global),
            Self::Tombstones(args) => args.run(),
            Self::Restore(args) => args.run(global),
            Self::Repair(args) => args.run(global),
            Self::Bench(args) => args.run(global).await,
            Self::Doctor(args) => args.run(global),
            Self::Healthcheck(args) => args.run(global).await,
            Self::Man(args) => args.run(),
            Self::Completions(args) => args.run(),
        }
    }
}

#[cfg(test)]
mod tests;
