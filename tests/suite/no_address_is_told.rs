//! Canaries: every field of every call holds an address, and neither log nor metrics nor health
//! pages hold anything of it afterwards.

use tonic::Code;

use crate::process::Server;
use crate::raw::{Api, answers};

/// What an address of ours looks like, and what is no address but looks like one.
const CANARIES: [&str; 5] = [
    "kanarienvogel@vogelhaus.example",
    "Kanarienvogel+gelb@VOGELHAUS.example",
    "kanarienvogel@@vogelhaus",
    "kanarienvogel @vogelhaus.example",
    "\"kanarienvogel\"@[vogelhaus]",
];

/// What of them must be nowhere, in lower case.
const PARTS: [&str; 2] = ["kanarienvogel", "vogelhaus"];

/// The lines that hold a part of a canary.
fn leaks(text: &str) -> Vec<&str> {
    let holds = |line: &&str| PARTS.iter().any(|part| line.to_lowercase().contains(part));
    text.lines().filter(holds).collect()
}

/// What makes a call succeed, by the name of the field; the rest is addresses.
fn fitting(field: &str, canary: &str) -> String {
    match field {
        "brand" | "brands" => "festival",
        "campaign" | "id" => "2026-11-advent",
        "topic" => "newsletter",
        "controller" | "controllers" => "buehne",
        "reason" | "explanation" => "as the paper says",
        "source" | "wording" | "document_ref" | "version" => "paper 7",
        "language" => "en",
        "ip" => "192.0.2.7",
        "request_id" | "page_token" | "user_agent" => "",
        _ => canary,
    }
    .to_owned()
}

/// Calls everything on a server that logs all it can; what it has told anybody who looks on.
async fn told_by_a_server(format: &str) -> String {
    let options = ["--log", "trace", "--log-format", format];
    let mut server = Server::new(&options).with_admin();
    let channel = server.start().await;
    let api = Api::new();
    let mut told = String::new();
    let (mut succeeded, mut seen) = (0, Vec::new());
    for method in api.methods() {
        let name = &*method.name;
        for canary in CANARIES {
            let id = canary.replace(' ', "");
            let headers = [("x-request-id", &*id), ("traceparent", &*id), ("user-agent", &*id)];
            let everywhere = api.request(&method, &|_| canary.to_owned());
            let cut = everywhere.slice(..everywhere.len() / 2);
            let fit = api.request(&method, &|field| fitting(field, canary));
            let tricky = [("maysend-actor", "Frau Maier"), ("x-request-id", &*id)];
            let actor = [("maysend-actor", canary)];
            for (message, headers) in [
                (everywhere, &headers[..]),
                (cut, &tricky[..]),
                (fit.clone(), &tricky[..]),
                (fit, &actor[..]),
            ] {
                let (answers, status) = answers(&channel, name, message, headers, 1).await;
                succeeded += usize::from(status.is_none() && !answers.is_empty());
                seen.extend(answers);
                assert_ne!(status.map(|status| status.code()), Some(Code::Unimplemented), "{name}");
            }
        }
    }
    // The calls did carry it: answers of status and history do.
    assert!(seen.iter().any(|answer| !leaks(&String::from_utf8_lossy(answer)).is_empty()));
    assert!(succeeded > 40, "{succeeded} calls succeeded");
    let (status, metrics) = server.page("/metrics");
    assert_eq!(status, 200);
    for method in api.methods() {
        let of_method = |line: &&str| {
            line.starts_with("maysend_calls_total")
                && line.contains(&format!("\"{}\"", method.name))
        };
        let counts = metrics.lines().filter(of_method).filter_map(|line| line.split(' ').nth(1));
        let count: u32 = counts.map(|count| count.parse::<u32>().unwrap()).sum();
        assert_eq!(count, 20, "calls of {}", method.name);
    }
    for page in ["/livez", "/readyz", "/kanarienvogel", "/metrics?kanarienvogel@vogelhaus"] {
        told += &server.page(page).1;
    }
    told += &metrics;
    drop(channel);
    server.terminate();
    let log = server.log();
    assert!(log.lines().count() > 20 * api.methods().len(), "each call is told:\n{log}");
    assert!(log.contains("DEBUG") && log.contains("maysend.v1.DecisionService/CheckStream"));
    told + &server.stdout() + &log
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_log_nor_metrics_nor_pages_hold_an_address() {
    for format in ["text", "json"] {
        let told = told_by_a_server(format).await;
        let leaks = leaks(&told);
        println!("canaries, {format}: {} leaks in {} octets", leaks.len(), told.len());
        assert_eq!(leaks, Vec::<&str>::new());
    }
}

#[test]
fn a_leak_would_be_found() {
    assert_eq!(leaks("a\nb KANARIENVOGEL c\nd"), ["b KANARIENVOGEL c"]);
    assert_eq!(leaks("host=vogelhaus.example"), ["host=vogelhaus.example"]);
}
