//! A collector of spans within the program, in place of one behind a network.

use std::fmt::Write;
use std::future::{Future, ready};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry::trace::TracerProvider;
use opentelemetry::{SpanId, TraceId};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::{SetGlobalDefaultError, set_global_default};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry};

/// Keeps every span that has ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collector(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Collector {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        self.spans().extend(batch);
        ready(Ok(()))
    }
}

impl Collector {
    /// Makes a collector, and has the spans of the whole program exported to it, each as it ends.
    pub(crate) fn install() -> Result<Self, SetGlobalDefaultError> {
        let collector = Self::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(collector.clone()).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("millpond"));
        set_global_default(Registry::default().with(layer.with_filter(LevelFilter::INFO)))?;
        Ok(collector)
    }

    /// The spans that have ended.
    pub(crate) fn spans(&self) -> MutexGuard<'_, Vec<SpanData>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The spans of each trace, each below the span that it belongs to.
    pub(crate) fn tree(&self) -> String {
        let mut spans = self.spans().clone();
        spans.sort_by_key(|span| span.start_time);
        let mut text = String::new();
        let is_root = |span: &&SpanData| spans.iter().all(|other| id(other) != span.parent_span_id);
        for root in spans.iter().filter(is_root) {
            let trace: TraceId = root.span_context.trace_id();
            // Writing to a `String` can't fail.
            let _ = writeln!(text, "trace {trace}, from span {}", root.parent_span_id);
            write_below(&mut text, &spans, root, 1);
        }
        text
    }
}

fn write_below(text: &mut String, spans: &[SpanData], span: &SpanData, depth: usize) {
    let took = span.end_time.duration_since(span.start_time).unwrap_or_default();
    let (task, thread) = (attribute(span, "task"), attribute(span, "thread.name"));
    let _ = writeln!(text, "{:indent$}{} {task} {took:.0?} on {thread}", "", span.name, indent = 2 * depth);
    for child in spans.iter().filter(|child| child.parent_span_id == id(span)) {
        write_below(text, spans, child, depth + 1);
    }
}

/// The number of a span in its trace.
pub(crate) fn id(span: &SpanData) -> SpanId {
    span.span_context.span_id()
}

/// The value of an attribute, as text; empty if the span has none of this name.
pub(crate) fn attribute(span: &SpanData, name: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key.as_str() == name);
    found.map(|attribute| attribute.value.to_string()).unwrap_or_default()
}
