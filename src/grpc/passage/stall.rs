//! Answers that nobody takes: a peer that opens no window for an answer in time gets no more of it.
//!
//! hyper asks a body for its next frame as soon as it has room for one, and then waits for the
//! peer's window. So a call that waits although its body has just given a frame waits for the peer;
//! one whose body has none waits for us, and may.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use hyper::rt::Executor;
use tokio::time::sleep;

thread_local! {
    /// What the body of the call that is polled on this thread has told.
    static TOLD: Cell<Option<Waits>> = const { Cell::new(None) };
}

/// Whom a call waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    ForUs,
    ForPeer,
}

/// To be told by a body whenever it is asked for a frame.
pub(super) fn tell(gives_a_frame: bool) {
    TOLD.set(Some(if gives_a_frame { Waits::ForPeer } else { Waits::ForUs }));
}

/// Runs the calls of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Runner {
    /// How long an answer waits for its reader.
    pub patience: Duration,
}

impl<F> Executor<F> for Runner
where
    F: Future<Output = ()> + Send + 'static,
{
    #[expect(
        clippy::disallowed_methods,
        reason = "hyper owns it: it ends with its stream or its connection"
    )]
    fn execute(&self, call: F) {
        drop(tokio::spawn(until_stalled(call, self.patience)));
    }
}

/// Works until the end, or until the peer has taken nothing for so long.
async fn until_stalled(call: impl Future<Output = ()>, patience: Duration) {
    let mut call = pin!(call);
    let mut waits = Waits::ForUs;
    let mut timer = None;
    poll_fn(|context| {
        TOLD.set(None);
        if call.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        if let Some(told) = TOLD.take() {
            (waits, timer) = (told, None);
        }
        if waits == Waits::ForUs {
            return Poll::Pending;
        }
        let timer = timer.get_or_insert_with(|| Box::pin(sleep(patience)));
        timer.as_mut().poll(context).map(|()| tracing::debug!("nobody takes the answer"))
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::time::timeout;

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(60);

    /// Whether a call gets to its end that tells this, and then takes so long.
    async fn ends(told: &'static [bool], length: Duration, patience: Duration) -> bool {
        let has_ended = Arc::new(AtomicBool::new(false));
        let ended = has_ended.clone();
        let call = async move {
            told.iter().for_each(|told| tell(*told));
            sleep(length).await;
            ended.store(true, Ordering::Relaxed);
        };
        timeout(LONG, until_stalled(call, patience)).await.unwrap();
        has_ended.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn only_a_peer_that_takes_nothing_is_given_up() {
        assert!(ends(&[], 4 * SHORT, SHORT).await, "it waits for us");
        assert!(ends(&[true, false], 4 * SHORT, SHORT).await, "it took all there was");
        assert!(ends(&[true], SHORT, LONG).await, "it took its time");
        assert!(!ends(&[true], 2 * LONG, SHORT).await, "it takes nothing");
        assert!(!ends(&[false, true], 2 * LONG, SHORT).await, "nor the second frame");
    }
}
