//! Work that says of itself whose it is, how urgent, and until when it is of use.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use super::propagate::Luggage;
use super::run_task::RunTask;
use super::shared::Shared;
use super::weight::Load;
use super::{AbortHandle, AdaptiveThreadPool, JoinHandle, worker};
use crate::admission::Full;
use crate::error::{RejectReason, Rejected, Rejection};
use crate::task::{Join, Label, Place, Priority, TaskOptions};

/// A task about to be submitted; from [`AdaptiveThreadPool::task`].
///
/// What is said here decides when the task's turn comes: tenants share the pool's time by weight, a tenant's tasks go by
/// the time they are due. The guide [scheduling](crate::guide::scheduling) has the guarantees.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::{Duration, Instant};
/// use millpond::{AdaptiveThreadPool, Priority};
///
/// let pool = AdaptiveThreadPool::new();
/// let answer = pool
///     .task()
///     .tenant("ada")
///     .priority(Priority::Interactive)
///     .deadline(Instant::now() + Duration::from_secs(5))
///     .run(|| 6 * 7)
///     .await?;
/// assert_eq!(answer, 42);
/// # Ok(()) }
/// ```
#[must_use = "a task that is not run, spawned or tried does nothing"]
#[derive(Debug, Clone)]
pub struct TaskBuilder<'p> {
    pool: &'p AdaptiveThreadPool,
    options: TaskOptions,
}

impl AdaptiveThreadPool {
    /// A task with a class, a tenant, a deadline or a name: [`TaskOptions`].
    ///
    /// Such tasks wait in one order, which costs each of them some 0.2 us more than plain ones. Work of both kinds takes turns.
    #[inline]
    pub fn task(&self) -> TaskBuilder<'_> {
        TaskBuilder { pool: self, options: TaskOptions::new() }
    }

    /// The task with these options; `None` if they say nothing: then the work is plain.
    #[inline]
    pub(crate) fn task_with(&self, options: TaskOptions) -> Option<TaskBuilder<'_>> {
        (options != TaskOptions::new()).then(|| self.task().options(options))
    }

    /// A tenant's share of the pool's time is `weight` times that of a tenant of weight 1, which is the weight of a tenant
    /// that has none set. It is kept until it is set to 1 again; 0 counts as 1.
    pub fn set_tenant_weight(&self, tenant: impl Into<Arc<str>>, weight: u32) {
        self.shared().run_queue.set_weight(&tenant.into(), weight);
    }
}

impl<'p> TaskBuilder<'p> {
    /// Replaces all options.
    pub fn options(mut self, options: TaskOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets [`TaskOptions::priority`].
    #[inline]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.options.priority = Some(priority);
        self
    }

    /// Sets [`TaskOptions::tenant`].
    pub fn tenant(mut self, tenant: impl Into<Arc<str>>) -> Self {
        self.options.tenant = Some(tenant.into());
        self
    }

    /// Sets [`TaskOptions::deadline`].
    pub fn deadline(mut self, deadline: impl Into<Instant>) -> Self {
        self.options.deadline = Some(deadline.into());
        self
    }

    /// Sets [`TaskOptions::bytes`].
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.options.bytes = bytes;
        self
    }

    /// Sets [`TaskOptions::name`].
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.options.name = Some(name.into());
        self
    }

    /// Runs `work` and waits for its result. While the queue is full, the work waits for its turn all the same, in the same order as
    /// what is in the queue; while the byte budget is spent, it waits for its bytes first, first come, first served. On a worker of
    /// this very pool it runs at once.
    ///
    /// # Errors
    /// As [`AdaptiveThreadPool::run`]; besides [`Rejected`](crate::JoinError::Rejected) if there is no hope to meet its
    /// deadline, or it is shed in an overload, and [`Expired`](crate::JoinError::Expired) if its deadline passed before it started.
    ///
    /// # Cancel safety
    /// As [`AdaptiveThreadPool::run`].
    pub fn run<F, T>(self, work: F) -> RunTask<'p, F, T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        RunTask::new(self, work)
    }

    /// Starts `work` in the background once there is room for it in the queue. The handle's semantics are those of
    /// [`AdaptiveThreadPool::spawn`].
    ///
    /// # Errors
    /// There is no hope to meet its deadline, it is shed in an overload, or the pool takes no more work: the closure is handed back,
    /// with the facts. So it is if it has more bytes than the whole budget. What was taken in may still have to give way to more urgent work
    /// ([`RejectReason::Evicted`]), or expire; the handle tells.
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready gives up the place in line; nothing was started. (While the byte budget is spent, or
    /// the tenant has its share of the queue, it is the work that waits, so that it may start before the future is polled again; then
    /// dropping the future cancels it as [`JoinHandle::abort`] does.)
    pub async fn spawn<F, T>(self, work: F) -> Result<JoinHandle<T>, Rejected<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let again = self.clone();
        let rejected = match self.try_spawn(work) {
            Ok(handle) => return Ok(handle),
            Err(rejected) => rejected,
        };
        let shared = again.shared();
        match rejected.rejection().reason {
            RejectReason::ByteBudget | RejectReason::TenantLimit => {
                Ok(again.spawn_in_line(rejected.into_inner()).await)
            }
            RejectReason::QueueFull => {
                let work = rejected.into_inner();
                let Ok(permit) = again.pool.acquire().await else {
                    return Err(Rejected::new(shared.rejection(Full::Closed), work));
                };
                let label = again.label();
                match shared.try_weigh(again.options.bytes) {
                    Ok(load) if shared.over_share(&label).is_none() => {
                        let luggage = again.pack();
                        let work = loaded(work, load);
                        Ok(shared.submit_labelled(work, luggage, label, permit.into_place()))
                    }
                    Err(rejection) if rejection.reason != RejectReason::ByteBudget => {
                        Err(Rejected::new(rejection, work))
                    }
                    tenant_or_bytes => {
                        drop((tenant_or_bytes, permit));
                        Ok(again.spawn_in_line(work).await)
                    }
                }
            }
            _ => Err(rejected),
        }
    }

    /// Spawns work that waits by itself: for its bytes, and in the order itself if its tenant has its share of the queue.
    async fn spawn_in_line<F, T>(self, work: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (handle, placed) = self.submit_and_tell(work);
        let mut given_up = GivenUp(Some(handle.abort_handle()));
        placed.await;
        given_up.0 = None;
        handle
    }

    /// Starts `work` in the background if there is room for it now, if need be at the cost of a task of a lesser class.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn); or the queue is full, or the tenant has its share of it.
    pub fn try_spawn<F, T>(self, work: F) -> Result<JoinHandle<T>, Rejected<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        match self.try_place() {
            Ok(Placed { luggage, label, place, load }) => {
                Ok(self.shared().submit_labelled(loaded(work, load), luggage, label, place))
            }
            Err(rejection) => Err(Rejected::new(rejection, work)),
        }
    }

    /// All that the task needs beside its work, with a place for it and its bytes, if there are any at once.
    pub(super) fn try_place(&self) -> Result<Placed, Rejection> {
        let shared = self.shared();
        let (luggage, label) = (self.pack(), self.label());
        // The bytes first: they come back by themselves if there is no place.
        let load = shared.try_weigh(self.options.bytes)?;
        let place = match worker::current_of(shared) {
            Some(_) => shared.free_place(&label)?,
            None => shared.place_now(&label)?,
        };
        Ok(Placed { luggage, label, place, load })
    }

    /// Whether its deadline has passed. One that comes so late is refused, and counted so.
    #[cfg(feature = "tower")]
    pub(crate) fn comes_too_late(&self) -> bool {
        let late = self.options.has_expired(Instant::now());
        if late {
            self.shared().note_refusal();
        }
        late
    }

    pub(super) fn byte_count(&self) -> usize {
        self.options.bytes
    }

    pub(super) fn shared(&self) -> &'p Arc<Shared> {
        self.pool.shared()
    }

    pub(super) fn label(&self) -> Label {
        self.clone().take_label()
    }

    /// Its label. The tenant's name is moved: those who count its references at the same time are in each other's way.
    #[inline]
    pub(super) fn take_label(&mut self) -> Label {
        let shared = self.shared();
        let options = &mut self.options;
        let tenant = options.tenant.take().unwrap_or_else(|| Arc::clone(&shared.nobody));
        let expires = options.deadline.map(|at| shared.ns_at(at));
        let priority = options.priority.unwrap_or_default();
        Label::new(tenant, priority, shared.now_ns(), expires, options.name.take())
    }

    #[inline]
    pub(super) fn pack(&self) -> Luggage {
        let shared = self.shared();
        match self.options.span() {
            None => shared.pack(),
            Some(span) => span.in_scope(|| shared.pack()),
        }
    }
}

/// Aborts the task of a caller who has gone away before it was submitted.
struct GivenUp(Option<AbortHandle>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

/// What a task has that is let in.
pub(super) struct Placed {
    pub(super) luggage: Luggage,
    pub(super) label: Label,
    pub(super) place: Place,
    pub(super) load: Load,
}

/// Work with its bytes: they are free when it is done, before anybody can see that, or dropped.
pub(super) fn loaded<F, T>(work: F, load: Load) -> impl FnOnce() -> T + Send + 'static
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    move || {
        let _load = load;
        work()
    }
}

impl Shared {
    /// Queues labelled work that has its place.
    pub(super) fn submit_labelled<F, T>(
        self: &Arc<Self>,
        work: F,
        luggage: Luggage,
        label: Label,
        place: Place,
    ) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let cell = luggage.labelled_task(work, place, None, label);
        let task = Arc::clone(&cell).into_run();
        match (place, worker::current_of(self)) {
            (Place::Ranked | Place::Waiting, _) => self.rank(task, place),
            (_, Some(worker)) => {
                self.run_queue.note_use();
                worker.push(task);
            }
            // A permit that had lapsed: it makes the queue longer by one.
            (_, None) => self.inject_free(task),
        }
        JoinHandle::new(cell, Arc::clone(self))
    }
}
