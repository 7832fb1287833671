//! SIGTERM with everything under way: who asks hears of it, what was begun is finished, what was
//! acknowledged is kept.

use std::time::Duration;

use maysend::grpc::api::change_service_client::ChangeServiceClient;
use maysend::grpc::api::{OptOutRequest, Scope, WatchRequest, scope::Level};
use maysend::grpc::codec::{AskBuffer, CheckAnswer};
use prost::Message as _;
use tokio::sync::oneshot;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_types::StatusExt as _;

use crate::process::{Server, consent, decision};
use crate::raw::call;

const OPT_OUT: &str = "maysend.v1.ConsentService/OptOut";

/// Less than calls under way are given to finish: who ends sooner was not waited out.
const SOON: Duration = Duration::from_secs(8);

fn opt_out(address: &str) -> OptOutRequest {
    OptOutRequest {
        addresses: vec![address.to_owned()],
        scopes: vec![Scope { level: Some(Level::Everything(true)) }],
        reason: "by phone".to_owned(),
        ..OptOutRequest::default()
    }
}

/// A call whose head is on the server and whose message comes when it is told to.
async fn begun(
    channel: &Channel,
    address: &str,
) -> (oneshot::Sender<()>, tokio::task::JoinHandle<Result<usize, Status>>) {
    let (send, told) = oneshot::channel::<()>();
    let message = opt_out(address).encode_to_vec();
    let (first, rest) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        if told.await.is_ok() {
            first.send(message.into()).await.unwrap();
        }
    });
    let channel = channel.clone();
    let called = tokio::spawn(async move {
        let answers = call(&channel, OPT_OUT, ReceiverStream::new(rest), &[]).await?;
        let answers: Vec<_> = answers.collect().await;
        answers.into_iter().collect::<Result<Vec<_>, _>>().map(|answers| answers.len())
    });
    (send, called)
}

/// Waits until so many calls of writes are under way.
async fn under_way(server: &Server, calls: usize) {
    let line = format!("maysend_calls_in_flight{{method=\"{OPT_OUT}\"}} {calls}\n");
    while !server.page("/metrics").1.contains(&line) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn says_draining(status: &Status) {
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    assert_eq!(status.get_details_error_info().unwrap().reason, "DRAINING");
    assert!(status.get_details_retry_info().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_under_way_is_told_or_finished() {
    let mut server = Server::new(&[]).with_admin();
    let channel = server.start().await;
    server.ready().await;
    assert!(server.page("/readyz").1.starts_with("ready at revision "));
    let head = |server: &Server| -> u64 {
        server.page("/readyz").1.trim().rsplit(' ').next().unwrap().parse().unwrap()
    };
    let before = head(&server);

    // One who follows, one who asks, one who watches the health, one who writes.
    let mut follower = ChangeServiceClient::new(channel.clone());
    let follow = WatchRequest { after_revision: before };
    let mut changes = follower.watch(follow).await.unwrap().into_inner();
    let (ask, asks) = tokio::sync::mpsc::channel(1);
    let mut question = AskBuffer::new("festival", "2026-11-advent", 0);
    question.push(b"ann@example.org");
    ask.send(question.take()).await.unwrap();
    let mut asker = decision(&channel);
    let mut answers = asker.check_stream(ReceiverStream::new(asks)).await.unwrap().into_inner();
    let answer: CheckAnswer = answers.next().await.unwrap().unwrap();
    assert_eq!(answer.verdicts.len(), 1);
    let request = HealthCheckRequest { service: String::new() };
    let mut health = HealthClient::new(channel.clone()).watch(request).await.unwrap().into_inner();
    let status = |answer: Option<Result<HealthCheckResponse, Status>>| {
        answer.unwrap().map(|answer| answer.status())
    };
    assert_eq!(status(health.next().await).unwrap(), ServingStatus::Serving);
    let (finish, written) = begun(&channel, "late@example.org").await;
    under_way(&server, 1).await;

    server.signal("-TERM");
    assert_eq!(status(health.next().await).unwrap(), ServingStatus::NotServing);
    says_draining(&status(health.next().await).unwrap_err());
    let (code, said) = server.page("/readyz");
    assert_eq!((code, said.starts_with("draining")), (503, true), "{said}");
    assert_eq!(server.page("/livez").0, 200);
    assert!(server.page("/metrics").1.contains("\nmaysend_serving 0\n"));
    says_draining(&answers.next().await.unwrap().unwrap_err());
    let last = loop {
        match changes.next().await.unwrap() {
            Ok(_) => {}
            Err(status) => break status,
        }
    };
    says_draining(&last);

    // What was begun is finished, and answered.
    finish.send(()).unwrap();
    assert_eq!(written.await.unwrap().unwrap(), 1);
    drop((ask, asker, follower, channel));
    let took = server.ended().await;
    assert!(took < SOON, "{took:?}: {}", server.log());
    let checkpoints: Vec<_> = std::fs::read_dir(server.data_dir()).unwrap().collect();
    let name = format!("checkpoint-{:020}", before + 1);
    let is_there =
        checkpoints.iter().any(|entry| entry.as_ref().unwrap().file_name().to_str() == Some(&name));
    assert!(is_there, "{name} is not in {checkpoints:?}");

    let channel = server.start().await;
    let again = consent(&channel).opt_out(opt_out("late@example.org")).await.unwrap().into_inner();
    assert_eq!(again.outcomes, [2], "it stands already");
    drop(channel);
    server.terminate();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_waits_for_no_call() {
    let mut server = Server::new(&[]).with_admin();
    let channel = server.start().await;
    server.ready().await;
    consent(&channel).opt_out(opt_out("early@example.org")).await.unwrap();
    let (_finish, written) = begun(&channel, "late@example.org").await;
    under_way(&server, 1).await;
    server.signal("-TERM");
    server.told("draining").await;
    server.signal("-TERM");
    let took = server.ended().await;
    assert!(took < SOON, "{took:?}: {}", server.log());
    assert!(server.log().contains("told to stop twice"), "{}", server.log());
    assert!(written.await.unwrap().is_err(), "it is cut off");
    let channel = server.start().await;
    let again = consent(&channel).opt_out(opt_out("early@example.org")).await.unwrap().into_inner();
    assert_eq!(again.outcomes, [2], "what was acknowledged stands");
    drop(channel);
    server.terminate();
}
