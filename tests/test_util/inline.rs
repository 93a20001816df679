//! An inline pool has run a task before the call that submits it returns.

#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use crate::pool_support::{block_on, in_paused_time, in_time, in_time_async};
use futures_util::future::join_all;
use millpond::test_util::{self, assert_no_leaks};
use millpond::{AdaptiveThreadPool, JoinError, TaskContext};
use tokio::time::{Instant, timeout};
use tokio_test::{assert_ready_ok, task};

#[test]
fn every_way_in_has_run_its_task_when_it_returns() {
    in_time(|| {
        let pool = test_util::inline();
        for n in 0..200 {
            assert!(pool.try_spawn(move || n).unwrap().is_finished());
            assert!(block_on(pool.spawn(move || n)).unwrap().is_finished());
            assert!(pool.try_acquire().unwrap().spawn(move || n).is_finished());
            assert!(pool.task().tenant("ada").try_spawn(move || n).unwrap().is_finished());
            assert_no_leaks(&pool);
        }
    });
}

/// At the latest.
fn at_the_second_poll<F: Future<Output = Result<usize, JoinError>>>(run: &mut task::Spawn<F>) -> usize {
    if let Poll::Ready(result) = run.poll() {
        return result.unwrap();
    }
    assert!(run.is_woken());
    assert_ready_ok!(run.poll())
}

#[test]
fn a_run_is_ready_at_its_second_poll() {
    in_time(|| {
        let pool = test_util::inline();
        for n in 0..1_000 {
            let mut plain = task::spawn(pool.run(move || n));
            assert_eq!(at_the_second_poll(&mut plain), n);
            let mut named = task::spawn(pool.task().name("n").run(move || n));
            assert_eq!(at_the_second_poll(&mut named), n);
        }
    });
}

#[test]
fn subtasks_have_run_as_well() {
    in_time(|| {
        let pool = test_util::inline();
        let ran = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&ran);
        let task = pool.try_spawn(move || {
            for _ in 0..100 {
                let count = Arc::clone(&count);
                TaskContext::current().unwrap().spawn(move || count.fetch_add(1, Ordering::SeqCst));
            }
        });
        assert!(task.unwrap().is_finished());
        assert_eq!(ran.load(Ordering::SeqCst), 100);
    });
}

#[test]
fn no_time_passes_on_a_paused_clock() {
    in_paused_time(|| async {
        let (pool, start) = (test_util::inline(), Instant::now());
        for n in 0..100 {
            let work = async { pool.spawn(move || n).await.unwrap().await };
            assert_eq!(timeout(Duration::from_millis(1), work).await.unwrap().unwrap(), n);
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    });
}

#[test]
fn many_threads_may_submit_and_tasks_may_submit_to_their_own_pool() {
    in_time_async(|| async {
        let pool = test_util::inline();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let pool = pool.clone();
                thread::spawn(move || {
                    for n in 0..500 {
                        let inner = pool.clone();
                        let task = pool.try_spawn(move || block_on(inner.run(move || n)).unwrap()).unwrap();
                        assert_eq!(block_on(task).unwrap(), n);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(
            join_all((0..100).map(|n| pool.run(move || n))).await.into_iter().map(Result::unwrap).eq(0..100)
        );
        assert_no_leaks(&pool);
    });
}

#[test]
fn it_shuts_down_as_any_other() {
    in_time_async(|| async {
        let pool = AdaptiveThreadPool::builder().max_queue_size(2).build_inline().unwrap();
        let task = pool.try_spawn(|| "done").unwrap();
        let report = pool.shutdown(Duration::MAX).await;
        assert_eq!((report.cancelled, report.still_running), (0, 0));
        assert_eq!(task.await.unwrap(), "done");
        assert!(pool.try_spawn(|| ()).is_err());
    });
}
