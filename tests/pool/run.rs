//! Work that is given to the pool comes back as an answer, whichever way it was given, and whatever became of it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::sync::mpsc;
use std::thread;

use crate::pool_support::{Tokens, fixed, hold, in_time, in_time_async, poll_once, until_cancelled};
use futures_util::future::join_all;
use millpond::{AdaptiveThreadPool, JoinError, TaskContext};

#[test]
fn every_way_in_gives_the_answer() {
    in_time_async(|| async {
        let pool = fixed(2).build().unwrap();
        assert_eq!(pool.run(|| 6 * 7).await.unwrap(), 42);
        assert_eq!(pool.spawn(|| "spawned").await.unwrap().await.unwrap(), "spawned");
        assert_eq!(pool.try_spawn(|| String::from("tried")).unwrap().await.unwrap(), "tried");
        assert_eq!(pool.acquire().await.unwrap().spawn(|| [1, 2]).await.unwrap(), [1, 2]);
        assert_eq!(pool.try_acquire().unwrap().spawn(|| Some(3)).await.unwrap(), Some(3));
        let subtask = || TaskContext::current().unwrap().spawn(|| 4).blocking_join().unwrap();
        assert_eq!(pool.run(subtask).await.unwrap(), 4);
        assert_eq!(pool.statistics().tasks_completed, 7);
    });
}

#[test]
fn work_runs_on_the_threads_of_the_pool_only() {
    in_time_async(|| async {
        let pool = fixed(2).thread_name("mill").build().unwrap();
        let name = || thread::current().name().map(String::from).unwrap();
        for worker in join_all((0..100).map(|_| pool.run(name))).await {
            let worker = worker.unwrap();
            assert!(["mill-0", "mill-1"].contains(&worker.as_str()), "{worker}");
        }
    });
}

#[test]
fn a_thousand_callers_get_each_their_own_answer() {
    in_time_async(|| async {
        let pool = fixed(2).max_queue_size(10).build().unwrap();
        let answers = join_all((0..1_000).map(|n| pool.run(move || n))).await;
        assert!(answers.into_iter().map(Result::unwrap).eq(0..1_000));
    });
}

#[test]
fn a_run_that_is_never_polled_does_nothing() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let tokens = Tokens::default();
        let token = tokens.token();
        drop(pool.run(move || drop(token)));
        assert_eq!(tokens.alive(), 0);
        assert_eq!(pool.statistics().tasks_queued, 0);
    });
}

#[test]
fn results_need_not_be_clone_or_sync() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let cell = pool.run(|| std::cell::Cell::new(5)).await.unwrap();
        assert_eq!(cell.replace(6), 5);
    });
}

#[test]
fn a_dropped_handle_detaches_its_task() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let held = hold(&pool, 1);
        let (ran, runs) = mpsc::channel();
        drop(pool.try_spawn(move || ran.send("ran")).unwrap());
        held.end();
        assert_eq!(runs.recv(), Ok("ran"));
    });
}

#[test]
fn an_aborted_task_never_runs_and_says_so() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let held = hold(&pool, 1);
        let tokens = Tokens::default();
        let token = tokens.token();
        let task = pool.try_spawn(move || drop(token)).unwrap();
        assert!(!task.is_finished());
        task.abort();
        assert!(task.is_finished());
        assert_eq!(tokens.alive(), 0, "its closure is dropped at once");
        assert_eq!(pool.statistics().queue_depth, 0, "its place is free at once");
        let error = task.blocking_join().unwrap_err();
        assert!(
            matches!(error, JoinError::Cancelled) && error.is_cancelled() && !error.is_panic(),
            "{error}"
        );
        held.end();
        let statistics = pool.statistics();
        assert_eq!((statistics.tasks_completed, statistics.tasks_cancelled), (1, 1));
    });
}

#[test]
fn a_waiter_is_told_of_an_abort() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let held = hold(&pool, 1);
        let task = pool.try_spawn(|| ()).unwrap();
        let abort = task.abort_handle();
        let waiter = tokio::spawn(task);
        tokio::task::yield_now().await;
        abort.clone().abort();
        assert!(matches!(waiter.await.unwrap(), Err(JoinError::Cancelled)));
        abort.abort();
        held.end();
    });
}

#[test]
fn aborting_a_running_task_keeps_its_result() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let task = until_cancelled(&pool);
        task.abort();
        assert_eq!(task.blocking_join().unwrap(), "stopped early");
        let statistics = pool.statistics();
        assert_eq!((statistics.tasks_completed, statistics.tasks_cancelled), (1, 0));
        assert!(statistics.abandoned_time_ms > 0.0, "the time was spent for nobody");
    });
}

#[test]
fn aborting_a_finished_task_changes_nothing() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let task = pool.try_spawn(|| 9).unwrap();
        let abort = task.abort_handle();
        pool.run(|| ()).await.unwrap();
        assert!(task.is_finished());
        abort.abort();
        task.abort();
        assert_eq!(task.await.unwrap(), 9);
        assert_eq!(pool.statistics().tasks_cancelled, 0);
    });
}

#[test]
fn a_handle_can_be_awaited_after_its_pool_is_gone() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let held = hold(&pool, 1);
        let task = pool.try_spawn(|| "late").unwrap();
        drop(pool);
        held.release();
        assert_eq!(task.await.unwrap(), "late");
    });
}

#[test]
fn a_poll_that_is_let_go_loses_nothing() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let held = hold(&pool, 1);
        let mut task = pool.try_spawn(|| "kept").unwrap();
        assert!(poll_once(&mut task).is_pending());
        held.end();
        assert_eq!((&mut task).await.unwrap(), "kept");
        assert!(task.is_finished());
    });
}

#[test]
fn blocking_join_answers_outside_of_async_code() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let task = pool.try_spawn(|| 11).unwrap();
        assert_eq!(task.blocking_join().unwrap(), 11);
    });
}

#[test]
fn blocking_join_refuses_to_block_an_async_thread() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let task = pool.try_spawn(|| 11).unwrap();
        let attempt = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| task.blocking_join()));
        assert!(attempt.is_err());
    });
}

#[test]
fn a_task_knows_that_it_is_one() {
    in_time_async(|| async {
        let pool = fixed(2).build().unwrap();
        assert!(TaskContext::current().is_none());
        let index = pool.run(|| TaskContext::current().unwrap().worker_index()).await.unwrap();
        assert!(index < 2);
        assert!(!pool.run(|| TaskContext::current().unwrap().is_cancelled()).await.unwrap());
    });
}

#[test]
fn clones_are_handles_to_one_pool() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let other = pool.clone();
        other.run(|| ()).await.unwrap();
        assert_eq!(pool.statistics().tasks_completed, 1);
        drop(pool);
        assert!(!other.is_closed());
        assert_eq!(other.run(|| 1).await.unwrap(), 1);
    });
}

#[test]
fn a_pool_is_made_with_its_defaults() {
    in_time_async(|| async {
        let pool = AdaptiveThreadPool::new();
        assert_eq!(pool.run(|| 1).await.unwrap(), 1);
        assert_eq!(pool.config(), &millpond::PoolConfig::default());
    });
}
