//! How a worker waits for work of its own pool. `waits.rs` has the rule and the argument for it.

use std::sync::Arc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Instant;

use super::main_loop::{Worker, thread_of};
use super::waits::Change;
use crate::error::JoinError;
use crate::pool::shared::Shared;
use crate::task::Join;

/// Work that a worker waits for. Its drop ends the wait, on any thread.
pub(in crate::pool) struct Wait {
    shared: Arc<Shared>,
    slot: usize,
    key: u64,
}

impl Drop for Wait {
    fn drop(&mut self) {
        let change = self.shared.waits.remove(self.slot, self.key);
        match thread_of(&self.shared).filter(|worker| worker.slot() == self.slot) {
            Some(worker) => worker.wait_changed(change),
            None => self.shared.declare(change),
        }
    }
}

impl Shared {
    /// Returns whether every worker waits, or was found blocked.
    fn all_wait(&self) -> bool {
        self.waits.all(|| self.not_stuck())
    }

    /// If every worker waits or is blocked, wakes the futures of the work that has not begun, so
    /// that their workers run it.
    pub(in crate::pool) fn wake_stranded(&self) {
        self.waits.wake_stranded(|| self.not_stuck());
    }

    /// Returns the number of workers that were not found blocked.
    fn not_stuck(&self) -> usize {
        let stuck = self.scaling.allowance.parts().stuck;
        self.idle.census().total().saturating_sub(stuck)
    }

    /// Changes how many threads may run in place of those that wait.
    fn declare(self: &Arc<Self>, (before, after): Change) {
        let more = match (before.declared, after.declared) {
            (false, true) => self.scaling.allowance.change(|parts| parts.declared += 1),
            (true, false) => self.scaling.allowance.change(|parts| parts.declared -= 1),
            _ => false,
        };
        if more && self.has_work() {
            self.work_waits();
        }
    }

    /// Starts a thread if every worker waits and there may be more. Returns whether a worker is
    /// awake now.
    fn start_awake(self: &Arc<Self>) -> bool {
        let wanted = self.waits.count() + self.scaling.allowance.parts().stuck + 1;
        if wanted <= self.bounds.max && !self.threads.pauses(Instant::now()) {
            self.start_ahead(wanted);
        }
        !self.all_wait()
    }
}

impl Worker {
    /// Polls the result of work. While it is not there the worker waits, and other workers run the
    /// work. If every worker waits, this one runs it now.
    pub(in crate::pool) fn poll_waiting<T>(
        &self,
        join: &Arc<dyn Join<T>>,
        waker: &Waker,
        wait: &mut Option<Box<Wait>>,
    ) -> Poll<Result<T, JoinError>> {
        loop {
            let result = join.poll_join(waker);
            if result.is_ready() {
                *wait = None;
                return result;
            }
            self.wait_for(join, wait, true);
            let shared = self.shared();
            if !shared.all_wait() || shared.start_awake() {
                return result;
            }
            if !join.as_run().is_pending() {
                shared.wake_stranded();
                return result;
            }
            *wait = None;
            self.help(&**join, || Arc::clone(join).into_run());
        }
    }

    /// Blocks this worker's thread until the result of work is there. Runs the work if it has not
    /// begun, and no other work.
    pub(in crate::pool) fn block_on<T>(
        &self,
        join: &Arc<dyn Join<T>>,
        waker: &Waker,
    ) -> Result<T, JoinError> {
        let mut wait = None;
        self.help(&**join, || Arc::clone(join).into_run());
        loop {
            self.shared().deferred_wakes.handoff();
            if let Poll::Ready(result) = join.poll_join(waker) {
                return result;
            }
            self.wait_for(join, &mut wait, false);
            self.shared().wake_stranded();
            thread::park();
        }
    }

    fn wait_for<T>(&self, join: &Arc<dyn Join<T>>, wait: &mut Option<Box<Wait>>, declared: bool) {
        let (shared, slot) = (self.shared(), self.slot());
        let holds = |wait: &Wait| {
            wait.slot == slot && Arc::ptr_eq(&wait.shared, shared) && shared.waits.holds(slot, wait.key)
        };
        if wait.as_deref().is_some_and(holds) {
            return;
        }
        // Before the new one: the drop of the old one may end this worker's wait.
        *wait = None;
        let first = !self.has_waited.replace(true);
        let task = Arc::clone(join).into_run();
        let (key, change) = shared.waits.add(slot, first, task, declared);
        *wait = Some(Box::new(Wait { shared: Arc::clone(shared), slot, key }));
        self.wait_changed(change);
    }

    /// Notes that this worker begins or ceases to wait.
    fn wait_changed(&self, change: Change) {
        let (before, after) = change;
        let shared = self.shared();
        if !before.waits && after.waits {
            // The wait may be long, and this worker sends no wake-ups during it.
            self.flush_wakes();
            self.ledger.settle(shared, self.counters());
        }
        if before.declared != after.declared && self.blocking.get() == 0 {
            let (away, now) = (self.counters().away(), shared.now_ns());
            if after.declared { away.leave(now) } else { away.back(now) }
        }
        shared.declare(change);
    }

    /// Runs `work` within the running task, which does not wait meanwhile.
    pub(in crate::pool) fn while_awake(&self, work: impl FnOnce()) {
        let has_waited = self.has_waited.replace(false);
        if has_waited {
            self.wait_changed(self.shared().waits.suspend(self.slot(), true));
        }
        work();
        self.end_waits();
        self.has_waited.set(has_waited);
        if has_waited {
            self.wait_changed(self.shared().waits.suspend(self.slot(), false));
            self.shared().wake_stranded();
        }
    }

    /// Ends the waits of the task that has ended, whose futures may live on elsewhere.
    #[inline]
    pub(in crate::pool) fn end_waits(&self) {
        if self.has_waited.replace(false) {
            self.wait_changed(self.shared().waits.end(self.slot()));
            if self.blocking.get() == 0 {
                // Another thread may have dropped the last future: it cannot write this clock.
                self.counters().away().back(self.shared().now_ns());
            }
        }
    }
}
