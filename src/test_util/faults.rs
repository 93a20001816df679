//! Failures on request.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;

use super::paused_sleep;
use crate::error::RejectReason;
use crate::pool::{CapturedContext, Propagate, TaskContext};
use crate::sync::Mutex;

/// What is to go wrong in a pool that was built with [`PoolBuilder::faults`](crate::PoolBuilder::faults), of any kind. A clone is another
/// handle to the same list.
///
/// Each call is for one occasion; several are for several, in order. Failures of tasks go to tasks as they are submitted, subtasks
/// among them; one whose task never begins, because it was refused or cancelled, is for the next.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use millpond::{AdaptiveThreadPool, JoinError, RejectReason, test_util::Faults};
///
/// let faults = Faults::default();
/// let pool = AdaptiveThreadPool::builder().faults(&faults).build_inline().unwrap();
///
/// faults.reject_next(RejectReason::QueueFull);
/// let refused = pool.try_spawn(|| 1).unwrap_err();
/// assert_eq!(refused.rejection().reason, RejectReason::QueueFull);
/// assert!(refused.rejection().retry_after.is_some());
///
/// faults.panic_next("out of ink");
/// match pool.run(|| 2).await {
///     Err(JoinError::Panicked(panic)) => assert_eq!(panic.message(), Some("out of ink")),
///     other => panic!("{other:?}"),
/// }
/// assert_eq!(faults.left(), 0);
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Faults {
    list: Arc<Mutex<List>>,
}

#[derive(Debug, Default)]
struct List {
    refusals: VecDeque<RejectReason>,
    failures: VecDeque<Failure>,
}

#[derive(Debug)]
enum Failure {
    Panic(String),
    Delay(Duration),
}

impl Faults {
    /// The next caller who asks for a place and does not wait for it is refused, as if for this reason, with the facts of the
    /// moment. That is `try_spawn` and `try_acquire`, whatever comes with a label
    /// ([`AdaptiveThreadPool::task`](crate::AdaptiveThreadPool::task)), and the processor's `try_process_single`. Not subtasks, which need no
    /// place, and not what waits its turn.
    pub fn reject_next(&self, reason: RejectReason) {
        self.list.lock().refusals.push_back(reason);
    }

    /// The next task panics with this message instead of being run.
    pub fn panic_next(&self, message: impl Into<String>) {
        self.list.lock().failures.push_back(Failure::Panic(message.into()));
    }

    /// The next task takes so much longer: its worker is busy for `delay` before it runs it. In the time of the runtime that the task
    /// was submitted in, so that a paused clock decides, whether or not the pool [holds](crate::PoolBuilder::hold_clock) it; in
    /// real time where there was none.
    ///
    /// A manual pool's [`step`](super::Stepper::step) returns when such a task begins, and the next one finds its worker busy until the
    /// clock has gone on; then it waits for the task's end. So does a submission to an inline pool return. The runtime
    /// must have timers; otherwise the task panics.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// use std::time::Duration;
    /// use millpond::{AdaptiveThreadPool, test_util::Faults};
    /// use tokio::time::timeout;
    ///
    /// let faults = Faults::default();
    /// let pool = AdaptiveThreadPool::builder().hold_clock().faults(&faults).build().unwrap();
    /// faults.delay_next(Duration::from_secs(90));
    /// assert!(timeout(Duration::from_secs(60), pool.run(|| ())).await.is_err());
    /// faults.delay_next(Duration::from_secs(30));
    /// assert!(timeout(Duration::from_secs(60), pool.run(|| ())).await.is_ok());
    /// # }
    /// ```
    pub fn delay_next(&self, delay: Duration) {
        self.list.lock().failures.push_back(Failure::Delay(delay));
    }

    /// How many failures are still to come.
    #[must_use]
    pub fn left(&self) -> usize {
        let list = self.list.lock();
        list.refusals.len() + list.failures.len()
    }

    /// Takes the reason why the next caller is refused, if one is on the list.
    pub(super) fn next_refusal(&self) -> Option<RejectReason> {
        self.list.lock().refusals.pop_front()
    }

    /// Returns what gives the failures of tasks to tasks as they are submitted.
    pub(super) fn propagate(&self) -> Arc<dyn Propagate> {
        Arc::new(Source(self.clone()))
    }
}

/// Gives failures to tasks. Not `Faults` itself: its users see no `Propagate`.
struct Source(Faults);

impl Propagate for Source {
    fn capture(&self) -> Option<Box<dyn CapturedContext>> {
        let failure = self.0.list.lock().failures.pop_front()?;
        let (faults, runtime) = (self.0.clone(), Handle::try_current().ok());
        Some(Box::new(Fault { faults, failure: Some(failure), runtime }))
    }
}

/// What a task carries that is to fail.
struct Fault {
    faults: Faults,
    failure: Option<Failure>,
    /// The submitter's.
    runtime: Option<Handle>,
}

impl CapturedContext for Fault {
    fn scope(mut self: Box<Self>, task: &mut dyn FnMut()) {
        match (self.failure.take(), self.runtime.take()) {
            (Some(Failure::Panic(message)), _) => panic!("{message}"),
            (Some(Failure::Delay(delay)), Some(runtime)) => paused_sleep::sleep(&runtime, delay),
            (Some(Failure::Delay(delay)), None) => block(delay),
            (None, _) => {}
        }
        task();
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        if let Some(failure) = self.failure.take() {
            self.faults.list.lock().failures.push_front(failure);
        }
    }
}

/// Lets real time pass.
fn block(delay: Duration) {
    match TaskContext::current() {
        Some(context) => context.block_in_place(|| thread::sleep(delay)),
        None => thread::sleep(delay),
    }
}
