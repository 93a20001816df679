//! Work that does not run: it is cancelled, refused, or expired.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;
use std::time::Duration;

use crate::admission::Full;
use crate::contain;
use crate::error::{RejectReason, Rejected, Rejection};
use crate::policy::{load, splitmix64};
use crate::pool::events::{Subject, Untold};
use crate::pool::shared::{Shared, count};
use crate::task::{Label, Place, Refusal, Run, TaskRef, Ticket};

impl Shared {
    /// Ends a waiting task without running it: drops its closure, gives back what it held, counts
    /// it, and wakes its caller. Returns the place it held; `None` if it no longer waited.
    pub(in crate::pool) fn void(self: &Arc<Self>, task: &dyn Run, why: Refusal) -> Option<Place> {
        let (place, untold) = self.void_untold(task, why)?;
        untold.tell();
        Some(place)
    }

    /// Ends a task as [`void`](Self::void) does. Returns the event besides, to be told later.
    pub(in crate::pool) fn void_untold(
        self: &Arc<Self>,
        task: &dyn Run,
        why: Refusal,
    ) -> Option<(Place, Untold)> {
        let (place, caller) = task.void(why.clone()).ok()?;
        let who = Subject::of(task.label());
        let (counter, untold) = match &why {
            Refusal::Cancelled => {
                (&self.tally.cancelled, self.events.cancelled(self.permits.is_closed(), who))
            }
            Refusal::Closed => (&self.tally.cancelled, self.events.cancelled(true, who)),
            Refusal::Expired => (&self.tally.expired, self.events.expired(who)),
            Refusal::Rejected(facts) if facts.reason == RejectReason::Overloaded => {
                (&self.tally.shed, self.events.shed(who))
            }
            Refusal::Rejected(facts) => (&self.tally.shed, self.events.refused(facts, who)),
        };
        self.leave(place, counter, matches!(why, Refusal::Expired));
        self.wake_refused(caller);
        Some((place, untold))
    }

    /// Refuses work with this label, or plain work, and emits that. Returns the work to its caller.
    #[cold]
    pub(in crate::pool) fn refuse<W>(&self, facts: Rejection, label: Option<&Label>, work: W) -> Rejected<W> {
        self.events.refused(&facts, Subject::of(label)).tell();
        Rejected::new(facts, work)
    }

    /// Gives back what the task held, then counts the task. This order never counts a task twice. A
    /// task that never entered the queue is counted only if it expired.
    fn leave(self: &Arc<Self>, place: Place, counter: &AtomicU64, expired: bool) {
        self.give_back(place);
        if expired || place != Place::Outside {
            count(counter);
        }
    }

    /// Clears up after a task that its caller has withdrawn.
    #[cfg(feature = "tower")]
    pub(in crate::pool) fn withdrawn(self: &Arc<Self>, task: &dyn Run, place: Place) {
        self.leave(place, &self.tally.cancelled, false);
        self.clear_away(task, place);
        self.test_hooks.state_changed();
    }

    /// Ends a waiting task as [`void`](Self::void) does, and removes it from its queue.
    pub(in crate::pool) fn void_in_place(self: &Arc<Self>, task: &dyn Run, why: Refusal) {
        if let Some(place) = self.void(task, why) {
            self.clear_away(task, place);
        }
    }

    /// Cancels a task if it has not started.
    pub(in crate::pool) fn cancel(self: &Arc<Self>, task: &dyn Run) {
        self.void_in_place(task, Refusal::Cancelled);
    }

    /// Ends a task that [`run`](Run::run) did not run because its owner was cancelled. The caller
    /// has taken it out of its queue, or clears it away. Returns the place it held; `None` if it no
    /// longer waited.
    #[cold]
    pub(in crate::pool) fn void_disowned(self: &Arc<Self>, task: &dyn Run) -> Option<Place> {
        // A task that runs elsewhere and is wanted must not be touched.
        if task.is_cancelled() { self.void(task, Refusal::Cancelled) } else { None }
    }

    /// Refuses a task that waits beyond the limit when the pool closes.
    pub(in crate::pool) fn refuse_beyond(self: &Arc<Self>, task: &dyn Run) {
        let ticket = task.place().and_then(Place::paid_later);
        if ticket.is_some_and(|ticket| ticket > self.permits.paid()) {
            self.void_in_place(task, Refusal::Closed);
        }
    }

    /// Expires tasks whose deadline has passed. The caller has taken them out of their queue.
    pub(in crate::pool) fn expire(self: &Arc<Self>, tasks: impl IntoIterator<Item = TaskRef>) {
        for task in tasks {
            self.void(&*task, Refusal::Expired);
            // A task that has run may still hold its result, which is a user's value.
            contain::discard(task);
        }
    }

    /// Refuses tasks that were shed in an overload. The caller has taken them out of their queue.
    pub(in crate::pool) fn shed(self: &Arc<Self>, tasks: Vec<TaskRef>) {
        for task in tasks {
            let Some(label) = task.label() else { continue };
            let why = Refusal::from(self.facts_of(label, RejectReason::Overloaded));
            if self.void(&*task, why).is_some() {
                self.tally.refusals.count(RejectReason::Overloaded);
            }
        }
    }

    /// Gives back what a task that will not run held at `place`: its permit, or its ticket.
    pub(in crate::pool) fn give_back(self: &Arc<Self>, place: Place) {
        match place {
            Place::Outside => {}
            Place::Queued(Ticket::NONE) => self.left_without_permit(),
            Place::Queued(ticket) if ticket != Ticket::HELD && self.permits.leave_line(ticket) => {}
            Place::Queued(_) => self.release_permit(),
            Place::Subtask => count(&self.tally.cancelled_subtasks),
        }
    }

    /// Counts the departure of a task that entered without a permit or a ticket ([`Ticket::NONE`]).
    pub(in crate::pool) fn left_without_permit(&self) {
        self.tally.without_permit.fetch_sub(1, Ordering::Relaxed);
    }

    /// Removes the cell of a task that is over from the queue where it waited.
    pub(in crate::pool) fn clear_away(self: &Arc<Self>, task: &dyn Run, place: Place) {
        match (place, task.label()) {
            // Dropped without the run order's lock: the last reference drops the result, a user's
            // value.
            (Place::Queued(_), Some(label)) => drop(self.run_queue.remove(label)),
            (Place::Outside, Some(label)) => self.outside.leave(label),
            (Place::Outside, None) => {}
            (Place::Queued(_), None) | (Place::Subtask, _) => {
                if self.queues.left_empty() {
                    self.sweep();
                }
            }
        }
    }

    /// Wakes the caller of a task that will not run. This is the last step of ending the task.
    pub(in crate::pool) fn wake_refused(&self, caller: Option<Waker>) {
        contain::wake(caller);
        self.test_hooks.state_changed();
    }

    /// Returns whether a labelled task has not begun and its deadline has passed. A subtask is part
    /// of a task that has begun, and never too late.
    pub(in crate::pool) fn is_too_late(&self, task: &dyn Run) -> bool {
        let deadline = || task.label().filter(|label| !label.part)?.expires();
        self.run_queue.used() && deadline().is_some_and(|at| at <= self.now_ns())
    }

    /// Counts a refusal for lack of a permit and returns its facts.
    #[cold]
    pub(in crate::pool) fn rejection(&self, full: Full) -> Rejection {
        self.rejected(match full {
            Full::Closed => RejectReason::ShuttingDown,
            Full::Occupied => RejectReason::QueueFull,
        })
    }

    /// Counts a refusal for `reason` and returns its facts.
    #[cold]
    pub(in crate::pool) fn rejected(&self, reason: RejectReason) -> Rejection {
        self.tally.refusals.count(reason);
        self.facts(reason)
    }

    /// Returns the facts of a refusal for want of room, and counts it if `counts`: a caller who goes
    /// on to wait is not refused.
    #[cold]
    pub(in crate::pool) fn no_room(&self, reason: RejectReason, counts: bool) -> Rejection {
        if counts { self.rejected(reason) } else { self.facts(reason) }
    }

    /// Counts work that was refused because its deadline had passed among the expired. The refusal
    /// itself was counted when it was made.
    #[cold]
    pub(in crate::pool) fn count_late(&self, rejection: &Rejection) {
        if rejection.reason == RejectReason::Expired {
            count(&self.tally.expired);
        }
    }

    /// Returns the facts for a caller, and does not count it.
    #[cold]
    pub(in crate::pool) fn facts(&self, reason: RejectReason) -> Rejection {
        let in_flight = self.load();
        let retry_after = match reason {
            RejectReason::ShuttingDown | RejectReason::NeverFits => None,
            _ => {
                let (workers, task) = (self.usable_threads(), self.mean_task_time());
                Some(load::retry_after(in_flight, self.pressure.mark, workers, task, self.jitter()))
            }
        };
        Rejection {
            reason,
            depth: self.places_taken(),
            limit: self.permits.limit(),
            load_factor: self.pressure.capacity.load_factor(in_flight),
            retry_after,
        }
    }

    /// Returns the facts for a caller who has waited for so long before it was refused: it should
    /// stay away for as long at least.
    #[cold]
    pub(in crate::pool) fn after_wait(&self, rejection: Rejection, waited: Duration) -> Rejection {
        let retry_after =
            rejection.retry_after.map(|after| load::retry_after_wait(after, waited, self.jitter()));
        Rejection { retry_after, ..rejection }
    }

    /// Returns the facts for the caller of work with this label, and does not count it.
    #[cold]
    pub(in crate::pool) fn facts_of(&self, label: &Label, reason: RejectReason) -> Rejection {
        let waited = Duration::from_nanos(self.now_ns().saturating_sub(label.arrival));
        self.after_wait(self.facts(reason), waited)
    }

    /// Returns the next number of a series from 0 to below 1, to spread the retries of refused
    /// callers. Every pool has an equal series, because each caller retries at the pool that
    /// refused it.
    fn jitter(&self) -> f64 {
        splitmix64::nth(0, self.tally.jitter_draws.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Returns the mean time of a task, over the workers that have measured one.
    fn mean_task_time(&self) -> Option<Duration> {
        let (mut sum, mut workers) = (0_u64, 0);
        for task_ns in self.workers.iter().map(|worker| worker.task_ns()).filter(|&ns| ns > 0) {
            sum = sum.saturating_add(task_ns);
            workers += 1;
        }
        sum.checked_div(workers).map(Duration::from_nanos)
    }
}
