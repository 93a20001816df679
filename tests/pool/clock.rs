//! The pool needs no runtime, and gets on with any: of one thread, of many, and with a clock that a test has paused.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::time::Duration;

use crate::pool_support::{Gate, Tokens, fixed, hold, in_time};
use futures_util::future::join_all;
use millpond::AdaptiveThreadPool;
use tokio::runtime::{Builder, Handle};
use tokio::time::{Instant, timeout};

/// Everything that there is to await.
async fn every_way_in(pool: AdaptiveThreadPool) {
    assert_eq!(pool.run(|| 1).await.unwrap(), 1);
    assert_eq!(pool.spawn(|| 2).await.unwrap().await.unwrap(), 2);
    assert_eq!(pool.try_spawn(|| 3).unwrap().await.unwrap(), 3);
    assert_eq!(pool.acquire().await.unwrap().spawn(|| 4).await.unwrap(), 4);
    let many = join_all((0..100).map(|n| pool.run(move || n))).await;
    assert!(many.into_iter().map(Result::unwrap).eq(0..100));
    let report = pool.shutdown(Duration::from_secs(3_600)).await;
    assert_eq!((report.completed, report.cancelled, report.still_running), (0, 0, 0));
}

fn small() -> AdaptiveThreadPool {
    fixed(2).max_queue_size(64).build().unwrap()
}

#[test]
fn no_runtime_is_needed() {
    in_time(|| {
        assert!(Handle::try_current().is_err());
        futures_executor::block_on(every_way_in(small()));
    });
}

#[test]
fn a_runtime_without_any_driver_is_enough() {
    in_time(|| Builder::new_current_thread().build().unwrap().block_on(every_way_in(small())));
}

#[test]
fn a_runtime_of_many_threads_will_do() {
    in_time(|| {
        let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(async { tokio::spawn(every_way_in(small())).await.unwrap() });
    });
}

#[test]
fn a_pool_outlives_the_runtimes_that_use_it() {
    in_time(|| {
        let pool = small();
        for n in 0..3 {
            let runtime = Builder::new_current_thread().build().unwrap();
            assert_eq!(runtime.block_on(pool.run(move || n)).unwrap(), n);
        }
        assert_eq!(futures_executor::block_on(pool.run(|| 3)).unwrap(), 3);
    });
}

#[test]
fn a_runtime_that_goes_away_cancels_what_its_tasks_waited_for() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let held = hold(&pool, 1);
        let tokens = Tokens::default();
        let runtime = Builder::new_current_thread().build().unwrap();
        for _ in 0..10 {
            let (pool, token) = (pool.clone(), tokens.token());
            runtime.spawn(async move { pool.run(move || drop(token)).await });
        }
        runtime.block_on(tokio::task::yield_now());
        assert_eq!((pool.statistics().queue_depth, tokens.alive()), (10, 10));
        drop(runtime);
        assert_eq!((pool.statistics().queue_depth, tokens.alive()), (0, 0));
        held.end();
    });
}

fn paused() -> tokio::runtime::Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// The clock jumps to the time-out, for there is nothing else to wait for.
#[test]
fn a_timeout_around_a_run_cancels_it_by_the_paused_clock() {
    in_time(|| {
        paused().block_on(async {
            let pool = fixed(1).build().unwrap();
            let held = hold(&pool, 1);
            let tokens = Tokens::default();
            let (token, began) = (tokens.token(), Instant::now());
            let hour = Duration::from_secs(3_600);
            assert!(timeout(hour, pool.run(move || drop(token))).await.is_err());
            assert_eq!(began.elapsed(), hour);
            assert_eq!((tokens.alive(), pool.statistics().queue_depth), (0, 0));
            held.end();
            assert_eq!(pool.run(|| "as before").await.unwrap(), "as before");
        });
    });
}

#[test]
fn a_timeout_around_an_acquire_gives_its_turn_up() {
    in_time(|| {
        paused().block_on(async {
            let pool = fixed(1).max_queue_size(1).build().unwrap();
            let held = hold(&pool, 1);
            let queued = pool.try_spawn(|| ()).unwrap();
            assert!(timeout(Duration::from_secs(1), pool.acquire()).await.is_err());
            assert_eq!(pool.statistics().waiting_callers, 0);
            queued.abort();
            drop(pool.try_acquire().expect("the place went to nobody"));
            held.end();
        });
    });
}

/// The work takes real time, in which a paused clock stands still as long as no timer is set.
#[test]
fn work_takes_no_time_of_a_paused_clock() {
    in_time(|| {
        paused().block_on(async {
            let (pool, began) = (small(), Instant::now());
            let many = join_all((0..100).map(|n| pool.run(move || n))).await;
            assert!(many.into_iter().map(Result::unwrap).eq(0..100));
            every_way_in(pool).await;
            assert_eq!(began.elapsed(), Duration::ZERO);
        });
    });
}

/// The deadline of a shutdown is kept by the pool itself: a clock that stands still does not hold it up.
#[test]
fn a_shutdown_has_its_deadline_in_real_time() {
    in_time(|| {
        paused().block_on(async {
            let pool = fixed(1).build().unwrap();
            let gate = std::sync::Arc::new(Gate::default());
            let held = hold(&pool, 1);
            let within = std::sync::Arc::clone(&gate);
            let waits = pool.try_spawn(move || within.pass()).unwrap();
            let began = Instant::now();
            let report = pool.shutdown(Duration::from_millis(5)).await;
            assert_eq!((report.completed, report.cancelled, report.still_running), (0, 1, 1));
            assert_eq!(began.elapsed(), Duration::ZERO);
            assert!(waits.await.unwrap_err().is_cancelled());
            held.end();
        });
    });
}

/// Nothing that a runtime's clock does lets a reservation lapse.
#[test]
fn a_clock_that_jumps_lets_no_permit_lapse() {
    in_time(|| {
        paused().block_on(async {
            let pool = fixed(1).reservation_timeout(Duration::from_secs(3_600)).build().unwrap();
            let permit = pool.try_acquire().unwrap();
            tokio::time::advance(Duration::from_secs(100_000)).await;
            assert_eq!((pool.statistics().reserved_permits, pool.statistics().lapsed_permits), (1, 0));
            assert_eq!(permit.spawn(|| 5).await.unwrap(), 5);
        });
    });
}
