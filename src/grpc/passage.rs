//! The passage that every call passes: a place for it, its deadline, the pace of what it brings.
//!
//! It adds two allocations and a few counters to a call, and nothing to an address. Nothing waits
//! here: a call that finds no place is refused with RESOURCE_EXHAUSTED and told when to ask again.

mod deadline;
mod inbound;
mod outbound;
mod share;
mod stall;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until, timeout_at};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::codegen::{Service as _, StdError};
use tonic::service::Routes;

use self::inbound::{Arrival, Inbound};
pub use self::outbound::Outbound;
pub use self::share::{Share, Whole};
pub use self::stall::Runner;
use super::calls::Calls;
use super::peer::PeerNames;
use super::refusal::Refusal;

/// The calls that bring a stream: their first message may take its time.
const STREAMS: &[&str] = &["/CheckStream", "/ServerReflectionInfo"];

/// The passage of one connection.
#[derive(Debug, Clone)]
pub struct Passage {
    /// What lies behind it.
    pub routes: Routes,
    /// Where calls are counted that come no further.
    pub calls: Arc<Calls>,
    /// What the connection may take.
    pub share: Arc<Share>,
    /// Whom the connection's certificate names.
    pub peer: Option<PeerNames>,
    /// The largest message in octets.
    pub largest: usize,
    /// How long a message may take to arrive.
    pub patience: Duration,
}

impl<B> hyper::service::Service<Request<B>> for Passage
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<StdError>,
{
    type Response = Response<Outbound>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<B>) -> Self::Future {
        let admitted = match self.share.call() {
            Some(place) => Some(self.admit(request, Arc::new(place))),
            None => {
                self.calls.turn_away(request.uri().path(), Refusal::NoRoom);
                None
            }
        };
        Box::pin(async move {
            Ok(match admitted {
                Some(answer) => answer.await,
                None => refused(Refusal::NoRoom, None),
            })
        })
    }
}

impl Passage {
    fn admit<B>(
        &self,
        request: Request<B>,
        place: Arc<share::Place>,
    ) -> impl Future<Output = Response<Outbound>> + Send + 'static
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<StdError>,
    {
        let path = request.uri().path();
        let may_rest = STREAMS.iter().any(|stream| path.ends_with(stream));
        let arrival = Arrival { largest: self.largest, patience: self.patience, may_rest };
        let deadline = deadline::of(request.headers()).map(|left| Instant::now() + left);
        let mut request = request.map(|body| Body::new(Inbound::new(body, place.clone(), arrival)));
        if let Some(peer) = &self.peer {
            request.extensions_mut().insert(peer.clone());
        }
        let mut routes = self.routes.clone();
        async move {
            let answer = async { routes.call(request).await };
            let answer = match deadline {
                None => answer.await,
                Some(at) => match timeout_at(at, answer).await {
                    Ok(answer) => answer,
                    // What it had under way is dropped, and so ends.
                    Err(_) => return refused(Refusal::DeadlinePassed, Some(place)),
                },
            };
            let until = deadline.map(|at| Box::pin(sleep_until(at)));
            match answer {
                Ok(answer) => answer.map(|body| Outbound::new(body, Some(place), until)),
                Err(never) => match never {},
            }
        }
    }
}

fn refused(refusal: Refusal, place: Option<Arc<share::Place>>) -> Response<Outbound> {
    Status::from(refusal).into_http().map(|body| Outbound::new(body, place, None))
}

#[cfg(test)]
mod tests;
