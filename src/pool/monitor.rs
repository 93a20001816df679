//! Finds workers that are blocked in a task that did not say so.
//!
//! It looks every few milliseconds, but only while work waits and nobody is free to take it. A worker that has neither
//! begun a task nor been on a core from one look to the next, and sleeps, is blocked. (That it sleeps is asked only of
//! those whose clock stands still: the kernel brings the clock of a thread that runs up to date at its ticks.)

use super::sampler::ThreadClocks;
use super::shared::Shared;
use crate::topology::{Spent, ThreadClock};

/// What the last look saw.
#[derive(Debug, Default)]
pub(super) struct Monitor {
    workers: Vec<Seen>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Seen {
    thread: Option<u32>,
    started: u64,
    spent: Option<Spent>,
}

impl Monitor {
    /// Forgets the last look: it is too long ago.
    pub(super) fn pause(&mut self) {
        self.workers.clear();
    }

    /// How many workers are blocked.
    pub(super) fn look(&mut self, shared: &Shared, clocks: &mut ThreadClocks) -> usize {
        self.workers.resize(shared.workers.len(), Seen::default());
        let mut stuck = 0;
        for (slot, (worker, before)) in shared.workers.iter().zip(&mut self.workers).enumerate() {
            let thread = worker.thread().filter(|_| !worker.away().is_away());
            let clock = clocks.of(slot, worker.thread()).filter(|_| thread.is_some());
            let now = Seen { thread, started: worker.started(), spent: clock.and_then(ThreadClock::read) };
            let still = now.spent.is_some() && now == std::mem::replace(before, now);
            stuck += usize::from(still && clock.and_then(ThreadClock::sleeps) == Some(true));
        }
        stuck
    }
}
