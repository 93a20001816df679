//! How loaded a pool is, and when a refused caller may come again.

use std::time::Duration;

/// No caller is told to come again sooner, nor later.
const SOONEST: Duration = Duration::from_millis(1);
const LATEST: Duration = Duration::from_secs(60);

/// The part of the time that chance may add.
const SPREAD: f64 = 0.2;

/// What a pool can hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Capacity {
    /// Tasks that can run: the threads at maximum.
    pub(crate) threads: usize,
    /// Tasks that can wait.
    pub(crate) queue: usize,
}

impl Capacity {
    fn total(self) -> usize {
        self.threads.saturating_add(self.queue)
    }

    /// The share of the capacity that `in_flight` tasks (running and waiting) take; over 1 when subtasks come on top.
    pub(crate) fn load_factor(self, in_flight: usize) -> f64 {
        in_flight as f64 / self.total().max(1) as f64
    }

    /// The least number of tasks in flight whose load factor reaches `threshold`.
    pub(crate) fn saturation_mark(self, threshold: f64) -> usize {
        ((threshold * self.total() as f64).ceil() as usize).max(1)
    }
}

/// When a caller who was refused has a good chance: the time in which the tasks in flight fall below the saturation
/// mark at the measured service rate. That is Little's law, W = L / lambda, for the part of the queue above the mark.
///
/// `mean_task` is the measured mean time of a task, `None` if none has ended yet; `threads` work at once; `dice` is as in
/// [`spread`].
pub(crate) fn retry_after(
    in_flight: usize,
    mark: usize,
    threads: usize,
    mean_task: Option<Duration>,
    dice: f64,
) -> Duration {
    let Some(mean_task) = mean_task else { return spread(SOONEST, dice) };
    let excess = in_flight.saturating_sub(mark) + 1;
    let seconds = mean_task.as_secs_f64() * excess as f64 / threads.max(1) as f64;
    spread(Duration::try_from_secs_f64(seconds).unwrap_or(LATEST), dice)
}

/// What a caller is told where `measured` was found: never less, but for the bounds, and up to a fifth more by `dice`, from 0
/// to under 1. So those who are refused together do not come back together. Bounded first: the spread is worth most where
/// everybody is told the latest.
fn spread(measured: Duration, dice: f64) -> Duration {
    let bounded = measured.clamp(SOONEST, LATEST);
    let more = bounded.as_secs_f64() * SPREAD * dice;
    bounded.saturating_add(Duration::try_from_secs_f64(more).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
#[path = "../../tests/policy/load.rs"]
mod tests;
