//! The slots of threads, their handles, and the pause after the operating system refused a thread.
//!
//! The body of a thread ends before its thread-locals are dropped. Only `JoinHandle::join` of `std`
//! tells that they are, so the pool keeps the handle of each thread until it has joined it. A
//! thread that leaves joins those that have left before it. While the pool closes nobody does, so
//! that the threads end at the same time; the thread that waits for the end joins them all.

use std::thread::JoinHandle;
use std::time::Instant;

use crate::park::Census;
use crate::policy::scaling::burst::{self, Workers};
use crate::sync::{Condvar, Mutex, MutexGuard};

/// The free slots, and the pause after a refusal.
#[derive(Debug)]
pub(in crate::pool) struct Threads {
    state: Mutex<State>,
    /// Notified when a handle has come, and when a thread needs no join any more.
    joinable: Condvar,
    /// Whether the pool gets the handles of its threads: no spawn handler starts them.
    has_handles: bool,
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
    /// The handles of threads that were not joined.
    handles: Vec<JoinHandle<()>>,
    /// Threads that were not joined, also those whose handle has not come yet.
    unjoined: usize,
    /// A thread joins all threads, because the pool has ended.
    joining: bool,
}

impl Threads {
    pub(in crate::pool) fn new(slots: usize, has_handles: bool) -> Self {
        let state = State {
            free: (0..slots).rev().collect(),
            not_before: None,
            started: 0,
            alive: 0,
            handles: Vec::new(),
            unjoined: 0,
            joining: false,
        };
        Self { state: Mutex::new(state), joinable: Condvar::new(), has_handles }
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
        state.unjoined += usize::from(self.has_handles);
        Some(slot)
    }

    /// Frees `slot`, whose thread never started.
    pub(in crate::pool) fn vacate(&self, slot: usize) {
        self.lock().started -= 1;
        self.leave(slot);
        self.joined(usize::from(self.has_handles));
    }

    /// Keeps the handle of a thread that was started.
    pub(in crate::pool) fn keep(&self, handle: JoinHandle<()>) {
        self.lock().handles.push(handle);
        self.joinable.notify_all();
    }

    /// Joins the threads whose bodies have ended. The calling thread is about to end itself.
    pub(in crate::pool) fn join_ended(&self) {
        let ended: Vec<_> = {
            let mut state = self.lock();
            let handles = std::mem::take(&mut state.handles).into_iter();
            let (ended, others) = handles.partition(JoinHandle::is_finished);
            state.handles = others;
            ended
        };
        let count = ended.len();
        // A panic of a thread was reported by its panic hook.
        ended.into_iter().for_each(|handle| drop(handle.join()));
        self.joined(count);
    }

    /// Returns true for the one caller who is to call [`join_all`](Self::join_all).
    pub(in crate::pool) fn begin_joining(&self) -> bool {
        !std::mem::replace(&mut self.lock().joining, true)
    }

    /// Undoes [`begin_joining`](Self::begin_joining).
    pub(in crate::pool) fn stop_joining(&self) {
        self.lock().joining = false;
    }

    /// Blocks until every thread was joined.
    pub(in crate::pool) fn join_all(&self) {
        let mut state = self.lock();
        while state.unjoined > 0 {
            state = match state.handles.pop() {
                Some(handle) => {
                    drop(state);
                    drop(handle.join());
                    self.joined(1);
                    self.lock()
                }
                None => self.joinable.wait(state),
            };
        }
    }

    fn joined(&self, threads: usize) {
        self.lock().unjoined -= threads;
        self.joinable.notify_all();
    }

    /// Returns how many threads are not known to be gone, with their thread-locals. Of a thread
    /// that a spawn handler has started it is only known whether its body has ended.
    pub(in crate::pool) fn remaining(&self) -> usize {
        let state = self.lock();
        state.unjoined.max(state.alive)
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
