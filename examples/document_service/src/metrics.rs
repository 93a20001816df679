//! `GET /metrics`: the figures of the service, the pool and the processor.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use millpond::{PoolStatistics, ProcessorMetrics};

use super::exposition::{self, Exposition};
use super::service::Service;

pub(crate) async fn metrics(State(service): State<Arc<Service>>) -> Response {
    ([(CONTENT_TYPE, exposition::CONTENT_TYPE)], page(&service)).into_response()
}

fn page(service: &Service) -> String {
    let mut page = Exposition::default();
    requests(&mut page, service);
    if let Some(millpond) = service.engine.millpond() {
        pool(&mut page, &millpond.processor().get_pool_statistics());
        documents(&mut page, &millpond.processor().get_metrics());
    }
    page.into_text()
}

fn requests(page: &mut Exposition, service: &Service) {
    let ledger = &service.ledger;
    let mut responses =
        page.family("document_service_responses_total", "counter", "Responses, by path and status.");
    for ((path, status), count) in ledger.responses() {
        responses.sample(&[("path", path), ("status", &status.to_string())], count);
    }
    page.counter(
        "document_service_accepted_total",
        "Documents and batches that were read.",
        ledger.accepted(),
    );
    page.counter("document_service_answered_total", "Those that were answered.", ledger.answered());
    page.counter("document_service_given_up_total", "Those whose client went before.", ledger.given_up());
    page.gauge(
        "document_service_connections",
        "Connections that are open.",
        service.connections.load(Ordering::Relaxed),
    );
    page.gauge(
        "document_service_upload_budget_free_bytes",
        "Memory that is left for bodies of requests.",
        service.uploads.left(),
    );
    let streams = service.limits.max_streams - service.streams.available_permits();
    page.gauge("document_service_streams", "Streams that are under way.", streams);
}

fn pool(page: &mut Exposition, pool: &PoolStatistics) {
    let mut counter = |name: &str, help: &str, value: u64| {
        page.counter(&format!("millpond_pool_{name}_total"), help, value);
    };
    counter("tasks_queued", "Tasks that ever entered the queue.", pool.tasks_queued);
    counter("tasks_completed", "Tasks that ran to their end.", pool.tasks_completed);
    counter("tasks_stolen", "Tasks taken from the deque of another worker.", pool.tasks_stolen);
    counter("tasks_panicked", "Tasks that panicked.", pool.tasks_panicked);
    counter("tasks_cancelled", "Tasks that were cancelled before they started.", pool.tasks_cancelled);
    counter("tasks_expired", "Tasks whose deadline passed before they started.", pool.tasks_expired);
    counter("tasks_shed", "Tasks that were taken in and refused later.", pool.tasks_shed);
    counter("backpressure_events", "Callers who were refused or had to wait.", pool.backpressure_events);
    counter("threads_started", "Threads that were ever started.", pool.threads_started);
    counter("thread_spawn_failures", "Threads that could not be started.", pool.thread_spawn_failures);
    page.counter(
        "millpond_pool_abandoned_seconds_total",
        "Time of work that was finished for nobody.",
        pool.abandoned_time_ms / 1e3,
    );
    let mut gauge =
        |name: &str, help: &str, value: f64| page.gauge(&format!("millpond_pool_{name}"), help, value);
    gauge("queue_depth", "Tasks that wait in the queue.", pool.queue_depth as f64);
    gauge("waiting_callers", "Callers who stand in line for a place.", pool.waiting_callers as f64);
    gauge("active_threads", "Threads that run a task.", pool.active_threads as f64);
    gauge("threads", "Threads there are.", pool.total_threads as f64);
    gauge("thread_limit", "Threads that there may be at present.", pool.thread_limit as f64);
    gauge("blocked_threads", "Threads that are blocked in their tasks.", pool.blocked_threads as f64);
    gauge("load_factor", "Running and queued, of all that may be.", pool.load_factor);
    gauge("overloaded", "1 while tasks wait for too long.", f64::from(u8::from(pool.overloaded)));
    gauge("task_seconds_mean", "The mean time of a task.", pool.average_task_time_ms / 1e3);
}

fn documents(page: &mut Exposition, documents: &ProcessorMetrics) {
    let mut counter = |name: &str, help: &str, value: u64| {
        page.counter(&format!("millpond_{name}_total"), help, value);
    };
    counter("documents", "Documents that were answered, failures among them.", documents.total_processed);
    counter("documents_failed", "Documents whose answer is an error.", documents.total_failed);
    counter("documents_inlined", "Documents converted on the caller's own thread.", documents.inlined);
    counter("documents_chunked", "Documents converted in parts.", documents.chunked);
    counter("documents_panicked", "Documents on which the converter panicked.", documents.panicked);
    counter("document_bytes_in", "Bytes of the documents that were converted.", documents.bytes_in);
    counter("document_bytes_out", "Bytes that they became.", documents.bytes_out);
    counter("memory_pool_hits", "Buffers that the memory pool had.", documents.memory_pool_hits);
    counter("memory_pool_misses", "Buffers that it had to allocate.", documents.memory_pool_misses);
    page.gauge("millpond_documents_in_flight", "Requests and batches under way.", documents.in_flight);
    // Sum and count are left out, as the format allows: they would count documents whose latency nobody measured.
    let mut latency = page.family(
        "millpond_document_latency_seconds",
        "summary",
        "From a request to its answer, since the start of the service.",
    );
    let quantiles = [
        ("0.5", documents.p50_latency_ms),
        ("0.9", documents.p90_latency_ms),
        ("0.99", documents.p99_latency_ms),
        ("0.999", documents.p999_latency_ms),
    ];
    for (quantile, ms) in quantiles {
        latency.sample(&[("quantile", quantile)], ms / 1e3);
    }
}
