//! The points at which a test controls a pool, with the feature `test-util`.
//!
//! None of them is on the way of a task through the pool. A pool that no test controls has no
//! [`TestControl`], and pays one branch at each point. Without the feature [`TestHooks`] is empty,
//! and there is no branch.

use std::any::Any;
use std::sync::Arc;

use crate::error::RejectReason;
#[cfg(feature = "test-util")]
use crate::pool::propagate::Propagate;
#[cfg(feature = "test-util")]
use crate::task::TaskRef;

/// What a test controls in one pool; `test_util` implements it.
pub(crate) trait TestControl: Send + Sync {
    /// Returns what tasks capture where they are submitted, outermost first.
    #[cfg(feature = "test-util")]
    fn propagates(&self) -> Vec<Arc<dyn Propagate>>;

    /// Runs tasks on `worker` as the test commands, until the worker may run by itself.
    #[cfg(feature = "test-util")]
    fn run_steps(self: Arc<Self>, worker: &dyn Stepped);

    /// Returns whether the worker waits for commands between two tasks.
    #[cfg(feature = "test-util")]
    fn is_stepped(&self) -> bool;

    /// Blocks the thread that woke a worker until the pool is idle, if the pool runs tasks inline.
    fn worker_woken(&self);

    /// Lets threads that wait for the pool check again: a worker sleeps or has left, a task that
    /// will not run was cleared up and its caller woken, or the pool is closing.
    fn state_changed(&self);

    /// Returns why the test wants the calling thread's next submission refused.
    fn refusal(&self) -> Option<RejectReason>;

    /// Returns whether a worker must send each wake-up itself and at once, instead of deferring it.
    fn sends_wakes(&self) -> bool;

    /// Holds the paused clock of the calling runtime until the value is dropped, for a caller who
    /// waits for the end of the pool.
    fn hold_clock(&self) -> Option<Box<dyn Any + Send>>;
}

/// A worker that runs one task at a time, as a test says.
#[cfg(feature = "test-util")]
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

/// The calls that a pool makes on behalf of a test; see the methods of [`TestControl`].
#[derive(Default)]
pub(super) struct TestHooks {
    #[cfg(feature = "test-util")]
    control: Option<Arc<dyn TestControl>>,
}

#[cfg(not(feature = "test-util"))]
const _: () = assert!(size_of::<TestHooks>() == 0);

impl TestHooks {
    #[cfg(feature = "test-util")]
    pub(super) fn new(control: Option<Arc<dyn TestControl>>) -> Self {
        Self { control }
    }

    /// Returns what controls the pool.
    #[inline]
    pub(super) fn control(&self) -> Option<&Arc<dyn TestControl>> {
        #[cfg(feature = "test-util")]
        let control = self.control.as_ref();
        #[cfg(not(feature = "test-util"))]
        let control: Option<&Arc<dyn TestControl>> = None;
        control
    }

    #[inline]
    pub(super) fn state_changed(&self) {
        if let Some(control) = self.control() {
            control.state_changed();
        }
    }
}
