//! The number of workers in each state, in one word.

use std::fmt;

const BITS: u32 = 16;
const MASK: u64 = (1 << BITS) - 1;

/// One worker that sleeps.
pub(super) const IDLE: u64 = 1;
/// One worker that searches for work.
pub(super) const SEARCHING: u64 = 1 << BITS;
/// One worker, in any state.
pub(super) const TOTAL: u64 = 1 << (2 * BITS);
/// The pool takes no more work. The workers leave once all of them are idle.
pub(super) const CLOSING: u64 = 1 << (3 * BITS);
/// No worker will check the queues again.
pub(super) const ENDED: u64 = 1 << (3 * BITS + 1);

/// A snapshot of the workers' states. `total = idle + searching + active`.
///
/// ```text
///  63      50    49      48 47      32 31       16 15        0
/// +----------+-----+-------+----------+-----------+-----------+
/// |  unused  |ended|closing|  total   | searching |   idle    |
/// +----------+-----+-------+----------+-----------+-----------+
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Census(pub(super) u64);

impl Census {
    /// Returns the number of workers that sleep.
    pub(crate) fn idle(self) -> usize {
        (self.0 & MASK) as usize
    }

    /// Returns the number of workers that search for work.
    pub(crate) fn searching(self) -> usize {
        (self.0 >> BITS & MASK) as usize
    }

    /// Returns the number of all workers.
    pub(crate) fn total(self) -> usize {
        (self.0 >> (2 * BITS) & MASK) as usize
    }

    /// Returns the number of workers that run a task.
    pub(crate) fn active(self) -> usize {
        self.total().saturating_sub(self.idle() + self.searching())
    }

    /// Returns whether the workers leave as soon as all of them are idle.
    pub(crate) fn closing(self) -> bool {
        self.0 & CLOSING != 0
    }

    /// Returns whether the last worker has left.
    pub(crate) fn ended(self) -> bool {
        self.0 & ENDED != 0
    }
}

impl fmt::Debug for Census {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Census")
            .field("total", &self.total())
            .field("active", &self.active())
            .field("searching", &self.searching())
            .field("idle", &self.idle())
            .field("closing", &self.closing())
            .field("ended", &self.ended())
            .finish()
    }
}
