//! Futures of the pool that are always ready leave the other tasks of the runtime their turn, as
//! Tokio's own types do.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::pool_support::{block_on, fixed, give_way, hold, in_time_async, poll_once, short, until};
use millpond::{AdaptiveThreadPool, JoinHandle, Priority};
use tokio::task::{LocalSet, coop, spawn_local, yield_now};

/// The budget of a Tokio task.
const BUDGET: u64 = 128;
/// Results that follow each other within a microsecond share a unit of it.
const GROUP: u64 = 8;
/// The most results in a row. Those of the first group may follow others on the same thread.
const MOST: u64 = GROUP * (BUDGET + 1);
const STEPS: usize = 3_000;

/// Runs `step` many times, and returns the greatest number of steps in a row without a turn of the
/// other task.
async fn longest<Fut: Future<Output = ()> + 'static>(mut step: impl FnMut() -> Fut + 'static) -> u64 {
    let turns = Rc::new(Cell::new(0_u64));
    let counted = Rc::clone(&turns);
    let local = LocalSet::new();
    let body = async move {
        let other = spawn_local(async move {
            loop {
                counted.set(counted.get() + 1);
                give_way().await;
            }
        });
        let caller = spawn_local(async move {
            let (mut seen, mut steps, mut longest) = (turns.get(), 0, 0);
            for _ in 0..STEPS {
                step().await;
                steps = if turns.get() == seen { steps + 1 } else { 0 };
                seen = turns.get();
                longest = longest.max(steps);
            }
            longest
        });
        let longest = caller.await.unwrap();
        other.abort();
        longest
    };
    local.run_until(body).await
}

fn finished(pool: &AdaptiveThreadPool, tasks: usize) -> Vec<JoinHandle<()>> {
    let handles: Vec<_> = (0..tasks).map(|_| pool.try_spawn(|| ()).unwrap()).collect();
    until(|| handles.iter().all(JoinHandle::is_finished));
    handles
}

#[test]
fn handles_that_are_ready_leave_others_their_turn() {
    in_time_async(|| async {
        let pool = fixed(1).max_queue_size(STEPS).build().unwrap();
        let mut handles = finished(&pool, STEPS);
        let longest = longest(move || {
            let handle = handles.pop().unwrap();
            async { handle.await.unwrap() }
        });
        let longest = longest.await;
        assert!(longest <= MOST, "{longest}");
    });
}

#[test]
fn a_task_that_works_between_results_leaves_others_their_turn_as_often_as_with_tokios_types() {
    in_time_async(|| async {
        let pool = fixed(1).max_queue_size(10_000).build().unwrap();
        let mut handles = finished(&pool, STEPS);
        let acquired = pool.clone();
        let longest_of_handles = longest(move || {
            let handle = handles.pop().unwrap();
            async {
                handle.await.unwrap();
                short();
            }
        });
        let longest_of_handles = longest_of_handles.await;
        let longest_of_permits = longest(move || {
            let acquire = acquired.acquire_owned();
            async {
                drop(acquire.await.unwrap());
                short();
            }
        });
        let longest_of_permits = longest_of_permits.await;
        // The first group may follow quick results of others.
        let most = BUDGET + GROUP;
        assert!(longest_of_handles <= most, "{longest_of_handles}");
        assert!(longest_of_permits <= most, "{longest_of_permits}");
    });
}

/// Tokio's own `yield_now` waits until the runtime has looked at its timers and sockets. A caller
/// who was woken at once would let it do so once in 61 turns.
#[test]
fn the_runtime_looks_at_its_timers_beside_handles_that_are_ready() {
    const HANDLES: usize = 10_000;
    in_time_async(|| async {
        let pool = fixed(1).max_queue_size(HANDLES).build().unwrap();
        let handles = finished(&pool, HANDLES);
        let turns = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&turns);
        let other = tokio::spawn(async move {
            loop {
                counted.fetch_add(1, Ordering::Relaxed);
                yield_now().await;
            }
        });
        let caller = tokio::spawn(async move {
            for handle in handles {
                handle.await.unwrap();
                short();
            }
        });
        caller.await.unwrap();
        other.abort();
        let turns = turns.load(Ordering::Relaxed);
        // On a machine that is busy the pool may wake the caller before Tokio does.
        assert!(turns >= HANDLES / BUDGET as usize / 2, "{turns}");
    });
}

#[test]
fn runs_that_are_ready_leave_others_their_turn() {
    in_time_async(|| async {
        let pool = fixed(1).max_queue_size(10_000).build().unwrap();
        let held = hold(&pool, 1);
        let begun = |_| {
            let pool = pool.clone();
            let mut run: Pin<Box<dyn Future<Output = ()>>> =
                Box::pin(async move { pool.run(|| ()).await.unwrap() });
            assert!(poll_once(&mut run).is_pending());
            run
        };
        let mut runs: Vec<_> = (0..STEPS).map(begun).collect();
        held.end();
        until(|| pool.statistics().tasks_completed > STEPS as u64);
        let longest = longest(move || runs.pop().unwrap()).await;
        assert!(longest <= MOST, "{longest}");
    });
}

#[test]
fn runs_that_are_refused_leave_others_their_turn() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        pool.shutdown(Duration::MAX).await;
        let longest = longest(move || {
            let pool = pool.clone();
            async move { assert!(pool.run(|| ()).await.is_err()) }
        });
        let longest = longest.await;
        assert!(longest <= MOST, "{longest}");
    });
}

#[test]
fn handles_of_tasks_that_never_ran_leave_others_their_turn() {
    in_time_async(|| async {
        let pool = fixed(1).max_queue_size(10_000).build().unwrap();
        let held = hold(&pool, 1);
        let cancelled: Vec<_> = (0..STEPS).map(|_| pool.try_spawn(|| ()).unwrap()).collect();
        cancelled.iter().for_each(JoinHandle::abort);
        let permits: Vec<_> = (0..STEPS).map(|_| pool.try_acquire().unwrap()).collect();
        held.end();
        pool.shutdown(Duration::MAX).await;
        let refused: Vec<_> = permits.into_iter().map(|permit| permit.spawn(|| ())).collect();
        for mut handles in [cancelled, refused] {
            let longest = longest(move || {
                let handle = handles.pop().unwrap();
                async { assert!(handle.await.is_err()) }
            });
            let longest = longest.await;
            assert!(longest <= MOST, "{longest}");
        }
    });
}

#[test]
fn permits_that_are_free_leave_others_their_turn() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let longest = longest(move || {
            let acquire = pool.acquire_owned();
            async { drop(acquire.await.unwrap()) }
        });
        let longest = longest.await;
        assert!(longest <= MOST, "{longest}");
    });
}

#[test]
fn spawns_that_find_room_leave_others_their_turn() {
    in_time_async(|| async {
        for labelled in [false, true] {
            let pool = fixed(1).max_queue_size(10_000).build().unwrap();
            let longest = longest(move || {
                let pool = pool.clone();
                async move {
                    drop(match labelled {
                        true => pool.task().priority(Priority::Bulk).spawn(|| ()).await.unwrap(),
                        false => pool.spawn(|| ()).await.unwrap(),
                    });
                }
            });
            let longest = longest.await;
            assert!(longest <= MOST, "{longest}");
        }
    });
}

async fn spend_budget() {
    while coop::has_budget_remaining() {
        coop::consume_budget().await;
    }
}

/// A future that gave way and then had to wait was polled with a new budget in between.
#[test]
fn a_future_that_gave_way_once_gives_way_again_when_its_permit_comes() {
    in_time_async(|| async {
        let task = tokio::spawn(async {
            let pool = fixed(1).max_queue_size(1).build().unwrap();
            let mut acquire = Box::pin(pool.acquire());
            spend_budget().await;
            short();
            assert!(poll_once(&mut acquire).is_pending(), "it gives way");
            let taken = pool.try_acquire().unwrap();
            yield_now().await;
            assert!(poll_once(&mut acquire).is_pending(), "it waits");
            drop(taken);
            spend_budget().await;
            assert!(poll_once(&mut acquire).is_pending(), "it gives way");
            yield_now().await;
            assert!(poll_once(&mut acquire).is_ready());
        });
        task.await.unwrap();
    });
}

/// An executor within a task gets no new budget, and nothing of Tokio's wakes it.
#[test]
fn an_executor_within_a_task_without_budget_comes_to_its_end() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let mut handles = finished(&pool, 3);
        let task = tokio::spawn(async move {
            spend_budget().await;
            for handle in handles.drain(..) {
                block_on(handle).unwrap();
            }
            assert_eq!(block_on(pool.run(|| 7)).unwrap(), 7);
            let permit = block_on(pool.acquire()).unwrap();
            block_on(permit.spawn(|| ())).unwrap();
            block_on(block_on(pool.spawn(|| ())).unwrap()).unwrap();
            coop::has_budget_remaining()
        });
        assert!(!task.await.unwrap());
    });
}
