//! What each worker does.

use std::time::Duration;

use crate::metrics::Phase;
use crate::pool::AdaptiveThreadPool;
use crate::pool::shared::Shared;

/// One thread of a pool: what it does now, and what it has done.
///
/// A thread that leaves gives its index and its counts to the thread that starts next, so the
/// counts of an index never fall.
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

impl WorkerStatistics {
    /// Reads the worker of `index`; `None` if it has no thread.
    fn read(shared: &Shared, index: usize) -> Option<Self> {
        let worker = &shared.workers[index];
        let state = match worker.phase() {
            Phase::Absent => return None,
            Phase::Searching => WorkerState::Searching,
            Phase::Parked => WorkerState::Parked,
            Phase::Running if worker.away().is_away() || worker.found_blocked() => WorkerState::Blocked,
            Phase::Running => WorkerState::Running,
        };
        let runs = matches!(state, WorkerState::Running | WorkerState::Blocked);
        let since = || Duration::from_nanos(shared.now_ns().saturating_sub(worker.clock_ns()));
        let totals = worker.read();
        Some(Self {
            index,
            node: shared.bindings.node_of(index),
            state,
            task: shared.scaling.named.name_of(index).filter(|_| runs),
            running_for: runs.then(since),
            busy: Duration::from_nanos(totals.busy_ns),
            tasks_completed: totals.completed,
            tasks_stolen: totals.stolen,
            parks: totals.parks,
            wakes: totals.wakes,
        })
    }
}

impl AdaptiveThreadPool {
    /// Returns what each thread of the pool does now and has done, by index. It takes some hundred
    /// nanoseconds for each thread. The figures are read one after the other while the pool runs.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = millpond::AdaptiveThreadPool::builder().min_threads(2).max_threads(2).build()?;
    /// pool.run(|| ()).await?;
    /// assert_eq!(pool.workers().iter().map(|worker| worker.tasks_completed).sum::<u64>(), 1);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn workers(&self) -> Vec<WorkerStatistics> {
        let slots = 0..self.shared().workers.len();
        slots.filter_map(|index| WorkerStatistics::read(self.shared(), index)).collect()
    }
}
