//! How long the tasks of one worker waited and ran, by class.

use super::class::{ByClass, Class};
use super::histogram::{Histogram, WorkerHistogram};

/// Histograms that one worker writes.
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
