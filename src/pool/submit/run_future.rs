//! The future of [`AdaptiveThreadPool::run`](crate::AdaptiveThreadPool::run).

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::contain;
use crate::error::JoinError;
use crate::pool::shared::{Attention, Shared};
use crate::pool::submit::enter::Submitted;
use crate::pool::submit::mode::Mode;
use crate::pool::submit::owner::Owner;
use crate::pool::submit::turn::Turn;
use crate::pool::worker;
use crate::pool::worker::waiting::Wait;
use crate::task::{Join, Refusal, TaskOptions};

/// The future of `run`: work and its result. It submits the work at the first poll.
///
/// # Panics
/// Polling it again after it was ready.
///
/// # Cancel safety
/// Dropping it cancels work that has not started, as
/// [`AdaptiveThreadPool::run`](crate::AdaptiveThreadPool::run) describes.
#[must_use = "futures do nothing unless awaited"]
pub struct RunFuture<'p, F, T> {
    shared: &'p Arc<Shared>,
    stage: Stage<F, T>,
    /// The worker that waits for the result, if a worker of the pool polls.
    wait: Option<Box<Wait>>,
    turn: Turn,
}

enum Stage<F, T> {
    /// Work that was not submitted yet. Work without options is plain; its future is small, because
    /// options are boxed.
    New(F, Option<Box<TaskOptions>>),
    Submitted(Arc<dyn Join<T>>),
    /// Refused, and pending for want of budget.
    Refused(Refusal),
    Over,
}

impl<F, T> std::fmt::Debug for RunFuture<'_, F, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stage = match &self.stage {
            Stage::New(..) => "New",
            Stage::Submitted(_) => "Submitted",
            Stage::Refused(_) => "Refused",
            Stage::Over => "Over",
        };
        f.debug_struct("RunFuture").field("stage", &stage).finish_non_exhaustive()
    }
}

/// The future moves the closure and never pins it.
impl<F, T> Unpin for RunFuture<'_, F, T> {}

/// Permits that are taken when one caller submits one task after the other: the caller's own, and
/// that of the task before, which the worker is about to give back.
const ALONE: usize = 2;

impl Shared {
    /// Returns whether the caller is alone in the pool and spins for its result. `taken` is the
    /// number of permits taken, the caller's included.
    pub(in crate::pool) fn caller_spins(&self, cx: &mut Context<'_>, taken: usize) -> bool {
        taken <= ALONE && self.lone_caller.pays(cx)
    }
}

impl<'p, F, T> RunFuture<'p, F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    pub(in crate::pool) fn new(shared: &'p Arc<Shared>, work: F, options: Option<TaskOptions>) -> Self {
        Self { shared, stage: Stage::New(work, options.map(Box::new)), wait: None, turn: Turn::default() }
    }

    /// Submits the work. Returns whether the caller's waker is registered.
    #[inline]
    fn submit(&mut self, cx: &mut Context<'_>) -> bool {
        let Stage::New(work, options) = mem::replace(&mut self.stage, Stage::Over) else { return false };
        let (shared, plain, mut spins) = (self.shared, options.is_none(), false);
        let waker = |taken| {
            spins = plain && shared.caller_spins(cx, taken);
            // The first registration comes with the allocation.
            (!spins).then(|| cx.waker().clone())
        };
        let options = options.map(|options| *options);
        match shared.submit_work(Owner::Caller, options, Mode::Wait, waker, work) {
            Ok(Submitted { join, attention }) => {
                if spins && attention == Attention::Awake {
                    shared.lone_caller.spin(|| join.looks_done());
                }
                self.stage = Stage::Submitted(join);
            }
            Err(rejected) => {
                self.stage = Stage::Refused(Refusal::from(*rejected.rejection()));
                // The work is a user's value.
                contain::discard(rejected);
            }
        }
        !spins
    }
}

impl<F, T> Future for RunFuture<'_, F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.shared.deferred_wakes.handoff();
        let registered = matches!(this.stage, Stage::New(..)) && this.submit(cx);
        let result = match &this.stage {
            Stage::Submitted(join) => match worker::current_of(this.shared) {
                Some(worker) => worker.poll_waiting(join, cx.waker(), &mut this.wait),
                None if registered => Poll::Pending,
                None => this.turn.poll_join(this.shared, &**join, cx),
            },
            Stage::Refused(why) => {
                let begun = this.turn.refuse(this.shared, cx);
                begun.map(|()| Err(JoinError::from(why.clone())))
            }
            Stage::New(..) | Stage::Over => panic!("`RunFuture` was polled after it was ready"),
        };
        if result.is_ready() {
            this.stage = Stage::Over;
        }
        result
    }
}

impl<F, T> Drop for RunFuture<'_, F, T> {
    fn drop(&mut self) {
        if let Stage::Submitted(join) = &self.stage {
            // The caller may have been woken to wake others. It is dropped instead of polled, so it
            // wakes them now.
            self.shared.deferred_wakes.handoff();
            self.shared.cancel(join.as_run());
            if self.wait.is_some() {
                // A task that waits with a timeout in a loop must not fill the memory with cells.
                if let Some(worker) = worker::current_of(self.shared) {
                    worker.drop_cancelled();
                }
            }
        }
    }
}
