//! The bytes of labelled work.

use std::sync::Arc;

use super::deferred::Ticket;
use super::shared::Shared;
use super::worker;
use crate::admission::{Arrival, ByteBudget, NeverFits, Refused, Weight};
use crate::error::{RejectReason, Rejection};

/// What a task takes of the byte budget, as long as its closure lives; nothing where there is none.
pub(super) type Load = Option<Weight<Ticket>>;

/// Work whose turn for bytes has not come yet.
pub(super) struct Queued {
    pub(super) load: Load,
    pub(super) arrival: Arrival,
}

impl Shared {
    /// So many bytes, if they are there at once.
    pub(super) fn try_weigh(self: &Arc<Self>, bytes: usize) -> Result<Load, Rejection> {
        let Some(budget) = self.weighing(bytes) else { return Ok(None) };
        match budget.try_take(bytes) {
            Ok(weight) => Ok(Some(weight)),
            Err(Refused::Full) => Err(self.no_bytes(RejectReason::ByteBudget)),
            Err(Refused::NeverFits) => Err(self.no_bytes(RejectReason::NeverFits)),
        }
    }

    /// The budget, if it applies here: a task that runs has its bytes already, and may wait for what it submits.
    fn weighing(self: &Arc<Self>, bytes: usize) -> Option<&Arc<ByteBudget<Ticket>>> {
        self.bytes.as_ref().filter(|_| bytes > 0 && worker::current_of(self).is_none())
    }

    /// A place in the line for so many bytes; `None` where there is no budget. To be followed by [`bring`](Self::bring).
    pub(super) fn queue_for_bytes(self: &Arc<Self>, bytes: usize) -> Result<Option<Queued>, Rejection> {
        let Some(budget) = self.weighing(bytes) else { return Ok(None) };
        match budget.join_line(bytes) {
            Ok((weight, arrival)) => Ok(Some(Queued { load: Some(weight), arrival })),
            Err(NeverFits) => Err(self.no_bytes(RejectReason::NeverFits)),
        }
    }

    /// Brings the work for a place in the line.
    pub(super) fn bring(&self, arrival: Arrival, ticket: Ticket) {
        if let Some(budget) = &self.bytes {
            budget.bring(arrival, ticket);
        }
        // Whoever closes the pool meanwhile may have been too early for this one.
        if self.permits.is_closed() {
            self.turn_bytes_away();
        }
    }

    /// Those who wait for bytes are told that the pool is closed.
    pub(super) fn turn_bytes_away(&self) {
        if let Some(budget) = &self.bytes {
            budget.turn_away();
        }
    }

    fn no_bytes(&self, reason: RejectReason) -> Rejection {
        let (depth, limit) = self.bytes.as_ref().map_or((0, 0), |bytes| (bytes.taken(), bytes.limit()));
        Rejection { depth, limit, ..self.rejected(reason) }
    }
}
