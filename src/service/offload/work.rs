//! A future on its way between the pool and its waiter.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake as _, Waker};

use tokio::runtime::Handle;

use crate::contain::contain;
use crate::task::Notice;

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
}

impl<F> Polled<F> {
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
