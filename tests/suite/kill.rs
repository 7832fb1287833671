//! `kill -9` at random moments under concurrent writers that keep their own list of what was
//! acknowledged: none of it is ever lost, nothing is ever half-done.
//!
//! MAYSEND_KILL_CYCLES says how many times; the seed is printed.

use std::collections::HashMap;
use std::time::Duration;

use maysend::grpc::api::{OptOutRequest, OptOutResponse, Scope, TopicRef, scope::Level};
use maysend::grpc::codec::AskBuffer;
use maysend::model::verdict::Verdict;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tonic::transport::Channel;

use crate::process::{Server, consent, decision};

const WRITERS: usize = 8;

/// A write of one writer: two addresses, so that a call that is half-done shows.
#[derive(Debug, Clone)]
struct Call {
    request: OptOutRequest,
    /// The response, once it was acknowledged.
    response: Option<OptOutResponse>,
}

impl Call {
    fn new(cycle: usize, writer: usize, number: usize) -> Self {
        let name = format!("c{cycle}w{writer}n{number}");
        let topic = TopicRef { brand: "festival".to_owned(), topic: "newsletter".to_owned() };
        let request = OptOutRequest {
            addresses: vec![format!("{name}-a@example.org"), format!("{name}-b@example.org")],
            scopes: vec![Scope { level: Some(Level::Topic(topic)) }],
            reason: "by phone".to_owned(),
            evidence: None,
            request_id: name,
        };
        Self { request, response: None }
    }
}

/// Writes until the server is gone; gives back every call, acknowledged or not.
async fn write(channel: Channel, cycle: usize, writer: usize) -> Vec<Call> {
    let mut client = consent(&channel);
    let mut calls = Vec::new();
    loop {
        let mut call = Call::new(cycle, writer, calls.len());
        match client.opt_out(call.request.clone()).await {
            Ok(response) => call.response = Some(response.into_inner()),
            Err(_) => {
                calls.push(call);
                return calls;
            }
        }
        calls.push(call);
    }
}

/// The verdict of every address of the calls.
async fn verdicts(channel: &Channel, calls: &[Call]) -> HashMap<String, u8> {
    let addresses: Vec<&String> = calls.iter().flat_map(|call| &call.request.addresses).collect();
    let mut client = decision(channel);
    let mut verdicts = HashMap::new();
    for chunk in addresses.chunks(10_000) {
        let mut ask = AskBuffer::new("festival", "2026-11-advent", 0);
        for address in chunk {
            ask.push(address.as_bytes());
        }
        let answer = client.check(ask.take()).await.unwrap().into_inner();
        verdicts.extend(chunk.iter().map(|a| (*a).clone()).zip(answer.verdicts));
    }
    verdicts
}

/// What is acknowledged is in force; what is not is there whole or not at all.
async fn verify(channel: &Channel, calls: &[Call]) -> usize {
    let verdicts = verdicts(channel, calls).await;
    let mut acknowledged = 0;
    for call in calls {
        let [a, b] = &call.request.addresses[..] else { panic!("two addresses") };
        let (a, b) = (verdicts[a], verdicts[b]);
        assert_eq!(a, b, "half-done: {call:?}");
        if call.response.is_some() {
            assert_eq!(a, Verdict::OptedOutTopic.code(), "lost: {call:?}");
            acknowledged += 1;
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_write_is_lost_when_the_server_is_killed() {
    let cycles = std::env::var("MAYSEND_KILL_CYCLES").map_or(200, |text| text.parse().unwrap());
    let seed: u64 = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    // Checkpoints every few hundred records, so that kills fall into them too.
    let mut server = Server::new(&["--checkpoint-records", "500"]);
    let mut calls: Vec<Call> = Vec::new();
    let mut repeated = 0;
    for cycle in 0..cycles {
        let channel = server.start().await;
        verify(&channel, &calls).await;
        // The last calls again: the acknowledged get the first response, the others go through.
        let from = calls.len().saturating_sub(WRITERS);
        for call in &mut calls[from..] {
            let response = consent(&channel).opt_out(call.request.clone()).await.unwrap();
            let response = response.into_inner();
            if let Some(first) = call.response.replace(response.clone()) {
                assert_eq!(first, response, "the first response holds");
                repeated += 1;
            }
        }
        let writers: Vec<_> =
            (0..WRITERS).map(|w| tokio::spawn(write(channel.clone(), cycle, w))).collect();
        tokio::time::sleep(Duration::from_millis(random.random_range(0..80))).await;
        server.kill();
        for writer in writers {
            calls.extend(writer.await.unwrap());
        }
    }
    let channel = server.start().await;
    let acknowledged = verify(&channel, &calls).await;
    server.terminate();
    println!(
        "kill -9: {cycles} cycles, {} calls, {acknowledged} acknowledged, 0 lost, {repeated} \
         repeats answered alike (seed {seed})",
        calls.len()
    );
    assert!(acknowledged > 0, "nothing was acknowledged: the test tests nothing");
}
