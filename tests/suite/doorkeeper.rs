//! A server with a credential file, and calls that show a key, or none, as octets: any call can be
//! made in one way.

use std::path::PathBuf;
use std::process::{Command, Output};

use bytes::Bytes;
use maysend::cli::bench::line::Octets;
use tempfile::TempDir;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Status, Streaming};
use tonic_types::StatusExt as _;

use crate::process::Server;

/// A server, its credential file, and the key of each credential.
pub(crate) struct Doorkeeper {
    folder: TempDir,
    pub(crate) server: Server,
    pub(crate) channel: Channel,
}

/// The program, with nothing in its environment that names a key.
pub(crate) fn maysend(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_maysend"));
    command.args(words).env_remove("MAYSEND_CREDENTIAL").env_remove("MAYSEND_CREDENTIAL_FILE");
    command
}

pub(crate) fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

impl Doorkeeper {
    /// Makes these credentials, each as `new` takes it, and starts a server with them. Gives back
    /// their keys.
    pub(crate) async fn open(catalog: &str, credentials: &[&str]) -> (Self, Vec<String>) {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("credentials.toml");
        let keys = credentials.iter().map(|words| made(&file, words)).collect();
        let mut server = Server::with_catalog(catalog, &["--credentials", file.to_str().unwrap()]);
        let channel = server.start().await;
        (Self { folder, server, channel }, keys)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("credentials.toml")
    }

    /// Makes a credential; the server does not know it yet.
    pub(crate) fn make(&self, words: &str) -> String {
        made(&self.file(), words)
    }

    pub(crate) fn revoke(&self, name: &str) -> Output {
        let file = self.file();
        maysend(&["credential", "revoke", name, "--file"]).arg(file).output().unwrap()
    }

    /// SIGHUP; returns once the file was read.
    pub(crate) async fn reload(&self) {
        self.server.reload("the credentials are read").await;
    }

    /// Runs a client with these words and environment against the server.
    pub(crate) fn client(&self, words: &[&str], environment: &[(&str, &str)]) -> Output {
        let server = format!("unix:{}", self.server.socket().display());
        let mut command = maysend(words);
        command.args(["--server", &server]).envs(environment.iter().copied());
        command.output().unwrap()
    }

    /// A file in its folder.
    pub(crate) fn written(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }
}

fn made(file: &std::path::Path, words: &str) -> String {
    let words: Vec<&str> = ["credential", "new"].into_iter().chain(words.split(' ')).collect();
    let output = maysend(&words).arg("--file").arg(file).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let key = text(&output.stdout);
    assert!(!text(&output.stderr).contains(key.trim()), "the talk holds no key");
    key.trim().to_owned()
}

/// A call that shows this key and is made by `anna`.
pub(crate) fn with_key<T>(key: Option<&str>, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("maysend-actor", "anna".parse().unwrap());
    if let Some(key) = key {
        request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    }
    request
}

/// Makes a call of any kind with one message, and waits for the first answer.
pub(crate) async fn call(
    channel: &Channel,
    path: &str,
    key: Option<&str>,
    message: &[u8],
) -> Result<Bytes, Status> {
    let mut answers = open(channel, path, key, message).await?;
    answers.message().await?.ok_or_else(|| Status::data_loss("no answer"))
}

/// Makes a call of any kind with one message.
pub(crate) async fn open(
    channel: &Channel,
    path: &str,
    key: Option<&str>,
    message: &[u8],
) -> Result<Streaming<Bytes>, Status> {
    let mut client = Grpc::new(channel.clone());
    client.ready().await.map_err(|error| Status::unknown(error.to_string()))?;
    let messages = tokio_stream::iter([Bytes::copy_from_slice(message)]);
    let path = PathAndQuery::try_from(path).unwrap();
    Ok(client.streaming(with_key(key, messages), path, Octets).await?.into_inner())
}

/// The code and the reason of a failed call.
pub(crate) fn why<T: std::fmt::Debug>(result: Result<T, Status>) -> (Code, String) {
    let status = result.unwrap_err();
    let reason = status.get_details_error_info().map(|info| info.reason);
    (status.code(), reason.unwrap_or_default())
}

/// Nobody is let in, and nobody is told why.
#[track_caller]
pub(crate) fn is_stranger<T: std::fmt::Debug>(result: Result<T, Status>) {
    let status = result.unwrap_err();
    let said = "the call shows no valid credential; send `authorization: Bearer KEY`";
    assert_eq!(status.message(), said);
    assert_eq!(why::<()>(Err(status)), (Code::Unauthenticated, "UNAUTHENTICATED".to_owned()));
}
