//! Decides when a worker wakes the callers of tasks that are done: at once, or several together.

use std::task::Waker;

use super::main_loop::Worker;
use crate::policy::waking::{Backlog, Pace, WakeGroup, wait_ns};
use crate::task::Priority;

impl Worker {
    /// Wakes the caller of the task that ends, whose result is visible, or defers that wake-up.
    #[inline]
    pub(in crate::pool) fn wake_caller(&self, caller: Option<Waker>) {
        let Some(waker) = caller else { return };
        let Some(group) = self.group() else { return waker.wake() };
        self.wake_group.set(Some(group));
        let shared = self.shared();
        if !shared.deferred_wakes.defer(self.slot(), waker, group.until_ns) && !shared.start_ticking() {
            self.flush_wakes();
        }
    }

    /// Returns the group of wake-ups that the ending task's caller joins; `None` if the caller is
    /// woken at once.
    #[inline]
    fn group(&self) -> Option<WakeGroup> {
        let delay = self.shared().wake_delay;
        // A task that runs within another may not wait for the end of the outer one.
        if delay.bound_ns == 0 || !self.within.borrow().is_empty() {
            return None;
        }
        let pace = self.pace();
        let waited_ns = self.waited_ns(pace)?;
        match self.wake_group.get() {
            None => delay.begin(waited_ns, pace, || self.backlog()),
            Some(group) => Some(group.join(delay.of(waited_ns, pace), pace)),
        }
    }

    /// Sends the deferred wake-ups after a task has ended, unless they may wait for the next task.
    #[inline]
    pub(in crate::pool) fn flush_wakes_if_due(&self) {
        let Some(group) = self.wake_group.get() else { return };
        let shared = self.shared();
        let sorted_beside = shared.run_queue.used() && shared.bounds.usable > 1;
        match group.after_task(self.pace(), sorted_beside, |least| self.wait_at_least(least)) {
            None => self.flush_wakes(),
            more => self.wake_group.set(more),
        }
    }

    /// Sends the deferred wake-ups.
    pub(in crate::pool) fn flush_wakes(&self) {
        if self.wake_group.take().is_none() {
            return;
        }
        let wakes = &self.shared().deferred_wakes;
        // If the first caller does not wake the others, the timer thread does.
        if wakes.is_ticking() { wakes.wake_first(self.slot()) } else { wakes.wake_all_of(self.slot()) }
    }

    fn backlog(&self) -> Backlog {
        let shared = self.shared();
        Backlog {
            waiting: self.local.len() + self.waiting_elsewhere(),
            workers: shared.idle.census().total(),
        }
    }

    /// Returns whether at least `least` tasks wait. The worker's own deques come first, because
    /// every submitter writes to the injector.
    #[inline]
    fn wait_at_least(&self, least: usize) -> bool {
        let own = self.local.len();
        own >= least || own + self.waiting_elsewhere() >= least
    }

    fn waiting_elsewhere(&self) -> usize {
        let shared = self.shared();
        shared.queues.injected() + shared.run_queue.waiting()
    }

    #[inline]
    fn pace(&self) -> Pace {
        Pace { now_ns: self.ledger.stamp_ns(), task_ns: self.ledger.mean_ns() }
    }

    /// Returns how long the ending task has waited, in nanoseconds; `None` if it is urgent. Only a
    /// label has the time of submission. A plain task is assumed to have waited no longer than this
    /// worker has been busy, nor than the plain tasks that wait now will wait.
    #[inline]
    fn waited_ns(&self, pace: Pace) -> Option<u64> {
        let (shared, busy_ns) = (self.shared(), self.ledger.busy_ns());
        if !shared.run_queue.used() {
            return Some(busy_ns);
        }
        let task = self.task.borrow();
        let Some(label) = task.as_ref().and_then(|task| task.label()) else {
            let workers = shared.idle.census().total();
            return Some(busy_ns.min(wait_ns(shared.queues.injected(), workers, pace.task_ns)));
        };
        let left_ns = label.expires().map(|at| at.saturating_sub(pace.now_ns));
        let urgent = label.priority == Priority::Interactive
            || left_ns.is_some_and(|left| left < shared.wake_delay.urgent_ns());
        (!urgent).then(|| pace.now_ns.saturating_sub(label.arrival))
    }
}
