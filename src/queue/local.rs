//! A worker's view of the queues: its own deque first.

use std::cell::Cell;

use crossbeam_deque::Worker;

use super::{FAIR_TURN, Queues, insist};
use crate::task::{Run, TaskRef};

/// A worker's own deque. Only the worker's thread holds it.
pub(crate) struct Local {
    slot: usize,
    deque: Worker<TaskRef>,
    turn: Cell<u32>,
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local")
            .field("slot", &self.slot)
            .field("len", &self.deque.len())
            .finish_non_exhaustive()
    }
}

impl Local {
    pub(super) fn new(slot: usize, deque: Worker<TaskRef>) -> Self {
        Self { slot, deque, turn: Cell::new(0) }
    }

    pub(super) fn into_parts(self) -> (usize, Worker<TaskRef>) {
        (self.slot, self.deque)
    }

    /// How many tasks are in the own deque.
    pub(crate) fn len(&self) -> usize {
        self.deque.len()
    }

    /// Drops the tasks on top that no longer wait.
    pub(crate) fn drop_empty(&self, queues: &Queues) {
        while let Some(task) = self.deque.pop() {
            if task.is_pending() {
                return self.deque.push(task);
            }
            queues.passed_empty();
        }
    }

    /// The task on top of the own deque.
    pub(crate) fn pop(&self) -> Option<TaskRef> {
        self.deque.pop()
    }

    /// What `look` sees in the task on top of the own deque.
    pub(crate) fn with_top<R>(&self, look: impl FnOnce(&dyn Run) -> R) -> Option<R> {
        if self.deque.is_empty() {
            return None;
        }
        let task = self.deque.pop()?;
        let seen = look(&*task);
        self.deque.push(task);
        Some(seen)
    }

    /// A subtask of the task that runs here.
    pub(crate) fn push(&self, task: TaskRef) {
        self.deque.push(task);
    }

    /// The next task from the own deque or the injector. From the latter up to `batch` tasks are taken at once; those
    /// over the first go to the own deque, in order, and then the flag is true: others should be told of them.
    pub(crate) fn next(&self, queues: &Queues, batch: usize) -> Option<(TaskRef, bool)> {
        let turn = self.turn.get().wrapping_add(1);
        self.turn.set(turn);
        if turn % FAIR_TURN == 0 {
            // One from each far end: the injector must not starve, nor the oldest of the own deque.
            let oldest = insist(|| queues.stealers[self.slot].steal());
            let Some(injected) = insist(|| queues.injector.steal()) else {
                return oldest.map(|task| (task, false));
            };
            if let Some(oldest) = oldest {
                self.deque.push(oldest);
            }
            return Some((injected, false));
        }
        self.deque.pop().map(|task| (task, false)).or_else(|| self.inject_batch(queues, batch))
    }

    fn inject_batch(&self, queues: &Queues, batch: usize) -> Option<(TaskRef, bool)> {
        if batch <= 1 {
            return insist(|| queues.injector.steal()).map(|task| (task, false));
        }
        insist(|| queues.injector.steal_batch_with_limit_and_pop(&self.deque, batch))
            .map(|task| (task, !self.deque.is_empty()))
    }

    /// A task from another worker's deque, nearest neighbour first. (The injector was looked at before, and will be
    /// again before any sleep.)
    pub(crate) fn steal(&self, queues: &Queues) -> Option<TaskRef> {
        let stealers = queues.in_use();
        let (before, after) = stealers.split_at(self.slot.min(stealers.len()));
        after
            .iter()
            .skip(1)
            .chain(before)
            .filter(|stealer| !stealer.is_empty())
            .find_map(|stealer| insist(|| stealer.steal()))
    }
}
