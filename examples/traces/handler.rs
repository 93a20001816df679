//! The handler of a request: it computes on the pool and converts on the processor.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use millpond::{ConcurrentProcessorV2, ConversionRequest, Format, TaskOptions};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::{Instrument, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// What a server of HTTP would hand to the handler.
pub(crate) struct Request {
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

pub(crate) struct Handler {
    processor: ConcurrentProcessorV2,
}

impl Handler {
    pub(crate) fn new() -> Result<Self, Box<dyn Error>> {
        // Every document goes to a worker, also one that would be converted here within
        // microseconds.
        let processor = ConcurrentProcessorV2::builder().inline_budget(Duration::ZERO).build()?;
        Ok(Self { processor })
    }

    /// Answers within the trace of the request's headers.
    pub(crate) async fn handle(&self, request: Request) -> Result<String, Box<dyn Error>> {
        let span = info_span!("request");
        // An error says that the span is not sampled, or that nobody listens.
        let _ = span.set_parent(TraceContextPropagator::new().extract(&request.headers));
        self.answer(request.body).instrument(span).await
    }

    async fn answer(&self, body: String) -> Result<String, Box<dyn Error>> {
        let text = body.clone();
        let count = move || text.split_whitespace().count();
        let words = self.processor.pool().task().name("count").run(count).await?;
        let document = ConversionRequest::new("body", body)
            .with_to(Format::Html)
            .with_task(TaskOptions::new().name("convert"));
        let html = self.processor.process_single(document).await.result?;
        Ok(format!("{words} words\n{}", String::from_utf8_lossy(&html)))
    }

    /// All spans are closed when this returns.
    pub(crate) async fn shut_down(&self) {
        self.processor.pool().shutdown(Duration::from_secs(5)).await;
    }
}
