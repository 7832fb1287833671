//! The real binary, as a process of its own on a Unix socket.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use hyper_util::rt::TokioIo;
use maysend::grpc::api::access_service_client::AccessServiceClient;
use maysend::grpc::api::consent_service_client::ConsentServiceClient;
use maysend::grpc::api::decision_service_client::DecisionServiceClient;
use maysend::grpc::api::erasure_service_client::ErasureServiceClient;
use maysend::grpc::api::preference_service_client::PreferenceServiceClient;
use tempfile::TempDir;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// How long a server may take to answer after its start.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A data directory and the server that runs on it. Dropped, the server is killed.
pub(crate) struct Server {
    dir: TempDir,
    catalog: PathBuf,
    options: Vec<String>,
    environment: Vec<(String, OsString)>,
    data_dir: PathBuf,
    process: Option<Child>,
}

/// A server that ended before it answered.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) log: String,
}

impl Server {
    /// A new data directory; nothing runs yet. `options` are further ones of `serve`.
    pub(crate) fn new(options: &[&str]) -> Self {
        let options = options.iter().map(ToString::to_string).collect();
        let catalog = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/catalog.toml").into();
        let dir = TempDir::new().unwrap();
        let (environment, data_dir) = (Vec::new(), dir.path().join("store"));
        Self { dir, catalog, options, environment, data_dir, process: None }
    }

    /// As `new`, on a data directory elsewhere.
    pub(crate) fn on(data_dir: &Path, options: &[&str]) -> Self {
        let mut server = Self::new(options);
        server.data_dir = data_dir.to_owned();
        server
    }

    /// As `new`, with a catalog of its own.
    pub(crate) fn with_catalog(text: &str, options: &[&str]) -> Self {
        let mut server = Self::new(options);
        server.catalog = server.dir.path().join("catalog.toml");
        std::fs::write(&server.catalog, text).unwrap();
        server
    }

    /// With an admin port, on a socket of its own.
    pub(crate) fn with_admin(mut self) -> Self {
        let socket = self.dir.path().join("admin");
        self.options.extend(["--admin".to_owned(), format!("unix:{}", socket.display())]);
        self
    }

    /// What a page of the admin port says: its status, and its text.
    pub(crate) fn page(&self, path: &str) -> (u16, String) {
        self.ask("GET", path)
    }

    /// What the admin port says to a request.
    pub(crate) fn ask(&self, method: &str, path: &str) -> (u16, String) {
        let mut stream =
            std::os::unix::net::UnixStream::connect(self.dir.path().join("admin")).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, text) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), text.to_owned())
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.data_dir.clone()
    }

    /// Starts from now on with this in its environment.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.into()));
    }

    /// Starts from now on with these options.
    pub(crate) fn set_options(&mut self, options: &[&str]) {
        self.options = options.iter().map(ToString::to_string).collect();
    }

    pub(crate) fn catalog(&self) -> &Path {
        &self.catalog
    }

    /// Where it listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("socket")
    }

    /// Starts it and waits until it answers.
    pub(crate) async fn start(&mut self) -> Channel {
        self.try_start().await.unwrap_or_else(|ended| panic!("the server ended: {}", ended.log))
    }

    /// Starts it and waits until it answers or has ended.
    pub(crate) async fn try_start(&mut self) -> Result<Channel, Ended> {
        let child = Command::new(env!("CARGO_BIN_EXE_maysend"))
            .arg("serve")
            .arg("--data-dir")
            .arg(self.data_dir())
            .arg("--catalog")
            .arg(&self.catalog)
            .arg("--listen")
            .arg(format!("unix:{}", self.socket().display()))
            .args(&self.options)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::from(std::fs::File::create(self.dir.path().join("stdout")).unwrap()))
            .stderr(Stdio::from(std::fs::File::create(self.dir.path().join("log")).unwrap()))
            .spawn()
            .unwrap();
        self.process = Some(child);
        let started = Instant::now();
        loop {
            // The socket is there before the server serves: only an answer tells.
            if let Ok(channel) = connect(&self.socket()).await
                && is_serving(&channel, "").await.is_ok()
            {
                return Ok(channel);
            }
            if let Some(status) = self.process.as_mut().unwrap().try_wait().unwrap() {
                self.process = None;
                return Err(Ended { status, log: self.log() });
            }
            assert!(started.elapsed() < START_LIMIT, "no answer: {}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Its process, while it runs.
    pub(crate) fn id(&self) -> u32 {
        self.process.as_ref().unwrap().id()
    }

    /// What the server has logged since its last start.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// What it has written to stdout.
    pub(crate) fn stdout(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("stdout")).unwrap_or_default()
    }

    /// Waits until it is ready: it listens before it has read its data.
    pub(crate) async fn ready(&self) {
        let asked = Instant::now();
        while self.page("/readyz").0 != 200 {
            assert!(asked.elapsed() < START_LIMIT, "not ready: {}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Sends a signal (`-TERM`), and waits for nothing.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Waits until it has logged this.
    pub(crate) async fn told(&self, text: &str) {
        let asked = Instant::now();
        while !self.log().contains(text) {
            assert!(asked.elapsed() < START_LIMIT, "not told: {}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits for its end, which must be a good one; how long that took.
    pub(crate) async fn ended(&mut self) -> Duration {
        let asked = Instant::now();
        let mut process = self.process.take().unwrap();
        let status = tokio::task::spawn_blocking(move || process.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}: {}", self.log());
        asked.elapsed()
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// SIGHUP; returns once the server has logged this, once more than before.
    pub(crate) async fn reload(&self, until: &str) {
        let told = || self.log().matches(until).count();
        let before = told();
        let pid = self.process.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
        let asked = Instant::now();
        while told() == before {
            assert!(asked.elapsed() < START_LIMIT, "not told: {}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| process.try_wait().unwrap().is_none())
    }

    /// SIGTERM; the server drains and ends with status 0.
    pub(crate) fn terminate(&mut self) {
        assert!(self.end().success(), "the server did not end well: {}", self.log());
    }

    /// SIGTERM, and waits until it is gone.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let mut process = self.process.take().unwrap();
        let pid = process.id().to_string();
        // One that is gone already is told nothing.
        Command::new("kill").args(["-TERM", &pid]).stderr(Stdio::null()).status().unwrap();
        process.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What health says of a service.
pub(crate) async fn is_serving(channel: &Channel, service: &str) -> Result<bool, tonic::Status> {
    let request = HealthCheckRequest { service: service.to_owned() };
    let answer = HealthClient::new(channel.clone()).check(request).await?.into_inner();
    Ok(answer.status() == ServingStatus::Serving)
}

/// A channel to a Unix socket.
pub(crate) async fn connect(socket: &Path) -> Result<Channel, tonic::transport::Error> {
    let socket = socket.to_owned();
    let connector = tower::service_fn(move |_| {
        let socket = socket.clone();
        async move { UnixStream::connect(socket).await.map(TokioIo::new) }
    });
    Endpoint::from_static("http://localhost").connect_with_connector(connector).await
}

pub(crate) fn consent(channel: &Channel) -> ConsentServiceClient<Channel> {
    ConsentServiceClient::new(channel.clone())
}

pub(crate) fn preference(channel: &Channel) -> PreferenceServiceClient<Channel> {
    PreferenceServiceClient::new(channel.clone())
}

pub(crate) fn decision(channel: &Channel) -> DecisionServiceClient<Channel> {
    DecisionServiceClient::new(channel.clone())
}

pub(crate) fn erasure(channel: &Channel) -> ErasureServiceClient<Channel> {
    ErasureServiceClient::new(channel.clone())
}

pub(crate) fn access(channel: &Channel) -> AccessServiceClient<Channel> {
    AccessServiceClient::new(channel.clone())
}

/// A call by a person.
pub(crate) fn by<T>(actor: &str, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("maysend-actor", actor.parse().unwrap());
    request
}
