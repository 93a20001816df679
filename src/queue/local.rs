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
    /// How often the worker asked for its next task.
    turn: Cell<u32>,
    /// How often the worker checked for overdue batches.
    checks: Cell<u32>,
    /// For each node, the count of batches at the last check for overdue ones of its injector.
    seen: Box<[Cell<u64>]>,
    /// Whether none of the own node's batches had a task left.
    none_left: Cell<bool>,
}

/// A task for a worker.
pub(crate) struct Found {
    pub(crate) task: TaskRef,
    pub(crate) from: Source,
}

/// Where a task was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// In an own deque or an injector.
    Own,
    /// In an injector. More tasks from there are in the own batch now, and the caller must notify
    /// other workers, because no worker could see them for a moment.
    Batch,
    /// In a deque of another worker of this node.
    Near,
    /// In a deque of a worker of another node.
    Far,
}

impl Queues {
    /// Takes the deques of `slot`, for the thread that has just started there.
    pub(crate) fn claim(&self, slot: usize) -> Option<Local> {
        self.used.fetch_max(slot + 1, Ordering::SeqCst);
        let node = self.node_of(slot);
        let deques = self.slots[slot].deques.lock().take()?;
        self.present[node].fetch_add(1, Ordering::Relaxed);
        let seen = self.injectors.iter().map(|_| Cell::default()).collect();
        let (turn, checks, none_left) = Default::default();
        Some(Local { slot, node, deques, turn, checks, seen, none_left })
    }

    /// Puts back the deques of a thread that leaves.
    pub(crate) fn give_back(&self, local: Local) {
        self.present[local.node].fetch_sub(1, Ordering::Relaxed);
        *self.slots[local.slot].deques.lock() = Some(local.deques);
    }
}

impl Local {
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

    pub(crate) fn batch_is_empty(&self) -> bool {
        self.deques.batch.is_empty()
    }

    /// Puts tasks from outside into the own batch, in order. The caller must then notify other
    /// workers.
    pub(crate) fn set_aside(&self, tasks: impl IntoIterator<Item = TaskRef>, queues: &Queues) {
        queues.slots[self.slot].origin.store(self.node, Ordering::Relaxed);
        tasks.into_iter().for_each(|task| self.deques.batch.push(task));
        self.number_batch(queues);
    }

    /// Numbers the own batch, which was just filled.
    fn number_batch(&self, queues: &Queues) {
        let number = queues.batches.fetch_add(1, Ordering::SeqCst);
        queues.slots[self.slot].number.store(number, Ordering::SeqCst);
    }

    /// Takes the next task from the own deques; in a fair turn perhaps from the injector of the own
    /// node. If there is none, the worker continues with [`next_injected`](Self::next_injected).
    #[inline]
    pub(crate) fn next_own(&self, queues: &Queues) -> Option<TaskRef> {
        let turn = self.turn.get().wrapping_add(1);
        self.turn.set(turn);
        if turn % FAIR_TURN == 0 {
            // Neither the oldest subtask nor work from outside may starve.
            if let Some(oldest) = insist(|| queues.slots[self.slot].subtasks.steal()) {
                self.push(oldest);
            }
            let injected = || insist(|| queues.injectors[self.node].steal());
            if let Some(outside) = self.pop_batch().or_else(injected) {
                return Some(outside);
            }
        }
        self.pop().or_else(|| self.pop_batch())
    }

    /// Takes the next task from the injector of the own node: up to `batch` tasks at once. It puts
    /// those after the first into the own batch, in order. The own batch must be empty.
    pub(crate) fn next_injected(&self, queues: &Queues, batch: usize) -> Option<Found> {
        self.inject_batch(queues, self.node, batch)
    }

    /// The own batch is empty.
    fn inject_batch(&self, queues: &Queues, node: usize, batch: usize) -> Option<Found> {
        let own = &self.deques.batch;
        queues.slots[self.slot].origin.store(node, Ordering::Relaxed);
        let task = insist(|| queues.injectors[node].steal_batch_with_limit_and_pop(own, batch))?;
        if own.is_empty() {
            return Some(Found { task, from: Source::Own });
        }
        self.number_batch(queues);
        Some(Found { task, from: Source::Batch })
    }

    /// Takes the oldest task of the oldest batch of this node, if that batch existed at the last
    /// call. A worker calls this before it takes its next task. Returns `None` while the own batch
    /// has tasks left, because those may be older. With several nodes every [`FAIR_TURN`]th call
    /// looks at another node first.
    #[inline]
    pub(crate) fn overdue(&self, queues: &Queues) -> Option<Found> {
        if !self.batch_is_empty() {
            return None;
        }
        // Not the turns of `next_own` are counted: a check in step with them could take each fair
        // one.
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
        overdue.or_else(|| self.inject_batch(queues, node, batch))
    }

    /// Takes a task of the oldest batch of a node's injector, if that batch is older than batch
    /// number `seen`.
    fn take_older(&self, queues: &Queues, node: usize, seen: u64) -> Option<Found> {
        loop {
            let slots = (0..).zip(queues.in_use());
            let left = slots.filter(|(_, slot)| !slot.batch.is_empty());
            let of_node = left.filter(|(_, slot)| slot.origin.load(Ordering::Relaxed) == node);
            let numbers = of_node.map(|(at, slot)| (slot.number.load(Ordering::SeqCst), at));
            let oldest = numbers.min();
            if node == self.node {
                self.none_left.set(oldest.is_none());
            }
            let (_, slot) = oldest.filter(|&(number, _)| number < seen)?;
            if let Some(task) = insist(|| queues.slots[slot].batch.steal()) {
                return Some(self.stolen(queues, slot, task));
            }
        }
    }

    fn stolen(&self, queues: &Queues, slot: usize, task: TaskRef) -> Found {
        let from = if queues.node_of(slot) == self.node { Source::Near } else { Source::Far };
        Found { task, from }
    }

    /// Takes a task from elsewhere: of the oldest batch of the own node, else a subtask of the
    /// nearest neighbour there, else from the other nodes, the nearest first. From another node's
    /// injector it takes up to `batch` tasks, as [`next_injected`](Self::next_injected) does. The
    /// worker checks the injector of its node before this, and all of them again before it sleeps.
    pub(crate) fn steal(&self, queues: &Queues, batch: usize) -> Option<Found> {
        let deques = |node: usize| {
            self.take_older(queues, node, u64::MAX).or_else(|| self.steal_subtask(queues, node))
        };
        let far = |&node: &usize| self.outside_of(queues, node, batch).or_else(|| deques(node));
        deques(self.node).or_else(|| queues.layout.others(self.node).iter().find_map(far))
    }

    fn steal_subtask(&self, queues: &Queues, node: usize) -> Option<Found> {
        let in_use = queues.in_use();
        queues.layout.victims(self.slot, node).find_map(|slot| {
            let subtasks = &in_use.get(slot).filter(|slot| !slot.subtasks.is_empty())?.subtasks;
            Some(self.stolen(queues, slot, insist(|| subtasks.steal())?))
        })
    }
}

/// For a test that chooses among the waiting tasks of a pool with one worker.
#[cfg(feature = "test-util")]
impl Local {
    /// Takes the waiting tasks out of the own deques and the injectors, one by one: subtasks first,
    /// the newest first, then tasks from outside, in order.
    pub(crate) fn drain<'q>(&'q self, queues: &'q Queues) -> impl Iterator<Item = TaskRef> + 'q {
        let injected = move || queues.injectors.iter().find_map(|from| insist(|| from.steal()));
        let next = move || self.pop().or_else(|| self.pop_batch()).or_else(injected);
        std::iter::from_fn(next).filter(|task| {
            let waits = task.is_pending();
            if !waits {
                queues.passed_empty();
            }
            waits
        })
    }

    /// Puts back the drained tasks that the test did not choose.
    pub(crate) fn put_back(&self, tasks: Vec<TaskRef>) {
        // The deque of subtasks is last in, first out.
        tasks.into_iter().rev().for_each(|task| self.push(task));
    }
}
