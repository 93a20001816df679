//! The points at which a test controls a pool, with the feature `test-util`.
//!
//! The pool knows two traits, which `test_util` implements: [`TestPlan`] and [`TestControl`]. A
//! pool that no test controls has no [`TestControl`] and pays one branch at each point; none is on
//! the way of a task through the pool. Without the feature `no_test_hooks.rs` takes the place of
//! this file.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Weak};

use crate::error::RejectReason;
use crate::pool::propagate::Propagate;
use crate::task::TaskRef;

/// The plan that a [`PoolBuilder`](crate::PoolBuilder) has.
pub(super) type Plan = Option<Arc<dyn TestPlan>>;

/// The test plan of a builder.
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
    fn run_steps(self: Arc<Self>, worker: &dyn Stepped);

    /// Whether the worker waits for commands between two tasks.
    fn is_stepped(&self) -> bool;

    fn worker_woken(&self);

    fn state_changed(&self);

    fn refusal(&self) -> Option<RejectReason>;

    fn sends_wakes(&self) -> bool;

    fn hold_clock(&self) -> Option<Box<dyn Any + Send>>;
}

/// A worker that runs one task at a time, as a test says.
pub(crate) trait Stepped {
    /// Runs the task that the pool would run next. False if none waits.
    fn step(&self) -> bool;

    /// Runs the task at the index that `choose` returns for the tasks that wait, in the order of
    /// [`waiting`](Self::waiting). False if it returns `None`.
    fn step_chosen(&self, choose: &dyn Fn(&[TaskRef]) -> Option<usize>) -> bool;

    /// Returns the tasks that wait: subtasks, the newest first; then plain work, then labelled
    /// work, each in the order of submission.
    fn waiting(&self) -> Vec<TaskRef>;
}

/// A pool as its control sees it.
pub(crate) trait Observed: Send + Sync {
    /// Returns how many workers run a task.
    fn active(&self) -> usize;

    /// Returns whether every worker sleeps and nothing waits.
    fn is_idle(&self) -> bool;

    /// Returns whether the pool takes no more work.
    fn is_closing(&self) -> bool;

    /// Returns whether the calling thread is a worker of the pool.
    fn is_here(self: Arc<Self>) -> bool;

    /// Wakes a worker if work waits that no worker was woken for.
    fn wake_for_work(&self);
}

/// The calls that a pool makes on behalf of a test.
pub(super) struct TestHooks(Option<Arc<dyn TestControl>>);

impl TestHooks {
    pub(super) fn new<P: Observed + 'static>(plan: Plan, pool: &Weak<P>) -> Self {
        let pool = Weak::clone(pool) as Weak<dyn Observed>;
        Self(plan.map(|plan| plan.control(HookedPool(pool))))
    }

    /// Returns what tasks capture for the test, before what the user asked for.
    pub(super) fn propagates(&self) -> Vec<Arc<dyn Propagate>> {
        self.0.as_ref().map(|control| control.propagates()).unwrap_or_default()
    }

    /// Returns what controls the pool.
    pub(super) fn control(&self) -> Option<&Arc<dyn TestControl>> {
        self.0.as_ref()
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

    /// Holds the paused clock of the calling runtime until the value is dropped, for a caller who
    /// waits for the end of the pool.
    pub(super) fn hold_clock(&self) -> Option<Box<dyn Any + Send>> {
        self.0.as_ref()?.hold_clock()
    }
}

/// A pool that a test controls; does not keep the pool alive.
#[derive(Clone)]
pub(crate) struct HookedPool(Weak<dyn Observed>);

impl fmt::Debug for HookedPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookedPool").finish_non_exhaustive()
    }
}

impl HookedPool {
    pub(super) fn new(pool: Weak<dyn Observed>) -> Self {
        Self(pool)
    }

    pub(crate) fn active(&self) -> usize {
        self.0.upgrade().map_or(0, |pool| pool.active())
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.0.upgrade().is_none_or(|pool| pool.is_idle())
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.0.upgrade().is_none_or(|pool| pool.is_closing())
    }

    pub(crate) fn is_here(&self) -> bool {
        self.0.upgrade().is_some_and(|pool| pool.is_here())
    }

    pub(crate) fn wake_for_work(&self) {
        if let Some(pool) = self.0.upgrade() {
            pool.wake_for_work();
        }
    }
}
