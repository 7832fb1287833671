//! A span of OpenTelemetry for each call whose client traces it (feature `otel`).
//!
//! The client decides: `traceparent` says that its trace is recorded, and then the call is part of
//! it. The span holds what the line of the log holds, and so no address; of what the client sent
//! only trace and span are kept, since its `tracestate` may say anything.

use opentelemetry::global::{self, BoxedSpan};
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{
    Span as _, SpanContext, SpanKind, Status, TraceContextExt as _, TraceState, Tracer as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tonic::codegen::http::HeaderMap;

/// A call under way, as a span.
pub(super) struct Trace(BoxedSpan);

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|key| key.as_str()).collect()
    }
}

impl Trace {
    pub(super) fn begin(method: &str, headers: &HeaderMap) -> Self {
        let tracer = global::tracer("maysend");
        let span = tracer.span_builder(method.to_owned()).with_kind(SpanKind::Server);
        Self(span.start_with_context(&tracer, &parent(headers)))
    }

    /// Ends it. A fault of the server makes it an error, as the conventions have it.
    pub(super) fn end(&mut self, attributes: [(&'static str, String); 5], is_own_fault: bool) {
        let attributes = attributes.map(|(key, value)| KeyValue::new(key, value));
        self.0.set_attributes(attributes);
        self.0.set_attribute(KeyValue::new("rpc.system.name", "grpc"));
        if is_own_fault {
            self.0.set_status(Status::error(""));
        }
        self.0.end();
    }
}

/// The client's span, without what else the client says.
fn parent(headers: &HeaderMap) -> Context {
    let theirs = TraceContextPropagator::new().extract(&Headers(headers));
    let theirs = theirs.span().span_context().clone();
    let bare = SpanContext::new(
        theirs.trace_id(),
        theirs.span_id(),
        theirs.trace_flags(),
        true,
        TraceState::NONE,
    );
    Context::new().with_remote_span_context(bare)
}
