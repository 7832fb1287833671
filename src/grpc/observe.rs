//! Observes every call: counts it, tells it to the log, and ends what would keep a draining server.
//!
//! A call is over when its last octet is on its way or when its client has gone, so this wraps the
//! body of the answer. One line of the log for each call, at `info`; those that come by the
//! thousand (checks, health, reflection) at `debug`; what is the server's own fault at `warn`. The
//! line holds names of methods, codes, times, counts, the credential, and never what was carried.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tonic::codegen::http::{HeaderMap, Request, Response};
use tonic::codegen::{BoxFuture, Service};
use tonic::service::Routes;
use tonic::{Code, Status};
use tower::Layer;

use super::calls::{Calls, OTHER, code_name};
use super::note::{Note, request_id};
use super::status;
use crate::engine::error::EngineError;
use crate::measure::Stopwatch;

/// The same services, observed.
#[must_use]
pub fn observed(routes: Routes, calls: Arc<Calls>) -> Routes {
    routes.into_axum_router().layer(Observe(calls)).into()
}

#[derive(Debug, Clone)]
struct Observe(Arc<Calls>);

impl<S> Layer<S> for Observe {
    type Service = Observed<S>;

    fn layer(&self, service: S) -> Observed<S> {
        Observed { calls: self.0.clone(), service }
    }
}

#[derive(Debug, Clone)]
struct Observed<S> {
    calls: Arc<Calls>,
    service: S,
}

impl<S, A, B> Service<Request<A>> for Observed<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = Response<Watched<B>>;
    type Error = S::Error;
    type Future = BoxFuture<Self::Response, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<A>) -> Self::Future {
        let mut call = Call::begin(self.calls.clone(), &request);
        request.extensions_mut().insert(call.note.clone());
        let answer = self.service.call(request);
        Box::pin(async move {
            let (parts, body) = answer.await?.into_parts();
            call.code = Status::from_header_map(&parts.headers).map(|status| status.code());
            let ending = call.is_foreign_stream().then(|| call.calls.drained());
            let ending = ending.map(|ending| -> Ending { Box::pin(ending) });
            Ok(Response::from_parts(parts, Watched { body, ending, ended: false, call }))
        })
    }
}

/// A call under way. Dropped, it is over: with the code that was sent, or cancelled.
struct Call {
    calls: Arc<Calls>,
    place: Option<usize>,
    request_id: String,
    note: Arc<Note>,
    watch: Stopwatch,
    code: Option<Code>,
    #[cfg(feature = "otel")]
    trace: super::trace::Trace,
}

impl Call {
    fn begin<A>(calls: Arc<Calls>, request: &Request<A>) -> Self {
        let place = calls.place(request.uri().path());
        let method = calls.method(place);
        method.begin();
        #[cfg(feature = "otel")]
        let trace = super::trace::Trace::begin(&method.name, request.headers());
        Self {
            calls,
            place,
            request_id: request_id(request.headers()),
            note: Arc::default(),
            watch: Stopwatch::start(),
            code: None,
            #[cfg(feature = "otel")]
            trace,
        }
    }

    /// Whether nobody here ends it: health that is watched, and reflection.
    fn is_foreign_stream(&self) -> bool {
        let method = self.calls.method(self.place);
        method.name == OTHER || (method.is_stream && !method.name.starts_with("maysend."))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // Without a code its handler has panicked, or the client went before the answer was whole.
        let ended = if thread::panicking() { Code::Internal } else { Code::Cancelled };
        let code = self.code.unwrap_or(ended);
        let method = self.calls.method(self.place);
        method.end(code, self.watch);
        let is_own_fault = matches!(code, Code::Internal | Code::Unknown | Code::DataLoss);
        let request_id = &*self.request_id;
        let seconds = self.watch.elapsed().as_secs_f64();
        let (addresses, credential) = (self.note.addresses(), self.note.credential());
        let (method_name, code) = (&*method.name, code_name(code));
        #[cfg(feature = "otel")]
        self.trace.end(
            [
                ("rpc.method", method_name.to_owned()),
                ("rpc.response.status_code", code.to_owned()),
                ("maysend.addresses", addresses.to_string()),
                ("maysend.credential", credential.to_owned()),
                ("maysend.request_id", request_id.to_owned()),
            ],
            is_own_fault,
        );
        macro_rules! tell {
            ($level:ident) => {
                tracing::$level!(
                    target: "maysend::call",
                    method = method_name, code, seconds, addresses, credential, request_id, "call"
                )
            };
        }
        if is_own_fault {
            tell!(warn);
        } else if method.is_frequent {
            tell!(debug);
        } else {
            tell!(info);
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

type Ending = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The body of an answer, watched to its end.
struct Watched<B> {
    body: B,
    /// Where the server must end the call itself: when.
    ending: Option<Ending>,
    ended: bool,
    call: Call,
}

impl<B: Body<Data = Bytes> + Unpin> Body for Watched<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(trailers) = frame.trailers_ref() {
                    self.call.code = Some(code_of(trailers));
                }
            }
            Poll::Pending => {
                // What was to be said, such as NOT_SERVING, is said.
                let ending = self.ending.as_mut();
                if ending.is_some_and(|ending| ending.as_mut().poll(context).is_ready()) {
                    self.ended = true;
                    self.call.code = Some(Code::Unavailable);
                    let trailers = status::trailers(EngineError::Stopping.into());
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                }
            }
            Poll::Ready(None | Some(Err(_))) => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn code_of(trailers: &HeaderMap) -> Code {
    Status::from_header_map(trailers).map_or(Code::Unknown, |status| status.code())
}
