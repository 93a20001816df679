//! Marks a worker while it polls a future that is offloaded to the pool.
//!
//! Such a future is polled and not blocked on. What it submits must not run within its poll, or the
//! other branches of a `join!`, `select!` or `timeout` around it would stand still. So while the
//! mark is set, the thread counts as one outside of the pool.

use std::rc::Rc;

use super::main_loop::{Worker, current};

/// The mark. Its drop restores the mark that was there before, also if the poll panics.
pub(crate) struct Polling {
    /// `None` on a thread that is no worker.
    worker: Option<Rc<Worker>>,
    before: bool,
}

impl Polling {
    /// Marks the calling thread's worker until the value is dropped.
    #[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "services poll futures"))]
    pub(crate) fn begin() -> Self {
        Self::set(true)
    }

    /// Removes the mark until the value is dropped, for a closure that runs within the poll.
    pub(in crate::pool) fn interrupt() -> Self {
        Self::set(false)
    }

    fn set(polling: bool) -> Self {
        let worker = current();
        let before = worker.as_ref().is_some_and(|worker| worker.polling.replace(polling));
        Self { worker, before }
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        if let Some(worker) = &self.worker {
            worker.polling.set(self.before);
        }
    }
}
