//! Pools for tests: stepped by hand, run at once, or real beside a paused clock; failures on request; checks for leaks.
//!
//! With the feature `test-util`, for `[dev-dependencies]`. All pools here are [`AdaptiveThreadPool`]s, so that whatever takes one
//! takes these, a [`ConcurrentProcessorV2`](crate::ConcurrentProcessorV2::on_pool) among others; the guide
//! [testing](crate::guide::testing) shows a test before and after.
//!
//! | | runs a task | for tests |
//! |---|---|---|
//! | [`manual`] | when [`Stepper::step`] says so | of what happens between submission and result: timeouts, cancellation, order, backpressure |
//! | [`inline`] | before the submitting call returns | of the code around the pool, with no thought of the pool |
//! | [`real`] | on as many threads as ever | with a paused clock, which does not leap while work is under way |
//!
//! All of them run tasks on threads of their own, with [`TaskContext`](crate::TaskContext), subtasks, spans, task-locals and panics
//! as in production. Whatever [`PoolBuilder`] configures can be configured: `builder().max_queue_size(2).build_manual()`.
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

/// A pool that runs a task when its [`Stepper`] says so, on one thread of its own.
///
/// # Panics
/// The operating system refused the thread.
#[must_use]
pub fn manual() -> (AdaptiveThreadPool, Stepper) {
    built(AdaptiveThreadPool::builder().build_manual())
}

/// A pool that runs a task before the call that submits it returns, on one thread of its own; so its future is ready at its second
/// poll at the latest, and nobody has to wait or step.
///
/// The call waits until the pool has nothing left to do, subtasks among it. So the task must not wait for its submitter, for a lock
/// that the submitter holds, or for the submitter's runtime if that has a single thread. Of several threads that submit at
/// the same time only one may wait, and the others' tasks run in a moment.
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

/// A pool of the usual kind, for a runtime whose clock is paused: see [`PoolBuilder::hold_clock`].
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

/// Gives the pool one thread of the process's own niceness: its callers wait for that thread.
fn alone(builder: PoolBuilder) -> PoolBuilder {
    builder.min_threads(1).max_threads(1).worker_niceness(0)
}

/// For tests; with the feature `test-util`.
impl PoolBuilder {
    /// Builds a pool as [`test_util::manual`](manual) does. It has one thread, of the process's own niceness, whatever was said.
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

    /// Builds a pool as [`test_util::inline`](inline) does. It has one thread, of the process's own niceness, whatever was said.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn build_inline(self) -> Result<AdaptiveThreadPool, BuildError> {
        Plan::amend(alone(self), |plan| plan.inline = true).build()
    }

    /// A paused Tokio clock does not leap while work of its runtime is under way on this pool: from the call that submits a task until
    /// it has ended, was cancelled or refused, and its caller was told. (A paused clock leaps to the next timer whenever its runtime
    /// is idle, and it is while it waits for a thread: any `timeout` around work would be over at once.)
    ///
    /// Work counts if it is submitted in the context of a runtime of one thread, the only kind whose clock can be paused; subtasks count
    /// with their task. Meanwhile one thread of the runtime's blocking pool is taken.
    ///
    /// **Work that waits for the clock to leap waits for ever**, since the clock waits for it: a task that blocks on a timer of its
    /// submitter's runtime, or for a message that its submitter sends after a `sleep`. `tokio::time::advance` moves the clock all
    /// the same, and [`Faults::delay_next`] knows of it. A manual pool needs none of this: its tasks run while the runtime
    /// waits for the step.
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

    /// Work of this pool fails when `faults` says so.
    pub fn faults(self, faults: &Faults) -> Self {
        Plan::amend(self, |plan| plan.faults = Some(faults.clone()))
    }
}
