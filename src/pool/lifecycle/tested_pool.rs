//! The parts of a pool and of its builder that `test_util` uses.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Weak};

use crate::pool::AdaptiveThreadPool;
use crate::pool::shared::Shared;
use crate::pool::test_hooks::TestControl;
use crate::pool::worker;

/// The test plan of a builder.
pub(crate) trait TestPlan: fmt::Debug + Send + Sync {
    /// Makes the control of one pool.
    fn control(&self, pool: HookedPool) -> Arc<dyn TestControl>;

    /// Lets `test_util` read the plan that a builder already has.
    fn as_any(&self) -> &dyn Any;
}

/// A pool that a test controls; does not keep the pool alive.
#[derive(Debug, Clone)]
pub(crate) struct HookedPool(Weak<Shared>);

impl HookedPool {
    pub(super) fn new(pool: &Weak<Shared>) -> Self {
        Self(Weak::clone(pool))
    }

    /// Returns how many workers run a task.
    pub(crate) fn active(&self) -> usize {
        self.0.upgrade().map_or(0, |pool| pool.idle.census().active())
    }

    /// Returns whether every worker sleeps and nothing waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.0.upgrade().is_none_or(|pool| {
            let census = pool.idle.census();
            census.ended() || census.idle() == census.total() && !pool.has_work()
        })
    }

    /// Returns whether the pool takes no more work.
    pub(crate) fn is_closing(&self) -> bool {
        self.0.upgrade().is_none_or(|pool| pool.idle.census().closing())
    }

    /// Returns whether the calling thread is a worker of the pool.
    pub(crate) fn is_here(&self) -> bool {
        self.0.upgrade().is_some_and(|pool| worker::thread_of(&pool).is_some())
    }

    /// Wakes a worker if work waits that no worker was woken for.
    pub(crate) fn wake_for_work(&self) {
        if let Some(pool) = self.0.upgrade().filter(|pool| pool.has_work()) {
            pool.idle.notify();
        }
    }
}

impl AdaptiveThreadPool {
    pub(crate) fn hooked(&self) -> HookedPool {
        HookedPool(Arc::downgrade(self.shared()))
    }

    /// Returns whether the worker waits for a test's commands between two tasks.
    pub(crate) fn is_stepped(&self) -> bool {
        self.shared().test_hooks.control().is_some_and(|control| control.is_stepped())
    }

    /// Returns how many tenants have tasks that wait or run.
    pub(crate) fn busy_tenants(&self) -> usize {
        self.shared().run_queue.with(|state| state.order.busy_tenants())
    }
}
