//! A batch of many documents does not keep its caller's thread to itself.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use crate::processor_support::{Bench, bench, request, shipping};
use bytes::Bytes;
use futures_util::poll;
use millpond::processor::Processing;
use millpond::{ConversionRequest, ProcessError, ProcessorConfig};

const DOCUMENTS: usize = 5_000;
/// In one poll at most.
const STRETCH: usize = 1_000;

fn many() -> Vec<ConversionRequest> {
    (0..DOCUMENTS).map(|n| request(&n.to_string())).collect()
}

/// One thread, which is busy until the gate opens: whatever is looked at until then is looked at by the caller.
fn held_up(config: ProcessorConfig) -> (Bench, Processing) {
    let bench = bench(1, config);
    let held = bench.processor.try_process_single(request("wait")).unwrap();
    assert_eq!(bench.begun.recv().unwrap(), "wait");
    (bench, held)
}

#[tokio::test]
async fn others_get_the_thread_while_the_documents_are_looked_at_and_while_the_answers_are_fetched() {
    let (bench, held) = held_up(ProcessorConfig { batch_timeout: Duration::MAX, ..shipping() });
    let before = bench.seen.looks();
    let mut batch = pin!(bench.processor.process_batch(many()));
    let mut looks = before;
    while looks < before + DOCUMENTS {
        assert!(poll!(&mut batch).is_pending());
        let now = bench.seen.looks();
        assert!(now - looks <= STRETCH, "{} documents in one poll", now - looks);
        looks = now;
    }
    // All of them are in the queue as soon as the batch waits for the workers.
    while bench.processor.get_pool_statistics().queue_depth == 0 {
        assert!(poll!(&mut batch).is_pending());
    }
    for _ in 0..DOCUMENTS / STRETCH {
        assert!(poll!(&mut batch).is_pending());
    }
    bench.gate.open();
    bench.processor.shutdown(Duration::MAX).await;
    assert!(poll!(&mut batch).is_pending(), "all the answers in one poll");
    for (n, answer) in batch.await.into_iter().enumerate() {
        assert_eq!(answer.id, n.to_string());
        assert_eq!(answer.result.unwrap(), n.to_string());
    }
    assert!(held.await.is_ok());
}

/// Wherever it is dropped: while it is gone over, while it is queued, while it waits.
#[tokio::test]
async fn dropping_a_long_batch_half_way_leaves_nothing_behind() {
    struct Document {
        _alive: Arc<()>,
    }
    impl AsRef<[u8]> for Document {
        fn as_ref(&self) -> &[u8] {
            b"document"
        }
    }
    let config =
        ProcessorConfig { coalesce_target: Duration::ZERO, max_concurrent_per_tenant: 3, ..shipping() };
    let (bench, held) = held_up(config);
    let (mut queued_once, mut unqueued) = (false, 0);
    for polls in 0..50 {
        let alive = Arc::new(());
        let document = || Bytes::from_owner(Document { _alive: Arc::clone(&alive) });
        let batch = (0..DOCUMENTS).map(|n| match ConversionRequest::new(n.to_string(), document()) {
            request if n % 2 == 0 => request.with_tenant("t"),
            request => request,
        });
        {
            let mut batch = pin!(bench.processor.process_batch(batch.collect()));
            for _ in 0..polls {
                assert!(poll!(&mut batch).is_pending());
            }
            assert_eq!(bench.processor.get_metrics().in_flight, 1 + usize::from(polls > 0));
            let queued = bench.processor.get_pool_statistics().queue_depth > 0;
            queued_once |= queued;
            unqueued += usize::from(!queued && polls > 0);
        }
        assert_eq!(Arc::strong_count(&alive), 1, "after {polls} polls");
        assert_eq!(bench.processor.get_pool_statistics().queue_depth, 0);
        assert_eq!(bench.processor.get_metrics().in_flight, 1);
    }
    assert!(queued_once && unqueued > 0, "it was dropped in both states");
    bench.gate.open();
    assert!(held.await.is_ok());
    assert_eq!(bench.seen.documents(), ["wait"]);
}

/// The clock of the runtime is paused: it goes on when the test says so.
#[tokio::test(start_paused = true)]
async fn the_timeout_counts_from_the_first_poll() {
    const TIMEOUT: Duration = Duration::from_secs(7);
    let (bench, held) = held_up(ProcessorConfig { batch_timeout: TIMEOUT, ..shipping() });
    let before = bench.seen.looks();
    let mut batch = pin!(bench.processor.process_batch(many()));
    assert!(poll!(&mut batch).is_pending());
    tokio::time::advance(TIMEOUT).await;
    let answers = batch.await;
    assert_eq!(answers.len(), DOCUMENTS);
    for (n, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.id, n.to_string());
        assert!(matches!(answer.result, Err(ProcessError::TimedOut { after: TIMEOUT })));
    }
    assert!(bench.seen.looks() - before < DOCUMENTS, "it went on when its time was over");
    bench.gate.open();
    assert!(held.await.is_ok());
    assert_eq!(bench.seen.documents(), ["wait"]);
    assert_eq!(bench.processor.get_metrics().timed_out, DOCUMENTS as u64);
}

#[test]
fn a_long_batch_runs_on_any_executor() {
    let bench = bench(2, ProcessorConfig { batch_timeout: Duration::MAX, ..shipping() });
    let answers = futures_executor::block_on(bench.processor.process_batch(many()));
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), DOCUMENTS);
}
