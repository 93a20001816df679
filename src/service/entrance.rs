//! Submits the requests of all services to the pool.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::admission::{Admission, TypeName, Unclassified};
use super::error::ServiceError;
use super::placed::Placed;
use crate::contain::contain;
use crate::pool::{Acquire, AdaptiveThreadPool, Mode, Permit};
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
            .field("classify", &TypeName::of(&self.classify))
            .field("has_place", &self.permit.is_some())
            .finish_non_exhaustive()
    }
}

impl<C> Entrance<C> {
    pub(super) fn new(pool: AdaptiveThreadPool, admission: Admission, classify: C) -> Self {
        Self { pool, admission, classify, acquire: None, permit: None }
    }

    /// Sets another [`Classify`](super::Classify).
    pub(super) fn with_classify<D>(self, classify: D) -> Entrance<D> {
        Entrance::new(self.pool, self.admission, classify)
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
        Ok(submitted) => Placed::new(submitted, admission),
        Err(rejected) => {
            let rejection = *rejected.rejection();
            // The request is a user's value.
            contain(|| drop(rejected));
            Placed::refused(rejection)
        }
    }
}
