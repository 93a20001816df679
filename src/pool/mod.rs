//! The pool: it takes CPU-bound closures and returns futures of their results.

mod admit;
mod context;
mod events;
mod lifecycle;
mod lone_caller;
mod observe;
mod propagate;
mod run_order;
mod runtime;
mod scaling;
mod shared;
mod spans;
mod submit;
mod test_hooks;
mod threads;
mod timer;
mod worker;

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

pub use context::TaskContext;
pub use events::{RecentEvent, RecentKind};
pub use lifecycle::builder::PoolBuilder;
pub use lifecycle::hooks::SpawnHandler;
pub use lifecycle::pressure::Pressure;
pub use lifecycle::shutdown::ShutdownReport;
pub use lifecycle::statistics::{Intervals, PoolStatistics};
#[cfg(feature = "test-util")]
pub(crate) use lifecycle::tested_pool::{HookedPool, TestPlan};
pub use observe::PoolLatencies;
pub use observe::counts::{Decisions, Refusals};
#[cfg(any(feature = "prometheus", feature = "metrics"))]
pub(crate) use observe::observer::Observer;
pub use observe::tenants::TenantStatistics;
pub use observe::workers::{WorkerState, WorkerStatistics};
pub use propagate::{CapturedContext, Propagate};
pub(crate) use spans::run_here;
#[cfg(feature = "tower")]
pub(crate) use spans::{Inside, current as current_span};
pub use submit::handle::{AbortHandle, JoinHandle};
pub use submit::permit::{Acquire, Permit};
pub use submit::run_future::RunFuture;
pub use submit::task_builder::TaskBuilder;
pub(crate) use submit::{handle::AbortOnDrop, mode::Mode};
#[cfg(feature = "test-util")]
pub(crate) use test_hooks::{Stepped, TestControl};
pub(crate) use worker::aftermath::note_caught_panic;
#[cfg(feature = "tower")]
pub(crate) use worker::polling::Polling;

use self::shared::Shared;
use crate::config::PoolConfig;
use crate::error::ConfigError;
use crate::memory::{BufferPool, BufferPoolConfig};
pub use crate::metrics::{ByClass, Histogram};
use crate::policy::scaling::Decision;

/// An adaptive work-stealing pool for CPU-bound work beside async code.
///
/// A value of this type is a handle, and so is each clone. When the last handle is dropped, the
/// pool takes no more work, finishes accepted work in the background, and stops its threads. The
/// drop does not block; [`shutdown`](Self::shutdown) waits for the end, or bounds it in time.
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
/// Plain work begins first come, first served. At most 64 later tasks for each other thread
/// overtake a task, and only where tasks took at most 2 us each before. On one thread no task is
/// overtaken. [`task`](Self::task) gives work another order.
///
/// # On a worker of the same pool
/// Work that a task submits to its own pool is a subtask. It needs no permit, because otherwise a
/// running task could wait for itself. It belongs to its task: when the task is not wanted any
/// more, neither is the subtask ([`TaskContext::is_cancelled`]).
///
/// A task may block on the future of such work: [`run`](Self::run), a [`JoinHandle`]. While another
/// worker is awake, the future stays pending, other workers run the work, and a `join!`, `select!`
/// or `timeout` around it works as on a thread of the runtime. Meanwhile another thread may start
/// in place of the one that waits, within `max_threads`. If all workers wait for such work, the
/// last one runs its own work within the poll, so a pool of one thread can wait for its own work; a
/// `timeout` does not interrupt that, and work that waits for another branch of the same task never
/// ends. A worker that waits runs no other work.
///
/// A future that is offloaded to the pool (`service::OffloadLayer`) is polled and not blocked on.
/// What it submits counts as work from outside: it takes a permit, and may be refused.
///
/// # Cooperation
/// The futures of the pool use the budget of the Tokio task that polls them. Without budget they
/// are pending until other tasks have had their turn. A task of the pool has no such budget, and
/// neither has a future that is offloaded to the pool.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
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

// The locks inside are never poisoned or left inconsistent by a panic, so no caller sees a
// half-changed value.
impl UnwindSafe for AdaptiveThreadPool {}
impl RefUnwindSafe for AdaptiveThreadPool {}

/// The last handle that is dropped closes the pool.
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
    /// Returns the configuration that the pool was built with.
    #[must_use]
    pub fn config(&self) -> &PoolConfig {
        &self.shared().config
    }

    /// Creates a buffer pool for the tasks of this pool. If the pool places its workers by NUMA
    /// node ([guide](crate::guide::numa)), a thread gets buffers whose pages are on the node on
    /// which it runs, and each goes back to the buffers of its node. The bounds of the
    /// configuration are divided among the nodes. Otherwise this is [`BufferPool::with_config`].
    ///
    /// # Errors
    /// A value is out of its range.
    ///
    /// ```
    /// use millpond::AdaptiveThreadPool;
    /// use millpond::memory::BufferPoolConfig;
    ///
    /// let pool = AdaptiveThreadPool::new();
    /// let buffers = pool.buffer_pool(BufferPoolConfig::default())?;
    /// assert!(buffers.take(1_000).is_empty());
    /// # Ok::<(), millpond::ConfigError>(())
    /// ```
    pub fn buffer_pool(&self, config: BufferPoolConfig) -> Result<BufferPool, ConfigError> {
        BufferPool::on_nodes(config, self.shared().bindings.nodes().clone())
    }

    /// Returns what the pool has done and what it does now. It takes a few hundred nanoseconds. The
    /// figures are read one after the other while the pool runs.
    #[must_use]
    pub fn statistics(&self) -> PoolStatistics {
        PoolStatistics::read(self.shared())
    }

    /// Returns what has lately gone wrong ([`RecentKind`]), the newest last.
    ///
    /// The pool keeps the last 32 events of each kind, whether or not anybody listens to its
    /// `tracing` events. It keeps at most 16 of a kind in a second and counts the others, so a
    /// flood of refusals stays cheap. Of a task an event holds its name, its tenant, and the
    /// message of its panic, and nothing else. The [guide](crate::guide::events) has an example.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use millpond::{AdaptiveThreadPool, RecentKind};
    ///
    /// let pool = AdaptiveThreadPool::new();
    /// let failed = pool.task().name("report").run(|| panic!("no paper")).await;
    /// assert!(failed.is_err_and(|error: millpond::JoinError| error.is_panic()));
    ///
    /// let events = pool.recent_events();
    /// assert_eq!((events[0].kind, events[0].detail.as_str()), (RecentKind::Panicked, "no paper"));
    /// assert_eq!(events[0].task.as_deref(), Some("report"));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn recent_events(&self) -> Vec<RecentEvent> {
        self.shared().events.recent()
    }

    /// Returns the pressure state, to be read (`borrow`) or watched (`changed().await`). It changes
    /// within the call, or at the start or end of the task, that causes the change.
    #[must_use]
    pub fn pressure(&self) -> watch::Receiver<Pressure> {
        self.shared().pressure.watch()
    }

    /// Returns the last decision on the number of threads, with its sample and reason; `None`
    /// before the first.
    ///
    /// The pool decides every `sampling_interval` while work waits that finds no free thread, and
    /// for a second after that. Each decision is also an [event](crate::guide::events).
    #[must_use]
    pub fn last_decision(&self) -> Option<Decision> {
        self.shared().scaling.last()
    }

    /// Returns what the forecast has learnt so far, to be saved for the next start; `None` for a
    /// pool without a forecast.
    #[cfg(feature = "forecast")]
    #[must_use]
    pub fn forecast_history(&self) -> Option<millpond_forecast::History> {
        self.shared().scaling.foresight.history()
    }

    /// Returns the time since the pool was built, by the pool's clock.
    #[cfg(feature = "dashboard")]
    pub(crate) fn age(&self) -> Duration {
        Duration::from_nanos(self.shared().now_ns())
    }

    /// Returns whether the pool takes no more work.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared().permits.is_closed()
    }

    /// Shuts the pool down for all its handles, and returns a report when all accepted work is done
    /// or `drain` has passed.
    ///
    /// The pool accepts no more work. It refuses callers who wait for a permit, and work beyond the
    /// limit of the queue ([`JoinError::Closed`](crate::JoinError::Closed)), and runs the other
    /// work that it has accepted. When `drain` has passed, it cancels waiting tasks
    /// ([`JoinError::Cancelled`](crate::JoinError::Cancelled)) and asks running tasks to stop
    /// ([`TaskContext::is_cancelled`]). The report waits neither for these nor for the drops of
    /// cancelled closures. When no task runs any more, it waits for up to 1 s until the worker
    /// threads are gone and their thread-locals are dropped
    /// ([`threads_remaining`](ShutdownReport::threads_remaining)).
    ///
    /// A thread of the pool keeps the deadline in real time: it needs no timer of the runtime, and
    /// a paused clock does not pause it. `Duration::MAX` waits without end. A second call waits for
    /// the end too; the earliest deadline counts.
    ///
    /// # From a task of the pool
    /// A task that blocks on the shutdown of its own pool waits until the deadline. With
    /// `Duration::MAX` the call closes the pool and returns at once, with a report that counts the
    /// task in [`still_running`](ShutdownReport::still_running); the work that was accepted is run
    /// all the same. Two tasks of two pools, each of which blocks on the shutdown of the other
    /// pool, do wait without end.
    ///
    /// # Cancel safety
    /// The first poll of the future closes the pool. Dropping the future later neither reopens the
    /// pool nor removes the deadline.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
        self.shared().end(drain, Duration::ZERO).await
    }

    /// Shuts the pool down as [`shutdown`](Self::shutdown) does, without running the work that
    /// waits: cancels it, asks running tasks to stop, and waits up to `grace` (real time) for them
    /// to end. `Duration::MAX` waits without end, except from a task of the pool itself: there the
    /// call returns once the waiting work is cancelled.
    ///
    /// # Cancel safety
    /// The first poll of the future closes the pool and has the waiting work cancelled. Dropping
    /// the future later undoes neither.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use millpond::{AdaptiveThreadPool, TaskContext};
    ///
    /// let pool = AdaptiveThreadPool::new();
    /// let cancelled = || TaskContext::current().is_some_and(|task| task.is_cancelled());
    /// let task = pool.spawn(move || while !cancelled() {}).await?;
    /// let report = pool.cancel_and_wait(Duration::from_secs(5)).await;
    /// assert_eq!((report.still_running, report.threads_remaining), (0, 0));
    /// # drop(task); Ok(()) }
    /// ```
    pub async fn cancel_and_wait(&self, grace: Duration) -> ShutdownReport {
        self.shared().end(Duration::ZERO, grace).await
    }

    /// Registers `prepare`, which is called with the number of threads that are foreseen; see
    /// [`Foresight`](scaling::foresight::Foresight::tell).
    pub(crate) fn on_foreseen(&self, prepare: impl FnMut(usize) -> bool + Send + 'static) {
        self.shared().scaling.foresight.tell(Box::new(prepare));
    }

    /// Returns whether the queue has a free permit now. The next caller may find it taken.
    pub(crate) fn has_room(&self) -> bool {
        self.shared().permits.available() > 0
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }
}
