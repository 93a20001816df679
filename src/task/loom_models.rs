//! Models of the task cell, checked by loom over every interleaving.
//!
//! The models catch these mutations (`scripts/mutants` applies them and expects the failure):
//! * `wake-before-result`: a finisher that takes the waker before it stores the result;
//! * `waker-not-stored`: a waiter that looks without leaving its waker;
//! * `cancel-tells-nobody`: a canceller that does not wake the waiter;
//! * `enter-cancelled`: a task that enters the queue after it was cancelled;
//! * `rest-looks-first`: a timer thread that reads the boxes before it clears `ticking`;
//! * `defer-asks-first`: a worker that reads `ticking` before it defers a wake-up;
//! * `handoff-clears-last`: a caller that wakes the others before it clears the flag;
//! * `rest-forgets`: a waiter that rests without checking whether the future was woken during its
//!   job;
//! * `notice-tells-nobody`: a wake-up that finds the waiter at rest and does not wake it;
//! * `withdraw-placed`: a withdrawal that takes back work which has its permit;
//! * `adopt-looks-first`: a node that comes while its parent is cancelled, and is in no list;
//! * `end-leaves-tree`: a node whose task ends, and that nothing above it reaches any more.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use super::{
    CancelNode, DeferredWakes, Ended, Host, Join, NotWaiting, Notice, Place, Refusal, Run, TaskCell, Ticket,
};
use crate::counted_wakes::CountedWakes;
use crate::error::JoinError;

const HELD: Place = Place::Queued(Ticket::HELD);

/// Counts what happens to a task's place.
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

/// A waiter sees the result, however its polls and the end of the task interleave. A lost wake-up
/// would be a deadlock.
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

/// A worker, a canceller and a waiter act at once: the work is run or dropped, its place comes back
/// exactly once, and the waiter learns which.
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

/// A task enters the queue while it is cancelled. If it had entered, the canceller gives its place
/// back; otherwise it takes no place.
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

fn deferred(workers: usize) -> (Arc<DeferredWakes>, Arc<CountedWakes>) {
    (Arc::new(DeferredWakes::new(workers)), Arc::default())
}

/// A worker defers a wake-up while the timer thread stops ticking: the timer thread finds the
/// wake-up, or is called.
#[test]
fn loom_no_deferred_wake_up_is_forgotten() {
    loom::model(|| {
        let (wakes, _) = deferred(1);
        assert!(wakes.start_ticking());
        let worker = {
            let wakes = Arc::clone(&wakes);
            thread::spawn(move || !wakes.defer(0, Waker::noop().clone(), 0) && wakes.start_ticking())
        };
        wakes.rest();
        let rested = !wakes.is_ticking();
        let called = worker.join().unwrap();
        assert!(!rested || called);
        assert!(wakes.is_ticking());
    });
}

/// A worker and the timer thread both take deferred wake-ups: each caller is woken once.
#[test]
fn loom_a_deferred_wake_up_is_sent_once() {
    loom::model(|| {
        let (wakes, calls) = deferred(1);
        let _ = wakes.defer(0, calls.waker(), 0);
        let worker = {
            let wakes = Arc::clone(&wakes);
            thread::spawn(move || wakes.wake_first(0))
        };
        wakes.tick(0);
        worker.join().unwrap();
        assert_eq!(calls.count(), 1);
    });
}

/// Two workers each wake one caller and leave another for it, and both callers poll at the same
/// time: each caller is woken once.
#[test]
fn loom_callers_that_are_left_are_woken() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let (wakes, calls) = deferred(2);
        let woken = |worker: usize, wakes: &DeferredWakes, calls: &Arc<CountedWakes>| {
            for _ in 0..2 {
                let _ = wakes.defer(worker, calls.waker(), 0);
            }
            wakes.wake_first(worker);
            // The woken caller polls.
            wakes.handoff();
        };
        let other = {
            let (wakes, calls) = (Arc::clone(&wakes), Arc::clone(&calls));
            thread::spawn(move || woken(1, &wakes, &calls))
        };
        woken(0, &wakes, &calls);
        other.join().unwrap();
        assert_eq!(calls.count(), 4);
    });
}

/// Jobs poll a future. It is woken twice from elsewhere, at any time, and its waiter does not rest
/// before it has seen both events.
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
        // Each read of the events is one poll of the future by a job. The waiter has submitted the
        // job and seen its end.
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

/// As above with a real job: it polls on a worker's thread with the notice as its waker, and its
/// own end wakes the waiter.
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

/// A task is withdrawn while it gets its place: it has the place and stays, or it is gone and takes
/// none.
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

/// A task is cancelled while its subtask, whose own task ends, submits work: the work is cancelled.
#[test]
fn loom_a_cancellation_reaches_what_comes_meanwhile() {
    loom::model(|| {
        let root = CancelNode::new(None);
        let middle = CancelNode::new(Some(Arc::clone(&root)));
        let ender = {
            let middle = Arc::clone(&middle);
            thread::spawn(move || middle.end())
        };
        let canceller = thread::spawn(move || root.cancel());
        let leaf = CancelNode::new(Some(middle));
        ender.join().unwrap();
        canceller.join().unwrap();
        assert!(leaf.is_cancelled());
    });
}

/// The same while two tasks, one above the other, end.
#[test]
fn loom_a_cancellation_reaches_what_moves_meanwhile() {
    loom::model(|| {
        let root = CancelNode::new(None);
        let upper = CancelNode::new(Some(Arc::clone(&root)));
        let lower = CancelNode::new(Some(Arc::clone(&upper)));
        let leaf = CancelNode::new(Some(Arc::clone(&lower)));
        upper.end();
        drop(upper);
        let canceller = thread::spawn(move || root.cancel());
        lower.end();
        drop(lower);
        canceller.join().unwrap();
        assert!(leaf.is_cancelled());
    });
}
