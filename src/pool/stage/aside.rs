//! A task that waits for the clock of its submitter's runtime, which may be paused.
//!
//! Whoever is to move the clock must not wait for the task meanwhile: not a step of its pool, not a submission to an inline
//! one, and not the clock itself, if the pool holds it. So the task steps aside when its timer is set, and comes back when it goes
//! off, in the timer's own wake-up: on the runtime's thread, before the clock can leap any further.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use tokio::runtime::Handle;

use super::clock::Held;
use super::gate::Gate;
use super::rest::Rest;
use crate::pool::{TaskContext, worker};
use crate::sync::{Condvar, Mutex};

/// Lets `duration` pass in the time of `runtime`.
///
/// # Panics
/// The runtime has no timers, or has ended.
pub(crate) fn sleep(runtime: &Handle, duration: Duration) {
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
        // What this worker has deferred is sent, and another may take its place.
        Some(context) => context.block_in_place(wait),
        None => wait(),
    }
}

/// Who is not to wait for the task.
struct Aside {
    gate: Option<Arc<Gate>>,
    rest: Option<Arc<Rest>>,
    held: Option<Held>,
}

impl Aside {
    fn here() -> Self {
        let (mut gate, mut rest) = (None, None);
        if let Some(worker) = worker::current() {
            let stage = &worker.shared().stage;
            (gate, rest) = (stage.gate.clone(), stage.rest.clone());
        }
        Self { gate, rest, held: Held::here() }
    }

    fn step(&self) {
        self.held.iter().for_each(Held::step_aside);
        self.gate.iter().for_each(|gate| gate.set_aside(true));
        self.rest.iter().for_each(|rest| rest.set_aside(true));
    }

    fn come_back(&self) {
        self.held.iter().for_each(Held::come_back);
        self.gate.iter().for_each(|gate| gate.set_aside(false));
        self.rest.iter().for_each(|rest| rest.set_aside(false));
    }
}

/// Goes off once.
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
    /// Steps aside until it goes off.
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
