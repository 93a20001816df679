//! What a pool has not got back at the end of a test is found and named.

#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::pool_support::{fixed, hold, in_time, in_time_async};
use millpond::AdaptiveThreadPool;
use millpond::test_util::{self, assert_no_leaks, leaks};
use tokio_test::{assert_pending, task};

/// What `assert_no_leaks` says.
fn found(pool: &AdaptiveThreadPool) -> String {
    let payload = catch_unwind(AssertUnwindSafe(|| assert_no_leaks(pool))).expect_err("nothing was found");
    *payload.downcast::<String>().unwrap()
}

#[test]
fn a_permit_that_was_forgotten() {
    in_time_async(|| async {
        // It must not lapse meanwhile.
        let pool = fixed(1).reservation_timeout(Duration::from_secs(3_600)).build().unwrap();
        assert_no_leaks(&pool);
        mem::forget(pool.acquire().await.unwrap());
        assert_eq!(found(&pool), "the pool leaks: 1 permit that nobody uses");
        mem::forget(pool.try_acquire().unwrap());
        assert_eq!(leaks(&pool).permits, 2);
    });
}

#[test]
fn a_permit_that_lapsed_long_ago() {
    in_time(|| {
        let pool = fixed(1).reservation_timeout(Duration::from_millis(1)).build().unwrap();
        mem::forget(pool.try_acquire().unwrap());
        // The reservation goes first, then the place.
        crate::pool_support::until(|| {
            let now = pool.statistics();
            (now.reserved_permits, now.queue_depth, now.lapsed_permits) == (0, 0, 1)
        });
        assert_eq!(found(&pool), "the pool leaks: 1 permit that lapsed");
    });
}

#[test]
fn tasks_that_wait_and_callers_in_line() {
    in_time(|| {
        let (pool, stepper) =
            AdaptiveThreadPool::builder().max_queue_size(2).byte_budget(100).build_manual().unwrap();
        pool.try_spawn(|| ()).unwrap();
        pool.task().tenant("ada").bytes(60).try_spawn(|| ()).unwrap();
        let mut line = task::spawn(pool.run(|| ()));
        assert_pending!(line.poll());
        assert_eq!(
            found(&pool),
            "the pool leaks: 2 queued tasks, 1 waiting caller, 60 bytes of the budget, 1 tenant with tasks"
        );
        assert_eq!(stepper.run_until_idle(), 3);
        assert_no_leaks(&pool);
        assert_eq!(leaks(&pool).to_string(), "nothing");
    });
}

#[test]
fn a_task_that_runs_still() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let held = hold(&pool, 1);
        assert_eq!(found(&pool), "the pool leaks: 1 running task");
        held.end();
        assert_no_leaks(&pool);
    });
}

#[test]
fn nothing_is_found_right_after_a_crowd() {
    in_time_async(|| async {
        let pool = test_util::real();
        for _ in 0..200 {
            futures_util::future::join_all((0..20).map(|n| pool.run(move || n))).await;
            assert_no_leaks(&pool);
        }
    });
}
