//! Which task of a manual pool is next: by the pool's own rule, by a seed, by number or by name.

#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::sync::mpsc;

use crate::pool_support::in_time;
use millpond::test_util::{self, Order, Stepper, assert_no_leaks};
use millpond::{AdaptiveThreadPool, Priority, TaskContext};
use proptest::prelude::*;

/// Submits plain tasks (even numbers), each with a subtask that nobody waits for (1,000 more), and labelled ones (odd numbers),
/// some of which are cancelled (those that 7 divides); says which ran, in order.
fn mixed(tasks: usize, pool: &AdaptiveThreadPool, run: impl FnOnce()) -> Vec<usize> {
    let (out, ran) = mpsc::channel();
    for n in 0..tasks {
        let out = out.clone();
        let work = move || {
            out.send(n).unwrap();
            if n % 2 == 0 {
                TaskContext::current().unwrap().spawn(move || out.send(n + 1_000));
            }
        };
        let tenant = ["ada", "bob", "eve"][n % 3];
        let task = match n % 2 {
            0 => pool.try_spawn(work),
            _ => pool.task().tenant(tenant).try_spawn(work),
        };
        if n % 7 == 0 {
            task.unwrap().abort();
        }
    }
    drop(out);
    run();
    ran.try_iter().collect()
}

fn seeded(seed: u64, tasks: usize) -> Vec<usize> {
    let (pool, stepper) = test_util::manual();
    stepper.set_order(Order::Seeded(seed));
    let order = mixed(tasks, &pool, || _ = stepper.run_until_idle());
    assert_no_leaks(&pool);
    order
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the seed: all run once, and again in the same order.
    #[test]
    fn a_seed_is_an_order(seed: u64, tasks in 0..60_usize) {
        let order = seeded(seed, tasks);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        let live = (0..tasks).filter(|n| n % 7 > 0);
        let subtasks = live.clone().filter(|n| n % 2 == 0).map(|n| n + 1_000);
        prop_assert_eq!(sorted, live.chain(subtasks).collect::<Vec<_>>());
        prop_assert_eq!(seeded(seed, tasks), order);
    }
}

#[test]
fn a_seed_gives_every_task_the_same_chance() {
    in_time(|| {
        let mut first = [0; 10];
        for seed in 0..2_000 {
            let (pool, stepper) = test_util::manual();
            stepper.set_order(Order::Seeded(seed));
            let (out, ran) = mpsc::channel();
            for n in 0..10 {
                let out = out.clone();
                // Those after the first run when the pool ends, and nobody listens any more.
                let work = move || _ = out.send(n);
                match n % 2 {
                    0 => pool.try_spawn(work).unwrap(),
                    _ => pool.task().tenant("ada").try_spawn(work).unwrap(),
                };
            }
            assert!(stepper.step());
            first[ran.recv().unwrap()] += 1;
        }
        assert!(first.iter().all(|times| (140..260).contains(times)), "{first:?}");
    });
}

#[test]
fn the_pools_own_order_is_first_come_first_served() {
    in_time(|| {
        let (pool, stepper) = test_util::manual();
        let (out, ran) = mpsc::channel();
        for n in 0..500 {
            let out = out.clone();
            pool.try_spawn(move || out.send(n).unwrap()).unwrap();
        }
        assert_eq!(stepper.run_until_idle(), 500);
        assert!(ran.try_iter().eq(0..500));
    });
}

fn names(stepper: &Stepper) -> Vec<Option<String>> {
    stepper.waiting().into_iter().map(|waiting| waiting.name).collect()
}

#[test]
fn what_waits_is_listed_and_may_be_chosen_by_number_and_by_name() {
    in_time(|| {
        let (pool, stepper) = test_util::manual();
        let (out, ran) = mpsc::channel();
        let work = |what: &'static str| {
            let out = out.clone();
            move || out.send(what).unwrap()
        };
        pool.task().name("late").priority(Priority::Bulk).try_spawn(work("late")).unwrap();
        pool.task().name("early").tenant("ada").try_spawn(work("early")).unwrap();
        pool.try_spawn(work("plain")).unwrap();
        pool.try_spawn(work("plain too")).unwrap();

        let waiting = stepper.waiting();
        assert_eq!(names(&stepper), [None, None, Some("late".into()), Some("early".into())]);
        assert_eq!((waiting[0].priority, &waiting[0].tenant), (None, &None));
        assert_eq!((waiting[2].priority, &waiting[2].tenant), (Some(Priority::Bulk), &None));
        assert_eq!(
            (waiting[3].priority, waiting[3].tenant.as_deref()),
            (Some(Priority::Standard), Some("ada"))
        );

        assert!(!stepper.step_named("nobody") && !stepper.step_nth(4));
        assert!(stepper.step_named("early"));
        assert!(stepper.step_nth(1));
        assert!(stepper.step_nth(1));
        assert!(stepper.step());
        assert!(!stepper.step_nth(0));
        assert_eq!(ran.try_iter().collect::<Vec<_>>(), ["early", "plain too", "late", "plain"]);
        assert_no_leaks(&pool);
    });
}

#[test]
fn to_look_and_to_choose_leaves_the_others_in_order() {
    in_time(|| {
        let (pool, stepper) = test_util::manual();
        let (out, ran) = mpsc::channel();
        let submit = |n: usize| {
            let out = out.clone();
            pool.try_spawn(move || out.send(n).unwrap()).unwrap();
        };
        (0..10).for_each(submit);
        assert_eq!(stepper.waiting().len(), 10);
        assert!(stepper.step_nth(5));
        (10..20).for_each(submit);
        assert_eq!(stepper.run_until_idle(), 19);
        let expected: Vec<_> = [5].into_iter().chain((0..20).filter(|&n| n != 5)).collect();
        assert_eq!(ran.try_iter().collect::<Vec<_>>(), expected);
    });
}

#[test]
fn a_task_past_its_deadline_is_not_begun() {
    in_time(|| {
        let (pool, stepper) = test_util::manual();
        stepper.set_order(Order::Seeded(1));
        let soon = std::time::Instant::now() + std::time::Duration::from_millis(20);
        let task = pool.task().deadline(soon).try_spawn(|| ()).unwrap();
        crate::pool_support::until(|| std::time::Instant::now() > soon);
        assert!(!stepper.step());
        assert!(matches!(crate::pool_support::block_on(task), Err(millpond::JoinError::Expired)));
        assert_no_leaks(&pool);
    });
}
