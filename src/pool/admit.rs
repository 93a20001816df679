//! Who may put labelled work into the run order.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::shared::{Shared, count};
use crate::admission::Full;
use crate::contain;
use crate::error::{RejectReason, Rejection};
use crate::task::{Label, Place, Refusal, Run, TaskRef};

impl Shared {
    /// A place in the run order, if there is one at once: in the end at the cost of less urgent work.
    pub(super) fn place_now(self: &Arc<Self>, label: &Label) -> Result<Place, Rejection> {
        self.check(label, label.arrival)?;
        let queued = self.over_share(label);
        if let Some((depth, limit)) = queued {
            return Err(Rejection { depth, limit, ..self.rejected(RejectReason::TenantLimit) });
        }
        match self.try_permit() {
            Ok(_) => Ok(Place::Ranked),
            Err(Full::Occupied) if self.make_room(label) => Ok(Place::Ranked),
            Err(full) => Err(self.rejection(full)),
        }
    }

    /// A place for what a task submits to its own pool, which needs no permit.
    pub(super) fn free_place(&self, label: &Label) -> Result<Place, Rejection> {
        match label.expires() {
            Some(at) if at <= label.arrival => Err(self.rejected(RejectReason::Expired)),
            _ => Ok(Place::Free),
        }
    }

    /// A place in the run order for work whose caller waits: without a permit, if there is none. Its turn does not depend on that.
    pub(super) fn place_or_wait(self: &Arc<Self>, label: &Label, now: u64) -> Result<Place, Rejection> {
        self.check(label, now)?;
        if self.over_share(label).is_none() {
            match self.try_permit() {
                Ok(_) => return Ok(Place::Ranked),
                Err(Full::Closed) => return Err(self.rejection(Full::Closed)),
                Err(Full::Occupied) => {}
            }
        }
        count(&self.tally.backpressure);
        count(&self.tally.waiting_came);
        Ok(Place::Waiting)
    }

    /// Whether there is any point in taking the work in.
    pub(super) fn check(self: &Arc<Self>, label: &Label, now: u64) -> Result<(), Rejection> {
        if self.permits.is_closed() {
            return Err(self.rejection(Full::Closed));
        }
        if let Some(reason) = self.test_hooks.refusal() {
            return Err(self.rejected(reason));
        }
        if label.expires().is_some_and(|at| at <= label.arrival) {
            return Err(self.rejected(RejectReason::Expired));
        }
        let workers = self.usable_threads();
        if label.expires().is_some() && !self.run_queue.fits(label, now, workers) {
            return Err(self.rejected(RejectReason::DeadlineTooNear));
        }
        if self.run_queue.sheds(label.priority, now) {
            return Err(self.rejected(RejectReason::Overloaded));
        }
        Ok(())
    }

    /// How many places the tenant's tasks take, and how many they may, if there is none left for it. (The limit falls as the
    /// queue fills, so that some of it is always free: Choudhury and Hahne, "Dynamic queue length thresholds", 1998.)
    pub(super) fn over_share(&self, label: &Label) -> Option<(usize, usize)> {
        if label.tenant.is_empty() {
            return None;
        }
        let limit = self.permits.limit();
        let taken = limit.saturating_sub(self.permits.available());
        let share = |left: usize| ((left as f64 * self.config.tenant_queue_share) as usize).max(1);
        if taken < share(limit - taken) {
            // Even if all of it is the tenant's.
            return None;
        }
        let own = self.run_queue.waiting_of(&label.tenant);
        let most = share(limit.saturating_sub(taken.saturating_sub(own)));
        (own >= most).then_some((own, most))
    }

    /// Puts a task of a lesser class out of the queue; its permit is the caller's.
    fn make_room(self: &Arc<Self>, label: &Label) -> bool {
        let Some(victim) = self.run_queue.evict(label.priority) else { return false };
        let why = Refusal::Rejected(Box::new(self.rejected(RejectReason::Evicted)));
        let Some((place, waker)) = victim.refuse(why) else { return false };
        count(&self.tally.shed);
        let room = place == Place::Ranked;
        if !room {
            self.leave_place(place);
        }
        self.wake_refused(waker);
        room
    }

    /// Gives back a labelled task's place that was not used.
    pub(super) fn leave_place(self: &Arc<Self>, place: Place) {
        match place {
            Place::Ranked => self.release_permit(),
            Place::Waiting => count(&self.tally.waiting_left),
            Place::Free => count(&self.tally.cancelled_free),
            Place::Held | Place::Line | Place::Outside => {}
        }
    }

    /// Puts a task with a place into the run order.
    pub(super) fn rank(self: &Arc<Self>, task: TaskRef, place: Place) {
        self.enter_order(task, place == Place::Ranked);
    }

    /// The same, and whether it may have to give way to more urgent work.
    pub(super) fn enter_order(self: &Arc<Self>, task: TaskRef, gives_way: bool) {
        if self.run_queue.push(task, gives_way) {
            self.keep_expiry();
        }
        self.work_waits();
    }

    /// The deadline of these has passed. They were taken out of wherever they waited.
    pub(super) fn expire(self: &Arc<Self>, tasks: impl IntoIterator<Item = TaskRef>) {
        for task in tasks {
            self.put_out(&*task, Refusal::Expired, &self.tally.expired);
            // A task that has run may have its result still.
            contain::discard(task);
        }
    }

    /// The deadline of a task has passed that may be in a queue still.
    pub(super) fn expire_in_place(self: &Arc<Self>, task: &dyn Run) {
        match self.put_out(task, Refusal::Expired, &self.tally.expired) {
            Some(Place::Free) if self.queues.left_empty() => self.sweep(),
            Some(place) => self.leave_order(task, place),
            None => {}
        }
    }

    /// Whether it is too late for a labelled task, if it has not begun. Its subtasks are parts of it: they may still be.
    pub(super) fn is_too_late(&self, task: &dyn Run) -> bool {
        let deadline = || task.label().filter(|label| !label.part)?.expires();
        self.run_queue.used() && deadline().is_some_and(|at| at <= self.now_ns())
    }

    /// These have waited for too long.
    pub(super) fn shed(self: &Arc<Self>, tasks: Vec<TaskRef>) {
        for task in tasks {
            let why = Refusal::Rejected(Box::new(self.rejected(RejectReason::Overloaded)));
            self.put_out(&*task, why, &self.tally.shed);
        }
    }

    /// A task that was not let in, and had no place.
    pub(super) fn turn_down(&self, task: &dyn Run, rejection: Rejection) {
        let why = match rejection.reason {
            RejectReason::ShuttingDown => Refusal::Closed,
            _ => Refusal::Rejected(Box::new(rejection)),
        };
        self.wake_refused(task.refuse(why).and_then(|(_, waker)| waker));
    }

    /// A labelled task is not to run. Counted, and its place given back, before its waiter can see it. Says where it waited, if it did.
    fn put_out(self: &Arc<Self>, task: &dyn Run, why: Refusal, tally: &AtomicU64) -> Option<Place> {
        let (place, waker) = task.refuse(why)?;
        // In this order it is never counted twice.
        self.leave_place(place);
        count(tally);
        self.wake_refused(waker);
        Some(place)
    }
}
