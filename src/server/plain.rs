//! Plain HTTP/1.1 for pages: the admin port's and the owner's. Small answers to many, so everything
//! has a limit, and whoever comes when all places are taken waits in the system's queue.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming as Sent;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::listen::Incoming;

/// Octets of a request's head. Browsers send 1,000.
const HEAD_OCTETS: usize = 16 << 10;

/// After a failed accept, such as for want of descriptors, the next is tried so much later.
const BREATH: Duration = Duration::from_millis(200);

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
/// then until the last request is answered.
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
    let places = Arc::new(Semaphore::new(bounds.connections));
    let (leave, left) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut stopped = pin!(stopped);
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = async {
            // Never closed: there is always a place in the end.
            let place = places.clone().acquire_owned().await.ok();
            match &incoming {
                Incoming::Tcp(_, listener) => {
                    let (stream, from) = listener.accept().await?;
                    stream.set_nodelay(true)?;
                    Ok((Line::Tcp(stream), Some(from.ip()), place))
                }
                Incoming::Unix(_, listener) => {
                    let (stream, _) = listener.accept().await?;
                    Ok::<_, std::io::Error>((Line::Unix(stream), None, place))
                }
            }
        };
        tokio::select! {
            () = &mut stopped => break,
            accepted = accepted => match accepted {
                Ok((Line::Tcp(stream), from, place)) => {
                    connections.spawn(talk(stream, service(from), bounds, left.clone(), place));
                }
                Ok((Line::Unix(stream), from, place)) => {
                    connections.spawn(talk(stream, service(from), bounds, left.clone(), place));
                }
                Err(error) => {
                    tracing::warn!(%error, "a page's connection cannot be taken");
                    tokio::time::sleep(BREATH).await;
                }
            },
        }
    }
    drop((incoming, leave));
    while connections.join_next().await.is_some() {}
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
    _place: Option<OwnedSemaphorePermit>,
) where
    S: Service<Request<Sent>, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head)
        .max_buf_size(HEAD_OCTETS)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let talked = tokio::time::timeout(bounds.age, async {
        tokio::select! {
            talked = &mut connection => return talked,
            // Only by its end: nothing is ever sent.
            _ = leave.changed() => {}
        }
        connection.as_mut().graceful_shutdown();
        connection.await
    });
    match talked.await {
        Ok(Ok(())) | Err(_) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a page's connection failed"),
    }
}
