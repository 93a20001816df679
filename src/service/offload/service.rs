//! The service that the layer makes.

use std::future::Future;
use std::task::{Context, Poll, ready};

use tower_service::Service;

use super::OffloadFuture;
use super::work::Polled;
use crate::service::admission::{Classify, Unclassified};
use crate::service::entrance::{Entrance, submit};
use crate::service::error::ServiceError;

/// A service whose futures are polled on the pool; see [`OffloadLayer`](super::OffloadLayer). A clone starts without the place that
/// this one may have.
#[derive(Debug, Clone)]
pub struct Offload<S, C = Unclassified> {
    inner: S,
    entrance: Entrance<C>,
}

impl<S, C> Offload<S, C> {
    pub(super) fn new(inner: S, entrance: Entrance<C>) -> Self {
        Self { inner, entrance }
    }

    /// The service within.
    #[must_use]
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service within.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service within. A place for the next call is given back.
    #[must_use]
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<Request, S, C> Service<Request> for Offload<S, C>
where
    S: Service<Request>,
    S::Future: Future<Output = Result<S::Response, S::Error>> + Send + 'static,
    S::Response: Send + 'static,
    S::Error: Send + 'static,
    C: Classify<Request>,
{
    type Response = S::Response;
    type Error = ServiceError<S::Error>;
    type Future = OffloadFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // The place comes last: nobody else can use it while this service waits for the one within.
        ready!(self.inner.poll_ready(cx)).map_err(ServiceError::Inner)?;
        self.entrance.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let options = self.entrance.classify.classify(&request);
        let admission = (self.entrance.admission, self.entrance.take_permit());
        let (pool, inner) = (&self.entrance.pool, &mut self.inner);
        // A request that is refused at once does not get to the service within.
        let first = submit(pool, options.clone(), admission, request, |request| {
            let polled = Polled::new(inner.call(request));
            move || polled.poll()
        });
        OffloadFuture::new(first, pool.clone(), options)
    }
}
