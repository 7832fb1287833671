//! Facts as they travel: encoded where their row is read, so that nothing but octets waits for the
//! server, and nothing has to be copied for the case that they are sent again.

use bytes::{BufMut as _, Bytes};
use prost::Message as _;
use tonic::codec::{Codec, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Request, Status};
use tonic_prost::{ProstCodec, ProstDecoder};

use crate::cli::connect::{Connection, MAX_ANSWER};
use crate::grpc::api::{ImportFactsRequest, ImportFactsResponse, ImportedFact};

const CALL: &str = "/maysend.v1.ConsentService/ImportFacts";

/// Facts, in their order. Each is a request of its own: such messages one after the other are one
/// message, which has the facts of all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Facts {
    octets: Vec<u8>,
    /// Where each fact ends.
    ends: Vec<usize>,
}

impl Facts {
    pub(super) fn push(&mut self, fact: ImportedFact) {
        put(&mut self.octets, &ImportFactsRequest { facts: vec![fact], dry_run: false });
        self.ends.push(self.octets.len());
    }

    pub(super) const fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Those whose place `keep` takes.
    pub(super) fn retained(&self, keep: impl Fn(usize) -> bool) -> Self {
        let mut retained = Self::default();
        let mut from = 0;
        for (place, &end) in self.ends.iter().enumerate() {
            if keep(place) {
                retained.octets.extend_from_slice(self.octets.get(from..end).unwrap_or_default());
                retained.ends.push(retained.octets.len());
            }
            from = end;
        }
        retained
    }

    /// The message that has them.
    pub(super) fn request(&self, dry_run: bool) -> Bytes {
        let mut octets = Vec::with_capacity(self.octets.len() + 2);
        octets.extend_from_slice(&self.octets);
        put(&mut octets, &ImportFactsRequest { facts: Vec::new(), dry_run });
        octets.into()
    }
}

fn put(octets: &mut Vec<u8>, message: &ImportFactsRequest) {
    octets.reserve(message.encoded_len());
    message.encode_raw(octets);
}

/// The call `ImportFacts` with a request that is encoded.
#[derive(Debug, Clone)]
pub(super) struct Caller(tonic::client::Grpc<Connection>);

impl Caller {
    pub(super) fn new(connection: Connection) -> Self {
        Self(tonic::client::Grpc::new(connection).max_decoding_message_size(MAX_ANSWER))
    }

    /// # Errors
    /// What the server says, or that it is gone.
    pub(super) async fn import(&mut self, request: Bytes) -> Result<ImportFactsResponse, Status> {
        self.0.ready().await.map_err(|error| Status::from_error(error.into()))?;
        let path = PathAndQuery::from_static(CALL);
        Ok(self.0.unary(Request::new(request), path, Encoded).await?.into_inner())
    }
}

/// Writes octets as they are, and reads the response.
#[derive(Debug, Clone, Copy)]
struct Encoded;

impl Codec for Encoded {
    type Encode = Bytes;
    type Decode = ImportFactsResponse;
    type Encoder = Self;
    type Decoder = ProstDecoder<ImportFactsResponse>;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<ImportFactsRequest, ImportFactsResponse>::default().decoder()
    }
}

impl Encoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(message.len());
        buffer.put(message);
        Ok(())
    }
}
