//! Estimates how much work a pool has, without stopping a thread.

use std::sync::atomic::Ordering;

use crate::metrics::Totals;
use crate::pool::shared::Shared;

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
        self.places_taken().saturating_sub(self.reservations.len()) + self.without_permit() + self.subtasks()
    }

    fn without_permit(&self) -> usize {
        usize::try_from(self.tally.without_permit.load(Ordering::Relaxed)).unwrap_or(usize::MAX)
    }

    /// Returns the number of subtasks that have not started.
    fn subtasks(&self) -> usize {
        let totals = self.totals();
        let gone = totals.subtasks_left + self.tally.cancelled_subtasks.load(Ordering::Relaxed);
        usize::try_from(totals.subtasks_spawned.saturating_sub(gone)).unwrap_or(usize::MAX)
    }

    /// Returns the sum of the workers' counters.
    pub(in crate::pool) fn totals(&self) -> Totals {
        let mut sum = Totals::default();
        self.workers.iter().for_each(|worker| sum += worker.read());
        sum
    }
}
