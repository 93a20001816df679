//! The number of threads follows what they do: those that are blocked are replaced, and those that are of no use leave.

use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use crate::pool_support::{Gate, block_on, in_time, until, usable_cores};
use millpond::{AdaptiveThreadPool, PoolBuilder, TaskContext};

/// Room for more threads than cores.
fn roomy(more: usize) -> PoolBuilder {
    AdaptiveThreadPool::builder().max_threads(usable_cores() + more).worker_niceness(0)
}

fn context() -> TaskContext {
    TaskContext::current().unwrap()
}

#[test]
fn sections_that_say_that_they_block_are_replaced_at_once() {
    in_time(|| {
        // Without the check for blocked workers: nothing waits but what the sections themselves
        // wait for.
        let pool = roomy(4).build().unwrap();
        let tasks = usable_cores() + 4;
        let meet = Arc::new(Barrier::new(tasks));
        let task = || {
            let meet = Arc::clone(&meet);
            pool.try_spawn(move || context().block_in_place(|| meet.wait().is_leader())).unwrap()
        };
        let tasks: Vec<_> = (0..tasks).map(|_| task()).collect();
        assert_eq!(tasks.into_iter().map(|task| block_on(task).unwrap()).filter(|&leads| leads).count(), 1);
        let now = pool.statistics();
        assert_eq!((now.blocked_threads, now.thread_limit), (0, usable_cores()));
    });
}

#[test]
fn tasks_that_block_without_a_word_are_found_and_replaced() {
    in_time(|| {
        let pool = roomy(3).build().unwrap();
        let tasks = usable_cores() + 3;
        let meet = Arc::new(Barrier::new(tasks));
        let task = || {
            let meet = Arc::clone(&meet);
            pool.try_spawn(move || meet.wait().is_leader()).unwrap()
        };
        let tasks: Vec<_> = (0..tasks).map(|_| task()).collect();
        assert_eq!(tasks.into_iter().map(|task| block_on(task).unwrap()).filter(|&leads| leads).count(), 1);
    });
}

/// One task after the other, until it is over.
fn one_after_the_other(pool: &AdaptiveThreadPool, over: &Arc<AtomicBool>) {
    let (next, still) = (pool.clone(), Arc::clone(over));
    let task = move || {
        black_box((0..20_000_u64).fold(0, |sum, n| black_box(sum ^ n)));
        if !still.load(Ordering::SeqCst) {
            one_after_the_other(&next, &still);
        }
    };
    drop(pool.try_spawn(task).unwrap());
}

#[test]
fn one_that_blocks_without_a_word_is_found_while_the_others_go_on() {
    in_time(|| {
        // The controller has no say.
        let pool = roomy(1).sampling_interval(Duration::from_secs(60)).build().unwrap();
        let (gate, over) = (Arc::new(Gate::default()), Arc::new(AtomicBool::new(false)));
        (0..usable_cores() + 2).for_each(|_| one_after_the_other(&pool, &over));
        until(|| pool.statistics().tasks_completed > 1_000);
        let blocked = {
            let gate = Arc::clone(&gate);
            pool.try_spawn(move || gate.pass()).unwrap()
        };
        until(|| pool.statistics().total_threads == usable_cores() + 1);
        gate.open();
        block_on(blocked).unwrap();
        over.store(true, Ordering::SeqCst);
    });
}

#[test]
fn never_more_than_the_most() {
    in_time(|| {
        let pool = roomy(1).build().unwrap();
        let gate = Arc::new(Gate::default());
        let task = |declared: bool| {
            let gate = Arc::clone(&gate);
            pool.try_spawn(
                move || if declared { context().block_in_place(|| gate.pass()) } else { gate.pass() },
            )
            .unwrap()
        };
        let tasks: Vec<_> = (0..2 * usable_cores() + 4).map(|n| task(n % 2 == 0)).collect();
        until(|| pool.statistics().total_threads == usable_cores() + 1);
        gate.open();
        tasks.into_iter().for_each(|task| block_on(task).unwrap());
        assert_eq!(pool.statistics().threads_started as usize, usable_cores() + 1);
    });
}

#[test]
fn a_section_within_another_counts_once_and_a_panic_leaves_both() {
    in_time(|| {
        let pool = roomy(8).build().unwrap();
        let inner = pool.clone();
        let seen = pool.run(move || {
            let limits = || (inner.statistics().thread_limit, inner.statistics().blocked_threads);
            let context = context();
            let within = context.block_in_place(|| context.block_in_place(limits));
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                context.block_in_place(|| context.block_in_place(|| panic!("in a section, on purpose")))
            }));
            (within, panicked.is_err(), limits())
        });
        let cores = usable_cores();
        assert_eq!(block_on(seen).unwrap(), ((cores + 1, 1), true, (cores, 0)));
    });
}

#[test]
fn threads_that_are_of_no_use_any_more_leave_in_the_middle_of_the_load() {
    in_time(|| {
        let pool = roomy(6).sampling_interval(Duration::from_millis(50)).build().unwrap();
        let meet = Arc::new(Barrier::new(usable_cores() + 6));
        let blocked = || {
            let meet = Arc::clone(&meet);
            pool.try_spawn(move || context().block_in_place(|| meet.wait().is_leader())).unwrap()
        };
        let blocked: Vec<_> = (0..usable_cores() + 6).map(|_| blocked()).collect();
        assert!(blocked.into_iter().any(|task| block_on(task).unwrap()));
        assert_eq!(pool.statistics().total_threads, usable_cores() + 6);
        // From here on there is always something to do, so none leaves for want of work; nor by its idle timeout.
        let busy = || {
            for turn in 0..20_000 {
                black_box(turn);
            }
        };
        let mut tasks = Vec::new();
        until(|| {
            tasks.resize_with(200, || pool.try_spawn(busy).unwrap());
            tasks.retain(|task| !task.is_finished());
            pool.statistics().total_threads <= usable_cores()
        });
        tasks.into_iter().for_each(|task| block_on(task).unwrap());
        assert!(pool.last_decision().is_some());
    });
}

#[test]
fn a_pool_that_copes_with_its_load_is_not_looked_at() {
    in_time(|| {
        let pool = roomy(1).sampling_interval(Duration::from_millis(1)).build().unwrap();
        for _ in 0..100 {
            block_on(pool.run(|| ())).unwrap();
            until(|| pool.statistics().active_threads == 0);
        }
        assert_eq!(pool.last_decision(), None);
    });
}

#[test]
fn a_decision_says_what_was_seen_and_why() {
    in_time(|| {
        let pool = roomy(2).sampling_interval(Duration::from_millis(2)).build().unwrap();
        let gate = Arc::new(Gate::default());
        let blocked = |gate: &Arc<Gate>| {
            let gate = Arc::clone(gate);
            pool.try_spawn(move || gate.pass()).unwrap()
        };
        let tasks: Vec<_> = (0..usable_cores() + 8).map(|_| blocked(&gate)).collect();
        until(|| pool.last_decision().is_some_and(|why| why.sample.threads == usable_cores() + 2));
        let why = pool.last_decision().unwrap();
        assert!(!why.sample.interval.is_zero(), "{why:?}");
        assert!((1..=usable_cores() + 2).contains(&why.target), "{why:?}");
        assert!(
            why.sample.queued > 0 && why.sample.usable_cores > 0.0 && !why.reason.to_string().is_empty(),
            "{why:?}"
        );
        gate.open();
        tasks.into_iter().for_each(|task| block_on(task).unwrap());
    });
}

#[test]
fn the_look_for_blocked_workers_is_soon_even_after_a_time_at_the_most_threads() {
    in_time(|| {
        let most = usable_cores() + 1;
        let pool = roomy(1)
            .sampling_interval(Duration::from_secs(60))
            .idle_timeout(Duration::from_millis(1))
            .build()
            .unwrap();
        // Several times: looks that are a sampling interval late each are too late for the test.
        for _ in 0..5 {
            let meet = Arc::new(Barrier::new(most));
            let gate = Arc::new(Gate::default());
            let task = || {
                let (meet, gate) = (Arc::clone(&meet), Arc::clone(&gate));
                pool.try_spawn(move || {
                    meet.wait();
                    gate.pass();
                })
                .unwrap()
            };
            // The last of them waits in the queue of a pool that may not grow.
            let tasks: Vec<_> = (0..most).map(|_| task()).collect();
            let waits = pool.try_spawn(|| ()).unwrap();
            until(|| pool.statistics().total_threads == most);
            gate.open();
            tasks.into_iter().for_each(|task| block_on(task).unwrap());
            block_on(waits).unwrap();
            until(|| pool.statistics().total_threads == 1);
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn the_files_of_the_clocks_are_closed_when_there_is_nothing_to_measure() {
    in_time(|| {
        let pool = roomy(3).sampling_interval(Duration::from_millis(1)).build().unwrap();
        let tasks = usable_cores() + 3;
        let meet = Arc::new(Barrier::new(tasks));
        let task = || {
            let meet = Arc::clone(&meet);
            pool.try_spawn(move || meet.wait().is_leader()).unwrap()
        };
        let tasks: Vec<_> = (0..tasks).map(|_| task()).collect();
        tasks.into_iter().for_each(|task| _ = block_on(task).unwrap());
        until(|| pool.last_decision().is_some());
        // Those of the other tests' pools as well: they come to an end.
        until(|| {
            let open = std::fs::read_dir("/proc/self/fd").unwrap();
            let mut open = open.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
            !open.any(|file| file.ends_with("schedstat"))
        });
    });
}

#[test]
fn what_was_accepted_gets_its_threads_though_the_pool_is_closed_by_then() {
    in_time(|| {
        for declared in [true, false] {
            let pool = roomy(3).build().unwrap();
            let tasks = usable_cores() + 3;
            let meet = Arc::new(Barrier::new(tasks));
            for _ in 0..tasks {
                let meet = Arc::clone(&meet);
                let meet = move || _ = meet.wait();
                let task = move || if declared { context().block_in_place(meet) } else { meet() };
                drop(pool.try_spawn(task).unwrap());
            }
            assert_eq!(block_on(pool.shutdown(Duration::MAX)).completed, tasks as u64);
        }
    });
}
