//! The bytes of all work under way stay within a budget.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::time::Duration;

use crate::pool_support::{block_on, fixed, hold, in_time, poll_once};
use millpond::{AdaptiveThreadPool, JoinError, RejectReason};

fn pool(bytes: usize) -> AdaptiveThreadPool {
    fixed(1).byte_budget(bytes).build().unwrap()
}

#[test]
fn what_has_more_bytes_than_the_whole_budget_is_told_so_at_once() {
    in_time(|| {
        let pool = pool(100);
        let refused = pool.task().bytes(101).try_spawn(|| 1).unwrap_err();
        assert_eq!(refused.rejection().reason, RejectReason::NeverFits);
        assert_eq!(refused.rejection().limit, 100);
        assert_eq!(refused.rejection().retry_after, None);
        assert_eq!(refused.into_inner()(), 1);
        match block_on(pool.task().bytes(101).run(|| 1)) {
            Err(JoinError::Rejected(rejection)) => assert_eq!(rejection.reason, RejectReason::NeverFits),
            other => panic!("{other:?}"),
        }
        assert!(block_on(pool.task().bytes(101).spawn(|| 1)).is_err());
        assert_eq!(block_on(pool.task().bytes(100).run(|| 1)).unwrap(), 1);
    });
}

#[test]
fn work_waits_for_its_bytes_and_nobody_overtakes_it() {
    in_time(|| {
        let pool = pool(100);
        let held = hold(&pool, 1);
        let first = pool.task().bytes(60).try_spawn(|| ()).unwrap();
        let mut large = Box::pin(pool.task().bytes(80).run(|| "large"));
        assert!(poll_once(&mut large).is_pending());
        // There would be room for it, but somebody waits.
        let refused = pool.task().bytes(10).try_spawn(|| ()).unwrap_err();
        assert_eq!(refused.rejection().reason, RejectReason::ByteBudget);
        assert_eq!((refused.rejection().depth, refused.rejection().limit), (60, 100));
        let statistics = pool.statistics();
        assert_eq!((statistics.bytes_under_way, statistics.waiting_callers), (60, 1));
        first.abort();
        // The next in line has got them, without being polled.
        assert_eq!(pool.statistics().bytes_under_way, 80);
        assert_eq!(pool.statistics().waiting_callers, 0);
        held.end();
        assert_eq!(block_on(large).unwrap(), "large");
        assert_eq!(pool.statistics().bytes_under_way, 0, "before the answer can be seen");
    });
}

#[test]
fn a_caller_who_goes_away_leaves_the_line() {
    in_time(|| {
        let pool = pool(100);
        let held = hold(&pool, 1);
        let first = pool.task().bytes(60).try_spawn(|| ()).unwrap();
        let mut large = Box::pin(pool.task().bytes(80).run(|| ()));
        assert!(poll_once(&mut large).is_pending());
        let mut small = Box::pin(pool.task().bytes(40).spawn(|| "small"));
        assert!(poll_once(&mut small).is_pending());
        drop(large);
        let small = block_on(small).unwrap();
        assert_eq!(pool.statistics().bytes_under_way, 100);
        held.end();
        block_on(first).unwrap();
        assert_eq!(block_on(small).unwrap(), "small");
        assert_eq!(pool.statistics().bytes_under_way, 0);
    });
}

#[test]
fn a_spawn_that_is_given_up_in_line_starts_nothing() {
    in_time(|| {
        let pool = pool(100);
        let held = hold(&pool, 1);
        let first = pool.task().bytes(60).try_spawn(|| ()).unwrap();
        let mut waits = Box::pin(pool.task().bytes(60).spawn(|| panic!("it runs")));
        assert!(poll_once(&mut waits).is_pending());
        drop(waits);
        held.end();
        block_on(first).unwrap();
        block_on(pool.shutdown(Duration::MAX));
        assert_eq!(pool.statistics().tasks_panicked, 0);
        assert_eq!(pool.statistics().bytes_under_way, 0);
    });
}

#[test]
fn a_pool_that_closes_turns_away_who_waits_for_bytes() {
    in_time(|| {
        let pool = pool(100);
        let held = hold(&pool, 1);
        let first = pool.task().bytes(60).try_spawn(|| ()).unwrap();
        let mut waits = Box::pin(pool.task().bytes(80).run(|| ()));
        assert!(poll_once(&mut waits).is_pending());
        let mut shutdown = Box::pin(pool.shutdown(Duration::MAX));
        assert!(poll_once(&mut shutdown).is_pending());
        assert!(matches!(block_on(waits), Err(JoinError::Closed)));
        held.end();
        block_on(first).unwrap();
        block_on(shutdown);
        assert_eq!(pool.statistics().bytes_under_way, 0);
    });
}

#[test]
fn a_task_may_wait_for_more_bytes_than_are_left() {
    in_time(|| {
        let pool = pool(100);
        let inner = pool.clone();
        let outer = pool.task().bytes(100).run(move || block_on(inner.task().bytes(100).run(|| 1)));
        assert_eq!(block_on(outer).unwrap().unwrap(), 1);
    });
}
