//! The slots of threads, and the pause after the operating system refused a thread.

use std::time::Instant;

use crate::park::Census;
use crate::policy::scaling::burst::{self, Workers};
use crate::sync::{Mutex, MutexGuard};

/// The free slots, and the pause after a refusal.
#[derive(Debug)]
pub(in crate::pool) struct Threads {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Slots without a thread, the lowest last.
    free: Vec<usize>,
    /// After a refusal the pool asks for no thread before this time.
    not_before: Option<Instant>,
    started: u64,
    /// Threads that have not yet left, also those that the census no longer counts.
    alive: usize,
}

impl Threads {
    pub(in crate::pool) fn new(slots: usize) -> Self {
        let state = State { free: (0..slots).rev().collect(), not_before: None, started: 0, alive: 0 };
        Self { state: Mutex::new(state) }
    }

    /// Returns whether the policy would start a thread now.
    #[inline]
    pub(in crate::pool) fn want_more(&self, census: Census, limit: usize) -> bool {
        !census.ended() && burst::should_start(workers(census), limit)
    }

    /// Frees `slot` when its thread leaves. Returns how many threads are left.
    pub(in crate::pool) fn leave(&self, slot: usize) -> usize {
        let mut state = self.lock();
        state.free.push(slot);
        state.alive -= 1;
        state.alive
    }

    /// Returns how many threads have not yet left.
    pub(in crate::pool) fn alive(&self) -> usize {
        self.lock().alive
    }

    /// Takes a free slot for a new thread.
    pub(in crate::pool) fn occupy(&self) -> Option<usize> {
        let mut state = self.lock();
        let slot = state.free.pop()?;
        state.started += 1;
        state.alive += 1;
        Some(slot)
    }

    /// Frees `slot`, whose thread never started.
    pub(in crate::pool) fn vacate(&self, slot: usize) {
        self.lock().started -= 1;
        self.leave(slot);
    }

    /// Returns whether a thread was refused so recently that the pool asks for none.
    pub(in crate::pool) fn pauses(&self, now: Instant) -> bool {
        self.lock().not_before.is_some_and(|then| now < then)
    }

    /// Notes a refusal: the pool asks for no thread before `then`.
    pub(in crate::pool) fn pause_until(&self, then: Instant) {
        self.lock().not_before = Some(then);
    }

    /// Returns the number of threads started since the pool was built.
    pub(in crate::pool) fn started(&self) -> u64 {
        self.lock().started
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

pub(in crate::pool) fn workers(census: Census) -> Workers {
    Workers { total: census.total(), free: census.idle() + census.searching() }
}
