//! Whose turn it is, of those who name a class, a tenant or a deadline.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use crate::pool_support::{block_on, fixed, hold, in_time};
use millpond::{AdaptiveThreadPool, JoinHandle, Priority, TaskBuilder, TaskContext};

type Log = Arc<Mutex<Vec<&'static str>>>;

/// Notes `what` when it runs.
fn note(task: TaskBuilder<'_>, log: &Log, what: &'static str) -> JoinHandle<()> {
    let log = Arc::clone(log);
    task.try_spawn(move || log.lock().unwrap().push(what)).unwrap()
}

/// What is noted, in order, when one worker works off what `submit` has submitted.
fn order(submit: impl FnOnce(&AdaptiveThreadPool, &Log) -> Vec<JoinHandle<()>>) -> Vec<&'static str> {
    let (pool, log) = (fixed(1).build().unwrap(), Log::default());
    let held = hold(&pool, 1);
    let tasks = submit(&pool, &log);
    held.end();
    tasks.into_iter().for_each(|task| block_on(task).unwrap());
    let noted = log.lock().unwrap();
    noted.clone()
}

#[test]
fn the_more_urgent_class_goes_first_and_equals_in_order_of_arrival() {
    in_time(|| {
        let noted = order(|pool, log| {
            vec![
                note(pool.task().priority(Priority::Bulk), log, "bulk"),
                note(pool.task(), log, "standard"),
                note(pool.task(), log, "standard, later"),
                note(pool.task().priority(Priority::Interactive), log, "interactive"),
            ]
        });
        assert_eq!(noted, ["interactive", "standard", "standard, later", "bulk"]);
    });
}

#[test]
fn the_earliest_deadline_goes_first() {
    in_time(|| {
        let now = Instant::now();
        let noted = order(|pool, log| {
            let within = |seconds| pool.task().deadline(now + Duration::from_secs(seconds));
            vec![
                note(within(3_000), log, "late"),
                note(within(1_000), log, "soon"),
                note(pool.task(), log, "in a second"),
                note(within(2_000), log, "later"),
            ]
        });
        assert_eq!(noted, ["in a second", "soon", "later", "late"]);
    });
}

#[test]
fn a_tenant_that_comes_late_does_not_wait_for_all_that_another_has_brought() {
    in_time(|| {
        let noted = order(|pool, log| {
            let mut tasks: Vec<_> =
                (0..100).map(|_| note(pool.task().tenant("greedy"), log, "greedy")).collect();
            tasks.push(note(pool.task().tenant("modest"), log, "modest"));
            tasks
        });
        let place = noted.iter().position(|who| *who == "modest").unwrap();
        assert!(place <= 2, "{place}");
    });
}

#[test]
fn plain_tasks_and_labelled_ones_take_turns() {
    in_time(|| {
        let noted = order(|pool, log| {
            let mut tasks = Vec::new();
            for _ in 0..200 {
                let log = Arc::clone(log);
                tasks.push(pool.try_spawn(move || log.lock().unwrap().push("plain")).unwrap());
            }
            tasks.extend((0..200).map(|_| note(pool.task(), log, "labelled")));
            tasks
        });
        // Tiny tasks are taken by the dozen, of either kind.
        let plain = noted[..100].iter().filter(|what| **what == "plain").count();
        assert!((1..100).contains(&plain), "{noted:?}");
    });
}

#[test]
fn subtasks_of_bulk_work_wait_for_urgent_work() {
    in_time(|| {
        let (pool, log) = (fixed(1).build().unwrap(), Log::default());
        let (begun, begins) = mpsc::channel();
        let (go, goes) = mpsc::channel::<()>();
        let noted = Arc::clone(&log);
        let bulk = pool.task().priority(Priority::Bulk).try_spawn(move || {
            begun.send(()).unwrap();
            goes.recv().unwrap();
            let context = TaskContext::current().unwrap();
            for _ in 0..3 {
                let noted = Arc::clone(&noted);
                drop(context.spawn(move || noted.lock().unwrap().push("part of bulk")));
            }
        });
        begins.recv().unwrap();
        let urgent = note(pool.task().priority(Priority::Interactive), &log, "interactive");
        go.send(()).unwrap();
        block_on(bulk.unwrap()).unwrap();
        block_on(urgent).unwrap();
        block_on(pool.shutdown(Duration::MAX));
        assert_eq!(log.lock().unwrap()[0], "interactive");
        assert_eq!(log.lock().unwrap().len(), 4);
    });
}

#[test]
fn no_more_of_a_tenants_tasks_run_than_may() {
    in_time(|| {
        let pool = fixed(4).max_running_per_tenant(2).build().unwrap();
        let (begun, begins) = mpsc::channel();
        let gate = Arc::<crate::pool_support::Gate>::default();
        let task = |tenant: &'static str| {
            let (begun, gate) = (begun.clone(), Arc::clone(&gate));
            pool.task().tenant(tenant).try_spawn(move || {
                begun.send(tenant).unwrap();
                gate.pass();
            })
        };
        let tasks: Vec<_> = ["a", "a", "a", "a", "b"].map(task).into_iter().map(Result::unwrap).collect();
        let mut running: Vec<_> = (0..3).map(|_| begins.recv().unwrap()).collect();
        running.sort_unstable();
        assert_eq!(running, ["a", "a", "b"]);
        // A worker is free, and may not take the rest.
        crate::pool_support::until(|| pool.statistics().active_threads == 3);
        assert!(begins.try_recv().is_err());
        gate.open();
        tasks.into_iter().for_each(|task| block_on(task).unwrap());
        assert_eq!(begins.try_iter().count(), 2);
    });
}

#[test]
fn a_task_knows_its_deadline_and_name_and_so_do_its_subtasks() {
    in_time(|| {
        let pool = fixed(2).build().unwrap();
        let deadline = Instant::now() + Duration::from_secs(3_600);
        let seen = || {
            let context = TaskContext::current().unwrap();
            (context.deadline().unwrap(), context.name().map(String::from))
        };
        let task = pool.task().deadline(deadline).name("report").run(move || {
            let part = TaskContext::current().unwrap().spawn(seen);
            (seen(), part.blocking_join().unwrap())
        });
        let (own, part) = block_on(task).unwrap();
        let off = own.0.max(deadline) - own.0.min(deadline);
        assert!(off < Duration::from_micros(1), "{off:?}");
        assert_eq!(own.1.as_deref(), Some("report"));
        assert_eq!(own, part);
        let plain = pool.run(|| TaskContext::current().unwrap().deadline());
        assert_eq!(block_on(plain).unwrap(), None);
    });
}

#[test]
fn on_a_worker_of_the_pool_labelled_work_is_a_subtask_and_does_not_wait_for_itself() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let inner = pool.clone();
        let outer = pool.task().tenant("a").run(move || {
            let waits = block_on(inner.task().priority(Priority::Bulk).run(|| 1)).unwrap();
            let spawned = block_on(inner.task().spawn(|| 2)).unwrap();
            waits + spawned.blocking_join().unwrap()
        });
        assert_eq!(block_on(outer).unwrap(), 3);
    });
}

#[test]
fn subtasks_do_not_wait_for_all_that_another_tenant_has_brought() {
    in_time(|| {
        // With such a limit tasks are taken one by one, however tiny they are.
        let (pool, log) = (fixed(1).max_running_per_tenant(1).build().unwrap(), Log::default());
        let held = hold(&pool, 1);
        let mut greedy: Vec<_> =
            (0..100).map(|_| note(pool.task().tenant("greedy"), &log, "greedy")).collect();
        let noted = Arc::clone(&log);
        let modest = pool.task().tenant("modest").try_spawn(move || {
            for _ in 0..3 {
                let noted = Arc::clone(&noted);
                drop(TaskContext::current().unwrap().spawn(move || noted.lock().unwrap().push("part")));
            }
        });
        held.end();
        greedy.drain(..).for_each(|task| block_on(task).unwrap());
        block_on(modest.unwrap()).unwrap();
        block_on(pool.shutdown(Duration::MAX));
        let noted = log.lock().unwrap();
        let last = noted.iter().rposition(|who| *who == "part").unwrap();
        assert!(last < 20, "{last}");
    });
}
