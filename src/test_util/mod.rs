//! Pools for tests: stepped by hand, run inline, or real with a paused clock; failures on request;
//! checks for leaks.
//!
//! With the feature `test-util`, for `[dev-dependencies]`. All pools here are
//! [`AdaptiveThreadPool`]s, so code that takes a pool also takes these, for example
//! [`ConcurrentProcessorV2`](crate::ConcurrentProcessorV2::on_pool). The guide
//! [testing](crate::guide::testing) shows a test before and after.
//!
//! | | runs a task | for tests |
//! |---|---|---|
//! | [`manual`] | when [`Stepper::step`] is called | of what happens between submission and result: timeouts, cancellation, order, backpressure |
//! | [`inline`] | before the submitting call returns | of the code around the pool |
//! | [`real`] | on several threads, as in production | with a paused clock, which does not advance while work waits or runs |
//!
//! All of them run tasks on threads of their own, with [`TaskContext`](crate::TaskContext),
//! subtasks, spans, task-locals and panics as in production. Everything that [`PoolBuilder`]
//! configures can be configured: `builder().max_queue_size(2).build_manual()`.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
//! use std::time::Duration;
//! use millpond::test_util;
//! use tokio::time::timeout;
//!
//! let (pool, stepper) = test_util::manual();
//!
//! // The work is late: nobody has let it run. No real time passes.
//! let late = timeout(Duration::from_secs(60), pool.run(|| 6 * 7)).await;
//! assert!(late.is_err());
//!
//! // The work is in time, on any machine.
//! let task = pool.try_spawn(|| 6 * 7).unwrap();
//! assert!(stepper.step());
//! assert_eq!(timeout(Duration::from_secs(60), task).await.unwrap().unwrap(), 42);
//! test_util::assert_no_leaks(&pool);
//! # }
//! ```

mod aside;
mod control;
mod faults;
mod held_clock;
mod idle_barrier;
mod leaks;
mod paused_sleep;
mod step_gate;
mod stepper;

pub use faults::Faults;
pub use leaks::{Leaks, assert_no_leaks, leaks};
pub use stepper::{Order, Stepper, Waiting};

use std::sync::Arc;

use self::control::Plan;
use self::step_gate::{StepGate, StepHandle};
use crate::error::BuildError;
use crate::pool::{AdaptiveThreadPool, PoolBuilder};

/// Builds a pool that runs a task when its [`Stepper`] is told to, on one thread of its own.
///
/// # Panics
/// The operating system refused the thread.
#[must_use]
pub fn manual() -> (AdaptiveThreadPool, Stepper) {
    built(AdaptiveThreadPool::builder().build_manual())
}

/// Builds a pool that runs a task before the call that submits it returns, on one thread of its
/// own. The task's future is ready at its second poll at the latest, and a test need not wait or
/// step.
///
/// The call waits until the pool has nothing left to do, subtasks included. So the task must not
/// wait for its submitter, for a lock that the submitter holds, or for the submitter's runtime if
/// that has a single thread. If several threads submit at once, only one of them may wait; the
/// tasks of the others run shortly after.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let pool = millpond::test_util::inline();
/// let task = pool.try_spawn(|| 6 * 7).unwrap();
/// assert!(task.is_finished());
/// assert_eq!(task.await.unwrap(), 42);
/// # }
/// ```
///
/// # Panics
/// The operating system refused the thread.
#[must_use]
pub fn inline() -> AdaptiveThreadPool {
    built(AdaptiveThreadPool::builder().build_inline())
}

/// Builds a pool with real threads, for a runtime whose clock is paused: see
/// [`PoolBuilder::hold_clock`].
///
/// # Panics
/// The operating system refused the first threads.
#[must_use]
pub fn real() -> AdaptiveThreadPool {
    built(AdaptiveThreadPool::builder().hold_clock().build())
}

fn built<T>(pool: Result<T, BuildError>) -> T {
    pool.unwrap_or_else(|error| panic!("no pool for the test: {error}"))
}

/// Gives the pool one thread with the process's own niceness, because its callers wait for that
/// thread.
fn alone(builder: PoolBuilder) -> PoolBuilder {
    builder.min_threads(1).max_threads(1).max_blocked_threads(0).worker_niceness(0)
}

/// Methods for tests, with the feature `test-util`.
impl PoolBuilder {
    /// Builds a pool as [`test_util::manual`](manual) does. The pool has one thread with the
    /// process's own niceness, whatever the configuration says.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn build_manual(self) -> Result<(AdaptiveThreadPool, Stepper), BuildError> {
        let gate = Arc::new(StepGate::default());
        let gated = Plan::amend(alone(self), |plan| plan.gate = Some(Arc::clone(&gate)));
        let pool = gated.build()?;
        let handle = StepHandle::new(gate, pool.hooked());
        Ok((pool, Stepper::new(handle)))
    }

    /// Builds a pool as [`test_util::inline`](inline) does. The pool has one thread with the
    /// process's own niceness, whatever the configuration says.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn build_inline(self) -> Result<AdaptiveThreadPool, BuildError> {
        Plan::amend(alone(self), |plan| plan.inline = true).build()
    }

    /// Holds the paused Tokio clock of a runtime while its work waits or runs on this pool: from
    /// the call that submits a task until the task has ended or was cancelled or refused, and its
    /// caller was woken. (A paused clock advances to the next timer whenever its runtime is idle,
    /// and the runtime is idle while it waits for a thread. So without this any `timeout` around
    /// work would elapse at once.)
    ///
    /// Work counts if it is submitted in the context of a runtime of one thread, the only kind
    /// whose clock can be paused. Subtasks count with their task. Meanwhile one thread of the
    /// runtime's blocking pool is occupied.
    ///
    /// **Work that waits for the clock to advance waits for ever**, because the clock waits for the
    /// work. Examples are a task that blocks on a timer of its submitter's runtime, and one that
    /// blocks on a message that its submitter sends after a `sleep`. `tokio::time::advance`
    /// advances the clock all the same, and [`Faults::delay_next`] works with a held clock. A
    /// manual pool needs none of this: its tasks run while the runtime waits for the step.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// use std::time::Duration;
    /// use tokio::time::{Instant, timeout};
    ///
    /// let pool = millpond::AdaptiveThreadPool::builder().hold_clock().build().unwrap();
    /// let start = Instant::now();
    /// let work = || std::thread::sleep(Duration::from_millis(20));
    /// assert!(timeout(Duration::from_millis(1), pool.run(work)).await.is_ok());
    /// assert_eq!(start.elapsed(), Duration::ZERO);
    /// # }
    /// ```
    pub fn hold_clock(self) -> Self {
        Plan::amend(self, |plan| plan.hold_clock = true)
    }

    /// Makes work of this pool fail as `faults` requests.
    pub fn faults(self, faults: &Faults) -> Self {
        Plan::amend(self, |plan| plan.faults = Some(faults.clone()))
    }
}
