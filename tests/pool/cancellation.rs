//! Whoever does not want a result any more says so by dropping the future, and what the work occupied is free at once.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::sync::mpsc;
use std::thread;

use crate::pool_support::{Tokens, block_on, fixed, hold, in_time, in_time_async, poll_once, until};
use millpond::{AdaptiveThreadPool, JoinError, TaskContext};

#[test]
fn ten_thousand_queued_runs_are_gone_when_their_futures_are() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(10_000).build().unwrap();
        let held = hold(&pool, 1);
        let tokens = Tokens::default();
        let mut runs: Vec<_> = (0..10_000)
            .map(|_| {
                let token = tokens.token();
                pool.run(move || drop(token))
            })
            .collect();
        runs.iter_mut().for_each(|run| assert!(poll_once(run).is_pending()));
        assert_eq!((pool.statistics().queue_depth, tokens.alive()), (10_000, 10_000));
        assert!(pool.try_acquire().is_err());
        drop(runs);
        assert_eq!((pool.statistics().queue_depth, tokens.alive()), (0, 0), "the pool is still held up");

        let tasks: Vec<_> =
            (0..10_000).map(|n| pool.try_spawn(move || n).expect("every permit is back")).collect();
        assert!(pool.try_acquire().is_err());
        held.end();
        assert!(tasks.into_iter().map(|task| task.blocking_join().unwrap()).eq(0..10_000));
        // A task counts as running until its worker looks for the next.
        until(|| pool.statistics().active_threads == 0);
        let statistics = pool.statistics();
        assert_eq!((statistics.tasks_completed, statistics.tasks_cancelled), (10_001, 10_000));
        assert_eq!(statistics.tasks_queued, 20_001);
    });
}

#[test]
fn runs_in_line_go_like_those_in_the_queue() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(10).build().unwrap();
        let held = hold(&pool, 1);
        let tokens = Tokens::default();
        let mut runs: Vec<_> = (0..1_000)
            .map(|n| {
                let token = tokens.token();
                pool.run(move || (drop(token), n).1)
            })
            .collect();
        runs.iter_mut().for_each(|run| assert!(poll_once(run).is_pending()));
        assert_eq!(pool.statistics().waiting_callers, 990);
        // Every other one, all over the line and the queue.
        let mut nth = 0;
        runs.retain(|_| {
            nth += 1;
            nth % 2 == 0
        });
        assert_eq!(tokens.alive(), 500);
        assert_eq!((pool.statistics().queue_depth, pool.statistics().waiting_callers), (10, 490));
        held.end();
        let answers: Vec<_> = runs.into_iter().map(|run| block_on(run).unwrap()).collect();
        assert!(answers.into_iter().eq((1..1_000).step_by(2)));
        assert_eq!((tokens.alive(), pool.statistics().waiting_callers), (0, 0));
    });
}

#[test]
fn aborted_tasks_go_like_dropped_futures() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(1_000).build().unwrap();
        let held = hold(&pool, 1);
        let tokens = Tokens::default();
        let tasks: Vec<_> = (0..1_000)
            .map(|_| {
                let token = tokens.token();
                pool.try_spawn(move || drop(token)).unwrap()
            })
            .collect();
        let aborts: Vec<_> = tasks.iter().map(|task| task.abort_handle()).collect();
        tasks.iter().for_each(|task| task.abort());
        assert_eq!((tokens.alive(), pool.statistics().queue_depth), (0, 0));
        aborts.iter().for_each(|abort| abort.abort());
        assert_eq!(pool.statistics().tasks_cancelled, 1_000, "once is enough");
        for task in tasks {
            assert!(matches!(task.blocking_join(), Err(JoinError::Cancelled)));
        }
        held.end();
    });
}

/// A task that runs until nobody wants it, and then says so.
fn patient(
    begun: mpsc::Sender<&'static str>,
    token: crate::pool_support::Token,
) -> impl FnOnce() -> crate::pool_support::Token + Send {
    move || {
        let context = TaskContext::current().unwrap();
        assert!(!context.is_cancelled());
        begun.send("begun").unwrap();
        while !context.is_cancelled() {
            thread::yield_now();
        }
        begun.send("stopped").unwrap();
        token
    }
}

#[test]
fn a_running_task_sees_that_its_future_was_dropped() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let tokens = Tokens::default();
        let (say, said) = mpsc::channel();
        let mut run = pool.run(patient(say, tokens.token()));
        assert!(poll_once(&mut run).is_pending());
        assert_eq!(said.recv(), Ok("begun"));
        assert_eq!(tokens.alive(), 1);
        drop(run);
        assert_eq!(said.recv(), Ok("stopped"));
        block_on(pool.run(|| ())).unwrap();
        assert_eq!(tokens.alive(), 0, "its result is dropped");
        let statistics = pool.statistics();
        assert_eq!((statistics.tasks_completed, statistics.tasks_cancelled), (2, 0));
        assert!(statistics.abandoned_time_ms > 0.0);
    });
}

#[test]
fn a_detached_task_is_not_cancelled() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let (tell, told) = mpsc::channel();
        let gate = std::sync::Arc::new(crate::pool_support::Gate::default());
        let within = std::sync::Arc::clone(&gate);
        drop(pool.try_spawn(move || {
            within.pass();
            tell.send(TaskContext::current().unwrap().is_cancelled()).unwrap();
        }));
        gate.open();
        assert_eq!(told.recv(), Ok(false));
    });
}

#[test]
fn an_aborted_subtask_never_runs() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let tokens = Tokens::default();
        let token = tokens.token();
        let watched = tokens.clone();
        let run = pool.run(move || {
            let subtask = TaskContext::current().unwrap().spawn(move || drop(token));
            subtask.abort();
            (watched.alive(), subtask.blocking_join().unwrap_err().is_cancelled())
        });
        assert_eq!(block_on(run).unwrap(), (0, true));
        assert_eq!((pool.statistics().tasks_cancelled, pool.statistics().queue_depth), (1, 0));
    });
}

/// The caller that gives up meanwhile is what a time-out or a `select!` makes of it.
#[test]
fn cancelling_races_with_the_worker_and_every_closure_is_dropped_once() {
    async fn give_up(pool: &AdaptiveThreadPool, tokens: &Tokens, polls: usize) -> usize {
        let token = tokens.token();
        let mut run = pool.run(move || (drop(token), 1).1);
        for _ in 0..polls {
            if let std::task::Poll::Ready(answer) = poll_once(&mut run) {
                return answer.unwrap();
            }
            thread::yield_now();
        }
        0
    }
    in_time_async(|| async {
        let pool = fixed(2).max_queue_size(100).build().unwrap();
        let tokens = Tokens::default();
        let mut answered = 0;
        for round in 0..5_000 {
            answered += give_up(&pool, &tokens, round % 4).await as u64;
        }
        // Both workers pass by: whatever ran has ended.
        hold(&pool, 2).end();
        assert_eq!(tokens.alive(), 0);
        let statistics = pool.statistics();
        assert_eq!(statistics.queue_depth, 0);
        assert!(statistics.tasks_completed >= answered + 2);
        // Those with no poll at all were never submitted.
        assert_eq!(statistics.tasks_completed + statistics.tasks_cancelled, 3_750 + 2);
    });
}
