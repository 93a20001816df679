//! The end of a pool.
//!
//! 1. `close`: no more permits are given. Callers in the line and work beyond the limit are
//!    refused. The workers empty the queues.
//! 2. When every worker is idle and the queues are empty, the census is marked as ended and all
//!    workers leave (`park/README.md`). The submitter of a task that comes later refuses it.
//! 3. The last thread clears the queues once more and publishes [`Phase::Ended`].
//! 4. If a caller waits for the report, a thread of its own joins all workers, whose thread-locals
//!    are dropped after [`Phase::Ended`], and publishes [`Phase::Gone`]. The caller waits for this
//!    for at most [`LEAVING`].
//!
//! If the deadline passes before the end, the timer thread cancels what waits, asks what runs to
//! stop, and publishes [`Phase::Aborted`]. The workers leave as their tasks end.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::pool::events::{self, Untold};
use crate::pool::shared::{Phase, Shared, count};
use crate::pool::worker;
use crate::queue::Sweep;
use crate::task::{Place, Refusal, Run, TaskRef};

/// After the last task the report waits for this long for the threads to be gone.
const LEAVING: Duration = Duration::from_secs(1);

/// What [`AdaptiveThreadPool::shutdown`](crate::AdaptiveThreadPool::shutdown) or
/// [`cancel_and_wait`](crate::AdaptiveThreadPool::cancel_and_wait) did, counted from its call.
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
    /// were asked to stop, and their threads leave when they end.
    pub still_running: usize,
    /// Worker threads that are not known to be gone. 0: each thread has ended, and its
    /// thread-locals are dropped. More: tasks still run, or thread-locals took longer than 1 s to
    /// drop; while one thread drops them, others that are gone may be counted with it. A thread
    /// that a [`spawn_handler`](crate::PoolBuilder::spawn_handler) has started counts only until
    /// its body has returned; its thread-locals are dropped after that.
    pub threads_remaining: usize,
}

impl Shared {
    /// Stops admission and lets the workers leave when they are done. Refuses callers in the line
    /// and work beyond the limit of the queue. Returns how many.
    pub(in crate::pool) fn close(self: &Arc<Self>) -> u64 {
        let first = !self.permits.is_closed();
        let callers = self.permits.close().into_iter().filter(|call| call.refuse()).count();
        self.turn_bytes_away();
        // No worker sees a task that is taken out by a sweep, so the workers could end without it.
        let sweep = self.queues.wait_for_sweep();
        let untold = self.turn_beyond_away(&sweep);
        self.idle.close(|| self.has_work());
        drop(sweep);
        let turned_away = (callers + untold.len()) as u64;
        self.test_hooks.state_changed();
        if self.threads.alive() == 0 {
            self.thread_was_last();
        }
        if first {
            events::closing(turned_away);
        }
        untold.into_iter().for_each(Untold::tell);
        turned_away
    }

    /// Refuses the tasks beyond the limit of the queue, which are the last that came: they will get
    /// no permit. Returns an event for each, to be told without the sweep.
    fn turn_beyond_away(self: &Arc<Self>, sweep: &Sweep<'_>) -> Vec<Untold> {
        let beyond = self.permits.beyond();
        if beyond == 0 {
            return Vec::new();
        }
        let ticket = |task: &TaskRef| task.place().and_then(Place::paid_later);
        let mut tickets = Vec::new();
        let none = |task: &TaskRef| {
            tickets.extend(ticket(task));
            false
        };
        drop(self.run_queue.with(|state| state.order.take_out(none)));
        drop(sweep.run(|task| {
            tickets.extend(ticket(task));
            true
        }));
        tickets.sort_unstable();
        let Some(&first) = tickets.get(tickets.len().saturating_sub(beyond)) else {
            return Vec::new();
        };
        let last = |task: &TaskRef| ticket(task).is_some_and(|at| at >= first);
        let labelled = self.run_queue.with(|state| state.order.take_out(last));
        let plain = sweep.run(|task| !last(task));
        // The workers may have missed tasks that the sweep had taken out.
        self.idle.notify();
        let refused = |task: TaskRef| Some(self.void_untold(&*task, Refusal::Closed)?.1);
        labelled.into_iter().chain(plain).filter_map(refused).collect()
    }

    /// Closes the pool, waits until its work is done or `drain` has passed and what waits is
    /// cancelled, and then up to `grace` for what runs. Returns the report.
    pub(in crate::pool) async fn end(self: &Arc<Self>, drain: Duration, grace: Duration) -> ShutdownReport {
        let _clock = self.test_hooks.control().and_then(|control| control.hold_clock());
        let before = ShutdownReport {
            completed: self.totals().completed,
            cancelled: self.tally.aborted.load(Ordering::Relaxed),
            turned_away: self.close(),
            ..ShutdownReport::default()
        };
        let now = Instant::now();
        let on_worker = || worker::current_of(self).is_some();
        match now.checked_add(drain).map(|deadline| self.keep_deadline(deadline)) {
            None if on_worker() => return self.report(&before),
            // There is no timer thread, which would leave the drops of closures to helper threads.
            Some(false) if drain.is_zero() => self.abort_all(),
            _ => {}
        }
        self.reach(Phase::Aborted, &mut None).await;
        if !grace.is_zero() {
            let mut alarm = match now.checked_add(grace) {
                Some(until) => Some(self.alarm(until)),
                None if on_worker() => return self.report(&before),
                None => None,
            };
            self.reach(Phase::Ended, &mut alarm).await;
        }
        // If no task runs any more, the threads will soon be gone.
        if *self.phase.borrow() < Phase::Gone && self.running() == 0 && !on_worker() {
            let mut alarm = Some(self.alarm(Instant::now() + LEAVING));
            if self.reach(Phase::Ended, &mut alarm).await {
                self.join_threads();
                self.reach(Phase::Gone, &mut alarm).await;
            }
        }
        self.report(&before)
    }

    /// Counts what has happened since `before`, and emits that the shutdown is over.
    fn report(&self, before: &ShutdownReport) -> ShutdownReport {
        let completed = self.totals().completed.saturating_sub(before.completed);
        let cancelled = self.tally.aborted.load(Ordering::Relaxed).saturating_sub(before.cancelled);
        let turned_away = before.turned_away;
        let (still_running, threads_remaining) = (self.running(), self.threads.remaining());
        events::shut_down((completed, cancelled, turned_away), (still_running, threads_remaining));
        ShutdownReport { completed, cancelled, turned_away, still_running, threads_remaining }
    }

    /// Returns how many tasks run.
    fn running(&self) -> usize {
        if *self.phase.borrow() >= Phase::Ended { 0 } else { self.idle.census().active() }
    }

    /// Waits until the pool has reached `phase`; no longer than `alarm`, if there is one. Returns
    /// whether it has.
    async fn reach(&self, phase: Phase, alarm: &mut Option<oneshot::Receiver<()>>) -> bool {
        let mut watch = self.phase.subscribe();
        let mut reached = pin!(watch.wait_for(|now| *now >= phase));
        poll_fn(|context| {
            // `self` owns the sender, so the wait can't fail.
            if reached.as_mut().poll(context).is_ready() {
                return Poll::Ready(true);
            }
            let Some(ringing) = alarm else { return Poll::Pending };
            if Pin::new(ringing).poll(context).is_pending() {
                return Poll::Pending;
            }
            *alarm = None;
            Poll::Ready(false)
        })
        .await
    }

    /// Has a thread of its own join the workers, unless one does already. The pool has ended.
    fn join_threads(self: &Arc<Self>) {
        if !self.threads.begin_joining() {
            return;
        }
        let shared = Arc::clone(self);
        let join = move || {
            shared.threads.join_all();
            shared.phase.send_replace(Phase::Gone);
            shared.end_alarms();
        };
        if let Err(error) =
            thread::Builder::new().name(format!("{}-join", self.config.thread_name)).spawn(join)
        {
            self.threads.stop_joining();
            self.events.side_thread_refused(error, "joining").tell();
        }
    }

    /// Aborts the pool after its deadline has passed: cancels what waits, asks what runs to stop.
    pub(in crate::pool) fn abort_all(self: &Arc<Self>) {
        self.orders.abort();
        self.empty_queues(|task| self.abort(task));
        self.phase.send_modify(|phase| *phase = Phase::Aborted.max(*phase));
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
            // No thread will wake them any more.
            self.deferred_wakes.tick(u64::MAX);
            self.stop_timer_thread();
            self.phase.send_replace(Phase::Ended);
        }
    }
}
