//! The pool's configuration.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::error::{ConfigError, ParseError};
use crate::topology::usable_cores;

/// The most threads: a census counts them in 16 bits, and nobody has more cores than this to fill.
const MOST_WORKERS: usize = 1024;

/// The most tasks that a queue may be allowed to hold.
const MOST_QUEUED: usize = 1 << 30;

/// How a pool is sized and bounded.
///
/// Plain fields with a `Default`; [`PoolBuilder`](crate::PoolBuilder) offers the same as methods, and the hooks that are
/// no plain values.
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
    /// Threads that are never exceeded. Default: twice the cores that the process may use (affinity and cgroup quota
    /// honoured); accepted `min_threads` to 1,024.
    ///
    /// The pool starts threads above `min_threads` while work waits and nobody is free: at once up to one for each usable
    /// core, and beyond that as far as threads are blocked in their tasks. Room for those is what a figure above the number of
    /// cores is for: with tasks that wait 90 % of their time, ten times the cores.
    pub max_threads: usize,
    /// Tasks that may wait, accepted but not started; as many permits exist. Default 10,000; accepted 1 to 2^30.
    pub max_queue_size: usize,
    /// The load factor from which on the pool calls itself saturated. With a full queue it always does. Default 0.8;
    /// accepted over 0 to 1.
    pub backpressure_threshold: f64,
    /// How long a worker above `min_threads` sleeps before it leaves. Default 60 s; accepted 1 ms to 1 day.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub idle_timeout: Duration,
    /// How often the number of threads is decided on, while work waits that meets no free thread; also the pause after a
    /// thread that could not be started, before another is asked for. Default 100 ms; accepted 1 ms to 1 minute.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub sampling_interval: Duration,
    /// Whether to place workers and memory by NUMA node. Default: true on Linux. Placement is not part of this
    /// version: `true` is a no-op that is logged once at debug level.
    pub numa_aware: bool,
    /// Whether building the pool waits until its first threads run and have touched their stack and heap, so that the
    /// first task does not pay for it. Default true.
    pub warm_up: bool,
    /// The niceness of the workers. Default 0: they have the same share of the cores as other
    /// threads; accepted 0 to 19. Above 0 the async runtime, and every other program, goes first
    /// where cores are short, and tasks take longer under load
    /// ([figures](crate::guide::performance)). Where it can't be set (not Linux, or no permission)
    /// that is logged once and the pool goes on.
    ///
    /// Threads and processes that a task starts have the niceness, too. A lock that pool and
    /// runtime share can invert their priorities: a worker that was preempted while it holds the
    /// lock makes the runtime wait.
    pub worker_niceness: u8,
    /// The time slice of the workers. The longer it is, the sooner the kernel lets in a thread that
    /// is woken on a worker's core, at equal shares. Default 10 ms; accepted 0.1 to 100 ms; `None`:
    /// the kernel's own. It needs Linux 6.12; elsewhere, or where the call is forbidden, that is
    /// logged once and the pool goes on. See [`time_slice`](crate::time_slice) for the other side.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub worker_slice: Option<Duration>,
    /// For how long a worker runs tasks before it lets waiting threads have its core
    /// (`sched_yield`), between two tasks. Default 200 us; accepted 1 us to 1 s; `None`: never.
    ///
    /// It is what lets the handlers of an async runtime run in time beside a busy pool
    /// ([figures](crate::guide::performance)). A worker that has to wait for its core, because
    /// others compute on it, yields less often.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub yield_interval: Option<Duration>,
    /// The longest time that the pool may defer the wake-up of a caller whose task is done, to wake several
    /// callers together. Default 4 ms; accepted 0 to 100 ms; zero: every caller is woken at once.
    ///
    /// A worker defers wake-ups only where a crowd waits: at least 8 tasks when it begins, and then about as
    /// many as it has deferred. The delay is 0.2 ms, or a sixteenth of the time that the task has waited if
    /// that is longer, and never more than this bound. Above a task length of 0.2 ms the bound shrinks in
    /// proportion; with the default, tasks of over 0.6 ms are never deferred. Urgent work never is, whatever
    /// the bound: its class is [`Interactive`](crate::Priority::Interactive), or its deadline is nearer than 20
    /// times the bound. The first caller that is woken wakes the others with its next poll.
    ///
    /// This brings throughput: to wake a caller can cost more than a short task, and can take the core from
    /// the worker ([figures](crate::guide::decisions::d0025)). It costs latency: the delay of each caller that
    /// is deferred. No deferred wake-up depends on the task that runs for longer than the bound plus one
    /// tick: while wake-ups are deferred the pool's timer thread ticks every 2 ms, and sends those that are
    /// overdue.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub max_wake_delay: Duration,
    /// How long a place that was granted to an [`acquire`](crate::AdaptiveThreadPool::acquire) may stay unused before
    /// others may have it. Default 1 s; accepted 1 ms to 1 day. See [`Permit`](crate::Permit).
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub reservation_timeout: Duration,
    /// How many tasks of one tenant may run at a time; further ones wait in the queue, in their
    /// order, and delay no other tenant's. Tasks that name no tenant are not limited, nor are
    /// subtasks. Default `None`: as many as there are threads; accepted from 1 on.
    pub max_running_per_tenant: Option<usize>,
    /// The part of the queue that one tenant's waiting tasks may take of what others leave free, so that there is always room
    /// for another tenant. Default 0.5: alone it may have half of the places, two have a third each. Accepted over 0 to 1.
    pub tenant_queue_share: f64,
    /// Bytes of labelled work that may be under way, waiting in the queue or running, as far as tasks say how many they are
    /// ([`TaskOptions::bytes`](crate::TaskOptions::bytes); the processor says it of its documents). Default `None`: no
    /// limit; accepted from 1 on.
    pub byte_budget: Option<usize>,
    /// What is done when work that names a class, tenant or deadline waits for too long. Default: nothing.
    pub shedding: Shedding,
    /// What the threads are called; a number is put behind it. Default `millpond`.
    pub thread_name: String,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            min_threads: 1,
            max_threads: 2 * usable_cores(),
            max_queue_size: 10_000,
            backpressure_threshold: 0.8,
            idle_timeout: Duration::from_secs(60),
            sampling_interval: Duration::from_millis(100),
            numa_aware: cfg!(target_os = "linux"),
            warm_up: true,
            worker_niceness: 0,
            worker_slice: Some(Duration::from_millis(10)),
            yield_interval: Some(Duration::from_micros(200)),
            max_wake_delay: Duration::from_millis(4),
            reservation_timeout: Duration::from_secs(1),
            max_running_per_tenant: None,
            tenant_queue_share: 0.5,
            byte_budget: None,
            shedding: Shedding::Off,
            thread_name: String::from("millpond"),
        }
    }
}

impl PoolConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first field that is out of its range, with the value and what is accepted.
    pub fn validate(&self) -> Result<(), ConfigError> {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        const MS: Duration = Duration::from_millis(1);

        check(self.max_threads, "max_threads", 1, MOST_WORKERS)?;
        if self.min_threads == 0 || self.min_threads > self.max_threads {
            let accepted = format!("1 to max_threads ({})", self.max_threads);
            return Err(ConfigError::new("min_threads", self.min_threads, accepted));
        }
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
        if self.thread_name.contains('\0') {
            return Err(ConfigError::new("thread_name", &self.thread_name, "free of NUL characters"));
        }
        Ok(())
    }
}

/// What a pool does about overload: the least time that tasks waited has been over 5 ms for 0.1 s (or over the time of a task divided by
/// the cores, if that is more), so the queue does not empty any more.
///
/// It applies to work that is submitted by [`task`](crate::AdaptiveThreadPool::task).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Shedding {
    /// Nothing: callers wait, or are refused when the queue is full.
    #[default]
    Off,
    /// No more bulk work is let in; and what has waited for more than twice the time that is too long is refused instead of begun,
    /// but for bulk work that was let in, and work with a deadline.
    OldestFirst,
    /// The same, and of a tenant's tasks of one class the newest is begun first: its caller is the most likely to wait still.
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

    /// Takes the names that `Display` writes, in any case.
    fn from_str(name: &str) -> Result<Self, ParseError> {
        ParseError::find("shedding", name, &[Self::Off, Self::OldestFirst, Self::NewestFirst])
    }
}

/// Both ends are accepted.
pub(crate) fn check<T: PartialOrd + fmt::Debug>(
    value: T,
    field: &'static str,
    least: T,
    most: T,
) -> Result<(), ConfigError> {
    // In this form what can't be compared, as "not a number", is refused as well.
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
