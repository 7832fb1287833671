//! An owner wants to know what is held. A clerk records it, a reviewer sends the sheet and says so.

use maysend::grpc::api::{
    AnswerAccessRequest, EventKind, ListAccessRequestsRequest, RequestAccessRequest, WriteOutcome,
};
use serde_json::Value;

use crate::clerk_asks_for_erasure::maysend;
use crate::doorkeeper::why;
use crate::process::{Server, access, by};
use crate::system_follows::{until, watch};

const MIA: &str = "mia@example.org";

/// The queue.
fn open_requests(server: &Server) -> Vec<Value> {
    maysend(server, &["--format", "json", "access", "list"]).json()
}

#[tokio::test]
async fn a_clerk_records_it_and_a_colleague_answers() {
    let mut server = Server::new(&[]);
    server.start().await;
    maysend(&server, &["opt-out", "--scope", "brand:festival", MIA]).done();
    let before = maysend(&server, &["status", MIA]).done().stdout;
    let letter = ["--method", "paper", "--document-ref", "folder 7", "--occurred-at", "2026-01-31"];
    let asks = ["--actor", "anna", "access", "request", MIA, "--words", "What do you hold?"];
    let asked = maysend(&server, &[&asks[..], &letter].concat()).done();
    assert!(asked.stdout.contains("  words      What do you hold?\n"), "{}", asked.stdout);
    assert!(asked.stdout.contains("  due        2026-02-28 00:00:00 UTC\n"), "{}", asked.stdout);
    assert_eq!(maysend(&server, &["status", MIA]).done().stdout, before, "nothing else changes");
    let again = maysend(&server, &asks).done();
    assert!(again.stderr.starts_with("a request is recorded already"), "{}", again.stderr);
    let again = maysend(&server, &[&["--format", "json"], &asks[..]].concat()).json().remove(0);
    assert_eq!(again["outcome"], "WRITE_OUTCOME_UNCHANGED");

    let [request] = &open_requests(&server)[..] else { panic!("one request") };
    assert_eq!(&again["access_request"], request);
    assert_eq!((&request["address"], &request["answered_at"]), (&MIA.into(), &Value::Null));
    let id = request["id"].as_str().unwrap();
    assert!(asked.stderr.contains(&format!("access answer {id} ")), "{}", asked.stderr);

    // Killed, stopped, and from the ledger alone: it is still to be answered.
    for how in ["killed", "stopped", "killed"] {
        if how == "killed" {
            server.kill()
        } else {
            server.terminate()
        }
        server.start().await;
        assert_eq!(open_requests(&server), std::slice::from_ref(request), "{how}");
    }

    // What the clerk is told to type makes the sheet, and the sheet tells of the request.
    let page = server.data_dir().with_file_name("sheet.html");
    let mut lines = asked.stderr.lines();
    let line = lines.find(|line| line.starts_with("  maysend sheet")).unwrap();
    let line = line.replace("FILE", page.to_str().unwrap());
    let words: Vec<&str> = line.split_whitespace().skip(1).collect();
    maysend(&server, &words).done();
    let sheet = std::fs::read_to_string(&page).unwrap();
    assert!(sheet.contains("Information requested") && sheet.contains("What do you hold?"));
    let german = maysend(&server, &["sheet", MIA, "--language", "de"]).done().stdout;
    assert!(german.contains("Auskunft verlangt"), "{german}");

    let blank = maysend(&server, &["access", "answer", id, "--note", " "]);
    assert!(blank.stderr.contains("note: is mandatory"), "{}", blank.stderr);
    let unknown = maysend(&server, &["access", "answer", "1", "--note", "sent"]);
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.stderr.contains("UNKNOWN_ACCESS_REQUEST"), "{}", unknown.stderr);
    let answer = ["--actor", "ben", "access", "answer", id, "--note", "the sheet, by letter"];
    let answered = maysend(&server, &answer).done();
    assert!(answered.stdout.starts_with(&format!("access request {id}  answered\n")));
    assert!(answered.stdout.contains("by staff ben"), "{}", answered.stdout);
    let late = maysend(&server, &["access", "answer", id, "--note", "by fax"]).done();
    assert!(late.stdout.contains("the sheet, by letter") && late.stderr.contains("before"));
    let empty = maysend(&server, &["access", "list"]).done();
    assert_eq!((&*empty.stdout, &*empty.stderr), ("", "no request is open\n"));
    let history = maysend(&server, &["history", MIA]).done().stdout;
    let told = "access answered by staff ben \"the sheet, by letter\"\n";
    assert!(history.lines().next().unwrap().ends_with(told.trim_end()), "{history}");
    server.terminate();
    let data_dir = server.data_dir();
    maysend(&server, &["verify", "--data-dir", data_dir.to_str().unwrap()]).done();
}

#[tokio::test]
async fn an_erasure_takes_the_request_along_and_followers_hear_of_all() {
    let mut server = Server::new(&[]);
    let channel = server.start().await;
    let asks = RequestAccessRequest {
        address: MIA.to_owned(),
        words: "What do you hold?".to_owned(),
        ..RequestAccessRequest::default()
    };
    let taken = access(&channel).request_access(by("anna", asks.clone())).await.unwrap();
    let taken = taken.into_inner();
    assert_eq!(taken.outcome(), WriteOutcome::Applied);
    let request = taken.access_request.unwrap();
    let id = request.id;
    let told = until(&mut watch(&channel, 0).await.unwrap(), request.revision).await.remove(0);
    let event = told.event.unwrap();
    assert_eq!(
        (event.kind(), event.revision.to_string()),
        (EventKind::AccessRequested, id.clone())
    );
    assert_eq!((&*told.address, &*event.reason), (MIA, "What do you hold?"));

    let ask = ["--actor", "anna", "erasure", "request", MIA, "--reason", "her letter", "--yes"];
    let case = maysend(&server, &[&["--format", "json"], &ask[..]].concat()).json().remove(0);
    assert_eq!(open_requests(&server).len(), 1, "until it is decided she has a right to know");
    let case = case["id"].as_str().unwrap();
    maysend(&server, &["--actor", "ben", "erasure", "approve", case]).done();
    for how in ["running", "killed"] {
        let channel = if how == "killed" {
            server.kill();
            server.start().await
        } else {
            channel.clone()
        };
        let mut client = access(&channel);
        let queue = client.list_access_requests(ListAccessRequestsRequest::default()).await;
        assert_eq!(queue.unwrap().into_inner().access_requests, [], "{how}");
        let answer = AnswerAccessRequest { id: id.clone(), note: "sent".to_owned() };
        let (_, reason) = why(client.answer_access(answer).await);
        assert_eq!(reason, "UNKNOWN_ACCESS_REQUEST", "{how}");
        let again = client.request_access(asks.clone()).await.unwrap().into_inner();
        assert_eq!(again.outcome(), WriteOutcome::RejectedErased, "{how}");
        assert_eq!(again.access_request, None);
    }
    let asked = maysend(&server, &["access", "request", MIA]);
    assert_eq!((asked.code, &*asked.stdout), (Some(1), ""));
    assert_eq!(asked.stderr, "nothing was recorded: rejected: all data were erased\n");
    server.terminate();
}
