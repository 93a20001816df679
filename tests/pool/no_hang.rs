//! Nobody waits for ever: not a task for its own pool, and nobody for a place that another keeps without using it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use crate::pool_support::{Gate, Wakes, block_on, fixed, hold, in_time, in_time_async, poll_once, until};
use futures_util::StreamExt;
use futures_util::future::{join, join_all};
use futures_util::stream::FuturesUnordered;
use millpond::{AdaptiveThreadPool, JoinError, JoinHandle, TaskContext};

/// Pools of one thread: a queue with room, and the least there is.
fn narrow_pools() -> [AdaptiveThreadPool; 2] {
    [100, 1].map(|places| fixed(1).max_queue_size(places).build().unwrap())
}

/// Runs `task` on pools of one thread, for its answer.
fn on_narrow_pools<T: Send + 'static>(
    task: impl FnOnce(AdaptiveThreadPool) -> T + Clone + Send + 'static,
    check: impl Fn(T) + Send + 'static,
) {
    in_time(move || {
        for pool in narrow_pools() {
            let (inner, task) = (pool.clone(), task.clone());
            check(block_on(pool.run(move || task(inner))).unwrap());
            let statistics = pool.statistics();
            assert_eq!((statistics.queue_depth, statistics.reserved_permits), (0, 0));
        }
    });
}

#[test]
fn a_task_may_block_on_a_run_of_its_own_pool() {
    on_narrow_pools(|pool| block_on(pool.run(|| 7)).unwrap(), |answer| assert_eq!(answer, 7));
}

#[test]
fn a_task_may_block_on_a_spawn_and_its_answer() {
    on_narrow_pools(
        |pool| block_on(async { pool.spawn(|| 7).await.unwrap().await.unwrap() }),
        |answer| assert_eq!(answer, 7),
    );
}

#[test]
fn a_task_may_try_spawn_more_than_there_is_room_for_and_join() {
    on_narrow_pools(
        |pool| {
            let parts: Vec<_> = (0..200).map(|n| pool.try_spawn(move || n).unwrap()).collect();
            parts.into_iter().map(|part| part.blocking_join().unwrap()).sum::<u32>()
        },
        |sum| assert_eq!(sum, 19_900),
    );
}

#[test]
fn a_task_may_acquire_more_than_there_is_room_for() {
    on_narrow_pools(
        |pool| {
            let permits: Vec<_> = (0..3).map(|_| block_on(pool.acquire()).unwrap()).collect();
            let also = pool.try_acquire().unwrap();
            let tasks: Vec<_> = permits.into_iter().chain([also]).map(|permit| permit.spawn(|| 7)).collect();
            tasks.into_iter().map(|task| task.blocking_join().unwrap()).sum::<u32>()
        },
        |sum| assert_eq!(sum, 28),
    );
}

#[test]
fn a_task_may_wait_for_many_at_once() {
    on_narrow_pools(
        |pool| {
            let runs = join_all((0..50).map(|n| pool.run(move || n)));
            let tasks = join_all((0..50).map(|n| pool.try_spawn(move || n).unwrap()));
            let (runs, tasks) = block_on(join(runs, tasks));
            runs.into_iter().chain(tasks).map(Result::unwrap).sum::<u32>()
        },
        |sum| assert_eq!(sum, 2 * 1_225),
    );
}

#[test]
fn tasks_may_wait_for_tasks_that_wait_for_tasks() {
    fn level(pool: &AdaptiveThreadPool, depth: usize) -> usize {
        if depth == 0 {
            return 1;
        }
        let inner = pool.clone();
        let below = move || level(&inner, depth - 1);
        1 + match depth % 4 {
            0 => block_on(pool.run(below)).unwrap(),
            1 => block_on(async { pool.spawn(below).await.unwrap().await.unwrap() }),
            2 => pool.try_spawn(below).unwrap().blocking_join().unwrap(),
            _ => block_on(async { pool.acquire().await.unwrap().spawn(below).await.unwrap() }),
        }
    }
    on_narrow_pools(|pool| level(&pool, 40), |levels| assert_eq!(levels, 41));
}

#[test]
fn a_tree_of_subtasks_is_worked_off_by_one_thread() {
    fn tree(depth: usize) -> usize {
        if depth == 0 {
            return 1;
        }
        let context = TaskContext::current().unwrap();
        let branches: Vec<_> = (0..3).map(|_| context.spawn(move || tree(depth - 1))).collect();
        1 + branches.into_iter().map(|branch| branch.blocking_join().unwrap()).sum::<usize>()
    }
    on_narrow_pools(|_| tree(6), |nodes| assert_eq!(nodes, 1_093));
}

/// Other executors do not let themselves be nested on one thread. That is an answer too: the inner task's panic.
#[test]
fn an_executor_that_refuses_to_be_nested_says_so() {
    on_narrow_pools(
        |pool| {
            let inner = pool.clone();
            let nested = move || futures_executor::block_on(inner.run(|| 7)).unwrap();
            futures_executor::block_on(pool.run(nested)).unwrap_err().to_string()
        },
        |error| assert!(error.starts_with("the task panicked: ") && error.contains("executor"), "{error}"),
    );
}

#[test]
fn a_task_may_block_on_its_pool_by_the_runtime_of_its_submitter() {
    in_time_async(|| async {
        for pool in narrow_pools() {
            let (inner, runtime) = (pool.clone(), tokio::runtime::Handle::current());
            let answer = pool.run(move || {
                let run = runtime.block_on(inner.run(|| 7)).unwrap();
                run + runtime.block_on(async { inner.spawn(|| 8).await.unwrap().await.unwrap() })
            });
            assert_eq!(answer.await.unwrap(), 15);
        }
    });
}

/// What stands in the queue behind the task can be waited for by the task, too.
#[test]
fn a_task_may_wait_for_work_that_was_queued_before_it_ran() {
    in_time(|| {
        for pool in narrow_pools() {
            let held = hold(&pool, 1);
            let (give, get) = std::sync::mpsc::channel::<JoinHandle<u32>>();
            let mut waits = pool.run(move || get.recv().unwrap().blocking_join().unwrap());
            assert!(poll_once(&mut waits).is_pending());
            let awaited = pool.clone();
            // With one place only, it stands in line.
            let mut spawn = Box::pin(async move { awaited.spawn(|| 7).await });
            let first = poll_once(&mut spawn);
            held.release();
            let task = match first {
                std::task::Poll::Ready(task) => task.unwrap(),
                std::task::Poll::Pending => block_on(spawn).unwrap(),
            };
            give.send(task).unwrap();
            assert_eq!(block_on(waits).unwrap(), 7);
        }
    });
}

#[test]
fn two_pools_may_wait_for_each_other() {
    in_time(|| {
        let (one, two) = (fixed(1).build().unwrap(), fixed(1).build().unwrap());
        let (first, second) = (one.clone(), two.clone());
        let there_and_back = one.run(move || {
            let below = move || block_on(first.run(|| "never run beneath itself"));
            second.try_spawn(below).map(drop).unwrap();
            "answered"
        });
        assert_eq!(block_on(there_and_back).unwrap(), "answered");
        block_on(two.run(|| ())).unwrap();
        assert_eq!(one.statistics().tasks_completed, 2);
    });
}

/// Work stands in line itself: its future need not be polled for its turn to come.
#[test]
fn a_run_that_is_polled_once_and_then_left_alone_holds_nobody_up() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let held = hold(&pool, 1);
        let mut left_alone: Vec<_> = (0..10).map(|n| pool.run(move || n)).collect();
        left_alone.iter_mut().for_each(|run| assert!(poll_once(run).is_pending()));
        let mut behind = pool.run(|| "answered");
        assert!(poll_once(&mut behind).is_pending());
        held.end();
        assert_eq!(block_on(behind).unwrap(), "answered");
        assert_eq!(pool.statistics().lapsed_permits, 0);
        for (n, run) in left_alone.into_iter().enumerate() {
            assert_eq!(block_on(run).unwrap(), n);
        }
    });
}

#[test]
fn a_paused_select_arm_holds_nobody_up() {
    in_time_async(|| async {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let held = hold(&pool, 1);
        let queued = pool.try_spawn(|| ()).unwrap();
        let mut arm = pool.run(|| "the arm");
        let answer = tokio::select! {
            biased;
            answer = &mut arm => answer,
            () = std::future::ready(()) => {
                // The arm has got into line and is not polled while this block awaits its own.
                let own = pool.run(|| "the block");
                held.release();
                own.await
            }
        };
        assert_eq!(answer.unwrap(), "the block");
        queued.await.unwrap();
        assert_eq!(arm.await.unwrap(), "the arm");
    });
}

#[test]
fn a_slow_consumer_of_many_runs_holds_nobody_up() {
    in_time_async(|| async {
        let pool = fixed(1).max_queue_size(2).build().unwrap();
        let mut many: FuturesUnordered<_> = (0..100).map(|n| pool.run(move || n)).collect();
        let mut sum = 0;
        while let Some(n) = many.next().await {
            sum += n.unwrap();
            // The consumer itself needs the pool for each, and does not poll the others meanwhile.
            sum += pool.run(|| 0).await.unwrap();
        }
        assert_eq!(sum, 4_950);
    });
}

/// Short enough for a test, and the only thing that is ever waited for.
fn lapsing() -> AdaptiveThreadPool {
    fixed(1).max_queue_size(1).reservation_timeout(Duration::from_millis(5)).build().unwrap()
}

#[test]
fn a_granted_acquire_that_nobody_polls_loses_its_turn_and_stands_in_line_anew() {
    in_time(|| {
        for _ in 0..10 {
            let pool = lapsing();
            let held = hold(&pool, 1);
            let queued = pool.try_spawn(|| "queued").unwrap();
            let wakes = Arc::<Wakes>::default();
            let mut left_alone = Box::pin(pool.acquire());
            let waker = Waker::from(Arc::clone(&wakes));
            assert!(left_alone.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            // The one behind gets its turn, and its answer.
            let mut behind = pool.run(|| "behind");
            assert!(poll_once(&mut behind).is_pending());
            held.end();
            assert_eq!(block_on(behind).unwrap(), "behind");
            assert_eq!(queued.blocking_join().unwrap(), "queued");
            until(|| (wakes.count(), pool.statistics().lapsed_permits) == (1, 1));
            assert_eq!(pool.statistics().reserved_permits, 0);
            assert_eq!(block_on(block_on(left_alone).unwrap().spawn(|| "anew")).unwrap(), "anew");
        }
    });
}

#[test]
fn many_acquires_that_nobody_polls_hold_nobody_up() {
    in_time(|| {
        for _ in 0..10 {
            let pool = lapsing();
            let held = hold(&pool, 1);
            let queued = pool.try_spawn(|| ()).unwrap();
            let mut left_alone: Vec<_> = (0..5).map(|_| pool.acquire()).collect();
            left_alone.iter_mut().for_each(|acquire| assert!(poll_once(acquire).is_pending()));
            let mut behind = pool.run(|| "behind");
            assert!(poll_once(&mut behind).is_pending());
            held.end();
            queued.blocking_join().unwrap();
            assert_eq!(block_on(behind).unwrap(), "behind");
            drop(left_alone);
            assert_eq!((pool.statistics().reserved_permits, pool.statistics().waiting_callers), (0, 0));
            drop(pool.try_acquire().unwrap());
        }
    });
}

#[test]
fn a_spawn_that_nobody_polls_holds_nobody_up() {
    in_time(|| {
        for _ in 0..10 {
            let pool = lapsing();
            let held = hold(&pool, 1);
            let queued = pool.try_spawn(|| ()).unwrap();
            let mut left_alone = Box::pin(pool.spawn(|| "late"));
            assert!(poll_once(&mut left_alone).is_pending());
            let mut behind = pool.run(|| "behind");
            assert!(poll_once(&mut behind).is_pending());
            held.end();
            queued.blocking_join().unwrap();
            assert_eq!(block_on(behind).unwrap(), "behind");
            assert_eq!(block_on(block_on(left_alone).unwrap()).unwrap(), "late");
        }
    });
}

#[test]
fn a_permit_that_is_kept_and_not_used_keeps_its_place_for_a_time_only() {
    in_time(|| {
        let pool = lapsing();
        let kept = pool.try_acquire().unwrap();
        // The only place there is.
        assert_eq!(block_on(pool.run(|| "others")).unwrap(), "others");
        until(|| (pool.statistics().lapsed_permits, pool.statistics().reserved_permits) == (1, 0));
        // The place has gone to others; the permit is as good as ever, even when the queue is full again.
        let held = hold(&pool, 1);
        let queued = pool.try_spawn(|| "queued").unwrap();
        let late = kept.spawn(|| "late");
        assert_eq!(pool.statistics().queue_depth, 2, "longer than its limit by one");
        held.end();
        assert_eq!(queued.blocking_join().unwrap(), "queued");
        assert_eq!(late.blocking_join().unwrap(), "late");
        until(|| pool.statistics().queue_depth == 0);
    });
}

#[test]
fn a_permit_that_lapsed_frees_no_second_place_when_it_is_dropped() {
    in_time(|| {
        let pool = lapsing();
        let kept = pool.try_acquire().unwrap();
        until(|| pool.statistics().lapsed_permits == 1);
        drop(kept);
        let held = hold(&pool, 1);
        let queued = pool.try_spawn(|| ()).unwrap();
        assert!(pool.try_spawn(|| ()).is_err(), "one place, no more");
        held.end();
        queued.blocking_join().unwrap();
    });
}

#[test]
fn a_permit_kept_by_a_caller_in_line_is_lent_for_a_time_only() {
    in_time(|| {
        let pool = lapsing();
        let held = hold(&pool, 1);
        let queued = pool.try_spawn(|| ()).unwrap();
        let mut first = pool.acquire();
        assert!(poll_once(&mut first).is_pending());
        queued.abort();
        let kept = block_on(first).unwrap();
        let mut behind = pool.run(|| "behind");
        assert!(poll_once(&mut behind).is_pending());
        held.end();
        assert_eq!(block_on(behind).unwrap(), "behind");
        until(|| pool.statistics().lapsed_permits == 1);
        assert_eq!(kept.spawn(|| "late").blocking_join().unwrap(), "late");
    });
}

#[test]
fn tasks_of_two_threads_that_wait_for_outside_work_get_it() {
    in_time(|| {
        let pool = fixed(2).max_queue_size(1).build().unwrap();
        let gate = Arc::new(Gate::default());
        let inside = Arc::clone(&gate);
        let mut waits = pool.run(move || inside.pass());
        assert!(poll_once(&mut waits).is_pending());
        // Let in by the other thread.
        block_on(pool.run(move || gate.open())).unwrap();
        block_on(waits).unwrap();
    });
}

#[test]
fn a_closed_pool_gives_its_own_task_a_clear_error() {
    in_time(|| {
        for pool in narrow_pools() {
            let inner = pool.clone();
            let gate = Arc::new(Gate::default());
            let within = Arc::clone(&gate);
            let task = pool
                .try_spawn(move || {
                    within.pass();
                    // It has been accepted, so its own subtasks are.
                    let run = block_on(inner.run(|| 7));
                    let spawned = inner.try_spawn(|| 8).unwrap().blocking_join();
                    let acquired = block_on(inner.acquire()).map(|permit| permit.spawn(|| 9).blocking_join());
                    (run.ok(), spawned.ok(), acquired.ok())
                })
                .unwrap();
            let mut end = Box::pin(pool.shutdown(Duration::MAX));
            assert!(poll_once(&mut end).is_pending());
            gate.open();
            let (run, spawned, acquired) = task.blocking_join().unwrap();
            assert_eq!((run, spawned), (Some(7), Some(8)));
            if let Some(result) = acquired {
                assert!(matches!(result, Ok(9) | Err(JoinError::Closed)), "{result:?}");
            }
            block_on(end);
        }
    });
}
