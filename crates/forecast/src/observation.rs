//! What a forecast is told.

use std::time::Duration;

/// What was seen of a pool in one interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Observation {
    /// How long the interval was.
    pub interval: Duration,
    /// Tasks that were submitted.
    pub arrivals: u64,
    /// Tasks that ended.
    pub completions: u64,
    /// How long threads were busy with tasks, summed over the threads, without the time that they were ready and had no
    /// core; `None` where the system does not tell.
    pub busy: Option<Duration>,
}
