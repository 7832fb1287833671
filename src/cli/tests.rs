use clap::CommandFactory;

use super::*;

fn read(words: &[&str]) -> Result<Cli, u8> {
    let words = ["maysend"].iter().chain(words);
    Cli::try_parse_from(words).map_err(|error| status(&error))
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn wrong_usage_is_64_and_help_is_not() {
    let exit = |words: &[&str]| read(words).unwrap_err();
    assert_eq!(exit(&["check"]), 64);
    assert_eq!(exit(&["opt-out", "--scope", "brand", "a@example.com"]), 64);
    assert_eq!(exit(&["frobnicate"]), 64);
    assert_eq!(exit(&["--server", "ftp://x", "status", "a@example.com"]), 64);
    assert_eq!(exit(&["filter", "--brand", "b", "--campaign", "c", "--no-header"]), 64);
    assert_eq!(exit(&["--version"]), 0);
    assert_eq!(exit(&["check", "--help"]), 0);
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
