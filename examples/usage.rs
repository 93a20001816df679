//! The everyday usage, each promise of it checked: defaults, a document, a batch in order, figures, a configuration.
#![allow(clippy::unwrap_used, reason = "an example that fails ends")]

use millpond::*;
use std::time::Duration;

fn request(id: &str, text: &str) -> ConversionRequest {
    ConversionRequest { id: id.into(), content: text.to_owned().into(), ..Default::default() }
}

#[tokio::main]
async fn main() {
    let config = PoolConfig::default();
    assert_eq!(config.min_threads, 1);
    let cores = std::thread::available_parallelism().unwrap().get();
    assert_eq!(config.max_threads, 2 * cores);
    assert_eq!(config.max_queue_size, 10_000);
    assert!((config.backpressure_threshold - 0.8).abs() < 1e-9);
    assert_eq!(config.idle_timeout, Duration::from_secs(60));
    assert_eq!(config.sampling_interval, Duration::from_millis(100));
    assert!(config.warm_up);
    assert_eq!(config.numa_aware, cfg!(target_os = "linux"));

    let processor = ConcurrentProcessorV2::new();
    let response = processor.process_single(request("one", "# Title\n\nSome *text*.")).await;
    assert!(response.result.is_ok(), "{:?}", response.result.err());
    let responses =
        processor.process_batch((0..100).map(|i| request(&i.to_string(), "# T\n\ntext")).collect()).await;
    assert_eq!(responses.len(), 100);
    for (i, r) in responses.iter().enumerate() {
        assert_eq!(r.id.to_string(), i.to_string(), "answers come in request order");
    }
    let m = processor.get_metrics();
    assert_eq!(m.total_processed, 101);
    let _: (f64, f64, f64) = (m.error_rate, m.average_latency_ms, m.p99_latency_ms);
    let _ = (m.memory_pool_hits, m.memory_pool_misses, m.backpressure_events);
    let s: PoolStatistics = processor.get_pool_statistics();
    let _: (u64, u64, u64) = (s.tasks_completed, s.tasks_queued, s.tasks_stolen);
    let _: (usize, usize, usize) = (s.active_threads, s.total_threads, s.queue_depth);
    let _: (f64, f64) = (s.average_task_time_ms, s.load_factor);

    let config = ProcessorConfig {
        max_document_size: 50 * 1024 * 1024,
        chunk_size: 2 * 1024 * 1024,
        batch_timeout: Duration::from_secs(60),
        max_concurrent_per_tenant: 200,
        ..Default::default()
    };
    let processor = ConcurrentProcessorV2::with_config(config);
    let response = processor.process_single(request("two", r"{\rtf1\ansi Hello {\b bold}\par}")).await;
    assert!(response.result.is_ok(), "{:?}", response.result.err());
    println!("usage: ok");
}
