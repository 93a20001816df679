//! How long a thread waited for a core in an interval, including a wait that has not ended.
//!
//! The kernel records a wait for a core when the wait ends. A thread of a low priority beside a
//! busy neighbour waits for many milliseconds at a time. A wait that has not ended when the sample
//! is taken would look like blocked time, and would appear in the next interval. But a thread that
//! has not slept since the last sample was not blocked: its time off the core is a wait. That is
//! counted at once, and subtracted from what the kernel records later.

use crate::topology::Rest;

/// What is known about one thread.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Waits {
    rest: Option<Rest>,
    /// Nanoseconds that were counted before the kernel recorded them.
    ahead: u64,
}

impl Waits {
    /// Returns the nanoseconds of waiting in an interval. The thread was on a core for `on_cpu`,
    /// and neither there nor away for `room`. The kernel has recorded `entered`. `rest` tells
    /// whether the thread has slept, if that is known.
    pub(crate) fn count(&mut self, room: u64, on_cpu: u64, entered: u64, rest: Option<Rest>) -> u64 {
        let awake = |rest: Rest| (rest.ready && self.rest == Some(rest)).then_some(());
        let never_slept = rest.and_then(awake).is_some();
        self.rest = rest;
        let waited = entered.saturating_sub(self.ahead);
        // A thread that waited at the last sample gets a core only when that wait ends. If no wait
        // was recorded, the thread did not wait then: the clock of a core is late by a tick, and a
        // host takes time that is not reported.
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
mod tests;
