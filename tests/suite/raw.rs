//! Calls of any method with octets made from its descriptor: what no typed client would send.

use bytes::Bytes;
use maysend::cli::bench::line::Octets;
use maysend::grpc::{DESCRIPTOR, SERVICES};
use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};
use tokio_stream::{Stream, StreamExt as _};
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};

/// Messages nested deeper than this stay empty.
const DEPTH: usize = 4;

/// A method of the API.
pub(crate) struct Method {
    /// `maysend.v1.DecisionService/Check`.
    pub(crate) name: String,
    input: String,
}

/// The API, as its descriptors have it.
pub(crate) struct Api {
    files: FileDescriptorSet,
}

impl Api {
    pub(crate) fn new() -> Self {
        Self { files: FileDescriptorSet::decode(DESCRIPTOR).unwrap() }
    }

    pub(crate) fn methods(&self) -> Vec<Method> {
        let mut methods = Vec::new();
        for file in &self.files.file {
            for service in &file.service {
                let full = format!("{}.{}", file.package(), service.name());
                if SERVICES.contains(&&*full) {
                    methods.extend(service.method.iter().map(|method| Method {
                        name: format!("{full}/{}", method.name()),
                        input: method.input_type().to_owned(),
                    }));
                }
            }
        }
        methods
    }

    /// A request of a method, each field once; `word` says what a text holds, by its field.
    pub(crate) fn request(&self, method: &Method, word: &dyn Fn(&str) -> String) -> Bytes {
        let mut out = Vec::new();
        self.fill(&method.input, word, DEPTH, &mut out);
        out.into()
    }

    fn fill(&self, name: &str, word: &dyn Fn(&str) -> String, depth: usize, out: &mut Vec<u8>) {
        let mut taken = Vec::new();
        for field in &self.message(name).field {
            // Of the choices of a oneof the first.
            if let Some(choice) = field.oneof_index {
                if taken.contains(&choice) {
                    continue;
                }
                taken.push(choice);
            }
            self.put(field, word, depth, out);
        }
    }

    fn put(
        &self,
        field: &FieldDescriptorProto,
        word: &dyn Fn(&str) -> String,
        depth: usize,
        out: &mut Vec<u8>,
    ) {
        let number = u64::try_from(field.number()).unwrap();
        let (wire, octets) = match field.r#type() {
            Type::String | Type::Bytes => (2, word(field.name()).into_bytes()),
            Type::Message if depth == 0 => return,
            Type::Message => {
                let mut inner = Vec::new();
                self.fill(field.type_name(), word, depth - 1, &mut inner);
                (2, inner)
            }
            _ => (0, vec![1]),
        };
        let is_packed = wire == 0 && field.label() == Label::Repeated;
        prost::encoding::encode_varint(number << 3 | if is_packed { 2 } else { wire }, out);
        if wire == 2 || is_packed {
            prost::encoding::encode_varint(u64::try_from(octets.len()).unwrap(), out);
        }
        out.extend(octets);
    }

    fn message(&self, name: &str) -> &DescriptorProto {
        for file in &self.files.file {
            let prefix = format!(".{}.", file.package());
            let local = name.strip_prefix(&prefix);
            let found = file.message_type.iter().find(|message| Some(message.name()) == local);
            if let Some(found) = found {
                return found;
            }
        }
        panic!("no message {name}")
    }
}

/// Calls a method with a stream of messages, whatever it takes.
pub(crate) async fn call(
    channel: &Channel,
    method: &str,
    messages: impl Stream<Item = Bytes> + Send + 'static,
    headers: &[(&'static str, &str)],
) -> Result<Streaming<Bytes>, Status> {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.unwrap();
    let mut request = Request::new(messages);
    for (name, value) in headers {
        request.metadata_mut().insert(*name, value.parse().unwrap());
    }
    let path = format!("/{method}").parse().unwrap();
    Ok(client.streaming(request, path, Octets).await?.into_inner())
}

/// Calls a method with one message; its answers, until it ends or has given `most`.
pub(crate) async fn answers(
    channel: &Channel,
    method: &str,
    message: Bytes,
    headers: &[(&'static str, &str)],
    most: usize,
) -> (Vec<Bytes>, Option<Status>) {
    let mut answers = Vec::new();
    let stream = match call(channel, method, tokio_stream::once(message), headers).await {
        Ok(stream) => stream,
        Err(status) => return (answers, Some(status)),
    };
    let mut stream = stream.take(most);
    while let Some(answer) = stream.next().await {
        match answer {
            Ok(answer) => answers.push(answer),
            Err(status) => return (answers, Some(status)),
        }
    }
    (answers, None)
}
