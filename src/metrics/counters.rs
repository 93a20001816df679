//! One worker's counters.

use std::ops::AddAssign;
use std::sync::atomic::{
    AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

use super::away::AwayClock;

/// Counters that one thread at a time writes and any thread reads. An update is a plain load and
/// store, because the thread that owns the slot is the only writer. (Owners change through a mutex,
/// which orders the last write of one before the first read of the next.)
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

    /// Tasks took `ns`; recently one took `task_ns`.
    pub(crate) fn time_spent(&self, ns: u64, task_ns: u64) {
        bump(&self.busy_ns, ns);
        self.task_ns.store(task_ns, Relaxed);
    }

    /// How long a task took here recently; 0 before the first.
    pub(crate) fn task_ns(&self) -> u64 {
        self.task_ns.load(Relaxed)
    }

    /// `ns` were spent after the caller had given up.
    pub(crate) fn abandoned(&self, ns: u64) {
        bump(&self.abandoned_ns, ns);
    }

    /// Sets the number of permits of started tasks that the worker has not released yet. Call it
    /// after permits were released, and before a task counts as started.
    pub(crate) fn withhold(&self, permits: usize) {
        self.withheld.store(permits, Release);
    }

    /// The number of permits that the worker has not released yet.
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

    /// Sets the number of the worker's thread (0 where it has none), or `None` when it is about to
    /// end.
    pub(crate) fn set_thread(&self, number: Option<u32>) {
        self.thread.store(number.unwrap_or(0), Relaxed);
    }

    /// The number of the worker's thread, while there is one and the system has numbers.
    pub(crate) fn thread(&self) -> Option<u32> {
        Some(self.thread.load(Relaxed)).filter(|&number| number > 0)
    }

    /// The clock of the worker's absences.
    pub(crate) fn away(&self) -> &AwayClock {
        &self.away
    }

    /// How many tasks were started.
    pub(crate) fn started(&self) -> u64 {
        self.started.load(Relaxed)
    }

    /// Reads all counters.
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
