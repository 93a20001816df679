//! What each worker does.

use std::time::Duration;

#[cfg(any(feature = "prometheus", feature = "metrics"))]
use crate::metrics::Totals;
use crate::metrics::{Phase, WorkerCounters};
use crate::pool::AdaptiveThreadPool;
use crate::pool::observe::observer::Observer;

/// One thread of a pool: what it does now, and what it has done.
///
/// A thread that leaves gives its index to the thread that starts next, and with it its counts. So
/// for each index they never fall.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct WorkerStatistics {
    /// The index of the worker, from 0 to below the largest number of threads.
    pub index: usize,
    /// The kernel's number of the NUMA node to which it is bound, or was to be bound. `None` if the
    /// pool does not place its workers.
    pub node: Option<usize>,
    /// What it does.
    pub state: WorkerState,
    /// The name of the task that it runs, if that has one; see
    /// [`TaskBuilder::name`](crate::TaskBuilder::name).
    pub task: Option<String>,
    /// For how long it has run its task, or up to eight tiny tasks. `None` if it runs none. The
    /// time in which its thread waited for a core counts.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub running_for: Option<Duration>,
    /// The time that it spent in tasks which have ended.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub busy: Duration,
    /// Tasks that ran to their end, panics among them.
    pub tasks_completed: u64,
    /// Tasks that it took from other workers.
    pub tasks_stolen: u64,
    /// How often it fell asleep for want of work.
    pub parks: u64,
    /// How often it was woken from that.
    pub wakes: u64,
}

/// What a worker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum WorkerState {
    /// It runs a task.
    Running,
    /// It looks for work: in the queue, and in the deques of other workers.
    Searching,
    /// It sleeps until there is work.
    Parked,
    /// It is blocked in a task: in a section that is declared
    /// ([`TaskContext::block_in_place`](crate::TaskContext::block_in_place)), waiting for other
    /// work of its pool, or found blocked by the last check, every 4 to 20 ms while work waits.
    Blocked,
}

impl WorkerState {
    fn of(worker: &WorkerCounters) -> Option<Self> {
        Some(match worker.phase() {
            Phase::Absent => return None,
            Phase::Searching => Self::Searching,
            Phase::Parked => Self::Parked,
            Phase::Running if worker.away().is_away() || worker.found_blocked() => Self::Blocked,
            Phase::Running => Self::Running,
        })
    }
}

impl Observer {
    /// Every worker that has a thread.
    pub(crate) fn workers(&self) -> Vec<WorkerStatistics> {
        let workers = (0..).zip(&self.shared.workers);
        workers.filter_map(|(index, worker)| Some(self.worker(index, WorkerState::of(worker)?))).collect()
    }

    /// What the worker of each index has done, if there has been one.
    #[cfg(any(feature = "prometheus", feature = "metrics"))]
    pub(crate) fn worker_totals(&self) -> Vec<(usize, Totals)> {
        let workers =
            (0..).zip(&self.shared.workers).map(|(index, worker)| (index, worker.phase(), worker.read()));
        let been =
            workers.filter(|(_, phase, totals)| *phase != Phase::Absent || *totals != Totals::default());
        been.map(|(index, _, totals)| (index, totals)).collect()
    }

    fn worker(&self, index: usize, state: WorkerState) -> WorkerStatistics {
        let worker = &self.shared.workers[index];
        let runs = matches!(state, WorkerState::Running | WorkerState::Blocked);
        let since = || self.shared.now_ns().saturating_sub(worker.clock_ns());
        let totals = worker.read();
        WorkerStatistics {
            index,
            node: self.shared.bindings.node_of(index),
            state,
            task: self.shared.scaling.named.name_of(index).filter(|_| runs),
            running_for: runs.then(|| Duration::from_nanos(since())),
            busy: Duration::from_nanos(totals.busy_ns),
            tasks_completed: totals.completed,
            tasks_stolen: totals.stolen,
            parks: totals.parks,
            wakes: totals.wakes,
        }
    }
}

impl AdaptiveThreadPool {
    /// Returns what each thread of the pool does now and has done, by index. It takes some hundred
    /// nanoseconds for each thread. The figures are read one after the other while the pool runs.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = millpond::AdaptiveThreadPool::builder().min_threads(2).max_threads(2).build()?;
    /// pool.run(|| ()).await?;
    /// assert_eq!(pool.workers().iter().map(|worker| worker.tasks_completed).sum::<u64>(), 1);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn workers(&self) -> Vec<WorkerStatistics> {
        Observer::new(self).workers()
    }
}
