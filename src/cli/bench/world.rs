//! The servers of the self-contained form: maysend, the echo and the ordinary one, each on a port
//! of loopback, all three on threads of their own beside the client's.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use super::drive::now;
use super::facts;
use super::rivals::{Echo, Ordinary, Rival};
use super::tell::{PER_CALL, events, tell};
use crate::cli::connect::Server;
use crate::server::{self, Config, Limits, Listen, Running};

/// Three servers that know the same.
#[derive(Debug)]
pub(super) struct World {
    pub(super) maysend: Server,
    pub(super) echo: Server,
    pub(super) ordinary: Server,
    pub(super) loaded: Loaded,
    answer: Arc<AtomicUsize>,
    rivals: JoinSet<Result<(), tonic::transport::Error>>,
    running: Running,
    threads: Threads,
    _directory: TempDir,
}

/// What it took to get ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Loaded {
    pub(super) addresses: u64,
    pub(super) events: u64,
    /// From the first write to the last acknowledgement.
    pub(super) writing: Duration,
    /// From the checkpoint to the first answer.
    pub(super) starting: Duration,
}

/// A runtime that may be dropped inside another.
#[derive(Debug)]
struct Threads(Option<Runtime>);

impl World {
    /// Starts the servers and loads them; echoes have at most `longest` octets.
    ///
    /// maysend is loaded, stopped and started again: so it is as after any boot, and no checkpoint
    /// is written while somebody measures.
    pub(super) async fn start(addresses: u64, longest: usize) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir().context("no room for a data directory")?;
        let catalog = directory.path().join("catalog.toml");
        tokio::fs::write(&catalog, facts::catalog()).await?;
        let config = Config {
            data_dir: directory.path().join("data"),
            key_file: None,
            catalog,
            listen: Listen::Tcp(([127, 0, 0, 1], 0).into()),
            tls: None,
            credentials: None,
            limits: Limits::default(),
            public_url: None,
            web: None,
            relay: None,
            accept_clock: false,
            checkpoint_records: u64::MAX,
        };
        let threads = Threads::start()?;

        let running = threads.run(server::start(config.clone())).await??;
        let start = now();
        tell(&address_of(&running)?, 0..addresses, PER_CALL).await?;
        let writing = start.elapsed();
        threads.run(running.stop()).await??;
        let start = now();
        let running = threads.run(server::start(config)).await??;
        let starting = start.elapsed();

        let answer = Arc::new(AtomicUsize::new(0));
        let table = threads.run(async move { Ordinary::new(addresses) }).await?;
        let mut rivals = JoinSet::new();
        let echo = Rival::Echo(Echo::new(longest, answer.clone()));
        let ordinary = Rival::Ordinary(table);
        Ok(Self {
            maysend: address_of(&running)?,
            echo: threads.serve(&mut rivals, echo).await?,
            ordinary: threads.serve(&mut rivals, ordinary).await?,
            loaded: Loaded { addresses, events: events(0..addresses), writing, starting },
            answer,
            rivals,
            running,
            threads,
            _directory: directory,
        })
    }

    /// The echo answers with so many octets from now on.
    pub(super) fn echo_answers(&self, octets: usize) {
        self.answer.store(octets, Ordering::Relaxed);
    }

    /// Ends the servers.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        let Self { running, threads, mut rivals, .. } = self;
        rivals.shutdown().await;
        threads.run(running.stop()).await?
    }
}

fn address_of(running: &Running) -> anyhow::Result<Server> {
    running.address().parse().map_err(anyhow::Error::msg)
}

impl Threads {
    fn start() -> anyhow::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.thread_name("maysend-server").enable_all().build();
        Ok(Self(Some(runtime.context("no threads for the servers")?)))
    }

    fn runtime(&self) -> anyhow::Result<&Runtime> {
        self.0.as_ref().context("the threads have ended")
    }

    /// Runs on these threads what spawns its tasks where it runs.
    async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> anyhow::Result<T> {
        self.runtime()?.spawn(work).await.context("a server ended")
    }

    async fn serve(
        &self,
        rivals: &mut JoinSet<Result<(), tonic::transport::Error>>,
        rival: Rival,
    ) -> anyhow::Result<Server> {
        let runtime = self.runtime()?;
        let listener = runtime.spawn(TcpListener::bind(("127.0.0.1", 0))).await??;
        let address = listener.local_addr()?;
        rivals.spawn_on(rival.serve(listener), runtime.handle());
        Ok(Server::Http(format!("http://{address}")))
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
