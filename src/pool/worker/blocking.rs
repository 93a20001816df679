//! Sections of a task that are declared to block.

use super::main_loop::Worker;

impl Worker {
    /// Runs `work`, while another thread may run tasks in place of this one.
    pub(in crate::pool) fn block_in_place<T>(&self, work: impl FnOnce() -> T) -> T {
        let _section = Section::enter(self);
        work()
    }
}

/// Leaves the section when it is dropped, also if `work` panics.
struct Section<'w>(&'w Worker);

impl<'w> Section<'w> {
    fn enter(worker: &'w Worker) -> Self {
        if worker.blocking.replace(worker.blocking.get() + 1) == 0 {
            let shared = worker.shared();
            // The section may be long, and this worker sends no wake-ups during it.
            worker.flush_wakes();
            worker.ledger.settle(shared, worker.counters());
            worker.counters().away().leave(shared.now_ns());
            if shared.scaling.allowance.change(|parts| parts.declared += 1) && shared.has_work() {
                shared.work_waits();
            }
        }
        Self(worker)
    }
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        let worker = self.0;
        worker.blocking.set(worker.blocking.get() - 1);
        if worker.blocking.get() == 0 {
            let shared = worker.shared();
            shared.scaling.allowance.change(|parts| parts.declared -= 1);
            worker.counters().away().back(shared.now_ns());
        }
    }
}
