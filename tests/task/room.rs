//! Who gets the places in the queue when there are not enough.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::time::{Duration, Instant};

use crate::pool_support::{Tokens, block_on, fixed, hold, in_time, poll_once, until};
use millpond::{AdaptiveThreadPool, JoinError, JoinHandle, Priority, RejectReason};

fn reason<T>(result: Result<T, JoinError>) -> RejectReason {
    match result {
        Err(JoinError::Rejected(rejection)) => rejection.reason,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it ran"),
    }
}

/// Fills the queue with tasks of this class.
fn fill(pool: &AdaptiveThreadPool, priority: Priority) -> Vec<JoinHandle<()>> {
    std::iter::from_fn(|| pool.task().priority(priority).try_spawn(|| ()).ok()).collect()
}

#[test]
fn a_full_queue_gives_up_its_least_urgent_task_for_a_more_urgent_one() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(3).build().unwrap();
        let (held, tokens) = (hold(&pool, 1), Tokens::default());
        let mut bulk = fill(&pool, Priority::Bulk);
        assert_eq!(bulk.len(), 3);
        let token = tokens.token();
        let urgent = pool.task().priority(Priority::Interactive).try_spawn(move || drop(token)).unwrap();
        let last = bulk.pop().unwrap();
        assert_eq!(reason(block_on(last)), RejectReason::Evicted);
        let statistics = pool.statistics();
        assert_eq!((statistics.tasks_shed, statistics.queue_depth), (1, 3));
        // Nobody gives way to an equal.
        let refused = pool.task().priority(Priority::Bulk).try_spawn(|| ()).unwrap_err();
        assert_eq!(refused.rejection().reason, RejectReason::QueueFull);
        held.end();
        block_on(urgent).unwrap();
        bulk.into_iter().for_each(|task| block_on(task).unwrap());
        assert_eq!(tokens.alive(), 0);
    });
}

#[test]
fn who_is_evicted_is_told_to_stay_away_for_as_long_as_it_has_waited() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let held = hold(&pool, 1);
        let since = Instant::now();
        let bulk = pool.task().priority(Priority::Bulk).try_spawn(|| ()).unwrap();
        let submitted = Instant::now();
        until(|| since.elapsed() > Duration::from_millis(30));
        let waited = submitted.elapsed();
        let urgent = pool.task().priority(Priority::Interactive).try_spawn(|| ()).unwrap();
        let Err(JoinError::Rejected(rejection)) = block_on(bulk) else { panic!("it was not evicted") };
        assert!(rejection.retry_after.unwrap() >= waited);
        held.end();
        block_on(urgent).unwrap();
    });
}

#[test]
fn plain_tasks_never_give_way() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(2).build().unwrap();
        let held = hold(&pool, 1);
        let plain: Vec<_> = (0..2).map(|_| pool.try_spawn(|| ()).unwrap()).collect();
        let refused = pool.task().priority(Priority::Interactive).try_spawn(|| ()).unwrap_err();
        assert_eq!(refused.rejection().reason, RejectReason::QueueFull);
        held.end();
        plain.into_iter().for_each(|task| block_on(task).unwrap());
    });
}

#[test]
fn a_tenant_leaves_room_for_others() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(12).build().unwrap();
        let held = hold(&pool, 1);
        let offer = |tenant: &'static str| {
            let tasks: Vec<_> =
                std::iter::from_fn(|| pool.task().tenant(tenant).try_spawn(|| ()).ok()).collect();
            let refused = pool.task().tenant(tenant).try_spawn(|| ()).unwrap_err();
            assert_eq!(refused.rejection().reason, RejectReason::TenantLimit);
            assert_eq!(refused.rejection().depth, tasks.len());
            tasks
        };
        let first = offer("first");
        assert_eq!(first.len(), 6, "half of what is left by others");
        let second = offer("second");
        assert_eq!(second.len(), 3, "half of the other half");
        held.end();
        first.into_iter().chain(second).for_each(|task| block_on(task).unwrap());
    });
}

#[test]
fn a_spawn_that_waits_for_room_is_counted_as_waiting_and_not_as_refused() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(2).byte_budget(10).build().unwrap();
        let held = hold(&pool, 1);
        // Its tenant then has its share, and the budget is spent.
        let first = pool.task().tenant("a").bytes(10).try_spawn(|| ()).unwrap();
        let mut over_share = Box::pin(pool.task().tenant("a").spawn(|| ()));
        let mut no_bytes = Box::pin(pool.task().tenant("b").bytes(10).spawn(|| ()));
        assert!(poll_once(&mut over_share).is_pending() && poll_once(&mut no_bytes).is_pending());
        assert_eq!(pool.statistics().refusals.total(), 0);
        held.end();
        block_on(first).unwrap();
        block_on(block_on(over_share).unwrap()).unwrap();
        block_on(block_on(no_bytes).unwrap()).unwrap();
        assert_eq!(pool.statistics().refusals.total(), 0);
    });
}

#[test]
#[cfg(feature = "test-util")]
fn a_busy_tenant_alone_has_half_of_the_places() {
    in_time(|| {
        let (pool, stepper) = AdaptiveThreadPool::builder().max_queue_size(64).build_manual().unwrap();
        let call = || {
            let mut run = Box::pin(pool.task().tenant("busy").run(|| ()));
            assert!(poll_once(&mut run).is_pending());
            run
        };
        // Each caller calls again as soon as it has its answer.
        let mut calls: Vec<_> = (0..62).map(|_| call()).collect();
        for _ in 0..500 {
            assert!(stepper.step());
            let done = calls.iter_mut().position(|run| poll_once(run).is_ready()).unwrap();
            calls[done] = call();
        }
        let refused = pool.task().tenant("busy").try_spawn(|| ()).unwrap_err();
        assert_eq!(refused.rejection().reason, RejectReason::TenantLimit);
        assert_eq!((refused.rejection().depth, refused.rejection().limit), (32, 32));
        let free: Vec<_> = std::iter::from_fn(|| pool.try_acquire().ok()).collect();
        assert_eq!(free.len(), 32, "the other half is free for others");
    });
}

#[test]
fn callers_who_wait_for_room_are_served_in_the_same_order_as_what_is_in_the_queue() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(2).build().unwrap();
        let held = hold(&pool, 1);
        let (done, dones) = std::sync::mpsc::channel();
        let run = |what: &'static str, priority| {
            let done = done.clone();
            let mut run = Box::pin(pool.task().priority(priority).run(move || done.send(what).unwrap()));
            assert!(poll_once(&mut run).is_pending());
            run
        };
        let waits = [
            run("bulk 1", Priority::Bulk),
            run("bulk 2", Priority::Bulk),
            run("bulk 3", Priority::Bulk),
            run("interactive", Priority::Interactive),
        ];
        assert_eq!(pool.statistics().waiting_callers, 2);
        held.end();
        waits.into_iter().for_each(|run| block_on(run).unwrap());
        assert_eq!(dones.try_iter().collect::<Vec<_>>(), ["interactive", "bulk 1", "bulk 2", "bulk 3"]);
        assert_eq!(pool.statistics().waiting_callers, 0);
    });
}

#[test]
fn spawn_waits_for_room() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let held = hold(&pool, 1);
        let first = pool.task().try_spawn(|| 1).unwrap();
        let mut second = Box::pin(pool.task().tenant("a").spawn(|| 2));
        assert!(poll_once(&mut second).is_pending());
        held.end();
        assert_eq!(block_on(first).unwrap(), 1);
        let second = block_on(second).unwrap();
        assert_eq!(block_on(second).unwrap(), 2);
    });
}

#[test]
fn a_closed_pool_hands_labelled_work_back_and_drains_what_it_had() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let held = hold(&pool, 1);
        let accepted = pool.task().tenant("a").try_spawn(|| 1).unwrap();
        let mut waits = Box::pin(pool.task().tenant("b").run(|| 2));
        assert!(poll_once(&mut waits).is_pending());
        let mut shutdown = Box::pin(pool.shutdown(Duration::MAX));
        assert!(poll_once(&mut shutdown).is_pending());
        let refused = pool.task().try_spawn(|| 3).unwrap_err();
        assert_eq!(refused.rejection().reason, RejectReason::ShuttingDown);
        assert_eq!(refused.into_inner()(), 3);
        assert!(matches!(block_on(pool.task().run(|| 4)), Err(JoinError::Closed)));
        assert!(block_on(pool.task().spawn(|| 5)).is_err());
        held.end();
        assert_eq!(block_on(accepted).unwrap(), 1);
        let report = block_on(shutdown);
        assert_eq!((report.cancelled, report.turned_away), (0, 1));
        // It was beyond the limit of the queue when the pool was closed.
        assert!(matches!(block_on(waits), Err(JoinError::Closed)));
    });
}

#[test]
fn the_deadline_of_a_shutdown_cancels_what_is_in_the_order() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let held = hold(&pool, 1);
        let tasks: Vec<_> = (0..10).map(|_| pool.task().tenant("a").try_spawn(|| ()).unwrap()).collect();
        let report = block_on(pool.shutdown(Duration::ZERO));
        assert_eq!(report.cancelled, 10);
        for task in tasks {
            assert!(matches!(block_on(task), Err(JoinError::Cancelled)));
        }
        held.end();
    });
}

#[test]
fn a_tenant_that_spawns_leaves_room_for_others_too() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(12).build().unwrap();
        let held = hold(&pool, 1);
        let spawn = || Box::pin(pool.task().tenant("first").spawn(|| ()));
        let mut waits: Vec<_> = (0..20).map(|_| spawn()).collect();
        let placed = waits.iter_mut().filter_map(|spawn| match poll_once(spawn) {
            std::task::Poll::Ready(handle) => Some(handle.unwrap()),
            std::task::Poll::Pending => None,
        });
        let placed: Vec<_> = placed.collect();
        assert_eq!(placed.len(), 6, "half of what is left by others");
        let other = pool.task().tenant("second").try_spawn(|| ()).unwrap();
        held.end();
        block_on(other).unwrap();
        placed.into_iter().for_each(|task| block_on(task).unwrap());
        for spawn in waits.split_off(6) {
            block_on(block_on(spawn).unwrap()).unwrap();
        }
        assert_eq!(pool.statistics().waiting_callers, 0);
    });
}
