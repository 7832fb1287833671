//! A clerk brings the facts of the last system along: a dry run that changes nothing, a run that
//! says what it changed, the same run again, and what no file may take back. Over the real binary.

mod killed;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use maysend::grpc::api::scope::Level;
use maysend::grpc::api::{
    BlockAddressesRequest, BlockCause, GetHistoryRequest, GetStatusRequest, OptOutRequest, Scope,
    WithdrawConsentRequest,
};
use maysend::grpc::codec::AskBuffer;
use maysend::model::verdict::Verdict;
use serde_json::Value;
use tempfile::TempDir;
use tonic::transport::Channel;

use crate::process::{Server, consent, decision};

/// `maysend import` of a file, not yet run.
fn command(server: &Server, file: &Path, options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_maysend"));
    command
        .args(["--server", &format!("unix:{}", server.socket().display()), "import"])
        .arg(file)
        .args(options);
    command
}

fn import(server: &Server, file: &Path, options: &[&str]) -> Output {
    command(server, file, options).output().unwrap()
}

/// Runs it to its end, and gives back what it reports to programs.
#[track_caller]
fn report(server: &Server, file: &Path, options: &[&str]) -> Value {
    let output = import(server, file, &[options, &["--format", "json"]].concat());
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{talk}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn write(dir: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

async fn verdicts(channel: &Channel, campaign: (&str, &str), addresses: &[String]) -> Vec<u8> {
    let mut verdicts = Vec::new();
    for chunk in addresses.chunks(10_000) {
        let mut ask = AskBuffer::new(campaign.0, campaign.1, 0);
        chunk.iter().for_each(|address| ask.push(address.as_bytes()));
        let answer = decision(channel).check(ask.take()).await.unwrap().into_inner();
        verdicts.extend(answer.verdicts);
    }
    verdicts
}

async fn verdict(channel: &Channel, address: &str) -> Verdict {
    let campaign = ("festival", "2026-11-advent");
    let verdicts = verdicts(channel, campaign, &[address.to_owned()]).await;
    Verdict::from_code(verdicts[0]).unwrap()
}

/// The head: every answer names it.
async fn revision(channel: &Channel) -> u64 {
    let mut ask = AskBuffer::new("festival", "2026-11-advent", 0);
    ask.push(b"anybody@example.org");
    decision(channel).check(ask.take()).await.unwrap().into_inner().revision
}

fn brand(id: &str) -> Scope {
    Scope { level: Some(Level::Brand(id.to_owned())) }
}

const MIXED: &str = "\
E-Mail;State;Scope;Basis;Source;Occurred_At;Reason\r\n\
anna@example.org;granted;topic:festival/newsletter;consent;fair in Linz;2024-05-31;\r\n\
bert@example.org;opted-out;brand:festival;;;;\r\n\
cleo@example.org;blocked;brand:festival;;;;\"VIP; never write\"\r\n\
dora@example.org;registered;controller:buehne;;;;\r\n\
emil@example.org;refused;topic:festival/newsletter;;;2024-06-01;\r\n\
bert@example.org;granted;topic:festival/newsletter;consent;fair in Linz;2024-05-31;\r\n\
nobody;opted-out;everything;;;;\r\n\
fred@example.org;granted;topic:festival/newsletter;consent;;2024-05-31;\r\n\
gina@example.org;granted;topic:festival/nothing;consent;web;2024-05-31;\r\n\
hugo@example.org;granted;topic:festival/newsletter;consent;web;last year;\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clerk_looks_first_then_imports_then_imports_again() {
    let dir = TempDir::new().unwrap();
    let file = write(&dir, "contacts.csv", MIXED);
    let mut server = Server::new(&[]);
    let channel = server.start().await;

    let before = revision(&channel).await;
    let rejects = dir.path().join("rejects.csv");
    let tried = import(&server, &file, &["--rejects", rejects.to_str().unwrap()]);
    assert_eq!(tried.status.code(), Some(0));
    assert_eq!(
        String::from_utf8(tried.stdout).unwrap(),
        "contacts.csv: 10 rows, 5 to be recorded; a dry run: --commit does it
              tightens  loosens  stays  refused
  granted            0        1      0        4
  refused            1        0      0        0
  opted-out          1        0      0        1
  blocked            1        0      0        0
  registered         0        1      0        0
  all                3        2      0        5
refused:
  1  the owner opted out, and only the owner can undo it                                     line 7
  1  not a valid e-mail address                                                              line 8
  1  a yes needs its source: where it was given                                              line 9
  1  the server's catalog has no such controller, brand or topic                             line 10
  1  occurred_at is no date such as 2024-05-31, and no instant such as 2024-05-31T09:30:00Z  line 11
"
    );
    assert_eq!(revision(&channel).await, before, "a dry run records nothing");
    assert_eq!(verdict(&channel, "anna@example.org").await, Verdict::UnknownAddress);
    let rejected = std::fs::read_to_string(&rejects).unwrap();
    let lines: Vec<&str> = rejected.lines().collect();
    assert_eq!(lines.len(), 6);
    assert!(lines[0].ends_with(";Reason;maysend_reason;maysend_explanation"), "{}", lines[0]);
    let [_, as_it_came] = &MIXED.split("\r\nbert").collect::<Vec<_>>()[1..] else { panic!() };
    let as_it_came = as_it_came.lines().next().unwrap();
    assert!(lines[1].starts_with(&format!("bert{as_it_came};WRITE_OUTCOME_REJECTED_OPTED_OUT;")));

    let done = report(&server, &file, &["--commit"]);
    assert_eq!((&done["recorded"], &done["complete"]), (&5.into(), &true.into()));
    assert_eq!(verdict(&channel, "anna@example.org").await, Verdict::AllowedConsent);
    assert_eq!(verdict(&channel, "bert@example.org").await, Verdict::OptedOutBrand);
    assert_eq!(verdict(&channel, "cleo@example.org").await, Verdict::Blocked);
    assert_eq!(verdict(&channel, "dora@example.org").await, Verdict::AllowedNoObjection);
    assert_eq!(verdict(&channel, "emil@example.org").await, Verdict::Refused);
    let about_anna =
        GetHistoryRequest { address: "anna@example.org".to_owned(), ..Default::default() };
    let history = consent(&channel).get_history(about_anna).await.unwrap().into_inner();
    let source = &history.events[0].evidence.as_ref().unwrap().source;
    let digest = done["sha256"].as_str().unwrap();
    assert_eq!(*source, format!("contacts.csv:2 sha256:{digest} fair in Linz"));

    let head = revision(&channel).await;
    let again = report(&server, &file, &["--commit"]);
    assert_eq!(again["recorded"], 0);
    for state in again["states"].as_array().unwrap() {
        assert_eq!((&state["tightens"], &state["loosens"]), (&0.into(), &0.into()), "{state}");
    }
    assert_eq!(revision(&channel).await, head, "again: all stay");

    // What staff have lifted since, the file does not bring back.
    let lift = maysend::grpc::api::LiftBlocksRequest {
        addresses: vec!["cleo@example.org".to_owned()],
        brands: vec!["festival".to_owned()],
        reason: "asked for the programme".to_owned(),
        ..Default::default()
    };
    assert_eq!(consent(&channel).lift_blocks(lift).await.unwrap().into_inner().outcomes, [1]);
    report(&server, &file, &["--commit"]);
    assert_ne!(verdict(&channel, "cleo@example.org").await, Verdict::Blocked);
    server.terminate();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_file_takes_a_no_back() {
    let dir = TempDir::new().unwrap();
    let mut server = Server::new(&[]);
    let channel = server.start().await;
    let mut client = consent(&channel);
    let one = |name: &str| vec![format!("{name}@example.org")];
    for (name, scope) in [
        ("everything", Scope { level: Some(Level::Everything(true)) }),
        ("controller", Scope { level: Some(Level::Controller("buehne".to_owned())) }),
        ("brand", brand("festival")),
    ] {
        let request =
            OptOutRequest { addresses: one(name), scopes: vec![scope], ..Default::default() };
        client.opt_out(request).await.unwrap();
    }
    let refused = WithdrawConsentRequest {
        addresses: one("refused"),
        scopes: vec![brand("festival")],
        ..Default::default()
    };
    client.withdraw_consent(refused).await.unwrap();
    for (name, cause) in [
        ("complaint", BlockCause::Complaint),
        ("request", BlockCause::OwnerRequest),
        ("staff", BlockCause::StaffDecision),
        ("bounce", BlockCause::HardBounce),
    ] {
        let request = BlockAddressesRequest {
            addresses: one(name),
            brands: vec!["festival".to_owned()],
            cause: cause.into(),
            reason: "as told".to_owned(),
            ..Default::default()
        };
        client.block_addresses(request).await.unwrap();
    }
    let names = [
        ("everything", Verdict::OptedOutEverything),
        ("controller", Verdict::OptedOutController),
        ("brand", Verdict::OptedOutBrand),
        ("refused", Verdict::Refused),
        ("complaint", Verdict::Complaint),
        ("request", Verdict::Blocked),
        ("staff", Verdict::Blocked),
        ("bounce", Verdict::HardBounce),
    ];
    let mut list = "email\n".to_owned();
    names.iter().for_each(|(name, _)| list += &format!("{name}@example.org\n"));
    let file = write(&dir, "all-say-yes.csv", &list);
    for scope in ["brand:festival", "topic:festival/newsletter"] {
        let map = "occurred_at=2";
        let dated = list.replace("org\n", "org,2026-01-01\n").replace("email\n", "email,when\n");
        std::fs::write(&file, dated).unwrap();
        let options = ["--commit", "--state", "granted", "--basis", "consent", "--scope", scope];
        let options = [&options[..], &["--source", "the last system", "--map", map]].concat();
        let head = revision(&channel).await;
        let done = report(&server, &file, &options);
        assert_eq!(done["states"][0]["refused"], names.len());
        assert_eq!(revision(&channel).await, head, "nothing is recorded");
    }
    for (name, expect) in names {
        assert_eq!(verdict(&channel, &one(name)[0]).await, expect, "{name}");
    }
    server.terminate();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_of_unsubscribed_addresses_is_imported_as_it_is() {
    let dir = TempDir::new().unwrap();
    let mut server = Server::new(&[]);
    let channel = server.start().await;
    let file = write(&dir, "unsubscribed.txt", "anna@example.org\nbert@example.org\n");
    let options = ["--state", "opted-out", "--scope", "brand:festival", "--commit"];
    let done = report(&server, &file, &options);
    assert_eq!(done["states"][0]["tightens"], 2);
    assert_eq!(verdict(&channel, "bert@example.org").await, Verdict::OptedOutBrand);
    let wrong = import(&server, &file, &["--state", "opted-out", "--scope", "brand:nobodys"]);
    assert_eq!(wrong.status.code(), Some(1));
    let both = file.to_str().unwrap();
    let itself = import(&server, &file, &["--state", "opted-out", "--rejects", both]);
    assert_eq!(itself.status.code(), Some(1));
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("anna"), "the file is not harmed");
    server.terminate();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_summary_goes_out_where_only_the_summary_is_wanted() {
    let dir = TempDir::new().unwrap();
    let mut server = Server::new(&[]);
    let channel = server.start().await;
    let file = write(&dir, "list.csv", "email\nanna@example.org\nnobody\nbert@example.org\n");
    let facts = write(&dir, "facts.csv", "email\nanna@example.org\nbert@example.org\n");
    let options = ["--state", "registered", "--scope", "controller:buehne", "--commit"];
    report(&server, &facts, &options);
    drop(channel);
    let filter = |options: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_maysend"))
            .args(["--server", &format!("unix:{}", server.socket().display()), "filter"])
            .args(["--brand", "festival", "--campaign", "2026-11-advent", "--summary-only"])
            .args(options)
            .arg(&file)
            .output()
            .unwrap()
    };
    let people = filter(&[]);
    assert_eq!(
        (String::from_utf8(people.stdout).unwrap(), people.stderr, people.status.code()),
        (
            "festival/2026-11-advent: 2 of 3 rows may be sent to, 1 not
  2  allowed  has not objected
  1  denied   not a valid e-mail address
  3  rows     1 has no valid address
"
            .to_owned(),
            Vec::new(),
            Some(0)
        )
    );
    let programs = filter(&["--format", "json"]);
    let document: Value = serde_json::from_slice(&programs.stdout).unwrap();
    assert_eq!(document["verdicts"]["VERDICT_ALLOWED_NO_OBJECTION"], 2);
    assert_eq!(document["verdicts"]["VERDICT_DENIED_INVALID_ADDRESS"], 1);
    assert_eq!((&document["allowed"], &document["complete"]), (&2.into(), &true.into()));
    assert!(programs.stderr.is_empty());
    server.terminate();
}
