//! Where traces go (feature `otel`): to a collector that speaks OTLP over gRPC.

use anyhow::Context as _;
use opentelemetry::global;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};

/// Traces that are sent until this is ended. At most 2,048 spans wait for a collector; then they
/// are dropped, and no call waits.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends spans to a collector, such as `http://127.0.0.1:4317`: those of calls whose client
    /// traces them, and no others.
    ///
    /// # Errors
    /// The address is none.
    pub fn start(endpoint: &str) -> anyhow::Result<Self> {
        let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build();
        let exporter = exporter.with_context(|| format!("cannot send traces to `{endpoint}`"))?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOff)))
            .with_resource(Resource::builder().with_service_name("maysend").build())
            .build();
        global::set_tracer_provider(provider.clone());
        tracing::info!(endpoint, "traces are sent");
        Ok(Self(provider))
    }

    /// Sends what is left, for five seconds at most.
    pub async fn end(self) {
        let ending = tokio::task::spawn_blocking(move || self.0.shutdown()).await;
        if !matches!(ending, Ok(Ok(()))) {
            tracing::warn!("the last traces could not be sent");
        }
    }
}
