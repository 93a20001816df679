//! The configuration of a pool.

mod placement;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

pub use placement::{WorkerPinning, WorkerPlacement};

use crate::error::{ConfigError, ParseError};
use crate::topology::usable_cores;

/// The largest `max_threads`. A census counts workers in 16 bits, and machines have fewer cores
/// than this.
const MOST_WORKERS: usize = 1024;

/// The largest `max_blocked_threads`.
const MOST_BEYOND: usize = 1024;

/// The smallest and the largest `thread_stack_size`.
const STACKS: (usize, usize) = (128 << 10, 1 << 30);

/// The largest `max_queue_size`.
const MOST_QUEUED: usize = 1 << 30;

/// The size and the limits of a pool.
///
/// Plain fields with a `Default`. [`PoolBuilder`](crate::PoolBuilder) offers each field as a
/// method, and besides the hooks, which are not plain values.
///
/// ```
/// use millpond::PoolConfig;
///
/// let config = PoolConfig { max_queue_size: 500, ..PoolConfig::default() };
/// assert!(config.validate().is_ok());
///
/// let error = PoolConfig { min_threads: 0, ..config }.validate().unwrap_err();
/// assert_eq!(error.field, "min_threads");
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
    /// The pool starts threads above `min_threads` while work waits and no worker is free. It
    /// starts up to one for each usable core at once, and more only as far as threads are blocked
    /// in their tasks. A limit above the number of cores leaves room for those: ten times the cores
    /// for tasks that wait 90 % of their time.
    ///
    /// While all of them are blocked the pool may go beyond this limit:
    /// [`max_blocked_threads`](Self::max_blocked_threads).
    pub max_threads: usize,
    /// The number of workers beyond `max_threads` that may be started in the place of blocked ones.
    /// Default 32; accepted 0 to 1,024; 0: none.
    ///
    /// Such a worker starts only if there are `max_threads` workers, all of them have been blocked
    /// for a `sampling_interval`, and work waits. So two pools that wait for each other, or tasks
    /// that wait for async code which waits for this pool, make progress instead of waiting for
    /// ever. No more than `max_threads` workers run while the others are blocked; when blocked
    /// workers go on, it can be more until a task has ended. A worker beyond `max_threads` leaves
    /// when it has no work. Declared sections
    /// ([`block_in_place`](crate::TaskContext::block_in_place)) count as blocked. The pool sees
    /// other blocked workers on Linux only.
    ///
    /// The default lets 32 tasks wait in a chain and costs about 4 KB for each worker that is not
    /// there. Set 0 if `max_threads` must bound the tasks that have begun, blocked ones among them,
    /// as it does where tasks wait for connections of a bounded set.
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
    /// The niceness of the workers. Default 0: they have an equal share of the cores with other
    /// threads; accepted 0 to 19. Above 0 the async runtime, and every other program, goes first
    /// where cores are short, and tasks take longer under load
    /// ([figures](crate::guide::performance)). If it can't be set (not Linux, or no permission),
    /// the pool logs that once and continues.
    ///
    /// Threads and processes that a task starts have this niceness too. A lock that pool and
    /// runtime share can invert their priorities: a worker that was preempted while it holds the
    /// lock makes the runtime wait.
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
    /// between two tasks. Default 200 us; accepted 1 us to 1 s; `None`: never.
    ///
    /// The yields let the handlers of an async runtime run in time beside a busy pool
    /// ([figures](crate::guide::performance)). A worker that has to wait for its core, because
    /// other programs compute on it, yields less often.
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
    /// This raises throughput: waking a caller can cost more than a short task, and can take the
    /// core from the worker ([figures](crate::guide::decisions::d0025)). It costs latency: the
    /// delay of each deferred caller. No deferred wake-up waits for the running task for longer
    /// than the bound plus one tick: while wake-ups are deferred the pool's timer thread ticks
    /// every 2 ms, and sends those that are overdue.
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
    /// to 1 GiB. The stack takes memory only as far as it was used. Tasks that recurse deeply need
    /// more. A [`spawn_handler`](crate::PoolBuilder::spawn_handler) finds the size in the builder
    /// that it gets.
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

        check(self.max_threads, "max_threads", 1, MOST_WORKERS)?;
        if self.min_threads == 0 || self.min_threads > self.max_threads {
            let accepted = format!("1 to max_threads ({})", self.max_threads);
            return Err(ConfigError::new("min_threads", self.min_threads, accepted));
        }
        check(self.max_blocked_threads, "max_blocked_threads", 0, MOST_BEYOND)?;
        check(self.max_queue_size, "max_queue_size", 1, MOST_QUEUED)?;
        if !(self.backpressure_threshold > 0.0 && self.backpressure_threshold <= 1.0) {
            let value = self.backpressure_threshold;
            return Err(ConfigError::new("backpressure_threshold", value, "more than 0 and at most 1"));
        }
        check(self.idle_timeout, "idle_timeout", MS, DAY)?;
        check(self.sampling_interval, "sampling_interval", MS, Duration::from_secs(60))?;
        check(self.worker_niceness, "worker_niceness", 0, 19)?;
        if let Some(slice) = self.worker_slice {
            check(slice, "worker_slice", millpond_slice::SHORTEST, millpond_slice::LONGEST)?;
        }
        if let Some(interval) = self.yield_interval {
            check(interval, "yield_interval", Duration::from_micros(1), Duration::from_secs(1))?;
        }
        check(self.max_wake_delay, "max_wake_delay", Duration::ZERO, Duration::from_millis(100))?;
        check(self.reservation_timeout, "reservation_timeout", MS, DAY)?;
        if self.max_running_per_tenant == Some(0) {
            return Err(ConfigError::new("max_running_per_tenant", Some(0), "None, or Some of at least 1"));
        }
        if self.byte_budget == Some(0) {
            return Err(ConfigError::new("byte_budget", Some(0), "None, or Some of at least 1"));
        }
        if !(self.tenant_queue_share > 0.0 && self.tenant_queue_share <= 1.0) {
            let value = self.tenant_queue_share;
            return Err(ConfigError::new("tenant_queue_share", value, "more than 0 and at most 1"));
        }
        for (limit, field) in [(self.slow_task, "slow_task"), (self.long_wait, "long_wait")] {
            if let Some(limit) = limit {
                check(limit, field, Duration::from_micros(1), DAY)?;
            }
        }
        if self.thread_name.contains('\0') {
            return Err(ConfigError::new("thread_name", &self.thread_name, "free of NUL characters"));
        }
        if let Some(bytes) = self.thread_stack_size {
            check(bytes, "thread_stack_size", STACKS.0, STACKS.1)?;
        }
        Ok(())
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

impl fmt::Display for Shedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Off => "off",
            Self::OldestFirst => "oldest_first",
            Self::NewestFirst => "newest_first",
        })
    }
}

impl FromStr for Shedding {
    type Err = ParseError;

    /// Parses the names that `Display` writes, in upper or lower case.
    fn from_str(name: &str) -> Result<Self, ParseError> {
        ParseError::find("shedding", name, &[Self::Off, Self::OldestFirst, Self::NewestFirst])
    }
}

/// The Tokio runtime that a task finds by [`Handle::current`](tokio::runtime::Handle::current).
///
/// Within it a task may call `tokio::spawn`, `Handle::current().block_on(..)`, and use Tokio's
/// timers and sockets, as in `spawn_blocking`. The drops of its values may do the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum RuntimeContext {
    /// The workers are in one runtime: first the one in which the pool is built, then the one of
    /// the last thread that began to submit from another runtime. This costs a task two loads. It
    /// is right for a process with one runtime, and for runtimes that follow each other, as in tests.
    /// Where several runtimes submit at the same time, a task may find the wrong one of them.
    #[default]
    Shared,
    /// Each task is in the runtime of its submitter. This costs each task two references to the
    /// runtime and two changes of the thread's context, which is 0.1 us and, with many submitters,
    /// up to 1 us.
    Submitter,
    /// Tasks are in no runtime.
    None,
}

impl fmt::Display for RuntimeContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Shared => "shared",
            Self::Submitter => "submitter",
            Self::None => "none",
        })
    }
}

impl FromStr for RuntimeContext {
    type Err = ParseError;

    /// Parses the names that `Display` writes, in upper or lower case.
    fn from_str(name: &str) -> Result<Self, ParseError> {
        ParseError::find("runtime context", name, &[Self::Shared, Self::Submitter, Self::None])
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid() {
        PoolConfig::default().validate().unwrap();
    }

    #[test]
    fn an_error_names_field_value_and_range() {
        let error = PoolConfig { max_queue_size: 0, ..Default::default() }.validate().unwrap_err();
        assert_eq!(error.to_string(), "max_queue_size is 0, but must be 1 to 1073741824");
        let error =
            PoolConfig { backpressure_threshold: f64::NAN, ..Default::default() }.validate().unwrap_err();
        assert_eq!(error.to_string(), "backpressure_threshold is NaN, but must be more than 0 and at most 1");
        let error =
            PoolConfig { min_threads: 5, max_threads: 4, ..Default::default() }.validate().unwrap_err();
        assert_eq!(error.to_string(), "min_threads is 5, but must be 1 to max_threads (4)");
        let error = PoolConfig { idle_timeout: Duration::ZERO, ..Default::default() }.validate().unwrap_err();
        assert_eq!(error.to_string(), "idle_timeout is 0ns, but must be 1ms to 86400s");
    }
}
