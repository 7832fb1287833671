//! The filter over a server that answers by a rule: the address begins with what it gets.

mod input;
mod stream;

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use indicatif::ProgressBar;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use super::{Outcome, Streams, Task, run};
use crate::cli::connect::Server;
use crate::cli::list::layout::Told;
use crate::grpc::api::decision_service_server::{DecisionService, DecisionServiceServer};
use crate::grpc::api::{ExplainRequest, ExplainResponse};
use crate::grpc::codec::{CheckAnswer, CheckAsk};
use crate::model::address::Address;
use crate::model::verdict::Verdict;

/// What the server answers: INVALID_ADDRESS where the rule of addresses says so, OPTED_OUT_BRAND
/// for `out...`, HARD_BOUNCE for `gone...`, ALLOWED_CONSENT for all others.
fn verdict(address: &[u8]) -> u8 {
    let verdict = match Address::parse(address) {
        Err(_) => Verdict::InvalidAddress,
        Ok(address) if address.as_str().starts_with("out") => Verdict::OptedOutBrand,
        Ok(address) if address.as_str().starts_with("gone") => Verdict::HardBounce,
        Ok(_) => Verdict::AllowedConsent,
    };
    verdict.code()
}

/// A server that answers by `verdict`, and after so many messages as `fault` says.
struct Fake {
    fault: Fault,
    /// The most messages that it was sent ahead of its answers.
    messages: Arc<AtomicUsize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Fails at this message, counted from 0.
    FailAt(usize),
    /// Ends the stream at this message.
    EndAt(usize),
    /// Leaves the last verdict out at this message.
    ShortAt(usize),
}

#[tonic::async_trait]
impl DecisionService for Fake {
    type CheckStreamStream =
        std::pin::Pin<Box<dyn Stream<Item = Result<CheckAnswer, Status>> + Send + 'static>>;

    async fn check(&self, request: Request<CheckAsk>) -> Result<Response<CheckAnswer>, Status> {
        let verdicts = request.get_ref().addresses().map(verdict).collect();
        Ok(Response::new(CheckAnswer::counted(verdicts, 1)))
    }

    #[expect(clippy::disallowed_methods, reason = "plays the server's part")]
    async fn check_stream(
        &self,
        request: Request<Streaming<CheckAsk>>,
    ) -> Result<Response<Self::CheckStreamStream>, Status> {
        let mut questions = request.into_inner();
        let (answers, stream) = tokio::sync::mpsc::channel(1);
        let (fault, messages) = (self.fault, self.messages.clone());
        tokio::spawn(async move {
            for number in 0.. {
                let Some(Ok(question)) = questions.next().await else { break };
                assert_eq!((question.brand(), question.campaign()), ("festival", "advent"));
                messages.fetch_add(1, Ordering::SeqCst);
                let mut verdicts: Vec<u8> = question.addresses().map(verdict).collect();
                assert!(!verdicts.is_empty(), "an empty question would be refused");
                if fault == Fault::FailAt(number) {
                    answers.send(Err(Status::unavailable("draining"))).await.unwrap();
                }
                if fault == Fault::FailAt(number) || fault == Fault::EndAt(number) {
                    break;
                }
                if fault == Fault::ShortAt(number) {
                    verdicts.pop();
                }
                let answer = CheckAnswer::counted(verdicts, u64::try_from(number).unwrap() + 1);
                if answers.send(Ok(answer)).await.is_err() {
                    break;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    #[expect(clippy::disallowed_methods, reason = "plays the server's part")]
    async fn explain(
        &self,
        _: Request<ExplainRequest>,
    ) -> Result<Response<ExplainResponse>, Status> {
        Err(Status::unimplemented("the filter does not ask this"))
    }
}

/// Starts the server on a free port.
#[expect(clippy::disallowed_methods, reason = "the task ends with the test's runtime")]
async fn serve(fault: Fault) -> (Server, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let messages = Arc::new(AtomicUsize::new(0));
    let fake = DecisionServiceServer::new(Fake { fault, messages: messages.clone() });
    let serving = tonic::transport::Server::builder()
        .add_service(fake.max_decoding_message_size(16 << 20))
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(serving);
    (format!("http://{address}").parse().unwrap(), messages)
}

/// What a test gathers; it may close after so many octets.
#[derive(Clone)]
struct Page {
    octets: Arc<Mutex<Vec<u8>>>,
    room: usize,
}

impl Page {
    fn new(room: usize) -> Self {
        Self { octets: Arc::default(), room }
    }

    fn text(&self) -> Vec<u8> {
        self.octets.lock().unwrap().clone()
    }
}

impl Write for Page {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let mut page = self.octets.lock().unwrap();
        let written = octets.len().min(self.room - page.len());
        if written == 0 && !octets.is_empty() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        page.extend_from_slice(&octets[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Gives its octets in pieces of these lengths, around and around.
struct Pieces {
    octets: io::Cursor<Vec<u8>>,
    lengths: Vec<usize>,
    at: usize,
}

impl Pieces {
    fn new(octets: &[u8], lengths: &[usize]) -> Self {
        Self { octets: io::Cursor::new(octets.to_vec()), lengths: lengths.to_vec(), at: 0 }
    }
}

impl Read for Pieces {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let length = self.lengths[self.at % self.lengths.len()].clamp(1, room.len());
        self.at += 1;
        self.octets.read(&mut room[..length])
    }
}

struct Filtered {
    outcome: Outcome,
    output: Vec<u8>,
    rejected: Vec<u8>,
    messages: usize,
}

impl Filtered {
    fn output(&self) -> &str {
        std::str::from_utf8(&self.output).unwrap()
    }

    fn rejected(&self) -> &str {
        std::str::from_utf8(&self.rejected).unwrap()
    }
}

struct Try {
    told: Told,
    dedupe: bool,
    fault: Fault,
    /// Octets until whoever reads the output is gone.
    room: usize,
    pieces: Vec<usize>,
}

impl Default for Try {
    fn default() -> Self {
        let (told, fault) = (Told::default(), Fault::None);
        Self { told, dedupe: false, fault, room: usize::MAX, pieces: vec![usize::MAX] }
    }
}

impl Try {
    fn column(name: &str) -> Self {
        let told = Told { column: Some(name.to_owned()), ..Told::default() };
        Self { told, ..Self::default() }
    }

    async fn run(&self, list: &[u8]) -> anyhow::Result<Filtered> {
        let (server, messages) = serve(self.fault).await;
        let task = Task { brand: "festival", campaign: "advent", dedupe: self.dedupe };
        let (output, rejected) = (Page::new(self.room), Page::new(usize::MAX));
        let streams = Streams {
            source: Pieces::new(list, &self.pieces),
            output: output.clone(),
            rejected: Some(rejected.clone()),
        };
        let never = async || std::future::pending().await;
        let connection = server.connect(None).await?;
        let bar = ProgressBar::hidden();
        let outcome = run(connection, &task, &self.told, streams, &bar, never).await?;
        let messages = messages.load(Ordering::SeqCst);
        Ok(Filtered { outcome, output: output.text(), rejected: rejected.text(), messages })
    }
}

async fn filter(list: &str) -> Filtered {
    Try::default().run(list.as_bytes()).await.unwrap()
}
