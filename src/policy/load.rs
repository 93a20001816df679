//! The load of a pool, and when a rejected caller should try again.

use std::time::Duration;

/// The shortest time that a caller is given.
const SOONEST: Duration = Duration::from_millis(1);
/// The longest time that a caller is given.
const LATEST: Duration = Duration::from_secs(60);

/// The largest random part that is added to a time.
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

    /// Returns the share of the capacity that `in_flight` running and waiting tasks take. It is
    /// over 1 when subtasks add to them.
    pub(crate) fn load_factor(self, in_flight: usize) -> f64 {
        in_flight as f64 / self.total().max(1) as f64
    }

    /// Returns the least number of tasks in flight whose load factor reaches `threshold`.
    pub(crate) fn saturation_mark(self, threshold: f64) -> usize {
        ((threshold * self.total() as f64).ceil() as usize).max(1)
    }
}

/// Returns when a rejected caller should try again: the time in which the tasks in flight fall
/// below the saturation mark at the measured service rate. That is Little's law, W = L / lambda,
/// for the part of the queue above the mark.
///
/// `mean_task` is the measured mean time of a task, `None` before the first has ended. `threads`
/// threads work. `random` is from 0 to under 1.
pub(crate) fn retry_after(
    in_flight: usize,
    mark: usize,
    threads: usize,
    mean_task: Option<Duration>,
    random: f64,
) -> Duration {
    let Some(mean_task) = mean_task else { return spread(SOONEST, random) };
    let excess = in_flight.saturating_sub(mark) + 1;
    let seconds = mean_task.as_secs_f64() * excess as f64 / threads.max(1) as f64;
    spread(Duration::try_from_secs_f64(seconds).unwrap_or(LATEST), random)
}

/// Adds up to a fifth to `measured`, so that callers who were rejected together do not return
/// together. The bounds come first: the spread matters most where every caller gets the longest
/// time.
fn spread(measured: Duration, random: f64) -> Duration {
    let bounded = measured.clamp(SOONEST, LATEST);
    let more = bounded.as_secs_f64() * SPREAD * random;
    bounded.saturating_add(Duration::try_from_secs_f64(more).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
#[path = "../../tests/policy/load.rs"]
mod tests;
