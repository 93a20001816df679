//! A barrier at which submitters wait until the worker of an inline pool sleeps.

use std::sync::Arc;

use crate::pool::{CapturedContext, HookedPool, Propagate};
use crate::sync::{Condvar, Mutex};

/// Submitters wait here twice: before a submission, so that it has to wake the worker, and after
/// they have woken the worker.
#[derive(Debug)]
pub(super) struct IdleBarrier {
    pool: HookedPool,
    /// The worker's task waits for an event that a submitter may have to cause.
    aside: Mutex<bool>,
    changed: Condvar,
}

impl IdleBarrier {
    pub(super) fn new(pool: HookedPool) -> Self {
        Self { pool, aside: Mutex::default(), changed: Condvar::default() }
    }

    /// Blocks until the pool is idle. Returns at once on the worker itself.
    pub(super) fn wait(&self) {
        if self.pool.is_here() {
            return;
        }
        // A batch queues several tasks before it wakes a worker.
        self.pool.wake_for_work();
        let mut aside = self.aside.lock();
        while !*aside && !self.pool.is_idle() {
            aside = self.changed.wait(aside);
        }
    }

    /// Lets all waiting threads check the pool again.
    pub(super) fn check(&self) {
        // The lock orders this after the check of a thread that is about to wait.
        let _aside = self.aside.lock();
        self.changed.notify_all();
    }

    /// Marks the worker's task as one that submitters must not wait for, or removes the mark.
    pub(super) fn set_aside(&self, aside: bool) {
        *self.aside.lock() = aside;
        self.changed.notify_all();
    }
}

/// The pool calls this where a task is submitted, before the task has a place.
impl Propagate for Arc<IdleBarrier> {
    fn capture(&self) -> Option<Box<dyn CapturedContext>> {
        self.wait();
        None
    }
}
