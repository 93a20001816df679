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
use tracing::Span;

use super::admission::{Admission, Classify, Unclassified};
use super::entrance::{Entrance, Placed, Submitted, submit};
use super::error::ServiceError;
use crate::contain::contain;
use crate::pool::{AdaptiveThreadPool, Inside, Mode, Polling, current_span};
use crate::task::{CancelNode, CancelOnDrop, Notice, TaskOptions};

/// Polls the futures of the wrapped service on the pool: for async handlers that also compute much.
///
/// `call` of the wrapped service runs on the calling thread. Tasks of the pool poll the future that
/// it returns, one poll each, within the caller's Tokio runtime, so timers, sockets and
/// `tokio::spawn` work. A pending future holds no worker and no place. The first poll is admitted
/// by [`Admission`]. The later ones take places in the queue, so that later requests see a full
/// queue, but are never refused and wait for no place.
///
/// While a worker polls the future, its thread counts as one outside of the pool. What the future
/// submits to the same pool takes a place, and may be refused. A future that *blocks* on such work
/// holds its worker, and never ends in a pool of one thread; await the work instead. A worker has
/// no budget of a Tokio task, so a future that always finds its messages ready keeps its worker;
/// call `tokio::task::yield_now` from time to time.
///
/// Every poll is in the `tracing` span in which `call` was made. With the option
/// [`task_spans`](crate::PoolConfig::task_spans), or a name in the options of the request, each
/// poll has the spans of a task within it.
///
/// So the limit is on waiting computation. To limit the *requests* in flight as well, most of which
/// may wait for something else, put `tower::limit::GlobalConcurrencyLimitLayer` around it.
///
/// A clone of the layer, and every service that it makes, use the same pool with the same places,
/// also where a server builds layers anew for each connection, as `axum::serve` does.
///
/// # Panics
/// A panic of the wrapped future is an error, [`ServiceError::Panicked`].
///
/// # Cancel safety
/// Dropping the response's future drops the wrapped future before `drop` returns. If a worker polls
/// it at that moment, the worker drops it after the poll. It is dropped within the runtime, too.
///
/// What the future awaits ([`run`](AdaptiveThreadPool::run), a service, a processor) and the
/// subtasks of its polls ([`TaskContext::spawn`](crate::TaskContext::spawn)) belong to the request,
/// and are asked to stop ([`TaskContext::is_cancelled`](crate::TaskContext::is_cancelled)). A task
/// that it spawns on a pool ([`spawn`](AdaptiveThreadPool::spawn)) does not, as on a thread of the
/// runtime: it runs on.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
/// A `Router` takes layers whose services never fail: call `responding()` (feature `axum`), which
/// converts the pool's refusals to responses. Without it the compiler reports that `Infallible:
/// From<ServiceError>` is not satisfied.
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
    /// Creates a layer that polls on this pool. By default the services are [not
    /// ready](Admission::Backpressure) while it has no place.
    pub fn new(pool: AdaptiveThreadPool) -> Self {
        Self { pool, admission: None, classify: Unclassified }
    }
}

impl<C> OffloadLayer<C> {
    /// Sets what happens to a request while the pool has no place.
    #[must_use]
    pub fn admission(mut self, admission: Admission) -> Self {
        self.admission = Some(admission);
        self
    }

    /// Sets the admission, if it was not set before.
    #[cfg(feature = "axum")]
    pub(crate) fn or_admission(mut self, admission: Admission) -> Self {
        self.admission.get_or_insert(admission);
        self
    }

    /// Sets the function that returns the [`TaskOptions`] of a request.
    pub fn classify<Request, D: Fn(&Request) -> TaskOptions>(self, classify: D) -> OffloadLayer<D> {
        OffloadLayer { pool: self.pool, admission: self.admission, classify }
    }
}

impl<S, C: Clone> Layer<S> for OffloadLayer<C> {
    type Service = Offload<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        let admission = self.admission.unwrap_or(Admission::Backpressure);
        Offload { inner, entrance: Entrance::new(self.pool.clone(), admission, self.classify.clone()) }
    }
}

/// A service whose futures are polled on the pool; see [`OffloadLayer`]. A clone starts without
/// this one's place.
#[derive(Debug, Clone)]
pub struct Offload<S, C = Unclassified> {
    inner: S,
    entrance: Entrance<C>,
}

impl<S, C> Offload<S, C> {
    /// The service within.
    #[must_use]
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service within.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service. Releases the place for the next call.
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
        // The place comes last, so that it is not held while the inner service is not ready.
        ready!(self.inner.poll_ready(cx)).map_err(ServiceError::Inner)?;
        self.entrance.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let options = self.entrance.classify.classify(&request);
        let admission = (self.entrance.admission, self.entrance.take_permit());
        let (pool, inner) = (&self.entrance.pool, &mut self.inner);
        // A request that is refused at once does not reach the inner service.
        let node = CancelNode::new(Polling::outer());
        let request_node = Arc::clone(&node);
        let first = submit(pool, options.clone(), admission, request, |request| {
            let future = Some(Box::pin(inner.call(request)));
            let (notice, runtime) = (Notice::new(), Handle::try_current().ok());
            let polled = Polled { future, notice, request: request_node, runtime };
            move || polled.poll()
        });
        OffloadFuture {
            request: CancelOnDrop(node),
            state: State::First(first),
            pool: pool.clone(),
            options,
            span: current_span(),
        }
    }
}

/// The response of an [`Offload`]. Dropping it cancels the request.
#[must_use = "dropping it cancels the request"]
pub struct OffloadFuture<F: Future + 'static> {
    /// Dropped before the future, whose drop may take long.
    request: CancelOnDrop,
    state: State<F>,
    pool: AdaptiveThreadPool,
    options: TaskOptions,
    /// The span of the call.
    span: Span,
}

enum State<F: Future + 'static> {
    /// Not started.
    First(Placed<Step<F>>),
    /// A task polls it, or will do so.
    Later(Submitted<Step<F>>),
    /// It waits to be woken.
    Idle(Polled<F>),
    Over,
}

impl<F: Future + 'static> fmt::Debug for OffloadFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OffloadFuture").finish_non_exhaustive()
    }
}

/// The polled future is pinned in a box of its own.
impl<F: Future> Unpin for OffloadFuture<F> {}

impl<F> OffloadFuture<F>
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    /// Submits the next poll of a future that was woken.
    fn go_on(&mut self) {
        let State::Idle(polled) = mem::replace(&mut self.state, State::Over) else { return };
        let work = move || polled.poll();
        let _inside = Inside::enter(self.span.clone());
        let step = self.pool.enqueue(self.options.clone(), Mode::Step, work);
        self.state = State::Later(Submitted::new(step));
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
            let step = match &mut this.state {
                State::First(placed) => ready!(placed.poll(cx)),
                State::Later(submitted) => ready!(submitted.poll(cx)),
                State::Idle(polled) => {
                    if !polled.notice.rest(cx.waker()) {
                        return Poll::Pending;
                    }
                    if submitted {
                        // The future wakes itself, and the pool polls at once: yield the thread.
                        polled.notice.wake_by_ref();
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    submitted = true;
                    this.go_on();
                    continue;
                }
                State::Over => panic!("`OffloadFuture` was polled after it was ready"),
            };
            this.state = State::Over;
            let answer = match step {
                Ok(Step::Pending(polled)) => {
                    this.state = State::Idle(polled);
                    continue;
                }
                Ok(Step::Ready(output)) => output.map_err(ServiceError::Inner),
                Err(error) => Err(error),
            };
            this.request.0.end();
            return Poll::Ready(answer);
        }
    }
}

/// A future that tasks of the pool poll, one after another.
struct Polled<F> {
    /// Taken out to be dropped.
    future: Option<Pin<Box<F>>>,
    notice: Arc<Notice>,
    /// The request, to which belongs what the future awaits.
    request: Arc<CancelNode>,
    /// The runtime of its timers, sockets and tasks: that of the call, if there was one.
    runtime: Option<Handle>,
}

/// The result of a poll.
enum Step<F: Future> {
    Ready(F::Output),
    Pending(Polled<F>),
}

impl<F: Future> Polled<F> {
    /// Polls it once, on this thread. Drops it if it panics or is ready.
    fn poll(mut self) -> Step<F> {
        let waker = Waker::from(Arc::clone(&self.notice));
        let polled = {
            let _in_runtime = self.runtime.as_ref().map(Handle::enter);
            let _polling = Polling::begin(Some(Arc::clone(&self.request)));
            let polled = match &mut self.future {
                Some(future) => future.as_mut().poll(&mut Context::from_waker(&waker)),
                None => Poll::Pending,
            };
            if polled.is_ready() {
                // A panic in its drop does not lose the answer.
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
    /// Drops the future within the runtime, where its own drop may need it. The future may have
    /// panicked, and may panic again.
    fn drop(&mut self) {
        if let Some(future) = self.future.take() {
            let _in_runtime = self.runtime.as_ref().map(Handle::enter);
            contain(|| drop(future));
        }
    }
}
