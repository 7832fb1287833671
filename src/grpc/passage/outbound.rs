//! What a call gives: in pieces, so that little waits for a slow reader; until the deadline; and
//! with the call's place, which is held until the last piece is on its way.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;
use tonic::Status;
use tonic::codegen::http::HeaderMap;

use super::share::Place;
use super::stall;
use crate::grpc::refusal::Refusal;

/// The most that is handed to the connection at once, and waits there for the peer's window.
const PIECE: usize = 32 << 10;

/// The body of a response.
pub struct Outbound {
    body: tonic::body::Body,
    /// What is left of the last frame.
    rest: Bytes,
    deadline: Option<Pin<Box<Sleep>>>,
    ended: bool,
    _place: Option<Arc<Place>>,
}

impl Outbound {
    pub(super) const fn new(
        body: tonic::body::Body,
        place: Option<Arc<Place>>,
        deadline: Option<Pin<Box<Sleep>>>,
    ) -> Self {
        Self { body, rest: Bytes::new(), deadline, ended: false, _place: place }
    }

    fn next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if self.deadline.as_mut().is_some_and(|at| at.as_mut().poll(context).is_ready()) {
            self.ended = true;
            self.rest.clear();
            return Poll::Ready(Some(
                trailers(Refusal::DeadlinePassed.into()).map(Frame::trailers),
            ));
        }
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(self.piece())));
        }
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(match frame.into_data() {
                Ok(data) if data.len() > PIECE => {
                    self.rest = data;
                    self.piece()
                }
                Ok(data) => Frame::data(data),
                Err(other) => other,
            }))),
            other => other,
        }
    }

    fn piece(&mut self) -> Frame<Bytes> {
        Frame::data(self.rest.split_to(self.rest.len().min(PIECE)))
    }
}

fn trailers(status: Status) -> Result<HeaderMap, Status> {
    let mut map = HeaderMap::new();
    status.add_header(&mut map).map(|()| map)
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outbound")
    }
}

impl Body for Outbound {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let next = self.get_mut().next(context);
        stall::tell(next.is_ready());
        next
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.rest.is_empty() { self.body.size_hint() } else { SizeHint::default() }
    }
}

#[cfg(test)]
mod tests;
