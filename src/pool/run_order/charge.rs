//! A worker's charges: the grant of its last task, and the costs that its tasks have caused.
//!
//! The cost of a task is the processor time that it used. To read that clock costs as much as a
//! small task. So a task shorter than [`LONG`] is charged its wall time. A longer task is charged
//! the processor time since the last reading, if that is less. So a tenant does not pay for time in
//! which the thread was blocked or waited for a core.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::run_queue::Request;
use crate::policy::batching;
use crate::policy::scheduling::{Grant, Usage};
use crate::pool::shared::Shared;
use crate::pool::worker::Worker;
use crate::task::TaskRef;
use crate::topology::thread_time_ns;

/// A shorter task is charged its wall time. In nanoseconds.
const LONG: u64 = 50_000;

/// How a task relates to the open grant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
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
    /// The grant of the last task from the run queue, and the start of that task.
    grant: Cell<Option<(Grant, u64)>>,
    /// Whether the grant's task did not run.
    void: Cell<bool>,
    /// The last reading of the thread's processor clock, in nanoseconds.
    cpu_ns: Cell<u64>,
    /// The cost of a tenant's subtasks that is not yet charged.
    unbilled: RefCell<Option<(Arc<str>, u64)>>,
    /// The kind of the task that runs, or is about to run.
    kind: Cell<Kind>,
    /// The number of tasks that were taken together with the grant's task.
    batch: Cell<u64>,
    /// The number of these tasks that have not run. They are the worker's batch, unless another
    /// worker has stolen them.
    batch_remaining: Cell<usize>,
    /// An empty buffer for the tasks of a batch.
    more: RefCell<Vec<TaskRef>>,
    /// Whether other work was preferred to the run queue the last time.
    others: Cell<bool>,
}

impl Charges {
    /// Called before a task runs. For a subtask with a label, returns its tenant and the time.
    #[inline]
    pub(in crate::pool) fn begin(&self, shared: &Shared, task: &TaskRef) -> Option<(Arc<str>, u64)> {
        if self.kind.get() != Kind::Other || !shared.run_queue.used() {
            return None;
        }
        let label = task.label()?;
        Some((Arc::clone(&label.tenant), shared.now_ns()))
    }

    /// Called before the task of `grant` runs.
    pub(in crate::pool) fn open(&self, grant: Grant, now: u64) {
        self.grant.set(Some((grant, now)));
        self.void.set(false);
        self.kind.set(Kind::Owner);
    }

    /// Called if the current task does not run.
    pub(in crate::pool) fn not_run(&self) {
        if self.kind.get() == Kind::Owner {
            self.void.set(true);
        }
    }

    /// Called after the current task.
    #[inline]
    pub(in crate::pool) fn end(&self) {
        self.kind.set(Kind::Other);
    }

    /// Returns the cost of work that took `wall` nanoseconds until now.
    fn cost(&self, wall: u64) -> u64 {
        if wall < LONG {
            return wall;
        }
        let Some(now) = thread_time_ns() else { return wall };
        now.saturating_sub(self.cpu_ns.replace(now)).min(wall)
    }

    /// Closes the open grant. Returns the grant and what its task used.
    fn close(&self, now: u64) -> Option<(Grant, Option<Usage>)> {
        let (grant, began) = self.grant.take()?;
        let void = self.void.replace(false);
        let tasks = 1 + self.batch.get();
        let wall = now.saturating_sub(began);
        Some((grant, (!void).then(|| Usage { cost: self.cost(wall) / tasks, time: wall / tasks })))
    }
}

impl Worker {
    /// Returns the run queue's next task, if the run queue is due. The worker may take up to `max`
    /// tasks at a time.
    pub(in crate::pool) fn next_in_order(&self, max: impl FnOnce() -> usize) -> Option<TaskRef> {
        let shared = self.shared();
        if !shared.run_queue.ready() || self.others_first() {
            return None;
        }
        self.bill();
        let now = shared.now_ns();
        let charges = &self.charges;
        let mut more = charges.more.take();
        let response = shared.run_queue.next(Request {
            workers: shared.idle.census().total(),
            now,
            ended: charges.close(now),
            max: max(),
            more: &mut more,
        });
        if !response.expired.is_empty() {
            shared.expire(response.expired);
        }
        if !response.shed.is_empty() {
            shared.shed(response.shed);
        }
        charges.batch.set(more.len() as u64);
        charges.batch_remaining.set(more.len());
        if !more.is_empty() {
            self.local.set_aside(more.drain(..), &shared.queues);
            // For a moment these tasks were in no queue, so a worker about to sleep has missed
            // them.
            shared.work_waits();
        }
        charges.more.replace(more);
        self.notify_of_unthrottled();
        let (task, grant) = response.task?;
        charges.open(grant, now);
        Some(task)
    }

    /// Returns the number of tasks to take from the run queue together. Plain and labelled tasks
    /// are never in one batch.
    pub(in crate::pool) fn worth_taking(&self) -> usize {
        if self.local.batch_is_empty() { batching::batch_size(self.books.mean_ns()) } else { 1 }
    }

    /// Returns the next task of the labelled batch, or a subtask that comes before that.
    #[inline]
    pub(in crate::pool) fn next_of_batch(&self) -> Option<TaskRef> {
        let left = self.charges.batch_remaining.get().checked_sub(1)?;
        let subtask = match self.top_due() {
            Some(due) if self.subtask_first(due) => self.local.pop(),
            _ => None,
        };
        let task = subtask.or_else(|| {
            self.charges.batch_remaining.set(left);
            self.local.pop_batch()
        });
        match task {
            Some(_) => self.charges.kind.set(Kind::Batch),
            // Other workers have stolen the rest.
            None => self.charges.batch_remaining.set(0),
        }
        task
    }

    /// Returns whether other work comes before the run queue. A subtask that is due earlier does.
    /// Other subtasks and work without a label take turns with the run queue. Otherwise a tenant's
    /// subtasks would wait for all tasks that another tenant has submitted before.
    fn others_first(&self) -> bool {
        match self.top_due() {
            Some(due) => self.subtask_first(due),
            None if self.local.batch_is_empty() && self.shared().queues.injected() == 0 => false,
            None => self.take_turns(),
        }
    }

    /// Returns whether the newest subtask, due at `due`, comes before labelled work.
    fn subtask_first(&self, due: Option<u64>) -> bool {
        due.is_some_and(|due| due <= self.shared().run_queue.head_due()) || self.take_turns()
    }

    /// Returns true every other time.
    fn take_turns(&self) -> bool {
        self.charges.others.replace(!self.charges.others.get())
    }

    /// Settles the open grant and the unbilled cost, before the worker does something else.
    #[inline]
    pub(in crate::pool) fn settle_grant(&self) {
        let grant = self.charges.grant.take();
        if grant.is_some() {
            self.charges.grant.set(grant);
            self.finish_grant();
        }
        self.bill();
    }

    #[cold]
    fn finish_grant(&self) {
        let shared = self.shared();
        if let Some((grant, usage)) = self.charges.close(shared.now_ns()) {
            shared.run_queue.finish(grant, usage);
            self.notify_of_unthrottled();
        }
    }

    /// Wakes a worker if a tenant may have become able to run its next task. A throttled tenant has
    /// one running task less now, and this worker may take something else, which may be long.
    fn notify_of_unthrottled(&self) {
        let shared = self.shared();
        if shared.config.max_running_per_tenant.is_some() && shared.run_queue.ready() {
            shared.work_waits();
        }
    }

    /// Charges the unbilled cost of subtasks.
    fn bill(&self) {
        if let Some((tenant, cost)) = self.charges.unbilled.take() {
            self.shared().run_queue.charge(&tenant, cost);
        }
    }

    /// Charges `tenant` for a subtask that has run since `began`.
    pub(in crate::pool) fn charge_subtask(&self, tenant: &Arc<str>, began: u64) {
        let cost = self.charges.cost(self.shared().now_ns().saturating_sub(began));
        let mut unbilled = self.charges.unbilled.borrow_mut();
        match &mut *unbilled {
            Some((known, sum)) if known == tenant => *sum += cost,
            other => {
                let before = other.replace((Arc::clone(tenant), cost));
                drop(unbilled);
                if let Some((tenant, cost)) = before {
                    self.shared().run_queue.charge(&tenant, cost);
                }
            }
        }
    }
}
