//! Whether a worker without work spins for a moment before it sleeps.
//!
//! A sleep costs the submitter a system call, and the task the time until the thread is on a core
//! again. A spin costs processor time, which is lost if no work comes. So a worker spins only where
//! that has paid recently. Each spin without success doubles the number of sleeps without a spin,
//! up to [`MAX_SKIPPED`]. A short sleep shows that a spin would have paid, and reduces that number.

use std::time::Duration;

/// How long a worker spins: about what a wake-up costs. This costs at most twice as much as the
/// best choice made with hindsight (the ski rental problem).
pub(crate) const MAX_SPIN: Duration = Duration::from_micros(50);

/// The first part of [`MAX_SPIN`], in which the worker keeps its core. In the rest it offers its
/// core to other threads between two checks.
pub(crate) const BUSY_SPIN: Duration = Duration::from_micros(20);

/// How long a caller spins for the result of a tiny task: less than a wake-up costs its thread.
pub(crate) const CALLER_SPIN: Duration = Duration::from_micros(2);

/// A sleep shorter than this has not paid: it contains two wake-ups, the submitter's and the
/// worker's.
const SHORT_SLEEP: Duration = Duration::from_micros(100);

/// The largest number of sleeps for each spin.
const MAX_SKIPPED: u32 = 64;

/// What one worker has learnt.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SpinBackoff {
    /// Spins without success in a row.
    failures: u32,
    /// Sleeps without a spin that are still to come.
    skip: u32,
}

impl SpinBackoff {
    /// Returns whether the worker should spin before it sleeps.
    pub(crate) fn should_spin(&mut self) -> bool {
        if self.skip == 0 {
            return true;
        }
        self.skip -= 1;
        false
    }

    /// Learns whether work came during a spin.
    pub(crate) fn spun(self, success: bool) -> Self {
        if success {
            return Self::default();
        }
        let failures = (self.failures + 1).min(MAX_SKIPPED.ilog2());
        Self { failures, skip: (1 << failures) - 1 }
    }

    /// Learns how long the worker slept.
    pub(crate) fn slept(self, slept: Duration) -> Self {
        if slept < SHORT_SLEEP { Self { failures: self.failures / 2, skip: self.skip / 4 } } else { self }
    }

    /// Packs both numbers into one.
    pub(crate) fn pack(self) -> u32 {
        self.failures << 16 | self.skip
    }

    /// Undoes [`pack`](Self::pack).
    pub(crate) fn unpack(packed: u32) -> Self {
        Self { failures: packed >> 16, skip: packed & 0xffff }
    }
}

#[cfg(test)]
mod tests;
