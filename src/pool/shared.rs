//! What the handles, the workers and the timer thread of a pool have in common, and the way of a task into its queues.

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
use crate::policy::scaling::Limits;
use crate::policy::scaling::burst::Bounds;
use crate::policy::waking::WakeDelay;
use crate::pool::admit::outside::Outside;
use crate::pool::lifecycle::hooks::Hooks;
use crate::pool::lifecycle::phase::Phase;
use crate::pool::lifecycle::pressure::Gauge;
use crate::pool::lone_caller::LoneCallerSpin;
use crate::pool::run_order::run_queue::RunQueue;
use crate::pool::scaling::foresight::Foresight;
use crate::pool::scaling::state::Scaling;
use crate::pool::test_hooks::TestHooks;
use crate::pool::threads::allowance::Orders;
use crate::pool::threads::slots::Threads;
use crate::pool::timer::state::TimerThread;
use crate::queue::Queues;
use crate::task::{DeferredWakes, Refusal, TaskRef};
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
    pub(super) bytes: Option<Arc<ByteBudget<PendingStart>>>,
    pub(super) deferred_wakes: DeferredWakes,
    pub(super) wake_delay: WakeDelay,
    pub(super) workers: Box<[CachePadded<WorkerCounters>]>,
    pub(super) threads: Threads,
    pub(super) timer: TimerThread,
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
    pub(super) jitter_draws: AtomicU64,
    /// Tasks cancelled before they started.
    pub(super) cancelled: AtomicU64,
    /// Subtasks among them.
    pub(super) cancelled_subtasks: AtomicU64,
    /// Tasks in the queue now that have no permit, and are to have none.
    pub(super) without_permit: AtomicU64,
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
            deferred_wakes: DeferredWakes::new(slots),
            wake_delay: WakeDelay::new(nanos(config.max_wake_delay)),
            workers: (0..slots).map(|_| CachePadded::default()).collect(),
            threads: Threads::new(slots),
            timer: TimerThread::default(),
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

    /// Takes a permit at once.
    #[inline]
    pub(super) fn try_permit(&self) -> Result<(), Full> {
        let left = self.permits.try_take()?;
        self.load_rose(left);
        Ok(())
    }

    /// The pressure state follows: there may be more load, and `free` permits are left.
    #[inline]
    pub(super) fn load_rose(&self, free: usize) {
        let taken = self.permits.limit().saturating_sub(free);
        self.pressure.on_rise(taken + self.idle.census().active(), free, || self.load_and_free());
    }

    /// The pressure state follows: there may be less load.
    #[inline]
    pub(super) fn load_fell(&self) {
        self.pressure.on_relief(|| self.load_and_free());
    }

    fn load_and_free(&self) -> (usize, usize) {
        (self.load(), self.permits.available())
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

    /// Gives one permit back; the first in the line gets it.
    pub(super) fn release_permit(self: &Arc<Self>) {
        self.release_permits(1);
    }

    /// Gives permits back; the first in the line get them. Returns whether the queue is far from
    /// being saturated.
    #[inline]
    pub(super) fn release_permits(self: &Arc<Self>, permits: usize) -> bool {
        let released = self.permits.release(permits);
        if !released.granted.is_empty() {
            // First of all: a caller who is slow to wake may be one who does not come.
            self.keep_reservations();
            released.granted.iter().for_each(|call| call.wake());
        }
        if released.served > 0 {
            // For a moment these permits were free.
            self.load_rose(released.available);
        }
        self.load_fell();
        self.permits.limit().saturating_sub(released.available) < self.pressure.mark / 4
    }

    /// Clears cancelled tasks out of the injector. Not while the pool ends: the workers could miss what is on its way.
    #[cold]
    pub(super) fn sweep(self: &Arc<Self>) {
        let Some(sweep) = self.queues.begin_sweep() else { return };
        let mut empty = Vec::new();
        if !self.idle.census().closing() {
            empty = sweep.run(|task| task.is_pending());
            // Before `close` may go on: whatever the workers have missed, one of them looks again.
            self.idle.notify();
        }
        drop(sweep);
        contain::discard(empty);
        self.work_waits();
    }

    /// After the last worker has left: nobody else will ever look at what came too late.
    #[cold]
    pub(super) fn clear_queues(self: &Arc<Self>) {
        while let Some(task) = self.take_any() {
            self.void(&*task, Refusal::Closed);
            // A task that has run may have its result still.
            contain::discard(task);
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
