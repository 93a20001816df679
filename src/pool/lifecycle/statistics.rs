//! The statistics of a pool, for people and exporters.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::metrics::Totals;
use crate::pool::AdaptiveThreadPool;
use crate::pool::lifecycle::pressure::Pressure;
use crate::pool::observe::counts::{Decisions, Refusals};
use crate::pool::shared::Shared;

/// What a pool has done since it was built, and what it does now.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PoolStatistics {
    /// The time that the counts cover, in milliseconds: since the pool was built; of a difference,
    /// between its two readings. `busy_time_ms` divided by it is the mean number of threads that
    /// were in a task.
    pub elapsed_ms: f64,
    /// Tasks that ran to their end, including those that panicked.
    pub tasks_completed: u64,
    /// Tasks that entered the queue: those that completed, run, wait or were cancelled, and besides
    /// all that expired. It never decreases. It is exact while nothing changes. Otherwise tasks
    /// that start during the reading may be missing, and a task that was cancelled on its way into
    /// the queue may be counted.
    pub tasks_queued: u64,
    /// Tasks that a worker took from another worker's deques.
    pub tasks_stolen: u64,
    /// Those of `tasks_stolen` that were taken from a worker of another NUMA node.
    pub tasks_stolen_remote: u64,
    /// Threads that run a task now.
    pub active_threads: usize,
    /// Threads now, including those that are about to start or leave; 0 once the pool has ended.
    pub total_threads: usize,
    /// Accepted tasks that wait in the queue now. Tasks beyond the limit are counted in
    /// `waiting_callers`.
    pub queue_depth: usize,
    /// The time spent in tasks that have ended, in milliseconds, over all threads.
    pub busy_time_ms: f64,
    /// The mean time of a completed task, in milliseconds; 0 before the first.
    pub average_task_time_ms: f64,
    /// (active + queued) / (maximum of threads + limit of the queue). Reserved permits count as
    /// queued. Subtasks do not count.
    pub load_factor: f64,
    /// Tasks that panicked.
    pub tasks_panicked: u64,
    /// Tasks that were cancelled before they started.
    pub tasks_cancelled: u64,
    /// Tasks whose deadline passed before they started, or before they came.
    pub tasks_expired: u64,
    /// Tasks that were accepted and later evicted by more urgent ones, or shed in an overload.
    pub tasks_shed: u64,
    /// Whether labelled tasks wait too long ([`Shedding`](crate::Shedding)).
    pub overloaded: bool,
    /// Bytes that labelled tasks hold, if the pool has a `byte_budget`; otherwise 0.
    pub bytes_under_way: usize,
    /// Tenants with an account: those with tasks, and up to 1,024 others.
    pub tenants: usize,
    /// Time of tasks whose caller gave up while they ran, in milliseconds.
    pub abandoned_time_ms: f64,
    /// How often a caller was refused or had to wait: the sum of `refusals` and `permits_waited`.
    pub backpressure_events: u64,
    /// The number of refusals, by reason.
    pub refusals: Refusals,
    /// How often a caller had to wait for a permit, or its task entered the queue beyond the limit.
    pub permits_waited: u64,
    /// Callers who wait for a permit or for bytes now, or whose task is beyond the limit.
    pub waiting_callers: usize,
    /// Permits that are held and not used now.
    pub reserved_permits: usize,
    /// Permits that were not used in time, so that others could have their places.
    pub lapsed_permits: u64,
    /// Threads that the pool may have now, if work finds no free thread: as many as keep the usable
    /// cores busy, between `min_threads` and `max_threads`, or more in the place of blocked ones
    /// ([`max_blocked_threads`](crate::PoolConfig::max_blocked_threads)).
    pub thread_limit: usize,
    /// Threads that are blocked in their tasks now: in declared sections
    /// ([`TaskContext::block_in_place`](crate::TaskContext::block_in_place)), or found blocked
    /// by the last check, every 4 to 20 ms while work waits. If all are, the last decision has the
    /// reason [`AllBlocked`](crate::scaling::Reason::AllBlocked); `pressure` depends on the load
    /// only.
    pub blocked_threads: usize,
    /// How often a thread fell asleep for want of work.
    pub parks: u64,
    /// How often a sleeping thread was woken for work.
    pub wakes: u64,
    /// The number of decisions on the number of threads, by reason.
    pub decisions: Decisions,
    /// Threads started since the pool was built.
    pub threads_started: u64,
    /// Threads that the operating system refused to start.
    pub thread_spawn_failures: u64,
    /// Whether the load factor has reached `backpressure_threshold`, or the queue is full.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use millpond::{AdaptiveThreadPool, Pressure};
    ///
    /// let pool = AdaptiveThreadPool::new();
    /// let mut pressure = pool.pressure();
    /// assert_eq!(*pressure.borrow_and_update(), Pressure::Normal);
    /// // elsewhere: while pressure.changed().await.is_ok() { .. }
    /// # Ok(()) }
    /// ```
    pub pressure: Pressure,
}

impl PoolStatistics {
    pub(in crate::pool) fn read(shared: &Shared) -> Self {
        const NS_PER_MS: f64 = 1e6;
        // In this order: a task that starts during the reading is counted where it waits, or not at
        // all, but never twice.
        let tally = &shared.tally;
        let cancelled = tally.cancelled.load(Ordering::Acquire);
        let (expired, shed) = (tally.expired.load(Ordering::Acquire), tally.shed.load(Ordering::Acquire));
        let totals = shared.totals();
        let census = shared.idle.census();
        let queue_depth = shared.queue_depth();
        let queued = totals.started + cancelled + expired + shed + queue_depth as u64;
        let load = shared.load();
        let allowed = shared.scaling.allowance.parts();
        let (refusals, permits_waited) = (tally.refusals.read(), tally.waited.load(Ordering::Relaxed));
        let busy_time_ms = totals.busy_ns as f64 / NS_PER_MS;
        Self {
            elapsed_ms: shared.now_ns() as f64 / NS_PER_MS,
            tasks_completed: totals.completed,
            tasks_queued: tally.queued_at_last.fetch_max(queued, Ordering::Relaxed).max(queued),
            tasks_stolen: totals.stolen,
            tasks_stolen_remote: totals.stolen_remote,
            active_threads: census.active(),
            total_threads: if census.ended() { 0 } else { census.total() },
            queue_depth,
            busy_time_ms,
            average_task_time_ms: mean(busy_time_ms, totals.completed),
            load_factor: shared.pressure.capacity.load_factor(load),
            tasks_panicked: totals.panicked,
            tasks_cancelled: cancelled,
            tasks_expired: expired,
            tasks_shed: shed,
            overloaded: shared.run_queue.overloaded(shared.now_ns()),
            bytes_under_way: shared.bytes.as_ref().map_or(0, |bytes| bytes.taken()),
            tenants: shared.run_queue.with(|state| state.order.tenants()),
            abandoned_time_ms: totals.abandoned_ns as f64 / NS_PER_MS,
            backpressure_events: refusals.total() + permits_waited,
            refusals,
            permits_waited,
            waiting_callers: shared.permits.waiting()
                + shared.bytes.as_ref().map_or(0, |bytes| bytes.waiting()),
            reserved_permits: shared.reservations.len(),
            lapsed_permits: tally.lapsed.load(Ordering::Relaxed),
            thread_limit: shared.scaling.allowance.limit(),
            blocked_threads: (allowed.stuck + allowed.declared()).min(census.active()),
            parks: totals.parks,
            wakes: totals.wakes,
            decisions: shared.scaling.decisions.read(),
            threads_started: shared.threads.started(),
            thread_spawn_failures: tally.spawn_failures.load(Ordering::Relaxed),
            pressure: shared.pressure.now(),
        }
    }

    /// What has changed since `earlier`, an older reading of the same pool. Counts and times are
    /// those since then, and the mean is of the tasks that completed since then. What is true of a
    /// moment only, such as `queue_depth`, is as it is now.
    /// [`AdaptiveThreadPool::intervals`] keeps the earlier reading.
    #[must_use]
    pub fn diff(&self, earlier: &Self) -> Self {
        let mut since = self.clone();
        macro_rules! subtract {
            ($($count:ident)*) => { $(since.$count = self.$count.saturating_sub(earlier.$count);)* };
        }
        subtract! {
            tasks_completed tasks_queued tasks_stolen tasks_stolen_remote
            tasks_panicked tasks_cancelled tasks_expired tasks_shed
            backpressure_events permits_waited lapsed_permits
            parks wakes threads_started thread_spawn_failures
        }
        since.refusals = self.refusals.diff(&earlier.refusals);
        since.decisions = self.decisions.diff(&earlier.decisions);
        since.elapsed_ms = (self.elapsed_ms - earlier.elapsed_ms).max(0.0);
        since.busy_time_ms = (self.busy_time_ms - earlier.busy_time_ms).max(0.0);
        since.abandoned_time_ms = (self.abandoned_time_ms - earlier.abandoned_time_ms).max(0.0);
        since.average_task_time_ms = mean(since.busy_time_ms, since.tasks_completed);
        since
    }
}

/// One line: the present state, then what was done.
impl fmt::Display for PoolStatistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "threads {} ({} active, {} blocked, limit {}), queued {}, callers waiting {}, load {:.2}; \
             in {:.3} s: completed {} (mean {:.3} ms), panicked {}, cancelled {}, expired {}, shed {}, refused {}",
            self.total_threads,
            self.active_threads,
            self.blocked_threads,
            self.thread_limit,
            self.queue_depth,
            self.waiting_callers,
            self.load_factor,
            self.elapsed_ms / 1e3,
            self.tasks_completed,
            self.average_task_time_ms,
            self.tasks_panicked,
            self.tasks_cancelled,
            self.tasks_expired,
            self.tasks_shed,
            self.refusals.total(),
        )
    }
}

fn mean(sum: f64, count: u64) -> f64 {
    if count == 0 { 0.0 } else { sum / count as f64 }
}

/// An endless iterator over a pool's statistics since its last item; see
/// [`AdaptiveThreadPool::intervals`].
#[derive(Debug)]
pub struct Intervals {
    pool: Arc<Shared>,
    last: PoolStatistics,
}

impl Iterator for Intervals {
    type Item = PoolStatistics;

    fn next(&mut self) -> Option<PoolStatistics> {
        let now = PoolStatistics::read(&self.pool);
        let interval = now.diff(&self.last);
        self.last = now;
        Some(interval)
    }
}

impl AdaptiveThreadPool {
    /// Returns an endless iterator. Each call of its `next` reads the statistics, and returns what
    /// has changed since the call before; the first since the pool was built
    /// ([`PoolStatistics::diff`]). The iterator does not keep the pool open. The
    /// [guide](crate::guide::metrics) has an example.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = millpond::AdaptiveThreadPool::new();
    /// let mut intervals = pool.intervals();
    /// pool.run(|| ()).await?;
    /// pool.run(|| ()).await?;
    /// assert_eq!(intervals.next().unwrap().tasks_completed, 2);
    /// pool.run(|| ()).await?;
    /// assert_eq!(intervals.next().unwrap().tasks_completed, 1);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn intervals(&self) -> Intervals {
        Intervals { pool: Arc::clone(self.shared()), last: PoolStatistics::default() }
    }
}

/// Estimates of how much work the pool has. They stop no thread.
impl Shared {
    /// Returns how many tasks can run at once on the usable cores.
    pub(in crate::pool) fn usable_threads(&self) -> usize {
        self.bounds.usable.clamp(self.bounds.min, self.bounds.max)
    }

    /// Returns the number of tasks that run or hold a permit, and of reserved permits. Subtasks do
    /// not count, because they are part of a task that runs.
    pub(in crate::pool) fn load(&self) -> usize {
        self.places_taken() + self.idle.census().active()
    }

    /// Returns the number of permits that tasks hold or that are reserved.
    pub(in crate::pool) fn places_taken(&self) -> usize {
        // In this order: a permit that comes back between the two reads counts as free, not as
        // taken.
        let withheld = self.workers.iter().map(|worker| worker.withheld()).sum::<usize>();
        let out = self.permits.limit().saturating_sub(self.permits.available());
        out.saturating_sub(withheld)
    }

    /// Returns the number of accepted tasks that have not started, subtasks included. Reserved
    /// permits do not count, nor do tasks beyond the limit whose tickets are not yet paid for.
    pub(in crate::pool) fn queue_depth(&self) -> usize {
        let totals = self.totals();
        let gone = totals.subtasks_left + self.tally.cancelled_subtasks.load(Ordering::Relaxed);
        let subtasks = totals.subtasks_spawned.saturating_sub(gone);
        let without_permit = self.tally.without_permit.load(Ordering::Relaxed);
        let others = usize::try_from(subtasks + without_permit).unwrap_or(usize::MAX);
        self.places_taken().saturating_sub(self.reservations.len()) + others
    }

    /// Returns the sum of the workers' counters.
    pub(in crate::pool) fn totals(&self) -> Totals {
        let mut sum = Totals::default();
        self.workers.iter().for_each(|worker| sum += worker.read());
        sum
    }
}
