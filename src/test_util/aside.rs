//! The tests' controls that a worker's thread must not keep waiting.

use std::cell::RefCell;
use std::sync::Arc;

thread_local! {
    /// The control of the pool whose worker the thread is.
    static HERE: RefCell<Option<Arc<dyn SetAside>>> = const { RefCell::new(None) };
}

/// What waits for the tasks of a worker.
pub(super) trait SetAside: Send + Sync {
    /// Marks the worker's task as one that steps and inline submitters must not wait for, or no
    /// longer.
    fn set_aside(&self, aside: bool);
}

/// Returns the control of the pool whose worker the calling thread is.
pub(super) fn here() -> Option<Arc<dyn SetAside>> {
    HERE.with_borrow(Clone::clone)
}

/// The calling thread is a worker of the pool that `control` controls.
pub(super) fn enter(control: Arc<dyn SetAside>) {
    HERE.set(Some(control));
}
