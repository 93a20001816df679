//! Wake-ups that a worker holds back for a moment, to send several together.
//!
//! To wake a caller can cost more than a short task itself: the caller's thread leaves its sleep, and where it has the
//! higher priority it takes the very core that woke it. Callers whose tasks were taken from the queue together can be
//! woken together. The danger is a task that turns out long while the callers of those before it wait. So what is held
//! back is not the worker's own: it lies in an [`Outboxes`], and somebody looks through all of them from time to time
//! and sends what a worker has kept from one look to the next: the watcher, a thread of its own, or any worker that can tell that all go on.
//!
//! When they are sent, the worker wakes one caller only, and leaves the others for that one to pass on: with its next poll of
//! anything of the pool's, on its own thread. A worker that wakes them all itself is preempted with the first, since its
//! callers' thread has the higher priority, and comes to the next when that thread sleeps again; and from a thread of its
//! runtime a caller is woken without a lock. A caller that does not poll holds the others up until
//! any other comes by, or they were found left at two looks.
//!
//! The watcher, of whom there is one, sleeps as long as nothing is held back. (It alone may [`rest`](Outboxes::rest), whoever else looks.) That
//! it is awake when something is follows from the locks alone:
//! a worker first puts a waker under a box's lock and then reads `watched`; the watcher first clears `watched` and then
//! looks into every box under its lock. If the look comes first, the worker reads `false` and calls the watcher; if the
//! waker comes first, the watcher sees it.

use std::collections::VecDeque;
use std::task::Waker;

use crossbeam_utils::CachePadded;

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};

/// One box for each worker.
pub(crate) struct Outboxes {
    boxes: Box<[CachePadded<Mutex<Outbox>>]>,
    /// The watcher looks from time to time.
    watched: AtomicBool,
    /// A worker has left some for the caller that it woke, or for any other that comes by.
    left: CachePadded<AtomicBool>,
    /// For those who pass them on; empty.
    buffer: Mutex<VecDeque<Waker>>,
}

#[derive(Default)]
struct Outbox {
    wakers: VecDeque<Waker>,
    /// Whoever looked last saw these already.
    seen: bool,
}

impl std::fmt::Debug for Outboxes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outboxes").field("watched", &self.watched).finish_non_exhaustive()
    }
}

impl Outboxes {
    /// Empty boxes, and nobody watches.
    pub(crate) fn new(workers: usize) -> Self {
        let boxes = (0..workers).map(|_| CachePadded::new(Mutex::new(Outbox::default()))).collect();
        Self {
            boxes,
            watched: AtomicBool::new(false),
            left: CachePadded::new(AtomicBool::new(false)),
            buffer: Mutex::default(),
        }
    }

    /// Holds a wake-up back. False: nobody watches yet, the caller must see to it; see [`watch`](Self::watch).
    #[must_use]
    pub(crate) fn hold(&self, worker: usize, waker: Waker) -> bool {
        self.boxes[worker].lock().wakers.push_back(waker);
        self.watched.load(Ordering::Relaxed)
    }

    /// Somebody is about to call the watcher: true for the first who says so.
    pub(crate) fn watch(&self) -> bool {
        !self.watched.swap(true, Ordering::Relaxed)
    }

    /// The watcher could not be called.
    pub(crate) fn unwatched(&self) {
        self.watched.store(false, Ordering::Relaxed);
    }

    /// The first wake-up that is held back in one box, to be sent. Whoever gets it passes on the others.
    pub(crate) fn first(&self, worker: usize) -> Option<Waker> {
        let mut outbox = self.boxes[worker].lock();
        let first = outbox.wakers.pop_front();
        if outbox.wakers.is_empty() {
            outbox.seen = false;
        } else {
            // Under the lock: whoever reads it finds what it tells of.
            self.left.store(true, Ordering::Relaxed);
        }
        first
    }

    /// Whether there is something to pass on.
    #[inline]
    pub(crate) fn left(&self) -> bool {
        self.left.load(Ordering::Relaxed)
    }

    /// Moves all that is held back into `to`: what is left to be passed on, and what workers have added meanwhile.
    pub(crate) fn take_all(&self, to: &mut VecDeque<Waker>) {
        // First: what is left after a box was emptied is told of again.
        self.left.store(false, Ordering::Relaxed);
        for outbox in &self.boxes {
            let mut outbox = outbox.lock();
            to.append(&mut outbox.wakers);
            outbox.seen = false;
        }
    }

    /// An empty buffer to move wake-ups into, which is to be given back: with it neither side allocates again.
    pub(crate) fn buffer(&self) -> VecDeque<Waker> {
        std::mem::take(&mut self.buffer.lock())
    }

    /// The buffer, empty again.
    pub(crate) fn give_back(&self, buffer: VecDeque<Waker>) {
        *self.buffer.lock() = buffer;
    }

    /// Moves what is held back in one box into `to`, which is empty.
    pub(crate) fn take(&self, worker: usize, to: &mut VecDeque<Waker>) {
        let mut outbox = self.boxes[worker].lock();
        // Swapped, not moved: neither side allocates again.
        std::mem::swap(&mut outbox.wakers, to);
        outbox.seen = false;
    }

    /// A look, the watcher's or a worker's: moves into `to` what was there at the last look already. Says whether anything else is left.
    pub(crate) fn look(&self, to: &mut VecDeque<Waker>) -> bool {
        let mut left = false;
        for outbox in &self.boxes {
            let mut outbox = outbox.lock();
            if outbox.seen {
                to.append(&mut outbox.wakers);
            }
            outbox.seen = !outbox.wakers.is_empty();
            left |= outbox.seen;
        }
        left
    }

    /// Whether the watcher may sleep, because all boxes are empty. From here on a [`hold`](Self::hold) calls it.
    pub(crate) fn rest(&self) -> bool {
        self.watched.store(false, Ordering::Relaxed);
        let empty = self.boxes.iter().all(|outbox| outbox.lock().wakers.is_empty());
        if !empty {
            self.watched.store(true, Ordering::Relaxed);
        }
        empty
    }

    /// Whether the watcher is to look from time to time.
    pub(crate) fn watched(&self) -> bool {
        self.watched.load(Ordering::Relaxed)
    }
}

#[cfg(all(test, not(millpond_loom)))]
mod tests {
    use super::*;

    fn held(outboxes: &Outboxes, wakers: usize) {
        (0..wakers).for_each(|_| _ = outboxes.hold(0, Waker::noop().clone()));
    }

    #[test]
    fn what_came_after_the_watchers_look_is_not_overdue_at_the_next() {
        let passed_on = |outboxes: &Outboxes| outboxes.take_all(&mut VecDeque::new());
        let sent = |outboxes: &Outboxes| drop(outboxes.first(0));
        for emptied in [&passed_on as &dyn Fn(&Outboxes), &sent] {
            let (outboxes, mut overdue) = (Outboxes::new(1), VecDeque::new());
            held(&outboxes, 1);
            assert!(outboxes.look(&mut overdue));
            emptied(&outboxes);
            held(&outboxes, 3);
            assert!(outboxes.look(&mut overdue));
            assert_eq!(overdue.len(), 0);
            assert!(!outboxes.look(&mut overdue));
            assert_eq!(overdue.len(), 3);
        }
    }

    #[test]
    fn what_is_left_behind_stays_overdue() {
        let (outboxes, mut overdue) = (Outboxes::new(1), VecDeque::new());
        held(&outboxes, 3);
        assert!(outboxes.look(&mut overdue));
        drop(outboxes.first(0));
        outboxes.look(&mut overdue);
        assert_eq!(overdue.len(), 2);
    }
}
