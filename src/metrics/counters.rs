//! One worker's counters.

use std::ops::AddAssign;
use std::sync::atomic::{
    AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

use crossbeam_utils::CachePadded;

use super::away::AwayClock;
use super::bump::bump;
use super::times::WorkerTimes;

/// Counters that one thread at a time writes and any thread reads. An update is a plain load and
/// store, because the thread that owns the slot is the only writer. (Owners change through a mutex,
/// which orders the last write of one before the first read of the next.)
#[derive(Debug, Default)]
pub(crate) struct WorkerCounters {
    started: AtomicU64,
    completed: AtomicU64,
    panicked: AtomicU64,
    stolen: AtomicU64,
    stolen_remote: AtomicU64,
    busy_ns: AtomicU64,
    abandoned_ns: AtomicU64,
    subtasks_spawned: AtomicU64,
    subtasks_left: AtomicU64,
    task_ns: AtomicU64,
    withheld: AtomicUsize,
    thread: AtomicU32,
    away: AwayClock,
    parks: AtomicU64,
    wakes: AtomicU64,
    /// The last reading of the clock between two tasks, or after a search.
    clock_ns: AtomicU64,
    /// A [`Phase`].
    phase: AtomicU8,
    /// Written by the thread that looks for blocked workers.
    found_blocked: AtomicBool,
    /// On cache lines of their own: other threads read `withheld` often.
    times: CachePadded<WorkerTimes>,
}

/// What a worker's thread does, as it says itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// There is no thread.
    Absent,
    /// It has no task, and looks for one.
    Searching,
    /// It runs tasks.
    Running,
    /// It sleeps until there is work.
    Parked,
}

impl Phase {
    const ALL: [Self; 4] = [Self::Absent, Self::Searching, Self::Running, Self::Parked];
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
    /// Those of them that were taken from a worker of another NUMA node.
    pub(crate) stolen_remote: u64,
    /// Time spent in tasks.
    pub(crate) busy_ns: u64,
    /// The part of it that was spent after the caller had given up.
    pub(crate) abandoned_ns: u64,
    /// Subtasks put on a worker's own deque.
    pub(crate) subtasks_spawned: u64,
    /// Subtasks that have been started.
    pub(crate) subtasks_left: u64,
    /// How often workers fell asleep for want of work.
    pub(crate) parks: u64,
    /// How often they were woken from that.
    pub(crate) wakes: u64,
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

    /// A task was stolen from another worker, of another node if `remote`.
    pub(crate) fn task_stolen(&self, remote: bool) {
        bump(&self.stolen, 1);
        if remote {
            bump(&self.stolen_remote, 1);
        }
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

    /// The worker falls asleep for want of work.
    pub(crate) fn parked(&self) {
        bump(&self.parks, 1);
        self.enter(Phase::Parked);
    }

    /// The worker was woken, and searches.
    pub(crate) fn woken(&self) {
        bump(&self.wakes, 1);
        self.enter(Phase::Searching);
    }

    /// The worker does something else from now on.
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
    }

    /// What the worker does.
    pub(crate) fn phase(&self) -> Phase {
        Phase::ALL[usize::from(self.phase.load(Relaxed)) % Phase::ALL.len()]
    }

    /// The clock was read between two tasks, or after a search.
    pub(crate) fn clock_read(&self, now: u64) {
        self.clock_ns.store(now, Relaxed);
    }

    /// The last [`clock_read`](Self::clock_read).
    pub(crate) fn clock_ns(&self) -> u64 {
        self.clock_ns.load(Relaxed)
    }

    /// Notes whether the worker was found blocked. Another thread than the worker's calls this.
    pub(crate) fn set_found_blocked(&self, blocked: bool) {
        self.found_blocked.store(blocked, Relaxed);
    }

    /// Whether the last check found the worker blocked.
    pub(crate) fn found_blocked(&self) -> bool {
        self.found_blocked.load(Relaxed)
    }

    /// How long its tasks waited and ran.
    pub(crate) fn times(&self) -> &WorkerTimes {
        &self.times
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
            stolen_remote: self.stolen_remote.load(Relaxed),
            busy_ns: self.busy_ns.load(Relaxed),
            abandoned_ns: self.abandoned_ns.load(Relaxed),
            subtasks_spawned: self.subtasks_spawned.load(Relaxed),
            subtasks_left: self.subtasks_left.load(Relaxed),
            parks: self.parks.load(Relaxed),
            wakes: self.wakes.load(Relaxed),
        }
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.started += other.started;
        self.completed += other.completed;
        self.panicked += other.panicked;
        self.stolen += other.stolen;
        self.stolen_remote += other.stolen_remote;
        self.busy_ns += other.busy_ns;
        self.abandoned_ns += other.abandoned_ns;
        self.subtasks_spawned += other.subtasks_spawned;
        self.subtasks_left += other.subtasks_left;
        self.parks += other.parks;
        self.wakes += other.wakes;
    }
}
