//! The trace of a request goes on in the pool and in the processor.
#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

#[path = "collector.rs"]
mod collector;
#[path = "handler.rs"]
mod handler;

use collector::{Collector, attribute, id};
use handler::{Handler, Request};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

#[tokio::test]
async fn every_span_belongs_to_the_trace_of_the_request() {
    let collector = Collector::install().unwrap();
    let handler = Handler::new().unwrap();
    let headers = [("traceparent".to_owned(), format!("00-{TRACE}-{CALLER}-01"))].into();
    let response = handler.handle(Request { headers, body: "one *two*".to_owned() }).await.unwrap();
    assert_eq!(response, "2 words\n<p>one <em>two</em></p>\n");
    handler.shut_down().await;

    let mut spans = collector.spans().clone();
    spans.sort_by_key(|span| span.start_time);
    assert!(spans.iter().all(|span| span.span_context.trace_id().to_string() == TRACE), "{spans:?}");
    let request = spans.iter().find(|span| span.name == "request").unwrap();
    assert_eq!(request.parent_span_id.to_string(), CALLER);
    assert!(request.parent_span_is_remote);
    for task in ["count", "convert"] {
        let own: Vec<_> = spans.iter().filter(|span| attribute(span, "task") == task).collect();
        assert_eq!(own.iter().map(|span| &*span.name).collect::<Vec<_>>(), ["submit", "queued", "run"]);
        assert!(own.iter().all(|span| span.parent_span_id == id(request)));
        assert!(own[1].start_time <= own[1].end_time && own[1].end_time <= own[2].end_time);
        assert!(attribute(own[2], "thread.name").starts_with("millpond-"), "it runs on a worker");
    }
    assert_eq!(spans.len(), 7);
    assert_eq!(collector.tree().lines().count(), 8, "{}", collector.tree());
}
