//! The future of [`TaskBuilder::run`].

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::TaskBuilder;
use super::run::{Run, Submitted};
use super::task::loaded;
use super::worker;
use crate::error::{JoinError, RejectReason, Rejection};
use crate::task::Join;

/// The result of labelled work on its way through the pool. Nothing is submitted before the first poll.
#[must_use = "futures do nothing unless awaited"]
pub struct RunTask<'p, F, T> {
    /// After the first poll without what has gone into the label.
    task: TaskBuilder<'p>,
    /// Until the first poll.
    work: Option<F>,
    /// From then on.
    run: Option<Run<'p, F, T>>,
}

impl<F, T> fmt::Debug for RunTask<'_, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task = self.work.as_ref().map(|_| &self.task);
        f.debug_struct("RunTask").field("new", &task).field("run", &self.run).finish()
    }
}

/// The closure is moved, never pinned.
impl<F, T> Unpin for RunTask<'_, F, T> {}

impl<'p, F, T> RunTask<'p, F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    pub(super) fn new(task: TaskBuilder<'p>, work: F) -> Self {
        Self { task, work: Some(work), run: None }
    }

    #[inline]
    fn submit(task: &mut TaskBuilder<'p>, work: F, waker: &Waker) -> Result<Submitted<T>, Rejection> {
        let shared = task.shared();
        if let Some(worker) = worker::current_of(shared) {
            let (luggage, label) = (task.pack(), task.take_label());
            let join = luggage.labelled_task(work, shared.free_place(&label)?, None, label);
            return Ok(Submitted { join: worker.run_here(join), sleeps: false });
        }
        let load = match shared.try_weigh(task.byte_count()) {
            Ok(load) => load,
            Err(rejection) if rejection.reason == RejectReason::ByteBudget => {
                let join = task.submit_in_line(work).into_join();
                return Ok(Submitted { join, sleeps: false });
            }
            Err(rejection) => return Err(rejection),
        };
        // Before a place is taken: what packs is code of a user, too.
        let luggage = task.pack();
        let label = task.take_label();
        let place = shared.place_or_wait(&label, label.arrival)?;
        // The first registration comes with the allocation.
        let cell = luggage.labelled_task(loaded(work, load), place, Some(waker.clone()), label);
        shared.rank(Arc::clone(&cell).into_run(), place);
        Ok(Submitted { join: cell, sleeps: true })
    }
}

impl<F, T> Future for RunTask<'_, F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Some(work) = this.work.take() {
            match Self::submit(&mut this.task, work, cx.waker()) {
                Ok(Submitted { join, sleeps }) => {
                    this.run = Some(Run::submitted(this.task.shared(), join));
                    if sleeps {
                        return Poll::Pending;
                    }
                }
                Err(rejection) => {
                    return Poll::Ready(Err(match rejection.reason {
                        RejectReason::ShuttingDown => JoinError::Closed,
                        RejectReason::Expired => JoinError::Expired,
                        _ => JoinError::Rejected(Box::new(rejection)),
                    }));
                }
            }
        }
        match &mut this.run {
            Some(run) => Pin::new(run).poll(cx),
            None => panic!("`RunTask` was polled after it was ready"),
        }
    }
}
