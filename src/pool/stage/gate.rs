//! The gate at which the worker of a manual pool waits, and the director who lets it through.
//!
//! ```text
//!              cue                       the task steps aside
//!  Gate   ───────────────▶ Playing ───────────────────────────▶ Aside
//!     ▲    next_cue           │  ▲                                │
//!     └───────────────────────┘  └────────────────────────────────┘
//!                                            it comes back
//! ```
//!
//! One lock, and two condition variables: the worker waits for a cue, the director for the worker not to be playing. When the
//! gate is open for good (`let_go`), the worker is told so at its next visit and is an ordinary one from then on.

use std::sync::{Arc, Weak};

use super::manual::{Answer, Cue, Pick};
use crate::pool::shared::Shared;
use crate::pool::worker;
use crate::sync::{Condvar, Mutex};
use crate::task::TaskRef;

#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    /// For the worker.
    cued: Condvar,
    /// For the director.
    reported: Condvar,
    /// One director at a time.
    directing: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    worker: At,
    cue: Option<Cue>,
    answer: Option<Answer>,
    open: bool,
}

/// Where the worker is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum At {
    /// It plays a cue, or has not come yet.
    #[default]
    Playing,
    Gate,
    /// Its task waits for something that the director may have to bring about.
    Aside,
}

impl Gate {
    /// The worker reports, and waits for its next cue; `None`: it is free.
    pub(super) fn next_cue(&self, answer: Option<Answer>) -> Option<Cue> {
        let mut state = self.state.lock();
        state.worker = At::Gate;
        state.answer = answer;
        self.reported.notify_one();
        loop {
            if let Some(cue) = state.cue.take() {
                return Some(cue);
            }
            if state.open {
                return None;
            }
            state = self.cued.wait(state);
        }
    }

    /// The task that the worker plays steps aside, or comes back.
    pub(super) fn set_aside(&self, aside: bool) {
        let mut state = self.state.lock();
        state.worker = if aside { At::Aside } else { At::Playing };
        if aside {
            self.reported.notify_one();
        }
    }

    /// Has the worker play a cue, and waits for its answer. `None`: the task that it plays has stepped aside, or the worker is free.
    fn play(&self, cue: Cue) -> Option<Answer> {
        let _directing = self.directing.lock();
        let mut state = self.state.lock();
        while state.worker == At::Playing && !state.open {
            state = self.reported.wait(state);
        }
        if state.open || state.worker == At::Aside {
            return None;
        }
        state.answer = None;
        state.cue = Some(cue);
        state.worker = At::Playing;
        self.cued.notify_one();
        while state.worker == At::Playing {
            state = self.reported.wait(state);
        }
        match state.worker {
            At::Aside => Some(Answer::Played(true)),
            _ => state.answer.take(),
        }
    }

    /// Opens the gate for good.
    pub(super) fn let_go(&self) {
        self.state.lock().open = true;
        self.cued.notify_one();
        self.reported.notify_one();
    }

    /// Whether it is.
    pub(super) fn is_open(&self) -> bool {
        self.state.lock().open
    }
}

/// Who gives a manual pool's worker its cues. When it is dropped the worker is free.
#[derive(Debug)]
pub(crate) struct Director {
    gate: Arc<Gate>,
    shared: Weak<Shared>,
}

impl Director {
    pub(super) fn new(gate: Arc<Gate>, shared: &Arc<Shared>) -> Self {
        Self { gate, shared: Arc::downgrade(shared) }
    }

    /// Has one task run. False if there was none, or the worker is not at the gate.
    ///
    /// # Panics
    /// In a task of the same pool, which would wait for itself.
    pub(crate) fn step(&self, pick: Pick) -> bool {
        matches!(self.play(Cue::Play(pick)), Some(Answer::Played(true)))
    }

    /// The tasks that wait, subtasks first, then plain work, then labelled work. None while the worker is not at the gate.
    pub(crate) fn waiting(&self) -> Vec<TaskRef> {
        match self.play(Cue::List) {
            Some(Answer::Waiting(tasks)) => tasks,
            _ => Vec::new(),
        }
    }

    fn play(&self, cue: Cue) -> Option<Answer> {
        let here = self.shared.upgrade().and_then(|shared| worker::current_of(&shared));
        assert!(here.is_none(), "a task of a manual pool can't step its own pool: it would wait for itself");
        self.gate.play(cue)
    }
}

impl Drop for Director {
    fn drop(&mut self) {
        self.gate.let_go();
    }
}
