//! How much work there is, as far as can be seen without stopping anybody.

use std::sync::atomic::Ordering;

use super::shared::Shared;
use crate::metrics::Totals;

impl Shared {
    /// How many tasks can run at once, as far as cores go.
    pub(super) fn usable_threads(&self) -> usize {
        self.bounds.usable.clamp(self.bounds.min, self.bounds.max)
    }

    /// Tasks that run or hold a place in the queue, reserved places among them. Subtasks do not count: they are part of
    /// a task that runs.
    pub(super) fn load(&self) -> usize {
        self.places_taken() + self.idle.census().active()
    }

    /// Places in the queue that tasks hold, or that are reserved.
    pub(super) fn places_taken(&self) -> usize {
        // In this order: a permit that comes home meanwhile counts as nothing, not as a place.
        let withheld = self.workers.iter().map(|worker| worker.withheld()).sum::<usize>();
        let out = self.permits.limit().saturating_sub(self.permits.available());
        out.saturating_sub(withheld)
    }

    /// Tasks that were accepted and have not started, subtasks among them; not the places that are only reserved.
    pub(super) fn queue_depth(&self) -> usize {
        self.places_taken().saturating_sub(self.reservations.len()) + self.free_queued()
    }

    /// Tasks in the run order that hold no permit: their callers wait.
    pub(super) fn waiting_in_order(&self) -> usize {
        let left = self.totals().waiting_left + self.tally.waiting_left.load(Ordering::Relaxed);
        let came = self.tally.waiting_came.load(Ordering::Relaxed);
        usize::try_from(came.saturating_sub(left)).unwrap_or(usize::MAX)
    }

    /// Tasks in the queues that hold no permit.
    fn free_queued(&self) -> usize {
        let totals = self.totals();
        let came = totals.subtasks_spawned + self.tally.free_injected.load(Ordering::Relaxed);
        let gone = totals.subtasks_left + self.tally.cancelled_free.load(Ordering::Relaxed);
        usize::try_from(came.saturating_sub(gone)).unwrap_or(usize::MAX)
    }

    /// The sum of the workers' counters.
    pub(super) fn totals(&self) -> Totals {
        let mut sum = Totals::default();
        self.workers.iter().for_each(|worker| sum += worker.read());
        sum
    }
}
