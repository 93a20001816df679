//! The configuration of a pool.

use std::fmt;
use std::time::Duration;

use crate::error::{ConfigError, names};
use crate::topology::usable_cores;

/// The size and the limits of a pool.
///
/// [`PoolBuilder`](crate::PoolBuilder) has a method for each field, and for the hooks, which are
/// not plain values.
///
/// ```
/// let config = millpond::PoolConfig { min_threads: 0, ..Default::default() };
/// assert_eq!(config.validate().unwrap_err().field, "min_threads");
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
pub struct PoolConfig {
    /// Threads that are always there. Default 1; accepted 1 to `max_threads`.
    pub min_threads: usize,
    /// The limit of threads. Default: twice the cores that the process may use (affinity and cgroup
    /// quota are respected); accepted `min_threads` to 1,024.
    ///
    /// The pool starts threads above `min_threads` while work waits and no worker is free: up to
    /// one for each usable core at once, and more only as far as threads are blocked in their
    /// tasks. A limit above the number of cores leaves room for those: ten times the cores for
    /// tasks that wait 90 % of their time. See also
    /// [`max_blocked_threads`](Self::max_blocked_threads).
    pub max_threads: usize,
    /// The number of workers beyond `max_threads` that may be started in the place of blocked ones.
    /// Default 32; accepted 0 to 1,024; 0: none.
    ///
    /// Such a worker starts only if there are `max_threads` workers, all of them have been blocked
    /// for a `sampling_interval`, and work waits. So two pools that wait for each other, or tasks
    /// that wait for async code which waits for this pool, make progress. It leaves when it has no
    /// work. No more than `max_threads` workers run while the others are blocked; when blocked
    /// workers go on, it can be more until a task has ended. Declared sections
    /// ([`block_in_place`](crate::TaskContext::block_in_place)) count as blocked. The pool sees
    /// other blocked workers on Linux only.
    ///
    /// Each such worker costs about 4 KB while it is not there. Set 0 if `max_threads` must bound
    /// the tasks that have begun, blocked ones among them, as where tasks wait for connections of a
    /// bounded set.
    pub max_blocked_threads: usize,
    /// Accepted tasks that may wait for their start; there are as many permits. Default 10,000;
    /// accepted 1 to 2^30.
    pub max_queue_size: usize,
    /// The load factor from which on the pool is saturated. With a full queue it always is. Default
    /// 0.8; accepted over 0 to 1.
    pub backpressure_threshold: f64,
    /// How long a worker above `min_threads` sleeps before it leaves. Default 60 s; accepted 1 ms
    /// to 1 day.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub idle_timeout: Duration,
    /// The time between two decisions on the number of threads, while work waits that finds no free
    /// thread. It is also the pause after the system refused a thread, before the pool asks for
    /// another. Default 100 ms; accepted 1 ms to 1 minute.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub sampling_interval: Duration,
    /// Whether to place workers and memory by NUMA node. Default: true on Linux. It needs the
    /// feature `numa` and several usable nodes; otherwise `true` changes nothing, which is logged
    /// once at info level. See the [guide](crate::guide::numa).
    pub numa_aware: bool,
    /// Which node each worker is on, if workers are placed. Default [`WorkerPlacement::Spread`].
    pub worker_placement: WorkerPlacement,
    /// The cores that a worker is bound to, if workers are placed. Default [`WorkerPinning::Node`].
    pub worker_pinning: WorkerPinning,
    /// Whether building the pool waits until its first threads run and have touched their stack and
    /// heap, so that the first task need not wait for that. Default true.
    pub warm_up: bool,
    /// The niceness of the workers, and of the threads and processes that tasks start. Default 0:
    /// an equal share of the cores with other threads; accepted 0 to 19. Above 0 the async runtime,
    /// and every other program, goes first where cores are short, and tasks take longer under load
    /// ([figures](crate::guide::performance)); a worker that was preempted while it holds a lock
    /// makes the runtime wait for that lock. If it can't be set (not Linux, or no permission), the
    /// pool logs that once and continues.
    pub worker_niceness: u8,
    /// The Tokio runtime in which tasks run. Default [`RuntimeContext::Shared`].
    pub runtime_context: RuntimeContext,
    /// The time slice of the workers. The longer it is, the sooner the kernel runs a thread that is
    /// woken on a worker's core, at equal shares. Default 10 ms; accepted 0.1 to 100 ms; `None`:
    /// the kernel's own. It needs Linux 6.12. Elsewhere, or where the call is forbidden, the pool
    /// logs that once and continues. [`time_slice`](crate::time_slice) sets the slice of other
    /// threads.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub worker_slice: Option<Duration>,
    /// How long a worker runs tasks before it yields its core to waiting threads (`sched_yield`),
    /// between two tasks, so that the handlers of an async runtime run in time beside a busy pool
    /// ([figures](crate::guide::performance)). Default 200 us; accepted 1 us to 1 s; `None`: never.
    /// A worker that has to wait for its core, because other programs compute on it, yields less
    /// often.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub yield_interval: Option<Duration>,
    /// The longest time that the pool may defer the wake-up of a caller whose task is done, to wake
    /// several callers together. Default 4 ms; accepted 0 to 100 ms; zero: every caller is woken at
    /// once.
    ///
    /// A worker defers wake-ups only where many tasks wait: at least 8 when it begins, and then
    /// about as many as it has deferred. The delay is 0.2 ms, or a sixteenth of the time that the
    /// task has waited if that is longer, and never more than this bound. Above a task length of
    /// 0.2 ms the bound shrinks in proportion; with the default, wake-ups of tasks over 0.6 ms are
    /// never deferred. Wake-ups of urgent work never are, whatever the bound: work whose priority
    /// is [`Interactive`](crate::Priority::Interactive), or whose deadline is nearer than 20 times
    /// the bound. The first caller that is woken wakes the others at its next poll.
    ///
    /// This raises throughput, because waking a caller can cost more than a short task and can take
    /// the core from the worker ([figures](crate::guide::decisions::d0025)). It costs each deferred
    /// caller the delay, and never more than the bound plus the 2 ms after which the pool's timer
    /// thread sends overdue wake-ups.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub max_wake_delay: Duration,
    /// How long a permit that was granted to an [`acquire`](crate::AdaptiveThreadPool::acquire) may
    /// stay unused before others may have its place. Default 1 s; accepted 1 ms to 1 day. See
    /// [`Permit`](crate::Permit).
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub reservation_timeout: Duration,
    /// How many tasks of one tenant may run at a time. Further tasks wait in the queue, in their
    /// order, and delay no other tenant's. Tasks that name no tenant are not limited, nor are
    /// subtasks. Default `None`: as many as there are threads; accepted from 1 on.
    pub max_running_per_tenant: Option<usize>,
    /// The part of the queue that one tenant's waiting tasks may take of what others leave free, so
    /// that there is always room for another tenant. Default 0.5: one tenant alone may have half of
    /// the places, two may have a third each. Accepted over 0 to 1.
    pub tenant_queue_share: f64,
    /// Bytes that labelled tasks may hold together, while they wait and while they run. A task
    /// states its number of bytes with [`TaskOptions::bytes`](crate::TaskOptions::bytes); the
    /// processor states that of its documents. Default `None`: no limit; accepted from 1 on.
    pub byte_budget: Option<usize>,
    /// What the pool does when labelled work waits too long. Default: nothing.
    pub shedding: Shedding,
    /// A task that runs for longer is slow: the pool emits an event of `tracing`, at warn level and
    /// at most once in a second, and keeps it in
    /// [`recent_events`](crate::AdaptiveThreadPool::recent_events). The time counts from the start
    /// to the end of the task, waits included, without tasks that it runs within its own. Default
    /// 1 s; accepted 1 us to 1 day; `None`: never.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub slow_task: Option<Duration>,
    /// A labelled task that waits for longer until it starts has waited long: the pool emits an
    /// event and keeps it, as for `slow_task`. Plain tasks are not timed while they wait. Default
    /// 1 s; accepted 1 us to 1 day; `None`: never.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub long_wait: Option<Duration>,
    /// Whether tasks without a [name](crate::TaskOptions::name) have `tracing` spans too: `submit`,
    /// `queued` and `run`. Default false: they run in the span of their submitter.
    pub task_spans: bool,
    /// The name of the threads; each thread adds its number. Default `millpond`.
    pub thread_name: String,
    /// The size of a worker's stack, in bytes. Default `None`: that of the standard library, which
    /// is 2 MiB unless the environment variable `RUST_MIN_STACK` says otherwise; accepted 128 KiB
    /// to 1 GiB. The stack takes memory only as far as it was used. A
    /// [`spawn_handler`](crate::PoolBuilder::spawn_handler) finds it in the builder that it gets.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// fn depth(left: usize) -> usize {
    ///     let frame = std::hint::black_box([0_u8; 1024]);
    ///     if left == 0 { frame.len() } else { depth(left - 1) }
    /// }
    ///
    /// let pool = millpond::AdaptiveThreadPool::builder().thread_stack_size(32 << 20).build()?;
    /// assert_eq!(pool.run(|| depth(4_000)).await?, 1024);
    /// # Ok(()) }
    /// ```
    pub thread_stack_size: Option<usize>,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            min_threads: 1,
            max_threads: 2 * usable_cores(),
            max_blocked_threads: 32,
            max_queue_size: 10_000,
            backpressure_threshold: 0.8,
            idle_timeout: Duration::from_secs(60),
            sampling_interval: Duration::from_millis(100),
            numa_aware: cfg!(target_os = "linux"),
            worker_placement: WorkerPlacement::Spread,
            worker_pinning: WorkerPinning::Node,
            warm_up: true,
            worker_niceness: 0,
            runtime_context: RuntimeContext::Shared,
            worker_slice: Some(Duration::from_millis(10)),
            yield_interval: Some(Duration::from_micros(200)),
            max_wake_delay: Duration::from_millis(4),
            reservation_timeout: Duration::from_secs(1),
            max_running_per_tenant: None,
            tenant_queue_share: 0.5,
            byte_budget: None,
            shedding: Shedding::Off,
            slow_task: Some(Duration::from_secs(1)),
            long_wait: Some(Duration::from_secs(1)),
            task_spans: false,
            thread_name: String::from("millpond"),
            thread_stack_size: None,
        }
    }
}

impl PoolConfig {
    /// Returns the number of workers that there may be at most.
    pub(crate) fn most_workers(&self) -> usize {
        self.max_threads + self.max_blocked_threads
    }

    /// Checks every field.
    ///
    /// # Errors
    /// The first field that is out of its range, with its value and the accepted range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        const MS: Duration = Duration::from_millis(1);
        const US: Duration = Duration::from_micros(1);

        // A census counts workers in 16 bits, and machines have fewer cores than this.
        check(self.max_threads, "max_threads", 1, 1024)?;
        if self.min_threads == 0 || self.min_threads > self.max_threads {
            let accepted = format!("1 to max_threads ({})", self.max_threads);
            return Err(ConfigError::new("min_threads", self.min_threads, accepted));
        }
        check(self.max_blocked_threads, "max_blocked_threads", 0, 1024)?;
        check(self.max_queue_size, "max_queue_size", 1, 1 << 30)?;
        check_part(self.backpressure_threshold, "backpressure_threshold")?;
        check(self.idle_timeout, "idle_timeout", MS, DAY)?;
        check(self.sampling_interval, "sampling_interval", MS, Duration::from_secs(60))?;
        check(self.worker_niceness, "worker_niceness", 0, 19)?;
        check_some(self.worker_slice, "worker_slice", millpond_slice::SHORTEST, millpond_slice::LONGEST)?;
        check_some(self.yield_interval, "yield_interval", US, Duration::from_secs(1))?;
        check(self.max_wake_delay, "max_wake_delay", Duration::ZERO, Duration::from_millis(100))?;
        check(self.reservation_timeout, "reservation_timeout", MS, DAY)?;
        check_not_zero(self.max_running_per_tenant, "max_running_per_tenant")?;
        check_not_zero(self.byte_budget, "byte_budget")?;
        check_part(self.tenant_queue_share, "tenant_queue_share")?;
        check_some(self.slow_task, "slow_task", US, DAY)?;
        check_some(self.long_wait, "long_wait", US, DAY)?;
        if self.thread_name.contains('\0') {
            return Err(ConfigError::new("thread_name", &self.thread_name, "free of NUL characters"));
        }
        check_some(self.thread_stack_size, "thread_stack_size", 128 << 10, 1 << 30)
    }
}

/// What a pool does in an overload. A pool is overloaded while the *minimum* queueing delay stays
/// above 5 ms for 100 ms (CoDel); instead of 5 ms, the time of a task divided by the cores applies
/// if that is more.
///
/// It applies to work that is submitted with [`task`](crate::AdaptiveThreadPool::task).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Shedding {
    /// The pool sheds nothing. Callers wait, or are refused when the queue is full.
    #[default]
    Off,
    /// The pool refuses new bulk work. It also refuses waiting work instead of starting it, if that
    /// work has waited for more than twice the tolerated delay. Accepted bulk work and work with a
    /// deadline are exempt.
    OldestFirst,
    /// As `OldestFirst`. Besides, of a tenant's tasks of one priority the newest starts first,
    /// because its caller is the most likely to be still waiting.
    NewestFirst,
}

names!("shedding", Shedding { Off: "off", OldestFirst: "oldest_first", NewestFirst: "newest_first" });

/// The Tokio runtime that a task finds by [`Handle::current`](tokio::runtime::Handle::current).
///
/// Within it a task, and the drops of its values, may call `tokio::spawn` and
/// `Handle::current().block_on(..)`, and use Tokio's timers and sockets, as in `spawn_blocking`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum RuntimeContext {
    /// The workers are in one runtime: first the one in which the pool is built, then the one of
    /// the last thread that began to submit from another runtime. This costs a task two loads. It
    /// is right for a process with one runtime, and for runtimes that follow each other, as in
    /// tests. Where several runtimes submit at the same time, a task may find the wrong one of
    /// them.
    #[default]
    Shared,
    /// Each task is in the runtime of its submitter. This costs each task two references to the
    /// runtime and two changes of the thread's context, which is 0.1 us and, with many submitters,
    /// up to 1 us.
    Submitter,
    /// Tasks are in no runtime.
    None,
}

names!("runtime context", RuntimeContext { Shared: "shared", Submitter: "submitter", None: "none" });

/// How the workers of a pool are dealt to the NUMA nodes of a machine. Within a node each core gets
/// one worker before a second hardware thread of any core gets one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum WorkerPlacement {
    /// To each node in turn. Few workers have the memory bandwidth of all nodes, and each node that
    /// submits has a worker nearby.
    #[default]
    Spread,
    /// To one node until each of its hardware threads has a worker, then to the node that is
    /// nearest. Few workers share a cache and steal from near.
    Packed,
}

names!("worker placement", WorkerPlacement { Spread: "spread", Packed: "packed" });

/// The cores that a worker is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum WorkerPinning {
    /// All cores of its node. The kernel balances the workers of a node.
    #[default]
    Node,
    /// One core, with all its hardware threads. For machines that run nothing else: a worker does
    /// not move away from a core that another thread takes.
    Core,
}

names!("worker pinning", WorkerPinning { Node: "node", Core: "core" });

/// Checks that `value` is from `least` to `most`, both included.
pub(crate) fn check<T: PartialOrd + fmt::Debug>(
    value: T,
    field: &'static str,
    least: T,
    most: T,
) -> Result<(), ConfigError> {
    // This form also refuses values that can't be compared, such as "not a number".
    if value >= least && value <= most {
        return Ok(());
    }
    Err(ConfigError::new(field, value, format!("{least:?} to {most:?}")))
}

/// As [`check`], where there may be no value.
fn check_some<T: PartialOrd + fmt::Debug>(
    value: Option<T>,
    field: &'static str,
    least: T,
    most: T,
) -> Result<(), ConfigError> {
    value.map_or(Ok(()), |value| check(value, field, least, most))
}

fn check_not_zero(value: Option<usize>, field: &'static str) -> Result<(), ConfigError> {
    if value == Some(0) {
        return Err(ConfigError::new(field, value, "None, or Some of at least 1"));
    }
    Ok(())
}

/// Checks that `value` is a part of a whole.
fn check_part(value: f64, field: &'static str) -> Result<(), ConfigError> {
    if value > 0.0 && value <= 1.0 {
        return Ok(());
    }
    Err(ConfigError::new(field, value, "more than 0 and at most 1"))
}

/// Declares the methods of a builder that set one field of its `config` each.
macro_rules! setters {
    ($config:ident; values { $($field:ident: $type:ty,)* } options { $($option:ident: $some:ty,)* }) => {
        $(
            #[doc = concat!("Sets [`", stringify!($config), "::", stringify!($field), "`].")]
            pub fn $field(mut self, $field: $type) -> Self {
                self.config.$field = $field;
                self
            }
        )*
        $(
            #[doc = concat!("Sets [`", stringify!($config), "::", stringify!($option), "`].")]
            #[doc = "`None` unsets it."]
            pub fn $option(mut self, $option: impl Into<Option<$some>>) -> Self {
                self.config.$option = $option.into();
                self
            }
        )*
    };
}

pub(crate) use setters;
