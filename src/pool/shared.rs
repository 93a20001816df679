//! What the handles, the workers and the keeper of a pool have in common, and the way of a task into its queues.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;
use std::time::Instant;

use crossbeam_utils::CachePadded;
use tokio::sync::watch;

use super::allowance::Orders;
use super::deferred::Ticket;
use super::foresight::Foresight;
use super::hooks::Hooks;
use super::keeper::Keeper;
use super::lone_caller::LoneCallerSpin;
use super::outside::Outside;
use super::pressure::Gauge;
use super::run_order::RunQueue;
use super::scaler::Scaling;
use super::shutdown::Phase;
use super::test_hooks::TestHooks;
use super::threads::Threads;
use crate::admission::{ByteBudget, Full, Joined, Permits, Reservations, Waiter};
use crate::config::PoolConfig;
use crate::contain::{self, contain};
use crate::metrics::WorkerCounters;
use crate::park::{Idle, Notify};
use crate::policy::nanos;
use crate::policy::scaling::Limits;
use crate::policy::scaling::burst::Bounds;
use crate::queue::Queues;
use crate::task::{Cancelled, Outboxes, Place, Refusal, Run, TaskRef};
use crate::topology::{Home, usable_cores};

/// The body of a pool.
pub(crate) struct Shared {
    pub(super) config: PoolConfig,
    pub(super) bounds: Bounds,
    pub(super) hooks: Hooks,
    pub(super) permits: Permits,
    pub(super) reservations: Arc<Reservations>,
    pub(super) idle: Idle,
    pub(super) queues: Queues,
    pub(super) run_queue: RunQueue,
    /// On their way there.
    pub(super) outside: Outside,
    /// Of labelled work.
    pub(super) bytes: Option<Arc<ByteBudget<Ticket>>>,
    pub(super) outboxes: Outboxes,
    pub(super) workers: Box<[CachePadded<WorkerCounters>]>,
    pub(super) threads: Threads,
    pub(super) keeper: Keeper,
    pub(super) pressure: Gauge,
    pub(super) lone_caller: CachePadded<LoneCallerSpin>,
    pub(super) tally: Tally,
    pub(super) scaling: Scaling,
    pub(super) orders: Orders,
    pub(super) test_hooks: TestHooks,
    /// Where its threads may run.
    pub(super) home: Home,
    /// The tenant of those who name none.
    pub(super) nobody: Arc<str>,
    /// What [`now_ns`](Self::now_ns) counts from.
    pub(super) epoch: Instant,
    /// How far the pool's end has come.
    pub(super) phase: watch::Sender<Phase>,
}

/// Rare events, counted by whoever meets them.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Callers who were refused or had to wait.
    pub(super) backpressure: AtomicU64,
    /// Refusals that were told when to come again.
    pub(super) told_when: AtomicU64,
    /// Tasks cancelled before they started.
    pub(super) cancelled: AtomicU64,
    /// Those among them that held no permit, in the queues.
    pub(super) cancelled_free: AtomicU64,
    /// Tasks that entered the injector without a permit.
    pub(super) free_injected: AtomicU64,
    /// Tasks that came to the run order without a permit.
    pub(super) waiting_came: AtomicU64,
    /// Those among them that were cancelled or refused.
    pub(super) waiting_left: AtomicU64,
    /// Tasks whose deadline passed before they started.
    pub(super) expired: AtomicU64,
    /// Tasks that were taken in and put out again, for more urgent ones or because they were too old.
    pub(super) shed: AtomicU64,
    /// Tasks cancelled by the deadline of a shutdown.
    pub(super) aborted: AtomicU64,
    /// Reservations that were not used in time.
    pub(super) lapsed: AtomicU64,
    /// The sum of all queued tasks when the statistics were last read, so that it never goes down.
    pub(super) queued_at_last: AtomicU64,
    /// Threads that the operating system refused.
    pub(super) spawn_failures: AtomicU64,
}

/// Who looks at new work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attention {
    /// A worker that is awake: it searches, or will when its task is done.
    Awake,
    /// One that had to be called first.
    Called,
}

/// One more.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("census", &self.idle.census()).finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(config: PoolConfig, hooks: Hooks, foresight: Foresight, test_hooks: TestHooks) -> Self {
        let slots = config.max_threads;
        let bounds = Bounds { min: config.min_threads, max: config.max_threads, usable: usable_cores() };
        Self {
            bounds,
            hooks,
            permits: Permits::new(config.max_queue_size),
            reservations: Arc::new(Reservations::new(config.reservation_timeout)),
            idle: Idle::new(slots),
            queues: Queues::new(slots),
            bytes: config.byte_budget.map(ByteBudget::new),
            run_queue: RunQueue::new(config.max_running_per_tenant.unwrap_or(usize::MAX), config.shedding),
            outside: Outside::default(),
            outboxes: Outboxes::new(slots),
            workers: (0..slots).map(|_| CachePadded::default()).collect(),
            threads: Threads::new(slots),
            keeper: Keeper::default(),
            pressure: Gauge::new(&config),
            lone_caller: CachePadded::default(),
            tally: Tally::default(),
            scaling: Scaling::new(Limits { min: bounds.min, max: bounds.max }, bounds.usable, foresight),
            orders: Orders::default(),
            test_hooks,
            home: Home::here(),
            nobody: Arc::from(""),
            epoch: Instant::now(),
            phase: watch::Sender::new(Phase::Open),
            config,
        }
    }

    /// Takes a permit at once. Says how many are out, this one among them.
    #[inline]
    pub(super) fn try_permit(&self) -> Result<usize, Full> {
        let left = self.permits.try_take()?;
        self.pressure.on_rise(self, left);
        Ok(self.permits.limit().saturating_sub(left))
    }

    /// Puts a task that holds a permit, or needs none, into the queue.
    #[inline]
    pub(super) fn inject(self: &Arc<Self>, task: TaskRef) -> Attention {
        self.queues.inject(task);
        self.work_waits()
    }

    #[cold]
    pub(super) fn stand_in_line(self: &Arc<Self>, task: TaskRef) {
        match self.join_line(Waiter::Task(task)) {
            Joined::InLine => count(&self.tally.backpressure),
            Joined::Permit(waiter) => self.admit(waiter),
            Joined::Closed(waiter) => {
                self.turn_away(waiter);
            }
        }
    }

    /// Gives a permit that was just taken to its task.
    fn admit(self: &Arc<Self>, waiter: Waiter) {
        match waiter {
            Waiter::Task(task) if task.admit() => {
                self.inject(task);
            }
            // Cancelled in the meantime: the permit is still ours to give back.
            _ => self.release_permit(),
        }
    }

    /// Tells a waiter that the pool is closed. Says whether it still waited.
    pub(super) fn turn_away(self: &Arc<Self>, waiter: Waiter) -> bool {
        match waiter {
            Waiter::Task(task) => self.refuse(&*task),
            Waiter::Call(call) => call.refuse(),
        }
    }

    /// Sees to it that somebody looks at work that was just put into a queue.
    #[inline]
    pub(super) fn work_waits(self: &Arc<Self>) -> Attention {
        match self.idle.notify() {
            Notify::Covered => return Attention::Awake,
            Notify::Woken => self.test_hooks.worker_woken(),
            Notify::Busy(census) => {
                if !self.threads.want_more(census, self.scaling.allowance.limit()) {
                    self.watch_threads();
                    return Attention::Awake;
                }
                self.start_one_more();
            }
            Notify::Ended => self.clear_queues(),
        }
        Attention::Called
    }

    /// A caller comes by: it wakes those whose wake-ups a worker has left for it.
    #[inline]
    pub(super) fn pass_on(&self) {
        if self.outboxes.left() {
            self.pass_on_all();
        }
    }

    #[cold]
    pub(super) fn pass_on_all(&self) {
        self.wake_those(Outboxes::take_all);
    }

    /// Wakes those whose wake-ups `take` moves out of the outboxes.
    pub(super) fn wake_those<R>(&self, take: impl FnOnce(&Outboxes, &mut VecDeque<Waker>) -> R) {
        let mut wakers = self.outboxes.buffer();
        take(&self.outboxes, &mut wakers);
        wakers.drain(..).for_each(|waker| contain::wake(Some(waker)));
        self.outboxes.give_back(wakers);
    }

    /// Brings one permit home; whoever stands in line gets it.
    pub(super) fn release_permit(self: &Arc<Self>) {
        self.release_permits(1);
    }

    /// Brings permits home; whoever stands in line gets them. Says whether the queue is far from being saturated.
    #[inline]
    pub(super) fn release_permits(self: &Arc<Self>, permits: usize) -> bool {
        let released = self.permits.release(permits, |task| self.queues.inject(task));
        if !released.granted.is_empty() {
            // First of all: a caller who is slow to wake may be one who does not come.
            self.keep_reservations();
            released.granted.iter().for_each(|call| call.wake());
        }
        if released.delivered > 0 {
            self.work_waits();
        }
        // For a moment these permits were at home.
        if released.delivered > 0 || !released.granted.is_empty() {
            self.pressure.on_rise(self, released.available);
        }
        self.pressure.on_relief(self);
        self.permits.limit().saturating_sub(released.available) < self.pressure.mark / 4
    }

    /// Cancels a task, wherever it is, and clears up what it occupied.
    pub(super) fn cancel(self: &Arc<Self>, task: &dyn Run) {
        let Cancelled::Pending(place) = task.cancel() else { return };
        self.leave_order(task, place);
        self.clear_up(place, None);
        if matches!(place, Place::Held | Place::Free) && self.queues.left_empty() {
            self.sweep();
        }
    }

    /// A task is over that waited at `place`: its empty cell leaves the run order, or the list of those on their way there.
    pub(super) fn leave_order(&self, task: &dyn Run, place: Place) {
        match (place, task.label()) {
            // Not under the order's lock: with the last reference to a task its result goes, which is a user's.
            (Place::Ranked | Place::Waiting, Some(label)) => drop(self.run_queue.remove(label)),
            (Place::Outside, Some(label)) => self.outside.leave(label),
            _ => {}
        }
    }

    /// Cancels a task that was taken out of the queues. Says whether it still waited.
    pub(super) fn cancel_taken(self: &Arc<Self>, task: &dyn Run) -> bool {
        let Cancelled::Pending(place) = task.cancel() else { return false };
        self.clear_up(place, None);
        true
    }

    /// Tells a task that is in no queue, or no longer, that the pool is closed. Says whether it still waited.
    pub(super) fn refuse(self: &Arc<Self>, task: &dyn Run) -> bool {
        let Some((place, waker)) = task.refuse(Refusal::Closed) else { return false };
        self.clear_up(place, waker);
        true
    }

    /// The same for a task that the figures do not know yet.
    pub(super) fn refuse_unseen(&self, task: &dyn Run) {
        let refused = task.refuse(Refusal::Closed);
        count(&self.tally.cancelled);
        self.wake_refused(refused.and_then(|(_, waker)| waker));
    }

    /// Gives back the place of a task that was cancelled or refused, counts the task, and wakes its
    /// caller, unless that was woken already.
    pub(super) fn clear_up(self: &Arc<Self>, place: Place, caller: Option<Waker>) {
        match place {
            Place::Held | Place::Ranked => self.release_permit(),
            Place::Waiting => count(&self.tally.waiting_left),
            Place::Line => self.permits.gave_up(),
            Place::Free => count(&self.tally.cancelled_free),
            Place::Outside => {}
        }
        // After it has left its place: it is never counted twice.
        if place != Place::Outside {
            count(&self.tally.cancelled);
        }
        self.wake_refused(caller);
    }

    /// Wakes the caller of a task that will not run, the last act of clearing the task up.
    pub(super) fn wake_refused(&self, caller: Option<Waker>) {
        contain::wake(caller);
        self.test_hooks.state_changed();
    }

    /// Clears cancelled tasks out of the injector. Not while the pool ends: the workers could miss what is on its way.
    #[cold]
    pub(super) fn sweep(self: &Arc<Self>) {
        let Some(sweep) = self.queues.begin_sweep() else { return };
        let mut empty = Vec::new();
        if !self.idle.census().closing() {
            empty = sweep.run();
            // Before `close` may go on: whatever the workers have missed, one of them looks again.
            self.idle.notify();
        }
        drop(sweep);
        contain(|| drop(empty));
        self.work_waits();
    }

    /// After the last worker has left: nobody else will ever look at what came too late.
    #[cold]
    pub(super) fn clear_queues(self: &Arc<Self>) {
        while let Some(task) = self.take_any() {
            self.refuse(&*task);
        }
    }

    /// Takes one task that waits, wherever it does.
    pub(super) fn take_any(&self) -> Option<TaskRef> {
        self.queues.take_any().or_else(|| self.run_queue.take_any())
    }

    /// Whether a worker would find something to do.
    #[inline]
    pub(super) fn has_work(&self) -> bool {
        self.run_queue.ready() || self.queues.has_work()
    }

    /// The time, in nanoseconds, by the clock that the workers' absences are measured with.
    pub(super) fn now_ns(&self) -> u64 {
        self.ns_at(Instant::now())
    }

    /// The same for a moment that was read already.
    pub(super) fn ns_at(&self, moment: Instant) -> u64 {
        nanos(moment.saturating_duration_since(self.epoch))
    }
}
