//! The gate at which the worker of a manual pool waits, and the handle that sends it commands.
//!
//! ```text
//!              command                    the task steps aside
//!  AtGate ────────────────▶ Running ─────────────────────────▶ Aside
//!     ▲    next_command      │  ▲                                │
//!     └──────────────────────┘  └────────────────────────────────┘
//!                                          the task comes back
//! ```
//!
//! There is one lock and two condition variables: the worker waits for a command, the handle for
//! the worker to leave `Running`. Once the gate is open for good, the worker learns so at its next
//! visit and runs by itself from then on.

use std::fmt;
use std::sync::Arc;

use crate::pool::{HookedPool, Stepped};
use crate::sync::{Condvar, Mutex};
use crate::task::TaskRef;

/// What the worker must do.
#[derive(Debug)]
enum StepCommand {
    /// Run a task.
    Run(Pick),
    /// List the tasks that wait.
    List,
}

/// The task to run.
#[derive(Debug)]
pub(super) enum Pick {
    /// The task that the pool would run next.
    Next,
    /// The task at this index among all that wait.
    Nth(usize),
    /// Any task, each with an equal chance. The number is from 0 to below 1.
    Any(f64),
    /// The first task with this name.
    Named(String),
}

impl Pick {
    /// Runs one task on `worker`. Returns false if there is none.
    fn run(&self, worker: &dyn Stepped) -> bool {
        match self {
            Self::Next => worker.step(),
            Self::Nth(n) => worker.step_chosen(&|_| Some(*n)),
            Self::Any(roll) => worker.step_chosen(&|all| Some((roll * all.len() as f64) as usize)),
            Self::Named(name) => worker.step_chosen(&|all| {
                all.iter().position(|task| task.label().and_then(|label| label.name()) == Some(name))
            }),
        }
    }
}

/// What the worker answers.
enum StepAnswer {
    /// Whether a task has run.
    Ran(bool),
    Waiting(Vec<TaskRef>),
}

impl fmt::Debug for StepAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StepAnswer")
    }
}

#[derive(Debug, Default)]
pub(super) struct StepGate {
    state: Mutex<State>,
    /// Notifies the worker.
    commanded: Condvar,
    /// Notifies the handle.
    reported: Condvar,
    /// Admits one caller of the handle at a time.
    commanding: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    worker: At,
    command: Option<StepCommand>,
    answer: Option<StepAnswer>,
    open: bool,
}

/// What the worker does.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum At {
    /// It executes a command, or has not arrived yet.
    #[default]
    Running,
    Gate,
    /// Its task waits for an event that the handle's caller may have to cause.
    Aside,
}

impl StepGate {
    /// Executes commands on `worker` until the gate is open for good. Calls `after_run` between the
    /// end of a task and its report.
    pub(super) fn serve(&self, worker: &dyn Stepped, after_run: impl Fn()) {
        let mut answer = None;
        while let Some(command) = self.next_command(answer.take()) {
            answer = Some(match command {
                StepCommand::Run(pick) => {
                    let ran = pick.run(worker);
                    after_run();
                    StepAnswer::Ran(ran)
                }
                StepCommand::List => StepAnswer::Waiting(worker.waiting()),
            });
        }
    }

    /// Reports an answer and waits for the next command. Returns `None` once the gate is open for
    /// good.
    fn next_command(&self, answer: Option<StepAnswer>) -> Option<StepCommand> {
        let mut state = self.state.lock();
        state.worker = At::Gate;
        state.answer = answer;
        self.reported.notify_one();
        loop {
            if let Some(command) = state.command.take() {
                return Some(command);
            }
            if state.open {
                return None;
            }
            state = self.commanded.wait(state);
        }
    }

    /// Marks the worker's task as one that the handle must not wait for, or removes the mark.
    pub(super) fn set_aside(&self, aside: bool) {
        let mut state = self.state.lock();
        state.worker = if aside { At::Aside } else { At::Running };
        if aside {
            self.reported.notify_one();
        }
    }

    /// Has the worker execute a command, and returns its answer. Returns `None` if the worker's
    /// task has stepped aside, or the gate is open.
    fn execute(&self, command: StepCommand) -> Option<StepAnswer> {
        let _commanding = self.commanding.lock();
        let mut state = self.state.lock();
        while state.worker == At::Running && !state.open {
            state = self.reported.wait(state);
        }
        if state.open || state.worker == At::Aside {
            return None;
        }
        state.answer = None;
        state.command = Some(command);
        state.worker = At::Running;
        self.commanded.notify_one();
        while state.worker == At::Running {
            state = self.reported.wait(state);
        }
        match state.worker {
            At::Aside => Some(StepAnswer::Ran(true)),
            _ => state.answer.take(),
        }
    }

    /// Opens the gate for good.
    pub(super) fn open(&self) {
        self.state.lock().open = true;
        self.commanded.notify_one();
        self.reported.notify_one();
    }

    pub(super) fn is_open(&self) -> bool {
        self.state.lock().open
    }
}

/// Sends commands to the worker of a manual pool. Its drop opens the gate for good.
#[derive(Debug)]
pub(super) struct StepHandle {
    gate: Arc<StepGate>,
    pool: HookedPool,
}

impl StepHandle {
    pub(super) fn new(gate: Arc<StepGate>, pool: HookedPool) -> Self {
        Self { gate, pool }
    }

    /// Has the worker run one task. Returns false if no task waits, or the worker is not at the
    /// gate.
    ///
    /// # Panics
    /// In a task of the handle's own pool, which would wait for itself.
    pub(super) fn step(&self, pick: Pick) -> bool {
        matches!(self.execute(StepCommand::Run(pick)), Some(StepAnswer::Ran(true)))
    }

    /// Returns the waiting tasks, as [`Stepped::waiting`]. Empty while the worker is not at the
    /// gate.
    pub(super) fn waiting(&self) -> Vec<TaskRef> {
        match self.execute(StepCommand::List) {
            Some(StepAnswer::Waiting(tasks)) => tasks,
            _ => Vec::new(),
        }
    }

    fn execute(&self, command: StepCommand) -> Option<StepAnswer> {
        assert!(
            !self.pool.is_here(),
            "a task of a manual pool can't step its own pool: it would wait for itself"
        );
        self.gate.execute(command)
    }
}

impl Drop for StepHandle {
    fn drop(&mut self) {
        self.gate.open();
    }
}
