//! Work that is prepared now and submitted later: when its bytes are there, or its caller has
//! prepared all of it.
//!
//! A [`Deferred`] is the side that awaits, a [`Ticket`] the side that submits. The ticket can be used from any thread and
//! needs no poll of the future. If the future is dropped first, the closure is dropped at once and the ticket is void. Whoever
//! has the ticket must use it: the future of one that is dropped waits without end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::Notify;

use super::propagate::Luggage;
use super::shared::Shared;
use super::task::{Placed, loaded};
use super::weight::Queued;
use super::{AdaptiveThreadPool, JoinHandle, TaskBuilder, worker};
use crate::admission::{Arrival, Full, Start};
use crate::error::{JoinError, Rejected};
use crate::task::{Join, Label, Place, TaskRef};

/// The result of deferred work. Dropping it cancels the work if it has not started.
#[derive(Debug)]
pub(crate) struct Deferred<T: 'static>(pub(super) JoinHandle<T>);

/// The right to submit deferred work.
pub(crate) struct Ticket {
    task: TaskRef,
    shared: Arc<Shared>,
    /// Its place in the line for bytes.
    arrival: Option<Arrival>,
    /// Told when the work has a place in the queue.
    placed: Option<Arc<Notify>>,
}

impl AdaptiveThreadPool {
    /// Submits work if there is room now; it is made of `with`, which is handed back if not.
    pub(crate) fn try_enqueue<W, F, T>(
        &self,
        with: W,
        work: impl FnOnce(W) -> F,
    ) -> Result<Deferred<T>, Rejected<W>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let luggage = self.shared().pack();
        match self.shared().try_admit() {
            Ok(place) => Ok(Deferred(self.shared().submit(work(with), luggage, place))),
            Err(rejection) => Err(Rejected::new(rejection, with)),
        }
    }

    /// Submits work that waits its turn if there is no room: it stands in line whether or not the future is polled. No worker
    /// is told of it: [`call`](Self::call) has to follow.
    pub(crate) fn enqueue_untold<F, T>(&self, work: F) -> Deferred<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let shared = self.shared();
        let luggage = shared.pack();
        match shared.admit_now() {
            Ok(Place::Held) => {
                let cell = luggage.task(work, Place::Held, None);
                shared.queues.inject(Arc::clone(&cell).into_run());
                Deferred(JoinHandle::new(cell, Arc::clone(shared)))
            }
            Ok(place) => Deferred(shared.submit(work, luggage, place)),
            Err(_) => {
                let (ticket, deferred) = shared.defer(work, luggage);
                ticket.start();
                deferred
            }
        }
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

impl Shared {
    pub(super) fn defer<F, T>(self: &Arc<Self>, work: F, luggage: Luggage) -> (Ticket, Deferred<T>)
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let cell = luggage.task(work, Place::Outside, None);
        let ticket = Ticket {
            task: Arc::clone(&cell).into_run(),
            shared: Arc::clone(self),
            arrival: None,
            placed: None,
        };
        (ticket, Deferred(JoinHandle::new(cell, Arc::clone(self))))
    }
}

impl TaskBuilder<'_> {
    /// Submits work that waits for its bytes and for its turn, whether or not the future is polled.
    pub(crate) fn enqueue<F, T>(&self, work: F) -> Deferred<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Deferred(self.submit_in_line(work))
    }

    /// The work stands in line for its bytes from now on, if they are not there.
    fn prepare<F, T>(&self, work: F) -> (Ticket, JoinHandle<T>)
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let shared = Arc::clone(self.shared());
        let (luggage, label) = (self.pack(), self.label());
        let (load, arrival, refusal) = match shared.queue_for_bytes(self.byte_count()) {
            Ok(Some(Queued { load, arrival })) => (load, Some(arrival), None),
            Ok(None) => (None, None, None),
            Err(rejection) => (None, None, Some(rejection)),
        };
        let cell = luggage.labelled_task(loaded(work, load), Place::Outside, None, label);
        let ticket =
            Ticket { task: Arc::clone(&cell).into_run(), shared: Arc::clone(&shared), arrival, placed: None };
        match refusal {
            Some(rejection) => shared.turn_down(cell.as_run(), rejection),
            None if shared.outside.enter(&ticket.task) => shared.keep_expiry(),
            None => {}
        }
        (ticket, JoinHandle::new(cell, shared))
    }

    /// Submits work as soon as its bytes are there.
    pub(super) fn submit_in_line<F, T>(&self, work: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (ticket, handle) = self.prepare(work);
        ticket.start();
        handle
    }

    /// The same. The other future is ready when the work has a place in the queue; or has begun, or never will.
    pub(super) fn submit_and_tell<F, T>(
        self,
        work: F,
    ) -> (JoinHandle<T>, impl Future<Output = ()> + Send + 'static)
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let placed = Arc::new(Notify::new());
        let tells = Tells(Arc::clone(&placed));
        let (mut ticket, handle) = self.prepare(move || {
            drop(tells);
            work()
        });
        ticket.placed = Some(Arc::clone(&placed));
        ticket.start();
        (handle, async move { placed.notified().await })
    }

    /// As [`AdaptiveThreadPool::try_enqueue`].
    pub(crate) fn try_enqueue<W, F, T>(
        self,
        with: W,
        work: impl FnOnce(W) -> F,
    ) -> Result<Deferred<T>, Rejected<W>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        match self.try_place() {
            Ok(Placed { luggage, label, place, load }) => {
                let work = loaded(work(with), load);
                Ok(Deferred(self.shared().submit_labelled(work, luggage, label, place)))
            }
            Err(rejection) => Err(Rejected::new(rejection, with)),
        }
    }
}

/// Tells when it is dropped.
struct Tells(Arc<Notify>);

impl Drop for Tells {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Ticket {
    /// The same for labelled work.
    fn start_labelled(self, label: &Label) {
        let Self { task, shared, placed, .. } = &self;
        shared.outside.leave(label);
        let now = shared.now_ns();
        if label.expires().is_some_and(|at| at <= now) {
            return shared.expire([TaskRef::clone(task)]);
        }
        match shared.place_or_wait(label, now) {
            Ok(place) if task.enter(place) => {
                shared.rank(TaskRef::clone(task), place);
                placed.iter().filter(|_| place == Place::Ranked).for_each(|placed| placed.notify_one());
            }
            Ok(place) => shared.leave_place(place),
            Err(rejection) => shared.turn_down(&**task, rejection),
        }
    }

    fn place(&self, place: Place) -> bool {
        self.task.enter(place)
    }
}

impl Start for Ticket {
    /// Puts the work into the queue, or into the line for it.
    fn start(mut self) {
        if let Some(arrival) = self.arrival.take() {
            // It comes back here when its bytes are there.
            let shared = Arc::clone(&self.shared);
            return shared.bring(arrival, self);
        }
        let task = TaskRef::clone(&self.task);
        if let Some(label) = task.label() {
            return self.start_labelled(label);
        }
        let shared = &self.shared;
        match shared.try_permit() {
            Ok(_) if self.place(Place::Held) => {
                shared.inject(self.task);
            }
            // Nobody wants it any more: the permit is still ours to give back.
            Ok(_) => shared.release_permit(),
            Err(Full::Occupied) => {
                if self.place(Place::Line) {
                    shared.stand_in_line(self.task);
                }
            }
            Err(Full::Closed) => {
                shared.refuse(&*self.task);
            }
        }
    }
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket").finish_non_exhaustive()
    }
}

impl<T: 'static> Deferred<T> {
    /// Cancels the work if it has not started; asks it to stop if it runs.
    pub(crate) fn cancel(&self) {
        self.0.abort();
    }

    /// On a worker of its pool: runs the work if nobody has begun it.
    pub(crate) fn help(&self) {
        self.0.help();
    }
}

impl<T: 'static> Future for Deferred<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl<T: 'static> Drop for Deferred<T> {
    fn drop(&mut self) {
        self.cancel();
    }
}
