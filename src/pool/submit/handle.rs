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
use crate::pool::shared::Shared;
use crate::pool::worker;
#[cfg(feature = "tower")]
use crate::task::Place;
use crate::task::{Join, TaskRef};

/// A task that was spawned, and the future of its result. Dropping it detaches the task: it runs all the same.
///
/// # Cancel safety
/// Polling it and letting go loses nothing: the result is there at the next poll.
pub struct JoinHandle<T> {
    join: Arc<dyn Join<T>>,
    shared: Arc<Shared>,
}

impl<T> std::fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JoinHandle").field("finished", &self.join.as_run().is_over()).finish_non_exhaustive()
    }
}

impl<T> Unpin for JoinHandle<T> {}

impl<T: 'static> JoinHandle<T> {
    pub(in crate::pool) fn new(join: Arc<dyn Join<T>>, shared: Arc<Shared>) -> Self {
        Self { join, shared }
    }

    /// Cancels the task if it has not started: its closure is dropped and its place in the queue is free when this
    /// returns, and the handle yields [`JoinError::Cancelled`]. A panic in the drop of the closure is reported by the
    /// panic hook and goes no further. A running task is asked to stop
    /// ([`TaskContext::is_cancelled`](crate::TaskContext::is_cancelled)); whatever it returns is the result.
    pub fn abort(&self) {
        self.shared.cancel(self.join.as_run());
    }

    /// A handle that can only abort, to be kept elsewhere.
    #[must_use]
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle { task: Arc::clone(&self.join).into_run(), shared: Arc::clone(&self.shared) }
    }

    /// On a worker of its pool: runs the task if nobody has begun it.
    pub(in crate::pool) fn help(&self) {
        if let Some(worker) = worker::current_of(&self.shared) {
            worker.help(&*self.join, || Arc::clone(&self.join).into_run());
        }
    }

    /// Whether the task is over: it has run, or was cancelled.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.join.as_run().is_over()
    }

    /// Blocks the calling thread until the result is there; for tasks that wait for their subtasks, and for threads
    /// outside of any async runtime. On a worker of this pool the task runs at once on the same thread if it has not
    /// started; nothing but this task is run meanwhile, so a lock that the caller holds meets no stranger.
    ///
    /// # Errors
    /// As for the future.
    ///
    /// # Panics
    /// In an async context of Tokio, where blocking would hold up other tasks. (Within `spawn_blocking` it is fine.)
    pub fn blocking_join(mut self) -> Result<T, JoinError> {
        if worker::current_of(&self.shared).is_none() {
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                // It knows whether this thread may block: `spawn_blocking`'s may.
                return runtime.block_on(self);
            }
        }
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
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
        self.shared.deferred_wakes.handoff();
        self.help();
        self.join.poll_join(cx.waker())
    }
}

impl<T> UnwindSafe for JoinHandle<T> {}
impl<T> RefUnwindSafe for JoinHandle<T> {}

/// Aborts a task; see [`JoinHandle::abort_handle`].
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
    /// As [`JoinHandle::is_finished`].
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.task.is_over()
    }

    /// As [`JoinHandle::abort`].
    pub fn abort(&self) {
        self.shared.cancel(&*self.task);
    }
}

impl UnwindSafe for AbortHandle {}
impl RefUnwindSafe for AbortHandle {}

/// A task that nobody but the holder wants: dropping this cancels it if it has not started.
#[derive(Debug)]
pub(crate) struct AbortOnDrop<T: 'static>(JoinHandle<T>);

impl<T: 'static> AbortOnDrop<T> {
    pub(in crate::pool) fn new(handle: JoinHandle<T>) -> Self {
        Self(handle)
    }

    /// Cancels the work if it has not started; asks it to stop if it runs.
    pub(crate) fn cancel(&self) {
        self.0.abort();
    }

    /// On a worker of its pool: runs the work if nobody has begun it.
    pub(crate) fn help(&self) {
        self.0.help();
    }
}

/// What services ask of it.
#[cfg(feature = "tower")]
impl<T: 'static> AbortOnDrop<T> {
    /// The first poll, right after the work was submitted: a lone caller spins for a moment, as with `run`.
    pub(crate) fn poll_fresh(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>> {
        let JoinHandle { join, shared } = &self.0;
        if worker::current_of(shared).is_none() && shared.caller_spins(cx, shared.permits_taken()) {
            shared.lone_caller.spin(|| join.looks_done());
        }
        Pin::new(self).poll(cx)
    }

    /// Whether the work waits beyond the limit of the queue, or for its bytes.
    pub(crate) fn is_beyond(&self) -> bool {
        let JoinHandle { join, shared } = &self.0;
        join.as_run().place().is_some_and(|place| place.is_beyond(shared.permits.paid()))
    }

    /// Takes the work back if it waits beyond the limit, and says what it waited for. `None`: it
    /// has its place, or has begun, or is over.
    pub(crate) fn withdraw(&self) -> Option<Rejection> {
        let JoinHandle { join, shared } = &self.0;
        let task = join.as_run();
        let place = task.withdraw(shared.permits.paid())?;
        shared.withdrawn(task, place);
        Some(match place {
            Place::Outside => shared.rejected(RejectReason::ByteBudget),
            _ => shared.why_beyond(task.label()),
        })
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
