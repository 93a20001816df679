//! Waiting until the one worker of a pool sleeps.

use std::sync::{Arc, OnceLock, Weak};

use crate::pool::propagate::{CapturedContext, Propagate};
use crate::pool::shared::Shared;
use crate::pool::worker;
use crate::sync::{Condvar, Mutex};

/// Where those wait who submit: before they do, so that they have to wake the worker, and after they have woken it.
#[derive(Debug, Default)]
pub(super) struct Rest {
    shared: OnceLock<Weak<Shared>>,
    /// Its task waits for something that only those may bring about who would wait here.
    aside: Mutex<bool>,
    changed: Condvar,
}

impl Rest {
    pub(super) fn set(&self, shared: &Arc<Shared>) {
        // It is made for one pool.
        let _ = self.shared.set(Arc::downgrade(shared));
    }

    /// Until there is nothing left to do. Not on the worker itself.
    pub(super) fn wait_for(&self, shared: &Arc<Shared>) {
        if worker::current_of(shared).is_some() {
            return;
        }
        let mut aside = self.aside.lock();
        while !*aside && !is_idle(shared) {
            aside = self.changed.wait(aside);
        }
    }

    /// The census or the pool's phase has changed.
    pub(super) fn changed(&self) {
        // Under the lock: whoever has looked before is asleep by now.
        let _aside = self.aside.lock();
        self.changed.notify_all();
    }

    /// The worker's task steps aside, or comes back.
    pub(super) fn set_aside(&self, aside: bool) {
        *self.aside.lock() = aside;
        self.changed.notify_all();
    }
}

/// Called where a task is submitted, before it has a place.
impl Propagate for Arc<Rest> {
    fn capture(&self) -> Option<Box<dyn CapturedContext>> {
        let shared = self.shared.get().and_then(Weak::upgrade)?;
        self.wait_for(&shared);
        None
    }
}

/// Every worker sleeps, and nothing waits.
pub(super) fn is_idle(shared: &Shared) -> bool {
    let census = shared.idle.census();
    census.ended() || census.idle() == census.total() && !shared.has_work()
}
