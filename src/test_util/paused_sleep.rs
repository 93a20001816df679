//! Lets a task sleep by the clock of its submitter's runtime, which may be paused.
//!
//! The thread that must advance the clock may not wait for the task meanwhile: not in a step of its
//! pool, not in a submission to an inline pool, and not through the clock, if the pool holds it. So
//! the task steps aside when its timer is set. It comes back in the timer's own wake-up, on the
//! runtime's thread, before the clock can advance further.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use tokio::runtime::Handle;

use super::aside::{self, SetAside};
use super::held_clock::Held;
use crate::pool::TaskContext;
use crate::sync::{Condvar, Mutex};

/// Blocks the thread until `duration` has passed in the time of `runtime`.
///
/// # Panics
/// The runtime has no timers, or has ended.
pub(super) fn sleep(runtime: &Handle, duration: Duration) {
    let wait = || {
        let _context = runtime.enter();
        let mut sleep = pin!(tokio::time::sleep(duration));
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(Arc::clone(&bell));
        if sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            bell.wait(Aside::here());
        }
    };
    match TaskContext::current() {
        // The worker sends the wake-ups that it has deferred, and another worker may take its
        // place.
        Some(context) => context.block_in_place(wait),
        None => wait(),
    }
}

/// The controls that must not wait for the task.
struct Aside {
    control: Option<Arc<dyn SetAside>>,
    held: Option<Held>,
}

impl Aside {
    fn here() -> Self {
        Self { control: aside::here(), held: Held::here() }
    }

    fn step(&self) {
        self.held.iter().for_each(Held::step_aside);
        self.control.iter().for_each(|control| control.set_aside(true));
    }

    fn come_back(&self) {
        self.held.iter().for_each(Held::come_back);
        self.control.iter().for_each(|control| control.set_aside(false));
    }
}

/// A bell that rings once.
#[derive(Default)]
struct Bell {
    state: Mutex<State>,
    rang: Condvar,
}

#[derive(Default)]
struct State {
    rung: bool,
    aside: Option<Aside>,
}

impl Bell {
    /// Steps aside until the bell rings.
    fn wait(&self, aside: Aside) {
        let mut state = self.state.lock();
        if !state.rung {
            aside.step();
            state.aside = Some(aside);
        }
        while !state.rung {
            state = self.rang.wait(state);
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let mut state = self.state.lock();
        state.rung = true;
        if let Some(aside) = state.aside.take() {
            aside.come_back();
        }
        self.rang.notify_one();
    }
}
