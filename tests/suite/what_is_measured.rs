//! The numbers of the metrics are those of what was done, and the admin port keeps to its pages.

use std::time::Duration;

use bytes::Bytes;
use maysend::grpc::api::change_service_client::ChangeServiceClient;
use maysend::grpc::api::{CheckRequest, OptOutRequest, Scope, WatchRequest, scope::Level};
use prost::Message as _;
use tokio_stream::StreamExt as _;
use tonic::Code;

use crate::process::{Server, consent};
use crate::raw::answers;

const CHECK: &str = "maysend.v1.DecisionService/Check";

fn value(metrics: &str, series: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{metrics}")).parse().unwrap()
}

fn question(brand: &str, addresses: &[&str]) -> Bytes {
    let addresses = addresses.iter().map(ToString::to_string).collect();
    let (brand, campaign) = (brand.to_owned(), "2026-11-advent".to_owned());
    CheckRequest { brand, campaign, addresses, at_least_revision: 0 }.encode_to_vec().into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_is_what_is_measured() {
    let mut server = Server::new(&[]).with_admin();
    let channel = server.start().await;
    server.ready().await;
    let before = server.page("/metrics").1;
    let opt_out = OptOutRequest {
        addresses: vec!["ann@example.org".to_owned(), "nobody".to_owned()],
        scopes: vec![Scope { level: Some(Level::Everything(true)) }],
        reason: "by phone".to_owned(),
        ..OptOutRequest::default()
    };
    consent(&channel).opt_out(opt_out.clone()).await.unwrap();
    consent(&channel).opt_out(opt_out).await.unwrap();
    let asked = ["ann@example.org", "bob@example.org", "bob@example.org", "nobody"];
    answers(&channel, CHECK, question("festival", &asked), &[], 1).await;
    let (_, refused) = answers(&channel, CHECK, question("none", &asked), &[], 1).await;
    assert_eq!(refused.unwrap().code(), Code::NotFound);
    // One who was told everything, and one who does not take what he is told.
    let mut follower = ChangeServiceClient::new(channel.clone());
    let mut all = follower.watch(WatchRequest { after_revision: 0 }).await.unwrap().into_inner();
    assert!(all.next().await.unwrap().is_ok());

    let metrics = server.page("/metrics").1;
    let is = |series: &str, number: f64| assert_eq!(value(&metrics, series), number, "{series}");
    let grew = |series: &str, by: f64| {
        assert_eq!(value(&metrics, series) - value(&before, series), by, "{series}");
    };
    is("maysend_serving", 1.0);
    is("maysend_latched", 0.0);
    is("maysend_watches", 1.0);
    is("maysend_watch_lag_revisions", 0.0);
    grew("maysend_written_addresses_total{outcome=\"APPLIED\"}", 1.0);
    grew("maysend_written_addresses_total{outcome=\"UNCHANGED\"}", 1.0);
    grew("maysend_written_addresses_total{outcome=\"REJECTED_INVALID_ADDRESS\"}", 2.0);
    grew("maysend_checked_addresses_total{verdict=\"DENIED_OPTED_OUT_EVERYTHING\"}", 1.0);
    grew("maysend_checked_addresses_total{verdict=\"DENIED_UNKNOWN_ADDRESS\"}", 2.0);
    grew("maysend_checked_addresses_total{verdict=\"DENIED_INVALID_ADDRESS\"}", 1.0);
    grew("maysend_check_duration_seconds_count", 1.0);
    grew("maysend_check_addresses_sum", 4.0);
    grew("maysend_ledger_fsync_duration_seconds_count", 1.0);
    grew("maysend_ledger_group_records_sum", 1.0);
    grew("maysend_head_revision", 1.0);
    grew("maysend_index_addresses", 1.0);
    is(&format!("maysend_calls_total{{method=\"{CHECK}\",code=\"OK\"}}"), 1.0);
    is(&format!("maysend_calls_total{{method=\"{CHECK}\",code=\"NOT_FOUND\"}}"), 1.0);
    is(&format!("maysend_call_duration_seconds_count{{method=\"{CHECK}\"}}"), 2.0);
    is("maysend_calls_in_flight{method=\"maysend.v1.ChangeService/Watch\"}", 1.0);
    is("maysend_ledger_segments", 1.0);
    let octets: u64 = std::fs::read_dir(server.data_dir().join("ledger"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert_eq!(value(&metrics, "maysend_ledger_bytes"), f64::from(u32::try_from(octets).unwrap()));
    assert!(value(&metrics, "process_resident_memory_bytes") > 1e6);
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let started = value(&metrics, "process_start_time_seconds");
    assert!((now.as_secs_f64() - started).abs() < 120.0, "{started}");

    // A call whose client goes is over, and says so.
    drop((all, follower));
    let cancelled =
        "maysend_calls_total{method=\"maysend.v1.ChangeService/Watch\",code=\"CANCELLED\"} 1\n";
    while !server.page("/metrics").1.contains(cancelled) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(value(&server.page("/metrics").1, "maysend_watches"), 0.0);
    drop(channel);
    server.terminate();
}

#[tokio::test]
async fn calls_that_find_no_place_are_counted() {
    let mut server = Server::new(&["--max-calls", "1"]).with_admin();
    let channel = server.start().await;
    let mut follower = ChangeServiceClient::new(channel.clone());
    let (mut held, mut refused) = (Vec::new(), 0);
    for _ in 0..12 {
        match follower.watch(WatchRequest { after_revision: 0 }).await {
            Ok(stream) => held.push(stream),
            Err(status) => {
                assert_eq!(status.code(), Code::ResourceExhausted);
                refused += 1;
            }
        }
    }
    assert!(!held.is_empty() && refused > 0, "{} held", held.len());
    let metrics = server.page("/metrics").1;
    let watch = "method=\"maysend.v1.ChangeService/Watch\"";
    let counted = format!("maysend_calls_total{{{watch},code=\"RESOURCE_EXHAUSTED\"}}");
    assert_eq!(value(&metrics, &counted), f64::from(refused));
    drop((held, follower, channel));
    server.terminate();
}

#[tokio::test]
async fn the_admin_port_has_its_pages_and_no_others() {
    let mut server = Server::new(&[]).with_admin();
    let channel = server.start().await;
    server.ready().await;
    assert_eq!(server.page("/livez"), (200, "alive\n".to_owned()));
    assert_eq!(server.page("/readyz").0, 200);
    assert_eq!(server.page("/metrics/").0, 404);
    assert_eq!(server.page("/debug/pprof").0, 404);
    assert_eq!(server.ask("HEAD", "/metrics"), (200, String::new()));
    for method in ["POST", "PUT", "DELETE", "CONNECT"] {
        assert_ne!(server.ask(method, "/metrics").0, 200, "{method}");
    }
    drop(channel);
    server.terminate();
}
