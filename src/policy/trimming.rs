//! How much of a stock nobody needs.
//!
//! The stock's low-water mark over a period is what lay there all the time: had it been missing, nobody would have noticed.
//! So much is given up at the end of the period. A load that comes back within the period finds everything it has left
//! behind; after the load is gone, the second look gives up all of it.

use std::time::Duration;

/// The least that was in stock since the period began.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LowWater {
    /// When the period began; times count from any one moment.
    since: Duration,
    least: usize,
}

impl LowWater {
    /// Something was taken, and so much is left.
    pub(crate) fn fell_to(&mut self, left: usize) {
        self.least = self.least.min(left);
    }

    /// How much of the `stock` to give up now: nothing within a period, and at its end what was not needed in it. A new
    /// period begins then, with what is left.
    pub(crate) fn surplus(&mut self, now: Duration, period: Duration, stock: usize) -> usize {
        if now.saturating_sub(self.since) < period {
            return 0;
        }
        let surplus = self.least.min(stock);
        *self = Self { since: now, least: stock - surplus };
        surplus
    }
}

#[cfg(test)]
#[path = "../../tests/policy/trimming.rs"]
mod tests;
