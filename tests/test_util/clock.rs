//! A paused clock does not leap while work is under way, and leaps as ever when there is none.

#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::pool_support::{fixed, hold, in_paused_time, in_time, paused, poll_once};
use futures_util::future::join_all;
use millpond::test_util::{self, assert_no_leaks};
use millpond::{AdaptiveThreadPool, JoinError, TaskContext};
use tokio::time::{Instant, advance, sleep, timeout};
use tokio_test::{assert_pending, assert_ready, task};

const HOUR: Duration = Duration::from_secs(3_600);
const TENTH: Duration = Duration::from_millis(100);

/// A moment of real time.
fn moment() {
    thread::sleep(Duration::from_millis(50));
}

/// The clock leaps: nothing holds it.
async fn leaps() {
    let start = Instant::now();
    sleep(HOUR).await;
    assert!(start.elapsed() >= HOUR);
}

#[test]
fn without_it_a_moments_work_is_late_after_an_hour() {
    in_paused_time(|| async {
        let pool = fixed(1).build().unwrap();
        assert!(
            timeout(HOUR, pool.run(moment)).await.is_err(),
            "then there is no need for all this any more"
        );
    });
}

#[test]
fn a_moments_work_is_in_time() {
    in_paused_time(|| async {
        let (pool, start) = (test_util::real(), Instant::now());
        timeout(Duration::from_millis(1), pool.run(moment)).await.unwrap().unwrap();
        assert_eq!(start.elapsed(), Duration::ZERO);
        leaps().await;
    });
}

#[test]
fn of_2_000_races_none_is_lost() {
    in_paused_time(|| async {
        let (pool, start) = (test_util::real(), Instant::now());
        let mut won = 0;
        for n in 0..2_000 {
            won += u32::from(timeout(TENTH, pool.run(move || n)).await.is_ok());
        }
        assert_eq!((won, start.elapsed()), (2_000, Duration::ZERO));
        leaps().await;
    });
}

#[test]
fn nor_of_races_in_crowds() {
    in_paused_time(|| async {
        let pool = fixed(2).hold_clock().build().unwrap();
        for _ in 0..50 {
            let start = Instant::now();
            let races = join_all((0..100).map(|n| timeout(TENTH, pool.run(move || n)))).await;
            assert!(races.iter().all(Result::is_ok));
            let named =
                join_all((0..100).map(|n| timeout(TENTH, pool.task().name("n").run(move || n)))).await;
            assert!(named.iter().all(Result::is_ok));
            assert_eq!(start.elapsed(), Duration::ZERO);
            sleep(TENTH).await;
        }
        assert_no_leaks(&pool);
        leaps().await;
    });
}

#[test]
fn a_tick_comes_between_two_races() {
    in_paused_time(|| async {
        let (pool, start) = (test_util::real(), Instant::now());
        for n in 0..500_u32 {
            timeout(TENTH, pool.run(|| ())).await.unwrap().unwrap();
            sleep(TENTH).await;
            assert_eq!(start.elapsed(), (n + 1) * TENTH);
        }
    });
}

#[test]
fn it_leaps_after_work_that_nobody_waits_for_panicked_or_was_cancelled() {
    in_paused_time(|| async {
        let pool = fixed(1).hold_clock().build().unwrap();
        for _ in 0..100 {
            let unpolled = pool.spawn(|| ()).await.unwrap();
            drop(pool.spawn(|| panic!("spilt")).await.unwrap());
            let aborted = pool.spawn(|| ()).await.unwrap();
            aborted.abort();
            let _ = poll_once(&mut pool.run(|| ()));
            let _ = poll_once(&mut pool.task().tenant("ada").run(|| ()));
            leaps().await;
            assert!(unpolled.is_finished());
        }
        assert_no_leaks(&pool);
    });
}

#[test]
fn it_leaps_after_work_that_was_refused_expired_or_turned_away() {
    in_paused_time(|| async {
        let pool = fixed(1).max_queue_size(2).hold_clock().build().unwrap();
        let held = hold(&pool, 1);
        let soon = std::time::Instant::now() + Duration::from_millis(20);
        let expires = pool.task().deadline(soon).run(|| ());
        assert!(matches!(expires.await, Err(JoinError::Expired)));
        let queued = [pool.try_spawn(|| ()).unwrap(), pool.try_spawn(|| ()).unwrap()];
        assert!(pool.try_spawn(|| ()).is_err());
        let mut line = pool.run(|| ());
        assert!(poll_once(&mut line).is_pending());
        let report = pool.shutdown(Duration::ZERO).await;
        assert_eq!((report.turned_away, report.still_running), (1, 1));
        assert!(matches!(timeout(TENTH, line).await, Ok(Err(JoinError::Closed))));
        for task in queued {
            assert!(matches!(timeout(TENTH, task).await, Ok(Err(JoinError::Cancelled))));
        }
        held.end();
        leaps().await;
    });
}

#[test]
fn subtasks_hold_it_as_their_task_did() {
    in_paused_time(|| async {
        let (pool, stepper) = AdaptiveThreadPool::builder().hold_clock().build_manual().unwrap();
        let task = pool.spawn(|| TaskContext::current().unwrap().spawn(|| 1)).await.unwrap();
        assert!(stepper.step());
        let (subtask, start) = (task.await.unwrap(), Instant::now());
        // Its task is over, and nobody is at work.
        let stepping = thread::spawn(move || {
            moment();
            stepper.step()
        });
        assert_eq!(timeout(TENTH, subtask).await.unwrap().unwrap(), 1);
        assert!(stepping.join().unwrap());
        assert_eq!(start.elapsed(), Duration::ZERO);
    });
}

#[test]
fn whoever_advances_it_may() {
    in_paused_time(|| async {
        let pool = test_util::real();
        let (go, gone) = mpsc::channel::<()>();
        let mut work = task::spawn(timeout(TENTH, pool.spawn(move || gone.recv().unwrap()).await.unwrap()));
        assert_pending!(work.poll());
        advance(HOUR).await;
        assert!(assert_ready!(work.poll()).is_err());
        go.send(()).unwrap();
        leaps().await;
    });
}

#[test]
fn a_runtime_that_ends_does_not_wait_for_work() {
    in_time(|| {
        let (pool, stepper) = AdaptiveThreadPool::builder().hold_clock().build_manual().unwrap();
        for _ in 0..20 {
            let runtime = paused();
            let _task = runtime.block_on(pool.spawn(|| ())).unwrap();
            drop(runtime);
        }
        assert_eq!(stepper.run_until_idle(), 20);
        assert_no_leaks(&pool);
    });
}

#[test]
fn each_runtime_has_its_own() {
    in_time(|| {
        let (pool, stepper) = AdaptiveThreadPool::builder().hold_clock().build_manual().unwrap();
        let (one, other) = (paused(), paused());
        let held = one.block_on(pool.spawn(|| ())).unwrap();
        other.block_on(leaps());
        assert!(stepper.step());
        one.block_on(leaps());
        one.block_on(held).unwrap();
    });
}

#[test]
fn work_from_elsewhere_and_clocks_that_go_are_left_alone() {
    in_time(|| {
        let pool = test_util::real();
        assert_eq!(crate::pool_support::block_on(pool.run(|| 1)).unwrap(), 1);
        let many =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        assert_eq!(many.block_on(pool.run(|| 2)).unwrap(), 2);
        let current = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        assert_eq!(current.block_on(pool.run(|| 3)).unwrap(), 3);
        assert_no_leaks(&pool);
    });
}

#[test]
fn a_shutdown_holds_it() {
    in_time(|| {
        for round in 0..60 {
            paused().block_on(async {
                let pool = AdaptiveThreadPool::builder().hold_clock().build().unwrap();
                match round % 3 {
                    0 => {}
                    1 => drop(pool.spawn(moment).await.unwrap()),
                    _ => pool.run(|| ()).await.unwrap(),
                }
                let start = Instant::now();
                if round % 2 == 0 {
                    timeout(HOUR, pool.shutdown(HOUR)).await.unwrap();
                } else {
                    timeout(HOUR, pool.cancel_and_wait(HOUR)).await.unwrap();
                }
                assert_eq!(start.elapsed(), Duration::ZERO);
                leaps().await;
            });
        }
    });
}

#[test]
fn it_leaps_after_a_shutdown_that_nobody_awaits() {
    in_paused_time(|| async {
        let pool = fixed(1).hold_clock().build().unwrap();
        let (go, gone) = mpsc::channel::<()>();
        let task = pool.spawn(move || gone.recv().unwrap()).await.unwrap();
        let mut end = Box::pin(pool.shutdown(Duration::MAX));
        assert!(poll_once(&mut end).is_pending());
        drop(end);
        go.send(()).unwrap();
        task.await.unwrap();
        leaps().await;
    });
}
