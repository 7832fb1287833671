//! A customer wants her data erased. A clerk asks for it at a terminal, another person decides.

use std::process::{Command, Stdio};

use maysend::grpc::api::{
    BeginOptInRequest, BlockAddressesRequest, BlockCause, Channel as By, ConfirmOptInRequest,
    Evidence, LegalBasis, Method, RecordConsentRequest, RegisterAddressesRequest, Scope, TopicRef,
    WithdrawConsentRequest, WriteOutcome, scope::Level,
};
use maysend::grpc::codec::AskBuffer;
use maysend::model::verdict::Verdict;
use serde_json::Value;
use tonic::transport::Channel;

use crate::process::{Server, consent, decision, preference};

const MIA: &str = "mia@example.org";

/// What she is asked about: an advertisement, her tickets, a letter.
const CAMPAIGNS: [&str; 3] = ["2026-11-advent", "tickets", "2026-brochure"];

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// Its documents, one a line.
    #[track_caller]
    pub(crate) fn json(self) -> Vec<Value> {
        self.done().stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Runs a command with nobody at the terminal.
pub(crate) fn maysend(server: &Server, words: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_maysend"))
        .args(["--server", &format!("unix:{}", server.socket().display())])
        .args(words)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
    Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn newsletter() -> Scope {
    let topic = TopicRef { brand: "festival".to_owned(), topic: "newsletter".to_owned() };
    Scope { level: Some(Level::Topic(topic)) }
}

async fn verdicts(channel: &Channel, address: &str) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for campaign in CAMPAIGNS {
        let mut ask = AskBuffer::new("festival", campaign, 0);
        ask.push(address.as_bytes());
        let answer = decision(channel).check(ask.take()).await.unwrap().into_inner();
        verdicts.push(Verdict::from_code(answer.verdicts[0]).unwrap());
    }
    verdicts
}

async fn register(channel: &Channel, address: &str) -> i32 {
    let request = RegisterAddressesRequest {
        addresses: vec![address.to_owned()],
        controllers: vec!["buehne".to_owned()],
        source: "box office".to_owned(),
        ..RegisterAddressesRequest::default()
    };
    consent(channel).register_addresses(request).await.unwrap().into_inner().outcomes[0]
}

/// Noes of every kind, and what became of them.
async fn noes(channel: &Channel, server: &Server) -> Vec<i32> {
    let block = BlockAddressesRequest {
        addresses: vec![MIA.to_owned()],
        brands: vec!["festival".to_owned()],
        channels: vec![By::Email.into(), By::Post.into()],
        cause: BlockCause::Complaint.into(),
        reason: "abuse report".to_owned(),
        ..BlockAddressesRequest::default()
    };
    let withdraw = WithdrawConsentRequest {
        addresses: vec![MIA.to_owned()],
        scopes: vec![newsletter()],
        ..WithdrawConsentRequest::default()
    };
    maysend(server, &["opt-out", "--scope", "everything", MIA]).done();
    let mut client = consent(channel);
    let block = client.block_addresses(block).await.unwrap().into_inner();
    let withdrawn = client.withdraw_consent(withdraw).await.unwrap().into_inner();
    assert_eq!(block.revision, withdrawn.revision, "nothing is recorded");
    [block.outcomes, withdrawn.outcomes].concat()
}

/// The id of the one case in this state.
#[track_caller]
fn only_case(server: &Server, state: &str) -> Value {
    let list = ["--format", "json", "erasure", "list", "--state", state];
    let mut cases = maysend(server, &list).json();
    assert_eq!(cases.len(), 1, "{cases:?}");
    cases.remove(0)
}

async fn customer(server: &mut Server) -> Channel {
    let channel = server.start().await;
    register(&channel, MIA).await;
    let yes = RecordConsentRequest {
        addresses: vec![MIA.to_owned()],
        scopes: vec![newsletter()],
        legal_basis: LegalBasis::Consent.into(),
        evidence: Some(Evidence {
            method: Method::Paper.into(),
            document_ref: "folder 7".to_owned(),
            ..Evidence::default()
        }),
        request_id: String::new(),
    };
    consent(&channel).record_consent(yes).await.unwrap();
    channel
}

const BEFORE: [Verdict; 3] =
    [Verdict::AllowedConsent, Verdict::AllowedTransactional, Verdict::AllowedPost];

#[tokio::test]
async fn a_clerk_asks_and_a_colleague_erases() {
    let mut server = Server::new(&[]);
    let channel = customer(&mut server).await;
    assert_eq!(verdicts(&channel, MIA).await, BEFORE);

    let request = ["--actor", "anna", "erasure", "request", MIA, "--reason", "her letter", "--yes"];
    let asked = maysend(&server, &request).done();
    assert!(asked.stderr.starts_with("mia@example.org\n"), "her status first: {}", asked.stderr);
    assert!(asked.stdout.contains("  pending\n"), "{}", asked.stdout);
    assert_eq!(verdicts(&channel, MIA).await, [Verdict::ErasurePending; 3], "at once");
    let case = only_case(&server, "pending");
    let id = case["id"].as_str().unwrap();
    assert_eq!((&case["address"], &case["reason"]), (&MIA.into(), &"her letter".into()));
    assert!(asked.stdout.contains(id) && asked.stderr.contains(&format!("approve {id}")));

    let own = maysend(&server, &["--actor", "anna", "erasure", "approve", id]);
    assert_eq!(own.code, Some(1));
    assert!(own.stderr.contains("SAME_PERSON"), "{}", own.stderr);

    let approve = ["--actor", "ben", "erasure", "approve", id, "--note", "passport seen"];
    let certificate = maysend(&server, &approve).done();
    assert!(certificate.stdout.starts_with(&format!("certificate of erasure  case {id}\n")));
    assert!(!certificate.stdout.contains("mia"), "{}", certificate.stdout);
    assert_eq!(verdicts(&channel, MIA).await, [Verdict::Erased; 3]);

    // The same certificate, whoever asks, also after a kill, and however the server came back.
    let again = ["--format", "json", "--actor", "anna", "erasure", "approve", id];
    let first = maysend(&server, &again).json().remove(0);
    assert_eq!(first["events_erased"], 3);
    assert_eq!(
        (&first["requested_by"]["id"], &first["approved_by"]["id"]),
        (&"anna".into(), &"ben".into())
    );
    for how in ["killed", "stopped", "without checkpoints"] {
        match how {
            "killed" => server.kill(),
            "stopped" => server.terminate(),
            _ => {
                server.kill();
                assert!(remove_checkpoints(&server) > 0);
            }
        }
        let channel = server.start().await;
        assert_eq!(maysend(&server, &again).json().remove(0), first, "{how}");
        assert_eq!(verdicts(&channel, MIA).await, [Verdict::Erased; 3], "{how}");
        let history = maysend(&server, &["--format", "json", "history", MIA]).json();
        let kinds: Vec<&Value> = history.iter().map(|event| &event["kind"]).collect();
        assert_eq!(kinds, ["EVENT_KIND_ERASED"], "{how}");
        assert_eq!(history[0]["reason"], "passport seen");

        // She is not put on file again, and a no changes nothing.
        assert_eq!(register(&channel, MIA).await, i32::from(WriteOutcome::RejectedErased));
        assert_eq!(noes(&channel, &server).await, [i32::from(WriteOutcome::Unchanged); 2]);
        assert_eq!(maysend(&server, &again).json().remove(0), first, "nothing was recorded");
    }
    assert_eq!(only_case(&server, "erased")["address"], "");
    let late = maysend(&server, &["--actor", "cora", "erasure", "reject", id, "--reason", "oh"]);
    assert!(late.stderr.contains("CASE_DECIDED"), "{}", late.stderr);
    server.terminate();
    let data_dir = server.data_dir();
    let at = first["revision"].to_string();
    let verify = ["verify", "--data-dir", data_dir.to_str().unwrap(), "--at", &at];
    let verified = maysend(&server, &verify).done();
    let head = first["ledger_head"].as_str().unwrap();
    let proof = format!("  chain at #{at}: {head}\n");
    assert!(verified.stdout.contains(&proof), "{}", verified.stdout);
    assert!(verified.stdout.contains("  3  of them erased\n"), "{}", verified.stdout);
}

/// How many there were.
fn remove_checkpoints(server: &Server) -> usize {
    let entries = std::fs::read_dir(server.data_dir()).unwrap().map(Result::unwrap);
    let checkpoints: Vec<_> = entries
        .filter(|entry| entry.file_name().to_str().unwrap().starts_with("checkpoint-"))
        .collect();
    for checkpoint in &checkpoints {
        std::fs::remove_dir_all(checkpoint.path()).unwrap();
    }
    checkpoints.len()
}

#[tokio::test]
async fn a_colleague_declines_and_all_is_as_it_was() {
    let mut server = Server::new(&[]);
    let channel = customer(&mut server).await;
    let request = ["--actor", "anna", "erasure", "request", MIA, "--reason", "her letter", "--yes"];
    maysend(&server, &request).done();
    let case = only_case(&server, "pending");
    let id = case["id"].as_str().unwrap();
    let reject = ["--actor", "anna", "erasure", "reject", id, "--reason", "the wrong Mia"];
    assert!(maysend(&server, &reject).stderr.contains("SAME_PERSON"));
    assert_eq!(verdicts(&channel, MIA).await, [Verdict::ErasurePending; 3]);
    let reject = ["--actor", "ben", "erasure", "reject", id, "--reason", "the wrong Mia"];
    let declined = maysend(&server, &reject).done();
    assert!(declined.stdout.contains("the wrong Mia"), "{}", declined.stdout);
    assert_eq!(verdicts(&channel, MIA).await, BEFORE);
    let empty = maysend(&server, &["erasure", "list"]).done();
    assert_eq!(
        (empty.stdout.as_str(), empty.stderr.as_str()),
        ("", "no case is in this state; `--state all` shows every one\n")
    );
    assert_eq!(only_case(&server, "rejected")["decision_note"], "the wrong Mia");
    assert_eq!(only_case(&server, "all")["id"], id);
    server.terminate();
}

#[tokio::test]
async fn a_clerk_is_told_of_the_lesser_step_and_takes_it() {
    let mut server = Server::new(&[]);
    let channel = customer(&mut server).await;
    let nobody = maysend(&server, &["erasure", "request", MIA, "--reason", "her letter"]);
    assert_eq!(nobody.code, Some(64));
    assert!(nobody.stderr.contains("--actor NAME"), "{}", nobody.stderr);
    let unsure = ["--actor", "anna", "erasure", "request", MIA, "--reason", "her letter"];
    let unsure = maysend(&server, &unsure);
    assert_eq!(unsure.code, Some(64));
    assert!(unsure.stderr.contains("on file with  buehne"), "her status: {}", unsure.stderr);
    assert!(unsure.stderr.contains("--yes"));
    assert_eq!(verdicts(&channel, MIA).await, BEFORE, "nothing was asked for");
    // What it says can be typed as it stands.
    let mut lines = unsure.stderr.lines();
    let line = lines.find(|line| line.starts_with("  maysend opt-out")).unwrap();
    let words: Vec<&str> = line.split_whitespace().skip(1).collect();
    maysend(&server, &words).done();
    let out = Verdict::OptedOutEverything;
    assert_eq!(verdicts(&channel, MIA).await, [out, Verdict::AllowedTransactional, out]);
    let wrong = ["--actor", "anna", "erasure", "request", "mia", "--reason", "x", "--yes"];
    assert_eq!(maysend(&server, &wrong).code, Some(1));
    server.terminate();
}

#[tokio::test]
async fn what_is_erased_stays_so_until_its_owner_comes_back() {
    let mut server = Server::new(&[]);
    let channel = server.start().await;
    let ask = ["--actor", "anna", "erasure", "request", MIA, "--reason", "her letter", "--yes"];
    maysend(&server, &ask).done();
    let case = only_case(&server, "pending");
    let id = case["id"].as_str().unwrap();
    maysend(&server, &["--actor", "ben", "erasure", "approve", id]).done();
    assert_eq!(verdicts(&channel, MIA).await, [Verdict::Erased; 3]);

    // No file brings her back, nor does it leave a word of her.
    let list = server.data_dir().with_file_name("list.csv");
    let rows = "address,scope,state,basis,source,occurred_at\n\
                mia@example.org,topic:festival/newsletter,granted,consent,a fair,2024-05-31\n\
                mia@example.org,controller:buehne,registered,,,\n\
                mia@example.org,brand:festival,opted-out,,,\n";
    std::fs::write(&list, rows).unwrap();
    let import = ["--format", "json", "import", list.to_str().unwrap(), "--commit"];
    let report = maysend(&server, &import).done().stdout;
    assert_eq!(report.matches("REJECTED_ERASED").count(), 1, "{report}");
    assert_eq!(verdicts(&channel, MIA).await, [Verdict::Erased; 3]);
    let history = maysend(&server, &["--format", "json", "history", MIA]).json();
    assert_eq!(history.len(), 1, "the erasure alone");

    // She types her address into a form, which alone changes nothing, and clicks what comes.
    let evidence = Evidence {
        method: Method::Form.into(),
        source: "https://www.example.org/newsletter".to_owned(),
        wording: "Yes, send me the newsletter.".to_owned(),
        ..Evidence::default()
    };
    let begin = BeginOptInRequest {
        address: MIA.to_owned(),
        scopes: vec![newsletter()],
        evidence: Some(evidence),
        request_id: String::new(),
    };
    let begun = preference(&channel).begin_opt_in(begin).await.unwrap().into_inner();
    assert_eq!(begun.outcome(), WriteOutcome::Applied);
    assert_eq!(verdicts(&channel, MIA).await, [Verdict::Erased; 3]);
    let confirm = ConfirmOptInRequest { token: begun.confirm_token, evidence: None };
    let confirmed = preference(&channel).confirm_opt_in(confirm).await.unwrap().into_inner();
    assert_eq!(confirmed.outcomes, [i32::from(WriteOutcome::Applied)]);
    let afresh =
        [Verdict::AllowedConsent, Verdict::AllowedTransactional, Verdict::OptedOutEverything];
    assert_eq!(verdicts(&channel, MIA).await, afresh, "what she chose, and no more");
    server.kill();
    let channel = server.start().await;
    assert_eq!(verdicts(&channel, MIA).await, afresh);
}
