//! What is read of a file, each flaw of a row, and imports over a real server.

use prost::Message as _;

use super::*;
use crate::cli::connect::Server;
use crate::cli::import::column::PlanError;
use crate::cli::import::flaw::Flaw;
use crate::grpc::api::scope::Level;

fn known() -> Known {
    let topics = ["newsletter", "programm"];
    let topics = topics.map(|id| api::Topic { id: id.to_owned(), ..Default::default() });
    Known::of(api::GetCatalogResponse {
        controllers: vec![api::Controller { id: "buehne".to_owned(), ..Default::default() }],
        brands: vec![api::Brand {
            id: "festival".to_owned(),
            controller: "buehne".to_owned(),
            topics: topics.to_vec(),
            ..Default::default()
        }],
    })
}

fn reading(defaults: Defaults) -> Reading {
    Reading {
        defaults,
        known: known(),
        file: "list.csv".to_owned(),
        digest: "00ff".to_owned(),
        latest: "2026-01-01T00:00:00Z".parse().unwrap(),
    }
}

/// What a file is read as.
#[derive(Debug)]
struct FileRead {
    facts: Vec<api::ImportedFact>,
    flaws: Vec<(u64, Option<State>, Flaw)>,
}

fn read_as(file: &[u8], map: &[&str], defaults: Defaults) -> Result<FileRead, PlanError> {
    let map: Vec<Mapped> = map.iter().map(|text| column::parse(text).unwrap()).collect();
    let mut rows = Rows::new(file);
    let plan = Plan::find(&mut rows, None, &map)?;
    let chunks =
        Chunks { rows, plan, reading: reading(defaults), keep: true, earlier: None, failure: None };
    let mut read = FileRead { facts: Vec::new(), flaws: Vec::new() };
    for chunk in chunks {
        let chunk = chunk.unwrap();
        assert!(chunk.lines.len() <= chunk::ROWS);
        for line in &chunk.lines {
            read.flaws.extend(line.flaw.map(|flaw| (line.number, line.state, flaw)));
        }
        let request = api::ImportFactsRequest::decode(chunk.facts.request(false)).unwrap();
        assert_eq!(request.facts.len(), chunk.facts.len());
        read.facts.extend(request.facts);
    }
    Ok(read)
}

fn read(file: &str) -> FileRead {
    read_as(file.as_bytes(), &[], Defaults::default()).unwrap()
}

const HEADER: &str = "email,state,scope,basis,source,occurred_at,reason,wording";
const GRANTED: &str = "a@x.test,granted,topic:festival/newsletter,consent,fair,2024-05-31,,";

fn granted() -> api::ImportedFact {
    let topic = api::TopicRef { brand: "festival".to_owned(), topic: "newsletter".to_owned() };
    api::ImportedFact {
        address: "a@x.test".to_owned(),
        scope: Some(api::Scope { level: Some(Level::Topic(topic)) }),
        state: api::ImportedState::Granted.into(),
        legal_basis: api::LegalBasis::Consent.into(),
        evidence: Some(api::Evidence {
            method: api::Method::Import.into(),
            source: "list.csv:2 sha256:00ff fair".to_owned(),
            occurred_at: Some(prost_types::Timestamp { seconds: 1_717_113_600, nanos: 0 }),
            ..api::Evidence::default()
        }),
        reason: String::new(),
    }
}

#[test]
fn the_same_row_is_read_of_every_format() {
    let semicolons = format!("{HEADER}\n{GRANTED}\n").replace(',', ";");
    let tabs = semicolons.replace(';', "\t");
    let marked = format!("\u{feff}{}\r\n{GRANTED}\r\n", HEADER.to_uppercase());
    let quoted = format!("{HEADER}\n\" a@x.test \",GRANTED,{}\n", &GRANTED[17..]);
    let ordered = "Occurred At,Source,E-Mail,Other,BASIS,Scope,State\n\
                   2024-05-31,fair,a@x.test,x,Consent,topic:festival/newsletter,Granted\n"
        .to_owned();
    let short = "email,state,scope,basis,source,occurred_at,reason\n\
                 a@x.test,granted,topic:festival/newsletter,consent,fair,2024-05-31\n"
        .to_owned();
    let instant = format!("{HEADER}\n{}\n", GRANTED.replace("05-31", "05-31T02:00:00+02:00"));
    for file in
        [format!("{HEADER}\n{GRANTED}"), semicolons, tabs, marked, quoted, ordered, short, instant]
    {
        let read = read(&file);
        assert_eq!(read.facts, [granted()], "{file}: {:?}", read.flaws);
    }
    let object = "{\"Email\":\"a@x.test\",\"State\":\"granted\",\"n\":[1],\"wording\":null,\
                  \"scope\":\"topic:festival/newsletter\",\"basis\":\"consent\",\
                  \"source\":\"fair\",\"occurred_at\":\"2024-05-31\"}";
    let first = "{\"Email\":\"b@x.test\",\"State\":\"?\"}";
    let read = read(&format!("{first}\n{object}\n"));
    assert_eq!(read.facts, [granted()]);
    assert_eq!(read.flaws, [(1, None, Flaw::UnknownState)]);
}

#[test]
fn a_file_of_addresses_is_what_the_command_says_of_it() {
    let scope = scope::parse("brand:festival").ok();
    let state = Some(State::OptedOut);
    let defaults = Defaults { scope: scope.clone(), state, ..Defaults::default() };
    let read = read_as(b"a@x.test\r\n\nb@x.test", &[], defaults.clone()).unwrap();
    let fact = |address: &str, line| api::ImportedFact {
        address: address.to_owned(),
        scope: scope.clone(),
        state: api::ImportedState::OptedOut.into(),
        legal_basis: 0,
        evidence: Some(api::Evidence {
            method: api::Method::Import.into(),
            source: format!("list.csv:{line} sha256:00ff"),
            ..api::Evidence::default()
        }),
        reason: String::new(),
    };
    assert_eq!(read.facts, [fact("a@x.test", 1), fact("b@x.test", 3)]);
    assert_eq!(read.flaws, [], "a blank line says nothing");
    let read = read_as(b"email,state\n,\n;,\t\n\"\",refused\n", &[], defaults.clone()).unwrap();
    assert_eq!(read.flaws, [(4, Some(State::Refused), Flaw::NoAddress)]);
    // What the file says counts, also where it says nothing.
    let read = read_as(b"email,state\na@x.test,\nb@x.test,refused\n", &[], defaults).unwrap();
    assert_eq!(read.flaws, [(2, None, Flaw::NoState)]);
    assert_eq!(read.facts[0].state(), api::ImportedState::Refused);
}

#[test]
fn columns_go_by_the_names_that_the_command_gives_them() {
    let file = "EMAIL,Alt email,Status,Why;1\na@x.test,b@x.test,opted out,moved\n";
    let scope = scope::parse("everything").ok();
    let defaults = Defaults { scope, ..Defaults::default() };
    let read = |map: &[&str]| read_as(file.as_bytes(), map, defaults.clone());
    let maps: [&[&str]; 2] = [
        &["address=EMAIL", "state=status", "reason=Why;1"],
        &["address=1", "state = 3", "reason=4"],
    ];
    for map in maps {
        let fact = read(map).unwrap().facts.remove(0);
        assert_eq!((&*fact.address, &*fact.reason), ("a@x.test", "moved"));
        assert_eq!(fact.state(), api::ImportedState::OptedOut);
    }
    let refused = |map: &[&str], expect: &str| {
        let text = read(map).unwrap_err().to_string();
        assert!(text.contains(expect), "{text}");
    };
    refused(&["state=Nothing"], "there is no column `Nothing`");
    refused(&["state=status", "state=EMAIL"], "`state` twice");
    let two = read_as(b"email,state,State\na@x.test,x,y\n", &[], Defaults::default());
    assert!(two.unwrap_err().to_string().contains("--map state=NAME"));
    let none = read_as(b"name,state\na,x\n", &[], Defaults::default());
    assert!(none.unwrap_err().to_string().contains("--map address=NAME"));
    let no_header = read_as(b"a@x.test,granted\n", &[], Defaults::default());
    assert!(matches!(no_header, Err(PlanError::NoHeader)));
    let lines = read_as(b"a@x.test\n", &["state=x"], Defaults::default());
    assert!(lines.is_err());
    for wrong in ["state", "nothing=x", "state= "] {
        assert!(column::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn each_flaw_is_found_in_its_row_and_no_other() {
    let yes = |from: &str, to: &str| {
        assert!(GRANTED.contains(from));
        GRANTED.replacen(from, to, 1)
    };
    let long = "x".repeat(2_001);
    let cases = [
        (yes("a@x.test", " "), Flaw::NoAddress),
        (yes("granted", ""), Flaw::NoState),
        (yes("granted", "unsubscribed"), Flaw::UnknownState),
        (yes("topic:festival/newsletter", ""), Flaw::NoScope),
        (yes("topic:festival/newsletter", "festival"), Flaw::BadScope),
        (yes("newsletter", "nothing"), Flaw::UnknownScope),
        (yes("topic:festival/newsletter", "brand:other"), Flaw::UnknownScope),
        (yes("topic:festival/newsletter", "everything"), Flaw::YesTooBroad),
        (yes("topic:festival/newsletter", "controller:buehne"), Flaw::YesTooBroad),
        (yes("consent", ""), Flaw::NoBasis),
        (yes("consent", "contract"), Flaw::UnknownBasis),
        (yes("fair", ""), Flaw::NoSource),
        (yes("fair", &long), Flaw::TooLong),
        (yes("fair", "\u{7}"), Flaw::ControlCharacters),
        (yes("2024-05-31", ""), Flaw::NoDate),
        (yes("2024-05-31", "31.05.2024"), Flaw::BadDate),
        (yes("2024-05-31", "2024-02-30"), Flaw::BadDate),
        (yes("2024-05-31", "2024-05-31T09:30:00"), Flaw::BadDate),
        (yes("2024-05-31", "2026-01-02"), Flaw::FutureDate),
        (yes("2024-05-31", "1969-12-31"), Flaw::EarlyDate),
        (yes("2024-05-31,,", &format!("2024-05-31,{long},")), Flaw::TooLong),
        (format!("{GRANTED}I am A@X.test"), Flaw::WordingNamesAddress),
        (format!("{GRANTED}\"I am \"\"a\"\"@x.test\""), Flaw::WordingNamesAddress),
        (format!("{GRANTED}\"{}\"", "w".repeat(70_000)), Flaw::TooLong),
        ("a@x.test,blocked,brand:festival,,,,,".to_owned(), Flaw::NoReason),
        ("a@x.test,blocked,everything,,,,why,".to_owned(), Flaw::BlockOfNoBrand),
        ("a@x.test,registered,brand:festival,,,,,".to_owned(), Flaw::RegistrationOfNoController),
        ("\"a@x.test\"x,refused,everything,,,,,".to_owned(), Flaw::Malformed),
    ];
    let mut file = format!("{HEADER}\n");
    for (row, _) in &cases {
        file += &format!("{row}\n{GRANTED}\n");
    }
    let read = read(&file);
    assert_eq!(read.facts.len(), cases.len());
    let found: Vec<Flaw> = read.flaws.iter().map(|(_, _, flaw)| *flaw).collect();
    assert_eq!(found, cases.each_ref().map(|(_, flaw)| *flaw));
    let lines: Vec<u64> = read.flaws.iter().map(|(line, ..)| *line).collect();
    assert_eq!(lines, (0..).take(cases.len()).map(|i| 2 + 2 * i).collect::<Vec<u64>>());

    let latin = [HEADER.as_bytes(), b"\nb\xfc@x.test,refused,everything,,,,,\n"].concat();
    let read = read_as(&latin, &[], Defaults::default()).unwrap();
    assert_eq!(read.flaws, [(2, Some(State::Refused), Flaw::NotUtf8)]);
    let objects =
        "{\"email\":\"a@x.test\",\"state\":1}\n{\"email\"\n{\"state\":\"a\",\"state\":\"b\"}\n";
    let read = read_as(objects.as_bytes(), &[], Defaults::default()).unwrap();
    let found: Vec<Flaw> = read.flaws.iter().map(|(_, _, flaw)| *flaw).collect();
    assert_eq!(found, [Flaw::NoText, Flaw::Malformed, Flaw::Malformed]);
}

#[test]
fn flaws_have_names_and_explanations_of_their_own() {
    let mut names = std::collections::HashSet::new();
    let mut flaws = std::collections::HashSet::new();
    for flaw in [
        Flaw::Malformed,
        Flaw::NoScope,
        Flaw::BadScope,
        Flaw::UnknownScope,
        Flaw::TooLong,
        Flaw::NoDate,
        Flaw::BadDate,
    ] {
        assert!(names.insert(flaw.name()));
        assert!(flaws.insert(flaw.explanation()));
    }
}

#[test]
fn a_file_is_named_without_its_path_in_one_line() {
    assert_eq!(file_name(Path::new("/home/anna/list.csv")), "list.csv");
    assert_eq!(file_name(Path::new("a\nb.csv")), "a\u{fffd}b.csv");
}

/// A server over the example catalog, in a folder that is deleted with it.
struct Serving {
    server: Server,
    running: crate::server::Running,
    _folder: tempfile::TempDir,
}

async fn serve() -> Serving {
    let folder = tempfile::tempdir().unwrap();
    let socket = format!("unix:{}", folder.path().join("socket").display());
    let config = crate::server::Config {
        data_dir: folder.path().join("store"),
        key_file: None,
        catalog: concat!(env!("CARGO_MANIFEST_DIR"), "/examples/catalog.toml").into(),
        listen: socket.parse().unwrap(),
        tls: None,
        credentials: None,
        limits: crate::server::Limits::default(),
        public_url: None,
        web: None,
        relay: None,
        accept_clock: false,
        checkpoint_records: crate::server::CHECKPOINT_RECORDS,
    };
    let running = crate::server::start(config).await.unwrap();
    Serving { server: socket.parse().unwrap(), running, _folder: folder }
}

async fn import(
    server: &Server,
    file: &str,
    commit: bool,
    interrupted: impl AsyncFn(),
) -> (Outcome, String) {
    let connection = server.connect(None).await.unwrap();
    let task = Task { input: None, map: Vec::new(), commit };
    let mut rejects = Vec::new();
    let source = std::io::Cursor::new(file.as_bytes().to_vec());
    let bar = ProgressBar::hidden();
    let reading = reading(Defaults::default());
    let outcome =
        run(connection, &task, reading, source, Some(&mut rejects), &bar, interrupted).await;
    (outcome.unwrap(), String::from_utf8(rejects).unwrap())
}

async fn never() {
    std::future::pending().await
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_only_the_server_finds_malformed_are_refused_and_the_others_go_on() {
    let Serving { server, running, _folder } = serve().await;
    // Our clock is ahead of the server's, and our catalog has a topic that it lacks.
    let mut ours = reading(Defaults::default());
    ours.latest = "2199-01-01T00:00:00Z".parse().unwrap();
    let topic = |id: &str| api::Topic { id: id.to_owned(), ..Default::default() };
    ours.known = Known::of(api::GetCatalogResponse {
        controllers: Vec::new(),
        brands: vec![api::Brand {
            id: "festival".to_owned(),
            controller: "buehne".to_owned(),
            topics: vec![topic("new"), topic("newsletter")],
            ..Default::default()
        }],
    });
    let rows: String = (0..60)
        .map(|i| {
            let row = GRANTED.replace("a@", &format!("a{i}@"));
            match i % 3 {
                0 => row.replace("2024", "2148") + "\n",
                1 if i < 30 => row.replace("newsletter", "new") + "\n",
                _ => row + "\n",
            }
        })
        .collect();
    let file = format!("{HEADER}\n{rows}");
    let task = Task { input: None, map: Vec::new(), commit: true };
    let mut rejects = Vec::new();
    let source = std::io::Cursor::new(file.into_bytes());
    let connection = server.connect(None).await.unwrap();
    let bar = ProgressBar::hidden();
    let outcome =
        run(connection, &task, ours, source, Some(&mut rejects), &bar, never).await.unwrap();
    assert!(outcome.stop.is_none(), "{:?}", outcome.stop);
    let document = outcome.tally.document();
    assert_eq!((&document["rows"], &document["recorded"]), (&json!(60), &json!(30)));
    let rejects = String::from_utf8(rejects).unwrap();
    assert_eq!(rejects.lines().count(), 31);
    assert!(rejects.contains("REFUSED_BY_SERVER,the server refuses it: evidence.occurred_at"));
    assert!(rejects.contains("the server refuses it: scope.topic.topic"));
    assert!(!rejects.contains("a59@"));
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_says_what_would_be_and_then_what_was() {
    let Serving { server, running, _folder } = serve().await;
    let file = format!(
        "{HEADER}\n{GRANTED}\nb@x.test,opted-out,everything,,,,,\nb@x.test,granted,\
         brand:festival,consent,fair,2024-05-31,,\nnobody,?,everything,,,,,\n{GRANTED}\n"
    );
    let (tried, rejects) = import(&server, &file, false, never).await;
    assert_eq!(
        tried.tally.table("list.csv", false),
        "list.csv: 5 rows, 3 to be recorded; a dry run: --commit does it
              tightens  loosens  stays  refused
  granted            0        1      1        1
  opted-out          1        0      0        0
  (not told)         0        0      0        1
  all                1        1      1        2
refused:
  1  the owner opted out, and only the owner can undo it                    line 4
  1  the state is none of granted, refused, opted-out, blocked, registered  line 5
"
    );
    assert_eq!(rejects.lines().count(), 3);
    let (done, again) =
        (import(&server, &file, true, never).await.0, import(&server, &file, true, never).await.0);
    assert_eq!(done.tally.document()["recorded"], 3);
    assert_eq!(done.tally.document()["states"], tried.tally.document()["states"]);
    assert_eq!(again.tally.document()["recorded"], 0);
    assert!(again.tally.table("list.csv", true).starts_with("list.csv: 5 rows, 0 recorded\n"));
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_for_how_many_rows_it_knows_too_little() {
    let Serving { server, running, _folder } = serve().await;
    let row = |i: usize| format!("a{i}@x.test,opted-out,everything,,,,,\n");
    let rows: String = (0..chunk::ROWS).chain([5, 5, 20_000, 7, 20_000]).map(row).collect();
    let file = format!("{HEADER}\n{rows}");
    let (tried, _) = import(&server, &file, false, never).await;
    assert_eq!(tried.tally.document()["looked_at_apart"], 3);
    assert!(tried.tally.table("list.csv", false).contains("\n3 rows have an address that stands"));
    let (done, _) = import(&server, &file, true, never).await;
    assert_eq!(done.tally.document()["looked_at_apart"], 0);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_import_says_so() {
    let Serving { server, running, _folder } = serve().await;
    let file = format!("{HEADER}\n{GRANTED}\n");
    let (outcome, _) = import(&server, &file, true, async || ()).await;
    assert!(matches!(outcome.stop, Some(pump::Stop::Interrupted)), "{:?}", outcome.stop);
    running.stop().await.unwrap();
}
