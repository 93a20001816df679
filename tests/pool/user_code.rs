//! Code of a user that panics, calls back or keeps things costs nobody else anything: not a worker, not a place, not an
//! answer.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

use crate::pool_support::{block_on, fixed, hold, in_time, poll_once, until};
use millpond::pool::{CapturedContext, Propagate};
use millpond::{AdaptiveThreadPool, JoinError, Pressure, TaskContext};

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("in a drop, on purpose");
        }
    }
}

/// Panics in its drop, with a payload that does the same.
struct PanicsTwice;

impl Drop for PanicsTwice {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic_any(PanicsInDrop);
        }
    }
}

struct Calls<F>(F);

impl<F: Fn() + Send + Sync + 'static> Wake for Calls<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

/// A waker that calls `code`.
fn waker(code: impl Fn() + Send + Sync + 'static) -> Waker {
    Waker::from(Arc::new(Calls(code)))
}

#[test]
fn a_cancelled_closure_that_panics_in_its_drop_gives_its_place_back_and_tells_its_waiter() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let held = hold(&pool, 1);
        let grenade = PanicsInDrop;
        let queued = pool.try_spawn(move || drop(grenade)).unwrap();
        queued.abort();
        assert!(matches!(block_on(queued), Err(JoinError::Cancelled)));
        let next = pool.try_spawn(|| 2).unwrap();
        held.release();
        assert_eq!(block_on(next).unwrap(), 2);
    });
}

#[test]
fn nor_does_it_keep_a_shutdown_from_its_deadline() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let _held = hold(&pool, 1);
        let grenade = PanicsInDrop;
        drop(pool.try_spawn(move || drop(grenade)).unwrap());
        drop(pool.try_spawn(|| ()).unwrap());
        assert_eq!(block_on(pool.shutdown(Duration::from_millis(1))).cancelled, 2);
    });
}

#[test]
fn nor_those_who_stand_in_line_behind_it_from_being_turned_away() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let _held = hold(&pool, 1);
        let _queued = pool.try_spawn(|| ()).unwrap();
        let grenade = PanicsInDrop;
        let mut first = pool.run(move || drop(grenade));
        let mut second = pool.run(|| ());
        assert!(poll_once(&mut first).is_pending() && poll_once(&mut second).is_pending());
        let report = block_on(pool.shutdown(Duration::from_millis(1)));
        assert_eq!(report.turned_away, 2);
        assert!(matches!(block_on(second), Err(JoinError::Closed)));
    });
}

#[test]
fn a_result_that_panics_in_its_drop_with_a_payload_that_does_the_same_does_not_end_the_worker() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let held = hold(&pool, 1);
        // Before it runs: else the result would be dropped here.
        drop(pool.try_spawn(|| PanicsTwice).unwrap());
        held.release();
        block_on(pool.run(|| ())).unwrap();
    });
}

#[test]
fn a_waker_that_panics_costs_no_other_task_its_answer() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let held = hold(&pool, 1);
        let queued = pool.try_spawn(|| 5).unwrap();
        let angry = waker(|| panic!("in a waker, on purpose"));
        let mut call = pool.acquire();
        assert!(Pin::new(&mut call).poll(&mut Context::from_waker(&angry)).is_pending());
        held.release();
        assert_eq!(block_on(queued).unwrap(), 5);
    });
}

#[test]
fn a_watcher_of_the_pressure_may_submit_from_within_its_waker() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(4).backpressure_threshold(0.4).build().unwrap();
        let _held = hold(&pool, 1);
        let mut pressure = pool.pressure();
        let queued = pool.try_spawn(|| ()).unwrap();
        assert_eq!(*pressure.borrow_and_update(), Pressure::Saturated);
        let other = pool.clone();
        let submitted = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&submitted);
        let eager = waker(move || told.store(other.try_spawn(|| ()).is_ok(), Ordering::SeqCst));
        let mut changed = Box::pin(pressure.changed());
        assert!(changed.as_mut().poll(&mut Context::from_waker(&eager)).is_pending());
        queued.abort();
        assert!(submitted.load(Ordering::SeqCst));
        assert_eq!(*pool.pressure().borrow(), Pressure::Saturated, "by what the watcher submitted");
    });
}

#[test]
fn a_capture_that_panics_costs_no_place() {
    struct Angry(Arc<AtomicBool>);
    impl Propagate for Angry {
        fn capture(&self) -> Option<Box<dyn CapturedContext>> {
            assert!(!self.0.load(Ordering::SeqCst), "in a capture, on purpose");
            None
        }
    }

    in_time(|| {
        let angry = Arc::new(AtomicBool::new(true));
        let pool = fixed(1).max_queue_size(1).propagate(Angry(Arc::clone(&angry))).build().unwrap();
        assert!(catch_unwind(AssertUnwindSafe(|| pool.try_spawn(|| ()))).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| poll_once(&mut pool.run(|| ())))).is_err());
        angry.store(false, Ordering::SeqCst);
        block_on(pool.try_spawn(|| ()).unwrap()).unwrap();
    });
}

/// A pool whose second and further threads are started by `handler`, which fails in some way: the first goes on.
#[track_caller]
fn survives(handler: impl Fn(Box<dyn FnOnce() + Send>) + Send + Sync + 'static) {
    in_time(move || {
        let threads = AtomicUsize::new(0);
        let pool = AdaptiveThreadPool::builder()
            .max_threads(2)
            .spawn_handler(move |thread, body| match threads.fetch_add(1, Ordering::SeqCst) {
                0 => thread.spawn(body).map(drop),
                _ => {
                    handler(body);
                    Ok(())
                }
            })
            .build()
            .unwrap();
        let held = hold(&pool, 1);
        let waits = pool.try_spawn(|| ()).unwrap();
        held.end();
        block_on(waits).unwrap();
        // The worker has gone to sleep: is it woken?
        until(|| pool.statistics().active_threads == 0);
        block_on(pool.run(|| ())).unwrap();
        block_on(pool.shutdown(Duration::MAX));
    });
}

#[test]
fn a_spawn_handler_may_panic() {
    survives(|_| panic!("in a spawn handler, on purpose"));
}

#[test]
fn a_spawn_handler_may_forget_the_thread() {
    survives(drop);
}

#[test]
fn a_context_may_be_kept_for_longer_than_its_thread_lives() {
    thread_local! { static KEPT: RefCell<Vec<TaskContext>> = const { RefCell::new(Vec::new()) } }

    in_time(|| {
        let (stopped, stops) = mpsc::channel();
        let pool = AdaptiveThreadPool::builder()
            .max_threads(2)
            .idle_timeout(Duration::from_millis(1))
            .on_thread_stop(move || stopped.send(()).unwrap())
            .build()
            .unwrap();
        for _ in 0..3 {
            let held = hold(&pool, 1);
            let keeps = pool.try_spawn(|| KEPT.with_borrow_mut(|kept| kept.extend(TaskContext::current())));
            if crate::pool_support::usable_cores() > 1 {
                block_on(keeps.unwrap()).unwrap();
            }
            held.end();
            if crate::pool_support::usable_cores() > 1 {
                stops.recv().unwrap();
            }
        }
        block_on(pool.run(|| ())).unwrap();
    });
}

#[test]
fn work_may_be_submitted_while_the_locals_of_a_thread_are_destroyed() {
    struct Last(AdaptiveThreadPool, mpsc::Sender<bool>);
    impl Drop for Last {
        fn drop(&mut self) {
            let _ = self.1.send(self.0.try_spawn(|| ()).is_ok());
        }
    }
    thread_local! { static LAST: RefCell<Option<Last>> = const { RefCell::new(None) } }

    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let (accepted, answers) = mpsc::channel();
        for pool_first in [false, true] {
            let (pool, accepted) = (pool.clone(), accepted.clone());
            // The later a local is first used, the earlier it is destroyed: both orders.
            let body = move || {
                if pool_first {
                    drop(pool.try_spawn(|| ()));
                }
                LAST.set(Some(Last(pool.clone(), accepted)));
                drop(pool.try_spawn(|| ()));
            };
            thread::spawn(body).join().unwrap();
            assert!(answers.recv().unwrap());
        }
    });
}
