//! How a worker tells callers that their tasks are done: one by one, or several together where a crowd waits.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::task::Waker;

use super::worker::Worker;
use crate::contain;
use crate::policy::waking::{self, Crowd, HeldBack};
use crate::task::Priority;

/// Those whose wake-ups a worker holds back.
#[derive(Default)]
pub(super) struct Callers {
    /// There are some in this worker's outbox, as far as it knows; the keeper may have sent them.
    together: Cell<Option<HeldBack>>,
    /// This worker has vouched for the others: it is to look at what is held back, as soon as its result can be seen.
    look: Cell<bool>,
    /// A buffer for sending them.
    wakers: RefCell<VecDeque<Waker>>,
}

impl Worker {
    /// The result of the task that ends can be seen. Its caller, if one waits for it, is told: now, or together with others.
    #[inline]
    pub(super) fn tell_caller(&self, caller: Option<Waker>) {
        // First: a waker that panics leaves nothing for the next task.
        let look = self.callers.look.replace(false);
        if let Some(waker) = caller {
            self.tell_or_hold_back(waker);
        }
        if look {
            self.shared().send_overdue();
        }
    }

    #[inline]
    fn tell_or_hold_back(&self, waker: Waker) {
        let Some(together) = self.joined() else { return waker.wake() };
        self.callers.together.set(Some(together));
        let shared = self.shared();
        if !shared.outboxes.hold(self.slot(), waker) && !shared.keep_outboxes() {
            self.send();
        }
    }

    /// Those who are held back, if the caller of the task that ends may be one of them. (The last of them goes with the others: one
    /// wake-up for all, as soon as this task has ended.)
    #[inline]
    fn joined(&self) -> Option<HeldBack> {
        if !self.within.borrow().is_empty() {
            return None;
        }
        let last = self.last_task();
        let leeway = self.leeway(last);
        match self.callers.together.get() {
            None => HeldBack::begin(leeway, last, || self.crowd()),
            Some(others) => others.join(leeway, last),
        }
    }

    /// A task has ended: sends the wake-ups that were held back, unless those callers may wait for another.
    #[inline]
    pub(super) fn send_if_due(&self) {
        let Some(together) = self.callers.together.get() else { return };
        match together.ended(self.last_task(), || self.crowd()) {
            None => self.send(),
            more => self.callers.together.set(more),
        }
    }

    #[inline]
    fn crowd(&self) -> Crowd {
        let shared = self.shared();
        Crowd {
            waiting: self.local.len() + shared.queues.injected() + shared.run_queue.waiting(),
            workers: shared.idle.census().total(),
            most_tiny: waking::most_tiny(shared.run_queue.used(), shared.bounds.usable),
        }
    }

    /// When the last task ended, and how long one took of late, in nanoseconds.
    #[inline]
    fn last_task(&self) -> (u64, u64) {
        (self.shared().ns_at(self.books.stamp()), self.books.mean_ns())
    }

    /// For how long the caller of the task that runs may be held back. How long it has waited only a label tells; another is taken to have
    /// waited for no longer than the worker has had work, and than those who wait now and go the same way will.
    #[inline]
    fn leeway(&self, (now, task_ns): (u64, u64)) -> u64 {
        let shared = self.shared();
        if !shared.run_queue.used() {
            return waking::leeway(self.books.busy_ns());
        }
        let task = self.task.borrow();
        let Some(label) = task.as_ref().and_then(|task| task.label()) else {
            let behind = waking::wait(shared.queues.injected(), shared.idle.census().total(), task_ns);
            return waking::leeway(behind.min(self.books.busy_ns()));
        };
        let soon = |at: u64| at.saturating_sub(now) < waking::HURRY_NS;
        if label.priority == Priority::Interactive || label.expires().is_some_and(soon) {
            return waking::leeway(0);
        }
        waking::leeway(now.saturating_sub(label.arrival))
    }

    /// Has the worker look at what is held back, when the result of the task that ends can be seen.
    pub(super) fn look_soon(&self) {
        self.callers.look.set(true);
    }

    /// Sends the wake-ups that were held back: the first, whose caller passes the others on.
    pub(super) fn send(&self) {
        if self.callers.together.take().is_none() {
            return;
        }
        let shared = self.shared();
        if shared.outboxes.watched() {
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
