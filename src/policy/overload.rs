//! When work has waited for too long for too long. The idea is CoDel's (Nichols and Jacobson, "Controlling Queue Delay", ACM Queue 2012)
//! as Facebook's Folly uses it for request queues: a queue that is short now and then is one that copes with bursts; one in which
//! even the *least* delay of a tenth of a second is long does not empty any more.

/// The least delay is taken over this time, in nanoseconds; over a longer one where hardly any task begins in it.
const INTERVAL: u64 = 100_000_000;
/// So many tasks should begin in it.
const ENOUGH: u64 = 4;
/// A delay that is never too long.
const SHORT: u64 = 5_000_000;

/// The delays of late, and what follows from them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Delays {
    began: u64,
    /// In this interval so far.
    least: Option<u64>,
    /// Since when there is overload.
    since: Option<u64>,
    /// When the last delay was told.
    last: u64,
    target: u64,
}

impl Delays {
    /// A task that is next has waited for `delay`; tasks take `task_ns` of late, and so many `workers` work.
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

    /// One task begins in the time that one takes, divided by the workers: which is the target, where that is long.
    fn interval(&self) -> u64 {
        INTERVAL.max(self.target.saturating_mul(ENOUGH))
    }

    /// Whether there is overload, as far as is known: what was a while ago says nothing.
    pub(crate) fn overloaded(&self, now: u64) -> bool {
        self.since.is_some() && now.saturating_sub(self.last) < self.interval().saturating_mul(2)
    }

    /// Whether a task that has waited for `delay` is too old to be begun: whoever waits for it has most likely gone, and the
    /// time is better spent on one that can be answered soon.
    pub(crate) fn too_old(&self, now: u64, delay: u64) -> bool {
        self.overloaded(now) && delay > self.target.saturating_mul(2)
    }
}

#[cfg(test)]
#[path = "../../tests/policy/overload.rs"]
mod tests;
