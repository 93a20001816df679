//! Code of a user that panics, calls back or keeps things costs nobody else anything: not a worker, not a place, not an
//! answer.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::pool_support::{Token, Tokens, block_on, fixed, hold, in_time, poll_once, until};
use millpond::pool::{CapturedContext, Propagate};
use millpond::{AdaptiveThreadPool, JoinError, Pressure, Priority, TaskContext};

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

#[test]
fn a_result_that_nobody_takes_may_panic_in_its_drop_wherever_its_handle_is_dropped() {
    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let done = || {
            let task = pool.try_spawn(|| PanicsTwice).unwrap();
            until(|| task.is_finished());
            task
        };
        // Here, in another task, and with the future of `run`.
        drop(done());
        let other = done();
        let task = pool.run(move || {
            drop(other);
            5
        });
        assert_eq!(block_on(task).unwrap(), 5);
        let mut run = pool.run(|| PanicsTwice);
        assert!(poll_once(&mut run).is_pending());
        until(|| pool.statistics().tasks_completed == 4);
        drop(run);
        assert_eq!(pool.statistics().tasks_panicked, 0);
        // A subtask that its task does not wait for.
        let task = pool.run(|| drop(TaskContext::current().unwrap().spawn(|| PanicsTwice)));
        block_on(task).unwrap();
        assert_eq!(block_on(pool.run(|| 6)).unwrap(), 6);
        assert_eq!(pool.statistics().threads_started, 1);
    });
}

#[test]
fn a_result_that_a_task_left_behind_may_panic_while_the_caller_panics() {
    struct PanicsAlways;
    impl Drop for PanicsAlways {
        fn drop(&mut self) {
            panic!("in a drop, on purpose");
        }
    }

    in_time(|| {
        let pool = fixed(1).build().unwrap();
        let task = pool.try_spawn(|| PanicsAlways).unwrap();
        until(|| task.is_finished());
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let _task = task;
            panic!("of the caller, on purpose");
        }));
        assert_eq!(*unwound.unwrap_err().downcast::<&str>().unwrap(), "of the caller, on purpose");
        block_on(pool.run(|| ())).unwrap();
    });
}

#[test]
fn work_that_is_refused_may_panic_in_its_drop() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let grenade = || {
            let grenade = PanicsInDrop;
            move || drop(grenade)
        };
        let late = pool.task().deadline(Instant::now()).run(grenade());
        assert!(block_on(late).unwrap_err().is_expired());
        let permit = pool.try_acquire().unwrap();
        block_on(pool.shutdown(Duration::MAX));
        assert!(block_on(pool.run(grenade())).unwrap_err().is_closed());
        assert!(block_on(permit.spawn(grenade())).unwrap_err().is_closed());
    });
}

#[test]
fn work_that_is_evicted_or_expires_may_panic_in_its_drop() {
    in_time(|| {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let held = hold(&pool, 1);
        let grenade = PanicsInDrop;
        let bulk = pool.task().priority(Priority::Bulk).try_spawn(move || drop(grenade)).unwrap();
        let urgent = pool.task().priority(Priority::Interactive).try_spawn(|| 7).unwrap();
        assert!(block_on(bulk).unwrap_err().is_rejected());
        held.end();
        assert_eq!(block_on(urgent).unwrap(), 7);

        let held = hold(&pool, 1);
        let expired = (0..20).find_map(|turn| {
            let (soon, grenade) = (Instant::now() + Duration::from_millis(20 << turn), PanicsInDrop);
            let late = pool.task().deadline(soon).try_spawn(move || drop(grenade));
            late.map_err(|refused| std::mem::forget(refused.into_inner())).ok()
        });
        assert!(block_on(expired.unwrap()).unwrap_err().is_expired());
        let next = pool.try_spawn(|| 8).unwrap();
        held.end();
        assert_eq!(block_on(next).unwrap(), 8);
    });
}

#[test]
fn a_captured_context_may_panic_in_its_drop_and_the_others_are_dropped_all_the_same() {
    struct Carries(Tokens);
    struct Carried(#[allow(dead_code, reason = "counts drops")] Token, PanicsAlways);
    struct PanicsAlways;
    impl Drop for PanicsAlways {
        fn drop(&mut self) {
            panic!("in a drop, on purpose");
        }
    }
    impl Propagate for Carries {
        fn capture(&self) -> Option<Box<dyn CapturedContext>> {
            Some(Box::new(Carried(self.0.token(), PanicsAlways)))
        }
    }
    impl CapturedContext for Carried {
        fn scope(self: Box<Self>, task: &mut dyn FnMut()) {
            std::mem::forget(self.1);
            task();
        }
    }

    in_time(|| {
        let tokens = Tokens::default();
        let carries = || Carries(tokens.clone());
        let pool = fixed(1).max_queue_size(1).propagate(carries()).propagate(carries()).build().unwrap();
        let held = hold(&pool, 1);
        let queued = pool.try_spawn(|| ()).unwrap();
        // Refused, expired on arrival, cancelled.
        assert_eq!(pool.try_spawn(|| 1).unwrap_err().into_inner()(), 1);
        let late = pool.task().deadline(Instant::now()).try_spawn(|| 2).unwrap_err();
        assert_eq!(late.into_inner()(), 2);
        queued.abort();
        assert!(matches!(block_on(queued), Err(JoinError::Cancelled)));
        held.end();
        assert_eq!(block_on(pool.run(|| 3)).unwrap(), 3);
        assert_eq!(tokens.alive(), 0);
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
fn so_may_what_it_panics_with_when_it_is_dropped() {
    survives(|_| panic_any(PanicsTwice));
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
