//! What is accepted is run and answered, however close the end of the pool is; and the figures say what happened.

use std::sync::Arc;
use std::sync::mpsc;
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use crate::pool_support::{Wakes, block_on, fixed, in_time, in_time_async, poll_once, short, until};

#[test]
fn every_caller_is_woken_when_the_pool_ends_behind_them() {
    in_time(|| {
        for round in 0..300 {
            let pool = fixed(2).build().unwrap();
            (0..10).for_each(|_| block_on(pool.run(short)).unwrap());
            let waiting: Vec<_> = (0..8 + round % 16)
                .filter_map(|_| {
                    let mut task = pool.try_spawn(short).unwrap();
                    let wakes = Arc::new(Wakes::default());
                    let waker = Waker::from(Arc::clone(&wakes));
                    let pending =
                        std::pin::Pin::new(&mut task).poll(&mut Context::from_waker(&waker)).is_pending();
                    pending.then_some((task, wakes))
                })
                .collect();
            drop(pool);
            until(|| waiting.iter().all(|(_, wakes)| wakes.count() == 1));
            assert!(waiting.iter().all(|(task, _)| task.is_finished()));
        }
    });
}

#[test]
fn nothing_is_lost_when_cancelled_tasks_are_cleared_away_meanwhile() {
    in_time(|| {
        for _ in 0..200 {
            let pool = fixed(1).max_queue_size(4000).build().unwrap();
            let (release, released) = mpsc::channel::<()>();
            let _occupies = pool.try_spawn(move || released.recv().is_err()).unwrap();
            let accepted = pool.try_spawn(|| 7).unwrap();
            let cancelled: Vec<_> = (0..300).map(|_| pool.try_spawn(|| ()).unwrap()).collect();
            let canceller = thread::spawn(move || cancelled.iter().for_each(|task| task.abort()));
            drop(release);
            drop(pool);
            assert_eq!(block_on(accepted).unwrap(), 7);
            canceller.join().unwrap();
        }
    });
}

#[test]
fn only_those_who_still_wait_are_turned_away() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let (release, released) = mpsc::channel::<()>();
        let occupies = pool.try_spawn(move || released.recv().is_err()).unwrap();
        until(|| pool.statistics().queue_depth == 0);
        let _queued = pool.try_spawn(|| ()).unwrap();
        let mut line: Vec<_> = (0..10).map(|_| pool.run(|| ())).collect();
        line.iter_mut().for_each(|run| assert!(poll_once(run).is_pending()));
        line.truncate(6);
        let mut shutdown = Box::pin(pool.shutdown(Duration::MAX));
        assert!(poll_once(&mut shutdown).is_pending());
        drop(release);
        assert_eq!(block_on(shutdown).turned_away, 6);
        assert!(block_on(occupies).unwrap());
    });
}

#[test]
fn no_thread_is_left_in_the_figures() {
    in_time(|| {
        let pool = fixed(2).build().unwrap();
        block_on(pool.run(|| ())).unwrap();
        block_on(pool.shutdown(Duration::MAX));
        let statistics = pool.statistics();
        assert_eq!((statistics.total_threads, statistics.active_threads), (0, 0));
        assert_eq!((statistics.tasks_queued, statistics.tasks_completed), (1, 1));
    });
}

#[test]
fn the_sum_of_queued_tasks_is_never_too_high_and_never_goes_down() {
    in_time(|| {
        let pool = fixed(2).build().unwrap();
        let mut last = 0;
        for submitted in 1..=20_000 {
            block_on(pool.run(|| ())).unwrap();
            let queued = pool.statistics().tasks_queued;
            assert!(last <= queued && queued <= submitted, "{last} {queued} {submitted}");
            last = queued;
        }
    });
}

#[test]
fn a_thread_for_blocking_code_may_join() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let task = pool.spawn(|| 3).await.unwrap();
        let joined = tokio::task::spawn_blocking(move || task.blocking_join()).await.unwrap();
        assert_eq!(joined.unwrap(), 3);
    });
}
