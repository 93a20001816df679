//! The queue of labelled tasks, shared by all submitters and workers.
//!
//! A submitter puts a task into an inbox without taking a lock. The thread that next takes the lock
//! of the order moves the inbox into the order. So submitters do not block each other, and a thread
//! that holds the lock finds every task submitted before. In a pool without labelled tasks the
//! queue costs a worker two reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crossbeam_deque::{Injector, Steal, Worker};
use crossbeam_utils::{Backoff, CachePadded};

use crate::config::Shedding;
use crate::park::Ready;
use crate::policy::overload::Delays;
use crate::policy::scheduling::{Grant, Next, RunOrder, Usage};
use crate::sync::{Mutex, MutexGuard};
use crate::task::{Label, Priority, TaskRef};

/// One call of [`RunQueue::next`] sheds at most this many tasks.
const MAX_SHED: usize = 64;
/// A due time, or a deadline, if there is none.
const NEVER: u64 = u64::MAX;

pub(in crate::pool) struct RunQueue {
    /// Tasks that are not yet in the order. The flag tells whether the task has a place.
    inbox: Injector<(TaskRef, bool)>,
    state: CachePadded<Mutex<State>>,
    // Facts of the state, written under its lock: the number of tenants with a task that may run,
    // the due time of the next task, the number of waiting tasks, and the earliest deadline.
    ready: CachePadded<Ready>,
    head_due: AtomicU64,
    waiting: AtomicUsize,
    expiry: AtomicU64,
    /// Whether there has been a labelled task.
    used: AtomicBool,
    shedding: Shedding,
    /// Whether a worker may take several tasks at a time. A limit of running tasks and shedding
    /// require a decision for each task.
    in_batches: bool,
}

pub(in crate::pool) struct State {
    pub(in crate::pool) order: RunOrder<TaskRef>,
    delays: Delays,
    /// Tasks on their way from the inbox into the order. The inbox gives them in batches.
    arrivals: Worker<(TaskRef, bool)>,
}

impl State {
    fn take_in(&mut self, inbox: &Injector<(TaskRef, bool)>) {
        loop {
            let mut next = match inbox.steal_batch_and_pop(&self.arrivals) {
                Steal::Success(first) => Some(first),
                Steal::Empty => return,
                Steal::Retry => None,
            };
            while let Some((task, placed)) = next {
                if let Some(entry) = task.label().map(|label| self.order.entry(label, placed)) {
                    self.order.enter(entry, task);
                }
                next = self.arrivals.pop();
            }
        }
    }
}

/// What a worker gets.
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
        let order = RunOrder::new(max_running);
        let state = State { order, delays: Delays::default(), arrivals: Worker::new_fifo() };
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

    /// Calls `change` with the order under the lock, and publishes the result. `change` must drop
    /// no task: the last reference to one drops its result, a user's value.
    pub(in crate::pool) fn with<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.lock();
        if !self.inbox.is_empty() {
            self.ready.opening();
            state.take_in(&self.inbox);
        }
        let result = change(&mut state);
        self.publish(&state);
        result
    }

    /// Locks the state. The lock is held for a few microseconds, which is less than a sleep and a
    /// wake-up take. So a thread spins and yields before it sleeps.
    fn lock(&self) -> MutexGuard<'_, State> {
        let backoff = Backoff::new();
        while !backoff.is_completed() {
            if let Some(state) = self.state.try_lock() {
                return state;
            }
            backoff.snooze();
        }
        self.state.lock()
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

    /// Takes out the next tasks of one of `workers` workers: at most `max`, those after the first
    /// into `more`. `ended` is the grant of the worker's last task, and what that task used.
    pub(super) fn next(
        &self,
        (workers, now): (usize, u64),
        ended: Option<(Grant, Option<Usage>)>,
        max: usize,
        more: &mut Vec<TaskRef>,
    ) -> Response {
        let mut response = Response::default();
        self.with(|State { order, delays, .. }| {
            if let Some((grant, usage)) = ended {
                order.finish(grant, usage);
            }
            response.expired.extend(std::iter::from_fn(|| order.expire(now, true)));
            let overloaded = self.shedding != Shedding::Off && delays.overloaded(now);
            if overloaded {
                let too_old = |task: &TaskRef| is_too_old(task, delays, now);
                let old = std::iter::from_fn(|| order.shed(too_old));
                response.shed.extend(old.take(MAX_SHED));
            }
            let newest = overloaded && self.shedding == Shedding::NewestFirst;
            if let Some(Next { item, grant, oldest }) = order.pop(newest.then_some(now)) {
                delays.observe(now, now.saturating_sub(oldest), order.task_time(), workers);
                response.task = Some((item, grant));
            }
            if self.in_batches {
                order.pop_tiny(max.saturating_sub(1), more);
            }
        });
        response
    }

    pub(in crate::pool) fn remove(&self, label: &Label) -> Option<TaskRef> {
        self.with(|state| state.order.remove(label))
    }

    pub(in crate::pool) fn expire(&self, now: u64) -> Vec<TaskRef> {
        self.with(|state| std::iter::from_fn(|| state.order.expire(now, false)).collect())
    }

    /// Takes out a task of a class below `than` that holds a permit, if one is found.
    pub(in crate::pool) fn evict(&self, than: Priority) -> Option<TaskRef> {
        self.with(|state| state.order.evict(than))
    }

    /// Returns whether a task with this label is likely to meet its deadline.
    pub(in crate::pool) fn fits(&self, label: &Label, now: u64, workers: usize) -> bool {
        self.with(|state| state.order.fits(label, now, workers))
    }

    /// Returns whether work of this class is refused for now.
    pub(in crate::pool) fn sheds(&self, priority: Priority, now: u64) -> bool {
        self.shedding != Shedding::Off && priority == Priority::Bulk && self.overloaded(now)
    }

    pub(in crate::pool) fn overloaded(&self, now: u64) -> bool {
        self.with(|state| state.order.len() > 0 && state.delays.overloaded(now))
    }

    /// Returns the number of places in the queue that a tenant's tasks have, or wait for.
    pub(in crate::pool) fn placed_of(&self, tenant: &Arc<str>) -> usize {
        self.with(|state| state.order.placed_of(tenant))
    }

    pub(in crate::pool) fn set_weight(&self, tenant: &Arc<str>, weight: u32) {
        self.with(|state| state.order.set_weight(tenant, weight));
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
