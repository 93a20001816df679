//! What the processor says of itself.

use std::time::Duration;

use crate::processor_support::{bench, request, requests, shipping};
use millpond::{ConversionRequest, ProcessorConfig};

#[tokio::test]
async fn every_answer_is_counted_once() {
    let bench = bench(2, ProcessorConfig { max_document_size: 100, ..shipping() });
    assert!(bench.processor.process_single(request("four")).await.is_ok());
    assert!(!bench.processor.process_single(request("fail")).await.is_ok());
    assert!(!bench.processor.process_single(request("panic")).await.is_ok());
    assert!(!bench.processor.process_single(request(&"x".repeat(101))).await.is_ok());
    let answers = bench.processor.process_batch(requests(["five5", "six six", "fail", "8"])).await;
    assert_eq!(answers.len(), 4);
    let metrics = bench.processor.get_metrics();
    assert_eq!((metrics.total_processed, metrics.total_failed, metrics.panicked), (8, 4, 1));
    assert!((metrics.error_rate - 0.5).abs() < f64::EPSILON);
    assert_eq!((metrics.bytes_in, metrics.bytes_out), (17, 17));
    // Those that were converted, or begun.
    assert_eq!(metrics.memory_pool_hits + metrics.memory_pool_misses, 7);
    assert_eq!(metrics.in_flight, 0);
}

#[tokio::test]
async fn latencies_are_in_milliseconds_and_in_order() {
    let bench = bench(1, shipping());
    assert!(bench.processor.process_single(request("slow")).await.is_ok());
    let metrics = bench.processor.get_metrics();
    // It takes 5 ms by itself.
    assert!(metrics.average_latency_ms >= 4.9, "{metrics:?}");
    for _ in 0..200 {
        assert!(bench.processor.process_single(request("a")).await.is_ok());
    }
    let m = bench.processor.get_metrics();
    let percentiles =
        [m.p50_latency_ms, m.p90_latency_ms, m.p99_latency_ms, m.p999_latency_ms, m.max_latency_ms];
    assert!(percentiles.is_sorted() && percentiles[0] > 0.0, "{percentiles:?}");
    assert!(m.max_latency_ms >= 4.9);
}

#[tokio::test]
async fn small_documents_of_a_batch_share_tasks() {
    let bench = bench(2, shipping());
    let batch: Vec<_> = (0..500).map(|n| ConversionRequest::new(n.to_string(), "x".repeat(300))).collect();
    assert!(bench.processor.process_batch(batch).await.iter().all(|answer| answer.is_ok()));
    let metrics = bench.processor.get_metrics();
    let tasks = bench.processor.get_pool_statistics().tasks_completed;
    assert!(metrics.coalesced_tasks > 0 && tasks < 250, "{tasks} tasks");
    assert_eq!(metrics.total_processed, 500);
}

#[tokio::test]
async fn without_a_target_every_document_is_a_task() {
    let bench = bench(2, ProcessorConfig { coalesce_target: Duration::ZERO, ..shipping() });
    let batch: Vec<_> = (0..100).map(|n| request(&n.to_string())).collect();
    assert!(bench.processor.process_batch(batch).await.iter().all(|answer| answer.is_ok()));
    assert_eq!(bench.processor.get_metrics().coalesced_tasks, 0);
    assert_eq!(bench.processor.get_pool_statistics().tasks_completed, 100);
}

#[tokio::test]
async fn metrics_of_an_interval_are_a_difference() {
    let bench = bench(1, shipping());
    assert!(bench.processor.process_single(request("four")).await.is_ok());
    let (before, latencies) = (bench.processor.get_metrics(), bench.processor.latencies());
    assert!(!bench.processor.process_single(request("fail")).await.is_ok());
    let interval = bench.processor.get_metrics().diff(&before);
    assert_eq!((interval.total_processed, interval.total_failed), (1, 1));
    assert!((interval.error_rate - 1.0).abs() < f64::EPSILON);
    let now = bench.processor.latencies();
    assert_eq!((now.count(), now.diff(&latencies).count()), (2, 1));
    assert_eq!(before.to_string().lines().count(), 1);
}
