//! A manual pool runs a task when it is told to, and not before; everything else is as in production.

#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crate::pool_support::{block_on, in_time, in_time_async};
use millpond::test_util::{self, Stepper, assert_no_leaks};
use millpond::{AdaptiveThreadPool, JoinError, TaskContext};
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};

fn small(queue: usize) -> (AdaptiveThreadPool, Stepper) {
    AdaptiveThreadPool::builder().max_queue_size(queue).build_manual().unwrap()
}

#[test]
fn a_task_runs_at_its_step_and_its_caller_is_woken_by_then() {
    in_time(|| {
        let (pool, stepper) = test_util::manual();
        let mut run = task::spawn(pool.run(|| 6 * 7));
        assert_pending!(run.poll());
        for _ in 0..1_000 {
            assert!(!run.is_woken());
            thread::yield_now();
        }
        assert!(stepper.step());
        assert!(run.is_woken());
        assert_eq!(assert_ready_ok!(run.poll()), 42);
        assert!(!stepper.step());
    });
}

#[test]
fn one_step_is_one_task_and_the_figures_are_exact_after_each() {
    in_time(|| {
        let (pool, stepper) = small(100);
        let tasks: Vec<_> = (0..100).map(|n| pool.try_spawn(move || n).unwrap()).collect();
        for done in 0..100 {
            let statistics = pool.statistics();
            assert_eq!((statistics.tasks_completed, statistics.queue_depth), (done, 100 - done as usize));
            assert_eq!((statistics.active_threads, statistics.tasks_queued), (0, 100));
            assert!(
                tasks.iter().map(|task| task.is_finished()).eq((0..100).map(|n| n < done)),
                "after {done}"
            );
            assert!(stepper.step());
        }
        assert!(!stepper.step());
        assert_no_leaks(&pool);
    });
}

#[test]
fn subtasks_are_steps_of_their_own_unless_they_are_waited_for() {
    in_time(|| {
        let (pool, stepper) = test_util::manual();
        let task = pool.try_spawn(|| {
            let context = TaskContext::current().unwrap();
            let left = context.spawn(|| "left");
            (context.spawn(|| 1).blocking_join().unwrap(), left)
        });
        assert!(stepper.step());
        let (one, mut left) = block_on(task.unwrap()).unwrap();
        assert_eq!((one, left.is_finished()), (1, false));
        assert_eq!(stepper.run_until_idle(), 1);
        assert_eq!(block_on(&mut left).unwrap(), "left");
    });
}

#[test]
fn what_was_cancelled_is_no_step() {
    in_time(|| {
        let (pool, stepper) = test_util::manual();
        let plain: Vec<_> = (0..10).map(|_| pool.try_spawn(|| ()).unwrap()).collect();
        let named: Vec<_> = (0..10).map(|_| pool.task().name("n").try_spawn(|| ()).unwrap()).collect();
        plain[..9].iter().chain(&named[..9]).for_each(|task| task.abort());
        assert_eq!(stepper.waiting().len(), 2);
        assert_eq!(stepper.run_until_idle(), 2);
        assert!(plain[9].is_finished() && named[9].is_finished());
        assert_no_leaks(&pool);
    });
}

#[test]
fn callers_in_line_come_in_as_places_become_free() {
    in_time(|| {
        let (pool, stepper) = small(1);
        let mut runs: Vec<_> = (0..3).map(|n| task::spawn(pool.run(move || n))).collect();
        runs.iter_mut().for_each(|run| assert_pending!(run.poll()));
        assert_eq!((stepper.waiting().len(), pool.statistics().waiting_callers), (3, 2));
        for (n, run) in runs.iter_mut().enumerate() {
            assert!(stepper.step());
            assert_eq!(assert_ready_ok!(run.poll()), n);
        }
        assert!(!stepper.step());
        assert_no_leaks(&pool);
    });
}

#[test]
fn a_panic_is_a_value_and_the_next_step_goes_on() {
    in_time(|| {
        let (pool, stepper) = test_util::manual();
        let mut bad = task::spawn(pool.run(|| panic!("spilt")));
        let mut good = task::spawn(pool.run(|| 1));
        assert_pending!(bad.poll());
        assert_pending!(good.poll());
        assert_eq!(stepper.run_until_idle(), 2);
        assert!(
            matches!(assert_ready!(bad.poll()), Err(JoinError::Panicked(panic)) if panic.message() == Some("spilt"))
        );
        assert_eq!(assert_ready_ok!(good.poll()), 1);
    });
}

#[test]
fn a_stepper_that_is_dropped_lets_the_pool_go_on() {
    in_time_async(|| async {
        let (pool, stepper) = test_util::manual();
        let tasks: Vec<_> = (0..10).map(|n| pool.try_spawn(move || n).unwrap()).collect();
        assert!(stepper.step());
        drop(stepper);
        for (n, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), n);
        }
        assert_eq!(pool.run(|| "later").await.unwrap(), "later");
        assert_no_leaks(&pool);
    });
}

#[test]
fn a_pool_that_is_closed_runs_what_it_has_accepted() {
    in_time_async(|| async {
        let (pool, stepper) = test_util::manual();
        let tasks: Vec<_> = (0..10).map(|_| pool.try_spawn(|| ()).unwrap()).collect();
        let report = pool.shutdown(Duration::MAX).await;
        assert_eq!((report.completed, report.cancelled), (10, 0));
        assert!(tasks.iter().all(|task| task.is_finished()));
        assert!(!stepper.step());

        let (pool, stepper) = test_util::manual();
        let last = pool.try_spawn(|| "last").unwrap();
        drop(pool);
        assert_eq!(last.await.unwrap(), "last");
        assert!(!stepper.step() && stepper.waiting().is_empty());
    });
}

#[test]
fn a_shutdown_past_its_deadline_cancels_what_waits() {
    in_time_async(|| async {
        let (pool, stepper) = test_util::manual();
        let (began, running) = mpsc::channel();
        let (go, gone) = mpsc::channel::<()>();
        let busy = pool.try_spawn(move || {
            began.send(()).unwrap();
            gone.recv().unwrap();
        });
        let waits = pool.try_spawn(|| ()).unwrap();
        let stepping = thread::spawn(move || stepper.step());
        running.recv().unwrap();
        let report = pool.shutdown(Duration::ZERO).await;
        assert_eq!((report.cancelled, report.still_running), (1, 1));
        assert!(matches!(waits.await, Err(JoinError::Cancelled)));
        go.send(()).unwrap();
        busy.unwrap().await.unwrap();
        assert!(stepping.join().unwrap());
    });
}

#[test]
fn a_task_that_steps_its_own_pool_is_told_so() {
    in_time_async(|| async {
        let (pool, stepper) = test_util::manual();
        let stepper = Arc::new(stepper);
        let own = Arc::clone(&stepper);
        let task = pool.try_spawn(move || own.step()).unwrap();
        assert!(stepper.step());
        let Err(JoinError::Panicked(panic)) = task.await else { panic!("it stepped itself") };
        assert!(panic.message().unwrap().contains("its own pool"));
    });
}

#[test]
fn steps_of_several_threads_do_not_get_into_each_others_way() {
    in_time(|| {
        let (pool, stepper) = test_util::manual();
        let ran = Arc::new(AtomicUsize::new(0));
        for _ in 0..1_000 {
            let ran = Arc::clone(&ran);
            pool.try_spawn(move || ran.fetch_add(1, Ordering::SeqCst)).unwrap();
        }
        let steps: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| stepper.run_until_idle())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!((steps, ran.load(Ordering::SeqCst)), (1_000, 1_000));
    });
}
