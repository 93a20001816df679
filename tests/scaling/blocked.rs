//! A pool whose workers are all blocked says so, and may go on with others in their place.

use std::fmt::Write;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::thread;
use std::time::Duration;

use crate::pool_support::{Gate, block_on, hold, in_time, until};
use millpond::scaling::Reason;
use millpond::{AdaptiveThreadPool, JoinHandle, PoolBuilder, TaskContext};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// A pool of `threads` threads that decides often.
fn small(threads: usize) -> PoolBuilder {
    AdaptiveThreadPool::builder()
        .min_threads(1)
        .max_threads(threads)
        .sampling_interval(Duration::from_millis(1))
        .worker_niceness(0)
}

fn is_all_blocked(pool: &AdaptiveThreadPool) -> bool {
    pool.last_decision().is_some_and(|decision| decision.reason == Reason::AllBlocked)
}

/// A task that waits at `gate`.
fn waits_at(pool: &AdaptiveThreadPool, gate: &Arc<Gate>) -> JoinHandle<()> {
    let gate = Arc::clone(gate);
    pool.try_spawn(move || gate.pass()).unwrap()
}

/// Runs `outer` on one pool, which waits for the other, which waits for the first.
fn there_and_back(a: &AdaptiveThreadPool, b: &AdaptiveThreadPool) -> impl Future<Output = u32> + use<> {
    let (first, back, b) = (a.clone(), a.clone(), b.clone());
    async move {
        let task = move || block_on(b.run(move || block_on(back.run(|| 1)).unwrap() + 1)).unwrap() + 1;
        first.run(task).await.unwrap()
    }
}

#[test]
fn two_pools_that_wait_for_each_other_make_progress() {
    in_time(|| {
        for default in [false, true] {
            let pool = || {
                let builder = AdaptiveThreadPool::builder().max_threads(1);
                if default {
                    builder.build().unwrap()
                } else {
                    small(1).max_blocked_threads(1).build().unwrap()
                }
            };
            let (a, b) = (pool(), pool());
            assert_eq!(block_on(there_and_back(&a, &b)), 3);
            assert_eq!(block_on(there_and_back(&b, &a)), 3);
            until(|| a.statistics().total_threads == 1 && b.statistics().total_threads == 1);
        }
    });
}

/// More of them than there are threads.
#[test]
fn tasks_that_wait_for_async_code_that_waits_for_the_pool_make_progress() {
    in_time(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let pool = small(2).build().unwrap();
        let tasks: Vec<_> = (0..16)
            .map(|n| {
                let (again, handle) = (pool.clone(), runtime.handle().clone());
                let task = move || {
                    let code = handle.spawn(async move { again.run(move || n).await.unwrap() });
                    block_on(code).unwrap()
                };
                pool.try_spawn(task).unwrap()
            })
            .collect();
        assert!(tasks.into_iter().map(|task| block_on(task).unwrap()).eq(0..16));
        until(|| pool.statistics().total_threads <= 2);
    });
}

#[test]
fn pools_that_wait_for_each_other_say_so_where_no_thread_may_be_added() {
    in_time(|| {
        let (a, b) = (
            small(1).max_blocked_threads(0).build().unwrap(),
            small(1).max_blocked_threads(0).build().unwrap(),
        );
        let gate = Arc::<Gate>::default();
        let (other, within) = (b.clone(), Arc::clone(&gate));
        let waits = a.try_spawn(move || block_on(other.run(move || within.pass())).unwrap()).unwrap();
        until(|| b.statistics().active_threads == 1);
        let queued = [a.try_spawn(|| ()).unwrap(), b.try_spawn(|| ()).unwrap()];
        for pool in [&a, &b] {
            until(|| pool.statistics().blocked_threads == 1 && is_all_blocked(pool));
            let now = pool.statistics();
            assert_eq!((now.total_threads, now.thread_limit, now.queue_depth), (1, 1, 1));
        }
        gate.open();
        block_on(waits).unwrap();
        queued.into_iter().for_each(|task| block_on(task).unwrap());
        for pool in [&a, &b] {
            until(|| pool.statistics().blocked_threads == 0);
        }
    });
}

#[test]
fn no_more_threads_start_than_the_second_limit_allows() {
    in_time(|| {
        let pool = small(1).max_blocked_threads(2).build().unwrap();
        let gate = Arc::<Gate>::default();
        let tasks: Vec<_> = (0..5).map(|_| waits_at(&pool, &gate)).collect();
        until(|| pool.statistics().blocked_threads == 3 && is_all_blocked(&pool));
        let now = pool.statistics();
        assert_eq!((now.total_threads, now.thread_limit, now.queue_depth), (3, 3, 2));
        gate.open();
        tasks.into_iter().for_each(|task| block_on(task).unwrap());
        until(|| pool.statistics().total_threads == 1);
    });
}

#[test]
fn no_more_workers_run_than_the_first_limit_while_others_are_blocked() {
    in_time(|| {
        let pool = small(2).build().unwrap();
        // The queue fills only after both are there.
        let gate = Arc::<Gate>::default();
        let blocked = [waits_at(&pool, &gate), waits_at(&pool, &gate)];
        let (running, most) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let tasks: Vec<_> = (0..200)
            .map(|_| {
                let (running, most) = (Arc::clone(&running), Arc::clone(&most));
                let task = move || {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    (0..100).for_each(|_| thread::yield_now());
                    running.fetch_sub(1, Ordering::SeqCst);
                };
                pool.try_spawn(task).unwrap()
            })
            .collect();
        tasks.into_iter().for_each(|task| block_on(task).unwrap());
        assert!(most.load(Ordering::SeqCst) <= 2);
        gate.open();
        blocked.into_iter().for_each(|task| block_on(task).unwrap());
        until(|| pool.statistics().total_threads <= 2);
    });
}

#[test]
fn declared_sections_count_as_blocked() {
    in_time(|| {
        let pool = small(1).build().unwrap();
        let again = pool.clone();
        let task = move || {
            let context = TaskContext::current().unwrap();
            // From another thread: it is no subtask.
            let other = thread::spawn(move || block_on(again.run(|| 1)).unwrap());
            context.block_in_place(|| other.join().unwrap())
        };
        assert_eq!(block_on(pool.run(task)).unwrap(), 1);
    });
}

/// The warnings so far.
static WARNINGS: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Warnings;

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, "{field}: {value:?} ").unwrap();
    }
}

impl Subscriber for Warnings {
    fn enabled(&self, what: &Metadata<'_>) -> bool {
        what.name() == "all_blocked" && *what.level() == Level::WARN
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        WARNINGS.lock().unwrap().push(text.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn warnings(of: &str) -> usize {
    WARNINGS.lock().unwrap().iter().filter(|text| text.contains(of)).count()
}

#[test]
fn the_pool_warns_once_and_names_the_tasks() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Warnings).unwrap());
    in_time(|| {
        let blocked = |name: &'static str| {
            let pool = small(1).max_blocked_threads(0).build().unwrap();
            let gate = Arc::<Gate>::default();
            let within = Arc::clone(&gate);
            let task = pool.task().name(name).try_spawn(move || within.pass()).unwrap();
            until(|| pool.statistics().active_threads == 1);
            let queued = pool.try_spawn(|| ()).unwrap();
            until(|| warnings(name) > 0);
            (pool, gate, task, queued)
        };
        let first = blocked("the first one that waits");
        let second = blocked("the second one that waits");
        // The second pool's warning has taken several checks, which the first pool has had too.
        assert_eq!(warnings("the first one that waits"), 1);
        assert_eq!(warnings("every worker is blocked"), WARNINGS.lock().unwrap().len());
        for (pool, gate, task, queued) in [first, second] {
            gate.open();
            block_on(task).unwrap();
            block_on(queued).unwrap();
            let held = hold(&pool, 1);
            held.end();
        }
    });
}
