//! How long a thread was away from its work.

use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

/// Set while the thread is away.
const AWAY: u64 = 1 << 63;

/// The time that one thread has spent asleep without work, or in sections that are declared to be
/// blocking, an absence that has not ended included.
///
/// One word holds everything, so no reader sees half of a change: the sum of the absences in
/// nanoseconds while the thread is there, and while it is away the moment at which one absence of
/// that length would have started.
#[derive(Debug)]
pub(crate) struct AwayClock(AtomicU64);

impl Default for AwayClock {
    /// Of a thread that is not there yet.
    fn default() -> Self {
        Self(AtomicU64::new(AWAY))
    }
}

impl AwayClock {
    /// The thread goes away. Does nothing if it is away already.
    pub(crate) fn leave(&self, now: u64) {
        let sum = self.0.load(Relaxed);
        if sum & AWAY == 0 {
            self.0.store(now.saturating_sub(sum) | AWAY, Release);
        }
    }

    /// The thread is back. Does nothing if it was not away.
    pub(crate) fn back(&self, now: u64) {
        if self.0.load(Relaxed) & AWAY != 0 {
            self.0.store(self.sum(now), Release);
        }
    }

    /// Returns how long it has been away in total.
    pub(crate) fn sum(&self, now: u64) -> u64 {
        let word = self.0.load(Acquire);
        if word & AWAY == 0 { word } else { now.saturating_sub(word & !AWAY) }
    }

    pub(crate) fn is_away(&self) -> bool {
        self.0.load(Acquire) & AWAY != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absences_add_up_and_the_present_one_counts() {
        let clock = AwayClock::default();
        assert_eq!(clock.sum(5), 5, "not there yet");
        clock.back(10);
        assert_eq!(clock.sum(50), 10);
        clock.leave(100);
        assert!(clock.is_away());
        assert_eq!(clock.sum(130), 40);
        clock.leave(120);
        clock.back(150);
        clock.back(160);
        assert!(!clock.is_away());
        assert_eq!(clock.sum(1_000), 60);
    }
}
