//! How many of many equal things pass in a second.

/// The length of a window, in nanoseconds.
const WINDOW_NS: u64 = 1_000_000_000;

/// Lets at most a given number of events pass in each window of a second. The first that passes opens a window.
#[derive(Debug)]
pub(crate) struct RateLimit {
    most: u32,
    left: u32,
    /// The end of the window.
    ends: u64,
}

impl RateLimit {
    /// Lets at most `most` pass in a window.
    pub(crate) fn new(most: u32) -> Self {
        Self { most, left: most, ends: 0 }
    }

    /// Returns whether one more passes at `now`, in nanoseconds.
    pub(crate) fn admit(&mut self, now: u64) -> bool {
        if now >= self.ends {
            self.left = self.most;
            self.ends = now.saturating_add(WINDOW_NS);
        }
        let passes = self.left > 0;
        self.left -= u32::from(passes);
        passes
    }

    /// Returns until when none passes; 0 if the next one does.
    pub(crate) fn closed_until(&self) -> u64 {
        if self.left == 0 { self.ends } else { 0 }
    }
}

#[cfg(test)]
mod tests;
