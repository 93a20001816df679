//! One worker's counters.

use std::sync::atomic::{
    AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

use crossbeam_utils::CachePadded;

use super::away::AwayClock;
use super::class::{ByClass, Class};
use super::histogram::{Histogram, WorkerHistogram, bump};

/// Declares numbers that can be added up.
macro_rules! sums {
    ($(#[$attribute:meta])* $name:ident { $($(#[$doc:meta])* $field:ident,)+ }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub(crate) struct $name {
            $($(#[$doc])* pub(crate) $field: u64,)+
        }

        impl std::ops::AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                $(self.$field += other.$field;)+
            }
        }
    };
}
pub(crate) use sums;

/// Declares the counters of one worker that only grow, and their sums.
macro_rules! counts {
    ($($(#[$doc:meta])* $field:ident,)+) => {
        #[derive(Debug, Default)]
        struct Counts {
            $($field: AtomicU64,)+
        }

        impl Counts {
            fn read(&self) -> Totals {
                Totals { $($field: self.$field.load(Relaxed),)+ }
            }
        }

        sums! {
            /// A sum of [`WorkerCounters`].
            Totals { $($(#[$doc])* $field,)+ }
        }
    };
}

/// Counters that one thread at a time writes, by plain loads and stores, and any thread reads.
/// (Owners change through a mutex, which orders the last write of one before the first read of the
/// next.)
#[derive(Debug, Default)]
pub(crate) struct WorkerCounters {
    counts: Counts,
    task_ns: AtomicU64,
    withheld: AtomicUsize,
    thread: AtomicU32,
    away: AwayClock,
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

counts! {
    /// Tasks that were started.
    started,
    /// Tasks that ran to their end, panics among them.
    completed,
    /// Tasks that panicked.
    panicked,
    /// Tasks taken from another worker's deque.
    stolen,
    /// Those of them that were taken from a worker of another NUMA node.
    stolen_remote,
    /// Time spent in tasks.
    busy_ns,
    /// The part of it that was spent after the caller had given up.
    abandoned_ns,
    /// Subtasks put on a worker's own deque.
    subtasks_spawned,
    /// Subtasks that have been started.
    subtasks_left,
    /// How often workers fell asleep for want of work.
    parks,
    /// How often they were woken from that.
    wakes,
}

impl WorkerCounters {
    pub(crate) fn task_started(&self) {
        bump(&self.counts.started, 1);
    }

    pub(crate) fn task_ended(&self, panicked: bool) {
        bump(&self.counts.completed, 1);
        if panicked {
            bump(&self.counts.panicked, 1);
        }
    }

    /// Tasks took `ns`; recently one took `task_ns`.
    pub(crate) fn time_spent(&self, ns: u64, task_ns: u64) {
        bump(&self.counts.busy_ns, ns);
        self.task_ns.store(task_ns, Relaxed);
    }

    /// How long a task took here recently; 0 before the first.
    pub(crate) fn task_ns(&self) -> u64 {
        self.task_ns.load(Relaxed)
    }

    /// `ns` were spent after the caller had given up.
    pub(crate) fn abandoned(&self, ns: u64) {
        bump(&self.counts.abandoned_ns, ns);
    }

    /// Sets the number of permits of started tasks that the worker has not released yet. Call it
    /// after permits were released, and before a task counts as started.
    pub(crate) fn withhold(&self, permits: usize) {
        self.withheld.store(permits, Release);
    }

    pub(crate) fn withheld(&self) -> usize {
        self.withheld.load(Acquire)
    }

    /// A task was stolen from another worker, of another node if `remote`.
    pub(crate) fn task_stolen(&self, remote: bool) {
        bump(&self.counts.stolen, 1);
        if remote {
            bump(&self.counts.stolen_remote, 1);
        }
    }

    pub(crate) fn subtask_spawned(&self) {
        bump(&self.counts.subtasks_spawned, 1);
    }

    /// A task without a permit has left the queues to run here.
    pub(crate) fn subtask_left(&self) {
        bump(&self.counts.subtasks_left, 1);
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
        bump(&self.counts.parks, 1);
        self.enter(Phase::Parked);
    }

    /// The worker was woken, and searches.
    pub(crate) fn woken(&self) {
        bump(&self.counts.wakes, 1);
        self.enter(Phase::Searching);
    }

    /// The worker does something else from now on.
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
    }

    pub(crate) fn phase(&self) -> Phase {
        Phase::ALL[usize::from(self.phase.load(Relaxed)) % Phase::ALL.len()]
    }

    /// The clock was read between two tasks, or after a search.
    pub(crate) fn clock_read(&self, now: u64) {
        self.clock_ns.store(now, Relaxed);
    }

    pub(crate) fn clock_ns(&self) -> u64 {
        self.clock_ns.load(Relaxed)
    }

    /// Notes whether the worker was found blocked. Another thread than the worker's calls this.
    pub(crate) fn set_found_blocked(&self, blocked: bool) {
        self.found_blocked.store(blocked, Relaxed);
    }

    pub(crate) fn found_blocked(&self) -> bool {
        self.found_blocked.load(Relaxed)
    }

    pub(crate) fn times(&self) -> &WorkerTimes {
        &self.times
    }

    pub(crate) fn away(&self) -> &AwayClock {
        &self.away
    }

    pub(crate) fn started(&self) -> u64 {
        self.counts.started.load(Relaxed)
    }

    pub(crate) fn read(&self) -> Totals {
        self.counts.read()
    }
}

/// How long the tasks of one worker waited and ran, by class.
#[derive(Debug, Default)]
pub(crate) struct WorkerTimes {
    queue_delay: ByClass<WorkerHistogram>,
    run_time: ByClass<WorkerHistogram>,
}

impl WorkerTimes {
    /// A task that begins has waited `ns`.
    pub(crate) fn waited(&self, class: Class, ns: u64) {
        self.queue_delay.of(class).record(ns, 1);
    }

    /// `tasks` of a class took `ns` in all.
    #[inline]
    pub(crate) fn ran(&self, class: Class, ns: u64, tasks: u64) {
        self.run_time.of(class).record(ns, tasks);
    }

    /// Adds the queue delays and the run times to others.
    pub(crate) fn add_to(&self, queue_delay: &mut ByClass<Histogram>, run_time: &mut ByClass<Histogram>) {
        queue_delay.add(&self.queue_delay);
        run_time.add(&self.run_time);
    }
}

impl ByClass<Histogram> {
    fn add(&mut self, worker: &ByClass<WorkerHistogram>) {
        self.plain.add(&worker.plain.read());
        self.interactive.add(&worker.interactive.read());
        self.standard.add(&worker.standard.read());
        self.bulk.add(&worker.bulk.read());
    }
}
