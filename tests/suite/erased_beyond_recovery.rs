//! What is erased is in no file of the data directory any more: every text that was written about a
//! person is looked for in every file, before and after, also where the server was killed while it
//! erased.
//!
//! MAYSEND_ERASE_CYCLES says how many times; the seed is printed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use maysend::grpc::api::{
    ApproveErasureRequest, ApproveErasureResponse, BlockAddressesRequest, BlockCause,
    Channel as By, ErasureCertificate, Evidence, LegalBasis, ListErasureCasesRequest, Method,
    OptOutRequest, RecordConsentRequest, RegisterAddressesRequest, RequestErasureRequest, Scope,
    TopicRef, scope::Level,
};
use maysend::grpc::codec::AskBuffer;
use maysend::model::verdict::Verdict;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tonic::transport::Channel;

use crate::process::{Server, by, consent, decision, erasure};

/// Writes with a reason of their own, so that erasing takes its time.
const OPT_OUTS: usize = 30;

/// A person, and every text that is written about her. No text is part of another's.
struct Person {
    tag: String,
}

impl Person {
    fn new(tag: &str) -> Self {
        Self { tag: tag.to_owned() }
    }

    fn text(&self, what: &str) -> String {
        format!("canary-{what}-{}", self.tag)
    }

    fn address(&self) -> String {
        format!("{}@example.org", self.text("address"))
    }

    /// What has to go.
    fn canaries(&self) -> Vec<String> {
        let mut canaries: Vec<String> = [
            "address", "shop", "block", "document", "source", "network", "program", "clerk",
            "letter", "phone",
        ]
        .map(|what| self.text(what))
        .to_vec();
        canaries.extend((0..OPT_OUTS).map(|number| self.text(&format!("reason{number}x"))));
        canaries
    }

    /// What names nobody and stays: the notice, which all who saw it share, and the names that
    /// callers gave their calls.
    fn kept(&self) -> [String; 2] {
        [self.text("wording"), self.text("call")]
    }

    fn evidence(&self) -> Evidence {
        Evidence {
            method: Method::Form.into(),
            source: self.text("source"),
            wording: self.text("wording"),
            document_ref: self.text("document"),
            ip: self.text("network"),
            user_agent: self.text("program"),
            ..Evidence::default()
        }
    }

    /// Writes of many kinds, and the request for erasure. The case.
    async fn write(&self, channel: &Channel) -> String {
        let topic = TopicRef { brand: "festival".to_owned(), topic: "newsletter".to_owned() };
        let scopes = vec![Scope { level: Some(Level::Topic(topic)) }];
        let (addresses, clerk) = (vec![self.address()], self.text("clerk"));
        let mut client = consent(channel);
        let register = RegisterAddressesRequest {
            addresses: addresses.clone(),
            controllers: vec!["buehne".to_owned()],
            source: self.text("shop"),
            request_id: self.text("call"),
            ..RegisterAddressesRequest::default()
        };
        client.register_addresses(by(&clerk, register)).await.unwrap();
        let yes = RecordConsentRequest {
            addresses: addresses.clone(),
            scopes: scopes.clone(),
            legal_basis: LegalBasis::Consent.into(),
            evidence: Some(self.evidence()),
            request_id: String::new(),
        };
        client.record_consent(by(&clerk, yes)).await.unwrap();
        let block = BlockAddressesRequest {
            addresses: addresses.clone(),
            brands: vec!["festival".to_owned()],
            channels: vec![By::Email.into(), By::Post.into()],
            cause: BlockCause::OwnerRequest.into(),
            reason: self.text("block"),
            ..BlockAddressesRequest::default()
        };
        client.block_addresses(by(&clerk, block)).await.unwrap();
        let mut calls = tokio::task::JoinSet::new();
        for number in 0..OPT_OUTS {
            let reason = self.text(&format!("reason{number}x"));
            let opt_out = OptOutRequest {
                addresses: addresses.clone(),
                scopes: scopes.clone(),
                reason: format!("{reason} {}", ".".repeat(1_800)),
                evidence: Some(self.evidence()),
                request_id: String::new(),
            };
            let (mut client, opt_out) = (client.clone(), by(&clerk, opt_out));
            calls.spawn(async move { client.opt_out(opt_out).await.unwrap() });
        }
        calls.join_all().await;
        let mut id = String::new();
        for reason in ["letter", "phone"] {
            let (address, reason) = (self.address(), self.text(reason));
            let request = RequestErasureRequest { address, reason, request_id: String::new() };
            let request = by("anna", request);
            let response = erasure(channel).request_erasure(request).await.unwrap().into_inner();
            id = response.erasure_case.unwrap().id;
        }
        id
    }

    async fn verdict(&self, channel: &Channel) -> Option<Verdict> {
        let mut ask = AskBuffer::new("festival", "tickets", 0);
        ask.push(self.address().as_bytes());
        let answer = decision(channel).check(ask.take()).await.unwrap().into_inner();
        Verdict::from_code(answer.verdicts[0])
    }
}

async fn approve(
    channel: &Channel,
    actor: &str,
    id: &str,
) -> Result<ErasureCertificate, tonic::Status> {
    let request = ApproveErasureRequest { id: id.to_owned(), note: "passport seen".to_owned() };
    let response = erasure(channel).approve_erasure(by(actor, request)).await?;
    let ApproveErasureResponse { certificate } = response.into_inner();
    Ok(certificate.unwrap())
}

/// Every file below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let (mut files, mut waiting) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(path) = waiting.pop() {
        // A running server removes old checkpoints.
        match std::fs::read_dir(&path) {
            Ok(entries) => waiting.extend(entries.map(|entry| entry.unwrap().path())),
            Err(_) => files.push(path),
        }
    }
    files
}

/// Which of the texts are in any file, in any case of their letters.
fn found(server: &Server, texts: &[String]) -> Vec<String> {
    let octets: Vec<Vec<u8>> = files(&server.data_dir())
        .iter()
        .filter_map(|file| std::fs::read(file).ok())
        .map(|octets| octets.to_ascii_lowercase())
        .collect();
    assert!(octets.iter().any(|octets| !octets.is_empty()), "there are files");
    let log = server.log();
    assert!(!texts.iter().any(|text| log.contains(text)), "the log is silent");
    let is_there = |text: &&String| {
        octets.iter().any(|octets| memchr::memmem::find(octets, text.as_bytes()).is_some())
    };
    texts.iter().filter(is_there).cloned().collect()
}

#[tokio::test]
async fn no_file_holds_what_was_erased() {
    // A checkpoint whenever something was recorded.
    let mut server = Server::new(&["--checkpoint-records", "1"]);
    let channel = server.start().await;
    let (eve, bob) = (Person::new("eve"), Person::new("bob"));
    let id = eve.write(&channel).await;
    bob.write(&channel).await;
    assert_eq!(eve.verdict(&channel).await, Some(Verdict::ErasurePending));
    // Stopped, it writes a checkpoint.
    server.terminate();
    assert_eq!(found(&server, &eve.canaries()), eve.canaries(), "the scan finds what is there");
    let channel = server.start().await;
    let certificate = approve(&channel, "ben", &id).await.unwrap();
    assert_eq!(usize::try_from(certificate.events_erased).unwrap(), OPT_OUTS + 5);
    assert_eq!(found(&server, &eve.canaries()), [""; 0], "while it runs");
    for _ in 0..2 {
        server.terminate();
        assert_eq!(found(&server, &eve.canaries()), [""; 0]);
        let channel = server.start().await;
        assert_eq!(eve.verdict(&channel).await, Some(Verdict::Erased));
        assert_eq!(approve(&channel, "cora", &id).await.unwrap(), certificate);
    }
    assert_eq!(found(&server, &eve.kept()), eve.kept(), "what names nobody");
    assert_eq!(found(&server, &bob.canaries()), bob.canaries(), "others are untouched");
    server.terminate();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_while_erasing_leaves_nothing_half_done() {
    let cycles = std::env::var("MAYSEND_ERASE_CYCLES").map_or(30, |text| text.parse().unwrap());
    let seed: u64 = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    let mut server = Server::new(&[]);
    let (mut acknowledged, mut erased, mut pending) = (0, 0, 0);
    let mut longest = 8_192_u64;
    for cycle in 0..cycles {
        let channel = server.start().await;
        let person = Person::new(&format!("c{cycle}z"));
        let id = person.write(&channel).await;
        assert_eq!(found(&server, &person.canaries()), person.canaries());
        let approval = {
            let (channel, id) = (channel.clone(), id.clone());
            tokio::spawn(async move { approve(&channel, "ben", &id).await })
        };
        // The runtime's own clock ticks in milliseconds, and machines differ: longer where the last
        // kill came too early, shorter where it came too late.
        std::thread::sleep(Duration::from_micros(random.random_range(0..longest)));
        server.kill();
        let told = approval.await.unwrap().ok();
        acknowledged += usize::from(told.is_some());

        let channel = server.start().await;
        let list = ListErasureCasesRequest { page_size: 1_000, ..Default::default() };
        let cases = erasure(&channel).list_erasure_cases(list).await.unwrap().into_inner().cases;
        let case = cases.iter().find(|case| case.id == id).unwrap();
        let left = found(&server, &person.canaries());
        match person.verdict(&channel).await.unwrap() {
            Verdict::Erased => {
                assert_eq!((case.address.as_str(), left), ("", Vec::new()));
                erased += 1;
                longest = (longest / 2).max(32);
            }
            Verdict::ErasurePending => {
                assert!(told.is_none(), "what was certified is done");
                assert_eq!((&case.address, left), (&person.address(), person.canaries()));
                pending += 1;
                longest = (longest * 2).min(500_000);
            }
            verdict => panic!("{verdict:?}"),
        }
        let certificate = approve(&channel, "cora", &id).await.unwrap();
        assert!(told.is_none_or(|told| told == certificate));
        assert_eq!(found(&server, &person.canaries()), [""; 0]);
        assert_eq!(person.verdict(&channel).await, Some(Verdict::Erased));
        // Both ways of starting are met: with a checkpoint and without.
        if cycle % 3 == 0 { server.terminate() } else { server.kill() }
    }
    println!(
        "kill -9 while erasing: {cycles} cycles, {acknowledged} acknowledged, found {erased} \
         erased and {pending} pending (seed {seed})"
    );
    assert!(cycles < 10 || (erased > 0 && pending > 0), "the kills come at no good time");
}
