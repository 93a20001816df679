//! The queues as one worker sees them, its own deques first.

use std::cell::Cell;

use super::{Deques, FAIR_TURN, Queues, insist};
use crate::sync::atomic::Ordering;
use crate::task::{Run, TaskRef};

/// A worker's own deques. Only the worker's thread holds them.
pub(crate) struct Local {
    slot: usize,
    deques: Deques,
    turn: Cell<u32>,
    /// The count of batches at the last check for overdue ones.
    seen: Cell<u64>,
    /// Whether none of those batches had a task left.
    none_left: Cell<bool>,
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local").field("slot", &self.slot).field("len", &self.len()).finish_non_exhaustive()
    }
}

impl Local {
    pub(super) fn new(slot: usize, deques: Deques) -> Self {
        let (turn, seen, none_left) = Default::default();
        Self { slot, deques, turn, seen, none_left }
    }

    pub(super) fn into_parts(self) -> (usize, Deques) {
        (self.slot, self.deques)
    }

    /// Returns how many tasks are in the own deques.
    pub(crate) fn len(&self) -> usize {
        self.deques.subtasks.len() + self.deques.batch.len()
    }

    /// Drops the subtasks on top of the deque that no longer wait.
    pub(crate) fn drop_empty(&self, queues: &Queues) {
        while let Some(task) = self.pop() {
            if task.is_pending() {
                return self.push(task);
            }
            queues.passed_empty();
        }
    }

    /// Takes the newest subtask.
    pub(crate) fn pop(&self) -> Option<TaskRef> {
        self.deques.subtasks.pop()
    }

    /// Calls `look` with the newest subtask and returns its answer.
    pub(crate) fn with_top<R>(&self, look: impl FnOnce(&dyn Run) -> R) -> Option<R> {
        if self.deques.subtasks.is_empty() {
            return None;
        }
        let task = self.pop()?;
        let seen = look(&*task);
        self.push(task);
        Some(seen)
    }

    /// Adds a subtask of the task that runs on this worker.
    pub(crate) fn push(&self, task: TaskRef) {
        self.deques.subtasks.push(task);
    }

    /// Takes the next task of the own batch.
    pub(crate) fn pop_batch(&self) -> Option<TaskRef> {
        self.deques.batch.pop()
    }

    /// Returns whether the own batch has no task left.
    pub(crate) fn batch_is_empty(&self) -> bool {
        self.deques.batch.is_empty()
    }

    /// Puts tasks from outside into the own batch, in order. The caller must then notify other
    /// workers.
    pub(crate) fn set_aside(&self, tasks: impl IntoIterator<Item = TaskRef>, queues: &Queues) {
        tasks.into_iter().for_each(|task| self.deques.batch.push(task));
        queues.number_batch(self.slot);
    }

    /// Takes the next task from the own deques or the injector. From the injector it takes up to
    /// `batch` tasks at once and puts those after the first into the own batch, in order. The flag
    /// is then true: the caller must notify other workers.
    pub(crate) fn next(&self, queues: &Queues, batch: usize) -> Option<(TaskRef, bool)> {
        let turn = self.turn.get().wrapping_add(1);
        self.turn.set(turn);
        if turn % FAIR_TURN == 0 {
            // Neither work from outside nor the oldest subtask may starve.
            let oldest = insist(|| queues.slots[self.slot].subtasks.steal());
            let Some(outside) = self.pop_batch().or_else(|| insist(|| queues.injector.steal())) else {
                return oldest.map(|task| (task, false));
            };
            if let Some(oldest) = oldest {
                self.push(oldest);
            }
            return Some((outside, false));
        }
        let own = self.pop().or_else(|| self.pop_batch());
        own.map(|task| (task, false)).or_else(|| self.inject_batch(queues, batch))
    }

    fn inject_batch(&self, queues: &Queues, batch: usize) -> Option<(TaskRef, bool)> {
        if batch <= 1 {
            return insist(|| queues.injector.steal()).map(|task| (task, false));
        }
        let own = &self.deques.batch;
        let task = insist(|| queues.injector.steal_batch_with_limit_and_pop(own, batch))?;
        let set_aside = !own.is_empty();
        if set_aside {
            queues.number_batch(self.slot);
        }
        Some((task, set_aside))
    }

    /// Takes the oldest task of the oldest batch, if that batch existed at the last call. A worker
    /// calls this before it takes tasks from outside. Returns `None` while the own batch has tasks
    /// left, because those may be older.
    #[inline]
    pub(crate) fn overdue(&self, queues: &Queues) -> Option<TaskRef> {
        if !self.batch_is_empty() {
            return None;
        }
        let now = queues.batches.load(Ordering::SeqCst);
        let seen = self.seen.replace(now);
        if now == seen && self.none_left.get() {
            return None;
        }
        self.take_older(queues, seen)
    }

    /// Takes a task of the oldest batch, if that batch is older than batch number `seen`.
    fn take_older(&self, queues: &Queues, seen: u64) -> Option<TaskRef> {
        loop {
            let oldest = queues.oldest_batch();
            self.none_left.set(oldest.is_none());
            let (slot, _) = oldest.filter(|&(_, number)| number < seen)?;
            if let Some(task) = insist(|| slot.batch.steal()) {
                return Some(task);
            }
        }
    }

    /// Steals a task from another worker's deques: of the oldest batch, or else a subtask of the
    /// nearest neighbour. The worker checks the injector before this, and again before it sleeps.
    pub(crate) fn steal(&self, queues: &Queues) -> Option<TaskRef> {
        if let Some(task) = self.take_older(queues, u64::MAX) {
            return Some(task);
        }
        let slots = queues.in_use();
        let (before, after) = slots.split_at(self.slot.min(slots.len()));
        after
            .iter()
            .skip(1)
            .chain(before)
            .filter(|slot| !slot.subtasks.is_empty())
            .find_map(|slot| insist(|| slot.subtasks.steal()))
    }
}
