//! The pressure state follows the load, whatever changes it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use crate::pool_support::{Gate, block_on, fixed, hold, in_time, in_time_async, poll_once, until};
use millpond::{AdaptiveThreadPool, Pressure, TaskContext};
use proptest::prelude::*;

/// One thread and nine places: five in flight are half of what there is room for.
#[test]
fn the_pressure_changes_within_the_call_that_crosses_the_threshold() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(9).backpressure_threshold(0.5).build().unwrap();
        let mut pressure = pool.pressure();
        assert_eq!(*pressure.borrow_and_update(), Pressure::Normal);
        let held = hold(&pool, 1);
        let mut queued: Vec<_> = (0..3).map(|_| pool.try_spawn(|| ()).unwrap()).collect();
        assert!(!pressure.has_changed().unwrap());
        queued.push(pool.try_spawn(|| ()).unwrap());
        assert!(pressure.has_changed().unwrap());
        assert_eq!(*pressure.borrow_and_update(), Pressure::Saturated);
        assert_eq!(pool.statistics().pressure, Pressure::Saturated);
        assert!((pool.statistics().load_factor - 0.5).abs() < f64::EPSILON);

        queued.push(pool.try_spawn(|| ()).unwrap());
        assert!(!pressure.has_changed().unwrap(), "saturated it was already");
        queued.pop().unwrap().abort();
        assert_eq!(*pressure.borrow_and_update(), Pressure::Saturated);
        queued.pop().unwrap().abort();
        assert!(pressure.has_changed().unwrap());
        assert_eq!(*pressure.borrow_and_update(), Pressure::Normal);

        let permit = pool.try_acquire().unwrap();
        assert_eq!(*pressure.borrow_and_update(), Pressure::Saturated, "a reserved place counts");
        drop(permit);
        assert_eq!(*pressure.borrow_and_update(), Pressure::Normal);
        held.end();
    });
}

#[test]
fn whoever_watches_the_pressure_is_woken_both_times() {
    in_time_async(|| async {
        let pool = fixed(1).max_queue_size(3).backpressure_threshold(0.75).build().unwrap();
        let mut pressure = pool.pressure();
        let (said, told) = tokio::sync::oneshot::channel();
        let watcher = tokio::spawn(async move {
            let up = pressure.wait_for(|now| *now == Pressure::Saturated).await.is_ok();
            said.send(()).unwrap();
            up && pressure.wait_for(|now| *now == Pressure::Normal).await.is_ok()
        });
        let held = hold(&pool, 1);
        let queued: Vec<_> = (0..3).map(|_| pool.try_spawn(|| ()).unwrap()).collect();
        told.await.unwrap();
        held.end();
        assert!(watcher.await.unwrap());
        for task in queued {
            task.await.unwrap();
        }
    });
}

#[test]
fn nothing_saturated_stays_so_when_the_work_is_done() {
    in_time_async(|| async {
        let pool = fixed(2).max_queue_size(8).backpressure_threshold(0.3).build().unwrap();
        for _ in 0..200 {
            let answers = futures_util::future::join_all((0..40).map(|n| pool.run(move || n))).await;
            assert!(answers.into_iter().map(Result::unwrap).eq(0..40));
        }
        until(|| pool.statistics().pressure == Pressure::Normal);
        until(|| pool.statistics().active_threads == 0);
        assert!(pool.statistics().load_factor.abs() < f64::EPSILON);
    });
}

/// Sixteen threads and twenty places: the load factor of a full queue is 0.56 until threads are
/// there to run something.
#[test]
fn a_full_queue_is_saturated_whatever_the_threads_do() {
    in_time(|| {
        let pool = AdaptiveThreadPool::builder()
            .min_threads(1)
            .max_threads(16)
            .max_queue_size(20)
            .worker_niceness(0)
            .build()
            .unwrap();
        let mut pressure = pool.pressure();
        assert_eq!(*pressure.borrow_and_update(), Pressure::Normal);
        let gate = Arc::new(Gate::default());
        let mut runs: Vec<_> = (0..60)
            .map(|_| {
                let gate = Arc::clone(&gate);
                pool.run(move || gate.pass())
            })
            .collect();
        runs.iter_mut().for_each(|run| assert!(poll_once(run).is_pending()));
        assert!(pressure.has_changed().unwrap());
        assert_eq!(*pressure.borrow_and_update(), Pressure::Saturated);
        assert_eq!(pool.statistics().pressure, Pressure::Saturated);
        gate.open();
        runs.into_iter().for_each(|run| block_on(run).unwrap());
        until(|| *pressure.borrow_and_update() == Pressure::Normal);
    });
}

/// Four threads and sixteen places: four tasks that run are a load of 0.2.
#[test]
fn threads_that_begin_subtasks_count_though_nobody_submits() {
    in_time(|| {
        let pool = fixed(4).max_queue_size(16).backpressure_threshold(0.2).build().unwrap();
        let mut pressure = pool.pressure();
        let gate = Arc::new(Gate::default());
        let within = Arc::clone(&gate);
        let family = pool.try_spawn(move || {
            let subtask = || {
                let gate = Arc::clone(&within);
                TaskContext::current().unwrap().spawn(move || gate.pass())
            };
            let subtasks: Vec<_> = (0..3).map(|_| subtask()).collect();
            within.pass();
            subtasks.into_iter().for_each(|subtask| subtask.blocking_join().unwrap());
        });
        until(|| *pressure.borrow_and_update() == Pressure::Saturated);
        gate.open();
        family.unwrap().blocking_join().unwrap();
        until(|| *pressure.borrow_and_update() == Pressure::Normal);
    });
}

/// Makes tasks that last until the test lets one end.
#[derive(Clone)]
struct Lasting {
    begun: Arc<AtomicUsize>,
    turn: Arc<Mutex<mpsc::Receiver<()>>>,
}

impl Lasting {
    fn work(&self) -> impl FnOnce() + Send + 'static {
        let Self { begun, turn } = self.clone();
        move || {
            begun.fetch_add(1, Ordering::SeqCst);
            // An error, once the test is over.
            let _ = turn.lock().unwrap().recv();
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// That many callers come, one right after the other, and wait if they must.
    Run(usize),
    /// A caller comes who does not wait.
    TrySpawn,
    /// A task that runs comes to its end.
    End,
    /// A caller gives up, who may have waited.
    GiveUp(prop::sample::Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (1_usize..12).prop_map(Step::Run),
        Just(Step::TrySpawn),
        Just(Step::End),
        Just(Step::End),
        any::<prop::sample::Index>().prop_map(Step::GiveUp),
    ];
    proptest::collection::vec(step, 1..40)
}

proptest! {
    // Each failure waits for the watchdog.
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 4, ..Default::default() })]

    /// Whatever comes, starts, ends and is given up: as soon as nothing moves, the state is what
    /// the load says.
    #[test]
    fn the_state_is_what_the_load_says(
        threads in 1_usize..5, queue in 1_usize..10, threshold in 0.05_f64..=1.0, steps in steps(),
    ) {
        in_time(move || {
            let pool = fixed(threads).max_queue_size(queue).backpressure_threshold(threshold).build().unwrap();
            let (let_go, turn) = mpsc::channel();
            let lasting = Lasting { begun: Arc::default(), turn: Arc::new(Mutex::new(turn)) };
            let (mut runs, mut let_end) = (Vec::new(), 0);
            for step in steps {
                match step {
                    Step::Run(callers) => {
                        for _ in 0..callers {
                            let mut run = Box::pin(pool.run(lasting.work()));
                            let _ = poll_once(&mut run);
                            runs.push(run);
                        }
                    }
                    Step::TrySpawn => drop(pool.try_spawn(lasting.work())),
                    Step::End if lasting.begun.load(Ordering::SeqCst) > let_end => {
                        let_go.send(()).unwrap();
                        let_end += 1;
                    }
                    Step::End => {}
                    Step::GiveUp(which) if !runs.is_empty() => drop(runs.swap_remove(which.index(runs.len()))),
                    Step::GiveUp(_) => {}
                }
                until(|| {
                    let now = pool.statistics();
                    let busy = now.active_threads == threads || now.queue_depth == 0;
                    let saturated = now.queue_depth == queue || now.load_factor >= threshold;
                    let state = if saturated { Pressure::Saturated } else { Pressure::Normal };
                    now.tasks_completed == let_end as u64 && busy && now.pressure == state
                });
            }
            drop(let_go);
            drop(runs);
            until(|| pool.statistics().active_threads == 0 && pool.statistics().queue_depth == 0);
            until(|| pool.statistics().pressure == Pressure::Normal);
        });
    }
}
