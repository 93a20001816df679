//! The keeper: one thread a pool that waits for times to come (a reservation that lapses, the deadline of a shutdown).
//! It is started when it is first needed and sleeps while nothing is due, so that a pool without either has none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use super::shared::{Shared, count};
use crate::sync::{Condvar, Mutex, MutexGuard};

/// What the keeper waits for, beside the reservations.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    state: Mutex<State>,
    signal: Condvar,
    /// It is awake, or has a time set: it will look at the reservations by itself.
    armed: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    started: bool,
    stopped: bool,
    drain_until: Option<Instant>,
}

impl Shared {
    /// A reservation was entered: it will be looked after.
    #[inline]
    pub(super) fn keep_reservations(self: &Arc<Self>) {
        if !self.keeper.armed.swap(true, Ordering::SeqCst) {
            self.call_keeper(|_| ());
        }
    }

    /// What waits at `deadline` is cancelled then. Of several deadlines the earliest counts.
    pub(super) fn keep_deadline(self: &Arc<Self>, deadline: Instant) {
        self.call_keeper(|state| {
            state.drain_until = Some(state.drain_until.map_or(deadline, |known| known.min(deadline)));
        });
    }

    /// The pool has ended.
    pub(super) fn dismiss_keeper(&self) {
        self.lock_keeper().stopped = true;
        self.keeper.signal.notify_one();
    }

    fn lock_keeper(&self) -> MutexGuard<'_, State> {
        self.keeper.state.lock()
    }

    #[cold]
    fn call_keeper(self: &Arc<Self>, say: impl FnOnce(&mut State)) {
        let mut state = self.lock_keeper();
        say(&mut state);
        if !state.started && !state.stopped {
            let shared = Arc::clone(self);
            let builder = thread::Builder::new().name(format!("{}-keeper", self.config.thread_name));
            match builder.spawn(move || shared.keep()) {
                Ok(_) => state.started = true,
                Err(error) => {
                    // Asked again at the next occasion; until then reservations do not lapse.
                    self.keeper.armed.store(false, Ordering::SeqCst);
                    tracing::warn!(%error, "the keeper thread could not be started");
                }
            }
        }
        drop(state);
        self.keeper.signal.notify_one();
    }

    fn keep(self: Arc<Self>) {
        let mut state = self.lock_keeper();
        while !state.stopped {
            // Disarmed before it looks: whoever enters a reservation after the look arms it again, and signals.
            self.keeper.armed.store(false, Ordering::SeqCst);
            let lapse = self.reservations.next_lapse();
            if lapse.is_some() {
                self.keeper.armed.store(true, Ordering::SeqCst);
            }
            let now = Instant::now();
            let due = [lapse, state.drain_until].into_iter().flatten().min();
            state = match due {
                None => self.keeper.signal.wait(state),
                Some(due) if due > now => self.keeper.signal.wait_timeout(state, due - now),
                Some(_) => {
                    let drained = state.drain_until.take_if(|until| *until <= now).is_some();
                    drop(state);
                    if drained {
                        self.abort_all();
                    }
                    self.lapse_reservations(now);
                    self.lock_keeper()
                }
            };
        }
    }

    fn lapse_reservations(self: &Arc<Self>, now: Instant) {
        for _ in 0..self.reservations.lapse(now) {
            count(&self.tally.lapsed);
            tracing::warn!(
                timeout = ?self.config.reservation_timeout,
                "a permit was not used in time; its place goes to others"
            );
            self.release_permit();
        }
    }
}
