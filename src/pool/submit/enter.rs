//! [`Shared::submit`]: the only way for work to enter the pool.

use std::cell::Cell;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;

use crate::contain;
use crate::error::{RejectReason, Rejected};
use crate::pool::admit::bytes::Weighed;
use crate::pool::events::Subject;
use crate::pool::propagate::{Captured, Made};
use crate::pool::shared::{Attention, Shared};
use crate::pool::spans::{Inside, Names};
use crate::pool::submit::handle::JoinHandle;
use crate::pool::submit::mode::Mode;
use crate::pool::submit::owner::Owner;
use crate::pool::worker;
use crate::pool::worker::Worker;
use crate::task::{
    Join, Label, Place, Refusal, Run, Stamp, TaskCell, TaskOptions, TaskRef, Ticket, erase, is_large,
};

/// One of this many plain tasks is measured for its time in the queue. A reading of the clock for
/// each of them would cost a tenth of a tiny task.
const SAMPLE: u32 = 16;

thread_local! {
    /// The plain tasks that the thread has submitted.
    static TURN: Cell<u32> = const { Cell::new(0) };
}

/// Work that has entered the pool.
pub(in crate::pool) struct Submitted<T> {
    pub(in crate::pool) join: Arc<dyn Join<T>>,
    pub(in crate::pool) attention: Attention,
}

impl Shared {
    /// Admits work as `mode` says and puts it into its queue. `work` builds the closure from
    /// `with`; a refusal returns `with`. `waker` returns the caller's waker, to be registered with
    /// the task; its argument is the number of permits taken. Work without options is plain. It
    /// belongs to `owner`.
    ///
    /// On a worker of this pool the work becomes a subtask: it goes into the worker's own deque,
    /// and takes neither a permit nor bytes.
    #[inline]
    pub(in crate::pool) fn submit<W, F, T>(
        self: &Arc<Self>,
        owner: Owner,
        options: Option<TaskOptions>,
        mode: Mode,
        waker: impl FnOnce(usize) -> Option<Waker>,
        with: W,
        work: impl FnOnce(W) -> F,
    ) -> Result<Submitted<T>, Rejected<W>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        if options.is_none() && matches!(mode, Mode::Try) {
            if let Err(rejection) = self.test_refusal() {
                return Err(self.refuse(rejection, None, with));
            }
        }
        // Before a permit is taken: this runs a user's code, whose panic must not lose the permit.
        let (context, _submitting) = self.capture(options.as_ref());
        let here = worker::current();
        let subtask = here.as_ref().is_some_and(|worker| worker.runs_closure_of(self));
        let context = context.owned_by(owner.node(here.as_deref(), subtask));
        let worker = here.filter(|_| subtask);
        // The hot path: plain work from outside, and a free permit.
        if options.is_none() && mode.takes_free_permit() && worker.is_none() {
            if let Ok(left) = self.try_permit() {
                let taken = Taken { shared: self, place: Place::Queued(Ticket::HELD) };
                let waker = waker(self.permits.limit().saturating_sub(left));
                let Made { run, join } = context.task(work(with), taken.place, waker, None);
                mem::forget(taken);
                self.sample_arrival(&*run);
                self.runtime.follow();
                let node = self.queues.inject(run, || self.bindings.nodes().here());
                let attention = if mode.calls() { self.work_waits_at(Some(node)) } else { Attention::Called };
                return Ok(Submitted { join, attention });
            }
        }
        let waker = waker(usize::MAX);
        let submitted = match worker {
            Some(worker) => submit_here(&worker, options, context, waker, with, work),
            None => self.submit_outside(options, mode, context, waker, with, work),
        };
        submitted.inspect_err(|rejected| self.count_late(rejected.rejection()))
    }

    /// Submits work from a thread that is no worker of this pool.
    fn submit_outside<W, F, T>(
        self: &Arc<Self>,
        options: Option<TaskOptions>,
        mode: Mode,
        mut context: Captured,
        waker: Option<Waker>,
        with: W,
        work: impl FnOnce(W) -> F,
    ) -> Result<Submitted<T>, Rejected<W>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let calls = mode.calls();
        let tells = if let Mode::WaitAndTell(notify) = &mode { Some(Arc::clone(notify)) } else { None };
        let bytes = options.as_ref().map_or(0, |options| options.bytes);
        let label = options.map(|options| Box::new(self.label(options, matches!(mode, Mode::Step))));
        let late = |label: &Label| !label.part && label.is_late();
        if label.as_deref().is_some_and(late) && !self.permits.is_closed() {
            // Before it waits for its bytes.
            return Err(self.refuse(self.rejected(RejectReason::Expired), label.as_deref(), with));
        }
        let waits_next = matches!(mode, Mode::TryUncounted);
        let admitted = self.weigh(bytes, &mode).and_then(|weighed| {
            let place = match weighed.arrival {
                Some(_) => Place::Outside,
                None => self.place(label.as_deref(), mode)?,
            };
            Ok((weighed, place))
        });
        let (Weighed { reservation, arrival }, place) = match admitted {
            Ok(admitted) => admitted,
            // The caller goes on to wait.
            Err(rejection) if waits_next && rejection.reason.may_wait() => {
                return Err(Rejected::new(rejection, with));
            }
            Err(rejection) => return Err(self.refuse(rejection, label.as_deref(), with)),
        };
        context.carry(reservation);
        let is_plain = label.is_none();
        let taken = Taken { shared: self, place };
        let Made { run, join } = context.task(work(with), place, waker, label);
        mem::forget(taken);
        if is_plain {
            self.sample_arrival(&*run);
        }
        let attention = match arrival {
            Some(arrival) => self.wait_for_bytes(arrival, run, tells),
            None => self.enqueue(run, place, calls),
        };
        Ok(Submitted { join, attention })
    }

    /// Notes when a plain task came, if it is the calling thread's turn: once in [`SAMPLE`] tasks.
    #[inline]
    fn sample_arrival(&self, task: &dyn Run) {
        if TURN.with(|turn| turn.replace(turn.get().wrapping_add(1)) % SAMPLE == 0) {
            task.stamp(Stamp::at(self.now_ns()));
        }
    }

    /// Submits work as [`submit`](Self::submit) does. Large work is boxed first, so that it is not
    /// moved by value any more.
    #[inline]
    pub(in crate::pool) fn submit_work<F, T>(
        self: &Arc<Self>,
        owner: Owner,
        options: Option<TaskOptions>,
        mode: Mode,
        waker: impl FnOnce(usize) -> Option<Waker>,
        work: F,
    ) -> Result<Submitted<T>, Rejected<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        if const { is_large::<F>() } {
            let submitted = self.submit(owner, options, mode, waker, Box::new(work), erase);
            return submitted.map_err(Rejected::unbox);
        }
        self.submit(owner, options, mode, waker, work, |work| work)
    }

    /// Submits work as [`submit_work`](Self::submit_work) does and returns its handle.
    #[inline]
    pub(in crate::pool) fn submit_handle<F, T>(
        self: &Arc<Self>,
        owner: Owner,
        options: Option<TaskOptions>,
        mode: Mode,
        work: F,
    ) -> Result<JoinHandle<T>, Rejected<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let submitted = self.submit_work(owner, options, mode, |_| None, work)?;
        Ok(JoinHandle::new(submitted.join, Arc::clone(self)))
    }

    /// Puts an admitted task into its queue. If `calls`, also notifies a worker.
    #[inline]
    pub(in crate::pool) fn enqueue(self: &Arc<Self>, task: TaskRef, place: Place, calls: bool) -> Attention {
        let waits = (place != Place::Queued(Ticket::HELD)).then(|| TaskRef::clone(&task));
        if place == Place::Queued(Ticket::NONE) {
            self.tally.without_permit.fetch_add(1, Ordering::Relaxed);
        }
        self.runtime.follow();
        let node = match task.label() {
            None => Some(self.queues.inject(task, || self.bindings.nodes().here())),
            Some(_) => {
                if self.run_queue.push(task, place != Place::Queued(Ticket::NONE)) {
                    self.keep_expiry();
                }
                None
            }
        };
        let attention = if calls { self.work_waits_at(node) } else { Attention::Called };
        if let Some(task) = waits.filter(|_| self.permits.is_closed()) {
            // The close may have swept the queue before this task entered it.
            self.refuse_beyond(&*task);
        }
        attention
    }

    /// Captures the context of the calling thread. If the task has spans, enters the one of the
    /// call. Inlined, because a context that is returned through memory is read right after it was
    /// written, which costs a wait.
    #[inline(always)]
    fn capture(&self, options: Option<&TaskOptions>) -> (Captured, Option<Inside>) {
        match Names::of(options, self.config.task_spans) {
            None => (Captured::pack(&self.hooks.propagate, None), None),
            Some(names) => {
                let context = Captured::pack(&self.hooks.propagate, Some(names.clone()));
                (context, Some(names.submit()))
            }
        }
    }

    fn label(&self, options: TaskOptions, part: bool) -> Label {
        let TaskOptions { tenant, priority, deadline, name, bytes: _ } = options;
        let tenant = tenant.unwrap_or_else(|| Arc::clone(&self.nobody));
        let expires = deadline.map(|at| self.ns_at(at));
        let label = Label::new(tenant, priority.unwrap_or_default(), self.now_ns(), expires, name);
        if part { label.of_part() } else { label }
    }

    /// Returns the handle of work that was refused, for a caller who gets no error otherwise. The
    /// refusal was counted when it was made.
    pub(in crate::pool) fn refused<F, T>(self: &Arc<Self>, rejected: Rejected<F>) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let why = Refusal::from(*rejected.rejection());
        // The work is a user's value.
        contain::discard(rejected);
        JoinHandle::new(TaskCell::<_, Box<T>>::refused(why), Arc::clone(self))
    }
}

/// A place for work that is being made: by the call of a service, a user's code. If that panics,
/// the drop of this value gives the place back.
struct Taken<'s> {
    shared: &'s Arc<Shared>,
    place: Place,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        // Without a permit it is counted only in the queue.
        if self.place != Place::Queued(Ticket::NONE) {
            self.shared.give_back(self.place);
        }
    }
}

/// Submits a subtask of the task that runs on this worker, also while it polls a future. It belongs
/// to `owner`.
pub(in crate::pool) fn spawn_here<F, T>(worker: &Worker, owner: Owner, work: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let shared = worker.shared();
    let (context, _submitting) = shared.capture(None);
    let context = context.owned_by(owner.node(Some(worker), true));
    let submitted = if const { is_large::<F>() } {
        submit_here(worker, None, context, None, Box::new(work), erase).map_err(Rejected::unbox)
    } else {
        submit_here(worker, None, context, None, work, |work| work)
    };
    match submitted {
        Ok(submitted) => JoinHandle::new(submitted.join, Arc::clone(shared)),
        Err(rejected) => shared.refused(rejected),
    }
}

/// Submits a subtask of the task that runs on this worker.
fn submit_here<W, F, T>(
    worker: &Worker,
    options: Option<TaskOptions>,
    context: Captured,
    waker: Option<Waker>,
    with: W,
    work: impl FnOnce(W) -> F,
) -> Result<Submitted<T>, Rejected<W>>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let label = match worker.label(options) {
        Ok(label) => label,
        Err(rejection) => return Err(Rejected::new(rejection, with)),
    };
    let Made { run, join } = context.task(work(with), Place::Subtask, waker, label);
    worker.push(run);
    Ok(Submitted { join, attention: Attention::Awake })
}

impl Worker {
    /// Returns the label of a subtask: one made of its options, or a copy of the running task's
    /// label.
    ///
    /// # Errors
    /// The deadline in the options has passed.
    pub(in crate::pool) fn label(
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
        if label.is_late() {
            let rejection = shared.rejected(RejectReason::Expired);
            shared.events.refused(&rejection, Subject::of(Some(&label))).tell();
            return Err(rejection);
        }
        shared.run_queue.note_use();
        Ok(Some(Box::new(label)))
    }
}
