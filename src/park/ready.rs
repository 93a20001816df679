//! The number of ready tasks in an order, as a worker sees it that is about to sleep. The order is
//! under a lock, and has an inbox without one.
//!
//! The thread that holds the lock moves work from the inbox into the order. During the move a
//! thread without the lock would see that work in neither: a worker that was woken for it would
//! sleep again, and nobody would wake it twice. So before the thread takes the first task out of
//! the inbox, it shows that something is ready, and workers check the inbox first.

use crate::sync::atomic::{AtomicUsize, Ordering};

/// The published number of ready tasks. Threads that hold the order's lock write it.
#[derive(Debug)]
pub(crate) struct Ready(AtomicUsize);

impl Ready {
    /// Makes an empty count.
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Returns whether there may be work.
    #[inline]
    pub(crate) fn any(&self, inbox_is_empty: impl FnOnce() -> bool) -> bool {
        !inbox_is_empty() || self.0.load(Ordering::SeqCst) > 0
    }

    /// Shows that something is ready, before the inbox is emptied. [`show`](Self::show) must
    /// follow.
    pub(crate) fn opening(&self) {
        if self.0.load(Ordering::Relaxed) == 0 {
            self.0.store(1, Ordering::SeqCst);
        }
    }

    /// Publishes that `ready` tasks in the order may run now. Called before the lock is released.
    pub(crate) fn show(&self, ready: usize) {
        if self.0.load(Ordering::Relaxed) != ready {
            self.0.store(ready, Ordering::SeqCst);
        }
    }
}
