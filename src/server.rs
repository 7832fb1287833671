//! The composition root: open the engine, listen, serve, keep house, drain.
//!
//! It owns the wall clock, the signals and every task. START: the port is bound before the engine
//! opens, so that one in use is told at once; calls wait until it serves. DRAIN: NOT_SERVING, no new calls, calls under way finish
//! within a grace period, the writer ends, a last checkpoint is written.

mod listen;
mod memory;
mod notify;
mod signals;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

pub use self::listen::Listen;
pub use self::signals::Signals;
use self::signals::Told;
use crate::engine::Engine;
use crate::engine::boot::Settings;
use crate::engine::clock::Clock;
use crate::grpc::{self, Lane};
use crate::keys::{self, Keys};
use crate::ledger::{Options, RealDisk};
use crate::model::day::Timestamp;
use crate::model::revision::Revision;

/// How long calls under way may take once the server is told to stop.
const DRAIN_GRACE: Duration = Duration::from_secs(10);

/// How often the house is kept: latch, clock, checkpoint.
const TICK: Duration = Duration::from_secs(1);

/// A checkpoint is written after so many records, which replay in about a second.
pub const CHECKPOINT_RECORDS: u64 = 1_000_000;

/// And after so many ticks, if anything was recorded.
const CHECKPOINT_TICKS: u32 = 15 * 60;

/// HTTP/2 frames and windows: a message of 10,000 addresses goes in one frame and never waits for
/// a window; a connection may fill four streams. Fixed, since adaptive windows begin at 64 KiB.
const FRAME: u32 = 1 << 20;
const STREAM_WINDOW: u32 = 8 << 20;
const CONNECTION_WINDOW: u32 = 4 * STREAM_WINDOW;

/// Streams of one connection at a time. tonic sets no limit of its own.
const STREAMS: u32 = 256;

/// A peer that is silent for so long is asked whether it lives, and cut off if it does not answer:
/// one who follows says nothing for days.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
const KEEP_ALIVE_GRACE: Duration = Duration::from_secs(20);

/// What a server needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data directory; made if it is not there.
    pub data_dir: PathBuf,
    /// The key file; none: `keys.toml` in the data directory.
    pub key_file: Option<PathBuf>,
    /// The catalog file.
    pub catalog: PathBuf,
    /// Where to listen.
    pub listen: Listen,
    /// What links begin with; none: tokens come without links.
    pub public_url: Option<String>,
    /// Take the present wall clock for right though it lies before the last event.
    pub accept_clock: bool,
    /// A checkpoint is written after so many records; `CHECKPOINT_RECORDS` is a good number.
    pub checkpoint_records: u64,
}

/// The wall clock of the system.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the system for the time"
    )]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let nanos = since.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX));
        Timestamp::from_nanos(nanos)
    }
}

/// A server that serves.
#[derive(Debug)]
pub struct Running {
    engine: Arc<Engine>,
    config: Config,
    address: String,
    health: HealthReporter,
    stopping: watch::Sender<bool>,
    serving: JoinHandle<Result<(), tonic::transport::Error>>,
    keeping: JoinHandle<()>,
    watchdog: notify::Watchdog,
}

/// Starts a server and returns once it serves.
///
/// # Errors
/// It cannot listen, the catalog is not well-formed, the data directory is in use or damaged.
#[expect(clippy::disallowed_methods, reason = "tasks are spawned here and joined on drain")]
pub async fn start(config: Config) -> anyhow::Result<Running> {
    let catalog = read_catalog(&config.catalog).await?;
    let incoming = config.listen.bind().await?;
    let address = incoming.address();
    let engine = notify::patiently("reading the ledger", open(&config, catalog)).await?;
    memory::give_back();
    let (health, health_service) = tonic_health::server::health_reporter();
    let lane = Lane::start().context("no threads for large calls")?;
    let routes = grpc::routes(engine.clone(), lane)?.add_service(health_service);
    set_serving(&health, &engine).await;
    let (stopping, stopped) = watch::channel(false);
    let server = transport().add_routes(routes);
    let serving = tokio::spawn(incoming.serve(server, told(stopped.clone())));
    let keeping = tokio::spawn(keep_house(
        engine.clone(),
        health.clone(),
        stopped,
        config.checkpoint_records,
    ));
    tracing::info!(address, addresses = engine.addresses(), head = %engine.head(), "serving");
    notify::ready(&format!("serving on {address}"));
    let watchdog = notify::Watchdog::start();
    Ok(Running { engine, config, address, health, stopping, serving, keeping, watchdog })
}

/// HTTP/2 as every server here speaks it; the ones that `bench` measures against too.
pub(crate) fn transport() -> tonic::transport::Server {
    tonic::transport::Server::builder()
        .max_frame_size(FRAME)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(STREAMS)
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .http2_keepalive_timeout(Some(KEEP_ALIVE_GRACE))
}

impl Running {
    /// Where clients reach it: `http://HOST:PORT` or `unix:PATH`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Serves until the process is told to stop by SIGTERM or SIGINT; SIGHUP reads the catalog
    /// file and the key file again. Then drains.
    ///
    /// # Errors
    /// The server failed.
    pub async fn until_stopped(mut self, mut signals: Signals) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                told = signals.next() => match told {
                    Told::Stop => break,
                    Told::Reload => {
                        notify::reloading();
                        self.reload().await;
                        self.reload_keys().await;
                        notify::ready(&format!("serving on {}", self.address));
                    }
                },
                ended = &mut self.serving => {
                    return ended.context("the server ended")?.context("the server failed");
                }
            }
        }
        self.stop().await
    }

    /// Reads the catalog file again; a bad one is told and changes nothing.
    async fn reload(&self) {
        let file = self.config.catalog.display().to_string();
        let taken = match read_catalog(&self.config.catalog).await {
            Ok(source) => self.engine.take_catalog(&file, &source).await.map_err(Into::into),
            Err(error) => Err(error),
        };
        match taken {
            Ok(()) => tracing::info!(file, "the catalog is read"),
            Err(error) => tracing::error!(file, "the catalog is not taken: {error:#}"),
        }
    }

    /// Reads the key file again; a bad one is told and changes nothing.
    async fn reload_keys(&self) {
        let Config { data_dir, key_file, .. } = &self.config;
        let path = keys::path_of(data_dir, key_file.as_deref());
        let file = path.display().to_string();
        let read = tokio::task::spawn_blocking(move || Keys::load(&path)).await;
        let taken = match read {
            Ok(Ok(keys)) => self.engine.take_keys(&keys).map_err(anyhow::Error::from),
            Ok(Err(error)) => Err(error.into()),
            Err(error) => Err(error.into()),
        };
        match taken {
            Ok(()) => tracing::info!(file, "the token keys are read"),
            Err(error) => tracing::error!(file, "the token keys are not taken: {error:#}"),
        }
    }

    /// Drains and ends.
    ///
    /// # Errors
    /// The server failed while it drained.
    pub async fn stop(self) -> anyhow::Result<()> {
        tracing::info!("draining");
        notify::stopping();
        set_all(&self.health, ServingStatus::NotServing).await;
        self.stopping.send_replace(true);
        self.engine.end_watches();
        match tokio::time::timeout(DRAIN_GRACE, self.serving).await {
            Ok(served) => served.context("the server ended")?.context("the server failed")?,
            Err(_) => tracing::warn!("calls were still under way at the end of the grace period"),
        }
        self.keeping.await.context("the housekeeping ended")?;
        self.engine.stop().await;
        notify::patiently("writing a checkpoint", checkpoint(self.engine.clone())).await;
        self.config.listen.clean_up();
        drop(self.watchdog);
        tracing::info!(head = %self.engine.head(), "stopped");
        Ok(())
    }
}

async fn read_catalog(path: &std::path::Path) -> anyhow::Result<String> {
    let source = tokio::fs::read_to_string(path).await;
    source.with_context(|| format!("cannot read the catalog file `{}`", path.display()))
}

async fn open(config: &Config, catalog_source: String) -> anyhow::Result<Arc<Engine>> {
    let settings = Settings {
        data_dir: config.data_dir.clone(),
        key_file: config.key_file.clone(),
        catalog_file: config.catalog.display().to_string(),
        catalog_source,
        public_url: config.public_url.clone(),
        accept_clock: config.accept_clock,
        ledger: Options::default(),
    };
    Ok(Engine::open(settings, Arc::new(RealDisk), Arc::new(SystemClock)).await?)
}

async fn told(mut stopped: watch::Receiver<bool>) {
    // A sender that is gone says the same.
    drop(stopped.wait_for(|stopped| *stopped).await);
}

/// Decisions are served as long as the index stands; writes only while the ledger takes them.
async fn set_serving(health: &HealthReporter, engine: &Engine) {
    set_all(health, ServingStatus::Serving).await;
    if engine.is_latched() {
        for service in grpc::WRITING_SERVICES {
            health.set_service_status(service, ServingStatus::NotServing).await;
        }
    }
    if engine.is_clock_in_doubt() {
        health.set_service_status("maysend.clock", ServingStatus::NotServing).await;
    }
}

async fn set_all(health: &HealthReporter, status: ServingStatus) {
    for service in grpc::SERVICES.iter().chain(&["", "maysend.clock"]) {
        health.set_service_status(service, status).await;
    }
}

/// Watches latch and clock, and writes checkpoints, until the server drains.
async fn keep_house(
    engine: Arc<Engine>,
    health: HealthReporter,
    stopped: watch::Receiver<bool>,
    checkpoint_records: u64,
) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut state = (engine.is_latched(), engine.is_clock_in_doubt());
    let mut written = engine.head();
    let mut since = 0;
    loop {
        tokio::select! {
            () = told(stopped.clone()) => return,
            _ = ticks.tick() => since += 1,
        }
        let now = (engine.is_latched(), engine.is_clock_in_doubt());
        if now != state {
            tracing::warn!(latched = now.0, clock_in_doubt = now.1, "the state has changed");
            set_serving(&health, &engine).await;
            state = now;
        }
        let records = engine.head().number().saturating_sub(written.number());
        if records >= checkpoint_records.max(1) || (records > 0 && since >= CHECKPOINT_TICKS) {
            written = checkpoint(engine.clone()).await.unwrap_or(written);
            since = 0;
        }
    }
}

/// Writes a checkpoint; one that fails is told and costs a longer boot, nothing else.
async fn checkpoint(engine: Arc<Engine>) -> Option<Revision> {
    let write = move || {
        let written = engine.checkpoint();
        memory::give_back();
        written
    };
    let writing = tokio::task::spawn_blocking(write).await;
    match writing {
        Ok(Ok((anchor, contents))) => {
            let (images, octets) = (contents.images, contents.octets);
            tracing::info!(revision = %anchor.revision, images, octets, "checkpoint written");
            Some(anchor.revision)
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "the checkpoint cannot be written");
            None
        }
        Err(error) => {
            tracing::error!(%error, "the checkpoint did not end well");
            None
        }
    }
}
