//! A batch ends when its time is over, and keeps what is done.

use std::time::Duration;

use crate::processor_support::{bench, requests, shipping};
use futures_util::poll;
use millpond::{ProcessError, ProcessorConfig};

const TIMEOUT: Duration = Duration::from_secs(7);

/// The clock of the runtime is paused: it jumps to the timeout when nothing else is left to do.
#[tokio::test(start_paused = true)]
async fn what_is_done_is_kept_and_the_rest_is_cancelled() {
    let bench = bench(1, ProcessorConfig { batch_timeout: TIMEOUT, ..shipping() });
    // Short enough to share one task.
    let batch = bench.processor.process_batch(requests(["a", "b", "wait c", "d"]));
    tokio::pin!(batch);
    assert!(poll!(&mut batch).is_pending());
    // The third has begun, so the first two are done.
    assert!(bench.begun.iter().any(|document| document == "wait c"));
    let answers = batch.await;
    let ids: Vec<_> = answers.iter().map(|answer| answer.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "wait c", "d"]);
    assert_eq!(answers[0].result.as_ref().unwrap(), "A");
    assert_eq!(answers[1].result.as_ref().unwrap(), "B");
    for late in &answers[2..] {
        assert!(matches!(late.result, Err(ProcessError::TimedOut { after: TIMEOUT })), "{late:?}");
    }
    assert_eq!(bench.processor.get_metrics().timed_out, 2);

    bench.gate.open();
    bench.processor.shutdown(Duration::MAX).await;
    assert_eq!(bench.seen.documents(), ["a", "b", "wait c"], "the last was not begun");
}

#[tokio::test(start_paused = true)]
async fn groups_that_wait_give_their_places_back() {
    let config = ProcessorConfig {
        batch_timeout: TIMEOUT,
        coalesce_target: Duration::ZERO,
        max_concurrent_per_tenant: 2,
        ..shipping()
    };
    let bench = bench(1, config);
    let requests = requests(["wait a", "b", "c", "d"]).into_iter().map(|r| r.with_tenant("t")).collect();
    let batch = bench.processor.process_batch(requests);
    tokio::pin!(batch);
    assert!(poll!(&mut batch).is_pending());
    bench.begun.recv().unwrap();
    assert!(batch.await.iter().all(|answer| matches!(answer.result, Err(ProcessError::TimedOut { .. }))));
    let statistics = bench.processor.get_pool_statistics();
    assert_eq!((statistics.queue_depth, statistics.active_threads), (0, 1));
    bench.gate.open();
    bench.processor.shutdown(Duration::MAX).await;
    assert_eq!(bench.processor.get_metrics().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_batch_cancels_it() {
    let config =
        ProcessorConfig { batch_timeout: Duration::MAX, coalesce_target: Duration::ZERO, ..shipping() };
    let bench = bench(1, config);
    {
        let batch = bench.processor.process_batch(requests(["wait a", "b", "c", "d"]));
        tokio::pin!(batch);
        assert!(poll!(&mut batch).is_pending());
        bench.begun.recv().unwrap();
        assert_eq!(bench.processor.get_pool_statistics().queue_depth, 3);
    }
    assert_eq!(bench.processor.get_pool_statistics().queue_depth, 0);
    bench.gate.open();
    bench.processor.shutdown(Duration::MAX).await;
    assert_eq!(bench.seen.documents().len(), 1);
}
