use clap::CommandFactory;

use super::*;

fn read(words: &[&str]) -> Result<Cli, ExitCode> {
    let words = ["maysend"].iter().chain(words).map(OsString::from);
    Cli::read(words.collect::<Vec<_>>())
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn wrong_usage_is_64_and_help_is_not() {
    // `ExitCode` has no equality; its `Debug` shows the number.
    let exit = |words: &[&str]| format!("{:?}", read(words).unwrap_err());
    let shown = |status: u8| format!("{:?}", ExitCode::from(status));
    assert_eq!(exit(&["check"]), shown(64));
    assert_eq!(exit(&["opt-out", "--scope", "brand", "a@example.com"]), shown(64));
    assert_eq!(exit(&["frobnicate"]), shown(64));
    assert_eq!(exit(&["--server", "ftp://x", "status", "a@example.com"]), shown(64));
    assert_eq!(exit(&["filter", "--brand", "b", "--campaign", "c", "--no-header"]), shown(64));
    assert_eq!(exit(&["--version"]), shown(0));
    assert_eq!(exit(&["check", "--help"]), shown(0));
}

#[test]
fn global_options_stand_before_or_behind_the_command() {
    for words in [
        ["--format", "json", "status", "a@example.com", "--server", "unix:/run/m.sock"],
        ["status", "--server", "unix:/run/m.sock", "a@example.com", "--format", "json"],
    ] {
        let cli = read(&words).unwrap();
        assert_eq!(cli.global.format, Format::Json);
        assert_eq!(cli.global.server, Some(Server::Unix("/run/m.sock".into())));
    }
}
