//! Starts threads, and handles a refusal by the operating system.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;
use std::{io, thread};

use crate::contain;
use crate::park::Notify;
use crate::policy::scaling::burst;
use crate::pool::shared::{Shared, count};
use crate::pool::threads::slots::workers;
use crate::pool::worker;

impl Shared {
    /// Starts a thread if the policy still wants one.
    #[cold]
    pub(in crate::pool) fn start_one_more(self: &Arc<Self>) {
        self.start_by(Self::try_one_more);
    }

    /// Starts threads until there are `threads`, or the system refuses one.
    pub(in crate::pool) fn start_ahead(self: &Arc<Self>, threads: usize) {
        self.start_by(move |shared| shared.try_until(threads));
    }

    /// Calls `start`. A user's spawn handler may block, so the timer thread postpones a `start`
    /// that calls one.
    fn start_by(self: &Arc<Self>, start: impl FnOnce(&Arc<Self>) + Send + 'static) {
        if self.hooks.spawn.is_none() {
            return start(self);
        }
        let shared = Arc::clone(self);
        contain::may_block(move || start(&shared));
    }

    fn try_one_more(self: &Arc<Self>) {
        if self.threads.pauses(Instant::now()) {
            return;
        }
        if !self.idle.enlist(|census| burst::should_start(workers(census), self.scaling.allowance.limit())) {
            return;
        }
        if let Err(error) = self.start_enlisted(None) {
            let threads = self.idle.census().total();
            self.events.thread_refused(error, threads).tell();
        }
    }

    fn try_until(self: &Arc<Self>, threads: usize) {
        for _ in self.idle.census().total()..threads {
            if !self.idle.enlist(|census| census.total() < threads) {
                return;
            }
            if let Err(error) = self.start_enlisted(None) {
                self.events.thread_refused(error, self.idle.census().total()).tell();
                return;
            }
        }
    }

    /// Starts the thread of a worker that the census already counts. If that fails, takes the
    /// worker off the census.
    pub(in crate::pool) fn start_enlisted(self: &Arc<Self>, ready: Option<worker::Ready>) -> io::Result<()> {
        let Some(slot) = self.threads.occupy() else {
            // A thread that is leaving still has the slot. It checks for work when it has left
            // (`thread_left`).
            self.never_came();
            return Ok(());
        };
        let unborn = Unborn { shared: Some(Arc::clone(self)), slot };
        let builder = thread::Builder::new().name(format!("{}-{slot}", self.config.thread_name));
        let body = Box::new(move || {
            if let Some(shared) = unborn.born() {
                worker::main(shared, slot, ready);
            }
        });
        // The handler is a user's code.
        let started = catch_unwind(AssertUnwindSafe(|| self.hooks.spawn(builder, body)));
        let started = started.unwrap_or_else(|_| Err(io::Error::other("the spawn handler panicked")));
        started.map(|handle| handle.into_iter().for_each(|handle| self.threads.keep(handle)))
    }

    /// Takes a worker that will have no thread off the census.
    pub(in crate::pool) fn never_came(self: &Arc<Self>) {
        self.idle.dismiss(|| self.has_work());
        self.wake_stranded();
        // Submitters may have counted on a searcher that never came, so notify once more on their
        // behalf.
        if self.idle.notify() == Notify::Ended {
            self.clear_queues();
            if self.threads.alive() == 0 {
                self.thread_was_last();
            }
        }
    }
}

/// A worker whose thread does not run yet. Its drop takes it off the census if the thread never
/// runs, because the system refused it, or a spawn handler failed, panicked or lost it.
struct Unborn {
    /// `None` once the thread runs.
    shared: Option<Arc<Shared>>,
    slot: usize,
}

impl Unborn {
    fn born(mut self) -> Option<Arc<Shared>> {
        self.shared.take()
    }
}

impl Drop for Unborn {
    fn drop(&mut self) {
        let Some(shared) = self.shared.take() else { return };
        count(&shared.tally.spawn_failures);
        let not_before = Instant::now() + shared.config.sampling_interval;
        shared.threads.pause_until(not_before);
        shared.threads.vacate(self.slot);
        shared.never_came();
        shared.keep_asking(not_before);
    }
}
