//! One worker's counters.

use std::ops::AddAssign;
use std::sync::atomic::{
    AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

use super::away::AwayClock;

/// Counters that one thread at a time writes and any thread reads. An update is a plain load and store, no atomic
/// read-modify-write, because there is a single writer: the thread that owns the slot. (Owners change hands through a
/// mutex, which orders the last write of one before the first read of the next.)
#[derive(Debug, Default)]
pub(crate) struct WorkerCounters {
    started: AtomicU64,
    completed: AtomicU64,
    panicked: AtomicU64,
    stolen: AtomicU64,
    busy_ns: AtomicU64,
    abandoned_ns: AtomicU64,
    subtasks_spawned: AtomicU64,
    subtasks_left: AtomicU64,
    task_ns: AtomicU64,
    withheld: AtomicUsize,
    thread: AtomicU32,
    away: AwayClock,
}

/// A sum of [`WorkerCounters`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Tasks that were started.
    pub(crate) started: u64,
    /// Tasks that ran to their end, panics among them.
    pub(crate) completed: u64,
    /// Tasks that panicked.
    pub(crate) panicked: u64,
    /// Tasks taken from another worker's deque.
    pub(crate) stolen: u64,
    /// Time spent in tasks.
    pub(crate) busy_ns: u64,
    /// The part of it that was spent after the caller had given up.
    pub(crate) abandoned_ns: u64,
    /// Subtasks put on a worker's own deque.
    pub(crate) subtasks_spawned: u64,
    /// Subtasks that have been started.
    pub(crate) subtasks_left: u64,
}

impl WorkerCounters {
    /// A task begins to run.
    pub(crate) fn task_started(&self) {
        bump(&self.started, 1);
    }

    /// A task has run.
    pub(crate) fn task_ended(&self, panicked: bool) {
        bump(&self.completed, 1);
        if panicked {
            bump(&self.panicked, 1);
        }
    }

    /// Tasks took `ns`; of late one took `task_ns`.
    pub(crate) fn time_spent(&self, ns: u64, task_ns: u64) {
        bump(&self.busy_ns, ns);
        self.task_ns.store(task_ns, Relaxed);
    }

    /// How long a task took here of late; 0 before the first.
    pub(crate) fn task_ns(&self) -> u64 {
        self.task_ns.load(Relaxed)
    }

    /// `ns` were spent for nobody.
    pub(crate) fn abandoned(&self, ns: u64) {
        bump(&self.abandoned_ns, ns);
    }

    /// The worker holds on to so many permits of tasks that have started. To be called after permits were given back, and
    /// before a task counts as started.
    pub(crate) fn withhold(&self, permits: usize) {
        self.withheld.store(permits, Release);
    }

    /// How many permits the worker holds on to.
    pub(crate) fn withheld(&self) -> usize {
        self.withheld.load(Acquire)
    }

    /// A task was stolen from a neighbour.
    pub(crate) fn task_stolen(&self) {
        bump(&self.stolen, 1);
    }

    /// A subtask was put on the own deque.
    pub(crate) fn subtask_spawned(&self) {
        bump(&self.subtasks_spawned, 1);
    }

    /// A task without a permit has left the queues to run here.
    pub(crate) fn subtask_left(&self) {
        bump(&self.subtasks_left, 1);
    }

    /// The worker's thread is there (by its number, 0 where it has none), or about to go.
    pub(crate) fn set_thread(&self, number: Option<u32>) {
        self.thread.store(number.unwrap_or(0), Relaxed);
    }

    /// The number of the worker's thread, while there is one, and the system has numbers.
    pub(crate) fn thread(&self) -> Option<u32> {
        Some(self.thread.load(Relaxed)).filter(|&number| number > 0)
    }

    /// When the worker was away from its work.
    pub(crate) fn away(&self) -> &AwayClock {
        &self.away
    }

    /// How many tasks were started.
    pub(crate) fn started(&self) -> u64 {
        self.started.load(Relaxed)
    }

    /// What the counters say now.
    pub(crate) fn read(&self) -> Totals {
        Totals {
            started: self.started.load(Relaxed),
            completed: self.completed.load(Relaxed),
            panicked: self.panicked.load(Relaxed),
            stolen: self.stolen.load(Relaxed),
            busy_ns: self.busy_ns.load(Relaxed),
            abandoned_ns: self.abandoned_ns.load(Relaxed),
            subtasks_spawned: self.subtasks_spawned.load(Relaxed),
            subtasks_left: self.subtasks_left.load(Relaxed),
        }
    }
}

fn bump(counter: &AtomicU64, by: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(by), Relaxed);
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.started += other.started;
        self.completed += other.completed;
        self.panicked += other.panicked;
        self.stolen += other.stolen;
        self.busy_ns += other.busy_ns;
        self.abandoned_ns += other.abandoned_ns;
        self.subtasks_spawned += other.subtasks_spawned;
        self.subtasks_left += other.subtasks_left;
    }
}
