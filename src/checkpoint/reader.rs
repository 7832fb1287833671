//! Reading in a thread of its own, with a time limit.

use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::{Anchor, Contents, ImageKey, Reason, guard};

/// Images under way between the reading thread and the caller: 4 MiB at most.
const IN_FLIGHT: usize = 64;

enum Step {
    Begin(Anchor),
    Image(ImageKey, Vec<u8>),
    End(Result<Contents, Reason>),
}

/// What the reading thread tells the one that builds.
pub(super) struct Tell(SyncSender<Step>);

impl Tell {
    pub(super) fn begin(&self, anchor: Anchor) -> Result<(), Reason> {
        self.tell(Step::Begin(anchor))
    }

    pub(super) fn image(&self, key: ImageKey, octets: Vec<u8>) -> Result<(), Reason> {
        self.tell(Step::Image(key, octets))
    }

    fn tell(&self, step: Step) -> Result<(), Reason> {
        // Who has given up reads no reason: any one ends the reading.
        self.0.send(step).map_err(|_| Reason::TimedOut(Duration::ZERO))
    }
}

/// Runs `read` in a thread of its own and builds in this one from what it tells, no longer than
/// `limit`. Where the time is up the thread is left behind; it ends when it next tells something,
/// and never if it hangs.
pub(super) fn within<B>(
    limit: Duration,
    read: impl FnOnce(&Tell) -> Result<Contents, Reason> + Send + 'static,
    begin: &mut impl FnMut(Anchor) -> B,
    put: &mut impl FnMut(&mut B, ImageKey, Vec<u8>) -> Result<(), String>,
) -> Result<(Anchor, Contents, B), Reason> {
    let (sender, steps) = sync_channel(IN_FLIGHT);
    let tell = Tell(sender);
    let run = move || {
        let verdict = guard::catch(|| read(&tell));
        let verdict = verdict.unwrap_or_else(|text| Err(Reason::Panicked(text)));
        drop(tell.tell(Step::End(verdict)));
    };
    thread::Builder::new().name("checkpoint".to_owned()).spawn(run)?;
    let started = stopwatch();
    let mut building: Option<(Anchor, B)> = None;
    loop {
        let left = limit.saturating_sub(started.elapsed());
        if left.is_zero() {
            return Err(Reason::TimedOut(limit));
        }
        match steps.recv_timeout(left) {
            Ok(Step::Begin(anchor)) => building = Some((anchor, begin(anchor))),
            Ok(Step::Image(key, octets)) => {
                let (_, builder) = building.as_mut().ok_or(Reason::Manifest)?;
                put(builder, key, octets).map_err(|why| Reason::Unusable { key, why })?;
            }
            Ok(Step::End(verdict)) => {
                let contents = verdict?;
                let (anchor, built) = building.ok_or(Reason::Manifest)?;
                return Ok((anchor, contents, built));
            }
            Err(RecvTimeoutError::Timeout) => return Err(Reason::TimedOut(limit)),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Reason::Panicked("the reading thread ended".to_owned()));
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "measures how long the store takes, tells no time")]
pub(super) fn stopwatch() -> Instant {
    Instant::now()
}
