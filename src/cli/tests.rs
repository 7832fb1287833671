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
    assert_eq!(exit(&["consent"]), 64);
    assert_eq!(exit(&["consent", "grant", "--scope", "brand:a", "a@example.com"]), 64);
    assert_eq!(exit(&["resubscribe", "--scope", "brand:a", "a@example.com"]), 64);
    assert_eq!(exit(&["key", "rotate"]), 64);
    assert_eq!(exit(&["key", "rotate", "--data-dir", "a", "--key-file", "b"]), 64);
    assert_eq!(exit(&["key", "retire", "0", "--data-dir", "a"]), 64);
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

fn config(folder: &std::path::Path, socket: &str) -> crate::server::Config {
    crate::server::Config {
        data_dir: folder.join("store"),
        key_file: None,
        catalog: concat!(env!("CARGO_MANIFEST_DIR"), "/examples/catalog.toml").into(),
        listen: socket.parse().unwrap(),
        tls: None,
        credentials: None,
        limits: crate::server::Limits::default(),
        public_url: None,
        web: None,
        relay: None,
        accept_clock: false,
        checkpoint_records: crate::server::CHECKPOINT_RECORDS,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_status_tells_how_a_command_ended() {
    let folder = tempfile::tempdir().unwrap();
    let socket = format!("unix:{}", folder.path().join("socket").display());
    let running = crate::server::start(config(folder.path(), &socket)).await.unwrap();
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

#[tokio::test(flavor = "multi_thread")]
async fn consents_are_granted_asked_for_withdrawn_and_brought_back() {
    let folder = tempfile::tempdir().unwrap();
    let socket = format!("unix:{}", folder.path().join("socket").display());
    let running = crate::server::start(config(folder.path(), &socket)).await.unwrap();
    let run = async |words: &str, address: &str| {
        let words: Vec<&str> = words.split(' ').chain([address]).collect();
        exit(&socket, &words).await
    };
    let grant = "consent grant --scope brand:festival --method";
    let (ann, bob) = ("ann@example.com", "bob@example.com");
    assert_eq!(run(&format!("{grant} paper"), ann).await, 1, "no paper is named");
    assert_eq!(run(&format!("{grant} paper --document-ref 7"), ann).await, 0);
    let imported = format!("{grant} import --source old.csv:3 --occurred-at 2024-02-29");
    assert_eq!(run(&imported, bob).await, 0);
    let notice = folder.path().join("notice.txt");
    let form = format!("{grant} form --source web --wording-file {}", notice.display());
    assert_eq!(run(&form, bob).await, 1, "there is no such file");
    std::fs::write(&notice, "Yes, please.").unwrap();
    assert_eq!(run(&form, bob).await, 0);
    let withdraw = "consent withdraw --scope brand:festival";
    assert_eq!(run(withdraw, ann).await, 0);
    assert_eq!(run(&format!("{grant} paper --document-ref 8"), ann).await, 1, "a no stands");
    let request = "consent request --brand festival --campaign";
    assert_eq!(
        run(&format!("{request} 2026-consent"), ann).await,
        0,
        "who is left out is no fault"
    );
    assert_eq!(run(&format!("{request} tickets"), ann).await, 1, "it asks for nothing");
    let resubscribe = "resubscribe --legal-basis consent --explanation letter --scope";
    assert_eq!(run(&format!("{resubscribe} brand:festival"), ann).await, 1, "forbidden there");
    assert_eq!(run("consent withdraw --scope brand:alpenhof", ann).await, 0);
    assert_eq!(run(&format!("{resubscribe} brand:alpenhof"), ann).await, 0);
    let store = folder.path().join("store").display().to_string();
    assert_eq!(run("key rotate --data-dir", &store).await, 0);
    assert_eq!(run("key retire 1 --data-dir", &store).await, 0);
    assert_eq!(run("key retire 2 --data-dir", &store).await, 1, "it signs");
    assert_eq!(run("key list --data-dir", &store).await, 0);
    running.stop().await.unwrap();
}
