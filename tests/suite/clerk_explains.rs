//! What a clerk at the terminal is told by the real binary: explanations, data sheets, the catalog.

use std::process::{Command, Output};

use maysend::grpc::api;
use serde_json::{Value, json};

use crate::process::{Server, consent};

const EVE: &str = "eve@example.com";

/// The binary as a client of the server.
fn client(server: &Server, words: &[&str]) -> Output {
    let socket = format!("unix:{}", server.socket().display());
    let mut command = Command::new(env!("CARGO_BIN_EXE_maysend"));
    command.args(["--server", &socket, "--actor", "anna"]).args(words);
    command.output().unwrap()
}

#[track_caller]
fn told(server: &Server, words: &[&str]) -> String {
    let output = client(server, words);
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{words:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn document(server: &Server, words: &[&str]) -> Value {
    serde_json::from_str(&told(server, words)).unwrap()
}

const EXPLAIN: [&str; 6] = ["explain", EVE, "--brand", "festival", "--campaign", "2026-11-advent"];

/// A server, and a customer who consented on paper and called to be left alone.
async fn told_off() -> Server {
    let mut server = Server::new(&[]);
    let channel = server.start().await;
    let topic = api::TopicRef { brand: "festival".to_owned(), topic: "newsletter".to_owned() };
    let level = api::scope::Level::Topic(topic);
    let evidence = api::Evidence {
        method: api::Method::Paper.into(),
        document_ref: "folder 7".to_owned(),
        ..Default::default()
    };
    let request = api::RecordConsentRequest {
        addresses: vec![EVE.to_owned()],
        scopes: vec![api::Scope { level: Some(level) }],
        legal_basis: api::LegalBasis::Consent.into(),
        evidence: Some(evidence),
        ..Default::default()
    };
    consent(&channel).record_consent(request).await.unwrap();
    told(&server, &["opt-out", EVE, "--scope", "brand:festival", "--reason", "called <angry>"]);
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clerk_is_told_why_in_both_languages_and_what_held_before() {
    let server = told_off().await;
    let text = told(&server, &EXPLAIN);
    assert!(text.starts_with("No: festival/2026-11-advent must not go to eve@example.com.\n"));
    for shown in ["brand:festival", "Opted out", "anna (staff)", "called <angry>"] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    let german = told(&server, &[&EXPLAIN[..], &["--language", "de"]].concat());
    assert!(german.starts_with("Nein: festival/2026-11-advent darf nicht an "), "{german}");
    let now = document(&server, &[&EXPLAIN[..], &["--format", "json"]].concat());
    assert_eq!(now["verdict"], "VERDICT_DENIED_OPTED_OUT_BRAND");
    let said_at = now["findings"][0]["event"]["recorded_at"].as_str().unwrap();
    // The nanosecond before: the consent on paper.
    let said_at: jiff::Timestamp = said_at.parse().unwrap();
    let before = (said_at - jiff::SignedDuration::from_nanos(1)).to_string();
    let then = [&EXPLAIN[..], &["--format", "json", "--as-of", &before]].concat();
    let then = document(&server, &then);
    assert_eq!(then["verdict"], "VERDICT_ALLOWED_CONSENT");
    assert_eq!(then["findings"][0]["event"]["evidence"]["document_ref"], "folder 7");
    let today = said_at.to_string();
    let today = [&EXPLAIN[..], &["--as-of", &today[..10]]].concat();
    assert!(told(&server, &today).starts_with("No: "));
    let future = client(&server, &[&EXPLAIN[..], &["--as-of", "2148-01-01"]].concat());
    assert_eq!(future.status.code(), Some(1));
    let complaint = String::from_utf8(future.stderr).unwrap();
    assert!(complaint.contains("as_of: lies in the future"), "{complaint}");
    let unknown = client(&server, &["explain", EVE, "--brand", "festival", "--campaign", "x"]);
    assert_eq!(unknown.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_is_printed_or_written_to_a_file_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = told_off().await;
    let sheet = document(&server, &["sheet", EVE, "--as", "json"]);
    assert_eq!(sheet["made_for"]["person"], "anna");
    assert_eq!(sheet["events"].as_array().unwrap().len(), 2);
    assert_eq!(sheet["controllers"][0]["title"], "B\u{fc}hne GmbH");
    let text = told(&server, &["sheet", EVE]);
    assert!(text.starts_with("DATA SHEET\n") && text.contains("called <angry>"), "{text}");
    let nobody = told(&server, &["sheet", "nobody@example.com", "--language", "de"]);
    assert!(nobody.contains("Zu dieser Adresse ist nichts gespeichert"), "{nobody}");
    let file = server.data_dir().with_file_name("sheet.html");
    let path = file.to_str().unwrap();
    let to_file = ["sheet", EVE, "--as", "html", "--language", "de", "--output", path];
    assert_eq!(told(&server, &to_file), "");
    let page = std::fs::read_to_string(&file).unwrap();
    assert!(page.contains("called &#60;angry&#62;") && page.contains("lang=\"de\""));
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(client(&server, &to_file).status.code(), Some(1), "a file is not overwritten");
    assert_eq!(client(&server, &["sheet", "nonsense"]).status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_is_shown_and_a_file_checked_whole() {
    let mut server = Server::new(&[]);
    server.start().await;
    let text = told(&server, &["catalog", "show"]);
    for shown in [
        "controllers\n",
        "Postwerk",
        "stadttheater  buehne",
        "Stadttheater    en: City Theater\n",
        "pages\n  festival      #8a1538  image/svg+xml  festival.sommerfestival.example",
        "2026-11-advent",
    ] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    let shown = document(&server, &["catalog", "show", "--format", "json"]);
    assert_eq!(shown["brands"][0]["topics"][0]["id"], "newsletter");
    assert_eq!(shown["brands"][0]["topics"][1]["titles"]["en"], "Monthly program");
    assert_eq!(shown["brands"][0]["titles"], json!({"en": "Summer Festival"}));
    assert_eq!(shown["brands"][0]["page"]["texts"][1], "de.sign_up");
    assert_eq!(shown["brands"][1]["page"], json!({"color": "#5b3a87"}));
    assert_eq!(shown["campaigns"][0]["purpose"], "PURPOSE_MARKETING");

    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/catalog.toml");
    let sound = told(&server, &["catalog", "check", example]);
    let (counts, dressed) = sound.split_once('\n').unwrap();
    assert!(counts.ends_with("no fault found; 2 controllers, 4 brands, 9 topics, 9 campaigns"));
    let festival = "  festival      #8a1538  9.35:1  image/svg+xml, 998 octets  privacy, imprint, \
                    list_id  de.intro, de.sign_up, de.mail_subject, en.intro, en.sign_up, \
                    en.mail_subject\n";
    assert!(dressed.starts_with(festival), "{dressed}");
    assert!(dressed.ends_with("\n  alpenhof      #2f5d3a  7.64:1\n"), "{dressed}");
    let file = server.data_dir().with_file_name("bad.toml");
    std::fs::write(&file, "[policy]\nmarketing = \"maybe\"\n[[controller]]\nid = \"A\"\n").unwrap();
    let path = file.to_str().unwrap();
    let bad = client(&server, &["catalog", "check", path]);
    assert_eq!(bad.status.code(), Some(1));
    let faults = String::from_utf8(bad.stdout).unwrap();
    for fault in [":2: policy.marketing: ", ":4: controller[0].id: ", "title: the key is missing"] {
        assert!(faults.contains(fault), "{fault}: {faults}");
    }
    let json = client(&server, &["catalog", "check", path, "--format", "json"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["sound"], json["faults"].as_array().unwrap().len()), (&false.into(), 3));
}
