//! How long does an owner wait? The pages of a real server over loopback, each on a connection of its
//! own as a browser's first one is, against the smallest answer that the same listener gives.

#![expect(clippy::unwrap_used, reason = "a bench that cannot read its own page has to stop")]

use std::fs;
use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use criterion::{Criterion, criterion_group, criterion_main};
use maysend::grpc::api::preference_service_client::PreferenceServiceClient;
use maysend::grpc::api::{Links, MintLinksRequest};
use maysend::server::{self, CHECKPOINT_RECORDS, Config, Limits, Running, Web};
use maysend::web::Privacy;
use tokio::runtime::Runtime;

const CATALOG: &str = include_str!("../examples/catalog.toml");

/// Owners, each with links.
const OWNERS: u32 = 10_000;

/// A server with its pages, on whichever ports are free.
async fn started(folder: &std::path::Path) -> Running {
    let catalog = folder.join("catalog.toml");
    fs::write(&catalog, CATALOG).unwrap();
    let free = || "127.0.0.1:0".parse().unwrap();
    let config = Config {
        data_dir: folder.join("store"),
        key_file: None,
        catalog,
        listen: free(),
        tls: None,
        credentials: None,
        limits: Limits::default(),
        public_url: None,
        web: Some(Web::new(free(), false, Privacy::default()).unwrap()),
        relay: None,
        accept_clock: false,
        checkpoint_records: CHECKPOINT_RECORDS,
    };
    server::start(config).await.unwrap()
}

async fn minted(server: &Running) -> Vec<Links> {
    let mut client = PreferenceServiceClient::connect(server.address().to_owned()).await.unwrap();
    let request = MintLinksRequest {
        brand: "festival".to_owned(),
        campaign: "2026-11-advent".to_owned(),
        addresses: (0..OWNERS).map(|owner| format!("owner{owner}@example.org")).collect(),
    };
    client.mint_links(request).await.unwrap().into_inner().links
}

/// One request on a connection of its own, to the end of its answer.
fn ask(host: &str, request: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(host).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::with_capacity(32 << 10);
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
    answer
}

fn pages(c: &mut Criterion) {
    let (runtime, folder) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
    let server = runtime.block_on(started(folder.path()));
    let links = runtime.block_on(minted(&server));
    let host = server.web_address().unwrap().strip_prefix("http://").unwrap().to_owned();
    let get =
        |path: &str| format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    let click = "List-Unsubscribe=One-Click";
    let one_click = |links: &Links| {
        format!(
            "POST /u/{} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\n\
             content-type: application/x-www-form-urlencoded\r\n\r\n{click}",
            links.unsubscribe_token,
            click.len()
        )
    };
    let clicks: Vec<String> = links.iter().map(one_click).collect();
    let links = links.first().unwrap();
    let mut group = c.benchmark_group("pages/first-response");
    for (name, request) in [
        ("smallest", get("/robots.txt")),
        ("unsubscribe", get(&format!("/u/{}", links.unsubscribe_token))),
        ("preferences", get(&format!("/p/{}", links.preferences_token))),
        ("requests", get(&format!("/p/{}/data", links.preferences_token))),
    ] {
        group.bench_function(name, |b| b.iter(|| black_box(ask(&host, &request))));
    }
    // Each from another owner: whoever clicks thousands of times is looked at more closely.
    let mut clicks = clicks.iter().cycle();
    group.bench_function("one-click, durable", |b| {
        b.iter(|| clicks.next().map(|click| black_box(ask(&host, click))));
    });
    group.finish();
    runtime.block_on(server.stop()).unwrap();
}

criterion_group!(benches, pages);
criterion_main!(benches);
