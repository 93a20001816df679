//! Builds pools.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use std::{io, thread};

use crate::config::{PoolConfig, RuntimeContext, Shedding, WorkerPinning, WorkerPlacement, setters};
#[cfg(feature = "forecast")]
use crate::error::ConfigError;
use crate::error::{BuildError, or_panic};
use crate::pool::lifecycle::hooks::Hooks;
#[cfg(feature = "test-util")]
use crate::pool::lifecycle::tested_pool::{HookedPool, TestPlan};
use crate::pool::propagate::Propagate;
use crate::pool::runtime::SubmittersRuntime;
use crate::pool::scaling::foresight::Foresight;
use crate::pool::shared::Shared;
use crate::pool::test_hooks::TestHooks;
use crate::pool::threads::bindings::Bindings;
use crate::pool::{AdaptiveThreadPool, Handle};
use crate::topology::Topology;
#[cfg(feature = "forecast")]
use millpond_forecast::Forecast;

/// Configures a pool step by step: every field of [`PoolConfig`], and the hooks.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = millpond::AdaptiveThreadPool::builder().max_threads(4).max_queue_size(256).thread_name("render").build()?;
/// assert_eq!(pool.run(|| std::thread::current().name().map(String::from)).await?.as_deref(), Some("render-0"));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct PoolBuilder {
    config: PoolConfig,
    hooks: Hooks,
    #[cfg(feature = "forecast")]
    forecast: Option<Forecast>,
    topology: Option<Topology>,
    #[cfg(feature = "test-util")]
    test_plan: Option<Arc<dyn TestPlan>>,
}

impl From<PoolConfig> for PoolBuilder {
    fn from(config: PoolConfig) -> Self {
        Self { config, ..Self::default() }
    }
}

impl PoolBuilder {
    setters! {
        PoolConfig;
        values {
            min_threads: usize,
            max_threads: usize,
            max_blocked_threads: usize,
            max_queue_size: usize,
            backpressure_threshold: f64,
            idle_timeout: Duration,
            sampling_interval: Duration,
            numa_aware: bool,
            worker_placement: WorkerPlacement,
            worker_pinning: WorkerPinning,
            warm_up: bool,
            worker_niceness: u8,
            runtime_context: RuntimeContext,
            max_wake_delay: Duration,
            reservation_timeout: Duration,
            tenant_queue_share: f64,
            shedding: Shedding,
            task_spans: bool,
        }
        options {
            worker_slice: Duration,
            yield_interval: Duration,
            max_running_per_tenant: usize,
            byte_budget: usize,
            slow_task: Duration,
            long_wait: Duration,
            thread_stack_size: usize,
        }
    }

    /// Sets [`PoolConfig::thread_name`].
    pub fn thread_name(mut self, name: impl Into<String>) -> Self {
        self.config.thread_name = name.into();
        self
    }

    /// Places workers as on this machine, instead of the one that the system describes: for tests,
    /// and for systems that describe themselves wrongly. It needs the feature `numa` and
    /// [`numa_aware`](Self::numa_aware). A worker that can't be bound where it belongs is not bound.
    pub fn topology(mut self, machine: impl Into<Option<Topology>>) -> Self {
        self.topology = machine.into();
        self
    }

    /// Carries a part of the submitter's context, such as a task-local, to every task and its
    /// subtasks. Several calls add up; each costs a task one or two allocations. The pool always
    /// carries the `tracing` span. A task whose submitter had no such context has none, unless it
    /// runs on top of another task, which waits for it: then it sees the context of that task.
    pub fn propagate(mut self, what: impl Propagate) -> Self {
        self.hooks.propagate.push(Arc::new(what));
        self
    }

    /// Starts threads before load that is foreseen: as many as the forecast asks for, within
    /// `max_threads`, whatever the reactive rules decide. The forecast never removes a thread. It
    /// asks for none where its error is no smaller than that of the assumption that the load stays
    /// as it is. `None` unsets it. The [guide](crate::guide::scaling) has an example.
    ///
    /// A pool with a forecast takes a sample every `sampling_interval`, idle or not, in 10 to 30 us
    /// for ten idle workers, and about 30 us more for each worker that is busy with long tasks.
    /// [`build`](Self::build) refuses a forecast whose steps are shorter than that interval.
    ///
    /// ```
    /// use millpond::AdaptiveThreadPool;
    /// use millpond::scaling::{Forecast, ForecastConfig};
    ///
    /// // Or `with_history`, from the last run.
    /// let forecast = Forecast::new(ForecastConfig::default())?;
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

    /// Sets a hook that every worker thread calls after its last task, with panics treated as in
    /// [`on_thread_start`](Self::on_thread_start).
    pub fn on_thread_stop(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.hooks.thread_stop = Some(Arc::new(hook));
        self
    }

    /// Replaces how worker threads are started. The handler gets a builder with the thread's name,
    /// and the thread's body. It must run the body on a new thread, or return an error. Threads
    /// that submit work call the handler, and threads of the pool do. While the handler blocks, its
    /// thread is missing; deadlines are still kept. The pool can't join these threads
    /// ([`threads_remaining`](crate::ShutdownReport::threads_remaining)).
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
    /// A pool without a forecast starts its timer thread when it is first needed (for a deadline, a
    /// reservation, a deferred wake-up, a shutdown, or work that waits while no worker is free). If
    /// it is refused then, the pool logs a warning, and the next call that needs the thread asks
    /// again, after 1 s at the earliest. Until then deadlines pass late, reservations do not lapse,
    /// no wake-up is deferred and blocked workers are not seen.
    pub fn build(self) -> Result<AdaptiveThreadPool, BuildError> {
        self.config.validate()?;
        #[cfg(feature = "forecast")]
        if let Some(forecast) = &self.forecast {
            forecast.check_interval(self.config.sampling_interval).map_err(ConfigError::from)?;
        }
        let (threads, wait) = (self.config.min_threads, self.config.warm_up);
        // From here on an early return drops the handle, which closes the pool.
        let pool = AdaptiveThreadPool { handle: Arc::new(Handle { shared: self.share() }) };
        let shared = pool.shared();
        let (ready, up) = mpsc::sync_channel(threads);
        for _ in 0..threads {
            if shared.idle.enlist(|_| true) {
                shared.start_enlisted(Some(ready.clone())).map_err(BuildError::Spawn)?;
            }
        }
        drop(ready);
        if shared.scaling.foresight.learns() {
            shared.require_timer_thread().map_err(BuildError::Timer)?;
        }
        if wait {
            // This ends when every thread has reported or has ended.
            up.iter().take(threads).for_each(drop);
        }
        Ok(pool)
    }

    /// Makes the state of the pool.
    fn share(self) -> Arc<Shared> {
        let Self { config, mut hooks, topology, .. } = self;
        let placed = Bindings::new(&config, topology);
        #[cfg(feature = "forecast")]
        let foresight = Foresight::new(self.forecast);
        #[cfg(not(feature = "forecast"))]
        let foresight = Foresight::default();
        // The runtime comes before the rest, so that the rest is dropped in it.
        if config.runtime_context == RuntimeContext::Submitter {
            hooks.propagate.insert(0, Arc::new(SubmittersRuntime));
        }
        Arc::new_cyclic(|_pool| {
            #[cfg(not(feature = "test-util"))]
            let test_hooks = TestHooks::default();
            #[cfg(feature = "test-util")]
            let test_hooks = {
                let control = self.test_plan.map(|plan| plan.control(HookedPool::new(_pool)));
                let first = control.iter().flat_map(|control| control.propagates());
                hooks.propagate = first.chain(hooks.propagate).collect();
                TestHooks::new(control)
            };
            Shared::new(config, hooks, foresight, test_hooks, placed)
        })
    }

    #[cfg(feature = "test-util")]
    pub(crate) fn test_plan(&self) -> Option<&dyn TestPlan> {
        self.test_plan.as_deref()
    }

    #[cfg(feature = "test-util")]
    pub(crate) fn with_test_plan(mut self, plan: Arc<dyn TestPlan>) -> Self {
        self.test_plan = Some(plan);
        self
    }
}

impl UnwindSafe for PoolBuilder {}
impl RefUnwindSafe for PoolBuilder {}

impl AdaptiveThreadPool {
    /// Builds a pool as [`try_new`](Self::try_new) does.
    ///
    /// # Panics
    /// Where that returns an error, with its text.
    #[allow(clippy::new_without_default, reason = "it starts threads, which a default value should not")]
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        or_panic(Self::try_new())
    }

    /// Builds a pool as [`try_with_config`](Self::try_with_config) does.
    ///
    /// # Panics
    /// Where that returns an error, with its text.
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
