//! Only those with a key are let in, for as long as it is good, and for as much as it allows: the
//! real binary, its file, its clients.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use maysend::grpc::api::{
    ApproveErasureRequest, BlockAddressesRequest, BlockCause, Event, GetHistoryRequest,
    GetStatusRequest, OptOutRequest, RequestErasureRequest, WatchRequest,
};
use maysend::grpc::codec::{AskBuffer, CheckAsk};
use prost::Message as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::desk::{CATALOG, everything};
use crate::doorkeeper::{Doorkeeper, call, is_stranger, maysend, open, text, why, with_key};
use crate::process::{Server, consent, decision, erasure};

const CHECK: [&str; 6] = ["check", "--brand", "opera", "--campaign", "tickets", "ann@example.com"];

/// Longer than anything takes here.
const LONG: Duration = Duration::from_secs(20);

fn ask(addresses: &[&str]) -> CheckAsk {
    let mut buffer = AskBuffer::new("opera", "tickets", 0);
    addresses.iter().for_each(|address| buffer.push(address.as_bytes()));
    buffer.take()
}

async fn check(door: &Doorkeeper, key: &str, addresses: &[&str]) -> Result<usize, Status> {
    let answer = decision(&door.channel).check(with_key(Some(key), ask(addresses))).await?;
    Ok(answer.into_inner().verdicts.len())
}

async fn history(door: &Doorkeeper, key: &str, address: &str) -> Vec<Event> {
    let request = GetHistoryRequest { address: address.to_owned(), ..Default::default() };
    let answer = consent(&door.channel).get_history(with_key(Some(key), request)).await;
    answer.unwrap().into_inner().events
}

fn opt_out(address: &str) -> OptOutRequest {
    OptOutRequest {
        addresses: vec![address.to_owned()],
        scopes: vec![everything()],
        reason: "a letter".to_owned(),
        ..Default::default()
    }
}

/// A call by a person whose name is not ASCII.
fn by<T>(key: &str, actor: &str, message: T) -> Request<T> {
    use tonic::metadata::BinaryMetadataValue;
    let mut request = with_key(Some(key), message);
    request.metadata_mut().remove("maysend-actor");
    let name = BinaryMetadataValue::from_bytes(actor.as_bytes());
    request.metadata_mut().insert_bin("maysend-actor-bin", name);
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_the_door_until_it_is_taken_back() {
    let (door, keys) = Doorkeeper::open(CATALOG, &["--name mailer --role sender"]).await;
    let file = door.written("key", &format!("{}\n", keys[0]));
    let file = file.to_str().unwrap();
    let with_file = |words: &[&'static str]| {
        let words: Vec<&str> = words.iter().copied().chain(["--credential-file", file]).collect();
        door.client(&words, &[])
    };
    assert_eq!(with_file(&CHECK).status.code(), Some(0));
    let of_file = [("MAYSEND_CREDENTIAL_FILE", file)];
    assert_eq!(door.client(&CHECK, &of_file).status.code(), Some(0));
    assert_eq!(door.client(&CHECK, &[("MAYSEND_CREDENTIAL", &keys[0])]).status.code(), Some(0));

    let stranger = door.client(&CHECK, &[]);
    assert_eq!(stranger.status.code(), Some(1));
    let told = text(&stranger.stderr);
    assert!(told.contains("reason: UNAUTHENTICATED"), "{told}");
    assert!(told.contains("--credential-file FILE, or MAYSEND_CREDENTIAL_FILE"), "{told}");

    assert!(door.revoke("mailer").status.success());
    assert_eq!(check(&door, &keys[0], &["ann@example.com"]).await.unwrap(), 1, "not yet read");
    door.reload().await;
    is_stranger(check(&door, &keys[0], &["ann@example.com"]).await);
    assert_eq!(with_file(&CHECK).status.code(), Some(1));
    assert!(!door.server.log().contains(&keys[0]), "no log shows a key");
}

#[tokio::test]
async fn a_new_key_is_good_once_the_file_is_read_again() {
    let (door, keys) = Doorkeeper::open(CATALOG, &["--name mailer --role sender"]).await;
    let second = door.make("--name second --role sender,system --expires 30d");
    is_stranger(check(&door, &second, &["ann@example.com"]).await);
    door.reload().await;
    for key in [&keys[0], &second] {
        assert_eq!(check(&door, key, &["ann@example.com"]).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn a_broken_file_changes_nothing_and_is_told() {
    let (door, keys) = Doorkeeper::open(CATALOG, &["--name mailer --role sender"]).await;
    let good = std::fs::read_to_string(door.file()).unwrap();
    std::fs::write(door.file(), good.replace("sender", "boss") + "colour = 1\n").unwrap();
    door.server.reload("the credentials are not taken").await;
    let log = door.server.log();
    assert!(log.contains("credential[0].roles[0]: is not a role"), "{log}");
    assert!(log.contains("credential[0].colour: unknown key"), "{log}");
    assert_eq!(check(&door, &keys[0], &["ann@example.com"]).await.unwrap(), 1);
    std::fs::remove_file(door.file()).unwrap();
    door.server.reload("the credentials are not taken").await;
    assert_eq!(check(&door, &keys[0], &["ann@example.com"]).await.unwrap(), 1);

    // A server that starts with it does not.
    let file = door.written("broken.toml", &good.replace("sender", "boss"));
    let folder = tempfile::tempdir().unwrap();
    let catalog = door.written("catalog.toml", CATALOG);
    let output = maysend(&["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(folder.path().join("store"))
        .args(["--catalog".as_ref(), catalog.as_os_str()])
        .args(["--credentials".as_ref(), file.as_os_str()])
        .output()
        .unwrap();
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("broken.toml:7: credential[0].roles[0]: is not a role"), "{told}");
}

#[tokio::test]
async fn a_file_that_others_can_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let (door, _) = Doorkeeper::open(CATALOG, &["--name mailer --role sender"]).await;
    let mode = std::fs::metadata(door.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!door.server.log().contains("open to others"));
    std::fs::set_permissions(door.file(), std::fs::Permissions::from_mode(0o644)).unwrap();
    // It may be starting still: a signal is heeded then too.
    door.reload().await;
    assert!(door.server.log().contains("open to others"), "{}", door.server.log());
}

/// The program dates by the wall clock, so this waits for it, and for nothing else.
#[tokio::test]
async fn a_key_ends_when_it_says_and_its_streams_with_it() {
    let end = Timestamp::now() + Duration::from_secs(3);
    let made = format!("--name mailer --role system,sender --expires {end}");
    let (door, keys) = Doorkeeper::open(CATALOG, &[&made]).await;
    let watch = WatchRequest { after_revision: 0 }.encode_to_vec();
    let path = "/maysend.v1.ChangeService/Watch";
    let mut watching = open(&door.channel, path, Some(&keys[0]), &watch).await.unwrap();
    let mut was_good = false;
    loop {
        let asked = Timestamp::now();
        let answer = check(&door, &keys[0], &["ann@example.com"]).await;
        match answer {
            Ok(_) => {
                was_good = true;
                assert!(asked.as_second() <= end.as_second(), "it has ended");
            }
            refused => {
                is_stranger(refused);
                break;
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(was_good && Timestamp::now().as_second() >= end.as_second());
    let ended = async {
        loop {
            match watching.message().await {
                Ok(Some(_)) => {}
                other => return other,
            }
        }
    };
    is_stranger(tokio::time::timeout(LONG, ended).await.expect("it ends within seconds"));
}

#[tokio::test]
async fn who_is_revoked_follows_and_asks_no_longer() {
    let credentials = ["--name follower --role system", "--name mailer --role sender"];
    let (door, keys) = Doorkeeper::open(CATALOG, &credentials).await;
    let watch = WatchRequest { after_revision: 0 }.encode_to_vec();
    let path = "/maysend.v1.ChangeService/Watch";
    let mut watching = open(&door.channel, path, Some(&keys[0]), &watch).await.unwrap();
    let (asks, waiting) = mpsc::unbounded_channel();
    asks.send(ask(&["ann@example.com"])).unwrap();
    let stream = with_key(Some(&keys[1]), UnboundedReceiverStream::new(waiting));
    let answers = decision(&door.channel).check_stream(stream).await;
    let mut answers = answers.unwrap().into_inner();
    assert!(answers.message().await.unwrap().is_some());

    // A new entry ends nobody.
    let _other = door.make("--name other --role staff");
    door.reload().await;
    asks.send(ask(&["bob@example.com"])).unwrap();
    assert!(answers.message().await.unwrap().is_some());

    assert!(door.revoke("follower").status.success() && door.revoke("mailer").status.success());
    let revoked = Instant::now();
    door.reload().await;
    let ended = async {
        loop {
            match watching.message().await {
                Ok(Some(_)) => {}
                other => return other,
            }
        }
    };
    is_stranger(tokio::time::timeout(LONG, ended).await.expect("the follower is told"));
    is_stranger(tokio::time::timeout(LONG, answers.message()).await.expect("nobody asks for it"));
    assert!(revoked.elapsed() < LONG);
}

#[tokio::test]
async fn an_event_holds_the_credential_and_the_person() {
    let credentials = ["--name crm --role staff", "--name bounces --role system"];
    let (door, keys) = Doorkeeper::open(CATALOG, &credentials).await;
    let request = by(&keys[0], " Zoe\u{308}  ", opt_out("ann@example.com"));
    consent(&door.channel).opt_out(request).await.unwrap();
    let bounced = BlockAddressesRequest {
        addresses: vec!["ann@example.com".to_owned()],
        brands: vec!["opera".to_owned()],
        cause: BlockCause::HardBounce.into(),
        reason: "550".to_owned(),
        ..Default::default()
    };
    consent(&door.channel).block_addresses(with_key(Some(&keys[1]), bounced)).await.unwrap();
    let actors: Vec<(String, String)> = history(&door, &keys[0], "ann@example.com")
        .await
        .into_iter()
        .filter_map(|event| event.actor)
        .map(|actor| (actor.credential, actor.id))
        .collect();
    let expected = [("bounces", "anna"), ("crm", "Zo\u{eb}")];
    assert_eq!(actors, expected.map(|(name, actor)| (name.to_owned(), actor.to_owned())));
}

#[tokio::test]
async fn four_eyes_are_two_persons_with_two_credentials() {
    let credentials = ["--name desk --role staff,reviewer", "--name privacy --role reviewer"];
    let (door, keys) = Doorkeeper::open(CATALOG, &credentials).await;
    let request = RequestErasureRequest {
        address: "ann@example.com".to_owned(),
        reason: "a letter".to_owned(),
        request_id: String::new(),
    };
    let asked = by(&keys[0], "Zoe\u{308} Berger", request);
    let case = erasure(&door.channel).request_erasure(asked).await.unwrap().into_inner();
    let id = case.erasure_case.unwrap().id;
    let approve = async |key: &str, actor: &str| {
        let request = ApproveErasureRequest { id: id.clone(), note: String::new() };
        erasure(&door.channel).approve_erasure(by(key, actor, request)).await
    };
    let same = (Code::PermissionDenied, "SAME_PERSON".to_owned());
    assert_eq!(why(approve(&keys[0], "Rita").await), same, "one credential");
    for spelling in ["Zo\u{eb} Berger", " zoe\u{308}   BERGER", "\u{ff3a}o\u{eb} Berger"] {
        assert_eq!(why(approve(&keys[1], spelling).await), same, "{spelling}");
    }
    let certificate = approve(&keys[1], "Rita").await.unwrap().into_inner().certificate;
    assert!(certificate.is_some());
}

/// The reason, the budget that is spent, and whether there is a time to wait.
fn spent(result: Result<usize, Status>) -> (Code, String, String, Option<Duration>) {
    let status = result.unwrap_err();
    let info = status.get_details_error_info().unwrap();
    let retry = status.get_details_retry_info().and_then(|retry| retry.retry_delay);
    (status.code(), info.reason, info.metadata["budget"].clone(), retry)
}

#[tokio::test]
async fn a_credential_asks_about_as_many_strangers_as_it_may() {
    let made = "--name crm --role staff --distinct-addresses-per-day 3";
    let (door, keys) = Doorkeeper::open(CATALOG, &[made, "--name other --role staff"]).await;
    let ask = async |addresses: &[&str]| check(&door, &keys[0], addresses).await;
    assert_eq!(ask(&["a@x.example", "A@X.example", "not an address"]).await.unwrap(), 3);
    assert_eq!(ask(&["b@x.example"]).await.unwrap(), 1);
    // Refused whole: of the two none is counted.
    let (code, reason, budget, retry) = spent(ask(&["c@x.example", "d@x.example"]).await);
    assert_eq!((code, &*reason), (Code::ResourceExhausted, "BUDGET_EXHAUSTED"));
    assert_eq!(budget, "distinct_addresses_per_day");
    assert!(retry.is_some_and(|retry| retry <= Duration::from_secs(86_400)), "{retry:?}");
    let status = |address: &str| {
        let request = GetStatusRequest { address: address.to_owned(), at_least_revision: 0 };
        with_key(Some(&keys[0]), request)
    };
    assert!(consent(&door.channel).get_status(status("d@x.example")).await.is_ok());
    let exhausted = (Code::ResourceExhausted, "BUDGET_EXHAUSTED".to_owned());
    let refused = consent(&door.channel).get_status(status("e@x.example")).await;
    assert_eq!(why(refused), exhausted);
    let request = GetHistoryRequest { address: "e@x.example".to_owned(), ..Default::default() };
    let refused = consent(&door.channel).get_history(with_key(Some(&keys[0]), request)).await;
    assert_eq!(why(refused), exhausted);
    // Whom it asked about before it may ask about again, and a no is always taken.
    assert_eq!(ask(&["d@x.example", "b@x.example"]).await.unwrap(), 2);
    let no = with_key(Some(&keys[0]), opt_out("e@x.example"));
    assert!(consent(&door.channel).opt_out(no).await.is_ok());
    assert_eq!(check(&door, &keys[1], &["e@x.example", "f@x.example"]).await.unwrap(), 2);

    // A reload keeps what is spent, another limit begins anew.
    door.reload().await;
    assert_eq!(spent(ask(&["e@x.example"]).await).1, "BUDGET_EXHAUSTED");
    let file = std::fs::read_to_string(door.file()).unwrap();
    std::fs::write(door.file(), file.replace("per_day = 3", "per_day = 4")).unwrap();
    door.reload().await;
    assert_eq!(ask(&["e@x.example"]).await.unwrap(), 1);
}

#[tokio::test]
async fn a_credential_asks_as_fast_as_it_may() {
    let made = "--name mailer --role sender --addresses-per-minute 4";
    let (door, keys) = Doorkeeper::open(CATALOG, &[made]).await;
    let (asks, waiting) = mpsc::unbounded_channel();
    let stream = with_key(Some(&keys[0]), UnboundedReceiverStream::new(waiting));
    asks.send(ask(&["a@x.example", "b@x.example", "c@x.example"])).unwrap();
    let answers = decision(&door.channel).check_stream(stream).await;
    let mut answers = answers.unwrap().into_inner();
    assert_eq!(answers.message().await.unwrap().unwrap().verdicts.len(), 3);
    asks.send(ask(&["a@x.example", "b@x.example", "c@x.example"])).unwrap();
    let refused = answers.message().await.map(|_| 0);
    let (code, reason, budget, retry) = spent(refused);
    assert_eq!((code, &*reason), (Code::ResourceExhausted, "BUDGET_EXHAUSTED"));
    assert_eq!(budget, "addresses_per_minute");
    assert!(retry.is_some_and(|retry| retry <= Duration::from_secs(30)), "{retry:?}");
    let large = check(&door, &keys[0], &["a@x.example"; 5]).await;
    assert_eq!(spent(large).3, None, "no waiting helps a call that is too large");
}

#[test]
fn credentials_are_made_listed_and_revoked_at_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials.toml");
    let run = |words: &str| {
        let words: Vec<&str> = words.split(' ').collect();
        let output = maysend(&words).arg("--file").arg(&file).output().unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let new = "credential new --name crm --role staff --role reviewer --san dns:crm.example";
    let (code, key, talk) = run(new);
    assert_eq!(code, Some(0), "{talk}");
    assert!(key.starts_with("maysend_") && key.ends_with('\n') && key.len() == 52, "{key}");
    assert!(talk.contains("`crm` is in `") && !talk.contains(key.trim()), "{talk}");
    let before = std::fs::read_to_string(&file).unwrap();
    assert!(!before.contains(key.trim()), "the file holds the hash alone");

    for (words, code, why) in [
        (new, 1, "a name is given out once"),
        ("credential new --name x --role staff,sender", 1, "staff must not hold the owner's proof"),
        ("credential new --name x --role portal,staff", 1, "staff must not hold the owner's proof"),
        ("credential new --name x --role sender --san crm.example", 1, "san[0]: is not the name"),
        ("credential new --name x --role sender --san dns:crm.example", 1, "is taken by line"),
        ("credential new --name x --role sender --expires 2020-01-01", 1, "lies in the past"),
        ("credential new --name local --role sender", 64, "is not `local`"),
        ("credential new --name x --role boss", 64, "possible values"),
        ("credential new --name x", 64, "--role"),
        ("credential new --name x --role sender --no-key", 64, "--san"),
        ("credential revoke nobody", 1, "has no credential `nobody`; known are crm"),
    ] {
        let (found, out, talk) = run(words);
        assert_eq!((found, &*out), (Some(code), ""), "{words}: {talk}");
        assert!(talk.contains(why), "{words}: {talk}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), before, "{words}");
    }

    let (_, out, _) = run("--format json credential new --name pager --role system --expires 7d");
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&document["name"], &document["roles"][0]), (&"pager".into(), &"system".into()));
    assert!(document["key"].as_str().unwrap().starts_with("maysend_"));
    assert!(run("credential revoke pager").2.contains("`pager` is revoked"));
    assert!(run("credential revoke pager").2.contains("was revoked before"));
    let (_, listed, _) = run("credential list");
    let lines: Vec<Vec<&str>> =
        listed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[1], ["crm", "staff,reviewer", "good", "never", "key,dns:crm.example"]);
    assert_eq!(lines[2][..3], ["pager", "system", "revoked"]);
    let (_, listed, _) = run("credential list --format json");
    assert_eq!(listed.lines().count(), 2);
}

#[tokio::test]
async fn without_a_file_everybody_who_gets_here_is_local() {
    let mut server = Server::with_catalog(CATALOG, &[]);
    let channel = server.start().await;
    let answer = call(&channel, "/maysend.v1.CatalogService/GetCatalog", None, &[]).await;
    assert!(answer.is_ok());
    let no = with_key(Some("maysend_any"), opt_out("ann@example.com"));
    consent(&channel).opt_out(no).await.unwrap();
    let request = GetHistoryRequest { address: "ann@example.com".to_owned(), ..Default::default() };
    let events = consent(&channel).get_history(request).await.unwrap().into_inner().events;
    assert_eq!(events[0].actor.clone().unwrap().credential, "local");
}
