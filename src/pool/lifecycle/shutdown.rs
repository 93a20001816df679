//! The end of a pool.
//!
//! 1. `close`: no more permits are given. Callers in the line and work beyond the limit are
//!    refused. The workers empty the queues.
//! 2. When every worker is idle and the queues are empty, the census is marked as ended and all
//!    workers leave (`park/README.md`). The submitter of a task that comes later refuses it.
//! 3. The last thread clears the queues once more and publishes [`Phase::Ended`].
//!
//! If the deadline passes before the end, the timer thread cancels what waits, asks what runs to
//! stop, and publishes [`Phase::Aborted`]. The workers leave as their tasks end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::contain;
use crate::pool::lifecycle::phase::Phase;
use crate::pool::shared::Shared;
use crate::pool::shared::count;
use crate::queue::Sweep;
use crate::task::{Place, Refusal, Run, TaskRef};

/// What [`AdaptiveThreadPool::shutdown`](crate::AdaptiveThreadPool::shutdown) did, counted from its
/// call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Tasks that ran to their end.
    pub completed: u64,
    /// Tasks that waited in the queue when the deadline passed, and were cancelled.
    pub cancelled: u64,
    /// Callers who waited for a permit when the shutdown began, and tasks that waited beyond the
    /// limit of the queue. They were refused.
    pub turned_away: u64,
    /// Tasks that still ran after the deadline, as far as could be seen while others ended. They
    /// were asked to stop ([`TaskContext::is_cancelled`](crate::TaskContext::is_cancelled)). Their
    /// threads leave when they end.
    pub still_running: usize,
}

impl Shared {
    /// Stops admission and lets the workers leave when they are done. Refuses callers in the line
    /// and work beyond the limit of the queue. Returns how many.
    pub(in crate::pool) fn close(self: &Arc<Self>) -> u64 {
        let callers = self.permits.close().into_iter().filter(|call| call.refuse()).count();
        self.turn_bytes_away();
        let work = {
            // No worker sees a task that is taken out by a sweep, so the workers could end without
            // it.
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

    /// Refuses the tasks beyond the limit of the queue, which are the last that came: they will get
    /// no permit. Returns how many.
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
        // The workers may have missed tasks that the sweep had taken out.
        self.idle.notify();
        labelled.into_iter().chain(plain).filter(|task| self.void(&**task, Refusal::Closed).is_some()).count()
    }

    /// Closes the pool, waits for its end or the deadline, and returns the report.
    pub(in crate::pool) async fn shut_down(self: &Arc<Self>, drain: Duration) -> ShutdownReport {
        let before = self.totals().completed;
        let aborted_before = self.tally.aborted.load(Ordering::Relaxed);
        let mut phase = self.phase.subscribe();
        let turned_away = self.close();
        if let Some(deadline) = Instant::now().checked_add(drain) {
            self.keep_deadline(deadline);
        }
        // `self` owns the sender, so the wait can't fail.
        let _ = phase.wait_for(|phase| *phase >= Phase::Aborted).await;
        let ended = *self.phase.borrow() == Phase::Ended;
        ShutdownReport {
            completed: self.totals().completed.saturating_sub(before),
            cancelled: self.tally.aborted.load(Ordering::Relaxed).saturating_sub(aborted_before),
            turned_away,
            still_running: if ended { 0 } else { self.idle.census().active() },
        }
    }

    /// Aborts the pool after its deadline has passed: cancels what waits, asks what runs to stop.
    pub(in crate::pool) fn abort_all(self: &Arc<Self>) {
        self.orders.abort();
        while let Some(task) = self.take_any() {
            self.abort(&*task);
            // A task that has run may still hold its result, which is a user's value.
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

    /// Cancels one task because the deadline has passed.
    pub(in crate::pool) fn abort(self: &Arc<Self>, task: &dyn Run) {
        if self.void(task, Refusal::Cancelled).is_some() {
            count(&self.tally.aborted);
        }
    }

    /// Notes that a worker's thread is about to end.
    pub(in crate::pool) fn thread_left(self: &Arc<Self>, slot: usize) {
        if self.threads.leave(slot) == 0 {
            self.thread_was_last();
        }
        // Work may have come while this thread still had its slot, and found no slot for a new
        // thread.
        if self.has_work() {
            self.work_waits();
        }
    }

    pub(in crate::pool) fn thread_was_last(self: &Arc<Self>) {
        if self.idle.census().ended() {
            self.clear_queues();
            // No thread will flush them any more.
            self.deferred_wakes.wake_all();
            self.stop_timer_thread();
            self.phase.send_replace(Phase::Ended);
        }
    }
}
