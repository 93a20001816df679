//! A task waits for work of its own pool: other workers run it, and the last one that is awake runs
//! its own.

use std::sync::{Arc, Barrier, mpsc};
use std::task::Poll;
use std::time::Duration;

use crate::pool_support::{Gate, block_on, fixed, in_paused_time, in_time, poll_once};
use futures_util::future::{Either, join, join_all, select};
use millpond::{AdaptiveThreadPool, TaskContext};
use tokio::runtime::Handle;
use tokio::task::LocalSet;
use tokio::time::timeout;

/// Blocks on a run that waits for the branch beside it.
fn run_and_send(pool: &AdaptiveThreadPool) -> u32 {
    let (to, from) = mpsc::channel();
    let (received, ()) = block_on(join(pool.run(move || from.recv()), async move { to.send(5).unwrap() }));
    received.unwrap().unwrap()
}

#[test]
fn what_is_beside_a_run_goes_on() {
    in_time(|| {
        let pool = fixed(2).build().unwrap();
        let inner = pool.clone();
        assert_eq!(block_on(pool.run(move || run_and_send(&inner))).unwrap(), 5);
    });
}

#[test]
fn what_is_beside_a_handle_goes_on() {
    in_time(|| {
        let pool = fixed(2).build().unwrap();
        let received = pool.run(|| {
            let (to, from) = mpsc::channel();
            let subtask = TaskContext::current().unwrap().spawn(move || from.recv());
            block_on(join(subtask, async move { to.send(6).unwrap() })).0.unwrap().unwrap()
        });
        assert_eq!(block_on(received).unwrap(), 6);
    });
}

#[test]
fn a_run_that_is_slow_is_given_up() {
    in_time(|| {
        let pool = fixed(2).build().unwrap();
        let inner = pool.clone();
        let first = pool.run(move || {
            let (to, from) = mpsc::channel::<()>();
            let slow = inner.run(move || from.recv());
            let first = block_on(select(slow, std::future::ready(7)));
            drop(to);
            matches!(first, Either::Right((7, _)))
        });
        assert!(block_on(first).unwrap());
    });
}

/// The clock is paused: it leaps to the timeout while the work runs.
#[test]
fn a_run_is_given_up_at_its_timeout() {
    in_paused_time(|| async {
        const HOUR: Duration = Duration::from_secs(3_600);
        for threads in [2, 4] {
            let pool = fixed(threads).build().unwrap();
            let gate = Arc::<Gate>::default();
            let (inner, runtime, within) = (pool.clone(), Handle::current(), Arc::clone(&gate));
            let outer = pool.run(move || {
                let run = inner.run(move || within.pass());
                runtime.block_on(async { timeout(HOUR, run).await.is_err() })
            });
            assert!(outer.await.unwrap());
            gate.open();
        }
    });
}

#[test]
fn three_runs_that_are_joined_run_at_the_same_time() {
    in_time(|| {
        let pool = fixed(4).build().unwrap();
        let (inner, met) = (pool.clone(), Arc::new(Barrier::new(3)));
        let outer = pool.run(move || {
            let run = |_| {
                let met = Arc::clone(&met);
                inner.run(move || met.wait().is_leader())
            };
            block_on(join_all((0..3).map(run)))
        });
        let leaders = block_on(outer).unwrap().into_iter().filter(|leads| *leads.as_ref().unwrap());
        assert_eq!(leaders.count(), 1);
    });
}

/// The pool has one thread, and another may come.
#[test]
fn a_thread_is_started_in_place_of_one_that_waits() {
    in_time(|| {
        let pool =
            AdaptiveThreadPool::builder().min_threads(1).max_threads(2).worker_niceness(0).build().unwrap();
        let inner = pool.clone();
        assert_eq!(block_on(pool.run(move || run_and_send(&inner))).unwrap(), 5);
    });
}

#[test]
fn workers_that_begin_to_wait_at_once_do_not_wait_for_each_other() {
    in_time(|| {
        for threads in 1..=3 {
            let pool = fixed(threads).build().unwrap();
            for _ in 0..300 {
                let together = Arc::new(Barrier::new(threads));
                let tasks = (0..threads).map(|_| {
                    let (inner, together) = (pool.clone(), Arc::clone(&together));
                    pool.run(move || {
                        together.wait();
                        block_on(join_all((0..3).map(|n| inner.run(move || n)))).len()
                    })
                });
                let answers = block_on(join_all(tasks.collect::<Vec<_>>()));
                assert!(answers.into_iter().all(|answer| answer.unwrap() == 3));
            }
        }
    });
}

#[test]
fn trees_of_tasks_that_wait_in_every_way_come_to_their_end() {
    fn tree(pool: &AdaptiveThreadPool, depth: usize) -> usize {
        if depth == 0 {
            return 1;
        }
        let below = || {
            let pool = pool.clone();
            move || tree(&pool, depth - 1)
        };
        let (run, polled, joined) =
            (pool.run(below()), pool.try_spawn(below()).unwrap(), pool.try_spawn(below()).unwrap());
        let (run, polled) = block_on(join(run, polled));
        1 + run.unwrap() + polled.unwrap() + joined.blocking_join().unwrap()
    }
    in_time(|| {
        for threads in 1..=4 {
            let pool = fixed(threads).build().unwrap();
            let inner = pool.clone();
            assert_eq!(block_on(pool.run(move || tree(&inner, 6))).unwrap(), 1_093);
        }
    });
}

/// The last worker that was awake blocks on a task that waits for work in a queue.
#[test]
fn a_worker_that_blocks_on_another_wakes_it_to_run_its_own_work() {
    in_time(|| {
        let pool = fixed(2).build().unwrap();
        for _ in 0..300 {
            let inner = pool.clone();
            let outer = pool.run(move || {
                let (begun, begins) = mpsc::channel();
                let pool = inner.clone();
                let task = inner.try_spawn(move || {
                    begun.send(()).unwrap();
                    block_on(pool.run(|| 3)).unwrap()
                });
                begins.recv().unwrap();
                task.unwrap().blocking_join().unwrap()
            });
            assert_eq!(block_on(outer).unwrap(), 3);
        }
    });
}

/// A future that lives on elsewhere, after its task has polled it, leaves no worker behind that
/// waits.
#[test]
fn a_future_that_leaves_its_task_ends_the_wait() {
    in_time(|| {
        let pool = fixed(2).build().unwrap();
        for dropped_within in [true, false] {
            let (to, from) = mpsc::channel::<()>();
            let kept = pool.run(move || {
                let mut handle = TaskContext::current().unwrap().spawn(move || from.recv());
                assert!(matches!(poll_once(&mut handle), Poll::Pending));
                (!dropped_within).then_some(handle)
            });
            let kept = block_on(kept).unwrap();
            drop(to);
            if let Some(handle) = kept {
                assert!(block_on(handle).unwrap().is_err());
            }
            let inner = pool.clone();
            assert_eq!(block_on(pool.run(move || run_and_send(&inner))).unwrap(), 5);
        }
    });
}

/// Tokio does not let a thread out of its `block_on` while it polls a `LocalSet`.
#[test]
fn the_only_worker_runs_its_own_work_within_a_local_set() {
    in_time(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let pool = fixed(1).build().unwrap();
        let (inner, handle) = (pool.clone(), runtime.handle().clone());
        let work = move || handle.block_on(LocalSet::new().run_until(async { inner.run(|| 7).await }));
        assert_eq!(block_on(pool.run(work)).unwrap().unwrap(), 7);
    });
}
