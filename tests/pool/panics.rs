//! A panic is a value for whoever awaits the task, and nothing to the worker that met it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::mpsc;
use std::thread;

use crate::pool_support::{PanicsInDrop, Tokens, fixed, hold, in_time, in_time_async};
use millpond::{AdaptiveThreadPool, JoinError, TaskContext};

/// One worker, the same as ever, and no place lost.
async fn is_sound(pool: &AdaptiveThreadPool) {
    assert_eq!(pool.run(|| thread::current().name().map(String::from)).await.unwrap().unwrap(), "millpond-0");
    let statistics = pool.statistics();
    assert_eq!((statistics.threads_started, statistics.queue_depth), (1, 0));
    assert_eq!((statistics.reserved_permits, statistics.waiting_callers), (0, 0));
}

#[test]
fn the_payload_comes_to_whoever_awaits() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        for (n, error) in [
            pool.run(|| -> () { panic!("spilt {}", "milk") }).await.unwrap_err(),
            pool.spawn(|| -> () { panic!("spilt milk") }).await.unwrap().await.unwrap_err(),
            pool.try_spawn(|| -> () { panic!("spilt milk") }).unwrap().await.unwrap_err(),
            pool.acquire().await.unwrap().spawn(|| -> () { panic!("spilt milk") }).await.unwrap_err(),
        ]
        .into_iter()
        .enumerate()
        {
            assert!(error.is_panic() && !error.is_cancelled());
            assert_eq!(error.to_string(), "the task panicked: spilt milk", "{n}");
        }
        assert_eq!(pool.statistics().tasks_panicked, 4);
        is_sound(&pool).await;
    });
}

#[test]
fn any_payload_can_be_taken_out_and_thrown_on() {
    #[derive(Debug, PartialEq)]
    struct Payload(u32);
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let error = pool.run(|| -> () { panic_any(Payload(7)) }).await.unwrap_err();
        assert!(matches!(&error, JoinError::Panicked(panic) if panic.message().is_none()));
        let payload = error.try_into_panic().unwrap();
        let thrown = catch_unwind(AssertUnwindSafe(|| std::panic::resume_unwind(payload))).unwrap_err();
        assert_eq!(*thrown.downcast::<Payload>().unwrap(), Payload(7));
        is_sound(&pool).await;
    });
}

#[test]
fn what_was_no_panic_has_no_payload() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let held = hold(&pool, 1);
        let task = pool.try_spawn(|| ()).unwrap();
        task.abort();
        let error = task.blocking_join().unwrap_err();
        assert!(matches!(error.try_into_panic(), Err(JoinError::Cancelled)));
        held.end();
    });
}

#[test]
fn a_panic_of_a_subtask_is_its_own() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let told = pool.run(|| {
            let subtask = TaskContext::current().unwrap().spawn(|| -> () { panic!("below") });
            subtask.blocking_join().unwrap_err().to_string()
        });
        assert_eq!(told.await.unwrap(), "the task panicked: below");
        is_sound(&pool).await;
    });
}

#[test]
fn a_panic_that_nobody_awaits_is_survived() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        drop(pool.try_spawn(|| -> () { panic!("unheard") }).unwrap());
        is_sound(&pool).await;
        assert_eq!(pool.statistics().tasks_panicked, 1);
    });
}

#[test]
fn a_panic_in_the_drop_of_a_capture_is_the_tasks_panic() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let capture = PanicsInDrop("at the end");
        let error = pool.run(move || drop(capture)).await.unwrap_err();
        assert_eq!(error.to_string(), "the task panicked: at the end");
        is_sound(&pool).await;
    });
}

#[test]
fn a_result_that_nobody_wants_may_panic_in_its_drop() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        // Detached before it runs: else its result is dropped here.
        let held = hold(&pool, 1);
        drop(pool.try_spawn(|| PanicsInDrop("unwanted")).unwrap());
        held.end();
        is_sound(&pool).await;
    });
}

#[test]
fn a_payload_that_nobody_wants_may_panic_in_its_drop() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let held = hold(&pool, 1);
        drop(pool.try_spawn(|| -> () { panic_any(PanicsInDrop("payload")) }).unwrap());
        held.end();
        is_sound(&pool).await;
    });
}

#[test]
fn a_payload_is_dropped_once() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let tokens = Tokens::default();
        let token = tokens.token();
        let error = pool.run(move || -> () { panic_any(token) }).await.unwrap_err();
        assert_eq!(tokens.alive(), 1);
        drop(error);
        assert_eq!(tokens.alive(), 0);
        is_sound(&pool).await;
    });
}

#[test]
fn hooks_may_panic() {
    in_time_async(|| async {
        let (left, leaves) = mpsc::channel();
        let pool = fixed(1)
            .on_thread_start(|| panic!("at the start"))
            .on_thread_stop(move || {
                left.send(()).unwrap();
                panic!("at the end")
            })
            .build()
            .unwrap();
        is_sound(&pool).await;
        let report = pool.shutdown(std::time::Duration::MAX).await;
        assert_eq!((report.completed, report.still_running), (0, 0));
        leaves.recv().unwrap();
    });
}
