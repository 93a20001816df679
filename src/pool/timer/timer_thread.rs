//! The timer thread: one thread of the pool that acts at set times.
//!
//! It wakes the callers of overdue deferred wake-ups, sizes the pool (`scaling/scaler.rs`), lets
//! unused reservations lapse, expires tasks, and ends a shutdown at its deadline. It starts when it
//! is first needed. While wake-ups are deferred it ticks every [`TICK`]; otherwise it sleeps until
//! the next time that it knows of, or until it is called.
//!
//! It runs no user code that may block: it leaves the drops of closures and the calls of a spawn
//! handler, and the subscriber of `tracing`, to `helper_threads.rs`. It does call wakers, which by
//! contract do not block. When the pool has ended, this thread may be the one
//! that drops it, with its hooks.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use std::{io, thread};

use tokio::sync::oneshot;

use crate::contain;
use crate::pool::events;
use crate::pool::scaling::scaler::Scaler;
use crate::pool::shared::{Shared, count};
use crate::pool::timer::helper_threads::HelperThreads;
use crate::pool::timer::state::State;
use crate::sync::MutexGuard;

/// The time between two checks of the deferred wake-ups. An overdue wake-up is late by this at
/// most.
const TICK: Duration = Duration::from_millis(2);
/// What is due within this time is done now, so that ticks and checks for blocked workers share
/// their wake-ups.
const SLACK: Duration = Duration::from_millis(1);
/// The pause after the operating system refused the thread.
const RETRY: Duration = Duration::from_secs(1);
/// The least time between two checks of the deadlines of tasks.
const EXPIRY_INTERVAL: Duration = Duration::from_millis(1);

/// Calls from other threads.
impl Shared {
    /// Arms the timer thread after a reservation was entered, so that the reservation can lapse.
    #[inline]
    pub(in crate::pool) fn keep_reservations(self: &Arc<Self>) {
        if !self.timer.armed.swap(true, Ordering::SeqCst) {
            self.call_timer_thread();
        }
    }

    /// Calls the timer thread if a task that came has an earlier deadline than it knows of.
    pub(in crate::pool) fn keep_expiry(self: &Arc<Self>) {
        // The timer thread first stores its time, and then reads the next deadline.
        let known = self.timer.expiry.load(Ordering::SeqCst);
        if self.expires_next().is_some_and(|at| at < known) {
            self.call_timer_thread();
        }
    }

    /// Returns the next deadline of a waiting task, in nanoseconds of the pool's clock.
    fn expires_next(&self) -> Option<u64> {
        [self.run_queue.next_expiry(), self.outside.next_expiry()].into_iter().flatten().min()
    }

    /// Has the waiting work cancelled at `deadline`. The earliest of several deadlines counts.
    /// Returns false if the timer thread can't be started.
    pub(in crate::pool) fn keep_deadline(self: &Arc<Self>, deadline: Instant) -> bool {
        self.tell_timer_thread(|state| {
            state.drain_until = Some(state.drain_until.map_or(deadline, |known| known.min(deadline)));
        })
    }

    /// Returns an alarm that is over at `then`; at once if the timer thread can't be started, and
    /// when every thread of the pool is gone.
    pub(in crate::pool) fn alarm(self: &Arc<Self>, then: Instant) -> oneshot::Receiver<()> {
        let (ring, alarm) = oneshot::channel();
        if !self.tell_timer_thread(|state| state.alarms.push((then, ring))) {
            self.end_alarms();
        }
        alarm
    }

    /// Ends all alarms.
    pub(in crate::pool) fn end_alarms(&self) {
        let alarms = std::mem::take(&mut self.timer.state.lock().alarms);
        self.timer.called.notify_one();
        drop(alarms);
    }

    /// Has the timer thread ask for a thread again at `then`, if work still waits. A worker's
    /// thread was refused.
    pub(in crate::pool) fn keep_asking(self: &Arc<Self>, then: Instant) {
        self.tell_timer_thread(|state| state.try_again = Some(then));
    }

    /// Has the timer thread tick, because a wake-up is deferred. Returns false if it can't be
    /// started, or if a test wants each wake-up sent at once.
    #[cold]
    pub(in crate::pool) fn start_ticking(self: &Arc<Self>) -> bool {
        if self.test_hooks.control().is_some_and(|control| control.sends_wakes()) {
            return false;
        }
        if self.deferred_wakes.start_ticking() {
            self.call_timer_thread();
        }
        self.deferred_wakes.is_ticking()
    }

    /// Ends the timer thread, because the pool has ended.
    pub(in crate::pool) fn stop_timer_thread(&self) {
        self.timer.state.lock().stopped = true;
        self.timer.called.notify_one();
    }

    /// Makes the timer thread check what is due. Returns false if it can't be started.
    pub(in crate::pool) fn call_timer_thread(self: &Arc<Self>) -> bool {
        self.tell_timer_thread(|_| ())
    }

    /// Starts the timer thread of a pool that is built.
    ///
    /// # Errors
    /// It can't be started.
    pub(in crate::pool) fn require_timer_thread(self: &Arc<Self>) -> io::Result<()> {
        let mut state = self.timer.state.lock();
        if !state.started {
            self.start_timer_thread(&mut state)?;
        }
        // A thread that was refused a moment ago is not asked for again.
        if state.started { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
    }

    #[cold]
    fn tell_timer_thread(self: &Arc<Self>, tell: impl FnOnce(&mut State)) -> bool {
        let mut state = self.timer.state.lock();
        tell(&mut state);
        let mut refused = None;
        if !state.started && (!state.stopped || !state.alarms.is_empty()) {
            refused = self.start_timer_thread(&mut state).err();
        }
        let started = state.started;
        drop(state);
        self.timer.called.notify_one();
        if let Some(error) = refused {
            // Without the lock: the subscriber is a user's code.
            self.events.side_thread_refused(error, "timer").tell();
        }
        started
    }

    fn start_timer_thread(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        let mut refused = Ok(());
        if state.not_before.is_none_or(|until| Instant::now() >= until) {
            let shared = Arc::clone(self);
            let builder = thread::Builder::new().name(format!("{}-timer", self.config.thread_name));
            match builder.spawn(move || run(&shared)) {
                Ok(_) => state.started = true,
                Err(error) => {
                    state.not_before = Some(Instant::now() + RETRY);
                    refused = Err(error);
                }
            }
        }
        if !state.started {
            // Until the next call reservations do not lapse, and no wake-up is deferred.
            self.timer.armed.store(false, Ordering::SeqCst);
            self.deferred_wakes.stop_ticking();
        }
        refused
    }
}

/// Runs the timer thread.
fn run(shared: &Arc<Shared>) {
    // The thread reads the pool's usable cores from its own affinity.
    shared.home.settle();
    contain::postpone_blocking();
    let mut schedule = Schedule::new(shared);
    let mut state = shared.timer.state.lock();
    while !state.stopped || schedule.helpers.has_waiting() || !state.alarms.is_empty() {
        let now = Instant::now();
        let alarm = state.alarms.iter().map(|(then, _)| *then).min();
        let own = [schedule.next(shared, now), state.drain_until, state.try_again, alarm];
        state = match own.into_iter().flatten().min() {
            Some(due) if due <= now => {
                act_on_calls(shared, state, now);
                schedule.act(shared, now);
                schedule.helpers.run(shared, contain::take_postponed(), now);
                shared.timer.state.lock()
            }
            Some(due) => shared.timer.called.wait_timeout(state, due - now),
            None => shared.timer.called.wait(state),
        };
    }
    state.started = false;
}

fn act_on_calls(shared: &Arc<Shared>, mut state: MutexGuard<'_, State>, now: Instant) {
    let drained = state.drain_until.take_if(|until| *until <= now).is_some();
    let again = state.try_again.take_if(|then| *then <= now).is_some();
    let (over, alarms) = std::mem::take(&mut state.alarms).into_iter().partition(|(then, _)| *then <= now);
    state.alarms = alarms;
    drop(state);
    if drained {
        shared.abort_all();
    }
    let over: Vec<(Instant, oneshot::Sender<()>)> = over;
    drop(over);
    if again && shared.has_work() {
        shared.work_waits();
    }
}

/// The times that only the timer thread keeps.
struct Schedule {
    scaler: Scaler,
    helpers: HelperThreads,
    /// The next check of the deferred wake-ups; `None` if there are none.
    tick: Option<Instant>,
    check: Option<Instant>,
    expiry: Option<Instant>,
    last_expiry: Instant,
    /// When to check an empty set of reservations once more.
    quiet: Option<Instant>,
}

impl Schedule {
    fn new(shared: &Arc<Shared>) -> Self {
        Self {
            scaler: Scaler::new(shared),
            helpers: HelperThreads::new(shared),
            tick: None,
            check: None,
            expiry: None,
            last_expiry: Instant::now(),
            quiet: None,
        }
    }

    /// Returns the earliest time at which anything is due.
    fn next(&mut self, shared: &Shared, now: Instant) -> Option<Instant> {
        let ticking = shared.deferred_wakes.is_ticking();
        self.tick = ticking.then(|| self.tick.unwrap_or(now + TICK));
        let (check, sample) = self.scaler.next(shared, now);
        self.check = check;
        self.expiry = self.next_expiry(shared);
        let lapse = self.next_lapse(shared, now);
        let helpers = self.helpers.next_check();
        [self.tick, check, sample, self.expiry, lapse, helpers].into_iter().flatten().min()
    }

    /// Does what is due.
    fn act(&mut self, shared: &Arc<Shared>, now: Instant) {
        let soon = now + SLACK;
        lapse_reservations(shared, now);
        if self.expiry.is_some_and(|at| at <= now) {
            let until = shared.ns_at(now);
            shared.expire(shared.run_queue.expire(until));
            shared.expire(shared.outside.expire(until));
            self.last_expiry = now;
        }
        if self.tick.is_some_and(|at| at <= soon) {
            shared.deferred_wakes.tick(shared.ns_at(now));
            self.tick = Some(now + TICK);
        }
        self.scaler.act(shared, now, self.check.is_some_and(|at| at <= soon));
    }

    /// Returns when to check the reservations next. An empty set is checked once more after the
    /// timeout, and until then nobody calls: a reservation that is entered meanwhile lapses later.
    /// Otherwise a caller that reserves and uses one permit after the other would call each time.
    fn next_lapse(&mut self, shared: &Shared, now: Instant) -> Option<Instant> {
        // Disarmed before the check: a reservation that is entered after it arms again, and calls.
        let armed = shared.timer.armed.swap(false, Ordering::SeqCst);
        let lapse = shared.reservations.next_lapse();
        self.quiet = match self.quiet {
            _ if lapse.is_some() => None,
            None if armed => now.checked_add(shared.config.reservation_timeout),
            until => until.filter(|until| *until > now),
        };
        let look = lapse.or(self.quiet);
        if look.is_some() {
            shared.timer.armed.store(true, Ordering::SeqCst);
        }
        look
    }

    /// Returns when to expire tasks next.
    fn next_expiry(&self, shared: &Shared) -> Option<Instant> {
        // Stored before the check: a task that comes later with an earlier deadline calls.
        shared.timer.expiry.store(u64::MAX, Ordering::SeqCst);
        let at = shared.expires_next()?.max(shared.ns_at(self.last_expiry + EXPIRY_INTERVAL));
        shared.timer.expiry.store(at, Ordering::SeqCst);
        shared.epoch.checked_add(Duration::from_nanos(at))
    }
}

fn lapse_reservations(shared: &Arc<Shared>, now: Instant) {
    for _ in 0..shared.reservations.lapse(now) {
        count(&shared.tally.lapsed);
        events::permit_lapsed(shared.config.reservation_timeout);
        shared.release_permit();
    }
}

#[cfg(all(test, not(millpond_loom)))]
mod tests {
    use super::*;
    use crate::config::PoolConfig;
    use crate::pool::lifecycle::hooks::Hooks;
    use crate::pool::scaling::foresight::Foresight;
    use crate::pool::test_hooks::TestHooks;
    use crate::pool::threads::bindings::Bindings;

    fn without_threads() -> Arc<Shared> {
        let config = PoolConfig::default();
        let placed = Bindings::new(&config, None);
        let (foresight, hooks) = (Foresight::default(), Hooks::default());
        Arc::new(Shared::new(config, hooks, foresight, TestHooks::default(), placed))
    }

    #[test]
    fn a_pool_that_needs_the_timer_thread_is_told_that_it_is_refused() {
        let shared = without_threads();
        shared.timer.state.lock().not_before = Some(Instant::now() + Duration::from_secs(3_600));
        assert!(shared.require_timer_thread().is_err());
        shared.timer.state.lock().not_before = None;
        assert!(shared.require_timer_thread().is_ok());
        shared.stop_timer_thread();
    }

    #[test]
    fn an_alarm_is_over_at_once_where_there_is_no_timer_thread() {
        let shared = without_threads();
        let hour = Instant::now() + Duration::from_secs(3_600);
        shared.timer.state.lock().not_before = Some(hour);
        assert!(shared.alarm(hour).blocking_recv().is_err());
    }

    #[test]
    fn an_alarm_starts_the_thread_of_a_pool_that_has_ended_and_ends_with_its_threads() {
        let shared = without_threads();
        shared.stop_timer_thread();
        assert!(shared.alarm(Instant::now()).blocking_recv().is_err());
        let alarm = shared.alarm(Instant::now() + Duration::from_secs(3_600));
        shared.end_alarms();
        assert!(alarm.blocking_recv().is_err());
    }
}
