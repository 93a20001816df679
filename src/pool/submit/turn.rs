//! The budget of the Tokio task that polls a future of the pool.
//!
//! A Tokio task that always finds its futures ready would keep its thread. So Tokio gives each task
//! a budget for one poll, and its own types are pending once the budget is spent. So are the
//! futures of the pool. Code outside of a Tokio task has no budget, and is never pending for it.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker, ready};

use tokio::task::coop::{RestoreOnPending, poll_proceed};

use crate::contain;
use crate::error::JoinError;
use crate::pool::shared::Shared;
use crate::sync::Mutex;
use crate::task::Join;

/// When the wake-up of a future that was pending for want of budget is overdue, in nanoseconds.
const OVERDUE_NS: u64 = 1_000_000;

/// The turn of a future: whether it was pending for want of budget before.
#[derive(Debug, Default)]
pub(in crate::pool) struct Turn {
    gave_way: Option<Arc<Backup>>,
}

impl Turn {
    /// Takes one unit of budget, to be kept with [`end`](Self::end) if the future is ready. Pending
    /// if the budget is spent: the task is polled again after the runtime has polled others.
    ///
    /// A future gives way once. If it is then polled without budget again, an executor is nested in
    /// the task, and the runtime does not renew the budget before that executor ends. Nor does
    /// Tokio wake the task before that, so the pool wakes it too, a little later.
    #[inline]
    pub(in crate::pool) fn begin(
        &mut self,
        shared: &Arc<Shared>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<RestoreOnPending>> {
        if let Some(backup) = &self.gave_way {
            backup.cancel();
        }
        match poll_proceed(cx) {
            Poll::Ready(unit) => Poll::Ready(Some(unit)),
            Poll::Pending if self.gave_way.is_some() => Poll::Ready(None),
            Poll::Pending => {
                self.gave_way = Some(shared.wake_soon(cx));
                Poll::Pending
            }
        }
    }

    /// Polls the result of work. Only a result that is there costs a unit.
    #[inline]
    pub(in crate::pool) fn poll_join<T>(
        &mut self,
        shared: &Arc<Shared>,
        join: &dyn Join<T>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, JoinError>> {
        if !join.looks_done() {
            return join.poll_join(cx.waker());
        }
        let unit = ready!(self.begin(shared, cx));
        let result = join.poll_join(cx.waker());
        self.end(unit);
        result
    }

    /// Waits for the caller's turn to be refused.
    #[cold]
    pub(in crate::pool) fn refuse(&mut self, shared: &Arc<Shared>, cx: &mut Context<'_>) -> Poll<()> {
        let unit = ready!(self.begin(shared, cx));
        self.end(unit);
        Poll::Ready(())
    }

    /// Keeps the unit: the future is ready. Its next result, if there is one, may give way again.
    #[inline]
    pub(in crate::pool) fn end(&mut self, unit: Option<RestoreOnPending>) {
        self.gave_way = None;
        if let Some(unit) = unit {
            unit.made_progress();
        }
    }
}

/// A wake-up by the timer thread, in case Tokio's does not come. A late one would put the task into
/// the runtime's queue again, and the runtime would not look at its timers.
#[derive(Debug)]
struct Backup(Mutex<Option<Waker>>);

impl Backup {
    fn cancel(&self) {
        let waker = self.0.lock().take();
        drop(waker);
    }
}

impl Wake for Backup {
    fn wake(self: Arc<Self>) {
        let waker = self.0.lock().take();
        contain::wake(waker);
    }
}

impl Shared {
    /// Waits for the calling task's turn, if its budget is spent.
    pub(in crate::pool) async fn turn(self: &Arc<Self>) {
        let mut turn = Turn::default();
        std::future::poll_fn(|cx| {
            let begun = turn.begin(self, cx);
            begun.map(|unit| turn.end(unit))
        })
        .await;
    }

    /// Has the timer thread wake the caller in about a millisecond.
    #[cold]
    fn wake_soon(self: &Arc<Self>, cx: &Context<'_>) -> Arc<Backup> {
        let backup = Arc::new(Backup(Mutex::new(Some(cx.waker().clone()))));
        let overdue = self.now_ns().saturating_add(OVERDUE_NS);
        let waker = Waker::from(Arc::clone(&backup));
        if !self.deferred_wakes.defer_backup(waker, overdue) && !self.start_ticking() {
            cx.waker().wake_by_ref();
        }
        backup
    }
}
