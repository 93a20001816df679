//! The budget of the Tokio task that polls a future of the pool.
//!
//! A Tokio task that always finds its futures ready would keep its thread. So Tokio gives each task
//! a budget for one poll, and its own types are pending once the budget is spent. So are the
//! futures of the pool. Code outside of a Tokio task has no budget, and is never pending for it.
//!
//! A result costs one unit. To give way costs the thread several microseconds, as much as many tiny
//! tasks. So after eight results that took less than 8 us together, the next seven are free
//! ([`Quick`]). A task thus gives way after 128 to 1,024 results, and the more there are, the less
//! time they took: about a millisecond for 1,024.

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::{Duration, Instant};

use tokio::task::coop::{RestoreOnPending, poll_proceed};

use crate::contain;
use crate::error::JoinError;
use crate::pool::shared::Shared;
use crate::sync::Mutex;
use crate::task::Join;

/// When the wake-up of a future that was pending for want of budget is overdue, in nanoseconds.
const OVERDUE_NS: u64 = 1_000_000;
/// The number of results between two readings of the clock. They share a unit if the group before
/// them came quickly.
const GROUP: u32 = 8;
/// A group that takes less than this came quickly: 1 us a result.
const QUICK: Duration = Duration::from_micros(GROUP as u64);

thread_local! {
    static QUICKNESS: Quick = const { Quick::new() };
}

/// Whether the results that a thread's tasks take come quickly. The first of a group costs a unit.
/// The others are free if the group before was quick.
#[derive(Debug)]
struct Quick {
    left: Cell<u32>,
    quick: Cell<bool>,
    began: Cell<Option<Instant>>,
}

impl Quick {
    const fn new() -> Self {
        Self { left: Cell::new(0), quick: Cell::new(false), began: Cell::new(None) }
    }

    /// Returns whether the next result costs nothing.
    fn is_free(&self) -> bool {
        self.quick.get() && self.left.get() > 0
    }

    /// Counts a result.
    fn count(&self, clock: impl FnOnce() -> Instant) {
        if let Some(left) = self.left.get().checked_sub(1) {
            return self.left.set(left);
        }
        let now = clock();
        let before = self.began.replace(Some(now));
        self.quick.set(before.is_some_and(|before| now.saturating_duration_since(before) < QUICK));
        self.left.set(GROUP - 1);
    }
}

/// The turn of a future: whether it was pending for want of budget before.
#[derive(Debug, Default)]
pub(in crate::pool) struct Turn {
    gave_way: Option<Arc<Backup>>,
}

impl Turn {
    /// Takes one unit of budget, unless the result is free. It is to be kept with
    /// [`end`](Self::end) if the future is ready. Pending if the budget is spent: the task is
    /// polled again after the runtime has polled others.
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
        let unit = self.take_unit(cx);
        if unit.is_pending() { self.give_way(shared, cx) } else { unit }
    }

    /// Takes a unit, or nothing if the result is free or the future gave way before. Pending if the
    /// budget is spent.
    #[inline]
    fn take_unit(&mut self, cx: &mut Context<'_>) -> Poll<Option<RestoreOnPending>> {
        if let Some(backup) = &self.gave_way {
            backup.cancel();
        }
        if QUICKNESS.try_with(Quick::is_free).unwrap_or(true) {
            return Poll::Ready(None);
        }
        match poll_proceed(cx) {
            Poll::Ready(unit) => {
                // The budget was renewed, so the future is not polled by a nested executor.
                self.gave_way = None;
                Poll::Ready(Some(unit))
            }
            Poll::Pending if self.gave_way.is_some() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }

    #[cold]
    fn give_way<T>(&mut self, shared: &Arc<Shared>, cx: &Context<'_>) -> Poll<T> {
        self.gave_way = Some(shared.wake_soon(cx));
        Poll::Pending
    }

    /// Polls the result of work. Only a result that is there costs a unit: the unit is given back
    /// when the future is pending.
    #[inline]
    pub(in crate::pool) fn poll_join<T>(
        &mut self,
        shared: &Arc<Shared>,
        join: &dyn Join<T>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, JoinError>> {
        let unit = match self.take_unit(cx) {
            Poll::Ready(unit) => unit,
            Poll::Pending if join.looks_done() => return self.give_way(shared, cx),
            Poll::Pending => None,
        };
        let result = join.poll_join(cx.waker());
        if result.is_ready() {
            self.end(unit);
        }
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
        // Without thread-locals the thread is about to end.
        let _ = QUICKNESS.try_with(|quick| quick.count(Instant::now));
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

#[cfg(all(test, not(millpond_loom)))]
mod tests {
    use super::*;

    /// Counts the results that cost a unit, among `results` of which each takes `each`.
    fn units(results: u32, each: Duration) -> u32 {
        let (quick, start) = (Quick::new(), Instant::now());
        let costs = |at: u32| {
            let free = quick.is_free();
            quick.count(|| start + at * each);
            u32::from(!free)
        };
        (0..results).map(costs).sum()
    }

    #[test]
    fn each_result_costs_a_unit_unless_they_come_within_a_microsecond() {
        assert_eq!(units(800, Duration::from_micros(1)), 800);
        // Of the first group nothing is known.
        assert_eq!(units(800, Duration::from_nanos(999)), GROUP + (800 / GROUP - 1));
    }

    #[test]
    fn results_that_become_slow_cost_a_unit_each_from_the_next_group_on() {
        let (quick, start) = (Quick::new(), Instant::now());
        (0..2 * GROUP).for_each(|_| quick.count(|| start));
        assert!(!quick.is_free(), "the first of a group");
        quick.count(|| start);
        assert!(quick.is_free());
        (1..GROUP).for_each(|_| quick.count(|| unreachable!()));
        quick.count(|| start + QUICK);
        assert!(!quick.is_free());
    }
}
