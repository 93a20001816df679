//! A place in the queue, reserved.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::shared::count;
use super::{AdaptiveThreadPool, JoinHandle};
use crate::admission::{Call, CallPoll, Full, Joined, ReservationId, Waiter, Withdrawn};
use crate::error::AcquireError;
use crate::task::{Join, Place, TaskCell};

/// A reserved place in the queue: work can be put there without waiting and without being refused.
///
/// A place that is held and not used is kept from all others, so it is kept for a limited time: after
/// `reservation_timeout` (1 s by default) others may have it. The permit stays good all the same: work that it brings
/// late is accepted, and makes the queue longer than its limit by one. A caller who does not come to fetch a permit that
/// [`acquire`](AdaptiveThreadPool::acquire) was granted (its future is not polled) loses its turn after the same time,
/// and stands in line anew when it is polled again.
///
/// Dropping the permit frees the place.
#[must_use = "a permit that is dropped frees its place"]
#[derive(Debug)]
pub struct Permit {
    pool: AdaptiveThreadPool,
    /// `None` on a worker of the pool, where no place is needed, and once it is used.
    reservation: Option<ReservationId>,
}

impl Permit {
    /// Enters a permit that was just taken into the book of reservations.
    pub(super) fn reserve(pool: &AdaptiveThreadPool, place: Place) -> Self {
        let reservation = (place == Place::Held).then(|| pool.shared().reservations.enter(None));
        Self::new(pool, reservation)
    }

    fn new(pool: &AdaptiveThreadPool, reservation: Option<ReservationId>) -> Self {
        if reservation.is_some() {
            pool.shared().keep_reservations();
        }
        Self { pool: pool.clone(), reservation }
    }

    /// Starts `work` in the background. It can't fail for lack of room; if the pool was shut down meanwhile, the handle
    /// yields [`JoinError::Closed`](crate::JoinError::Closed) and the work is dropped.
    pub fn spawn<F, T>(mut self, work: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let shared = self.pool.shared();
        let luggage = shared.pack();
        let kept = self.reservation.take().is_some_and(|id| shared.reservations.strike(id));
        let place = if kept { Place::Held } else { Place::Free };
        if shared.permits.is_closed() {
            let cell = TaskCell::new(work, Place::Free, None);
            shared.refuse_unseen(cell.as_run());
            if kept {
                shared.release_permit();
            }
            return JoinHandle::new(cell, Arc::clone(shared));
        }
        shared.submit(work, luggage, place)
    }

    /// The place, for work that goes to the run order.
    pub(super) fn into_place(mut self) -> Place {
        let id = self.reservation.take();
        if id.is_some_and(|id| self.pool.shared().reservations.strike(id)) {
            Place::Ranked
        } else {
            Place::Free
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let shared = self.pool.shared();
        if self.reservation.take().is_some_and(|id| shared.reservations.strike(id)) {
            shared.release_permit();
        }
    }
}

/// The future of [`AdaptiveThreadPool::acquire`] and [`acquire_owned`](AdaptiveThreadPool::acquire_owned).
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct Acquire<'p> {
    pool: Cow<'p, AdaptiveThreadPool>,
    call: Option<Arc<Call>>,
}

impl<'p> Acquire<'p> {
    pub(super) fn new(pool: Cow<'p, AdaptiveThreadPool>) -> Self {
        Self { pool, call: None }
    }

    fn ready(&self, id: ReservationId) -> Poll<Result<Permit, AcquireError>> {
        Poll::Ready(Ok(Permit::new(&self.pool, Some(id))))
    }
}

impl Future for Acquire<'_> {
    type Output = Result<Permit, AcquireError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let shared = self.pool.shared();
        if let Some(call) = &self.call {
            match call.poll(cx.waker()) {
                CallPoll::Waiting => return Poll::Pending,
                CallPoll::Granted(id) => return self.ready(id),
                CallPoll::Closed => return Poll::Ready(Err(AcquireError::new())),
                // It did not come when it was its turn: from the end of the line, then.
                CallPoll::Lapsed => {}
            }
        }
        match shared.admit_now() {
            Ok(place) => return Poll::Ready(Ok(Permit::reserve(&self.pool, place))),
            Err(Full::Closed) => return Poll::Ready(Err(AcquireError::new())),
            Err(Full::Occupied) => {}
        }
        let call = Call::new(cx.waker().clone(), Arc::clone(&shared.reservations));
        match shared.join_line(Waiter::Call(Arc::clone(&call))) {
            Joined::InLine => {
                count(&shared.tally.backpressure);
                self.call = Some(call);
                Poll::Pending
            }
            Joined::Permit(_) => Poll::Ready(Ok(Permit::reserve(&self.pool, Place::Held))),
            Joined::Closed(_) => Poll::Ready(Err(AcquireError::new())),
        }
    }
}

impl Drop for Acquire<'_> {
    fn drop(&mut self) {
        let shared = self.pool.shared();
        match self.call.take().map(|call| call.withdraw()) {
            Some(Withdrawn::InLine) => shared.permits.gave_up(),
            Some(Withdrawn::Granted(id)) => {
                if shared.reservations.strike(id) {
                    shared.release_permit();
                }
            }
            Some(Withdrawn::Nothing) | None => {}
        }
    }
}
