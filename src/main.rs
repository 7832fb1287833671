//! maysend: the command line.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use maysend::cli::Cli;
use mimalloc::MiMalloc;
use tracing_subscriber::EnvFilter;

/// Gives back what a start from a checkpoint has used; glibc kept half of it for nobody.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(exit) => return exit,
    };
    let filter = EnvFilter::try_from_default_env();
    let filter = filter.unwrap_or_else(|_| EnvFilter::new(cli.log_level()));
    let colors = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(colors);
    log.with_env_filter(filter).init();
    cli.run()
}
