//! A caller who has the pool to itself may be answered before it gives its thread back; others have their turn all the same.

use std::cell::Cell;
use std::rc::Rc;

use crate::pool_support::{fixed, give_way, in_time_async};
use tokio::task::{LocalSet, spawn_local};

#[test]
fn it_keeps_within_its_budget_of_the_runtime() {
    in_time_async(|| async {
        // The runtime's thread is never idle here: beside other programs a worker that is nice would hardly ever run.
        let pool = fixed(1).worker_niceness(0).build().unwrap();
        let turns = Rc::new(Cell::new(0_u64));
        let counted = Rc::clone(&turns);
        let local = LocalSet::new();
        let longest = local.run_until(async move {
            let other = spawn_local(async move {
                loop {
                    counted.set(counted.get() + 1);
                    give_way().await;
                }
            });
            let caller = spawn_local(async move {
                let (mut seen, mut answers, mut longest) = (turns.get(), 0_u64, 0);
                for _ in 0..3_000 {
                    pool.run(|| ()).await.unwrap();
                    answers = if turns.get() == seen { answers + 1 } else { 0 };
                    seen = turns.get();
                    longest = longest.max(answers);
                }
                longest
            });
            let longest = caller.await.unwrap();
            other.abort();
            longest
        });
        // The budget of a Tokio task is 128 such steps.
        let longest = longest.await;
        assert!(longest <= 128, "{longest} answers in a row without a turn for the other task");
    });
}

/// Whether or not it looks on, a caller is answered when the task takes its time, panics, or its pool ends.
#[test]
fn it_is_answered_whatever_becomes_of_its_task() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        for round in 0..10_000_u64 {
            match round % 7 {
                0 => assert!(pool.run(|| panic!("on purpose")).await.is_err()),
                1 => {
                    let slow = move || (0..round).fold(0_u64, |sum, n| std::hint::black_box(sum ^ n));
                    pool.run(slow).await.unwrap();
                }
                _ => assert_eq!(pool.run(move || round).await.unwrap(), round),
            }
        }
        pool.shutdown(std::time::Duration::MAX).await;
        assert!(pool.run(|| ()).await.is_err());
    });
}
