//! Clearing away what was cancelled.
//!
//! A task that is cancelled in the queue gives its closure and its place back at once, but its empty cell stays in the
//! injector until a worker comes by. While all workers are busy with something long, callers who submit and give up would
//! fill the memory with such cells. So whoever cancels sweeps when more than half of the injector is empty cells: a
//! constant amount of work for each cancellation, on average.

use super::{Queues, insist};
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// So few are not worth a sweep.
const LEAST: usize = 256;

/// How many empty cells there are, and whether somebody sweeps.
#[derive(Debug, Default)]
pub(super) struct Sweeper {
    /// Cancelled tasks in the queues. Goes up after the cancellation and down when the cell is met, in either order; so it
    /// is signed at heart, and wraps.
    empty: AtomicUsize,
    busy: AtomicBool,
}

impl Queues {
    /// A task in the queues was cancelled, or run out of turn. Says whether it is time to sweep.
    pub(crate) fn left_empty(&self) -> bool {
        let empty = self.sweeper.empty.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        // Over half of `usize` is a negative count.
        (LEAST..usize::MAX / 2).contains(&empty) && empty > self.injector.len() / 2
    }

    /// A worker has met an empty cell.
    pub(crate) fn passed_empty(&self) {
        self.sweeper.empty.fetch_sub(1, Ordering::Relaxed);
    }

    /// Takes every task out of the injector once and puts those back that still wait, in order. The caller then sees to it
    /// that a worker looks: tasks on their way could be seen by nobody.
    pub(crate) fn sweep(&self) {
        if self.sweeper.busy.swap(true, Ordering::Acquire) {
            return;
        }
        for _ in 0..self.injector.len() {
            let Some(task) = insist(|| self.injector.steal()) else { break };
            if task.is_pending() {
                self.injector.push(task);
            } else {
                self.passed_empty();
            }
        }
        self.sweeper.busy.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::task::{Place, Run, TaskCell};

    #[test]
    fn cancelled_tasks_do_not_pile_up_and_the_others_keep_their_order() {
        let queues = Queues::new(1);
        let mut live = Vec::new();
        let mut longest = 0;
        for n in 0..100_000 {
            let task = TaskCell::new(|| (), Place::Held, None);
            queues.inject(Arc::clone(&task) as _);
            if n % 1_000 == 0 {
                live.push(task);
                continue;
            }
            task.cancel();
            if queues.left_empty() {
                queues.sweep();
            }
            longest = longest.max(queues.injector.len());
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
