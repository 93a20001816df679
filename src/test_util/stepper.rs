//! The handle that steps a manual pool.

use std::fmt;

use super::step_gate::{Pick, StepHandle};
use crate::policy::splitmix64;
use crate::sync::Mutex;
use crate::task::{Label, Priority, Run};

/// The order in which a manual pool runs its waiting tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Order {
    /// The pool's own order. Plain work runs first come, first served, except for subtasks.
    /// Labelled work ([`AdaptiveThreadPool::task`](crate::AdaptiveThreadPool::task)) runs in the
    /// run order, which depends on the clock and on the time that tasks took. So that order may
    /// differ from run to run.
    #[default]
    Own,
    /// A random order, in which each waiting task has an equal chance. Equal seeds and equal
    /// submissions give equal orders.
    Seeded(u64),
}

/// A task that waits in a manual pool.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waiting {
    /// The name of the task, if it has one ([`TaskBuilder::name`](crate::TaskBuilder::name)). A
    /// subtask has the name of its task.
    pub name: Option<String>,
    /// The tenant; `None` for plain work, and for work without a tenant.
    pub tenant: Option<String>,
    /// The priority; `None` for plain work.
    pub priority: Option<Priority>,
}

impl Waiting {
    fn of(task: &dyn Run) -> Self {
        let label = task.label();
        let tenant = label.filter(|label| !label.tenant.is_empty());
        Self {
            name: label.and_then(Label::name).map(String::from),
            tenant: tenant.map(|label| label.tenant.to_string()),
            priority: label.map(|label| label.priority),
        }
    }
}

/// Runs the tasks of a manual pool one by one; from [`manual`](super::manual()).
///
/// When a call returns, the task has run to its end, its caller was woken, and the pool's
/// statistics are exact. Subtasks that the task has left in the queue are steps of their own; those
/// that it waited for have run with it. Cancelled tasks are not steps. As places become free,
/// callers who wait for a permit get one.
///
/// The call blocks the calling thread meanwhile. So a task must not wait for that thread, nor for
/// its runtime if that has a single thread. It must not wait for timers of that runtime either,
/// except for those of [`Faults::delay_next`](super::Faults::delay_next).
///
/// When the stepper is dropped, or the pool is closed, the pool runs without steps, so that
/// accepted work is done. From then on the stepper's methods find nothing to run.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let (pool, stepper) = millpond::test_util::manual();
/// let (left, right) = (pool.try_spawn(|| "left").unwrap(), pool.try_spawn(|| "right").unwrap());
///
/// assert!(stepper.step());
/// assert!(left.is_finished() && !right.is_finished());
/// assert_eq!(stepper.run_until_idle(), 1);
/// assert_eq!(right.await.unwrap(), "right");
/// # }
/// ```
pub struct Stepper {
    handle: StepHandle,
    dice: Mutex<Dice>,
}

/// The order, and how many random numbers were drawn.
#[derive(Default)]
struct Dice {
    order: Order,
    drawn: u64,
}

impl fmt::Debug for Stepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stepper").field("order", &self.dice.lock().order).finish_non_exhaustive()
    }
}

impl Stepper {
    pub(super) fn new(handle: StepHandle) -> Self {
        Self { handle, dice: Mutex::default() }
    }

    /// Sets the order of the steps from here on. A seed starts its series again.
    ///
    /// ```
    /// use millpond::test_util::{self, Order};
    ///
    /// let run = |seed| {
    ///     let (pool, stepper) = test_util::manual();
    ///     stepper.set_order(Order::Seeded(seed));
    ///     let (out, order) = std::sync::mpsc::channel();
    ///     for n in 0..10 {
    ///         let out = out.clone();
    ///         pool.try_spawn(move || out.send(n)).unwrap();
    ///     }
    ///     stepper.run_until_idle();
    ///     order.try_iter().collect::<Vec<_>>()
    /// };
    /// assert_eq!(run(1), run(1));
    /// assert_ne!(run(1), run(2));
    /// ```
    pub fn set_order(&self, order: Order) {
        *self.dice.lock() = Dice { order, drawn: 0 };
    }

    /// Runs one task, and returns true. Returns true also if the task begins a delay of
    /// [`delay_next`](super::Faults::delay_next) and has not ended. Returns false if no task waits,
    /// or if a delayed task occupies the worker until the clock has advanced.
    ///
    /// # Panics
    /// In a task of this pool, which would wait for itself. This holds for the other methods that
    /// run tasks, too.
    pub fn step(&self) -> bool {
        self.handle.step(self.roll())
    }

    /// Runs tasks until none waits. Returns how many it has run.
    ///
    /// # Panics
    /// As [`step`](Self::step).
    pub fn run_until_idle(&self) -> usize {
        std::iter::from_fn(|| self.step().then_some(())).count()
    }

    /// Runs the first waiting task with this name
    /// ([`TaskBuilder::name`](crate::TaskBuilder::name)). Returns false if there is none.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (pool, stepper) = millpond::test_util::manual();
    /// let first = pool.task().name("first").try_spawn(|| ()).unwrap();
    /// let second = pool.task().name("second").try_spawn(|| ()).unwrap();
    ///
    /// assert!(stepper.step_named("second"));
    /// assert!(second.is_finished() && !first.is_finished());
    /// assert!(!stepper.step_named("second"));
    /// # }
    /// ```
    pub fn step_named(&self, name: &str) -> bool {
        self.handle.step(Pick::Named(String::from(name)))
    }

    /// Runs the `n`th waiting task, from 0, in the order of [`waiting`](Self::waiting). Returns
    /// false if there are fewer.
    ///
    /// # Panics
    /// As [`step`](Self::step).
    pub fn step_nth(&self, n: usize) -> bool {
        self.handle.step(Pick::Nth(n))
    }

    /// Returns the waiting tasks: subtasks, the newest first; then plain work; then labelled work,
    /// both in order of submission.
    #[must_use]
    pub fn waiting(&self) -> Vec<Waiting> {
        self.handle.waiting().iter().map(|task| Waiting::of(&**task)).collect()
    }

    fn roll(&self) -> Pick {
        let mut dice = self.dice.lock();
        match dice.order {
            Order::Own => Pick::Next,
            Order::Seeded(seed) => {
                dice.drawn += 1;
                Pick::Any(splitmix64::nth(seed, dice.drawn))
            }
        }
    }
}
