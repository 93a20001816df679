//! The points at which a test controls a pool, with the feature `test-util`.
//!
//! The pool knows two traits, which `test_util` implements: [`TestPlan`] and [`TestControl`]. A
//! pool that no test controls has no [`TestControl`] and pays one branch at each point; none is on
//! the way of a task through the pool. Without the feature `no_test_hooks.rs` takes the place of
//! this file.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Weak};

use super::propagate::Propagate;
use super::shared::Shared;
use super::worker::{self, Worker};
use super::{AdaptiveThreadPool, PoolBuilder};
use crate::error::RejectReason;

/// The plan that a [`PoolBuilder`] has.
pub(super) type Plan = Option<Arc<dyn TestPlan>>;

/// What a builder was told about tests.
pub(crate) trait TestPlan: fmt::Debug + Send + Sync {
    /// Makes the control of one pool.
    fn control(&self, pool: HookedPool) -> Arc<dyn TestControl>;

    /// Lets `test_util` read the plan that a builder already has.
    fn as_any(&self) -> &dyn Any;
}

/// What a test controls in one pool; see the methods of [`TestHooks`].
pub(crate) trait TestControl: Send + Sync {
    /// What tasks capture where they are submitted, outermost first.
    fn propagates(&self) -> Vec<Arc<dyn Propagate>>;

    /// Runs tasks on `worker` as the test commands, until the worker may run by itself.
    fn run_steps(self: Arc<Self>, worker: &Worker);

    /// Whether the worker waits for commands between two tasks.
    fn is_stepped(&self) -> bool;

    fn worker_woken(&self);

    fn state_changed(&self);

    fn refusal(&self) -> Option<RejectReason>;

    fn sends_wakes(&self) -> bool;
}

/// The calls that a pool makes on behalf of a test.
pub(super) struct TestHooks(Option<Arc<dyn TestControl>>);

impl TestHooks {
    pub(super) fn new(plan: Plan, pool: &Weak<Shared>) -> Self {
        Self(plan.map(|plan| plan.control(HookedPool(Weak::clone(pool)))))
    }

    /// Returns what tasks capture for the test, before what the user asked for.
    pub(super) fn propagates(&self) -> Vec<Arc<dyn Propagate>> {
        self.0.as_ref().map(|control| control.propagates()).unwrap_or_default()
    }

    /// Runs a worker's loop, after the steps that the test commands.
    pub(super) fn run(&self, worker: &Worker) {
        if let Some(control) = &self.0 {
            Arc::clone(control).run_steps(worker);
        }
        worker.work();
        self.state_changed();
    }

    /// Blocks the thread that woke a worker until the pool is idle, if the pool runs tasks inline.
    #[inline]
    pub(super) fn worker_woken(&self) {
        if let Some(control) = &self.0 {
            control.worker_woken();
        }
    }

    /// Lets threads that wait for the pool check again: a worker sleeps or has left, a task that
    /// will not run was cleared up and its caller woken, or the pool is closing.
    #[inline]
    pub(super) fn state_changed(&self) {
        if let Some(control) = &self.0 {
            control.state_changed();
        }
    }

    /// Returns why the test wants the calling thread's next submission refused.
    #[inline]
    pub(super) fn refusal(&self) -> Option<RejectReason> {
        self.0.as_ref()?.refusal()
    }

    /// Returns whether a worker must send each wake-up itself and at once, instead of deferring it.
    #[inline]
    pub(super) fn sends_wakes(&self) -> bool {
        self.0.as_ref().is_some_and(|control| control.sends_wakes())
    }
}

/// A pool as its control sees it; does not keep the pool alive.
#[derive(Debug, Clone)]
pub(crate) struct HookedPool(Weak<Shared>);

impl HookedPool {
    /// Returns how many workers run a task.
    pub(crate) fn active(&self) -> usize {
        self.0.upgrade().map_or(0, |shared| shared.idle.census().active())
    }

    /// Returns whether every worker sleeps and nothing waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.0.upgrade().is_none_or(|shared| {
            let census = shared.idle.census();
            census.ended() || census.idle() == census.total() && !shared.has_work()
        })
    }

    /// Returns whether the pool takes no more work.
    pub(crate) fn is_closing(&self) -> bool {
        self.0.upgrade().is_none_or(|shared| shared.idle.census().closing())
    }

    /// Returns whether the calling thread is a worker of the pool.
    pub(crate) fn is_here(&self) -> bool {
        self.0.upgrade().is_some_and(|shared| worker::current_of(&shared).is_some())
    }

    /// Wakes a worker if work waits that no worker was woken for.
    pub(crate) fn wake_for_work(&self) {
        if let Some(shared) = self.0.upgrade().filter(|shared| shared.has_work()) {
            shared.idle.notify();
        }
    }
}

impl AdaptiveThreadPool {
    pub(crate) fn hooked(&self) -> HookedPool {
        HookedPool(Arc::downgrade(self.shared()))
    }

    /// Returns whether the worker waits for a test's commands between two tasks.
    pub(crate) fn is_stepped(&self) -> bool {
        self.shared().test_hooks.0.as_ref().is_some_and(|control| control.is_stepped())
    }

    /// Returns how many tenants have tasks that wait or run.
    pub(crate) fn busy_tenants(&self) -> usize {
        self.shared().run_queue.busy_tenants()
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
