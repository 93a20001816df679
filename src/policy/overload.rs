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
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: u64 = 1_000_000;

    /// One task a millisecond, from `from` to `to`, with that delay, all in milliseconds.
    fn run(delays: &mut Delays, from: u64, to: u64, delay: impl Fn(u64) -> u64) {
        (from..to).for_each(|at| delays.observe(at * MS, delay(at) * MS, MS / 2, 2));
    }

    #[test]
    fn a_queue_that_does_not_empty_is_an_overload_and_a_burst_is_not() {
        let mut delays = Delays::default();
        run(&mut delays, 0, 1_000, |at| (at * 7) % 50);
        assert!(!delays.overloaded(1_000 * MS));
        run(&mut delays, 1_000, 1_250, |_| 20);
        assert!(delays.overloaded(1_250 * MS));
        assert!(delays.too_old(1_250 * MS, 11 * MS) && !delays.too_old(1_250 * MS, 9 * MS));
        run(&mut delays, 1_250, 1_251, |_| 4);
        assert!(!delays.overloaded(1_251 * MS), "the queue was empty");
    }

    #[test]
    fn long_tasks_may_wait_for_as_long_as_one_takes_a_worker() {
        let mut delays = Delays::default();
        (0..1_000).for_each(|at| delays.observe(at * MS, 40 * MS, 100 * MS, 2));
        assert!(!delays.overloaded(1_000 * MS));
    }

    #[test]
    fn long_tasks_that_wait_for_much_longer_are_an_overload_too() {
        let mut delays = Delays::default();
        // Two workers, tasks of a second each: one begins every half of a second.
        (0..20).for_each(|n| delays.observe(n * 500 * MS, 5_000 * MS, 1_000 * MS, 2));
        assert!(delays.overloaded(9_900 * MS) && delays.too_old(9_900 * MS, 5_000 * MS));
        assert!(!delays.overloaded(60_000 * MS));
    }

    #[test]
    fn after_a_pause_nothing_is_known() {
        let mut delays = Delays::default();
        run(&mut delays, 0, 90, |_| 20);
        run(&mut delays, 5_000, 5_001, |_| 20);
        assert!(!delays.overloaded(5_001 * MS));
        run(&mut delays, 5_000, 5_250, |_| 20);
        assert!(delays.overloaded(5_250 * MS));
        assert!(!delays.overloaded(5_450 * MS));
    }

    proptest! {
        #[test]
        fn any_input_is_harmless(steps in proptest::collection::vec(any::<(u64, u64, u64, usize)>(), 1..50)) {
            let mut delays = Delays::default();
            for (now, delay, task, workers) in steps {
                delays.observe(now, delay / 4, task / 4, workers);
                let _ = delays.too_old(now, delay / 4);
            }
        }
    }
}
