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

/// The result of work that was submitted just now. Dropping it cancels what has not begun.
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

/// The same of a request that may have been refused, or wait for its place.
pub(super) enum Placed<T: 'static> {
    Refused(Rejection),
    Submitted(Submitted<T>, Patience),
}

/// For how long it may be without a place in the queue.
pub(super) enum Patience {
    Endless,
    /// From the first poll on.
    Fresh(Duration),
    Until(Pin<Box<Sleep>>),
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
        let patience = match admission {
            Admission::WaitUpTo(patience) => Patience::Fresh(patience),
            _ => Patience::Endless,
        };
        Self::Submitted(Submitted::new(deferred), patience)
    }

    pub(super) fn refused(rejection: Rejection) -> Self {
        Self::Refused(rejection)
    }

    pub(super) fn poll<E>(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, ServiceError<E>>> {
        match self {
            Self::Refused(rejection) => Poll::Ready(Err(ServiceError::from(*rejection))),
            Self::Submitted(submitted, patience) => match submitted.poll(cx) {
                Poll::Ready(result) => Poll::Ready(result),
                Poll::Pending => {
                    let rejection = ready!(patience.poll_over(&submitted.deferred, cx));
                    Poll::Ready(Err(ServiceError::from(rejection)))
                }
            },
        }
    }
}

impl Patience {
    /// Ready if it is over, and the work was still without a place.
    fn poll_over<T>(&mut self, work: &AbortOnDrop<T>, cx: &mut Context<'_>) -> Poll<Rejection> {
        if let Self::Fresh(patience) = self {
            // Most have their place by now, and need no timer.
            *self = match work.is_beyond() {
                true => Self::Until(Box::pin(sleep(*patience))),
                false => Self::Endless,
            };
        }
        let Self::Until(timer) = self else { return Poll::Pending };
        ready!(timer.as_mut().poll(cx));
        let withdrawn = work.withdraw();
        *self = Self::Endless;
        withdrawn.map_or(Poll::Pending, Poll::Ready)
    }
}
