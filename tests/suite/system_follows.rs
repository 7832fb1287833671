//! A system follows the real binary: it resumes after the server was killed, is told when it stops,
//! and reads the same from a terminal.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use maysend::grpc::api::change_service_client::ChangeServiceClient;
use maysend::grpc::api::{
    Change, EventKind, OptOutRequest, Scope, WatchRequest, WatchResponse, scope::Level,
};
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt as _;

use crate::process::{Server, consent};

pub(crate) async fn watch(
    channel: &Channel,
    after_revision: u64,
) -> Result<Streaming<WatchResponse>, Status> {
    let mut client = ChangeServiceClient::new(channel.clone());
    Ok(client.watch(WatchRequest { after_revision }).await?.into_inner())
}

async fn opt_out(channel: &Channel, addresses: &[&str]) -> u64 {
    let request = OptOutRequest {
        addresses: addresses.iter().map(ToString::to_string).collect(),
        scopes: vec![Scope { level: Some(Level::Everything(true)) }],
        ..OptOutRequest::default()
    };
    consent(channel).opt_out(request).await.unwrap().into_inner().revision
}

/// What is told up to a revision.
pub(crate) async fn until(told: &mut Streaming<WatchResponse>, revision: u64) -> Vec<Change> {
    let mut changes = Vec::new();
    loop {
        let message = told.message().await.unwrap().unwrap();
        changes.extend(message.changes);
        if message.revision >= revision {
            return changes;
        }
    }
}

fn addresses(changes: &[Change]) -> Vec<&str> {
    changes.iter().map(|change| change.address.as_str()).collect()
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

#[tokio::test]
async fn a_follower_resumes_where_it_was_when_the_server_was_killed() {
    let mut server = Server::new(&[]);
    let channel = server.start().await;
    let first = opt_out(&channel, &["Ann@example.org", "bob@example.org"]).await;
    let mut told = watch(&channel, 0).await.unwrap();
    let changes = until(&mut told, first).await;
    assert_eq!(addresses(&changes), ["ann@example.org", "bob@example.org"]);
    let event = changes[0].event.clone().unwrap();
    assert_eq!(event.kind(), EventKind::OptedOut);
    assert_eq!(changes[0].subject.len(), 32);
    server.kill();
    assert!(told.message().await.is_err());

    let channel = server.start().await;
    let mut told = watch(&channel, first).await.unwrap();
    let second = opt_out(&channel, &["carl@example.org"]).await;
    assert_eq!(addresses(&until(&mut told, second).await), ["carl@example.org"]);
    let again = until(&mut watch(&channel, 0).await.unwrap(), second).await;
    assert_eq!(again.len(), 3);
    assert_eq!(again[..2], changes, "the same events, the same subjects");
    let beyond = watch(&channel, second + 1).await.unwrap_err();
    assert_eq!(beyond.code(), Code::InvalidArgument);
    let violations = beyond.get_details_bad_request().unwrap().field_violations;
    assert_eq!(violations[0].field, "after_revision");
}

#[tokio::test]
async fn a_server_that_stops_ends_every_call_and_waits_for_none() {
    let mut server = Server::new(&[]);
    let channel = server.start().await;
    let head = opt_out(&channel, &["ann@example.org"]).await;
    let mut waiting = watch(&channel, 0).await.unwrap();
    until(&mut waiting, head).await;
    let ended = tokio::spawn(async move { waiting.message().await });
    let began = Instant::now();
    tokio::task::spawn_blocking(move || server.terminate()).await.unwrap();
    // Calls that do not end are waited for 10 s.
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    let status = ended.await.unwrap().unwrap_err();
    assert_eq!((status.code(), &*reason(&status)), (Code::Unavailable, "DRAINING"));
}

#[tokio::test]
async fn a_call_too_many_is_told_to_come_back() {
    let mut server = Server::new(&[]);
    let channel = server.start().await;
    let mut open = Vec::new();
    let refused = loop {
        match watch(&channel, 0).await {
            Ok(told) => open.push(told),
            Err(status) => break status,
        }
    };
    assert_eq!(open.len(), 64);
    assert_eq!((refused.code(), &*reason(&refused)), (Code::Unavailable, "OVERLOADED"));
    open.pop();
    // The server learns of the end of a call by a frame behind those of this one.
    let mut tries = 0;
    while watch(&channel, 0).await.is_err() {
        tries += 1;
        assert!(tries < 1_000, "the place of a call that has ended stays taken");
    }
}

fn terminal(server: &Server, more: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_maysend"))
        .args(["--server", &format!("unix:{}", server.socket().display()), "watch"])
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn talk(child: &mut Child) -> String {
    let mut talk = String::new();
    child.stderr.take().unwrap().read_to_string(&mut talk).unwrap();
    talk
}

#[tokio::test]
async fn a_terminal_gets_an_object_a_line_and_where_to_go_on() {
    let mut server = Server::new(&[]);
    let channel = server.start().await;
    let head = opt_out(&channel, &["ann@example.org", "bob@example.org"]).await;
    let mut child = terminal(&server, &["--after", &(head - 1).to_string()]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(line["address"], "bob@example.org");
    assert_eq!(line["event"]["kind"], "EVENT_KIND_OPTED_OUT");
    assert_eq!(line["event"]["scopes"][0], "everything");
    assert!(
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success()
    );
    let said = talk(&mut child);
    assert!(said.contains(&format!("--after {head}")), "{said}");
    assert_eq!(child.wait().unwrap().code(), Some(0), "{said}");

    let mut child = terminal(&server, &[]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("ann@example.org"));
    // Not on this thread: our own connection has to hear of it.
    tokio::task::spawn_blocking(move || server.terminate()).await.unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let said = talk(&mut child);
    assert!(said.contains("DRAINING") && said.contains(&format!("--after {head}")), "{said}");
}
