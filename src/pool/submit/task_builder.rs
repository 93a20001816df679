//! Work that says of itself whose it is, how urgent, and until when it is of use.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Notify;

use crate::admission::Full;
use crate::error::{RejectReason, Rejected};
use crate::pool::AdaptiveThreadPool;
use crate::pool::shared::Shared;
use crate::pool::submit::handle::AbortHandle;
use crate::pool::submit::handle::JoinHandle;
use crate::pool::submit::mode::Mode;
use crate::pool::submit::run_future::RunFuture;
use crate::task::{Priority, TaskOptions};

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
    pub fn run<F, T>(self, work: F) -> RunFuture<'p, F, T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        RunFuture::new(self.shared(), work, Some(self.options))
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
        match rejected.rejection().reason {
            RejectReason::ByteBudget | RejectReason::TenantLimit => {
                again.spawn_in_line(rejected.into_inner()).await
            }
            RejectReason::QueueFull => {
                let work = rejected.into_inner();
                match again.pool.acquire().await {
                    Ok(permit) => again.shared().submit_handle(
                        Some(again.options),
                        Mode::Permit(permit),
                        work,
                        |work| work,
                    ),
                    Err(_) => Err(Rejected::new(again.shared().rejection(Full::Closed), work)),
                }
            }
            _ => Err(rejected),
        }
    }

    /// Spawns work that waits by itself: for its bytes, and in the order itself if its tenant has its share of the queue.
    async fn spawn_in_line<F, T>(self, work: F) -> Result<JoinHandle<T>, Rejected<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let placed = Arc::new(Notify::new());
        let tells = Tells(Arc::clone(&placed));
        let wrap = |work: F| {
            move || {
                drop(tells);
                work()
            }
        };
        let mode = Mode::WaitAndTell(Arc::clone(&placed));
        let handle = self.shared().submit_handle(Some(self.options), mode, work, wrap)?;
        let mut given_up = GivenUp(Some(handle.abort_handle()));
        placed.notified().await;
        given_up.0 = None;
        Ok(handle)
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
        self.shared().submit_handle(Some(self.options), Mode::Try, work, |work| work)
    }

    fn shared(&self) -> &'p Arc<Shared> {
        self.pool.shared()
    }
}

/// Tells when it is dropped.
struct Tells(Arc<Notify>);

impl Drop for Tells {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// Aborts the task of a caller who has gone away before it was submitted.
struct GivenUp(Option<AbortHandle>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}
