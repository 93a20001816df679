//! Holds the clocks of Tokio runtimes while work of theirs is under way.
//!
//! A paused clock leaps to the next timer as soon as its runtime is idle; and it is idle while it waits for a thread that it does
//! not know of. It does not leap while a task of `spawn_blocking` runs. So from the first task that is submitted there to
//! the end of the last one such a task is parked in the runtime.
//!
//! # When the last one has ended
//!
//! A task's result must have reached its caller before the clock leaps, and wake-ups may be deferred for a moment. Every task has a
//! [`Token`], dropped with its closure. The clock may go when there is no token *and* no worker is active (but for those whose
//! task waits for this very clock): a worker sends what it has deferred before it stops being active. So whoever may have
//! been the last calls [`Clock::look`] afterwards: a worker that runs out of work or leaves, the timer thread when it has sent
//! what was overdue, and whoever has cancelled or refused a task and told its caller.
//!
//! # When a runtime goes first
//!
//! It drops its tasks, then waits for those of `spawn_blocking`. A task of the first kind, which never ends, says when.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use tokio::runtime::{Handle, Id, RuntimeFlavor};

use crate::pool::propagate::{CapturedContext, Propagate};
use crate::pool::shared::Shared;
use crate::sync::{Condvar, Mutex};

thread_local! {
    /// The runtime that the task on this thread holds the clock of; its subtasks hold it, too.
    static HELD: RefCell<Option<Held>> = const { RefCell::new(None) };
}

/// What a pool holds.
#[derive(Debug, Default)]
pub(super) struct Clock {
    shared: OnceLock<Weak<Shared>>,
    runtimes: Mutex<HashMap<Id, Hold>>,
    /// For those who are parked.
    changed: Condvar,
    /// Workers whose task waits for a clock.
    aside: AtomicUsize,
    /// Threads that send wake-ups that workers have deferred.
    sending: AtomicUsize,
}

#[derive(Debug, Default)]
struct Hold {
    /// Tokens.
    tasks: usize,
    held: bool,
    /// A task of `spawn_blocking` is there, and has not yet seen that it is no longer needed.
    parked: bool,
}

/// A clock that is to be held.
#[derive(Debug, Clone)]
pub(super) struct Held {
    clock: Arc<Clock>,
    runtime: Handle,
}

impl Clock {
    pub(super) fn set(&self, shared: &Arc<Shared>) {
        // A clock is made for one pool.
        let _ = self.shared.set(Arc::downgrade(shared));
    }

    /// Lets the clocks go that nobody needs.
    pub(super) fn look(&self) {
        let mut runtimes = self.runtimes.lock();
        if runtimes.is_empty() || !self.is_told() {
            return;
        }
        for hold in runtimes.values_mut().filter(|hold| hold.tasks == 0) {
            hold.held = false;
        }
        self.changed.notify_all();
    }

    /// Every caller whose task has ended was told.
    fn is_told(&self) -> bool {
        let shared = self.shared.get().and_then(Weak::upgrade);
        let active = shared.map_or(0, |shared| shared.idle.census().active());
        active <= self.aside.load(Ordering::SeqCst) && self.sending.load(Ordering::SeqCst) == 0
    }

    /// The timer thread sends wake-ups that workers have deferred.
    pub(super) fn sending(&self, send: impl FnOnce()) {
        self.sending.fetch_add(1, Ordering::SeqCst);
        send();
        self.sending.fetch_sub(1, Ordering::SeqCst);
        self.look();
    }

    /// The runtime is about to end.
    fn gone(&self, runtime: Id) {
        self.runtimes.lock().remove(&runtime);
        self.changed.notify_all();
    }

    /// Until the runtime's clock may go.
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
    /// The clock that the task on this thread holds.
    pub(super) fn here() -> Option<Self> {
        HELD.with_borrow(Clone::clone)
    }

    /// One more task is under way.
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

    /// One less.
    fn give(&self) {
        if let Some(hold) = self.clock.runtimes.lock().get_mut(&self.runtime.id()) {
            hold.tasks = hold.tasks.saturating_sub(1);
        }
    }

    /// The task on this thread waits for the clock, which may go as far as it is concerned.
    pub(super) fn step_aside(&self) {
        self.clock.aside.fetch_add(1, Ordering::SeqCst);
        self.give();
        self.clock.look();
    }

    /// It waits no more. To be called while the clock can't leap: by a thread of the runtime.
    pub(super) fn come_back(&self) {
        self.take();
        self.clock.aside.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Propagate for Arc<Clock> {
    fn capture(&self) -> Option<Box<dyn CapturedContext>> {
        let inherited = Held::here().map(|held| held.runtime);
        let runtime = inherited.or_else(|| Handle::try_current().ok())?;
        // The clock of a runtime of many threads can't be paused.
        if runtime.runtime_flavor() != RuntimeFlavor::CurrentThread {
            return None;
        }
        let held = Held { clock: Arc::clone(self), runtime };
        held.take();
        Some(Box::new(Token(held)))
    }
}

/// A task that is under way.
struct Token(Held);

impl CapturedContext for Token {
    fn scope(self: Box<Self>, task: &mut dyn FnMut()) {
        let _outer = Outer(HELD.replace(Some(self.0.clone())));
        task();
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.give();
        // Work that was refused, or given up before it was anywhere: nobody else looks. The runtime is busy with this very call, so
        // whoever is told in it hears of it in time.
        if Handle::try_current().is_ok_and(|here| here.id() == self.0.runtime.id()) {
            self.0.clock.look();
        }
    }
}

/// Puts back what was there before.
struct Outer(Option<Held>);

impl Drop for Outer {
    fn drop(&mut self) {
        HELD.set(self.0.take());
    }
}

/// Lives as long as its runtime.
struct Sentinel {
    clock: Arc<Clock>,
    runtime: Id,
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        self.clock.gone(self.runtime);
    }
}
