//! Models of the deferred wake-ups, checked by loom over every interleaving.
//!
//! Mutations that these models were seen to catch (`scripts/mutants` applies them and expects the failure):
//! * `rest-looks-first`: a timer thread that reads the boxes and then says that it rests;
//! * `defer-asks-first`: a worker that asks whether the timer thread ticks before it defers a wake-up;
//! * `handoff-clears-last`: a caller that wakes the others and then says that none are left.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use loom::thread;

use super::DeferredWakes;
use crate::policy::waking::WakeDelay;

#[derive(Default)]
struct Calls(AtomicUsize);

impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn deferred(workers: usize) -> (Arc<DeferredWakes>, Arc<Calls>) {
    (Arc::new(DeferredWakes::new(workers, WakeDelay::new(0))), Arc::default())
}

/// A worker defers a wake-up while the timer thread goes to rest: the timer thread finds it, or is
/// called.
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

/// Worker and timer thread both take what is deferred: each caller is woken once.
#[test]
fn loom_a_deferred_wake_up_is_sent_once() {
    loom::model(|| {
        let (wakes, calls) = deferred(1);
        let _ = wakes.defer(0, Waker::from(Arc::clone(&calls)), 0);
        let worker = {
            let wakes = Arc::clone(&wakes);
            thread::spawn(move || wakes.wake_first(0))
        };
        wakes.tick(0);
        worker.join().unwrap();
        assert_eq!(calls.0.load(Ordering::SeqCst), 1);
    });
}

/// Two workers each wake one caller and leave another for it, and both callers poll at the same time:
/// each caller is woken once.
#[test]
fn loom_callers_that_are_left_are_woken() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let (wakes, calls) = deferred(2);
        let woken = |worker: usize, wakes: &DeferredWakes, calls: &Arc<Calls>| {
            for _ in 0..2 {
                let _ = wakes.defer(worker, Waker::from(Arc::clone(calls)), 0);
            }
            wakes.wake_first(worker);
            // What the caller does that is woken.
            wakes.handoff();
        };
        let other = {
            let (wakes, calls) = (Arc::clone(&wakes), Arc::clone(&calls));
            thread::spawn(move || woken(1, &wakes, &calls))
        };
        woken(0, &wakes, &calls);
        other.join().unwrap();
        assert_eq!(calls.0.load(Ordering::SeqCst), 4);
    });
}
