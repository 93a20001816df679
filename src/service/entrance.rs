//! The way of a request into the pool, and of its result back: for all services.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use super::admission::{Admission, Unclassified};
use super::error::ServiceError;
use crate::contain::contain;
use crate::error::Rejection;
use crate::pool::{AbortOnDrop, Acquire, AdaptiveThreadPool, Mode, Permit};
use crate::task::TaskOptions;

/// A service's access to the pool. A clone is another caller: it starts without a place.
pub(super) struct Entrance<C = Unclassified> {
    pub(super) pool: AdaptiveThreadPool,
    pub(super) admission: Admission,
    /// A [`Classify`](super::Classify).
    pub(super) classify: C,
    /// The wait for the next call's place.
    acquire: Option<Acquire<'static>>,
    /// The next call's place.
    permit: Option<Permit>,
}

impl<C: Clone> Clone for Entrance<C> {
    fn clone(&self) -> Self {
        Self::new(self.pool.clone(), self.admission, self.classify.clone())
    }
}

impl<C> fmt::Debug for Entrance<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entrance")
            .field("pool", &self.pool)
            .field("admission", &self.admission)
            .field("has_place", &self.permit.is_some())
            .finish_non_exhaustive()
    }
}

impl<C> Entrance<C> {
    pub(super) fn new(pool: AdaptiveThreadPool, admission: Admission, classify: C) -> Self {
        Self { pool, admission, classify, acquire: None, permit: None }
    }

    /// Ready when the next call may be made.
    pub(super) fn poll_ready<E>(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ServiceError<E>>> {
        if self.admission != Admission::Backpressure || self.permit.is_some() {
            return Poll::Ready(Ok(()));
        }
        let acquire = self.acquire.get_or_insert_with(|| self.pool.acquire_owned());
        let acquired = ready!(Pin::new(acquire).poll(cx));
        self.acquire = None;
        self.permit = Some(acquired?);
        Poll::Ready(Ok(()))
    }

    /// Takes the place for one call. A service that was not asked whether it is ready has none, and
    /// waits within its future.
    pub(super) fn take_permit(&mut self) -> Option<Permit> {
        self.acquire = None;
        self.permit.take()
    }
}

/// Submits a request with its options, with its place or as `admission` says. The work is made of
/// the request when it is admitted or queued.
pub(super) fn submit<W, F, T>(
    pool: &AdaptiveThreadPool,
    options: TaskOptions,
    (admission, permit): (Admission, Option<Permit>),
    request: W,
    work: impl FnOnce(W) -> F,
) -> Placed<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let mode = match permit {
        Some(permit) => Mode::Permit(permit),
        None if admission == Admission::Shed => Mode::Try,
        None => Mode::Wait,
    };
    match pool.submit(options, mode, request, work) {
        Ok(task) => {
            let limit = match admission {
                Admission::WaitUpTo(limit) => Limit::Fresh(limit),
                _ => Limit::Endless,
            };
            Placed::Submitted(Submitted::new(task), limit)
        }
        Err(rejected) => {
            let rejection = *rejected.rejection();
            // The request is a user's value.
            contain(|| drop(rejected));
            Placed::Refused(rejection)
        }
    }
}

/// The result of submitted work. Dropping it cancels work that has not started.
pub(super) struct Submitted<T: 'static> {
    task: AbortOnDrop<T>,
    polled: bool,
}

impl<T: 'static> Submitted<T> {
    pub(super) fn new(task: AbortOnDrop<T>) -> Self {
        Self { task, polled: false }
    }

    pub(super) fn poll<E>(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, ServiceError<E>>> {
        let polled = match mem::replace(&mut self.polled, true) {
            false => self.task.poll_fresh(cx),
            true => Pin::new(&mut self.task).poll(cx),
        };
        polled.map_err(ServiceError::from)
    }
}

/// The result of a request that may have been refused, or may wait for its place.
pub(super) enum Placed<T: 'static> {
    Refused(Rejection),
    Submitted(Submitted<T>, Limit),
}

/// The limit of the wait for a place in the queue.
pub(super) enum Limit {
    Endless,
    /// From the first poll on.
    Fresh(Duration),
    /// The timer, and its time.
    Until(Pin<Box<Sleep>>, Duration),
}

impl<T: 'static> Placed<T> {
    pub(super) fn poll<E>(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, ServiceError<E>>> {
        let rejection = match self {
            Self::Refused(rejection) => *rejection,
            Self::Submitted(submitted, limit) => match submitted.poll(cx) {
                Poll::Ready(result) => return Poll::Ready(result),
                Poll::Pending => ready!(limit.poll_over(&submitted.task, cx)),
            },
        };
        Poll::Ready(Err(rejection.into()))
    }
}

impl Limit {
    /// Ready if the limit has passed and the work still has no place.
    fn poll_over<T>(&mut self, work: &AbortOnDrop<T>, cx: &mut Context<'_>) -> Poll<Rejection> {
        if let Self::Fresh(limit) = self {
            // Most have their place by now, and need no timer.
            *self = match work.is_beyond() {
                true => Self::Until(Box::pin(sleep(*limit)), *limit),
                false => Self::Endless,
            };
        }
        let Self::Until(timer, limit) = self else { return Poll::Pending };
        ready!(timer.as_mut().poll(cx));
        let withdrawn = work.withdraw(limit.saturating_add(timer.deadline().elapsed()));
        *self = Self::Endless;
        withdrawn.map_or(Poll::Pending, Poll::Ready)
    }
}
