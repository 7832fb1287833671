//! The composition root: open the engine, listen, serve, keep house, drain.
//!
//! It owns the wall clock, the signals and every task. START: the port is bound before the engine
//! opens, so that one in use is told at once; calls wait until it serves. DRAIN: NOT_SERVING, no new
//! calls, calls and pages under way finish and mails go out within a grace period, the writer ends, a
//! last checkpoint is written. A second SIGTERM cuts calls off and leaves the checkpoint out; the next
//! start reads more of the ledger instead.

mod admin;
mod credentials;
mod descriptors;
mod limits;
mod listen;
mod memory;
mod meter;
mod notify;
mod plain;
mod pulse;
mod reception;
mod relay;
mod seat;
mod signals;
mod tls;
#[cfg(feature = "otel")]
mod traces;
mod web;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

pub use self::admin::Admin;
pub use self::limits::Limits;
use self::listen::Guard;
pub use self::listen::Listen;
use self::pulse::Pulse;
use self::reception::Reception;
pub use self::relay::Relay;
pub use self::signals::Signals;
use self::signals::Told;
use self::tls::Tls;
pub use self::tls::{Age as CertificateAge, TlsFiles};
#[cfg(feature = "otel")]
pub use self::traces::Traces;
pub use self::web::Web;
use crate::engine::Engine;
use crate::engine::boot::Settings;
use crate::engine::clock::Clock;
use crate::grpc::{self, Calls, Gate, Lane};
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

/// One that failed is tried again after so many: on a full disk it fails as expensively as it
/// succeeds elsewhere.
const CHECKPOINT_RETRY: u32 = 60;

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
    /// Certificate and key; none: what is said here is heard on this host only.
    pub tls: Option<TlsFiles>,
    /// What is taken at most.
    pub limits: Limits,
    /// What links begin with; none: tokens come without links.
    pub public_url: Option<String>,
    /// Where the owner's pages are; none: there are none.
    pub web: Option<Web>,
    /// Where confirmation mails go; none: there is no sign-up on the pages.
    pub relay: Option<Relay>,
    /// Take the present wall clock for right though it lies before the last event.
    pub accept_clock: bool,
    /// The credential file; none: whoever reaches the server is `local` and may do everything.
    pub credentials: Option<PathBuf>,
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
    gate: Option<Arc<Gate>>,
    config: Config,
    address: String,
    health: HealthReporter,
    admin: Option<admin::Serving>,
    web: Option<web::Serving>,
    pulse: Arc<Pulse>,
    stopping: watch::Sender<bool>,
    tls: Option<Arc<Tls>>,
    serving: JoinHandle<()>,
    keeping: JoinHandle<()>,
    watchdog: notify::Watchdog,
}

/// Starts a server and returns once it serves.
///
/// # Errors
/// It cannot listen, the catalog or the credentials are not well-formed, the data directory is in use
/// or damaged.
pub async fn start(config: Config) -> anyhow::Result<Running> {
    start_with(config, None).await
}

/// Starts a server as `start` does; its admin port answers from the beginning.
///
/// # Errors
/// As of `start`; the admin port cannot be bound.
pub async fn start_with(config: Config, admin: Option<Admin>) -> anyhow::Result<Running> {
    let (stopping, stopped) = watch::channel(false);
    let calls = Arc::new(Calls::new(stopped.clone())?);
    let pulse = Arc::new(Pulse::new(config.data_dir.clone(), calls, stopped));
    let admin = match admin {
        Some(admin) => Some(admin.serve(pulse.clone()).await?),
        None => None,
    };
    match serve(config, stopping, pulse).await {
        Ok(running) => Ok(Running { admin, ..running }),
        Err(error) => {
            if let Some(admin) = admin {
                admin.end().await;
            }
            Err(error)
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "tasks are spawned here and joined on drain")]
async fn serve(
    config: Config,
    stopping: watch::Sender<bool>,
    pulse: Arc<Pulse>,
) -> anyhow::Result<Running> {
    let guard = Guard { tls: config.tls.is_some(), credentials: config.credentials.is_some() };
    config.listen.permit(guard)?;
    let pages = config.web.as_ref().map_or(0, |_| web::BOUNDS.connections);
    descriptors::reserve(config.limits.max_connections + pages);
    let catalog = read_catalog(&config.catalog).await?;
    let tls = config.tls.clone().map(Tls::load).transpose().context("no TLS")?.map(Arc::new);
    let credentials = match &config.credentials {
        Some(path) => Some(credentials::read(path).await?),
        None => None,
    };
    let incoming = config.listen.bind().await?;
    let address = incoming.address(guard);
    let engine = notify::patiently("reading the ledger", open(&config, catalog)).await?;
    memory::give_back();
    let (health, health_service) = tonic_health::server::health_reporter();
    let lane = Lane::start().context("no threads for large calls")?;
    let gate = credentials.map(|credentials| Gate::new(engine.clone(), credentials));
    let (most, calls) = (config.limits.most(), pulse.calls.clone());
    // Health stands beside the gate: probes have no key.
    let routes = grpc::routes(engine.clone(), lane, most, calls.clone(), gate.clone())?;
    let routes = grpc::observed(routes.add_service(health_service), calls.clone());
    set_serving(&health, &engine).await;
    let web = match config.web.clone() {
        Some(web) => {
            let relay = config.relay.clone();
            let (pages, stopped) = (pulse.pages.clone(), stopping.subscribe());
            Some(web.serve(engine.clone(), relay, pages, stopped).await?)
        }
        None => None,
    };
    pulse.serves(engine.clone());
    let reception = Reception::new(routes, calls, config.limits.clone(), tls.clone());
    let serving = tokio::spawn(reception.serve(incoming, told(stopping.subscribe())));
    let keeping = tokio::spawn(keep_house(
        engine.clone(),
        health.clone(),
        stopping.subscribe(),
        pulse.clone(),
        config.checkpoint_records,
        tls.clone(),
    ));
    tracing::info!(address, addresses = engine.addresses(), head = %engine.head(), "serving");
    notify::ready(&format!("serving on {address}"));
    let watchdog = notify::Watchdog::start();
    let admin = None;
    Ok(Running {
        engine,
        gate,
        config,
        address,
        health,
        admin,
        web,
        pulse,
        stopping,
        tls,
        serving,
        keeping,
        watchdog,
    })
}

impl Running {
    /// Where clients reach it: `http://HOST:PORT`, `https://HOST:PORT` or `unix:PATH`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Where the owner's pages are: `http://HOST:PORT` or `unix:PATH`.
    #[must_use]
    pub fn web_address(&self) -> Option<&str> {
        self.web.as_ref().map(|web| &*web.address)
    }

    /// Serves until the process is told to stop by SIGTERM or SIGINT; SIGHUP reads the catalog
    /// file, the key file, the credential file and the certificate again. Then drains.
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
                        if let (Some(gate), Some(path)) = (&self.gate, &self.config.credentials) {
                            credentials::reload(gate, path).await;
                        }
                        if let Some(tls) = &self.tls {
                            tls::reload(tls).await;
                        }
                        notify::ready(&format!("serving on {}", self.address));
                    }
                },
                ended = &mut self.serving => {
                    ended.context("the server failed")?;
                    anyhow::bail!("the server ended");
                }
            }
        }
        self.drain(signals.stop()).await
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
        self.drain(std::future::pending()).await
    }

    /// Drains: NOT_SERVING, streams told, calls under way finished, writes answered, a checkpoint.
    /// In a `hurry` calls are cut off and the checkpoint is left out; what was answered stays.
    async fn drain(self, hurry: impl Future<Output = ()>) -> anyhow::Result<()> {
        tracing::info!("draining");
        notify::stopping();
        set_all(&self.health, ServingStatus::NotServing).await;
        self.stopping.send_replace(true);
        self.engine.end_watches();
        let mut hurry = std::pin::pin!(hurry);
        let mut in_hurry = false;
        let served = async {
            let served = self.serving.await;
            if let Some(web) = self.web {
                web.end().await;
            }
            served
        };
        tokio::select! {
            served = tokio::time::timeout(DRAIN_GRACE, served) => match served {
                Ok(served) => served.context("the server failed")?,
                Err(_) => tracing::warn!(
                    "calls, pages or mails were still under way at the end of the grace period"
                ),
            },
            () = &mut hurry => in_hurry = true,
        }
        self.keeping.await.context("the housekeeping ended")?;
        self.engine.stop().await;
        if !in_hurry {
            let written = checkpoint(self.engine.clone(), &self.pulse);
            tokio::select! {
                () = hurry => in_hurry = true,
                _ = notify::patiently("writing a checkpoint", written) => {}
            }
        }
        if in_hurry {
            tracing::warn!("told to stop twice: calls are cut off, no checkpoint is written");
        }
        if let Some(admin) = self.admin {
            admin.end().await;
        }
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
        tracing::warn!(
            "the wall clock lies days before the last event: yeses are refused, and none that can \
             lapse counts; set the clock, or, if it is right, start with --accept-clock"
        );
        health.set_service_status("maysend.clock", ServingStatus::NotServing).await;
    }
}

async fn set_all(health: &HealthReporter, status: ServingStatus) {
    for service in grpc::SERVICES.iter().chain(&["", "maysend.clock"]) {
        health.set_service_status(service, status).await;
    }
}

/// Watches latch, clock and certificate, and writes checkpoints, until the server drains.
async fn keep_house(
    engine: Arc<Engine>,
    health: HealthReporter,
    stopped: watch::Receiver<bool>,
    pulse: Arc<Pulse>,
    checkpoint_records: u64,
    tls: Option<Arc<Tls>>,
) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut state = (engine.is_latched(), engine.is_clock_in_doubt());
    // What it turned to between the start and here is told too.
    set_serving(&health, &engine).await;
    let mut written = engine.head();
    let (mut since, mut pause) = (0, 0);
    loop {
        tokio::select! {
            () = told(stopped.clone()) => return,
            _ = ticks.tick() => since += 1,
        }
        pulse.tick();
        if let Some(tls) = &tls {
            tls::keep(tls, SystemClock.now()).await;
        }
        let now = (engine.is_latched(), engine.is_clock_in_doubt());
        if now != state {
            tracing::warn!(latched = now.0, clock_in_doubt = now.1, "the state has changed");
            set_serving(&health, &engine).await;
            state = now;
        }
        let records = engine.head().number().saturating_sub(written.number());
        let due = records >= checkpoint_records.max(1) && since >= pause;
        if due || (records > 0 && since >= CHECKPOINT_TICKS) {
            let anchored = checkpoint(engine.clone(), &pulse).await;
            (since, pause) = (0, if anchored.is_some() { 0 } else { CHECKPOINT_RETRY });
            written = anchored.unwrap_or(written);
        }
    }
}

/// Writes a checkpoint; one that fails is told and costs a longer boot, nothing else.
async fn checkpoint(engine: Arc<Engine>, pulse: &Pulse) -> Option<Revision> {
    let watch = pulse.begin_checkpoint();
    let write = move || {
        let written = engine.checkpoint();
        memory::give_back();
        written
    };
    let writing = tokio::task::spawn_blocking(write).await;
    pulse.end_checkpoint(watch, matches!(writing, Ok(Ok(_))));
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
