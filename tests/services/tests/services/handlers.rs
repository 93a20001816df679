//! A handler that is offloaded calls the pool and a processor on it: as on a thread of the runtime.

use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use crate::pool_support::{Gate, fixed, in_paused_time, in_time, in_time_async};
use crate::processor_support::{Scripted, Way, request, shipping};
use millpond::service::{OffloadLayer, ServiceError};
use millpond::test_util::assert_no_leaks;
use millpond::{AdaptiveThreadPool, ConcurrentProcessorV2, ProcessorConfig};
use tokio::runtime::{Builder, Handle};
use tokio::time::timeout;
use tower::{Layer, ServiceExt, service_fn};

const HOUR: Duration = Duration::from_secs(3_600);

/// Offloads a handler to the pool, and calls it once.
async fn offloaded<T, Fut>(
    pool: &AdaptiveThreadPool,
    handler: impl Fn() -> Fut,
) -> Result<T, ServiceError<Infallible>>
where
    T: Send + 'static,
    Fut: Future<Output = T> + Send + 'static,
{
    let answers = service_fn(|()| {
        let answer = handler();
        async { Ok(answer.await) }
    });
    OffloadLayer::new(pool.clone()).layer(answers).oneshot(()).await
}

/// The clock is paused: it leaps to the timeout while the work runs.
#[test]
fn work_is_given_up_at_its_timeout() {
    in_paused_time(|| async {
        let pool = fixed(2).build().unwrap();
        let gate = Arc::<Gate>::default();
        let handler = || {
            let (pool, gate) = (pool.clone(), Arc::clone(&gate));
            async move { timeout(HOUR, pool.run(move || gate.pass())).await.is_err() }
        };
        assert!(offloaded(&pool, handler).await.unwrap());
        gate.open();
        assert_no_leaks(&pool);
    });
}

/// The pool has three threads: the handler holds none while it waits.
#[test]
fn three_runs_that_are_joined_run_at_the_same_time() {
    in_time_async(|| async {
        let pool = fixed(3).build().unwrap();
        let handler = || {
            let pool = pool.clone();
            async move {
                let met = Arc::new(Barrier::new(3));
                let run = || {
                    let met = Arc::clone(&met);
                    pool.run(move || met.wait().is_leader())
                };
                let (a, b, c) = tokio::join!(run(), run(), run());
                [a, b, c].into_iter().filter(|leads| matches!(leads, Ok(true))).count()
            }
        };
        assert_eq!(offloaded(&pool, handler).await.unwrap(), 1);
        assert_no_leaks(&pool);
    });
}

#[test]
fn work_may_block_on_the_runtime() {
    in_time(|| {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        for threads in [1, 2] {
            let pool = fixed(threads).build().unwrap();
            let handler = || {
                let pool = pool.clone();
                async move { pool.run(|| Handle::current().block_on(async { 3 })).await.unwrap() }
            };
            assert_eq!(runtime.block_on(offloaded(&pool, handler)).unwrap(), 3);
        }
    });
}

/// It is not polled again: what comes after the end is refused.
#[test]
fn one_that_shuts_its_own_pool_down_is_told_so() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let handler = || {
            let pool = pool.clone();
            async move { pool.shutdown(Duration::MAX).await }
        };
        assert!(matches!(offloaded(&pool, handler).await, Err(ServiceError::ShuttingDown)));
        assert_eq!(pool.shutdown(Duration::MAX).await.threads_remaining, 0);
    });
}

type Processor = ConcurrentProcessorV2<Scripted>;

/// A processor that ships every document, and the gate of its documents.
fn processor(threads: usize) -> (Processor, Arc<crate::processor_support::Gate>) {
    let (converter, gate, ..) = Scripted::new();
    let config = ProcessorConfig { batch_timeout: Duration::MAX, ..shipping() };
    (ConcurrentProcessorV2::on_pool(fixed(threads).build().unwrap(), converter, config), gate)
}

/// Even in a pool of one thread: the handler does not hold it.
#[test]
fn what_is_beside_a_call_of_the_processor_goes_on() {
    in_time_async(|| async {
        for threads in [1, 4] {
            for way in Way::ALL {
                let (processor, gate) = processor(threads);
                let handler = || {
                    let (processor, gate) = (processor.clone(), Arc::clone(&gate));
                    async move {
                        let call = way.convert(processor, request("wait"));
                        tokio::join!(call, async { gate.open() }).0
                    }
                };
                let answer = offloaded(processor.pool(), handler).await.unwrap();
                assert_eq!(answer.as_deref(), Some("WAIT"), "{way:?} on {threads}");
                assert_no_leaks(processor.pool());
            }
        }
    });
}

#[test]
fn three_calls_of_the_processor_that_are_joined_are_converted() {
    in_time_async(|| async {
        for threads in [1, 4] {
            for way in Way::ALL {
                let (processor, _) = processor(threads);
                let handler = || {
                    let processor = processor.clone();
                    async move {
                        let call = |text| way.convert(processor.clone(), request(text));
                        tokio::join!(call("a"), call("b"), call("c"))
                    }
                };
                let (a, b, c) = offloaded(processor.pool(), handler).await.unwrap();
                assert_eq!([a, b, c].map(Option::unwrap), ["A", "B", "C"], "{way:?} on {threads}");
            }
        }
    });
}

/// The clock is paused. One thread converts, and the other polls the handler.
#[test]
fn a_call_of_the_processor_is_given_up_at_its_timeout() {
    in_paused_time(|| async {
        for way in Way::ALL {
            let (processor, gate) = processor(2);
            let handler = || {
                let processor = processor.clone();
                async move { timeout(HOUR, way.convert(processor, request("wait"))).await.is_err() }
            };
            assert!(offloaded(processor.pool(), handler).await.unwrap(), "{way:?}");
            gate.open();
            assert_no_leaks(processor.pool());
        }
    });
}
