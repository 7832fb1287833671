//! An import that is killed over and over, now the client and now the server, and resumed by
//! running it again: what it leaves is what an undisturbed run leaves.
//!
//! MAYSEND_IMPORT_ROWS says how many rows the file has; the seed is printed.

use std::fmt::Write as _;
use std::io::Read as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use maysend::grpc::api::{
    Evidence, GetHistoryResponse, GetStatusResponse, LegalBasis, Method, RecordConsentRequest,
    TopicRef,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;

const ROWS: usize = 100_000;

/// Each a kill: of the client, of the server.
const KILLS: [Kill; 6] =
    [Kill::Client, Kill::Server, Kill::Client, Kill::Server, Kill::Server, Kill::Client];

/// Addresses whose status and history are compared, besides everybody's verdicts.
const LOOKED_AT: usize = 1_000;

const CAMPAIGNS: [(&str, &str); 4] = [
    ("festival", "2026-11-advent"),
    ("festival", "2026-brochure"),
    ("stadttheater", "2026-27-spielzeit"),
    ("seeblick", "2026-renewal"),
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kill {
    Client,
    Server,
}

/// Three rows of four have an address of their own; the fourth says more of an earlier one, near by
/// or far behind.
fn who(row: usize) -> usize {
    if row % 8 == 7 {
        row / 2
    } else if row % 4 == 3 {
        row - 2
    } else {
        row
    }
}

fn address(number: usize) -> String {
    format!("recipient-{number}@example.org")
}

/// What the row says: every state, and now and then nonsense.
fn facts(row: usize) -> &'static str {
    const FACTS: [&str; 16] = [
        "granted;topic:festival/newsletter;consent;fair;2024-05-31;",
        "granted;topic:stadttheater/abonnement;existing-customer;shop;2025-01-01T10:00:00Z;",
        "granted;brand:festival;consent;web;2023-12-31;",
        "opted-out;topic:festival/newsletter;;;;",
        "registered;controller:buehne;;;;",
        "granted;topic:seeblick/angebote;consent;hotel;2025-11-30;",
        "opted-out;everything;;;;",
        "granted;topic:festival/newsletter;consent;web;2025-03-03;",
        "blocked;brand:stadttheater;;;;\"fraud; twice\"",
        "refused;brand:festival;;;2025-02-02;by phone",
        "granted;topic:festival/newsletter;consent;;2024-05-31;",
        "granted;topic:festival/newsletter;existing-customer;shop;2024-05-31;",
        "registered;controller:hotels;;;;",
        "granted;brand:seeblick;consent;hotel;2025-10-10;",
        "opted-out;controller:hotels;;;;left",
        "granted;topic:festival/programm;consent;web;2025-05-05;",
    ];
    FACTS[row * 7 % 16]
}

fn list(rows: usize) -> String {
    let mut list = "email;state;scope;basis;source;occurred_at;reason\n".to_owned();
    for row in 0..rows {
        writeln!(list, "{};{}", address(who(row)), facts(row)).unwrap();
    }
    list
}

/// What stands for an address, and what was recorded for it: all but revisions and instants of
/// recording.
#[derive(Debug, PartialEq)]
struct Known {
    status: GetStatusResponse,
    history: GetHistoryResponse,
}

async fn known(channel: &Channel, address: &str) -> Known {
    let mut client = consent(channel);
    let address = address.to_owned();
    let about = GetStatusRequest { address: address.clone(), at_least_revision: 0 };
    let mut status = client.get_status(about).await.unwrap().into_inner();
    status.revision = 0;
    status.consents.iter_mut().for_each(|consent| consent.event = None);
    status.opt_outs.iter_mut().for_each(|opt_out| opt_out.event = None);
    status.blocks.iter_mut().for_each(|block| block.event = None);
    let about = GetHistoryRequest { address, ..Default::default() };
    let mut history = client.get_history(about).await.unwrap().into_inner();
    for event in &mut history.events {
        (event.revision, event.recorded_at) = (0, None);
    }
    Known { status, history }
}

/// The most memory that a process has had, in KiB; none once it is gone.
fn peak(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Runs an import to its end; gives back its time and its peak of memory.
fn measured(server: &Server, file: &Path) -> (Duration, u64) {
    let begun = Instant::now();
    let mut child = command(server, file, &["--commit"]).stdout(Stdio::null()).spawn().unwrap();
    let mut most = 0;
    let status = loop {
        most = peak(child.id()).unwrap_or(0).max(most);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success());
    (begun.elapsed(), most)
}

/// The time that plain consents of the same addresses take, in the largest calls there are.
async fn baseline(rows: usize) -> Duration {
    let mut server = Server::new(&[]);
    let channel = server.start().await;
    let topic = TopicRef { brand: "festival".to_owned(), topic: "newsletter".to_owned() };
    let addresses: Vec<String> = (0..rows).map(|row| address(who(row))).collect();
    let begun = Instant::now();
    for (call, addresses) in addresses.chunks(10_000).enumerate() {
        let evidence = Evidence {
            method: Method::Import.into(),
            source: format!("call {call}"),
            occurred_at: Some(prost_types::Timestamp { seconds: 1_717_113_600, nanos: 0 }),
            ..Evidence::default()
        };
        let request = RecordConsentRequest {
            addresses: addresses.to_vec(),
            scopes: vec![Scope { level: Some(Level::Topic(topic.clone())) }],
            legal_basis: LegalBasis::Consent.into(),
            evidence: Some(evidence),
            request_id: String::new(),
        };
        consent(&channel).record_consent(request).await.unwrap();
    }
    let took = begun.elapsed();
    server.terminate();
    took
}

/// Waits until the server has recorded so much, or the client has ended.
async fn reaches(channel: &Channel, target: u64, client: &mut Child) {
    while revision(channel).await < target && client.try_wait().unwrap().is_none() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_killed_and_resumed_leaves_what_an_undisturbed_one_leaves() {
    let rows = std::env::var("MAYSEND_IMPORT_ROWS").map_or(ROWS, |text| text.parse().unwrap());
    let seed: u64 = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    let dir = TempDir::new().unwrap();
    let file = write(&dir, "contacts.csv", &list(rows));

    // Undisturbed.
    let mut calm = Server::new(&[]);
    let calm_channel = calm.start().await;
    let (took, client_peak) = measured(&calm, &file);
    let server_peak = peak(calm.id()).unwrap();
    let begun = Instant::now();
    let again = report(&calm, &file, &["--commit"]);
    let again_took = begun.elapsed();
    assert_eq!((&again["recorded"], &again["rows"]), (&0.into(), &rows.into()), "all stay");
    let recorded = revision(&calm_channel).await;

    // Killed on its way, again and again.
    let mut server = Server::new(&["--checkpoint-records", "20000"]);
    let mut channel = server.start().await;
    let mut landed = [0, 0];
    for (i, kill) in (0..).zip(KILLS) {
        let steps = u64::try_from(KILLS.len()).unwrap() + 1;
        let target = recorded * (i + 1) / steps + random.random_range(0..recorded / steps);
        // Never before this run has come further than the last.
        let target = target.max(revision(&channel).await + 1);
        let mut client = command(&server, &file, &["--commit"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        reaches(&channel, target, &mut client).await;
        match kill {
            Kill::Client => {
                client.kill().unwrap();
                let status = client.wait().unwrap();
                landed[0] += usize::from(status.code().is_none());
            }
            Kill::Server => {
                server.kill();
                let mut talk = String::new();
                client.stderr.take().unwrap().read_to_string(&mut talk).unwrap();
                let status = client.wait().unwrap();
                if status.code() != Some(0) {
                    assert_eq!(status.code(), Some(1), "{talk}");
                    assert!(talk.contains("NOT COMPLETE"), "{talk}");
                    landed[1] += 1;
                }
                channel = server.start().await;
            }
        }
    }
    assert!(landed[0] > 0 && landed[1] > 0, "no kill met the import on its way: {landed:?}");
    let last = report(&server, &file, &["--commit"]);
    assert_eq!(last["complete"], true);
    let again = report(&server, &file, &["--commit"]);
    assert_eq!(again["recorded"], 0, "all stay");

    // The same, whoever is asked.
    let everybody: Vec<String> = (0..rows).map(address).collect();
    for campaign in CAMPAIGNS {
        let calm = verdicts(&calm_channel, campaign, &everybody).await;
        let killed = verdicts(&channel, campaign, &everybody).await;
        assert!(calm == killed, "{campaign:?}");
        let allowed = calm.iter().filter(|code| **code >= Verdict::FIRST_ALLOWED).count();
        assert!(0 < allowed && allowed < rows, "{campaign:?}: {allowed} of {rows}");
    }
    for step in 0..LOOKED_AT {
        let name = &everybody[step * rows / LOOKED_AT];
        assert_eq!(known(&calm_channel, name).await, known(&channel, name).await, "{name}");
    }
    calm.terminate();
    server.terminate();
    let per_second =
        |took: Duration| (f64::from(u32::try_from(rows).unwrap()) / took.as_secs_f64()).round();
    let (import, base) = (per_second(took), per_second(baseline(rows).await));
    println!(
        "import: {rows} rows at {import} rows/s ({:.2} of plain consents in the same run, \
         {base}/s), again at {} rows/s; peak memory: client {} MiB, server {} MiB; killed {} \
         times as client and {} times as server, same state (seed {seed})",
        import / base,
        per_second(again_took),
        client_peak / 1024,
        server_peak / 1024,
        landed[0],
        landed[1],
    );
}
