//! A worker's charges: the grant of its last task, and the costs that its tasks have caused.
//!
//! The cost of a task is the processor time that it used, so a tenant does not pay for time in
//! which the thread was blocked or waited for a core. To read that clock costs as much as a small
//! task. So a task shorter than [`LONG`] is charged its wall time. A longer task is charged the
//! processor time since the last reading, if that is less.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use crate::policy::scheduling::{Grant, Usage};
use crate::pool::shared::Shared;
use crate::task::TaskRef;
use crate::topology::thread_time_ns;

/// A shorter task is charged its wall time. In nanoseconds.
const LONG: u64 = 50_000;

/// How a task relates to the open grant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// The task has no part in the grant.
    #[default]
    Other,
    /// The task was taken together with the grant's task, and was charged an estimate.
    Batch,
    /// The grant is the task's own.
    Owner,
}

/// What a worker has to settle with the run queue.
#[derive(Default)]
pub(in crate::pool) struct Charges {
    /// The grant of the last task from the run queue, and when that task was taken; `None` if it
    /// did not run.
    pub(super) grant: RefCell<Option<(Grant, Option<u64>)>>,
    /// The last reading of the thread's processor clock, in nanoseconds.
    cpu_ns: Cell<u64>,
    /// The cost of a tenant's subtasks that is not yet charged.
    pub(super) unbilled: RefCell<Option<(Arc<str>, u64)>>,
    /// The kind of the task that runs, or is about to run.
    pub(super) kind: Cell<Kind>,
    /// The number of tasks that were taken together with the grant's task.
    pub(super) batch: Cell<usize>,
    /// The number of these tasks that have not run. They are the worker's batch, unless another
    /// worker has stolen them.
    pub(super) batch_remaining: Cell<usize>,
    /// An empty buffer for the tasks of a batch.
    pub(super) more: RefCell<Vec<TaskRef>>,
    /// Whether other work was preferred to the run queue the last time.
    pub(super) others: Cell<bool>,
}

impl Charges {
    /// Called before a task runs. For a subtask with a label, returns its tenant and the time.
    #[inline]
    pub(in crate::pool) fn begin(&self, shared: &Shared, task: &TaskRef) -> Option<(Arc<str>, u64)> {
        if self.kind.get() != Kind::Other || !shared.run_queue.used() {
            return None;
        }
        Some((Arc::clone(&task.label()?.tenant), shared.now_ns()))
    }

    /// Called before the task of `grant` runs.
    pub(in crate::pool) fn open(&self, grant: Grant, now: u64) {
        self.grant.replace(Some((grant, Some(now))));
        self.kind.set(Kind::Owner);
    }

    /// Called if the current task does not run.
    pub(in crate::pool) fn not_run(&self) {
        if self.kind.get() == Kind::Owner {
            self.grant.borrow_mut().iter_mut().for_each(|(_, taken)| *taken = None);
        }
    }

    /// Called after the current task.
    #[inline]
    pub(in crate::pool) fn end(&self) {
        self.kind.set(Kind::Other);
    }

    /// Returns the cost of work that took `wall` nanoseconds until now.
    pub(super) fn cost(&self, wall: u64) -> u64 {
        if wall < LONG {
            return wall;
        }
        let Some(now) = thread_time_ns() else { return wall };
        now.saturating_sub(self.cpu_ns.replace(now)).min(wall)
    }

    /// Closes the open grant. Returns the grant and what its task used.
    pub(super) fn close(&self, now: u64) -> Option<(Grant, Option<Usage>)> {
        let (grant, taken) = self.grant.take()?;
        let usage = taken.map(|taken| {
            let (wall, tasks) = (now.saturating_sub(taken), 1 + self.batch.get() as u64);
            Usage { cost: self.cost(wall) / tasks, time: wall / tasks }
        });
        Some((grant, usage))
    }
}
