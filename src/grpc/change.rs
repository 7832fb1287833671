//! `ChangeService`: what was recorded, for systems that follow.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio_stream::Stream;
use tonic::{Request, Response, Status};

use super::api::change_service_server::ChangeService;
use super::api::{WatchRequest, WatchResponse};
use super::caller::entered;
use super::edge::Edge;
use super::encode;
use super::gate::Guarded;
use crate::engine::Engine;
use crate::engine::error::EngineError;
use crate::engine::follow::{Changes, Watch};
use crate::model::revision::Revision;

#[tonic::async_trait]
impl ChangeService for Edge {
    type WatchStream = Guarded<Following>;

    async fn watch(
        &self,
        request: Request<WatchRequest>,
    ) -> Result<Response<Guarded<Following>>, Status> {
        let (caller, session, WatchRequest { after_revision }) = entered(request)?;
        let watch = self.engine.watch(&caller, Revision::new(after_revision)).await?;
        let next: Next = Box::pin(watch.next());
        let following = Following { engine: self.engine.clone(), next: Some(next) };
        Ok(Response::new(Guarded::new(following, session)))
    }
}

type Next = Pin<Box<dyn Future<Output = Result<(Changes, Watch), EngineError>> + Send>>;

/// A watch as a stream. tonic asks for a message when the connection takes one and no sooner, so
/// whoever reads slowly is read for slowly.
pub(super) struct Following {
    engine: Arc<Engine>,
    /// None behind an error, which is the last.
    next: Option<Next>,
}

impl Stream for Following {
    type Item = Result<WatchResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(next) = &mut self.next else {
            return Poll::Ready(None);
        };
        let told = ready!(next.as_mut().poll(context));
        self.next = None;
        Poll::Ready(Some(match told {
            Ok((changes, watch)) => {
                self.next = Some(Box::pin(watch.next()));
                Ok(encode::changes(changes, &self.engine.catalog().names))
            }
            Err(error) => Err(error.into()),
        }))
    }
}
