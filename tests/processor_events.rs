//! What a processor tells through `tracing`: that a document is in parts, and that its parts were in vain.

#![allow(clippy::unwrap_used)]

#[path = "support/processor.rs"]
mod processor_support;

use std::fmt::Debug;
use std::sync::Mutex;

use millpond::ConversionOptions;
use processor_support::{bench, request, shipping};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps the events of processors, each as its fields in order.
struct Listener;

impl Subscriber for Listener {
    fn enabled(&self, what: &Metadata<'_>) -> bool {
        what.target() == "millpond::processor"
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        TOLD.lock().unwrap().push(line.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0 += &format!("{}={value:?} ", field.name());
    }
}

#[tokio::test]
async fn of_documents_in_parts() {
    tracing::subscriber::set_global_default(Listener).unwrap();
    let bench = bench(2, shipping());
    let in_parts = |document| {
        request(document)
            .with_options(ConversionOptions { chunk_size: Some(6), ..ConversionOptions::default() })
    };
    assert_eq!(bench.processor.process_single(in_parts("12345 67890 ")).await.chunks, 2);
    assert_eq!(std::mem::take(&mut *TOLD.lock().unwrap()), ["message=document in parts bytes=12 parts=2 "]);
    assert_eq!(bench.processor.process_single(in_parts("12345 fail ")).await.chunks, 1);
    let told = std::mem::take(&mut *TOLD.lock().unwrap());
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[1].starts_with("message=the parts do not make the whole: it is converted again error="),
        "{told:?}"
    );
    assert_eq!(bench.processor.process_single(in_parts("short")).await.chunks, 1);
    assert!(TOLD.lock().unwrap().is_empty());
}
