//! Many users who do everything at once: in the end nothing is lost, nothing is left, and the figures add up.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails where it can't go on")]

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use crate::pool_support::{Token, Tokens, block_on, in_time, until};
use millpond::{AdaptiveThreadPool, JoinError, JoinHandle, Pressure, TaskContext};

/// Deterministic, and different for each user.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % sides
    }
}

/// How often each closure was run, by its number; and what the users saw.
#[derive(Default)]
struct Ledger {
    tokens: Tokens,
    runs: Mutex<Vec<u8>>,
    ran: AtomicU64,
    panicked: AtomicU64,
    answers: AtomicU64,
    panics: AtomicU64,
}

impl Ledger {
    /// Work that enters itself into the ledger when it runs, and may then panic or have subtasks.
    fn work(self: &Arc<Self>, dice: &mut Dice) -> impl FnOnce() -> u64 + Send + 'static {
        let (ledger, kind, token) = (Arc::clone(self), dice.roll(12), self.tokens.token());
        let number = {
            let mut runs = self.runs.lock().unwrap();
            runs.push(0);
            runs.len() - 1
        };
        move || {
            ledger.runs.lock().unwrap()[number] += 1;
            ledger.ran.fetch_add(1, Ordering::SeqCst);
            let _token: Token = token;
            match kind {
                0 => {
                    ledger.panicked.fetch_add(1, Ordering::SeqCst);
                    std::panic::resume_unwind(Box::new("without a word"));
                }
                1 => {
                    let part = |n: u64| {
                        let (ledger, token) = (Arc::clone(&ledger), ledger.tokens.token());
                        move || {
                            ledger.ran.fetch_add(1, Ordering::SeqCst);
                            drop(token);
                            n
                        }
                    };
                    let context = TaskContext::current().unwrap();
                    // Waited for, left to itself, aborted.
                    let parts = [1, 2].map(|n| context.spawn(part(n)));
                    drop(context.spawn(part(3)));
                    context.spawn(part(4)).abort();
                    let join = |part: JoinHandle<u64>| {
                        part.blocking_join().unwrap_or_else(|error| {
                            assert!(error.is_cancelled() && context.is_cancelled(), "{error}");
                            0
                        })
                    };
                    parts.into_iter().map(join).sum()
                }
                2 => (0..2_000_u64).map(std::hint::black_box).sum(),
                _ => kind,
            }
        }
    }

    fn note(&self, result: Result<u64, JoinError>) {
        match result {
            Ok(_) => self.answers.fetch_add(1, Ordering::SeqCst),
            Err(error) if error.is_panic() => self.panics.fetch_add(1, Ordering::SeqCst),
            Err(JoinError::Cancelled) => 0,
            Err(other) => panic!("{other}"),
        };
    }
}

/// Polls so many times, then lets go.
fn give_up_after<F: Future>(polls: u64, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(output);
        }
        thread::yield_now();
    }
    None
}

fn use_in_every_way(pool: &AdaptiveThreadPool, ledger: &Arc<Ledger>, seed: u64, operations: u32) {
    let dice = &mut Dice(seed);
    for _ in 0..operations {
        let work = ledger.work(dice);
        match dice.roll(9) {
            0 | 1 => ledger.note(block_on(pool.run(work))),
            2 => {
                if let Some(result) = give_up_after(dice.roll(5), pool.run(work)) {
                    ledger.note(result);
                }
            }
            3 => ledger.note(block_on(block_on(pool.spawn(work)).unwrap())),
            4 => {
                if let Some(task) = give_up_after(dice.roll(5), pool.spawn(work)) {
                    drop(task.unwrap());
                }
            }
            5 => {
                let task = block_on(pool.spawn(work)).unwrap();
                task.abort();
                ledger.note(task.blocking_join());
            }
            6 => match pool.try_spawn(work) {
                Ok(task) => drop(task),
                Err(rejected) => ledger.note(block_on(pool.run(rejected.into_inner()))),
            },
            7 => {
                if let Some(permit) = give_up_after(dice.roll(5), pool.acquire()) {
                    ledger.note(permit.unwrap().spawn(work).blocking_join());
                }
            }
            _ => {
                if let Ok(permit) = pool.try_acquire() {
                    if dice.roll(2) == 0 {
                        drop(permit.spawn(work));
                    }
                }
            }
        }
    }
}

fn stress(threads: usize, places: usize, reservation_timeout: Duration) {
    let pool = AdaptiveThreadPool::builder()
        .max_threads(threads)
        .max_queue_size(places)
        .reservation_timeout(reservation_timeout)
        .idle_timeout(Duration::from_millis(1))
        .worker_niceness(0)
        .build()
        .unwrap();
    let ledger = Arc::<Ledger>::default();
    thread::scope(|scope| {
        for user in 1..=6 {
            let (pool, ledger) = (pool.clone(), Arc::clone(&ledger));
            scope.spawn(move || use_in_every_way(&pool, &ledger, user * 7_919, 700));
        }
    });
    // What was detached runs on for a moment; when its closures are gone, its last figures are on the way.
    until(|| ledger.tokens.alive() == 0);
    until(|| pool.statistics().queue_depth == 0 && pool.statistics().active_threads == 0);
    let statistics = pool.statistics();
    assert_eq!((statistics.waiting_callers, statistics.reserved_permits), (0, 0), "{statistics:?}");
    assert_eq!(statistics.pressure, Pressure::Normal, "{statistics:?}");
    assert!(statistics.load_factor.abs() < f64::EPSILON, "{statistics:?}");
    assert_eq!(statistics.tasks_completed, ledger.ran.load(Ordering::SeqCst), "{statistics:?}");
    assert_eq!(statistics.tasks_panicked, ledger.panicked.load(Ordering::SeqCst), "{statistics:?}");
    assert_eq!(
        statistics.tasks_queued,
        statistics.tasks_completed + statistics.tasks_cancelled,
        "{statistics:?}"
    );
    assert!(ledger.panics.load(Ordering::SeqCst) <= statistics.tasks_panicked);
    assert!(ledger.answers.load(Ordering::SeqCst) <= statistics.tasks_completed);
    assert!(ledger.runs.lock().unwrap().iter().all(|runs| *runs <= 1), "work was run twice");
    // Every place is there, and no more.
    if reservation_timeout == HOUR {
        let permits: Vec<_> = (0..places).map(|_| pool.try_acquire().expect("a place was lost")).collect();
        pool.try_acquire().expect_err("a place too many");
        drop(permits);
    }
    assert_eq!(block_on(pool.run(|| 7)).unwrap(), 7);
    let report = block_on(pool.shutdown(Duration::MAX));
    assert_eq!((report.cancelled, report.turned_away, report.still_running), (0, 0, 0));
}

const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn many_users_of_one_thread_and_one_place() {
    in_time(|| stress(1, 1, HOUR));
}

#[test]
fn many_users_of_one_thread() {
    in_time(|| stress(1, 100, HOUR));
}

#[test]
fn many_users_of_many_threads_and_few_places() {
    in_time(|| stress(4, 3, HOUR));
}

#[test]
fn many_users_of_many_threads() {
    in_time(|| stress(4, 1_000, HOUR));
}

/// Reservations lapse while they are used, given up and granted.
#[test]
fn many_users_with_permits_that_lapse_all_the_time() {
    in_time(|| stress(2, 2, Duration::from_millis(1)));
}
