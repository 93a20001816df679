//! Models of the task cell, checked by loom over every interleaving.
//!
//! Mutations that these models were seen to catch (`scripts/mutants` applies them and expects the failure):
//! * `wake-before-result`: a finisher that takes the waker before it stores the result;
//! * `waker-not-stored`: a waiter that looks without leaving its waker;
//! * `cancel-tells-nobody`: a canceller that does not wake the waiter;
//! * `admit-cancelled`: a line that gives a permit to a task that was cancelled;
//! * `rest-forgets`: a waiter that rests without asking whether the future was woken during its job;
//! * `notice-tells-nobody`: a wake-up that finds the waiter at rest and does not wake it;
//! * `withdraw-placed`: a waiter whose patience is over that takes back what has its permit.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Wake as _};

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use super::{Cancelled, Ended, Host, Join, Notice, Place, Run, TaskCell};
use crate::error::JoinError;

/// Counts what becomes of a place.
#[derive(Default)]
struct Counts {
    ran: AtomicUsize,
    given_back: AtomicUsize,
}

impl Host for Counts {
    fn leaves_queue(&self, place: Place) {
        assert_eq!(place, Place::Held);
        self.given_back.fetch_add(1, Ordering::Relaxed);
    }
    fn ended(&self, _: Ended) {
        self.ran.fetch_add(1, Ordering::Relaxed);
    }
}

impl Counts {
    fn cancel(&self, task: &dyn Run) {
        match task.cancel() {
            Cancelled::Pending(Place::Held) => {
                self.given_back.fetch_add(1, Ordering::Relaxed);
            }
            Cancelled::Pending(other) => panic!("{other:?}"),
            Cancelled::Running | Cancelled::Over => {}
        }
    }
}

/// A waiter sees the result, however its polls and the end of the task interleave: a lost wake-up would be a deadlock.
#[test]
fn loom_the_waiter_is_woken() {
    loom::model(|| {
        let cell = TaskCell::new(|| 7, Place::Held, None);
        let worker = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || cell.run(&Counts::default()))
        };
        let result = loom::future::block_on(poll_fn(|cx| cell.poll_join(cx.waker())));
        assert_eq!(result.unwrap(), 7);
        assert!(worker.join().unwrap().is_some());
    });
}

/// Worker, canceller and waiter at once: the work is run or dropped, its place comes back exactly once, and the waiter is
/// told which.
#[test]
fn loom_a_place_comes_back_once() {
    loom::model(|| {
        let counts = Arc::new(Counts::default());
        let cell = TaskCell::new(|| (), Place::Held, None);
        let worker = {
            let (cell, counts) = (Arc::clone(&cell), Arc::clone(&counts));
            thread::spawn(move || cell.run(&*counts))
        };
        let canceller = {
            let (cell, counts) = (Arc::clone(&cell), Arc::clone(&counts));
            thread::spawn(move || counts.cancel(&*cell))
        };
        let result = loom::future::block_on(poll_fn(|cx| cell.poll_join(cx.waker())));
        let ran = worker.join().unwrap().is_some();
        canceller.join().unwrap();
        assert_eq!(counts.given_back.load(Ordering::Relaxed), 1);
        assert_eq!(counts.ran.load(Ordering::Relaxed), usize::from(ran));
        assert!(matches!((ran, result), (true, Ok(())) | (false, Err(JoinError::Cancelled))));
    });
}

/// A task in line that is admitted while it is cancelled: the permit is given back by the canceller if it was taken, and
/// not taken if it was too late.
#[test]
fn loom_a_cancelled_task_takes_no_permit() {
    loom::model(|| {
        let cell = TaskCell::new(|| (), Place::Line, None);
        let line = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || cell.admit())
        };
        let met = cell.cancel();
        match line.join().unwrap() {
            true => assert_eq!(met, Cancelled::Pending(Place::Held)),
            false => assert_eq!(met, Cancelled::Pending(Place::Line)),
        }
    });
}

/// A future that is polled by jobs: it is woken twice from elsewhere, at any time, and its waiter does not rest before it has seen both.
#[test]
fn loom_a_future_that_is_woken_is_polled_again() {
    loom::model(|| {
        let (notice, events) = (Notice::new(), Arc::new(AtomicUsize::new(0)));
        let other = {
            let (notice, events) = (Arc::clone(&notice), Arc::clone(&events));
            thread::spawn(move || {
                for _ in 0..2 {
                    events.fetch_add(1, Ordering::Relaxed);
                    notice.wake_by_ref();
                }
            })
        };
        // Each look at the events is one poll of the future, by a job that the waiter has just submitted, and seen the end of.
        loom::future::block_on(poll_fn(|cx| {
            loop {
                if events.load(Ordering::Relaxed) == 2 {
                    return Poll::Ready(());
                }
                if !notice.rest(cx.waker()) {
                    return Poll::Pending;
                }
            }
        }));
        other.join().unwrap();
    });
}

/// The same with a real job: it polls on a worker's thread, with the notice as its waker, and tells its waiter by its own end.
#[test]
fn loom_a_wake_up_during_the_job_is_not_lost() {
    loom::model(|| {
        let (notice, event) = (Notice::new(), Arc::new(AtomicUsize::new(0)));
        let job = {
            let event = Arc::clone(&event);
            TaskCell::new(move || event.load(Ordering::Relaxed) == 1, Place::Held, None)
        };
        let worker = {
            let job = Arc::clone(&job);
            thread::spawn(move || job.run(&Counts::default()))
        };
        let other = {
            let (notice, event) = (Arc::clone(&notice), Arc::clone(&event));
            thread::spawn(move || {
                event.store(1, Ordering::Relaxed);
                notice.wake_by_ref();
            })
        };
        let mut polled = Some(job);
        loom::future::block_on(poll_fn(|cx| {
            if let Some(job) = &polled {
                match job.poll_join(cx.waker()) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(true)) => return Poll::Ready(()),
                    Poll::Ready(_) => polled = None,
                }
            }
            // The next job would see the event.
            if notice.rest(cx.waker()) { Poll::Ready(()) } else { Poll::Pending }
        }));
        other.join().unwrap();
        worker.join().unwrap();
    });
}

/// A task in line that is withdrawn while it is admitted: it has its permit and stays, or it is gone and takes none.
#[test]
fn loom_what_is_withdrawn_takes_no_permit() {
    loom::model(|| {
        let cell = TaskCell::new(|| (), Place::Line, None);
        let line = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || cell.admit())
        };
        let withdrawn = cell.withdraw();
        match line.join().unwrap() {
            true => assert_eq!((withdrawn, cell.is_pending()), (None, true)),
            false => assert_eq!((withdrawn, cell.is_pending()), (Some(Place::Line), false)),
        }
    });
}
