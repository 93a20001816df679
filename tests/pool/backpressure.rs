//! A full queue makes callers wait, in their order, or refuses them with the facts and with their work.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use crate::pool_support::{Tokens, block_on, fixed, hold, in_time, in_time_async, poll_once};
use millpond::RejectReason;

#[test]
fn a_queue_of_n_takes_n_and_the_next_one_waits() {
    in_time_async(|| async {
        let pool = fixed(1).max_queue_size(3).build().unwrap();
        let held = hold(&pool, 1);
        let queued: Vec<_> = (0..3).map(|n| pool.try_spawn(move || n).unwrap()).collect();
        assert_eq!(pool.statistics().queue_depth, 3);
        let mut run = pool.run(|| 3);
        let mut spawn = Box::pin(pool.spawn(|| 4));
        let mut acquire = pool.acquire();
        assert!(poll_once(&mut run).is_pending());
        assert!(poll_once(&mut spawn).is_pending());
        assert!(poll_once(&mut acquire).is_pending());
        assert_eq!(pool.statistics().waiting_callers, 3);
        assert_eq!(pool.statistics().queue_depth, 3, "who stands in line is not in the queue");
        held.end();
        for (n, task) in queued.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), n);
        }
        assert_eq!(run.await.unwrap(), 3);
        assert_eq!(spawn.await.unwrap().await.unwrap(), 4);
        assert_eq!(acquire.await.unwrap().spawn(|| 5).await.unwrap(), 5);
        assert_eq!(pool.statistics().waiting_callers, 0);
    });
}

/// The permits go around while long work runs, so the order is that of the line.
#[test]
fn those_who_wait_are_served_first_come_first_served() {
    in_time_async(|| async {
        let pool = fixed(1).max_queue_size(2).build().unwrap();
        let held = hold(&pool, 1);
        let order = Arc::new(Mutex::new(Vec::new()));
        let note = |n| {
            let order = Arc::clone(&order);
            move || order.lock().unwrap().push(n)
        };
        let mut runs: Vec<_> = (0..20).map(|n| pool.run(note(n))).collect();
        // Against the order of their making: what counts is who came first.
        for run in runs.iter_mut().rev() {
            assert!(poll_once(run).is_pending());
        }
        held.end();
        for run in runs {
            run.await.unwrap();
        }
        assert!(order.lock().unwrap().iter().copied().eq((0..20).rev()), "{order:?}");
    });
}

#[test]
fn callers_and_work_stand_in_the_same_line() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let held = hold(&pool, 1);
        let queued = pool.try_spawn(|| ()).unwrap();
        let mut first = pool.acquire();
        let mut second = pool.run(|| ());
        let mut third = pool.acquire();
        assert!(poll_once(&mut first).is_pending());
        assert!(poll_once(&mut second).is_pending());
        assert!(poll_once(&mut third).is_pending());
        queued.abort();
        let permit = block_on(first).unwrap();
        assert!(poll_once(&mut second).is_pending());
        assert_eq!(pool.statistics().waiting_callers, 2);
        drop(permit);
        assert_eq!((pool.statistics().waiting_callers, pool.statistics().queue_depth), (1, 1));
        drop(second);
        drop(block_on(third).unwrap());
        assert_eq!((pool.statistics().waiting_callers, pool.statistics().queue_depth), (0, 0));
        held.end();
    });
}

#[test]
fn nobody_overtakes_those_in_line() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(2).build().unwrap();
        let held = hold(&pool, 1);
        let queued: Vec<_> = (0..2).map(|_| pool.try_spawn(|| ()).unwrap()).collect();
        let mut runs: Vec<_> = (0..2).map(|_| pool.run(|| ())).collect();
        runs.iter_mut().for_each(|run| assert!(poll_once(run).is_pending()));
        queued[0].abort();
        assert_eq!(pool.statistics().waiting_callers, 1, "the first in line has got the place");
        assert_eq!(pool.try_spawn(|| ()).unwrap_err().rejection().reason, RejectReason::QueueFull);
        drop(runs);
        pool.try_spawn(|| ()).expect("nobody waits any more");
        held.end();
    });
}

#[test]
fn a_refusal_tells_the_facts_and_hands_the_work_back() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(3).build().unwrap();
        let held = hold(&pool, 1);
        let queued: Vec<_> = (0..3).map(|_| pool.try_spawn(|| ()).unwrap()).collect();
        let tokens = Tokens::default();
        let token = tokens.token();
        let rejected = pool.try_spawn(move || (token, "as it was")).unwrap_err();
        let facts = *rejected.rejection();
        assert_eq!((facts.reason, facts.depth, facts.limit), (RejectReason::QueueFull, 3, 3));
        assert!((facts.load_factor - 1.0).abs() < f64::EPSILON, "one runs, three wait: {facts:?}");
        let after = facts.retry_after.expect("trying again is of use");
        assert!((Duration::from_millis(1)..=Duration::from_secs(60)).contains(&after), "{after:?}");
        assert_eq!(rejected.to_string(), "the queue is full (3 of 3, load factor 1.00)");
        assert_eq!(tokens.alive(), 1);
        let (same, work) = rejected.into_parts();
        assert_eq!(same, facts);
        assert_eq!(work().1, "as it was");

        let mut again = pool.try_acquire().unwrap_err();
        again.retry_after = facts.retry_after;
        assert_eq!(again, facts);
        held.end();
        queued.into_iter().for_each(|task| task.blocking_join().unwrap());
    });
}

/// Those who are refused in the same moment find the same; if they were told the same, they would come back as one.
#[test]
fn those_who_are_refused_together_are_told_different_times() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let held = hold(&pool, 1);
        let queued = pool.try_spawn(|| ()).unwrap();
        let refusals = (0..100).map(|_| pool.try_acquire().unwrap_err().retry_after.unwrap());
        let mut times: Vec<_> = refusals.collect();
        times.sort_unstable();
        // No task has ended, so the least is told, with up to a fifth on top.
        let (least, most) = (Duration::from_micros(1_000), Duration::from_micros(1_200));
        assert!(times.iter().all(|time| (least..=most).contains(time)), "{times:?}");
        assert!(times[99] - times[0] > Duration::from_micros(150), "{times:?}");
        times.dedup();
        assert!(times.len() > 90, "{times:?}");
        held.end();
        queued.blocking_join().unwrap();
    });
}

#[test]
fn a_permit_counts_as_a_place_until_it_is_used_or_dropped() {
    in_time(|| {
        let pool =
            fixed(1).max_queue_size(2).reservation_timeout(Duration::from_secs(3_600)).build().unwrap();
        let held = hold(&pool, 1);
        let (one, two) = (pool.try_acquire().unwrap(), pool.try_acquire().unwrap());
        let statistics = pool.statistics();
        assert_eq!((statistics.reserved_permits, statistics.queue_depth), (2, 0));
        assert_eq!(pool.try_acquire().unwrap_err().depth, 2);
        drop(one);
        let task = two.spawn(|| 2);
        let statistics = pool.statistics();
        assert_eq!((statistics.reserved_permits, statistics.queue_depth), (0, 1));
        pool.try_spawn(|| ()).expect("the dropped permit's place is free");
        assert!(pool.try_spawn(|| ()).is_err());
        held.end();
        assert_eq!(task.blocking_join().unwrap(), 2);
    });
}

#[test]
fn dropping_an_acquire_gives_its_turn_to_the_next() {
    in_time(|| {
        let pool =
            fixed(1).max_queue_size(1).reservation_timeout(Duration::from_secs(3_600)).build().unwrap();
        let permit = pool.try_acquire().unwrap();
        let (mut gone, mut granted, mut last) = (pool.acquire(), pool.acquire(), pool.acquire());
        for acquire in [&mut gone, &mut granted, &mut last] {
            assert!(poll_once(acquire).is_pending());
        }
        drop(gone);
        drop(permit);
        // It has been granted the place and does not come for it.
        drop(granted);
        let permit = block_on(last).unwrap();
        drop(permit);
        drop(pool.try_acquire().unwrap());
    });
}

#[test]
fn waiting_and_refused_callers_are_counted() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let held = hold(&pool, 1);
        let queued = pool.try_spawn(|| ()).unwrap();
        assert_eq!(pool.statistics().backpressure_events, 0, "who gets in at once is no event");
        pool.try_spawn(|| ()).unwrap_err();
        pool.try_acquire().unwrap_err();
        assert_eq!(pool.statistics().backpressure_events, 2);
        let (mut run, mut acquire, mut spawn) =
            (pool.run(|| ()), pool.acquire(), Box::pin(pool.spawn(|| ())));
        assert!(poll_once(&mut run).is_pending());
        assert!(poll_once(&mut acquire).is_pending());
        assert!(poll_once(&mut spawn).is_pending());
        assert!(poll_once(&mut run).is_pending());
        assert!(poll_once(&mut acquire).is_pending());
        assert!(poll_once(&mut spawn).is_pending());
        assert_eq!(pool.statistics().backpressure_events, 5, "each caller counts once");
        held.end();
        queued.blocking_join().unwrap();
    });
}

#[test]
fn a_place_is_free_as_soon_as_its_task_begins() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let held = hold(&pool, 1);
        // Its begin is all that was waited for.
        let queued = pool.try_spawn(|| ()).expect("the task that runs keeps no place");
        let (begun, begins) = mpsc::channel();
        let mut run = pool.run(move || begun.send(()).unwrap());
        assert!(poll_once(&mut run).is_pending());
        held.end();
        queued.blocking_join().unwrap();
        begins.recv().unwrap();
        block_on(run).unwrap();
    });
}
