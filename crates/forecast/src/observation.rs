//! The input of a forecast.

use std::time::Duration;

/// The load of a pool in one interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Observation {
    /// The length of the interval.
    pub interval: Duration,
    /// How many tasks were submitted.
    pub arrivals: u64,
    /// How many tasks ended.
    pub completions: u64,
    /// The time for which threads executed tasks, summed over the threads. It excludes the time in
    /// which a thread was runnable and had no core. `None` if the system does not report it.
    pub busy: Option<Duration>,
}
