//! Accepted means that it will be run, unless a deadline says otherwise; and nobody is left waiting at the end of a pool.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use crate::pool_support::{
    Gate, ThreadEvents, Tokens, block_on, fixed, hold, in_time, in_time_async, poll_once, until,
    until_cancelled,
};
use millpond::{AdaptiveThreadPool, JoinError, RejectReason, TaskContext};

const FOR_EVER: Duration = Duration::MAX;
/// Over when it is first looked at.
const AT_ONCE: Duration = Duration::ZERO;

#[test]
fn a_drain_runs_all_that_was_accepted() {
    in_time(|| {
        for (threads, drain) in [(1, FOR_EVER), (2, FOR_EVER), (1, Duration::from_secs(3_600))] {
            let (builder, events) = ThreadEvents::watch(fixed(threads));
            let pool = builder.build().unwrap();
            let held = hold(&pool, threads);
            let tasks: Vec<_> = (0..1_000).map(|n| pool.try_spawn(move || n).unwrap()).collect();
            let mut end = Box::pin(pool.shutdown(drain));
            assert!(poll_once(&mut end).is_pending());
            held.release();
            let report = block_on(end);
            assert_eq!(report.completed, 1_000 + threads as u64);
            assert_eq!((report.cancelled, report.turned_away, report.still_running), (0, 0, 0));
            // The threads have left before the report was there.
            assert_eq!(events.stops(), threads);
            assert!(tasks.into_iter().map(|task| task.blocking_join().unwrap()).eq(0..1_000));
        }
    });
}

#[test]
fn subtasks_of_accepted_work_are_accepted_too() {
    in_time(|| {
        let pool = fixed(2).build().unwrap();
        let held = hold(&pool, 2);
        let gate = Arc::<Gate>::default();
        let (tell, told) = mpsc::channel();
        let within = Arc::clone(&gate);
        let family = pool.try_spawn(move || {
            let context = TaskContext::current().unwrap();
            within.pass();
            // One is waited for, one is left to itself.
            drop(context.spawn(move || tell.send("left to itself").unwrap()));
            context.spawn(|| "waited for").blocking_join().unwrap()
        });
        let mut end = Box::pin(pool.shutdown(FOR_EVER));
        assert!(poll_once(&mut end).is_pending());
        gate.open();
        held.release();
        assert_eq!(block_on(end).completed, 2 + 3);
        assert_eq!(family.unwrap().blocking_join().unwrap(), "waited for");
        assert_eq!(told.recv(), Ok("left to itself"));
    });
}

#[test]
fn the_deadline_cancels_what_waits_and_counts_it() {
    in_time(|| {
        let (builder, events) = ThreadEvents::watch(fixed(1));
        let pool = builder.build().unwrap();
        let tokens = Tokens::default();
        let held = hold(&pool, 1);
        let tasks: Vec<_> = (0..1_000)
            .map(|_| {
                let token = tokens.token();
                pool.try_spawn(move || drop(token)).unwrap()
            })
            .collect();
        let report = block_on(pool.shutdown(AT_ONCE));
        assert_eq!((report.completed, report.cancelled), (0, 1_000));
        assert_eq!((report.turned_away, report.still_running), (0, 1));
        until(|| tokens.alive() == 0);
        for task in tasks {
            assert!(matches!(task.blocking_join(), Err(JoinError::Cancelled)));
        }
        assert_eq!((pool.statistics().queue_depth, pool.statistics().tasks_cancelled), (0, 1_000));
        assert_eq!(events.stops(), 0, "one still runs");
        held.end();
        events.next_stop();
    });
}

#[test]
fn the_deadline_asks_what_runs_to_stop() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let task = until_cancelled(&pool);
        block_on(pool.shutdown(AT_ONCE));
        assert_eq!(task.blocking_join().unwrap(), "stopped early");
    });
}

#[test]
fn subtasks_that_come_after_the_deadline_are_cancelled() {
    in_time(|| {
        let (builder, events) = ThreadEvents::watch(fixed(1));
        let pool = builder.build().unwrap();
        let (begun, begins) = mpsc::channel();
        let (give, get) = mpsc::channel();
        let task = pool
            .try_spawn(move || {
                let context = TaskContext::current().unwrap();
                begun.send(()).unwrap();
                while !context.is_cancelled() {
                    thread::yield_now();
                }
                give.send(context.spawn(|| "too late")).unwrap();
            })
            .unwrap();
        begins.recv().unwrap();
        // It may be quick enough to be counted.
        assert!(block_on(pool.shutdown(AT_ONCE)).cancelled <= 1);
        let late = get.recv().unwrap();
        task.blocking_join().unwrap();
        assert!(matches!(late.blocking_join(), Err(JoinError::Cancelled)));
        events.next_stop();
    });
}

#[test]
fn a_closed_pool_refuses_work_and_hands_it_back() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let other = pool.clone();
        assert!(!other.is_closed());
        block_on(pool.shutdown(FOR_EVER));
        assert!(other.is_closed());

        assert!(matches!(block_on(other.run(|| 1)), Err(JoinError::Closed)));
        let tokens = Tokens::default();
        let work = || {
            let token = tokens.token();
            move || (token, "as it was")
        };
        let closed = block_on(other.spawn(work())).unwrap_err();
        assert_eq!(closed.to_string(), "the pool is shutting down");
        assert_eq!(closed.into_inner()().1, "as it was");
        let rejected = other.try_spawn(work()).unwrap_err();
        assert_eq!(rejected.rejection().reason, RejectReason::ShuttingDown);
        assert_eq!(rejected.rejection().retry_after, None, "trying again is of no use");
        assert_eq!(rejected.into_inner()().1, "as it was");
        assert!(block_on(other.acquire()).is_err());
        assert_eq!(other.try_acquire().unwrap_err().reason, RejectReason::ShuttingDown);
        drop(other.run(work()));
        assert_eq!(tokens.alive(), 0);
        assert_eq!(other.statistics().total_threads, 0);
    });
}

#[test]
fn callers_in_line_are_turned_away_at_once() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let held = hold(&pool, 1);
        let queued = pool.try_spawn(|| "queued").unwrap();
        let tokens = Tokens::default();
        let mut runs: Vec<_> = (0..3)
            .map(|_| {
                let token = tokens.token();
                pool.run(move || drop(token))
            })
            .collect();
        runs.iter_mut().for_each(|run| assert!(poll_once(run).is_pending()));
        let mut acquire = pool.acquire();
        assert!(poll_once(&mut acquire).is_pending());
        let token = tokens.token();
        let mut spawn = Box::pin(pool.spawn(move || (token, "as it was")));
        assert!(poll_once(&mut spawn).is_pending());

        let mut end = Box::pin(pool.shutdown(FOR_EVER));
        assert!(poll_once(&mut end).is_pending());
        // The worker is still held up: nobody waits for it.
        runs.into_iter().for_each(|run| assert!(matches!(block_on(run), Err(JoinError::Closed))));
        assert!(block_on(acquire).is_err());
        assert_eq!(tokens.alive(), 1);
        assert_eq!(block_on(spawn).unwrap_err().into_inner()().1, "as it was");
        assert_eq!((pool.statistics().waiting_callers, pool.statistics().queue_depth), (0, 1));
        held.end();
        let report = block_on(end);
        assert_eq!((report.turned_away, report.completed), (5, 2));
        assert_eq!(queued.blocking_join().unwrap(), "queued");
    });
}

#[test]
fn waiting_futures_are_woken_when_they_are_turned_away() {
    in_time_async(|| async {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let held = hold(&pool, 1);
        let queued = pool.try_spawn(|| ()).unwrap();
        let (one, two, three) = (pool.clone(), pool.clone(), pool.clone());
        let run = tokio::spawn(async move { one.run(|| ()).await });
        let acquire = tokio::spawn(async move { two.acquire().await.is_err() });
        let spawn = tokio::spawn(async move { three.spawn(|| ()).await.is_err() });
        while pool.statistics().waiting_callers < 3 {
            tokio::task::yield_now().await;
        }
        let mut end = Box::pin(pool.shutdown(FOR_EVER));
        assert!(poll_once(&mut end).is_pending());
        assert!(matches!(run.await.unwrap(), Err(JoinError::Closed)));
        assert!(acquire.await.unwrap() && spawn.await.unwrap());
        held.end();
        end.await;
        queued.await.unwrap();
    });
}

#[test]
fn a_permit_of_a_closed_pool_says_so() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let (used, dropped) = (pool.try_acquire().unwrap(), pool.try_acquire().unwrap());
        block_on(pool.shutdown(FOR_EVER));
        let tokens = Tokens::default();
        let token = tokens.token();
        let task = used.spawn(move || drop(token));
        assert_eq!(tokens.alive(), 0);
        assert!(matches!(task.blocking_join(), Err(JoinError::Closed)));
        drop(dropped);
        assert_eq!(pool.statistics().reserved_permits, 0);
    });
}

/// The worker is held up, so whoever waited for it in `drop` would never come back.
#[test]
fn dropping_the_last_handle_blocks_nobody_and_loses_nothing() {
    in_time_async(|| async {
        let (builder, events) = ThreadEvents::watch(fixed(1));
        let pool = builder.build().unwrap();
        let held = hold(&pool, 1);
        let tasks: Vec<_> = (0..10).map(|n| pool.try_spawn(move || n).unwrap()).collect();
        let other = pool.clone();
        drop(pool);
        assert!(!other.is_closed(), "there is another handle");
        drop(other);
        assert_eq!(events.stops(), 0);
        held.release();
        for (n, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), n);
        }
        events.next_stop();
    });
}

#[test]
fn the_threads_of_an_idle_pool_stop_when_its_last_handle_is_dropped() {
    in_time_async(|| async {
        for threads in [1, 3] {
            let (builder, events) = ThreadEvents::watch(fixed(threads));
            drop(builder.build().unwrap());
            for _ in 0..threads {
                events.next_stop();
            }
        }
    });
}

#[test]
fn a_permit_is_a_handle() {
    in_time(|| {
        let (builder, events) = ThreadEvents::watch(fixed(1));
        let pool = builder.build().unwrap();
        let permit = pool.try_acquire().unwrap();
        drop(pool);
        assert_eq!(permit.spawn(|| "still open").blocking_join().unwrap(), "still open");
        events.next_stop();
    });
}

/// A worker that drops the last handle would wait for itself.
#[test]
fn the_last_handle_may_be_dropped_by_a_task_of_the_pool() {
    in_time(|| {
        let (builder, events) = ThreadEvents::watch(fixed(1));
        let pool = builder.build().unwrap();
        let gate = Arc::<Gate>::default();
        let within = Arc::clone(&gate);
        let last = pool.clone();
        let task = pool.try_spawn(move || {
            within.pass();
            drop(last);
            "dropped"
        });
        drop(pool);
        gate.open();
        assert_eq!(task.unwrap().blocking_join().unwrap(), "dropped");
        events.next_stop();
    });
}

#[test]
fn a_pool_may_be_shut_down_twice_and_at_the_same_time() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let held = hold(&pool, 1);
        let queued = pool.try_spawn(|| ()).unwrap();
        let (one, two) = (pool.clone(), pool.clone());
        let mut first = Box::pin(one.shutdown(FOR_EVER));
        let mut second = Box::pin(two.shutdown(FOR_EVER));
        assert!(poll_once(&mut first).is_pending());
        assert!(poll_once(&mut second).is_pending());
        held.release();
        let (first, second) = futures_util::future::join(first, second).await;
        assert_eq!((first.completed, second.completed), (2, 2));
        queued.await.unwrap();
        let third = pool.shutdown(AT_ONCE).await;
        assert_eq!((third.completed, third.cancelled, third.still_running), (0, 0, 0));
    });
}

#[test]
fn the_earliest_of_several_deadlines_counts() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let held = hold(&pool, 1);
        let queued = pool.try_spawn(|| ()).unwrap();
        let mut patient = Box::pin(pool.shutdown(FOR_EVER));
        let mut hours = Box::pin(pool.shutdown(Duration::from_secs(3_600)));
        assert!(poll_once(&mut patient).is_pending());
        assert!(poll_once(&mut hours).is_pending());
        assert_eq!(block_on(pool.shutdown(AT_ONCE)).cancelled, 1);
        assert_eq!((block_on(patient).cancelled, block_on(hours).cancelled), (1, 1));
        assert!(matches!(queued.blocking_join(), Err(JoinError::Cancelled)));
        held.end();
    });
}

#[test]
fn a_shutdown_that_nobody_awaits_takes_place_all_the_same() {
    in_time(|| {
        let (builder, events) = ThreadEvents::watch(fixed(1));
        let pool = builder.build().unwrap();
        drop(pool.shutdown(AT_ONCE));
        assert!(!pool.is_closed(), "it was not even polled");
        let held = hold(&pool, 1);
        let queued = pool.try_spawn(|| ()).unwrap();
        let mut end = Box::pin(pool.shutdown(AT_ONCE));
        // The deadline may be seen to before the poll is over.
        let _ = poll_once(&mut end);
        drop(end);
        assert!(pool.is_closed());
        assert!(matches!(queued.blocking_join(), Err(JoinError::Cancelled)));
        held.end();
        events.next_stop();
    });
}

#[test]
fn a_task_may_shut_its_own_pool_down() {
    in_time(|| {
        let (builder, events) = ThreadEvents::watch(fixed(1));
        let pool = builder.build().unwrap();
        let own = pool.clone();
        let held = hold(&pool, 1);
        let task = pool.try_spawn(move || {
            // It can't wait for its own end: the deadline gives the answer.
            let report = block_on(own.shutdown(AT_ONCE));
            (report, TaskContext::current().unwrap().is_cancelled(), own.try_spawn(|| ()).is_ok())
        });
        let queued = pool.try_spawn(|| ()).unwrap();
        held.end();
        let (report, cancelled, _) = task.unwrap().blocking_join().unwrap();
        assert_eq!((report.cancelled, report.still_running), (1, 1));
        assert!(cancelled);
        assert!(matches!(queued.blocking_join(), Err(JoinError::Cancelled)));
        events.next_stop();
    });
}

#[test]
fn a_task_may_begin_a_drain_of_its_own_pool() {
    in_time(|| {
        let (builder, events) = ThreadEvents::watch(fixed(1));
        let pool = builder.build().unwrap();
        let own = pool.clone();
        let held = hold(&pool, 1);
        let task = pool.try_spawn(move || {
            assert!(poll_once(&mut Box::pin(own.shutdown(Duration::from_secs(3_600)))).is_pending());
            block_on(own.run(|| "a subtask")).unwrap()
        });
        let queued = pool.try_spawn(|| "accepted").unwrap();
        held.end();
        assert_eq!(task.unwrap().blocking_join().unwrap(), "a subtask");
        assert_eq!(queued.blocking_join().unwrap(), "accepted");
        events.next_stop();
    });
}

/// Counts what became of its work.
#[derive(Default)]
struct Fates {
    submitted: AtomicU64,
    answered: AtomicU64,
    refused: AtomicU64,
    cancelled: AtomicU64,
}

impl Fates {
    fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::SeqCst);
    }

    fn note<T>(&self, result: Result<T, JoinError>) {
        match result {
            Ok(_) => Self::add(&self.answered),
            Err(JoinError::Closed) => Self::add(&self.refused),
            Err(JoinError::Cancelled) => Self::add(&self.cancelled),
            Err(other) => panic!("{other}"),
        }
    }

    fn count(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::SeqCst)
    }
}

/// Submits in every way until the pool is closed.
fn submit_until_closed(pool: &AdaptiveThreadPool, fates: &Fates, tokens: &Tokens, ran: &Arc<AtomicU64>) {
    for way in 0_usize.. {
        let (token, ran) = (tokens.token(), Arc::clone(ran));
        let work = move || {
            ran.fetch_add(1, Ordering::SeqCst);
            drop(token);
        };
        Fates::add(&fates.submitted);
        let before = Fates::count(&fates.refused);
        match way % 4 {
            0 => fates.note(block_on(pool.run(work))),
            1 => match pool.try_spawn(work) {
                Ok(task) => fates.note(task.blocking_join()),
                Err(rejected) if rejected.rejection().reason == RejectReason::ShuttingDown => {
                    Fates::add(&fates.refused)
                }
                // It was full, and the work is not lost.
                Err(rejected) => fates.note(block_on(pool.run(rejected.into_inner()))),
            },
            2 => match block_on(pool.spawn(work)) {
                Ok(task) => fates.note(task.blocking_join()),
                Err(_) => Fates::add(&fates.refused),
            },
            _ => match block_on(pool.acquire()) {
                Ok(permit) => fates.note(permit.spawn(work).blocking_join()),
                Err(_) => Fates::add(&fates.refused),
            },
        }
        if Fates::count(&fates.refused) > before && pool.is_closed() {
            return;
        }
    }
}

#[test]
fn every_submission_that_races_with_a_shutdown_is_answered_or_refused() {
    in_time(|| {
        for round in 0..60 {
            let (builder, events) = ThreadEvents::watch(fixed(2).max_queue_size(1 + round % 3));
            let pool = builder.build().unwrap();
            let (fates, tokens, ran) = (Fates::default(), Tokens::default(), Arc::new(AtomicU64::new(0)));
            let start = Barrier::new(4);
            let report = thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        start.wait();
                        submit_until_closed(&pool, &fates, &tokens, &ran);
                    });
                }
                start.wait();
                until(|| Fates::count(&fates.answered) >= round as u64);
                block_on(pool.shutdown(if round % 2 == 0 { FOR_EVER } else { AT_ONCE }))
            });
            events.next_stop();
            events.next_stop();
            let (answered, refused) = (Fates::count(&fates.answered), Fates::count(&fates.refused));
            let cancelled = Fates::count(&fates.cancelled);
            assert_eq!(answered, ran.load(Ordering::SeqCst), "round {round}");
            assert_eq!(answered + refused + cancelled, Fates::count(&fates.submitted), "round {round}");
            assert!(
                report.cancelled <= cancelled && (round % 2 == 1 || cancelled == 0),
                "round {round}: {report:?}"
            );
            until(|| tokens.alive() == 0);
            // Who is cancelled is told a moment before the place is free.
            until(|| pool.statistics().active_threads == 0 && pool.statistics().queue_depth == 0);
            let statistics = pool.statistics();
            assert_eq!(statistics.tasks_completed, answered, "round {round}");
            assert_eq!(statistics.waiting_callers, 0, "round {round}");
        }
    });
}

/// The last handle goes while callers of others still hold their answers in their hands.
#[test]
fn every_task_accepted_before_the_last_handle_goes_is_run() {
    in_time(|| {
        for _ in 0..100 {
            let (builder, events) = ThreadEvents::watch(fixed(2));
            let pool = builder.build().unwrap();
            let tasks: Vec<_> = thread::scope(|scope| {
                let submitters: Vec<_> = (0..3)
                    .map(|_| {
                        let pool = pool.clone();
                        scope.spawn(move || {
                            (0..20).map(|n| pool.try_spawn(move || n).unwrap()).collect::<Vec<_>>()
                        })
                    })
                    .collect();
                drop(pool);
                submitters.into_iter().flat_map(|submitter| submitter.join().unwrap()).collect()
            });
            assert_eq!(tasks.into_iter().map(|task| task.blocking_join().unwrap()).sum::<u32>(), 3 * 190);
            events.next_stop();
            events.next_stop();
        }
    });
}
