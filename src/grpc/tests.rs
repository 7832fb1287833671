//! The contract keeps its form, and calls reach their handlers through it.

use std::collections::HashMap;
use std::pin::Pin;

use prost::Message;
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet};
use tokio_stream::{Stream, StreamExt};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Response, Status, Streaming};

use super::DESCRIPTOR;
use super::api::decision_service_client::DecisionServiceClient;
use super::api::decision_service_server::{DecisionService, DecisionServiceServer};
use super::api::{self, CheckRequest, CheckResponse, ExplainRequest, ExplainResponse};
use super::codec::{AskBuffer, CheckAnswer, CheckAsk};
use crate::model::verdict::{Verdict, WriteOutcome};

/// Names and leading comments of all elements of a file, by their place in its descriptor.
struct Comments<'a> {
    places: HashMap<&'a [i32], &'a str>,
    found: Vec<(String, &'a str)>,
}

impl<'a> Comments<'a> {
    fn of(file: &'a FileDescriptorProto) -> Vec<(String, &'a str)> {
        let locations = &file.source_code_info.as_ref().unwrap().location;
        let places = locations.iter().map(|l| (l.path.as_slice(), l.leading_comments())).collect();
        let mut comments = Self { places, found: Vec::new() };
        for (i, message) in (0..).zip(&file.message_type) {
            comments.message(vec![4, i], message);
        }
        for (i, choice) in (0..).zip(&file.enum_type) {
            comments.choice(vec![5, i], choice);
        }
        for (i, service) in (0..).zip(&file.service) {
            comments.take(&[6, i], service.name());
            for (j, method) in (0..).zip(&service.method) {
                comments.take(&[6, i, 2, j], method.name());
            }
        }
        comments.found
    }

    fn message(&mut self, path: Vec<i32>, message: &DescriptorProto) {
        self.take(&path, message.name());
        for (i, field) in (0..).zip(&message.field) {
            self.take(&[path.as_slice(), &[2, i]].concat(), field.name());
        }
        // The entries of a map are written nowhere.
        let is_map =
            |nested: &DescriptorProto| nested.options.as_ref().is_some_and(|o| o.map_entry());
        for (i, nested) in (0..).zip(&message.nested_type).filter(|(_, nested)| !is_map(nested)) {
            self.message([path.as_slice(), &[3, i]].concat(), nested);
        }
        for (i, nested) in (0..).zip(&message.enum_type) {
            self.choice([path.as_slice(), &[4, i]].concat(), nested);
        }
        for (i, oneof) in (0..).zip(&message.oneof_decl) {
            self.take(&[path.as_slice(), &[8, i]].concat(), oneof.name());
        }
    }

    fn choice(&mut self, path: Vec<i32>, choice: &EnumDescriptorProto) {
        self.take(&path, choice.name());
        for (i, value) in (0..).zip(&choice.value) {
            self.take(&[path.as_slice(), &[2, i]].concat(), value.name());
        }
    }

    fn take(&mut self, path: &[i32], name: &str) {
        self.found.push((name.to_owned(), self.places.get(path).copied().unwrap_or("")));
    }
}

fn package() -> Vec<FileDescriptorProto> {
    let mut files = FileDescriptorSet::decode(DESCRIPTOR).unwrap().file;
    files.retain(|file| file.package() == "maysend.v1");
    assert_eq!(files.len(), 9);
    files
}

#[test]
fn every_comment_begins_with_the_name_of_its_element() {
    let mut elements = 0;
    for file in &package() {
        for (name, comment) in Comments::of(file) {
            assert!(comment.starts_with(&format!(" {name} ")), "{}: {name}", file.name());
            elements += 1;
        }
    }
    assert!(elements > 400, "{elements}");
}

#[test]
fn every_error_reason_says_its_code() {
    let codes: Vec<String> = (1..=16).map(|code| format!("{:?}", Code::from_i32(code))).collect();
    let files = package();
    let file = files.iter().find(|file| file.name().ends_with("error_reason.proto")).unwrap();
    let reasons = Comments::of(file);
    for (name, comment) in &reasons[2..] {
        let (_, code) = comment.split_once("\n Code: ").unwrap_or_else(|| panic!("{name}"));
        let code = code.split('.').next().unwrap().trim().replace('_', "");
        assert!(codes.iter().any(|known| known.eq_ignore_ascii_case(&code)), "{name}: {code}");
    }
    assert!(reasons.len() > 20);
}

fn screaming(camel: &str) -> String {
    let words = camel.chars().flat_map(|letter| {
        let gap = letter.is_ascii_uppercase().then_some('_');
        gap.into_iter().chain([letter.to_ascii_uppercase()])
    });
    words.collect::<String>().trim_start_matches('_').to_owned()
}

#[test]
fn verdicts_have_the_names_and_numbers_of_the_model() {
    for number in 1..=255 {
        let word = Verdict::from_code(number).map(|verdict| {
            let side = if verdict.allows() { "" } else { "DENIED_" };
            format!("VERDICT_{side}{}", screaming(&format!("{verdict:?}")))
        });
        let wire = api::Verdict::try_from(i32::from(number)).ok();
        assert_eq!(wire.map(|verdict| verdict.as_str_name().to_owned()), word, "{number}");
    }
}

#[test]
fn write_outcomes_have_the_names_and_numbers_of_the_model() {
    for number in 1..=255 {
        let word = WriteOutcome::from_code(number).map(|outcome| {
            let taken = matches!(outcome, WriteOutcome::Applied | WriteOutcome::Unchanged);
            let side = if taken { "" } else { "REJECTED_" };
            format!("WRITE_OUTCOME_{side}{}", screaming(&format!("{outcome:?}")))
        });
        let wire = api::WriteOutcome::try_from(i32::from(number)).ok();
        assert_eq!(wire.map(|outcome| outcome.as_str_name().to_owned()), word, "{number}");
    }
}

/// Answers each address with its length, so that order and octets show.
struct Lengths;

fn lengths(ask: &CheckAsk) -> CheckAnswer {
    let verdicts = ask.addresses().map(|address| u8::try_from(address.len()).unwrap()).collect();
    CheckAnswer::counted(verdicts, ask.at_least_revision())
}

#[tonic::async_trait]
impl DecisionService for Lengths {
    async fn check(&self, ask: Request<CheckAsk>) -> Result<Response<CheckAnswer>, Status> {
        Ok(Response::new(lengths(ask.get_ref())))
    }

    type CheckStreamStream = Pin<Box<dyn Stream<Item = Result<CheckAnswer, Status>> + Send>>;

    async fn check_stream(
        &self,
        asks: Request<Streaming<CheckAsk>>,
    ) -> Result<Response<Self::CheckStreamStream>, Status> {
        Ok(Response::new(Box::pin(asks.into_inner().map(|ask| ask.map(|ask| lengths(&ask))))))
    }

    async fn explain(
        &self,
        request: Request<ExplainRequest>,
    ) -> Result<Response<ExplainResponse>, Status> {
        let canonical_address = request.into_inner().address;
        Ok(Response::new(ExplainResponse { canonical_address, ..ExplainResponse::default() }))
    }
}

fn server() -> DecisionServiceServer<Lengths> {
    DecisionServiceServer::new(Lengths)
}

#[tokio::test]
async fn own_client_reaches_every_call() {
    let mut client = DecisionServiceClient::new(server());
    let mut buffer = AskBuffer::new("festival", "advent", 7);
    buffer.push(b"a@b.de");
    buffer.push(b"\xFF");
    let answer = client.check(buffer.take()).await.unwrap().into_inner();
    assert_eq!(answer, CheckAnswer::counted(vec![6, 1], 7));

    let asks: Vec<CheckAsk> = (1..=3)
        .map(|message| {
            (0..message).for_each(|_| buffer.push(b"c@d.de"));
            buffer.take()
        })
        .collect();
    let answers = client.check_stream(tokio_stream::iter(asks)).await.unwrap().into_inner();
    let answers: Vec<CheckAnswer> = answers.map(Result::unwrap).collect().await;
    assert_eq!(answers, [1, 2, 3].map(|n| CheckAnswer::counted(vec![6; n], 7)));

    let request = ExplainRequest { address: "a@b.de".to_owned(), ..ExplainRequest::default() };
    let explained = client.explain(request).await.unwrap().into_inner();
    assert_eq!(explained.canonical_address, "a@b.de");
}

#[tokio::test]
async fn client_of_prost_gets_the_same_answer() {
    let mut client = tonic::client::Grpc::new(server());
    let request = CheckRequest {
        addresses: vec!["a@b.de".to_owned(), String::new()],
        at_least_revision: 7,
        ..CheckRequest::default()
    };
    let codec = tonic_prost::ProstCodec::<CheckRequest, CheckResponse>::default();
    let path = PathAndQuery::from_static("/maysend.v1.DecisionService/Check");
    client.ready().await.unwrap();
    let answer = client.unary(Request::new(request), path, codec).await.unwrap().into_inner();
    assert_eq!((answer.verdicts, answer.revision), (vec![6, 0], 7));
}

#[tokio::test]
async fn message_that_cannot_be_read_fails_as_prosts_do() {
    for path in ["Check", "Explain"] {
        let mut client = tonic::client::Grpc::new(server());
        // Field 1 is a message here, and no text there.
        let nonsense = api::RegisterCampaignRequest {
            campaign: Some(api::Campaign { brand: "\u{7f}".repeat(200), ..Default::default() }),
        };
        let codec =
            tonic_prost::ProstCodec::<api::RegisterCampaignRequest, CheckResponse>::default();
        let path = format!("/maysend.v1.DecisionService/{path}").parse().unwrap();
        client.ready().await.unwrap();
        let status = client.unary(Request::new(nonsense), path, codec).await.unwrap_err();
        assert_eq!(status.code(), Code::Internal);
    }
}
