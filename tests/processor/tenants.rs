//! No more of a tenant's documents run than may; what waits for its turn waits by itself.

use std::pin::pin;
use std::time::Duration;

use crate::processor_support::{Bench, Scripted, bench, request, requests, shipping};
use futures_util::future::join_all;
use futures_util::poll;
use futures_util::stream::{FuturesUnordered, StreamExt};
use millpond::{
    AdaptiveThreadPool, ConcurrentProcessorV2, ConversionRequest, PoolConfig, Priority, ProcessError,
    ProcessorConfig, RejectReason,
};

fn limited(threads: usize, limit: usize) -> Bench {
    bench(threads, ProcessorConfig { max_concurrent_per_tenant: limit, ..shipping() })
}

fn of(tenant: &'static str, document: &str) -> ConversionRequest {
    request(document).with_tenant(tenant)
}

#[tokio::test]
async fn the_limit_holds_while_others_go_on() {
    let bench = limited(4, 2);
    let mut all: Vec<_> =
        (0..8).map(|n| Box::pin(bench.processor.process_single(of("a", &format!("wait {n}"))))).collect();
    for one in &mut all {
        assert!(poll!(one).is_pending());
    }
    for _ in 0..2 {
        bench.begun.recv().unwrap();
    }
    // Another tenant finds a free worker; had a third of the first been let in, it would have begun before.
    let other = bench.processor.process_single(of("b", "other")).await;
    assert!(other.is_ok());
    assert_eq!(bench.begun.recv().unwrap(), "other");
    assert!(bench.begun.try_recv().is_err());
    bench.gate.open();
    for one in all {
        assert!(one.await.is_ok());
    }
    assert!(bench.seen.most_at_once() <= 3, "two of the one tenant, one of the other");
}

#[tokio::test]
async fn documents_of_no_tenant_are_not_limited() {
    let bench = limited(4, 1);
    let mut all: Vec<_> = (0..4)
        .map(|n| request(&format!("wait {n}")).with_priority(Priority::Interactive))
        .map(|request| Box::pin(bench.processor.process_single(request)))
        .collect();
    for one in &mut all {
        assert!(poll!(one).is_pending());
    }
    for _ in 0..4 {
        bench.begun.recv().unwrap();
    }
    bench.gate.open();
    for one in all {
        assert!(one.await.is_ok());
    }
}

#[tokio::test]
async fn of_two_limits_the_smaller_holds() {
    for (short, of_pool) in [(1, Some(3)), (3, Some(1)), (1, None), (usize::MAX, Some(1))] {
        let pool = PoolConfig { max_running_per_tenant: of_pool, ..PoolConfig::default() };
        let config = ProcessorConfig { max_concurrent_per_tenant: short, pool, ..shipping() };
        let bench = bench(4, config);
        let documents = (0..8).map(|n| bench.processor.process_single(of("a", &n.to_string())));
        assert!(join_all(documents).await.iter().all(|answer| answer.is_ok()));
        assert_eq!(bench.seen.most_at_once(), 1, "{short} and {of_pool:?}");
    }
}

/// Its limit is its own: a processor that asks for less would not get it.
#[test]
fn a_shared_pool_that_does_not_keep_the_limit_is_refused() {
    let on = |limit, of_pool: Option<usize>| {
        let pool =
            AdaptiveThreadPool::builder().min_threads(4).max_threads(4).max_running_per_tenant(of_pool);
        let pool = pool.build().unwrap();
        let config = ProcessorConfig { max_concurrent_per_tenant: limit, ..shipping() };
        ConcurrentProcessorV2::try_on_pool(pool, Scripted::new().0, config)
    };
    let told = "max_concurrent_per_tenant is 2, but must be 3 or more, which is what the shared pool keeps \
                (max_running_per_tenant)";
    assert_eq!(on(2, Some(3)).unwrap_err().to_string(), told);
    assert!(on(3, None).is_err());
    for (limit, of_pool) in [(3, Some(3)), (usize::MAX, Some(3)), (4, None), (200, None), (200, Some(1))] {
        assert!(on(limit, of_pool).is_ok(), "{limit} and {of_pool:?}");
    }
}

#[tokio::test]
async fn a_tenants_documents_keep_their_order() {
    let bench = limited(4, 1);
    let documents: Vec<_> = (0..50).map(|n| format!("wait {n:02}")).collect();
    let mut all: Vec<_> =
        documents.iter().map(|d| Box::pin(bench.processor.process_single(of("a", d)))).collect();
    for one in &mut all {
        assert!(poll!(one).is_pending());
    }
    bench.gate.open();
    for one in all {
        assert!(one.await.is_ok());
    }
    assert_eq!(bench.seen.documents(), documents);
}

#[tokio::test]
async fn a_waiter_that_nobody_polls_holds_nobody_up() {
    let bench = limited(2, 1);
    let mut first = pin!(bench.processor.process_single(of("a", "wait 1")));
    let mut paused = pin!(bench.processor.process_single(of("a", "2")));
    let mut last = pin!(bench.processor.process_single(of("a", "3")));
    assert!(poll!(&mut first).is_pending());
    assert!(poll!(&mut paused).is_pending());
    assert!(poll!(&mut last).is_pending());
    bench.gate.open();
    assert!(last.await.is_ok(), "though the one before it is not polled");
    assert!(first.await.is_ok());
    assert!(paused.await.is_ok());
    assert_eq!(bench.seen.documents(), ["wait 1", "2", "3"]);
}

#[tokio::test]
async fn a_slow_consumer_of_many_holds_nobody_up() {
    let bench = limited(1, 1);
    let mut many: FuturesUnordered<_> =
        (0..20).map(|n| bench.processor.process_single(of("a", &n.to_string()))).collect();
    assert!(many.next().await.unwrap().is_ok());
    // The consumer is busy with the first answer, and polls none of the others meanwhile.
    let other = bench.processor.process_single(of("a", "other")).await;
    assert!(other.is_ok());
    assert!(many.all(|answer| std::future::ready(answer.is_ok())).await);
}

#[tokio::test]
async fn a_waiter_that_is_dropped_leaves_no_trace() {
    let bench = limited(2, 1);
    let mut first = pin!(bench.processor.process_single(of("a", "wait 1")));
    assert!(poll!(&mut first).is_pending());
    let mut last = pin!(bench.processor.process_single(of("a", "last")));
    {
        let mut waiters: Vec<_> =
            (0..100).map(|_| Box::pin(bench.processor.process_single(of("a", "never")))).collect();
        for waiter in &mut waiters {
            assert!(poll!(waiter).is_pending());
        }
        assert!(poll!(&mut last).is_pending());
    }
    bench.gate.open();
    assert!(last.await.is_ok());
    assert!(first.await.is_ok());
    assert_eq!(bench.seen.documents(), ["wait 1", "last"]);
    assert_eq!(bench.processor.get_pool_statistics().queue_depth, 0);
}

#[tokio::test]
async fn a_place_whose_document_waits_in_the_queue_is_free_at_once_when_it_is_dropped() {
    let bench = limited(1, 1);
    let mut blocker = pin!(bench.processor.process_single(request("wait")));
    assert!(poll!(&mut blocker).is_pending());
    bench.begun.recv().unwrap();
    {
        let mut queued = pin!(bench.processor.process_single(of("a", "queued")));
        assert!(poll!(&mut queued).is_pending());
        assert_eq!(bench.processor.get_pool_statistics().queue_depth, 1);
    }
    assert_eq!(bench.processor.get_pool_statistics().queue_depth, 0);
    bench.gate.open();
    assert!(blocker.await.is_ok());
    assert_eq!(bench.seen.documents(), ["wait"]);
}

/// Of a queue of four places, a tenant alone may have two.
#[tokio::test]
async fn who_will_not_wait_gets_the_request_back() {
    let pool = PoolConfig { max_queue_size: 4, ..PoolConfig::default() };
    let bench = bench(2, ProcessorConfig { max_concurrent_per_tenant: 1, pool, ..shipping() });
    let running = bench.processor.try_process_single(of("a", "wait")).unwrap();
    bench.begun.recv().unwrap();
    let queued = ["second", "third"].map(|text| bench.processor.try_process_single(of("a", text)).unwrap());
    let rejected = bench.processor.try_process_single(of("a", "fourth")).unwrap_err();
    let facts = *rejected.rejection();
    assert_eq!((facts.reason, facts.depth, facts.limit), (RejectReason::TenantLimit, 2, 2));
    assert!(facts.retry_after.is_some());
    let request = rejected.into_inner();
    assert_eq!((request.id.as_str(), &request.content[..]), ("fourth", &b"fourth"[..]));
    // Another tenant finds room.
    assert!(bench.processor.try_process_single(of("b", "other")).unwrap().await.is_ok());
    bench.gate.open();
    assert!(running.await.is_ok());
    for queued in queued {
        assert!(queued.await.is_ok());
    }
    assert!(bench.processor.try_process_single(request).unwrap().await.is_ok());
    assert!(bench.processor.get_metrics().backpressure_events >= 1);
}

#[tokio::test]
async fn a_batch_holds_to_the_limit_and_goes_on_for_other_tenants() {
    let config =
        ProcessorConfig { coalesce_target: Duration::ZERO, max_concurrent_per_tenant: 1, ..shipping() };
    let bench = bench(4, config);
    let mut batch = requests(["wait 1", "wait 2", "wait 3"]);
    batch.iter_mut().for_each(|request| request.task.tenant = Some("a".into()));
    batch.extend([of("b", "b"), request("c")]);
    let mut batch = pin!(bench.processor.process_batch(batch));
    assert!(poll!(&mut batch).is_pending());
    let mut begun: Vec<_> = (0..3).map(|_| bench.begun.recv().unwrap()).collect();
    begun.sort();
    assert_eq!(begun, ["b", "c", "wait 1"]);
    assert!(bench.begun.try_recv().is_err());
    bench.gate.open();
    assert!(batch.await.iter().all(|answer| answer.is_ok()));
}

#[tokio::test]
async fn documents_of_two_tenants_share_no_task() {
    let bench = limited(1, 1);
    let batch = vec![of("a", "1"), of("b", "2"), of("a", "3"), of("b", "4")];
    assert!(bench.processor.process_batch(batch).await.iter().all(|answer| answer.is_ok()));
    assert_eq!(bench.processor.get_metrics().coalesced_tasks, 2);
}

/// The tenant's one document runs, and does not end before the task that waits for others of this
/// tenant.
#[tokio::test]
async fn a_task_that_waits_for_its_own_tenant_is_not_held_up() {
    let bench = limited(2, 1);
    let mut outer = pin!(bench.processor.process_single(of("a", "wait")));
    assert!(poll!(&mut outer).is_pending());
    bench.begun.recv().unwrap();
    let inner = bench.processor.clone();
    let nested = bench.processor.pool().spawn(move || {
        let one = futures_executor::block_on(inner.process_single(of("a", "nested")));
        let batch = futures_executor::block_on(
            inner.batch(vec![of("a", "x"), of("a", "y")]).timeout(Duration::MAX).into_future(),
        );
        one.is_ok() && batch.iter().all(|answer| answer.is_ok())
    });
    let mut behind = pin!(bench.processor.process_single(of("a", "behind")));
    assert!(poll!(&mut behind).is_pending());
    assert!(nested.await.unwrap().await.unwrap());
    bench.gate.open();
    assert!(outer.await.is_ok());
    assert!(behind.await.is_ok());
}

#[tokio::test]
async fn a_shutdown_converts_what_waits_for_its_tenants_turn() {
    let bench = limited(2, 1);
    let mut first = pin!(bench.processor.process_single(of("a", "wait")));
    assert!(poll!(&mut first).is_pending());
    bench.begun.recv().unwrap();
    let mut waiting: Vec<_> =
        (0..1_000).map(|_| Box::pin(bench.processor.process_single(of("a", "x")))).collect();
    for waiter in &mut waiting {
        assert!(poll!(waiter).is_pending());
    }
    let mut shutdown = pin!(bench.processor.shutdown(Duration::MAX));
    assert!(poll!(&mut shutdown).is_pending());
    let late = bench.processor.process_single(of("a", "late")).await;
    assert!(matches!(late.result, Err(ProcessError::Closed)));
    bench.gate.open();
    for waiter in waiting {
        assert!(waiter.await.is_ok());
    }
    assert!(first.await.is_ok());
    shutdown.await;
}

#[tokio::test]
async fn the_deadline_of_a_shutdown_turns_a_long_line_away() {
    let bench = limited(2, 1);
    let mut first = pin!(bench.processor.process_single(of("a", "wait")));
    assert!(poll!(&mut first).is_pending());
    bench.begun.recv().unwrap();
    let mut line: Vec<_> =
        (0..10_000).map(|_| Box::pin(bench.processor.process_single(of("a", "never")))).collect();
    for waiter in &mut line {
        assert!(poll!(waiter).is_pending());
    }
    bench.processor.shutdown(Duration::ZERO).await;
    // At once: the document that runs may never come to an end.
    for waiter in line {
        assert!(matches!(waiter.await.result, Err(ProcessError::Cancelled)));
    }
    bench.gate.open();
    assert!(first.await.is_ok());
    assert_eq!(bench.seen.documents(), ["wait"]);
}

/// Many threads, tenants at their limit, a queue that is full, and every second caller gives up: in
/// the end every place and every permit is free, and the processor still works.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_place_comes_back_whoever_gives_up() {
    let pool = PoolConfig { max_queue_size: 3, ..PoolConfig::default() };
    let config = ProcessorConfig { max_concurrent_per_tenant: 2, pool, ..shipping() };
    let bench = bench(4, config);
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let processor = bench.processor.clone();
            tokio::spawn(async move {
                for n in 0..300 {
                    let tenant = ["a", "b", "c"][(task + n) % 3];
                    let mut one = Box::pin(processor.process_single(of(tenant, "x")));
                    let first = poll!(&mut one);
                    match n % 4 {
                        _ if first.is_ready() => {}
                        0 => drop(one),
                        1 => {
                            tokio::task::yield_now().await;
                            drop(one);
                        }
                        2 => {
                            let batch = vec![of("a", "y"), of("b", "y"), of("c", "y"), of("a", "y")];
                            let mut batch = Box::pin(processor.process_batch(batch));
                            let _ = poll!(&mut batch);
                            drop(batch);
                            assert!(one.await.is_ok());
                        }
                        _ => assert!(one.await.is_ok()),
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(bench.processor.process_single(of("a", "last")).await.is_ok());
    bench.processor.shutdown(Duration::MAX).await;
    let statistics = bench.processor.get_pool_statistics();
    assert_eq!((statistics.queue_depth, statistics.waiting_callers, statistics.active_threads), (0, 0, 0));
    assert_eq!(bench.processor.get_metrics().in_flight, 0);
}
