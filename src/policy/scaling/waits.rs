//! How long a thread waited for a core in an interval, the wait that is not over included.
//!
//! The kernel enters a wait for a core when it ends. A thread of a low priority beside a busy neighbour waits for many milliseconds
//! at a time; what has not ended when the sample is taken would look like time blocked, and come to light in the next
//! interval, which has no room for it. But a thread that has not gone to sleep since the last sample was not blocked: what it
//! was not on a core for, it waited for one. That is counted at once, and taken off what the kernel enters later.

use crate::topology::Rest;

/// What is known of one thread.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Waits {
    rest: Option<Rest>,
    /// Counted before the kernel entered it, in nanoseconds.
    ahead: u64,
}

impl Waits {
    /// The nanoseconds of waiting in an interval in which the thread was on a core for `on_cpu`, and for `room` neither there nor away.
    /// The kernel has entered `entered` in it, none if the thread has got no core. `rest`: whether it has slept, as far as is known.
    pub(crate) fn count(&mut self, room: u64, on_cpu: u64, entered: u64, rest: Option<Rest>) -> u64 {
        let awake = |rest: Rest| (rest.ready && self.rest == Some(rest)).then_some(());
        let never_slept = rest.and_then(awake).is_some();
        self.rest = rest;
        let waited = entered.saturating_sub(self.ahead);
        // Who waited at the last sample gets on a core only by that wait's end. If none was entered it did not wait then: a core's
        // clock is late by a tick, and a host takes time that nobody is told of.
        if entered > 0 || on_cpu > 0 {
            self.ahead = 0;
        }
        if !never_slept {
            return waited;
        }
        self.ahead = self.ahead.saturating_add(room.saturating_sub(waited));
        waited.max(room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AWAKE: Option<Rest> = Some(Rest { ready: true, slept: 3 });

    #[test]
    fn a_wait_that_is_not_over_is_waiting_and_is_counted_once() {
        let mut waits = Waits::default();
        assert_eq!(waits.count(50, 50, 50, AWAKE), 50);
        // It waits from the middle of this interval to the middle of the third.
        assert_eq!(waits.count(50, 50, 0, AWAKE), 50);
        assert_eq!(waits.count(100, 0, 0, AWAKE), 100);
        assert_eq!(waits.count(50, 50, 200, AWAKE), 50);
        assert_eq!(waits.count(80, 20, 80, AWAKE), 80);
    }

    #[test]
    fn who_computes_alone_does_not_run_up_waits_that_later_ones_are_taken_off_from() {
        let mut waits = Waits::default();
        for _ in 0..600 {
            waits.count(10, 90, 0, AWAKE);
        }
        let slept = Some(Rest { ready: true, slept: 4 });
        assert_eq!(waits.count(90, 10, 80, slept), 70, "the last interval's may have been the begin of it");
        assert_eq!(waits.count(90, 10, 80, slept), 90);
    }

    #[test]
    fn who_has_slept_was_blocked() {
        let mut waits = Waits::default();
        let slept = |slept| Some(Rest { ready: true, slept });
        assert_eq!(waits.count(90, 10, 10, slept(3)), 10);
        assert_eq!(waits.count(90, 10, 10, slept(4)), 10);
        let asleep = Some(Rest { ready: false, slept: 5 });
        assert_eq!(waits.count(100, 0, 0, asleep), 0);
        assert_eq!(waits.count(100, 0, 0, asleep), 0);
        assert_eq!(waits.count(100, 0, 0, slept(5)), 0, "it was asleep for some of it");
        assert_eq!(waits.count(100, 0, 0, None), 0, "nothing is known");
    }
}
