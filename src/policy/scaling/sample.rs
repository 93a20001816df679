//! The input of a controller.

use std::time::Duration;

/// What was seen of a pool in one interval.
///
/// Impossible figures (shares over one, more time than has passed) are clamped.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Sample {
    /// How long the interval was.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub interval: Duration,
    /// Cores that the process may use: by affinity and by quota, so not always a whole number.
    pub usable_cores: f64,
    /// Cores that the process's other threads kept busy, those of the async runtime among them.
    pub other_cores: f64,
    /// Threads of the pool at the end of the interval.
    pub threads: usize,
    /// Those among them that had nothing to do then.
    pub idle: usize,
    /// Tasks that waited then.
    pub queued: usize,
    /// Tasks that were submitted.
    pub arrivals: u64,
    /// Tasks that ended.
    pub completions: u64,
    /// How long a task waits at this rate, by Little's law; `None` if none has ended.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub queue_delay: Option<Duration>,
    /// Where the time of the threads went; `None` where the system doesn't tell.
    pub clocks: Option<Clocks>,
    /// How long the process's control group was throttled, because its quota was used up; summed
    /// over the cores by the kernel, so it may exceed the interval. Ready threads meanwhile also
    /// count as waiting in [`Clocks::runnable`]. It is for the log: a controller with clocks does
    /// not need it.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub throttled: Duration,
}

/// Where the time of a pool's threads went in one interval, summed over the threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Clocks {
    /// In tasks; neither asleep for want of work nor in a section that the task had declared to be
    /// blocking.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub busy: Duration,
    /// On a core.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub on_cpu: Duration,
    /// Ready to run, waiting for a core, or for the next period of a quota that is used up.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub runnable: Duration,
}
