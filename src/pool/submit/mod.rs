//! The one way of work into the pool.
//!
//! [`Shared::submit`] takes work with its options and a [`Mode`], finds a place for it
//! (`admit.rs`), and puts it into the injector or, if it has options, into the run order. Work that
//! does not run leaves by one way as well (`refuse.rs`).

mod admit;
mod api;
mod bytes;
mod handle;
mod outside;
mod permit;
mod refuse;
mod run_future;
mod task_builder;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;

pub(super) use bytes::{ByteReservation, PendingSubmit};
pub(crate) use handle::AbortOnDrop;
pub use handle::{AbortHandle, JoinHandle};
pub(super) use outside::Outside;
pub use permit::{Acquire, Permit};
pub use run_future::RunFuture;
pub use task_builder::TaskBuilder;

use tokio::sync::Notify;

use self::bytes::Weighed;
use super::propagate::Luggage;
use super::shared::{Attention, Shared};
use super::worker::{self, Worker};
use crate::error::{RejectReason, Rejected};
use crate::task::{Join, Label, Place, Refusal, TaskCell, TaskOptions, TaskRef, Ticket};

/// How work enters the pool.
#[derive(Debug)]
pub(crate) enum Mode {
    /// It is refused if there is no place now.
    Try,
    /// It waits in the queue, beyond the limit, if there is no place now.
    Wait,
    /// As `Wait`. Tells when the work has a permit, if it waits for its bytes first.
    WaitAndTell(Arc<Notify>),
    /// As `Wait`. No worker is called: [`call`](super::AdaptiveThreadPool::call) has to follow.
    WaitUncalled,
    /// It has its place. It gives the place back and waits if the byte budget is spent or its tenant
    /// has its share of the queue.
    Permit(Permit),
    /// It continues work that was let in before. It takes a permit if there is one, so that others
    /// see how full the queue is; it is not refused while the pool is open.
    Step,
}

/// Work that has entered.
pub(super) struct Submitted<T> {
    pub(super) join: Arc<dyn Join<T>>,
    pub(super) attention: Attention,
}

impl Shared {
    /// Lets work in as `mode` says. The work is made of `with`, which is handed back on a refusal.
    /// Work without options is plain.
    ///
    /// On a worker of this pool the work is a subtask: it goes to the worker's own deque, and needs
    /// neither a permit nor bytes.
    #[inline]
    pub(super) fn submit<W, F, T>(
        self: &Arc<Self>,
        options: Option<TaskOptions>,
        mode: Mode,
        waker: Option<Waker>,
        with: W,
        work: impl FnOnce(W) -> F,
    ) -> Result<Submitted<T>, Rejected<W>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        // Before a place is taken: this is code of a user, whose panic must not cost the place.
        let mut context = self.capture(options.as_ref());
        if let Some(worker) = worker::current_of(self) {
            let label = match worker.label(options) {
                Ok(label) => label,
                Err(rejection) => return Err(Rejected::new(rejection, with)),
            };
            let join = context.subtask(work(with), label);
            worker.push(Arc::clone(&join).into_run());
            return Ok(Submitted { join, attention: Attention::Awake });
        }
        let calls = !matches!(mode, Mode::WaitUncalled);
        let tells = if let Mode::WaitAndTell(notify) = &mode { Some(Arc::clone(notify)) } else { None };
        let bytes = options.as_ref().map_or(0, |options| options.bytes);
        let label = options.map(|options| Box::new(self.label(options, matches!(mode, Mode::Step))));
        let admitted = self.weigh(bytes, &mode).and_then(|weighed| {
            let place = match weighed.arrival {
                Some(_) => Place::Outside,
                None => self.place(label.as_deref(), mode)?,
            };
            Ok((weighed, place))
        });
        let (Weighed { reservation, arrival }, place) = match admitted {
            Ok(admitted) => admitted,
            Err(rejection) => return Err(Rejected::new(rejection, with)),
        };
        context.carry(reservation);
        let cell = context.task(work(with), place, waker, label);
        let task = Arc::clone(&cell).into_run();
        let attention = match arrival {
            Some(arrival) => self.wait_for_bytes(arrival, task, tells),
            None => self.enqueue(task, place, calls),
        };
        Ok(Submitted { join: cell, attention })
    }

    /// The same for a caller who keeps the handle.
    pub(super) fn submit_handle<W, F, T>(
        self: &Arc<Self>,
        options: Option<TaskOptions>,
        mode: Mode,
        with: W,
        work: impl FnOnce(W) -> F,
    ) -> Result<JoinHandle<T>, Rejected<W>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let submitted = self.submit(options, mode, None, with, work)?;
        Ok(JoinHandle::new(submitted.join, Arc::clone(self)))
    }

    /// Puts a task with a place into its queue, and has a worker look if it `calls` one.
    #[inline]
    fn enqueue(self: &Arc<Self>, task: TaskRef, place: Place, calls: bool) -> Attention {
        let waits = (place != Place::Queued(Ticket::HELD)).then(|| TaskRef::clone(&task));
        if place == Place::Queued(Ticket::NONE) {
            self.tally.without_permit.fetch_add(1, Ordering::Relaxed);
        }
        match task.label() {
            None => self.queues.inject(task),
            Some(label) => {
                // What has begun does not give way to other work, nor does what would leave no place.
                let gives_way = !label.part && place != Place::Queued(Ticket::NONE);
                if self.run_queue.push(task, gives_way) {
                    self.keep_expiry();
                }
            }
        }
        let attention = if calls { self.work_waits() } else { Attention::Called };
        if let Some(task) = waits.filter(|_| self.permits.is_closed()) {
            // The close may have swept the queue before this task was there.
            self.refuse_beyond(&*task);
        }
        attention
    }

    /// What the calling thread has around it now, with the span of a named task.
    #[inline]
    fn capture(&self, options: Option<&TaskOptions>) -> Luggage {
        match options.and_then(TaskOptions::span) {
            None => Luggage::pack(&self.hooks.propagate),
            Some(span) => span.in_scope(|| Luggage::pack(&self.hooks.propagate)),
        }
    }

    fn label(&self, options: TaskOptions, part: bool) -> Label {
        let TaskOptions { tenant, priority, deadline, name, bytes: _ } = options;
        let tenant = tenant.unwrap_or_else(|| Arc::clone(&self.nobody));
        let expires = deadline.map(|at| self.ns_at(at));
        let label = Label::new(tenant, priority.unwrap_or_default(), self.now_ns(), expires, name);
        if part { label.of_part() } else { label }
    }

    /// The handle of work that was refused, for a caller who gets no error otherwise.
    pub(super) fn refused<F, T>(self: &Arc<Self>, rejected: Rejected<F>) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (rejection, work) = rejected.into_parts();
        let cell = TaskCell::new(work, Place::Outside, None, None);
        self.void(cell.as_run(), Refusal::from(rejection));
        JoinHandle::new(cell, Arc::clone(self))
    }
}

impl Worker {
    /// The label of a subtask: its own, or that of the task that runs here.
    ///
    /// # Errors
    /// The subtask has a deadline, which has passed.
    pub(super) fn label(
        &self,
        options: Option<TaskOptions>,
    ) -> Result<Option<Box<Label>>, crate::error::Rejection> {
        let Some(options) = options else {
            let task = self.task();
            let label = task.as_ref().and_then(|task| task.label());
            return Ok(label.map(|label| Box::new(label.same())));
        };
        let shared = self.shared();
        let label = shared.label(options, false);
        if label.expires().is_some_and(|at| at <= label.arrival) {
            return Err(shared.rejected(RejectReason::Expired));
        }
        shared.run_queue.note_use();
        Ok(Some(Box::new(label)))
    }
}
