//! The layer.

use std::fmt;

use tower_layer::Layer;

use super::Offload;
use crate::pool::AdaptiveThreadPool;
use crate::service::admission::{Admission, Unclassified};
use crate::service::entrance::Entrance;
use crate::task::TaskOptions;

/// Polls the futures of the service that it wraps on the pool: for handlers that are async and compute much all the same.
///
/// `call` of the wrapped service is made where it is called; the future that it returns is polled by tasks of the pool, one poll each,
/// within the Tokio runtime of the caller: timers, sockets and `tokio::spawn` work as ever. A future that is pending holds no
/// worker and no place: when it is woken, the next poll is submitted as a task of its own. The first poll is let in by
/// [`Admission`]; the following ones belong to a request that was let in: they take places in the queue, so that later requests see that it is full,
/// but are never refused, and wait for no place.
///
/// So what is limited is computation that waits. To limit the *requests* that are under way as well, most of which may wait for
/// something else, put `tower::limit::GlobalConcurrencyLimitLayer` around it.
///
/// A clone of the layer, and every service that it makes, use the same pool with the same places. (`axum::serve` builds layers anew for each
/// connection; a limit that lived in the service would be a limit for each connection.)
///
/// # Panics
/// A panic of the wrapped future is an error, [`ServiceError::Panicked`](crate::service::ServiceError::Panicked).
///
/// # Cancel safety
/// Dropping the response's future drops the wrapped future: before `drop` returns, unless a worker polls it just then; then when that
/// poll is over, there. It is dropped within the runtime, too.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::convert::Infallible;
/// use std::time::Duration;
/// use millpond::AdaptiveThreadPool;
/// use millpond::service::OffloadLayer;
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// let service = ServiceBuilder::new()
///     .layer(OffloadLayer::new(AdaptiveThreadPool::new()))
///     .service(service_fn(async |n: u64| {
///         tokio::time::sleep(Duration::from_millis(1)).await; // holds no worker
///         Ok::<_, Infallible>((1..=n).sum::<u64>()) // on a worker
///     }));
/// assert_eq!(service.oneshot(1_000).await?, 500_500);
/// # Ok(()) }
/// ```
///
/// # In an axum router
/// A [`Router`](https://docs.rs/axum/latest/axum/struct.Router.html) takes layers whose services never fail: call
/// `responding()` (feature `axum`), which makes responses of the pool's refusals. Without it the compiler says that
/// `Infallible: From<ServiceError>` is not satisfied:
///
#[cfg_attr(feature = "axum", doc = "```compile_fail,E0277")]
#[cfg_attr(not(feature = "axum"), doc = "```ignore")]
/// use millpond::AdaptiveThreadPool;
/// use millpond::service::OffloadLayer;
///
/// let router: axum::Router = axum::Router::new().layer(OffloadLayer::new(AdaptiveThreadPool::new()));
/// ```
#[derive(Clone)]
pub struct OffloadLayer<C = Unclassified> {
    pool: AdaptiveThreadPool,
    admission: Option<Admission>,
    classify: C,
}

impl<C> fmt::Debug for OffloadLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OffloadLayer")
            .field("pool", &self.pool)
            .field("admission", &self.admission)
            .finish_non_exhaustive()
    }
}

impl OffloadLayer {
    /// Polls on this pool. By default the services are [not ready](Admission::Backpressure) while it has no place.
    pub fn new(pool: AdaptiveThreadPool) -> Self {
        Self { pool, admission: None, classify: Unclassified }
    }
}

impl<C> OffloadLayer<C> {
    /// What happens to a request for which there is no place.
    #[must_use]
    pub fn admission(mut self, admission: Admission) -> Self {
        self.admission = Some(admission);
        self
    }

    /// The same, unless it was said before.
    #[cfg(feature = "axum")]
    pub(crate) fn or_admission(mut self, admission: Admission) -> Self {
        self.admission.get_or_insert(admission);
        self
    }

    /// Sets what tells the [`TaskOptions`] of a request: its class, tenant, deadline, bytes and name.
    pub fn classify<Request, D: Fn(&Request) -> TaskOptions>(self, classify: D) -> OffloadLayer<D> {
        OffloadLayer { pool: self.pool, admission: self.admission, classify }
    }
}

impl<S, C: Clone> Layer<S> for OffloadLayer<C> {
    type Service = Offload<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        let admission = self.admission.unwrap_or(Admission::Backpressure);
        Offload::new(inner, Entrance::new(self.pool.clone(), admission, self.classify.clone()))
    }
}
