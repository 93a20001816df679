//! Wake-ups of callers that workers defer, to wake several callers together.
//!
//! A wake-up can cost more than a short task: the kernel wakes the caller's thread, which may take
//! the core of the worker that woke it. So while work waits, a worker collects the wakers of tasks
//! that are done (`policy/waking.rs` decides for how long). Then it wakes the first caller only.
//! That caller wakes the others at its next poll of a future of the pool, on its own thread
//! ([`handoff`](DeferredWakes::handoff)).
//!
//! A deferred wake-up must not depend on the running task, nor on a caller that never polls. So
//! each worker's wakers lie in a box that other threads can reach, with the time at which they are
//! overdue. While wake-ups are deferred the timer thread ticks, and wakes the callers of each box
//! that is overdue ([`tick`](DeferredWakes::tick)).
//!
//! # The timer thread does not tick while nothing is deferred
//!
//! `ticking` is true while the timer thread ticks. A worker puts a waker into its box under the
//! box's lock, then reads `ticking`. The timer thread clears `ticking`, then reads every box under
//! its lock. If the timer thread locks the box first, the worker reads `false` and calls the timer
//! thread. If the worker locks it first, the timer thread finds the waker and continues to tick.

use std::collections::VecDeque;
use std::mem;
use std::task::Waker;

use crossbeam_utils::CachePadded;

use crate::contain;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};

/// The deferred wake-ups of a pool.
#[derive(Debug)]
pub(crate) struct DeferredWakes {
    /// One box for each worker, and a last one for backups.
    boxes: Box<[CachePadded<Mutex<WakeBox>>]>,
    /// The timer thread ticks, or has been called to.
    ticking: AtomicBool,
    /// A worker has left wakers in its box for a caller to wake.
    handed_off: CachePadded<AtomicBool>,
}

#[derive(Debug, Default)]
struct WakeBox {
    wakers: VecDeque<Waker>,
    /// When the first of them is overdue, in nanoseconds of the pool's clock.
    overdue_ns: u64,
    /// A waker was added since the last tick.
    used: bool,
}

impl WakeBox {
    fn add(&mut self, waker: Waker, overdue_ns: u64) {
        // Wakers that were handed off may still be in the box.
        let others = if self.wakers.is_empty() { u64::MAX } else { self.overdue_ns };
        self.overdue_ns = overdue_ns.min(others);
        self.wakers.push_back(waker);
        self.used = true;
    }
}

impl DeferredWakes {
    /// Makes empty boxes, one for each of `workers` workers.
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            boxes: (0..=workers).map(|_| CachePadded::default()).collect(),
            ticking: AtomicBool::new(false),
            handed_off: CachePadded::new(AtomicBool::new(false)),
        }
    }

    /// Adds a waker to a worker's box. The waker is overdue at `overdue_ns` at the latest. Returns
    /// false if the timer thread does not tick: the worker must then call the timer thread.
    #[must_use]
    pub(crate) fn defer(&self, worker: usize, waker: Waker, overdue_ns: u64) -> bool {
        self.boxes[worker].lock().add(waker, overdue_ns);
        self.is_ticking()
    }

    /// As [`defer`](Self::defer), for a caller that somebody else is to wake, too. Only a tick
    /// wakes it. In a worker's box it could be the first, which is to wake the others, and never
    /// poll.
    #[must_use]
    pub(crate) fn defer_backup(&self, waker: Waker, overdue_ns: u64) -> bool {
        self.defer(self.workers().len(), waker, overdue_ns)
    }

    fn workers(&self) -> &[CachePadded<Mutex<WakeBox>>] {
        &self.boxes[..self.boxes.len() - 1]
    }

    /// Notes that the calling thread is about to call the timer thread. Returns true to the first
    /// such thread.
    pub(crate) fn start_ticking(&self) -> bool {
        !self.ticking.swap(true, Ordering::Relaxed)
    }

    /// Notes that the timer thread could not be started.
    pub(crate) fn stop_ticking(&self) {
        self.ticking.store(false, Ordering::Relaxed);
    }

    /// Returns whether the timer thread has to tick.
    pub(crate) fn is_ticking(&self) -> bool {
        self.ticking.load(Ordering::Relaxed)
    }

    /// Wakes the callers of each box that is overdue at `now_ns`; the timer thread calls this at
    /// each tick. Ticking ends when no waker was added since the last tick and none is left.
    pub(crate) fn tick(&self, now_ns: u64) {
        Self::wake(&self.boxes, now_ns);
        let used = |used, deferred: &CachePadded<Mutex<WakeBox>>| used | mem::take(&mut deferred.lock().used);
        if !self.boxes.iter().fold(false, used) {
            self.rest();
        }
    }

    /// Ends ticking, unless a waker is left. Once ticking has ended, [`defer`](Self::defer) returns
    /// false.
    pub(super) fn rest(&self) {
        self.ticking.store(false, Ordering::Relaxed);
        if self.boxes.iter().any(|deferred| !deferred.lock().wakers.is_empty()) {
            self.ticking.store(true, Ordering::Relaxed);
        }
    }

    /// Wakes the first caller of a worker's box. That caller wakes the others.
    pub(crate) fn wake_first(&self, worker: usize) {
        let first = {
            let mut deferred = self.boxes[worker].lock();
            let first = deferred.wakers.pop_front();
            if !deferred.wakers.is_empty() {
                // Set under the lock: a thread that reads it finds the wakers.
                self.handed_off.store(true, Ordering::Relaxed);
            }
            first
        };
        contain::wake(first);
    }

    /// Wakes all callers of a worker's box.
    pub(crate) fn wake_all_of(&self, worker: usize) {
        Self::wake(&self.boxes[worker..=worker], u64::MAX);
    }

    /// Wakes the callers that a worker has left for the polling caller to wake.
    #[inline]
    pub(crate) fn handoff(&self) {
        if self.handed_off.load(Ordering::Relaxed) {
            self.wake_all();
        }
    }

    /// Wakes the callers of all workers.
    #[cold]
    fn wake_all(&self) {
        // Cleared first: a worker that hands off after its box was emptied sets it again.
        self.handed_off.store(false, Ordering::Relaxed);
        Self::wake(self.workers(), u64::MAX);
    }

    /// Wakes the callers of the `boxes` that are overdue at `now_ns`.
    fn wake(boxes: &[CachePadded<Mutex<WakeBox>>], now_ns: u64) {
        let mut wakers = VecDeque::new();
        for deferred in boxes {
            let mut deferred = deferred.lock();
            if deferred.overdue_ns <= now_ns {
                wakers.append(&mut deferred.wakers);
            }
        }
        // Without a lock: a waker is a user's code.
        wakers.into_iter().for_each(|waker| contain::wake(Some(waker)));
    }
}

#[cfg(all(test, not(millpond_loom)))]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::counted_wakes::CountedWakes;

    /// Counts the wakers of one worker and their calls.
    struct Counted {
        wakes: DeferredWakes,
        calls: Arc<CountedWakes>,
    }

    impl Counted {
        fn new() -> Self {
            Self { wakes: DeferredWakes::new(1), calls: Arc::default() }
        }

        fn defer(&self, overdue_ns: u64) -> bool {
            self.wakes.defer(0, self.calls.waker(), overdue_ns)
        }

        fn calls(&self) -> usize {
            self.calls.count()
        }
    }

    #[test]
    fn a_tick_wakes_those_who_are_overdue() {
        let counted = Counted::new();
        let _ = (counted.defer(10), counted.defer(10));
        counted.wakes.tick(9);
        assert_eq!(counted.calls(), 0);
        counted.wakes.tick(10);
        assert_eq!(counted.calls(), 2);
    }

    #[test]
    fn wakers_that_were_handed_off_are_overdue_when_they_were() {
        let counted = Counted::new();
        let _ = (counted.defer(10), counted.defer(10));
        counted.wakes.wake_first(0);
        let _ = counted.defer(20);
        counted.wakes.tick(10);
        assert_eq!(counted.calls(), 3);
        let _ = counted.defer(30);
        counted.wakes.tick(29);
        assert_eq!(counted.calls(), 3, "the first group is gone");
    }

    #[test]
    fn ticking_ends_after_a_tick_without_use_unless_a_waker_is_left() {
        let counted = Counted::new();
        assert!(!counted.defer(10) && counted.wakes.start_ticking() && !counted.wakes.start_ticking());
        assert!(counted.defer(10));
        counted.wakes.tick(10);
        assert!(counted.wakes.is_ticking(), "it was used");
        assert!(counted.defer(30));
        counted.wakes.tick(20);
        counted.wakes.tick(25);
        assert!(counted.wakes.is_ticking(), "there is one left");
        counted.wakes.tick(30);
        assert!(!counted.wakes.is_ticking());
        assert_eq!(counted.calls(), 3);
    }

    #[test]
    fn a_backup_is_woken_by_a_tick_only_and_is_not_the_first_of_a_group() {
        let (counted, backup) = (Counted::new(), Arc::<CountedWakes>::default());
        let _ = counted.wakes.defer_backup(backup.waker(), 10);
        let _ = counted.defer(10);
        counted.wakes.wake_first(0);
        assert_eq!(counted.calls(), 1);
        counted.wakes.wake_all();
        assert_eq!(backup.count(), 0);
        counted.wakes.tick(10);
        assert_eq!(backup.count(), 1);
    }

    #[test]
    fn a_caller_wakes_the_others_of_its_group() {
        let counted = Counted::new();
        counted.wakes.handoff();
        let _ = (counted.defer(10), counted.defer(10), counted.defer(10));
        counted.wakes.handoff();
        assert_eq!(counted.calls(), 0, "nothing was left for it");
        counted.wakes.wake_first(0);
        assert_eq!(counted.calls(), 1);
        counted.wakes.handoff();
        assert_eq!(counted.calls(), 3);
    }
}
