//! A task: a closure on its way to a worker and its result on the way back, in one allocation.
//!
//! [`TaskCell`] is allocated once and coerced twice: to `Arc<dyn Run>` for the queue and to `Arc<dyn Join<T>>` for
//! whoever awaits the result. All that the two sides share is under one small lock, held for a few instructions and
//! never while code of a user runs.
//!
//! # States
//!
//! ```text
//!                   enter                    run              poll_join
//!  Pending(Outside) ───────▶ Pending(Queued) ───────▶ Running ──▶ Done ──▶ Taken
//!          │                        │                  ▲                      ▲
//!          │ cancel, refuse         │                  │ run                  │ poll_join
//!          └────────────────────────┴────▶ Void ◀── Pending(Subtask)          │
//!                                           └─────────────────────────────────┘
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
pub(crate) use label::{Label, Name};
#[cfg(any(feature = "tower", millpond_loom))]
pub(crate) use notice::Notice;
pub use options::TaskOptions;
pub use priority::Priority;

use crate::error::{JoinError, RejectReason, Rejection};

/// A task as the queues see it.
pub(crate) type TaskRef = Arc<dyn Run>;

/// What a waiting task occupies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nothing yet: it waits for its bytes.
    Outside,
    /// A place in the injector or in the run order.
    Queued(Ticket),
    /// A place in a worker's deque, without a permit: it is a subtask.
    Subtask,
}

impl Place {
    /// The ticket of a task that came when there was no permit.
    pub(crate) fn paid_later(self) -> Option<Ticket> {
        match self {
            Self::Queued(ticket) if ticket != Ticket::HELD && ticket != Ticket::NONE => Some(ticket),
            _ => None,
        }
    }

    /// Whether the task waits beyond the limit of the queue, whose last permit is `paid` for.
    pub(crate) fn is_beyond(self, paid: Ticket) -> bool {
        match self {
            Self::Outside => true,
            Self::Queued(ticket) => ticket > paid,
            Self::Subtask => false,
        }
    }
}

/// What a task in the queue has of the permits. Tickets are paid for in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

impl Ticket {
    /// A permit, taken at once.
    pub(crate) const HELD: Self = Self(0);
    /// Never a permit: it is beyond its tenant's share of the queue, or came with a permit that had
    /// lapsed, or continues work that was let in before.
    pub(crate) const NONE: Self = Self(u64::MAX);

    /// The ticket of the `number`th task, from 1, that came when there was no permit.
    pub(crate) fn new(number: u64) -> Self {
        Self(number)
    }
}

/// Why [`Run::void`] did nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotWaiting {
    /// The task runs; it can see that it is no longer wanted.
    Running,
    /// It has run, or never will.
    Over,
}

/// Why a task that waits is not to run.
#[derive(Debug, Clone)]
pub(crate) enum Refusal {
    /// Nobody wants it any more.
    Cancelled,
    /// The pool is closed.
    Closed,
    /// Its deadline has passed.
    Expired,
    /// It was not let in, or had to give way.
    Rejected(Box<Rejection>),
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        match rejection.reason {
            RejectReason::ShuttingDown => Self::Closed,
            RejectReason::Expired => Self::Expired,
            _ => Self::Rejected(Box::new(rejection)),
        }
    }
}

impl From<Refusal> for JoinError {
    fn from(why: Refusal) -> Self {
        match why {
            Refusal::Cancelled => Self::Cancelled,
            Refusal::Closed => Self::Closed,
            Refusal::Expired => Self::Expired,
            Refusal::Rejected(rejection) => Self::Rejected(rejection),
        }
    }
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
    /// Brings a task from [`Place::Outside`] to `place`. False if it no longer waits: then nothing is taken.
    fn enter(&self, place: Place) -> bool;
    /// Drops the closure of a task that waits, and stores why. A task that runs is asked to stop.
    /// Returns what the task occupied, and whom to wake when that is given back.
    #[must_use = "its place has to be given back, and its waiter to be woken"]
    fn void(&self, why: Refusal) -> Result<(Place, Option<Waker>), NotWaiting>;
    /// The same for a task that waits beyond the limit of the queue, whose last permit is `paid`
    /// for, and only then. Returns where it waited. Its waiter, who asks for this, is not woken.
    #[must_use = "what it occupied has to be cleared up"]
    #[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "services ask for it"))]
    fn withdraw(&self, paid: Ticket) -> Option<Place>;
    /// Whether it was asked to stop.
    fn is_cancelled(&self) -> bool;
    /// Where it waits, if it still does.
    fn place(&self) -> Option<Place>;
    /// Whether it still waits.
    fn is_pending(&self) -> bool {
        self.place().is_some()
    }
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
