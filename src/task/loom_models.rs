//! Models of the task cell, checked by loom over every interleaving.
//!
//! Mutations that these models were seen to catch (`scripts/mutants` applies them and expects the failure):
//! * `wake-before-result`: a finisher that takes the waker before it stores the result;
//! * `waker-not-stored`: a waiter that looks without leaving its waker;
//! * `cancel-tells-nobody`: a canceller that does not wake the waiter;
//! * `enter-cancelled`: a task that enters the queue after it was cancelled;
//! * `rest-looks-first`: a watcher that looks into the boxes and then says that it sleeps;
//! * `hold-asks-first`: a worker that asks whether somebody watches before it holds a wake-up back;
//! * `left-cleared-last`: a caller who passes on what is left and then says that there is nothing left;
//! * `rest-forgets`: a waiter that rests without asking whether the future was woken during its job;
//! * `notice-tells-nobody`: a wake-up that finds the waiter at rest and does not wake it;
//! * `withdraw-placed`: a waiter whose patience is over that takes back what has entered the queue.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Wake as _, Waker};

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use super::{Ended, Host, Join, NotWaiting, Notice, Outboxes, Place, Refusal, Run, TaskCell, Ticket};
use crate::error::JoinError;

const HELD: Place = Place::Queued(Ticket::HELD);

/// Counts what becomes of a place.
#[derive(Default)]
struct Counts {
    ran: AtomicUsize,
    given_back: AtomicUsize,
}

impl Host for Counts {
    fn leaves_queue(&self, place: Place) {
        assert_eq!(place, HELD);
        self.given_back.fetch_add(1, Ordering::Relaxed);
    }
    fn ended(&self, _: Ended) {
        self.ran.fetch_add(1, Ordering::Relaxed);
    }
}

impl Counts {
    fn cancel(&self, task: &dyn Run) {
        match task.void(Refusal::Cancelled) {
            Ok((place, waiter)) => {
                assert_eq!(place, HELD);
                self.given_back.fetch_add(1, Ordering::Relaxed);
                waiter.into_iter().for_each(Waker::wake);
            }
            Err(NotWaiting::Running | NotWaiting::Over) => {}
        }
    }
}

/// A waiter sees the result, however its polls and the end of the task interleave: a lost wake-up would be a deadlock.
#[test]
fn loom_the_waiter_is_woken() {
    loom::model(|| {
        let cell = TaskCell::new(|| 7, HELD, None, None);
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
        let cell = TaskCell::new(|| (), HELD, None, None);
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

/// A task that gets its place while it is cancelled: the place is given back by the canceller if it
/// was taken, and not taken if it was too late.
#[test]
fn loom_a_cancelled_task_takes_no_place() {
    loom::model(|| {
        let cell = TaskCell::new(|| (), Place::Outside, None, None);
        let places = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || cell.enter(HELD))
        };
        let met = cell.void(Refusal::Cancelled).map(|(place, _)| place);
        let expected = if places.join().unwrap() { HELD } else { Place::Outside };
        assert_eq!(met, Ok(expected));
    });
}

/// A wake-up that is held back while the watcher goes to rest: either the watcher sees it or it is called.
#[test]
fn loom_no_held_wake_up_is_forgotten() {
    loom::model(|| {
        let outboxes = Arc::new(Outboxes::new(1));
        assert!(outboxes.watch());
        let worker = {
            let outboxes = Arc::clone(&outboxes);
            thread::spawn(move || !outboxes.hold(0, Waker::noop().clone()) && outboxes.watch())
        };
        let rests = outboxes.rest();
        let called = worker.join().unwrap();
        assert!(!rests || called);
        assert!(outboxes.watched());
    });
}

/// Worker and watcher both take what is held back: each wake-up is sent once.
#[test]
fn loom_a_held_wake_up_is_sent_once() {
    loom::model(|| {
        let outboxes = Arc::new(Outboxes::new(1));
        let _ = outboxes.hold(0, Waker::noop().clone());
        let mut overdue = VecDeque::new();
        assert!(outboxes.look(&mut overdue));
        let worker = {
            let outboxes = Arc::clone(&outboxes);
            thread::spawn(move || {
                let mut own = VecDeque::new();
                outboxes.take(0, &mut own);
                own.len()
            })
        };
        outboxes.look(&mut overdue);
        assert_eq!(worker.join().unwrap() + overdue.len(), 1);
    });
}

/// Two workers each wake one caller and leave another for it to pass on, and both callers come by at the same time: nobody is left
/// behind, and nobody is woken twice.
#[test]
fn loom_who_is_left_is_passed_on() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let outboxes = Arc::new(Outboxes::new(2));
        let woken = |worker: usize, outboxes: &Outboxes| {
            for _ in 0..2 {
                let _ = outboxes.hold(worker, Waker::noop().clone());
            }
            // With the first waker the caller is called, who polls and looks what is left.
            let first = usize::from(outboxes.first(worker).is_some());
            let mut others = VecDeque::new();
            if outboxes.left() {
                outboxes.take_all(&mut others);
            }
            first + others.len()
        };
        let other = {
            let outboxes = Arc::clone(&outboxes);
            thread::spawn(move || woken(1, &outboxes))
        };
        let told = woken(0, &outboxes) + other.join().unwrap();
        assert_eq!(told, 4);
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
            TaskCell::new(move || event.load(Ordering::Relaxed) == 1, HELD, None, None)
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

/// A task that is withdrawn while it gets its place: it has the place and stays, or it is gone and
/// takes none.
#[test]
fn loom_what_is_withdrawn_takes_no_place() {
    loom::model(|| {
        let cell = TaskCell::new(|| (), Place::Outside, None, None);
        let places = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || cell.enter(HELD))
        };
        let withdrawn = cell.withdraw(Ticket::HELD);
        match places.join().unwrap() {
            true => assert_eq!((withdrawn, cell.is_pending()), (None, true)),
            false => assert_eq!((withdrawn, cell.is_pending()), (Some(Place::Outside), false)),
        }
    });
}
