//! A filter whose server is killed midway: it says how far it came, what it has written is right as
//! far as it goes, and after a restart the same filter completes by what was acknowledged.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use maysend::grpc::api::{OptOutRequest, RegisterAddressesRequest, Scope, TopicRef, scope::Level};
use tempfile::TempDir;
use tokio::sync::Barrier;
use tonic::transport::Channel;

use crate::process::{Server, consent};

const ROWS: usize = 400_000;

/// Octets of allowed rows after which the server is killed: a few chunks of them.
const KILLED_AFTER: usize = 300_000;

/// Writers that opt rows out while the list is filtered, and the calls of each.
const WRITERS: usize = 4;
const CALLS: usize = 2_300;

fn address(row: usize) -> String {
    format!("recipient-{row}@example.org")
}

/// A third of the list is nobody's customer, a seventh of the others has opted out.
fn is_registered(row: usize) -> bool {
    !row.is_multiple_of(3)
}

fn has_opted_out(row: usize) -> bool {
    row.is_multiple_of(7)
}

/// The rows that one call of a writer opts out: two, so that half a call shows. No two calls share
/// a row, and before its call each is allowed: 42 is divided by 3 and by 7.
fn pair(writer: usize, call: usize) -> [usize; 2] {
    let base = 42 * (writer * CALLS + call);
    [base + 1, base + 2]
}

fn newsletter() -> Scope {
    let topic = TopicRef { brand: "festival".to_owned(), topic: "newsletter".to_owned() };
    Scope { level: Some(Level::Topic(topic)) }
}

fn opt_out(addresses: Vec<String>, request_id: &str) -> OptOutRequest {
    OptOutRequest {
        addresses,
        scopes: vec![newsletter()],
        reason: "by phone".to_owned(),
        evidence: None,
        request_id: request_id.to_owned(),
    }
}

/// Writes the facts of the list, all acknowledged.
async fn load(channel: &Channel) {
    let rows: Vec<usize> = (0..ROWS).collect();
    let mut client = consent(channel);
    for chunk in rows.chunks(10_000) {
        let of = |wanted: fn(usize) -> bool| -> Vec<String> {
            chunk.iter().filter(|row| wanted(**row)).map(|row| address(*row)).collect()
        };
        let register = RegisterAddressesRequest {
            addresses: of(is_registered),
            controllers: vec!["buehne".to_owned()],
            source: "shop".to_owned(),
            ..RegisterAddressesRequest::default()
        };
        client.register_addresses(register).await.unwrap();
        client.opt_out(opt_out(of(has_opted_out), "")).await.unwrap();
    }
}

/// Opts pairs out until the server is gone; gives back how many calls were acknowledged. After the
/// first it meets the others.
async fn write(channel: Channel, writer: usize, under_way: Arc<Barrier>) -> usize {
    let mut client = consent(&channel);
    for call in 0..CALLS {
        let addresses = pair(writer, call).map(address).to_vec();
        let request = opt_out(addresses, &format!("w{writer}c{call}"));
        if client.opt_out(request).await.is_err() {
            return call;
        }
        if call == 0 {
            under_way.wait().await;
        }
    }
    CALLS
}

/// What one run of the filter has left.
struct Filtered {
    code: Option<i32>,
    stderr: String,
    allowed: String,
    rejected: String,
}

/// Runs `maysend filter` on the list; `midway` is called once it has written some allowed rows.
fn filter(server: &mut Server, dir: &Path, midway: impl FnOnce(&mut Server)) -> Filtered {
    let rejected = dir.join("rejected");
    let mut process = Command::new(env!("CARGO_BIN_EXE_maysend"))
        .args(["--server", &format!("unix:{}", server.socket().display()), "filter"])
        .args(["--brand", "festival", "--campaign", "2026-11-advent", "--rejected"])
        .arg(&rejected)
        .arg(dir.join("list"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = process.stdout.take().unwrap();
    let mut stderr = process.stderr.take().unwrap();
    let talk = std::thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).unwrap();
        text
    });
    let mut allowed = vec![0; KILLED_AFTER];
    stdout.read_exact(&mut allowed).unwrap();
    midway(server);
    stdout.read_to_end(&mut allowed).unwrap();
    let code = process.wait().unwrap().code();
    let allowed = String::from_utf8(allowed).unwrap();
    let rejected = std::fs::read_to_string(rejected).unwrap();
    Filtered { code, stderr: talk.join().unwrap(), allowed, rejected }
}

impl Filtered {
    /// The rows that were allowed and those that were rejected, each in the order of the list.
    fn rows(&self) -> (Vec<usize>, Vec<usize>) {
        let row = |line: &str| -> Option<usize> {
            line.strip_prefix("recipient-")?.split('@').next()?.parse().ok()
        };
        let allowed = self.allowed.lines().map(|line| {
            let row = row(line).unwrap();
            assert_eq!(line, address(row), "an allowed row is written as it came");
            row
        });
        (allowed.collect(), self.rejected.lines().filter_map(row).collect())
    }

    /// The numbers of `NOT COMPLETE: n rows were read, n decided and written (n allowed)`.
    fn told(&self) -> [usize; 3] {
        let line = self.stderr.lines().find(|line| line.contains("NOT COMPLETE")).unwrap();
        let digits = |word: &str| word.replace([',', '(', '.'], "").parse().ok();
        let numbers: Vec<usize> = line.split(' ').filter_map(digits).collect();
        numbers.try_into().unwrap_or_else(|numbers| panic!("{numbers:?} in {line}"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_whose_server_is_killed_has_written_a_right_prefix() {
    let dir = TempDir::new().unwrap();
    let mut list = String::new();
    (0..ROWS).for_each(|row| writeln!(list, "{}", address(row)).unwrap());
    std::fs::File::create(dir.path().join("list")).unwrap().write_all(list.as_bytes()).unwrap();
    let mut server = Server::new(&["--checkpoint-records", "100000"]);
    let channel = server.start().await;
    load(&channel).await;

    // Killed midway, with writes under way.
    let under_way = Arc::new(Barrier::new(WRITERS + 1));
    let writer = |writer| tokio::spawn(write(channel.clone(), writer, under_way.clone()));
    let writers: Vec<_> = (0..WRITERS).map(writer).collect();
    under_way.wait().await;
    drop(channel);
    let (path, mut running) = (dir.path().to_owned(), server);
    let filtering = tokio::task::spawn_blocking(move || {
        let first = filter(&mut running, &path, Server::kill);
        (running, first)
    });
    let (mut server, first) = filtering.await.unwrap();
    let mut acknowledged = HashSet::new();
    let mut begun = HashSet::new();
    let mut calls = 0;
    for (writer, handle) in writers.into_iter().enumerate() {
        let done = handle.await.unwrap();
        calls += done;
        acknowledged.extend((0..done).flat_map(|call| pair(writer, call)));
        begun.extend((0..CALLS.min(done + 1)).flat_map(|call| pair(writer, call)));
    }
    assert_eq!(first.code, Some(1), "{}", first.stderr);
    let [read, decided, allowed_told] = first.told();
    let (allowed, rejected) = first.rows();
    assert!(0 < decided && decided < ROWS && read >= decided, "{}", first.stderr);
    assert_eq!((allowed.len(), allowed.len() + rejected.len()), (allowed_told, decided));
    let before = |row: usize| is_registered(row) && !has_opted_out(row);
    let allowed_set: HashSet<usize> = allowed.iter().copied().collect();
    let mut prefix = [&allowed[..], &rejected[..]].concat();
    prefix.sort_unstable();
    assert_eq!(prefix, (0..decided).collect::<Vec<_>>(), "each row of the prefix, once");
    assert!(allowed.is_sorted() && rejected.is_sorted());
    for row in 0..decided {
        // What is being opted out this moment is answered before or after.
        if !begun.contains(&row) {
            assert_eq!(allowed_set.contains(&row), before(row), "row {row}");
        }
    }

    // Again: by what was acknowledged, and of the calls nobody knows of by all or by nothing.
    let channel = server.start().await;
    let (path, mut running) = (dir.path().to_owned(), server);
    let filtering = tokio::task::spawn_blocking(move || {
        let second = filter(&mut running, &path, |_| ());
        (running, second)
    });
    let (mut server, second) = filtering.await.unwrap();
    drop(channel);
    assert_eq!(second.code, Some(0), "{}", second.stderr);
    let (allowed, rejected) = second.rows();
    assert_eq!(allowed.len() + rejected.len(), ROWS);
    let allowed: HashSet<usize> = allowed.into_iter().collect();
    for row in 0..ROWS {
        if acknowledged.contains(&row) {
            assert!(!allowed.contains(&row), "row {row}: its opt-out is lost");
        } else if !begun.contains(&row) {
            assert_eq!(allowed.contains(&row), before(row), "row {row}");
        }
    }
    for [a, b] in (0..WRITERS).flat_map(|w| (0..CALLS).map(move |call| pair(w, call))) {
        assert_eq!(allowed.contains(&a), allowed.contains(&b), "half of the call for {a} and {b}");
    }
    server.terminate();
    println!(
        "interrupted filter: {read} of {ROWS} rows read, {decided} decided and written; {calls} \
         opt-outs acknowledged meanwhile, 0 lost"
    );
    assert!(calls >= WRITERS, "writes were under way");
}
