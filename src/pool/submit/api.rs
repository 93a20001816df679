//! The methods of a pool that submit work.

use std::borrow::Cow;
use std::sync::Arc;

use crate::admission::Full;
use crate::error::{RejectReason, Rejected, Rejection};
use crate::pool::AdaptiveThreadPool;
use crate::pool::events::Subject;
use crate::pool::submit::handle::{AbortOnDrop, JoinHandle};
use crate::pool::submit::mode::Mode;
use crate::pool::submit::owner::Owner;
use crate::pool::submit::permit::{Acquire, Permit};
use crate::pool::submit::run_future::RunFuture;
use crate::pool::worker;
use crate::task::TaskOptions;

impl AdaptiveThreadPool {
    /// Runs `work` on the pool and waits for its result.
    ///
    /// The work enters the queue at the first poll. While the queue is full, the work waits in the
    /// queue beyond the limit; the future stays pending, which is the backpressure. The work starts
    /// in its turn, first come, first served, even if the future is not polled at that time.
    ///
    /// If a task of this pool polls the future, by blocking on it, the work is a subtask: other
    /// workers may run it, and the future stays pending. If every other worker waits for such work
    /// too, the poll runs the work. In a pool of one thread it always does. See [on a worker of the
    /// same pool](Self#on-a-worker-of-the-same-pool).
    ///
    /// The future borrows the pool. To spawn the future, move a handle of the pool into it:
    /// `tokio::spawn(async move { pool.run(work).await })`.
    ///
    /// # Errors
    /// - [`JoinError::Panicked`](crate::JoinError::Panicked): the work panicked.
    /// - [`Closed`](crate::JoinError::Closed) or [`Cancelled`](crate::JoinError::Cancelled): the
    ///   pool was shut down before the work started.
    ///
    /// # Cancel safety
    /// Dropping the future cancels work that has not started: `drop` drops the closure and frees
    /// its place in the queue before it returns. Work that runs continues. It can check whether its
    /// caller has gone ([`TaskContext::is_cancelled`](crate::TaskContext::is_cancelled)), and the
    /// pool drops its result. The same goes for the work that it awaits or spawns itself.
    ///
    /// If a task of any pool awaits the work, the work belongs to that task: if the task is not
    /// wanted any more, the work is cancelled as if its future were dropped. Work that waits in the
    /// queue is then cancelled when a worker takes it.
    pub fn run<F, T>(&self, work: F) -> RunFuture<'_, F, T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        RunFuture::new(self.shared(), work, None)
    }

    /// Starts `work` in the background once the queue has room for it.
    ///
    /// The handle behaves as Tokio's: dropping it detaches the task, and
    /// [`abort`](JoinHandle::abort) cancels a task that has not started. A subtask ([on a worker of
    /// the same pool](Self#on-a-worker-of-the-same-pool)) belongs to its task all the same;
    /// [`TaskContext::spawn_detached`](crate::TaskContext::spawn_detached) starts one that does not.
    ///
    /// While the queue is full, the future waits for a permit, and the work is not submitted. If
    /// the future is granted a permit and is not polled for `reservation_timeout`, others get that
    /// permit. The future then waits for a new permit, behind all others (see [`Permit`]).
    ///
    /// # Errors
    /// The pool is shutting down. The error returns the closure and the facts.
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready ends the wait. Nothing was started.
    pub async fn spawn<F, T>(&self, work: F) -> Result<JoinHandle<T>, Rejected<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.shared().turn().await;
        let tried = self.shared().submit_handle(Owner::Task, None, Mode::TryUncounted, work);
        let work = match tried {
            Ok(handle) => return Ok(handle),
            Err(rejected) if rejected.rejection().reason == RejectReason::ShuttingDown => {
                return Err(rejected);
            }
            Err(rejected) => rejected.into_inner(),
        };
        match self.acquire().await {
            Ok(permit) => Ok(permit.spawn(work)),
            Err(_) => {
                let shared = self.shared();
                Err(shared.refuse(shared.rejection(Full::Closed), None, work))
            }
        }
    }

    /// Starts `work` in the background if the queue has room for it now.
    ///
    /// # Errors
    /// The queue is full, others already wait for a permit, or the pool is shutting down. The error
    /// returns the closure and the facts.
    pub fn try_spawn<F, T>(&self, work: F) -> Result<JoinHandle<T>, Rejected<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.shared().submit_handle(Owner::Task, None, Mode::Try, work)
    }

    /// Waits for a permit: a place in the queue that is used later. [`Permit`] says how long the
    /// place is kept.
    ///
    /// # Errors
    /// The pool is shutting down.
    ///
    /// # Cancel safety
    /// Dropping the future ends the wait. A permit that the future had been granted goes to the
    /// next waiter.
    pub fn acquire(&self) -> Acquire<'_> {
        Acquire::new(Cow::Borrowed(self))
    }

    /// Waits for a permit as [`acquire`](Self::acquire) does, with a future that owns a handle of
    /// the pool. A struct can keep this future and poll it, as in the `poll_ready` of a service.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let acquire = millpond::AdaptiveThreadPool::new().acquire_owned();
    /// let permit = tokio::spawn(acquire).await??;
    /// assert_eq!(permit.spawn(|| 6 * 7).await?, 42);
    /// # Ok(()) }
    /// ```
    pub fn acquire_owned(&self) -> Acquire<'static> {
        Acquire::new(Cow::Owned(self.clone()))
    }

    /// Takes a permit if there is one now.
    ///
    /// # Errors
    /// The queue is full, others already wait for a permit, or the pool is shutting down.
    pub fn try_acquire(&self) -> Result<Permit, Rejection> {
        let shared = self.shared();
        let permit =
            shared.test_refusal().and_then(|()| self.permit().map_err(|full| shared.rejection(full)));
        permit.inspect_err(|rejection| shared.events.refused(rejection, Subject::default()).tell())
    }

    /// Submits work for a caller who awaits it and is not a task of its own: a service or a
    /// processor. Options that are empty make plain work. `work` builds the closure from `with`; a
    /// refusal returns `with`.
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
        let shared = self.shared();
        let submitted = shared.submit(Owner::Caller, options.unless_empty(), mode, |_| None, with, work)?;
        Ok(AbortOnDrop::new(JoinHandle::new(submitted.join, Arc::clone(shared))))
    }

    /// Submits work for a caller who waits. A refusal becomes the result of the work.
    pub(crate) fn enqueue<F, T>(&self, options: TaskOptions, mode: Mode, work: F) -> AbortOnDrop<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let options = options.unless_empty();
        let submitted = self.shared().submit_handle(Owner::Caller, options, mode, work);
        AbortOnDrop::new(submitted.unwrap_or_else(|rejected| self.shared().refused(rejected)))
    }

    /// Runs `work` as [`run`](Self::run) does, with options.
    pub(crate) fn run_with<F, T>(&self, options: TaskOptions, work: F) -> RunFuture<'_, F, T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        RunFuture::new(self.shared(), work, options.unless_empty())
    }

    /// Waits for the calling Tokio task's turn, if its budget is spent: before an answer that is
    /// there at once.
    pub(crate) async fn turn(&self) {
        self.shared().turn().await;
    }

    /// Counts work that a processor refuses because its deadline has passed, as the pool counts its
    /// own.
    pub(crate) fn count_late(&self) {
        let shared = self.shared();
        shared.count_late(&shared.rejected(RejectReason::Expired));
    }

    /// Wakes or starts one worker for each of `tasks` tasks that were submitted together, up to the
    /// usable cores. Otherwise each woken worker would wake the next.
    pub(crate) fn call(&self, tasks: usize) {
        self.shared().work_waits();
        self.shared().idle.rouse(tasks.min(self.usable_threads()));
    }

    /// Returns how many tasks of this pool can run at once on the cores that were usable when the
    /// pool was built. The value is stored, because asking the system takes about 30 us.
    pub(crate) fn usable_threads(&self) -> usize {
        self.shared().usable_threads()
    }

    /// Returns whether the calling thread is a worker of this pool.
    #[inline]
    pub(crate) fn is_here(&self) -> bool {
        worker::current_of(self.shared()).is_some()
    }
}

impl Permit {
    /// Starts `work` in the background. It never fails for lack of room. If the pool was shut down
    /// meanwhile, `spawn` drops the work and the handle yields
    /// [`JoinError::Closed`](crate::JoinError::Closed).
    pub fn spawn<F, T>(self, work: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        // The permit may be the last handle. This clone keeps the pool open until the work is in
        // the queue.
        let pool = self.pool.clone();
        let handle = pool.shared().submit_handle(Owner::Task, None, Mode::Permit(self), work);
        handle.unwrap_or_else(|rejected| pool.shared().refused(rejected))
    }
}
