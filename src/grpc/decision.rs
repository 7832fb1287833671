//! `DecisionService`: the hot path. Addresses stay in the message as it arrived, and the answer's
//! verdicts go out as the engine wrote them.

use std::pin::Pin;
use std::sync::Arc;

use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use super::api::decision_service_server::DecisionService;
use super::api::{ExplainRequest, ExplainResponse};
use super::caller::{caller_of, entered};
use super::codec::{CheckAnswer, CheckAsk};
use super::drain::UntilDrained;
use super::edge::Edge;
use super::gate::{Guarded, Session};
use super::note::Note;
use super::{decode, encode, status};
use crate::engine::Engine;
use crate::engine::check::Question;
use crate::engine::error::EngineError;
use crate::measure::Stopwatch;
use crate::model::actor::Caller;
use crate::model::revision::Revision;

/// The answers of a stream, one per question, in their order.
type Answers = Pin<Box<dyn Stream<Item = Result<CheckAnswer, Status>> + Send>>;

/// Most addresses of a question that is answered where it was read. More go to the lane: the way
/// there and back costs a tenth of what 10,000 addresses do.
const LARGE: usize = 10_000;

#[tonic::async_trait]
impl DecisionService for Edge {
    type CheckStreamStream = Answers;

    async fn check(&self, request: Request<CheckAsk>) -> Result<Response<CheckAnswer>, Status> {
        let (caller, session, ask) = entered(request)?;
        let subject = decode::Subject::of_call(&ask)?;
        Ok(Response::new(self.answer(caller, session, subject, ask).await?))
    }

    /// A question is read when the client has taken the answer to the one before, and no sooner: the
    /// next ones wait in the connection's window, which is bounded. tonic ends the stream after the
    /// first answer that is an error. A server that drains answers what it has read, and ends it.
    async fn check_stream(
        &self,
        request: Request<Streaming<CheckAsk>>,
    ) -> Result<Response<Answers>, Status> {
        let note = request.extensions().get::<Arc<Note>>().cloned().unwrap_or_default();
        let (caller, session, asks) = entered(request)?;
        let (mut subject, guard) = (None, session.clone());
        let edge = self.clone();
        let asks = UntilDrained::new(asks, self.calls.drained());
        let answers = asks.then(move |ask| {
            let (edge, caller, session) = (edge.clone(), caller.clone(), session.clone());
            let question = ask.map_err(status::of_transport).and_then(|ask| {
                let of_ask = decode::Subject::of_message(&ask, subject.as_ref())?;
                subject = Some(of_ask.clone());
                note.add(ask.count());
                Ok((of_ask, ask))
            });
            async move {
                let (subject, ask) = question?;
                edge.answer(caller, session, subject, ask).await
            }
        });
        Ok(Response::new(Box::pin(Guarded::new(Box::pin(answers), guard))))
    }

    async fn explain(
        &self,
        request: Request<ExplainRequest>,
    ) -> Result<Response<ExplainResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let inquiry = decode::explain(request, &self.engine.catalog())?;
        let explanation = self.engine.explain(&caller, inquiry).await?;
        Ok(Response::new(encode::explanation(explanation, &self.engine.catalog().names)))
    }
}

impl Edge {
    async fn answer(
        &self,
        caller: Caller,
        session: Option<Session>,
        subject: decode::Subject,
        ask: CheckAsk,
    ) -> Result<CheckAnswer, Status> {
        let (limit, got) = (self.most.addresses, ask.count());
        if got > limit {
            return Err(EngineError::TooManyAddresses { limit, got }.into());
        }
        let watch = Stopwatch::start();
        let session = session.as_ref();
        let answered = if got <= LARGE {
            answer(&self.engine, &caller, session, &subject, &ask).await?
        } else {
            let (engine, session) = (self.engine.clone(), session.cloned());
            let large =
                async move { answer(&engine, &caller, session.as_ref(), &subject, &ask).await };
            self.lane.run(large).await??
        };
        self.calls.questions.add(&answered, watch);
        Ok(answered)
    }
}

async fn answer(
    engine: &Engine,
    caller: &Caller,
    session: Option<&Session>,
    subject: &decode::Subject,
    ask: &CheckAsk,
) -> Result<CheckAnswer, Status> {
    if let Some(session) = session {
        session.spend(ask.count(), ask.addresses())?;
    }
    let question = Question {
        brand: &subject.brand,
        campaign: &subject.campaign,
        at_least: Revision::new(ask.at_least_revision()),
    };
    let answer = engine.check(caller, &question, ask.addresses(), ask.count()).await?;
    Ok(encode::answer(answer))
}
