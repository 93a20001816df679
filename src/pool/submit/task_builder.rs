//! Work with options: a priority, a tenant, a deadline, a number of bytes, a name.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Notify;

use crate::admission::Full;
use crate::error::{RejectReason, Rejected};
use crate::pool::AdaptiveThreadPool;
use crate::pool::shared::Shared;
use crate::pool::submit::handle::{AbortHandle, JoinHandle};
use crate::pool::submit::mode::Mode;
use crate::pool::submit::owner::Owner;
use crate::pool::submit::run_future::RunFuture;
use crate::task::{Priority, TaskOptions};

/// A task that is about to be submitted; made by [`AdaptiveThreadPool::task`].
///
/// The options decide when the task runs. Tenants share the pool's time by weight, and a tenant's
/// tasks run in the order of the times at which they are due. The guide
/// [scheduling](crate::guide::scheduling) states the guarantees.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
    /// Returns a builder for a task with a priority, a tenant, a deadline, bytes or a name:
    /// [`TaskOptions`].
    ///
    /// Such tasks wait in the run order, which costs each of them about 0.2 us more than a plain
    /// task. Plain and labelled tasks take turns.
    #[inline]
    pub fn task(&self) -> TaskBuilder<'_> {
        TaskBuilder { pool: self, options: TaskOptions::new() }
    }

    /// Sets the weight of a tenant. A tenant of weight 2 gets twice the share of the pool's time
    /// that a tenant of weight 1 gets.
    ///
    /// A tenant without a weight has weight 1, and 0 counts as 1. The pool keeps the weight until
    /// it is set to 1 again.
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

    /// Runs `work` and waits for its result.
    ///
    /// While the queue is full, the work waits in the queue beyond the limit, and starts in the run
    /// order. While the byte budget is spent, the work first waits for its bytes, first come, first
    /// served. On a worker of this pool the work is a subtask, as that of
    /// [`AdaptiveThreadPool::run`].
    ///
    /// # Errors
    /// As [`AdaptiveThreadPool::run`], and besides:
    /// - [`Rejected`](crate::JoinError::Rejected): the work cannot meet its deadline, has more
    ///   bytes than the whole budget, or is shed in an overload.
    /// - [`Expired`](crate::JoinError::Expired): the deadline passed before the work started.
    ///
    /// # Cancel safety
    /// As [`AdaptiveThreadPool::run`].
    pub fn run<F, T>(self, work: F) -> RunFuture<'p, F, T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        RunFuture::new(self.shared(), work, Some(self.options))
    }

    /// Starts `work` in the background once the queue has room for it. The handle behaves as that
    /// of [`AdaptiveThreadPool::spawn`].
    ///
    /// # Errors
    /// The work cannot meet its deadline, has more bytes than the whole budget, or is shed in an
    /// overload, or the pool is shutting down. The error returns the closure and the facts.
    ///
    /// Accepted work may still be evicted by more urgent work ([`RejectReason::Evicted`]), or
    /// expire; the handle then yields that error.
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready ends the wait, and nothing was started. There is one
    /// exception: while the byte budget is spent, or the tenant has its share of the queue, the
    /// work itself waits. The work may then start before the future is polled again. Dropping the
    /// future cancels such work as [`JoinHandle::abort`] does.
    pub async fn spawn<F, T>(self, work: F) -> Result<JoinHandle<T>, Rejected<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.shared().turn().await;
        let again = self.clone();
        let first = Some(self.options);
        let tried = self.pool.shared().submit_handle(Owner::Task, first, Mode::TryUncounted, work);
        let rejected = match tried {
            Ok(handle) => return Ok(handle),
            Err(rejected) => rejected,
        };
        match rejected.rejection().reason {
            RejectReason::ByteBudget | RejectReason::TenantLimit => {
                again.spawn_in_line(rejected.into_inner()).await
            }
            RejectReason::QueueFull => {
                let (work, since) = (rejected.into_inner(), Instant::now());
                match again.pool.acquire().await {
                    Ok(permit) => {
                        let shared = again.shared();
                        let mode = Mode::Permit(permit);
                        let handle = shared.submit_handle(Owner::Task, Some(again.options), mode, work);
                        let waited = since.elapsed();
                        handle
                            .map_err(|rejected| rejected.map_facts(|facts| shared.after_wait(facts, waited)))
                    }
                    Err(_) => {
                        let shared = again.shared();
                        Err(shared.refuse(shared.rejection(Full::Closed), None, work))
                    }
                }
            }
            _ => Err(rejected),
        }
    }

    /// Spawns work that waits itself: for its bytes, or in the run order if its tenant has its
    /// share of the queue.
    async fn spawn_in_line<F, T>(self, work: F) -> Result<JoinHandle<T>, Rejected<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let placed = Arc::new(Notify::new());
        let tells = Tells(Arc::clone(&placed));
        let wrap = |work: Box<F>| {
            move || {
                drop(tells);
                work()
            }
        };
        let mode = Mode::WaitAndTell(Arc::clone(&placed));
        let shared = self.shared();
        let submitted = shared.submit(Owner::Task, Some(self.options), mode, |_| None, Box::new(work), wrap);
        let handle = JoinHandle::new(submitted.map_err(Rejected::unbox)?.join, Arc::clone(shared));
        let mut given_up = GivenUp(Some(handle.abort_handle()));
        placed.notified().await;
        given_up.0 = None;
        Ok(handle)
    }

    /// Starts `work` in the background if the queue has room for it now. If the queue is full, the
    /// work may evict a task of a lower priority.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn). Besides, the queue is full, or the tenant has its share of it.
    pub fn try_spawn<F, T>(self, work: F) -> Result<JoinHandle<T>, Rejected<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.shared().submit_handle(Owner::Task, Some(self.options), Mode::Try, work)
    }

    fn shared(&self) -> &'p Arc<Shared> {
        self.pool.shared()
    }
}

/// Notifies when it is dropped: the work has started, or will not run.
struct Tells(Arc<Notify>);

impl Drop for Tells {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// Aborts the task if its caller goes away before the task has a permit or has started.
struct GivenUp(Option<AbortHandle>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}
