//! The pool's figures, for people and exporters.

use std::sync::atomic::Ordering;

use crate::pool::lifecycle::pressure::Pressure;
use crate::pool::shared::Shared;

/// What a pool has done since it was built, and what it does now.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PoolStatistics {
    /// Tasks that ran to their end, those that panicked among them.
    pub tasks_completed: u64,
    /// Tasks that ever entered the queue: all that completed, run, wait or were cancelled. Never goes down. Exact while
    /// nothing changes; else tasks that start while it is read may be missing, and one that was cancelled on its way into the
    /// queue may be counted.
    pub tasks_queued: u64,
    /// Tasks taken from the deques of another worker.
    pub tasks_stolen: u64,
    /// Threads that run a task now.
    pub active_threads: usize,
    /// Threads there are now, those that are about to start or leave among them; 0 once the pool has ended.
    pub total_threads: usize,
    /// Tasks that wait in the queue now, accepted and not started.
    pub queue_depth: usize,
    /// The mean time a completed task took, in milliseconds; 0 before the first.
    pub average_task_time_ms: f64,
    /// (active + queued) / (threads at maximum + queue limit). Reserved places count as queued; subtasks do not count.
    pub load_factor: f64,
    /// Tasks that panicked.
    pub tasks_panicked: u64,
    /// Tasks that were cancelled before they started.
    pub tasks_cancelled: u64,
    /// Tasks whose deadline passed before they started.
    pub tasks_expired: u64,
    /// Tasks that were taken in and refused later, to make room for more urgent ones or because they had waited for too long.
    pub tasks_shed: u64,
    /// Whether tasks with a class, tenant or deadline wait for too long: the least time of the last tenth of a second was over 5 ms.
    pub overloaded: bool,
    /// Bytes of labelled work that are under way, where there is a `byte_budget`.
    pub bytes_under_way: usize,
    /// Tenants whose account is kept: those with tasks, and up to 1,024 others.
    pub tenants: usize,
    /// Milliseconds of work that was finished for nobody: the caller had given up while the task ran.
    pub abandoned_time_ms: f64,
    /// Callers who were refused or had to wait for a place.
    pub backpressure_events: u64,
    /// Callers who stand in line for a place now.
    pub waiting_callers: usize,
    /// Permits that are held and not used now.
    pub reserved_permits: usize,
    /// Permits that were not used in time, so that their places went to others.
    pub lapsed_permits: u64,
    /// Threads that the pool may have now: as many as it takes to keep the usable cores busy, between `min_threads` and
    /// `max_threads`. They are started as work meets no free thread.
    pub thread_limit: usize,
    /// Threads that are blocked in their tasks now: in sections that are declared so
    /// ([`TaskContext::block_in_place`](crate::TaskContext::block_in_place)), or found so while work waited.
    pub blocked_threads: usize,
    /// Threads that were ever started.
    pub threads_started: u64,
    /// Threads that the operating system refused to start.
    pub thread_spawn_failures: u64,
    /// Whether the load factor has reached `backpressure_threshold`, or the queue is full.
    pub pressure: Pressure,
}

impl PoolStatistics {
    pub(in crate::pool) fn read(shared: &Shared) -> Self {
        const NS_PER_MS: f64 = 1e6;
        // In this order: a task that starts meanwhile is counted where it waits, or not at all, but never twice.
        let tally = &shared.tally;
        let cancelled = tally.cancelled.load(Ordering::Acquire);
        let (expired, shed) = (tally.expired.load(Ordering::Acquire), tally.shed.load(Ordering::Acquire));
        let totals = shared.totals();
        let census = shared.idle.census();
        let queue_depth = shared.queue_depth();
        let queued = totals.started + cancelled + expired + shed + queue_depth as u64;
        let load = shared.load();
        let allowed = shared.scaling.allowance.parts();
        Self {
            tasks_completed: totals.completed,
            tasks_queued: tally.queued_at_last.fetch_max(queued, Ordering::Relaxed).max(queued),
            tasks_stolen: totals.stolen,
            active_threads: census.active(),
            total_threads: if census.ended() { 0 } else { census.total() },
            queue_depth,
            average_task_time_ms: match totals.completed {
                0 => 0.0,
                completed => totals.busy_ns as f64 / completed as f64 / NS_PER_MS,
            },
            load_factor: shared.pressure.capacity.load_factor(load),
            tasks_panicked: totals.panicked,
            tasks_cancelled: cancelled,
            tasks_expired: expired,
            tasks_shed: shed,
            overloaded: shared.run_queue.overloaded(shared.now_ns()),
            bytes_under_way: shared.bytes.as_ref().map_or(0, |bytes| bytes.taken()),
            tenants: shared.run_queue.tenants(),
            abandoned_time_ms: totals.abandoned_ns as f64 / NS_PER_MS,
            backpressure_events: tally.backpressure.load(Ordering::Relaxed),
            waiting_callers: shared.permits.waiting()
                + shared.bytes.as_ref().map_or(0, |bytes| bytes.waiting()),
            reserved_permits: shared.reservations.len(),
            lapsed_permits: tally.lapsed.load(Ordering::Relaxed),
            thread_limit: shared.scaling.allowance.limit(),
            blocked_threads: allowed.stuck + allowed.declared,
            threads_started: shared.threads.started(),
            thread_spawn_failures: tally.spawn_failures.load(Ordering::Relaxed),
            pressure: shared.pressure.now(),
        }
    }
}
