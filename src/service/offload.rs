//! Futures of a service, polled on the pool.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake as _, Waker, ready};

use tokio::runtime::Handle;
use tower_layer::Layer;
use tower_service::Service;

use super::admission::{Admission, Classify, Unclassified};
use super::entrance::{Entrance, submit};
use super::error::ServiceError;
use super::placed::{Placed, Submitted};
use crate::contain::contain;
use crate::pool::AdaptiveThreadPool;
use crate::task::{Notice, TaskOptions};

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

/// A service whose futures are polled on the pool; see [`OffloadLayer`](OffloadLayer). A clone starts without the place that
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
        let first = submit(pool, pool.task_with(options.clone()), admission, request, |request| {
            let polled = Polled::new(inner.call(request));
            move || polled.poll()
        });
        OffloadFuture::new(first, pool.clone(), options)
    }
}

/// The response of an [`Offload`](Offload). Dropping it cancels the request.
#[must_use = "dropping it cancels the request"]
pub struct OffloadFuture<F: Future + 'static> {
    stage: Stage<F>,
    pool: AdaptiveThreadPool,
    options: TaskOptions,
}

enum Stage<F: Future + 'static> {
    /// Not begun.
    First(Placed<Step<F>>),
    /// A task polls it, or will.
    Later(Submitted<Step<F>>),
    /// It waits to be woken.
    Resting(Polled<F>),
    Over,
}

impl<F: Future + 'static> fmt::Debug for OffloadFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::First(_) => "First",
            Stage::Later(_) => "Later",
            Stage::Resting(_) => "Resting",
            Stage::Over => "Over",
        };
        f.debug_struct("OffloadFuture").field("stage", &stage).finish_non_exhaustive()
    }
}

/// What is polled is pinned in a box of its own.
impl<F: Future> Unpin for OffloadFuture<F> {}

impl<F: Future + 'static> OffloadFuture<F> {
    pub(super) fn new(first: Placed<Step<F>>, pool: AdaptiveThreadPool, options: TaskOptions) -> Self {
        Self { stage: Stage::First(first), pool, options }
    }
}

impl<F> OffloadFuture<F>
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    /// Has a future that was woken polled.
    fn go_on(&mut self) {
        let Stage::Resting(polled) = mem::replace(&mut self.stage, Stage::Over) else { return };
        let work = move || polled.poll();
        self.stage = Stage::Later(Submitted::new(match self.pool.task_with(self.options.clone()) {
            None => self.pool.enqueue_step(work),
            Some(task) => task.enqueue_step(work),
        }));
    }
}

impl<F, T, E> Future for OffloadFuture<F>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    type Output = Result<T, ServiceError<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut submitted = false;
        loop {
            let step = match &mut this.stage {
                Stage::First(placed) => ready!(placed.poll(cx)),
                Stage::Later(submitted) => ready!(submitted.poll(cx)),
                Stage::Resting(polled) => {
                    if !polled.rest(cx.waker()) {
                        return Poll::Pending;
                    }
                    if submitted {
                        // A future that wakes itself, on a pool that polls at once: let others have the thread.
                        polled.wake();
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    submitted = true;
                    this.go_on();
                    continue;
                }
                Stage::Over => panic!("`OffloadFuture` was polled after it was ready"),
            };
            this.stage = Stage::Over;
            match step {
                Ok(Step::Pending(polled)) => this.stage = Stage::Resting(polled),
                Ok(Step::Ready(output)) => return Poll::Ready(output.map_err(ServiceError::Inner)),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

/// A future that is polled by one task of the pool after the other.
pub(super) struct Polled<F> {
    /// Taken out to be dropped.
    future: Option<Pin<Box<F>>>,
    notice: Arc<Notice>,
    /// Where its timers, sockets and tasks are.
    runtime: Option<Handle>,
}

/// What became of a poll.
pub(super) enum Step<F: Future> {
    Ready(F::Output),
    Pending(Polled<F>),
}

impl<F> Polled<F> {
    /// In the runtime of the calling thread, if there is one.
    pub(super) fn new(future: F) -> Self {
        Self { future: Some(Box::pin(future)), notice: Notice::new(), runtime: Handle::try_current().ok() }
    }

    /// Whether it was woken since its last poll; if not, `waiter` will be.
    pub(super) fn rest(&self, waiter: &Waker) -> bool {
        self.notice.rest(waiter)
    }

    /// It is due again.
    pub(super) fn wake(&self) {
        self.notice.wake_by_ref();
    }
}

impl<F: Future> Polled<F> {
    /// Polls it once, on this thread. If it panics, or is ready, it is dropped.
    pub(super) fn poll(mut self) -> Step<F> {
        let waker = Waker::from(Arc::clone(&self.notice));
        let polled = {
            let _in_runtime = self.runtime.as_ref().map(Handle::enter);
            let polled = match &mut self.future {
                Some(future) => future.as_mut().poll(&mut Context::from_waker(&waker)),
                None => Poll::Pending,
            };
            if polled.is_ready() {
                // A panic in its drop does not take the answer with it.
                let future = self.future.take();
                contain(|| drop(future));
            }
            polled
        };
        match polled {
            Poll::Ready(output) => Step::Ready(output),
            Poll::Pending => Step::Pending(self),
        }
    }
}

impl<F> Drop for Polled<F> {
    /// In the runtime, too: what a future holds may say good-bye by a task. It may have panicked just now, and panic again.
    fn drop(&mut self) {
        if let Some(future) = self.future.take() {
            let _in_runtime = self.runtime.as_ref().map(Handle::enter);
            contain(|| drop(future));
        }
    }
}
