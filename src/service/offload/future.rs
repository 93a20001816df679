//! The future of a response.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::work::{Polled, Step};
use crate::pool::{AdaptiveThreadPool, Mode};
use crate::service::error::ServiceError;
use crate::service::placed::{Placed, Submitted};
use crate::task::TaskOptions;

/// The response of an [`Offload`](super::Offload). Dropping it cancels the request.
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
        let step = self.pool.enqueue(self.options.clone(), Mode::Step, work);
        self.stage = Stage::Later(Submitted::new(step));
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
