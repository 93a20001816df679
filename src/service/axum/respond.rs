//! A service whose errors are responses.

use std::future::{Ready, ready};
use std::task::{Context, Poll};
use std::time::Duration;

use axum_core::response::{IntoResponse, Response};
use futures_util::FutureExt;
use futures_util::future::{Either, Map};
use tower_layer::{Layer, Stack};
use tower_service::Service;

use super::Problem;
use crate::service::admission::Admission;
use crate::service::error::ServiceError;
use crate::service::offload::OffloadLayer;

/// How long a request waits for a place by default: see [`OffloadLayer::responding`].
pub const DEFAULT_WAIT: Duration = Duration::from_secs(1);

impl<C> OffloadLayer<C> {
    /// Returns the layer for axum, whose services must not fail: its errors are responses. Unless
    /// another [`Admission`] was set, a request waits for a place for up to [`DEFAULT_WAIT`], by
    /// [`Admission::WaitUpTo`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use axum::{Router, routing::get};
    /// use millpond::AdaptiveThreadPool;
    /// use millpond::service::OffloadLayer;
    ///
    /// let pool = AdaptiveThreadPool::new();
    /// let router: Router = Router::new()
    ///     .route("/", get(async || (1..=1_000_000_u64).sum::<u64>().to_string())) // on the pool
    ///     .layer(OffloadLayer::new(pool).responding());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn responding(self) -> Stack<Self, RespondLayer> {
        Stack::new(self.or_admission(Admission::WaitUpTo(DEFAULT_WAIT)), RespondLayer)
    }
}

/// Makes [`Respond`]s.
#[derive(Debug, Clone, Copy, Default)]
pub struct RespondLayer;

impl<S> Layer<S> for RespondLayer {
    type Service = Respond<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Respond::new(inner)
    }
}

/// A service of this crate, or a layer's, whose [`ServiceError`]s become responses, as axum needs
/// it. Errors of the inner service are passed on.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use axum::{Router, extract::Request};
/// use millpond::AdaptiveThreadPool;
/// use millpond::service::{Admission, CpuService, axum::Respond};
///
/// let pool = AdaptiveThreadPool::new();
/// let echo = CpuService::new(pool, |request: Request| request.uri().path().to_owned());
/// let router: Router = Router::new().route_service("/{*path}", Respond::new(echo.admission(Admission::Shed)));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Respond<S> {
    inner: S,
    /// The inner service failed before the call; the next call returns this.
    refusal: Option<Problem>,
}

impl<S> Respond<S> {
    /// This service.
    pub fn new(inner: S) -> Self {
        Self { inner, refusal: None }
    }
}

/// A clone is another caller.
impl<S: Clone> Clone for Respond<S> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone())
    }
}

/// The future of a [`Respond`].
pub type RespondFuture<F, R, E> =
    Either<Ready<Result<Response, E>>, Map<F, fn(Result<R, ServiceError<E>>) -> Result<Response, E>>>;

impl<Request, S, E> Service<Request> for Respond<S>
where
    S: Service<Request, Error = ServiceError<E>>,
    S::Response: IntoResponse,
{
    type Response = Response;
    type Error = E;
    type Future = RespondFuture<S::Future, S::Response, E>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        if self.refusal.is_some() {
            return Poll::Ready(Ok(()));
        }
        self.inner.poll_ready(cx).map(|ready| match ready.map_err(ServiceError::try_into_inner) {
            Ok(()) => Ok(()),
            Err(Ok(error)) => Err(error),
            Err(Err(error)) => {
                self.refusal = Some(error.into());
                Ok(())
            }
        })
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match self.refusal.take() {
            Some(refusal) => Either::Left(ready(Ok(refusal.into_response()))),
            None => Either::Right(self.inner.call(request).map(respond as fn(_) -> _)),
        }
    }
}

fn respond<R: IntoResponse, E>(result: Result<R, ServiceError<E>>) -> Result<Response, E> {
    match result {
        Ok(response) => Ok(response.into_response()),
        Err(error) => error.try_into_inner().map_or_else(|error| Ok(error.into_response()), Err),
    }
}
