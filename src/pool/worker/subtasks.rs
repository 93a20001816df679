//! A worker and the subtasks of the task that it runs.

use std::sync::Arc;

use super::main_loop::Worker;
use crate::contain::contain;
use crate::task::{Join, Label, Place, Refusal, TaskRef};

impl Worker {
    /// Runs a task on top of the one that runs here, because that one waits for it. Says where it waited, if it still did.
    fn run_within(&self, task: TaskRef) -> Option<Place> {
        self.within.borrow_mut().push(TaskRef::clone(&task));
        let mut ran = None;
        contain(|| ran = task.run(self));
        drop(task);
        let done = self.within.borrow_mut().pop();
        drop(done);
        ran
    }

    /// The task that runs here needs the result of another, new one: runs it.
    pub(in crate::pool) fn run_here<T>(&self, join: Arc<dyn Join<T>>) -> Arc<dyn Join<T>> {
        self.counters().subtask_spawned();
        self.run_within(Arc::clone(&join).into_run());
        join
    }

    /// The task that runs here waits for another: runs that one if nobody has begun it, and nothing else.
    pub(in crate::pool) fn help<T>(&self, join: &dyn Join<T>, task: impl FnOnce() -> TaskRef) {
        if !join.as_run().is_pending() {
            return;
        }
        let task = task();
        if self.shared().is_too_late(&*task) {
            self.shared().void_in_place(&*task, Refusal::Expired);
            return;
        }
        match self.run_within(task) {
            // Its empty cell is most likely on top of the own deque: a task that spawns and joins for ever must not fill
            // the memory with such cells. (To sweep the others' would be no business of a task's.)
            Some(Place::Subtask) => {
                let _ = self.shared().queues.left_empty();
                self.local.drop_empty(&self.shared().queues);
            }
            Some(place) => self.shared().clear_away(join.as_run(), place),
            None => {}
        }
    }

    /// When the subtask on top of the own deque is due, if it says; `None` if there is none.
    pub(in crate::pool) fn top_due(&self) -> Option<Option<u64>> {
        self.local.with_top(|task| task.label().map(Label::due))
    }

    /// Puts a subtask on this worker's own deque.
    pub(in crate::pool) fn push(&self, task: TaskRef) {
        self.counters().subtask_spawned();
        self.local.push(task);
        self.shared().work_waits();
    }
}
