//! Failures that a test requests.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;

use super::paused_sleep;
use crate::error::RejectReason;
use crate::pool::{CapturedContext, Propagate, TaskContext};
use crate::sync::Mutex;

/// Failures of a pool that was built with [`PoolBuilder::faults`](crate::PoolBuilder::faults). The
/// pool may be of any kind. A clone is another handle to the list.
///
/// Each call requests one failure; several calls request several, in order. Failures of tasks go to
/// tasks as they are submitted, subtasks included. If a task never begins, because it was refused
/// or cancelled, its failure goes to the next task.
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
    /// Refuses the next caller who asks for a place and does not wait for it, for `reason`, with
    /// the present facts.
    ///
    /// This applies to `try_spawn`, to `try_acquire`, to every submission with a label
    /// ([`AdaptiveThreadPool::task`](crate::AdaptiveThreadPool::task)), and to the processor's
    /// `try_process_single`. It does not apply to subtasks, which need no place, nor to plain work
    /// that waits.
    pub fn reject_next(&self, reason: RejectReason) {
        self.list.lock().refusals.push_back(reason);
    }

    /// Makes the next task panic with this message instead of running.
    pub fn panic_next(&self, message: impl Into<String>) {
        self.list.lock().failures.push_back(Failure::Panic(message.into()));
    }

    /// Makes the next task take longer: its worker is busy for `delay` before it runs the task. The
    /// delay is in the time of the runtime in which the task was submitted, so a paused clock
    /// decides, whether or not the pool [holds](crate::PoolBuilder::hold_clock) it. Without a
    /// runtime the delay is in real time.
    ///
    /// A manual pool's [`step`](super::Stepper::step) returns when such a task begins. The next
    /// step finds the worker busy until the clock has advanced, and then waits for the end of the
    /// task. A submission to an inline pool also returns when such a task begins. The runtime must
    /// have timers; otherwise the task panics.
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

    /// Returns how many requested failures are still to come.
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

/// Gives failures to tasks. It is not `Faults` itself, so that users of `Faults` see no
/// `Propagate`.
struct Source(Faults);

impl Propagate for Source {
    fn capture(&self) -> Option<Box<dyn CapturedContext>> {
        let failure = self.0.list.lock().failures.pop_front()?;
        let (faults, runtime) = (self.0.clone(), Handle::try_current().ok());
        Some(Box::new(Fault { faults, failure: Some(failure), runtime }))
    }
}

/// The failure that a task carries.
struct Fault {
    faults: Faults,
    failure: Option<Failure>,
    /// The submitter's runtime.
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

/// Blocks for a time in real time.
fn block(delay: Duration) {
    match TaskContext::current() {
        Some(context) => context.block_in_place(|| thread::sleep(delay)),
        None => thread::sleep(delay),
    }
}
