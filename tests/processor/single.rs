//! One document: waiting for room, being refused, being cancelled, the end of the pool.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use crate::processor_support::{Bench, Scripted, bench, request, shipping};
use bytes::Bytes;
use futures_util::poll;
use millpond::retry::RetryPolicy;
use millpond::{AdaptiveThreadPool, ConcurrentProcessorV2, ConversionRequest, PoolConfig, ProcessError};
use millpond::{ProcessorConfig, RejectReason};

/// One thread, and room for one more document.
fn narrow() -> Bench {
    let pool = PoolConfig { max_queue_size: 1, ..PoolConfig::default() };
    bench(1, ProcessorConfig { pool, ..shipping() })
}

#[tokio::test]
async fn a_full_queue_makes_wait_or_refuses() {
    let bench = narrow();
    let running = bench.processor.try_process_single(request("wait 1")).unwrap();
    bench.begun.recv().unwrap();
    let queued = bench.processor.try_process_single(request("2")).unwrap();
    let rejected = bench.processor.try_process_single(request("3")).unwrap_err();
    assert_eq!(rejected.rejection().reason, RejectReason::QueueFull);
    let mut waiting = pin!(bench.processor.process_single(rejected.into_inner()));
    assert!(poll!(&mut waiting).is_pending());
    assert_eq!(bench.processor.get_metrics().backpressure_events, 2);
    bench.gate.open();
    assert_eq!(waiting.await.result.unwrap(), "3");
    assert!(running.await.is_ok() && queued.await.is_ok());
}

/// To come again later would not help it.
#[tokio::test]
async fn a_document_that_is_too_long_is_told_so_and_not_that_the_queue_is_full() {
    let pool = PoolConfig { max_queue_size: 1, ..PoolConfig::default() };
    let limits = ProcessorConfig { max_document_size: 10, max_concurrent_per_tenant: 1, ..shipping() };
    let bench = bench(1, ProcessorConfig { pool, ..limits });
    let running = bench.processor.try_process_single(request("wait 1").with_tenant("a")).unwrap();
    bench.begun.recv().unwrap();
    let long = || request("eleven and more");
    let told = |result| assert!(matches!(result, Err(ProcessError::TooLarge { size: 15, limit: 10 })));

    // The tenant is at its limit, and there is room.
    told(bench.processor.try_process_single(long().with_tenant("a")).unwrap().await.result);
    let queued = bench.processor.try_process_single(request("2")).unwrap();
    let full = bench.processor.try_process_single(request("3")).unwrap_err();
    assert_eq!(full.rejection().reason, RejectReason::QueueFull);
    let response = bench.processor.try_process_single(long()).unwrap().await;
    assert_eq!(response.id, "eleven and more");
    told(response.result);
    assert_eq!(bench.processor.get_metrics().in_flight, 2);

    bench.gate.open();
    assert!(running.await.is_ok() && queued.await.is_ok());
    bench.processor.shutdown(Duration::MAX).await;
    let closed = bench.processor.try_process_single(long()).unwrap_err();
    assert_eq!(closed.rejection().reason, RejectReason::ShuttingDown);
    assert_eq!(bench.processor.get_metrics().total_failed, 2);
}

#[tokio::test]
async fn retrying_uses_the_request_that_was_handed_back() {
    let bench = narrow();
    let running = bench.processor.try_process_single(request("wait 1")).unwrap();
    bench.begun.recv().unwrap();
    let queued = bench.processor.try_process_single(request("2")).unwrap();
    let policy = RetryPolicy { max_attempts: 1_000_000, budget: Duration::MAX, ..RetryPolicy::default() };
    let mut refused = 0;
    let taken = policy.submit(request("3"), |request| {
        let result = bench.processor.try_process_single(request);
        refused += usize::from(result.is_err());
        bench.gate.open();
        result
    });
    assert_eq!(taken.await.unwrap().await.result.unwrap(), "3");
    assert!(refused >= 1);
    assert!(running.await.is_ok() && queued.await.is_ok());
}

#[tokio::test]
async fn dropping_the_future_drops_the_document_and_frees_its_place() {
    let bench = bench(1, shipping());
    let mut running = pin!(bench.processor.process_single(request("wait")));
    assert!(poll!(&mut running).is_pending());
    bench.begun.recv().unwrap();

    struct Document {
        _alive: Arc<()>,
    }
    impl AsRef<[u8]> for Document {
        fn as_ref(&self) -> &[u8] {
            b"document"
        }
    }
    let alive = Arc::new(());
    {
        let content = Bytes::from_owner(Document { _alive: Arc::clone(&alive) });
        let mut queued = pin!(bench.processor.process_single(ConversionRequest::new("queued", content)));
        assert!(poll!(&mut queued).is_pending());
        assert_eq!(bench.processor.get_pool_statistics().queue_depth, 1);
        assert_eq!(Arc::strong_count(&alive), 2);
    }
    assert_eq!(Arc::strong_count(&alive), 1);
    assert_eq!(bench.processor.get_pool_statistics().queue_depth, 0);
    bench.gate.open();
    assert!(running.await.is_ok());
    assert_eq!(bench.seen.documents(), ["wait"]);
    assert_eq!(bench.processor.get_metrics().in_flight, 0);
}

#[tokio::test]
async fn after_a_shutdown_documents_are_told_that_it_is_closed() {
    let bench = bench(1, ProcessorConfig::default());
    assert!(bench.processor.process_single(request("a")).await.is_ok());
    bench.processor.shutdown(Duration::MAX).await;
    for _ in 0..100 {
        let response = bench.processor.process_single(request("b")).await;
        assert!(matches!(response.result, Err(ProcessError::Closed)), "{response:?}");
    }
    let rejected = bench.processor.try_process_single(request("c")).unwrap_err();
    assert_eq!(rejected.rejection().reason, RejectReason::ShuttingDown);
    for answer in bench.processor.process_batch(vec![request("d"), request("e")]).await {
        assert!(matches!(answer.result, Err(ProcessError::Closed)), "{answer:?}");
    }
    assert_eq!(bench.seen.documents(), ["a"]);
}

#[tokio::test]
async fn processors_can_share_a_pool() {
    let pool = AdaptiveThreadPool::builder().max_threads(2).build().unwrap();
    let (converter, ..) = Scripted::new();
    let one = ConcurrentProcessorV2::on_pool(pool.clone(), converter, shipping());
    let (converter, ..) = Scripted::new();
    let other = ConcurrentProcessorV2::on_pool(pool.clone(), converter, shipping());
    assert!(one.process_single(request("a")).await.is_ok());
    assert!(other.clone().process_single(request("b")).await.is_ok());
    assert_eq!(pool.statistics().tasks_completed, 2);
    assert_eq!(one.get_metrics().total_processed, 1);
}

/// The one worker waits for documents of its own pool.
#[tokio::test]
async fn a_task_may_wait_for_its_own_processor() {
    let bench = bench(1, shipping());
    let processor = bench.processor.clone();
    let nested = bench.processor.pool().run(move || {
        let batch = (0..50).map(|n| request(&n.to_string())).collect();
        let one = futures_executor::block_on(processor.process_single(request("one")));
        let tried = futures_executor::block_on(processor.try_process_single(request("two")).unwrap());
        let many = futures_executor::block_on(processor.batch(batch).timeout(Duration::MAX).into_future());
        one.is_ok() && tried.is_ok() && many.iter().all(|answer| answer.is_ok())
    });
    assert!(nested.await.unwrap());
}
