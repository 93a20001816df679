//! Controls that must not wait for the task of a worker's thread.

use std::cell::RefCell;
use std::sync::Arc;

thread_local! {
    /// The control of the pool whose worker the thread is.
    static HERE: RefCell<Option<Arc<dyn SetAside>>> = const { RefCell::new(None) };
}

/// A control that waits for the tasks of a worker.
pub(super) trait SetAside: Send + Sync {
    /// Marks the worker's task as one that steps and inline submitters must not wait for, or
    /// removes the mark.
    fn set_aside(&self, aside: bool);
}

/// Returns the control of the pool whose worker the calling thread is.
pub(super) fn here() -> Option<Arc<dyn SetAside>> {
    HERE.with_borrow(Clone::clone)
}

/// Registers `control` for the calling thread, a worker of the pool that it controls.
pub(super) fn enter(control: Arc<dyn SetAside>) {
    HERE.set(Some(control));
}
