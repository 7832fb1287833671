//! What the service manager is told, by the protocol of `sd_notify(3)`: that the server starts,
//! serves, reads its files again, ends. Where no manager asked (`NOTIFY_SOCKET` is not set) nothing
//! is sent.
//!
//! A start that replays a long ledger, and an end that writes a large checkpoint, ask for more time
//! as long as they go on, so that no time limit of a unit has to be guessed.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::pin::pin;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// How often more time is asked for, and how much. The limits are the manager's, 90 s by default.
const ASK_EVERY: Duration = Duration::from_secs(10);
const ASK_FOR: Duration = Duration::from_secs(60);

/// It serves, or serves again after `reloading`.
pub(super) fn ready(status: &str) {
    send(&format!("READY=1\nSTATUS={status}\n"));
}

/// It reads its files again; `ready` follows.
pub(super) fn reloading() {
    let now = clock_gettime(ClockId::Monotonic);
    let micros = now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1_000);
    send(&format!("RELOADING=1\nMONOTONIC_USEC={micros}\nSTATUS=reading the files\n"));
}

/// It ends.
pub(super) fn stopping() {
    send("STOPPING=1\nSTATUS=draining\n");
}

/// Waits for something long, and asks for more time meanwhile.
pub(super) async fn patiently<T>(status: &str, work: impl Future<Output = T>) -> T {
    send(&format!("STATUS={status}\n"));
    let mut work = pin!(work);
    let mut asks = interval(ASK_EVERY);
    asks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = asks.tick() => send(&format!("EXTEND_TIMEOUT_USEC={}\n", ASK_FOR.as_micros())),
        }
    }
}

/// Tells the manager's watchdog that the runtime which answers calls still turns. It goes on until
/// dropped: a drain must not look like a hang.
#[derive(Debug)]
pub(super) struct Watchdog(Option<JoinHandle<()>>);

impl Watchdog {
    /// Twice in the interval that the manager asks for; not at all where it asks for none.
    #[expect(clippy::disallowed_methods, reason = "ended when the server drops it")]
    pub(super) fn start() -> Self {
        let limit = asked("WATCHDOG_USEC").filter(|micros| *micros > 1);
        // Another process may be meant, whose environment we have.
        let is_ours = asked("WATCHDOG_PID").is_none_or(|id| id == u64::from(std::process::id()));
        let every = limit.filter(|_| is_ours).map(|micros| Duration::from_micros(micros / 2));
        Self(every.map(|every| {
            tokio::spawn(async move {
                let mut ticks = interval(every);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    ticks.tick().await;
                    send("WATCHDOG=1\n");
                }
            })
        }))
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

/// A number that the manager left in the environment: its protocol, no setting of ours.
fn asked(name: &str) -> Option<u64> {
    std::env::var_os(name)?.to_str()?.parse().ok()
}

/// A datagram, sent at once; a manager that does not listen changes nothing for those who ask us.
fn send(states: &str) {
    if let Some(name) = std::env::var_os("NOTIFY_SOCKET")
        && let Err(error) = send_to(name.as_bytes(), states)
    {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}

fn send_to(name: &[u8], states: &str) -> io::Result<()> {
    let address = match name.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(name))?,
    };
    let socket = UnixDatagram::unbound()?;
    // A manager that reads nothing must not hold up those who ask us.
    socket.set_nonblocking(true)?;
    socket.send_to_addr(states.as_bytes(), &address)?;
    Ok(())
}
