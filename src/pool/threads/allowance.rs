//! The number of threads that the pool may have now, and the number asked to leave.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::policy::scaling::Limits;
use crate::sync::Mutex;

/// The limit of threads. Submissions to a busy pool read it often; its parts change a few hundred
/// times a second at most.
#[derive(Debug)]
pub(in crate::pool) struct Allowance {
    limits: Limits,
    parts: Mutex<Parts>,
    limit: AtomicUsize,
    least: AtomicUsize,
}

/// The parts of the limit.
#[derive(Debug, Clone, Copy)]
pub(in crate::pool) struct Parts {
    /// The controller's last decision.
    pub(in crate::pool) target: usize,
    /// Threads for load that is foreseen. They start before the load comes, and do not leave for
    /// want of work.
    pub(in crate::pool) foreseen: usize,
    /// One for each usable core.
    pub(in crate::pool) cores: usize,
    /// One more for each worker that was found blocked.
    pub(in crate::pool) stuck: usize,
    /// One more for each worker in a section that is declared to block. Below zero for a moment if
    /// the end of a wait is noted before the beginning of the next one, by two threads.
    pub(in crate::pool) declared: isize,
    /// Threads beyond the largest number, in the place of blocked workers.
    pub(in crate::pool) beyond: usize,
}

impl Parts {
    /// Returns how many workers are in a section that is declared to block.
    pub(in crate::pool) fn declared(self) -> usize {
        usize::try_from(self.declared).unwrap_or(0)
    }

    /// Returns the limit that the parts make. The controller's target covers the workers that are
    /// blocked on average, so those that were found blocked are not counted twice. The target does
    /// not cover declared sections.
    fn limit(self, limits: Limits) -> usize {
        let within = self.target.max(self.cores + self.stuck) + self.declared();
        within.clamp(limits.min, limits.max) + self.beyond
    }
}

impl Allowance {
    pub(in crate::pool) fn new(limits: Limits, cores: usize) -> Self {
        let parts = Parts { target: 0, foreseen: 0, cores, stuck: 0, declared: 0, beyond: 0 };
        let limit = AtomicUsize::new(parts.limit(limits));
        Self { limits, parts: Mutex::new(parts), limit, least: AtomicUsize::new(limits.min) }
    }

    /// Returns how many threads there may be now.
    #[inline]
    pub(in crate::pool) fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// Returns how many threads stay without work.
    pub(in crate::pool) fn least(&self) -> usize {
        self.least.load(Ordering::Relaxed)
    }

    /// Changes a part. Returns true if more threads may be started than before.
    pub(in crate::pool) fn change(&self, change: impl FnOnce(&mut Parts)) -> bool {
        let mut parts = self.parts.lock();
        change(&mut parts);
        let limit = parts.limit(self.limits);
        self.least.store(parts.foreseen.clamp(self.limits.min, self.limits.max), Ordering::Relaxed);
        self.limit.swap(limit, Ordering::Relaxed) < limit
    }

    /// Returns the parts as they are now.
    pub(in crate::pool) fn parts(&self) -> Parts {
        *self.parts.lock()
    }
}

/// Orders that workers read between two tasks. One word, so that a worker needs one load.
#[derive(Debug, Default)]
pub(in crate::pool) struct Orders(AtomicUsize);

/// Replaces the number of retiring workers once the pool aborts.
const ABORT: usize = usize::MAX;

impl Orders {
    /// Returns whether there is an order.
    #[inline]
    pub(in crate::pool) fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    /// Orders the abort after a shutdown's deadline: waiting tasks are cancelled, running ones are
    /// asked to stop.
    pub(in crate::pool) fn abort(&self) {
        self.0.store(ABORT, Ordering::SeqCst);
    }

    /// Returns whether the abort was ordered.
    #[inline]
    pub(in crate::pool) fn aborting(&self) -> bool {
        self.0.load(Ordering::Relaxed) == ABORT
    }

    /// Orders this many workers to leave after their task. Replaces the earlier order.
    pub(in crate::pool) fn retire(&self, workers: usize) {
        let unless_aborting = |now| (now != ABORT && now != workers).then_some(workers);
        let _ = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, unless_aborting);
    }

    /// Takes one retirement for the calling worker, if one is left.
    pub(in crate::pool) fn take_retirement(&self) -> bool {
        let one_less = |now| if now == ABORT { None } else { usize::checked_sub(now, 1) };
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_made_of_its_parts_and_stays_within_its_limits() {
        let allowance = Allowance::new(Limits { min: 2, max: 8 }, 4);
        assert_eq!(allowance.limit(), 4);
        assert!(allowance.change(|parts| parts.stuck = 2));
        assert_eq!(allowance.limit(), 6);
        assert!(!allowance.change(|parts| parts.target = 6), "the target covers them");
        assert!(allowance.change(|parts| parts.declared = 1));
        assert_eq!(allowance.limit(), 7);
        assert!(allowance.change(|parts| parts.declared = 5));
        assert_eq!(allowance.limit(), 8);
        assert!(allowance.change(|parts| parts.beyond = 3));
        assert_eq!(allowance.limit(), 11, "blocked workers have others in their place");
        let least = Parts { target: 0, foreseen: 0, cores: 1, stuck: 0, declared: 0, beyond: 0 };
        assert!(!allowance.change(|parts| *parts = least));
        assert_eq!(allowance.limit(), 2);
    }

    #[test]
    fn two_threads_may_note_the_waits_of_a_worker_in_any_order() {
        let allowance = Allowance::new(Limits { min: 1, max: 8 }, 4);
        for by in [-1, 1] {
            allowance.change(|parts| parts.declared += by);
            assert_eq!(allowance.limit(), 4);
        }
        assert!(allowance.change(|parts| parts.declared += 1));
        assert_eq!((allowance.limit(), allowance.parts().declared()), (5, 1));
    }

    #[test]
    fn as_many_retire_as_were_asked_to_and_none_after_an_abort() {
        let orders = Orders::default();
        assert!(!orders.any() && !orders.take_retirement());
        orders.retire(2);
        assert!(orders.any() && !orders.aborting());
        assert!(orders.take_retirement() && orders.take_retirement() && !orders.take_retirement());
        orders.abort();
        orders.retire(3);
        assert!(orders.aborting() && !orders.take_retirement());
    }
}
