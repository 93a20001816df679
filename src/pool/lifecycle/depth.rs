//! How much work there is, as far as can be seen without stopping anybody.

use std::sync::atomic::Ordering;

use crate::metrics::Totals;
use crate::pool::shared::Shared;

impl Shared {
    /// How many tasks can run at once, as far as cores go.
    pub(in crate::pool) fn usable_threads(&self) -> usize {
        self.bounds.usable.clamp(self.bounds.min, self.bounds.max)
    }

    /// Tasks that run or hold a place in the queue, reserved places among them. Subtasks do not count: they are part of
    /// a task that runs.
    pub(in crate::pool) fn load(&self) -> usize {
        self.places_taken() + self.idle.census().active()
    }

    /// Places in the queue that tasks hold, or that are reserved.
    pub(in crate::pool) fn places_taken(&self) -> usize {
        // In this order: a permit that comes home meanwhile counts as nothing, not as a place.
        let withheld = self.workers.iter().map(|worker| worker.withheld()).sum::<usize>();
        let out = self.permits.limit().saturating_sub(self.permits.available());
        out.saturating_sub(withheld)
    }

    /// Tasks that were accepted and have not started, subtasks among them; not the places that are
    /// only reserved, nor work beyond the limit.
    pub(in crate::pool) fn queue_depth(&self) -> usize {
        self.places_taken().saturating_sub(self.reservations.len()) + self.without_permit() + self.subtasks()
    }

    fn without_permit(&self) -> usize {
        usize::try_from(self.tally.without_permit.load(Ordering::Relaxed)).unwrap_or(usize::MAX)
    }

    /// Subtasks that have not started.
    fn subtasks(&self) -> usize {
        let totals = self.totals();
        let gone = totals.subtasks_left + self.tally.cancelled_subtasks.load(Ordering::Relaxed);
        usize::try_from(totals.subtasks_spawned.saturating_sub(gone)).unwrap_or(usize::MAX)
    }

    /// The sum of the workers' counters.
    pub(in crate::pool) fn totals(&self) -> Totals {
        let mut sum = Totals::default();
        self.workers.iter().for_each(|worker| sum += worker.read());
        sum
    }
}
