//! A stream of questions that ends when the server drains, so that its client goes elsewhere.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio_stream::Stream;
use tonic::Status;

use crate::engine::error::EngineError;

/// The messages of a stream; once the server drains, that it does, and nothing more.
pub(super) struct UntilDrained<S> {
    messages: S,
    drained: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl<S> UntilDrained<S> {
    pub(super) fn new(messages: S, drained: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { messages, drained: Some(Box::pin(drained)) }
    }
}

impl<T, S: Stream<Item = Result<T, Status>> + Unpin> Stream for UntilDrained<S> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(drained) = &mut self.drained else {
            return Poll::Ready(None);
        };
        // Asked first: a client that never pauses must hear it too.
        if drained.as_mut().poll(context).is_ready() {
            self.drained = None;
            return Poll::Ready(Some(Err(EngineError::Stopping.into())));
        }
        Pin::new(&mut self.messages).poll_next(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;
    use tokio_stream::StreamExt as _;
    use tonic::Code;

    use super::*;

    #[tokio::test]
    async fn a_stream_that_never_pauses_ends_too() {
        let (drain, drained) = oneshot::channel::<()>();
        let questions = tokio_stream::iter(std::iter::repeat_with(|| Ok(1)));
        let mut until = UntilDrained::new(questions, async move { drop(drained.await) });
        assert_eq!(until.next().await.unwrap().unwrap(), 1);
        drop(drain);
        assert_eq!(until.next().await.unwrap().unwrap_err().code(), Code::Unavailable);
        assert!(until.next().await.is_none());
    }
}
