//! A function as a service.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tower_service::Service;

use super::admission::{Admission, Classify, Unclassified};
use super::entrance::{Entrance, Placed, submit};
use super::error::ServiceError;
use crate::pool::AdaptiveThreadPool;
use crate::task::TaskOptions;

/// A synchronous function `Fn(Request) -> Response` as a [`Service`]. Each call is one task of the
/// pool, with a clone of the function. (Put data that is expensive to clone into an `Arc`, as with
/// tower's `service_fn`.)
///
/// By default it is [not ready](Admission::Backpressure) while the pool has no place for the next
/// call.
///
/// # Errors
/// Its errors are the pool's ([`ServiceError`]). The return value of the function, even a `Result`,
/// is the response.
///
/// # Cancel safety
/// Dropping the response's future cancels the call if it has not started: the request is dropped,
/// and its place is free, before `drop` returns. A running function can check
/// [`TaskContext::is_cancelled`](crate::TaskContext::is_cancelled).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use millpond::service::CpuService;
/// use millpond::AdaptiveThreadPool;
/// use tower::{Service, ServiceExt};
///
/// let pool = AdaptiveThreadPool::new();
/// let mut shout = CpuService::new(pool, |text: String| text.to_uppercase());
/// assert_eq!(shout.ready().await?.call("hey".into()).await?, "HEY");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct CpuService<F, C = Unclassified> {
    entrance: Entrance<C>,
    work: F,
}

impl<F, C> fmt::Debug for CpuService<F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CpuService").field("entrance", &self.entrance).finish_non_exhaustive()
    }
}

impl<F> CpuService<F> {
    /// Creates a service that runs `work` on this pool.
    pub fn new(pool: AdaptiveThreadPool, work: F) -> Self {
        Self { entrance: Entrance::new(pool, Admission::Backpressure, Unclassified), work }
    }
}

impl<F, C> CpuService<F, C> {
    /// Sets what happens to a request while the pool has no place.
    #[must_use]
    pub fn admission(mut self, admission: Admission) -> Self {
        self.entrance.admission = admission;
        self
    }

    /// Sets the function that returns the [`TaskOptions`] of a request.
    pub fn classify<Request, D: Fn(&Request) -> TaskOptions>(self, classify: D) -> CpuService<F, D> {
        let Entrance { pool, admission, .. } = self.entrance;
        CpuService { entrance: Entrance::new(pool, admission, classify), work: self.work }
    }
}

impl<Request, Response, F, C> Service<Request> for CpuService<F, C>
where
    F: Fn(Request) -> Response + Clone + Send + 'static,
    C: Classify<Request>,
    Request: Send + 'static,
    Response: Send + 'static,
{
    type Response = Response;
    type Error = ServiceError;
    type Future = CpuFuture<Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.entrance.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let options = self.entrance.classify.classify(&request);
        let admission = (self.entrance.admission, self.entrance.take_permit());
        let (pool, function) = (&self.entrance.pool, &self.work);
        CpuFuture(submit(pool, options, admission, request, |request| {
            let function = function.clone();
            move || function(request)
        }))
    }
}

/// The response of a [`CpuService`]. Dropping it cancels a call that has not started.
#[must_use = "dropping it cancels the call"]
pub struct CpuFuture<T: 'static>(Placed<T>);

impl<T: 'static> fmt::Debug for CpuFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CpuFuture").finish_non_exhaustive()
    }
}

impl<T: 'static> Future for CpuFuture<T> {
    type Output = Result<T, ServiceError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx)
    }
}
