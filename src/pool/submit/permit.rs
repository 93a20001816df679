//! Permits that callers hold: reserved places in the queue.

use std::borrow::Cow;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::admission::{Call, CallPoll, Full, Joined, ReservationId, Withdrawn};
use crate::error::AcquireError;
use crate::pool::AdaptiveThreadPool;
use crate::pool::shared::count;
use crate::pool::submit::turn::Turn;
use crate::pool::worker;

/// A reserved place in the queue. Its holder can submit work without waiting and without a refusal.
///
/// An unused permit keeps its place from others for `reservation_timeout` (1 s by default) at the
/// most. After that time others may have the place, and the permit stays valid: late work is
/// accepted, and makes the queue longer than its limit by one.
///
/// A future of [`acquire`](AdaptiveThreadPool::acquire) that was granted a permit and is not polled
/// for that time loses the permit. When it is polled again, it waits for a new permit, behind all
/// others.
///
/// Dropping the permit frees the place.
#[must_use = "a permit that is dropped frees its place"]
#[derive(Debug)]
pub struct Permit {
    pub(in crate::pool) pool: AdaptiveThreadPool,
    /// `None` once the permit is used, and on a worker of the pool, where work needs no permit.
    reservation: Option<ReservationId>,
}

impl Permit {
    /// Makes a reservation for a permit that was just taken.
    pub(in crate::pool) fn reserve(pool: &AdaptiveThreadPool) -> Self {
        let reservation = pool.shared().reservations.enter(None);
        Self::new(pool, Some(reservation))
    }

    fn new(pool: &AdaptiveThreadPool, reservation: Option<ReservationId>) -> Self {
        if reservation.is_some() {
            pool.shared().keep_reservations();
        }
        Self { pool: pool.clone(), reservation }
    }

    /// Ends the reservation. Returns false if it had lapsed; otherwise the caller now owns the
    /// permit.
    pub(in crate::pool) fn redeem(mut self) -> bool {
        self.strike()
    }

    fn strike(&mut self) -> bool {
        self.reservation.take().is_some_and(|id| self.pool.shared().reservations.strike(id))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.strike() {
            self.pool.shared().release_permit();
        }
    }
}

impl AdaptiveThreadPool {
    /// Takes a permit if there is one now. On a worker of this pool no permit is needed.
    pub(in crate::pool) fn permit(&self) -> Result<Permit, Full> {
        let shared = self.shared();
        if worker::current_of(shared).is_some() {
            return Ok(Permit::new(self, None));
        }
        shared.try_permit().map(|_| Permit::reserve(self))
    }
}

/// The future of [`AdaptiveThreadPool::acquire`] and
/// [`acquire_owned`](AdaptiveThreadPool::acquire_owned).
///
/// # Errors
/// The pool is shutting down.
///
/// # Cancel safety
/// Dropping the future ends the wait. A permit that it had been granted goes to the next waiter.
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct Acquire<'p> {
    pool: Cow<'p, AdaptiveThreadPool>,
    call: Option<Arc<Call>>,
    turn: Turn,
}

impl<'p> Acquire<'p> {
    pub(in crate::pool) fn new(pool: Cow<'p, AdaptiveThreadPool>) -> Self {
        Self { pool, call: None, turn: Turn::default() }
    }

    fn ready(&self, id: ReservationId) -> Poll<Result<Permit, AcquireError>> {
        Poll::Ready(Ok(Permit::new(&self.pool, Some(id))))
    }
}

impl Future for Acquire<'_> {
    type Output = Result<Permit, AcquireError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let unit = ready!(this.turn.begin(this.pool.shared(), cx));
        let permit = ready!(this.poll_permit(cx));
        this.turn.end(unit);
        Poll::Ready(permit)
    }
}

impl Acquire<'_> {
    fn poll_permit(&mut self, cx: &mut Context<'_>) -> Poll<Result<Permit, AcquireError>> {
        let shared = self.pool.shared();
        if let Some(call) = &self.call {
            match call.poll(cx.waker()) {
                CallPoll::Waiting => return Poll::Pending,
                CallPoll::Granted(id) => return self.ready(id),
                CallPoll::Closed => return Poll::Ready(Err(AcquireError::new())),
                // The caller did not take up its grant in time: it joins the line again, at the
                // end.
                CallPoll::Lapsed => {}
            }
        }
        match self.pool.permit() {
            Ok(permit) => return Poll::Ready(Ok(permit)),
            Err(Full::Closed) => return Poll::Ready(Err(AcquireError::new())),
            Err(Full::Occupied) => {}
        }
        let call = Call::new(cx.waker().clone(), Arc::clone(&shared.reservations));
        match shared.permits.join_caller(&call) {
            Joined::InLine => {
                count(&shared.tally.waited);
                self.call = Some(call);
                Poll::Pending
            }
            Joined::Permit => {
                shared.load_rose(shared.permits.available());
                Poll::Ready(Ok(Permit::reserve(&self.pool)))
            }
            Joined::Closed => Poll::Ready(Err(AcquireError::new())),
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

impl UnwindSafe for Permit {}
impl RefUnwindSafe for Permit {}
