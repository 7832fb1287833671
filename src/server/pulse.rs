//! What a server knows of itself while it starts, serves and drains: for health pages and metrics.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;

use crate::engine::Engine;
use crate::grpc::Calls;
use crate::measure::{Counter, DURATIONS, Histogram, Stopwatch};
use crate::metrics::House;
use crate::web::Measures;

/// How long housekeeping, which ticks every second, may be silent before the process counts as
/// stuck.
const SILENCE: Duration = Duration::from_secs(30);

/// The same while a checkpoint is written, which takes as long as the disk takes.
const CHECKPOINT_SILENCE: Duration = Duration::from_secs(60 * 60);

/// Shared by the server and its admin pages.
#[derive(Debug)]
pub(super) struct Pulse {
    pub(super) data_dir: PathBuf,
    pub(super) calls: Arc<Calls>,
    pub(super) pages: Arc<Measures>,
    /// How long checkpoints took, in nanoseconds.
    pub(super) checkpoints: Histogram,
    pub(super) failed_checkpoints: Counter,
    engine: OnceLock<Arc<Engine>>,
    started: Stopwatch,
    /// Milliseconds from `started` to the last tick.
    ticked: AtomicU64,
    is_checkpointing: AtomicBool,
    draining: watch::Receiver<bool>,
}

/// Whether it answers, and what there is to say of it.
pub(super) type Health = Result<String, String>;

impl Pulse {
    pub(super) fn new(
        data_dir: PathBuf,
        calls: Arc<Calls>,
        draining: watch::Receiver<bool>,
    ) -> Self {
        Self {
            data_dir,
            calls,
            pages: Arc::default(),
            checkpoints: Histogram::new(DURATIONS),
            failed_checkpoints: Counter::default(),
            engine: OnceLock::new(),
            started: Stopwatch::start(),
            ticked: AtomicU64::new(0),
            is_checkpointing: AtomicBool::new(false),
            draining,
        }
    }

    /// From now on it serves.
    pub(super) fn serves(&self, engine: Arc<Engine>) {
        self.tick();
        self.engine.get_or_init(|| engine);
    }

    /// Housekeeping goes on.
    pub(super) fn tick(&self) {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.ticked.store(now, Ordering::Relaxed);
    }

    pub(super) fn begin_checkpoint(&self) -> Stopwatch {
        self.is_checkpointing.store(true, Ordering::Relaxed);
        Stopwatch::start()
    }

    pub(super) fn end_checkpoint(&self, watch: Stopwatch, is_written: bool) {
        self.is_checkpointing.store(false, Ordering::Relaxed);
        if is_written {
            self.checkpoints.add(watch.nanos());
        } else {
            self.failed_checkpoints.add(1);
        }
        self.tick();
    }

    pub(super) fn engine(&self) -> Option<&Engine> {
        self.engine.get().map(|engine| &**engine)
    }

    fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// What `/livez` says: a process that is stuck is to be started again.
    pub(super) fn is_live(&self) -> Health {
        if self.engine().is_none() || self.is_draining() {
            return Ok("alive".to_owned());
        }
        let ticked = Duration::from_millis(self.ticked.load(Ordering::Relaxed));
        let silent = self.started.elapsed().saturating_sub(ticked);
        let is_checkpointing = self.is_checkpointing.load(Ordering::Relaxed);
        let limit = if is_checkpointing { CHECKPOINT_SILENCE } else { SILENCE };
        if silent <= limit {
            Ok("alive".to_owned())
        } else {
            Err(format!("stuck: housekeeping has been silent for {} s", silent.as_secs()))
        }
    }

    /// What `/readyz` says: whether to send calls here. Checks are answered also where writes are
    /// not, and then it says so.
    pub(super) fn is_ready(&self) -> Health {
        if self.is_draining() {
            return Err("draining: calls under way are finished, new ones go elsewhere".to_owned());
        }
        let Some(engine) = self.engine() else {
            let seconds = self.started.elapsed().as_secs();
            return Err(format!("starting: the data are being read, for {seconds} s now"));
        };
        let mut said = format!("ready at revision {}", engine.head());
        if engine.is_latched() {
            said += "\nwrites are refused: a write to disk failed; restart the server";
        }
        if engine.is_clock_in_doubt() {
            said += "\nyeses are refused: the wall clock lies days before the last event";
        }
        Ok(said)
    }

    pub(super) fn house(&self) -> House {
        let newest = self.engine().and_then(Engine::newest_checkpoint);
        House {
            is_serving: self.engine().is_some() && !self.is_draining(),
            checkpoints: self.checkpoints.read(),
            failed_checkpoints: self.failed_checkpoints.get(),
            newest: newest.map(|(revision, written)| (revision.number(), written)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_starts_is_alive_and_not_ready_and_one_that_drains_too() {
        let (stopping, draining) = watch::channel(false);
        let calls = Arc::new(Calls::new(draining.clone()).unwrap());
        let pulse = Pulse::new("/".into(), calls, draining);
        assert_eq!(pulse.is_live().unwrap(), "alive");
        assert!(pulse.is_ready().unwrap_err().starts_with("starting: "));
        assert!(!pulse.house().is_serving);
        stopping.send_replace(true);
        assert_eq!(pulse.is_live().unwrap(), "alive");
        assert!(pulse.is_ready().unwrap_err().starts_with("draining: "));
    }
}
