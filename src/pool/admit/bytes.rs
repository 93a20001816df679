//! Admission by bytes, for labelled work.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::admission::{Arrival, ByteReservation, NeverFits, Refused};
use crate::error::{RejectReason, Rejection};
use crate::pool::shared::{Attention, Shared};
use crate::pool::submit::mode::Mode;
use crate::task::{Place, Refusal, TaskRef, Ticket};

/// The bytes of a task, or its place among the tasks that wait for bytes.
pub(in crate::pool) struct Weighed {
    pub(in crate::pool) reservation: ByteReservation,
    /// `None`: the task has its bytes.
    pub(in crate::pool) arrival: Option<Arrival>,
}

impl Shared {
    /// Takes `bytes` from the byte budget, or joins those who wait for bytes, as `mode` allows. A
    /// refusal has the facts of the byte budget instead of the queue's.
    pub(in crate::pool) fn weigh(&self, bytes: usize, mode: &Mode) -> Result<Weighed, Rejection> {
        let budget = self.bytes.as_ref().filter(|_| bytes > 0 && !matches!(mode, Mode::Step));
        let Some(budget) = budget else { return Ok(Weighed { reservation: None, arrival: None }) };
        let weighed = match mode {
            Mode::Try | Mode::TryUncounted => {
                budget.try_take(bytes).map(|weight| Weighed { reservation: Some(weight), arrival: None })
            }
            _ => match budget.join_line(bytes) {
                Ok((weight, arrival)) => {
                    let arrival = arrival.waits().then_some(arrival);
                    Ok(Weighed { reservation: Some(weight), arrival })
                }
                Err(NeverFits) => Err(Refused::NeverFits),
            },
        };
        weighed.map_err(|refused| {
            let facts = match refused {
                Refused::Full => self.no_room(RejectReason::ByteBudget, matches!(mode, Mode::Try)),
                Refused::NeverFits => self.rejected(RejectReason::NeverFits),
            };
            Rejection { depth: budget.taken(), limit: budget.limit(), ..facts }
        })
    }

    /// Lets a task wait for its bytes. The timer thread expires the task at its deadline meanwhile.
    #[cold]
    pub(in crate::pool) fn wait_for_bytes(
        self: &Arc<Self>,
        arrival: Arrival,
        task: TaskRef,
        tells: Option<Arc<Notify>>,
    ) -> Attention {
        if self.outside.enter(&task) {
            self.keep_expiry();
        }
        if let Some(budget) = &self.bytes {
            let shared = Arc::clone(self);
            budget.bring(arrival, Box::new(move || shared.enter_order(task, tells)));
        }
        // The close may have come before this task began to wait.
        if self.permits.is_closed() {
            self.turn_bytes_away();
        }
        Attention::Called
    }

    /// Starts all tasks that wait for bytes in a pool that is closed; each is refused as it starts.
    pub(in crate::pool) fn turn_bytes_away(&self) {
        if let Some(budget) = &self.bytes {
            budget.turn_away();
        }
    }

    /// Puts a task that has got its bytes into the run order. If the task's future was dropped
    /// meanwhile, its closure is gone and this does nothing.
    fn enter_order(self: Arc<Self>, task: TaskRef, tells: Option<Arc<Notify>>) {
        let Some(label) = task.label() else { return };
        self.outside.leave(label);
        match self.place(Some(label), Mode::Wait) {
            Ok(place) if task.enter(place) => {
                self.enqueue(task, place, true);
                if place == Place::Queued(Ticket::HELD) {
                    tells.iter().for_each(|tells| tells.notify_one());
                }
            }
            // The task was cancelled before it entered: it holds no permit to give back.
            Ok(Place::Queued(Ticket::NONE)) => {}
            Ok(place) => self.give_back(place),
            Err(rejection) => {
                self.void(&*task, Refusal::from(rejection));
            }
        }
    }
}
