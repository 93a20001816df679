//! What a worker tells of a task: that it waited long, was slow, or panicked.
//!
//! It is among the recent events before the task's result is visible, and emitted as an event of
//! `tracing` after its caller was woken. So no caller waits for a subscriber.

use super::main_loop::{Worker, current};
use crate::pool::events::{self, Events, Subject, Took, Untold};
use crate::task::Run;

impl Worker {
    /// Emits that a labelled task has waited long, if it has. The last reading of the clock tells.
    #[inline]
    pub(in crate::pool) fn check_wait(&self, task: &dyn Run) {
        let shared = self.shared();
        if !shared.run_queue.used() {
            return;
        }
        // A part of a task has the arrival of the task.
        let Some(label) = task.label().filter(|label| !label.part) else { return };
        let waited = self.ledger.stamp_ns().saturating_sub(label.arrival);
        if waited > self.long_wait_ns && task.is_pending() {
            self.tell([shared.events.long_wait(waited, Subject::of(Some(label)))]);
        }
    }

    /// Notes that the task that ends was slow, if it was.
    #[inline]
    pub(in crate::pool) fn check_time(&self, took: Took) {
        if took.ns > self.slow_task_ns {
            self.note(|events, who| events.slow_task(took, who));
        }
    }

    /// Notes that the running task panicked, or that work in it did.
    #[cold]
    pub(in crate::pool) fn note_panic(&self, message: Option<&str>) {
        self.note(|events, who| events.panicked(message, who));
    }

    #[cold]
    fn note(&self, note: impl FnOnce(&Events, Subject<'_>) -> Untold) {
        let task = self.task();
        let who = Subject::of(task.as_ref().and_then(|task| task.label()));
        let untold = note(&self.shared().events, who);
        self.untold.borrow_mut().push(untold);
    }

    /// Emits what was noted of the task that has ended.
    #[inline]
    pub(in crate::pool) fn tell_aftermath(&self) {
        if !self.untold.borrow().is_empty() {
            self.tell(self.untold.take());
        }
    }

    #[cold]
    fn tell(&self, untold: impl IntoIterator<Item = Untold>) {
        untold.into_iter().for_each(Untold::tell);
        // The time of the subscriber is not that of the next task.
        self.ledger.resume(self.counters(), self.shared().now_ns());
    }
}

/// Notes a panic that work on the calling thread has caught. On a worker it counts for the running
/// task.
pub(crate) fn note_caught_panic(message: Option<&str>) {
    match current() {
        Some(worker) => worker.note_panic(message),
        None => events::panicked(message, Subject::default()).tell(),
    }
}
