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
#[path = "../../../tests/policy/scaling/waits.rs"]
mod tests;
