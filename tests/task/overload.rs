//! What a pool does when work waits for too long.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::pool_support::{block_on, fixed, hold, in_time};
use millpond::{JoinError, Priority, RejectReason, Shedding};

/// At the least.
fn milliseconds(ms: u64) {
    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(ms) {
        std::hint::spin_loop();
    }
}

#[test]
fn in_an_overload_old_work_is_refused_instead_of_begun_and_bulk_work_stays_away() {
    in_time(|| {
        let pool = fixed(1).shedding(Shedding::OldestFirst).build().unwrap();
        let held = hold(&pool, 1);
        // Bulk work is due after all of that, and tells when it runs.
        let standard: Vec<_> = (0..60).map(|_| pool.task().try_spawn(|| milliseconds(6)).unwrap()).collect();
        let (runs, running) = mpsc::channel();
        let (go_on, goes_on) = mpsc::channel::<()>();
        let goes_on = std::sync::Arc::new(std::sync::Mutex::new(goes_on));
        let bulk: Vec<_> = (0..50)
            .map(|_| {
                let (runs, goes_on) = (runs.clone(), std::sync::Arc::clone(&goes_on));
                let work = move || {
                    milliseconds(6);
                    runs.send(()).unwrap();
                    goes_on.lock().unwrap().recv().unwrap();
                };
                pool.task().priority(Priority::Bulk).try_spawn(work).unwrap()
            })
            .collect();
        held.end();
        let (mut done, mut shed) = (0, 0);
        for task in standard {
            match block_on(task) {
                Ok(()) => done += 1,
                Err(JoinError::Rejected(rejection)) if rejection.reason == RejectReason::Overloaded => {
                    shed += 1
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert!(done > 0 && shed > 0, "{done} done, {shed} shed");
        assert_eq!(pool.statistics().tasks_shed, shed);
        // What is in the queue stays there. More of it is not taken in as long as that goes on.
        let mut refused = 0;
        for _ in &bulk {
            running.recv().unwrap();
            if let Err(rejected) = pool.task().priority(Priority::Bulk).try_spawn(|| ()) {
                assert_eq!(rejected.rejection().reason, RejectReason::Overloaded);
                refused += 1;
            }
            assert!(pool.task().priority(Priority::Interactive).try_spawn(|| ()).is_ok());
            go_on.send(()).unwrap();
        }
        assert!(refused > 0);
        bulk.into_iter().for_each(|task| block_on(task).unwrap());
    });
}

#[test]
fn without_shedding_all_that_was_taken_in_is_done() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let held = hold(&pool, 1);
        let tasks: Vec<_> = (0..60).map(|_| pool.task().try_spawn(|| milliseconds(6)).unwrap()).collect();
        held.end();
        tasks.into_iter().for_each(|task| block_on(task).unwrap());
        assert_eq!(pool.statistics().tasks_shed, 0);
    });
}
