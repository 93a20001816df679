//! Closures and results of any size that a thread of `spawn_blocking` takes run on a worker, too.
//! And the size of a worker's stack is an option.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use crate::pool_support::{Tokens, block_on, fixed, hold, in_time};
use millpond::{AdaptiveThreadPool, RejectReason, TaskContext};

const MIB: usize = 1 << 20;

/// Runs the test on a thread whose own stack has room for many copies of a closure.
fn with_room(test: impl FnOnce() + Send + 'static) {
    in_time(|| thread::Builder::new().stack_size(256 * MIB).spawn(test).unwrap().join().unwrap());
}

/// A closure that holds a megabyte by value.
fn large() -> impl FnOnce() -> usize + Send + 'static {
    let bytes = [1_u8; MIB];
    move || black_box(&bytes).iter().map(|&byte| usize::from(byte)).sum()
}

#[test]
fn a_closure_of_a_megabyte_runs_on_a_worker_however_it_is_submitted() {
    with_room(|| {
        let pool = fixed(1).build().unwrap();
        assert_eq!(block_on(pool.run(large())).unwrap(), MIB);
        assert_eq!(block_on(block_on(pool.spawn(large())).unwrap()).unwrap(), MIB);
        assert_eq!(pool.try_spawn(large()).unwrap().blocking_join().unwrap(), MIB);
        assert_eq!(block_on(pool.try_acquire().unwrap().spawn(large())).unwrap(), MIB);
        assert_eq!(block_on(pool.task().tenant("a").run(large())).unwrap(), MIB);
        assert_eq!(block_on(pool.task().name("n").try_spawn(large()).unwrap()).unwrap(), MIB);
        assert_eq!(block_on(block_on(pool.task().bytes(1).spawn(large())).unwrap()).unwrap(), MIB);
    });
}

#[test]
fn a_result_of_a_megabyte_comes_from_a_worker() {
    with_room(|| {
        let pool = fixed(1).build().unwrap();
        let result = block_on(pool.run(|| [1_u8; MIB])).unwrap();
        assert_eq!(result.len(), MIB);
        let result = pool.task().tenant("a").try_spawn(|| [1_u8; MIB]).unwrap().blocking_join().unwrap();
        assert_eq!(result.len(), MIB);
    });
}

#[test]
fn a_large_closure_with_a_large_result_runs_as_a_subtask() {
    with_room(|| {
        // The task itself moves the closure by value.
        let pool = fixed(1).thread_stack_size(64 * MIB).build().unwrap();
        let sum = pool.run(|| {
            let bytes = [1_u8; MIB];
            let subtask = TaskContext::current().unwrap().spawn(move || bytes);
            subtask.blocking_join().unwrap().iter().map(|&byte| usize::from(byte)).sum::<usize>()
        });
        assert_eq!(block_on(sum).unwrap(), MIB);
    });
}

#[test]
fn a_large_closure_that_waited_for_its_bytes_runs_too() {
    with_room(|| {
        let pool = fixed(1).byte_budget(10).build().unwrap();
        let held = hold(&pool, 1);
        let first = pool.task().bytes(10).try_spawn(|| ()).unwrap();
        let mut second = Box::pin(pool.task().bytes(10).spawn(large()));
        assert!(crate::pool_support::poll_once(&mut second).is_pending());
        held.end();
        block_on(first).unwrap();
        assert_eq!(block_on(block_on(second).unwrap()).unwrap(), MIB);
    });
}

#[test]
fn a_large_closure_that_is_refused_comes_back_and_one_that_is_cancelled_is_dropped_at_once() {
    with_room(|| {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let (held, tokens) = (hold(&pool, 1), Tokens::default());
        let (token, bytes) = (tokens.token(), [1_u8; MIB]);
        let queued = pool.try_spawn(move || (black_box(&bytes).len(), drop(token))).unwrap();
        let refused = pool.try_spawn(large()).unwrap_err();
        assert_eq!(refused.rejection().reason, RejectReason::QueueFull);
        assert_eq!(refused.into_inner()(), MIB);
        let late = pool.task().deadline(Instant::now()).try_spawn(large()).unwrap_err();
        assert_eq!(late.into_inner()(), MIB);
        queued.abort();
        assert_eq!(tokens.alive(), 0);
        held.end();
        let permit = pool.try_acquire().unwrap();
        block_on(pool.shutdown(Duration::MAX));
        assert!(block_on(permit.spawn(large())).unwrap_err().is_closed());
    });
}

/// Recurses until it has used about that many bytes of the stack.
fn recurse(bytes: usize) -> usize {
    let frame = black_box([0_u8; 4096]);
    if bytes < frame.len() { frame.len() } else { recurse(bytes - frame.len()).max(frame.len()) }
}

#[test]
fn a_pool_with_large_stacks_runs_tasks_that_recurse_deeply() {
    in_time(|| {
        let pool = fixed(1).thread_stack_size(64 * MIB).build().unwrap();
        assert_eq!(block_on(pool.run(|| recurse(16 * MIB))).unwrap(), 4096);
        // A handler that starts the threads gets the size with the builder.
        let pool = AdaptiveThreadPool::builder()
            .thread_stack_size(64 * MIB)
            .spawn_handler(|thread, body| thread.spawn(body).map(drop))
            .build()
            .unwrap();
        assert_eq!(block_on(pool.run(|| recurse(16 * MIB))).unwrap(), 4096);
    });
}

#[test]
fn the_least_stack_is_enough_for_a_small_task() {
    in_time(|| {
        let pool = fixed(2).thread_stack_size(128 << 10).build().unwrap();
        assert_eq!(block_on(pool.run(|| 6 * 7)).unwrap(), 42);
    });
}
