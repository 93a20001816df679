//! The methods of a pool that submit work.

use std::borrow::Cow;

use crate::admission::Full;
use crate::error::{RejectReason, Rejected, Rejection};
use crate::pool::AdaptiveThreadPool;
use crate::pool::submit::handle::AbortOnDrop;
use crate::pool::submit::handle::JoinHandle;
use crate::pool::submit::mode::Mode;
use crate::pool::submit::permit::Acquire;
use crate::pool::submit::permit::Permit;
use crate::pool::submit::run_future::RunFuture;
use crate::pool::worker;
use crate::task::TaskOptions;

impl AdaptiveThreadPool {
    /// Runs `work` on the pool and waits for its result. While the queue is full the work waits its turn, first come,
    /// first served: that is the backpressure. The work stands in line by itself: its turn comes even if this future is
    /// not polled at the time.
    ///
    /// Awaited on a worker of this very pool (by a task that blocks on it), the work runs at once on that thread.
    ///
    /// The future borrows the pool. To spawn it, move a handle along: `tokio::spawn(async move { pool.run(work).await })`.
    ///
    /// # Errors
    /// [`JoinError::Panicked`](crate::JoinError::Panicked) if the work panicked, [`Closed`](crate::JoinError::Closed) or
    /// [`Cancelled`](crate::JoinError::Cancelled) if the pool was shut down before it began.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the work if it has not started: its closure is dropped and its place in the queue is
    /// free before `drop` returns. If it runs, it can see that nobody waits for it
    /// ([`TaskContext::is_cancelled`](crate::TaskContext::is_cancelled)); its result is dropped.
    pub fn run<F, T>(&self, work: F) -> RunFuture<'_, F, T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        RunFuture::new(self.shared(), work, None)
    }

    /// Starts `work` in the background once there is room for it. The handle's semantics are those of Tokio's: dropping
    /// it detaches the task, [`abort`](JoinHandle::abort) cancels it if it has not started.
    ///
    /// While the queue is full it is the future that waits, not the work: a turn that is not taken up, because the future
    /// is not polled, goes to others after `reservation_timeout`, and the future stands in line anew (see [`Permit`]).
    ///
    /// # Errors
    /// The pool is shutting down: the closure is handed back, with the facts.
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready gives up the place in line; nothing was started.
    pub async fn spawn<F, T>(&self, work: F) -> Result<JoinHandle<T>, Rejected<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let work = if self.is_here() || self.has_room() {
            match self.shared().submit_handle(None, Mode::Try, work, |work| work) {
                Ok(handle) => return Ok(handle),
                Err(rejected) if rejected.rejection().reason == RejectReason::ShuttingDown => {
                    return Err(rejected);
                }
                Err(rejected) => rejected.into_inner(),
            }
        } else {
            work
        };
        match self.acquire().await {
            Ok(permit) => Ok(permit.spawn(work)),
            Err(_) => Err(Rejected::new(self.shared().rejection(Full::Closed), work)),
        }
    }

    /// Starts `work` in the background if there is room for it now.
    ///
    /// # Errors
    /// The queue is full, others wait for a place already, or the pool takes no more work: the closure is handed back,
    /// with the facts.
    pub fn try_spawn<F, T>(&self, work: F) -> Result<JoinHandle<T>, Rejected<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        if !self.is_here() {
            if let Err(rejection) = self.shared().test_refusal() {
                return Err(Rejected::new(rejection, work));
            }
        }
        self.shared().submit_handle(None, Mode::Try, work, |work| work)
    }

    /// Waits for a place in the queue, to be used later. See [`Permit`] for how long it is kept.
    ///
    /// # Errors
    /// The pool takes no more work.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in line; a place that it had been granted goes to the next.
    pub fn acquire(&self) -> Acquire<'_> {
        Acquire::new(Cow::Borrowed(self))
    }

    /// The same as a future that has a handle of its own: to be kept in a struct and polled from there, as in the `poll_ready` of a
    /// service.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let acquire = millpond::AdaptiveThreadPool::new().acquire_owned();
    /// let permit = tokio::spawn(acquire).await??;
    /// assert_eq!(permit.spawn(|| 6 * 7).await?, 42);
    /// # Ok(()) }
    /// ```
    pub fn acquire_owned(&self) -> Acquire<'static> {
        Acquire::new(Cow::Owned(self.clone()))
    }

    /// A place in the queue if there is one now.
    ///
    /// # Errors
    /// The queue is full, others wait for a place already, or the pool takes no more work.
    pub fn try_acquire(&self) -> Result<Permit, Rejection> {
        self.shared().test_refusal()?;
        self.permit().map_err(|full| self.shared().rejection(full))
    }

    /// Lets work in, plain if the options say nothing, for a caller who awaits it and is not a task
    /// of its own: a service or a processor. The work is made of `with`, which is handed back on a
    /// refusal.
    pub(crate) fn submit<W, F, T>(
        &self,
        options: TaskOptions,
        mode: Mode,
        with: W,
        work: impl FnOnce(W) -> F,
    ) -> Result<AbortOnDrop<T>, Rejected<W>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let options = options.unless_empty();
        if options.is_none() && matches!(mode, Mode::Try) && !self.is_here() {
            if let Err(rejection) = self.shared().test_refusal() {
                return Err(Rejected::new(rejection, with));
            }
        }
        self.shared().submit_handle(options, mode, with, work).map(AbortOnDrop::new)
    }

    /// The same for a caller who waits: what is refused yields the refusal as its result.
    pub(crate) fn enqueue<F, T>(&self, options: TaskOptions, mode: Mode, work: F) -> AbortOnDrop<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let submitted = self.submit(options, mode, work, |work| work);
        submitted.unwrap_or_else(|rejected| AbortOnDrop::new(self.shared().refused(rejected)))
    }

    /// As [`run`](Self::run), with options.
    pub(crate) fn run_with<F, T>(&self, options: TaskOptions, work: F) -> RunFuture<'_, F, T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        RunFuture::new(self.shared(), work, options.unless_empty())
    }

    /// So many tasks were submitted at once: calls a worker for each, as far as cores go, instead of leaving it to the first
    /// to wake the next.
    pub(crate) fn call(&self, tasks: usize) {
        self.shared().work_waits();
        self.shared().idle.rouse(tasks.min(self.usable_threads()));
    }

    /// How many tasks of this pool can run at once, as far as cores go. As of its building: to ask the system again costs
    /// some 30 us.
    pub(crate) fn usable_threads(&self) -> usize {
        self.shared().usable_threads()
    }

    /// Whether the calling thread is one of this pool's workers.
    #[inline]
    pub(crate) fn is_here(&self) -> bool {
        worker::current_of(self.shared()).is_some()
    }
}

impl Permit {
    /// Starts `work` in the background. It can't fail for lack of room; if the pool was shut down meanwhile, the handle
    /// yields [`JoinError::Closed`](crate::JoinError::Closed) and the work is dropped.
    pub fn spawn<F, T>(self, work: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        // The permit may be the last handle: the pool stays open until the work is in the queue.
        let pool = self.pool.clone();
        let handle = pool.shared().submit_handle(None, Mode::Permit(self), work, |work| work);
        handle.unwrap_or_else(|rejected| pool.shared().refused(rejected))
    }
}
