//! Sizes the pool: takes samples for the controller, and checks for blocked workers.
//!
//! All of this happens on the timer thread, and only while work waits for a thread: an idle pool
//! and one that keeps up with its load are not sampled (unless there is a forecast, which learns
//! from both). A thread that submits work, finds no free worker and may not start one calls the
//! timer thread. The checks end when no work has waited for a while. Two fences prevent that such
//! work is missed: the submitter pushes its work and then reads `watched`, and the timer thread
//! clears `watched` and then reads the queues.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::{Duration, Instant};

use crate::policy::scaling::{Controller, Limits, Reason};
use crate::pool::events;
use crate::pool::scaling::blocked_detector::BlockedDetector;
use crate::pool::scaling::sampler::{Sampler, ThreadClocks};
use crate::pool::shared::Shared;

/// The time between two checks for blocked workers. The second check after a worker blocked finds
/// it, so work continues within 10 ms.
const CHECK: Duration = Duration::from_millis(4);
/// The time between two checks in a pool that has all its threads. Such a pool gains something from
/// a check only if all of them are blocked.
const CHECK_WHEN_FULL: Duration = Duration::from_millis(20);
/// The checks end after this many in a row that find no work waiting.
const QUIET_CHECKS: u32 = 6;
/// The sampling ends after this many samples in a row without work waiting in between.
const QUIET_SAMPLES: u32 = 10;

impl Shared {
    /// Calls the timer thread to check for blocked workers: work waits, no worker is free, and no
    /// thread may be started.
    #[inline]
    pub(in crate::pool) fn watch_threads(self: &Arc<Self>) {
        // The fence of `notify` is between the push of the work and this load.
        if !self.scaling.watched.load(Ordering::Relaxed) {
            self.begin_watch();
        }
    }

    #[cold]
    fn begin_watch(self: &Arc<Self>) {
        if !self.scaling.watched.swap(true, Ordering::SeqCst) && !self.call_timer_thread() {
            self.scaling.watched.store(false, Ordering::SeqCst);
        }
    }

    /// Returns whether work waits and no worker is free to take it.
    fn work_is_stuck(&self) -> bool {
        let census = self.idle.census();
        census.idle() + census.searching() == 0 && !census.ended() && self.has_work()
    }
}

/// The part of the sizing that only the timer thread uses.
#[derive(Debug)]
pub(in crate::pool) struct Scaler {
    controller: Controller,
    detector: BlockedDetector,
    clocks: ThreadClocks,
    sampler: Option<Sampler>,
    next_sample: Option<Instant>,
    next_check: Option<Instant>,
    quiet_checks: u32,
    quiet_samples: u32,
    /// The number of threads over the limit at the last sample.
    surplus: usize,
    /// Since when each check has found all workers blocked.
    all_blocked: Option<Instant>,
    /// How many workers were blocked when the pool warned; 0 if the warning is over.
    warned: usize,
}

impl Scaler {
    pub(in crate::pool) fn new(shared: &Shared) -> Self {
        let bounds = shared.bounds;
        Self {
            controller: Controller::new(Limits { min: bounds.min, max: bounds.max }, bounds.usable),
            detector: BlockedDetector::default(),
            clocks: ThreadClocks::default(),
            sampler: None,
            next_sample: None,
            next_check: None,
            quiet_checks: 0,
            quiet_samples: 0,
            surplus: 0,
            all_blocked: None,
            warned: 0,
        }
    }

    /// Returns when the next check or sample is due; `None` if no thread has called for it.
    pub(in crate::pool) fn next(
        &mut self,
        shared: &Shared,
        now: Instant,
    ) -> (Option<Instant>, Option<Instant>) {
        if self.next_check.is_none() && shared.scaling.watched.load(Ordering::SeqCst) {
            (self.quiet_checks, self.quiet_samples) = (0, 0);
            // At once: the second check finds workers that are blocked already.
            self.next_check = Some(now);
        }
        if self.next_sample.is_none() && shared.scaling.foresight.learns() {
            self.next_sample = Some(now);
        }
        (self.next_check, self.next_sample)
    }

    /// Checks for blocked workers if `due`, and takes a sample if it is time.
    pub(in crate::pool) fn act(&mut self, shared: &Arc<Shared>, now: Instant, due: bool) {
        if due {
            self.next_check = self.find_blocked(shared, now).map(|pause| now + pause);
        }
        let wanted = self.next_check.is_some() || shared.scaling.foresight.learns();
        if wanted && self.sampler.is_none() {
            self.sampler = Some(Sampler::new(shared, &mut self.clocks));
            self.next_sample = Some(now + shared.config.sampling_interval);
        }
        if self.next_sample.is_some_and(|then| then <= now) {
            self.next_sample = self.sample(shared).then(|| now + shared.config.sampling_interval);
        }
    }

    /// Checks for blocked workers. Returns the time until the next check.
    fn find_blocked(&mut self, shared: &Arc<Shared>, now: Instant) -> Option<Duration> {
        let waits = shared.work_is_stuck();
        let stuck = if waits {
            self.quiet_checks = 0;
            self.quiet_samples = 0;
            self.detector.check(shared, &mut self.clocks)
        } else {
            self.detector.reset(shared);
            self.quiet_checks += 1;
            0
        };
        let beyond = self.beyond(shared, waits, stuck, now);
        let more = shared.scaling.allowance.change(|parts| (parts.stuck, parts.beyond) = (stuck, beyond));
        if more {
            events::blocked_replaced(stuck);
        }
        if waits {
            retire_beyond(shared);
            shared.wake_stranded();
            shared.work_waits();
        }
        if self.quiet_checks < QUIET_CHECKS {
            let may_grow = shared.idle.census().total() < shared.bounds.max + beyond;
            return Some(if may_grow { CHECK } else { CHECK_WHEN_FULL });
        }
        self.warned = 0;
        shared.scaling.allowance.change(|parts| parts.beyond = 0);
        shared.scaling.watched.store(false, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if shared.work_is_stuck() {
            shared.scaling.watched.store(true, Ordering::SeqCst);
            return Some(CHECK);
        }
        None
    }

    /// Returns how many threads there may be beyond `max_threads`. Warns if all workers have been
    /// blocked for a `sampling_interval`.
    fn beyond(&mut self, shared: &Shared, waits: bool, stuck: usize, now: Instant) -> usize {
        let parts = shared.scaling.allowance.parts();
        let (blocked, threads) = (stuck + parts.declared(), shared.idle.census().total());
        let all = waits && blocked > 0 && blocked >= threads;
        self.all_blocked = all.then(|| self.all_blocked.unwrap_or(now));
        if !waits {
            // The next check that finds work waiting tells whether they are still blocked.
            return parts.beyond;
        }
        if blocked < self.warned {
            self.warned = 0;
        }
        if self.all_blocked.is_none_or(|since| now < since + shared.config.sampling_interval) {
            return parts.beyond.min(blocked);
        }
        if self.warned == 0 {
            self.warned = blocked;
            let (waiting, tasks) = (shared.queue_depth(), shared.scaling.named.names());
            shared.events.all_blocked(threads, waiting, tasks).tell();
        }
        if threads < shared.bounds.max { 0 } else { blocked.min(shared.config.max_blocked_threads) }
    }

    /// Takes a sample. Returns whether another must follow.
    fn sample(&mut self, shared: &Arc<Shared>) -> bool {
        let Some(sampler) = &mut self.sampler else { return false };
        let sample = sampler.sample(shared, &mut self.clocks);
        let mut decision = self.controller.step(sample);
        let foreseen = shared.scaling.foresight.floor(&sample).unwrap_or(0).min(shared.bounds.max);
        if foreseen > decision.target {
            (decision.target, decision.reason) = (foreseen, Reason::Foreseen);
        }
        if self.all_blocked.is_some() {
            decision.reason = Reason::AllBlocked;
        }
        shared.scaling.decisions.count(decision.reason);
        let before = shared.scaling.last.lock().replace(decision);
        events::target(&decision, before.is_none_or(|before| before.target != decision.target));
        let cores = sample.usable_cores.ceil() as usize;
        shared.scaling.allowance.change(|parts| {
            (parts.target, parts.cores, parts.foreseen) = (decision.target, cores, foreseen);
        });
        shared.start_ahead(foreseen);
        if shared.has_work() {
            shared.work_waits();
        }
        self.retire(shared, sample.threads, sample.queued);
        self.quiet_samples += 1;
        let go_on = self.next_check.is_some()
            || shared.scaling.foresight.learns()
            || self.quiet_samples < QUIET_SAMPLES;
        if !go_on {
            self.sampler = None;
            // Each clock keeps a file open, and the next sample may be far off. The detector does
            // not check now either.
            self.clocks = ThreadClocks::default();
        }
        go_on
    }

    /// Orders threads over the limit to leave after their task, if they were over it at the last
    /// sample too. Threads that replaced a worker which was blocked for a moment may soon be needed
    /// again.
    fn retire(&mut self, shared: &Shared, threads: usize, queued: usize) {
        let surplus = threads.saturating_sub(shared.scaling.allowance.limit());
        let before = std::mem::replace(&mut self.surplus, surplus);
        // Without waiting work the workers leave by themselves.
        shared.orders.retire(if queued > 0 { surplus.min(before) } else { 0 });
    }
}

/// Orders the threads beyond `max_threads` to leave that no longer replace a blocked worker.
fn retire_beyond(shared: &Shared) {
    let threads = shared.idle.census().total();
    if threads > shared.bounds.max {
        shared.orders.retire(threads.saturating_sub(shared.scaling.allowance.limit()));
    }
}
