//! Removes cancelled tasks from the injectors.
//!
//! A task that is cancelled in the queue gives its closure and its place back at once, but its
//! empty cell stays in the injector until a worker takes it. While all workers run long tasks,
//! callers that submit and give up would fill the memory with such cells. So a thread that cancels
//! a task sweeps the injector when more than half of it seems to be empty cells. On average that is
//! a constant amount of work for each cancellation.

use super::{Queues, insist};
use crate::sync::MutexGuard;
use crate::sync::atomic::Ordering;
use crate::task::TaskRef;

/// The least number of empty cells that is worth a sweep.
const LEAST: usize = 256;

/// The right to sweep. One thread at a time has it.
pub(crate) struct Sweep<'q> {
    queues: &'q Queues,
    _busy: MutexGuard<'q, ()>,
}

impl Queues {
    /// Notes that a task in the queues was cancelled, or run out of turn. Returns whether a sweep
    /// is due.
    pub(crate) fn left_empty(&self) -> bool {
        let empty = self.empty.fetch_add(1, Ordering::Relaxed) + 1;
        empty >= LEAST && empty > self.injected() / 2
    }

    /// Notes that a worker has taken an empty cell.
    pub(crate) fn passed_empty(&self) {
        let less = |empty: usize| empty.checked_sub(1);
        let _ = self.empty.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Takes the right to sweep, if no thread has it.
    pub(crate) fn begin_sweep(&self) -> Option<Sweep<'_>> {
        self.sweeping.try_lock().map(|busy| Sweep { queues: self, _busy: busy })
    }

    /// Waits for the right to sweep and takes it. No other thread sweeps until it is dropped.
    pub(crate) fn wait_for_sweep(&self) -> Sweep<'_> {
        Sweep { queues: self, _busy: self.sweeping.lock() }
    }
}

impl Sweep<'_> {
    /// Takes every task out of the injectors once, and puts those that `stay` accepts back, in
    /// order. Returns the others; the caller drops them after the right to sweep, since one may
    /// hold a result of a user. The caller must also notify a worker, because workers could not see
    /// the tasks during the sweep.
    #[must_use]
    pub(crate) fn run(&self, mut stay: impl FnMut(&TaskRef) -> bool) -> Vec<TaskRef> {
        self.queues.empty.store(0, Ordering::Relaxed);
        let mut empty = Vec::new();
        for injector in &self.queues.injectors {
            for _ in 0..injector.len() {
                let Some(task) = insist(|| injector.steal()) else { break };
                if stay(&task) {
                    injector.push(task);
                } else {
                    empty.push(task);
                }
            }
        }
        empty
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Layout;
    use super::*;
    use crate::task::{Place, Refusal, Run as _, TaskCell, Ticket};

    #[test]
    fn cancelled_tasks_do_not_pile_up_and_the_others_keep_their_order() {
        let queues = Queues::new(Layout::flat(1));
        let mut live = Vec::new();
        let mut longest = 0;
        for n in 0..100_000 {
            let task = TaskCell::new(|| (), Place::Queued(Ticket::HELD), None, None);
            queues.inject(Arc::clone(&task) as _, || None);
            if n % 1_000 == 0 {
                live.push(task);
                continue;
            }
            let _ = task.void(Refusal::Cancelled);
            if queues.left_empty() {
                drop(queues.begin_sweep().unwrap().run(|task| task.is_pending()));
            }
            longest = longest.max(queues.injected());
        }
        assert!(longest <= 2 * (live.len() + LEAST), "{longest}");
        let left: Vec<_> =
            std::iter::from_fn(|| queues.take_any()).filter(|task| task.is_pending()).collect();
        assert_eq!(left.len(), live.len());
        for (left, live) in left.iter().zip(&live) {
            assert!(std::ptr::addr_eq(Arc::as_ptr(left), Arc::as_ptr(live)));
        }
    }
}
