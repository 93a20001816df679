//! Nobody's work is starved by somebody else's.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use crate::pool_support::{Gate, block_on, fixed, hold, in_time, in_time_async};
use millpond::{AdaptiveThreadPool, JoinHandle, TaskContext};

/// A task that always leaves another behind, until it is told to stop.
fn breed(stop: Arc<AtomicBool>, over: mpsc::Sender<()>) {
    if stop.load(Ordering::SeqCst) {
        over.send(()).unwrap();
        return;
    }
    drop(TaskContext::current().unwrap().spawn(move || breed(stop, over)));
}

#[test]
fn subtasks_without_end_do_not_starve_work_from_outside() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (over, ended) = mpsc::channel();
        let breeder = Arc::clone(&stop);
        pool.run(move || breed(breeder, over)).await.unwrap();
        for n in 0..100 {
            assert_eq!(pool.run(move || n).await.unwrap(), n);
        }
        assert!(ended.try_recv().is_err(), "the subtasks have gone on all the time");
        stop.store(true, Ordering::SeqCst);
        ended.recv().unwrap();
    });
}

/// Newest first is the rule of a worker's own deque, so the oldest would wait for ever behind those without end.
#[test]
fn subtasks_without_end_do_not_starve_an_older_subtask() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (over, ended) = mpsc::channel();
        let (ran, runs) = mpsc::channel();
        let breeder = Arc::clone(&stop);
        pool.run(move || {
            drop(TaskContext::current().unwrap().spawn(move || ran.send("the old one").unwrap()));
            breed(breeder, over);
        })
        .await
        .unwrap();
        assert_eq!(runs.recv(), Ok("the old one"));
        stop.store(true, Ordering::SeqCst);
        ended.recv().unwrap();
    });
}

#[test]
fn work_from_outside_without_end_does_not_starve_a_subtask() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    drop(pool.try_spawn(|| ()));
                }
            });
            for _ in 0..20 {
                let (ran, runs) = mpsc::channel();
                let parent =
                    move || drop(TaskContext::current().unwrap().spawn(move || ran.send("subtask").unwrap()));
                block_on(pool.run(parent)).unwrap();
                assert_eq!(runs.recv(), Ok("subtask"));
            }
            stop.store(true, Ordering::SeqCst);
        });
    });
}

/// The order in which `tasks` pieces of work from outside run on one thread, each followed by `after`.
fn order_of(tasks: usize, after: impl Fn() + Clone + Send + 'static) -> Vec<usize> {
    let pool = fixed(1).build().unwrap();
    let held = hold(&pool, 1);
    let order = Arc::new(Mutex::new(Vec::new()));
    let queued: Vec<_> = (0..tasks)
        .map(|n| {
            let (order, after) = (Arc::clone(&order), after.clone());
            pool.try_spawn(move || {
                order.lock().unwrap().push(n);
                after();
            })
            .unwrap()
        })
        .collect();
    held.end();
    queued.into_iter().for_each(|task| task.blocking_join().unwrap());
    std::mem::take(&mut *order.lock().unwrap())
}

#[test]
fn work_from_outside_runs_in_its_order() {
    in_time(|| {
        // Long enough that no worker sets any of it aside.
        let work = || assert!((0..100_000_u64).map(std::hint::black_box).sum::<u64>() > 0);
        assert!(order_of(100, work).into_iter().eq(0..100));
    });
}

/// They leave the queue by the dozen.
#[test]
fn one_thread_runs_tiny_tasks_in_their_order() {
    in_time(|| assert!(order_of(5_000, || ()).into_iter().eq(0..5_000)));
}

/// Submits tasks by `submit`, each of which lasts until the test lets one go, and lets them go one
/// by one. Returns by how many later ones a task was overtaken at the most.
fn most_overtaken(pool: &AdaptiveThreadPool, tasks: usize, submit: impl Fn(Work) -> JoinHandle<()>) -> usize {
    let (begin, begun) = mpsc::channel();
    let (let_go, turn) = mpsc::channel();
    let turn = Arc::new(Mutex::new(turn));
    let queued: Vec<_> = (0..tasks)
        .map(|n| {
            let (begin, turn) = (begin.clone(), Arc::clone(&turn));
            submit(Box::new(move || {
                begin.send(n).unwrap();
                turn.lock().unwrap().recv().unwrap();
            }))
        })
        .collect();
    let threads = pool.config().max_threads;
    let mut order: Vec<_> = begun.iter().take(threads).collect();
    assert_eq!(pool.statistics().queue_depth, tasks - threads);
    while order.len() < tasks {
        let_go.send(()).unwrap();
        order.push(begun.recv().unwrap());
    }
    (0..threads).for_each(|_| let_go.send(()).unwrap());
    queued.into_iter().for_each(|task| task.blocking_join().unwrap());
    let overtaken = |at: usize| order[..at].iter().filter(|&&earlier| earlier > order[at]).count();
    (0..tasks).map(overtaken).max().unwrap_or(0)
}

type Work = Box<dyn FnOnce() + Send>;

/// As it is with a pool whose first tasks they are: nothing is known of them, so nothing is set
/// aside.
#[test]
fn a_burst_on_a_new_pool_begins_in_its_order() {
    in_time(|| {
        for labelled in [false, true] {
            for threads in 1..=4 {
                let pool = fixed(threads).build().unwrap();
                let most = most_overtaken(&pool, 16, |work| match labelled {
                    false => pool.try_spawn(work).unwrap(),
                    true => pool.task().tenant("ada").try_spawn(work).unwrap(),
                });
                assert!(most < threads, "{most} of {threads}, labelled: {labelled}");
            }
        }
    });
}

/// The others are started while the tasks wait, because those that run block.
#[test]
fn a_burst_begins_in_its_order_while_threads_are_started() {
    in_time(|| {
        for threads in [2, 4] {
            let pool = fixed(threads).min_threads(1).build().unwrap();
            let most = most_overtaken(&pool, 14, |work| pool.try_spawn(work).unwrap());
            assert!(most < threads, "{most} of {threads}");
        }
    });
}

/// Workers that have had long tasks set nothing aside.
#[test]
fn a_burst_after_long_tasks_begins_in_its_order() {
    in_time(|| {
        for threads in 1..=4 {
            let pool = fixed(threads).build().unwrap();
            let long = || assert!((0..100_000_u64).map(std::hint::black_box).sum::<u64>() > 0);
            let before: Vec<_> = (0..20).map(|_| pool.try_spawn(long).unwrap()).collect();
            before.into_iter().for_each(|task| task.blocking_join().unwrap());
            let most = most_overtaken(&pool, 16, |work| pool.try_spawn(work).unwrap());
            assert!(most < threads, "{most} of {threads}");
        }
    });
}

/// Workers that have had tiny tasks set some aside, and these turn out long.
#[test]
fn a_burst_that_turns_out_long_is_overtaken_by_two_batches_of_each_other_worker_at_most() {
    in_time(|| {
        for labelled in [false, true] {
            for threads in 1..=4 {
                let pool = fixed(threads).build().unwrap();
                let submit = |work: Work| match labelled {
                    false => pool.try_spawn(work).unwrap(),
                    true => pool.task().tenant("ada").try_spawn(work).unwrap(),
                };
                let tiny: Vec<_> = (0..500).map(|_| submit(Box::new(|| ()))).collect();
                tiny.into_iter().for_each(|task| task.blocking_join().unwrap());
                let most = most_overtaken(&pool, 300, submit);
                assert!(most <= (threads - 1) * 64, "{most} of {threads}, labelled: {labelled}");
            }
        }
    });
}

#[test]
fn one_thread_steals_nothing() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        for _ in 0..20 {
            let tasks: Vec<_> = (0..100).map(|n| pool.try_spawn(move || n).unwrap()).collect();
            for task in tasks {
                task.await.unwrap();
            }
            let family = pool.run(|| {
                let context = TaskContext::current().unwrap();
                let parts: Vec<_> = (0..10).map(|n| context.spawn(move || n)).collect();
                parts.into_iter().map(|part| part.blocking_join().unwrap()).sum::<u32>()
            });
            assert_eq!(family.await.unwrap(), 45);
        }
        let statistics = pool.statistics();
        assert_eq!((statistics.tasks_stolen, statistics.tasks_completed), (0, 20 * 111));
    });
}

/// The parent keeps its own worker busy until the subtasks have run, so another must have taken each of them.
#[test]
fn every_subtask_that_another_worker_takes_is_counted_as_stolen() {
    in_time(|| {
        let pool = fixed(2).build().unwrap();
        let family = pool.run(|| {
            let context = TaskContext::current().unwrap();
            for _ in 0..10 {
                let gate = Arc::new(Gate::default());
                let within = Arc::clone(&gate);
                let subtask = context.spawn(move || {
                    within.open();
                    TaskContext::current().unwrap().worker_index()
                });
                gate.pass();
                assert_ne!(subtask.blocking_join().unwrap(), context.worker_index());
            }
        });
        block_on(family).unwrap();
        assert_eq!(pool.statistics().tasks_stolen, 10);
    });
}

/// Each is submitted when the one before is answered, so none is ever set aside.
#[test]
fn work_that_comes_from_outside_is_not_counted_as_stolen() {
    in_time_async(|| async {
        let pool = fixed(2).build().unwrap();
        for n in 0..1_000 {
            assert_eq!(pool.run(move || n).await.unwrap(), n);
        }
        assert_eq!(pool.statistics().tasks_stolen, 0);
    });
}

/// Two at a time: what one worker takes from outside, it does not keep from the other.
#[test]
fn work_from_outside_spreads_over_the_workers() {
    in_time(|| {
        let pool = fixed(2).build().unwrap();
        let meet = Arc::new(std::sync::Barrier::new(2));
        for _ in 0..200 {
            let tasks: Vec<_> = (0..2)
                .map(|_| {
                    let meet = Arc::clone(&meet);
                    pool.try_spawn(move || meet.wait().is_leader()).unwrap()
                })
                .collect();
            let leaders = tasks.into_iter().map(|task| task.blocking_join().unwrap());
            assert_eq!(leaders.filter(|leads| *leads).count(), 1);
        }
    });
}
