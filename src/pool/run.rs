//! The future of [`AdaptiveThreadPool::run`](super::AdaptiveThreadPool::run).

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::shared::{Attention, Shared};
use super::worker;
use crate::admission::Full;
use crate::error::JoinError;
use crate::task::{Join, Place};

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

    /// The result of work that is submitted already, and will tell when it is polled.
    pub(super) fn submitted(shared: &'p Arc<Shared>, join: Arc<dyn Join<T>>) -> Self {
        Self { shared, stage: Stage::Submitted(join) }
    }

    /// Submits the work; `None` if the pool takes none any more.
    #[inline]
    fn submit(&self, work: F, cx: &mut Context<'_>) -> Option<Submitted<T>> {
        let shared = self.shared;
        // Before a permit is taken: what packs is code of a user, too.
        let luggage = shared.pack();
        let (place, out) = match shared.try_permit() {
            Ok(out) => (Place::Held, out),
            Err(Full::Occupied) => (Place::Line, usize::MAX),
            Err(Full::Closed) => return None,
        };
        let spins = out <= ALONE && shared.lone_caller.pays(cx);
        // The first registration comes with the allocation.
        let waker = (!spins).then(|| cx.waker().clone());
        let cell = luggage.task(work, place, waker);
        let task = Arc::clone(&cell).into_run();
        if place == Place::Line {
            shared.stand_in_line(task);
            return Some(Submitted { join: cell, sleeps: true });
        }
        if shared.inject(task) == Attention::Awake && spins {
            shared.lone_caller.spin(|| cell.looks_done());
        }
        Some(Submitted { join: cell, sleeps: !spins })
    }
}

/// Permits that are out when one caller submits one task after the other: its own, and that of the task before, which the
/// worker is just about to give back.
pub(super) const ALONE: usize = 2;

pub(super) struct Submitted<T> {
    pub(super) join: Arc<dyn Join<T>>,
    /// The waker is registered.
    pub(super) sleeps: bool,
}

impl<F, T> Future for Run<'_, F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.shared.deferred_wakes.handoff();
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
                Some(worker) => worker.run_here(worker.subtask(work, this.shared.pack())),
                None => {
                    let Some(Submitted { join, sleeps }) = this.submit(work, cx) else {
                        return Poll::Ready(Err(JoinError::Closed));
                    };
                    if sleeps {
                        this.stage = Stage::Submitted(join);
                        return Poll::Pending;
                    }
                    join
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
            // It may have been woken, and goes instead.
            self.shared.deferred_wakes.handoff();
            self.shared.cancel(join.as_run());
        }
    }
}
