//! How a worker waits: for work of its own pool, or in a section that is declared to block.
//! `waits.rs` has the rule for work of the own pool, and the argument for it.

use std::sync::Arc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Instant;

use tokio::runtime::{Handle, RuntimeFlavor};

use super::main_loop::{Worker, thread_of};
use super::polling::Polling;
use super::waits::{Change, Counts};
use crate::contain::contain;
use crate::error::JoinError;
use crate::pool::shared::Shared;
use crate::task::{Join, Place, Refusal, TaskRef};

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
        let by = isize::from(after == Counts::Declared) - isize::from(before == Counts::Declared);
        if by != 0 && self.scaling.allowance.change(|parts| parts.declared += by) && self.has_work() {
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
            self.help(join);
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
        self.help(join);
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
    fn wait_changed(&self, (before, after): Change) {
        if before == Counts::Awake && after != Counts::Awake {
            // The wait may be long.
            self.settle();
        }
        // Another thread may have dropped a future that this one has polled, but it cannot write
        // this clock. So the clock may be wrong also where nothing has changed.
        let (away, leaves) = (self.counters().away(), after == Counts::Declared);
        if !self.blocking.get() && away.is_away() != leaves {
            let now = self.shared().now_ns();
            if leaves { away.leave(now) } else { away.back(now) }
        }
        self.shared().declare((before, after));
    }

    /// Runs the task that the running task waits for, if it has not begun. Runs no other task.
    fn help<T>(&self, join: &Arc<dyn Join<T>>) {
        let (shared, task) = (self.shared(), join.as_run());
        if !task.is_pending() {
            return;
        }
        if shared.is_too_late(task) {
            shared.void_in_place(task, Refusal::Expired);
            return;
        }
        match self.run_within(Arc::clone(join).into_run()).or_else(|| shared.void_disowned(task)) {
            // The empty cell is most likely on top of the own deque. A task that spawns and joins
            // in a loop must not fill the memory with such cells. A task does not sweep the other
            // queues.
            Some(Place::Subtask) => {
                let _ = shared.queues.left_empty();
                self.drop_cancelled();
            }
            Some(place) => shared.clear_away(task, place),
            None => {}
        }
    }

    /// Drops the cells of cancelled subtasks from the top of the own deque.
    pub(in crate::pool) fn drop_cancelled(&self) {
        self.local.drop_empty(&self.shared().queues);
    }

    /// Runs a task on top of the running task, which waits for it, but not meanwhile. Returns the
    /// place that the task held; `None` if it no longer waited.
    fn run_within(&self, task: TaskRef) -> Option<Place> {
        let shared = self.shared();
        self.within.borrow_mut().push(TaskRef::clone(&task));
        let has_waited = self.has_waited.get();
        if has_waited {
            self.wait_changed(shared.waits.begin(self.slot()));
        }
        let mut ran = None;
        let closure = Polling::begin(None);
        contain(|| ran = outside_block_on(|| task.run(self)).flatten());
        self.end_waits();
        if has_waited {
            self.has_waited.set(true);
            shared.wake_stranded();
        }
        drop(task);
        drop(closure);
        let done = self.within.borrow_mut().pop();
        drop(done);
        self.tell_aftermath();
        ran
    }

    /// Ends the waits of the task that has ended, whose futures may live on elsewhere.
    #[inline]
    pub(in crate::pool) fn end_waits(&self) {
        if self.has_waited.replace(false) {
            self.wait_changed(self.shared().waits.end(self.slot()));
        }
    }

    /// Runs `work`, while another thread may run tasks in place of this one.
    pub(in crate::pool) fn block_in_place<T>(&self, work: impl FnOnce() -> T) -> T {
        if self.blocking.get() {
            // A section within another has no effect.
            return work();
        }
        self.wait_changed((Counts::Awake, Counts::Declared));
        self.blocking.set(true);
        let _section = Section(self);
        work()
    }
}

/// Leaves the section when it is dropped, also if the work panics.
struct Section<'w>(&'w Worker);

impl Drop for Section<'_> {
    fn drop(&mut self) {
        self.0.blocking.set(false);
        self.0.wait_changed((Counts::Declared, Counts::Awake));
    }
}

/// Runs `work` as if the thread were not within a `block_on` of Tokio, so that `work` may block on
/// a runtime itself. The task that waits has called `block_on`. A runtime of one thread has no way
/// out of its `block_on`, and neither has a `LocalSet`: there Tokio panics, and calls nothing.
/// `None` if `work` has panicked.
fn outside_block_on<R>(work: impl FnOnce() -> R) -> Option<R> {
    let (mut work, mut result) = (Some(work), None);
    let mut run = || {
        if let Some(work) = work.take() {
            result = Some(work());
        }
    };
    if Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread) {
        contain(|| tokio::task::block_in_place(&mut run));
    }
    run();
    result
}
