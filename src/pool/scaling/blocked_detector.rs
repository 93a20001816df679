//! Finds workers that block in a task outside of a declared section.
//!
//! The check runs every few milliseconds, but only while work waits and no worker is free to take
//! it. A worker is blocked if it has neither begun a task nor been on a core from one check to the
//! next, and sleeps. Only a worker whose clock stands still is asked whether it sleeps: the kernel
//! updates the clock of a running thread at its ticks.

use crate::pool::scaling::sampler::ThreadClocks;
use crate::pool::shared::Shared;
use crate::topology::{Spent, ThreadClock};

/// What the last check found.
#[derive(Debug, Default)]
pub(in crate::pool) struct BlockedDetector {
    workers: Vec<Seen>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Seen {
    thread: Option<u32>,
    started: u64,
    spent: Option<Spent>,
}

impl BlockedDetector {
    /// Forgets the last check.
    pub(in crate::pool) fn reset(&mut self, shared: &Shared) {
        self.workers.clear();
        shared
            .workers
            .iter()
            .filter(|worker| worker.found_blocked())
            .for_each(|worker| worker.set_found_blocked(false));
    }

    /// Returns how many workers are blocked, and notes which ones.
    pub(in crate::pool) fn check(&mut self, shared: &Shared, clocks: &mut ThreadClocks) -> usize {
        self.workers.resize(shared.workers.len(), Seen::default());
        let mut blocked = 0;
        for (slot, (worker, before)) in shared.workers.iter().zip(&mut self.workers).enumerate() {
            let thread = worker.thread().filter(|_| !worker.away().is_away());
            let clock = clocks.of(slot, worker.thread()).filter(|_| thread.is_some());
            let now = Seen { thread, started: worker.started(), spent: clock.and_then(ThreadClock::read) };
            let still = now.spent.is_some() && now == std::mem::replace(before, now);
            let is_blocked = still && clock.and_then(ThreadClock::sleeps) == Some(true);
            worker.set_found_blocked(is_blocked);
            blocked += usize::from(is_blocked);
        }
        blocked
    }
}
