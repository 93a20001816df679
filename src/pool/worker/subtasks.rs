//! The subtasks of the task that a worker runs.

use super::main_loop::Worker;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::polling::Polling;
use crate::contain::contain;
use crate::task::{Join, Label, Place, Refusal, TaskRef};

impl Worker {
    /// Runs a task on top of the running task, which waits for it. Returns the place that it held;
    /// `None` if it no longer waited.
    fn run_within(&self, task: TaskRef) -> Option<Place> {
        self.within.borrow_mut().push(TaskRef::clone(&task));
        let mut ran = None;
        let closure = Polling::interrupt();
        self.while_awake(|| contain(|| ran = outside_block_on(|| task.run(self)).flatten()));
        drop(task);
        drop(closure);
        let done = self.within.borrow_mut().pop();
        drop(done);
        self.tell_aftermath();
        ran
    }

    /// Drops the cells of cancelled subtasks from the top of the own deque.
    pub(in crate::pool) fn drop_cancelled(&self) {
        self.local.drop_empty(&self.shared().queues);
    }

    /// Runs the task that the running task waits for, if it has not begun. Runs no other task.
    pub(in crate::pool) fn help<T>(&self, join: &dyn Join<T>, task: impl FnOnce() -> TaskRef) {
        if !join.as_run().is_pending() {
            return;
        }
        let task = task();
        if self.shared().is_too_late(&*task) {
            self.shared().void_in_place(&*task, Refusal::Expired);
            return;
        }
        let left = self.run_within(task).or_else(|| self.shared().void_disowned(join.as_run()));
        match left {
            // The empty cell is most likely on top of the own deque. A task that spawns and joins
            // in a loop must not fill the memory with such cells. A task does not sweep the other
            // queues.
            Some(Place::Subtask) => {
                let _ = self.shared().queues.left_empty();
                self.local.drop_empty(&self.shared().queues);
            }
            Some(place) => self.shared().clear_away(join.as_run(), place),
            None => {}
        }
    }

    /// Returns when the subtask on top of the own deque is due; the inner value is `None` if it has
    /// no label, the outer one if there is no subtask.
    pub(in crate::pool) fn top_due(&self) -> Option<Option<u64>> {
        self.local.with_top(|task| task.label().map(Label::due))
    }

    /// Adds a subtask to this worker's own deque.
    pub(in crate::pool) fn push(&self, task: TaskRef) {
        self.counters().subtask_spawned();
        self.local.push(task);
        self.shared().work_waits_at(Some(self.local.node()));
    }
}

/// Runs `work` as if the thread were not within a `block_on` of Tokio, so that `work` may block on
/// a runtime itself. The task that waits has called `block_on`. A runtime of one thread has no way
/// out of its `block_on`, and neither has a `LocalSet`: there Tokio panics, and calls nothing.
/// `None` if `work` has panicked.
fn outside_block_on<R>(work: impl FnOnce() -> R) -> Option<R> {
    let (mut work, mut result) = (Some(work), None);
    let mut run = || {
        if let Some(work) = work.take() {
            result = Some(work());
        }
    };
    if Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread) {
        contain(|| tokio::task::block_in_place(&mut run));
    }
    run();
    result
}
