//! The parts of a pool and of its builder that `test_util` uses.

use std::sync::{Arc, Weak};

use crate::pool::AdaptiveThreadPool;
use crate::pool::lifecycle::builder::PoolBuilder;
use crate::pool::shared::Shared;
use crate::pool::test_hooks::{HookedPool, Observed, TestPlan};
use crate::pool::worker;

impl Observed for Shared {
    fn active(&self) -> usize {
        self.idle.census().active()
    }

    fn is_idle(&self) -> bool {
        let census = self.idle.census();
        census.ended() || census.idle() == census.total() && !self.has_work()
    }

    fn is_closing(&self) -> bool {
        self.idle.census().closing()
    }

    fn is_here(self: Arc<Self>) -> bool {
        worker::thread_of(&self).is_some()
    }

    fn wake_for_work(&self) {
        if self.has_work() {
            self.idle.notify();
        }
    }
}

impl AdaptiveThreadPool {
    pub(crate) fn hooked(&self) -> HookedPool {
        let pool: Weak<Shared> = Arc::downgrade(self.shared());
        HookedPool::new(pool)
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

impl PoolBuilder {
    pub(crate) fn test_plan(&self) -> Option<&dyn TestPlan> {
        self.test_plan.as_deref()
    }

    pub(crate) fn with_test_plan(mut self, plan: Arc<dyn TestPlan>) -> Self {
        self.test_plan = Some(plan);
        self
    }
}
