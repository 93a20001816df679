//! What the report of a shutdown says of tasks and threads.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use crate::pool_support::{
    Gate, PATIENCE, ThreadEvents, Tokens, block_on, fixed, hold, in_time, poll_once, until, until_cancelled,
};
use millpond::{AdaptiveThreadPool, JoinError, TaskContext};

const FOR_EVER: Duration = Duration::MAX;
const AT_ONCE: Duration = Duration::ZERO;

thread_local! {
    static LOCAL: RefCell<Option<Local>> = const { RefCell::new(None) };
}

/// A thread-local whose drop passes a gate and is then counted.
struct Local {
    gate: Arc<Gate>,
    dropped: Arc<AtomicUsize>,
}

impl Drop for Local {
    fn drop(&mut self) {
        self.gate.pass();
        self.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// Gives each of the pool's threads a thread-local.
fn give_locals(pool: &AdaptiveThreadPool, threads: usize, gate: &Arc<Gate>) -> Arc<AtomicUsize> {
    let dropped = Arc::<AtomicUsize>::default();
    let met = Arc::new(Barrier::new(threads));
    let give = |_| {
        let local = Local { gate: Arc::clone(gate), dropped: Arc::clone(&dropped) };
        let met = Arc::clone(&met);
        pool.try_spawn(move || {
            met.wait();
            LOCAL.set(Some(local));
        })
        .unwrap()
    };
    let tasks: Vec<_> = (0..threads).map(give).collect();
    tasks.into_iter().for_each(|task| task.blocking_join().unwrap());
    dropped
}

fn open() -> Arc<Gate> {
    let gate = Arc::<Gate>::default();
    gate.open();
    gate
}

#[test]
fn the_threads_are_gone_with_their_locals_when_the_report_is_there() {
    in_time(|| {
        for round in 0..100 {
            let pool = fixed(2).build().unwrap();
            let dropped = give_locals(&pool, 2, &open());
            let report = match round % 3 {
                0 => block_on(pool.shutdown(FOR_EVER)),
                1 => block_on(pool.shutdown(PATIENCE)),
                _ => block_on(pool.cancel_and_wait(PATIENCE)),
            };
            assert_eq!((dropped.load(Ordering::SeqCst), report.threads_remaining), (2, 0), "{round}");
        }
    });
}

#[test]
fn threads_that_have_left_before_are_gone_as_well() {
    in_time(|| {
        let (builder, events) = ThreadEvents::watch(fixed(2).min_threads(1));
        let pool = builder.idle_timeout(Duration::from_millis(1)).build().unwrap();
        if crate::pool_support::usable_cores() > 1 {
            let dropped = give_locals(&pool, 2, &open());
            events.next_stop();
            let report = block_on(pool.shutdown(FOR_EVER));
            assert_eq!((dropped.load(Ordering::SeqCst), report.threads_remaining), (2, 0));
        }
    });
}

#[test]
fn the_report_counts_threads_whose_locals_take_long_to_drop() {
    in_time(|| {
        let pool = fixed(2).build().unwrap();
        let gate = Arc::<Gate>::default();
        let dropped = give_locals(&pool, 2, &gate);
        let report = block_on(pool.shutdown(FOR_EVER));
        assert_eq!((report.still_running, report.threads_remaining), (0, 2));
        assert_eq!(dropped.load(Ordering::SeqCst), 0);
        let mut second = Box::pin(pool.shutdown(FOR_EVER));
        assert!(poll_once(&mut second).is_pending());
        gate.open();
        assert_eq!(block_on(second).threads_remaining, 0);
        assert_eq!(dropped.load(Ordering::SeqCst), 2);
    });
}

#[test]
fn threads_of_a_spawn_handler_count_until_their_bodies_have_returned() {
    in_time(|| {
        let (builder, events) = ThreadEvents::watch(fixed(2));
        let (tell, told) = mpsc::channel();
        let pool = builder
            .spawn_handler(move |thread, body| {
                let tell = tell.clone();
                let and_more = move || {
                    body();
                    tell.send(()).unwrap();
                };
                thread.spawn(and_more).map(drop)
            })
            .build()
            .unwrap();
        let held = hold(&pool, 1);
        let report = block_on(pool.shutdown(AT_ONCE));
        assert!(matches!(report.threads_remaining, 1 | 2), "{report:?}");
        held.end();
        let report = block_on(pool.cancel_and_wait(FOR_EVER));
        assert_eq!((events.stops(), report.threads_remaining), (2, 0));
        told.recv().unwrap();
        told.recv().unwrap();
    });
}

#[test]
fn a_cancelled_pool_runs_nothing_more_and_waits_for_what_stops() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let running = until_cancelled(&pool);
        let tokens = Tokens::default();
        let queued: Vec<_> = (0..10)
            .map(|_| {
                let token = tokens.token();
                pool.try_spawn(move || drop(token)).unwrap()
            })
            .collect();
        let report = block_on(pool.cancel_and_wait(FOR_EVER));
        assert_eq!((report.completed, report.cancelled), (1, 10));
        assert_eq!((report.still_running, report.threads_remaining), (0, 0));
        assert_eq!(running.blocking_join().unwrap(), "stopped early");
        for task in queued {
            assert!(matches!(task.blocking_join(), Err(JoinError::Cancelled)));
        }
        until(|| tokens.alive() == 0);
        assert_eq!(block_on(pool.cancel_and_wait(FOR_EVER)), block_on(pool.shutdown(FOR_EVER)));
    });
}

#[test]
fn the_grace_of_a_cancelled_pool_ends() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let held = hold(&pool, 1);
        for grace in [AT_ONCE, Duration::from_millis(20)] {
            let report = block_on(pool.cancel_and_wait(grace));
            assert_eq!((report.still_running, report.threads_remaining), (1, 1));
        }
        held.end();
        let report = block_on(pool.cancel_and_wait(FOR_EVER));
        assert_eq!((report.still_running, report.threads_remaining), (0, 0));
    });
}

/// It would wait for its own end.
#[test]
fn a_task_that_waits_for_its_own_pool_without_a_deadline_is_answered_at_once() {
    in_time(|| {
        for cancels in [false, true] {
            let (builder, events) = ThreadEvents::watch(fixed(1));
            let pool = builder.build().unwrap();
            let own = pool.clone();
            let held = hold(&pool, 1);
            let task = pool.try_spawn(move || {
                let own_end = async {
                    if cancels { own.cancel_and_wait(FOR_EVER).await } else { own.shutdown(FOR_EVER).await }
                };
                (block_on(own_end), TaskContext::current().unwrap().is_cancelled())
            });
            let queued = pool.try_spawn(|| "accepted").unwrap();
            held.end();
            let (report, cancelled) = task.unwrap().blocking_join().unwrap();
            assert_eq!((report.still_running, report.threads_remaining, cancelled), (1, 1, cancels));
            match queued.blocking_join() {
                Ok(accepted) => assert!(!cancels && accepted == "accepted"),
                Err(error) => assert!(cancels && matches!(error, JoinError::Cancelled)),
            }
            events.next_stop();
        }
    });
}

#[test]
fn two_may_wait_for_the_same_end() {
    in_time(|| {
        let pool = fixed(2).build().unwrap();
        let gate = open();
        let dropped = give_locals(&pool, 2, &gate);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    assert_eq!(block_on(pool.shutdown(FOR_EVER)).threads_remaining, 0);
                    assert_eq!(dropped.load(Ordering::SeqCst), 2);
                });
            }
        });
    });
}
