//! What a call brings: its messages are weighed by the length that they declare, before anything
//! of them is kept, and have to arrive in time.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};
use tonic::Status;

use super::share::Place;
use crate::grpc::refusal::Refusal;

/// Octets in front of a message: whether it is compressed, and how long it is.
const PREFIX: usize = 5;

/// Messages up to this length are not weighed: the places of calls bound them.
const LIGHT: usize = 32 << 10;

/// The body of a request.
pub(super) struct Inbound<B> {
    body: B,
    place: Arc<Place>,
    course: Course,
    limits: Arrival,
    timer: Option<Pin<Box<Sleep>>>,
}

/// How messages have to arrive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    /// Larger ones are not weighed: they are refused when they are decoded.
    pub(super) largest: usize,
    /// From the first octet of a message to its last.
    pub(super) patience: Duration,
    /// Whether the first message may take its time.
    pub(super) may_rest: bool,
}

/// Where in the sequence of messages a body is.
#[derive(Debug)]
enum Course {
    /// Nothing has come yet.
    Begin,
    /// Between two messages.
    Between,
    /// In the prefix; so many octets of it are here.
    Prefix([u8; PREFIX], usize),
    /// In a message; so many octets of it are still to come.
    Message(usize),
}

impl<B> Inbound<B> {
    pub(super) const fn new(body: B, place: Arc<Place>, limits: Arrival) -> Self {
        Self { body, place, course: Course::Begin, limits, timer: None }
    }

    /// Follows the messages through `data`, and weighs each at its beginning.
    fn follow(&mut self, mut data: &[u8]) -> Result<(), Refusal> {
        while !data.is_empty() {
            self.course = match self.course {
                Course::Begin | Course::Between => {
                    self.timer = None;
                    Course::Prefix([0; PREFIX], 0)
                }
                Course::Prefix(mut prefix, had) => {
                    let (now, rest) = data.split_at(data.len().min(PREFIX - had));
                    let have = had + now.len();
                    if let Some(room) = prefix.get_mut(had..have) {
                        room.copy_from_slice(now);
                    }
                    data = rest;
                    if have < PREFIX { Course::Prefix(prefix, have) } else { self.weigh(prefix)? }
                }
                Course::Message(left) => {
                    let (now, rest) = data.split_at(data.len().min(left));
                    data = rest;
                    let left = left - now.len();
                    if left == 0 { Course::Between } else { Course::Message(left) }
                }
            };
        }
        Ok(())
    }

    fn weigh(&self, prefix: [u8; PREFIX]) -> Result<Course, Refusal> {
        let [_, length @ ..] = prefix;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        let counts = length > LIGHT && length <= self.limits.largest;
        if !self.place.bring(if counts { length } else { 0 }) {
            return Err(Refusal::NoRoom);
        }
        Ok(if length == 0 { Course::Between } else { Course::Message(length) })
    }

    /// Whether something is due that has not come.
    const fn is_due(&self) -> bool {
        match self.course {
            Course::Begin => !self.limits.may_rest,
            Course::Between => false,
            Course::Prefix(..) | Course::Message(_) => true,
        }
    }

    /// Whether it has been due for too long.
    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        let patience = self.limits.patience;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(patience)));
        timer.as_mut().poll(context).is_ready()
    }
}

impl<B> Body for Inbound<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<tonic::codegen::StdError>,
{
    type Data = Bytes;
    type Error = tonic::codegen::StdError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let me = self.get_mut();
        let refused = |refusal: Refusal| Poll::Ready(Some(Err(Status::from(refusal).into())));
        match Pin::new(&mut me.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                match frame.data_ref().map_or(Ok(()), |data| me.follow(data)) {
                    Ok(()) => Poll::Ready(Some(Ok(frame))),
                    Err(refusal) => refused(refusal),
                }
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending if me.is_due() && me.is_late(context) => refused(Refusal::Unfinished),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
