//! The lane: threads of their own, as many as there are processors, for whatever keeps a thread busy
//! for long. These are large questions and large writes: they bring megabytes that are decoded in
//! one go. A write of one address stays where it came in, two hops between threads sooner.
//!
//! WHY: such work yields at best between slices, and the thread that does it also has to read and
//! to answer all other calls. Each of the four or five turns that a small call takes waits for a
//! slice then, on every thread. On a lane of its own large work waits for large work only, and it
//! gives way between slices: 0.9 ms for a small call beside it at the 99th percentile instead of
//! 4. A lower priority for the lane made small calls no quicker, and a busy machine starves it: it
//! would hold the lock of the index for as long. Short turns for the other threads (the slice of
//! `sched_setattr`) made none quicker either.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt as _, BodyStream, StreamBody};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio_stream::StreamExt as _;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::codegen::{BoxFuture, Service};
use tonic::server::NamedService;

use crate::engine::error::EngineError;

/// Threads that answer large questions.
#[derive(Debug)]
pub struct Lane(Option<Runtime>);

impl Lane {
    /// Starts the threads.
    ///
    /// # Errors
    /// The system has no more of them.
    pub fn start() -> io::Result<Self> {
        let mut threads = Builder::new_multi_thread();
        Ok(Self(Some(threads.thread_name("maysend-lane").enable_time().build()?)))
    }

    /// Works on the lane. Whoever drops this ends the work, where it waits or yields next.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, EngineError> {
        let runtime = self.0.as_ref().ok_or(EngineError::Stopping)?;
        let mut only = JoinSet::new();
        only.spawn_on(courteous(work), runtime.handle());
        match only.join_next().await {
            Some(Ok(done)) => Ok(done),
            Some(Err(ended)) => match ended.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_) => Err(EngineError::Stopping),
            },
            None => Err(EngineError::Stopping),
        }
    }
}

/// The same work, but each time that it goes on, a thread that waits for the processor goes first.
///
/// A kernel without preemption looks at a computing thread every 4 ms only, and a small call waits
/// for its turn four times, two of them in its client.
async fn courteous<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(|context| {
        thread::yield_now();
        work.as_mut().poll(context)
    })
    .await
}

/// A message of more octets is worked on the lane: some 0.1 ms of work.
const SMALL: u32 = 32 << 10;

/// Octets that gRPC puts in front of a message: whether it is compressed, and how long it is.
const PREFIX: usize = 5;

/// A service whose large calls are worked on the lane, from the first octet of the message on.
#[derive(Debug, Clone)]
pub(super) struct OnLane<S> {
    pub(super) lane: Arc<Lane>,
    pub(super) service: S,
}

impl<S: NamedService> NamedService for OnLane<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for OnLane<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Response<Body>, Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (lane, mut service) = (self.lane.clone(), self.service.clone());
        Box::pin(async move {
            let (parts, mut body) = request.into_parts();
            let first = body.frame().await;
            let is_small = first.as_ref().is_none_or(|frame| begins_small(frame.as_ref().ok()));
            let whole = tokio_stream::iter(first).chain(BodyStream::new(body));
            let answer =
                service.call(Request::from_parts(parts, Body::new(StreamBody::new(whole))));
            if is_small {
                return answer.await;
            }
            lane.run(answer).await.unwrap_or_else(|error| Ok(Status::from(error).into_http()))
        })
    }
}

/// Whether a call brings little, by the beginning of its body.
fn begins_small(frame: Option<&Frame<Bytes>>) -> bool {
    let prefix = frame.and_then(Frame::data_ref).and_then(|data| data.first_chunk::<PREFIX>());
    prefix.is_some_and(|[_, length @ ..]| u32::from_be_bytes(*length) <= SMALL)
}

impl Drop for Lane {
    /// The last server to hold it may be a task, and tasks must not wait for threads.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;
    use tokio::task::yield_now;
    use tokio::time::timeout;

    use super::*;

    /// Longer than anything takes here.
    const LONG: Duration = Duration::from_secs(20);

    /// Work without end that tells its beginning, and its end by dropping the other sender.
    async fn endless(began: oneshot::Sender<()>, _ended: oneshot::Sender<()>) {
        began.send(()).unwrap();
        loop {
            yield_now().await;
        }
    }

    #[test]
    fn a_call_is_small_where_its_message_is_and_large_in_doubt() {
        let begins = |data: &[u8]| begins_small(Some(&Frame::data(Bytes::copy_from_slice(data))));
        assert!(begins(&[0, 0, 0, 0, 0]));
        assert!(begins(&[0, 0, 0, 0x80, 0, 7, 7]));
        assert!(!begins(&[0, 0, 0, 0x80, 1, 7, 7]));
        assert!(!begins(&[0, 1, 0, 0, 0]));
        assert!(!begins(&[0, 0, 0, 0]));
        assert!(!begins_small(None));
    }

    #[tokio::test]
    async fn a_call_that_is_given_up_leaves_nothing_running() {
        let lane = Lane::start().unwrap();
        let ((began, begun), (ended, end)) = (oneshot::channel(), oneshot::channel());
        tokio::select! {
            _ = lane.run(endless(began, ended)) => unreachable!("it has no end"),
            _ = begun => {}
        }
        assert!(timeout(LONG, end).await.unwrap().is_err());
    }

    #[tokio::test]
    #[should_panic(expected = "work failed")]
    async fn a_panic_on_the_lane_goes_on_with_whoever_waits() {
        let lane = Lane::start().unwrap();
        lane.run(async { panic!("work failed") }).await.unwrap()
    }
}
