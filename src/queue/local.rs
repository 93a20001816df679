//! The queues as one worker sees them, its own deques first.

use std::cell::Cell;

use super::{Deques, FAIR_TURN, Queues, insist};
use crate::sync::atomic::Ordering;
use crate::task::{Run, TaskRef};

/// A worker's own deques. Only the worker's thread holds them.
pub(crate) struct Local {
    slot: usize,
    node: usize,
    deques: Deques,
    turn: Cell<u32>,
    /// How often the worker checked for overdue batches.
    checks: Cell<u32>,
    /// For each node, the count of batches at the last check for overdue ones of its injector.
    seen: Box<[Cell<u64>]>,
    /// Whether none of the own node's batches had a task left.
    none_left: Cell<bool>,
}

/// A task from elsewhere.
pub(crate) struct Found {
    pub(crate) task: TaskRef,
    pub(crate) from: Source,
}

/// Where a task from elsewhere was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// In a deque of another worker of this node.
    Near,
    /// In a deque of a worker of another node.
    Far,
    /// In the injector of another node. `true`: more tasks from there are in the own batch now, and
    /// the caller must notify other workers.
    Injector(bool),
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local").field("slot", &self.slot).field("len", &self.len()).finish_non_exhaustive()
    }
}

impl Local {
    pub(super) fn new(slot: usize, node: usize, nodes: usize, deques: Deques) -> Self {
        let (turn, checks, none_left) = Default::default();
        let seen = (0..nodes).map(|_| Cell::default()).collect();
        Self { slot, node, deques, turn, checks, seen, none_left }
    }

    pub(super) fn into_parts(self) -> (usize, Deques) {
        (self.slot, self.deques)
    }

    /// Returns the node of this worker.
    pub(crate) fn node(&self) -> usize {
        self.node
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
        queues.slots[self.slot].origin.store(self.node, Ordering::Relaxed);
        tasks.into_iter().for_each(|task| self.deques.batch.push(task));
        queues.number_batch(self.slot);
    }

    /// Takes the next task from the own deques or the injector of the own node. From the injector
    /// it takes up to `batch` tasks at once and puts those after the first into the own batch, in
    /// order. The flag is then true: the caller must notify other workers.
    pub(crate) fn next(&self, queues: &Queues, batch: usize) -> Option<(TaskRef, bool)> {
        let turn = self.turn.get().wrapping_add(1);
        self.turn.set(turn);
        if turn % FAIR_TURN == 0 {
            // Neither work from outside nor the oldest subtask may starve.
            let oldest = insist(|| queues.slots[self.slot].subtasks.steal());
            let injector = &queues.injectors[self.node];
            let Some(outside) = self.pop_batch().or_else(|| insist(|| injector.steal())) else {
                return oldest.map(|task| (task, false));
            };
            if let Some(oldest) = oldest {
                self.push(oldest);
            }
            return Some((outside, false));
        }
        let own = self.pop().or_else(|| self.pop_batch());
        own.map(|task| (task, false)).or_else(|| self.inject_batch(queues, self.node, batch))
    }

    /// The own batch is empty, or `batch` is 1.
    fn inject_batch(&self, queues: &Queues, node: usize, batch: usize) -> Option<(TaskRef, bool)> {
        let injector = &queues.injectors[node];
        if batch <= 1 {
            return insist(|| injector.steal()).map(|task| (task, false));
        }
        let own = &self.deques.batch;
        queues.slots[self.slot].origin.store(node, Ordering::Relaxed);
        let task = insist(|| injector.steal_batch_with_limit_and_pop(own, batch))?;
        let set_aside = !own.is_empty();
        if set_aside {
            queues.number_batch(self.slot);
        }
        Some((task, set_aside))
    }

    /// Takes the oldest task of the oldest batch of this node, if that batch existed at the last
    /// call. A worker calls this before it takes tasks from outside. Returns `None` while the own
    /// batch has tasks left, because those may be older. With several nodes every [`FAIR_TURN`]th
    /// call looks at another node first.
    #[inline]
    pub(crate) fn overdue(&self, queues: &Queues) -> Option<Found> {
        if !self.batch_is_empty() {
            return None;
        }
        let checks = self.checks.get().wrapping_add(1);
        self.checks.set(checks);
        if checks % FAIR_TURN == 0 {
            let others = queues.layout.others(self.node);
            let node = others.get((checks / FAIR_TURN) as usize % others.len().max(1));
            if let Some(found) = node.and_then(|&node| self.outside_of(queues, node, 1)) {
                return Some(found);
            }
        }
        let now = queues.batches.load(Ordering::SeqCst);
        let seen = self.seen[self.node].replace(now);
        if now == seen && self.none_left.get() {
            return None;
        }
        self.take_older(queues, self.node, seen)
    }

    /// Takes work from outside that belongs to another node: what is overdue, or else from its
    /// injector.
    fn outside_of(&self, queues: &Queues, node: usize, batch: usize) -> Option<Found> {
        let now = queues.batches.load(Ordering::SeqCst);
        let overdue = self.take_older(queues, node, self.seen[node].replace(now));
        overdue.or_else(|| {
            let (task, set_aside) = self.inject_batch(queues, node, batch)?;
            Some(Found { task, from: Source::Injector(set_aside) })
        })
    }

    /// Takes a task of the oldest batch of a node, if that batch is older than batch number `seen`.
    fn take_older(&self, queues: &Queues, node: usize, seen: u64) -> Option<Found> {
        loop {
            let oldest = queues.oldest_batch(node);
            if node == self.node {
                self.none_left.set(oldest.is_none());
            }
            let (slot, _) = oldest.filter(|&(_, number)| number < seen)?;
            if let Some(task) = insist(|| queues.slots[slot].batch.steal()) {
                return Some(self.found(queues, slot, task));
            }
        }
    }

    fn found(&self, queues: &Queues, slot: usize, task: TaskRef) -> Found {
        let from = if queues.layout.node_of(slot) == self.node { Source::Near } else { Source::Far };
        Found { task, from }
    }

    /// Takes a task from elsewhere: of the oldest batch of the own node, else a subtask of the
    /// nearest neighbour there, else from the other nodes, the nearest first. From another node's
    /// injector it takes up to `batch` tasks, as [`next`](Self::next) does. The worker checks the
    /// injector of its node before this, and all of them again before it sleeps.
    pub(crate) fn steal(&self, queues: &Queues, batch: usize) -> Option<Found> {
        let layout = &queues.layout;
        let near = self.take_older(queues, self.node, u64::MAX);
        near.or_else(|| self.steal_subtask(queues, layout.near(self.slot))).or_else(|| {
            let far = |&node: &usize| {
                self.outside_of(queues, node, batch)
                    .or_else(|| self.take_older(queues, node, u64::MAX))
                    .or_else(|| self.steal_subtask(queues, layout.far(self.slot, node)))
            };
            layout.others(self.node).iter().find_map(far)
        })
    }

    fn steal_subtask(&self, queues: &Queues, slots: impl Iterator<Item = usize>) -> Option<Found> {
        let in_use = queues.in_use();
        slots.filter(|&slot| in_use.get(slot).is_some_and(|slot| !slot.subtasks.is_empty())).find_map(
            |slot| {
                let task = insist(|| in_use[slot].subtasks.steal())?;
                Some(self.found(queues, slot, task))
            },
        )
    }
}
