//! Work is not begun after its deadline, and not taken in if it can't be met.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::time::{Duration, Instant};

use crate::pool_support::{Tokens, block_on, fixed, hold, in_time, poll_once, until};
use millpond::{AdaptiveThreadPool, JoinError, JoinHandle, RejectReason};

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
        until(|| tokens.alive() == 0);
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
        assert_eq!(rejected.rejection().reason, RejectReason::Expired);
        assert_eq!(rejected.into_inner()(), 1);
        assert!(block_on(pool.task().deadline(past).run(|| 1)).unwrap_err().is_expired());
    });
}

#[test]
fn each_refusal_of_work_that_came_too_late_is_counted_once() {
    in_time(|| {
        let pool = fixed(1).byte_budget(10).build().unwrap();
        let counted = || {
            let statistics = pool.statistics();
            (statistics.tasks_expired, statistics.backpressure_events)
        };
        let late = || pool.task().deadline(Instant::now());
        assert!(late().try_spawn(|| ()).is_err());
        assert_eq!(counted(), (1, 1));
        assert!(block_on(late().run(|| ())).is_err());
        assert_eq!(counted(), (2, 2));
        assert!(block_on(late().spawn(|| ())).is_err());
        assert_eq!(counted(), (3, 3));
        assert!(late().bytes(5).try_spawn(|| ()).is_err());
        assert_eq!(counted(), (4, 4));
        let inner = pool.clone();
        let outer = pool.run(move || inner.task().deadline(Instant::now()).try_spawn(|| ()).is_err());
        assert!(block_on(outer).unwrap());
        assert_eq!(counted(), (5, 5));
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

#[test]
fn a_deadline_holds_for_what_a_task_submits_to_its_own_pool() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let inner = pool.clone();
        let outer = pool.run(move || {
            let past = Instant::now();
            let refused = inner.task().deadline(past).try_spawn(|| 1).unwrap_err();
            assert_eq!(refused.rejection().reason, RejectReason::Expired);
            assert!(block_on(inner.task().deadline(past).run(|| 1)).unwrap_err().is_expired());
            // This worker is the only one, and busy until that is too late.
            let late = inner.task().deadline(Instant::now() + Duration::from_millis(20)).try_spawn(|| 1);
            let since = Instant::now();
            until(|| since.elapsed() > Duration::from_millis(30));
            late
        });
        // On a machine that stood still meanwhile it was refused at once.
        if let Ok(late) = block_on(outer).unwrap() {
            assert!(matches!(block_on(late), Err(JoinError::Expired)));
            // With the two that were refused. A caller who polls just then sees the result before
            // the worker has counted it.
            until(|| {
                let statistics = pool.statistics();
                (statistics.tasks_expired, statistics.queue_depth) == (3, 0)
            });
        }
    });
}

#[test]
fn who_helps_a_task_that_waits_does_not_begin_it_after_its_deadline() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let inner = pool.clone();
        let outer = pool.run(move || {
            let since = Instant::now();
            let late = inner.task().deadline(since + Duration::from_millis(20)).try_spawn(|| ());
            until(|| since.elapsed() > Duration::from_millis(30));
            late.ok().map(JoinHandle::blocking_join)
        });
        let late = block_on(outer).unwrap();
        // On a machine that stood still meanwhile it was refused at once.
        assert!(matches!(late, None | Some(Err(JoinError::Expired))), "{late:?}");
    });
}

#[test]
fn the_deadline_of_work_that_waits_for_its_bytes_holds_too() {
    in_time(|| {
        let pool = fixed(1).byte_budget(100).build().unwrap();
        let (held, tokens) = (hold(&pool, 1), Tokens::default());
        let first = pool.task().bytes(60).try_spawn(|| ()).unwrap();
        let token = tokens.token();
        let soon = Instant::now() + Duration::from_millis(20);
        let late = pool.task().bytes(60).deadline(soon).run(move || drop(token));
        // Its bytes do not come.
        match block_on(late) {
            // On a machine that stood still meanwhile it had expired when it came.
            Err(JoinError::Expired) => {
                let statistics = pool.statistics();
                assert!(statistics.tasks_expired == 1 || statistics.backpressure_events == 1);
            }
            Err(JoinError::Rejected(why)) => assert_eq!(why.reason, RejectReason::DeadlineTooNear),
            other => panic!("{other:?}"),
        }
        until(|| tokens.alive() == 0);
        assert_eq!((pool.statistics().bytes_under_way, pool.statistics().waiting_callers), (60, 0));
        held.end();
        block_on(first).unwrap();
    });
}

#[test]
fn a_deadline_beyond_all_times_is_none() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let held = hold(&pool, 1);
        let year = Duration::from_secs(31_536_000);
        let tasks: Vec<_> = [1_000, 30, 1_000, 1]
            .map(|years| pool.task().deadline(Instant::now() + year * years).try_spawn(|| ()).unwrap())
            .into();
        held.end();
        tasks.into_iter().for_each(|task| block_on(task).unwrap());
    });
}
