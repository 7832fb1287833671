//! How a client reaches the server.

mod tls;

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::Status;
use tonic::metadata::{AsciiMetadataValue, BinaryMetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint, Uri};

pub(super) use self::tls::TlsArgs;
use crate::grpc::api::access_service_client::AccessServiceClient;
use crate::grpc::api::catalog_service_client::CatalogServiceClient;
use crate::grpc::api::change_service_client::ChangeServiceClient;
use crate::grpc::api::consent_service_client::ConsentServiceClient;
use crate::grpc::api::decision_service_client::DecisionServiceClient;
use crate::grpc::api::erasure_service_client::ErasureServiceClient;
use crate::grpc::api::preference_service_client::PreferenceServiceClient;

/// How long the server may take to accept.
const PATIENCE: Duration = Duration::from_secs(10);

/// After so long without a word the connection is asked whether it still lives.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// HTTP/2 windows: what may be under way before the other side reads.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;

/// The largest answer that is read: a page of history with long wordings.
pub(super) const MAX_ANSWER: usize = 64 << 20;

/// Where the server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Server {
    /// `http://HOST:PORT` or `https://HOST:PORT`
    Http(String),
    /// The path of a socket.
    Unix(PathBuf),
}

/// A connection that names the actor and shows the key with every call.
pub(super) type Connection = InterceptedService<Channel, Named>;

/// Puts the actor's name and the key on every call.
#[derive(Debug, Clone)]
pub(super) struct Named {
    name: Option<Name>,
    authorization: Option<AsciiMetadataValue>,
}

#[derive(Debug, Clone)]
enum Name {
    Ascii(AsciiMetadataValue),
    Binary(BinaryMetadataValue),
}

impl Default for Server {
    fn default() -> Self {
        Self::Http("http://127.0.0.1:50051".to_owned())
    }
}

impl FromStr for Server {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err("`unix:` is followed by the path of a socket".to_owned());
            }
            return Ok(Self::Unix(path.into()));
        }
        let url = match text.split_once("://") {
            Some(("http" | "https", _)) => text.to_owned(),
            Some(_) => return Err("a server is http(s)://HOST:PORT or unix:PATH".to_owned()),
            None => format!("http://{text}"),
        };
        Endpoint::from_str(&url).map_err(|error| error.to_string())?;
        Ok(Self::Http(url))
    }
}

impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Http(url) => f.write_str(url),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Server {
    /// Connects without a key, and names `actor` in every call.
    ///
    /// # Errors
    /// Nobody listens there, or the name cannot travel.
    pub(super) async fn connect(&self, actor: Option<&str>) -> anyhow::Result<Connection> {
        self.connect_by(actor, None, &TlsArgs::default()).await
    }

    /// As `connect`; shows the key (`identity::authorization`), and takes the issuers and the
    /// certificate of `tls` where the server is `https`.
    ///
    /// # Errors
    /// As `connect`, and where the two do not agree on who they are, or where others could read the
    /// key on its way; says what to do.
    pub(super) async fn connect_by(
        &self,
        actor: Option<&str>,
        authorization: Option<AsciiMetadataValue>,
        tls: &TlsArgs,
    ) -> anyhow::Result<Connection> {
        if let (Some(_), Some(host)) = (&authorization, self.in_the_open()) {
            bail!(
                "the key is not sent to `{host}` without TLS, where others can read it: name the \
                 server as https://, or reach it by a tunnel that ends on this machine"
            );
        }
        let named = Named { authorization, ..Named::new(actor)? };
        let channel = match self {
            Self::Http(url) if url.starts_with("https:") => encrypted(url, tls).await?,
            Self::Http(url) => endpoint(url)?.connect().await,
            Self::Unix(path) => {
                let path = path.clone();
                let connector = tower::service_fn(move |_| {
                    let path = path.clone();
                    async move { UnixStream::connect(path).await.map(TokioIo::new) }
                });
                endpoint("http://localhost")?.connect_with_connector(connector).await
            }
        };
        let channel = channel.map_err(|error| {
            let advice = tls::advice(&error).map_or_else(
                || {
                    format!(
                        "cannot reach a server at {self}; start one with `maysend serve`, or name \
                         another with --server"
                    )
                },
                |advice| format!("cannot trust the server at {self}, or it not us: {advice}"),
            );
            anyhow::Error::new(error).context(advice)
        })?;
        Ok(InterceptedService::new(channel, named))
    }
}

impl Server {
    /// The host that is reached over a network, and without TLS.
    fn in_the_open(&self) -> Option<String> {
        let Self::Http(url) = self else { return None };
        let uri = Uri::from_str(url).ok().filter(|uri| uri.scheme_str() != Some("https"))?;
        let host = uri.host()?.trim_matches(['[', ']']);
        let is_here = match host.parse::<IpAddr>() {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => host == "localhost" || host.ends_with(".localhost"),
        };
        (!is_here).then(|| host.to_owned())
    }
}

/// A channel whose connections begin with a handshake.
async fn encrypted(
    url: &str,
    tls: &TlsArgs,
) -> anyhow::Result<Result<Channel, tonic::transport::Error>> {
    let uri = Uri::from_str(url)?;
    let host = uri.host().context("the server has no name")?.to_owned();
    let port = uri.port_u16().unwrap_or(443);
    let connector = tls.connector()?;
    // To tonic this is a plain one: the handshake is ours.
    let plain = endpoint(&format!("http://{host}:{port}"))?.origin(uri);
    let connector = tower::service_fn(move |_| {
        let shaken = tls::shake(connector.clone(), host.clone(), port);
        async move { shaken.await.map(TokioIo::new) }
    });
    Ok(plain.connect_with_connector(connector).await)
}

fn endpoint(url: &str) -> anyhow::Result<Endpoint> {
    Ok(Endpoint::from_str(url)?
        .connect_timeout(PATIENCE)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW))
}

impl Named {
    fn new(actor: Option<&str>) -> anyhow::Result<Self> {
        let Some(actor) = actor.map(str::trim).filter(|actor| !actor.is_empty()) else {
            return Ok(Self { name: None, authorization: None });
        };
        if actor.chars().any(char::is_control) {
            bail!("--actor holds a control character");
        }
        let name = if actor.is_ascii() {
            Name::Ascii(actor.parse().context("--actor cannot travel as a header")?)
        } else {
            Name::Binary(BinaryMetadataValue::from_bytes(actor.as_bytes()))
        };
        Ok(Self { name: Some(name), authorization: None })
    }
}

impl Interceptor for Named {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, Status> {
        let metadata = request.metadata_mut();
        if let Some(key) = &self.authorization {
            drop(metadata.insert("authorization", key.clone()));
        }
        match &self.name {
            None => {}
            Some(Name::Ascii(name)) => drop(metadata.insert("maysend-actor", name.clone())),
            Some(Name::Binary(name)) => {
                drop(metadata.insert_bin("maysend-actor-bin", name.clone()));
            }
        }
        Ok(request)
    }
}

/// The client of `CatalogService`.
pub(super) fn catalogs(connection: Connection) -> CatalogServiceClient<Connection> {
    CatalogServiceClient::new(connection).max_decoding_message_size(MAX_ANSWER)
}

/// The client of `DecisionService`.
pub(super) fn decisions(connection: Connection) -> DecisionServiceClient<Connection> {
    DecisionServiceClient::new(connection).max_decoding_message_size(MAX_ANSWER)
}

/// The client of `ConsentService`.
pub(super) fn consents(connection: Connection) -> ConsentServiceClient<Connection> {
    ConsentServiceClient::new(connection).max_decoding_message_size(MAX_ANSWER)
}

/// The client of `ErasureService`.
pub(super) fn erasures(connection: Connection) -> ErasureServiceClient<Connection> {
    ErasureServiceClient::new(connection).max_decoding_message_size(MAX_ANSWER)
}

/// The client of `AccessService`.
pub(super) fn accesses(connection: Connection) -> AccessServiceClient<Connection> {
    AccessServiceClient::new(connection).max_decoding_message_size(MAX_ANSWER)
}

/// The client of `PreferenceService`.
pub(super) fn preferences(connection: Connection) -> PreferenceServiceClient<Connection> {
    PreferenceServiceClient::new(connection).max_decoding_message_size(MAX_ANSWER)
}

/// The client of `ChangeService`.
pub(super) fn changes(connection: Connection) -> ChangeServiceClient<Connection> {
    ChangeServiceClient::new(connection).max_decoding_message_size(MAX_ANSWER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(text: &str, expect: Option<&str>) {
        assert_eq!(text.parse::<Server>().ok().map(|server| server.to_string()).as_deref(), expect);
    }

    #[test]
    fn a_server_is_a_url_or_a_socket() {
        reads("http://127.0.0.1:50051", Some("http://127.0.0.1:50051"));
        reads("localhost:7", Some("http://localhost:7"));
        reads("unix:/run/maysend.sock", Some("unix:/run/maysend.sock"));
        reads("unix:///run/maysend.sock", Some("unix:/run/maysend.sock"));
        reads("unix:", None);
        reads("https://mail.example", Some("https://mail.example"));
        reads("ftp://mail.example", None);
        reads("http://", None);
    }

    #[tokio::test]
    async fn no_key_leaves_the_machine_without_tls() {
        for (server, host) in [
            ("http://127.0.0.1:1", None),
            ("http://[::1]:1", None),
            ("http://localhost:1", None),
            ("https://mail.example", None),
            ("unix:/run/maysend.sock", None),
            ("http://10.1.2.3:1", Some("10.1.2.3")),
            ("http://[2001:db8::1]:1", Some("2001:db8::1")),
            ("mail.example:50051", Some("mail.example")),
            ("http://127.0.0.1.example:1", Some("127.0.0.1.example")),
        ] {
            let server: Server = server.parse().unwrap();
            assert_eq!(server.in_the_open().as_deref(), host, "{server}");
        }
        let server: Server = "http://mail.example:1".parse().unwrap();
        let key = Some("Bearer k".parse().unwrap());
        let refused = server.connect_by(None, key, &TlsArgs::default()).await.unwrap_err();
        assert!(refused.to_string().contains("without TLS"), "{refused}");
    }

    #[test]
    fn a_name_travels_as_text_or_as_octets() {
        let sent = |actor| {
            let mut named = Named::new(Some(actor)).unwrap();
            named.call(tonic::Request::new(())).unwrap().metadata().clone()
        };
        assert_eq!(sent(" anna ").get("maysend-actor").unwrap(), "anna");
        let sent = sent("J\u{fc}rgen");
        assert!(sent.get("maysend-actor").is_none());
        let name = sent.get_bin("maysend-actor-bin").unwrap().to_bytes().unwrap();
        assert_eq!(name, "J\u{fc}rgen".as_bytes());
        assert!(Named::new(Some("a\nb")).is_err());
        assert!(Named::new(Some(" ")).unwrap().name.is_none());
    }
}
