//! What maysend is measured against, with the same transport and the same windows.
//!
//! - *Echo*, the ceiling: takes the octets of the question, answers with one octet for each
//!   address, looks at nothing.
//! - *Mirror*, an echo to the letter: answers with the octets of the question.
//! - *Ordinary*, the floor: what one writes in an afternoon. prost makes a `String` of each address,
//!   which is lower-cased and looked up in a `HashMap<String, u32>` with the hasher of `std`.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::server::{Server, TcpIncoming};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use super::line::Octets;
use super::{facts, people};
use crate::grpc::api::{CheckRequest, CheckResponse, Verdict};
use crate::server::Limits;

/// The largest question they read.
const MAX_QUESTION: usize = 32 << 20;

/// Answers questions with as many zeros as it is told.
#[derive(Debug, Clone)]
pub struct Echo {
    zeros: Bytes,
    answer: Arc<AtomicUsize>,
}

impl Echo {
    /// An echo whose answers have as many octets as `answer` says, and at most `longest`.
    #[must_use]
    pub fn new(longest: usize, answer: Arc<AtomicUsize>) -> Self {
        Self { zeros: vec![0; longest].into(), answer }
    }
}

impl UnaryService<Bytes> for Echo {
    type Response = Bytes;
    type Future = Ready<Result<Response<Bytes>, Status>>;

    fn call(&mut self, _question: Request<Bytes>) -> Self::Future {
        let octets = self.answer.load(Ordering::Relaxed).min(self.zeros.len());
        ready(Ok(Response::new(self.zeros.slice(..octets))))
    }
}

/// Answers with the question.
#[derive(Debug, Clone, Copy)]
pub struct Mirror;

impl UnaryService<Bytes> for Mirror {
    type Response = Bytes;
    type Future = Ready<Result<Response<Bytes>, Status>>;

    fn call(&mut self, question: Request<Bytes>) -> Self::Future {
        ready(Ok(Response::new(question.into_inner())))
    }
}

/// Looks addresses up, in lower case.
#[derive(Debug, Clone)]
pub struct Ordinary(Arc<HashMap<String, u32>>);

impl Ordinary {
    /// One that knows the recipients below `count`, and the verdicts that follow.
    #[must_use]
    pub fn new(count: u64) -> Self {
        let row = |n| (people::address(n).to_lowercase(), facts::verdict(n, count).code().into());
        Self(Arc::new((0..count).map(row).collect()))
    }
}

impl UnaryService<CheckRequest> for Ordinary {
    type Response = CheckResponse;
    type Future = Ready<Result<Response<CheckResponse>, Status>>;

    fn call(&mut self, question: Request<CheckRequest>) -> Self::Future {
        let look_up = |address: &String| match self.0.get(&address.to_lowercase()) {
            Some(&verdict) => i32::try_from(verdict).unwrap_or(0),
            None => Verdict::DeniedUnknownAddress.into(),
        };
        let verdicts = question.get_ref().addresses.iter().map(look_up).collect();
        ready(Ok(Response::new(CheckResponse { verdicts, ..CheckResponse::default() })))
    }
}

/// One of them as tonic serves it, in the place of `DecisionService`.
#[derive(Debug, Clone)]
pub enum Rival {
    /// The ceiling.
    Echo(Echo),
    /// The echo to the letter.
    Mirror,
    /// The floor.
    Ordinary(Ordinary),
}

impl Rival {
    /// Serves until it fails.
    ///
    /// # Errors
    /// The transport failed.
    pub async fn serve(self, listener: TcpListener) -> Result<(), tonic::transport::Error> {
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        transport().add_service(self).serve_with_incoming(incoming).await
    }
}

/// Windows as maysend's own.
fn transport() -> Server {
    let Limits { stream_window, connection_window, max_streams, .. } = Limits::default();
    Server::builder()
        .max_frame_size(1 << 20)
        .initial_stream_window_size(u32::try_from(stream_window).ok())
        .initial_connection_window_size(u32::try_from(connection_window).ok())
        .max_concurrent_streams(max_streams)
}

impl NamedService for Rival {
    const NAME: &'static str = "maysend.v1.DecisionService";
}

impl Service<http::Request<Body>> for Rival {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        match self.clone() {
            Self::Echo(echo) => Box::pin(async {
                let limit = Some(MAX_QUESTION);
                let mut grpc = Grpc::new(Octets).apply_max_message_size_config(limit, None);
                Ok(grpc.unary(echo, request).await)
            }),
            Self::Mirror => Box::pin(async {
                let limit = Some(MAX_QUESTION);
                let mut grpc = Grpc::new(Octets).apply_max_message_size_config(limit, None);
                Ok(grpc.unary(Mirror, request).await)
            }),
            Self::Ordinary(ordinary) => Box::pin(async {
                let limit = Some(MAX_QUESTION);
                let codec = ProstCodec::<CheckResponse, CheckRequest>::default();
                let mut grpc = Grpc::new(codec).apply_max_message_size_config(limit, None);
                Ok(grpc.unary(ordinary, request).await)
            }),
        }
    }
}
