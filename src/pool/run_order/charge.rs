//! A worker's way through the run order: it takes tasks, and pays for them.

use std::sync::Arc;

use crate::pool::run_order::charges::Kind;
use crate::pool::run_order::run_queue::Response;
use crate::pool::worker::Worker;
use crate::task::{Label, TaskRef};

impl Worker {
    /// Returns the run queue's next task, if the run queue is due. Tiny tasks are taken together if
    /// `batches`, but plain and labelled tasks are never in one batch.
    pub(in crate::pool) fn next_in_order(&self, batches: bool) -> Option<TaskRef> {
        let (shared, charges) = (self.shared(), &self.charges);
        if !shared.run_queue.ready() || self.others_first() {
            return None;
        }
        self.bill();
        let now = shared.now_ns();
        let workers = shared.idle.census().total();
        let batches = batches && self.local.batch_is_empty();
        let max = if batches { self.batch_size() } else { 1 };
        let mut more = charges.more.take();
        let Response { task, expired, shed } =
            shared.run_queue.next((workers, now), charges.close(now), max, &mut more);
        shared.expire(expired);
        shared.shed(shed);
        charges.batch.set(more.len());
        charges.batch_remaining.set(more.len());
        if !more.is_empty() {
            self.local.set_aside(more.drain(..), &shared.queues);
            // For a moment these tasks were in no queue, so a worker about to sleep has missed
            // them.
            shared.work_waits();
        }
        charges.more.replace(more);
        self.notify_of_unthrottled();
        let (task, grant) = task?;
        charges.open(grant, now);
        Some(task)
    }

    /// Returns the next task of the labelled batch, or a subtask that comes before that.
    #[inline]
    pub(in crate::pool) fn next_of_batch(&self) -> Option<TaskRef> {
        let left = self.charges.batch_remaining.get().checked_sub(1)?;
        let subtask = self.top_due().filter(|&due| self.subtask_first(due)).and_then(|_| self.local.pop());
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

    /// Returns when the subtask on top of the own deque is due; the inner value is `None` if it has
    /// no label, the outer one if there is no subtask.
    fn top_due(&self) -> Option<Option<u64>> {
        self.local.with_top(|task| task.label().map(Label::due))
    }

    /// Returns when the task begins that is about to run, in nanoseconds of the pool's clock. Where
    /// the clock was read as the task was taken, it is not read again; for a batch of tiny tasks it
    /// is the last reading.
    pub(in crate::pool) fn start_ns(&self) -> u64 {
        let known = match self.charges.kind.get() {
            _ if !self.within.borrow().is_empty() => None,
            Kind::Owner => self.charges.grant.borrow().as_ref().and_then(|&(_, taken)| taken),
            Kind::Batch => Some(self.ledger.stamp_ns()),
            Kind::Other => None,
        };
        known.unwrap_or_else(|| self.shared().now_ns())
    }

    /// Settles the open grant and the unbilled cost, before the worker does something else.
    #[inline]
    pub(in crate::pool) fn settle_grant(&self) {
        if self.charges.grant.borrow().is_some() {
            self.finish_grant();
        }
        self.bill();
    }

    #[cold]
    fn finish_grant(&self) {
        let shared = self.shared();
        if let Some((grant, usage)) = self.charges.close(shared.now_ns()) {
            shared.run_queue.with(|state| state.order.finish(grant, usage));
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
            self.shared().run_queue.with(|state| state.order.charge(&tenant, cost));
        }
    }

    /// Charges `tenant` for a subtask that has run since `began`.
    pub(in crate::pool) fn charge_subtask(&self, tenant: Arc<str>, began: u64) {
        let cost = self.charges.cost(self.shared().now_ns().saturating_sub(began));
        if self.charges.unbilled.borrow().as_ref().is_some_and(|(other, _)| *other != tenant) {
            self.bill();
        }
        self.charges.unbilled.borrow_mut().get_or_insert_with(|| (tenant, 0)).1 += cost;
    }
}
