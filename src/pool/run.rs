//! The future of [`AdaptiveThreadPool::run`](super::AdaptiveThreadPool::run).

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::shared::Shared;
use super::worker;
use crate::admission::Full;
use crate::error::JoinError;
use crate::task::{Join, Place, TaskCell};

/// The result of work on its way through the pool. Nothing is submitted before the first poll.
#[must_use = "futures do nothing unless awaited"]
pub struct Run<'p, F, T> {
    shared: &'p Arc<Shared>,
    stage: Stage<F, T>,
}

enum Stage<F, T> {
    New(F),
    Submitted(Arc<dyn Join<T>>),
    Over,
}

impl<F, T> std::fmt::Debug for Run<'_, F, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stage = match &self.stage {
            Stage::New(_) => "New",
            Stage::Submitted(_) => "Submitted",
            Stage::Over => "Over",
        };
        f.debug_struct("Run").field("stage", &stage).finish_non_exhaustive()
    }
}

/// The closure is moved, never pinned.
impl<F, T> Unpin for Run<'_, F, T> {}

impl<'p, F, T> Run<'p, F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    pub(super) fn new(shared: &'p Arc<Shared>, work: F) -> Self {
        Self { shared, stage: Stage::New(work) }
    }

    /// Submits the work; `None` if the pool takes none any more. The first registration of `waker` comes with the
    /// allocation.
    #[inline]
    fn submit(&self, work: F, waker: &Waker) -> Option<Arc<dyn Join<T>>> {
        let shared = self.shared;
        // Before a permit is taken: what packs is code of a user, too.
        let luggage = shared.pack();
        let place = match shared.try_permit() {
            Ok(()) => Place::Held,
            Err(Full::Occupied) => Place::Line,
            Err(Full::Closed) => return None,
        };
        let cell = TaskCell::new(move || luggage.unpack(work), place, Some(waker.clone()));
        let task = Arc::clone(&cell).into_run();
        if place == Place::Held {
            shared.inject(task);
        } else {
            shared.stand_in_line(task);
        }
        Some(cell)
    }
}

impl<F, T> Future for Run<'_, F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let here = worker::current_of(this.shared);
        let join = match mem::replace(&mut this.stage, Stage::Over) {
            Stage::Submitted(join) => {
                if let Some(worker) = &here {
                    worker.help(&*join, || Arc::clone(&join).into_run());
                }
                join
            }
            // This worker would wait for itself, or for others while it could do the work: it does the work.
            Stage::New(work) => match &here {
                Some(worker) => worker.run_here(TaskCell::new(work, Place::Free, None)),
                None => {
                    let Some(join) = this.submit(work, cx.waker()) else {
                        return Poll::Ready(Err(JoinError::Closed));
                    };
                    this.stage = Stage::Submitted(join);
                    return Poll::Pending;
                }
            },
            Stage::Over => panic!("`Run` was polled after it was ready"),
        };
        let result = join.poll_join(cx.waker());
        if result.is_pending() {
            this.stage = Stage::Submitted(join);
        }
        result
    }
}

impl<F, T> Drop for Run<'_, F, T> {
    fn drop(&mut self) {
        if let Stage::Submitted(join) = &self.stage {
            self.shared.cancel(join.as_run());
        }
    }
}
