//! Detects overload by CoDel (Nichols and Jacobson, "Controlling Queue Delay", ACM Queue 2012), as
//! Facebook's Folly uses it for request queues. A queue that is short now and then copes with
//! bursts. A queue whose *minimum* delay stays long for a tenth of a second does not empty any
//! more.

/// The time over which the minimum delay is taken, in nanoseconds. It is longer where few tasks
/// start in it.
const INTERVAL: u64 = 100_000_000;
/// The number of tasks that should start in an interval.
const MIN_STARTS: u64 = 4;
/// A delay, in nanoseconds, that is never too long.
const SHORT: u64 = 5_000_000;

/// The recent delays.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Delays {
    began: u64,
    /// The minimum delay in this interval so far.
    least: Option<u64>,
    /// The start of the overload, if there is one.
    since: Option<u64>,
    /// The time of the last delay.
    last: u64,
    target: u64,
}

impl Delays {
    /// Records that the next task has waited for `delay`. `task_ns` is the recent time of a task.
    pub(crate) fn observe(&mut self, now: u64, delay: u64, task_ns: u64, workers: usize) {
        self.target = SHORT.max(task_ns / workers.max(1) as u64);
        self.last = now;
        if delay <= self.target {
            self.since = None;
        }
        let age = now.saturating_sub(self.began);
        let interval = self.interval();
        if age < interval {
            self.least = Some(self.least.map_or(delay, |least| least.min(delay)));
            return;
        }
        // After a pause nothing is known.
        if age < interval.saturating_mul(2) && self.least.is_some_and(|least| least.min(delay) > self.target)
        {
            self.since = self.since.or(Some(now));
        } else {
            self.since = None;
        }
        (self.began, self.least) = (now, Some(delay));
    }

    /// The target is the time in which one task starts, where tasks are long.
    fn interval(&self) -> u64 {
        INTERVAL.max(self.target.saturating_mul(MIN_STARTS))
    }

    /// Returns whether there is overload. Old delays do not count.
    pub(crate) fn overloaded(&self, now: u64) -> bool {
        self.since.is_some() && now.saturating_sub(self.last) < self.interval().saturating_mul(2)
    }

    /// Returns whether a task that has waited for `delay` is too old to start. Its caller has most
    /// likely given up, and the time is better spent on a task that can be answered soon.
    pub(crate) fn too_old(&self, now: u64, delay: u64) -> bool {
        self.overloaded(now) && delay > self.target.saturating_mul(2)
    }
}

#[cfg(test)]
mod tests;
