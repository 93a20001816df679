//! A worker's ledger: the time that its tasks took and the permits that they left. It is settled in
//! batches while tasks are tiny.
//!
//! Two steps after a task cost as much as a tiny task: reading the clock, and an atomic addition to
//! the word of the permits, which every submitter writes too. So a worker whose tasks are tiny
//! reads the clock every [`MOST_UNTIMED`] tasks and gives back [`MOST_WITHHELD`] permits at a time.
//! It withholds permits only while the queue is nearly empty, and never while it sleeps. Permits
//! that are withheld during a long task are missing to submitters. So all workers together withhold
//! at most a sixteenth of the permits, and none if the queue is too small for that.
//!
//! The tasks of one reading enter the histogram of run times with their mean, and so does a long
//! task that ends such a series.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use crate::metrics::{Class, WorkerCounters};
use crate::policy::batching::TINY_NS;
use crate::policy::{nanos, smooth};
use crate::pool::events::Took;
use crate::pool::shared::Shared;
use crate::task::{Ended, Priority};

/// The number of tasks that share one reading of the clock.
const MOST_UNTIMED: u64 = 8;
/// The number of permits given back at a time.
const MOST_WITHHELD: usize = 16;
/// All workers together withhold at most this fraction of the permits: one of `SHARE`.
const SHARE: usize = 16;

/// What is not yet in the worker's counters.
#[derive(Debug)]
pub(in crate::pool) struct Ledger {
    /// The start of the pool's clock, from which the readings count nanoseconds.
    epoch: Instant,
    /// The last reading of the clock: the end of the last task, unless tasks are tiny.
    stamp_ns: Cell<u64>,
    /// The first reading of the clock after the worker had no work.
    busy_since_ns: Cell<u64>,
    /// The tasks that have ended since the last reading: all, and by class.
    untimed: Cell<u64>,
    untimed_of: [Cell<u64>; Class::ALL.len()],
    /// The next task is the first after a sleep or a search, and may be the only one. It is always
    /// timed: the woken caller may preempt the worker, and that time is not the task's.
    first: Cell<bool>,
    /// The recent mean time of a task, in nanoseconds.
    mean_ns: Cell<u64>,
    /// Permits of tasks that have started, not yet given back.
    withheld: Cell<usize>,
    /// The number of permits that may be withheld now.
    withhold: Cell<usize>,
    /// The largest number of permits that may ever be withheld.
    most: usize,
}

impl Ledger {
    /// Makes the empty ledger of one of `workers` workers, in a pool of `permits` permits.
    pub(in crate::pool) fn new(permits: usize, workers: usize, epoch: Instant) -> Self {
        let now = nanos(epoch.elapsed());
        Self {
            epoch,
            stamp_ns: Cell::new(now),
            busy_since_ns: Cell::new(now),
            untimed: Cell::default(),
            untimed_of: Default::default(),
            first: Cell::new(true),
            mean_ns: Cell::default(),
            withheld: Cell::default(),
            withhold: Cell::default(),
            most: (permits / (SHARE * workers)).min(MOST_WITHHELD - 1),
        }
    }

    pub(in crate::pool) fn mean_ns(&self) -> u64 {
        self.mean_ns.get()
    }

    pub(in crate::pool) fn is_first(&self) -> bool {
        self.first.get()
    }

    /// Returns the last reading, in nanoseconds of the pool's clock.
    pub(in crate::pool) fn stamp_ns(&self) -> u64 {
        self.stamp_ns.get()
    }

    /// Returns for how many nanoseconds the worker has had work without a pause, by the last
    /// reading.
    pub(in crate::pool) fn busy_ns(&self) -> u64 {
        self.stamp_ns.get().saturating_sub(self.busy_since_ns.get())
    }

    /// Starts the clock after a sleep or a search: the time from now on is a task's.
    pub(in crate::pool) fn begin(&self, counters: &WorkerCounters) {
        let now = self.now_ns();
        self.set_stamp(counters, now);
        self.busy_since_ns.set(now);
        self.first.set(true);
    }

    /// Notes that the worker has its core again since `now`. The time that it waited is no task's.
    pub(in crate::pool) fn resume(&self, counters: &WorkerCounters, now: u64) {
        if self.untimed.get() == 0 {
            self.set_stamp(counters, now);
        }
    }

    fn now_ns(&self) -> u64 {
        nanos(self.epoch.elapsed())
    }

    /// Notes a reading of the clock, and returns the one before.
    fn set_stamp(&self, counters: &WorkerCounters, now: u64) -> u64 {
        counters.clock_read(now);
        self.stamp_ns.replace(now)
    }

    /// Notes that a task has ended. Returns the time since the last reading of the clock, if the
    /// ledger has read it; otherwise 0.
    #[inline]
    pub(in crate::pool) fn ended(&self, counters: &WorkerCounters, ended: Ended) -> Took {
        counters.task_ended(ended.panicked);
        let of_class = &self.untimed_of[class_of(ended.priority) as usize];
        of_class.set(of_class.get() + 1);
        let tasks = self.untimed.get() + 1;
        self.untimed.set(tasks);
        let first = self.first.replace(false);
        if first || tasks >= MOST_UNTIMED || ended.abandoned || self.mean_ns.get() > TINY_NS {
            let ns = self.read_clock(counters);
            if ended.abandoned {
                counters.abandoned(ns / tasks);
            }
            return Took { ns, tasks };
        }
        Took { ns: 0, tasks }
    }

    /// Enters the time since the last reading. Returns that time in nanoseconds.
    fn read_clock(&self, counters: &WorkerCounters) -> u64 {
        let now = self.now_ns();
        let ns = now.saturating_sub(self.set_stamp(counters, now));
        let all = self.untimed.take();
        let (mut ns_left, mut tasks_left) = (ns, all);
        for (class, tasks) in Class::ALL.into_iter().zip(&self.untimed_of) {
            let tasks = tasks.replace(0);
            if tasks > 0 {
                // Nothing is lost to rounding: the last class gets the rest.
                let share = if tasks == tasks_left { ns_left } else { ns / all * tasks };
                counters.times().ran(class, share, tasks);
                (ns_left, tasks_left) = (ns_left - share, tasks_left - tasks);
            }
        }
        self.mean_ns.set(smooth(self.mean_ns.get(), ns / all.max(1)));
        counters.time_spent(ns, self.mean_ns.get());
        ns
    }

    /// Notes that a task that held a permit has started.
    #[inline]
    pub(in crate::pool) fn permit_freed(&self, shared: &Arc<Shared>, counters: &WorkerCounters) {
        let withheld = self.withheld.get() + 1;
        self.withheld.set(withheld);
        if withheld > self.withhold.get() || self.mean_ns.get() > TINY_NS {
            self.give_back(shared, counters);
        } else {
            counters.withhold(withheld);
            shared.load_fell();
        }
    }

    fn give_back(&self, shared: &Arc<Shared>, counters: &WorkerCounters) {
        let withheld = self.withheld.replace(0);
        let nearly_empty = shared.release_permits(withheld);
        counters.withhold(0);
        if withheld > 1 {
            // The line may have got some of these permits: the tasks that left are no longer
            // counted, and others now have their places.
            shared.load_rose(shared.permits.available());
        }
        self.withhold.set(if nearly_empty { self.most } else { 0 });
    }

    /// Settles everything, because the worker has run out of work.
    pub(in crate::pool) fn settle(&self, shared: &Arc<Shared>, counters: &WorkerCounters) {
        if self.untimed.get() > 0 {
            self.read_clock(counters);
        }
        if self.withheld.get() > 0 {
            self.give_back(shared, counters);
        }
    }
}

/// The class of tasks with this priority; `None` for plain work.
pub(in crate::pool) fn class_of(priority: Option<Priority>) -> Class {
    match priority {
        None => Class::Plain,
        Some(Priority::Interactive) => Class::Interactive,
        Some(Priority::Standard) => Class::Standard,
        Some(Priority::Bulk) => Class::Bulk,
    }
}

#[cfg(all(test, not(millpond_loom)))]
mod tests {
    use super::*;
    use crate::metrics::{ByClass, Histogram};

    fn ended(priority: Option<Priority>) -> Ended {
        Ended { panicked: false, abandoned: false, priority }
    }

    #[test]
    fn a_worker_is_busy_from_its_last_pause_to_the_end_of_its_last_task() {
        let (ledger, counters) = (Ledger::new(100, 1, Instant::now()), WorkerCounters::default());
        ledger.begin(&counters);
        assert_eq!(ledger.busy_ns(), 0);
        let began = ledger.stamp_ns();
        while ledger.now_ns() == began {}
        // The first task is always timed.
        ledger.ended(&counters, ended(None));
        assert_eq!(ledger.busy_ns(), ledger.stamp_ns() - began);
        assert!(ledger.busy_ns() > 0);
        ledger.begin(&counters);
        assert_eq!(ledger.busy_ns(), 0, "it has had a pause");
    }

    #[test]
    fn tasks_that_share_a_reading_enter_their_histograms_with_their_mean() {
        let (ledger, counters) = (Ledger::new(100, 1, Instant::now()), WorkerCounters::default());
        ledger.begin(&counters);
        // The first is timed by itself, the others together.
        let classes = [None, None, Some(Priority::Bulk), None, Some(Priority::Interactive)];
        for priority in classes {
            ledger.ended(&counters, ended(priority));
        }
        if ledger.untimed.get() > 0 {
            ledger.read_clock(&counters);
        }
        let (mut delays, mut times) = (ByClass::<Histogram>::default(), ByClass::default());
        counters.times().add_to(&mut delays, &mut times);
        let counts: Vec<_> = times.iter().map(|(_, times)| times.count()).collect();
        assert_eq!(counts, [3, 1, 0, 1]);
        let sum: u128 = times.iter().map(|(_, times)| times.sum().as_nanos()).sum();
        assert_eq!(sum, u128::from(counters.read().busy_ns), "nothing is lost");
        assert!(delays.iter().all(|(_, delays)| delays.count() == 0));
    }
}
