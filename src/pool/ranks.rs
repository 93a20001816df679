//! The run order, shared by all who submit and all who work: tasks that name a class, a tenant or a deadline wait here. Pools whose
//! tasks name none have an empty one, which costs their workers the look at two words.
//!
//! New tasks are put into an inbox, without a lock; whoever takes the order's lock next, for whatever reason, sorts them in. So
//! those who submit do not get into each other's way, and whoever has the lock finds every task that was submitted before.

#[cfg(feature = "test-util")]
mod pick;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crossbeam_deque::{Injector, Steal, Worker};
use crossbeam_utils::{Backoff, CachePadded};

use crate::config::Shedding;
use crate::park::Ready;
use crate::policy::overload::Delays;
use crate::policy::scheduling::{Next, RunOrder, Took, Turn};
use crate::sync::{Mutex, MutexGuard};
use crate::task::{Label, Priority, TaskRef};

/// Tasks that one worker passes over in a row, because they are too old.
const MOST_PASSED: usize = 64;
/// No task has a deadline.
const NEVER: u64 = u64::MAX;

pub(super) struct Ranks {
    /// Not yet in the order. With each, whether it holds a place in the queue, and may have to give way.
    inbox: Injector<(TaskRef, bool)>,
    /// Tenants who have something that may run now.
    ready: CachePadded<Ready>,
    /// When the next task is due. Written under the lock.
    head_due: AtomicU64,
    /// Tasks that wait. Written under the lock.
    waiting: AtomicUsize,
    state: CachePadded<Mutex<State>>,
    /// There was a labelled task.
    used: AtomicBool,
    /// The next deadline, or [`NEVER`]. Written under the lock.
    expiry: AtomicU64,
    shedding: Shedding,
    /// A worker may take several tasks at once: there is nothing to be looked at for each.
    in_batches: bool,
}

struct State {
    order: RunOrder<TaskRef>,
    delays: Delays,
    /// On their way from the inbox into the order: many are taken out of the inbox at the price of one.
    arrivals: Worker<(TaskRef, bool)>,
}

impl State {
    /// Whether work of this class is to stay away. Never where nothing waits.
    fn sheds(&self, priority: Priority, now: u64) -> bool {
        priority == Priority::Bulk && self.order.len() > 0 && self.delays.overloaded(now)
    }

    /// Sorts in what is in the inbox.
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

/// What a worker asks for.
pub(super) struct Asked<'w> {
    /// How many workers there are.
    pub(super) workers: usize,
    pub(super) now: u64,
    /// The turn that has ended, and what it took.
    pub(super) ended: Option<(Turn, Option<Took>)>,
    /// How many tasks at the most.
    pub(super) most: usize,
    /// Where those over the first go, in order.
    pub(super) more: &'w mut Vec<TaskRef>,
}

/// What a worker gets.
#[derive(Default)]
pub(super) struct Given {
    pub(super) task: Option<(TaskRef, Turn)>,
    /// Whose deadline has passed.
    pub(super) expired: Vec<TaskRef>,
    /// What was too old to be begun.
    pub(super) shed: Vec<TaskRef>,
}

impl Ranks {
    pub(super) fn new(most_running: usize, shedding: Shedding) -> Self {
        let (order, delays) = (RunOrder::new(most_running), Delays::default());
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
            in_batches: shedding == Shedding::Off && most_running == usize::MAX,
        }
    }

    /// Whether something may run now.
    #[inline]
    pub(super) fn ready(&self) -> bool {
        self.ready.any(|| self.inbox.is_empty())
    }

    /// Whether there was ever a labelled task.
    #[inline]
    pub(super) fn used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }

    /// There is a labelled task, here or among the subtasks.
    pub(super) fn note_use(&self) {
        if !self.used() {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    /// When the task that is next is due.
    pub(super) fn head_due(&self) -> u64 {
        if !self.inbox.is_empty() {
            self.with(|_| ());
        }
        self.head_due.load(Ordering::Relaxed)
    }

    /// How many tasks wait, or one at the least if there is any.
    pub(super) fn waiting(&self) -> usize {
        let known = self.waiting.load(Ordering::Relaxed) + self.inbox.len();
        // Between the inbox and the order they can't be counted, but they are there.
        known.max(usize::from(self.ready()))
    }

    /// The next deadline of a task that waits.
    pub(super) fn next_expiry(&self) -> Option<u64> {
        Some(self.expiry.load(Ordering::SeqCst)).filter(|&at| at != NEVER)
    }

    /// One more task waits. `placed`: it holds a place in the queue, and may have to give way. Says whether its deadline may be the
    /// next.
    pub(super) fn push(&self, task: TaskRef, placed: bool) -> bool {
        self.note_use();
        let expires = task.label().and_then(Label::expires);
        self.inbox.push((task, placed));
        let Some(at) = expires else { return false };
        // The deadline has to be known: nobody else may come by before it.
        self.with(|_| ());
        self.next_expiry().is_some_and(|next| next >= at)
    }

    /// Does something with the order, and tells what has come of it.
    fn with<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.lock();
        let result = change(&mut state);
        self.publish(&state);
        result
    }

    /// The order, with all that was submitted in it. To be followed by [`publish`](Self::publish): what was in the inbox is to be seen
    /// elsewhere now.
    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        if self.inbox.is_empty() {
            return state;
        }
        self.ready.opening();
        state.take_in(&self.inbox);
        state
    }

    /// The order's lock. Whoever has it is through in a few microseconds, which is less than it takes to sleep and be woken.
    fn state(&self) -> MutexGuard<'_, State> {
        let backoff = Backoff::new();
        while !backoff.is_completed() {
            if let Some(state) = self.state.try_lock() {
                return state;
            }
            backoff.snooze();
        }
        self.state.lock()
    }

    /// The next task for a worker.
    pub(super) fn next(&self, asked: Asked<'_>) -> Given {
        let Asked { workers, now, ended, most, more } = asked;
        let mut given = Given::default();
        let mut guard = self.lock();
        let State { order, delays, .. } = &mut *guard;
        if let Some((turn, took)) = ended {
            order.finish(turn, took);
        }
        while let Some(expired) = order.expire(now, true) {
            given.expired.push(expired);
        }
        if self.shedding != Shedding::Off && delays.overloaded(now) {
            let too_old = |task: &TaskRef| is_too_old(task, delays, now);
            let old = std::iter::from_fn(|| order.shed(too_old));
            given.shed.extend(old.take(MOST_PASSED));
        }
        let newest = self.shedding == Shedding::NewestFirst && delays.overloaded(now);
        if let Some(Next { item, turn, oldest }) = order.pop(newest.then_some(now)) {
            delays.observe(now, now.saturating_sub(oldest), order.task_time(), workers);
            given.task = Some((item, turn));
        }
        if self.in_batches {
            order.pop_tiny(most.saturating_sub(1), more);
        }
        self.publish(&guard);
        given
    }

    /// A task has ended.
    pub(super) fn finish(&self, turn: Turn, took: Option<Took>) {
        self.with(|state| state.order.finish(turn, took));
    }

    /// Subtasks took so long.
    pub(super) fn charge(&self, tenant: &Arc<str>, cost: u64) {
        self.with(|state| state.order.charge(tenant, cost));
    }

    /// A task waits no more.
    pub(super) fn remove(&self, label: &Label) -> Option<TaskRef> {
        self.with(|state| state.order.remove(label))
    }

    /// Takes any task; for the end.
    pub(super) fn take_any(&self) -> Option<TaskRef> {
        self.with(|state| state.order.take_any())
    }

    /// Takes out what is of no use any more.
    pub(super) fn expire(&self, now: u64) -> Vec<TaskRef> {
        self.with(|state| std::iter::from_fn(|| state.order.expire(now, false)).collect())
    }

    /// Takes out a task of a lesser class than `than`, if there is one with a place in the queue.
    pub(super) fn evict(&self, than: Priority) -> Option<TaskRef> {
        self.with(|state| state.order.evict(than))
    }

    /// Whether work with this label, which has a deadline, is likely to be done by then.
    pub(super) fn fits(&self, label: &Label, now: u64, workers: usize) -> bool {
        self.with(|state| state.order.fits(label, now, workers))
    }

    /// Whether work of this class is turned away for now.
    pub(super) fn sheds(&self, priority: Priority, now: u64) -> bool {
        self.shedding != Shedding::Off && self.with(|state| state.sheds(priority, now))
    }

    /// Whether work waits for too long.
    pub(super) fn overloaded(&self, now: u64) -> bool {
        self.with(|state| state.order.len() > 0 && state.delays.overloaded(now))
    }

    /// How many tenants have an account.
    pub(super) fn tenants(&self) -> usize {
        self.with(|state| state.order.tenants())
    }

    /// How many of a tenant's tasks wait.
    pub(super) fn waiting_of(&self, tenant: &Arc<str>) -> usize {
        self.with(|state| state.order.waiting_of(tenant))
    }

    pub(super) fn set_weight(&self, tenant: &Arc<str>, weight: u32) {
        self.with(|state| state.order.set_weight(tenant, weight));
    }

    /// Tells those who do not take the lock. Before the lock is given back: what they see is never older than what they did themselves.
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

/// Work of no urgency may be old, deadlines say themselves when it is too late, and what has begun is not given up half-way.
fn is_too_old(task: &TaskRef, delays: &Delays, now: u64) -> bool {
    task.label().is_some_and(|label| {
        let delay = now.saturating_sub(label.arrival);
        label.priority > Priority::Bulk
            && label.expires().is_none()
            && !label.part
            && delays.too_old(now, delay)
    })
}
