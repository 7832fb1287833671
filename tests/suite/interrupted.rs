//! A `filter` and writes under way while the server is killed: what was written out is a right
//! beginning, the run says how far it came, and after a restart the answers are those that were
//! acknowledged.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use maysend::grpc::api::RegisterAddressesRequest;
use maysend::grpc::api::{OptOutRequest, Scope, scope::Level};

use crate::process::{Server, consent};

const ROWS: usize = 300_000;

fn filter(server: &Server) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_maysend"));
    command
        .args(["filter", "--brand", "festival", "--campaign", "2026-11-advent", "--server"])
        .arg(server.address());
    command
}

/// Row by row: one in a hundred is on file and may be mailed, and one in ten of those is out.
fn list() -> (String, Vec<String>) {
    let mut text = "Name;E-Mail\n".to_owned();
    let mut known = Vec::new();
    for n in 0..ROWS {
        text.push_str(&format!("n{n};User{n}@Example.org\n"));
        if n % 100 == 0 {
            known.push(format!("user{n}@example.org"));
        }
    }
    (text, known)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_whose_server_is_killed_says_how_far_it_came() {
    let (list, known) = list();
    let mut server = Server::new(&[]);
    let channel = server.start().await;
    let register = RegisterAddressesRequest {
        addresses: known.clone(),
        controllers: vec!["buehne".to_owned()],
        source: "list".to_owned(),
        ..RegisterAddressesRequest::default()
    };
    consent(&channel).register_addresses(register).await.unwrap();
    let out: Vec<String> = known.iter().step_by(10).cloned().collect();
    let everything = Scope { level: Some(Level::Everything(true)) };
    let opt_out = OptOutRequest {
        addresses: out.clone(),
        scopes: vec![everything],
        ..OptOutRequest::default()
    };
    consent(&channel).opt_out(opt_out).await.unwrap();

    // Half of the list is sent, then the server is killed while the filter waits for more.
    let mut running = filter(&server)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = running.stdin.take().unwrap();
    let half = list.len() / 2;
    let reader = {
        let mut stdout = running.stdout.take().unwrap();
        std::thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).unwrap();
            text
        })
    };
    stdin.write_all(&list.as_bytes()[..half]).unwrap();
    server.kill();
    // Nobody may be there to take the rest.
    drop(stdin.write_all(&list.as_bytes()[half..]));
    drop(stdin);
    let ended = running.wait_with_output().unwrap();
    let cut = reader.join().unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert!(told.contains("rows"), "it does not say how far it came: {told}");

    server.start().await;
    let mut whole = filter(&server)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = whole.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(list.as_bytes()).unwrap());
    let whole = whole.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(whole.status.success());
    let whole = String::from_utf8(whole.stdout).unwrap();
    assert!(whole.starts_with(&cut), "what was cut is not a beginning of the whole");
    let allowed = whole.lines().skip(1).map(|row| row.rsplit(';').next().unwrap().to_lowercase());
    let expected: Vec<&String> = known.iter().filter(|address| !out.contains(address)).collect();
    assert!(allowed.eq(expected.into_iter().cloned()), "the answers are not those acknowledged");
    server.terminate();
}
