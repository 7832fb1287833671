//! A line to a server: the call `Check` with octets in and octets out, so that the client costs the
//! same, and as little as it can, whoever answers.

use anyhow::Context as _;
use bytes::{Buf as _, BufMut as _, Bytes};
use tokio_stream::Stream;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Request, Status, Streaming};

use crate::cli::connect::{Connection, MAX_ANSWER, Server};
use crate::cli::fault::Fault;

/// The call that everyone answers.
pub(super) const CALL: &str = "/maysend.v1.DecisionService/Check";

/// The call that answers one question after the other.
const STREAM: &str = "/maysend.v1.DecisionService/CheckStream";

/// One connection.
#[derive(Debug, Clone)]
pub struct Line(tonic::client::Grpc<Connection>);

impl Line {
    /// Connects, and names `actor` in every call.
    ///
    /// # Errors
    /// Nobody listens there.
    pub async fn connect(server: &Server, actor: Option<&str>) -> anyhow::Result<Self> {
        Ok(Self::over(server.connect(actor).await?))
    }

    /// A line over a connection.
    pub(in crate::cli) fn over(connection: Connection) -> Self {
        Self(tonic::client::Grpc::new(connection).max_decoding_message_size(MAX_ANSWER))
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// Whatever the server says but an answer.
    pub async fn ask(&mut self, question: Bytes) -> anyhow::Result<Bytes> {
        self.call(CALL, question).await
    }

    /// Makes any unary call, and waits for its answer.
    ///
    /// # Errors
    /// Whatever the server says but an answer.
    pub async fn call(&mut self, path: &'static str, message: Bytes) -> anyhow::Result<Bytes> {
        self.0.ready().await.context("the connection is gone")?;
        let path = PathAndQuery::from_static(path);
        let answer = self.0.unary(Request::new(message), path, Octets).await;
        Ok(answer.map_err(Fault::from)?.into_inner())
    }

    /// Opens a `CheckStream` over which these questions go.
    ///
    /// # Errors
    /// Whatever the server says but a stream of answers.
    pub async fn stream(
        &mut self,
        questions: impl Stream<Item = Bytes> + Send + 'static,
    ) -> anyhow::Result<Streaming<Bytes>> {
        self.0.ready().await.context("the connection is gone")?;
        let path = PathAndQuery::from_static(STREAM);
        let answers = self.0.streaming(Request::new(questions), path, Octets).await;
        Ok(answers.map_err(Fault::from)?.into_inner())
    }
}

/// The codec that leaves messages as they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Octets;

impl Codec for Octets {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Octets {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(message.len());
        buffer.put(message);
        Ok(())
    }
}

impl Decoder for Octets {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
