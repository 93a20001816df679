//! The pool: CPU-bound closures in, futures of their results out.

mod admit;
mod context;
mod lifecycle;
mod lone_caller;
mod propagate;
mod run_order;
mod scaling;
mod shared;
mod submit;
#[cfg_attr(not(feature = "test-util"), path = "no_test_hooks.rs")]
mod test_hooks;
mod threads;
mod timer;
mod worker;

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

pub use context::TaskContext;
pub use lifecycle::builder::PoolBuilder;
pub use lifecycle::hooks::SpawnHandler;
pub use lifecycle::pressure::Pressure;
pub use lifecycle::shutdown::ShutdownReport;
pub use lifecycle::statistics::PoolStatistics;
pub use propagate::{CapturedContext, Propagate};
pub use submit::handle::{AbortHandle, JoinHandle};
pub use submit::permit::{Acquire, Permit};
pub use submit::run_future::RunFuture;
pub use submit::task_builder::TaskBuilder;
pub(crate) use submit::{handle::AbortOnDrop, mode::Mode};
#[cfg(feature = "test-util")]
pub(crate) use test_hooks::{HookedPool, Stepped, TestControl, TestPlan};

use self::shared::Shared;
use crate::config::PoolConfig;
use crate::policy::scaling::Decision;

/// An adaptive work-stealing pool for CPU-bound work beside async code.
///
/// A value of this type is a handle: a clone is another handle to the same pool. When the last handle is dropped the pool
/// takes no more work, finishes what it has accepted in the background and stops its threads; nothing blocks. To wait for
/// that, and to bound it in time, use [`shutdown`](Self::shutdown).
///
/// | You want | Use | When the queue is full |
/// |---|---|---|
/// | the result, here and now | [`run`](Self::run) | waits its turn |
/// | a task in the background | [`spawn`](Self::spawn) | waits its turn |
/// | an answer at once | [`try_spawn`](Self::try_spawn) | hands the work back with the facts |
/// | room first, work later | [`acquire`](Self::acquire), [`try_acquire`](Self::try_acquire) | waits, or is refused |
/// | subtasks of a task | [`TaskContext::spawn`] | (needs no room) |
///
/// # Order
/// Plain work begins first come, first served. A task is overtaken by at most 64 later ones for each other thread, and only
/// where tasks took at most 2 us each before; on one thread by none. [`task`](Self::task) gives work another order.
///
/// # On a worker of the same pool
/// A task may use the handle of the pool that runs it. What it submits is a subtask: it needs no permit, since a task that
/// runs has its place already and might wait for itself otherwise. What it *awaits* (by blocking on it) runs at once on
/// the same thread if nobody else has begun it. So a pool of one thread can wait for its own work.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use millpond::AdaptiveThreadPool;
///
/// let pool = AdaptiveThreadPool::new();
/// let sum: u64 = pool.run(|| (1..=1_000_000_u64).sum()).await?;
/// assert_eq!(sum, 500_000_500_000);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct AdaptiveThreadPool {
    handle: Arc<Handle>,
}

// Handles have locks inside that no panic leaves in disorder, and nothing that a caller could see half-done.
impl UnwindSafe for AdaptiveThreadPool {}
impl RefUnwindSafe for AdaptiveThreadPool {}

/// The last one dropped closes the pool.
#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl AdaptiveThreadPool {
    /// The configuration that the pool was built with.
    #[must_use]
    pub fn config(&self) -> &PoolConfig {
        &self.shared().config
    }

    /// What the pool has done and what it does now. Takes a few hundred nanoseconds; the figures are read one after
    /// the other while the pool goes on.
    #[must_use]
    pub fn statistics(&self) -> PoolStatistics {
        PoolStatistics::read(self.shared())
    }

    /// The pressure state, to be read or watched. The pool is saturated while its queue is full, whatever its threads do, and
    /// while the load factor is at least `backpressure_threshold`. The state changes within the call, or at the start or end of
    /// the task, with which that becomes so or ends.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use millpond::{AdaptiveThreadPool, Pressure};
    ///
    /// let pool = AdaptiveThreadPool::new();
    /// let mut pressure = pool.pressure();
    /// assert_eq!(*pressure.borrow_and_update(), Pressure::Normal);
    /// // elsewhere: while pressure.changed().await.is_ok() { .. }
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn pressure(&self) -> watch::Receiver<Pressure> {
        self.shared().pressure.watch()
    }

    /// The last decision on the number of threads, with what was measured and why; `None` before the first. Decisions are made
    /// every `sampling_interval` while work waits that meets no free thread, and for a second after that; each is an event
    /// of `tracing` as well, emitted on the thread that keeps deadlines: a subscriber that blocks there delays them.
    #[must_use]
    pub fn last_decision(&self) -> Option<Decision> {
        self.shared().scaling.last()
    }

    /// What the forecast has learnt so far, to be saved for the next start; `None` for a pool without one.
    #[cfg(feature = "forecast")]
    #[must_use]
    pub fn forecast_history(&self) -> Option<millpond_forecast::History> {
        self.shared().scaling.foresight.history()
    }

    /// Whether the pool takes no more work.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared().permits.is_closed()
    }

    /// Shuts the pool down for all its handles: no work is accepted any more, callers in line for a place are turned
    /// away ([`JoinError::Closed`](crate::JoinError::Closed)), what was accepted is run. When that is done, or `drain`
    /// has passed, the report is there. At the deadline what still waits is cancelled
    /// ([`JoinError::Cancelled`](crate::JoinError::Cancelled)) and what runs is asked to stop
    /// ([`TaskContext::is_cancelled`]). The report does not wait for the drops of cancelled closures: they may follow it.
    ///
    /// The deadline is kept by a thread of the pool in real time: no timer of the runtime is needed, and a paused
    /// clock does not pause it. `Duration::MAX` waits without end. A second call waits for the same end; the earliest
    /// deadline counts.
    ///
    /// # Cancel safety
    /// Admission is closed when the future is first polled; dropping it then neither reopens the pool nor takes the
    /// deadline back.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// let pool = millpond::AdaptiveThreadPool::new();
    /// let task = pool.spawn(|| "done").await?;
    /// let report = pool.shutdown(Duration::from_secs(5)).await;
    /// assert_eq!((report.completed, report.cancelled), (1, 0));
    /// assert_eq!(task.await?, "done");
    /// # Ok(()) }
    /// ```
    pub async fn shutdown(&self, drain: Duration) -> ShutdownReport {
        self.shared().shut_down(drain).await
    }

    /// Has `prepare` told, again and again, how many threads' load is foreseen; see [`Foresight`](foresight::Foresight::tell).
    pub(crate) fn on_foreseen(&self, prepare: impl FnMut(usize) -> bool + Send + 'static) {
        self.shared().scaling.foresight.tell(Box::new(prepare));
    }

    /// Whether there is a place in the queue now. By the time of the next call it may be taken.
    pub(crate) fn has_room(&self) -> bool {
        self.shared().permits.available() > 0
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }
}
