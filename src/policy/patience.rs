//! Whether a worker that has run out of work looks on for a moment before it sleeps.
//!
//! To sleep and be woken costs the submitter a system call and the task the way of a thread back onto a core; to look on
//! costs processor time for nothing if no work comes. So a worker looks on only where that has paid of late: each look in
//! vain doubles the number of sleeps without one, up to [`MOST_SKIPPED`], and a sleep that was cut short by work shows
//! that a look would have paid.

use std::time::Duration;

/// How long a worker looks on: about what a wake-up costs. To wait as long as the alternative costs is at most twice as
/// dear as the best choice made with hindsight (the ski rental problem).
pub(crate) const LOOK: Duration = Duration::from_micros(50);

/// The part of it that is spent on the processor; then the worker offers its core to others between two looks.
pub(crate) const SPIN: Duration = Duration::from_micros(20);

/// How long a caller looks on for the result of a tiny task: less than its thread would spend on being woken.
pub(crate) const CALLERS_LOOK: Duration = Duration::from_micros(2);

/// A sleep shorter than this was hardly worth it: it contains two wake-ups, the submitter's and the worker's.
const SHORT_SLEEP: Duration = Duration::from_micros(100);

/// In an idle pool one sleep in so many is preceded by a look.
const MOST_SKIPPED: u32 = 64;

/// One worker's experience.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Patience {
    /// Looks in vain, one after the other.
    vain: u32,
    /// Sleeps yet to come without a look.
    skip: u32,
}

impl Patience {
    /// The worker has run out of work: whether it looks on.
    pub(crate) fn look(&mut self) -> bool {
        if self.skip == 0 {
            return true;
        }
        self.skip -= 1;
        false
    }

    /// It looked on, and work came or did not.
    pub(crate) fn looked(self, came: bool) -> Self {
        if came {
            return Self::default();
        }
        let vain = (self.vain + 1).min(MOST_SKIPPED.ilog2());
        Self { vain, skip: (1 << vain) - 1 }
    }

    /// Both figures in one.
    pub(crate) fn pack(self) -> u32 {
        self.vain << 16 | self.skip
    }

    /// What was packed.
    pub(crate) fn unpack(packed: u32) -> Self {
        Self { vain: packed >> 16, skip: packed & 0xffff }
    }

    /// It slept for so long.
    pub(crate) fn slept(self, slept: Duration) -> Self {
        if slept < SHORT_SLEEP { Self { vain: self.vain / 2, skip: self.skip / 4 } } else { self }
    }
}

#[cfg(test)]
#[path = "../../tests/policy/patience.rs"]
mod tests;
