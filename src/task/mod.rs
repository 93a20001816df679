//! A task: a closure on its way to a worker and its result on the way back, in one allocation.
//!
//! [`TaskCell`] is allocated once and coerced twice: to `Arc<dyn Run>` for the queue, and to
//! `Arc<dyn Join<T>>` for the caller that awaits the result. One small lock guards all that the two
//! sides share. It is held for a few instructions and never while a user's code runs.
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
//! 1. The closure leaves `Pending` exactly once, to be run or to be dropped. The thread that takes
//!    it out (a worker, a canceller, or a waiter that runs the task itself) is told which [`Place`]
//!    the task held and must give that place back; no other thread is told. So a permit comes back
//!    exactly once, in every race.
//! 2. `Done` and `Void` are set under the lock under which a waker is registered, and the waker is
//!    called after that. So the waiter sees the result or the finisher sees the waker, and no
//!    wake-up is lost.
//! 3. Closures, results and wakers are dropped and called without the lock. A panic in a waker, or
//!    in the drop of a closure that is not run or of a result that nobody takes, goes no further.

mod arrived;
mod cancel_node;
mod cell;
mod deferred_wakes;
mod label;
mod large;
#[cfg(all(test, millpond_loom))]
mod loom_models;
#[cfg(any(feature = "tower", millpond_loom))]
mod notice;
mod options;
mod priority;

use std::sync::Arc;
use std::task::{Poll, Waker};

pub(crate) use arrived::{Arrived, Stamp};
pub(crate) use cancel_node::CancelNode;
#[cfg(feature = "tower")]
pub(crate) use cancel_node::CancelOnDrop;
pub(crate) use cell::TaskCell;
pub(crate) use deferred_wakes::DeferredWakes;
pub(crate) use label::{Label, Name};
pub(crate) use large::{BoxedWork, erase, is_large};
#[cfg(any(feature = "tower", millpond_loom))]
pub(crate) use notice::Notice;
pub use options::TaskOptions;
pub use priority::Priority;

use crate::error::{JoinError, Panic, RejectReason, Rejection};

/// A task as the queues see it.
pub(crate) type TaskRef = Arc<dyn Run>;

/// What a waiting task occupies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nothing: the task waits for its bytes, before the queue.
    Outside,
    /// A place in the injector or in the run order, with this ticket.
    Queued(Ticket),
    /// A place in a worker's deque, without a permit: the task is a subtask.
    Subtask,
}

impl Place {
    /// Returns the ticket of a task that came when there was no permit.
    pub(crate) fn paid_later(self) -> Option<Ticket> {
        match self {
            Self::Queued(ticket) if ticket != Ticket::HELD && ticket != Ticket::NONE => Some(ticket),
            _ => None,
        }
    }

    /// Returns whether the task waits for its bytes or beyond the limit of the queue, where `paid`
    /// is the last ticket that was paid for.
    pub(crate) fn is_beyond(self, paid: Ticket) -> bool {
        match self {
            Self::Outside => true,
            Self::Queued(ticket) => ticket > paid,
            Self::Subtask => false,
        }
    }
}

/// A task's claim to a permit. Tickets are paid for in the order of their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

impl Ticket {
    /// The ticket of a task that took a permit when it came.
    pub(crate) const HELD: Self = Self(0);
    /// The ticket of a task that never gets a permit: it exceeds its tenant's share of the queue,
    /// or brought a permit that had lapsed, or continues work that was admitted before.
    pub(crate) const NONE: Self = Self(u64::MAX);

    /// Returns the ticket with this number, counted from 1, of a task that came when there was no
    /// permit.
    pub(crate) fn new(number: u64) -> Self {
        Self(number)
    }
}

/// Why [`Run::void`] or [`Run::withdraw`] did nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotWaiting {
    /// The task runs. It can see that it was asked to stop.
    Running,
    /// The task has run, or will never run.
    Over,
}

/// Why a waiting task is not run.
#[derive(Debug, Clone)]
pub(crate) enum Refusal {
    /// Its caller cancelled it.
    Cancelled,
    /// The pool is closed.
    Closed,
    /// Its deadline has passed.
    Expired,
    /// It was not admitted, or was evicted or shed.
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

/// How a task that ran has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    /// The task panicked.
    pub(crate) panicked: bool,
    /// The task was cancelled while it ran: its result is not wanted.
    pub(crate) abandoned: bool,
    /// The priority of its label; `None` for plain work.
    pub(crate) priority: Option<Priority>,
}

/// The thread that runs a task, called back as the task begins, ends, and becomes visible as ended.
pub(crate) trait Host {
    /// Called when the task is about to run. Its place in the queue is free.
    fn leaves_queue(&self, place: Place);
    /// Called after [`leaves_queue`](Self::leaves_queue), if it is known when the task came.
    fn waited(&self, _arrived: Arrived, _priority: Option<Priority>) {}
    /// Called when the task has run, and its result is not yet visible.
    fn ended(&self, ended: Ended);
    /// Called when the task has panicked, after [`ended`](Self::ended).
    fn panicked(&self, _: &Panic) {}
    /// Called when the result is visible. The host wakes the waiter, now or a little later.
    fn wake(&self, waiter: Option<Waker>) {
        if let Some(waker) = waiter {
            waker.wake();
        }
    }
}

/// A task as the queue and the workers see it.
pub(crate) trait Run: Send + Sync {
    /// Runs the task on this thread if it still waits, and catches a panic of the closure. Returns
    /// the place that the task held; `None` if it no longer waited. A task whose owner was
    /// cancelled is not run: it goes on waiting, to be voided.
    fn run(&self, host: &dyn Host) -> Option<Place>;
    /// Notes when plain work came. Call it before the task enters its queue.
    fn stamp(&self, at: Stamp);
    /// Moves a task from [`Place::Outside`] to `place`. Returns false, and takes nothing, if the
    /// task no longer waits.
    fn enter(&self, place: Place) -> bool;
    /// Drops the closure of a task that waits, and stores why. Asks a task that runs to stop.
    /// Returns what the task occupied, and the waker to call when that was given back.
    #[must_use = "its place has to be given back, and its waiter to be woken"]
    fn void(&self, why: Refusal) -> Result<(Place, Option<Waker>), NotWaiting>;
    /// Ends the task if it waits for its bytes or beyond the limit of the queue, where `paid` is
    /// the last ticket that was paid for. Returns where it waited. Wakes nobody, because the waiter
    /// itself calls this.
    #[must_use = "what it occupied has to be cleared up"]
    #[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "services ask for it"))]
    fn withdraw(&self, paid: Ticket) -> Option<Place>;
    /// Returns whether the task was asked to stop, or that to which it belongs.
    fn is_cancelled(&self) -> bool;
    /// Returns the node to which work belongs that the running task submits.
    fn cancel_node(&self) -> Option<Arc<CancelNode>>;
    /// Returns where the task waits; `None` if it no longer waits.
    fn place(&self) -> Option<Place>;
    /// Returns whether the task still waits.
    fn is_pending(&self) -> bool {
        self.place().is_some()
    }
    /// Returns whether the task has run, or will never run.
    fn is_over(&self) -> bool;
    /// Returns the waker that is registered with the task.
    fn waiter(&self) -> Option<Waker>;
    /// Returns the task's label; `None` for plain work.
    fn label(&self) -> Option<&Label>;
}

/// A task as the caller that awaits its result sees it.
pub(crate) trait Join<T>: Send + Sync {
    /// Returns the result, or registers `waker` to be called when it is there.
    ///
    /// # Panics
    /// If the result was taken before.
    fn poll_join(&self, waker: &Waker) -> Poll<Result<T, JoinError>>;
    /// Returns whether the result is there, as far as can be seen without the lock.
    fn looks_done(&self) -> bool;
    /// Returns the task as a worker sees it.
    fn as_run(&self) -> &dyn Run;
    /// Converts the handle into one that a queue holds.
    fn into_run(self: Arc<Self>) -> TaskRef;
}
