//! What a service allocates on top of `pool.run`.
#![allow(clippy::unwrap_used, reason = "a test fails where it can't go on")]

#[path = "../../../benches/peers/src/alloc.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is the benches', and the test uses a part of it")]
mod alloc;
#[path = "../../support/pool.rs"]
mod pool_support;

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use millpond::service::{Admission, CpuService, OffloadLayer};
use millpond::test_util::{self, Stepper, assert_no_leaks};
use pool_support::in_time_async;
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Layer, ServiceExt, service_fn};

#[global_allocator]
static COUNTING: alloc::Counting = alloc::Counting;

/// A queue's block is for 63 tasks: that many rounds, several times, and nothing is left over.
const CALLS: u64 = 630;

/// Allocations of a call that takes so many steps of the pool; the test's own are the same for all.
fn allocations<Fut: Future<Output: std::fmt::Debug>>(
    stepper: &Stepper,
    steps: usize,
    mut call: impl FnMut() -> Fut,
) -> f64 {
    let mut once = || {
        let mut answer = task::spawn(call());
        for _ in 0..steps {
            assert_pending!(answer.poll());
            assert!(stepper.step());
        }
        assert_ready!(answer.poll());
    };
    // What is allocated once and kept.
    (0..CALLS).for_each(|_| once());
    alloc::count(|| (0..CALLS).for_each(|_| once())) as f64 / CALLS as f64
}

#[test]
fn a_call_of_a_function_allocates_no_more_than_run_and_an_offloaded_future_three_things() {
    // One Tokio task makes all the calls, so it must not run out of its budget.
    in_time_async(|| {
        tokio::task::unconstrained(async {
            let (pool, stepper) = test_util::manual();
            let run = allocations(&stepper, 1, || pool.run(|| 1));
            let modes = [Admission::Backpressure, Admission::Shed, Admission::WaitUpTo(Duration::MAX)];
            for admission in modes {
                let service = CpuService::new(pool.clone(), |n: u64| n).admission(admission);
                let function = allocations(&stepper, 1, || service.clone().oneshot(1));
                assert_eq!(tenths(function), tenths(run), "{admission:?}");

                let offloaded = |polls: u32| {
                    let layer = OffloadLayer::new(pool.clone()).admission(admission);
                    let service = layer.layer(service_fn(move |n: u32| async move {
                        for _ in 1..polls {
                            tokio::task::yield_now().await;
                        }
                        Ok::<_, Infallible>(n)
                    }));
                    allocations(&stepper, polls as usize, move || service.clone().oneshot(1))
                };
                // The future, pinned, what is told of its wake-ups, and what is cancelled with it.
                assert_eq!(tenths(offloaded(1)), tenths(run + 3.0), "{admission:?}");
                // A task for each further poll.
                assert_eq!(tenths(offloaded(3)), tenths(run + 5.0), "{admission:?}");
            }
            assert_no_leaks(&pool);
        })
    });
}

/// Blocks of queues are shared by many tasks.
fn tenths(allocations: f64) -> i64 {
    (allocations * 10.0).round() as i64
}
