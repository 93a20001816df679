//! The bytes of labelled work.

use std::sync::Arc;

use tokio::sync::Notify;

use super::super::shared::{Attention, Shared};
use super::Mode;
use crate::admission::{Arrival, ByteBudget, NeverFits, Refused, Start, Weight};
use crate::error::{RejectReason, Rejection};
use crate::task::{Place, Refusal, TaskRef, Ticket};

/// What a task takes of the byte budget, as long as its closure lives; nothing where there is none.
pub(in crate::pool) type ByteReservation = Option<Weight<PendingSubmit>>;

/// Bytes for a task, or its place in the line for them.
pub(super) struct Weighed {
    pub(super) reservation: ByteReservation,
    /// `None`: the bytes are there.
    pub(super) arrival: Option<Arrival>,
}

/// Work that waits for its bytes. If its future is dropped first, the closure is dropped at once,
/// and this does nothing.
pub(in crate::pool) struct PendingSubmit {
    task: TaskRef,
    shared: Arc<Shared>,
    /// Told when the task has a permit.
    tells: Option<Arc<Notify>>,
}

impl std::fmt::Debug for PendingSubmit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingSubmit").finish_non_exhaustive()
    }
}

impl Shared {
    /// So many bytes, or a place in the line for them.
    pub(super) fn weigh(&self, bytes: usize, mode: &Mode) -> Result<Weighed, Rejection> {
        let nothing = Weighed { reservation: None, arrival: None };
        let Some(budget) = self.bytes.as_ref().filter(|_| bytes > 0) else { return Ok(nothing) };
        match mode {
            Mode::Step => Ok(nothing),
            Mode::Try => match budget.try_take(bytes) {
                Ok(weight) => Ok(Weighed { reservation: Some(weight), arrival: None }),
                Err(Refused::Full) => Err(self.no_bytes(budget, RejectReason::ByteBudget)),
                Err(Refused::NeverFits) => Err(self.no_bytes(budget, RejectReason::NeverFits)),
            },
            Mode::Wait | Mode::WaitAndTell(_) | Mode::WaitUncalled | Mode::Permit(_) => {
                match budget.join_line(bytes) {
                    Ok((weight, arrival)) => {
                        let arrival = arrival.waits().then_some(arrival);
                        Ok(Weighed { reservation: Some(weight), arrival })
                    }
                    Err(NeverFits) => Err(self.no_bytes(budget, RejectReason::NeverFits)),
                }
            }
        }
    }

    fn no_bytes(&self, budget: &ByteBudget<PendingSubmit>, reason: RejectReason) -> Rejection {
        Rejection { depth: budget.taken(), limit: budget.limit(), ..self.rejected(reason) }
    }

    /// Leaves a task in the line for its bytes. Its deadline is kept meanwhile.
    #[cold]
    pub(super) fn wait_for_bytes(
        self: &Arc<Self>,
        arrival: Arrival,
        task: TaskRef,
        tells: Option<Arc<Notify>>,
    ) -> Attention {
        if self.outside.enter(&task) {
            self.keep_expiry();
        }
        if let Some(budget) = &self.bytes {
            budget.bring(arrival, PendingSubmit { task, shared: Arc::clone(self), tells });
        }
        // The pool may have been closed before this one was there.
        if self.permits.is_closed() {
            self.turn_bytes_away();
        }
        Attention::Called
    }

    /// Those who wait for bytes are told that the pool is closed.
    pub(in crate::pool) fn turn_bytes_away(&self) {
        if let Some(budget) = &self.bytes {
            budget.turn_away();
        }
    }
}

impl Start for PendingSubmit {
    /// Its bytes are there: it goes to the run order.
    fn start(self) {
        let Self { task, shared, tells } = self;
        let Some(label) = task.label() else { return };
        shared.outside.leave(label);
        match shared.place(Some(label), Mode::Wait) {
            Ok(place) if task.enter(place) => {
                shared.enqueue(task, place, true);
                if place == Place::Queued(Ticket::HELD) {
                    tells.iter().for_each(|tells| tells.notify_one());
                }
            }
            // Nobody wants it any more.
            Ok(Place::Queued(Ticket::NONE)) => {}
            Ok(place) => shared.give_back(place),
            Err(rejection) => {
                shared.void(&*task, Refusal::from(rejection));
            }
        }
    }
}
