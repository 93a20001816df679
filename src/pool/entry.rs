//! The ways in for those who are no futures themselves when they submit, and keep what they get: services.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::deferred::Deferred;
use super::permit::Permit;
use super::run::ALONE;
use super::shared::{Shared, count};
use super::task::loaded;
use super::{AdaptiveThreadPool, JoinHandle, TaskBuilder, worker};
use crate::admission::{Full, Start as _};
use crate::error::{JoinError, RejectReason, Rejection};
use crate::task::Place;

impl AdaptiveThreadPool {
    /// Submits work that waits its turn if there is no room: it stands in line whether or not the future is polled.
    pub(crate) fn enqueue<F, T>(&self, work: F) -> Deferred<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let shared = self.shared();
        let luggage = shared.pack();
        match shared.admit_now() {
            Ok(place) => Deferred(shared.submit(work, luggage, place)),
            Err(_) => {
                let (ticket, deferred) = shared.defer(work, luggage);
                ticket.start();
                deferred
            }
        }
    }

    /// Submits the next step of plain work that was let in before; as [`TaskBuilder::enqueue_step`], which it becomes while the queue is
    /// full: there such work has its turn without a place.
    pub(crate) fn enqueue_step<F, T>(&self, work: F) -> Deferred<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let shared = self.shared();
        let luggage = shared.pack();
        match shared.admit_now() {
            Ok(place) => Deferred(shared.submit(work, luggage, place)),
            Err(_) => self.task().enqueue_step(work),
        }
    }

    /// Submits work that has its place.
    pub(crate) fn enqueue_with<F, T>(&self, permit: Permit, work: F) -> Deferred<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Deferred(permit.spawn(work))
    }
}

impl TaskBuilder<'_> {
    /// Submits work that has its place. If it has no hope it is refused all the same; if the byte budget is spent, or its tenant has its
    /// share of the queue, it gives the place back and waits.
    pub(crate) fn enqueue_with<F, T>(self, permit: Permit, work: F) -> Deferred<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let shared = self.shared();
        let (luggage, label) = (self.pack(), self.label());
        if let Err(rejection) = shared.check(&label, label.arrival) {
            let cell = luggage.labelled_task(work, Place::Outside, None, label);
            shared.turn_down(&*cell, rejection);
            return Deferred(JoinHandle::new(cell, Arc::clone(shared)));
        }
        match shared.try_weigh(self.byte_count()) {
            Ok(load) if shared.over_share(&label).is_none() => {
                let work = loaded(work, load);
                Deferred(shared.submit_labelled(work, luggage, label, permit.into_place()))
            }
            tenant_or_bytes => {
                drop((tenant_or_bytes, permit));
                self.enqueue(work)
            }
        }
    }

    /// Submits the next step of work that was let in before: while the pool is open it is neither refused nor put out again, unless its
    /// deadline passes. It takes a place in the queue if there is one, so that others see how full that is; its turn does not depend on it.
    pub(crate) fn enqueue_step<F, T>(self, work: F) -> Deferred<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let shared = self.shared();
        let (luggage, label) = (self.pack(), self.label().of_part());
        let place = match shared.place_for_step() {
            Some(Place::Free) => return Deferred(shared.submit_labelled(work, luggage, label, Place::Free)),
            place => place,
        };
        let cell = luggage.labelled_task(work, place.unwrap_or(Place::Outside), None, label);
        match place {
            // What has begun does not give way to other work.
            Some(_) => shared.enter_order(Arc::clone(&cell) as _, false),
            None => shared.refuse_unseen(&*cell),
        }
        Deferred(JoinHandle::new(cell, Arc::clone(shared)))
    }
}

impl Shared {
    /// `None`: the pool is shutting down.
    fn place_for_step(self: &Arc<Self>) -> Option<Place> {
        if worker::current_of(self).is_some() {
            return Some(Place::Free);
        }
        match self.try_permit() {
            Ok(_) => Some(Place::Ranked),
            Err(Full::Closed) => None,
            Err(Full::Occupied) => {
                count(&self.tally.waiting_came);
                Some(Place::Waiting)
            }
        }
    }
}

impl<T: 'static> Deferred<T> {
    /// The first poll, right after the work was submitted: a caller who has the pool to itself looks on for a moment, as with `run`.
    pub(crate) fn poll_fresh(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>> {
        let JoinHandle { join, shared } = &self.0;
        let alone = || shared.permits.limit().saturating_sub(shared.permits.available()) <= ALONE;
        if worker::current_of(shared).is_none() && alone() && shared.lone_caller.pays(cx) {
            shared.lone_caller.spin(|| join.looks_done());
        }
        Pin::new(self).poll(cx)
    }

    /// Whether the work has no place in the queue yet: it waits for one, for its bytes, or elsewhere.
    pub(crate) fn is_outside_queue(&self) -> bool {
        self.0.join.as_run().is_outside_queue()
    }

    /// Takes the work back if it has no place in the queue yet, and says what it waited for. `None`: it has, or has begun, or is over.
    pub(crate) fn withdraw(&self) -> Option<Rejection> {
        let JoinHandle { join, shared } = &self.0;
        let task = join.as_run();
        let place = task.withdraw()?;
        shared.leave_order(task, place);
        shared.clear_up(place, None);
        // Without a place in the queue, labelled work waits for one in the order, or for its bytes
        // outside of it.
        if place == Place::Outside {
            return Some(shared.rejected(RejectReason::ByteBudget));
        }
        let over_share = task.label().and_then(|label| shared.over_share(label));
        Some(match over_share {
            Some((depth, limit)) => Rejection { depth, limit, ..shared.rejected(RejectReason::TenantLimit) },
            None => shared.rejected(RejectReason::QueueFull),
        })
    }
}
