//! maysend: the command line.

use std::process::ExitCode;

use maysend::cli::Cli;
use mimalloc::MiMalloc;

/// Gives back what a start from a checkpoint has used; glibc kept half of it for nobody.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(exit) => return exit,
    };
    cli.start_log();
    cli.run()
}
