//! How much waits in an order under a lock that has an inbox without one, as a worker about to sleep sees it.
//!
//! Whoever holds the lock moves work from the inbox into the order. In between it would be in neither, as far as can be seen without the
//! lock: a worker that was woken for it would go to sleep again, and nobody would call it twice. So before the first is taken out of
//! the inbox something is shown to be ready, and workers look into the inbox first.

use crate::sync::atomic::{AtomicUsize, Ordering};

/// What is shown of the order. Written by those who hold its lock.
#[derive(Debug)]
pub(crate) struct Ready(AtomicUsize);

impl Ready {
    /// Nothing waits.
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Whether there may be work.
    #[inline]
    pub(crate) fn any(&self, inbox_is_empty: impl FnOnce() -> bool) -> bool {
        !inbox_is_empty() || self.0.load(Ordering::SeqCst) > 0
    }

    /// The inbox is about to be emptied. To be followed by [`show`](Self::show).
    pub(crate) fn opening(&self) {
        if self.0.load(Ordering::Relaxed) == 0 {
            self.0.store(1, Ordering::SeqCst);
        }
    }

    /// So much in the order may run now. Before the lock is given back.
    pub(crate) fn show(&self, ready: usize) {
        if self.0.load(Ordering::Relaxed) != ready {
            self.0.store(ready, Ordering::SeqCst);
        }
    }
}
