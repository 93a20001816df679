//! How a worker tells callers that their tasks are done: one by one, or several together where a crowd waits.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::task::Waker;

use super::worker::Worker;
use crate::contain;
use crate::policy::batching::{self, Crowd};
use crate::task::{Label, Priority};

/// Those whose wake-ups a worker holds back.
#[derive(Default)]
pub(super) struct Callers {
    /// There are wake-ups in this worker's outbox, as far as it knows; the keeper may have sent them.
    held_back: Cell<bool>,
    /// Tasks that have ended since the first of them was held back, whoever waits for those.
    ended: Cell<usize>,
    /// One of those callers is in a hurry.
    hurry: Cell<bool>,
    /// A buffer for sending them.
    wakers: RefCell<VecDeque<Waker>>,
}

impl Worker {
    /// Tells the caller of the task that ends: now, or together with others.
    #[inline]
    pub(super) fn tell(&self, waker: Waker) {
        let callers = &self.callers;
        let held_back = callers.held_back.get();
        let hurry = self.is_urgent();
        // The last of those that are told together goes with the others: one wake-up for all, as soon as this task has ended.
        let together = self.within.borrow().is_empty() && (held_back || self.may_hold_back(hurry));
        if !together || (held_back && hurry && self.would_wait_for_others()) {
            return waker.wake();
        }
        callers.hurry.set(hurry || callers.hurry.get());
        callers.held_back.set(true);
        let shared = self.shared();
        if !shared.outboxes.hold(self.slot(), waker) && !shared.keep_outboxes() {
            self.send();
        }
    }

    /// A task has ended: sends the wake-ups that were held back, unless those callers may wait for another.
    #[inline]
    pub(super) fn send_if_due(&self) {
        let callers = &self.callers;
        if !callers.held_back.get() {
            return;
        }
        callers.ended.set(callers.ended.get() + 1);
        if !self.may_hold_back(callers.hurry.get()) {
            self.send();
        }
    }

    /// Whether the caller of a task that is done may be woken a little later, together with others.
    #[inline]
    fn may_hold_back(&self, hurry: bool) -> bool {
        let shared = self.shared();
        let crowd = || Crowd {
            waiting: self.local.len() + shared.queues.injected() + shared.ranks.waiting(),
            workers: shared.idle.census().total(),
            patient: !hurry,
            most_tiny: batching::most_tiny(shared.ranks.used(), shared.bounds.usable),
        };
        batching::may_hold_back(self.callers.ended.get(), self.books.mean_ns(), crowd)
    }

    /// Whether a caller in a hurry who joins those that are held back would be told after callers who are in none, and notice.
    #[inline]
    fn would_wait_for_others(&self) -> bool {
        !self.callers.hurry.get() && self.books.mean_ns() >= batching::TINY_NS
    }

    /// Whether the caller of the task that runs said that it is in a hurry.
    #[inline]
    fn is_urgent(&self) -> bool {
        let soon = |at: u64| at.saturating_sub(self.shared().now_ns()) < batching::HURRY_NS;
        let urgent =
            |label: &Label| label.priority == Priority::Interactive || label.expires().is_some_and(soon);
        self.shared().ranks.used()
            && self.task.borrow().as_ref().and_then(|task| task.label()).is_some_and(urgent)
    }

    /// Sends the wake-ups that were held back: the first, whose caller passes the others on.
    pub(super) fn send(&self) {
        if !self.callers.held_back.replace(false) {
            return;
        }
        self.callers.hurry.set(false);
        self.callers.ended.set(0);
        let shared = self.shared();
        if shared.outboxes.watched() && shared.stage.passes_on() {
            contain::wake(shared.outboxes.first(self.slot()));
        } else {
            self.send_all();
        }
    }

    /// The same where nobody would see to it that they are passed on.
    #[cold]
    fn send_all(&self) {
        let mut wakers = self.callers.wakers.take();
        self.shared().outboxes.take(self.slot(), &mut wakers);
        for waker in wakers.drain(..) {
            contain::wake(Some(waker));
        }
        self.callers.wakers.replace(wakers);
    }
}
