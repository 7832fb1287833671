//! Plain HTTP/1.1 for pages: the admin port's and the owner's. Small answers to many, so everything
//! has a limit. When all places are taken, the connection whose last request began longest ago makes
//! room: strangers who only sit there, or send a form an octet at a time, keep nobody out. A request
//! that is answered within milliseconds is the last that this reaches.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming as Sent;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

use super::listen::Incoming;

/// Octets of a request's head. Browsers send 1,000.
const HEAD_OCTETS: usize = 16 << 10;

/// After a failed accept, such as for want of descriptors, the next is tried so much later.
const BREATH: Duration = Duration::from_millis(200);

/// What a request has that is under way when its connection is to end.
const LAST: Duration = Duration::from_secs(5);

/// What a listener takes at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Connections at a time.
    pub(super) connections: usize,
    /// How long a request's head may take to arrive, and a connection may be idle between two.
    pub(super) head: Duration,
    /// How long a connection may last.
    pub(super) age: Duration,
}

/// Serves what comes in, each connection with a service made for whom it is from, until `stopped`;
/// then until the last request is answered, or has had its time.
pub(super) async fn serve<S, B, F>(
    incoming: Incoming,
    bounds: Bounds,
    service: impl Fn(Option<IpAddr>) -> S,
    stopped: impl Future<Output = ()>,
) where
    S: Service<Request<Sent>, Response = Response<B>, Error = Infallible, Future = F>,
    S: Send + 'static,
    F: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (leave, left) = watch::channel(());
    let mut guests = Guests::default();
    let mut stopped = pin!(stopped);
    loop {
        let accepted = async {
            match &incoming {
                Incoming::Tcp(_, listener) => {
                    let (stream, from) = listener.accept().await?;
                    stream.set_nodelay(true)?;
                    Ok((Line::Tcp(stream), Some(from.ip())))
                }
                Incoming::Unix(_, listener) => {
                    let (stream, _) = listener.accept().await?;
                    Ok::<_, std::io::Error>((Line::Unix(stream), None))
                }
            }
        };
        tokio::select! {
            () = &mut stopped => break,
            Some(ended) = guests.tasks.join_next_with_id() => guests.forget(&ended),
            accepted = accepted => match accepted {
                Ok((line, from)) => {
                    guests.make_room(bounds.connections).await;
                    let pace = guests.pace();
                    let service = Paced { service: service(from), pace: pace.clone() };
                    let left = left.clone();
                    match line {
                        Line::Tcp(stream) => guests.seat(pace, talk(stream, service, bounds, left)),
                        Line::Unix(stream) => guests.seat(pace, talk(stream, service, bounds, left)),
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a page's connection cannot be taken");
                    tokio::time::sleep(BREATH).await;
                }
            },
        }
    }
    drop((incoming, leave));
    while guests.tasks.join_next().await.is_some() {}
}

/// Who is here.
#[derive(Debug, Default)]
struct Guests {
    tasks: JoinSet<()>,
    /// By their tasks.
    guests: HashMap<Id, Guest>,
    /// Connections and requests that have begun so far, of all.
    begun: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Guest {
    pace: Pace,
    task: AbortHandle,
}

/// When a connection began its last request, or itself: as a number among all that began.
#[derive(Debug, Clone)]
struct Pace {
    last: Arc<AtomicU64>,
    begun: Arc<AtomicU64>,
}

impl Pace {
    fn begin(&self) {
        self.last.store(self.begun.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
    }
}

impl Guests {
    /// Of one who comes now.
    fn pace(&self) -> Pace {
        let pace = Pace { last: Arc::default(), begun: self.begun.clone() };
        pace.begin();
        pace
    }

    fn seat(&mut self, pace: Pace, talk: impl Future<Output = ()> + Send + 'static) {
        let task = self.tasks.spawn(talk);
        self.guests.insert(task.id(), Guest { pace, task });
    }

    fn forget(&mut self, ended: &Result<(Id, ()), JoinError>) {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, ())| *id);
        self.guests.remove(&id);
    }

    /// Until one more may come.
    async fn make_room(&mut self, most: usize) {
        while self.guests.len() >= most {
            let last = |guest: &&Guest| guest.pace.last.load(Ordering::Relaxed);
            if let Some(idlest) = self.guests.values().min_by_key(last) {
                idlest.task.abort();
            }
            let Some(ended) = self.tasks.join_next_with_id().await else { break };
            self.forget(&ended);
        }
    }
}

/// A service that notes each request.
struct Paced<S> {
    service: S,
    pace: Pace,
}

impl<S: Service<R>, R> Service<R> for Paced<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, request: R) -> S::Future {
        self.pace.begin();
        self.service.call(request)
    }
}

enum Line {
    Tcp(tokio::net::TcpStream),
    Unix(tokio::net::UnixStream),
}

async fn talk<S, B>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    service: S,
    bounds: Bounds,
    mut leave: watch::Receiver<()>,
) where
    S: Service<Request<Sent>, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head)
        // Who has said all that there is to say may close that side.
        .half_close(true)
        .max_buf_size(HEAD_OCTETS)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let over = async {
        tokio::select! {
            // By the end of its sender: nothing is ever sent.
            _ = leave.changed() => {}
            () = tokio::time::sleep(bounds.age) => {}
        }
    };
    let talked = tokio::select! {
        talked = &mut connection => talked,
        () = over => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(LAST, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = talked {
        tracing::debug!(%error, "a page's connection failed");
    }
}

#[cfg(test)]
mod tests;
