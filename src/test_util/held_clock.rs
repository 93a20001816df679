//! Holds the paused clocks of Tokio runtimes while their work is under way.
//!
//! A paused clock advances to the next timer as soon as its runtime is idle, and the runtime is
//! idle while it waits for a thread that it does not know. It does not advance while a task of
//! `spawn_blocking` runs. So such a task is parked in the runtime from the first submission until
//! the last task has ended.
//!
//! # When the clock is released
//!
//! A task's caller must be woken before the clock advances. Each task has a [`Token`], dropped with
//! its closure. The clock is released when no token is left *and* no worker is active, apart from
//! workers whose task waits for this clock: a worker wakes each task's caller before it stops being
//! active ([`TestControl::sends_wakes`](crate::pool::TestControl::sends_wakes)). The thread that
//! may have been the last calls [`HeldClock::check`] afterwards: a worker that is about to sleep or
//! leaves, and a thread that has cancelled or refused a task and woken its caller.
//!
//! A caller who waits for the end of the pool has a [`Hold`] instead of a token.
//!
//! # When a runtime ends first
//!
//! A runtime that ends drops its tasks, then waits for those of `spawn_blocking`. A [`Sentinel`] in
//! a task that never ends releases the parked one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::{Handle, Id, RuntimeFlavor};

use crate::pool::{CapturedContext, HookedPool, Propagate};
use crate::sync::{Condvar, Mutex};

thread_local! {
    /// The clock that the task on this thread holds; its subtasks hold it, too.
    static HELD: RefCell<Option<Held>> = const { RefCell::new(None) };
}

/// The clocks that one pool holds.
#[derive(Debug)]
pub(super) struct HeldClock {
    pool: HookedPool,
    runtimes: Mutex<HashMap<Id, Runtime>>,
    /// Notifies the parked tasks.
    changed: Condvar,
    /// Workers whose task waits for a clock.
    aside: AtomicUsize,
}

#[derive(Debug, Default)]
struct Runtime {
    /// The number of tokens.
    tasks: usize,
    held: bool,
    /// A task of `spawn_blocking` is parked, and has not yet seen that the clock is released.
    parked: bool,
}

/// A clock that is to be held.
#[derive(Debug, Clone)]
pub(super) struct Held {
    clock: Arc<HeldClock>,
    runtime: Handle,
}

impl HeldClock {
    pub(super) fn new(pool: HookedPool) -> Self {
        Self { pool, runtimes: Mutex::default(), changed: Condvar::default(), aside: AtomicUsize::new(0) }
    }

    /// Releases the clocks that no task needs.
    pub(super) fn check(&self) {
        let mut runtimes = self.runtimes.lock();
        if runtimes.is_empty() || self.pool.active() > self.aside.load(Ordering::SeqCst) {
            return;
        }
        for hold in runtimes.values_mut().filter(|hold| hold.tasks == 0) {
            hold.held = false;
        }
        self.changed.notify_all();
    }

    /// Forgets a runtime that is about to end.
    fn forget(&self, runtime: Id) {
        self.runtimes.lock().remove(&runtime);
        self.changed.notify_all();
    }

    /// Blocks until the runtime's clock is released.
    fn park(&self, runtime: Id) {
        let mut runtimes = self.runtimes.lock();
        loop {
            match runtimes.get_mut(&runtime) {
                Some(hold) if hold.held => {}
                Some(hold) => return hold.parked = false,
                None => return,
            }
            runtimes = self.changed.wait(runtimes);
        }
    }
}

impl Held {
    /// Returns the clock that the task on this thread holds.
    pub(super) fn here() -> Option<Self> {
        HELD.with_borrow(Clone::clone)
    }

    /// Counts one more task, and holds the clock.
    fn take(&self) {
        let id = self.runtime.id();
        let (known, parked) = {
            let mut runtimes = self.clock.runtimes.lock();
            let known = runtimes.contains_key(&id);
            let hold = runtimes.entry(id).or_default();
            hold.tasks += 1;
            hold.held = true;
            (known, std::mem::replace(&mut hold.parked, true))
        };
        // Not under the lock: a runtime that ends drops them at once.
        if !known {
            let sentinel = Sentinel { clock: Arc::clone(&self.clock), runtime: id };
            self.runtime.spawn(async move {
                let _sentinel = sentinel;
                future::pending::<()>().await;
            });
        }
        if !parked {
            let clock = Arc::clone(&self.clock);
            self.runtime.spawn_blocking(move || clock.park(id));
        }
    }

    /// Counts one task less.
    fn give(&self) {
        if let Some(hold) = self.clock.runtimes.lock().get_mut(&self.runtime.id()) {
            hold.tasks = hold.tasks.saturating_sub(1);
        }
    }

    /// Notes that the task on this thread waits for the clock and no longer holds it.
    pub(super) fn step_aside(&self) {
        self.clock.aside.fetch_add(1, Ordering::SeqCst);
        self.give();
        self.clock.check();
    }

    /// Notes that the task holds the clock again. The caller must be a thread of the runtime: while
    /// it runs, the clock can't advance.
    pub(super) fn come_back(&self) {
        self.take();
        self.clock.aside.fetch_sub(1, Ordering::SeqCst);
    }
}

impl HeldClock {
    /// Holds the clock of the calling runtime until the value is dropped.
    pub(super) fn hold(self: &Arc<Self>) -> Option<Hold> {
        self.take_here().map(Hold)
    }

    /// Counts one more task of the calling runtime, or of that whose clock the calling task holds.
    fn take_here(self: &Arc<Self>) -> Option<Held> {
        let inherited = Held::here().map(|held| held.runtime);
        let runtime = inherited.or_else(|| Handle::try_current().ok())?;
        // The clock of a multi-threaded runtime can't be paused.
        if runtime.runtime_flavor() != RuntimeFlavor::CurrentThread {
            return None;
        }
        let held = Held { clock: Arc::clone(self), runtime };
        held.take();
        Some(held)
    }
}

/// Holds the clock for a caller who waits for the end of the pool.
pub(super) struct Hold(Held);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.give();
        // Nothing else follows in a pool that has ended.
        self.0.clock.check();
    }
}

impl Propagate for Arc<HeldClock> {
    fn capture(&self) -> Option<Box<dyn CapturedContext>> {
        Some(Box::new(Token(self.take_here()?)))
    }
}

/// Represents one task that waits or runs.
struct Token(Held);

impl CapturedContext for Token {
    fn scope(self: Box<Self>, task: &mut dyn FnMut()) {
        let _restore = Restore(HELD.replace(Some(self.0.clone())));
        task();
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.give();
        // No hook follows for work that was refused before it had a cell. The runtime is busy with
        // this call, so its clock does not advance before the caller has its answer.
        if Handle::try_current().is_ok_and(|here| here.id() == self.0.runtime.id()) {
            self.0.clock.check();
        }
    }
}

/// Restores the value of [`HELD`].
struct Restore(Option<Held>);

impl Drop for Restore {
    fn drop(&mut self) {
        HELD.set(self.0.take());
    }
}

/// Lives as long as its runtime.
struct Sentinel {
    clock: Arc<HeldClock>,
    runtime: Id,
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        self.clock.forget(self.runtime);
    }
}
