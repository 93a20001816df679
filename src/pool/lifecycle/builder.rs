//! Builds pools.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use std::{io, thread};

use crate::config::{PoolConfig, RuntimeContext, Shedding, WorkerPinning, WorkerPlacement};
#[cfg(feature = "forecast")]
use crate::error::ConfigError;
use crate::error::{BuildError, or_panic};
use crate::pool::AdaptiveThreadPool;
use crate::pool::Handle;
use crate::pool::lifecycle::hooks::Hooks;
use crate::pool::propagate::Propagate;
use crate::pool::runtime::SubmittersRuntime;
use crate::pool::scaling::foresight::Foresight;
use crate::pool::shared::Shared;
use crate::pool::test_hooks::{Plan, TestHooks};
use crate::pool::threads::bindings::Bindings;
use crate::topology::Topology;
#[cfg(feature = "forecast")]
use millpond_forecast::Forecast;

/// Configures a pool step by step: every field of [`PoolConfig`], and the hooks.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = millpond::AdaptiveThreadPool::builder().max_threads(4).max_queue_size(256).thread_name("render").build()?;
/// assert_eq!(pool.run(|| std::thread::current().name().map(String::from)).await?.as_deref(), Some("render-0"));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct PoolBuilder {
    config: PoolConfig,
    hooks: Hooks,
    propagate: Vec<Propagated>,
    #[cfg(feature = "forecast")]
    forecast: Option<Forecast>,
    topology: Option<Topology>,
    pub(in crate::pool) test_plan: Plan,
}

#[derive(Clone)]
struct Propagated(Arc<dyn Propagate>);

impl std::fmt::Debug for Propagated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Propagate")
    }
}

impl From<PoolConfig> for PoolBuilder {
    fn from(config: PoolConfig) -> Self {
        Self { config, ..Self::default() }
    }
}

impl PoolBuilder {
    /// Sets [`PoolConfig::min_threads`].
    pub fn min_threads(mut self, threads: usize) -> Self {
        self.config.min_threads = threads;
        self
    }

    /// Sets [`PoolConfig::max_threads`].
    pub fn max_threads(mut self, threads: usize) -> Self {
        self.config.max_threads = threads;
        self
    }

    /// Sets [`PoolConfig::max_blocked_threads`].
    pub fn max_blocked_threads(mut self, threads: usize) -> Self {
        self.config.max_blocked_threads = threads;
        self
    }

    /// Sets [`PoolConfig::max_queue_size`].
    pub fn max_queue_size(mut self, tasks: usize) -> Self {
        self.config.max_queue_size = tasks;
        self
    }

    /// Sets [`PoolConfig::backpressure_threshold`].
    pub fn backpressure_threshold(mut self, load_factor: f64) -> Self {
        self.config.backpressure_threshold = load_factor;
        self
    }

    /// Sets [`PoolConfig::idle_timeout`].
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.config.idle_timeout = timeout;
        self
    }

    /// Sets [`PoolConfig::sampling_interval`].
    pub fn sampling_interval(mut self, interval: Duration) -> Self {
        self.config.sampling_interval = interval;
        self
    }

    /// Sets [`PoolConfig::numa_aware`].
    pub fn numa_aware(mut self, yes: bool) -> Self {
        self.config.numa_aware = yes;
        self
    }

    /// Sets [`PoolConfig::worker_placement`].
    pub fn worker_placement(mut self, placement: WorkerPlacement) -> Self {
        self.config.worker_placement = placement;
        self
    }

    /// Sets [`PoolConfig::worker_pinning`].
    pub fn worker_pinning(mut self, pinning: WorkerPinning) -> Self {
        self.config.worker_pinning = pinning;
        self
    }

    /// Places workers as on this machine, instead of the one that the system describes: for tests,
    /// and for systems that describe themselves wrongly. It needs the feature `numa` and
    /// [`numa_aware`](Self::numa_aware). A worker that can't be bound where it belongs is not bound.
    pub fn topology(mut self, machine: impl Into<Option<Topology>>) -> Self {
        self.topology = machine.into();
        self
    }

    /// Sets [`PoolConfig::warm_up`].
    pub fn warm_up(mut self, yes: bool) -> Self {
        self.config.warm_up = yes;
        self
    }

    /// Sets [`PoolConfig::worker_niceness`].
    pub fn worker_niceness(mut self, niceness: u8) -> Self {
        self.config.worker_niceness = niceness;
        self
    }

    /// Sets [`PoolConfig::runtime_context`].
    pub fn runtime_context(mut self, context: RuntimeContext) -> Self {
        self.config.runtime_context = context;
        self
    }

    /// Sets [`PoolConfig::worker_slice`]; `None` unsets it.
    pub fn worker_slice(mut self, slice: impl Into<Option<Duration>>) -> Self {
        self.config.worker_slice = slice.into();
        self
    }

    /// Sets [`PoolConfig::yield_interval`]; `None` unsets it.
    pub fn yield_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.config.yield_interval = interval.into();
        self
    }

    /// Sets [`PoolConfig::max_wake_delay`].
    pub fn max_wake_delay(mut self, delay: Duration) -> Self {
        self.config.max_wake_delay = delay;
        self
    }

    /// Sets [`PoolConfig::reservation_timeout`].
    pub fn reservation_timeout(mut self, timeout: Duration) -> Self {
        self.config.reservation_timeout = timeout;
        self
    }

    /// Sets [`PoolConfig::max_running_per_tenant`]; `None` unsets it.
    pub fn max_running_per_tenant(mut self, tasks: impl Into<Option<usize>>) -> Self {
        self.config.max_running_per_tenant = tasks.into();
        self
    }

    /// Sets [`PoolConfig::tenant_queue_share`].
    pub fn tenant_queue_share(mut self, part: f64) -> Self {
        self.config.tenant_queue_share = part;
        self
    }

    /// Sets [`PoolConfig::byte_budget`]; `None` unsets it.
    pub fn byte_budget(mut self, bytes: impl Into<Option<usize>>) -> Self {
        self.config.byte_budget = bytes.into();
        self
    }

    /// Sets [`PoolConfig::shedding`].
    pub fn shedding(mut self, shedding: Shedding) -> Self {
        self.config.shedding = shedding;
        self
    }

    /// Sets [`PoolConfig::slow_task`]; `None` unsets it.
    pub fn slow_task(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.config.slow_task = limit.into();
        self
    }

    /// Sets [`PoolConfig::long_wait`]; `None` unsets it.
    pub fn long_wait(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.config.long_wait = limit.into();
        self
    }

    /// Sets [`PoolConfig::task_spans`].
    pub fn task_spans(mut self, yes: bool) -> Self {
        self.config.task_spans = yes;
        self
    }

    /// Sets [`PoolConfig::thread_name`].
    pub fn thread_name(mut self, name: impl Into<String>) -> Self {
        self.config.thread_name = name.into();
        self
    }

    /// Sets [`PoolConfig::thread_stack_size`]; `None` unsets it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// fn depth(left: usize) -> usize {
    ///     let frame = std::hint::black_box([0_u8; 1024]);
    ///     if left == 0 { frame.len() } else { depth(left - 1) }
    /// }
    ///
    /// let pool = millpond::AdaptiveThreadPool::builder().thread_stack_size(32 << 20).build()?;
    /// assert_eq!(pool.run(|| depth(4_000)).await?, 1024);
    /// # Ok(()) }
    /// ```
    pub fn thread_stack_size(mut self, bytes: impl Into<Option<usize>>) -> Self {
        self.config.thread_stack_size = bytes.into();
        self
    }

    /// Carries a part of the submitter's context, such as a task-local, to every task and its
    /// subtasks. Several calls add up. The pool always carries the `tracing` span. Each call costs
    /// a task one or two allocations.
    ///
    /// A task whose submitter had no such context has none. There is one exception: a task that
    /// runs on top of another task, which waits for it, sees the context of that task.
    pub fn propagate(mut self, what: impl Propagate) -> Self {
        self.propagate.push(Propagated(Arc::new(what)));
        self
    }

    /// Starts threads before load that is foreseen. The pool starts as many threads as the forecast
    /// asks for, within `max_threads`, whatever the reactive rules decide. The forecast never
    /// removes a thread. It asks for none where its error is no smaller than that of the assumption
    /// that the load stays as it is. `None` unsets it.
    ///
    /// A pool with a forecast takes a sample every `sampling_interval`, idle or not. A sample takes
    /// 10 to 30 us for ten idle workers, and about 30 us more for each worker that is busy with
    /// long tasks. [`build`](Self::build) refuses a forecast whose steps are shorter than that
    /// interval, because it would see only gaps.
    ///
    /// ```
    /// use millpond::AdaptiveThreadPool;
    /// use millpond::scaling::{Forecast, ForecastConfig};
    ///
    /// let forecast = Forecast::new(ForecastConfig::default())?; // or `with_history`, from the last run
    /// let pool = AdaptiveThreadPool::builder().forecast(forecast).build()?;
    /// // At the end, to be saved with serde:
    /// let history = pool.forecast_history();
    /// assert!(history.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "forecast")]
    pub fn forecast(mut self, forecast: impl Into<Option<Forecast>>) -> Self {
        self.forecast = forecast.into();
        self
    }

    /// Sets a hook that every worker thread calls before its first task. A panic of the hook is
    /// reported and otherwise ignored.
    pub fn on_thread_start(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.hooks.thread_start = Some(Arc::new(hook));
        self
    }

    /// Sets a hook that every worker thread calls after its last task. A panic of the hook is
    /// reported and otherwise ignored.
    pub fn on_thread_stop(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.hooks.thread_stop = Some(Arc::new(hook));
        self
    }

    /// Replaces how worker threads are started. The handler gets a builder with the thread's name,
    /// and the thread's body. It must run the body on a new thread, or return an error. Threads
    /// that submit work call the handler, and threads of the pool do. While the handler blocks, its
    /// thread is missing; deadlines are still kept. The report of a shutdown waits until the bodies
    /// have returned, and not until the thread-locals are dropped, because the pool can't join
    /// these threads ([`threads_remaining`](crate::ShutdownReport::threads_remaining)).
    ///
    /// ```
    /// let pool = millpond::AdaptiveThreadPool::builder()
    ///     .spawn_handler(|thread, body| thread.stack_size(8 << 20).spawn(body).map(drop))
    ///     .build()?;
    /// # drop(pool); Ok::<(), millpond::BuildError>(())
    /// ```
    pub fn spawn_handler<H>(mut self, handler: H) -> Self
    where
        H: Fn(thread::Builder, Box<dyn FnOnce() + Send + 'static>) -> io::Result<()> + Send + Sync + 'static,
    {
        self.hooks.spawn = Some(Arc::new(handler));
        self
    }

    /// Builds the pool and starts its first `min_threads` threads. Unless `warm_up` is off, it
    /// blocks until they run, which takes well under 1 ms for each.
    ///
    /// # Errors
    /// A value is out of its range, or the operating system refused one of the threads: the first
    /// `min_threads`, and with a [`forecast`](Self::forecast) the timer thread.
    ///
    /// A pool without a forecast starts its timer thread later, when it is first needed (for a
    /// deadline, a reservation, a deferred wake-up, a shutdown, or work that waits while no worker
    /// is free). If it is refused then, the pool logs that as a warning and continues, and the next
    /// call that needs the thread asks again, after 1 s at the earliest. Until then deadlines pass
    /// late, reservations do not lapse, no wake-up is deferred and blocked workers are not seen.
    pub fn build(self) -> Result<AdaptiveThreadPool, BuildError> {
        self.config.validate()?;
        #[cfg(feature = "forecast")]
        if let Some(forecast) = &self.forecast {
            forecast.check_interval(self.config.sampling_interval).map_err(ConfigError::from)?;
        }
        let (bindings, layout) = Bindings::new(&self.config, self.topology);
        let mut hooks = self.hooks;
        let asked_for = self.propagate.into_iter().map(|propagated| propagated.0);
        let threads = self.config.min_threads;
        let wait = self.config.warm_up;
        #[cfg(feature = "forecast")]
        let foresight = Foresight::new(self.forecast);
        #[cfg(not(feature = "forecast"))]
        let foresight = Foresight::default();
        let shared = Arc::new_cyclic(|pool| {
            let test_hooks = TestHooks::new(self.test_plan, pool);
            let runtime = self.config.runtime_context == RuntimeContext::Submitter;
            let runtime = runtime.then(|| Arc::new(SubmittersRuntime) as Arc<dyn Propagate>);
            // The runtime comes before the rest, so that the rest is dropped in it.
            let all = test_hooks.propagates().into_iter().chain(runtime).chain(asked_for);
            hooks.propagate = all.collect();
            Shared::new(self.config, hooks, foresight, test_hooks, (bindings, layout))
        });
        // From here on an early return drops the handle, which closes the pool.
        let pool = AdaptiveThreadPool { handle: Arc::new(Handle { shared }) };
        let (ready, up) = mpsc::sync_channel(threads);
        for _ in 0..threads {
            if pool.shared().idle.enlist(|_| true) {
                pool.shared().start_enlisted(Some(ready.clone())).map_err(BuildError::Spawn)?;
            }
        }
        drop(ready);
        if pool.shared().scaling.foresight.learns() {
            pool.shared().require_timer_thread().map_err(BuildError::Timer)?;
        }
        if wait {
            // This ends when every thread has reported or has ended.
            up.iter().take(threads).for_each(drop);
        }
        Ok(pool)
    }
}

impl UnwindSafe for PoolBuilder {}
impl RefUnwindSafe for PoolBuilder {}

impl AdaptiveThreadPool {
    /// Builds a pool with the default configuration.
    ///
    /// # Panics
    /// The operating system refused the first thread. [`try_new`](Self::try_new) returns that as an
    /// error.
    #[allow(clippy::new_without_default, reason = "it starts threads, which a default value should not")]
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        or_panic(Self::try_new())
    }

    /// Builds a pool with this configuration.
    ///
    /// # Panics
    /// A value is out of its range, or the operating system refused one of the first `min_threads`
    /// threads. The panic has the error's text. [`try_with_config`](Self::try_with_config) returns
    /// it as an error.
    #[must_use]
    #[track_caller]
    pub fn with_config(config: PoolConfig) -> Self {
        or_panic(Self::try_with_config(config))
    }

    /// Builds a pool with the default configuration.
    ///
    /// # Errors
    /// The operating system refused the first thread.
    pub fn try_new() -> Result<Self, BuildError> {
        Self::builder().build()
    }

    /// Builds a pool with this configuration.
    ///
    /// # Errors
    /// A value is out of its range, or the operating system refused one of the first `min_threads`
    /// threads.
    pub fn try_with_config(config: PoolConfig) -> Result<Self, BuildError> {
        PoolBuilder::from(config).build()
    }

    /// Returns a builder that configures a pool step by step.
    pub fn builder() -> PoolBuilder {
        PoolBuilder::default()
    }
}
