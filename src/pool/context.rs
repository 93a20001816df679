//! The context of a running task.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::pool::shared::Shared;
use crate::pool::submit::enter::spawn_here;
use crate::pool::submit::handle::JoinHandle;
use crate::pool::submit::mode::Mode;
use crate::pool::submit::owner::Owner;
use crate::pool::worker;
use crate::task::TaskRef;

/// The context of the task that runs on this thread. It can't be sent to another thread.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use millpond::{AdaptiveThreadPool, TaskContext};
///
/// let sum = || {
///     let context = TaskContext::current().expect("this is a task");
///     let parts: Vec<_> = (0..4_u64).map(|n| context.spawn(move || n * n)).collect();
///     parts.into_iter().map(|part| part.blocking_join().unwrap_or(0)).sum::<u64>()
/// };
/// assert_eq!(AdaptiveThreadPool::new().run(sum).await?, 14);
/// # Ok(()) }
/// ```
pub struct TaskContext {
    shared: Arc<Shared>,
    slot: usize,
    task: TaskRef,
    /// The context belongs to its thread.
    _not_send: PhantomData<*const ()>,
}

impl std::fmt::Debug for TaskContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskContext").field("worker", &self.worker_index()).finish_non_exhaustive()
    }
}

impl TaskContext {
    /// Returns the context of the task that runs on the calling thread; `None` if no task runs
    /// there.
    #[must_use]
    pub fn current() -> Option<Self> {
        let worker = worker::current()?;
        let task = worker.task()?;
        Some(Self { shared: Arc::clone(worker.shared()), slot: worker.slot(), task, _not_send: PhantomData })
    }

    /// Returns whether the task was asked to stop: its future was dropped, its handle aborted, the
    /// deadline of the pool's shutdown has passed, or the task or request to which it belongs was
    /// asked to stop. A long task should check this from time to time and return early. A check
    /// costs three loads at the most, however deep the task is nested.
    ///
    /// # What belongs to a task
    /// - The work that the task awaits: with [`run`](crate::AdaptiveThreadPool::run), a service, or
    ///   a processor, of this pool or of another. (The deadline of a shutdown counts for the tasks
    ///   of its own pool only.)
    /// - The subtasks that the task spawns, with [`spawn`](Self::spawn) or with a handle of its own
    ///   pool, but not with [`spawn_detached`](Self::spawn_detached).
    /// - What belongs to these.
    ///
    /// What runs is asked to stop. What waits in a queue is cancelled when a worker takes it, and
    /// never runs; its handle yields [`JoinError::Cancelled`](crate::JoinError::Cancelled). So does
    /// what the task submits after it was asked to stop.
    ///
    /// A task that returns cancels nothing, and neither does a later `abort` of its handle. What
    /// belonged to it then belongs to the task or request above it, if there is one.
    ///
    /// The same rules hold for an async handler that a service polls on the pool
    /// (`service::OffloadLayer`), except that the tasks that a handle of the pool spawns there
    /// belong to nobody. The request is not wanted any more when the future of its response is
    /// dropped.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.task.is_cancelled() || self.shared.orders.aborting()
    }

    /// Returns the deadline of the task, or of the task of which it is a subtask. `None` if it has
    /// none.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let at = self.task.label()?.expires()?;
        self.shared.epoch.checked_add(Duration::from_nanos(at))
    }

    /// Returns the name of the task, if it has one
    /// ([`TaskBuilder::name`](crate::TaskBuilder::name)).
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.task.label()?.name()
    }

    /// Starts a subtask on this worker's own deque, from which idle workers may steal it. It needs
    /// no permit. It inherits the span and the task-locals of this task.
    ///
    /// It [belongs](Self::is_cancelled) to this task. Dropping its handle detaches it from the
    /// handle only: it runs on, also after this task has returned.
    pub fn spawn<F, T>(&self, work: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.spawn_for(Owner::Task, work)
    }

    /// Starts a subtask as [`spawn`](Self::spawn) does. It does not belong to this task: it runs
    /// even if this task is asked to stop, as tidying up must. Its own handle can cancel it, and so
    /// can the deadline of the pool's shutdown.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::mpsc;
    /// use millpond::{AdaptiveThreadPool, TaskContext};
    ///
    /// let pool = AdaptiveThreadPool::new();
    /// let (begun, begins) = tokio::sync::oneshot::channel();
    /// let (tell, told) = mpsc::channel();
    /// let task = pool
    ///     .spawn(move || {
    ///         let context = TaskContext::current().expect("this is a task");
    ///         let _ = begun.send(());
    ///         while !context.is_cancelled() {
    ///             std::thread::yield_now();
    ///         }
    ///         context.spawn_detached(move || tell.send("tidied up"));
    ///     })
    ///     .await?;
    /// begins.await?;
    /// task.abort();
    /// task.await?;
    /// assert_eq!(told.recv()?, "tidied up");
    /// # Ok(()) }
    /// ```
    pub fn spawn_detached<F, T>(&self, work: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.spawn_for(Owner::Nobody, work)
    }

    fn spawn_for<F, T>(&self, owner: Owner, work: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        if let Some(worker) = worker::thread_of(&self.shared) {
            return spawn_here(&worker, owner, work);
        }
        // The thread's locals are being destroyed.
        let handle = self.shared.submit_handle(owner, None, Mode::Step, work);
        handle.unwrap_or_else(|rejected| self.shared.refused(rejected))
    }

    /// Runs `work`, which blocks (on a file, a lock, a synchronous socket). Meanwhile another
    /// thread may run in place of this one, within `max_threads`, or beyond it while all workers
    /// are blocked ([`max_blocked_threads`](crate::PoolConfig::max_blocked_threads)). It pays for
    /// blocking from about 100 us on. The pool also finds tasks that block for long without this
    /// call, but only after some milliseconds. A section within another section has no effect.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use millpond::{AdaptiveThreadPool, TaskContext};
    ///
    /// let pool = AdaptiveThreadPool::new();
    /// let read = || std::fs::read_to_string("Cargo.toml");
    /// let task = move || TaskContext::current().map(|context| context.block_in_place(read));
    /// let text = pool.run(task).await?;
    /// assert!(text.is_some_and(|text| text.is_ok()));
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    /// If `work` panics.
    pub fn block_in_place<T>(&self, work: impl FnOnce() -> T) -> T {
        // The context belongs to this thread.
        match worker::current() {
            Some(worker) => worker.block_in_place(work),
            None => work(),
        }
    }

    /// Returns the number of the worker that runs this task, from 0 to `max_threads` +
    /// [`max_blocked_threads`](crate::PoolConfig::max_blocked_threads) - 1.
    #[must_use]
    pub fn worker_index(&self) -> usize {
        self.slot
    }
}
