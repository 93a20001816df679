//! A pool grows while work waits and cores are free, shrinks when it idles, and gets on with the threads it is given.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crate::pool_support::{
    Gate, ThreadEvents, block_on, fixed, hold, in_time, in_time_async, until, usable_cores,
};
use millpond::{AdaptiveThreadPool, BuildError, PoolBuilder};

/// From one thread to so many; no thread leaves for idleness while a test runs, unless it says so.
fn elastic(max: usize) -> PoolBuilder {
    let builder = AdaptiveThreadPool::builder().max_threads(max).max_blocked_threads(0).worker_niceness(0);
    builder.idle_timeout(Duration::from_secs(3_600))
}

/// Keeps as many workers busy, until the flag is set. They compute: one that sleeps in its task for
/// long would be replaced.
fn keep_busy(pool: &AdaptiveThreadPool, workers: usize) -> Arc<AtomicBool> {
    let over = Arc::<AtomicBool>::default();
    let (begun, begins) = mpsc::channel();
    for _ in 0..workers {
        let (over, begun) = (Arc::clone(&over), begun.clone());
        let task = move || {
            begun.send(()).unwrap();
            while !over.load(Ordering::Relaxed) {
                thread::yield_now();
            }
        };
        drop(pool.try_spawn(task).unwrap());
    }
    begins.iter().take(workers).for_each(drop);
    over
}

/// Tasks that each keep a worker, as many as can run at once, and more.
fn crowd(pool: &AdaptiveThreadPool, at_once: usize) {
    let over = keep_busy(pool, at_once);
    let waiting: Vec<_> = (0..20).map(|n| pool.try_spawn(move || n).unwrap()).collect();
    assert!(waiting.iter().all(|task| !task.is_finished()));
    let statistics = pool.statistics();
    assert_eq!((statistics.total_threads, statistics.active_threads), (at_once, at_once));
    over.store(true, Ordering::Relaxed);
    assert!(waiting.into_iter().map(|task| task.blocking_join().unwrap()).eq(0..20));
}

#[test]
fn threads_start_while_work_waits_up_to_the_cores_there_are() {
    in_time(|| {
        let most = usable_cores();
        let (builder, threads) = ThreadEvents::watch(elastic(most + 2));
        let pool = builder.build().unwrap();
        assert_eq!((pool.statistics().total_threads, threads.next_start()), (1, "millpond-0".into()));
        crowd(&pool, most);
        for _ in 1..most {
            threads.next_start();
        }
        assert_eq!((threads.starts(), pool.statistics().threads_started), (0, most as u64));
    });
}

#[test]
fn no_more_threads_start_than_the_most_allowed() {
    in_time(|| {
        let (builder, threads) = ThreadEvents::watch(elastic(1));
        let pool = builder.build().unwrap();
        crowd(&pool, 1);
        threads.next_start();
        assert_eq!(threads.starts(), 0);
    });
}

/// The least is a promise, however few cores there are.
#[test]
fn the_least_number_of_threads_is_there_from_the_start() {
    in_time(|| {
        let least = usable_cores() + 2;
        let (builder, threads) = ThreadEvents::watch(fixed(least));
        let pool = builder.build().unwrap();
        let mut names: Vec<_> = (0..least).map(|_| threads.next_start()).collect();
        names.sort();
        let mut wanted: Vec<_> = (0..least).map(|n| format!("millpond-{n}")).collect();
        wanted.sort();
        assert_eq!(names, wanted);
        assert_eq!(pool.statistics().total_threads, least);
        crowd(&pool, least);
        assert_eq!(threads.starts(), 0);
    });
}

#[test]
fn idle_threads_leave_down_to_the_least() {
    in_time(|| {
        let most = usable_cores();
        // One more than there will be: a thread that leaves keeps its number until it is gone.
        let (builder, threads) =
            ThreadEvents::watch(elastic(most + 1).idle_timeout(Duration::from_millis(5)));
        let pool = builder.build().unwrap();
        for _ in 0..3 {
            crowd(&pool, most);
            for _ in 1..most {
                threads.next_stop();
            }
            until(|| pool.statistics().total_threads == 1);
        }
        // One is left, and does its work.
        assert_eq!(block_on(pool.run(|| 7)).unwrap(), 7);
        assert_eq!((threads.stops(), pool.statistics().total_threads), (0, 1));
        drop(pool);
        threads.next_stop();
    });
}

/// The threads of another pool, which was idle for a shorter time, tell that the time is over.
#[test]
fn the_least_number_of_threads_does_not_leave() {
    in_time(|| {
        let timeout = Duration::from_millis(5);
        let (builder, threads) = ThreadEvents::watch(fixed(2).idle_timeout(timeout));
        let pool = builder.build().unwrap();
        if usable_cores() > 1 {
            let (builder, others) = ThreadEvents::watch(elastic(3).idle_timeout(timeout));
            let other = builder.build().unwrap();
            for _ in 0..3 {
                hold(&other, 2).end();
                others.next_stop();
                until(|| other.statistics().total_threads == 1);
            }
        }
        assert_eq!((threads.stops(), pool.statistics().total_threads), (0, 2));
        crowd(&pool, 2);
        drop(pool);
        threads.next_stop();
        threads.next_stop();
        assert_eq!(threads.starts(), 2);
    });
}

/// All the slots there are: one of a busy thread, one of a thread that is about to be gone.
#[test]
fn work_gets_the_place_of_a_thread_that_leaves() {
    in_time(|| {
        if usable_cores() < 2 {
            return;
        }
        let (leaving, leaves) = mpsc::channel();
        let gate = Arc::<Gate>::default();
        let within = Arc::clone(&gate);
        let pool = elastic(2)
            .sampling_interval(Duration::from_millis(1))
            .idle_timeout(Duration::from_millis(5))
            .on_thread_stop(move || {
                let _ = leaving.send(());
                within.pass();
            })
            .build()
            .unwrap();
        hold(&pool, 2).end();
        leaves.recv().unwrap();
        let held = hold(&pool, 1);
        let second = pool.try_spawn(|| "on the other thread").unwrap();
        gate.open();
        assert_eq!(second.blocking_join().unwrap(), "on the other thread");
        held.end();
    });
}

#[test]
fn hooks_run_on_the_worker_around_its_tasks() {
    in_time_async(|| async {
        let (tell, told) = mpsc::channel();
        let (start, stop, task) = (tell.clone(), tell.clone(), tell);
        let say = |what: &'static str, to: &mpsc::Sender<_>| to.send((what, thread::current().id())).unwrap();
        let pool = fixed(1)
            .thread_name("mill")
            .on_thread_start(move || say("start", &start))
            .on_thread_stop(move || say("stop", &stop))
            .build()
            .unwrap();
        pool.run(move || say("task", &task)).await.unwrap();
        pool.shutdown(Duration::MAX).await;
        let events: Vec<_> = told.iter().take(3).collect();
        assert!(events.iter().map(|(what, _)| *what).eq(["start", "task", "stop"]), "{events:?}");
        assert!(events.iter().all(|(_, on)| *on == events[0].1), "{events:?}");
    });
}

/// Starts threads as long as there are any left, and counts those that it was asked for.
fn limited(builder: PoolBuilder, left: usize) -> (PoolBuilder, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let builder = builder.spawn_handler(move |thread, body| {
        if count.fetch_add(1, Ordering::SeqCst) < left {
            thread.spawn(body).map(drop)
        } else {
            Err(io::Error::other("none left"))
        }
    });
    (builder, asked)
}

#[test]
fn a_pool_that_gets_no_first_thread_is_not_built() {
    in_time(|| {
        let (builder, asked) = limited(fixed(1), 0);
        match builder.build() {
            Err(error @ BuildError::Spawn(_)) => {
                assert_eq!(error.to_string(), "could not start a worker thread");
                assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "none left");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn threads_that_were_started_before_the_build_failed_leave_again() {
    in_time(|| {
        let (builder, threads) = ThreadEvents::watch(fixed(3));
        let (builder, _) = limited(builder, 2);
        assert!(matches!(builder.build(), Err(BuildError::Spawn(_))));
        threads.next_stop();
        threads.next_stop();
        assert_eq!(threads.starts(), 2);
    });
}

#[test]
fn a_pool_that_gets_no_more_threads_goes_on_with_those_it_has() {
    in_time(|| {
        if usable_cores() < 2 {
            return;
        }
        let (builder, asked) = limited(elastic(2).sampling_interval(Duration::from_secs(60)), 1);
        let pool = builder.build().unwrap();
        for _ in 0..10 {
            let held = hold(&pool, 1);
            let waiting: Vec<_> = (0..100).map(|n| pool.try_spawn(move || n).unwrap()).collect();
            held.end();
            assert!(waiting.into_iter().map(|task| task.blocking_join().unwrap()).eq(0..100));
        }
        let statistics = pool.statistics();
        assert_eq!((statistics.total_threads, statistics.threads_started), (1, 1));
        assert_eq!(statistics.thread_spawn_failures, 1, "and it does not ask again for a while");
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        block_on(pool.shutdown(Duration::MAX));
    });
}

#[test]
fn a_pool_asks_again_after_a_while() {
    in_time(|| {
        if usable_cores() < 2 {
            return;
        }
        let (allow, asked) = (Arc::new(AtomicUsize::new(1)), Arc::new(AtomicUsize::new(0)));
        let (left, count) = (Arc::clone(&allow), Arc::clone(&asked));
        let pool = elastic(2)
            .max_queue_size(1 << 24)
            .sampling_interval(Duration::from_millis(1))
            .spawn_handler(move |thread, body| {
                count.fetch_add(1, Ordering::SeqCst);
                if left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err()
                {
                    return Err(io::Error::other("none left"));
                }
                thread.spawn(body).map(drop)
            })
            .build()
            .unwrap();
        let held = hold(&pool, 1);
        drop(pool.try_spawn(|| ()).unwrap());
        assert!(pool.statistics().thread_spawn_failures >= 1);
        allow.store(1, Ordering::SeqCst);
        // Whoever submits while work waits may be the one who asks.
        until(|| {
            drop(pool.try_spawn(|| ()));
            pool.statistics().total_threads == 2
        });
        assert!(asked.load(Ordering::SeqCst) >= 3);
        held.end();
    });
}

#[test]
fn a_spawn_handler_gets_the_name_and_may_change_the_rest() {
    in_time_async(|| async {
        let pool = fixed(1)
            .thread_name("deep")
            .spawn_handler(|thread, body| thread.stack_size(32 << 20).spawn(body).map(drop))
            .build()
            .unwrap();
        fn deep(levels: usize) -> usize {
            let room = std::hint::black_box([1_u8; 4_096]);
            if levels == 0 { 0 } else { usize::from(room[levels % 4_096]) + deep(levels - 1) }
        }
        let name = pool.run(|| thread::current().name().map(String::from)).await.unwrap();
        assert_eq!(name.as_deref(), Some("deep-0"));
        assert_eq!(pool.run(|| deep(3_000)).await.unwrap(), 3_000, "over 12 MiB of stack");
    });
}

/// With the warm-up the threads have come up, hook and all, before anybody has the pool.
#[test]
fn a_warmed_up_pool_is_built_when_its_threads_are_up() {
    in_time(|| {
        for threads in [1, 4] {
            let (builder, events) = ThreadEvents::watch(fixed(threads));
            let pool = builder.build().unwrap();
            assert_eq!(events.starts(), threads);
            drop(pool);
        }
    });
}

/// The thread's hook waits for the very handle that `build` returns.
#[test]
fn without_the_warm_up_nobody_waits_for_the_threads() {
    in_time(|| {
        let (built, wait) = mpsc::channel::<()>();
        let wait = std::sync::Mutex::new(wait);
        let pool = fixed(1)
            .warm_up(false)
            .on_thread_start(move || wait.lock().unwrap().recv().unwrap())
            .build()
            .unwrap();
        let task = pool.try_spawn(|| "ran").unwrap();
        built.send(()).unwrap();
        assert_eq!(task.blocking_join().unwrap(), "ran");
    });
}

#[cfg(target_os = "linux")]
mod niceness {
    use super::*;

    /// Of the calling thread: the 19th field of its `stat`, the 17th behind the name in brackets.
    fn niceness() -> i32 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let (_, behind) = stat.rsplit_once(')').unwrap();
        behind.split_whitespace().nth(16).unwrap().parse().unwrap()
    }

    #[test]
    fn workers_are_ranked_behind_the_async_runtime_where_that_is_asked_for() {
        in_time_async(|| async {
            let own = niceness();
            let pool = AdaptiveThreadPool::new();
            assert_eq!(pool.run(niceness).await.unwrap(), own);
            let pool = AdaptiveThreadPool::builder().worker_niceness(19).build().unwrap();
            assert_eq!(pool.run(niceness).await.unwrap(), 19);
            let pool = AdaptiveThreadPool::builder().worker_niceness(10).build().unwrap();
            assert_eq!(pool.run(niceness).await.unwrap(), own.max(10), "unless the process is nicer");
            assert_eq!(niceness(), own, "nobody else is touched");
        });
    }
}

#[test]
fn a_refused_thread_is_asked_for_again_while_the_work_waits() {
    in_time(|| {
        if usable_cores() < 2 {
            return;
        }
        let refuse = Arc::new(AtomicBool::new(false));
        let refused = Arc::clone(&refuse);
        let pool = elastic(2)
            .sampling_interval(Duration::from_millis(1))
            .spawn_handler(move |thread, body| {
                if refused.load(Ordering::SeqCst) {
                    return Err(io::Error::other("none left"));
                }
                thread.spawn(body).map(drop)
            })
            .build()
            .unwrap();
        let held = hold(&pool, 1);
        refuse.store(true, Ordering::SeqCst);
        let second = pool.try_spawn(|| "on the other thread").unwrap();
        until(|| pool.statistics().thread_spawn_failures >= 1);
        refuse.store(false, Ordering::SeqCst);
        assert_eq!(second.blocking_join().unwrap(), "on the other thread");
        held.end();
    });
}
