//! The ways of work into the pool.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::handle::JoinHandle;
use super::permit::{Acquire, Permit};
use super::propagate::Luggage;
use super::run::Run;
use super::shared::{Shared, count};
use super::worker;
use super::{AdaptiveThreadPool, Rejected, Rejection};
use crate::admission::Full;
use crate::error::RejectReason;
use crate::policy::{load, splitmix64};
use crate::task::{Join, Place, TaskRef};

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
    pub fn run<F, T>(&self, work: F) -> Run<'_, F, T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Run::new(self.shared(), work)
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
        let luggage = self.shared().pack();
        match self.shared().admit_now() {
            Ok(place) => Ok(self.shared().submit(work, luggage, place)),
            Err(Full::Closed) => Err(Rejected::new(self.shared().rejection(Full::Closed), work)),
            Err(Full::Occupied) => {
                // It is packed anew when there is a place.
                drop(luggage);
                match self.acquire().await {
                    Ok(permit) => Ok(permit.spawn(work)),
                    Err(_) => Err(Rejected::new(self.shared().rejection(Full::Closed), work)),
                }
            }
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
        let luggage = self.shared().pack();
        match self.shared().try_admit() {
            Ok(place) => Ok(self.shared().submit(work, luggage, place)),
            Err(rejection) => Err(Rejected::new(rejection, work)),
        }
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
        self.shared().try_admit().map(|place| Permit::reserve(self, place))
    }
}

impl Shared {
    /// A place for work, at once: none is needed on a worker of this pool.
    #[inline]
    pub(super) fn admit_now(self: &Arc<Self>) -> Result<Place, Full> {
        if worker::current_of(self).is_some() {
            return Ok(Place::Free);
        }
        self.try_permit().map(|_| Place::Held)
    }

    /// The same for a caller who wants to know why there is none.
    #[inline]
    pub(super) fn try_admit(self: &Arc<Self>) -> Result<Place, Rejection> {
        if let Some(reason) = self.test_hooks.refusal() {
            return Err(self.rejected(reason));
        }
        self.admit_now().map_err(|full| self.rejection(full))
    }

    /// What the calling thread has around it now. To be packed before a place is taken: it is code of a user's that packs,
    /// and its panic must not cost the place.
    #[inline]
    pub(super) fn pack(&self) -> Luggage {
        Luggage::pack(&self.hooks.propagate)
    }

    /// Queues work that has its place: on the own deque if this is a worker of the pool, else in the injector.
    #[inline]
    pub(super) fn submit<F, T>(self: &Arc<Self>, work: F, luggage: Luggage, place: Place) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        if place == Place::Free {
            if let Some(worker) = worker::current_of(self) {
                let join = worker.subtask(work, luggage);
                worker.push(Arc::clone(&join).into_run());
                return JoinHandle::new(join, Arc::clone(self));
            }
        }
        let cell = luggage.task(work, place, None);
        let task = Arc::clone(&cell).into_run();
        match place {
            Place::Free => self.inject_free(task),
            _ => _ = self.inject(task),
        }
        JoinHandle::new(cell, Arc::clone(self))
    }

    /// Queues work that has no permit, from outside.
    pub(super) fn inject_free(self: &Arc<Self>, task: TaskRef) {
        count(&self.tally.free_injected);
        self.inject(task);
    }

    /// The facts for a caller who is refused, who is counted.
    #[cold]
    pub(crate) fn rejection(&self, full: Full) -> Rejection {
        self.rejected(match full {
            Full::Closed => RejectReason::ShuttingDown,
            Full::Occupied => RejectReason::QueueFull,
        })
    }

    /// The same for another reason.
    #[cold]
    pub(super) fn rejected(&self, reason: RejectReason) -> Rejection {
        self.note_refusal();
        let in_flight = self.load();
        let retry_after = match reason {
            RejectReason::ShuttingDown | RejectReason::NeverFits => None,
            _ => {
                let (workers, task) = (self.usable_threads(), self.task_time_of_late());
                Some(load::retry_after(in_flight, self.pressure.mark, workers, task, self.roll()))
            }
        };
        Rejection {
            reason,
            depth: self.places_taken(),
            limit: self.permits.limit(),
            load_factor: self.pressure.capacity.load_factor(in_flight),
            retry_after,
        }
    }

    /// Counts a caller who is refused.
    pub(super) fn note_refusal(&self) {
        count(&self.tally.backpressure);
    }

    /// Another number for every refusal, from 0 to under 1. Every pool has the same series: callers meet where they were
    /// refused.
    fn roll(&self) -> f64 {
        splitmix64::nth(0, self.tally.told_when.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// How long a task took of late, by the mean over the workers that know.
    fn task_time_of_late(&self) -> Option<Duration> {
        let (mut sum, mut workers) = (0_u64, 0);
        for task_ns in self.workers.iter().map(|worker| worker.task_ns()).filter(|&ns| ns > 0) {
            sum = sum.saturating_add(task_ns);
            workers += 1;
        }
        sum.checked_div(workers).map(Duration::from_nanos)
    }

    /// How many callers were refused or had to wait.
    pub(super) fn backpressure_events(&self) -> u64 {
        self.tally.backpressure.load(Ordering::Relaxed)
    }
}
