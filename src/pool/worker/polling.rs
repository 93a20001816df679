//! Marks a worker while it polls a future that is offloaded to the pool.
//!
//! Such a future is polled and not blocked on. What it submits must not run within its poll, or the
//! other branches of a `join!`, `select!` or `timeout` around it would stand still. So while the
//! mark is set, the thread counts as one outside of the pool. What the future awaits belongs to its
//! request all the same.

use std::rc::Rc;
use std::sync::Arc;

use super::main_loop::{Worker, current};
use crate::task::CancelNode;

/// The mark. Its drop restores the mark that was there before, also if the poll panics.
pub(crate) struct Polling {
    /// `None` on a thread that is no worker.
    worker: Option<Rc<Worker>>,
    before: Option<Arc<CancelNode>>,
}

impl Polling {
    /// Marks the calling thread's worker until the value is dropped: it polls the future of
    /// `request`, or runs a closure within such a poll (`None`).
    pub(crate) fn begin(request: Option<Arc<CancelNode>>) -> Self {
        let worker = current();
        let before = worker.as_ref().and_then(|worker| worker.polling.replace(request));
        Self { worker, before }
    }

    /// Returns the node of what runs or is polled on the calling thread, to which a new request
    /// belongs.
    #[cfg(feature = "tower")]
    pub(crate) fn outer() -> Option<Arc<CancelNode>> {
        current()?.cancel_node()
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        if let Some(worker) = &self.worker {
            worker.polling.replace(self.before.take());
        }
    }
}
