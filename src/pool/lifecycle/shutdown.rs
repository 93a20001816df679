//! The end of a pool.
//!
//! 1. `close`: no permit is given any more, those in line are turned away, the workers empty the queues.
//! 2. When every worker is idle and the queues are empty, the census is marked as ended and all of them leave
//!    (`park/README.md`). A task that comes too late for them is turned away by whoever submits it.
//! 3. The last thread clears the queues once more and publishes [`Phase::Ended`].
//!
//! A deadline on the way (kept by the timer thread) cancels what waits, asks what runs to stop, and publishes
//! [`Phase::Aborted`]; the workers leave as their tasks end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::contain;
use crate::pool::lifecycle::phase::Phase;
use crate::pool::shared::Shared;
use crate::pool::shared::count;
use crate::queue::Sweep;
use crate::task::{Place, Refusal, Run, TaskRef};

/// What [`AdaptiveThreadPool::shutdown`](crate::AdaptiveThreadPool::shutdown) did, counted from its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Tasks that ran to their end.
    pub completed: u64,
    /// Tasks that waited in the queue when the deadline passed, and were cancelled.
    pub cancelled: u64,
    /// Callers who still stood in line for a place when the shutdown began, and were turned away.
    pub turned_away: u64,
    /// Tasks that still ran when the deadline had passed, as far as could be seen while others ended. They were asked to stop
    /// ([`TaskContext::is_cancelled`](crate::TaskContext::is_cancelled)); their threads leave when they do.
    pub still_running: usize,
}

impl Shared {
    /// Stops admission and lets the workers leave when they are done. Callers in the line and work
    /// beyond the limit of the queue are turned away; says how many.
    pub(in crate::pool) fn close(self: &Arc<Self>) -> u64 {
        let callers = self.permits.close().into_iter().filter(|call| call.refuse()).count();
        self.turn_bytes_away();
        let work = {
            // A task that a sweep has in its hands is seen by no worker: they would end without it.
            let sweep = self.queues.wait_for_sweep();
            let work = self.turn_beyond_away(&sweep);
            self.idle.close(|| self.has_work());
            work
        };
        self.test_hooks.state_changed();
        if self.threads.alive() == 0 {
            self.thread_was_last();
        }
        (callers + work) as u64
    }

    /// Refuses the work beyond the limit of the queue, for which there will be no permit: the last
    /// that came. Returns how much it was.
    fn turn_beyond_away(self: &Arc<Self>, sweep: &Sweep<'_>) -> usize {
        let beyond = self.permits.beyond();
        if beyond == 0 {
            return 0;
        }
        let mut tickets = Vec::new();
        let mut note = |task: &TaskRef| tickets.extend(task.place().and_then(Place::paid_later));
        drop(self.run_queue.take_out(|task| {
            note(task);
            false
        }));
        drop(sweep.run(|task| {
            note(task);
            true
        }));
        tickets.sort_unstable();
        let Some(&first) = tickets.get(tickets.len().saturating_sub(beyond)) else { return 0 };
        let last = |task: &TaskRef| task.place().and_then(Place::paid_later).is_some_and(|at| at >= first);
        let labelled = self.run_queue.take_out(last);
        let plain = sweep.run(|task| !last(task));
        // The workers may have missed what was on its way.
        self.idle.notify();
        labelled.into_iter().chain(plain).filter(|task| self.void(&**task, Refusal::Closed).is_some()).count()
    }

    /// Closes, waits for the end or the deadline, and reports.
    pub(in crate::pool) async fn shut_down(self: &Arc<Self>, drain: Duration) -> ShutdownReport {
        let before = self.totals().completed;
        let aborted_before = self.tally.aborted.load(Ordering::Relaxed);
        let mut phase = self.phase.subscribe();
        let turned_away = self.close();
        if let Some(deadline) = Instant::now().checked_add(drain) {
            self.keep_deadline(deadline);
        }
        // The sender is ours, so the wait can't fail.
        let _ = phase.wait_for(|phase| *phase >= Phase::Aborted).await;
        let ended = *self.phase.borrow() == Phase::Ended;
        ShutdownReport {
            completed: self.totals().completed.saturating_sub(before),
            cancelled: self.tally.aborted.load(Ordering::Relaxed).saturating_sub(aborted_before),
            turned_away,
            still_running: if ended { 0 } else { self.idle.census().active() },
        }
    }

    /// The deadline has passed.
    pub(in crate::pool) fn abort_all(self: &Arc<Self>) {
        self.orders.abort();
        while let Some(task) = self.take_any() {
            self.abort(&*task);
            // A task that has run may have its result still.
            contain::discard(task);
        }
        self.phase.send_if_modified(|phase| {
            let earlier = *phase < Phase::Aborted;
            if earlier {
                *phase = Phase::Aborted;
            }
            earlier
        });
    }

    /// Cancels one task for the deadline's sake.
    pub(in crate::pool) fn abort(self: &Arc<Self>, task: &dyn Run) {
        if self.void(task, Refusal::Cancelled).is_some() {
            count(&self.tally.aborted);
        }
    }

    /// A worker's thread is about to end.
    pub(in crate::pool) fn thread_left(self: &Arc<Self>, slot: usize) {
        if self.threads.leave(slot) == 0 {
            self.thread_was_last();
        }
        // Work that came while this thread had its slot still, and wanted a thread, has got none.
        if self.has_work() {
            self.work_waits();
        }
    }

    pub(in crate::pool) fn thread_was_last(self: &Arc<Self>) {
        if self.idle.census().ended() {
            self.clear_queues();
            // Nobody will look after them any more.
            self.deferred_wakes.wake_all();
            self.stop_timer_thread();
            self.phase.send_replace(Phase::Ended);
        }
    }
}
