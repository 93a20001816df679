//! The queue of labelled tasks, shared by all submitters and workers.
//!
//! A submitter puts a task into an inbox without taking a lock. The thread that next takes the lock
//! of the order moves the inbox into the order. So submitters do not block each other, and a thread
//! that holds the lock finds every task submitted before. In a pool without labelled tasks the
//! queue costs a worker two reads.

#[cfg(feature = "test-util")]
mod pick;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crossbeam_deque::{Injector, Steal, Worker};
use crossbeam_utils::{Backoff, CachePadded};

use crate::config::Shedding;
use crate::park::Ready;
use crate::policy::overload::Delays;
use crate::policy::scheduling::{Grant, Next, RunOrder, TenantSum, Usage};
use crate::sync::{Mutex, MutexGuard};
use crate::task::{Label, Priority, TaskRef};

/// The number of tasks that one call of [`RunQueue::next`] sheds at most.
const MAX_SHED: usize = 64;
/// The time of the next deadline if no task has one.
const NEVER: u64 = u64::MAX;

pub(in crate::pool) struct RunQueue {
    /// Tasks that are not yet in the order. The flag tells whether the task has a place.
    inbox: Injector<(TaskRef, bool)>,
    /// The number of tenants with a task that may run now.
    ready: CachePadded<Ready>,
    /// The due time of the next task. Written under the lock.
    head_due: AtomicU64,
    /// The number of waiting tasks. Written under the lock.
    waiting: AtomicUsize,
    state: CachePadded<Mutex<State>>,
    /// Whether there has been a labelled task.
    used: AtomicBool,
    /// The earliest deadline, or [`NEVER`]. Written under the lock.
    expiry: AtomicU64,
    shedding: Shedding,
    /// Whether a worker may take several tasks at a time. A limit of running tasks and shedding
    /// require a decision for each task.
    in_batches: bool,
}

struct State {
    order: RunOrder<TaskRef>,
    delays: Delays,
    /// Tasks on their way from the inbox into the order. The inbox gives them in batches.
    arrivals: Worker<(TaskRef, bool)>,
}

impl State {
    /// Returns whether work of this class is refused. It never is while nothing waits.
    fn sheds(&self, priority: Priority, now: u64) -> bool {
        priority == Priority::Bulk && self.order.len() > 0 && self.delays.overloaded(now)
    }

    /// Moves the tasks of the inbox into the order.
    fn take_in(&mut self, inbox: &Injector<(TaskRef, bool)>) {
        loop {
            let first = match inbox.steal_batch_and_pop(&self.arrivals) {
                Steal::Success(first) => first,
                Steal::Empty => return,
                Steal::Retry => {
                    std::hint::spin_loop();
                    continue;
                }
            };
            let mut next = Some(first);
            while let Some((task, placed)) = next {
                if let Some(entry) = task.label().map(|label| self.order.entry(label, placed)) {
                    self.order.enter(entry, task);
                }
                next = self.arrivals.pop();
            }
        }
    }
}

/// A worker's request for tasks.
pub(super) struct Request<'w> {
    /// The number of workers.
    pub(super) workers: usize,
    pub(super) now: u64,
    /// The grant of the worker's last task, and what the task used.
    pub(super) ended: Option<(Grant, Option<Usage>)>,
    /// The number of tasks to take at most.
    pub(super) max: usize,
    /// Receives the tasks after the first, in order.
    pub(super) more: &'w mut Vec<TaskRef>,
}

/// The answer to a [`Request`].
#[derive(Default)]
pub(super) struct Response {
    pub(super) task: Option<(TaskRef, Grant)>,
    /// Tasks whose deadline has passed, or can no longer be met.
    pub(super) expired: Vec<TaskRef>,
    /// Tasks that were too old to start.
    pub(super) shed: Vec<TaskRef>,
}

impl RunQueue {
    pub(in crate::pool) fn new(max_running: usize, shedding: Shedding) -> Self {
        let (order, delays) = (RunOrder::new(max_running), Delays::default());
        let state = State { order, delays, arrivals: Worker::new_fifo() };
        Self {
            inbox: Injector::new(),
            ready: CachePadded::new(Ready::new()),
            head_due: AtomicU64::new(NEVER),
            waiting: AtomicUsize::new(0),
            state: CachePadded::new(Mutex::new(state)),
            used: AtomicBool::new(false),
            expiry: AtomicU64::new(NEVER),
            shedding,
            in_batches: shedding == Shedding::Off && max_running == usize::MAX,
        }
    }

    /// Returns whether a task may run now.
    #[inline]
    pub(in crate::pool) fn ready(&self) -> bool {
        self.ready.any(|| self.inbox.is_empty())
    }

    /// Returns whether there has been a labelled task.
    #[inline]
    pub(in crate::pool) fn used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }

    /// Notes that there is a labelled task, here or among the subtasks.
    pub(in crate::pool) fn note_use(&self) {
        if !self.used() {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    /// Returns the due time of the next task.
    pub(super) fn head_due(&self) -> u64 {
        if !self.inbox.is_empty() {
            self.with(|_| ());
        }
        self.head_due.load(Ordering::Relaxed)
    }

    /// Returns the number of waiting tasks. It is at least 1 if any task waits.
    pub(in crate::pool) fn waiting(&self) -> usize {
        let known = self.waiting.load(Ordering::Relaxed) + self.inbox.len();
        // Tasks on their way from the inbox into the order are in neither count.
        known.max(usize::from(self.ready()))
    }

    /// Returns the earliest deadline of a waiting task.
    pub(in crate::pool) fn next_expiry(&self) -> Option<u64> {
        Some(self.expiry.load(Ordering::SeqCst)).filter(|&at| at != NEVER)
    }

    /// Adds a task. If the task is `placed` it holds a permit or waits for one.
    /// Returns whether the task's deadline may be the earliest.
    pub(in crate::pool) fn push(&self, task: TaskRef, placed: bool) -> bool {
        self.note_use();
        let expires = task.label().and_then(Label::expires);
        self.inbox.push((task, placed));
        let Some(at) = expires else { return false };
        // The deadline must be known now: no other thread may take the lock before it.
        self.with(|_| ());
        self.next_expiry().is_some_and(|next| next >= at)
    }

    /// Changes the order under the lock, and publishes the result.
    fn with<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.lock();
        let result = change(&mut state);
        self.publish(&state);
        result
    }

    /// Locks the order, and moves the inbox into it. A call of [`publish`](Self::publish) must
    /// follow, since tasks have left the inbox.
    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock_state();
        if self.inbox.is_empty() {
            return state;
        }
        self.ready.opening();
        state.take_in(&self.inbox);
        state
    }

    /// Locks the state. The lock is held for a few microseconds, which is less than a sleep and a
    /// wake-up take. So a thread spins and yields before it sleeps.
    fn lock_state(&self) -> MutexGuard<'_, State> {
        let backoff = Backoff::new();
        while !backoff.is_completed() {
            if let Some(state) = self.state.try_lock() {
                return state;
            }
            backoff.snooze();
        }
        self.state.lock()
    }

    /// Takes out a worker's next tasks.
    pub(super) fn next(&self, request: Request<'_>) -> Response {
        let Request { workers, now, ended, max, more } = request;
        let mut response = Response::default();
        let mut guard = self.lock();
        let State { order, delays, .. } = &mut *guard;
        if let Some((grant, usage)) = ended {
            order.finish(grant, usage);
        }
        while let Some(expired) = order.expire(now, true) {
            response.expired.push(expired);
        }
        if self.shedding != Shedding::Off && delays.overloaded(now) {
            let too_old = |task: &TaskRef| is_too_old(task, delays, now);
            let old = std::iter::from_fn(|| order.shed(too_old));
            response.shed.extend(old.take(MAX_SHED));
        }
        let newest = self.shedding == Shedding::NewestFirst && delays.overloaded(now);
        if let Some(Next { item, grant, oldest }) = order.pop(newest.then_some(now)) {
            delays.observe(now, now.saturating_sub(oldest), order.task_time(), workers);
            response.task = Some((item, grant));
        }
        if self.in_batches {
            order.pop_tiny(max.saturating_sub(1), more);
        }
        self.publish(&guard);
        response
    }

    /// Takes back a grant when its task has ended.
    pub(super) fn finish(&self, grant: Grant, usage: Option<Usage>) {
        self.with(|state| state.order.finish(grant, usage));
    }

    /// Charges a tenant `cost` nanoseconds for its subtasks.
    pub(super) fn charge(&self, tenant: &Arc<str>, cost: u64) {
        self.with(|state| state.order.charge(tenant, cost));
    }

    /// Takes out the task with this label, if it still waits.
    pub(in crate::pool) fn remove(&self, label: &Label) -> Option<TaskRef> {
        self.with(|state| state.order.remove(label))
    }

    /// Takes out any task, as the pool ends.
    pub(in crate::pool) fn take_any(&self) -> Option<TaskRef> {
        self.with(|state| state.order.take_any())
    }

    /// Takes out all tasks that satisfy `pred`.
    pub(in crate::pool) fn take_out(&self, pred: impl FnMut(&TaskRef) -> bool) -> Vec<TaskRef> {
        self.with(|state| state.order.take_out(pred))
    }

    /// Takes out all tasks whose deadline has passed.
    pub(in crate::pool) fn expire(&self, now: u64) -> Vec<TaskRef> {
        self.with(|state| std::iter::from_fn(|| state.order.expire(now, false)).collect())
    }

    /// Takes out a task of a class below `than` that holds a permit, if one is found.
    pub(in crate::pool) fn evict(&self, than: Priority) -> Option<TaskRef> {
        self.with(|state| state.order.evict(than))
    }

    /// Returns whether a task with this label and a deadline is likely to meet the deadline.
    pub(in crate::pool) fn fits(&self, label: &Label, now: u64, workers: usize) -> bool {
        self.with(|state| state.order.fits(label, now, workers))
    }

    /// Returns whether work of this class is refused for now.
    pub(in crate::pool) fn sheds(&self, priority: Priority, now: u64) -> bool {
        self.shedding != Shedding::Off && self.with(|state| state.sheds(priority, now))
    }

    /// Returns whether work waits for too long.
    pub(in crate::pool) fn overloaded(&self, now: u64) -> bool {
        self.with(|state| state.order.len() > 0 && state.delays.overloaded(now))
    }

    /// Returns the number of tenants with an account.
    pub(in crate::pool) fn tenants(&self) -> usize {
        self.with(|state| state.order.tenants())
    }

    /// Returns the number of places in the queue that a tenant's tasks have, or wait for.
    pub(in crate::pool) fn placed_of(&self, tenant: &Arc<str>) -> usize {
        self.with(|state| state.order.placed_of(tenant))
    }

    /// Returns the `most` tenants that have used the most, and the sum of all tenants.
    pub(in crate::pool) fn busiest_tenants(&self, most: usize) -> (Vec<(Arc<str>, TenantSum)>, TenantSum) {
        self.with(|state| state.order.busiest(most))
    }

    /// Returns what these tenants have waiting, running and done.
    #[cfg(any(feature = "prometheus", feature = "metrics"))]
    pub(in crate::pool) fn tenant_sums(&self, names: &[Arc<str>]) -> Vec<TenantSum> {
        self.with(|state| names.iter().map(|name| state.order.sum_of(name)).collect())
    }

    pub(in crate::pool) fn set_weight(&self, tenant: &Arc<str>, weight: u32) {
        self.with(|state| state.order.set_weight(tenant, weight));
    }

    /// Publishes the state to threads that do not take the lock. It runs before the unlock, so that
    /// a thread never sees a state older than its own change.
    fn publish(&self, state: &State) {
        self.ready.show(state.order.ready());
        self.waiting.store(state.order.len(), Ordering::Relaxed);
        self.head_due.store(state.order.head_due().unwrap_or(NEVER), Ordering::Relaxed);
        let expiry = state.order.next_expiry().unwrap_or(NEVER);
        if self.expiry.load(Ordering::Relaxed) != expiry {
            self.expiry.store(expiry, Ordering::SeqCst);
        }
    }
}

/// Returns whether a task is too old to start. Bulk work, work with a deadline and parts of a task
/// that has started never are.
fn is_too_old(task: &TaskRef, delays: &Delays, now: u64) -> bool {
    task.label().is_some_and(|label| {
        let delay = now.saturating_sub(label.arrival);
        label.priority > Priority::Bulk
            && label.expires().is_none()
            && !label.part
            && delays.too_old(now, delay)
    })
}
