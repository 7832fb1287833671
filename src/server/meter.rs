//! A connection's octets, counted on their way: whether it has begun, and whether it takes what it
//! is sent.
//!
//! TURNS: HTTP/2 is read for as long as there is something to read. A flood of tiny frames would
//! keep a thread for tens of milliseconds, so after `TURN` reads the others go first.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::seat::{House, Seat};

/// Reads in a row that bring so little that they may be a flood.
const TURN: u32 = 4;

/// A read that brings more than this is one of a large message.
const LITTLE: usize = 8 << 10;

/// What carries a connection.
pub(super) trait Line: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

/// A connection that is watched.
pub(super) struct Metered {
    line: Box<dyn Line>,
    seat: Arc<Seat>,
    house: Arc<House>,
    reads: u32,
}

impl Metered {
    pub(super) fn new(line: Box<dyn Line>, seat: Arc<Seat>, house: Arc<House>) -> Self {
        Self { line, seat, house, reads: 0 }
    }

    /// Notes whether the peer took something.
    fn sent<T>(&self, result: Poll<T>) -> Poll<T> {
        let blocked = &self.seat.blocked;
        let was = blocked.load(Ordering::Relaxed);
        if result.is_pending() && was == 0 {
            blocked.store(self.house.now(), Ordering::Relaxed);
        } else if result.is_ready() && was != 0 {
            blocked.store(0, Ordering::Relaxed);
        }
        result
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        if me.reads >= TURN {
            me.reads = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut me.line).poll_read(context, buffer);
        if read.is_pending() {
            me.reads = 0;
            return Poll::Pending;
        }
        let brought = buffer.filled().len().saturating_sub(before);
        me.reads = if brought > LITTLE { 0 } else { me.reads + 1 };
        let octets = u64::try_from(brought).unwrap_or(u64::MAX);
        // This task alone writes it.
        let received = me.seat.received.load(Ordering::Relaxed);
        me.seat.received.store(received.saturating_add(octets), Ordering::Relaxed);
        read
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        let written = Pin::new(&mut me.line).poll_write(context, octets);
        me.sent(written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        let written = Pin::new(&mut me.line).poll_write_vectored(context, slices);
        me.sent(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.line.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().line).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().line).poll_shutdown(context)
    }
}
