//! What the handles, the workers and the timer thread of a pool share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crossbeam_utils::CachePadded;
use tokio::sync::watch;

use crate::admission::{ByteBudget, Full, PendingStart, Permits, Reservations};
use crate::config::PoolConfig;
use crate::contain;
use crate::metrics::WorkerCounters;
use crate::park::{Idle, Notify};
use crate::policy::nanos;
use crate::policy::scaling::burst::Bounds;
use crate::policy::waking::WakeDelay;
use crate::pool::admit::outside::Outside;
use crate::pool::events::Events;
use crate::pool::lifecycle::hooks::Hooks;
use crate::pool::lifecycle::pressure::Gauge;
use crate::pool::lone_caller::LoneCallerSpin;
use crate::pool::observe::counts::RefusalCounters;
use crate::pool::run_order::run_queue::RunQueue;
use crate::pool::runtime::SharedRuntime;
use crate::pool::scaling::foresight::Foresight;
use crate::pool::scaling::state::Scaling;
use crate::pool::test_hooks::TestHooks;
use crate::pool::threads::allowance::Orders;
use crate::pool::threads::bindings::Bindings;
use crate::pool::threads::slots::Threads;
use crate::pool::timer::state::TimerThread;
use crate::pool::worker::waits::Waits;
use crate::queue::{Layout, Queues};
use crate::task::{DeferredWakes, Refusal, Run};
use crate::topology::{Home, usable_cores};

/// The shared state of a pool.
pub(crate) struct Shared {
    pub(super) config: PoolConfig,
    pub(super) bounds: Bounds,
    pub(super) hooks: Hooks,
    pub(super) permits: Permits,
    pub(super) reservations: Arc<Reservations>,
    pub(super) idle: Idle,
    pub(super) queues: Queues,
    pub(super) run_queue: RunQueue,
    /// Tasks with a deadline that are not in the run queue yet.
    pub(super) outside: Outside,
    /// The byte budget of labelled work.
    pub(super) bytes: Option<Arc<ByteBudget<PendingStart>>>,
    pub(super) deferred_wakes: DeferredWakes,
    pub(super) wake_delay: WakeDelay,
    pub(super) workers: Box<[CachePadded<WorkerCounters>]>,
    pub(super) threads: Threads,
    pub(super) timer: TimerThread,
    pub(super) pressure: Gauge,
    pub(super) lone_caller: CachePadded<LoneCallerSpin>,
    pub(super) tally: Tally,
    pub(super) events: Events,
    pub(super) scaling: Scaling,
    pub(super) orders: Orders,
    /// The runtime of the workers.
    pub(super) runtime: SharedRuntime,
    /// The workers that wait for work of this pool.
    pub(super) waits: Waits,
    pub(super) test_hooks: TestHooks,
    /// The cores that the pool's threads may use.
    pub(super) home: Home,
    /// Where each worker runs.
    pub(super) bindings: Bindings,
    /// The tenant of tasks that name none.
    pub(super) nobody: Arc<str>,
    /// The start of the pool's clock, [`now_ns`](Self::now_ns).
    pub(super) epoch: Instant,
    /// The phase of the pool's end.
    pub(super) phase: watch::Sender<Phase>,
}

/// The phase that the end of a pool has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Open,
    /// A deadline has passed: no task waits any more, but some may run.
    Aborted,
    /// Every thread has left: no more code of a task or hook runs.
    Ended,
    /// Every thread is gone, with its thread-locals.
    Gone,
}

/// Counters of rare events.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Refused work, by reason.
    pub(super) refusals: RefusalCounters,
    /// Callers who had to wait for a permit.
    pub(super) waited: AtomicU64,
    /// Refusals with a time after which to retry.
    pub(super) jitter_draws: AtomicU64,
    /// Tasks cancelled before they started.
    pub(super) cancelled: AtomicU64,
    /// Subtasks cancelled before they started.
    pub(super) cancelled_subtasks: AtomicU64,
    /// Tasks in the queue with [`Ticket::NONE`](crate::task::Ticket::NONE): they never get a
    /// permit.
    pub(super) without_permit: AtomicU64,
    /// Tasks whose deadline passed before they started.
    pub(super) expired: AtomicU64,
    /// Tasks that were accepted and later refused: evicted by more urgent tasks, or too old.
    pub(super) shed: AtomicU64,
    /// Tasks cancelled by the deadline of a shutdown.
    pub(super) aborted: AtomicU64,
    /// Reservations that were not used in time.
    pub(super) lapsed: AtomicU64,
    /// The greatest sum of queued tasks that the statistics have shown, so that it never decreases.
    pub(super) queued_at_last: AtomicU64,
    /// Threads that the operating system refused to start.
    pub(super) spawn_failures: AtomicU64,
}

/// Which worker will see new work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attention {
    /// A worker that is awake: it searches, or will search after its task.
    Awake,
    /// A worker that was woken or started for it.
    Called,
}

/// Adds one to a counter.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("census", &self.idle.census()).finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(
        config: PoolConfig,
        hooks: Hooks,
        foresight: Foresight,
        test_hooks: TestHooks,
        (bindings, layout): (Bindings, Layout),
    ) -> Self {
        let slots = config.most_workers();
        let epoch = Instant::now();
        let bounds = Bounds { min: config.min_threads, max: config.max_threads, usable: usable_cores() };
        Self {
            bounds,
            permits: Permits::new(config.max_queue_size),
            reservations: Arc::new(Reservations::new(config.reservation_timeout)),
            idle: Idle::new(slots),
            queues: Queues::new(layout),
            bytes: config.byte_budget.map(ByteBudget::new),
            run_queue: RunQueue::new(config.max_running_per_tenant.unwrap_or(usize::MAX), config.shedding),
            outside: Outside::default(),
            deferred_wakes: DeferredWakes::new(slots),
            wake_delay: WakeDelay { bound_ns: nanos(config.max_wake_delay) },
            workers: (0..slots).map(|_| CachePadded::default()).collect(),
            threads: Threads::new(slots, hooks.spawn.is_none()),
            hooks,
            timer: TimerThread::default(),
            pressure: Gauge::new(&config),
            lone_caller: CachePadded::default(),
            tally: Tally::default(),
            events: Events::new(epoch),
            scaling: Scaling::new(bounds, slots, foresight),
            orders: Orders::default(),
            runtime: SharedRuntime::new(config.runtime_context),
            waits: Waits::new(slots),
            test_hooks,
            home: Home::here(),
            bindings,
            nobody: Arc::from(""),
            epoch,
            phase: watch::Sender::new(Phase::Open),
            config,
        }
    }

    /// Takes a permit if one is free.
    #[inline]
    pub(super) fn try_permit(&self) -> Result<usize, Full> {
        let left = self.permits.try_take()?;
        self.load_rose(left);
        Ok(left)
    }

    /// Updates the pressure state: the load may have risen, and `free` permits are left.
    #[inline]
    pub(super) fn load_rose(&self, free: usize) {
        let taken = self.permits.limit().saturating_sub(free);
        self.pressure.on_rise(taken + self.idle.census().active(), free, || self.load_and_free());
    }

    /// Updates the pressure state: the load may have fallen.
    #[inline]
    pub(super) fn load_fell(&self) {
        self.pressure.on_relief(|| self.load_and_free());
    }

    fn load_and_free(&self) -> (usize, usize) {
        (self.load(), self.permits.available())
    }

    /// Ensures that a worker will see work that was just put into a queue.
    #[inline]
    pub(super) fn work_waits(self: &Arc<Self>) -> Attention {
        self.work_waits_at(None)
    }

    /// As [`work_waits`](Self::work_waits), for work at a node. If a sleeper is woken, it is one of
    /// that node if there is one.
    #[inline]
    pub(super) fn work_waits_at(self: &Arc<Self>, node: Option<usize>) -> Attention {
        let near = |slot| node.is_none_or(|node| self.queues.node_of(slot) == node);
        match self.idle.notify_near(near) {
            Notify::Covered => return Attention::Awake,
            Notify::Woken => {
                if let Some(test) = self.test_hooks.control() {
                    test.worker_woken();
                }
            }
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

    /// Gives one permit back. The first in the line gets it.
    pub(super) fn release_permit(self: &Arc<Self>) {
        self.release_permits(1);
    }

    /// Gives permits back. The first in the line get them. Returns whether the queue is far from
    /// saturated.
    #[inline]
    pub(super) fn release_permits(self: &Arc<Self>, permits: usize) -> bool {
        let released = self.permits.release(permits);
        if !released.granted.is_empty() {
            // Before the wake-ups: a caller that is slow to wake may never take up its grant.
            self.keep_reservations();
            released.granted.iter().for_each(|call| call.wake());
        }
        if released.served > 0 {
            // These permits were free for a moment.
            self.load_rose(released.available);
        }
        self.load_fell();
        self.permits.limit().saturating_sub(released.available) < self.pressure.mark / 4
    }

    /// Removes cancelled tasks from the injector. It does nothing while the pool closes, because
    /// the workers could miss the tasks that are taken out.
    #[cold]
    pub(super) fn sweep(self: &Arc<Self>) {
        let Some(sweep) = self.queues.begin_sweep() else { return };
        let mut empty = Vec::new();
        if !self.idle.census().closing() {
            empty = sweep.run(|task| task.is_pending());
            // Before `close` may continue: a worker checks again for tasks that the workers have
            // missed.
            self.idle.notify();
        }
        drop(sweep);
        contain::discard(empty);
        self.work_waits();
    }

    /// Refuses the tasks that came too late, after the last worker has left.
    #[cold]
    pub(super) fn clear_queues(self: &Arc<Self>) {
        self.empty_queues(|task| _ = self.void(task, Refusal::Closed));
    }

    /// Takes each task out of the queues, and ends it by `end`.
    pub(super) fn empty_queues(&self, end: impl Fn(&dyn Run)) {
        while let Some(task) =
            self.queues.take_any().or_else(|| self.run_queue.with(|state| state.order.take_any()))
        {
            end(&*task);
            // A task that has run may still hold its result, which is a user's value.
            contain::discard(task);
        }
    }

    /// Returns whether a worker would find work.
    #[inline]
    pub(super) fn has_work(&self) -> bool {
        self.run_queue.ready() || self.queues.has_work()
    }

    /// Returns the time, in nanoseconds of the pool's clock.
    pub(super) fn now_ns(&self) -> u64 {
        self.ns_at(Instant::now())
    }

    /// Converts `moment` into nanoseconds of the pool's clock.
    pub(super) fn ns_at(&self, moment: Instant) -> u64 {
        nanos(moment.saturating_duration_since(self.epoch))
    }
}
