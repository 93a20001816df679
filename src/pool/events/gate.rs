//! A gate for a kind of event: what passes is told, the rest is counted.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::policy::rate_limit::RateLimit;
use crate::sync::Mutex;

/// A [`RateLimit`] that threads share. While it is closed an event costs two accesses of memory.
#[derive(Debug)]
pub(super) struct Gate {
    limit: Mutex<RateLimit>,
    /// Until when it is closed; 0 while it is open.
    closed_until: AtomicU64,
    /// The events that did not pass since the last one that did.
    suppressed: AtomicU64,
}

impl Gate {
    /// Lets at most `most` events pass in a second.
    pub(super) fn new(most: u32) -> Self {
        let limit = Mutex::new(RateLimit::new(most));
        Self { limit, closed_until: AtomicU64::new(0), suppressed: AtomicU64::new(0) }
    }

    /// Returns how many events did not pass before this one at `now`; `None` if this one does not
    /// pass either.
    pub(super) fn pass(&self, now: u64) -> Option<u64> {
        if now < self.closed_until.load(Ordering::Relaxed) || !self.admit(now) {
            self.suppressed.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(self.suppressed.swap(0, Ordering::Relaxed))
    }

    #[cold]
    fn admit(&self, now: u64) -> bool {
        let mut limit = self.limit.lock();
        let admitted = limit.admit(now);
        self.closed_until.store(limit.closed_until(), Ordering::Relaxed);
        admitted
    }
}

#[cfg(all(test, not(millpond_loom)))]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn what_passes_tells_how_much_did_not() {
        let gate = Gate::new(1);
        assert_eq!(gate.pass(0), Some(0));
        assert_eq!([1, 2, 3].map(|now| gate.pass(now)), [None; 3]);
        assert_eq!(gate.pass(SECOND), Some(3));
        assert_eq!(gate.pass(2 * SECOND), Some(0));
    }

    #[test]
    fn many_threads_get_through_no_more_often() {
        let gate = Gate::new(3);
        let passed: u64 = std::thread::scope(|scope| {
            let count = || (0..100).filter(|now| gate.pass(*now).is_some()).count() as u64;
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(count)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!((passed, gate.pass(SECOND)), (3, Some(397)));
    }
}
