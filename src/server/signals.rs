//! What the operator tells the process.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// SIGTERM, SIGINT: drain and end.
    Stop,
    /// SIGHUP: read catalog, keys, credentials and certificate again.
    Reload,
}

/// The signals that a server heeds, from when this is made: whoever finds it serving may stop it,
/// and it drains.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    /// SIGHUP came while nobody could heed it.
    missed: bool,
}

impl Signals {
    /// Takes them over from the system, which would end the process.
    ///
    /// # Errors
    /// Signals cannot be received.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            missed: false,
        })
    }

    /// Waits until the process is told to end. Another signal is told by `next`: a credential that is
    /// taken back while the server starts is taken back.
    pub async fn stop(&mut self) {
        while self.received().await != Told::Stop {
            self.missed = true;
        }
    }

    pub(super) async fn next(&mut self) -> Told {
        if std::mem::take(&mut self.missed) {
            return Told::Reload;
        }
        self.received().await
    }

    async fn received(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.hang_up.recv() => Told::Reload,
        }
    }
}
