//! The handle of a spawned task.

use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use crate::error::JoinError;
#[cfg(feature = "tower")]
use crate::error::{RejectReason, Rejection};
#[cfg(feature = "tower")]
use crate::pool::events::Subject;
use crate::pool::shared::Shared;
use crate::pool::submit::turn::Turn;
use crate::pool::worker;
use crate::pool::worker::waiting::Wait;
#[cfg(feature = "tower")]
use crate::task::Place;
use crate::task::{Join, TaskRef};

/// The handle of a spawned task, and the future of its result. Dropping it detaches the task, which
/// runs all the same.
///
/// # Cancel safety
/// A poll loses nothing: if the future is not polled to its end, the result stays there for the
/// next poll.
pub struct JoinHandle<T> {
    join: Arc<dyn Join<T>>,
    shared: Arc<Shared>,
    /// The worker that waits for the result, if a worker of the pool polls.
    wait: Option<Wait>,
    turn: Turn,
}

impl<T> std::fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JoinHandle").field("finished", &self.join.as_run().is_over()).finish_non_exhaustive()
    }
}

impl<T> Unpin for JoinHandle<T> {}

impl<T: 'static> JoinHandle<T> {
    pub(in crate::pool) fn new(join: Arc<dyn Join<T>>, shared: Arc<Shared>) -> Self {
        Self { join, shared, wait: None, turn: Turn::default() }
    }

    /// Cancels the task if it has not started.
    ///
    /// The task's closure is dropped and its place in the queue is free when `abort` returns. The
    /// handle then yields [`JoinError::Cancelled`]. If the drop of the closure panics, the panic
    /// hook reports it and the panic goes no further. A task that runs is asked to stop
    /// ([`TaskContext::is_cancelled`](crate::TaskContext::is_cancelled)); what it returns is the
    /// result.
    pub fn abort(&self) {
        self.shared.cancel(self.join.as_run());
    }

    /// Returns a handle that can only abort the task.
    #[must_use]
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle { task: Arc::clone(&self.join).into_run(), shared: Arc::clone(&self.shared) }
    }

    /// Runs the task on this thread if it has not started and this thread is a worker of its pool.
    pub(in crate::pool) fn help(&self) {
        if let Some(worker) = worker::current_of(&self.shared) {
            worker.help(&*self.join, || Arc::clone(&self.join).into_run());
        }
    }

    /// Returns whether the task is over: it has run, or it will never run.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.join.as_run().is_over()
    }

    /// Blocks the calling thread until the result is there. It serves tasks that wait for their
    /// subtasks, and threads outside of an async runtime.
    ///
    /// On a worker of this pool, a task that has not started runs at once on this thread. The
    /// worker runs no other task meanwhile, so no other task can take a lock that the caller holds.
    ///
    /// # Errors
    /// As for the future.
    ///
    /// # Panics
    /// In an async context of Tokio, where blocking would delay other tasks. It is allowed within
    /// `spawn_blocking`.
    pub fn blocking_join(mut self) -> Result<T, JoinError> {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        if let Some(worker) = worker::thread_of(&self.shared) {
            return worker.block_on(&self.join, &waker);
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            // Tokio knows whether this thread may block: a thread of `spawn_blocking` may.
            return runtime.block_on(self);
        }
        let mut context = Context::from_waker(&waker);
        loop {
            match Pin::new(&mut self).poll(&mut context) {
                Poll::Ready(result) => return result,
                Poll::Pending => thread::park(),
            }
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl<T: 'static> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.shared.deferred_wakes.handoff();
        match worker::current_of(&this.shared) {
            Some(worker) => worker.poll_waiting(&this.join, cx.waker(), &mut this.wait),
            None => this.turn.poll_join(&this.shared, &*this.join, cx),
        }
    }
}

impl<T> UnwindSafe for JoinHandle<T> {}
impl<T> RefUnwindSafe for JoinHandle<T> {}

/// A handle that can only abort its task; see [`JoinHandle::abort_handle`].
#[derive(Clone)]
pub struct AbortHandle {
    task: TaskRef,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AbortHandle").finish_non_exhaustive()
    }
}

impl AbortHandle {
    /// Returns whether the task is over, as [`JoinHandle::is_finished`].
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.task.is_over()
    }

    /// Cancels the task if it has not started, as [`JoinHandle::abort`].
    pub fn abort(&self) {
        self.shared.cancel(&*self.task);
    }
}

impl UnwindSafe for AbortHandle {}
impl RefUnwindSafe for AbortHandle {}

/// A task that is wanted only by the holder of this handle. Dropping the handle cancels a task that
/// has not started.
#[derive(Debug)]
pub(crate) struct AbortOnDrop<T: 'static>(JoinHandle<T>);

impl<T: 'static> AbortOnDrop<T> {
    pub(in crate::pool) fn new(handle: JoinHandle<T>) -> Self {
        Self(handle)
    }

    /// Cancels the work if it has not started. Asks work that runs to stop.
    pub(crate) fn cancel(&self) {
        self.0.abort();
    }

    /// Runs the work on this thread if it has not started and this thread is a worker of its pool.
    pub(crate) fn help(&self) {
        self.0.help();
    }
}

/// The methods that services use.
#[cfg(feature = "tower")]
impl<T: 'static> AbortOnDrop<T> {
    /// Polls for the first time, right after the work was submitted. A lone caller spins for a
    /// moment, as in `run`.
    pub(crate) fn poll_fresh(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>> {
        let JoinHandle { join, shared, .. } = &self.0;
        let taken = shared.permits.limit().saturating_sub(shared.permits.available());
        if worker::current_of(shared).is_none() && shared.caller_spins(cx, taken) {
            shared.lone_caller.spin(|| join.looks_done());
        }
        Pin::new(self).poll(cx)
    }

    /// Returns whether the work waits for its bytes, or waits in the queue beyond the limit.
    pub(crate) fn is_beyond(&self) -> bool {
        let JoinHandle { join, shared, .. } = &self.0;
        join.as_run().place().is_some_and(|place| place.is_beyond(shared.permits.paid()))
    }

    /// Withdraws the work if it waits for its bytes or beyond the limit, and returns what it waited
    /// for. Returns `None` if the work has its permit, has started, or is over.
    pub(crate) fn withdraw(&self) -> Option<Rejection> {
        let JoinHandle { join, shared, .. } = &self.0;
        let task = join.as_run();
        let place = task.withdraw(shared.permits.paid())?;
        shared.withdrawn(task, place);
        let rejection = match place {
            Place::Outside => shared.rejected(RejectReason::ByteBudget),
            _ => shared.why_beyond(task.label()),
        };
        shared.events.refused(&rejection, Subject::of(task.label())).tell();
        Some(rejection)
    }
}

impl<T: 'static> Future for AbortOnDrop<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl<T: 'static> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.cancel();
    }
}
