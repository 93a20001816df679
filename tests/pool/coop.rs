//! Futures of the pool that are always ready leave the other tasks of the runtime their turn, as
//! Tokio's own types do.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;

use crate::pool_support::{block_on, fixed, give_way, in_time_async, until};
use millpond::{AdaptiveThreadPool, JoinHandle, Priority};
use tokio::task::{LocalSet, coop, spawn_local};

/// The budget of a Tokio task.
const BUDGET: u64 = 128;

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
            for _ in 0..2_000 {
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
    let handles: Vec<_> = (0..tasks).map(|_| block_on(pool.spawn(|| ())).unwrap()).collect();
    until(|| handles.iter().all(JoinHandle::is_finished));
    handles
}

#[test]
fn handles_that_are_ready_leave_others_their_turn() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let mut handles = finished(&pool, 2_000);
        let longest = longest(move || {
            let handle = handles.pop().unwrap();
            async { handle.await.unwrap() }
        });
        let longest = longest.await;
        assert!(longest <= BUDGET, "{longest}");
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
        assert!(longest <= BUDGET, "{longest}");
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
            assert!(longest <= BUDGET, "{longest}");
        }
    });
}

/// An executor within a task gets no new budget, and nothing of Tokio's wakes it.
#[test]
fn an_executor_within_a_task_without_budget_comes_to_its_end() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let mut handles = finished(&pool, 3);
        let task = tokio::spawn(async move {
            while coop::has_budget_remaining() {
                coop::consume_budget().await;
            }
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
