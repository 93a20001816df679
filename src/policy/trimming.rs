//! How much of a stock is surplus.
//!
//! The low-water mark of a period was in stock all the time, so no user needed it. It is released
//! at the end of the period. A load that returns within the period finds all of its stock. After
//! the load has ended, the second release empties the stock.

use std::time::Duration;

/// The least stock since the period began.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LowWater {
    /// The start of the period. Times count from any one moment.
    since: Duration,
    least: usize,
}

impl LowWater {
    /// Records that `left` items are left after one was taken.
    pub(crate) fn fell_to(&mut self, left: usize) {
        self.least = self.least.min(left);
    }

    /// Returns how much of the `stock` to release now: nothing within a period, and at its end what
    /// was not needed in it. The next period starts with the rest.
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
mod tests;
