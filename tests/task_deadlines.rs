//! Work is not begun after its deadline, and not taken in if it can't be met.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

mod pool_support;

use std::time::{Duration, Instant};

use millpond::{AdaptiveThreadPool, JoinError, JoinHandle, RejectReason};
use pool_support::{Tokens, block_on, fixed, hold, in_time, poll_once, until};

/// A task that is of use for a moment, and until when. On a machine that stands still meanwhile, it is too late at once: then
/// the moment is longer.
fn soon<F: FnOnce() + Send + 'static>(
    pool: &AdaptiveThreadPool,
    work: impl Fn() -> F,
) -> (JoinHandle<()>, Instant) {
    (0..20)
        .find_map(|turn| {
            let soon = Instant::now() + Duration::from_millis(20 << turn);
            Some((pool.task().deadline(soon).try_spawn(work()).ok()?, soon))
        })
        .unwrap()
}

#[test]
fn what_waits_at_its_deadline_is_given_up_though_all_workers_are_busy() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let (held, tokens) = (hold(&pool, 1), Tokens::default());
        let (task, soon) = soon(&pool, || {
            let token = tokens.token();
            move || drop(token)
        });
        // No worker comes by.
        assert!(matches!(block_on(task), Err(JoinError::Expired)));
        assert!(Instant::now() >= soon);
        assert_eq!(tokens.alive(), 0, "the closure is dropped");
        let statistics = pool.statistics();
        assert_eq!((statistics.tasks_expired, statistics.queue_depth), (1, 0));
        held.end();
    });
}

#[test]
fn a_deadline_in_the_past_is_refused_and_the_work_is_handed_back() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let past = Instant::now();
        let rejected = pool.task().deadline(past).try_spawn(|| 1).unwrap_err();
        assert_eq!(rejected.rejection().reason, RejectReason::DeadlineTooNear);
        assert_eq!(rejected.into_inner()(), 1);
        match block_on(pool.task().deadline(past).run(|| 1)) {
            Err(JoinError::Rejected(rejection)) => {
                assert_eq!(rejection.reason, RejectReason::DeadlineTooNear);
            }
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn work_that_could_not_be_done_in_time_is_refused_by_what_tasks_took_of_late() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let spin = || {
            let since = Instant::now();
            while since.elapsed() < Duration::from_millis(5) {}
        };
        for _ in 0..20 {
            block_on(pool.task().run(spin)).unwrap();
        }
        let held = hold(&pool, 1);
        let within = |ms| pool.task().deadline(Instant::now() + Duration::from_millis(ms));
        // A second of work waits; the estimate is of processor time, so a busy machine changes nothing.
        let waiting: Vec<_> = (0..200).map(|_| pool.task().try_spawn(spin).unwrap()).collect();
        // It is due before the others, and would be next.
        assert!(within(500).try_spawn(spin).is_ok());
        // Nobody can do five milliseconds' work in one.
        let refused = within(1).try_spawn(spin).unwrap_err();
        assert_eq!(refused.rejection().reason, RejectReason::DeadlineTooNear);
        let retry = refused.rejection().retry_after.unwrap();
        assert!(retry >= Duration::from_millis(1));
        waiting.iter().for_each(millpond::JoinHandle::abort);
        held.end();
    });
}

#[test]
fn expired_work_leaves_its_place_to_others() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let held = hold(&pool, 1);
        let (first, _) = soon(&pool, || || ());
        let mut waits = Box::pin(pool.run(|| "its turn"));
        assert!(poll_once(&mut waits).is_pending());
        assert_eq!(pool.statistics().waiting_callers, 1);
        assert!(matches!(block_on(first), Err(JoinError::Expired)));
        until(|| pool.statistics().waiting_callers == 0);
        held.end();
        assert_eq!(block_on(waits).unwrap(), "its turn");
    });
}
