//! What a running task may know of its surroundings.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::pool::shared::Shared;
use crate::pool::submit::handle::JoinHandle;
use crate::pool::submit::mode::Mode;
use crate::pool::worker;
use crate::task::TaskRef;

/// The surroundings of the task that runs on this thread.
///
/// It belongs to its thread and its task, and can't be sent elsewhere.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use millpond::{AdaptiveThreadPool, TaskContext};
///
/// let pool = AdaptiveThreadPool::new();
/// let total: u64 = pool
///     .run(|| {
///         let context = TaskContext::current().expect("this is a task");
///         let parts: Vec<_> = (0..4_u64).map(|n| context.spawn(move || n * n)).collect();
///         parts.into_iter().map(|part| part.blocking_join().unwrap_or(0)).sum()
///     })
///     .await?;
/// assert_eq!(total, 14);
/// assert!(TaskContext::current().is_none(), "this is not a task");
/// # Ok(()) }
/// ```
pub struct TaskContext {
    shared: Arc<Shared>,
    slot: usize,
    task: TaskRef,
    /// It belongs to its thread.
    _not_send: PhantomData<*const ()>,
}

impl std::fmt::Debug for TaskContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskContext").field("worker", &self.worker_index()).finish_non_exhaustive()
    }
}

impl TaskContext {
    /// The context of the task that runs on the calling thread; `None` outside of any.
    #[must_use]
    pub fn current() -> Option<Self> {
        let worker = worker::current()?;
        let task = worker.task()?;
        Some(Self { shared: Arc::clone(worker.shared()), slot: worker.slot(), task, _not_send: PhantomData })
    }

    /// Whether nobody wants the result any more: the future was dropped, the handle aborted, or the pool is past the
    /// deadline of its shutdown. A long task does well to ask now and then, and to return early. Costs two loads.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.task.is_cancelled() || self.shared.orders.aborting()
    }

    /// When the task is of no use any more, if that was said of it, or of the task of which it is a subtask.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let at = self.task.label()?.expires()?;
        self.shared.epoch.checked_add(Duration::from_nanos(at))
    }

    /// What the task is called, if it was named ([`TaskBuilder::name`](crate::TaskBuilder::name)).
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.task.label()?.name()
    }

    /// Asks the same of this task from other threads.
    pub(crate) fn probe(&self) -> Probe {
        Probe { task: TaskRef::clone(&self.task), shared: Arc::clone(&self.shared) }
    }

    /// Starts a subtask on this worker's own deque, where idle workers may steal it. It needs no permit, and it inherits
    /// the span and the task-locals that this task runs in. It is not cancelled with this task.
    pub fn spawn<F, T>(&self, work: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let handle = self.shared.submit_handle(None, Mode::Step, work, |work| work);
        handle.unwrap_or_else(|rejected| self.shared.refused(rejected))
    }

    /// Runs `work`, which blocks (on a file, a lock, a socket of the old kind): meanwhile another thread may run in place of
    /// this one, within `max_threads`. Worth it from about 100 us on; what blocks for long without saying so is noticed, but only
    /// after some milliseconds. A section within another changes nothing.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use millpond::{AdaptiveThreadPool, TaskContext};
    ///
    /// let pool = AdaptiveThreadPool::new();
    /// let length = pool
    ///     .run(|| {
    ///         let context = TaskContext::current().expect("this is a task");
    ///         let text = context.block_in_place(|| std::fs::read_to_string("Cargo.toml"))?;
    ///         Ok::<_, std::io::Error>(text.len())
    ///     })
    ///     .await??;
    /// assert!(length > 0);
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    /// If `work` does.
    pub fn block_in_place<T>(&self, work: impl FnOnce() -> T) -> T {
        // The context belongs to this thread.
        match worker::current() {
            Some(worker) => worker.block_in_place(work),
            None => work(),
        }
    }

    /// The number of the worker that runs this task, from 0 to `max_threads` - 1.
    #[must_use]
    pub fn worker_index(&self) -> usize {
        self.slot
    }
}

/// Tells whether a task is still wanted; see [`TaskContext::probe`].
#[derive(Clone)]
pub(crate) struct Probe {
    task: TaskRef,
    shared: Arc<Shared>,
}

impl Probe {
    /// As [`TaskContext::is_cancelled`].
    pub(crate) fn is_cancelled(&self) -> bool {
        self.task.is_cancelled() || self.shared.orders.aborting()
    }
}
