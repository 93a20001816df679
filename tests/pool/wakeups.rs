//! A caller is told when its task is done, whatever the worker does next.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::pool_support::{Wakes, block_on, fixed, in_time, short, until};
use millpond::{AdaptiveThreadPool, JoinError, JoinHandle, PoolBuilder, Priority};
use tokio::sync::oneshot;

/// A long task that ends only when the callers of those that ran before it have been told: to wait with that until the
/// long one is done would be to wait for ever.
#[tokio::test]
async fn a_long_task_does_not_keep_the_callers_of_those_before_it_waiting() {
    // Of two workers the other one goes on meanwhile; and those who have waited behind a long queue may be held back for longer.
    for (threads, crowd, waited) in
        [(1, 100, None), (2, 3_000, None), (1, 3_000, Some(LONG_ENOUGH)), (2, 3_000, Some(LONG_ENOUGH))]
    {
        let pool = fixed(threads).build().unwrap();
        for _ in 0..10 {
            callers_are_told_while_a_long_task_runs(&pool, threads, crowd, waited).await;
        }
    }
}

/// Who has waited for so long may be held back for as long as anybody.
const LONG_ENOUGH: Duration = Duration::from_millis(70);

async fn callers_are_told_while_a_long_task_runs(
    pool: &AdaptiveThreadPool,
    threads: usize,
    crowd: usize,
    waited: Option<Duration>,
) {
    let start = Instant::now();
    let gates: Vec<_> = (0..threads)
        .map(|_| {
            let (open, gate) = mpsc::channel::<()>();
            (open, spawn(pool, waited, move || gate.recv().is_ok()))
        })
        .collect();
    // The gates are long, and forgotten after these.
    let first: Vec<_> = (0..100).map(|_| spawn(pool, waited, short)).collect();
    let done = Arc::new(Mutex::new(Vec::new()));
    let record = |id: usize| {
        let done = Arc::clone(&done);
        move || {
            short();
            done.lock().unwrap().push(id);
        }
    };
    let mut before: Vec<_> = (0..40).map(|id| Some(spawn(pool, waited, record(id)))).collect();
    let (began, begun) = oneshot::channel();
    let (told, wait) = mpsc::channel();
    let long = {
        let done = Arc::clone(&done);
        move || {
            began.send(done.lock().unwrap().clone()).unwrap();
            wait.recv_timeout(Duration::from_secs(60)).is_ok()
        }
    };
    let long = spawn(pool, waited, long);
    let after: Vec<_> = (0..crowd).map(|_| spawn(pool, waited, short)).collect();
    until(|| waited.is_none_or(|waited| start.elapsed() >= waited));
    for (open, gate) in gates {
        open.send(()).unwrap();
        assert!(gate.await.unwrap());
    }
    for id in begun.await.unwrap() {
        before[id].take().unwrap().await.unwrap();
    }
    told.send(()).unwrap();
    assert!(long.await.unwrap(), "the callers before it were not told while it ran");
    for task in first.into_iter().chain(before.into_iter().flatten()).chain(after) {
        task.await.unwrap();
    }
}

/// Where it is to wait it has a label, which says for how long it has; all are of one class, which runs in the order of submission.
fn spawn<T: Send + 'static>(
    pool: &AdaptiveThreadPool,
    waited: Option<Duration>,
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let spawned = match waited {
        None => pool.try_spawn(work),
        Some(_) => pool.task().priority(Priority::Bulk).try_spawn(work),
    };
    spawned.unwrap_or_else(|rejected| panic!("{:?}", rejected.rejection()))
}

/// Callers of tiny tasks are told of each other's ends by one of them. If that one does not come by, they are told nevertheless.
#[test]
fn a_crowd_is_told_though_nobody_who_was_told_comes_by() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        for _ in 0..20 {
            let (open, gate) = mpsc::channel::<()>();
            let gate = pool.try_spawn(move || gate.recv().unwrap()).unwrap();
            let calls: Vec<Arc<Wakes>> = (0..200).map(|_| Arc::default()).collect();
            let mut runs: Vec<_> = calls.iter().map(|_| Box::pin(pool.run(|| ()))).collect();
            for (run, calls) in runs.iter_mut().zip(&calls) {
                let waker = Waker::from(Arc::clone(calls));
                assert!(run.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            }
            open.send(()).unwrap();
            until(|| calls.iter().all(|calls| calls.count() > 0));
            for (run, calls) in runs.iter_mut().zip(&calls) {
                assert!(run.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
                assert_eq!(calls.count(), 1, "told once");
            }
            gate.blocking_join().unwrap();
        }
    });
}

/// The first who is woken comes by no more, nor does anybody else, and there is work without end that nobody waits for: all are told
/// for all that.
#[test]
fn callers_are_told_beside_work_that_nobody_waits_for() {
    in_time(|| {
        for (threads, callers) in [(1, 3), (1, 20), (2, 3), (2, 20)] {
            let pool = fixed(threads).max_queue_size(20_000).build().unwrap();
            let over = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| {
                    while !over.load(Ordering::SeqCst) {
                        if pool.statistics().queue_depth < 5_000 {
                            (0..1_000).for_each(|_| drop(pool.try_spawn(short).unwrap()));
                        } else {
                            thread::yield_now();
                        }
                    }
                });
                until(|| pool.statistics().queue_depth >= 5_000);
                let calls: Vec<Arc<Wakes>> = (0..callers).map(|_| Arc::default()).collect();
                let mut runs: Vec<_> = calls.iter().map(|_| Box::pin(pool.run(short))).collect();
                for (run, calls) in runs.iter_mut().zip(&calls) {
                    let waker = Waker::from(Arc::clone(calls));
                    assert!(run.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                }
                until(|| calls.iter().all(|calls| calls.count() > 0));
                over.store(true, Ordering::SeqCst);
            });
        }
    });
}

type Running<'p> = Pin<Box<dyn Future<Output = Result<(), JoinError>> + 'p>>;

/// Runs a crowd of tiny tasks on one worker, submitted by `run`. Each task checks that the callers
/// of all tasks before it were woken.
fn every_caller_is_woken_before_the_next_task(
    builder: PoolBuilder,
    run: impl for<'p> Fn(&'p AdaptiveThreadPool, Box<dyn FnOnce() + Send>) -> Running<'p>,
) {
    let pool = builder.build().unwrap();
    for _ in 0..20 {
        let (open, gate) = mpsc::channel::<()>();
        let gate = pool.try_spawn(move || gate.recv().unwrap()).unwrap();
        let calls: Arc<[Arc<Wakes>]> = (0..200).map(|_| Arc::default()).collect();
        let ran = Arc::new(Mutex::new(Vec::<usize>::new()));
        let check = |n: usize| {
            let (calls, ran) = (Arc::clone(&calls), Arc::clone(&ran));
            move || {
                let before = std::mem::take(&mut *ran.lock().unwrap());
                assert!(before.iter().all(|&n| calls[n].count() == 1), "{before:?}");
                ran.lock().unwrap().extend(before.into_iter().chain([n]));
            }
        };
        let mut runs: Vec<_> = (0..200).map(|n| run(&pool, Box::new(check(n)))).collect();
        for (run, calls) in runs.iter_mut().zip(&*calls) {
            let waker = Waker::from(Arc::clone(calls));
            assert!(run.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        open.send(()).unwrap();
        // To poll sooner would replace the wakers.
        until(|| calls.iter().all(|calls| calls.count() > 0));
        runs.into_iter().for_each(|run| block_on(run).unwrap());
        gate.blocking_join().unwrap();
    }
}

#[test]
fn with_no_delay_allowed_every_caller_is_woken_when_its_task_ends() {
    in_time(|| {
        let builder = || fixed(1).max_wake_delay(Duration::ZERO);
        every_caller_is_woken_before_the_next_task(builder(), |pool, work| Box::pin(pool.run(work)));
        every_caller_is_woken_before_the_next_task(builder(), |pool, work| {
            Box::pin(pool.task().priority(Priority::Bulk).run(work))
        });
    });
}

#[test]
fn callers_of_urgent_work_are_woken_when_their_tasks_end() {
    in_time(|| {
        every_caller_is_woken_before_the_next_task(fixed(1), |pool, work| {
            Box::pin(pool.task().priority(Priority::Interactive).run(work))
        });
    });
}
