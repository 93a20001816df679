//! Which slots have a thread, and the memory of a refusal.

use std::time::Instant;

use crate::park::Census;
use crate::policy::scaling::burst::{self, Workers};
use crate::sync::{Mutex, MutexGuard};

/// Free slots and the memory of a failure.
#[derive(Debug)]
pub(in crate::pool) struct Threads {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Slots without a thread, the lowest last.
    free: Vec<usize>,
    /// After a refusal no thread is asked for until then.
    not_before: Option<Instant>,
    started: u64,
    /// Threads that have not yet left, whatever the census says of them.
    alive: usize,
}

impl Threads {
    pub(in crate::pool) fn new(slots: usize) -> Self {
        let state = State { free: (0..slots).rev().collect(), not_before: None, started: 0, alive: 0 };
        Self { state: Mutex::new(state) }
    }

    /// Whether the policy would start a thread now.
    #[inline]
    pub(in crate::pool) fn want_more(&self, census: Census, limit: usize) -> bool {
        !census.ended() && burst::should_start(workers(census), limit)
    }

    /// The thread of `slot` leaves; says how many are left.
    pub(in crate::pool) fn leave(&self, slot: usize) -> usize {
        let mut state = self.lock();
        state.free.push(slot);
        state.alive -= 1;
        state.alive
    }

    /// Threads that have not yet left.
    pub(in crate::pool) fn alive(&self) -> usize {
        self.lock().alive
    }

    /// A slot for a new thread.
    pub(in crate::pool) fn occupy(&self) -> Option<usize> {
        let mut state = self.lock();
        let slot = state.free.pop()?;
        state.started += 1;
        state.alive += 1;
        Some(slot)
    }

    /// The thread for `slot` never came to be.
    pub(in crate::pool) fn vacate(&self, slot: usize) {
        self.lock().started -= 1;
        self.leave(slot);
    }

    /// Whether a thread was refused so recently that none is asked for.
    pub(in crate::pool) fn pauses(&self, now: Instant) -> bool {
        self.lock().not_before.is_some_and(|then| now < then)
    }

    /// A thread was refused: none is asked for before `then`.
    pub(in crate::pool) fn pause_until(&self, then: Instant) {
        self.lock().not_before = Some(then);
    }

    /// Threads started since the pool was built.
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
