//! A worker's ledger: what its tasks took and which permits they left, settled in batches while tasks are tiny.
//!
//! Two things a task leaves behind cost as much as a tiny task itself: a reading of the clock, and an atomic addition to
//! the word of the permits, which every submitter writes too. So a worker whose tasks are tiny reads the clock every
//! [`MOST_UNTIMED`] tasks and gives permits back [`MOST_WITHHELD`] at a time; but only while the queue is nearly empty, and
//! never when it goes to rest. What is withheld while a long task runs is missing to others: so all workers together never
//! withhold more than a sixteenth of the permits, and none of a queue too small for that.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use crate::metrics::WorkerCounters;
use crate::policy::batching::TINY_NS;
use crate::policy::{nanos, smooth};
use crate::pool::shared::Shared;
use crate::task::Ended;

/// Tasks that share one reading of the clock.
const MOST_UNTIMED: u64 = 8;
/// Permits given back at a time.
const MOST_WITHHELD: usize = 16;
/// All workers together withhold one permit of so many.
const SHARE: usize = 16;

/// Open items, not yet in the counters.
#[derive(Debug)]
pub(in crate::pool) struct Ledger {
    /// The last reading of the clock.
    stamp: Cell<Instant>,
    /// Tasks that have ended since.
    untimed: Cell<u64>,
    /// The first reading after it had no work.
    busy_since: Cell<Instant>,
    /// The next task is the first after a rest or a search. It may be the only one: then what follows it, until the worker
    /// finds that it has run out of work, is the end of its caller's sleep, who may take the core for a while.
    first: Cell<bool>,
    /// How long a task took of late.
    mean_ns: Cell<u64>,
    /// Permits of tasks that have started, not yet given back.
    withheld: Cell<usize>,
    /// How many may be, for now.
    withhold: Cell<usize>,
    /// How many may be at the most.
    most: usize,
}

impl Ledger {
    /// Empty ledger of one of `workers` workers, where there are `permits` permits.
    pub(in crate::pool) fn new(permits: usize, workers: usize) -> Self {
        Self {
            most: (permits / (SHARE * workers)).min(MOST_WITHHELD - 1),
            stamp: Cell::new(Instant::now()),
            busy_since: Cell::new(Instant::now()),
            untimed: Cell::new(0),
            first: Cell::new(true),
            mean_ns: Cell::new(0),
            withheld: Cell::new(0),
            withhold: Cell::new(0),
        }
    }

    /// How long a task took of late, in nanoseconds.
    pub(in crate::pool) fn mean_ns(&self) -> u64 {
        self.mean_ns.get()
    }

    /// Whether no task has ended since the last rest or search.
    pub(in crate::pool) fn is_first(&self) -> bool {
        self.first.get()
    }

    /// The last reading of the clock: when the last task ended, unless tasks are tiny.
    pub(in crate::pool) fn stamp(&self) -> Instant {
        self.stamp.get()
    }

    /// For how long there has been work without a pause, by the last reading.
    pub(in crate::pool) fn busy_ns(&self) -> u64 {
        nanos(self.stamp.get().saturating_duration_since(self.busy_since.get()))
    }

    /// After a rest or a search: the time from here on is a task's.
    pub(in crate::pool) fn begin(&self) {
        let now = Instant::now();
        self.stamp.set(now);
        self.busy_since.set(now);
        self.first.set(true);
    }

    /// The worker has its core again since `now`. What it waited for that is no task's time.
    pub(in crate::pool) fn resume(&self, now: Instant) {
        if self.untimed.get() == 0 {
            self.stamp.set(now);
        }
    }

    /// A task has ended.
    #[inline]
    pub(in crate::pool) fn ended(&self, counters: &WorkerCounters, ended: Ended) {
        counters.task_ended(ended.panicked);
        let tasks = self.untimed.get() + 1;
        self.untimed.set(tasks);
        let first = self.first.replace(false);
        if first || tasks >= MOST_UNTIMED || ended.abandoned || self.mean_ns.get() > TINY_NS {
            let ns = self.read_clock(counters);
            if ended.abandoned {
                counters.abandoned(ns / tasks);
            }
        }
    }

    /// Enters the time since the last reading; says how long it was.
    fn read_clock(&self, counters: &WorkerCounters) -> u64 {
        let now = Instant::now();
        let ns = nanos(now.saturating_duration_since(self.stamp.replace(now)));
        let tasks = self.untimed.replace(0);
        self.mean_ns.set(smooth(self.mean_ns.get(), ns / tasks.max(1)));
        counters.time_spent(ns, self.mean_ns.get());
        ns
    }

    /// A task that held a permit has started.
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
            // The line may have got some: these tasks counted for nothing, and others have their places now.
            shared.load_rose(shared.permits.available());
        }
        self.withhold.set(if nearly_empty { self.most } else { 0 });
    }

    /// Settles everything: the worker has run out of work.
    pub(in crate::pool) fn settle(&self, shared: &Arc<Shared>, counters: &WorkerCounters) {
        if self.untimed.get() > 0 {
            self.read_clock(counters);
        }
        if self.withheld.get() > 0 {
            self.give_back(shared, counters);
        }
    }
}

#[cfg(all(test, not(millpond_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_busy_from_its_last_pause_to_the_end_of_its_last_task() {
        let (ledger, counters) = (Ledger::new(100, 1), WorkerCounters::default());
        ledger.begin();
        assert_eq!(ledger.busy_ns(), 0);
        let began = ledger.stamp();
        while Instant::now() == began {}
        // The first is always timed.
        ledger.ended(&counters, Ended { panicked: false, abandoned: false });
        assert_eq!(u128::from(ledger.busy_ns()), (ledger.stamp() - began).as_nanos());
        assert!(ledger.busy_ns() > 0);
        ledger.begin();
        assert_eq!(ledger.busy_ns(), 0, "it has had a pause");
    }
}
