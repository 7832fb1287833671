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
    let summary = ["--summary-only", "--rejected", "x"];
    assert_eq!(exit(&[&["filter", "--brand", "b", "--campaign", "c"], &summary[..]].concat()), 64);
    assert_eq!(exit(&["import", "list.csv", "--state", "unsubscribed"]), 64);
    assert_eq!(exit(&["import", "list.csv", "--map", "nothing=x"]), 64);
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

/// The exit status of a command against a real server.
async fn exit(server: &str, words: &[&str]) -> u8 {
    let words = ["--server", server].iter().chain(words).copied().collect::<Vec<_>>();
    let cli = read(&words).unwrap();
    match cli.command.run(&cli.global).await {
        Ok(exit) => exit.status(),
        Err(_) => Exit::Failed.status(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_status_tells_how_a_command_ended() {
    let folder = tempfile::tempdir().unwrap();
    let socket = format!("unix:{}", folder.path().join("socket").display());
    let config = crate::server::Config {
        data_dir: folder.path().join("store"),
        key_file: None,
        catalog: concat!(env!("CARGO_MANIFEST_DIR"), "/examples/catalog.toml").into(),
        listen: socket.parse().unwrap(),
        public_url: None,
        accept_clock: false,
        checkpoint_records: crate::server::CHECKPOINT_RECORDS,
    };
    let running = crate::server::start(config).await.unwrap();
    let check = ["check", "--brand", "festival", "--campaign", "tickets"];
    let ask = async |addresses: &[&str]| exit(&socket, &[&check, addresses].concat()).await;
    assert_eq!(ask(&["a@example.com"]).await, 0);
    assert_eq!(ask(&["nobody"]).await, 2);
    assert_eq!(ask(&["nobody", "a@example.com"]).await, 0);
    assert_eq!(exit(&socket, &["check", "--brand", "x", "--campaign", "y", "a@x.test"]).await, 1);
    let bounced = ["block", "--brand", "festival", "--cause", "hard-bounce", "--reason", "550"];
    assert_eq!(exit(&socket, &[&bounced[..], &["b@example.com"]].concat()).await, 0);
    assert_eq!(ask(&["B@example.com"]).await, 2);
    let opt_out = ["opt-out", "--scope", "everything", "a@example.com"];
    assert_eq!(exit(&socket, &opt_out).await, 0);
    assert_eq!(exit(&socket, &[&opt_out[..], &["nobody"]].concat()).await, 1);
    assert_eq!(exit(&socket, &["status", "a@example.com"]).await, 0);
    assert_eq!(exit(&socket, &["history", "nobody"]).await, 1);
    running.stop().await.unwrap();
    assert_eq!(ask(&["a@example.com"]).await, 1);
    let store = folder.path().join("store").display().to_string();
    assert_eq!(exit(&socket, &["verify", "--data-dir", &store]).await, 0);
    let segment = folder.path().join("store/ledger/00000000000000000001.seg");
    let mut octets = std::fs::read(&segment).unwrap();
    octets[400] ^= 1;
    std::fs::write(&segment, octets).unwrap();
    assert_eq!(exit(&socket, &["verify", "--data-dir", &store]).await, 1);
}
