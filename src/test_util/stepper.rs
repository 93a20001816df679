//! Steps a manual pool.

use std::fmt;

use super::step_gate::{Pick, StepHandle};
use crate::policy::splitmix64;
use crate::sync::Mutex;
use crate::task::{Label, Priority, Run};

/// Which of the tasks that wait is next in a manual pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Order {
    /// As the pool itself would go on. Plain work goes first come, first served, but for subtasks; labelled work
    /// ([`AdaptiveThreadPool::task`](crate::AdaptiveThreadPool::task)) by its own rules, which go by the clock and by what work took, so
    /// that its order may differ from run to run.
    #[default]
    Own,
    /// Each of those that wait has the same chance. The same seed and the same submissions give the same order.
    Seeded(u64),
}

/// A task that waits in a manual pool.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waiting {
    /// What it is called, if it was named ([`TaskBuilder::name`](crate::TaskBuilder::name)). Subtasks have the name of their task.
    pub name: Option<String>,
    /// Whose it is; `None` for plain work, and where nobody was named.
    pub tenant: Option<String>,
    /// How urgent it is; `None` for plain work.
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

/// Has the tasks of a manual pool run, one by one; from [`manual`](super::manual()).
///
/// When a call returns, the task has run to its end, its caller was woken, and the pool's statistics are exact. Subtasks that it
/// has left in the queue are steps of their own; those that it waited for have run with it. Tasks that were cancelled are no steps.
/// Callers in line for a place in the queue come in as places become free.
///
/// The call blocks the calling thread meanwhile. So a task must not wait for that thread, nor for its runtime if that has a
/// single thread: not for timers of it either, but for those of [`Faults::delay_next`](super::Faults::delay_next).
///
/// When the stepper is dropped, or the pool is closed, the pool goes on by itself, so that what was accepted is run; from then
/// on there is nothing to step.
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

/// The order, and how many numbers of its series were drawn.
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

    /// The order of the steps from here on. A seed begins its series anew.
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

    /// Runs one task. False if none waits; or if one is under way that [`delay_next`](super::Faults::delay_next) has delayed, until the
    /// clock has gone on. (A step that begins such a task is true.)
    ///
    /// # Panics
    /// In a task of the same pool, which would wait for itself. So do the other methods that run tasks.
    pub fn step(&self) -> bool {
        self.handle.step(self.roll())
    }

    /// Runs tasks until none waits; says how many.
    pub fn run_until_idle(&self) -> usize {
        std::iter::from_fn(|| self.step().then_some(())).count()
    }

    /// Runs the first task that waits by this name ([`TaskBuilder::name`](crate::TaskBuilder::name)). False if there is none.
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

    /// Runs the `n`th task of those that wait, from 0, in the order of [`waiting`](Self::waiting). False if there are not so many.
    pub fn step_nth(&self, n: usize) -> bool {
        self.handle.step(Pick::Nth(n))
    }

    /// What waits in the queue: subtasks, the newest first; then plain work, then labelled work, each in the order in which it came.
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
