//! Connections: accepted, shaken hands with, served, sent away.
//!
//! Of its own instead of tonic's, which cannot show a new certificate, knows no limit to
//! connections or handshakes, cuts calls off at the age of a connection, and leaves the resets of
//! HTTP/2 unlimited.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, bail};
use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tonic::service::Routes;

use super::limits::Limits;
use super::listen::Incoming;
use super::meter::{Line, Metered};
use super::seat::{House, Taken, Told};
use super::tls::{H2, Tls, names_of};
use crate::grpc::Calls;
use crate::grpc::passage::{Passage, Runner};
use crate::grpc::peer::PeerNames;

/// HTTP/2 frames: a message of 10,000 addresses goes in one.
const FRAME: u32 = 1 << 20;

/// When the system has no more descriptors, the next try is made after so long.
const BREATH: Duration = Duration::from_millis(100);

/// What every connection is served with.
pub(super) struct Reception {
    house: Arc<House>,
    routes: Routes,
    calls: Arc<Calls>,
    limits: Limits,
    tls: Option<Arc<Tls>>,
    http: http2::Builder<Runner>,
}

impl Reception {
    pub(super) fn new(
        routes: Routes,
        calls: Arc<Calls>,
        limits: Limits,
        tls: Option<Arc<Tls>>,
    ) -> Self {
        let house = Arc::new(House::new(limits.clone()));
        Self { house, http: http(&limits), routes: routes.prepare(), calls, limits, tls }
    }

    /// Serves until `stopped`, and then until the last call has ended.
    pub(super) async fn serve(self, incoming: Incoming, stopped: impl Future<Output = ()>) {
        let mut stopped = pin!(stopped);
        let me = Arc::new(self);
        let mut connections = JoinSet::new();
        let mut seconds = interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                () = &mut stopped => break,
                _ = seconds.tick() => me.house.sweep(),
                Some(_) = connections.join_next() => {}
                line = incoming.accept() => match line {
                    Ok(line) => if let Some(taken) = me.house.enter() {
                        connections.spawn(me.clone().connection(line, taken));
                    },
                    Err(error) => {
                        tracing::warn!(%error, "a connection cannot be accepted");
                        sleep(BREATH).await;
                    }
                },
            }
        }
        drop(incoming);
        me.house.close();
        seconds.reset();
        loop {
            tokio::select! {
                ended = connections.join_next() => if ended.is_none() { break },
                _ = seconds.tick() => me.house.clear(),
            }
        }
    }

    /// One connection, to its end.
    async fn connection(self: Arc<Self>, line: Box<dyn Line>, taken: Taken) {
        let mut told = taken.seat.told();
        tokio::select! {
            ended = self.served(line, &taken) => if let Err(error) = ended {
                tracing::debug!("a connection has failed: {error:#}");
            },
            () = until(&mut told, |told| told == Told::Go) => tracing::debug!("a connection is cut"),
        }
    }

    async fn served(&self, line: Box<dyn Line>, taken: &Taken) -> anyhow::Result<()> {
        let (line, peer) = match &self.tls {
            None => (line, None),
            Some(tls) => shaken(tls, line, self.limits.handshake_timeout).await?,
        };
        let seat = &taken.seat;
        seat.is_shaken.store(true, Ordering::Relaxed);
        let metered = Metered::new(line, seat.clone(), self.house.clone());
        let passage = Passage {
            routes: self.routes.clone(),
            calls: self.calls.clone(),
            share: seat.share.clone(),
            peer,
            largest: self.limits.max_message,
            patience: self.limits.message_timeout,
        };
        let mut told = seat.told();
        let connection = self.http.serve_connection(TokioIo::new(metered), passage);
        let mut connection = pin!(connection);
        tokio::select! {
            ended = &mut connection => return Ok(ended?),
            () = until(&mut told, |told| told != Told::Stay) => {}
        }
        connection.as_mut().graceful_shutdown();
        Ok(connection.await?)
    }
}

/// Waits for such a word.
async fn until(told: &mut watch::Receiver<Told>, such: fn(Told) -> bool) {
    // The seat, which tells, is held as long as anybody listens.
    drop(told.wait_for(|told| such(*told)).await);
}

/// Shakes hands: TLS, and HTTP/2 within it.
async fn shaken(
    tls: &Tls,
    line: Box<dyn Line>,
    patience: Duration,
) -> anyhow::Result<(Box<dyn Line>, Option<PeerNames>)> {
    let shaken = timeout(patience, tls.acceptor().accept(line)).await;
    let line = shaken.context("the handshake took too long")??;
    let (_, session) = line.get_ref();
    if session.alpn_protocol() != Some(H2) {
        bail!("the client does not ask for HTTP/2");
    }
    let leaf = session.peer_certificates().and_then(<[_]>::first);
    let peer = leaf.map(names_of).transpose().context("the client's certificate")?;
    Ok((Box::new(line), peer))
}

/// HTTP/2 under these limits.
fn http(limits: &Limits) -> http2::Builder<Runner> {
    let wire = |octets: usize| u32::try_from(octets).unwrap_or(u32::MAX);
    let mut http = http2::Builder::new(Runner { patience: limits.stall_timeout });
    http.timer(TokioTimer::new())
        .max_frame_size(FRAME)
        .max_concurrent_streams(limits.max_streams)
        .initial_stream_window_size(wire(limits.stream_window))
        .initial_connection_window_size(wire(limits.connection_window))
        .max_send_buf_size(limits.send_buffer)
        .max_header_list_size(wire(limits.max_header_list))
        .max_pending_accept_reset_streams(limits.max_pending_resets)
        .max_local_error_reset_streams(limits.max_reset_errors)
        .keep_alive_interval(limits.keep_alive)
        .keep_alive_timeout(limits.keep_alive_timeout);
    http
}
