//! The result of a request that was submitted.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use super::admission::Admission;
use super::error::ServiceError;
use crate::error::Rejection;
use crate::pool::AbortOnDrop;

/// The result of submitted work. Dropping it cancels work that has not started.
pub(super) struct Submitted<T: 'static> {
    deferred: AbortOnDrop<T>,
    polled: bool,
}

impl<T: 'static> Submitted<T> {
    pub(super) fn new(deferred: AbortOnDrop<T>) -> Self {
        Self { deferred, polled: false }
    }

    pub(super) fn poll<E>(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, ServiceError<E>>> {
        let polled = match mem::replace(&mut self.polled, true) {
            false => self.deferred.poll_fresh(cx),
            true => Pin::new(&mut self.deferred).poll(cx),
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

impl<T: 'static> fmt::Debug for Placed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused(_) => "Refused",
            Self::Submitted(..) => "Submitted",
        })
    }
}

impl<T: 'static> Placed<T> {
    pub(super) fn new(deferred: AbortOnDrop<T>, admission: Admission) -> Self {
        let limit = match admission {
            Admission::WaitUpTo(limit) => Limit::Fresh(limit),
            _ => Limit::Endless,
        };
        Self::Submitted(Submitted::new(deferred), limit)
    }

    pub(super) fn refused(rejection: Rejection) -> Self {
        Self::Refused(rejection)
    }

    pub(super) fn poll<E>(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, ServiceError<E>>> {
        match self {
            Self::Refused(rejection) => Poll::Ready(Err(ServiceError::from(*rejection))),
            Self::Submitted(submitted, limit) => match submitted.poll(cx) {
                Poll::Ready(result) => Poll::Ready(result),
                Poll::Pending => {
                    let rejection = ready!(limit.poll_over(&submitted.deferred, cx));
                    Poll::Ready(Err(ServiceError::from(rejection)))
                }
            },
        }
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
