//! A worker's part in the run order: whose turn it is, and what the last one took.
//!
//! A task's cost is the processor time that it used. To read that clock costs as much as a small task, so for what took
//! less than [`LONG`] by the clock on the wall, that is charged. For longer ones it is the processor time since the last
//! reading, if that is less: time in which the thread was blocked, or had to wait for a core, is not the tenant's to pay for.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::ranks::Asked;
use super::shared::Shared;
use super::worker::Worker;
use crate::policy::batching::{self, TINY_NS};
use crate::policy::scheduling::{Took, Turn};
use crate::task::TaskRef;
use crate::topology::thread_time_ns;

/// What took less, in nanoseconds, is charged by the clock on the wall.
const LONG: u64 = 50_000;

/// What a task is to the turn that is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    /// It has nothing to do with it.
    #[default]
    Other,
    /// It was taken together with the turn's task, and charged by an estimate.
    Batch,
    /// Its turn it is.
    Owner,
}

/// What a worker has to settle with the run order.
#[derive(Default)]
pub(super) struct Turns {
    /// The turn of the task that ran last, and when it began.
    open: Cell<Option<(Turn, u64)>>,
    /// Its task had been cancelled.
    void: Cell<bool>,
    /// The reading of this thread's clock.
    cpu: Cell<u64>,
    /// What subtasks of a tenant took, not yet charged.
    owed: RefCell<Option<(Arc<str>, u64)>>,
    /// What the task is that is about to run, or runs.
    kind: Cell<Kind>,
    /// Tasks that were taken together with that one, and are to run after it.
    batch: Cell<u64>,
    /// Those of them that are in the own deque, if nobody has stolen them.
    aside: Cell<usize>,
    more: RefCell<Vec<TaskRef>>,
    /// The last task came from elsewhere.
    others: Cell<bool>,
}

impl Turns {
    /// A task is about to run. If it is a subtask of a tenant's: the tenant, and the time.
    #[inline]
    pub(super) fn begin(&self, shared: &Shared, task: &TaskRef) -> Option<(Arc<str>, u64)> {
        if self.kind.get() != Kind::Other || !shared.ranks.used() {
            return None;
        }
        let label = task.label()?;
        Some((Arc::clone(&label.tenant), shared.now_ns()))
    }

    /// The next task is one of the run order's.
    pub(super) fn open(&self, turn: Turn, now: u64) {
        self.open.set(Some((turn, now)));
        self.void.set(false);
        self.kind.set(Kind::Owner);
    }

    /// The task that was to run does not: it had been cancelled.
    pub(super) fn none(&self) {
        if self.kind.get() == Kind::Owner {
            self.void.set(true);
        }
    }

    /// The task is over.
    #[inline]
    pub(super) fn end(&self) {
        self.kind.set(Kind::Other);
    }

    /// The cost of what ran for so long until now.
    fn cost(&self, wall: u64) -> u64 {
        if wall < LONG {
            return wall;
        }
        let Some(now) = thread_time_ns() else { return wall };
        now.saturating_sub(self.cpu.replace(now)).min(wall)
    }

    /// The turn that ended, if any, and what its task took.
    fn close(&self, now: u64) -> Option<(Turn, Option<Took>)> {
        let (turn, began) = self.open.take()?;
        let void = self.void.replace(false);
        let tasks = 1 + self.batch.get();
        let wall = now.saturating_sub(began);
        Some((turn, (!void).then(|| Took { cost: self.cost(wall) / tasks, time: wall / tasks })))
    }
}

impl Worker {
    /// The next task by the run order, if it is that's turn. So many may be taken together.
    pub(super) fn next_ranked(&self, most: impl FnOnce() -> usize) -> Option<TaskRef> {
        let shared = self.shared();
        if let Some(task) = self.next_of_batch() {
            return Some(task);
        }
        if !shared.ranks.ready() || self.others_first() {
            return None;
        }
        self.pay();
        let now = shared.now_ns();
        let turns = &self.turns;
        let mut more = turns.more.take();
        let given = shared.ranks.next(Asked {
            workers: shared.idle.census().total(),
            now,
            ended: turns.close(now),
            most: most(),
            more: &mut more,
        });
        if !given.expired.is_empty() {
            shared.expire(given.expired);
        }
        if !given.shed.is_empty() {
            shared.shed(given.shed);
        }
        turns.batch.set(more.len() as u64);
        turns.aside.set(more.len());
        if !more.is_empty() {
            // The own deque is last in, first out.
            more.drain(..).rev().for_each(|task| self.local.push(task));
            // In nobody's queue for a moment, they could be seen by nobody: tell now.
            shared.work_waits();
        }
        turns.more.replace(more);
        self.tell_of_tenants();
        let (task, turn) = given.task?;
        turns.open(turn, now);
        Some(task)
    }

    /// How many are worth to be taken together.
    pub(super) fn worth_taking(&self) -> usize {
        let task_ns = self.books.mean_ns();
        // Nothing is known before the first.
        if (1..=TINY_NS).contains(&task_ns) { batching::batch_size(task_ns) } else { 1 }
    }

    /// The next of those that were taken together, unless it was stolen.
    #[inline]
    fn next_of_batch(&self) -> Option<TaskRef> {
        let left = self.turns.aside.get().checked_sub(1)?;
        self.turns.aside.set(left);
        let task = self.local.pop()?;
        self.turns.kind.set(Kind::Batch);
        Some(task)
    }

    /// Whether something else is to be looked for first: subtasks of what is due earlier; and other subtasks, and work without a label,
    /// have every other turn. (Without it a tenant's subtasks would wait for all that another has brought before.)
    fn others_first(&self) -> bool {
        match self.top_due() {
            Some(Some(due)) if due <= self.shared().ranks.head_due() => return true,
            None if self.shared().queues.injected() == 0 => return false,
            _ => {}
        }
        self.turns.others.replace(!self.turns.others.get())
    }

    /// Settles what is open: the worker does something else now.
    #[inline]
    pub(super) fn settle_turns(&self) {
        let turn = self.turns.open.take();
        if turn.is_some() {
            self.turns.open.set(turn);
            self.settle_turn();
        }
        self.pay();
    }

    #[cold]
    fn settle_turn(&self) {
        let shared = self.shared();
        if let Some((turn, took)) = self.turns.close(shared.now_ns()) {
            shared.ranks.finish(turn, took);
            self.tell_of_tenants();
        }
    }

    /// A tenant that had as many tasks running as may has one less: its next may run now, and this worker may take something else,
    /// which may be long.
    fn tell_of_tenants(&self) {
        let shared = self.shared();
        if shared.config.max_running_per_tenant.is_some() && shared.ranks.ready() {
            shared.work_waits();
        }
    }

    /// Charges what subtasks took.
    fn pay(&self) {
        if let Some((tenant, cost)) = self.turns.owed.take() {
            self.shared().ranks.charge(&tenant, cost);
        }
    }

    /// A subtask of `tenant`'s has run since `began`.
    pub(super) fn charge_subtask(&self, tenant: &Arc<str>, began: u64) {
        let cost = self.turns.cost(self.shared().now_ns().saturating_sub(began));
        let mut owed = self.turns.owed.borrow_mut();
        match &mut *owed {
            Some((known, sum)) if known == tenant => *sum += cost,
            other => {
                let before = other.replace((Arc::clone(tenant), cost));
                drop(owed);
                if let Some((tenant, cost)) = before {
                    self.shared().ranks.charge(&tenant, cost);
                }
            }
        }
    }
}
