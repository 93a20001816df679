//! A worker's way through the run order: it takes tasks, and pays for them.

use std::sync::Arc;

use crate::policy::batching;
use crate::pool::run_order::charges::Kind;
use crate::pool::run_order::run_queue::Request;
use crate::pool::worker::Worker;
use crate::task::TaskRef;

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
        if self.local.batch_is_empty() { batching::batch_size(self.ledger.mean_ns()) } else { 1 }
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

    /// Returns when the task begins that is about to run, in nanoseconds of the pool's clock. Where
    /// the clock was read as the task was taken, it is not read again; for a batch of tiny tasks it
    /// is the last reading.
    pub(in crate::pool) fn start_ns(&self) -> u64 {
        let alone = self.within.borrow().is_empty();
        match self.charges.kind.get() {
            Kind::Owner if alone => self.charges.began().unwrap_or_else(|| self.shared().now_ns()),
            Kind::Batch if alone => self.shared().ns_at(self.ledger.stamp()),
            _ => self.shared().now_ns(),
        }
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
