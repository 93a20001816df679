//! A task: a closure on its way to a worker and its result on the way back, in one allocation.
//!
//! [`TaskCell`] is allocated once and coerced twice: to `Arc<dyn Run>` for the queue and to `Arc<dyn Join<T>>` for
//! whoever awaits the result. All that the two sides share is under one small lock, held for a few instructions and
//! never while code of a user runs.
//!
//! # States
//!
//! ```text
//!              admit                 run                  poll_join
//!  Pending(Line) ──▶ Pending(Held) ─────▶ Running ──▶ Done ─────────▶ Taken
//!        │                 │                ▲
//!        │                 │  cancel        │ run (subtasks, and places that have lapsed)
//!        ├─────────────────┴──────▶ Void    │
//!        │        refuse             ▲      │
//!        └───────────────────────────┴── Pending(Free)
//! ```
//!
//! # Invariants
//!
//! 1. The closure leaves `Pending` exactly once, to be run or to be dropped. Whoever takes it out (worker, canceller or
//!    a waiter that helps itself) is told which [`Place`] the task held and has to give that place back; nobody else is.
//!    So a permit comes back exactly once, whatever the race.
//! 2. A waker is registered under the lock that `Done` and `Void` are set under, and is called after it: either the
//!    waiter sees the result or the finisher sees the waker. No wake-up is lost.
//! 3. Closures, results and wakers are dropped and called outside the lock, and a panic in the drop of a cancelled closure
//!    or in a waker goes no further.

mod cell;
mod deferred_wakes;
mod label;
#[cfg(all(test, millpond_loom))]
mod loom_models;
#[cfg(any(feature = "tower", millpond_loom))]
mod notice;
mod options;
mod priority;

use std::sync::Arc;
use std::task::{Poll, Waker};

pub(crate) use cell::TaskCell;
pub(crate) use deferred_wakes::DeferredWakes;
pub(crate) use label::{Label, Labelled, Name};
#[cfg(any(feature = "tower", millpond_loom))]
pub(crate) use notice::Notice;
pub use options::TaskOptions;
pub use priority::Priority;

use crate::error::{JoinError, Rejection};

/// A task as the queues see it.
pub(crate) type TaskRef = Arc<dyn Run>;

/// What a waiting task occupies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Not yet brought to the pool: it waits elsewhere.
    Outside,
    /// It stands in line for a place in the queue.
    Line,
    /// A place in the queue: one permit, to be given back.
    Held,
    /// A place in the run order, with a permit.
    Ranked,
    /// A place in the run order, without one: its caller waits for it as for a permit.
    Waiting,
    /// Nothing: a subtask, or a late comer whose place lapsed.
    Free,
}

impl Place {
    /// Whether it waits for a place in the queue still.
    pub(crate) fn is_outside_queue(self) -> bool {
        matches!(self, Self::Outside | Self::Line | Self::Waiting)
    }
}

/// What [`Run::cancel`] met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cancelled {
    /// It waited; its closure is dropped, and the caller must give back what it occupied.
    Pending(Place),
    /// It runs; it can see that it is no longer wanted.
    Running,
    /// There was nothing left to cancel.
    Over,
}

/// Why a task that waits is not to run, other than that it was cancelled.
#[derive(Debug, Clone)]
pub(crate) enum Refusal {
    /// The pool is closed.
    Closed,
    /// Its deadline has passed.
    Expired,
    /// It was not let in, or had to give way.
    Rejected(Box<Rejection>),
}

/// How a task that ran came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    /// It panicked.
    pub(crate) panicked: bool,
    /// Its caller had given up before it ended: its time was spent for nobody.
    pub(crate) abandoned: bool,
}

/// What runs a task. Called back as it begins, ends, and can be seen to have ended.
pub(crate) trait Host {
    /// The task is about to run: what it occupied in the queue is free.
    fn leaves_queue(&self, place: Place);
    /// The task has run, and its result is not yet visible.
    fn ended(&self, ended: Ended);
    /// The result is visible: whoever waits for it is to be woken, now or in a moment.
    fn wake(&self, waiter: Option<Waker>) {
        if let Some(waker) = waiter {
            waker.wake();
        }
    }
}

/// The side of the queue and the worker.
pub(crate) trait Run: Send + Sync {
    /// Runs the task on this thread if it still waits; says where it did, if so. Panics of the closure are caught.
    fn run(&self, host: &dyn Host) -> Option<Place>;
    /// Gives a task in line its permit. False if it no longer stands there: then the permit is not taken.
    fn admit(&self) -> bool;
    /// Brings a task from [`Place::Outside`] to `place`. False if it no longer waits: then nothing is taken.
    fn enter(&self, place: Place) -> bool;
    /// Drops the closure of a waiting task, asks a running one to stop.
    fn cancel(&self) -> Cancelled;
    /// The same for a task that has no place in the queue yet, and only then. Says where it waited; its waiter, who asks for this, is
    /// not woken.
    #[must_use = "what it occupied has to be cleared up"]
    #[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "services ask for it"))]
    fn withdraw(&self) -> Option<Place>;
    /// Drops the closure of a task that waits, and tells why. Says what it occupied, and whom to wake when that is given back;
    /// `None` if it did not wait any more.
    #[must_use = "its place has to be given back, and its waiter to be woken"]
    fn refuse(&self, why: Refusal) -> Option<(Place, Option<Waker>)>;
    /// Whether it was asked to stop.
    fn is_cancelled(&self) -> bool;
    /// Whether it waits for a place in the queue still.
    #[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "services ask for it"))]
    fn is_outside_queue(&self) -> bool;
    /// Whether it still waits.
    fn is_pending(&self) -> bool;
    /// Whether it has run, or never will.
    fn is_over(&self) -> bool;
    /// What it says of itself to those who decide on its turn; `None` for plain work.
    fn label(&self) -> Option<&Label>;
}

/// The side of whoever awaits the result.
pub(crate) trait Join<T>: Send + Sync {
    /// The result, or a promise to call `waker`.
    ///
    /// # Panics
    /// When the result was taken before.
    fn poll_join(&self, waker: &Waker) -> Poll<Result<T, JoinError>>;
    /// Whether the result is there, as far as can be seen without a lock.
    fn looks_done(&self) -> bool;
    /// The other side.
    fn as_run(&self) -> &dyn Run;
    /// The other side, to keep.
    fn into_run(self: Arc<Self>) -> TaskRef;
}
